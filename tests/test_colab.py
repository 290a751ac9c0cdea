"""Colab has its own versions of what we need: ours must fit them, and the set-up cell must leave them alone.

That the chapters run on these versions is shown by scripts/colab.py, which takes a long download and is run by hand.
"""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from gencourse.chapters import pages, repository

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "tests" / "colab_constraints.txt"
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)$", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE))
# What uv says when it found no registry, in place of an answer about versions.
UNREACHABLE = re.compile(r"error sending request|failed to fetch|dns error|request failed|network", re.IGNORECASE)


def resolve(requirements: Path) -> subprocess.CompletedProcess:
    pytest.importorskip("uv", reason='resolving needs uv: pip install -e ".[test]"')
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    command += ["--python-version", "3.13", "--constraints", str(CONSTRAINTS), str(requirements)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)
    if done.returncode and "No solution found" not in done.stderr and UNREACHABLE.search(done.stderr):
        pytest.skip(f"resolving needs a package registry: {done.stderr.strip().splitlines()[-1]}")
    return done


def test_our_dependencies_fit_what_colab_has():
    done = resolve(ROOT / "pyproject.toml")
    assert done.returncode == 0, done.stderr
    chosen = dict(re.findall(r"^([\w.-]+)==(\S+)", done.stdout, re.MULTILINE))
    assert {name: chosen.get(name) for name in PINS} == PINS


def test_a_dependency_that_does_not_fit_is_noticed(tmp_path):
    requirements = tmp_path / "requirements.in"
    requirements.write_text("numpy>=2.2\n", encoding="utf-8")
    done = resolve(requirements)
    assert done.returncode != 0 and "numpy" in done.stderr


def test_jupyterlab_is_not_asked_for():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    core = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1]
    assert '"torch>=' in core and "jupyterlab" not in core and '"notebook' not in core


HANDED_OUT = [path for folder in ("notebooks", "homework") for path in sorted((ROOT / folder).glob("*.ipynb"))]


@pytest.fixture(params=HANDED_OUT, ids=lambda path: f"{path.parent.name}/{path.stem}")
def setup(request) -> str:
    """The set-up cell as Python, up to the first import of what it installs."""
    cell = next(c for c in pages.read(request.param).cells if c.get("id") == "setup")
    return TransformerManager().transform_cell(cell.source.split("\nimport torch")[0])


@pytest.mark.parametrize("there", [True, False], ids=["Colab", "elsewhere"])
def test_the_set_up_cell_installs_on_colab_alone(there, setup, monkeypatch):
    if there:
        monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace())
    else:
        monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    magics = []
    shell = SimpleNamespace(run_line_magic=lambda *call: magics.append(call))
    exec(setup, {"get_ipython": lambda: shell})
    name, _, arguments = repository.install_line().lstrip("%").partition(" ")
    assert magics == ([(name, arguments)] if there else [])


def test_installing_upgrades_nothing():
    assert not re.search(r"\s(-U|--upgrade|--force-reinstall|-I|--pre)\b", repository.install_line())
