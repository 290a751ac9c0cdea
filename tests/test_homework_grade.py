"""Grading: right points for honest work, none for attempts, and nobody stops anybody else."""

import ast
import csv
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

import attacks
import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from gencourse import cli
from gencourse.chapters import pages
from gencourse.chapters.run import find
from gencourse.homework import tasks
from gencourse.homework.checking import check as checks
from gencourse.homework.grading import collect, sandbox, session, submission
from gencourse.homework.grading.grade import GradingRun, grade
from gencourse.homework.grading.inside import definitions, wire
from gencourse.homework.grading.results import GradedSubmission
from gencourse.homework.grading.sandbox import Sandbox
from gencourse.homework.grading.session import Limits
from gencourse.homework.handout import build

CHAPTER = "01"
NAME = tasks.chapter(CHAPTER).name
SOLVED = build.folder() / f"{NAME}.ipynb"
HONEST = "style_loss"  # is right in every attempt's notebook
VICTIMS = [name for name in checks.of_chapter(CHAPTER) if name != HONEST]
LIMITS = Limits(seconds=2, memory=1_000_000_000, wall=40)
TASK = {name: check.cell for name, check in checks.of_chapter(CHAPTER).items()}
FULL = {task.id: task.points for task in tasks.chapter(CHAPTER).tasks}
ALL = sum(FULL.values())
SUM = f"sum (of {ALL})"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="submissions run on Linux and macOS")


def solved(**cells: str) -> NotebookNode:
    """The chapter, solved, without its outputs, some cells' text replaced."""
    notebook = pages.read(SOLVED)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
        cell.source = cells.get(cell.id.replace("-", "_"), cell.source)
    return notebook


@pytest.fixture(scope="module")
def place():
    try:
        with sandbox.open_sandbox() as opened:
            yield opened
    except sandbox.NoSandbox as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def server():
    """Listens where a submission must not get to; nothing is ever sent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        yield listening


def graded(folder: Path, place: Sandbox, chapter: str = CHAPTER) -> dict[str, GradedSubmission]:
    run = GradingRun(tasks.chapter(chapter), place, seed=3, limits=LIMITS)
    submissions = collect.read_submissions(collect.find_files(folder))
    return {result.student: result for result in grade(submissions, run, jobs=2)}


def points(result: GradedSubmission) -> dict[str, float | None]:
    return {mark.task: mark.points for mark in result.marks}


def sentence(result: GradedSubmission, function: str) -> str:
    return {name: said for mark in result.marks for name, said in mark.sentences.items()}[function]


# Honest work.


def moved(notebook: NotebookNode) -> None:
    notebook.cells.reverse()


def without_setup(notebook: NotebookNode) -> None:
    notebook.cells = [cell for cell in notebook.cells if cell.id != "setup"]


def on_colab(notebook: NotebookNode) -> None:
    """Colab gives cells ids of its own and keeps nbgrader's metadata."""
    for index, cell in enumerate(notebook.cells):
        cell.id = f"colab{index}"


def without_metadata(notebook: NotebookNode) -> None:
    for index, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"c{index}", {"nbgrader": {"grade_id": "task-gram"}} if cell.id == "task-gram" else {}


def copied(notebook: NotebookNode) -> None:
    """A copy of the stub lies below the answer, and an older answer above it."""
    cells = {cell.id: cell for cell in notebook.cells}
    stub = "def gram_matrix(features):\n    raise NotImplementedError()"
    old = "def gram_matrix(features):\n    return features"
    for text, place in ((stub, len(notebook.cells)), (old, 3)):
        notebook.cells.insert(place, new_code_cell(text, metadata=cells["task-gram"].metadata))


def with_helpers(notebook: NotebookNode) -> None:
    """A function, a constant and an import of the student's own, in cells above and below, among other things."""
    place = [cell.id for cell in notebook.cells].index("task-gram")
    helper = "%matplotlib inline\nfrom math import prod as multiplied\nimport a_package_nobody_has\nraise SystemExit"
    notebook.cells[place].source = (
        "def gram_matrix(features):\n    f = flat(features)\n    return f @ f.mT / multiplied(features.shape[START:])\n"
        "print(gram_matrix(undefined))"
    )
    notebook.cells.insert(place, new_code_cell("START = 2\nfor i in range(3):\n    print(i)"))
    notebook.cells.insert(place, new_code_cell(helper))
    notebook.cells.append(new_code_cell("def flat(x):\n    return x.flatten(START)"))


