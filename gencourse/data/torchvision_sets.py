"""MNIST and Fashion-MNIST: downloaded to where torchvision looks for them, and read by it.

Sizes and hashes of the .gz files are those that TensorFlow Datasets recorded (url_checksums/mnist.txt and
fashion_mnist.txt). Those of MNIST's content were computed for this course, from files whose md5 are the official ones.
"""

from collections.abc import Iterable

import torch

from gencourse.data.cache import cache_dir
from gencourse.data.file import File
from gencourse.data.imageset import SPLITS, ImageSet


def _files(folder: str, mirrors: tuple[str, ...], facts: Iterable[tuple[str, int, str, str]]) -> tuple[File, ...]:
    """Files in the layout torchvision reads: FOLDER/raw/NAME-ubyte.gz; facts: name, size, sha256, sha256 of content."""
    return tuple(
        File(f"{folder}/raw/{name}-ubyte.gz", size, digest, tuple(f"{m}{name}-ubyte.gz" for m in mirrors), content)
        for name, size, digest, content in facts
    )


MNIST = _files(
    "MNIST",
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    (
        (
            "train-images-idx3",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        (
            "train-labels-idx1",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        (
            "t10k-images-idx3",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        (
            "t10k-labels-idx1",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)
FASHION_MNIST = _files(
    "FashionMNIST",
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    (
        ("train-images-idx3", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", ""),
        ("train-labels-idx1", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", ""),
        ("t10k-images-idx3", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", ""),
        ("t10k-labels-idx1", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", ""),
    ),
)


def mnist(split: str = "all") -> ImageSet:
    """Return MNIST from the cache.

    Args:
        split: "train", the 60,000, "test", the 10,000, or "all", both in this order.

    Returns:
        Images (N, 1, 28, 28) and labels 0 to 9.

    Source: LeCun, Cortes and Burges: The MNIST database, CC BY-SA 3.0.
    """
    from torchvision.datasets import MNIST as Reader

    return _read("mnist", Reader, split)


def fashion_mnist(split: str = "all") -> ImageSet:
    """Return Fashion-MNIST from the cache.

    Args:
        split: "train", the 60,000, "test", the 10,000, or "all", both in this order.

    Returns:
        Images (N, 1, 28, 28) and the labels of ten kinds of clothes.

    Source: Xiao, Rasul and Vollgraf 2017, Zalando Research, MIT.
    """
    from torchvision.datasets import FashionMNIST as Reader

    return _read("fashion_mnist", Reader, split)


def _read(name: str, reader: type, split: str) -> ImageSet:
    parts = SPLITS[1:] if split == "all" else (split,)
    sets = [reader(cache_dir(), train=part == "train", download=False) for part in parts]
    images, labels = (torch.cat([getattr(s, field) for s in sets]) for field in ("data", "targets"))
    names = tuple(c.split(" - ")[0] for c in sets[0].classes)  # "7 - seven"
    return ImageSet(name, images[:, None], labels.long(), names)
