"""How near translations come to the truth, all pictures together, and which colours were chosen for them."""

import math

import torch
from torch import Tensor

from gencourse.expect import at_least, check_range, check_shape, same_shape

HUES = ("red", "orange", "yellow", "lime", "green", "mint", "cyan", "azure", "blue", "violet", "magenta", "rose")
COLOURED = 0.15  # the least difference of a coloured pixel's largest and smallest value


def pooled_psnr(x: Tensor, y: Tensor) -> float:
    """Peak signal-to-noise ratio of all pictures together in decibels: 10 log10(1 / mean squared error).

    The mean of the pictures' own decibels is infinite as soon as one of them is right, and moves most where little is
    wrong. Here the errors are averaged first, then turned into decibels once.

    Args:
        x: (B, C, H, W) in [0, 1].
        y: The same.

    Returns:
        Decibels, infinite where all are equal.

    Raises:
        ImageError: Unequal shapes or values outside the range.
    """
    check_shape(x, "pictures", "B", "C", "H", "W")
    same_shape(x, y)
    x, y = (check_range(one, 0, 1).to("cpu", torch.float64) for one in (x, y))
    error = (x - y).square().mean().item()
    return -10 * math.log10(error) if error > 0 else math.inf


def hue_histogram(images: Tensor, *, bins: int = 12, least: float = COLOURED) -> Tensor:
    """Return how the hues of the coloured pixels of all pictures are shared out.

    Args:
        images: (B, 3, H, W) in [0, 1].
        bins: How many; the first has red in its middle. With twelve they are `HUES`.
        least: A pixel is coloured where its largest and its smallest value differ by this at least.

    Returns:
        (bins,) float64, which sum to one; all 0 where no pixel is coloured.

    Raises:
        ImageError: Another shape or range.
        ValueError: There is no bin.
    """
    at_least(1, bins=bins)
    x = _colours(images)
    largest, smallest = x.amax(1), x.amin(1)
    coloured = largest - smallest >= max(least, 1e-9)
    red, green, blue = (channel[coloured] for channel in x.unbind(1))
    largest, chroma = largest[coloured], (largest - smallest)[coloured]
    sixth = torch.where(  # 0 red, 1 yellow, 2 green, 3 cyan, 4 blue, 5 magenta
        largest == red,
        (green - blue) / chroma,
        torch.where(largest == green, 2 + (blue - red) / chroma, 4 + (red - green) / chroma),
    )
    places = (sixth / 6 * bins + 0.5).floor().long() % bins
    return places.bincount(minlength=bins).double() / max(1, len(places))


def hue_entropy(images: Tensor, *, bins: int = 12, least: float = COLOURED) -> float:
    """Entropy in nats of the hues of the coloured pixels: 0 where all have one hue or none, ln(bins) at most.

    Args and errors as in `hue_histogram`.
    """
    shares = hue_histogram(images, bins=bins, least=least)
    return -torch.special.xlogy(shares, shares).sum().item() + 0.0  # not -0.0


def saturation(images: Tensor) -> float:
    """Mean saturation of all pixels, 1 - smallest / largest value, 0 for black: from 0, grey, to 1.

    Args:
        images: (B, 3, H, W) in [0, 1].

    Raises:
        ImageError: Another shape or range.
    """
    x = _colours(images)
    largest, smallest = x.amax(1), x.amin(1)
    return torch.where(largest > 0, 1 - smallest / largest.clamp(min=1e-9), 0.0).mean().item()


def _colours(images: Tensor) -> Tensor:
    """Return them in float64 on the CPU and inside [0, 1], or raise ImageError."""
    check_range(check_shape(images, "pictures in colour", "B", 3, "H", "W"), 0, 1)
    return images.detach().to("cpu", torch.float64).clamp(0, 1)
