"""The house is as pyproject.toml and ARCHITECTURE.md say."""

import re
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


def test_imports_keep_to_the_contracts():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_has_a_paragraph_and_stands_on_its_floor(floors):
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    picture, described = text.split("## The rooms")
    drawn = [re.findall(r"(\w+)(?:\.py|/)", line) for line in picture.splitlines() if line.startswith("    ")]
    assert [sorted(floor) for floor in drawn] == [sorted(floor) for floor in floors]
    missing = [room for floor in floors for room in floor if not re.search(rf"\*\*{room}(\.py|/)\*\*", described)]
    assert not missing, f"ARCHITECTURE.md says nothing of {', '.join(missing)}"
