"""Makes ONNX models and what onnxruntime computes with them: Tests/References/ONNX/*.onnx and references.safetensors.

Needs torch, onnx, onnxscript, onnxruntime, numpy and safetensors. With the folder of the MNIST files as argument it also
trains the network of Examples/digits.onnx.
"""
import gzip
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto as T
from onnx import helper as h
from safetensors.numpy import save_file
from torch import nn

here = pathlib.Path(__file__).parent / "ONNX"
here.mkdir(exist_ok=True)
for old in here.glob("*"):
    old.unlink()
torch.manual_seed(1)
rng = np.random.default_rng(1)
results = {}


def record(name, path, inputs):
    """Runs a model with onnxruntime and keeps inputs and outputs."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = session.run(None, inputs)
    for key, value in inputs.items():
        results[f"{name}|input|{key}"] = np.array(value, np.float32 if value.dtype == np.float32 else np.int32, order="C")
    for spec, value in zip(session.get_outputs(), outputs):
        results[f"{name}|output|{spec.name}"] = np.array(value, np.float32, order="C")


def export(name, model, *inputs, old=False):
    """A network as PyTorch exports it, with the new exporter or the old one."""
    model.eval()
    path = here / f"{name}.onnx"
    names = [f"x{i}" for i in range(len(inputs))]
    if old:
        torch.onnx.export(model, inputs, str(path), input_names=names, dynamo=False, opset_version=17)
    else:
        program = torch.onnx.export(model, inputs, input_names=names, dynamo=True, verbose=False)
        program.save(str(path), external_data=False)
    graph = onnx.load(path)
    # The new exporter keeps file names and source lines of this machine in the nodes.
    for node in graph.graph.node:
        del node.metadata_props[:]
    del graph.graph.value_info[:], graph.metadata_props[:], graph.graph.metadata_props[:]
    onnx.save(graph, path)
    record(name, path, {n: i.numpy() for n, i in zip(names, inputs)})


class Residual(nn.Module):
    """Convolutions as common networks have them: strided, depthwise, dilated, with batch normalisation and a shortcut."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.depth = nn.Sequential(nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8), nn.Hardswish(), nn.Conv2d(8, 8, 1))
        self.pool = nn.AvgPool2d(3, 2, 1, ceil_mode=True)
        self.head = nn.Linear(8, 5)
        for m in self.modules():
            if isinstance(m, nn.BatchNorm2d):
                nn.init.normal_(m.running_mean, 0, 0.3)
                nn.init.uniform_(m.running_var, 0.5, 2)

    def forward(self, x):
        x = self.stem(x)
        x = self.pool(torch.relu(x + self.depth(x)))
        return torch.log_softmax(self.head(x.mean((2, 3))), 1)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(2, 6, 4, 2, 1)
        self.norm = nn.GroupNorm(3, 6)
        self.up = nn.ConvTranspose2d(6, 4, 3, 2, 1, output_padding=1)
        self.out = nn.Conv2d(6, 1, 3, padding=1, padding_mode="reflect")

    def forward(self, x):
        y = nn.functional.leaky_relu(self.norm(self.down(x)), 0.2)
        y = nn.functional.interpolate(nn.functional.interpolate(y, scale_factor=2, mode="bilinear"), scale_factor=0.5, mode="nearest")
        return self.out(torch.cat([torch.sigmoid(self.up(y)), x], 1))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cell = kind(5, 7, num_layers=2, bidirectional=kind is not nn.RNN)
        self.head = nn.Linear(7 if kind is nn.RNN else 14, 3)

    def forward(self, x):
        return self.head(self.cell(x)[0][-1])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 16)
        self.block = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu", dropout=0)
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        return self.head(self.block(self.embed(x)).mean(1))


