"""A chapter is new files only: tests/example_chapter/ is added to a copy of the checkout, and everything knows it.

It is run, built, handed in, graded, listed, tested and shown on the website, each in a process of its own, and no file
that was there before is edited. The same files are a beginning for a chapter of one's own.
"""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gencourse.chapters import pages

ROOT = Path(__file__).resolve().parent.parent
NEW = ROOT / "tests" / "example_chapter"
COPIED = ("gencourse", "notebooks", "homework", "docs", "README.md", "pyproject.toml", "conftest.py")
TESTS = ("test_homework_checks.py", "test_diagrams.py")  # those that look at every chapter's answers and diagrams
RIGHT, WRONG = "(1 - weight) * a + weight * b", "weight * a + (1 - weight) * b"
ASSEMBLE = """
import sys
sys.path.insert(0, "docs")
import build
from pathlib import Path
build.assemble(Path(sys.argv[1]))
"""
CHAPTERS = """
import argparse, sys
from gencourse.commands import chapters
parser = argparse.ArgumentParser()
chapters.arguments(parser)
sys.exit(chapters.main(parser.parse_args()))
"""


class Checkout:
    """A copy of the checkout, in which commands run, and what its files held before the chapter came."""

    def __init__(self, folder: Path):
        self.folder = folder
        junk = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, folder / name, **({"ignore": junk} if (ROOT / name).is_dir() else {}))
        (folder / "data").symlink_to(ROOT / "data", target_is_directory=True)
        shutil.copytree(ROOT / "tests" / "wrong_answers", folder / "tests" / "wrong_answers", ignore=junk)
        for name in TESTS:
            shutil.copyfile(ROOT / "tests" / name, folder / "tests" / name)
        self.before = self.contents()
        shutil.copytree(NEW, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("conftest.py", "__pycache__"))

    def contents(self) -> dict[str, bytes]:
        files = (path for name in COPIED for path in (self.folder / name, *(self.folder / name).rglob("*")))
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in files if path.is_file()}

    def edited(self) -> set[str]:
        """The files that were there before and are not what they were."""
        now = self.contents()
        return {name for name, content in self.before.items() if now.get(name) != content}

    def python(self, *arguments: str, code: int = 0) -> str:
        variables = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", "GENCOURSE_PROFILE": "smoke"}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=os.environ | variables, capture_output=True, text=True)
        assert done.returncode == code, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def gencourse(self, *arguments: str, code: int = 0) -> str:
        return self.python("-m", "gencourse.cli", *arguments, code=code)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("checkout"))


def test_nothing_new_is_already_there(checkout):
    added = {path.relative_to(NEW).as_posix() for path in NEW.rglob("*") if path.is_file()}
    assert len(added - checkout.before.keys()) == len(added) - 1, "all but the conftest.py that hides them from pytest"


def test_it_runs(checkout):
    """With its outputs kept, beside what it says of itself: the picture in the README comes from them."""
    assert "99b_example: 5 cells passed" in checkout.gencourse("run", "99b", "--profile", "smoke", "--save")
    kept = pages.read(checkout.folder / "notebooks" / "99b_example.ipynb")
    assert not pages.stale(kept) and kept.metadata.gencourse.about.startswith("walk from one digit")
    assert "mix: right" in next(cell for cell in kept.cells if cell.id == "check-mix").outputs[0].text


def test_its_tests_pass(checkout):
    pytest_here = ("-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider")
    checkout.python(*pytest_here, "tests/test_example.py")
    chosen = ("-k", "mix or example.line or (every_task and 99b)", "-m", "not slow")
    found = checkout.python(*pytest_here, *chosen, *(f"tests/{name}" for name in TESTS))
    assert int(re.search(r"(\d+) passed", found)[1]) >= 12, "right and wrong answers, mistakes, and the diagram"


def test_students_get_a_copy_and_grades(checkout, tmp_path):
    """Of the solved notebook, of one with a mistake that has a name, and of the blank copy."""
    assert "99b_example.ipynb" in checkout.gencourse("homework", "build")
    copy, chapter = (checkout.folder / folder / "99b_example.ipynb" for folder in ("homework", "notebooks"))
    source = "".join(cell.source for cell in pages.read(copy).cells)
    assert "mix is not written yet" in source and RIGHT not in source
    whole = chapter.read_text(encoding="utf-8")
    assert whole.count(RIGHT) == 1
    handed_in = {"solved": whole, "wrong": whole.replace(RIGHT, WRONG), "blank": copy.read_text(encoding="utf-8")}
    for name, text in handed_in.items():
        pages.write_text(text, tmp_path / "in" / f"{name}.ipynb")
    where = [str(tmp_path / "in"), "--out", str(tmp_path / "grades.csv")]
    checkout.gencourse("homework", "grade", *where, "--jobs", "1")
    rows = list(csv.DictReader((tmp_path / "grades.csv").open(encoding="utf-8-sig")))
    got = {row["student"]: (row["chapter"], row["sum (of 3)"]) for row in rows}
    assert got == {"solved": ("99b", "3"), "wrong": ("99b", "0"), "blank": ("99b", "0")}
    assert "a and b have changed places" in (tmp_path / "grades" / "wrong.html").read_text(encoding="utf-8")


def test_the_website_has_its_pages(checkout, tmp_path):
    checkout.python("-c", ASSEMBLE, str(tmp_path / "site"))
    assert (tmp_path / "site" / "notebooks" / "99b_example.ipynb").is_file()
    assert (tmp_path / "site" / "reference" / "methods.example.rst").is_file()
    assert "methods.example" in (tmp_path / "site" / "reference" / "methods.rst").read_text(encoding="utf-8")


def test_the_tables_know_it_once_they_are_written(checkout):
    assert checkout.edited() == set(), "everything above went without an edit"
    told = checkout.python("-c", CHAPTERS, "--check", code=1).splitlines()
    stale = [line.split(":")[0] for line in told]
    assert stale == ["README.md", "docs/lecturers.md", "docs/pictures/99b.jpg"]
    checkout.python("-c", CHAPTERS, "--write")
    assert checkout.edited() == {"README.md", "docs/lecturers.md"}
    readme = (checkout.folder / "README.md").read_text(encoding="utf-8")
    assert "| 99b | [Example](notebooks/99b_example.ipynb) | walk from one digit to another" in readme
    assert "| 99b | Between two pictures (easy) | 3 | 10 |" in (checkout.folder / "docs" / "lecturers.md").read_text()
