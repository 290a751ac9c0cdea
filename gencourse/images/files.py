"""Pictures in files: read in whatever form they come, written whole or not at all."""

import io
import os
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps
from torch import Tensor

from gencourse import files
from gencourse.expect import ImageError
from gencourse.images import reading
from gencourse.images.ranges import to_pil
from gencourse.images.sizes import check_size, sides

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
        check_size(size)
    try:
        picture = _turned(source)
        own = picture.height, picture.width
        wanted = own if size is None else sides(own, size)
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
