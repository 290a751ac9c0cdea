"""The data sets known by name. To add one: write its reader and its files in a module of their own, and an Entry here.

The embedded ones lie in the `data` folder, which data/README.md describes file by file; the others are downloaded.
"""

import os
from functools import partial
from pathlib import Path

from gencourse import paths
from gencourse.data import gcompris, landscapes, mnist, openmoji, pictures, sources, torchvision_sets
from gencourse.data.cache import cache_dir
from gencourse.data.download import fetch_unpacked
from gencourse.data.entry import Entry
from gencourse.data.folders import from_folders
from gencourse.data.imageset import ImageSet, check_split
from gencourse.data.pairs import TranslationSets
from gencourse.expect import UnknownName

_ENTRIES = (
    Entry(
        "digits",
        "the first 10,000 handwritten digits of MNIST's training set, 28 x 28",
        mnist.DIGITS,
        read=mnist.digits,
    ),
    Entry(
        "emoji",
        "1,643 OpenMoji in colour and as line drawings, 64 x 64",
        openmoji.EMOJI,
        read=openmoji.emoji,
        pairs=openmoji.emoji_sets,
    ),
    Entry("photos", "six photographs, up to 640 pixels", pictures.PHOTOS, picture=pictures.photo),
    Entry("paintings", "seven paintings and prints, about 650 pixels", pictures.PAINTINGS, picture=pictures.painting),
    Entry(
        "photographs",
        "70 photographs of monuments and animals, the shorter side 288 pixels: 58 to train, 12 to test",
        gcompris.PHOTOGRAPHS,
        picture=gcompris.photograph,
    ),
    Entry("textures", "brick, grass and gravel, grey, 192 x 192", gcompris.TEXTURES, picture=gcompris.texture),
    Entry(
        "seasons",
        "landscapes in summer and in winter, drawn in any number and size",
        (),
        pairs=landscapes.season_sets,
        licence="MIT",
        source="this course",
    ),
    Entry(
        "mnist",
        "70,000 handwritten digits, 28 x 28: 60,000 to train, 10,000 to test",
        torchvision_sets.MNIST,
        read=torchvision_sets.mnist,
        licence="CC BY-SA 3.0",
        source="LeCun, Cortes and Burges: The MNIST database",
    ),
    Entry(
        "fashion_mnist",
        "70,000 pictures of clothes, 28 x 28: 60,000 to train, 10,000 to test",
        torchvision_sets.FASHION_MNIST,
        read=torchvision_sets.fashion_mnist,
        licence="MIT",
        source="Xiao, Rasul and Vollgraf 2017, Zalando Research",
    ),
    *(
        Entry(name, about, (file,), pairs=partial(sources.read, name), licence="research use", source="Zhu et al. 2017")
        for name, about, file in sources.PAPER_SETS
    ),
)
CATALOGUE: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}


def load(name: str, split: str = "all") -> ImageSet:
    """Return a data set by name; it is downloaded at the first use if it is not embedded.

    Args:
        name: "digits", "emoji", "mnist" or "fashion_mnist".
        split: "train", "test" or "all". The parts of MNIST and Fashion-MNIST are their authors'; "all" is train, then
            test.

    Raises:
        UnknownName: for another name or split.
        ValueError: for photos and paintings, which differ in size, and for what has two kinds of pictures: see
            `translation_sets`.
        DownloadError: when it cannot be downloaded.
    """
    entry = _find(name)
    if entry.only_pairs:
        raise ValueError(f"{name} has two kinds of pictures: get them with data.translation_sets({name!r})")
    if entry.read is None:
        one = getattr(entry.picture, "__name__", "")
        raise ValueError(f"the {name} differ in size: read one with data.{one}(name)")
    check_split(split)
    if not entry.embedded:
        fetch(name)
    return entry.read(split=split)


def translation_sets(
    source: str | tuple[str | os.PathLike, str | os.PathLike],
    *,
    size: int = 64,
    n: int | None = None,
    tests: int | None = None,
) -> TranslationSets:
    """Return two kinds of pictures, A and B, unpaired to train with and paired where possible to test with.

    No training picture of one side shows the scene of one of the other, unless the set itself has both.

    Args:
        source: "seasons" (A summer, B winter), "emoji" (A line drawings as three channels, B colour), a set of the
            paper by name ("horse2zebra", ...: downloaded at the first use), or two folders of one's own pictures.
        size: pixels a side.
        n: pictures a side to train with at most, None for all, and for the seasons 1,000.
        tests: pictures a side to test with at most, None for all, and for the seasons 200.

    Raises:
        UnknownName: for another name.
        DownloadError: when it cannot be downloaded.
        FileNotFoundError: where there is no such folder.
        ImageError: when a side has too few pictures that can be read.
        ValueError: for a size or a number that the set cannot have.
    """
    if not isinstance(source, str):
        return from_folders(*source, size=size, n=n, tests=tests)
    entry = CATALOGUE.get(source)
    if entry is None or entry.pairs is None:
        known = [name for name, entry in CATALOGUE.items() if entry.pairs]
        raise UnknownName("set of two kinds of pictures", source, known)
    if not entry.embedded:
        fetch(source)
    return entry.pairs(size=size, n=n, tests=tests)


def fetch(name: str, *, timeout: float = 30) -> Path:
    """Make sure that a data set is on this machine, verified, and return the folder it lies in.

    Args:
        name: of the data set.
        timeout: seconds without a byte after which a mirror is given up.

    Raises:
        UnknownName: for another name.
        ValueError: for what is drawn.
        DownloadError: when it cannot be downloaded, or not be kept.
    """
    entry = _find(name)
    if not entry.files:
        raise ValueError(f"the {name} are drawn when they are asked for: there is nothing to fetch")
    if entry.embedded:
        return (paths.root() / entry.files[0].name).parent
    *some, last = [name for name, entry in CATALOGUE.items() if entry.embedded]
    hint = f"Without a connection use {', '.join(some)} or {last}: they need no download."
    fetched = [fetch_unpacked(file, cache_dir(), timeout=timeout, hint=hint) for file in entry.files]
    return fetched[0].parent


def _find(name: str) -> Entry:
    if name not in CATALOGUE:
        raise UnknownName("data set", name, CATALOGUE)
    return CATALOGUE[name]
