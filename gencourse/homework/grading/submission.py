"""A notebook that a student handed in, read as text. Nothing in it is trusted, nothing in it is run here."""

import hashlib
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gencourse.homework.grading.inside.wire import replace_surrogates

MOST_BYTES = 30_000_000
MOST_TEXT = 1_000_000  # characters of all code cells, and of all written answers
NEEDS_PERSON = "could not be graded, a person must look at it"


class Unreadable(ValueError):
    """A file that is no notebook one could grade; says why in a sentence that the student may read."""


@dataclass
class Submission:
    """The cells of a notebook, by the ids that its copy was handed out with.

    Args:
        code: {"id", "text"} of each code cell, in order.
        texts: the written answers, by id.
        digest: SHA-256 of the file, in hexadecimal digits.
        problem: why the file cannot be graded; empty where it can.
    """

    code: list[dict[str, str]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    problem: str = ""

    @property
    def ids(self) -> set[str]:
        """The ids of all cells."""
        return {cell["id"] for cell in self.code} | set(self.texts)

    def text_of(self, cell_id: str) -> str:
        """Return the text of a code cell, of all copies of it, for a person to read."""
        return "\n\n".join(cell["text"] for cell in self.code if cell["id"] == cell_id)


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
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unreadable("the file is damaged: it is not a notebook (no JSON)") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise Unreadable("the file is not a notebook, or one of an old format: open and save it in Jupyter or Colab")
    submission = Submission()
    for cell in cells:
        if isinstance(cell, dict):
            _add(submission, cell)
    if sum(len(cell["text"]) for cell in submission.code) > MOST_TEXT:
        raise Unreadable("there is more code in it than anybody can write")
    room = MOST_TEXT
    for name, text in submission.texts.items():
        submission.texts[name] = text[:room]
        room -= len(submission.texts[name])
    return submission


def _add(submission: Submission, cell: dict[str, Any]) -> None:
    source = cell.get("source", "")
    text = replace_surrogates("".join(map(str, source)) if isinstance(source, list) else str(source))
    name = _id(cell)
    if cell.get("cell_type") == "code":
        submission.code.append({"id": name, "text": text})
    elif name.startswith("question-") and text.strip():
        submission.texts[name] = text


def _id(cell: dict[str, Any]) -> str:
    """Return the id that nbgrader's metadata keep, which survives Colab and copying, else the cell's own."""
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    grader = metadata.get("nbgrader")
    kept = grader.get("grade_id") if isinstance(grader, dict) else None
    return replace_surrogates(str(kept or cell.get("id") or metadata.get("id") or ""))[:100]
