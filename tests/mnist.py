"""MNIST's own files, for tests that judge on digits which the project does not carry; skipped without them."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

SHARED = os.environ.get("GENCOURSE_SHARED")  # a folder of data that the project does not carry
RAW = Path(SHARED or os.devnull) / "data" / "MNIST" / "raw"
needs_mnist = pytest.mark.skipif(not RAW.is_dir(), reason="needs MNIST's own files in $GENCOURSE_SHARED/data/MNIST/raw")


def images_of(part: str) -> np.ndarray:
    """Return the digits of "train" or "t10k": (N, 1, 28, 28) uint8."""
    return idx_file(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)


def labels_of(part: str) -> np.ndarray:
    """Return their labels: (N,) uint8."""
    return idx_file(f"{part}-labels-idx1-ubyte.gz", 8)


def idx_file(name: str, skip: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress((RAW / name).read_bytes()), np.uint8, offset=skip)
