"""Writes operations.safetensors: results and gradients of tensor operations, computed by PyTorch in double precision.

Needs torch and safetensors. Every case has inputs x0, x1, … (and integer inputs i0, …), its result y, a random gradient
g of that result, and the gradients d0, d1, … of sum(y * g). Run again only when a case is added: `python3 make_references.py`.
"""
import os
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

torch.manual_seed(20260101)
torch.set_default_dtype(torch.float64)
out = {}


def case(name, inputs, function, integers=(), positive=False, grad=None):
    xs = [x.clone().requires_grad_(True) for x in inputs]
    ints = [torch.as_tensor(i) for i in integers]
    y = function(*xs, *ints)
    if torch.is_complex(y):
        y = torch.view_as_real(y)
    g = torch.randn_like(y)
    if y.requires_grad:
        ds = torch.autograd.grad((y * g).sum(), xs, allow_unused=True)
        for k, d in enumerate(ds):
            if d is not None and (grad is None or k in grad):
                out[f"{name}/d{k}"] = d
    for k, x in enumerate(xs):
        out[f"{name}/x{k}"] = x
    for k, i in enumerate(ints):
        out[f"{name}/i{k}"] = i.to(torch.int32)
    out[f"{name}/y"], out[f"{name}/g"] = y, g


R, U = torch.randn, torch.rand
x = R(3, 5)
pos = U(3, 5) + 0.5
unit = U(3, 5) * 1.6 - 0.8
for n, f, v in [
    ("negated", torch.neg, x), ("magnitude", torch.abs, x), ("squared", torch.square, x), ("squareRoot", torch.sqrt, pos),
    ("reciprocalSquareRoot", torch.rsqrt, pos), ("reciprocal", torch.reciprocal, pos), ("exp", torch.exp, x), ("log", torch.log, pos),
    ("log1p", torch.log1p, pos), ("expm1", torch.expm1, x), ("sin", torch.sin, x), ("cos", torch.cos, x), ("tan", torch.tan, unit),
    ("asin", torch.asin, unit), ("acos", torch.acos, unit), ("atan", torch.atan, x), ("sinh", torch.sinh, x), ("cosh", torch.cosh, x),
    ("tanh", torch.tanh, x * 2), ("erf", torch.erf, x), ("sigmoid", torch.sigmoid, x * 3), ("relu", F.relu, x), ("softplus", F.softplus, x * 4),
    ("silu", F.silu, x), ("gelu", F.gelu, x), ("geluTanh", lambda t: F.gelu(t, approximate="tanh"), x), ("mish", F.mish, x),
    # not F.hardsigmoid: its gradient is 1/6 in single precision
    ("hardSigmoid", lambda t: (t / 6 + 0.5).clamp(0, 1), x * 3), ("hardSwish", F.hardswish, x * 3), ("softsign", F.softsign, x), ("selu", F.selu, x),
    ("leakyRelu", lambda t: F.leaky_relu(t, 0.2), x), ("elu", lambda t: F.elu(t, 0.7), x), ("power", lambda t: t ** 2.5, pos),
    ("clamped", lambda t: t.clamp(-0.5, 0.7), x), ("rounded", lambda t: torch.round(t * 3), x), ("floored", lambda t: torch.floor(t * 3), x),
    ("ceiled", lambda t: torch.ceil(t * 3), x), ("signs", torch.sign, x),
]:
    case(n, [v], f, grad=[] if n in ("rounded", "floored", "ceiled", "signs") else None)

case("logSigmoid", [x * 4], F.logsigmoid)
case("hardTanh", [x * 2], F.hardtanh)
case("relu6", [x * 6], F.relu6)
# not F.celu: its scale is in single precision
case("celu", [x], lambda t: torch.where(t > 0, t, 0.7 * torch.expm1(t / 0.7)))
case("prelu", [x, R(5)], lambda t, w: F.prelu(t, w))
case("gatedLinearUnit", [R(3, 6)], F.glu)

a, b = R(2, 3, 4), R(3, 1)
for n, f in [("add", torch.add), ("subtract", torch.sub), ("multiply", torch.mul), ("maximum", torch.maximum), ("minimum", torch.minimum), ("atan2", torch.atan2)]:
    case(n, [a, b], f)
case("divide", [a, U(3, 1) + 0.5], torch.div)
case("powerOf", [U(2, 3, 4) + 0.5, b], torch.pow)
case("scalars", [a], lambda t: 2 - (3 * t + 1) / 4 + 1 / (t * t + 1))
case("select", [a, b], lambda p, q: torch.where(p > 0.3, p, q.expand_as(p)))
case("filled", [a], lambda t: t.masked_fill(t > 0.5, -2.0))
case("less", [a, b], lambda p, q: (p < q).double(), grad=[])

