"""Hostile hand-ins: none scores, none harms another row, none ends the run."""

import csv
import io
import json
import os
import sys
from dataclasses import replace
from typing import NamedTuple

import hostile
import numpy as np
import pytest

from gencourse import cli
from gencourse.homework import tasks
from gencourse.homework.checking import check as checks
from gencourse.homework.checking.engine import Answers
from gencourse.homework.grading import report, sandbox, session, table
from gencourse.homework.grading.grade import judge
from gencourse.homework.grading.results import GradedSubmission, Mark
from gencourse.homework.handout import build

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="submissions run on Linux and macOS")
CHAPTER = tasks.chapter("01")
GRAM = checks.find("gram_matrix")
FULL = {f"{task.id} (of {task.points})": f"{task.points}" for task in CHAPTER.tasks}
GRAM_COLUMN = next(column for column in FULL if column.startswith("task-gram"))
SUM = f"sum (of {CHAPTER.points})"
LIMITS = session.Limits(seconds=2, memory=600_000_000, wall=20)
ATTEMPTS = hostile.FUNCTIONS | hostile.CELLS
TOGETHER = {
    "memory that is nobody's": "its processes took more than 600 MB together",
    "each fork has its own time": "its processes took more than 2 seconds of computing together",
}


def solved() -> dict:
    notebook = json.loads((build.folder() / f"{CHAPTER.name}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return notebook


@pytest.fixture(scope="module")
def place():
    try:
        with sandbox.open_sandbox() as opened:
            if not opened.isolated:
                pytest.skip(f"needs bubblewrap: {opened.problem}")
            yield opened
    except sandbox.NoSandbox as error:
        pytest.skip(str(error))


# Attempts, each asked for as gram_matrix is: one page holds many, so that torch is imported once.


class Tried(NamedTuple):
    """What is said of each attempt; of gram_matrix, right, after each few of them; how many workers that took."""

    said: dict[str, str]
    honest: list[str]
    workers: int


def tried(place: sandbox.Sandbox, attempts: dict[str, str], asked: Answers, monkeypatch) -> Tried:
    """Run the attempts of a page, gram_matrix after each few of them, but none after the last."""
    secrets = ["/etc/passwd", str(build.folder() / f"{CHAPTER.name}.ipynb"), GRAM.cases.__code__.co_filename]
    cells = [{"id": "task-gram", "text": hostile.IMPORTS + hostile.RIGHT}]
    jobs = []
    for number, text in enumerate(attempts.values()):
        name = f"attempt_{number}"
        check = replace(GRAM, cell=f"task-{number}")
        cells.append({"id": check.cell, "text": hostile.attempt(text, name, secrets)})
        if number % 12 == 11 or number == len(attempts) - 1:
            jobs.append(session.Job("gram_matrix", GRAM, asked.cases, asked))
        jobs.append(session.Job(name, check, asked.cases, asked))
    started = []
    start = sandbox.Sandbox.start
    monkeypatch.setattr(sandbox.Sandbox, "start", lambda *given: started.append(1) or start(*given))
    session.run(session.Session(place, cells, LIMITS), jobs)
    said = [judge(job) for job in jobs if job.name != "gram_matrix"]
    honest = [judge(job) for job in jobs if job.name == "gram_matrix"]
    return Tried(dict(zip(attempts, said, strict=True)), honest, len(started))


@pytest.fixture(scope="module")
def pages(place) -> list[Tried]:
    asked = Answers(GRAM, list(GRAM.cases(np.random.default_rng(0))))
    with pytest.MonkeyPatch.context() as patch:
        return [tried(place, one, asked, patch) for one in (hostile.FUNCTIONS, hostile.CELLS)]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_is_worth_nothing(pages, name):
    said = (pages[0].said | pages[1].said)[name]
    assert said and "GOT IN" not in said and len(said) < 1500
    if name in TOGETHER and os.path.exists("/proc/sysvipc/shm"):
        assert TOGETHER[name] in said


def test_what_is_right_on_the_same_page_stays_right(pages):
    for page in pages:
        assert page.honest and set(page.honest) == {""}


def test_an_attempt_takes_no_worker_with_it(pages, place):
    """But one that kills all that it may, where nobody can be another user than the worker is."""
    as_root = sandbox.user_id(0) is not None
    assert [page.workers for page in pages] == [1 if as_root else 2, 1]


def test_what_is_said_is_shown_as_text(pages):
    said = pages[0].said | pages[1].said
    marks = [Mark("task-gram", hostile.MARK, 0.0, 1, said)]
    page = report.format_page(GradedSubmission(hostile.MARK, "01", hostile.MARK, marks), CHAPTER)
    assert "alert" in page and "<script" not in page and not {"\0", "\x1b", "\u202e", "\u2066"} & set(page)


# Files, graded by the command.


class Graded(NamedTuple):
    code: int
    text: str
    lines: list[list[str]]
    rows: dict[str, dict[str, str]]
    pages: dict[str, str]


def cells_of(text: str, separator: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.fixture(scope="module")
def graded(place, tmp_path_factory) -> Graded:
    folder, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out") / "table.csv"
    hostile.folder(folder, solved)
    command = ["homework", "grade", str(folder), "--out", str(out), "--chapter", "01", "--seed", "5", "--jobs", "1"]
    code = cli.main([*command, "--seconds", "60"])  # a slow machine must not decide
    text = out.read_bytes().decode("utf-8-sig")
    lines = cells_of(text, ",")
    rows = {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[1:]}
    found = out.with_suffix("").rglob("*.html")
    return Graded(code, text, lines, rows, {page.stem: page.read_text(encoding="utf-8") for page in found})


def test_the_run_ends_well_with_a_line_for_everybody(graded):
    names = ["tampered", "charged", "socket", "round", "round/again", *hostile.FILES, *hostile.CHARGES.values()]
    assert graded.code == 0 and sorted(graded.rows) == sorted(names) and len(graded.lines) == len(names) + 1
    assert set(graded.pages) == {"tampered", "charged"}  # a file that could not be read has a line and no page


def test_points_are_those_of_the_chapter_alone(graded):
    points = {name: {column: row[column] for column in FULL} for name, row in graded.rows.items()}
    assert points.pop("charged") == FULL and points.pop("tampered") == FULL | {GRAM_COLUMN: "0"}
    assert graded.rows["charged"][SUM] == f"{CHAPTER.points}"
    assert {text for row in points.values() for text in row.values()} == {""}


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_file_that_is_none_says_so(graded, name):
    assert graded.rows[name]["note"].startswith("not graded: the file is")


def test_a_spreadsheet_finds_no_formula_whatever_it_takes_for_a_separator(graded):
    for separator in ",;\t":
        cells = [cell for line in cells_of(graded.text, separator) for cell in line]
        assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")], separator


def test_what_was_handed_in_is_shown_as_text(graded):
    assert "alert" in graded.pages["charged"]
    for page in graded.pages.values():
        assert "<script" not in page and "<img" not in page and "</pre></code>" not in page
    assert all(text.isprintable() for line in graded.lines for text in line)


@pytest.mark.parametrize("name", hostile.ODD)
def test_a_notebook_of_no_form_is_worth_nothing(name, tmp_path):
    from gencourse.homework.grading import submission
    from gencourse.homework.grading.inside import definitions

    hostile.save(tmp_path / "odd.ipynb", hostile.ODD[name](solved()))
    read = submission.read(tmp_path / "odd.ipynb")
    assert read.problem == "" and all(isinstance(cell.type + cell.text + cell.id, str) for cell in read.cells)
    with pytest.raises(definitions.NotDefined):
        definitions.find_cell(definitions.parse(read.code), "task-gram", "gram_matrix", read.others)


def test_more_magics_than_ipython_takes_are_an_error_of_their_cell(monkeypatch):
    from gencourse.homework.grading.inside import definitions

    monkeypatch.setattr("IPython.core.inputtransformer2.TRANSFORM_LOOP_LIMIT", 5)
    magics, answer = definitions.parse([{"id": "", "text": "!ls\n" * 9}, {"id": "", "text": hostile.RIGHT}])
    assert magics.error and magics.body == [] and not answer.error


@pytest.mark.parametrize("text", ["a;=1", "a,+1", "a\t-1", "x;@y;=z", "=a;=b"])
def test_no_part_of_a_name_is_a_formula(text):
    shown = table.escape_formula(text)
    assert shown.replace("'", "") == text
    for separator in ",;\t":
        assert not [part for part in shown.split(separator) if part[:1] in tuple("=+-@")]
