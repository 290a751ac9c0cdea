"""The wheel carries the embedded data, and works where there is no checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from gencourse import data

ROOT = Path(__file__).resolve().parent.parent
USE = """
import sys
from pathlib import Path
import torch
from gencourse import checkpoints, cli, data
assert str(data.root()).startswith(sys.argv[1]), data.root()
assert len(data.digits("test")) == 1000
assert len(data.emoji(size=32)) > 1000
assert data.photo("chelsea").shape[:2] == (1, 3)
for name in checkpoints.names():
    assert not checkpoints.load(name).training
print(checkpoints.names())
sys.exit(cli.main(["run", "01"]))
"""


def build(target: str, folder: Path) -> Path:
    """Build with hatchling alone: no network, no environment of its own, nothing written into the checkout."""
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def embedded() -> set[str]:
    return {path.relative_to(data.root()).as_posix() for path in data.root().rglob("*") if path.is_file()}


def test_the_wheel_carries_all_data(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"gencourse/_data/{name}" for name in embedded()} <= names
    assert {"gencourse/_data/digits.npz", "gencourse/cli.py", "gencourse/commands/run.py"} <= names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"gencourse", next(top for top in tops if top.endswith(".dist-info"))}


def test_it_works_without_a_checkout(wheel, tmp_path):
    pytest.importorskip("pip")
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*install, "--target", str(target), str(wheel)], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # Isolated from the checkout, wherever it is on the path: its folder goes, the installed packages stay.
    others = f"import sys; sys.path[:] = [{str(target)!r}] + [p for p in sys.path if p and p != {str(ROOT)!r}]\n"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", others + USE, str(target)]
    done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Clone the repository (git clone https://" in done.stderr and "Traceback" not in done.stderr
    assert list(elsewhere.iterdir()) == []


def test_the_source_archive_can_be_built_from(tmp_path):
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "conftest.py", "gencourse/__init__.py"} <= names
    assert {f"data/{name}" for name in embedded()} <= names
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("*.py")} <= names