case("sumAll", [a], lambda t: t.sum())
case("sumAxes", [a], lambda t: t.sum((0, 2)))
case("meanKeep", [a], lambda t: t.mean(1, keepdim=True))
case("variance", [a], lambda t: t.var(2, correction=1))
case("product", [a], lambda t: t.prod(1))
case("max", [a], lambda t: t.amax(2))
case("min", [a], lambda t: t.amin((0, 1)))
case("norm", [a], lambda t: t.norm())
case("logSumExp", [a * 3], lambda t: torch.logsumexp(t, 1))
case("indexOfMax", [a], lambda t: t.argmax(2).double(), grad=[])
case("softmax", [a], lambda t: t.softmax(-1))
case("softmaxInner", [R(2, 5, 70)], lambda t: t.softmax(1))
case("logSoftmax", [a * 2], lambda t: t.log_softmax(1))
case("cumulativeSum", [a], lambda t: t.cumsum(1))
case("cumulativeSumReversed", [a], lambda t: t.flip(2).cumsum(2).flip(2))
case("longSum", [R(3, 5000)], lambda t: t.sum(1))

case("reshaped", [a], lambda t: t.reshape(4, 6) ** 2)
case("permuted", [a], lambda t: t.permute(2, 0, 1) ** 2)
case("permutedBig", [R(3, 4, 5, 6)], lambda t: t.permute(3, 1, 0, 2) ** 2)
case("transposed", [a], lambda t: t.transpose(0, 2) ** 2)
case("slice", [a], lambda t: t[:, 1:3] ** 2)
case("at", [a], lambda t: t[:, :, 2] ** 2)
case("concatenate", [a, R(2, 2, 4)], lambda p, q: torch.cat((p, q), 1) ** 2)
case("stack", [x, pos], lambda p, q: torch.stack((p, q), 1) ** 2)
case("padded", [a], lambda t: F.pad(t, (1, 2)) ** 2)
case("paddedReflect", [a], lambda t: F.pad(t, (2, 1), mode="reflect") ** 2)
case("paddedEdge", [a], lambda t: F.pad(t, (2, 1), mode="replicate") ** 2)
case("paddedCircular", [a], lambda t: F.pad(t, (2, 1), mode="circular") ** 2)
case("broadcast", [b], lambda t: t.expand(2, 3, 4) ** 2)
case("reversed", [a], lambda t: t.flip(1) ** 2)

case("selecting", [a], lambda t, i: t.index_select(1, i.long()) ** 2, [[2, 0, 2, 1]])
case("gathered", [a], lambda t, i: t.gather(2, i.long()) ** 2, [torch.randint(0, 4, (2, 3, 2))])
case("scatterAdded", [a], lambda t, i: torch.zeros(2, 3, 6).scatter_add(2, i.long(), t) ** 2, [torch.randint(0, 6, (2, 3, 4))])
case("addedRows", [a], lambda t, i: torch.zeros(2, 5, 4).index_add(1, i.long(), t) ** 2, [[4, 0, 4]])
case("sorted", [a], lambda t: t.sort(2, descending=True)[0] * torch.arange(4.0))
case("topK", [a], lambda t: t.topk(2, 1)[0] * torch.arange(1.0, 3).view(2, 1))

m, k = R(4, 3), R(3, 5)
case("matmul", [m, k], torch.matmul)
case("matmulTransposed", [m, R(5, 4)], lambda p, q: p.T @ q.T)
case("matmulBatch", [R(2, 1, 4, 3), R(3, 3, 5)], torch.matmul)
case("matmulBatchTransposed", [R(2, 3, 4), R(2, 5, 3)], lambda p, q: p.mT @ q.mT)
case("matmulFlat", [R(2, 3, 4), R(4, 5)], torch.matmul)
case("matmulVector", [m, R(3)], torch.matmul)
case("linear", [R(2, 6, 3), k, R(5)], lambda t, w, c: torch.tanh(t @ w + c))
case("linearRelu", [R(6, 3), k, R(5)], lambda t, w, c: torch.relu(t @ w + c))
case("einsumBatch", [R(2, 3, 4), R(2, 4, 5)], lambda p, q: torch.einsum("bij,bjk->bik", p, q))
case("einsumOuter", [R(3), R(4)], lambda p, q: torch.einsum("i,j->ji", p, q))
case("einsumSum", [R(3, 4, 2)], lambda p: torch.einsum("ijk->kj", p))
case("einsumThree", [R(3, 4), R(4, 5), R(3, 5)], lambda p, q, r: torch.einsum("ij,jk,ik->i", p, q, r))

