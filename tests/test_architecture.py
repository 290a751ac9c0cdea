"""The house is as pyproject.toml and ARCHITECTURE.md say."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def floors() -> list[list[str]]:
    """The rooms of each floor, from the top."""
    tomllib = pytest.importorskip("tomllib")  # since Python 3.11
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [found for found in project["tool"]["importlinter"]["contracts"] if found["id"] == "floors"]
    return [re.findall(r"\w+", floor) for floor in contract["layers"]]


def lint_imports(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run([*command, "--no-cache"], cwd=folder, capture_output=True, text=True)


def test_imports_keep_to_the_contracts():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_chapter_keeps_its_answers_out_of_reach_whatever_their_file_is_called(tmp_path):
    shutil.copytree(ROOT / "gencourse", tmp_path / "gencourse", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    chapter = tmp_path / "gencourse" / "homework" / "ch99"
    chapter.mkdir()
    for name, text in {"__init__": "", "key": "", "calls": "from gencourse.homework.ch99 import key\n"}.items():
        (chapter / f"{name}.py").write_text(text)
    done = lint_imports(tmp_path)
    found = re.findall(r"(\S+) is not allowed to import\s+(\S+):", done.stdout)
    assert done.returncode == 1 and found == [("gencourse.homework.ch99.calls", "gencourse.homework.ch99.key")]


def test_every_room_has_a_paragraph_and_stands_on_its_floor(floors):
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    picture, described = text.split("## The rooms")
    drawn = [re.findall(r"(\w+)(?:\.py|/)", line) for line in picture.splitlines() if line.startswith("    ")]
    assert [sorted(floor) for floor in drawn] == [sorted(floor) for floor in floors]
    missing = [room for floor in floors for room in floor if not re.search(rf"\*\*{room}(\.py|/)\*\*", described)]
    assert not missing, f"ARCHITECTURE.md says nothing of {', '.join(missing)}"
