"""The command grades a folder full of malice: none of it scores, none costs anybody else, none ends the run."""

import csv
import html
import io
import json
import sys
from pathlib import Path
from typing import NamedTuple

import hostile
import pytest

from gencourse import cli
from gencourse.chapters import pages
from gencourse.homework import tasks
from gencourse.homework.checking import check as checks
from gencourse.homework.grading import sandbox
from gencourse.homework.handout import build

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="submissions run on Linux and macOS"),
]
CHAPTER = tasks.chapter("01")
SOLVED = build.folder() / f"{CHAPTER.name}.ipynb"
CELLS = {name: check.cell for name, check in checks.of_chapter("01").items()}
HONEST = "style_loss"
COLUMN = {task.id: f"{task.id} (of {task.points})" for task in CHAPTER.tasks}
SUM = f"sum (of {CHAPTER.points})"


class Graded(NamedTuple):
    code: int
    rows: dict[str, dict[str, str]]
    pages: dict[str, str]
    where: dict[str, tuple[str, str]]
    lines: list[list[str]]


def solved() -> dict:
    notebook = json.loads(SOLVED.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return notebook


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Graded:
    try:
        with sandbox.open_sandbox() as place:
            if not place.isolated:
                pytest.skip("needs bubblewrap")
    except sandbox.NoSandbox as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("hostile")
    where = hostile.build(folder / "in", solved, CELLS, HONEST) if (folder / "in").mkdir() is None else {}
    out = folder / "table.csv"
    command = ["homework", "grade", str(folder / "in"), "--out", str(out), "--chapter", "01", "--seed", "5"]
    code = cli.main([*command, "--jobs", "2", "--seconds", "5", "--memory", "1000"])
    text = out.read_bytes().decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text, newline="")))
    rows = {line[0]: dict(zip(lines[0], line, strict=True)) for line in lines[1:]}
    told = {path.stem: path.read_text(encoding="utf-8") for path in (folder / "table").glob("*.html")}
    return Graded(code, rows, told, where, lines)


def test_the_run_ends_well_with_a_line_for_everybody(graded):
    assert graded.code == 0
    assert len({len(line) for line in graded.lines}) == 1 and len(graded.rows) == len(graded.lines) - 1
    names = [*{student for student, _ in graded.where.values()}, "honest", "hard", "d/" * 60 + "deep"]
    assert set(names) <= {name.removeprefix("'") for name in graded.rows} | {"d/" * 60 + "deep"}


@pytest.mark.parametrize("name", [*hostile.FUNCTIONS, *hostile.FILES])
def test_nothing_scores(graded, name):
    student, function = graded.where[name]
    row = graded.rows[student]
    honest = name in ("scripts in answers", "formulas in answers", "a huge answer", "no numbers")
    if not honest:
        assert row[COLUMN[CELLS[function]]] in ("", "0"), row
    assert float(row[SUM] or 0) <= CHAPTER.points
    assert "GOT IN" not in row["note"] and "GOT IN:" not in html.unescape(graded.pages.get(student, ""))


@pytest.mark.parametrize("name", hostile.FUNCTIONS)
def test_an_attempt_costs_nobody_else(graded, name):
    """The honest function of the same notebook keeps its points."""
    row = graded.rows[graded.where[name][0]]
    task = next(task for task in CHAPTER.tasks if task.id == CELLS[HONEST])
    assert row[COLUMN[task.id]] == f"{task.points}", row


def test_honest_ones_are_whole(graded):
    honest = ["honest", "hard", *hostile.CHARGES.values()]
    by_name = {name.removeprefix("'"): row for name, row in graded.rows.items()}
    plain = [name for name in honest if name in by_name]
    assert len(plain) >= len(honest) - 4, "a few names are shown in another way"
    assert {name: by_name[name][SUM] for name in plain} == dict.fromkeys(plain, f"{CHAPTER.points}")
    assert sum(row[SUM] == f"{CHAPTER.points}" for row in graded.rows.values()) >= len(honest)


def test_what_is_shown_is_text(graded):
    cells = [cell for line in graded.lines for cell in line]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
    assert not [cell for cell in cells if "\x1b" in cell or "\0" in cell]
    for name, page in graded.pages.items():
        assert "<script>alert" not in page and 'onerror="' not in page and "javascript:" not in page.split("<pre")[0], (
            name
        )
    assert Path(SOLVED).exists() and pages.read(SOLVED).cells
