"""The students' copies: `homework/NN_*.ipynb`, generated from notebooks/ and never edited by hand.

Example::

    write_all()          # gencourse homework build
    out_of_date()        # gencourse homework build --check

In a copy the marked solutions are gone: a function raises NotImplementedError, a written answer is to be written. The
outputs are gone too, but for a small picture of what each task makes possible. Nothing else differs.
"""

import copy
import hashlib
import json
import re
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from gencourse.chapters import pages
from gencourse.chapters.find import chapters, folder
from gencourse.chapters.repository import badge, refresh
from gencourse.homework.handout.pictures import expected, picture_cell
from gencourse.homework.tasks import BEGIN, END, Chapter, Task, kind, of_notebook, without_answer

PICTURE = re.compile(r"\(data:image/jpeg;base64,[^)]*\)")
STUB = "raise NotImplementedError("


def write_all() -> list[Path]:
    """Write the copies that are out of date, and return their paths. Nothing else in the folder is touched.

    Raises:
        FileNotFoundError: there are no notebooks.
        FileExistsError: a copy holds somebody's solutions.
    """
    made = {target: students_copy(pages.read(source), source) for source, target in sources().items()}
    due = [target for target, copy in made.items() if stale(copy, target)]
    if filled := [str(target) for target in due if target.is_file() and is_filled_in(pages.read(target))]:
        raise FileExistsError(f"somebody's solutions would be overwritten: move {', '.join(filled)} out of the way")
    return [pages.write(made[target], target) for target in due]


def is_filled_in(notebook: NotebookNode) -> bool:
    """Whether somebody has written into the cells of tasks and questions: they are not as the copy was made."""
    made = notebook.metadata.get("gencourse", {}).get("blank")
    if made is None:  # the metadata are lost
        return any(kind(cell) == "task" and STUB not in cell.source for cell in notebook.cells)
    return blank(notebook) != made


def blank(notebook: NotebookNode) -> str:
    """Return the sha256 of the cells that a student writes into."""
    cells = [cell.source for cell in notebook.cells if kind(cell) in ("task", "question")]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def out_of_date() -> list[str]:
    """Return the names of the copies that are not what notebooks/ would give now, missing and superfluous ones too."""
    found = [target.name for source, target in sources().items() if stale(of_file(source), target)]
    return found + [path.name for path in surplus()]


def of_file(source: Path) -> NotebookNode:
    """Return the copy of the notebook in a file."""
    return students_copy(pages.read(source), source)


def sources() -> dict[Path, Path]:
    """Return the chapters that have tasks, and where their copies go."""
    with_tasks = [path for path in chapters() if of_notebook(pages.read(path), path).tasks]
    return {path: homework() / path.name for path in with_tasks}


def homework() -> Path:
    """Return the folder of the copies."""
    return folder().parent / "homework"


def surplus() -> list[Path]:
    """Return copies of chapters that are no longer there, as far as nobody has written into them."""
    others = sorted(set(homework().glob("*.ipynb")) - set(sources().values()))
    return [path for path in others if is_copy(pages.read(path)) and not is_filled_in(pages.read(path))]


def is_copy(notebook: NotebookNode) -> bool:
    """Whether a notebook was made here."""
    return "homework" in notebook.metadata.get("gencourse", {})


def students_copy(notebook: NotebookNode, path: Path) -> NotebookNode:
    """Return the students' copy of a chapter.

    Args:
        notebook: the solved one; it stays as it is.
        path: of its file.
    """
    asked = of_notebook(notebook, path)
    pictures = expected(notebook)
    made = new_notebook(metadata={key: notebook.metadata[key] for key in ("kernelspec", "language_info")})
    made.metadata["gencourse"] = {"homework": asked.name}
    by_id = {task.id: task for task in asked.tasks}
    for cell in copy.deepcopy(notebook.cells):
        cell.metadata = {key: cell.metadata[key] for key in ("nbgrader", "gencourse") if key in cell.metadata}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if kind(cell) == "task":
            cell.source = without_solution(cell.source, by_id[cell.id])
        elif kind(cell) == "question":
            cell.source = without_answer(cell.source)
        elif cell.id == "badge":
            cell.source = badge(asked.name, folder="homework")
        made.cells.append(cell)
        if cell.id == "title":
            made.cells.append(new_markdown_cell(instructions(asked), id="homework"))
        if cell.id in pictures:
            made.cells.append(picture_cell(cell.id, pictures[cell.id]))
    refresh_setup(made, asked.name)
    made.metadata["gencourse"]["blank"] = blank(made)
    return made


def refresh_setup(made: NotebookNode, name: str) -> None:
    """Write the repository's address into the set-up cell; the badge keeps pointing at the copy."""
    kept = {cell.id: cell.source for cell in made.cells if cell.id == "badge"}
    refresh(made, name)
    for cell in made.cells:
        cell.source = kept.get(cell.id, cell.source)


def without_solution(source: str, task: Task) -> str:
    """Return the source of a task cell with a stub in place of each marked solution."""
    lines, name, skipping = [], "this", False
    for line in source.splitlines():
        if defined := re.match(r"\s*(?:def|class)\s+(\w+)", line):
            name = defined[1]
        if line.strip() == BEGIN:
            skipping = True
            indent = line[: len(line) - len(line.lstrip())]
            facts = f"{task.difficulty}, points: {task.points}, minutes: {task.minutes}"
            lines.append(f"{indent}# Your code goes here, in place of these lines. {task.title}")
            lines.append(f"{indent}# ({facts})")
            lines.append(f'{indent}{STUB}"{name} is not written yet")')
        elif line.strip() == END:
            skipping = False
        elif not skipping:
            lines.append(line)
    return "\n".join(lines)


def instructions(asked: Chapter) -> str:
    """Return what a student should know before anything else, with a table of the tasks."""
    rows = [f"| {t.title} | {t.difficulty} | {t.points} | {t.minutes} |" for t in asked.tasks]
    for q in asked.questions:
        rows.append(f"| {q.title} (in words) | {q.difficulty or ''} | {q.points} | {q.minutes or ''} |")
    return "\n".join(
        [
            "**This is a copy to be filled in.** Where a cell raises `NotImplementedError`, your code is missing;",
            "cells below that need it fail until it is there. The cell after each task checks your function and says",
            "what is wrong with it. Keep the cells' order and hand in this file. Grading runs each task's function and",
            "the lines of yours that it depends on, as Jupyter would, for some seconds: no training, no shell command;",
            "and it has no files, no internet and no GPU.",
            "",
            "| task | | points | minutes |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def stale(made: NotebookNode, target: Path) -> bool:
    """Whether a file is not this copy; a small picture that another version of Pillow made does not count."""
    return not target.is_file() or comparable(pages.read(target)) != comparable(made)


def comparable(notebook: NotebookNode) -> str:
    """Return a notebook as text, without its pictures."""
    return PICTURE.sub("()", json.dumps(notebook, sort_keys=True))
