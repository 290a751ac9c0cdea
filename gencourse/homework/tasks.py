"""The tasks and written questions of a chapter, as its notebook in notebooks/ has them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from gencourse.chapters import pages
from gencourse.chapters.run import find
from gencourse.homework.checking import check as checks

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass(frozen=True)
class Task:
    """A cell that a student fills in; functions: those that are checked, empty where there is no check yet."""

    id: str
    title: str
    difficulty: str
    points: int
    minutes: int
    functions: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """A question that is answered in words and read by a person; minutes: None where the chapter names none."""

    id: str
    title: str
    points: int
    minutes: int | None = None


@dataclass(frozen=True)
class Chapter:
    """What is asked in a chapter; number: "01"; name: of its notebook, without the ending."""

    number: str
    name: str
    tasks: tuple[Task, ...]
    questions: tuple[Question, ...]

    @property
    def points(self) -> int:
        """Points of the tasks; those of the questions are given by a person."""
        return sum(task.points for task in self.tasks)


@cache
def chapter(number: str) -> Chapter:
    """Return a chapter by its number, "01", or as `execute.find` does. Raises as that does where there is none."""
    path = find(number)
    return of_notebook(pages.read(path), path)


def of_notebook(notebook: NotebookNode, path: Path) -> Chapter:
    """Read a chapter's tasks and questions from its notebook."""
    number = path.stem.split("_")[0]
    tasks = [task(cell, number) for cell in notebook.cells if kind(cell) == "task"]
    questions = [question(cell) for cell in notebook.cells if kind(cell) == "question"]
    return Chapter(number, path.stem, tuple(tasks), tuple(questions))


def kind(cell: NotebookNode) -> str:
    """Return "task", "check" or "question" for a cell that is one, else nothing; nbgrader's metadata say so."""
    first = cell.get("id", "").split("-")[0]
    return first if "nbgrader" in cell.metadata and first in ("task", "check", "question") else ""


def task(cell: NotebookNode, number: str) -> Task:
    facts = cell.metadata.get("gencourse", {})
    known = checks.of_chapter(number) if number in checks.CHAPTERS else {}
    functions = tuple(name for name, check in known.items() if check.cell == cell.id)
    return Task(cell.id, facts.title, facts.difficulty, facts.points, facts.minutes, functions)


def question(cell: NotebookNode) -> Question:
    facts = cell.metadata.get("gencourse", {})
    title = facts.get("title") or cell.id.split("-", 1)[1].replace("-", " ")
    return Question(cell.id, title, cell.metadata.nbgrader.points, facts.get("minutes"))
