"""How near pictures come to the true ones: PSNR and SSIM."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import check_range, check_shape, same_shape

WINDOW, SIGMA = 11, 1.5  # Wang et al. 2004, sec. III-C
C1, C2 = 0.01**2, 0.03**2  # for values in [0, 1]


def psnr(a: Tensor, b: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each picture in decibels: 10 log10(1 / mean squared error); higher is nearer.

    All channels count alike; papers on super-resolution often measure brightness alone and get other numbers.

    Args:
        a: (B, C, H, W) in [0, 1].
        b: The same.

    Returns:
        (B,), infinite where the two are equal.

    Raises:
        ImageError: Unequal shapes or values outside the range.
    """
    kind, a, b = _check(a, b)
    return (-10 * (a - b).square().mean((1, 2, 3)).log10()).to(kind)


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity of each picture, at most 1: brightness, contrast and pattern compared window by window.

    Args:
        a: (B, C, H, W) in [0, 1], at least 11 pixels a side.
        b: The same.

    Returns:
        (B,): the mean over channels and over all places where the 11 x 11 Gaussian window (sigma 1.5) lies inside.

    Raises:
        ImageError: Unequal shapes, pictures too small, or values outside the range.

    Source: Wang et al. 2004, eq. 13.
    Differs from the paper: each colour channel is compared, not the grey picture.
    """
    kind, a, b = _check(a, b, least=WINDOW)
    mean_a, mean_b = _local_mean(a), _local_mean(b)
    var_a, var_b = _local_mean(a * a) - mean_a**2, _local_mean(b * b) - mean_b**2
    covariance = _local_mean(a * b) - mean_a * mean_b
    brightness = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    pattern = (2 * covariance + C2) / (var_a + var_b + C2)
    return (brightness * pattern).mean((1, 2, 3)).to(kind)


def _local_mean(x: Tensor) -> Tensor:
    """Gaussian-weighted mean around each place where the window fits: (B, C, H, W) -> (B, C, H - 10, W - 10)."""
    at = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    window = (-(at**2) / (2 * SIGMA**2)).exp()
    window = window / window.sum()
    c = x.shape[1]
    x = F.conv2d(x, window.view(1, 1, -1, 1).expand(c, -1, -1, -1), groups=c)
    return F.conv2d(x, window.view(1, 1, 1, -1).expand(c, -1, -1, -1), groups=c)


def _check(a: Tensor, b: Tensor, least: int = 1) -> tuple[torch.dtype, Tensor, Tensor]:
    """Return the dtype to answer in, and the pictures in float64: SSIM's variances are small differences.

    Apple's GPUs have no float64 and keep float32.
    """
    check_shape(a, "pictures", "B", "C", "H", "W", least=least)
    same_shape(a, b)
    a, b = (check_range(x, 0, 1) for x in (a, b))
    exact = torch.float32 if a.device.type == "mps" else torch.float64
    return torch.promote_types(a.dtype, torch.float32), a.to(exact), b.to(exact)
