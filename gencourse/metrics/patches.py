"""How real patches look: distances in the features of a network, of pictures that differ in size.

The features are those of the course's embedded network or of any other extractor, so a figure says of which.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from gencourse.expect import same_shape
from gencourse.metrics.distances import frechet_distance

Look = Callable[[Tensor], dict[str, Tensor]]
EPS = 1e-10  # of a length: a place where nothing was found has the length 0


@torch.no_grad()
def patch_features(look: Look, pictures: Iterable[Tensor], layer: str) -> Tensor:
    """Return what a layer finds at every place of every picture: each place is a patch, and a row.

    Args:
        look: Pictures (B, 3, H, W) in [0, 1] -> {layer: (B, C, h, w)}, an `Extractor` for one.
        pictures: Each (B, 3, H, W) in [0, 1]; sizes may differ.
        layer: Which.

    Returns:
        (N, C) on the CPU, N places in all.
    """
    return torch.cat([places(look(x)[layer]) for x in pictures])


def places(features: Tensor) -> Tensor:
    """Return what a layer found, (B, C, h, w), as a row for each place: (B * h * w, C) on the CPU."""
    return features.movedim(1, -1).flatten(0, -2).cpu()


def patch_frechet(look: Look, a: Iterable[Tensor], b: Iterable[Tensor], layer: str = "conv3_2") -> float:
    """Return the Frechet distance of the patches of two sets of pictures: mean and covariance over places.

    A handful of pictures has thousands of places. Compare sets that show the same things, as enlarged pictures and the
    true ones do; else the distance is of what they show.

    Args:
        look: As for `patch_features`.
        a: Pictures, each (B, 3, H, W) in [0, 1].
        b: Likewise.
        layer: Whose features.

    Returns:
        At least 0.

    Raises:
        ValueError: There are fewer than two places on a side.

    Source: Heusel et al. 2017, eq. 6, for the distance; Shaham et al. 2019 (SinGAN) for places in place of pictures.
    """
    return frechet_distance(*(patch_features(look, pictures, layer) for pictures in (a, b)))


@torch.no_grad()
def feature_distance(look: Look, a: Tensor, b: Tensor) -> Tensor:
    """Return how far apart pictures are in features whose channels are brought to length one at each place.

    It has the form of LPIPS but none of its learned weights: call it by the network's name, never LPIPS.

    Args:
        look: Pictures (B, 3, H, W) in [0, 1] -> {layer: (B, C, h, w)}.
        a: (B, 3, H, W) in [0, 1].
        b: The same.

    Returns:
        (B,): squared distances, averaged over places, and then over layers.

    Raises:
        ImageError: Unequal shapes.

    Source: Zhang et al. 2018, eq. 1.
    Differs from the paper: every channel counts alike.
    """
    same_shape(a, b)
    return distance_between(look(a), look(b))


def distance_between(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Tensor:
    """Return `feature_distance` of what the layers found already, {layer: (B, C, h, w)} each: (B,)."""
    distances = [(_unit(found[k]) - _unit(wanted[k])).square().sum(1).mean((1, 2)) for k in found]
    return torch.stack(distances).mean(0)


def _unit(x: Tensor) -> Tensor:
    return x / (x.norm(dim=1, keepdim=True) + EPS)
