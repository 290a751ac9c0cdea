"""What a students' copy keeps of the outputs: for each task one small picture of what it makes possible."""

import base64
import hashlib
import io

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from PIL import Image

from gencourse.chapters import pages
from gencourse.homework.handout.depends import dependents
from gencourse.homework.tasks import kind

WIDTH, QUALITY = 420, 78


def expected(notebook: NotebookNode) -> dict[str, bytes]:
    """Return one picture for each task, by the id of the cell that shows it: the first that could not be without it."""
    found, needs, task = {}, dependents(notebook), None
    for cell in pages.code_cells(notebook):
        if kind(cell) == "task":
            task = cell.id
        elif task in needs[cell.id] and (picture := last_picture(cell)):
            found[cell.id], task = picture, None
    return found


def last_picture(cell: NotebookNode) -> bytes | None:
    """Return the last picture among a cell's outputs."""
    data = [output.get("data", {}) for output in cell.outputs]
    found = [one[kind] for one in data for kind in ("image/png", "image/jpeg") if kind in one]
    return base64.b64decode(found[-1]) if found else None


def picture_cell(name: str, picture: bytes) -> NotebookNode:
    """Return a markdown cell with a small version of a picture; it remembers which picture it was.

    Args:
        name: the id of the cell that shows it.
        picture: PNG or JPEG.
    """
    small = Image.open(io.BytesIO(picture)).convert("RGBA")
    small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small).convert("RGB")
    small.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY, optimize=True)
    text = base64.b64encode(file.getvalue()).decode()
    cell = new_markdown_cell(f"*Expected:* ![what the cell above shows](data:image/jpeg;base64,{text})")
    cell.id = f"expected-{name}"
    cell.metadata["gencourse"] = {"picture": hashlib.sha256(picture).hexdigest()[:16]}
    return cell
