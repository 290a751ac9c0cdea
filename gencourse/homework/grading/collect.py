"""What was handed in: which files, whose they are, which chapter."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from gencourse.homework.checking import check as checks
from gencourse.homework.grading import submission
from gencourse.homework.grading.inside.wire import replace_surrogates
from gencourse.homework.grading.submission import Submission
from gencourse.homework.tasks import chapter

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")


def find_files(where: Path) -> dict[str, Path]:
    """Return the notebooks of a folder and of the folders in it, by student; or the one notebook.

    Raises:
        FileNotFoundError: there is none.
    """
    if where.is_file():
        return {safe_name(where.stem): where}
    paths = sorted(path for path in everything(where) if path.suffix.lower() == ".ipynb" and not is_leftover(path))
    if not paths:
        archives = sum(path.name.lower().endswith(ARCHIVES) for path in everything(where))
        told = f", but {archives} archive{'s' * (archives > 1)}: unpack first" if archives else ""
        raise FileNotFoundError(f"there is no notebook in {where}{told}")
    found: dict[str, Path] = {}
    for path in paths:
        name = "/".join(map(safe_name, path.relative_to(where).with_suffix("").parts))
        while name in found:
            name += "_"
        found[name] = path
    return found


def everything(where: Path) -> list[Path]:
    """Return all files of a folder and of those in it, links and all; a folder named like a notebook is one of them."""
    found = []
    for folder, folders, names in os.walk(where):
        links = [name for name in folders if name.lower().endswith(".ipynb") or (Path(folder) / name).is_symlink()]
        found += [Path(folder) / name for name in [*names, *links]]
    return sorted(found)


def left_out(where: Path, files: dict[str, Path], ours: Sequence[Path] = ()) -> dict[str, str]:
    """Return what else lies there and is not graded, with what to do about it, by its path in the folder.

    Args:
        where: the folder of hand-ins.
        files: the notebooks that are graded.
        ours: files and folders that grading writes.
    """
    if not where.is_dir():
        return {}
    graded, mine = set(files.values()), {path.resolve() for path in ours}
    found = {}
    for path in everything(where):
        if path not in graded and not is_leftover(path) and not mine & {path.absolute(), *path.absolute().parents}:
            found["/".join(map(safe_name, path.relative_to(where).parts))] = advice(path)
    told = {name.split("/")[0] for name in [*files, *found]}
    for path in sorted(where.iterdir()):
        if path.is_dir() and not is_leftover(path) and path.resolve() not in mine and safe_name(path.name) not in told:
            shut = not os.access(path, os.R_OK | os.X_OK)
            found[safe_name(path.name)] = (
                "the folder cannot be opened" if shut else "the folder holds no notebook: ask for it"
            )
    return found


def advice(path: Path) -> str:
    """Return what to do about a file that is not graded."""
    name = path.name.lower()
    if path.is_symlink():
        return "a link is not followed: put the file itself in its place"
    if name.endswith(ARCHIVES):
        return "an archive: unpack it beside the others, and grade again"
    if ".ipynb" in name or looks_like_notebook(path):
        return "a notebook under another name: let it end in .ipynb, and grade again"
    if name.endswith((".py", ".html", ".pdf", ".docx", ".doc", ".odt", ".md")):
        return "no notebook: ask for the .ipynb file if this is all there is"
    return "no notebook"


def looks_like_notebook(path: Path) -> bool:
    """Whether a file begins as a notebook does."""
    if path.suffix.lower() not in ("", ".json", ".txt") or not path.is_file():
        return False
    try:
        with open(path, "rb") as file:
            start = file.read(4000)
    except OSError:
        return False
    return start.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{") and b'"cells"' in start


def rows_for(left: dict[str, str], files: dict[str, Path]) -> dict[str, str]:
    """Return those of the files left out that get a line in the table: hand-ins that somebody may wait for.

    All archives and notebooks under another name, and whatever lies in a folder without any notebook.
    """
    used = {name.split("/")[0] for name in files if "/" in name}
    waiting = ("an archive", "a notebook", "the folder", "a link")
    found = {
        n: told for n, told in left.items() if told.startswith(waiting) or ("/" in n and n.split("/")[0] not in used)
    }
    return {name: told for name, told in found.items() if name not in files}


def read_submissions(files: dict[str, Path]) -> dict[str, Submission]:
    """Return what was handed in, by student, each file read and parsed once."""
    return {student: submission.read(path) for student, path in files.items()}


def is_leftover(path: Path) -> bool:
    """Whether a file is no submission: a notebook server's checkpoint, or what a Mac puts into archives."""
    hidden = path.name.startswith("._") or path.name in (".DS_Store", "Thumbs.db", "desktop.ini")
    return bool({".ipynb_checkpoints", "__MACOSX"} & set(path.parts)) or hidden


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