CHANGES = (moved, without_setup, on_colab, without_metadata, copied, with_helpers)


@pytest.fixture(scope="module")
def honest(place, tmp_path_factory) -> dict[str, GradedSubmission]:
    folder = tmp_path_factory.mktemp("honest")
    for change in CHANGES:
        notebook = solved()
        change(notebook)
        (folder / f"{change.__name__}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    pages.write(pages.read(build.homework() / SOLVED.name), folder / "stub.ipynb")
    one = "def gram_matrix(features):\n    f = features.flatten(2)\n    return f @ f.transpose(1, 2)"
    broken = "def total_variation(x):\n    return x.diff(dim=2)..mean()"
    notebook = solved(task_gram=one, task_variation=broken, task_colours="", question_where="Because <b>.")
    pages.write(notebook, folder / "class" / "anna.ipynb")
    return graded(folder, place)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_full_points(honest, change):
    assert honest[change.__name__].problem == ""
    assert points(honest[change.__name__]) == FULL, [mark.sentences for mark in honest[change.__name__].marks]


def test_a_stub_gets_nothing(honest):
    assert set(points(honest["stub"]).values()) == {0}
    assert sentence(honest["stub"], "gram_matrix").startswith("gram_matrix is not written yet")


def test_each_task_has_its_own_points_and_sentence(honest):
    anna = honest["class/anna"]
    lost = ("task-gram", "task-variation", "task-colours")
    assert points(anna) == {task: 0 if task in lost else of for task, of in FULL.items()}
    assert "take a mean over the positions" in sentence(anna, "gram_matrix")
    assert sentence(anna, "total_variation").startswith("the cell of total_variation is not Python")
    assert sentence(anna, "keep_colours").startswith("keep_colours is defined nowhere")
    assert sentence(anna, "content_loss") == "" and anna.answers["question-where"] == "Because <b>."
    assert "picture that you would hang on a wall" in anna.answers["question-wall"], "what was left solved is an answer"


# Attempts.


def lots(attempts: list[str]) -> list[dict[str, str]]:
    """Spread attempts over notebooks, one a function; what ends the whole worker gets a notebook of its own."""
    alone = [name for name in attempts if name in attacks.PARENT]
    rest = [name for name in attempts if name not in attacks.PARENT]
    groups = [rest[i : i + len(VICTIMS)] for i in range(0, len(rest), len(VICTIMS))]
    return [dict(zip(group, VICTIMS, strict=False)) for group in groups] + [{name: VICTIMS[1]} for name in alone]


@pytest.fixture(scope="module")
def arena(tmp_path_factory, server):
    """The folder of attempts, and where each lies: attempt -> (student, function)."""
    folder = tmp_path_factory.mktemp("attempts")
    target = tmp_path_factory.mktemp("target")
    secrets = [str(SOLVED), str(folder / "honest.ipynb"), str(sandbox.PACKAGE / "methods/style.py")]
    secrets += [str(sandbox.PACKAGE / "homework/ch01/checks.py"), str(Path(checks.__file__).resolve())]
    writable = [str(target / "marker"), str(Path.home() / ".gencourse-marker"), "/tmp/gencourse-marker"]
    writable += ["gencourse-marker", str(folder / "honest.ipynb.marker"), "/dev/shm/gencourse-marker"]
    port = server.getsockname()[1]
    where = {}
    for index, lot in enumerate(lots(list(attacks.ATTEMPTS))):
        cells = {TASK[f].replace("-", "_"): attacks.source(a, f, secrets, writable, port) for a, f in lot.items()}
        pages.write(solved(**cells), folder / f"attempt{index}.ipynb")
        where |= {attempt: (f"attempt{index}", function) for attempt, function in lot.items()}
    pages.write(solved(), folder / "honest.ipynb")
    spoil(folder)
    yield folder, where, target
    for path in map(Path, writable[1:]):
        assert not path.exists() and not Path(f"{path}.large").exists()


def spoil(folder: Path) -> None:
    """Files that are no notebooks of this chapter."""
    (folder / "empty.ipynb").touch()
    (folder / "broken.ipynb").write_text('{"cells": [')
    (folder / "nested.ipynb").write_text("[" * 200_000)
    (folder / "strange.ipynb").write_text(
        '{"cells": [1, {"cell_type": "code"}, {"metadata": 3, "source": [null]}, null]}'
    )
    (folder / "binary.ipynb").write_bytes(b"\x80\x04\x95" + os.urandom(1000))
    with open(folder / "large.ipynb", "wb") as file:
        file.truncate(100_000_000)  # a hole: nothing is written
    (folder / "link.ipynb").symlink_to(folder / "honest.ipynb")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "folder.ipynb").mkdir()
    shutil.copy(build.folder() / "02_upsampling.ipynb", folder / "other.ipynb")


