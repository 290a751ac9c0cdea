"""What was handed in: which files, whose they are, which chapter."""

import hashlib
from collections import Counter
from pathlib import Path

from gencourse.homework.checking import check as checks
from gencourse.homework.grading import submission
from gencourse.homework.grading.inside.wire import replace_surrogates
from gencourse.homework.grading.submission import Submission
from gencourse.homework.tasks import chapter


def find_files(where: Path) -> dict[str, Path]:
    """Return the notebooks of a folder and of the folders in it, by student; or the one notebook.

    Raises:
        FileNotFoundError: there is none.
    """
    if where.is_file():
        return {safe_name(where.stem): where}
    paths = sorted(p for p in where.rglob("*") if p.suffix.lower() == ".ipynb" and not is_leftover(p))
    if not paths:
        raise FileNotFoundError(f"there is no notebook in {where}")
    found: dict[str, Path] = {}
    for path in paths:
        name = "/".join(map(safe_name, path.relative_to(where).with_suffix("").parts))
        while name in found:
            name += "_"
        found[name] = path
    return found


def read_submissions(files: dict[str, Path]) -> dict[str, Submission]:
    """Return what was handed in, by student, each file read and parsed once."""
    return {student: submission.read(path) for student, path in files.items()}


def is_leftover(path: Path) -> bool:
    """Whether a file is no submission: a notebook server's checkpoint, or what a Mac puts into archives."""
    return bool({".ipynb_checkpoints", "__MACOSX"} & set(path.parts)) or path.name.startswith("._")


def folders_without_notebook(where: Path, files: dict[str, Path]) -> list[str]:
    """Return the names of the folders right in `where` that hold no notebook: whose work may have been left out."""
    folders = [path for path in where.iterdir() if path.is_dir()] if where.is_dir() else []
    used = {folder for file in files.values() for folder in file.parents}
    return sorted(path.name for path in folders if path not in used and not is_leftover(path))


def safe_name(name: str) -> str:
    """Return a name that any file system can hold with an ending: printable, and cut where it is too long."""
    name = "".join(c if c.isprintable() else "?" for c in replace_surrogates(name))
    data = name.encode()
    return name if len(data) < 150 else f"{data[:100].decode(errors='ignore')}-{hashlib.sha256(data).hexdigest()[:8]}"


def chapter_of(ids: set[str]) -> str | None:
    """Return the chapter whose tasks a notebook holds, or None.

    Where a chapter took over another's tasks ("03b" those of "03"), it is the one with the fewest beside those.
    """
    asked = {number: {task.id for task in chapter(number).tasks} for number in checks.CHAPTERS}
    best = max(asked, key=lambda number: (len(ids & asked[number]), -len(asked[number])))
    return best if ids & asked[best] else None


def most_common_chapter(submissions: dict[str, Submission]) -> str:
    """Return the number of the chapter that most submissions belong to.

    Raises:
        ValueError: none or several could be meant.
    """
    found = (chapter_of(submission.ids) for submission in submissions.values())
    ranked = Counter(number for number in found if number is not None).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        raise ValueError("which chapter is it? The files do not tell: --chapter 01")
    return ranked[0][0]