class GraphNet(nn.Module):
    """Two graph convolutions: messages along edges are gathered, weighted and added at their targets."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x, edges):
        for layer in [self.a, self.b]:
            x = layer(x)
            x = torch.relu(x + torch.zeros_like(x).index_add(0, edges[1], x[edges[0]]))
        return x.sum(0)


export("mlp", nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 4), nn.Softmax(1)), torch.randn(3, 10))
export("residual", Residual(), torch.randn(2, 3, 33, 31))
export("residual-old", Residual(), torch.randn(2, 3, 33, 31), old=True)
export("unet", UNet(), torch.randn(2, 2, 16, 12))
for kind in [nn.LSTM, nn.GRU, nn.RNN]:
    export(kind.__name__.lower(), Recurrent(kind), torch.randn(6, 2, 5), old=True)
export("attention", Attention(), torch.randint(0, 20, (2, 5)))
export("graph", GraphNet(), torch.randn(7, 6), torch.randint(0, 7, (2, 15)))
export("conv1d", nn.Sequential(nn.Conv1d(3, 6, 5, 2, 4), nn.ELU(), nn.ConvTranspose1d(6, 2, 4, 2, 1, groups=2), nn.AdaptiveAvgPool1d(1), nn.Flatten()), torch.randn(2, 3, 20))
export("conv3d", nn.Sequential(nn.Conv3d(1, 3, 3, 1, 1), nn.SELU(), nn.MaxPool3d(2), nn.Flatten(), nn.Linear(3 * 2 * 3 * 2, 2)), torch.randn(2, 1, 4, 6, 4))

single = {}


def node(kind, *arrays, outputs=1, name=None, opset=17, **attributes):
    """One node as a model of its own; only the first array is an input, the others are constants."""
    label = "op-" + (name or kind)
    constants = {f"c{i}": a for i, a in enumerate(arrays[1:])}
    types = {np.dtype(np.float32): T.FLOAT, np.dtype(np.int64): T.INT64, np.dtype(bool): T.BOOL}
    outs = [f"y{i}" for i in range(outputs)]
    graph = h.make_graph(
        [h.make_node(kind, ["x"] + list(constants), outs, name=label, **attributes)], label,
        [h.make_tensor_value_info("x", types[arrays[0].dtype], arrays[0].shape)],
        [h.make_empty_tensor_value_info(o) for o in outs],
        [onnx.numpy_helper.from_array(a, n) for n, a in constants.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)
    model = onnx.shape_inference.infer_shapes(model)
    path = here / f"{label}.onnx"
    onnx.save(model, path)
    record(label, path, {"x": arrays[0]})


f = lambda *shape: rng.standard_normal(shape).astype(np.float32)
i = lambda *values: np.array(values, np.int64)
for kind in ["Relu", "Sigmoid", "Tanh", "Exp", "Abs", "Neg", "Reciprocal", "Floor", "Ceil", "Round", "Sin", "Cos", "Erf", "Sign", "Softplus", "Softsign", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Celu", "Selu", "ThresholdedRelu", "Identity", "GlobalAveragePool", "GlobalMaxPool", "Shape", "Size"]:
    node(kind, f(2, 3, 4, 5))
node("Mish", f(2, 3), opset=18)
node("Gelu", f(2, 3), opset=20, approximate="tanh")
node("Log", np.abs(f(2, 3)) + 0.1)
node("Sqrt", np.abs(f(2, 3)))
node("PRelu", f(2, 3, 4), np.abs(f(3, 1)))
node("Clip", f(2, 3), np.float32(-0.5), np.float32(0.3))
for kind in ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean"]:
    node(kind, f(2, 3, 4), f(3, 1))
node("Add", i(1, 2, 3), i(4), name="Add-integers")
node("Div", i(7, -7, 9), i(2), name="Div-integers")
node("Mod", i(7, -7, 9), i(4))
node("Pow", np.abs(f(2, 3)), np.float32(1.5))
for kind in ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]:
    node(kind, np.array([1, 2, 3], np.float32), np.array([2], np.float32))
node("Cast", f(2, 3) * 3, to=T.INT64)
node("Reshape", f(2, 3, 4), i(0, -1, 2))
node("Flatten", f(2, 3, 4), axis=2)
node("Transpose", f(2, 3, 4), perm=[2, 0, 1])
node("Squeeze", f(2, 1, 4, 1), i(1, -1))
node("Unsqueeze", f(2, 3), i(0, -1))
node("Concat", f(2, 3), f(2, 2), axis=-1)
node("Split", f(2, 7), i(3, 4), outputs=2, axis=1)
node("Slice", f(5, 6, 7), i(1, -1, 0), i(4, -100, 7), i(0, 1, 2), i(2, -2, 3))
node("Expand", f(3, 1), i(2, 1, 4))
node("Tile", f(2, 3), i(2, 3))
node("Pad", f(2, 3), i(1, 0, 2, 3), np.float32(0.7))
node("Pad", f(4, 4), i(1, 2, 2, 1), name="Pad-reflect", mode="reflect")
node("ConstantOfShape", i(2, 3), value=h.make_tensor("v", T.FLOAT, [1], [1.5]))
for kind in ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2"]:
    node(kind, f(2, 3, 4), axes=[0, -1], keepdims=0)
node("ReduceSum", f(2, 3, 4), i(1))
for kind in ["ArgMax", "ArgMin"]:
    node(kind, f(2, 5), axis=1, keepdims=0)
for kind in ["Softmax", "LogSoftmax"]:
    node(kind, f(2, 5, 3), axis=1)
node("CumSum", f(3, 4), np.array(1, np.int64), reverse=1)
node("Einsum", f(2, 3, 4), f(2, 4, 5), equation="bij,bjk->bik")
node("BatchNormalization", f(2, 3, 4), f(3), f(3), f(3), np.abs(f(3)))
node("InstanceNormalization", f(2, 3, 4, 5), f(3), f(3))
node("LayerNormalization", f(2, 3, 4), f(3, 4), f(3, 4), axis=1)
node("GroupNormalization", f(2, 4, 5), f(4), f(4), num_groups=2, opset=21)
node("MaxPool", f(1, 2, 7, 9), kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 0, 1], ceil_mode=1)
node("MaxPool", f(1, 2, 7, 8), name="MaxPool-same", kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER")
node("AveragePool", f(1, 2, 7, 9), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 0, 1])
node("AveragePool", f(1, 2, 8, 8), name="AveragePool-counting", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
node("Conv", f(1, 2, 7, 8), f(4, 2, 3, 3), f(4), name="Conv-same", auto_pad="SAME_LOWER", strides=[2, 2])
node("ConvTranspose", f(1, 4, 5, 6), f(4, 3, 3, 2), f(6), group=2, strides=[2, 3], pads=[1, 0, 0, 1], output_padding=[1, 0], dilations=[1, 2])
node("Gemm", f(3, 4), f(5, 4), f(5), transB=1, alpha=0.5, beta=2.0)
node("MatMul", f(2, 3, 4), f(4, 5))
node("MatMul", f(2, 3, 4), f(2, 4, 5), name="MatMul-batched")
node("Gather", f(5, 3), np.array([[0, -1], [2, 2]], np.int64))
node("GatherElements", f(3, 4), rng.integers(0, 3, (3, 4)), axis=0)
node("GatherND", f(3, 4, 2), np.array([[[0, 1], [2, -1]]], np.int64))
node("ScatterElements", f(4, 3), rng.integers(0, 4, (5, 3)), f(5, 3), reduction="add", axis=0, opset=18)
node("ScatterND", f(4, 3), i(1, 1, 3).reshape(3, 1), f(3, 3), reduction="add", opset=18)
node("Resize", f(1, 2, 4, 5), np.zeros(0, np.float32), np.array([1, 1, 2, 1.6], np.float32), mode="linear", coordinate_transformation_mode="half_pixel")
node("Resize", f(1, 2, 4, 5), np.zeros(0, np.float32), np.array([1, 1, 2, 2], np.float32), name="Resize-nearest", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
node("Range", np.array(2, np.int64), np.array(11, np.int64), np.array(3, np.int64))
node("Not", np.array([True, False]))
node("And", np.array([True, False]), np.array([True, True]))
node("Or", np.array([True, False]), np.array([False, False]))
node("Where", np.array([[True], [False]]), f(2, 3), f(3))
node("Dropout", f(2, 3))

# One archive instead of a hundred files: the bytes of every model beside its inputs and outputs.
for path in sorted(here.glob("*.onnx")):
    data = path.read_bytes()
    results[f"{path.stem}|model|{len(data)}"] = np.frombuffer(data + bytes(-len(data) % 4), np.int32)
    path.unlink()
save_file(results, here / "references.safetensors", metadata={"made by": f"onnxruntime {onnxruntime.__version__}, torch {torch.__version__}"})
(here / "references.safetensors").chmod(0o644)

if len(sys.argv) > 1:
    folder = pathlib.Path(sys.argv[1])
    read = lambda name, skip: np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8)[skip:]
    x = torch.tensor(read("train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28) / np.float32(255))
    y = torch.tensor(read("train-labels-idx1-ubyte.gz", 8).astype(np.int64))
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, 2, 2), nn.ReLU(), nn.Conv2d(8, 16, 5, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 49, 10))
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 6 * 600)
    for epoch in range(6):
        for batch in torch.randperm(len(x)).split(100):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
            schedule.step()
    path = here.parent.parent.parent / "Examples" / "digits.onnx"
    torch.onnx.export(model.eval(), (x[:1],), str(path), input_names=["image"], output_names=["scores"], dynamo=False, opset_version=17, dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}})
    path.chmod(0o644)
    session = onnxruntime.InferenceSession(str(path))
    test = read("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28) / np.float32(255)
    labels = read("t10k-labels-idx1-ubyte.gz", 8)
    print("test accuracy by onnxruntime", (session.run(None, {"image": test})[0].argmax(1) == labels).mean())
