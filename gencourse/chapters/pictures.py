"""Pictures of the README, taken out of the notebooks' committed outputs, so that they show what the course makes."""

import base64
import hashlib
import io
from pathlib import Path

from nbformat import NotebookNode
from PIL import Image

SIZE, QUALITY = 900, 88  # pixels of the longer side, of JPEG


def output_picture(notebook: NotebookNode, cell_id: str, name: str) -> bytes:
    """Return the first picture among a cell's outputs, as the notebook holds it.

    Args:
        notebook: with outputs.
        cell_id: of the cell.
        name: of the notebook, for the message.

    Raises:
        ValueError: there is no such picture.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []) if cell.get("id") == cell_id else []:
            for kind in ("image/png", "image/jpeg"):
                if kind in output.get("data", {}):
                    return base64.b64decode(output["data"][kind])
    raise ValueError(f"{name} has no picture in a cell {cell_id!r}: run it with --save first")


def small_jpeg(picture: bytes) -> bytes:
    """Return a picture as a JPEG of at most 900 x 900 pixels. It remembers which picture it was, in its comment."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.thumbnail((SIZE, SIZE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, comment=mark(picture))
    return file.getvalue()


def is_made_from(path: Path, picture: bytes) -> bool:
    """Whether a file is the small JPEG of a picture, made by whatever version of Pillow."""
    if not path.is_file():
        return False
    try:
        with Image.open(path) as image:
            image.load()
            return image.info.get("comment") == mark(picture)
    except OSError:  # no picture, or cut off
        return False


def mark(picture: bytes) -> bytes:
    """Return the sha256 of a picture and of how it is made small."""
    return hashlib.sha256(picture + f"{SIZE} {QUALITY}".encode()).hexdigest().encode()
