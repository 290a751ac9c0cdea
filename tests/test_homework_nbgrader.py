"""A department that uses nbgrader can use the notebooks as they are: its own tools, on a chapter."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gencourse.chapters import pages
from gencourse.homework import tasks
from gencourse.homework.handout import build

pytest.importorskip("nbgrader", reason="pip install gencourse[staff]")
NAME = "01_style_transfer"
TASKS = len(tasks.chapter("01").tasks)
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "gencourse"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
c.ExecutePreprocessor.timeout = 300
"""


def nbgrader(course: Path, *arguments: str) -> str:
    """Run one of nbgrader's commands in a course; it wants its environment's programs on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "nbgrader", *arguments]
    environment = {**os.environ, "PATH": path, "GENCOURSE_PROFILE": "smoke"}
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A course with chapter 01 released, a solved copy and an empty one handed in, and both graded.

    Of the chapter only the set-up, the tasks, the checks and the questions are left, so that it runs in seconds.
    """
    folder = tmp_path_factory.mktemp("course")
    notebook = pages.read(build.folder() / f"{NAME}.ipynb")
    notebook.cells = [cell for cell in notebook.cells if tasks.kind(cell) or cell.id == "setup"]
    for cell in pages.code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    pages.write(notebook, folder / "source" / "hw1" / f"{NAME}.ipynb")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    nbgrader(folder, "generate_assignment", "hw1")
    release = folder / "release" / "hw1" / f"{NAME}.ipynb"
    for student, file in {"solved": folder / "source" / "hw1" / f"{NAME}.ipynb", "empty": release}.items():
        target = folder / "submitted" / student / "hw1" / f"{NAME}.ipynb"
        target.parent.mkdir(parents=True)
        shutil.copy(file, target)
    nbgrader(folder, "autograde", "hw1")
    return folder


def test_generate_assignment(course):
    released = pages.read(course / "release" / "hw1" / f"{NAME}.ipynb")
    text = "\n".join(cell.source for cell in released.cells)
    assert "SOLUTION" not in text and text.count("raise NotImplementedError()") == TASKS
    assert all("checksum" in cell.metadata.nbgrader for cell in released.cells if tasks.kind(cell) in ("check", "task"))


def test_autograde(course):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        scores = {s.student.id: (s.score, s.max_score) for s in book.assignment_submissions("hw1")}
    asked = tasks.chapter("01")
    whole = asked.points + sum(question.points for question in asked.questions)
    assert scores["solved"] == (asked.points, whole), "the written answer is graded by hand"
    assert scores["empty"] == (0, whole)


@pytest.mark.parametrize(("folder", "says"), [("source/hw1", "Success!"), ("release/hw1", "failed")])
def test_validate(course, folder, says):
    assert says in nbgrader(course, "validate", f"{folder}/{NAME}.ipynb")
