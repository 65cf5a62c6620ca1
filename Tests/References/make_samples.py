"""Makes small files by programs that are not ours: Tests/References/Samples. Needs h5py, pillow and numpy."""
import pathlib
import wave

import h5py
import numpy as np
from PIL import Image

out = pathlib.Path(__file__).parent / "Samples"
out.mkdir(exist_ok=True)
# The layout of the Spiking Heidelberg Digits: lists of different lengths in a group, labels beside it.
with h5py.File(out / "spikes.h5", "w") as f:
    kind = h5py.vlen_dtype(np.float16)
    times = f.create_dataset("spikes/times", (3,), dtype=kind)
    units = f.create_dataset("spikes/units", (3,), dtype=h5py.vlen_dtype(np.uint16))
    for i in range(3):
        times[i] = np.arange(i + 1) / 4
        units[i] = np.arange(i + 1) * 100
    f["labels"] = np.array([7, 0, 19], np.uint16)
    f.create_dataset("image", data=np.arange(12, dtype=np.float32).reshape(3, 4) / 8, compression="gzip")
    f["name"] = "not numbers"
y, x = np.mgrid[0:8, 0:12]
rgb = np.stack([x * 20, y * 30, (x + y) * 12], -1).astype(np.uint8)
Image.fromarray(rgb).save(out / "colour.png")
Image.fromarray(np.dstack([rgb, x.astype(np.uint8)])).save(out / "alpha.png")
Image.fromarray(rgb[..., 0]).save(out / "grey.png")
Image.fromarray(rgb).save(out / "colour.jpg", quality=95, subsampling=0)
with wave.open(str(out / "stereo.wav"), "wb") as w:
    w.setparams((2, 2, 8000, 0, "NONE", ""))
    w.writeframes(np.array([[0, 32767], [-32768, 16384], [1, -1]], "<i2").tobytes())
for path in out.iterdir():
    path.chmod(0o644)

# A citation network of six papers in Planetoid's files: papers 0 to 3 known, of which 0 and 1 are trained on, 5 and 4
# tested in that order.
import collections
import pickle

import scipy.sparse as sp

words = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1]], np.float32)
labels = np.eye(3, dtype=np.int32)[[0, 1, 2, 0, 1, 2]]
graph = collections.defaultdict(list, {0: [1, 2], 1: [0, 1], 2: [0, 3], 3: [2, 2, 4], 4: [3], 5: []})
order = [5, 4]
parts = {"x": sp.csr_matrix(words[:2]), "y": labels[:2], "allx": sp.csr_matrix(words[:4]), "ally": labels[:4],
         "tx": sp.csr_matrix(words[order]), "ty": labels[order], "graph": graph}
for name, value in parts.items():
    (out / f"ind.tiny.{name}").write_bytes(pickle.dumps(value, protocol=2))
(out / "ind.tiny.test.index").write_text("".join(f"{i}\n" for i in order))
for path in out.iterdir():
    path.chmod(0o644)