@pytest.fixture(scope="module")
def attempted(arena, place, server) -> dict[str, GradedSubmission]:
    os.environ["GENCOURSE_TEST_TOKEN"] = "secret"
    try:
        return graded(arena[0], place)
    finally:
        del os.environ["GENCOURSE_TEST_TOKEN"]


@pytest.mark.parametrize("attempt", attacks.ATTEMPTS)
def test_an_attempt_is_worth_nothing(attempted, arena, place, attempt):
    student, function = arena[1][attempt]
    if attempt in attacks.WALLS and not place.isolated:
        pytest.skip(f"needs bubblewrap: {place.problem}")
    result = attempted[student]
    assert not points(result)[TASK[function]]
    assert "GOT IN" not in sentence(result, function), sentence(result, function)
    assert len(sentence(result, function)) < 1500


def test_attempts_cost_nobody_else(attempted, arena):
    """Not the honest ones, and not the other functions of the same notebook."""
    assert points(attempted["honest"]) == FULL
    for student in {student for student, _ in arena[1].values()}:
        assert points(attempted[student])[TASK[HONEST]] == FULL[TASK[HONEST]], attempted[student].marks
    alone = attempted[arena[1]["killing the parent"][0]]
    # make_objective calls gram_matrix, and is a claim with it; what has nothing to do with the attack keeps its points.
    others = {task: of for task, of in FULL.items() if task not in ("task-gram", "task-objective")}
    assert {task: points(alone)[task] for task in others} == others, alone.marks
    assert not points(alone)["task-gram"] and not points(alone)["task-objective"]


def test_attempts_leave_nothing(attempted, arena, server, place):
    if not place.isolated:
        pytest.skip("needs bubblewrap")
    assert list(arena[2].iterdir()) == []
    with pytest.raises(TimeoutError):
        server.accept()


@pytest.mark.parametrize(
    ("student", "problem"),
    [
        ("empty", "the file is empty"),
        ("broken", "is damaged"),
        ("nested", "is damaged"),
        ("binary", "is damaged"),
        ("strange", ""),
        ("large", "the file has 100 MB, more than 30"),
        ("link", "this is not a file"),
        ("pipe", "this is not a file"),
        ("folder", "this is not a file"),
        ("other", "this is a notebook of chapter 02, not of 01"),
    ],
)
def test_files_that_are_no_notebooks(attempted, student, problem):
    assert set(points(attempted[student]).values()) == ({None} if problem else {0})
    assert problem in attempted[student].problem and bool(problem) == bool(attempted[student].problem)


@pytest.mark.parametrize("attempt", ["reading solutions, checks and others", "the package's own answer", "the network"])
def test_without_walls_the_attempts_would_get_in(attempt, server):
    """They are real: in this process each of them gets what it is after."""
    text = attacks.source(attempt, "f", [str(SOLVED)], [], server.getsockname()[1])
    space: dict = {"torch": pytest.importorskip("torch")}
    exec(text, space)
    with pytest.raises(RuntimeError, match="GOT IN"):
        space["f"]()


