"""The students' copies: up to date, without solutions, and failing only where a task is missing."""

import copy
import json

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from gencourse import cli
from gencourse.chapters import find, kernel, pages, repository
from gencourse.homework import tasks
from gencourse.homework.checking import check as checks
from gencourse.homework.grading import collect
from gencourse.homework.grading.inside.definitions import is_stub, parse
from gencourse.homework.handout import build, depends

SOURCES = build.sources()
CHAPTERS = list(SOURCES)
HAND_MADE = ("homework", "expected-")  # cells that only the copies have


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def source(request):
    return request.param


def test_the_copies_are_up_to_date():
    assert build.out_of_date() == [], "run: gencourse homework build"


def test_every_chapter_with_checks_has_a_copy():
    assert {find.number(path.stem) for path in CHAPTERS} >= set(checks.CHAPTERS)


def test_a_function_is_asked_for_in_one_chapter():
    """A cell names its function alone: check("gram_matrix", ...)."""
    names = [name for number in checks.CHAPTERS for name in checks.of_chapter(number)]
    assert [name for name in names if names.count(name) > 1] == []


@pytest.mark.parametrize(
    ("ids", "number"),
    [
        ({"task-a", "task-b"}, "03"),
        ({"task-a", "task-b", "task-c"}, "03b"),
        ({"task-a", "other"}, "03"),
        ({"task-d"}, "04"),
        ({"other"}, None),
    ],
)
def test_whose_tasks_a_hand_in_holds(ids, number, monkeypatch):
    """Where 03b took over the tasks of 03, what holds no more than these is of 03."""
    asked = {"03": "ab", "03b": "abc", "04": "d"}

    def chapter(name: str) -> tasks.Chapter:
        made = [tasks.Task(f"task-{letter}", "", "easy", 1, 1, name) for letter in asked[name]]
        return tasks.Chapter(name, name, tuple(made), ())

    monkeypatch.setattr(collect.checks, "CHAPTERS", ("03b", "03", "04"))
    monkeypatch.setattr(collect, "chapter", chapter)
    assert collect.chapter_of(ids) == number


def test_a_copy_holds_no_solution(source):
    notebook, made = pages.read(source), pages.read(SOURCES[source])
    whole = json.dumps(made)
    assert build.BEGIN not in whole and "END SOLUTION" not in whole
    for cell in notebook.cells:
        for text in cell.source.split(build.BEGIN)[1:]:
            solution = text.split(build.END)[0].strip("\n")
            assert solution not in "\n".join(c.source for c in made.cells)
    assert all(not cell.outputs and cell.execution_count is None for cell in pages.code_cells(made))


def test_every_stub_says_what_to_write(source):
    made = pages.read(SOURCES[source])
    cells = parse([{"id": cell.id, "text": cell.source} for cell in pages.code_cells(made)])
    for task in tasks.of_notebook(pages.read(source), source).tasks:
        (cell,) = [cell for cell in cells if cell.id == task.id]
        assert all(is_stub(cell, name) for name in task.functions)
        assert task.title in cell.text and f"points: {task.points}" in cell.text


@pytest.mark.parametrize(
    ("body", "stub"),
    [
        ("raise NotImplementedError('f is not written yet')", True),
        (
            "for i in range(3):\n        with open(i):\n            raise NotImplementedError('f')\n    return 1",
            True,
        ),
        ("if 0:\n        raise NotImplementedError('three channels')\n    return 1", False),
        ("for i in range(3):\n        raise ValueError('f')", False),
    ],
)
def test_what_counts_as_not_written(body, stub):
    """A task may be a part of a function, in a loop; an error of one's own for a case left out is an answer."""
    (cell,) = parse([{"id": "task-f", "text": f"def f():\n    {body}\n"}])
    assert is_stub(cell, "f") is stub


def test_a_copy_opens_itself_on_colab(source):
    (badge,) = [cell for cell in pages.read(SOURCES[source]).cells if cell.id == "badge"]
    assert (
        badge.source == repository.badge(source.stem, folder="homework") and f"homework/{source.name}" in badge.source
    )


def test_filled_with_the_solutions_it_is_the_chapter(source):
    """So it passes whole: that the chapter does is tested with the notebooks."""
    notebook, made = pages.read(source), pages.read(SOURCES[source])
    solved = {cell.id: cell.source for cell in notebook.cells}
    filled = [solved[c.id] if tasks.kind(c) == "task" else c.source for c in pages.code_cells(made)]
    assert filled == [cell.source for cell in pages.code_cells(notebook)]
    texts = [c.id for c in made.cells if not c.id.startswith(HAND_MADE)]
    assert texts == [cell.id for cell in notebook.cells]
    kept = {cell.id: cell.metadata.get("nbgrader") for cell in made.cells if tasks.kind(cell)}
    assert kept == {cell.id: cell.metadata.get("nbgrader") for cell in notebook.cells if tasks.kind(cell)}


def test_expected_pictures_are_small(source):
    pictures = [cell for cell in pages.read(SOURCES[source]).cells if cell.id.startswith("expected-")]
    assert len(pictures) >= 2 and all(len(cell.source) < 60_000 for cell in pictures)
    assert SOURCES[source].stat().st_size < 400_000