sq = R(2, 4, 4) + 4 * torch.eye(4)
spd = (lambda t: t @ t.mT + 4 * torch.eye(4))(R(2, 4, 4))
case("solve", [sq, R(2, 4, 3)], torch.linalg.solve)
case("solveVector", [sq[0], R(4)], torch.linalg.solve)
case("inverse", [sq], torch.linalg.inv)
case("logDeterminant", [sq], torch.logdet)
case("cholesky", [spd], lambda t: torch.linalg.cholesky((t + t.mT) / 2))
case("triangularSolve", [torch.tril(sq), R(2, 4, 3)], lambda p, q: torch.linalg.solve_triangular(torch.tril(p), q, upper=False))
case("triangularSolveTransposed", [torch.tril(sq), R(2, 4, 3)], lambda p, q: torch.linalg.solve_triangular(torch.tril(p).mT, q, upper=True))
case("qrProduct", [R(5, 3)], lambda t: (lambda qr: qr[0] @ (qr[1] ** 2))(torch.linalg.qr(t)), grad=None)
case("singularValues", [R(2, 5, 3)], torch.linalg.svdvals)
case("symmetricEigenvalues", [spd], lambda t: torch.linalg.eigvalsh((t + t.mT) / 2))
case("symmetricVectors", [spd[0]], lambda t: torch.linalg.eigh((t + t.mT) / 2)[1] ** 2)
case("eigenvalueMagnitudes", [sq], lambda t: torch.linalg.eigvals(t).abs().sort(-1)[0], grad=[])
case("leastSquares", [R(6, 3), R(6, 2)], lambda p, q: torch.linalg.lstsq(p, q).solution if not p.requires_grad else torch.linalg.solve(p.T @ p, p.T @ q))
case("diagonal", [sq], lambda t: torch.diagonal(t, dim1=-2, dim2=-1) ** 2)
case("diagonalMatrix", [x], lambda t: torch.diag_embed(t) ** 2)
case("lowerTriangle", [sq], lambda t: torch.tril(t) ** 2)

z = R(2, 6, 2)
case("fft", [z], lambda t: torch.fft.fft(torch.view_as_complex(t)))
case("fftUnitary2", [R(3, 4, 5, 2)], lambda t: torch.fft.fftn(torch.view_as_complex(t), dim=(-2, -1), norm="ortho"))
case("ifft3", [R(2, 3, 4, 2)], lambda t: torch.fft.ifftn(torch.view_as_complex(t), dim=(0, 1, 2)))
for n in (8, 7):
    case(f"rfft{n}", [R(3, n)], torch.fft.rfft)
    case(f"rfft2d{n}", [R(2, 6, n)], lambda t: torch.fft.rfftn(t, dim=(-2, -1)))
    case(f"irfft{n}", [torch.view_as_real(torch.fft.rfft(R(3, n)))], lambda t: torch.fft.irfft(torch.view_as_complex(t), n))
    case(f"irfft2d{n}", [torch.view_as_real(torch.fft.rfft2(R(2, 6, n)))], lambda t: torch.fft.irfftn(torch.view_as_complex(t), (6, n), dim=(-2, -1)))
case("complexMultiply", [z, R(6, 2)], lambda p, q: torch.view_as_complex(p) * torch.view_as_complex(q))
case("complexDivide", [z, R(6, 2) + 2], lambda p, q: torch.view_as_complex(p) / torch.view_as_complex(q))
case("complexMatmul", [R(2, 3, 4, 2), R(4, 5, 2)], lambda p, q: torch.view_as_complex(p) @ torch.view_as_complex(q))
case("complexSolve", [R(2, 3, 3, 2), R(2, 3, 2, 2)], lambda p, q: torch.linalg.solve(torch.view_as_complex(p), torch.view_as_complex(q)))
case("complexAdjoint", [R(3, 4, 2)], lambda p: torch.view_as_complex(p).mH.resolve_conj())
case("complexMagnitude", [z], lambda t: torch.view_as_complex(t).abs())
case("complexPhase", [z], lambda t: torch.view_as_complex(t).angle())

img, grid = R(2, 3, 5, 4), U(2, 3, 6, 2) * 2.6 - 1.3
for border in ("zeros", "border"):
    for corners in (True, False):
        case(f"gridSample-{border}-{corners}".lower(), [img, grid], lambda p, q: F.grid_sample(p, q, "bilinear", border, corners))