@pytest.fixture(scope="module")
def limited(tmp_path_factory, server) -> tuple[dict[str, GradedSubmission], dict[str, tuple[str, str]], bool]:
    """What is left of the attempts where bubblewrap is missing, those that only it keeps out aside.

    And whether submissions cannot read our packages: then right answers may fail at a late import, and only here
    does anybody grade all the same.
    """
    folder = tmp_path_factory.mktemp("limits")
    marker, blind = str(tmp_path_factory.mktemp("target") / "marker"), bool(sandbox.packages_problem())
    lacks = attacks.WALLS if sandbox.user_id(0) else attacks.WALLS | attacks.USERS
    where = {}
    for index, lot in enumerate(lots([name for name in attacks.ATTEMPTS if name not in lacks])):
        cells = {TASK[f].replace("-", "_"): attacks.source(a, f, [], [marker], 9) for a, f in lot.items()}
        pages.write(solved(**cells), folder / f"attempt{index}.ipynb")
        where |= {attempt: (f"attempt{index}", function) for attempt, function in lot.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENCOURSE_TEST_TOKEN", "secret")
        patch.setattr(sandbox, "packages_problem", lambda: "")  # an attempt needs no files
        with sandbox.open_sandbox(bubblewrap=False) as place:
            return graded(folder, place), where, blind


@pytest.mark.parametrize("attempt", [name for name in attacks.ATTEMPTS if name not in attacks.WALLS])
def test_limits_alone_hold_an_attempt(limited, attempt):
    results, where, blind = limited
    if attempt not in where:
        pytest.skip("needs bubblewrap, or root, who can run submissions as other users")
    student, function = where[attempt]
    assert not points(results[student])[TASK[function]]
    assert "GOT IN" not in sentence(results[student], function), sentence(results[student], function)
    if not blind:
        assert points(results[student])[TASK[HONEST]] == FULL[TASK[HONEST]], results[student].marks


def test_a_warning_where_bubblewrap_is_missing(tmp_path, capsys):
    pages.write(solved(), tmp_path / "in" / "a.ipynb")
    command = ["homework", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "g.csv"), "--jobs", "1"]
    if problem := sandbox.packages_problem():  # rather no grades than wrong ones
        assert cli.main([*command, "--no-bubblewrap"]) == 2
        assert f"cannot import packages here ({problem}): install bubblewrap" in capsys.readouterr().err
        assert not (tmp_path / "g.csv").exists()
        return
    assert cli.main([*command, "--no-bubblewrap"]) == 0
    assert "WARNING: no bubblewrap" in capsys.readouterr().err
    (row,) = csv.DictReader((tmp_path / "g.csv").open(encoding="utf-8-sig"))
    assert row[SUM] == f"{ALL}"


def test_hidden_folders_below_seen_ones(place, tmp_path, monkeypatch):
    """Hand-ins that lie among the packages stay unseen, the packages around them do not."""
    if not place.isolated:
        pytest.skip(f"needs bubblewrap: {place.problem}")
    packages, hand_ins = tmp_path / "packages", tmp_path / "packages" / "hand_ins" / "class"
    hand_ins.mkdir(parents=True)
    (packages / "seen.txt").write_text("seen")
    (hand_ins / "unseen.txt").write_text("unseen")
    real = sandbox.package_dirs()
    monkeypatch.setattr(sandbox, "package_dirs", lambda: [*real, packages])

    def files(*hidden: Path) -> list[str]:
        line = [*sandbox.bubblewrap_command(place.root_dir, hidden), "/usr/bin/find", str(packages), "-name", "*.txt"]
        found = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
        return sorted(Path(name).stem for name in found.stdout.split())

    assert files() == ["seen", "unseen"]
    assert files(hand_ins) == files(hand_ins.parent) == ["seen"]


# The command.


def test_the_command(tmp_path, capsys, monkeypatch):
    """A table, a page each; the same again without running anything; a changed file alone is run."""
    folder, out = tmp_path / "in", tmp_path / "grades.csv"
    pages.write(solved(question_where="<script>mine</script>"), folder / "b" / "=cmd.ipynb")
    pages.write(pages.read(build.homework() / SOLVED.name), folder / "a.ipynb")
    command = ["homework", "grade", str(folder), "--out", str(out), "--jobs", "2"]
    assert cli.main(command) == 0
    table = out.read_bytes()
    rows = list(csv.DictReader(out.open(encoding="utf-8-sig")))
    assert [row["student"] for row in rows] == ["a", "b/=cmd"]
    assert [row[SUM] for row in rows] == ["0", f"{ALL}"] and rows[0]["question-where (of 2, by hand)"] == ""
    page = (tmp_path / "grades" / "b" / "=cmd.html").read_text(encoding="utf-8")
    assert "<script>" not in page and "&lt;script&gt;mine" in page and f"{ALL} of {ALL} points" in page
    before = {path: path.read_bytes() for path in (tmp_path / "grades").rglob("*.html")}

    ran = []
    real = sandbox.Sandbox.start
    monkeypatch.setattr(sandbox.Sandbox, "start", lambda self, *a, **o: ran.append(1) or real(self, *a, **o))
    assert cli.main(command) == 0 and not ran
    assert out.read_bytes() == table and {p: p.read_bytes() for p in before} == before
    pages.write(solved(task_gram="def gram_matrix(f):\n    return f"), folder / "a.ipynb")
    assert cli.main(command) == 0 and len(ran) == 1
    assert [row[SUM] for row in csv.DictReader(out.open(encoding="utf-8-sig"))] == [f"{ALL - 2}", f"{ALL}"]
    capsys.readouterr()


