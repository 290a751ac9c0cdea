"""Every notebook of the course is whole: ids, tasks, lengths, outputs, pictures, addresses, signatures.

That its cells run is tested by nbval. Each check returns what it found wrong, so it can be tried on a bad notebook.
"""

import ast
import importlib
import inspect
import json
import pkgutil
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from gencourse import methods
from gencourse.chapters import facts, pages, repository
from gencourse.chapters.find import in_folder, number
from gencourse.chapters.outputs import WIDGET

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = in_folder(ROOT / "notebooks")
LINES, WIDTH = 25, 120
CELL_BYTES, NOTEBOOK_BYTES = 300_000, 3_000_000
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
FIXED = {  # what nbgrader must be told of a cell, by the first part of its id
    "task": {"grade": False, "locked": False, "solution": True},
    "check": {"grade": True, "locked": True, "solution": False},
    "question": {"grade": True, "locked": False, "solution": True},
}
OTHER_FORMS = {  # functions of the package that are another form of what a notebook writes out under their name
    "conditional_gan.auxiliary_classifier_losses",  # with a weight, and other losses
    "cyclegan.discriminator_loss",  # asks D itself
    "degradations.degrade",  # of any scale
    "editing.slerp",  # beside t, which is a time there, its place is a weight
    "pix2pix_noise.diversity",  # takes pictures in [0, 1], and a generator
    "super_resolution.repeated_error",  # of any scale
    "super_resolution.srgan_objective",  # with other losses of G, and of any scale
}
MACHINE = re.compile(
    r"(?:^|[\s\"'(=<>:,])/(?:home|root|Users|tmp|private|mnt|work|content|opt|var|usr)/\w|[A-Z]:\\+Users"
)


def ids(notebook: NotebookNode) -> list[str]:
    counts = Counter(cell.get("id") for cell in notebook.cells)
    names = [f"id {name!r} used {n} times" for name, n in counts.items() if n > 1 or not name]
    return names + [f"cell {name!r} is missing" for name in ("badge", "setup") if name not in counts]


def tasks(notebook: NotebookNode) -> list[str]:
    wrong = []
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    counts = Counter(cell.metadata.nbgrader.get("grade_id") for cell in graded)
    wrong += [f"grade_id {name!r} used {n} times" for name, n in counts.items() if n > 1]
    for cell in notebook.cells:
        kind, grader = cell.id.split("-")[0], dict(cell.metadata.get("nbgrader", {}))
        if kind not in FIXED:
            wrong += [f"{cell.id}: nbgrader in a cell that is no {' or '.join(FIXED)}"] if grader else []
            continue
        wanted = {"grade_id": cell.id, "schema_version": 3, "task": False, **FIXED[kind]}
        points = grader.pop("points", None)
        if grader != wanted or (kind != "task" and type(points) is not int):
            wrong.append(f"{cell.id}: nbgrader must be {wanted}{'' if kind == 'task' else ' and points'}, not {grader}")
        if (cell.cell_type == "markdown") != (kind == "question"):
            wrong.append(f"{cell.id} is a {cell.cell_type} cell")
        if kind == "task":
            wrong += task_facts(cell)
    return wrong


def task_facts(cell: NotebookNode) -> list[str]:
    facts = cell.metadata.get("gencourse", {})
    known = {"title": str, "difficulty": str, "points": int, "minutes": int}
    right = {name: type(facts.get(name)) for name in known} == known and facts.difficulty in ("easy", "medium", "open")
    return [] if right else [f"{cell.id}: gencourse must hold title, difficulty, points and minutes, not {dict(facts)}"]


