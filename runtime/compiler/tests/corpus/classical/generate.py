"""Writes small classical models beside this file, with what ONNX Runtime answers.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy
    python generate.py

Every case is a folder in the form of the ONNX project's backend tests.
"""

import json
import pathlib
import shutil

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
RANDOM = np.random.default_rng(7)
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "int64": TensorProto.INT64}
FLOAT, DOUBLE, INT64, STRING = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.STRING


def element(array):
    return STRING if array.dtype.kind in "UO" else TYPES[array.dtype.name]


def write(name, op, inputs, outputs, version=3, domain="ai.onnx.ml", **attributes):
    """One node over inputs, by name; outputs by name and type."""
    node = helper.make_node(op, list(inputs), [output for output, _ in outputs], domain=domain, **attributes)
    graph = helper.make_graph(
        [node],
        name,
        [helper.make_tensor_value_info(key, element(array), array.shape) for key, array in inputs.items()],
        [helper.make_tensor_value_info(output, dtype, None) for output, dtype in outputs],
    )
    sets = [helper.make_opsetid("ai.onnx.ml", version), helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=sets, ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results = session.run(None, inputs)
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    (folder / "tolerance.json").write_text(json.dumps({"rtol": 1e-5, "atol": 1e-5}) + "\n")
    for what, arrays in (("input", inputs.items()), ("output", zip([o for o, _ in outputs], results))):
        for index, (key, array) in enumerate(arrays):
            array = np.asarray(array)
            array = array.astype(object) if element(array) == STRING else array
            (data / f"{what}_{index}.pb").write_bytes(numpy_helper.from_array(array, key).SerializeToString())


def rows(count, features, dtype=np.float32, missing=False):
    """Halves, so that thresholds are met exactly."""
    x = (RANDOM.integers(-6, 7, (count, features)) / 2).astype(dtype)
    if missing:
        x[RANDOM.random(x.shape) < 0.15] = np.nan
    return x


class Forest:
    """Random trees as the attributes of a tree ensemble."""

    def __init__(self, prefix, trees, targets, modes=MODES, depth=3, missing=False, positive=False, one_each=False):
        self.prefix, self.modes, self.missing, self.positive = prefix, modes, missing, positive
        names = ["treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids"]
        self.nodes = {name: [] for name in names + ["missing_value_tracks_true"]}
        self.scores = {name: [] for name in ["ids", "nodeids", "treeids", "weights"]}
        for tree in range(trees):
            self.count = 0
            self.grow(tree, depth, [targets[tree % len(targets)]] if one_each else targets)

    def grow(self, tree, depth, targets):
        node, place = self.count, len(self.nodes["nodeids"])
        self.count += 1
        leaf = depth == 0 or (node > 0 and RANDOM.random() < 0.15)
        values = [tree, node, int(RANDOM.integers(4)), float(RANDOM.integers(-4, 5)) / 2]
        values += ["LEAF" if leaf else str(RANDOM.choice(self.modes)), 0, 0, int(self.missing and RANDOM.random() < 0.5)]
        for name, value in zip(self.nodes, values):
            self.nodes[name].append(value)
        if leaf:
            for target in targets:
                weight = float(RANDOM.random() if self.positive else RANDOM.normal())
                for name, value in zip(self.scores, [target, node, tree, weight]):
                    self.scores[name].append(value)
        else:
            self.nodes["truenodeids"][place] = self.grow(tree, depth - 1, targets)
            self.nodes["falsenodeids"][place] = self.grow(tree, depth - 1, targets)
        return node

    def attributes(self):
        nodes = {f"nodes_{name}": values for name, values in self.nodes.items()}
        return nodes | {f"{self.prefix}_{name}": values for name, values in self.scores.items()}


def trees():
    y = [("Y", FLOAT)]
    for mode in MODES:
        forest = Forest("target", 3, [0], [mode], missing=True)
        x = rows(16, 4, missing=True)
        write(f"trees_{mode.lower()}", "TreeEnsembleRegressor", {"X": x}, y, n_targets=1, **forest.attributes())
    for aggregate in ["SUM", "AVERAGE", "MIN", "MAX"]:
        forest = Forest("target", 4, [0, 1, 2], one_each=aggregate in ("MIN", "MAX"))
        given = {"aggregate_function": aggregate, "base_values": [0.5, 1.5, 2.5], "n_targets": 3}
        write(f"trees_{aggregate.lower()}", "TreeEnsembleRegressor", {"X": rows(8, 4)}, y, **given, **forest.attributes())
    for transform in ["LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]:
        forest = Forest("target", 3, [0, 1, 2], one_each=True)
        given = {"post_transform": transform, "n_targets": 3}
        write(f"trees_{transform.lower()}", "TreeEnsembleRegressor", {"X": rows(8, 4)}, y, **given, **forest.attributes())
    doubles = Forest("target", 3, [0, 1]).attributes()
    for name in ["nodes_values", "target_weights"]:
        doubles[f"{name}_as_tensor"] = numpy_helper.from_array(np.array(doubles.pop(name)) + 1e-12, name)
    write("trees_double", "TreeEnsembleRegressor", {"X": rows(8, 4, np.float64)}, y, n_targets=2, **doubles)
    for dtype in [np.float32, np.float64]:
        indexed(dtype)


def indexed(dtype):
    """TreeEnsemble-5: three levels of splits over eight leaves, two of them tests of membership."""
    inner = [index < 3 for index in range(7)]
    child = lambda index, side: 2 * index + 1 + side if inner[index] else 2 * (index - 3) + side
    write(
        f"trees_indexed_{np.dtype(dtype).name}",
        "TreeEnsemble",
        {"X": rows(16, 3, dtype, missing=True)},
        [("Y", TYPES[np.dtype(dtype).name])],
        version=5,
        aggregate_function=1,
        n_targets=2,
        tree_roots=[0],
        nodes_featureids=[0, 1, 2, 0, 1, 2, 0],
        nodes_modes=numpy_helper.from_array(np.array([0, 6, 2, 3, 4, 6, 5], np.uint8)),
        nodes_splits=numpy_helper.from_array(np.array([0.5, 0, -1, 1, 2, 0, 0], dtype)),
        membership_values=numpy_helper.from_array(np.array([1, 2, np.nan, 1, 3, np.nan], dtype)),
        nodes_truenodeids=[child(index, 0) for index in range(7)],
        nodes_falsenodeids=[child(index, 1) for index in range(7)],
        nodes_trueleafs=[int(not leads) for leads in inner],
        nodes_falseleafs=[int(not leads) for leads in inner],
        nodes_missing_value_tracks_true=[0, 1, 0, 1, 0, 1, 0],
        leaf_targetids=[0, 1] * 4,
        leaf_weights=numpy_helper.from_array(np.arange(8).astype(dtype) / 4),
    )


def tree_classifiers():
    texts, numbers = [("L", STRING), ("P", FLOAT)], [("L", INT64), ("P", FLOAT)]
    two = {"classlabels_strings": ["no", "yes"]}
    for name, targets, given in [
        ("first", [0], {}),
        ("first_logistic", [0], {"post_transform": "LOGISTIC", "base_values": [0.25]}),
        ("second", [1], {}),
        ("both", [0, 1], {"post_transform": "SOFTMAX"}),
        ("both_based", [0, 1], {"post_transform": "LOGISTIC", "base_values": [0.5, 0.25]}),
    ]:
        for positive in [False, True]:
            forest = Forest("class", 3, targets, positive=positive)
            case = f"two_classes_{name}{'_positive' if positive else ''}"
            write(case, "TreeEnsembleClassifier", {"X": rows(12, 4)}, texts, **two, **given, **forest.attributes())
    three = {"classlabels_int64s": [7, 8, 9]}
    for name, given in [("", {}), ("_based", {"base_values": [0.5, -0.5, 0.25], "post_transform": "SOFTMAX"})]:
        for each in [False, True]:
            forest = Forest("class", 5, [1, 2], one_each=True) if each else Forest("class", 3, [0, 1, 2])
            case = f"three_classes{'_of_two' if each else ''}{name}"
            write(case, "TreeEnsembleClassifier", {"X": rows(12, 4)}, numbers, **three, **given, **forest.attributes())


def linear():
    x = RANDOM.normal(size=(8, 4)).astype(np.float32)
    weights = lambda count: RANDOM.normal(size=count).tolist()
    texts, numbers = [("L", STRING), ("P", FLOAT)], [("L", INT64), ("P", FLOAT)]
    given = {"targets": 3, "coefficients": weights(12), "intercepts": [0.1, 0.2, 0.3], "post_transform": "LOGISTIC"}
    write("linear_three", "LinearRegressor", {"X": x}, [("Y", FLOAT)], **given)
    given = {"coefficients": weights(4), "intercepts": [0.1], "classlabels_strings": ["no", "yes"]}
    write("linear_two", "LinearClassifier", {"X": x}, texts, **given)
    write("linear_two_logistic", "LinearClassifier", {"X": x}, texts, post_transform="LOGISTIC", **given)
    given = {"coefficients": weights(12), "intercepts": [0.1, 0.2, 0.3], "classlabels_ints": [4, 2, 9]}
    doubles = {"X": x.astype(np.float64)}
    write("linear_softmax", "LinearClassifier", doubles, numbers, post_transform="SOFTMAX", **given)


def support_vectors():
    x = RANDOM.normal(size=(8, 4)).astype(np.float32)
    numbers = [("L", INT64), ("P", FLOAT)]
    kernels = {"LINEAR": [0.0, 0.0, 0.0], "POLY": [0.5, 0.3, 3.0], "RBF": [0.3, 0.0, 0.0], "SIGMOID": [0.1, 0.2, 0.0]}
    weights = lambda count: RANDOM.normal(size=count).tolist()
    for kernel, parameters in kernels.items():
        shared = {"kernel_type": kernel, "kernel_params": parameters}
        given = {"coefficients": weights(5), "support_vectors": weights(20), "rho": [0.05], "n_supports": 5}
        case = f"svr_{kernel.lower()}"
        write(case, "SVMRegressor", {"X": x}, [("Y", FLOAT)], **shared, **given)
        for classes, probable in [(2, False), (2, True), (4, False), (4, True)]:
            per, pairs = [3, 2, 1, 4][:classes], classes * (classes - 1) // 2
            given = {"vectors_per_class": per, "rho": weights(pairs), "classlabels_ints": [9, 8, 7, 6][:classes]}
            given |= {"coefficients": weights((classes - 1) * sum(per)), "support_vectors": weights(4 * sum(per))}
            if probable:
                given |= {"prob_a": (-RANDOM.random(pairs)).tolist(), "prob_b": weights(pairs)}
            if kernel in ("RBF", "POLY") or classes == 4 and not probable:
                case = f"svc_{kernel.lower()}_{classes}{'_probable' if probable else ''}"
                write(case, "SVMClassifier", {"X": x}, numbers, **shared, **given)
    given = {"coefficients": weights(5), "support_vectors": weights(20), "rho": [0.05], "n_supports": 5}
    given |= {"kernel_type": "RBF", "kernel_params": kernels["RBF"], "one_class": 1}
    write("one_class", "SVMRegressor", {"X": x}, [("Y", FLOAT)], **given)
    for classes in [2, 3]:
        given = {"coefficients": weights(4 * classes), "rho": [0.1] * classes, "kernel_params": [0.0, 0.0, 0.0]}
        write(f"liblinear_{classes}", "SVMClassifier", {"X": x}, numbers, classlabels_ints=[9, 8, 7][:classes], **given)


def features():
    x, y = rows(6, 4), [("Y", FLOAT)]
    x[2] = 0
    for norm in ["MAX", "L1", "L2"]:
        write(f"normalizer_{norm.lower()}", "Normalizer", {"X": x}, y, norm=norm)
    write("scaler", "Scaler", {"X": x.astype(np.float64)}, y, offset=[0.1, 0.2, 0.3, 0.4], scale=[1.0, 2.0, 3.0, 4.0])
    write("imputer", "Imputer", {"X": rows(6, 4, missing=True)}, y, imputed_value_floats=[1.0, 2.0, 3.0, 4.0],
          replaced_value_float=float("nan"))
    inputs = {"X": x, "W": x[:, :2]}
    write("feature_vectorizer", "FeatureVectorizer", inputs, y, inputdimensions=[3, 4])
    colours, numbers = np.array(["red", "blue", "mauve", "red"], object), np.array([3, 1, 9, -2], np.int64)
    write("one_hot_words", "OneHotEncoder", {"X": colours}, y, cats_strings=["blue", "red", "green"], zeros=1)
    write("one_hot_floats", "OneHotEncoder", {"X": x}, y, cats_int64s=[2, -1, 0], zeros=1)
    mapped = {"cats_strings": ["blue", "red"], "cats_int64s": [3, 1]}
    write("categories_to_numbers", "CategoryMapper", {"X": colours}, [("Y", INT64)], 1, default_int64=77, **mapped)
    write("categories_to_words", "CategoryMapper", {"X": numbers}, [("Y", STRING)], 1, **mapped)
    write("labels_1", "LabelEncoder", {"X": colours}, [("Y", INT64)], 1, classes_strings=["blue", "red"])
    repeated = {"keys_int64s": [3, 1, 3], "values_strings": ["three", "one", "never"]}
    write("labels_to_words", "LabelEncoder", {"X": numbers}, [("Y", STRING)], 2, **repeated)
    nan = {"keys_floats": [1.0, float("nan"), 0.0], "values_floats": [5.0, 6.0, 7.0]}
    for version in [2, 4]:
        given = {"X": np.array([1, np.nan, -0.0, 2], np.float32)}
        write(f"labels_of_nan_{version}", "LabelEncoder", given, y, version, **nan)
    tensors = {"keys_tensor": np.array(["red", "blue"], object), "values_tensor": np.array([0.1, 0.2])}
    tensors = {key: numpy_helper.from_array(array, key) for key, array in tensors.items()}
    tensors["default_tensor"] = numpy_helper.from_array(np.array([0.9]), "default")
    write("labels_by_tensors", "LabelEncoder", {"X": colours}, [("Y", DOUBLE)], 4, **tensors)
    tokens = np.array(list("abcabdbacbad"), object).reshape(2, 6)
    pool = {"pool_strings": list("ab" "abbaac" "abc"), "ngram_counts": [0, 2, 8], "ngram_indexes": [0, 3, 1, 5, 2, 7]}
    lengths = {"min_gram_length": 1, "max_gram_length": 3, "max_skip_count": 1, "weights": [0.5, 1.5, 2.0, 3.0, 0.25, 1.0]}
    for mode in ["TF", "IDF", "TFIDF"]:
        write(f"ngrams_{mode.lower()}", "TfIdfVectorizer", {"X": tokens}, y, domain="", mode=mode, **pool, **lengths)


trees()
tree_classifiers()
linear()
support_vectors()
features()