def test_what_a_person_wrote_into_the_table_stays(tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "grades.csv"
    for student in ("anna", "ben"):
        pages.write(solved(), folder / f"{student}.ipynb")
    command = ["homework", "grade", str(folder), "--out", str(out), "--jobs", "2"]
    assert cli.main(command) == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8-sig")))
    asked = "question-where (of 2, by hand)"
    for row, points in zip(rows, ("2", "1"), strict=True):
        row |= {asked: points, "remark": "=see me"}
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (folder / "ben.ipynb").rename(folder / "cem.ipynb")
    assert cli.main(command) == 0
    rows = {row["student"]: row for row in csv.DictReader(out.open(encoding="utf-8-sig"))}
    assert [(name, row[asked], row["remark"]) for name, row in rows.items()] == [
        ("anna", "2", "=see me"),
        ("cem", "", ""),
        ("ben", "1", "=see me"),
    ]
    assert rows["ben"]["note"] == "no file any more" and rows["cem"][SUM] == f"{ALL}"
    before = out.read_bytes()
    assert cli.main([*command, "--chapter", "02"]) == 2
    assert (
        "no table of 02_upsampling: give --out another name" in capsys.readouterr().err and out.read_bytes() == before
    )


def test_an_old_copy_and_an_old_table(tmp_path, capsys):
    """Handed out and graded with version 0.1: the copy imports modules that are gone, a person has marked the table."""
    old, folder, out = Path(__file__).parent / "old_copies", tmp_path / "in", tmp_path / "grades.csv"
    folder.mkdir()
    shutil.copy(old / "06_ddpm.json", folder / "anna.ipynb")
    shutil.copy(old / "06_grades.csv", out)
    assert cli.main(["homework", "grade", str(folder), "--out", str(out), "--jobs", "1"]) == 0
    with out.open(encoding="utf-8-sig") as new, (old / "06_grades.csv").open(encoding="utf-8") as before:
        (row,), (kept,) = csv.DictReader(new), csv.DictReader(before)
    kept |= {"task-train-step (of 3)": "0", "sum (of 22)": kept.pop("sum (of 19)")}  # a task that came later
    assert row == kept | {"note": "not in the notebook: task-train-step"}
    assert "1 submissions, 0 could not be read" in capsys.readouterr().out


def test_ctrl_c_leaves_the_table_that_is_there(tmp_path, capsys, monkeypatch):
    folder, out = tmp_path / "in", tmp_path / "grades.csv"
    for student in ("anna", "ben"):
        pages.write(solved(), folder / f"{student}.ipynb")
    command = ["homework", "grade", str(folder), "--out", str(out), "--jobs", "1"]
    assert cli.main(command) == 0
    before = out.read_bytes()

    def pressed(*arguments, **options):
        yield from list(grade(*arguments, **options))[:1]
        raise KeyboardInterrupt

    monkeypatch.setattr("gencourse.homework.grading.grade.grade", pressed)
    assert cli.main(command) == 130 and out.read_bytes() == before
    assert "1 of 2 are graded and stand in" in capsys.readouterr().err


def test_what_is_no_submission(tmp_path):
    for name in ("anna/hw.IPYNB", "__MACOSX/anna/._hw.ipynb", "._x.ipynb", ".ipynb_checkpoints/x.ipynb", "ben/hw.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(SOLVED.read_bytes())
    files = collect.find_files(tmp_path)
    left = collect.left_out(tmp_path, files)
    assert list(files) == ["anna/hw"] and list(left) == ["ben/hw.pdf"] and collect.rows_for(left, files) == left


@pytest.mark.parametrize("held", ["abc", "-5", "", "1.5"])
def test_a_seed_that_is_none(held, tmp_path, capsys):
    pages.write(solved(), tmp_path / "in" / "a.ipynb")
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "seed.txt").write_text(held)
    assert cli.main(["homework", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "g.csv")]) == 2
    assert "which is no seed: delete it, or give --seed" in capsys.readouterr().err