def markers(notebook: NotebookNode) -> list[str]:
    wrong = []
    for cell in notebook.cells:
        found = re.findall(r"BEGIN SOLUTION|END SOLUTION", cell.source)
        exact = [line.strip() for line in cell.source.splitlines() if line.strip() in (BEGIN, END)]
        pairs = exact == [BEGIN, END] * (len(exact) // 2) and len(exact) == len(found)
        kind = cell.id.split("-")[0]
        if not pairs or (kind == "task" and not found) or (kind not in ("task", "question") and found):
            wrong.append(f"{cell.id}: a task needs {BEGIN!r} and {END!r} in pairs, a question may have them: {found}")
    return wrong


def lengths(notebook: NotebookNode) -> list[str]:
    counts = {cell.id: len(cell.source.splitlines()) for cell in pages.code_cells(notebook)}
    return [f"{name} has {n} lines, at most {LINES} fit a look" for name, n in counts.items() if n > LINES]


def widths(notebook: NotebookNode) -> list[str]:
    """Lines of prose that are not wrapped; a row of a table cannot be, nor a badge's address."""
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown" and cell.id != "badge"]
    lines = [(cell.id, line) for cell in prose for line in cell.source.splitlines() if not line.startswith("|")]
    return [f"{name} has a line of {len(line)}: {line[:40]}" for name, line in lines if len(line) > WIDTH]


def outputs(notebook: NotebookNode) -> list[str]:
    wrong = ["the code changed since the outputs were kept: gencourse run NN --save"] if pages.stale(notebook) else []
    cells = pages.code_cells(notebook)
    if not any(cell.outputs for cell in cells):
        wrong.append("there are no outputs: gencourse run NN --save")
    wrong += [f"{cell.id} never ran" for cell in cells if cell.execution_count is None and cell.source.strip()]
    wrong += [f"{c.id} ends in an error" for c in cells if any(o.output_type == "error" for o in c.outputs)]
    wrong += [f"{c.id} shows a widget that is not there" for c in cells if WIDGET in json.dumps(c.outputs)]
    if notebook.metadata.get("gencourse", {}).get("profile") not in ("cpu", "gpu"):
        wrong.append("the outputs are not those of a full run: use the cpu or the gpu profile")
    return wrong


def pictures(notebook: NotebookNode) -> list[str]:
    sizes = {c.id: sum(map(picture_bytes, c.outputs)) for c in pages.code_cells(notebook)}
    wrong = [f"{name} shows {n:,} bytes of pictures" for name, n in sizes.items() if n > CELL_BYTES]
    whole = sum(sizes.values())
    return wrong + ([f"{whole:,} bytes of pictures in all"] if whole > NOTEBOOK_BYTES else [])


def picture_bytes(output: NotebookNode) -> int:
    data = output.get("data", {})
    whole = sum(len(b64decode(text)) for kind, text in data.items() if re.match(r"(image|video)/(?!svg)", kind))
    inline = re.findall(r"data:(?:image|video)/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)", data.get("text/html", ""))
    return whole + len(data.get("image/svg+xml", "")) + sum(len(text) * 3 // 4 for text in inline)


def machine_paths(notebook: NotebookNode) -> list[str]:
    """Paths of the machine that made the outputs: of no use to a reader, and private."""
    wrong = []
    for cell in pages.code_cells(notebook):
        for text in map(without_pictures, output_texts(cell)):
            found = MACHINE.search(text)
            if found or str(ROOT) in text or str(Path.home()) + "/" in text:
                wrong.append(
                    f"{cell.id} prints a path of this machine: {text[max(0, found.start() if found else 0) :][:60]}"
                )
    return wrong


def output_texts(cell: NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        yield output.get("text", "")
        yield from (text for kind, text in output.get("data", {}).items() if kind.startswith("text/"))
        yield from output.get("traceback", [])


def without_pictures(text: str) -> str:
    return re.sub(r";base64,[A-Za-z0-9+/=\s]+", "", text)


def addresses(notebook: NotebookNode, name: str) -> list[str]:
    wrong = [f"{i}: gencourse chapters --write" for i in repository.refresh(notebook, name)]
    setup = "".join(cell.source for cell in notebook.cells if cell.get("id") == "setup")
    return wrong + ([] if repository.install_line() in setup else ["setup does not install the package on Colab"])


def signatures(notebook: NotebookNode, modules: list, other_forms: Container[str] = ()) -> list[str]:
    """Functions that a notebook writes out and the package holds too must take the same arguments."""
    wrong = []
    for name, arguments in definitions(notebook).items():
        for module in modules:
            ours, where = getattr(module, name, None), module.__name__.rpartition(".")[2]
            if not inspect.isfunction(ours) or ours.__module__ != module.__name__ or f"{where}.{name}" in other_forms:
                continue  # a module's own functions alone, not what it imports
            theirs = list(inspect.signature(ours).parameters)
            if arguments != theirs:
                wrong.append(f"{name}({', '.join(arguments)}) is {name}({', '.join(theirs)}) in {module.__name__}")
    return wrong


def definitions(notebook: NotebookNode) -> dict[str, list[str]]:
    """The functions that the code cells define: name -> argument names."""
    found = {}
    for cell in pages.code_cells(notebook):
        source = re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", cell.source)  # magics are not Python
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                a = node.args
                listed = [*a.posonlyargs, *a.args, *filter(None, [a.vararg]), *a.kwonlyargs, *filter(None, [a.kwarg])]
                found[node.name] = [argument.arg for argument in listed]
    return found


@cache
def method_modules() -> list:
    return [importlib.import_module(f"gencourse.methods.{m.name}") for m in pkgutil.iter_modules(methods.__path__)]


CHECKS = [ids, tasks, markers, lengths, widths, outputs, pictures, machine_paths]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


@pytest.mark.parametrize("check", CHECKS)
def test_notebook(path, check):
    assert json.loads(path.read_text(encoding="utf-8"))["nbformat_minor"] >= 5, "cells need ids of their own"
    none_of(check(pages.read(path)))


def test_addresses(path):
    none_of(addresses(pages.read(path), path.stem))


def test_signatures(path):
    none_of(signatures(pages.read(path), method_modules(), OTHER_FORMS))


def none_of(wrong: list[str]) -> None:
    """Fail with everything that is wrong: of two lists that differ pytest shows the first item alone."""
    assert not wrong, "\n".join(["", *wrong])


def test_every_notebook_is_a_chapter():
    everything = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert everything == sorted(NOTEBOOKS), "a name begins with two digits, and perhaps a letter"
    assert len({number(path.name) for path in NOTEBOOKS}) == len(NOTEBOOKS)


def test_a_laptop_has_the_memory(path):
    told = facts.read(path)
    assert told.minutes and told.gigabytes, "how long and how large it was is not kept: gencourse run NN --save"
    assert told.gigabytes < 3, "a laptop has no more to spare"


# The checks themselves, on a notebook in which nothing is wrong, and with one mistake at a time.


def good() -> NotebookNode:
    def nbgrader(name: str, kind: str, **more: object) -> dict:
        return {"nbgrader": {"grade_id": name, "schema_version": 3, "task": False, **FIXED[kind], **more}}

    facts = {"gencourse": {"title": "Gram", "difficulty": "easy", "points": 2, "minutes": 10}}
    setup = f"if True:\n    {repository.install_line()}\nimport os"
    solution = f"def f(x):\n    {BEGIN}\n    return x\n    {END}"
    cells = [
        new_markdown_cell(repository.badge("01_style_transfer"), id="badge"),
        new_code_cell(setup, id="setup"),
        new_code_cell(solution, id="task-gram", metadata=nbgrader("task-gram", "task") | facts),
        new_code_cell("assert f(1)", id="check-gram", metadata=nbgrader("check-gram", "check", points=2)),
        new_markdown_cell("Why?", id="question-why", metadata=nbgrader("question-why", "question", points=1)),
        new_code_cell("show()", id="show", outputs=[new_output("display_data", data={"image/png": "AAAA"})]),
    ]
    notebook = new_notebook(cells=cells)
    for i, cell in enumerate(pages.code_cells(notebook), start=1):
        cell.execution_count = i
    notebook.metadata["gencourse"] = {"code": pages.code_hash(notebook), "profile": "cpu"}
    return notebook


ALL = [*CHECKS, lambda n: addresses(n, "01_style_transfer")]


def test_nothing_is_wrong_with_a_good_notebook():
    assert [check(good()) for check in ALL] == [[]] * len(ALL)


def shown(**data: str) -> NotebookNode:
    return new_output("display_data", data={kind.replace("_", "/"): text for kind, text in data.items()})


@pytest.mark.parametrize(
    ("check", "mistake"),
    [
        (ids, lambda n: n.cells[5].update(id="setup")),
        (ids, lambda n: n.cells.pop(1)),
        (tasks, lambda n: n.cells[3].metadata.nbgrader.update(grade_id="task-gram")),
        (tasks, lambda n: n.cells[3].metadata.nbgrader.pop("points")),
        (tasks, lambda n: n.cells[2].metadata.nbgrader.update(locked=True)),
        (tasks, lambda n: n.cells[2].metadata.pop("nbgrader")),
        (tasks, lambda n: n.cells[2].metadata.gencourse.update(difficulty="hard")),
        (tasks, lambda n: n.cells[5].metadata.update(nbgrader=n.cells[3].metadata.nbgrader)),
        (tasks, lambda n: n.cells[3].update(cell_type="markdown")),
        (markers, lambda n: n.cells[2].update(source=f"def f(x):\n    {BEGIN}\n    return x")),
        (markers, lambda n: n.cells[2].update(source=f"{END}\n{BEGIN}")),
        (markers, lambda n: n.cells[2].update(source=n.cells[2].source.replace("### END", "## END"))),
        (markers, lambda n: n.cells[2].update(source="def f(x):\n    return x")),
        (markers, lambda n: n.cells[5].update(source=f"{BEGIN}\n{END}")),
        (lengths, lambda n: n.cells[5].update(source="x\n" * 26)),
        (widths, lambda n: n.cells[4].update(source=f"Short.\n{'Why? ' * 25}")),
        (outputs, lambda n: n.cells[5].update(source="show(2)")),
        (outputs, lambda n: n.cells[5].update(outputs=[])),
        (outputs, lambda n: n.cells[5].update(execution_count=None)),
        (outputs, lambda n: n.cells[5].outputs.append(new_output("error", ename="E", evalue="", traceback=[]))),
        (outputs, lambda n: n.cells[5].outputs.append(new_output("display_data", data={WIDGET: {}}))),
        (outputs, lambda n: n.metadata.gencourse.update(profile="smoke")),
        (pictures, lambda n: n.cells[5].outputs.append(shown(image_png="AAAA" * 100_001))),
        (pictures, lambda n: n.cells[5].outputs.append(shown(text_html=f"data:image/gif;base64,{'A' * 400_100}"))),
        (machine_paths, lambda n: n.cells[5].outputs.append(new_output("stream", text="saved to /tmp/out.png"))),
        (machine_paths, lambda n: n.cells[5].outputs.append(shown(text_plain="PosixPath('/home/me/x')"))),
        (ALL[-1], lambda n: n.cells[0].update(source=repository.badge("01_style_transfer", "https://github.com/a/b"))),
        (ALL[-1], lambda n: n.cells[0].update(source=repository.badge("02_upsampling"))),
        (ALL[-1], lambda n: n.cells[1].update(source=n.cells[1].source.replace("https://", "https://old."))),
        (ALL[-1], lambda n: n.cells[1].update(source="import os")),
    ],
)
def test_a_mistake_is_found(check, mistake):
    notebook = good()
    mistake(notebook)
    assert check(notebook)


def test_many_pictures_add_up():
    notebook = good()
    for i in range(11):
        notebook.cells.append(new_code_cell("show()", id=f"show-{i}", outputs=[shown(image_png="AAAA" * 99_000)]))
    assert len(pictures(notebook)) == 1 and "in all" in pictures(notebook)[0]


def test_signatures_are_compared():
    losses = importlib.import_module("gencourse.methods.style_losses")
    source = "%pip install x\ndef gram_matrix({}):\n    pass\ndef as_they_like(a, *b, c, **d):\n    pass"
    same = new_notebook(cells=[new_code_cell(source.format("features"))])
    other = new_notebook(cells=[new_code_cell(source.format("f, scale=1"))])
    found = ["gram_matrix(f, scale) is gram_matrix(features) in gencourse.methods.style_losses"]
    assert signatures(same, method_modules()) == []
    assert signatures(other, method_modules()) == found
    assert signatures(other, [losses], {"style_losses.gram_matrix"}) == []
    assert definitions(same)["as_they_like"] == ["a", "b", "c", "d"]


def test_other_forms_are_there_and_needed():
    named = [name.split(".")[1] for name in OTHER_FORMS]
    written = [signatures(pages.read(path), method_modules()) for path in NOTEBOOKS]
    assert sorted(named) == sorted({text.partition("(")[0] for found in written for text in found})


def test_one_address_everywhere():
    project = re.search(r'^Repository = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert repository.repository() == project


def test_refreshing_changes_addresses_alone():
    notebook, new = good(), "https://github.com/someone/elsewhere"
    before = pages.code_hash(notebook)
    assert repository.refresh(notebook, "01_style_transfer", new) == ["badge", "setup"]
    assert "/github/someone/elsewhere/blob/main/notebooks/01_style_transfer.ipynb" in notebook.cells[0].source
    assert notebook.cells[1].source == f'if True:\n    %pip install -q "gencourse @ git+{new}"\nimport os'
    assert pages.code_hash(notebook) == before
    assert repository.refresh(notebook, "01_style_transfer", new) == []


def test_refreshing_a_text():
    old, new = "https://github.com/a/b", "https://github.com/c/d"
    text = f"{repository.badge('01_x', old)} `pip install git+{old}` git clone {old} https://github.com/a/other"
    done = repository.refresh_text(text, new)
    assert done.count("c/d") == 3 and "a/b" not in done and "https://github.com/a/other" in done
    assert repository.refresh_text(done, old) == text
