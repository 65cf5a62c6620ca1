"""Times Kirchhoff against its peers: both do the same work, taking turns, in one go.

    bench.py [--works chain,mlp] [--threads 1,2] [--rounds 9] [--python PYTHON] [--peers FOLDER] [--out results.json]
    bench.py --table results.json

Ratios are medians of the peer over medians of ours: above 1 we are faster. PYTHON is an interpreter with the peers
installed; what it lacks is reported and left out.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
OWN = os.path.join(HERE, "peers")
# work of ours: (wanted ratio to the fastest peer of each group, [(group, script, variant)])
WORKS = {
    "resnet": ("small-CNN training step", [("PyTorch eager", 1.0, "item06_cnn.py", ["resnet eager"])]),
    "unet": ("U-Net training step", [("PyTorch eager", 1.0, "item06_cnn.py", ["unet eager"])]),
    "mlp": ("MLP 784-256-128-10, batch 64, one pass", [("PyTorch", 1.5, "small.py", ["mlp torch"])]),
    "chain": ("100 x (16x16 product + tanh), forward and backward", [("PyTorch", 10, "small.py", ["chain torch"])]),
    "node-hp": ("neural ODE training step, memristor", [
        ("torchdiffeq", 5, "item01_node.py", ["hp train torchdiffeq"]),
        ("fastest JAX", 2, "item01_node.py", ["hp train jax-scan", "hp train jax-scan-u8", "hp train diffrax-direct"])]),
    "node-l96": ("neural ODE training step, Lorenz96", [
        ("torchdiffeq", 5, "item01_node.py", ["l96 train torchdiffeq"]),
        ("fastest JAX", 2, "item01_node.py", ["l96 train jax-scan", "l96 train diffrax-checkpoint"])]),
    "trajectory-hp": ("10,000-step trajectory, 2-14-14-1", [("C loop", 0.5, "cloop.py", ["c loop"])]),
    "normal": ("2^24 normal numbers", [
        ("PyTorch", 3, "item17_limits.py", ["rng torch"]), ("NumPy", 3, "item17_limits.py", ["rng numpy SFC64"])]),
    "warp": ("12 warps + convolutions, 256x448", [("PyTorch eager", 1.0, "item07_warp.py", ["eager/full"])]),
    "rbm": ("restricted Boltzmann machine, CD-1 pass", [
        ("fastest of PyTorch, NumPy, scikit-learn", 1.2, "item05_rbm.py", ["torch eager", "numpy", "sklearn"])]),
    "diffusion-euler": ("10,000 samples, 1,000 Euler steps of a 2-14-14-2 score", [
        ("fastest of Numba, JAX, PyTorch", 1.5, "item02_diffusion.py", ["euler numba", "euler jax", "euler torch compile"])]),
    "diffusion-rk4": ("the same, Runge-Kutta 4", [
        ("fastest of JAX, PyTorch", 1.5, "item02_diffusion.py", ["rk4 jax", "rk4 torch compile"])]),
    "diffusion-em": ("the same, Euler-Maruyama", [
        ("fastest of Numba, JAX, PyTorch", 1.5, "item02_diffusion.py", ["em numba", "em jax rbg", "em torch compile"])]),
    "ks": ("Kuramoto-Sivashinsky, 256 points, 10,000 ETDRK4 steps", [
        ("fastest of pyFFTW, SciPy, NumPy, exponax", 3, "item11_spectral.py", ["ks pyfftw", "ks scipy", "ks numpy", "ks exponax f64"])]),
    "ns": ("Navier-Stokes, 64 x 64, 1,000 ETDRK4 steps", [
        ("fastest of pyFFTW, SciPy, exponax", 3, "item11_spectral.py", ["ns pyfftw", "ns scipy", "ns exponax f64"])]),
    "etkf": ("ensemble square-root filter, Lorenz96, 1,000 cycles", [
        ("DAPPER", 5, "item12_enkf.py", ["etkf dapper"]), ("NumPy by hand", 5, "item12_enkf.py", ["etkf numpy"])]),
    "letkf": ("local ensemble filter, Lorenz96, 1,000 cycles", [
        ("DAPPER", 5, "item12_enkf.py", ["letkf dapper"]), ("NumPy by hand", 5, "item12_enkf.py", ["letkf numpy"])]),
    "mimo": ("4x4 MIMO-OFDM link, 20.5 Mbit", [
        ("fastest of JAX, NumPy, PyTorch, Sionna", 5, "item09_mimo.py", ["jax", "numpy soa", "torch", "sionna"])]),
    "gemm": ("float32 product 1024^3", [("the BLAS call itself", 0.97, None, ["gemm-onednn", "gemm-openblas"])]),
}
# Timed repeats of a peer that do other than one unit of our work.
SCALES = {"item06_cnn.py": 1 / 10, "small.py:chain torch": 1 / 50, "item01_node.py:jax": 1 / 10, "item01_node.py:diffrax": 1 / 10}


class Worker:
    def __init__(self, name, command, threads, scale=1.0):
        env = dict(os.environ, PYTHONWARNINGS="ignore", PEERS_THREADS=str(threads), OMP_NUM_THREADS=str(threads),
                   OPENBLAS_NUM_THREADS=str(threads), JAX_PLATFORMS="cpu")
        pin = ["taskset", "-c", "0"] if threads == 1 else []
        self.name, self.scale, self.times, self.cpus, self.rss, self.merit = name, scale, [], [], 0, ""
        self.process = subprocess.Popen(pin + command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=env, cwd=HERE)
        self.started = self._wait("ready")

    def _wait(self, word):
        for line in self.process.stdout:
            if line.strip() == word:
                return True
        return False

    def _line(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        return None

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        r = self._line()
        if r is None:
            return
        self.times.append(r["wall"] * self.scale)
        self.cpus.append(r["cpu"] * self.scale)
        self.rss = max(self.rss, r["rss"])
        self.merit = r.get("merit", self.merit)

    def end(self):
        self.process.stdin.close()
        last = self._line()
        if last:
            self.merit, self.name = last.get("merit", self.merit), last.get("library", self.name)
        self.process.stdout.read()
        problem = self.process.stderr.read().strip().splitlines()
        self.process.wait()
        return problem[-1] if problem and not self.times else ""


def summary(times):
    m = statistics.median(times)
    return m, min(times), max(times)


def measure(work, title, groups, threads, rounds, python, peers, binary):
    records = []
    for group, wanted, script, variants in groups:
        fastest = None
        for variant in variants:
            if script is None:
                command, scale = [binary, variant], 1.0
            else:
                folder = OWN if os.path.exists(os.path.join(OWN, script)) else peers
                variant_name, _, part = variant.partition("/")
                command = [python, "-W", "ignore", os.path.join(OWN, "worker.py"), peers, os.path.join(folder, script), variant_name] + ([part] if part else [])
                scale = next((s for k, s in SCALES.items() if k == script or (":" in k and k.split(":")[0] == script and k.split(":")[1] in variant)), 1.0)
            ours = Worker("Kirchhoff", [binary, work], threads)
            theirs = Worker(variant, command, threads, scale)
            if not theirs.started:
                problem = theirs.end()
                ours.end()
                print(f"  {variant}: left out ({problem})", flush=True)
                continue
            start = time.time()
            for i in range(rounds):
                ours.go()
                theirs.go()
                if i >= 6 and time.time() - start > 90:
                    break
            ours.end()
            theirs.end()
            if not theirs.times or not ours.times:
                print(f"  {variant}: left out (it stopped)", flush=True)
                continue
            a, b = summary(ours.times), summary(theirs.times)
            record = dict(work=work, title=title, threads=threads, group=group, wanted=wanted, peer=theirs.name,
                          ours_s=a[0], ours_min=a[1], ours_max=a[2], peer_s=b[0], peer_min=b[1], peer_max=b[2], ratio=b[0] / a[0],
                          ours_rss_MiB=round(ours.rss), peer_rss_MiB=round(theirs.rss), ours_merit=ours.merit, peer_merit=theirs.merit, rounds=len(ours.times))
            records.append(record)
            if fastest is None or record["peer_s"] < fastest["peer_s"]:
                fastest = record
            print(f"  {threads} thread{'s' if threads > 1 else ' '} | ours {a[0]*1e3:9.3f} ms ({a[1]*1e3:.3f}-{a[2]*1e3:.3f}) {ours.rss:5.0f} MiB [{ours.merit}] | "
                  f"{theirs.name} {b[0]*1e3:9.3f} ms ({b[1]*1e3:.3f}-{b[2]*1e3:.3f}) {theirs.rss:5.0f} MiB [{theirs.merit}] | ratio {record['ratio']:.2f}", flush=True)
        if fastest:
            fastest["decides"] = True
            verdict = "reached" if fastest["ratio"] >= wanted else "NOT REACHED"
            print(f"  -> {group}: {fastest['ratio']:.2f}x, wanted {wanted}x: {verdict}", flush=True)
    return records


def limits(python, peers, threads):
    """What the machine can do at most, by the loops of the peers' item 17."""
    env = dict(os.environ, PEERS_THREADS=str(threads), PEERS_ONLY="peak", PEERS_QUICK="1")
    try:
        text = subprocess.run([python, os.path.join(peers, "item17_limits.py")], env=env, capture_output=True, text=True, timeout=300).stdout
    except (OSError, subprocess.TimeoutExpired):
        return
    for line in text.splitlines():
        if line.startswith("17-"):
            print(f"  limit, {threads} thread(s): " + line.split("  [")[0], flush=True)