def test_grades_do_not_depend_on_the_order_of_work(tmp_path, capsys):
    """One at a time or two, in one go or stopped after the first: the same seed gives the same table and pages."""
    for student, cells in {"a": {}, "b": {"task_gram": "def gram_matrix(f):\n    return f"}, "c": {}}.items():
        pages.write(solved(**cells), tmp_path / "in" / f"{student}.ipynb")

    def told(name: str, *options: str) -> dict[str, bytes]:
        out = tmp_path / name / "grades.csv"
        assert cli.main(["homework", "grade", str(tmp_path / "in"), "--out", str(out), "--seed", "7", *options]) == 0
        files = [out, *sorted((out.parent / "grades").glob("*.html"))]
        return {path.name: path.read_bytes() for path in files}

    whole = told("one at a time", "--jobs", "1")
    assert len(whole) == 4 and told("two at a time", "--jobs", "2") == whole
    assert "3/3" in capsys.readouterr().err  # a bar over submissions
    stopped = tmp_path / "stopped" / "grades"
    shutil.copytree(tmp_path / "one at a time" / "grades", stopped)
    kept = {json.loads(f.read_text())["result"]["student"]: f for f in (stopped / "kept").glob("?" * 32 + ".json")}
    for left in (kept["b"], kept["c"], stopped / "b.html", stopped / "c.html"):
        left.unlink()
    assert told("stopped", "--jobs", "2") == whole


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_spreadsheet_runs_no_formula(text):
    from gencourse.homework.grading.table import escape_formula

    assert escape_formula(text) == "'" + text and escape_formula("anna") == "anna"


def test_what_is_wrong_with_the_command(tmp_path, capsys):
    def refused(*arguments: str) -> str:
        try:
            code = cli.main(["homework", "grade", *arguments])
        except SystemExit as stopped:
            code = stopped.code
        assert code == 2
        return capsys.readouterr().err

    assert "there is no" in refused(str(tmp_path / "nowhere"))
    assert "there is no notebook in" in refused(str(tmp_path))
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "a.ipynb")
    assert "--chapter 01" in refused(str(tmp_path))
    assert "unknown chapter" in refused(str(tmp_path), "--chapter", "99")
    assert "at least 1" in refused(str(tmp_path), "--jobs", "0")


def test_the_chapter_is_that_of_most_files(tmp_path):
    for name, chapter in {"a": "01_style_transfer", "b": "01_style_transfer", "c": "02_upsampling"}.items():
        shutil.copy(build.homework() / f"{chapter}.ipynb", tmp_path / f"{name}.ipynb")
    submissions = collect.read_submissions(collect.find_files(tmp_path))
    assert collect.most_common_chapter(submissions) == "01"
    del submissions["a"]
    with pytest.raises(ValueError, match="which chapter is it"):
        collect.most_common_chapter(submissions)


def test_what_lies_on_the_desk(place):
    """Nothing that knows an answer, and nothing that judges."""
    names = {path.relative_to(place.root_dir / "gencourse").as_posix() for path in place.root_dir.rglob("*.py")}
    assert not [name for name in names if name.startswith(("methods", "metrics", "data", "checkpoints"))]
    assert "homework/ch01/calls.py" in names and "homework/grading/inside/worker.py" in names
    judging = ("checks.py", "mistakes.py", "reference.py", "check.py", "compare.py", "engine.py")
    assert not [name for name in names if name.endswith(judging)]


def test_more_code_than_anybody_writes():
    notebook = {"cells": [{"cell_type": "code", "source": "x" * 10_000, "id": "a"}] * 200}
    with pytest.raises(submission.Unreadable, match="more code"):
        submission.parse(json.dumps(notebook).encode())


def test_strange_names_and_characters(tmp_path):
    notebook = {"cells": [{"cell_type": "markdown", "source": "\ud800 half", "id": "question-where"}]}
    assert submission.parse(json.dumps(notebook).encode()).texts == {"question-where": "? half"}
    for name in ("a" * 240, os.fsdecode(b"\xff"), "?"):
        (tmp_path / f"{name}.ipynb").touch()
    names = list(collect.find_files(tmp_path))
    assert len(names) == 3 and all(len(name) < 160 and name.isprintable() for name in names)


