"""The embedded emoji: each in colour and as a line drawing."""

import json
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gencourse import paths
from gencourse.data.file import File, Origin
from gencourse.data.imageset import ImageSet, check_split
from gencourse.data.pairs import TranslationSets, unpaired
from gencourse.expect import UnknownName

TILE = 64
_FACTS = (
    "OpenMoji: Benedikt Groß, Daniel Utz and the OpenMoji contributors",
    "npm `openmoji` 17.0.0",
    "CC BY-SA 4.0",
)
EMOJI = (
    File("emoji_colour.webp", origin=Origin("emoji in colour, 64 x 64 tiles", *_FACTS)),
    File("emoji_line.webp", origin=Origin("the same emoji as line drawings, grey", *_FACTS)),
    File("emoji.json", origin=Origin("names, tags and groups, in the order of the tiles", *_FACTS)),
)


def emoji(
    size: int = 64, kind: str = "colour", groups: str | Iterable[str] | None = None, split: str = "all"
) -> ImageSet:
    """Return emoji on white.

    With the same arguments image i of one kind is the pair of image i of the other.

    Args:
        size: 64, or 32, each pixel the mean of 2 x 2.
        kind: "colour", or "line", their line drawings.
        groups: one name or several, None for all.
        split: "test" is every tenth subgroup, so that most variants of one drawing stay on one side.

    Returns:
        Images (N, 3, size, size), or (N, 1, size, size) of line drawings. Classes are the groups; meta[i] holds
        hexcode, name, tags, group and subgroup.

    Raises:
        UnknownName: for another kind, group or split.
        ValueError: for another size.

    Source: OpenMoji, CC BY-SA 4.0.
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
    labels = torch.tensor([names.index(e["group"]) for e in meta], device="cpu")
    tiles = _tiles(f"emoji_{kind}.webp")[: len(meta)]  # the last row of the sheet is not full
    images = tiles if size == TILE else _halved(tiles)
    chosen = [i for i, e in enumerate(meta) if e["group"] in wanted and test[i] in sides]
    return ImageSet("emoji", images, labels, names, meta).subset(chosen)


def emoji_sets(*, size: int = 64, n: int | None = None, tests: int | None = None) -> TranslationSets:
    """Return emoji as two kinds of pictures: A line drawings, as three channels, B in colour.

    Args:
        size: pixels a side, 64 or 32.
        n: pictures a side to train with at most, None for all.
        tests: pairs to test with at most, None for all.

    Raises:
        ValueError: for another size.
    """
    line, colour = ({part: emoji(size, kind, split=part) for part in ("train", "test")} for kind in ("line", "colour"))
    for part, drawings in line.items():
        line[part] = replace(drawings, images=drawings.images.expand(-1, 3, -1, -1))
    a, b = (x.subset(slice(n)) for x in unpaired(line["train"], colour["train"]))
    c, d = (x["test"].subset(slice(tests)) for x in (line, colour))
    return TranslationSets("emoji", a, b, c, d, paired=True)


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
