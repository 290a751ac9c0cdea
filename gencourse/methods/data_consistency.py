"""What an enlarged picture owes to the small one: made small again, it must be what it came from.

With A the average of blocks, the pictures x with A x = low are all that low can be of. To repeat each pixel in its
block is a pseudo-inverse of A, so what leads to the nearest of them is a formula of one line.
"""

import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import ImageError, check_shape
from gencourse.methods.upsampling import area_average, nearest

HALVINGS = 32  # of an interval of at most 2: less is left than float32 can tell


def project(high: Tensor, low: Tensor) -> Tensor:
    """Move pictures to the nearest ones whose block averages are exactly those of small ones: x + A^+ (low - A x).

    Each block is shifted by one number. The result may leave the range of values, and cutting it off would undo a part:
    see `project_to_range`.

    Args:
        high: (B, C, h * s, w * s), s a whole number.
        low: (B, C, h, w), in the same range of values.

    Returns:
        Pictures of the shape of `high`.

    Raises:
        ImageError: The sides of one are no multiple of the other's, or shapes do not fit otherwise.

    Source: Wang et al. 2023, "Zero-Shot Image Restoration Using Denoising Diffusion Null-Space Model", sec. 3.1.
    """
    scale = scale_between(high, low)
    return high + nearest(low - area_average(high, scale), scale)


def project_to_range(high: Tensor, low: Tensor) -> Tensor:
    """Move pictures to the nearest ones in [0, 1] whose block averages are those of small ones.

    In each block the answer is clamp(x + shift, 0, 1) with one shift, and its average grows with the shift: the right
    one is found by halving an interval.

    Args:
        high: (B, C, h * s, w * s), s a whole number.
        low: (B, C, h, w) in [0, 1].

    Returns:
        Pictures of the shape of `high`, in [0, 1], whose block averages differ from `low` by rounding alone.

    Raises:
        ImageError: As `project` raises.

    Source: the projection onto a box cut by a plane, from its optimality conditions.
    """
    scale = scale_between(high, low)
    b, c, h, w = low.shape
    blocks = F.pixel_unshuffle(high, scale).reshape(b, c, scale**2, h, w)
    target = low[:, :, None]  # (B, C, 1, h, w)
    least, most = -blocks.amax(2, keepdim=True), 1 - blocks.amin(2, keepdim=True)  # all of the block 0, or 1
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        too_dark = (blocks + middle).clamp(0, 1).mean(2, keepdim=True) < target
        least, most = middle.where(too_dark, least), most.where(too_dark, middle)
    shifted = (blocks + (least + most) / 2).clamp(0, 1)
    return F.pixel_shuffle(shifted.reshape(b, c * scale**2, h, w), scale)


def scale_between(high: Tensor, low: Tensor) -> int:
    """Return how many times larger pictures are than small ones, the same along both sides.

    Raises:
        ImageError: They are not.
    """
    b, c, h, w = check_shape(low, "small pictures", "B", "C", "h", "w").shape
    scale = check_shape(high, "pictures", b, c, "H", "W").shape[2] // h
    if scale < 1 or tuple(high.shape[2:]) != (h * scale, w * scale):
        raise ImageError(f"expected sides that are one multiple of {h} x {w}, got {high.shape[2]} x {high.shape[3]}")
    return scale
