"""A student's notebook means in grading what it means in Jupyter, or it is said to be not graded, and why."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from student_notebooks import AS_JUPYTER, NOT_GRADED, STUB, TASK, TEXT

from gencourse.homework import Wrong, tasks
from gencourse.homework.checking import check as checks
from gencourse.homework.checking import engine
from gencourse.homework.checking.attempt import attempt
from gencourse.homework.grading import collect, sandbox
from gencourse.homework.grading.grade import GradingRun, grade
from gencourse.homework.grading.inside import definitions
from gencourse.homework.grading.session import Limits

NAME, ID = "gram_matrix", "task-gram"
CHECK = checks.find(NAME)
GIVEN = {"torch": torch, "F": torch.nn.functional, "nn": torch.nn, "np": np, "get_ipython": definitions.Shell}
NEW_ENOUGH = sys.version_info >= (3, 12)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="submissions run on Linux and macOS")


@pytest.fixture(scope="module")
def shell():
    """IPython itself, as it runs in a notebook's kernel."""
    from IPython.core.interactiveshell import InteractiveShell

    before = {name: getattr(sys, name) for name in ("displayhook", "excepthook")}
    yield InteractiveShell()
    for name, value in before.items():
        setattr(sys, name, value)


def plain(text: str) -> str:
    return text.removeprefix(TEXT).removeprefix(TASK)


def cells_of(texts: list[str]) -> list[dict[str, str]]:
    return [{"id": ID if t.removeprefix(TEXT).startswith(TASK) else "", "text": plain(t)} for t in texts]


def verdict(function) -> str:
    """What the check says of a function; nothing where it is right."""
    cases = list(CHECK.cases(np.random.default_rng(0)))
    try:
        engine.verdict(CHECK, cases, [attempt(CHECK.call, function, case) for case in cases])
    except Wrong as error:
        return str(error)
    return ""


def in_jupyter(shell, texts: list[str]) -> str:
    """Run the cells in their order up to the answer, and check the function then, as the cell below a task does."""
    shell.reset(new_session=False)
    shell.user_ns.update(GIVEN, get_ipython=lambda: shell)
    answers = [
        i for i, text in enumerate(texts) if f"{NAME} = " in text or (f"def {NAME}" in text and STUB not in text)
    ]
    for text in texts[: answers[-1] + 1]:
        shell.run_cell(plain(text))
    return verdict(shell.user_ns.get(NAME))


def in_grading(texts: list[str]) -> str:
    cells = definitions.parse(cells_of(texts))
    cell = definitions.find_cell(cells, ID, NAME)
    return verdict(definitions.run(definitions.select(cells, cell, NAME), NAME, GIVEN))


@pytest.mark.parametrize("kind", AS_JUPYTER)
def test_grading_says_what_jupyter_says(shell, kind, capsys):
    texts = AS_JUPYTER[kind]
    works = texts[::-1] if kind == "helper in a cell below" else texts  # a student runs cells until it works
    jupyter = in_jupyter(shell, works)
    assert in_grading(texts) == jupyter
    assert bool(jupyter) == kind.startswith("wrong")


def file_of(texts: list[str]) -> str:
    """A notebook with these cells, ids in the metadata as Colab keeps them."""
    notebook = new_notebook()
    for text in texts:
        make = new_markdown_cell if text.startswith(TEXT) else new_code_cell
        marked = text.removeprefix(TEXT).startswith(TASK)
        notebook.cells.append(make(plain(text), metadata={"nbgrader": {"grade_id": ID}} if marked else {}))
    return json.dumps(notebook)


def graded(notebooks: dict[str, list[str]], folder: Path, monkeypatch) -> dict[str, str]:
    """What the sandbox's run says of the one function, by kind."""
    asked = tasks.chapter("01")
    only = tuple(task for task in asked.tasks if task.id == ID)
    asked = tasks.Chapter(asked.number, asked.name, only, ())
    monkeypatch.setattr("gencourse.homework.grading.grade.checks.of_chapter", lambda number: {NAME: CHECK})
    names = {f"{i}": kind for i, kind in enumerate(notebooks)}
    for name, kind in names.items():
        (folder / f"{name}.ipynb").write_text(file_of(notebooks[kind]), encoding="utf-8")
    try:
        with sandbox.open_sandbox() as place:
            run = GradingRun(asked, place, seed=3, limits=Limits(seconds=6, wall=300))
            submissions = collect.read_submissions(collect.find_files(folder))
            results = list(grade(submissions, run, jobs=2))
    except sandbox.NoSandbox as error:
        pytest.skip(str(error))
    for result in results:
        (mark,) = result.marks
        assert (mark.points is None) == mark.sentences[NAME].startswith("not graded"), mark
    return {names[result.student]: result.marks[0].sentences[NAME] for result in results}


def kinds_not_graded() -> dict[str, list[str]]:
    return {kind: texts for kind, (texts, _) in NOT_GRADED.items() if not (NEW_ENOUGH and kind.startswith("newer"))}


@pytest.mark.parametrize("kind", kinds_not_graded())
def test_what_cannot_be_told_is_not_graded(kind, monkeypatch):
    """In this process; those that take long or need a process of their own are in the slow test."""
    if kind in ("a loop that takes long", "fit"):
        pytest.skip("in the sandbox")
    texts, said = NOT_GRADED[kind]
    read = [{**cell, "kind": text.startswith(TEXT)} for cell, text in zip(cells_of(texts), texts, strict=True)]
    cells = definitions.parse([cell for cell in read if not cell["kind"]])
    found = ""
    try:
        cell = definitions.find_cell(cells, ID, NAME, [cell for cell in read if cell["kind"]])
        lines = definitions.select(cells, cell, NAME)
        definitions.demand_readable(cells, lines, NAME)
        trained = definitions.trainings(cells, cell)
        function = definitions.run(lines, NAME, GIVEN, trained=trained)
        case = next(iter(CHECK.cases(np.random.default_rng(0))))
        outputs = attempt(CHECK.call, function, case)
        assert outputs.get("unjudged") is True
        found = outputs["failed"]
    except definitions.NotGraded as error:
        found = str(error)
    assert said in found


SANDBOXED = ("plt in the function", "files = !ls", "a loop that takes long", "text now", "fit")


def test_some_of_them_in_the_sandbox(tmp_path, monkeypatch):
    every = AS_JUPYTER | {kind: texts for kind, (texts, _) in NOT_GRADED.items()}
    found = graded({kind: every[kind] for kind in SANDBOXED}, tmp_path, monkeypatch)
    for kind in SANDBOXED:
        said = NOT_GRADED[kind][1] if kind in NOT_GRADED else ""
        assert said in found[kind] and bool(found[kind]) == bool(said), (kind, found[kind])


@pytest.mark.slow
def test_all_of_them_in_the_sandbox(tmp_path, monkeypatch):
    found = graded(AS_JUPYTER | kinds_not_graded(), tmp_path, monkeypatch)
    wrong = {
        kind: said for kind, said in found.items() if kind in AS_JUPYTER and bool(said) != kind.startswith("wrong")
    }
    wrong |= {kind: found[kind] for kind in kinds_not_graded() if NOT_GRADED[kind][1] not in found[kind]}
    assert wrong == {}
