"""The embedded emoji: each in colour and as a line drawing."""

import json
from collections.abc import Iterable

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gencourse import paths
from gencourse.data.imageset import ImageSet
from gencourse.expect import UnknownName

SPLITS = ("all", "train", "test")
TILE = 64


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
    meta = tuple(json.loads((paths.root() / "emoji.json").read_text(encoding="utf-8")))
    names = tuple(dict.fromkeys(e["group"] for e in meta))
    subgroups = list(dict.fromkeys(e["subgroup"] for e in meta))
    wanted = names if groups is None else (groups,) if isinstance(groups, str) else tuple(groups)
    for group in wanted:
        if group not in names:
            raise UnknownName("group of emoji", group, names)
    sides = {"all": (True, False), "train": (False,), "test": (True,)}[check_split(split)]
    test = [subgroups.index(e["subgroup"]) % 10 == 9 for e in meta]
    labels = torch.tensor([names.index(e["group"]) for e in meta])
    tiles = _tiles(f"emoji_{kind}.webp")[: len(meta)]  # the last row of the sheet is not full
    images = tiles if size == TILE else _halved(tiles)
    chosen = [i for i, e in enumerate(meta) if e["group"] in wanted and test[i] in sides]
    return ImageSet("emoji", images, labels, names, meta).subset(chosen)


def check_split(split: str) -> str:
    """Return `split`, or raise UnknownName where there is none of that name."""
    if split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    return split


def _tiles(name: str) -> Tensor:
    """Cut a sheet into its tiles, row by row: (N, C, 64, 64) uint8."""
    with Image.open(paths.root() / name) as picture:
        sheet = torch.from_numpy(np.array(picture.convert("RGB" if "colour" in name else "L")))
    sheet = sheet.reshape(*sheet.shape[:2], -1)
    h, w, c = sheet.shape
    tiles = sheet.reshape(h // TILE, TILE, w // TILE, TILE, c).permute(0, 2, 4, 1, 3)  # rows, columns, C, 64, 64
    return tiles.reshape(-1, c, TILE, TILE)


def _halved(images: Tensor) -> Tensor:
    """Mean of each 2 x 2 block, halves rounded up: (N, C, H, W) uint8 -> (N, C, H / 2, W / 2) uint8."""
    n, c, h, w = images.shape
    return ((images.reshape(n, c, h // 2, 2, w // 2, 2).int().sum((3, 5)) + 2) // 4).to(torch.uint8)