case("resizedNearest", [img], lambda t: F.interpolate(t, (10, 3), mode="nearest"))
case("resizedBilinear", [img], lambda t: F.interpolate(t, (9, 7), mode="bilinear"))
case("resizedBilinearCorners", [img], lambda t: F.interpolate(t, (3, 8), mode="bilinear", align_corners=True))
case("resizedBilinearDown", [img], lambda t: F.interpolate(t, (2, 2), mode="bilinear"))
case("adaptiveAveragePooled", [img], lambda t: F.adaptive_avg_pool2d(t, (3, 2)))
case("maxPooled1", [R(2, 3, 9)], lambda t: F.max_pool1d(t, 3, 2, 1))
case("maxPooled2", [R(2, 3, 7, 6)], lambda t: F.max_pool2d(t, 2))
case("maxPooled2Padded", [R(2, 3, 7, 6)], lambda t: F.max_pool2d(t, (3, 2), (2, 1), (1, 1)))
case("maxPooled3", [R(1, 2, 4, 5, 6)], lambda t: F.max_pool3d(t, 2, 2))
case("averagePooled1", [R(2, 3, 9)], lambda t: F.avg_pool1d(t, 3, 2, 1))
case("averagePooled2", [R(2, 3, 7, 6)], lambda t: F.avg_pool2d(t, 3, 2, 1))
case("averagePooled2Inner", [R(2, 3, 7, 6)], lambda t: F.avg_pool2d(t, 3, 2, 1, count_include_pad=False))
case("averagePooled3", [R(1, 2, 4, 5, 6)], lambda t: F.avg_pool3d(t, 2, 2))
case("globalAveragePooled", [img], lambda t: t.mean((2, 3)))

s3, o3 = U(3) + 0.5, R(3)
case("batchNorm", [img, s3, o3], lambda t, s, o: F.batch_norm(t, None, None, s, o, True))
case("batchNormReluResidual", [img, s3, o3, R(2, 3, 5, 4)], lambda t, s, o, r: F.relu(F.batch_norm(t, None, None, s, o, True) + r))
case("batchNormColumns", [R(8, 3), s3, o3], lambda t, s, o: F.batch_norm(t, None, None, s, o, True))
case("batchNormFixed", [img + 0.1, s3, o3, o3, s3], lambda t, s, o, mu, v: F.relu(F.batch_norm(t, mu.detach(), v.detach(), s, o, False)), grad=[0, 1, 2])
case("rowNormalised", [R(4, 37)], lambda t: F.layer_norm(t, (37,)))
case("rowNormalised2", [img], lambda t: F.layer_norm(t, (5, 4)))
case("groupNormalised", [R(2, 6, 5, 4)], lambda t: F.group_norm(t, 3))
case("instanceNormalised", [img], lambda t: F.instance_norm(t))

p, t = R(6, 5), R(6, 5)
case("meanSquaredError", [p, t], F.mse_loss)
case("meanAbsoluteError", [p, t], F.l1_loss)
case("huberLoss", [p, t], lambda u, v: F.huber_loss(u, v, delta=0.7))
case("crossEntropy", [p], lambda u, i: F.cross_entropy(u, i.long()), [[0, 4, 1, 1, 3, 2]])
case("crossEntropySmoothed", [p], lambda u, i: F.cross_entropy(u, i.long(), label_smoothing=0.1), [[0, 4, 1, 1, 3, 2]])
case("negativeLogLikelihood", [p], lambda u, i: F.nll_loss(u, i.long()), [[0, 4, 1, 1, 3, 2]])
case("binaryCrossEntropy", [p * 3, (t > 0).double()], F.binary_cross_entropy_with_logits, grad=[0])
case("binaryCrossEntropyOfProbabilities", [p.sigmoid(), (t > 0).double()], F.binary_cross_entropy, grad=[0])
case("klDivergence", [p.log_softmax(1), t.softmax(1)], lambda u, v: F.kl_div(u, v, reduction="batchmean"), grad=[0])
case("hingeLoss", [p, t.sign()], lambda u, v: F.relu(1 - u * v).mean(), grad=[0])
case("attention", [R(2, 4, 3), R(2, 5, 3), R(2, 5, 6)], F.scaled_dot_product_attention)
case("attentionMasked", [R(2, 4, 3), R(2, 4, 3), R(2, 4, 6)], lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True))

