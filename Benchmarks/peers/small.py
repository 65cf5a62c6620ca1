"""Pieces of work that the shared peer scripts do not define, in PyTorch.

mlp   : 784-256-128-10, sigmoid, cross entropy, plain SGD 0.05, one pass over 10,000 uniform samples in batches of 64.
chain : h = tanh(h W) a hundred times, 16x16, then the gradient of sum(h) with respect to W; 50 times in a repeat.
"""
from _bench import *
import numpy as np
from _data import mlp_params, normal, u01

torch = torch_setup()
F = torch.nn.functional


def mlp():
    n = 10_000
    X = torch.from_numpy(u01(93, n, 784).astype(np.float32))
    Y = torch.from_numpy((u01(94, n) * 10).astype(np.int64))
    first = [torch.from_numpy(a) for layer in mlp_params(95, (784, 256, 128, 10)) for a in layer]
    R = {}

    def go():
        # As the layers of torch.nn hold them: weights [out, in].
        p = [torch.nn.Parameter((a.T if a.dim() == 2 else a).contiguous().clone()) for a in first]
        opt = torch.optim.SGD(p, lr=0.05)
        for i in range(0, n, 64):
            opt.zero_grad(set_to_none=True)
            h = torch.sigmoid(F.linear(X[i:i + 64], p[0], p[1]))
            h = torch.sigmoid(F.linear(h, p[2], p[3]))
            loss = F.cross_entropy(F.linear(h, p[4], p[5]), Y[i:i + 64])
            loss.backward()
            opt.step()
        R["l"] = float(loss.detach())
    t = timeit(go, 7, 1, 60)
    emit("mlp", f"torch {torch.__version__} eager", t, f"loss={R['l']:.6f}")


def chain():
    w = torch.from_numpy((0.3 * normal(91, 16, 16)).astype(np.float32)).requires_grad_()
    x = torch.from_numpy(normal(92, 16, 16).astype(np.float32))
    R = {}

    def go():
        for _ in range(50):
            w.grad = None
            h = x
            for _ in range(100):
                h = torch.tanh(h @ w)
            h.sum().backward()
        R["g"] = float(w.grad.norm())
    t = timeit(go, 7, 2, 60)
    emit("chain", f"torch {torch.__version__} eager", t, f"|dW|={R['g']:.4f}", 1 / 50)


run_variant("mlp torch", mlp)
run_variant("chain torch", chain)
