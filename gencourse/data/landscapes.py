"""The drawn landscapes of `gencourse.seasons` as a data set: unpaired to train with, paired to test with."""

import torch

from gencourse.data.imageset import ImageSet
from gencourse.data.pairs import TranslationSets
from gencourse.expect import UnknownName
from gencourse.seasons.scenes import CHUNK, SEASONS, render

TEST = 1 << 30  # seed of the first test scene


def seasons(season: str, split: str = "train", n: int = 1000, size: int = 64) -> ImageSet:
    """Return drawn landscapes of one season, the same pictures everywhere.

    The two seasons of the training split share no scene: summer has the even seeds, winter the odd ones. In the test
    split image i of one season is the pair of image i of the other. No scene is in both splits.

    Args:
        season: "summer" or "winter".
        split: "train" or "test".
        n: how many.
        size: pixels a side, 32 to 256.

    Returns:
        Images (n, 3, size, size); meta[i] holds the seed of scene i.

    Raises:
        UnknownName: for another season or split.
        ValueError: for another size, or no possible n.
    """
    if season not in SEASONS:
        raise UnknownName("season", season, SEASONS)
    if split not in ("train", "test"):
        raise UnknownName("split of the seasons", split, ("train", "test"))
    if not 1 <= n <= TEST // 2:
        raise ValueError(f"n must be at least 1 and at most {TEST // 2:,}, got {n}")
    seeds = range(TEST, TEST + n) if split == "test" else range(SEASONS.index(season), 2 * n, 2)
    parts = [render(seeds[i : i + CHUNK], season, size) for i in range(0, n, CHUNK)]
    pictures = torch.cat([(part * 255).round().to(torch.uint8) for part in parts])
    return ImageSet("seasons", pictures, None, (), tuple({"seed": seed} for seed in seeds))


def season_sets(*, size: int = 64, n: int | None = None, tests: int | None = None) -> TranslationSets:
    """Return the seasons as two kinds of pictures: A summer, B winter.

    Args:
        size: pixels a side, 32 to 256.
        n: pictures a side to train with, None for 1,000.
        tests: pairs to test with, None for 200.

    Raises:
        ValueError: for another size, or no possible number.
    """
    a, b = (seasons(season, "train", 1000 if n is None else n, size) for season in SEASONS)
    c, d = (seasons(season, "test", 200 if tests is None else tests, size) for season in SEASONS)
    return TranslationSets("seasons", a, b, c, d, paired=True)
