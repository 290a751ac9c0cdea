"""Hand-ins as files: graded as Jupyter would run them, or not graded with the reason, never 0 in silence."""

import csv
import html
import json
import sys

import numpy as np
import pytest
import student_files as files

from gencourse import cli
from gencourse.homework import tasks
from gencourse.homework.checking import check as checks
from gencourse.homework.checking.engine import Answers
from gencourse.homework.grading import collect, sandbox, session, submission
from gencourse.homework.grading.grade import judge
from gencourse.homework.grading.inside import definitions, guard, relay
from gencourse.homework.grading.submission import Submission
from gencourse.homework.handout import build

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="submissions run on Linux and macOS")
CHAPTER = tasks.chapter("01")
CHECKS = checks.of_chapter("01")


def solved() -> dict:
    """The chapter as JSON, without its outputs, with letters of a student's own above gram_matrix."""
    path = build.folder() / f"{CHAPTER.name}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["outputs"] = []
        if cell["id"] == "task-gram":
            cell["source"] = f"{files.LETTERS}\n{cell['source']}"
    return notebook


def found(read: Submission) -> dict[str, str]:
    """The text of the cell that grading takes for each function."""
    cells = definitions.parse(read.code)
    return {name: definitions.find_cell(cells, check.cell, name).text for name, check in CHECKS.items()}


@pytest.fixture(scope="module")
def plain() -> dict[str, str]:
    return found(submission.parse(files.as_bytes(solved())))


@pytest.mark.parametrize("kind", files.READ)
def test_read_as_the_plain_file(kind, plain):
    read = submission.parse(files.as_bytes(files.READ[kind](solved())))
    assert found(read) == plain and plain["gram_matrix"].startswith(files.LETTERS)
    assert collect.chapter_of(read.ids) == (None if kind in files.NO_IDS else "01")


@pytest.mark.parametrize("kind", files.REFUSED)
def test_refused_with_the_reason(kind):
    make, sentence = files.REFUSED[kind]
    with pytest.raises(submission.Unreadable) as refused:
        submission.parse(files.as_bytes(make(solved())))
    assert sentence in str(refused.value)


# Pages.


@pytest.fixture(scope="module")
def answers() -> dict[str, Answers]:
    return {name: Answers(check, list(check.cases(np.random.default_rng(0)))) for name, check in CHECKS.items()}


def verdict(read: Submission, name: str, asked: Answers) -> str:
    """What grading says of a function, run in this process as the sandbox's own would."""
    from gencourse.homework.grading.inside import worker

    job = session.Job(name, CHECKS[name], asked.cases, asked, end="")

    def send(kind: bytes, text: str = "", data: bytes = b"") -> None:
        if kind == relay.OUTPUTS:
            job.end = None
            session.store_message([job], {"task": 0, "absent": text}, data)

    call = CHECKS[name].call
    task = {"name": name, "cell": CHECKS[name].cell, "call": [call.__module__, call.__name__]}
    worker.send_outputs(send, task, job.cases, {"cells": read.code, "texts": read.others, "seconds": 0})
    return judge(job)


@pytest.mark.parametrize("kind", files.PAGES)
def test_a_page_means_what_it_means_in_jupyter(kind, answers, monkeypatch, capsys):
    monkeypatch.setattr(guard, "watch", lambda: None)  # a hook that nobody could take away again
    make, expected = files.PAGES[kind]
    read = submission.parse(files.as_bytes(make(solved())))
    for name, sentence in expected.items():
        said = verdict(read, name, answers[name])
        assert sentence in said and bool(said) == bool(sentence), (name, said)


# The command.


FOLDER = {  # what lies there: how it was made, and what the table says of it where it is not graded
    "Anna Müller_3141_/Abgabe": (lambda nb: files.encoded("utf-16")(files.SETTINGS(nb)), ""),
    "Anna Müller_3141_/Abgabe (1)": (files.PRINTS, ""),
    "old": files.REFUSED["nbformat 3"],
    "merged": files.REFUSED["a merge conflict"],
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The lines of the table and the pages, by hand-in."""
    folder, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out") / "grades.csv"
    for name, (make, _) in FOLDER.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.ipynb").write_bytes(files.as_bytes(make(solved())))
    command = ["homework", "grade", str(folder), "--out", str(out), "--chapter", "01", "--seed", "4", "--jobs", "1"]
    try:
        with sandbox.open_sandbox():
            assert cli.main([*command, "--seconds", "60"]) == 0  # a slow machine must not decide
    except sandbox.NoSandbox as error:
        pytest.skip(str(error))
    with out.open(encoding="utf-8-sig", newline="") as table:
        rows = {row["student"]: row for row in csv.DictReader(table)}
    pages = out.with_suffix("")
    read = [name for name, (_, reason) in FOLDER.items() if not reason]
    return rows, {name: html.unescape((pages / f"{name}.html").read_text(encoding="utf-8")) for name in read}


def test_a_line_for_each_file(graded):
    """Two of one student's too."""
    assert set(graded[0]) == set(FOLDER)


@pytest.mark.parametrize("name", FOLDER)
def test_all_points_or_none_and_the_reason(graded, name):
    row, page, reason = graded[0][name], graded[1].get(name, ""), FOLDER[name][1]
    assert reason in row["note"] and row["note"].startswith("not graded") == bool(reason)
    expected = {f"{task.id} (of {task.points})": "" if reason else f"{task.points}" for task in CHAPTER.tasks}
    assert {column: row[column] for column in expected} == expected, page
    assert row[f"sum (of {CHAPTER.points})"] == ("" if reason else f"{CHAPTER.points}")
