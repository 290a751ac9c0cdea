"""Picture files into numbers, a strip of rows at a time: there is never a second copy of a large picture."""

import io
import os
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from gencourse.images.colours import grey_levels, to_srgb

STRIP = 2**16  # pixels of a strip, about
COLUMNS = 64


def open_picture(source: str | os.PathLike | bytes | BinaryIO) -> Image.Image:
    """Open a picture. PIL looks at the checksums of a PNG's pixels only when asked to, and must then start anew.

    A picture so large that PIL warns of it gets a warning of ours, that says what it costs.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        source = io.BytesIO(source)
    elif not isinstance(source, str | os.PathLike) and not source.seekable():
        source = io.BytesIO(source.read())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(source) as picture:
                if picture.format == "PNG":
                    picture.verify()
        except Image.UnidentifiedImageError:
            if _is_heic(source):
                raise ValueError("it is HEIC, as telephones write it: export it as JPEG") from None
            raise
        picture = Image.open(source)
    pixels = picture.width * picture.height
    if Image.MAX_IMAGE_PIXELS and pixels > Image.MAX_IMAGE_PIXELS:
        costs = f"{pixels / 1e6:.0f} megapixels take {pixels * 16 / 1e9:.1f} GB of memory at their own size"
        warnings.warn(
            f"a very large picture, {picture.width} x {picture.height}: {costs}", stacklevel=4
        )  # of `images.load`, who asked it
    return picture


def _is_heic(source: str | os.PathLike | BinaryIO) -> bool:
    """Whether a file, or an open one, begins as HEIC does."""
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            head = file.read(12)
    else:
        source.seek(0)
        head = source.read(12)
    return head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"heim", b"hevc", b"hevx", b"mif1", b"msf1")


def to_tensor(picture: Image.Image) -> Tensor:
    """Return a picture as (1, 3, H, W) float32 in [0, 1], in sRGB, transparency laid on white."""
    w, h = picture.size
    image, rows = np.empty((3, h, w), np.float32), _strips(picture)
    top = 0
    for strip in rows:
        image[:, top : top + len(strip)] = strip.transpose(2, 0, 1)
        top += len(strip)
    return torch.from_numpy(image)[None]


def to_small_tensor(picture: Image.Image, size: tuple[int, int]) -> Tensor:
    """Return `to_tensor` resized to (height, width) as `images.resample` does it, without the whole in between.

    The picture is used up. The filter is separable: each strip is made narrower, and what they give together lower, a
    colour at a time.
    """
    h, (height, width) = picture.height, size
    narrow, top = [torch.empty(1, 1, h, width, dtype=torch.float32, device="cpu") for _ in range(3)], 0
    for strip in _strips(picture):
        x = _filtered(torch.from_numpy(strip).permute(2, 0, 1)[None], (len(strip), width))
        for channel in range(3):
            narrow[channel][:, :, top : top + len(strip)] = x[:, channel]
        top += len(strip)
    picture.close()  # gives its memory back
    image = torch.empty(1, 3, height, width, dtype=torch.float32, device="cpu")
    for channel in range(3):
        columns = zip(narrow[channel].split(COLUMNS, 3), image[:, channel, None].split(COLUMNS, 3), strict=True)
        for column, target in columns:
            target.copy_(_filtered(column, (height, column.shape[3])))
        narrow[channel] = torch.empty(0)
    return image.clamp_(0, 1)  # bicubic overshoots at edges


def _filtered(x: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(x.shape[2:]) == size:
        return x
    return F.interpolate(x, size, mode="bicubic", antialias=True, align_corners=False)


def _strips(picture: Image.Image) -> Iterator[np.ndarray]:
    """Give the rows of a picture from the top, some at a time: (rows, W, 3) float32 in [0, 1]."""
    w, h = picture.size
    convert, rows = _converter(picture), max(1, STRIP // w)
    for top in range(0, h, rows):
        yield convert(picture.crop((0, top, w, min(h, top + rows))))


def _converter(picture: Image.Image) -> Callable[[Image.Image], np.ndarray]:
    """Return what turns a part of a picture into (rows, W, 3) float32 in [0, 1]."""
    if picture.mode.startswith("I"):  # 16-bit greyscale; PIL's own convert("RGB") would clip it to white
        return partial(_sixteen_bits, levels=grey_levels(picture), clear=picture.info.get("transparency"))
    if picture.mode == "F":
        raise ValueError("floating point pictures have no fixed range; save it as 8- or 16-bit")
    convert = to_srgb(picture)
    return lambda part: _on_white(convert(part))


def _on_white(part: Image.Image) -> np.ndarray:
    array = np.asarray(part, dtype=np.float32)
    array /= 255
    return array[..., :3] * array[..., 3:] + (1 - array[..., 3:]) if part.mode == "RGBA" else array


def _sixteen_bits(part: Image.Image, levels: np.ndarray, clear: object) -> np.ndarray:
    """levels: (256, 3), the colours of the greys, from which those in between are interpolated; clear: one of white."""
    grey = np.asarray(part, dtype=np.float32) / 65535
    if grey.min() < 0 or grey.max() > 1:
        raise ValueError("32-bit pictures have no fixed range; save it as 8- or 16-bit")
    if (levels == np.arange(256)[:, None]).all():  # no profile: nothing is to be rounded
        colours = np.repeat(grey[..., None], 3, axis=2)
    else:
        colours = np.stack([np.interp(grey * 255, np.arange(256), column) / 255 for column in levels.T], -1)
    if isinstance(clear, int):
        colours[np.asarray(part) == clear] = 1  # on white
    return colours.astype(np.float32, copy=False)
