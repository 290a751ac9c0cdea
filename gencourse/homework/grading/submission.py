"""A notebook that a student handed in, read as text. Nothing in it is trusted, nothing in it is run here."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gencourse.homework.grading.inside.wire import replace_surrogates

MOST_BYTES = 30_000_000
MOST_TEXT = 1_000_000  # characters of all code cells, and of all written answers
CUT = "\n[cut here: open the notebook]"
NEEDS_PERSON = "could not be graded, a person must look at it"


class Unreadable(ValueError):
    """A file that is no notebook one could grade; says why in a sentence that the student may read."""


@dataclass
class Cell:
    """A cell of a hand-in: the id that it was handed out with, its type, its text, how many pictures are attached."""

    id: str
    type: str
    text: str
    pictures: int = 0


@dataclass
class Submission:
    """The cells of a notebook, by the ids that its copy was handed out with.

    Args:
        cells: in order.
        digest: SHA-256 of the file, in hexadecimal digits.
        problem: why the file cannot be graded; empty where it can.
    """

    cells: list[Cell] = field(default_factory=list)
    digest: str = ""
    problem: str = ""

    @property
    def code(self) -> list[dict[str, str]]:
        """{"id", "text"} of each code cell, in order."""
        return [{"id": cell.id, "text": cell.text} for cell in self.cells if cell.type == "code"]

    @property
    def others(self) -> list[dict[str, str]]:
        """{"id", "text"} of each cell that is no code, in order."""
        return [{"id": cell.id, "text": cell.text} for cell in self.cells if cell.type != "code"]

    @property
    def texts(self) -> dict[str, str]:
        """What stands in the cells of written questions, by id, copies joined."""
        found: dict[str, list[str]] = {}
        for cell in self.cells:
            if cell.id.startswith("question-") and cell.text.strip():
                found.setdefault(cell.id, []).append(cell.text)
        return {name: "\n\n".join(texts) for name, texts in found.items()}

    @property
    def ids(self) -> set[str]:
        """The ids of all cells."""
        return {cell.id for cell in self.cells}

    def text_of(self, cell_id: str, functions: Iterable[str] = ()) -> str:
        """Return the text of a task's cells, of all copies of it, for a person to read.

        Args:
            cell_id: of the task.
            functions: that it asks for; cells that define them are shown too.
        """
        defines = tuple(f"def {name}(" for name in functions)
        chosen = [c for c in self.cells if c.id == cell_id or any(start in c.text for start in defines)]
        return "\n\n".join(cell.text for cell in chosen)


def read(path: Path) -> Submission:
    """Read a file. Where it cannot be graded, the submission says so as its problem; nothing is raised."""
    try:
        data = read_file(path)
        submission = parse(data)
    except Unreadable as error:
        return Submission(problem=str(error))
    except Exception as error:  # a mistake of ours must not stop the others, nor pass for the student's
        return Submission(problem=f"{NEEDS_PERSON} ({type(error).__name__}: {error})"[:300])
    submission.digest = hashlib.sha256(data).hexdigest()
    return submission


def read_file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        Unreadable: it is a link or anything else that is no file, or has more than 30 MB.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise Unreadable("this is not a file")
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            size = os.fstat(handle).st_size
            if size > MOST_BYTES:
                most = f"{MOST_BYTES / 1e6:.0f}"
                raise Unreadable(f"the file has {size / 1e6:.0f} MB, more than {most}: clear its outputs")
            return file.read(MOST_BYTES)
    except OSError as error:
        raise Unreadable(f"the file cannot be read: {error.strerror}") from error


def parse(data: bytes) -> Submission:
    """Read a notebook, given as bytes.

    Raises:
        Unreadable: it is none, or holds too much.
    """
    if not data.strip():
        raise Unreadable("the file is empty")
    try:
        notebook = json.loads(decoded(data))
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable("the file is damaged: it is not a notebook (no JSON)") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file is not a notebook, or one of an old format: open and save it in Jupyter or Colab")
    submission = Submission()
    for cell in cells:
        if isinstance(cell, dict):
            _add(submission, cell)
    if sum(len(cell.text) for cell in submission.cells if cell.type == "code") > MOST_TEXT:
        raise Unreadable("there is more code in it than anybody can write")
    room = MOST_TEXT
    for cell in submission.cells:
        if cell.type != "code":
            cell.text, room = cell.text[:room] + ("" if len(cell.text) <= room else CUT), max(0, room - len(cell.text))
    return submission


def decoded(data: bytes) -> str:
    """Return a file's text: UTF-8, UTF-16 or UTF-32, with its mark or not, or cp1252, as editors on Windows write.

    Raises:
        ValueError: it is none of these.
    """
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        if not encoding.startswith("utf-8"):
            raise
        return data.decode("cp1252")


def _add(submission: Submission, cell: dict[str, Any]) -> None:
    source = cell.get("source") or ""
    text = replace_surrogates("".join(map(str, source)) if isinstance(source, list) else str(source))
    attached = cell.get("attachments")
    pictures = len(attached) if isinstance(attached, dict) else 0
    submission.cells.append(Cell(_id(cell), str(cell.get("cell_type"))[:20], text, pictures))


def _id(cell: dict[str, Any]) -> str:
    """Return the id that nbgrader's metadata keep, which survives Colab and copying, else the cell's own."""
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    grader = metadata.get("nbgrader")
    kept = grader.get("grade_id") if isinstance(grader, dict) else None
    return replace_surrogates(str(kept or cell.get("id") or metadata.get("id") or ""))[:100]
