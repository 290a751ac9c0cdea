"""How large pictures are: resized with antialiasing, and laid out side by side."""

import math
from collections.abc import Sequence
from numbers import Integral

import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import ImageError, check_range, check_shape


def resize(image: Tensor, size: int | Sequence[int]) -> Tensor:
    """Resize pictures with antialiasing.

    Args:
        image: (B, C, H, W) in [0, 1].
        size: The longer side, or (height, width).

    Returns:
        (B, C, height, width) in [0, 1].

    Raises:
        ImageError: A wrong shape or range, or a size below 1.
    """
    check_shape(image, "pictures", "B", "C", "H", "W", floating=False)
    check_range(image, 0, 1)  # what is cut off below is the overshoot alone
    check_size(size)
    return resample(image, size)


def check_size(size: int | Sequence[int]) -> None:
    """Raise ImageError unless it is a whole number of pixels, or two of them."""
    both = size if isinstance(size, Sequence) else (size, size)
    if len(both) != 2 or not all(isinstance(side, Integral) for side in both):
        raise ImageError(f"size must be a whole number of pixels or (height, width), got {size!r}")
    if min(both) < 1:
        raise ImageError(f"a picture needs at least one pixel a side, got size {size}")


def resample(image: Tensor, size: int | Sequence[int]) -> Tensor:
    """Do what `resize` does, with pictures that are known to lie in [0, 1]: their values are not looked at."""
    wanted = sides(tuple(image.shape[-2:]), size)
    if tuple(image.shape[-2:]) == wanted:
        return image
    small = F.interpolate(image, wanted, mode="bicubic", antialias=True, align_corners=False)
    return small.clamp(0, 1)  # bicubic overshoots at edges


def sides(own: tuple[int, ...], size: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width) of a picture of its own sides resized to `size`."""
    if isinstance(size, Sequence):
        return size[0], size[1]
    height, width = (max(1, round(side * size / max(own))) for side in own)
    return height, width


def grid_shape(count: int, columns: int | None = None) -> tuple[int, int]:
    """Return in how many rows and columns so many pictures are laid out, about as many of both if nothing is asked."""
    columns = min(count, columns or math.ceil(math.sqrt(count)))
    return math.ceil(count / columns), columns


def grid(images: Tensor, columns: int | None = None, pad: int = 2) -> Tensor:
    """Lay pictures out as one, white between them.

    Args:
        images: (B, C, H, W) in [0, 1].
        columns: How many side by side, by default about as many as rows.
        pad: Pixels between two of them.

    Returns:
        (C, height, width) in [0, 1].

    Raises:
        ImageError: Another shape or range, or no column.
    """
    check_shape(images, "pictures", "B", "C", "H", "W", floating=False)
    if columns is not None and columns < 1:
        raise ImageError(f"a grid needs at least one column, got {columns}")
    images = check_range(images, 0, 1).detach().clamp(0, 1)
    b, c, h, w = images.shape
    rows, columns = grid_shape(b, columns)
    sheet = images.new_ones(c, rows * (h + pad) - pad, columns * (w + pad) - pad)
    for i, image in enumerate(images):
        top, left = i // columns * (h + pad), i % columns * (w + pad)
        sheet[:, top : top + h, left : left + w] = image
    return sheet
