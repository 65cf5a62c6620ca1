"""The trajectory of item 1 (memristor field, 10,000 steps) by a hand-written scalar C loop, gcc -O3 -march=native."""
from _bench import *
import ctypes
import os
import subprocess
import tempfile
import numpy as np
import item01_node as item

p = item.problem("hp")
library = os.path.join(tempfile.mkdtemp(), "loop.so")
source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "field_loop.c")
subprocess.check_call(["gcc", "-O3", "-march=native", "-shared", "-fPIC", source, "-o", library, "-lm"])
run = ctypes.CDLL(library).trajectory
pointers = lambda a: (ctypes.c_void_p * 3)(*[x.ctypes.data for x in a])
W, b = pointers([l[0] for l in p["P"]]), pointers([l[1] for l in p["P"]])
x = np.empty(10001, np.float32)
x[0] = p["x0"][0, 0]
go = lambda: run(10000, ctypes.c_float(p["dt"]), ctypes.c_float(p["A"][0, 0]), W, b, ctypes.c_void_p(x.ctypes.data))
run_variant("c loop", lambda: emit("1-hp-infer10k", "C loop, gcc -O3 -march=native", timeit(go, 7, 1, 60), f"|x_1000|={abs(x[1000]):.5f}"))
