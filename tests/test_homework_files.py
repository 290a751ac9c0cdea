"""Hand-ins as files, graded by the command: all points, or not graded with the reason, never 0 in silence."""

import csv
import html
import json
import sys

import pytest
import student_files as files

from gencourse import cli
from gencourse.homework import tasks
from gencourse.homework.grading import sandbox
from gencourse.homework.handout import build

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="submissions run on Linux and macOS"),
]
CHAPTER = tasks.chapter("01")
SOLVED = build.folder() / f"{CHAPTER.name}.ipynb"


def solved() -> dict:
    notebook = json.loads(SOLVED.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return notebook


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The lines of the table and the pages, by file."""
    folder, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out") / "grades.csv"
    for kind, data in files.build(solved).items():
        (folder / f"{files.file_name(kind)}.ipynb").write_bytes(data)
    try:
        with sandbox.open_sandbox():
            pass
    except sandbox.NoSandbox as error:
        pytest.skip(str(error))
    command = ["homework", "grade", str(folder), "--out", str(out), "--chapter", "01", "--seed", "4", "--jobs", "2"]
    assert cli.main(command) == 0
    with out.open(encoding="utf-8-sig", newline="") as table:
        rows = {row["student"]: row for row in csv.DictReader(table)}
    told = {path.stem: html.unescape(path.read_text(encoding="utf-8")) for path in out.with_suffix("").glob("*.html")}
    return rows, told


@pytest.mark.parametrize("kind", files.KINDS)
def test_as_jupyter_or_with_the_reason(graded, kind):
    expected, name = files.KINDS[kind][1], files.file_name(kind)
    row, page = graded[0][name], graded[1].get(name, "")
    if isinstance(expected, str):
        assert expected in row["note"] and all(row[f"{t.id} (of {t.points})"] == "" for t in CHAPTER.tasks), row
        return
    for task in CHAPTER.tasks:
        points, said = expected.get(task.id, (float(task.points), ""))
        assert row[f"{task.id} (of {task.points})"] == ("" if points is None else f"{points:g}"), (task.id, row, page)
        assert said in page + row["note"]
