"""Writes the node tests of the onnx package, and the models that it ships with their data, as folders: a model, its inputs and
outputs as values in the format's own files, and what they are.

    python Tests/References/onnx_suite.py FOLDER
"""

import json
import os
import sys
import warnings

import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests

warnings.filterwarnings("ignore")


def proto(value, name, kind):
    """A value in the format's own form."""
    if isinstance(value, (onnx.TensorProto, onnx.SequenceProto, onnx.OptionalProto)):
        return value
    if kind == "optional_type":
        return numpy_helper.from_optional(value, name)
    if kind == "sequence_type" or isinstance(value, (list, tuple)):
        return numpy_helper.from_list(list(value), name)
    return numpy_helper.from_array(numpy.asarray(value), name)


def write(folder, model, sets, rtol, atol):
    os.makedirs(folder, exist_ok=True)
    onnx.save(model, os.path.join(folder, "model.onnx"))
    inputs, outputs = sets
    index = {"rtol": rtol, "atol": atol, "inputs": [], "outputs": []}
    for values, infos, role in [(inputs, model.graph.input, "inputs"), (outputs, model.graph.output, "outputs")]:
        for i, (value, info) in enumerate(zip(values, infos)):
            kind = info.type.WhichOneof("value")
            file = f"{role}_{i}.pb"
            with open(os.path.join(folder, file), "wb") as stream:
                stream.write(proto(value, info.name, kind).SerializeToString())
            index[role].append({"name": info.name, "kind": (kind or "tensor_type").replace("_type", ""), "file": file})
    with open(os.path.join(folder, "index.json"), "w") as stream:
        json.dump(index, stream)


def stored(folder, values):
    """Values that lie beside a model."""
    found = []
    for i, info in enumerate(values):
        with open(folder % i, "rb") as stream:
            data = stream.read()
        value = onnx.TensorProto()
        value.ParseFromString(data)
        found.append(value)
    return found


def main(target):
    for case in collect_testcases(None):
        for i, sets in enumerate(case.data_sets):
            write(os.path.join(target, case.name + (f"_{i}" if i else "")), case.model, sets, case.rtol, case.atol)
    for kind in ["simple", "pytorch-operator", "pytorch-converted"]:
        for case in load_model_tests(kind=kind):
            model = onnx.load(os.path.join(case.model_dir, "model.onnx"))
            version = max([entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")], default=1)
            if version < 7:
                continue
            given = [info for info in model.graph.input if info.name not in {t.name for t in model.graph.initializer}]
            for name in sorted(os.listdir(case.model_dir)):
                folder = os.path.join(case.model_dir, name)
                if not name.startswith("test_data_set") or not os.path.isdir(folder):
                    continue
                if any(info.type.WhichOneof("value") != "tensor_type" for info in list(given) + list(model.graph.output)):
                    continue
                inputs = stored(os.path.join(folder, "input_%d.pb"), given)
                outputs = stored(os.path.join(folder, "output_%d.pb"), model.graph.output)
                copy = onnx.ModelProto()
                copy.CopyFrom(model)
                del copy.graph.input[:]
                copy.graph.input.extend(given)
                write(os.path.join(target, kind + "-" + case.name), copy, (inputs, outputs), case.rtol, case.atol)


if __name__ == "__main__":
    main(sys.argv[1])
