"""The tasks and written questions of a chapter, as its notebook in notebooks/ has them."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nbformat import NotebookNode

from gencourse.chapters import pages
from gencourse.chapters.find import find
from gencourse.chapters.find import number as number_of

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
ANSWER = "*Write your answer here, in place of this line.*"


@dataclass(frozen=True)
class Task:
    """A cell that a student fills in; chapter: the number of the one that asks it."""

    id: str
    title: str
    difficulty: str
    points: int
    minutes: int
    chapter: str

    @property
    def functions(self) -> tuple[str, ...]:
        """The functions of the cell that are checked; none where there is no check yet."""
        from gencourse.homework.checking import check as checks  # loads torch, which a table of tasks does not need

        known = checks.of_chapter(self.chapter) if self.chapter in checks.CHAPTERS else {}
        return tuple(name for name, check in known.items() if check.cell == self.id)


@dataclass(frozen=True)
class Question:
    """A question that is answered in words and read by a person; minutes and difficulty: None where it names none."""

    id: str
    title: str
    points: int
    minutes: int | None = None
    difficulty: str | None = None


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
    """Return a chapter by its number, "01" or "03b", or whatever else `find` takes. Raises as that does."""
    path = find(number)
    return of_notebook(pages.read(path), path)


def of_notebook(notebook: NotebookNode, path: Path) -> Chapter:
    """Read a chapter's tasks and questions from its notebook.

    Args:
        notebook: of the chapter.
        path: of its file; the number is read from its name.
    """
    number = number_of(path.name) or path.stem
    tasks = [task(cell, number) for cell in notebook.cells if kind(cell) == "task"]
    questions = [question(cell) for cell in notebook.cells if kind(cell) == "question"]
    return Chapter(number, path.stem, tuple(tasks), tuple(questions))


def kind(cell: NotebookNode) -> str:
    """Return "task", "check" or "question" for a cell that is one, else nothing; nbgrader's metadata say so."""
    first = cell.get("id", "").split("-")[0]
    return first if "nbgrader" in cell.metadata and first in ("task", "check", "question") else ""


def task(cell: NotebookNode, chapter: str) -> Task:
    """Read a task from its cell."""
    facts = cell.metadata.get("gencourse", {})
    return Task(cell.id, facts.title, facts.difficulty, facts.points, facts.minutes, chapter)


def question(cell: NotebookNode) -> Question:
    """Read a written question from its cell."""
    facts = cell.metadata.get("gencourse", {})
    title = facts.get("title") or cell.id.split("-", 1)[1].replace("-", " ")
    return Question(cell.id, title, cell.metadata.nbgrader.points, facts.get("minutes"), facts.get("difficulty"))


def without_answer(source: str) -> str:
    """Return a question without its marked answer."""
    return re.sub(rf"{BEGIN}.*?{END}", ANSWER, source, flags=re.DOTALL)
