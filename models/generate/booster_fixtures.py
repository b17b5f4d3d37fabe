"""Trains small models with XGBoost and LightGBM on the data sets that ship with scikit-learn, and records their answers.

    python models/generate/booster_fixtures.py runtime/compiler/tests/boosted

writes `answers.zip`: for each case the model as the program itself stores it, and `answers.json` with the rows that were
asked and every answer, in the names of scikit-learn; `decision_function` stands for margins. Rows are rounded to float32
first, so that both precisions are asked the same.
"""

import json
import pathlib
import sys
import tempfile
import zipfile

import lightgbm
import numpy as np
import xgboost
from sklearn import datasets

ROWS = 40


def load(name):
    data = getattr(datasets, f"load_{name}")()
    x = data.data.astype(np.float32).astype(np.float64)
    order = np.random.RandomState(7).permutation(len(x))
    return x[order], data.target[order].astype(np.float64)


def holes(name):
    """A data set with missing values."""
    x, y = load(name)
    x[np.random.RandomState(3).uniform(size=x.shape) < 0.1] = np.nan
    return x, y


def sparse(name):
    """A data set with zeros, and with missing values among the rows that are asked."""
    x, y = load(name)
    random = np.random.RandomState(4)
    x[random.uniform(size=x.shape) < 0.2] = 0.0
    x[: ROWS // 4][random.uniform(size=x[: ROWS // 4].shape) < 0.1] = np.nan
    return x, y


def categories():
    """Two columns of categories, which say more than the two of numbers."""
    random = np.random.RandomState(5)
    x = np.stack([random.randint(0, 60, 600), random.randint(0, 5, 600), random.normal(size=600), random.normal(size=600)], 1)
    x = x.astype(np.float32).astype(np.float64)
    y = random.normal(size=60)[x[:, 0].astype(int)] + (x[:, 1] == 3) * 2 + 0.1 * x[:, 2]
    x[:4, 0] = [70, -1, np.nan, 3.5]
    x[4:7, 1] = [-0.5, 1e9, 2.99]
    return x, y


def unit(data):
    x, y = data
    return x, (y - y.min()) / (y.max() - y.min())


# name -> (data, parameters, rounds, file).
XGBOOST = {
    "squared-error": (load("diabetes"), {"objective": "reg:squarederror"}, 8, "model.json"),
    "squared-error-holes": (holes("diabetes"), {"objective": "reg:squarederror", "base_score": 3.5}, 8, "model.ubj"),
    "logistic-regression": (unit(load("diabetes")), {"objective": "reg:logistic"}, 6, "model.json"),
    "binary": (load("breast_cancer"), {"objective": "binary:logistic"}, 8, "model.json"),
    "binary-holes": (holes("breast_cancer"), {"objective": "binary:logistic"}, 8, "model.ubj"),
    "binary-raw": (load("breast_cancer"), {"objective": "binary:logitraw"}, 4, "model.ubj"),
    "binary-hinge": (load("breast_cancer"), {"objective": "binary:hinge"}, 4, "model.ubj"),
    "softprob": (load("wine"), {"objective": "multi:softprob", "num_class": 3}, 5, "model.json"),
    "softmax-forest": (holes("iris"), {
        "objective": "multi:softmax", "num_class": 3, "num_parallel_tree": 3, "subsample": 0.6}, 3, "model.ubj"),
    "poisson": (load("diabetes"), {"objective": "count:poisson"}, 6, "model.ubj"),
    "gamma": (load("diabetes"), {"objective": "reg:gamma"}, 6, "model.ubj"),
    "tweedie": (load("diabetes"), {"objective": "reg:tweedie"}, 6, "model.ubj"),
    "dart": (load("diabetes"), {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.3}, 8, "model.json"),
    "linear": (holes("diabetes"), {"objective": "reg:squarederror", "booster": "gblinear"}, 8, "model.json"),
    "linear-softprob": (load("iris"), {
        "objective": "multi:softprob", "num_class": 3, "booster": "gblinear", "base_score": 0.3}, 8, "model.ubj"),
}
LIGHTGBM = {
    "regression": (load("diabetes"), {"objective": "regression"}, 8),
    "regression-root": (load("diabetes"), {"objective": "regression", "reg_sqrt": True}, 6),
    "regression-holes": (holes("diabetes"), {"objective": "regression_l1"}, 8),
    "zero-as-missing": (sparse("diabetes"), {"objective": "huber", "zero_as_missing": True}, 8),
    "none-missing": (sparse("wine"), {"objective": "regression", "use_missing": False}, 6),
    "categories": (categories(), {
        "objective": "regression", "categorical_feature": [0, 1], "min_data_per_group": 5, "cat_smooth": 1}, 8),
    "binary": (load("breast_cancer"), {"objective": "binary", "sigmoid": 0.7}, 8),
    "multiclass": (holes("wine"), {"objective": "multiclass", "num_class": 3}, 5),
    "multiclass-ova": (load("iris"), {"objective": "multiclassova", "num_class": 3}, 5),
    "poisson": (load("diabetes"), {"objective": "poisson"}, 6),
    "gamma": (load("diabetes"), {"objective": "gamma"}, 6),
    "tweedie": (load("diabetes"), {"objective": "tweedie"}, 6),
    "cross-entropy": (unit(load("diabetes")), {"objective": "cross_entropy"}, 6),
    "forest": (load("breast_cancer"), {
        "objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, 5),
    "dart": (load("diabetes"), {"objective": "regression", "boosting": "dart"}, 8),
}


def xgboost_case(data, parameters, rounds, file):
    x, y = data
    asked = xgboost.DMatrix(x[:ROWS])
    model = xgboost.train({"max_depth": 4, "seed": 1, **parameters}, xgboost.DMatrix(x[ROWS // 2:], y[ROWS // 2:]), rounds)
    margins, objective = model.predict(asked, output_margin=True), parameters["objective"]
    said = {"decision_function": margins}
    if objective == "multi:softmax":
        said["predict"] = model.predict(asked)
        model.set_param({"objective": "multi:softprob"})
        said["predict_proba"] = model.predict(asked)
        model.set_param({"objective": "multi:softmax"})
    elif objective == "multi:softprob":
        said["predict_proba"] = model.predict(asked)
        said["predict"] = said["predict_proba"].argmax(1)
    elif objective == "binary:logistic":
        p = model.predict(asked)
        said |= {"predict_proba": np.stack([1 - p, p], 1), "predict": (p > 0.5).astype(int)}
    else:
        said["predict"] = model.predict(asked)
    return said, bytes(model.save_raw(pathlib.Path(file).suffix[1:]))


def lightgbm_case(data, parameters, rounds):
    x, y = data
    parameters = {"num_leaves": 8, "min_data_in_leaf": 8, "seed": 1, "verbose": -1, "num_threads": 1, **parameters}
    categorical = parameters.pop("categorical_feature", "auto")
    model = lightgbm.train(parameters, lightgbm.Dataset(x[ROWS // 2:], y[ROWS // 2:], categorical_feature=categorical), rounds)
    margins, got = model.predict(x[:ROWS], raw_score=True), model.predict(x[:ROWS])
    # Margins of averages are sums.
    said = {"decision_function": margins / (rounds if parameters.get("boosting") == "rf" else 1)}
    if parameters["objective"] == "binary":
        said |= {"predict_proba": np.stack([1 - got, got], 1), "predict": (got > 0.5).astype(int)}
    elif got.ndim == 2:
        said |= {"predict_proba": got, "predict": got.argmax(1)}
    else:
        said["predict"] = got
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.txt"
        model.save_model(path)
        return said, path.read_bytes()


def listed(array):
    return [None if np.isnan(v) else float(v) for v in np.asarray(array, dtype=np.float64).ravel()]


def main(folder):
    path = pathlib.Path(folder) / "answers.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    cases = [(f"xgboost-{case}", which[3], which[0], xgboost_case(*which)) for case, which in XGBOOST.items()]
    cases += [(f"lightgbm-{case}", "model.txt", which[0], lightgbm_case(*which)) for case, which in LIGHTGBM.items()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for case, file, (x, _), (said, stored) in cases:
            said = {method: {"shape": list(np.shape(got)), "values": listed(got)} for method, got in said.items()}
            record = {"rows": ROWS, "columns": x.shape[1], "x": listed(x[:ROWS]), "said": said}
            for inner, data in [(file, stored), ("answers.json", json.dumps(record).encode())]:
                entry = zipfile.ZipInfo(f"{case}/{inner}", (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                out.writestr(entry, data)


if __name__ == "__main__":
    main(sys.argv[1])