def test_messages_come_back_as_they_were():
    values = {
        "t": 0.5,
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "name": "ü",
        "yes": True,
        "zero": np.zeros(()),
        "turned": np.arange(12.0)[::-2].reshape(2, 3).T,  # neither contiguous nor in C's order
        "none": None,
        "whole": 2**40,
        "truths": np.array([True, False]),
        "empty": np.zeros((0, 3)),
        "nans": np.array([np.nan, np.inf]),
        "labels": np.arange(3),
    }
    found = wire.unpack(wire.pack(values))
    assert list(found) == list(values)
    for name, value in values.items():
        assert type(found[name]) is type(value) and np.array_equal(found[name], value, equal_nan=name == "nans"), name
        if isinstance(value, np.ndarray):
            assert found[name].dtype == value.dtype and found[name].shape == value.shape
    assert np.isnan(wire.unpack(wire.pack({"lr": float("nan")}))["lr"])
    assert wire.unpack(wire.pack({"\ud800": "\ud800", "\ud801a": np.ones(1)})) == {"?": "?", "?a": np.ones(1)}


def announced(dtype: str, shape: list[int], *, plain: object = None, order: object = ("a",)) -> dict:
    """The header of a message with an array of eight bytes."""
    values = json.dumps({"order": order, "plain": plain or {}})
    return {"__metadata__": {"values": values}, "a": {"dtype": dtype, "shape": shape, "data_offsets": [0, 8]}}


def test_no_bytes_do_more_than_be_refused():
    """Random ones, cut ones, and headers that announce what is not there."""
    generator = np.random.default_rng(0)
    good = wire.pack({"a": np.zeros((2, 3)), "b": "text"})
    bad = [generator.bytes(n) for n in range(50)] + [good[:n] for n in range(len(good))] + [good + b"x"]
    headers = [
        announced("F64", [2**40, 2**40]),
        announced("F64", [2**63]),
        announced("F64", [-1]),
        announced("F64", [2]),
        announced("O", [1]),
        announced("BF16", [4]),
        announced("F16", [4]),
        announced("C64", [1]),
        announced("F64", [1] * 40),
        announced("F64", [1] * 100),
        {**announced("F64", [1]), "__metadata__": {"values": "[" * 100_000}},
        {**announced("F64", [1]), "__metadata__": {"values": 3}},
        {**announced("F64", [1]), "__metadata__": {}},
        announced("F64", [1], plain={"b": [1]}),
        announced("F64", [1], plain={"b": "x" * 5000}),
        announced("F64", [1], order=[[]]),
        announced("F64", [1], order=["a", "b"]),
        {**announced("F64", [1]), "x" * 300_000: {}},
        [],
    ]
    texts = [json.dumps(header).encode() for header in headers] + [b"[" * 100_000]
    bad += [struct.pack("<Q", len(text)) + text + bytes(8) for text in texts]
    taken = json.dumps(announced("F64", [1])).encode()  # what the others differ from
    assert wire.unpack(struct.pack("<Q", len(taken)) + taken + bytes(8)) == {"a": np.zeros(1)}
    for message in bad:
        with pytest.raises(wire.BadMessage):
            wire.unpack(message)


@pytest.mark.parametrize(
    ("texts", "runs"),
    [
        (["import math", "A = 1", "def f(): return math.pi + A", "A = 3"], ["import math", "A = 1"]),
        (["def f(): return g()", "def g(): return h", "h = lambda: 1"], ["def g(): return h", "h = lambda: 1"]),
        (["x = load()", "y = x", "B = torch.ones(3)", "def f(): return x, B"], ["x = load()", "B = torch.ones(3)"]),
        (["for i in range(9): A = i", "def f(): return A", "print(f())"], ["for i in range(9): A = i"]),
        (
            ["W = []", "def fill(w): w.append(1)", "fill(W)", "show(W)", "def f(): return W"],
            ["W = []", "def fill(w): w.append(1)", "fill(W)"],
        ),
        (
            [
                "import torch",
                "torch.save(1, 'x')",
                "torch.set_default_dtype(torch.float64)",
                "def f(): return torch.pi",
            ],
            ["import torch", "torch.set_default_dtype(torch.float64)"],
        ),
        (["class C:\n    n = 2", "def f(): return C().n"], ["class C:\n    n = 2"]),
        (["A: float = 1e-8", "B = float('inf')", "def f(): return A, B"], ["A: float = 1e-8", "B = float('inf')"]),
        (["A = 9", "torch.einsum?\n%time A\n?A\n!ls\ndef f():\n    return A", "C = 1"], ["A = 9"]),
        (["A = 9", "def f():\n    return (A\n            % 5)"], ["A = 9"]),
    ],
)
def test_what_runs_of_a_notebook(texts, runs):
    cells = definitions.parse([{"id": f"c{i}", "text": text} for i, text in enumerate(texts)])
    task = definitions.find_cell(cells, "task-f", "f")
    *others, own = [ast.unparse(node) for _, node in definitions.select(cells, task)]
    assert sorted(others) == sorted(ast.unparse(ast.parse(run)) for run in runs) and own.startswith("def f")