sp = R(5, 4) * (U(5, 4) < 0.4)
case("sparseProduct", [sp, R(4, 3)], lambda u, v: u @ v, grad=[1])
case("sparseTransposed", [sp, R(5)], lambda u, v: u.T @ v, grad=[1])

for dims, shape, w, kw in [
    (1, (2, 4, 11), (6, 4, 3), dict(stride=2, padding=1)),
    (2, (2, 3, 9, 8), (5, 3, 3, 3), dict(stride=1, padding=1)),
    (2, (2, 4, 9, 8), (6, 2, 3, 2), dict(stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)),
    (2, (2, 4, 7, 7), (4, 1, 3, 3), dict(stride=1, padding=1, groups=4)),
    (2, (3, 16, 8, 8), (32, 16, 1, 1), dict(stride=2)),
    (3, (1, 2, 5, 6, 4), (3, 2, 3, 2, 2), dict(stride=1, padding=1)),
]:
    f = [F.conv1d, F.conv2d, F.conv3d][dims - 1]
    case(f"float/convolution-{'x'.join(map(str, w))}-{'x'.join(map(str, shape))}", [R(*shape), R(*w) / np.sqrt(np.prod(w[1:])), R(w[0])], lambda u, v, c: f(u, v, c, **kw))
case("float/convolutionRelu", [R(2, 3, 6, 6), R(4, 3, 3, 3) / 5, R(4)], lambda u, v, c: F.relu(F.conv2d(u, v, c, padding=1)))
for dims, shape, w, o, kw in [
    (1, (2, 4, 6), (4, 3, 3), 3, dict(stride=2, padding=1, output_padding=1)),
    (2, (2, 4, 5, 4), (4, 3, 2, 2), 3, dict(stride=2)),
    (2, (2, 4, 5, 4), (4, 3, 3, 3), 6, dict(stride=2, padding=1, output_padding=1, groups=2)),
    (3, (1, 2, 3, 4, 3), (2, 3, 2, 2, 2), 3, dict(stride=2)),
]:
    f = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][dims - 1]
    case(f"float/transposedConvolution-{'x'.join(map(str, w))}-{kw.get('groups', 1)}", [R(*shape), R(*w) / np.sqrt(np.prod(w[1:])), R(o)], lambda u, v, c: f(u, v, c, **kw))

# Optimisers: start, the gradients of five steps, and where they lead, in single precision as both sides compute.
o = torch.optim
for n, make in [
    ("sgd", lambda p: o.SGD(p, lr=0.1)), ("momentum", lambda p: o.SGD(p, lr=0.1, momentum=0.9)),
    ("nesterov", lambda p: o.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
    ("adam", lambda p: o.Adam(p, lr=0.05)), ("adamDecay", lambda p: o.Adam(p, lr=0.05, weight_decay=0.1)),
    ("adamW", lambda p: o.AdamW(p, lr=0.05, weight_decay=0.1)),
]:
    p = torch.nn.Parameter(R(7, dtype=torch.float32))
    out[f"optimiser/{n}/start"] = p.detach().clone()
    gs = R(5, 7, dtype=torch.float32)
    out[f"optimiser/{n}/gradients"] = gs
    rule = make([p])
    for g in gs:
        p.grad = g.clone()
        rule.step()
    out[f"optimiser/{n}/end"] = p

# An LSTM with torch's weights, [4 width, inputs].
lstm = torch.nn.LSTM(3, 4, batch_first=True)
seq = R(2, 5, 3)
out["lstm/x"], out["lstm/y"] = seq, lstm(seq)[0]
out["lstm/input"], out["lstm/recurrent"] = lstm.weight_ih_l0, lstm.weight_hh_l0
out["lstm/bias"] = lstm.bias_ih_l0 + lstm.bias_hh_l0

# Self-attention with torch's weights.
mha = torch.nn.MultiheadAttention(6, 2, batch_first=True)
seq = R(2, 5, 6)
out["heads/x"], out["heads/y"] = seq, mha(seq, seq, seq)[0]
out["heads/projection"], out["heads/projectionBias"] = mha.in_proj_weight, mha.in_proj_bias
out["heads/output"], out["heads/outputBias"] = mha.out_proj.weight, mha.out_proj.bias

save_file({n: np.array(v.detach().numpy(), order="C") for n, v in out.items()}, os.path.join(os.path.dirname(os.path.abspath(__file__)), "operations.safetensors"),
          metadata={"made by": f"make_references.py, torch {torch.__version__}"})
print(len(out), "tensors", len({n.rsplit('/', 1)[0] for n in out}), "cases")
