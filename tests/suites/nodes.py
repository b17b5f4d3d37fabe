"""Writes the ONNX project's backend tests as files: nodes.py FOLDER.

Node tests go directly below the folder, each as NAME/{model.onnx,tolerance.json} and NAME/test_data_set_N/{input,output}_M.pb;
the other families that the package brings as data go into folders of their own. A folder that this version of the package
has filled is left as it is.
"""

import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
import onnx.backend.test.case.node as node_tests
from onnx import TensorProto, numpy_helper

# "real" would be downloaded.
FAMILIES = ["simple", "pytorch-converted", "pytorch-operator"]
# Weights of the generated test data.
SEED = 0


def serialized(value, described):
    """The bytes of a recorded value as the type of its input or output says."""
    kind = described.type.WhichOneof("value")
    if isinstance(value, TensorProto):
        return value.SerializeToString()
    if kind == "tensor_type":
        return numpy_helper.from_array(np.asarray(value), described.name).SerializeToString()
    if kind == "sequence_type":
        return numpy_helper.from_list(value, described.name).SerializeToString()
    if kind == "map_type":
        return numpy_helper.from_dict(value, described.name).SerializeToString()
    return numpy_helper.from_optional(value, described.name).SerializeToString()


def write_case(case, folder):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    (folder / "tolerance.json").write_text(json.dumps({"rtol": case.rtol, "atol": case.atol}))
    graph = case.model.graph
    for index, data in enumerate(case.data_sets):
        data_set = folder / f"test_data_set_{index}"
        data_set.mkdir()
        for what, values, described in zip(("input", "output"), data, (graph.input, graph.output)):
            for at, (value, info) in enumerate(zip(values, described)):
                (data_set / f"{what}_{at}.pb").write_bytes(serialized(value, info))


def main():
    folder = Path(sys.argv[1])
    stamp = folder / "complete"
    if stamp.is_file() and stamp.read_text() == onnx.__version__:
        return
    shutil.rmtree(folder, ignore_errors=True)
    np.random.seed(SEED)
    random.seed(SEED)
    cases = node_tests.collect_testcases(None)
    for case in cases:
        write_case(case, folder / case.name)
    data = Path(onnx.backend.test.__file__).parent / "data"
    for family in FAMILIES:
        if (data / family).is_dir():
            shutil.copytree(data / family, folder / family)
    stamp.write_text(onnx.__version__)
    print(f"{len(cases)} node tests of onnx {onnx.__version__}", file=sys.stderr)


main()
