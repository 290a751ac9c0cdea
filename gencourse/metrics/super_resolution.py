"""How good enlarged pictures are: decibels as one paper or another counts them, sharpness, and both at once.

Decibels of two papers compare only where channel, border and degradation are the same: `conventions` shows how much.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from gencourse.expect import ImageError, at_least, check_range, check_shape
from gencourse.images.colours import LUMA
from gencourse.methods.super_resolution import repeated_error
from gencourse.methods.upsampling import area_average
from gencourse.metrics.distances import frechet_distance
from gencourse.metrics.patches import Look, distance_between, places
from gencourse.metrics.pictures import psnr, ssim

FOOT, SPAN = 16 / 255, 219 / 255  # black in studio range, and how far white lies above it
JUDGES = ("conv1_2", "conv2_2", "conv3_2", "conv4_2")  # layers that pictures are compared in


def luma(x: Tensor, *, studio: bool = True) -> Tensor:
    """Return the brightness Y of pictures by BT.601.

    Args:
        x: (B, 3, H, W) in [0, 1].
        studio: Whether black is 16/255 and white 235/255, as in video and in most papers on super-resolution, or 0
            and 1, as in JPEG.

    Returns:
        (B, 1, H, W) in [0, 1].

    Raises:
        ImageError: Another shape.

    Source: ITU-R BT.601-7, sec. 2.5.
    """
    check_shape(x, "pictures", "B", 3, "H", "W")
    weights = torch.tensor(LUMA, dtype=torch.float64, device="cpu") * (SPAN if studio else 1)
    return torch.einsum("bchw,c->bhw", x, weights.to(x))[:, None] + FOOT * studio


def shave(x: Tensor, border: int) -> Tensor:
    """Cut `border` pixels off all four sides of (B, C, H, W).

    Raises:
        ImageError: Nothing would be left.
        ValueError: The border is no whole number of at least 0.
    """
    at_least(0, border=border)
    h, w = check_shape(x, "pictures", "B", "C", "H", "W", least=2 * border + 1).shape[2:]
    return x[:, :, border : h - border, border : w - border]


def luma_psnr(a: Tensor, b: Tensor, border: int = 0) -> Tensor:
    """Return the PSNR of Y in studio range, as most papers on super-resolution do: decibels, higher is nearer.

    Args:
        a: (B, 3, H, W) in [0, 1].
        b: The same.
        border: So many pixels of all four sides do not count; the scale, in most papers.

    Returns:
        (B,), infinite where the two are equal. The peak is that of the file, 1, not the 219/255 that Y can reach.

    Raises:
        ImageError: Unequal shapes, values outside the range, or nothing left within the border.
    """
    return psnr(*(shave(luma(check_range(x, 0, 1)), border).clamp(0, 1) for x in (a, b)))


def conventions(a: Tensor, b: Tensor, border: int = 4) -> dict[str, float]:
    """Return the decibels of the same pictures, counted in the ways that papers count: each a mean over the pictures.

    Args:
        a: (B, 3, H, W) in [0, 1].
        b: The same.
        border: What is shaved off where it is.
    """
    ways = {"RGB": lambda x: x, "Y, 0 to 255": lambda x: luma(x, studio=False), "Y, 16 to 235": luma}
    found = {}
    for name, way in ways.items():
        for cut, told in ((0, ""), (border, f", {border} shaved")):
            found[name + told] = psnr(*(shave(way(x), cut).clamp(0, 1) for x in (a, b))).mean().item()
    return found


def roughness(x: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbours, down and across, of each picture (B, C, H, W): (B,).

    Divided by that of the true picture it says how sharp an enlarged one is: 1 is as sharp.

    Raises:
        ImageError: Another shape, or fewer than two pixels a side.
    """
    check_shape(x, "pictures", "B", "C", "H", "W", least=2)
    return x.diff(dim=2).abs().mean((1, 2, 3)) + x.diff(dim=3).abs().mean((1, 2, 3))


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return which of some models no other is better than: on the plane of decibels and distance to real patches.

    One model dominates another when it is at least as good in both and better in one.

    Args:
        points: (decibels, distance) of each; the first is better when it is high, the second when it is low.

    Returns:
        Places of those that nobody dominates, in their order; equal points do not dominate each other.

    Source: Blau and Michaeli 2018, "The Perception-Distortion Tradeoff".
    """

    def dominates(p: tuple[float, float], q: tuple[float, float]) -> bool:
        return p[0] >= q[0] and p[1] <= q[1] and tuple(p) != tuple(q)

    return [i for i, q in enumerate(points) if not any(dominates(p, q) for p in points)]


def judge(
    enlarge: Callable[[Tensor], Tensor],
    pictures: Iterable[Tensor],
    look: Look,
    *,
    scale: int = 4,
    shrink: Callable[[Tensor], Tensor] | None = None,
    layer: str = "conv3_2",
) -> dict[str, float]:
    """Make pictures small, enlarge them, and compare with what they were.

    Args:
        enlarge: (1, 3, h, w) -> (1, 3, h * scale, w * scale), both in [0, 1].
        pictures: True ones, each (1, 3, H, W) in [0, 1], sides that `scale` divides and at least 24 pixels.
        look: An extractor with `layer` among its layers; all of them are compared.
        scale: How many times smaller.
        shrink: How; by default by block averages.
        layer: Whose features patches are compared in.

    Returns:
        Means over the pictures: "PSNR" of RGB, "PSNR of Y" with `scale` pixels shaved, "SSIM", "features",
        "roughness" as a part of the truth's, "grid" in levels of 255; and "patches", the Frechet distance over all.

    Raises:
        ImageError: There is no picture, or what is none.
    """
    rows, patches = [], ([], [])
    for y in pictures:
        y_hat = enlarge(area_average(y, scale) if shrink is None else shrink(y))
        with torch.no_grad():
            found, wanted = look(y_hat), look(y)
        rows.append(
            {
                "PSNR": psnr(y_hat, y),
                "PSNR of Y": luma_psnr(y_hat, y, scale),
                "SSIM": ssim(y_hat, y),
                "features": distance_between(found, wanted),
                "roughness": roughness(y_hat) / roughness(y),
                "grid": 255 * repeated_error(y_hat, y, scale).sqrt(),
            }
        )
        for side, features in zip(patches, (found, wanted), strict=True):
            side.append(places(features[layer]))
    if not rows:
        raise ImageError("there is no picture to judge by")
    means = {name: sum(row[name].mean().item() for row in rows) / len(rows) for name in rows[0]}
    return means | {"patches": frechet_distance(*map(torch.cat, patches))}
