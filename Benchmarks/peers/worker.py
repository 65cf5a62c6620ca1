"""Runs one variant of a peer script as a worker: prints `ready`, then one timed repeat for each line `go`.

    worker.py FOLDER SCRIPT VARIANT [PART]

The scripts measure with `timeit` of their `_bench` module and report with `emit`; both are replaced here, so that the work
itself stays exactly as the script defines it. VARIANT is what the script passes to `run_variant`; PART a
word of the name of one measurement, where a variant makes several.
"""
import os
import re
import resource
import runpy
import sys
import time
import json

folder, script, variant = sys.argv[1:4]
part = sys.argv[4] if len(sys.argv) > 4 else ""
os.environ["PEERS_ONLY"] = variant
sys.path.insert(0, folder)
import _bench


class Served(Exception):
    """Ends the script after its first measurement."""


skipped = []


class OneTime(list):
    best = 1.0
    cpus = [1.0]
    other = [0.0]


def timeit(function, repeats=5, warmup=1, budget=20.0):
    for _ in range(warmup + 1):
        function()
    if part and not skipped:
        # The variant measures something else first.
        skipped.append(True)
        return OneTime([1.0])
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() != "go":
            break
        cpu, start = time.process_time(), time.perf_counter()
        function()
        wall, used = time.perf_counter() - start, time.process_time() - cpu
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"wall": wall, "cpu": used, "rss": rss}), flush=True)
    return OneTime([1.0])


def emit(item, library, times, merit, scale=1.0, note=""):
    if part and part not in item:
        return
    # Rates in it come from the made-up time of `OneTime`; the times that count were printed one by one.
    merit = re.sub(r"[;,]?\s*[\d.e+-]+\s*(ms/step|us/step|(images|samples|frames|M|[A-Za-z ]+)/s|GFLOP/s)", "", str(merit)).strip("; ")
    print(json.dumps({"library": library, "merit": merit, "scale": scale}), flush=True)
    raise Served


def run_variant(name, function):
    if name == variant:
        function()


_bench.timeit, _bench.emit, _bench.run_variant = timeit, emit, run_variant
_bench.want = lambda name: name == variant
try:
    runpy.run_path(os.path.join(folder, script), run_name="__main__")
except Served:
    pass
