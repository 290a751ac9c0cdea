"""A drawing of one's own, made as those of the emoji are."""

import torch.nn.functional as F
from torch import Tensor

from gencourse import images
from gencourse.expect import ImageError, check_range, check_shape
from gencourse.images.colours import LUMA

GROUND = 0.9  # quantile: at least a tenth of a drawing is paper
FAINTEST = 0.05  # lines are darker than the paper by this much at least


def drawing(image: Tensor, size: int = 64) -> Tensor:
    """Bring a drawing into the form of the emoji's line drawings: grey, whole in a square, black on white.

    It is reduced, which makes thin lines pale; then paper becomes white and its darkest line black. What is missing to
    a square is added in white on both sides.

    Args:
        image: (1, 3, H, W) or (1, 1, H, W) in [0, 1], as `images.load` returns it: transparency is laid on white there.
        size: pixels a side of what is returned.

    Returns:
        (1, 1, size, size) in [0, 1].

    Raises:
        ImageError: it has another shape or range, or nothing in it is darker than most of it, as where lines are light
            on a dark ground.
    """
    channels = 1 if getattr(image, "ndim", 0) == 4 and image.shape[1] == 1 else 3
    check_range(check_shape(image, "a drawing", 1, channels, "H", "W"), 0, 1)
    x = images.resize(image, size)
    if channels == 3:
        red, green, blue = LUMA
        x = red * x[:, :1] + green * x[:, 1:2] + blue * x[:, 2:]
    paper = x.flatten().kthvalue(1 + int(GROUND * (x.numel() - 1))).values
    ink = (paper - x).clamp(min=0)
    darkest = ink.max()
    if darkest < FAINTEST:
        raise ImageError("nothing is drawn there: expected dark lines on a light ground")
    h, w = x.shape[2:]
    top, left = (size - h) // 2, (size - w) // 2
    return F.pad(1 - ink / darkest, (left, size - w - left, top, size - h - top), value=1.0)
