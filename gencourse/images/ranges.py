"""The two value ranges of pictures, and pictures as bytes."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gencourse.expect import ImageError, check_range, check_shape


def to_signed(x: Tensor) -> Tensor:
    """Map [0, 1] to [-1, 1].

    Raises:
        ImageError: x leaves [0, 1] or is not floating point.
    """
    return check_range(x, 0, 1) * 2 - 1


def to_unit(x: Tensor) -> Tensor:
    """Map [-1, 1] to [0, 1].

    Raises:
        ImageError: x leaves [-1, 1] or is not floating point.
    """
    return (check_range(x, -1, 1) + 1) / 2


def to_uint8(x: Tensor) -> np.ndarray:
    """Turn (B, C, H, W) in [0, 1] into bytes, (B, H, W, C) uint8, rounded to nearest.

    Raises:
        ImageError: Another shape or range.
    """
    check_shape(x, "pictures", "B", "C", "H", "W", floating=False)
    x = check_range(x, 0, 1).detach().clamp(0, 1)
    return (x * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def to_pil(image: Tensor) -> Image.Image:
    """Turn one picture, (1, C, H, W) or (C, H, W) in [0, 1], C of 1, 3 or 4, into a PIL image.

    Raises:
        ImageError: Another shape or range.
    """
    arrays = to_uint8(image[None] if getattr(image, "ndim", 4) == 3 else image)
    if len(arrays) != 1 or arrays.shape[-1] not in (1, 3, 4):
        raise ImageError(f"expected one picture with 1, 3 or 4 channels, got shape {tuple(image.shape)}")
    return Image.fromarray(arrays[0, ..., 0] if arrays.shape[-1] == 1 else arrays[0])
