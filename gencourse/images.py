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

from gencourse import files
from gencourse.expect import ImageError, check_range, check_tensor

WRITTEN = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")  # formats that hold any picture of ours


def load(source: str | os.PathLike | bytes | BinaryIO | Image.Image, size: int | None = None) -> Tensor:
    """Read a picture as (1, 3, H, W) in [0, 1].

    source: a path, the bytes of a file, an open file or a PIL image. Turned as its EXIF tag says, transparency laid on
    white, greyscale repeated to three channels, 16-bit values scaled by their range.
    size: length of the longer side in pixels, the other follows; None keeps the size.
    Raises FileNotFoundError, or ImageError for what is no picture or is damaged, as a PNG's checksums tell.
    """
    name = str(source) if isinstance(source, str | os.PathLike) else "the given picture"
    try:
        with nullcontext(source) if isinstance(source, Image.Image) else _opened(source) as opened:
            array = _to_rgb(ImageOps.exif_transpose(opened))
    except FileNotFoundError:
        raise FileNotFoundError(f"no file at {name}") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} has too many pixels to be opened safely: make it smaller first") from error
    except Exception as error:  # a damaged file fails in many ways inside PIL's readers
        raise ImageError(f"{name} is not a readable picture ({error}); expected PNG, JPEG, WebP, ...") from error
    image = torch.from_numpy(array).permute(2, 0, 1)[None].contiguous()  # (1, 3, H, W)
    return image if size is None else resize(image, size)


def save(image: Tensor, path: str | os.PathLike) -> Path:
    """Write (1, C, H, W) or (C, H, W) in [0, 1] to a file; its ending names the format. Returns the path.

    The file appears whole or not at all. Raises ImageError for a wrong shape, range or ending, or a format that cannot
    hold the picture (JPEG has no transparency), OSError where nothing can be written.
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
    """Map [0, 1] to [-1, 1]. Raises ImageError when x leaves [0, 1] or is not floating point."""
    return check_range(x, 0, 1) * 2 - 1


def to_unit(x: Tensor) -> Tensor:
    """Map [-1, 1] to [0, 1]. Raises ImageError when x leaves [-1, 1] or is not floating point."""
    return (check_range(x, -1, 1) + 1) / 2


def to_uint8(x: Tensor) -> np.ndarray:
    """Turn (B, C, H, W) in [0, 1] into bytes, (B, H, W, C) uint8, rounded to nearest. Raises ImageError."""
    if check_tensor(x).ndim != 4:
        raise ImageError(f"expected (B, C, H, W), got shape {tuple(x.shape)}")
    x = check_range(x, 0, 1).detach().clamp(0, 1)
    return (x * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def to_pil(image: Tensor) -> Image.Image:
    """Turn one picture, (1, C, H, W) or (C, H, W) in [0, 1], C of 1, 3 or 4, into a PIL image. Raises ImageError."""
    image = image[None] if check_tensor(image).ndim == 3 else image
    if image.ndim != 4 or len(image) != 1 or image.shape[1] not in (1, 3, 4):
        raise ImageError(f"expected one picture with 1, 3 or 4 channels, got shape {tuple(image.shape)}")
    array = to_uint8(image)[0]
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def resize(image: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Resize (B, C, H, W) with antialiasing: size is the longer side, or (height, width).

    Raises ImageError for a wrong shape or range, or a size below 1.
    """
    if check_tensor(image).ndim != 4:
        raise ImageError(f"expected (B, C, H, W), got shape {tuple(image.shape)}")
    check_range(image, 0, 1)  # what is cut off below is the overshoot alone
    if isinstance(size, Integral):
        scale = size / max(image.shape[-2:])
        size = tuple(max(1, round(side * scale)) for side in image.shape[-2:]) if size > 0 else (size, size)
    if not isinstance(size, Sequence) or len(size) != 2 or not all(isinstance(side, Integral) for side in size):
        raise ImageError(f"size must be a whole number of pixels or (height, width), got {size!r}")
    if min(size) < 1:
        raise ImageError(f"a picture needs at least one pixel a side, got size {size}")
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    small = F.interpolate(image, size, mode="bicubic", antialias=True, align_corners=False)
    return small.clamp(0, 1)  # bicubic overshoots at edges


def grid(images: Tensor, columns: int | None = None, pad: int = 2) -> Tensor:
    """Lay (B, C, H, W) in [0, 1] out as one picture (C, rows, columns), white between them. Raises ImageError."""
    if check_tensor(images).ndim != 4 or len(images) == 0:
        raise ImageError(f"expected (B, C, H, W) with at least one picture, got shape {tuple(images.shape)}")
    if columns is not None and columns < 1:
        raise ImageError(f"a grid needs at least one column, got {columns}")
    images = check_range(images, 0, 1).detach().clamp(0, 1)
    b, c, h, w = images.shape
    columns = min(b, columns or math.ceil(math.sqrt(b)))
    rows = math.ceil(b / columns)
    sheet = images.new_ones(c, rows * (h + pad) - pad, columns * (w + pad) - pad)
    for i, image in enumerate(images):
        top, left = i // columns * (h + pad), i % columns * (w + pad)
        sheet[:, top : top + h, left : left + w] = image
    return sheet


def _opened(source: str | os.PathLike | bytes | BinaryIO) -> Image.Image:
    """Open a picture. PIL looks at the checksums of a PNG's pixels only when asked to, and must then start anew."""
    if isinstance(source, bytes | bytearray | memoryview):
        source = io.BytesIO(source)
    elif not isinstance(source, str | os.PathLike) and not source.seekable():
        source = io.BytesIO(source.read())
    with Image.open(source) as picture:
        if picture.format == "PNG":
            picture.verify()
    return Image.open(source)


def _to_rgb(picture: Image.Image) -> np.ndarray:
    """Return (H, W, 3) float32 in [0, 1]."""
    if picture.mode.startswith("I"):  # 16-bit greyscale; PIL's own convert("RGB") would clip it to white
        grey = np.asarray(picture, dtype=np.float32) / 65535
        if grey.min() < 0 or grey.max() > 1:
            raise ValueError("32-bit pictures have no fixed range; save it as 8- or 16-bit")
        if isinstance(clear := picture.info.get("transparency"), int):
            grey[np.asarray(picture) == clear] = 1  # on white
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.mode == "F":
        raise ValueError("floating point pictures have no fixed range; save it as 8- or 16-bit")
    if picture.has_transparency_data:
        rgba = np.asarray(picture.convert("RGBA"), dtype=np.float32) / 255
        return rgba[..., :3] * rgba[..., 3:] + (1 - rgba[..., 3:])  # on white
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