def test_what_fails_in_a_copy_is_what_depends_on_a_task(source, tmp_path):
    """Everything else runs: a student comes to the first task without an error."""
    made = pages.read(SOURCES[source])
    resources = {"metadata": {"path": str(SOURCES[source].parent)}}
    NotebookClient(made, km=kernel.manager(), timeout=300, allow_errors=True, resources=resources).execute()
    cells = pages.code_cells(made)
    failed = {cell.id for cell in cells if any(output.output_type == "error" for output in cell.outputs)}
    needs = {name for name, needed in depends.dependents(pages.read(source)).items() if needed}
    checked = {cell.id for cell in cells if tasks.kind(cell) == "check"}
    assert failed - needs - checked == set(), "these need no task"
    assert checked - failed == set(), "a check that passes a stub"


def notebook(*sources: str):
    return new_notebook(cells=[new_code_cell(text, id=f"c{i}") for i, text in enumerate(sources)])


@pytest.mark.parametrize(
    ("sources", "failing"),
    [
        (["def g(x): return f(x)", "g(1)", "h = lambda x: g(x)", "h(2)"], ["c1", "c3"]),
        (["x = f(1)", "x = 2", "print(x)"], ["c0"]),
        (["f(1)\nimport math", "math.pi"], ["c0", "c1"]),
        (["seen = []\ndef keep(x): seen.append(x)", "keep(f(1))", "seen[0]"], ["c1", "c2"]),
        (["def g(f): return f(1)", "g(abs)", "[f for f in (1, 2)]"], []),
        (["a = {}", "a['x'] = f(1)", "a['x']"], ["c1", "c2"]),
    ],
)
def test_dependents(sources, failing):
    task = new_code_cell("def f(x):\n    return x", id="task-f", metadata={"nbgrader": {}})
    whole = notebook(*sources)
    whole.cells.insert(0, task)
    assert [name for name, needed in depends.dependents(whole).items() if needed] == failing


def test_a_changed_chapter_is_noticed(monkeypatch, tmp_path, capsys):
    """By its text, by its code, by its pictures; not by a picture that another version of Pillow made smaller."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    path = folder / CHAPTERS[0].name
    path.write_bytes(CHAPTERS[0].read_bytes())
    monkeypatch.setattr(build, "chapters", lambda: [path])
    monkeypatch.setattr(build, "folder", lambda: folder)
    assert cli.main(["homework", "build", "--check"]) == 1
    assert cli.main(["homework", "build"]) == 0 and cli.main(["homework", "build", "--check"]) == 0
    target = tmp_path / "homework" / path.name
    made = pages.read(target)

    for change in (
        lambda n: n.cells[1].update(source="# Another title"),
        lambda n: n.cells[-1].update(source="Another end"),
        lambda n: [c.outputs.clear() for c in pages.code_cells(n)],
    ):
        changed = copy.deepcopy(pages.read(CHAPTERS[0]))
        change(changed)
        pages.write(changed, path)
        assert build.out_of_date() == [path.name]
    path.write_bytes(CHAPTERS[0].read_bytes())

    (picture,) = [cell for cell in made.cells if cell.id.startswith("expected-")][:1]
    picture.source = picture.source.replace(picture.source[200:220], "")
    pages.write(made, target)
    assert build.out_of_date() == []
    (tmp_path / "homework" / "07_old.ipynb").write_bytes(target.read_bytes())
    assert build.out_of_date() == ["07_old.ipynb"]
    assert cli.main(["homework", "build"]) == 0 and "07_old.ipynb: no chapter has this name" in capsys.readouterr().err


@pytest.mark.parametrize("written", ["an answer", "beside the stub", "in words"])
def test_nobodys_work_is_lost(written, monkeypatch, tmp_path, capsys):
    """A copy that was filled in is not overwritten, and what else lies in the folder is left alone."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    path = folder / CHAPTERS[0].name
    path.write_bytes(CHAPTERS[0].read_bytes())
    monkeypatch.setattr(build, "chapters", lambda: [path])
    monkeypatch.setattr(build, "folder", lambda: folder)
    (target,) = build.write_all()
    filled = pages.read(target)
    assert not build.is_filled_in(filled)
    asked = next(cell for cell in filled.cells if tasks.kind(cell) == ("question" if written == "in words" else "task"))
    asked.source = asked.source.replace(build.STUB, "return (") if written == "an answer" else f"{asked.source}\nmine"
    pages.write(filled, target)
    for name in ("mine.ipynb", f"{path.stem}-Copy1.ipynb"):
        (target.parent / name).write_bytes(target.read_bytes() if "Copy" in name else path.read_bytes())
    before = {file.name: file.read_bytes() for file in target.parent.iterdir()}
    assert cli.main(["homework", "build"]) == 2
    assert "somebody's solutions would be overwritten" in capsys.readouterr().err
    assert build.out_of_date() == [path.name] and before == {f.name: f.read_bytes() for f in target.parent.iterdir()}


def test_the_folder_of_the_copies():
    assert build.homework() == find.folder().parent / "homework"