STUB = 'def f():\n    raise NotImplementedError("f is not written yet")'


@pytest.mark.parametrize(
    ("cells", "chosen"),
    [
        ({"task-f": STUB, "mine": "def f(): return 1"}, "mine"),  # written below the template
        ({"mine": "def f(): return 1", "task-f": "def f(): return 2"}, "task-f"),
        ({"task-f": STUB, "page": "from gencourse import f"}, "task-f"),  # an import is no answer
        ({"lost": STUB, "mine": "f = lambda: 1"}, "mine"),
        ({"lost": STUB}, "lost"),
    ],
)
def test_which_cell_is_the_answer(cells, chosen):
    read = definitions.parse([{"id": name, "text": text} for name, text in cells.items()])
    assert definitions.find_cell(read, "task-f", "f").id == chosen


@pytest.mark.parametrize("number", checks.CHAPTERS)
def test_no_other_cell_of_a_chapter_defines_what_a_task_asks_for(number):
    """Else a blank task would be answered by the page itself."""
    path = find(number)
    code = [cell for cell in pages.code_cells(pages.read(path)) if tasks.kind(cell) != "task"]
    read = definitions.parse([{"id": cell.id, "text": cell.source} for cell in code])
    for name in checks.of_chapter(number):
        made = [c.id for c in read if any(name in definitions.bound_names(n) for n in c.body)]
        assert [c for c in made if not definitions.imports(next(r for r in read if r.id == c), name)] == []


def test_every_chapter_can_be_called_from_the_files_that_a_submission_may_see(tmp_path):
    """Where one of them imports another file of the course, nothing of that chapter could be graded."""
    sandbox.copy_offered_files(tmp_path)
    code = "import sys, importlib; sys.path.insert(0, sys.argv[1]); [importlib.import_module(n) for n in sys.argv[2:]]"
    names = [f"gencourse.homework.ch{number}.calls" for number in checks.CHAPTERS]
    done = subprocess.run([sys.executable, "-I", "-c", code, str(tmp_path), *names], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", checks.CHAPTERS)
def test_a_solved_chapter_gets_all_its_points(number, place, tmp_path):
    shutil.copy(find(number), tmp_path / "a.ipynb")
    asked = tasks.chapter(number)
    (result,) = grade(collect.read_submissions(collect.find_files(tmp_path)), GradingRun(asked, place, seed=3))
    assert points(result) == {task.id: task.points for task in asked.tasks}, result


def test_what_the_graders_machine_cannot_do_is_not_the_students_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "user_id", lambda slot: 2**40)  # no such user can be
    monkeypatch.setattr(sandbox, "packages_problem", lambda: "")
    path = tmp_path / "anna.ipynb"
    path.write_bytes(SOLVED.read_bytes())
    with sandbox.open_sandbox(bubblewrap=False) as place:
        run = GradingRun(tasks.chapter("01"), place, seed=0, cache_dir=tmp_path / "cache")
        (result,) = grade(collect.read_submissions({"anna": path}), run)
    assert "a person must look at it" in result.problem and "could not be set up" in result.problem
    assert not (tmp_path / "cache").exists(), "so that it is tried again"


def test_out_that_would_write_among_the_hand_ins(tmp_path, capsys):
    (tmp_path / "hand_ins").mkdir()
    (tmp_path / "hand_ins" / "anna.ipynb").write_bytes(SOLVED.read_bytes())
    for out, said in (("hand_ins.csv", "which holds notebooks"), ("hand_ins", "is a folder")):
        assert cli.main(["homework", "grade", str(tmp_path / "hand_ins"), "--out", str(tmp_path / out)]) == 2
        assert said in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "hand_ins").iterdir()] == ["anna.ipynb"]
