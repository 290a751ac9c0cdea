"""Scenes drawn from their seeds, some at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gencourse.expect import UnknownName
from gencourse.modes import torch_defaults
from gencourse.seasons.landscape import scene

SEASONS = ("summer", "winter")
SIZES = (32, 256)
CHUNK = 32  # scenes at a time: what fits into a processor's cache is drawn faster
LIMIT = 1 << 32  # torch's generator uses 32 bits of a seed


@torch.no_grad()
@torch_defaults()
def render(seeds: Sequence[int], season: str, size: int = 64) -> Tensor:
    """Draw the scene of each seed in one season.

    A scene depends on its seed alone, not on its neighbours, the global random state or the device: numbers come from
    torch's generator on the CPU, and processors that round differently differ by the last bits, at most a level of 255.

    Args:
        seeds: integers in [0, 2^32).
        season: "summer" or "winter".
        size: pixels a side, 32 to 256.

    Returns:
        (B, 3, size, size) in [0, 1].

    Raises:
        UnknownName: for another season.
        ValueError: for another size, no seed, or one out of range.
    """
    seeds = [int(seed) for seed in seeds]
    if season not in SEASONS:
        raise UnknownName("season", season, SEASONS)
    if not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(f"size must lie between {SIZES[0]} and {SIZES[1]} pixels, got {size}")
    if not seeds or min(seeds) < 0 or max(seeds) >= LIMIT:
        raise ValueError("give at least one seed, each from 0 to 2^32 - 1")
    return torch.cat([scene(seeds[i : i + CHUNK], season == "winter", size) for i in range(0, len(seeds), CHUNK)])
