"""Pictures that are written a strip of rows at a time, so that a large one need never be whole in memory."""

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from torch import Tensor, from_numpy

from gencourse import files
from gencourse.expect import ImageError
from gencourse.images.files import save
from gencourse.images.ranges import to_uint8

PNG, RGB, PAETH = b"\x89PNG\r\n\x1a\n", 2, 4  # its first bytes, and its numbers for a kind of colour and a filter


def save_strips(strips: Iterable[Tensor], size: tuple[int, int], path: str | os.PathLike) -> Path:
    """Write a picture that comes from the top, strip by strip. The file appears whole or not at all.

    A PNG is written as its strips come. Other formats need the whole picture in memory.

    Args:
        strips: Each (1, 3, rows, W) in [0, 1].
        size: (H, W) of the whole.
        path: Where to; its ending names the format.

    Returns:
        The path.

    Raises:
        ImageError: Strips of another shape or range, more or fewer rows than H, or what `images.save` does not write.
        OSError: Nothing can be written.
    """
    path, rows = Path(path), _checked(strips, size)
    if path.suffix.lower() != ".png":
        whole = from_numpy(np.concatenate(list(rows))).permute(2, 0, 1)
        return save(whole / 255, path)
    with files.atomic_write(path) as file:
        file.write(PNG + _chunk(b"IHDR", struct.pack(">IIBBBBB", size[1], size[0], 8, RGB, 0, 0, 0)))
        packer, above = zlib.compressobj(6), np.zeros((size[1], 3), np.uint8)
        for strip in rows:
            file.write(_chunk(b"IDAT", packer.compress(paeth(strip, above).tobytes())))
            above = strip[-1]
        file.write(_chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b""))
    return path


def _checked(strips: Iterable[Tensor], size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Give strips as bytes (rows, W, 3), and refuse what does not make a picture of this size."""
    done = 0
    for strip in strips:
        rows = to_uint8(strip)
        done += rows.shape[1]
        if rows.shape != (1, rows.shape[1], size[1], 3) or done > size[0]:
            raise ImageError(f"a strip (1, 3, rows, {size[1]}) was expected in a picture of {size}, got {strip.shape}")
        yield rows[0]
    if done != size[0]:
        raise ImageError(f"a picture of {size[0]} rows was expected, got {done}")


def paeth(strip: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Filter rows as PNG does: of each byte only its difference to the likeliest of three neighbours is kept.

    Args:
        strip: (rows, W, 3) uint8.
        above: (W, 3) uint8, the row above the first; zeros for the first of all.

    Returns:
        (rows, 1 + 3 W) uint8: the filter's number, then the differences modulo 256.

    Source: Portable Network Graphics specification, third edition, sec. 9.4.
    """
    x = strip.astype(np.int16)
    up = np.concatenate([above[None], strip[:-1]]).astype(np.int16)
    left, corner = (np.pad(y, ((0, 0), (1, 0), (0, 0)))[:, :-1] for y in (x, up))
    guess = left + up - corner
    to_left, to_up, to_corner = (abs(guess - y) for y in (left, up, corner))
    nearest = np.where((to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner))
    kept = (x - nearest).astype(np.uint8).reshape(len(strip), -1)
    return np.pad(kept, ((0, 0), (1, 0)), constant_values=PAETH)


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Return a part of a PNG file: its length, its name, what it holds, and their checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
