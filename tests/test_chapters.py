"""What is generated from the notebooks is what they say now; a chapter that says too little of itself is told so."""

import argparse
import base64
import io

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from gencourse.chapters import facts, find, generated, pages, pictures, repository, tables
from gencourse.commands import UserError
from gencourse.commands import chapters as command
from gencourse.homework.handout.lecturers import points_rows
from gencourse.homework.tasks import Chapter, Question, Task

README = """# The course
<!-- hero: begin (written) -->
<!-- hero: end -->
git clone https://github.com/old/place
<!-- chapters: begin (written) -->
an older table
<!-- chapters: end -->
The end.
"""


def run(*options: str) -> int:
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    return command.main(parser.parse_args(options))


def test_nothing_is_out_of_date(capsys):
    """README, the lecturers' page, pictures and badges."""
    assert run("--check") == 0, capsys.readouterr().out


def png(colour: str, size: tuple[int, int] = (1200, 300)) -> str:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def chapter(title: str, colour: str = "red", **known: object) -> NotebookNode:
    shown = new_output("display_data", data={"image/png": png(colour)})
    cells = [
        new_markdown_cell(repository.badge("x", "https://github.com/old/place"), id="badge"),
        new_markdown_cell(f"# {title}\n\nClaim", id="title"),
        new_code_cell("draw()", id="draw", outputs=[shown]),
    ]
    facts = {"about": f"do {title}", **known}
    return new_notebook(cells=cells, metadata={"gencourse": {name: told for name, told in facts.items() if told}})


PICTURE = {"cell": "draw", "alt": "a field"}
RUN = {"profile": "cpu", "minutes": 2.0, "gigabytes": 1.25}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with three chapters and pages in which nothing is filled in."""
    made = {
        "03b_more": chapter("03b More, of the same", "blue", picture=PICTURE),
        "03_gan": chapter("03 GAN", picture=PICTURE, hero={"cell": "draw", "alt": "first"}, **RUN),
        "04_next": chapter("04 Next", **RUN | {"profile": "smoke"}),
    }
    for name, notebook in made.items():
        pages.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    pages.write_text(README, tmp_path / "README.md")
    pages.write_text("<!-- tasks: begin -->\n<!-- tasks: end -->\n", tmp_path / "docs" / "lecturers.md")
    pages.write_text("pip install git+https://github.com/old/place", tmp_path / "docs" / "index.md")
    monkeypatch.setattr(find, "folder", lambda: tmp_path / "notebooks")
    return tmp_path


def test_what_is_written(checkout, capsys):
    assert run("--check") == 1
    stale = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    notebooks = [f"notebooks/{name}.ipynb" for name in ("03_gan", "03b_more", "04_next")]
    images = [f"docs/pictures/{name}.jpg" for name in ("03", "03b", "hero")]
    assert stale == [*notebooks, "README.md", "docs/index.md", "docs/lecturers.md", *images]
    assert run("--write") == 0 and run("--check") == 0
    text = (checkout / "README.md").read_text()
    assert text.startswith("# The course\n") and text.endswith("\nThe end.\n") and "older" not in text
    assert "\n![first](docs/pictures/hero.jpg)\n" in text and f"git clone {repository.repository()}\n" in text
    assert [line for line in text.splitlines() if line.startswith("| 0")] == [
        "| 03 | [GAN](notebooks/03_gan.ipynb) | do 03 GAN | 2 (1.25 GB) | ![a field](docs/pictures/03.jpg) |",
        "| 03b | [More, of the same](notebooks/03b_more.ipynb) | do 03b More, of the same | not timed "
        "| ![a field](docs/pictures/03b.jpg) |",
        "| 04 | [Next](notebooks/04_next.ipynb) | do 04 Next | not timed |  |",
    ]
    assert repository.badge("03b_more") == pages.read(checkout / "notebooks" / "03b_more.ipynb").cells[0].source
    with Image.open(checkout / "docs" / "pictures" / "03b.jpg") as picture:
        assert picture.size == (900, 225) and picture.getpixel((5, 5))[2] > 200


def test_a_change_is_noticed(checkout, capsys):
    run("--write")
    path = checkout / "notebooks" / "03_gan.ipynb"
    notebook = pages.read(path)
    notebook.cells[2].outputs[0].data["image/png"] = png("green")
    notebook.metadata.gencourse["minutes"] = 3.5
    pages.write(notebook, path)
    (checkout / "docs" / "pictures" / "03b.jpg").write_bytes(b"cut off")
    assert [file.name for file in generated.out_of_date(checkout, {})] == ["README.md", "03.jpg", "03b.jpg", "hero.jpg"]
    picture = base64.b64decode(png("green"))
    other = Image.open(io.BytesIO(picture)).resize((900, 225))
    other.save(checkout / "docs" / "pictures" / "03.jpg", quality=50, comment=pictures.mark(picture))
    names = [file.name for file in generated.out_of_date(checkout, {})]
    assert names == ["README.md", "03b.jpg", "hero.jpg"], "the same picture from another version of Pillow"


@pytest.mark.parametrize(
    ("notebook", "message"),
    [
        (chapter("05 A", about=None), "05_a.ipynb does not say what one will do in it"),
        (chapter("05 A", picture="draw"), "05_a.ipynb: a picture is told by its cell and its alt"),
        (chapter("05 A", picture={"cell": "draw"}), "05_a.ipynb: a picture is told by its cell and its alt"),
        (chapter("05 A", picture={"cell": "title", "alt": "b"}), "05_a.ipynb has no picture in a cell 'title'"),
        (chapter("05 A", hero={"cell": "draw", "alt": "b"}), "one chapter must have a hero.*03_gan, 05_a"),
        (new_notebook(metadata={"gencourse": {"about": "a"}}), "05_a.ipynb has no title"),
    ],
)
def test_a_chapter_that_says_too_little(checkout, notebook, message):
    pages.write(notebook, checkout / "notebooks" / "05_a.ipynb")
    with pytest.raises(UserError, match=message):
        run("--write")


@pytest.mark.parametrize("text", ["no markers", README + README, README.replace("chapters: end", "chapter: end")])
def test_markers_that_are_missing_or_there_twice(text):
    with pytest.raises(ValueError, match="page.md needs one pair of markers, <!-- chapters: begin"):
        tables.fill(text, "chapters", ["a row"], "page.md")


def test_a_part_is_filled_as_it_is():
    r"""Backslashes and \1 in a formula are no references to groups."""
    assert r"a \1 \alpha" in tables.fill(README, "chapters", [r"a \1 \alpha"], "page.md")


def test_the_list(capsys):
    assert run() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(find.chapters())
    told = facts.read(find.find("02"))
    words = next(words for line in lines if (words := line.split())[0] == "02")
    tasks, points = words[-2:]
    assert words[:-2] == ["02", "Upsampling", *tables.time_and_memory(told).split()]
    assert (int(tasks), int(points)) == (8, 17)


def test_the_lecturers_table():
    task = Task("task-a", "Both losses", "easy", 2, 10, "03b")
    asked = Chapter("03b", "03b_more", (task, task), (Question("question-b", "Why?", 3), Question("c", "How?", 1, 5)))
    assert points_rows([Chapter("02", "02_a", (), ()), asked])[2:] == [
        "| 03b | Both losses (easy) | 2 | 10 |",
        "| 03b | Both losses (easy) | 2 | 10 |",
        "| 03b | in words: Why? | 3 | |",
        "| 03b | in words: How? | 1 | 5 |",
        "| **03b** | **2 tasks and 2 questions** | **8** | **25** |",
    ]