def table(path):
    """The deciding records of a results file as a Markdown table."""
    print("| work | threads | ours, ms | peer, ms | peer | ratio | wanted | memory, MiB: ours, peer |\n|---|---|---|---|---|---|---|---|")
    for r in json.load(open(path)):
        if r.get("decides"):
            ours, theirs = (f"{1e3 * r[k + '_s']:.3g} ({1e3 * r[k + '_min']:.3g}–{1e3 * r[k + '_max']:.3g})" for k in ("ours", "peer"))
            print(f"| {r['title']} | {r['threads']} | {ours} | {theirs} | {r['peer']} | **{r['ratio']:.2f}** | {r['wanted']} | {r['ours_rss_MiB']}, {r['peer_rss_MiB']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", default=",".join(WORKS))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--peers", default=os.path.join(HERE, "..", "..", "shared", "peers"))
    parser.add_argument("--binary", default=os.path.join(HERE, "..", ".build-bench", "release", "Bench"))
    parser.add_argument("--out", default="", help="file for all records")
    parser.add_argument("--table", default="", metavar="RESULTS", help="print a file of records as a Markdown table, and stop")
    a = parser.parse_args()
    if a.table:
        return table(a.table)
    unknown = [w for w in a.works.split(",") if w not in WORKS]
    if unknown:
        parser.error(f"unknown work {', '.join(unknown)}; there are {', '.join(WORKS)}")
    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "?")
    print(f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f} at the start; medians (fastest-slowest)")
    for t in map(int, a.threads.split(",")):
        limits(a.python, a.peers, t)
    records = []
    for work in a.works.split(","):
        title, groups = WORKS[work]
        print(f"{work}: {title}", flush=True)
        for t in map(int, a.threads.split(",")):
            records += measure(work, title, groups, t, a.rounds, a.python, os.path.abspath(a.peers), os.path.abspath(a.binary))
    if a.out:
        json.dump(records, open(a.out, "w"), indent=1)
    missed = [r for r in records if r.get("decides") and r["ratio"] < r["wanted"]]
    print(f"{len(missed)} of {sum(1 for r in records if r.get('decides'))} targets missed" if missed else "all targets reached")


if __name__ == "__main__":
    main()
