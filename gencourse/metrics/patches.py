"""How far two sets of pictures lie apart by what a network finds in their places, each of which is a patch.

For sets too small to compare whole pictures: a hundred of them say little of the covariance of a hundred features, the
thousands of places in them say more.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from gencourse.metrics.distances import frechet_distance

Look = Callable[[Tensor], dict[str, Tensor]]


@torch.no_grad()
def patch_features(look: Look, pictures: Iterable[Tensor], layer: str) -> Tensor:
    """Return the features of every place of every picture, a row each.

    Args:
        look: Pictures (B, 3, H, W) in [0, 1] -> {layer: (B, C, h, w)}, such as an `Extractor`.
        pictures: Batches of them; sizes may differ.
        layer: Which.

    Returns:
        (N, C) on the CPU: picture by picture, row by row.
    """
    return torch.cat([look(batch)[layer].permute(0, 2, 3, 1).flatten(0, 2).cpu() for batch in pictures])


def patch_frechet(look: Look, a: Iterable[Tensor], b: Iterable[Tensor], layer: str = "conv3_2") -> float:
    """Fréchet distance of the places of some pictures and of others that show the same things.

    Both sides should have as many places: fewer give a larger distance.

    Args:
        look: As for `patch_features`.
        a: Batches of pictures, (B, 3, H, W) in [0, 1].
        b: Likewise.
        layer: Of which features.

    Returns:
        At least 0.

    Raises:
        ValueError: A side has fewer than two places.

    Source: Heusel et al. 2017, eq. 6, for the distance.
    Differs from the paper: of places in place of pictures, so the numbers compare with nobody else's.
    """
    return frechet_distance(patch_features(look, a, layer), patch_features(look, b, layer))
