"""Data sets by name: embedded in the project, or downloaded once and verified.

    digits = data.digits("train")           # ImageSet: .images uint8 (N, C, H, W), .labels, .names
    batches = data.Batches(digits.signed(), 128, seed=run.seed)
    cat = data.photo("chelsea")             # (1, 3, H, W) in [0, 1]

`CATALOGUE` says what there is; data/README.md where it comes from.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gencourse.batches import Batches
from gencourse.cache import DownloadError, cache_dir
from gencourse.catalogue import CATALOGUE, Entry, UnknownName, root
from gencourse.download import fetch_unpacked
from gencourse.images import load as read_picture
from gencourse.images import to_signed

__all__ = ["CATALOGUE", "Batches", "DownloadError", "Entry", "ImageSet", "UnknownName", "cache_dir", "digits", "emoji"]
__all__ += ["fetch", "load", "painting", "paintings", "photo", "photos", "root"]
SPLITS = ("all", "train", "test")
TILE = 64
TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one size held in memory.

    images: (N, C, H, W) uint8; labels: (N,) int64 or None, indices into `names`, the classes;
    meta: for each image what else is known of it, or empty.
    """

    name: str
    images: Tensor
    labels: Tensor | None
    names: tuple[str, ...]
    meta: tuple[dict, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def unit(self) -> Tensor:
        """Return the images as float32 in [0, 1]."""
        return self.images.float() / 255

    def signed(self) -> Tensor:
        """Return the images as float32 in [-1, 1]."""
        return to_signed(self.unit())

    def subset(self, indices: slice | Sequence[int] | Tensor) -> "ImageSet":
        """Return the images at `indices`: a slice, integers, or a mask of N booleans. Raises IndexError."""
        chosen = torch.arange(len(self))[indices].reshape(-1)
        labels = None if self.labels is None else self.labels[chosen]
        meta = tuple(self.meta[i] for i in chosen.tolist()) if self.meta else ()
        return ImageSet(self.name, self.images[chosen], labels, self.names, meta)


def load(name: str, split: str = "all") -> ImageSet:
    """Return a data set by name: "digits", "emoji", "mnist" or "fashion_mnist"; the last two are downloaded if need be.

    split: "train", "test" or "all". The parts of MNIST and Fashion-MNIST are their authors'; "all" is train, then test.
    Raises UnknownName, DownloadError, and ValueError for photos and paintings, which differ in size.
    """
    if name in TORCHVISION:
        return _from_torchvision(name, _split(split))
    if name in ("digits", "emoji"):
        return digits(split) if name == "digits" else emoji(split=split)
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
    if entry.embedded:
        return (root() / entry.files[0].name).parent
    paths = [fetch_unpacked(file, cache_dir(), timeout=timeout) for file in entry.files]
    return paths[0].parent


def digits(split: str = "all") -> ImageSet:
    """Return 10,000 handwritten digits, (N, 1, 28, 28): "train" is the first 9,000, "test" the last 1,000.

    They are the first 10,000 of MNIST's training set in another order, so MNIST's own test set shares none with them.
    Raises UnknownName for another split. LeCun, Cortes and Burges: The MNIST database, CC BY-SA 3.0.
    """
    with np.load(root() / "digits.npz") as archive:
        images, labels = torch.from_numpy(archive["images"])[:, None], torch.from_numpy(archive["labels"]).long()
    part = {"all": slice(None), "train": slice(9_000), "test": slice(9_000, None)}[_split(split)]
    return ImageSet("digits", images[part], labels[part], tuple("0123456789"))


def emoji(
    size: int = 64, kind: str = "colour", groups: str | Iterable[str] | None = None, split: str = "all"
) -> ImageSet:
    """Return emoji on white: kind "colour", (N, 3, size, size), or "line", their line drawings, (N, 1, size, size).

    size: 64, or 32, each pixel the mean of 2 x 2; groups: one name or several, None for all. Classes are the groups.
    With the same arguments image i of one kind is the pair of image i of the other.
    split: "test" is every tenth subgroup, so that most variants of one drawing stay on one side.
    meta[i] holds hexcode, name, tags, group and subgroup. Raises UnknownName, ValueError. OpenMoji, CC BY-SA 4.0.
    """
    if size not in (TILE, TILE // 2):
        raise ValueError(f"emoji come in size {TILE} and {TILE // 2}, not {size!r}")
    if kind not in ("colour", "line"):
        raise UnknownName("kind of emoji", kind, ("colour", "line"))
    meta = tuple(json.loads((root() / "emoji.json").read_text(encoding="utf-8")))
    names = tuple(dict.fromkeys(e["group"] for e in meta))
    subgroups = list(dict.fromkeys(e["subgroup"] for e in meta))
    wanted = names if groups is None else (groups,) if isinstance(groups, str) else tuple(groups)
    for group in wanted:
        if group not in names:
            raise UnknownName("group of emoji", group, names)
    sides = {"all": (True, False), "train": (False,), "test": (True,)}[_split(split)]
    test = [subgroups.index(e["subgroup"]) % 10 == 9 for e in meta]
    labels = torch.tensor([names.index(e["group"]) for e in meta])
    tiles = _tiles(f"emoji_{kind}.webp")[: len(meta)]  # the last row of the sheet is not full
    images = tiles if size == TILE else _halved(tiles)
    chosen = [i for i, e in enumerate(meta) if e["group"] in wanted and test[i] in sides]
    return ImageSet("emoji", images, labels, names, meta).subset(chosen)


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


def _split(split: str) -> str:
    if split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    return split


def _picture(what: str, name: str, known: list[str], size: int | None) -> Tensor:
    if name not in known:
        raise UnknownName(what, name, known)
    return read_picture(root() / f"{what}s" / f"{name}.jpg", size)


def _tiles(name: str) -> Tensor:
    """Cut a sheet into its tiles, row by row: (N, C, 64, 64) uint8."""
    with Image.open(root() / name) as picture:
        sheet = torch.from_numpy(np.array(picture.convert("RGB" if "colour" in name else "L")))
    sheet = sheet.reshape(*sheet.shape[:2], -1)
    h, w, c = sheet.shape
    tiles = sheet.reshape(h // TILE, TILE, w // TILE, TILE, c).permute(0, 2, 4, 1, 3)  # rows, columns, C, 64, 64
    return tiles.reshape(-1, c, TILE, TILE)


def _halved(images: Tensor) -> Tensor:
    """Mean of each 2 x 2 block, halves rounded up: (N, C, H, W) uint8 -> (N, C, H / 2, W / 2) uint8."""
    n, c, h, w = images.shape
    return ((images.reshape(n, c, h // 2, 2, w // 2, 2).int().sum((3, 5)) + 2) // 4).to(torch.uint8)


def _from_torchvision(name: str, split: str) -> ImageSet:
    from torchvision import datasets

    fetch(name)
    read = getattr(datasets, TORCHVISION[name])
    sets = [read(cache_dir(), train=part == "train", download=False) for part in SPLITS[1:] if split in ("all", part)]
    images, labels = (torch.cat([getattr(s, field) for s in sets]) for field in ("data", "targets"))
    names = tuple(c.split(" - ")[0] for c in sets[0].classes)  # "7 - seven"
    return ImageSet(name, images[:, None], labels.long(), names)
