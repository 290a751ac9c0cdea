"""Data sets by name, read from the files that lie in the project or in the cache."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gencourse import paths
from gencourse.data.cache import cache_dir
from gencourse.data.catalogue import CATALOGUE
from gencourse.data.download import fetch_unpacked
from gencourse.data.imageset import ImageSet
from gencourse.data.openmoji import SPLITS, check_split, emoji
from gencourse.data.pairs import TranslationSets, from_folders, from_zip, seasons, unpaired
from gencourse.expect import UnknownName
from gencourse.images import load as read_picture

PAIRS = (
    "seasons",
    *(name for name, entry in CATALOGUE.items() if entry.files and entry.files[0].name.endswith(".zip")),
)
TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


def load(name: str, split: str = "all") -> ImageSet:
    """Return a data set by name: "digits", "emoji", "mnist" or "fashion_mnist"; the last two are downloaded if need be.

    split: "train", "test" or "all". The parts of MNIST and Fashion-MNIST are their authors'; "all" is train, then test.
    Raises UnknownName, DownloadError, and ValueError for photos and paintings, which differ in size, and for what has
    two kinds of pictures: see `translation_sets`.
    """
    if name in TORCHVISION:
        return _from_torchvision(name, check_split(split))
    if name in ("digits", "emoji"):
        return digits(split) if name == "digits" else emoji(split=split)
    if name in PAIRS:
        raise ValueError(f"{name} has two kinds of pictures: get them with data.translation_sets({name!r})")
    if name in CATALOGUE:
        raise ValueError(f"the {name} differ in size: read one with data.{name.removesuffix('s')}(name)")
    raise UnknownName("data set", name, CATALOGUE)


def fetch(name: str, *, timeout: float = 30) -> Path:
    """Make sure that a data set is on this machine, verified, and return the folder it lies in.

    timeout: seconds without a byte after which a mirror is given up. Raises UnknownName, DownloadError.
    """
    if name not in CATALOGUE:
        raise UnknownName("data set", name, CATALOGUE)
    entry = CATALOGUE[name]
    if not entry.files:
        raise ValueError(f"the {name} are drawn when they are asked for: there is nothing to fetch")
    if entry.embedded:
        return (paths.root() / entry.files[0].name).parent
    fetched = [fetch_unpacked(file, cache_dir(), timeout=timeout) for file in entry.files]
    return fetched[0].parent


def translation_sets(
    source: str | tuple[str | os.PathLike, str | os.PathLike],
    *,
    size: int = 64,
    n: int | None = None,
    tests: int | None = None,
) -> TranslationSets:
    """Return two kinds of pictures, A and B, unpaired to train with and paired where possible to test with.

    source: "seasons" (A summer, B winter), "emoji" (A line drawings as three channels, B colour), a set of the paper by
    name ("horse2zebra", ...: downloaded at the first use), or two folders of one's own pictures.
    size: pixels a side. n, tests: how many pictures a side to train and to test with at most; None is all, and for the
    seasons 1,000 and 200. No training picture of one side shows the scene of one of the other, unless the set itself
    has both. Raises UnknownName, DownloadError, ImageError, FileNotFoundError, ValueError.
    """
    if not isinstance(source, str):
        return from_folders(*source, size=size, n=n, tests=tests)
    if source == "seasons":
        a, b = (seasons(season, "train", 1000 if n is None else n, size) for season in ("summer", "winter"))
        c, d = (seasons(season, "test", 200 if tests is None else tests, size) for season in ("summer", "winter"))
        return TranslationSets("seasons", a, b, c, d, paired=True)
    if source == "emoji":
        return _emoji_sets(size, n, tests)
    if source not in PAIRS:
        raise UnknownName("set of two kinds of pictures", source, ("seasons", "emoji", *PAIRS[1:]))
    archive = fetch(source) / f"{source}.zip"
    return from_zip(archive, source, size=size, n=n, tests=tests)


def digits(split: str = "all") -> ImageSet:
    """Return 10,000 handwritten digits, (N, 1, 28, 28): "train" is the first 9,000, "test" the last 1,000.

    They are the first 10,000 of MNIST's training set in another order, so MNIST's own test set shares none with them.
    Raises UnknownName for another split. LeCun, Cortes and Burges: The MNIST database, CC BY-SA 3.0.
    """
    with np.load(paths.root() / "digits.npz", allow_pickle=False) as archive:
        images, labels = torch.from_numpy(archive["images"])[:, None], torch.from_numpy(archive["labels"]).long()
    part = {"all": slice(None), "train": slice(9_000), "test": slice(9_000, None)}[check_split(split)]
    return ImageSet("digits", images[part], labels[part], tuple("0123456789"))


def photo(name: str, size: int | None = None) -> Tensor:
    """Return a photograph as (1, 3, H, W) in [0, 1]; size: pixels of the longer side. Raises UnknownName."""
    return _picture("photo", name, photos(), size)


def painting(name: str, size: int | None = None) -> Tensor:
    """Return a painting or print as (1, 3, H, W) in [0, 1]; size: pixels of the longer side. Raises UnknownName."""
    return _picture("painting", name, paintings(), size)


def photos() -> list[str]:
    """Names of the embedded photographs."""
    return [Path(file.name).stem for file in CATALOGUE["photos"].files]


def paintings() -> list[str]:
    """Names of the embedded paintings and prints."""
    return [Path(file.name).stem for file in CATALOGUE["paintings"].files]


def _emoji_sets(size: int, n: int | None, tests: int | None) -> TranslationSets:
    line, colour = ({part: emoji(size, kind, split=part) for part in ("train", "test")} for kind in ("line", "colour"))
    for part, drawings in line.items():
        line[part] = replace(drawings, images=drawings.images.expand(-1, 3, -1, -1))
    a, b = (x.subset(slice(n)) for x in unpaired(line["train"], colour["train"]))
    c, d = (x["test"].subset(slice(tests)) for x in (line, colour))
    return TranslationSets("emoji", a, b, c, d, paired=True)


def _picture(what: str, name: str, known: list[str], size: int | None) -> Tensor:
    if name not in known:
        raise UnknownName(what, name, known)
    return read_picture(paths.root() / f"{what}s" / f"{name}.jpg", size)


def _from_torchvision(name: str, split: str) -> ImageSet:
    from torchvision import datasets

    fetch(name)
    read = getattr(datasets, TORCHVISION[name])
    sets = [read(cache_dir(), train=part == "train", download=False) for part in SPLITS[1:] if split in ("all", part)]
    images, labels = (torch.cat([getattr(s, field) for s in sets]) for field in ("data", "targets"))
    names = tuple(c.split(" - ")[0] for c in sets[0].classes)  # "7 - seven"
    return ImageSet(name, images[:, None], labels.long(), names)
