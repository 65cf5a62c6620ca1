"""Makes Examples/digits.npz from the MNIST files: python3 Examples/make_digits.py FOLDER

FOLDER holds the four files of MNIST as they are published (`kirchhoff data fetch mnist` brings them). Images are taken from
the first on, none is picked: `x` and `y` are test images with their classes, `calibration` are training images.
"""

import gzip
import pathlib
import sys

import numpy as np

TEST, CALIBRATION = 500, 100

folder = pathlib.Path(sys.argv[1])


def read(name, header):
    return np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8)[header:]


def images(name, count):
    return read(name, 16).reshape(-1, 1, 28, 28)[:count] / np.float32(255)


np.savez_compressed(
    pathlib.Path(__file__).parent / "digits.npz",
    x=images("t10k-images-idx3-ubyte.gz", TEST),
    y=read("t10k-labels-idx1-ubyte.gz", 8)[:TEST],
    calibration=images("train-images-idx3-ubyte.gz", CALIBRATION),
)
