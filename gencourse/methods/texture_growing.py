"""Growing a texture pixel by pixel (Efros and Leung 1999, "Texture Synthesis by Non-parametric Sampling").

Each new pixel is copied from where the sample's surroundings look most like those of the pixel, as far as these are
there already: p(x_i | the known pixels of a window around it), looked up in the sample.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from gencourse.expect import at_least, check_sample
from gencourse.methods.sampling import uniform
from gencourse.methods.texture_canvas import Canvas, gaussian_window


class Texture(NamedTuple):
    """The picture, (1, C, H, W) in [0, 1], and where each pixel comes from: (2, H, W), row and column in the sample."""

    image: Tensor
    sources: Tensor


def window_distances(window: Tensor, known: Tensor, patches: Tensor) -> Tensor:
    """How different every patch of the sample is from a window, where the window is known.

    Args:
        window: (C, w, w), w odd; what unknown pixels hold does not matter.
        known: (w, w), 1 where a pixel is known and 0 elsewhere.
        patches: (P, C, w, w), all windows of the sample.

    Returns:
        (P,): squared differences, summed over colours, averaged over the known pixels with Gaussian weights.

    Source: Efros and Leung 1999, sec. 2.1.
    """
    weights = gaussian_window(window.shape[-1]).to(window) * known  # (w, w)
    squares = (patches - window).square().sum(1)  # (P, w, w)
    return (squares * weights).sum((1, 2)) / weights.sum()


def candidates(distances: Tensor, tolerance: float) -> Tensor:
    """Return the indices of the patches at most (1 + tolerance) times as far as the nearest, in rising order.

    Args:
        distances: (P,), zero or more.
        tolerance: Zero or more; at zero the nearest is left, and what is equally near.

    Source: Efros and Leung 1999, sec. 2.1.
    """
    return torch.nonzero(distances <= (1 + tolerance) * distances.min())[:, 0]


def grow(
    sample: Tensor,
    size: int,
    *,
    window: int = 11,
    tolerance: float = 0.1,
    seed_size: int = 3,
    rings: bool = False,
    generator: torch.Generator | None = None,
    callback: Callable[[Tensor, Tensor], None] | None = None,
) -> Texture:
    """Grow a texture around a seed, a small piece of the sample in the middle of an empty picture.

    Args:
        sample: (1, C, h, w) in [0, 1].
        size: Pixels a side of the result.
        window: Side of the surroundings that are compared, odd; it should hold the texture's largest regular shape.
        tolerance: A pixel is drawn among the patches within (1 + tolerance) of the nearest.
        seed_size: Side of the seed.
        rings: Fill the whole border of what is there at once; its pixels do not see each other.
        generator: Draws the seed, the order and the pixels.
        callback: Called after each ring with the picture so far, (1, C, size, size), and what is known, (size, size).

    Returns:
        The texture.

    Raises:
        ImageError: A sample that is none, is smaller than the window, or of one colour.
        ValueError: A size, window, seed or tolerance that cannot be.

    Source: Efros and Leung 1999, sec. 2.
    Differs from the paper: no limit on the distance above which a pixel is left for later.
    """
    at_least(1, size=size, seed_size=seed_size)
    if window % 2 == 0 or window < 3 or tolerance < 0:
        raise ValueError(f"window must be odd and at least 3, tolerance at least 0; got {window} and {tolerance}")
    check_sample(sample, max(window, seed_size), f"the window of {window} pixels")
    canvas = Canvas(sample, size, window, tolerance, generator)
    canvas.plant(min(seed_size, size))
    while len(border := canvas.border()):
        chance = uniform((len(border),), generator).to(border.device)
        for group in [torch.arange(len(border), device=border.device)] if rings else independent(border, window // 2):
            canvas.fill(border[group], chance[group])
        if callback is not None:
            callback(canvas.picture(), canvas.known[canvas.inside].clone())
    return Texture(canvas.picture(), canvas.sources)


def independent(places: Tensor, reach: int) -> Iterator[Tensor]:
    """Part places into groups that can each be filled at once, with the same result as one place after the other.

    A place waits for the earlier ones within its reach, and for no other.

    Args:
        places: (n, 2), rows and columns, in the order in which they would be filled.
        reach: The farthest row or column that a place looks at.

    Yields:
        Indices of places, every one once.
    """
    near = (places[:, None] - places).abs().amax(2) <= reach  # (n, n)
    before = near.tril(-1)
    waiting = torch.ones(len(places), dtype=torch.bool, device=places.device)
    while waiting.any():
        ready = waiting & ~(before & waiting).any(1)
        yield torch.nonzero(ready)[:, 0]
        waiting &= ~ready
