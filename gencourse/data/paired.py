"""Pictures in pairs to train with: picture i of one side shows what picture i of the other shows."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch

from gencourse.data import sources
from gencourse.data.catalogue import fetch
from gencourse.data.folders import HELD_OUT, folder
from gencourse.data.imageset import ImageSet
from gencourse.data.landscapes import seasons
from gencourse.data.matching import matched
from gencourse.data.openmoji import emoji
from gencourse.expect import ImageError, UnknownName
from gencourse.seasons.scenes import CHUNK, render


@dataclass(frozen=True, eq=False)
class PairedSets:
    """Pictures of two kinds, A and B, of one size; those at one place of a and of b belong together.

    Args:
        name: of the data set.
        train_a: pictures of kind A to train with.
        train_b: their partners of kind B.
        test_a: pictures of kind A to test with.
        test_b: their partners.

    Raises:
        ImageError: when a side has more pictures than the other, or another size.
    """

    name: str
    train_a: ImageSet
    train_b: ImageSet
    test_a: ImageSet
    test_b: ImageSet

    def __post_init__(self):
        for a, b in ((self.train_a, self.train_b), (self.test_a, self.test_b)):
            if len(a) != len(b) or a.images.shape[2:] != b.images.shape[2:]:
                shapes = f"{tuple(a.images.shape)} and {tuple(b.images.shape)}"
                raise ImageError(f"the two sides of {self.name} are no pairs: they have shapes {shapes}")

    def reversed(self) -> "PairedSets":
        """Return the same pairs the other way round, from B to A."""
        return PairedSets(self.name, self.train_b, self.train_a, self.test_b, self.test_a)


def paired_sets(
    source: str | tuple[str | os.PathLike, str | os.PathLike],
    *,
    size: int = 64,
    n: int | None = None,
    tests: int | None = None,
) -> PairedSets:
    """Return pictures in pairs, to train with and to test with.

    Args:
        source: "emoji" (A line drawings, of one channel, B colour), "seasons" (A summer, B winter), "facades" (A label
            maps, B photographs: CMP, downloaded at the first use), "maps" (A aerial photographs, B maps, likewise), or
            two folders of one's own pictures, whose files have the same names.
        size: pixels a side.
        n: pairs to train with at most, None for all, and for the seasons 1,000.
        tests: pairs to test with at most, None for all, and for the seasons 200.

    Raises:
        UnknownName: for another name.
        DownloadError: when it cannot be downloaded.
        FileNotFoundError: where there is no such folder.
        ImageError: when fewer than two pictures of one's own have a partner.
        ValueError: for a size or a number that the set cannot have.
    """
    if not isinstance(source, str):
        return folder_pairs(*source, size=size, n=n, tests=tests)
    if source not in _SOURCES:
        raise UnknownName("set of pairs", source, _SOURCES)
    return _SOURCES[source](size=size, n=n, tests=tests)


def emoji_pairs(*, size: int = 64, n: int | None = None, tests: int | None = None) -> PairedSets:
    """Return emoji as pairs: A line drawings, of one channel, B in colour.

    Tested on every tenth subgroup, so that most variants of one drawing stay on one side.

    Args:
        size: 64, or 32.
        n: pairs to train with at most, None for all.
        tests: pairs to test with at most, None for all.

    Raises:
        ValueError: for another size.

    Source: OpenMoji, CC BY-SA 4.0.
    """
    parts = [
        emoji(size, kind, split=split).subset(slice(most))
        for split, most in (("train", n), ("test", tests))
        for kind in ("line", "colour")
    ]
    return PairedSets("emoji", *parts)


def season_pairs(*, size: int = 64, n: int | None = None, tests: int | None = None) -> PairedSets:
    """Return drawn landscapes as pairs: A summer, B the same places in winter.

    Args:
        size: pixels a side, 32 to 256.
        n: pairs to train with, None for 1,000.
        tests: pairs to test with, None for 200.

    Raises:
        ValueError: for another size, or no possible number.
    """
    summer = seasons("summer", "train", 1000 if n is None else n, size)
    seeds = [entry["seed"] for entry in summer.meta]
    parts = [render(seeds[i : i + CHUNK], "winter", size) for i in range(0, len(seeds), CHUNK)]
    winter = torch.cat([(part * 255).round().to(torch.uint8) for part in parts])
    test = [seasons(season, "test", 200 if tests is None else tests, size) for season in ("summer", "winter")]
    return PairedSets("seasons", summer, ImageSet("seasons", winter, None, (), summer.meta), *test)


def paper_pairs(name: str, *, size: int = 256, n: int | None = None, tests: int | None = None) -> PairedSets:
    """Return one of the CycleGAN paper's sets whose pictures are pairs, known by their names.

    Args:
        name: "facades" or "maps"; A and B as they are in the archive, for facades photographs and label maps.
        size: pixels a side.
        n: pairs to train with at most, None for all.
        tests: pairs to test with at most, None for all.

    Raises:
        DownloadError: when it cannot be downloaded, or the file is damaged.
        ImageError: when no picture has a partner.

    Source: Zhu et al. 2017; the facades are those of Tyleček and Šára 2013, CMP.
    """
    fetch(name)
    sets = sources.read(name, size=size, n=n, tests=tests)
    train, test = matched(sets.train_a, sets.train_b), matched(sets.test_a, sets.test_b)
    return PairedSets(name, *train, *test)


def folder_pairs(
    a: str | os.PathLike, b: str | os.PathLike, *, size: int = 64, n: int | None = None, tests: int | None = None
) -> PairedSets:
    """Read two folders of one's own pictures, as `data.folder` does; files of one name are a pair.

    Endings may differ, and a final _A or _B of a name does not count. Every tenth pair, the first included, is held out
    for testing. Each picture is cut to its middle square, so partners should have the same shape.

    Args:
        a: folder of the pictures of kind A.
        b: folder of the pictures of kind B.
        size: pixels a side.
        n: pairs to train with at most, None for all.
        tests: pairs to test with at most, None for all.

    Raises:
        FileNotFoundError: where there is no such folder.
        ImageError: when fewer than two pictures have a partner, or two of one folder have the same name.
    """
    both = matched(folder(a, size), folder(b, size), least=2)
    held_out = torch.arange(len(both[0]), device="cpu") % HELD_OUT == 0
    train, test = ([side.subset(part) for side in both] for part in (~held_out, held_out))
    return PairedSets("folders", *(x.subset(slice(n)) for x in train), *(x.subset(slice(tests)) for x in test))


_SOURCES: dict[str, Callable[..., PairedSets]] = {
    "emoji": emoji_pairs,
    "seasons": season_pairs,
    "facades": lambda **options: paper_pairs("facades", **options).reversed(),
    "maps": lambda **options: paper_pairs("maps", **options),
}
