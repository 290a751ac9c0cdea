"""A picture that a command was given by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def read(name: str, size: int | None = None) -> Tensor:
    """Return a file, or an embedded picture by name.

    Args:
        name: as it was typed.
        size: pixels of the longer side, None for those of the file.

    Returns:
        (1, 3, H, W) in [0, 1].

    Raises:
        FileNotFoundError: there is no such file.
        ImageError: the file is no picture.
        ValueError: what was typed looks like no file, and no embedded picture has this name.
    """
    from gencourse import data, images

    embedded = {known: entry.picture for entry in data.CATALOGUE.values() for known in entry.names() if entry.picture}
    if name in embedded:
        return embedded[name](name, size)
    if Path(name).exists() or Path(name).suffix or len(Path(name).parts) > 1:
        return images.load(name, size)
    raise ValueError(f"{name!r} is neither a file nor an embedded picture; embedded are {', '.join(embedded)}")
