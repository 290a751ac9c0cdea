"""Pictures in and out of tensors, and the two value ranges.

Files, plots and metrics speak [0, 1]; networks speak [-1, 1]. Tensors are (B, C, H, W) float32.
"""

import io
import math
import os
from collections.abc import Sequence
from contextlib import nullcontext
from numbers import Integral
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from gencourse import files, reading
from gencourse.expect import ImageError, check_range, check_shape

WRITTEN = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")  # formats that hold any picture of ours


def load(source: str | os.PathLike | bytes | BinaryIO | Image.Image, size: int | None = None) -> Tensor:
    """Read a picture in sRGB, turned as its EXIF tag says, transparency laid on white.

    Colours are brought to sRGB from the profile that the file holds. Greyscale is repeated to three channels; 16-bit
    values are scaled by their range. Beside the result about 5 bytes are needed for each pixel of the file.

    Args:
        source: A path, the bytes of a file, an open file or a PIL image.
        size: Length of the longer side in pixels, the other follows; None keeps the size.

    Returns:
        (1, 3, H, W) in [0, 1].

    Raises:
        FileNotFoundError: There is no such file.
        ImageError: It is no picture, or is damaged, as a PNG's checksums tell.
    """
    name = str(source) if isinstance(source, str | os.PathLike) else "the given picture"
    if size is not None:
        _check_size(size)
    try:
        picture = _turned(source)
        own = picture.height, picture.width
        wanted = own if size is None else _sides(own, size)
        return reading.to_tensor(picture) if wanted == own else reading.to_small_tensor(picture, wanted)
    except FileNotFoundError:
        raise FileNotFoundError(f"no file at {name}") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has too many pixels to be opened safely: make it smaller first") from error
    except MemoryError as error:
        raise ImageError(f"{name} does not fit into this machine's memory: make it smaller first") from error
    except Exception as error:  # a damaged file fails in many ways inside PIL's readers
        raise ImageError(f"{name} is not a readable picture ({error}); expected PNG, JPEG, WebP, ...") from error


def _turned(source: str | os.PathLike | bytes | BinaryIO | Image.Image) -> Image.Image:
    """Return a copy of a picture, turned; what its reader has kept of the file is given back."""
    with nullcontext(source) if isinstance(source, Image.Image) else reading.open_picture(source) as opened:
        return ImageOps.exif_transpose(opened)


def save(image: Tensor, path: str | os.PathLike) -> Path:
    """Write a picture to a file, which appears whole or not at all.

    Args:
        image: (1, C, H, W) or (C, H, W) in [0, 1].
        path: Where to; its ending names the format.

    Returns:
        The path.

    Raises:
        ImageError: A wrong shape, range or ending, or a format that cannot hold it (JPEG has no transparency).
        OSError: Nothing can be written.
    """
    path, picture, buffer = Path(path), to_pil(image), io.BytesIO()
    if path.suffix.lower() not in writable():
        raise ImageError(f"cannot tell the format of {path.name!r}; use an ending such as .png or .jpg")
    try:
        picture.save(buffer, format=Image.registered_extensions()[path.suffix.lower()], quality=92)
    except (OSError, ValueError) as error:
        raise ImageError(f"{path.name} cannot hold this picture ({error}); use .png") from error
    with files.atomic_write(path) as file:
        file.write(buffer.getvalue())
    return path


def writable() -> set[str]:
    """Return the endings that `save` knows, in small letters: fewer than those PIL reads, or has half a writer for."""
    return {ending for ending, kind in Image.registered_extensions().items() if kind in WRITTEN}


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
    _check_size(size)
    return resample(image, size)


def _check_size(size: int | Sequence[int]) -> None:
    sides = size if isinstance(size, Sequence) else (size, size)
    if len(sides) != 2 or not all(isinstance(side, Integral) for side in sides):
        raise ImageError(f"size must be a whole number of pixels or (height, width), got {size!r}")
    if min(sides) < 1:
        raise ImageError(f"a picture needs at least one pixel a side, got size {size}")


def resample(image: Tensor, size: int | Sequence[int]) -> Tensor:
    """Do what `resize` does, with pictures that are known to lie in [0, 1]: their values are not looked at."""
    wanted = _sides(tuple(image.shape[-2:]), size)
    if tuple(image.shape[-2:]) == wanted:
        return image
    small = F.interpolate(image, wanted, mode="bicubic", antialias=True, align_corners=False)
    return small.clamp(0, 1)  # bicubic overshoots at edges


def _sides(sides: tuple[int, ...], size: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width) of a picture of these sides resized to `size`."""
    if isinstance(size, Sequence):
        return size[0], size[1]
    height, width = (max(1, round(side * size / max(sides))) for side in sides)
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
