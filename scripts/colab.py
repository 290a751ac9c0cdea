"""Run the course on Colab's versions, without Colab.

    python scripts/colab.py                    # every chapter and every students' copy, in the smoke profile
    python scripts/colab.py 01 03              # these alone
    python scripts/colab.py --env FOLDER       # keep the environment there, and use it again the next time

Builds an environment of exactly the versions in tests/colab_constraints.txt with a Python 3.13 that is on this
machine, puts a stub of `google.colab` into it, and runs the notebooks of the last commit there under nbval. So each
set-up cell installs the package as it does on Colab, from a clone of this checkout in place of the address that it
names, and must leave every preinstalled version where it was.

A students' copy must fail first at its first task, and pass as a whole with the chapter's solutions filled in.

Needs uv (pip install -e ".[test]") and a package registry: the environment takes about 6 GB, since torch brings CUDA
along, as on Colab. Some three minutes a chapter on two cores once the packages are there. Run it before a release.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the checkout that this script lies in, whatever is installed

from gencourse.chapters.find import in_folder, number  # noqa: E402
from gencourse.chapters.repository import repository  # noqa: E402

CONSTRAINTS = ROOT / "tests" / "colab_constraints.txt"
UV = [sys.executable, "-m", "uv"]
TOOLS = ["pytest>=8,<10", "nbval>=0.11"]  # what runs the notebooks; Colab itself has no use for them
CELL_SECONDS = 1200
FIRST = re.compile(r"^FAILED \S+::Cell (\d+)", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NUMBER", help="chapters, by the number their files begin with")
    parser.add_argument("--env", type=Path, help="folder of the environment (default: a temporary one)")
    parser.add_argument("--python", help="a Python 3.13 (default: one on the path or of pyenv)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="colab_") as temporary:
        python = environment(options.env or Path(temporary) / "env", options.python)
        before = versions(python)
        clone = Path(temporary) / "clone"
        run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)])
        failed = notebooks(clone, python, options.names)
        after = versions(python)
        moved = {name: (old, after.get(name)) for name, old in before.items() if after.get(name) != old}
    for name, (old, new) in moved.items():
        print(f"MOVED   {name} from {old} to {new}")
    print(f"failed: {', '.join(failed) or 'none'}; preinstalled versions moved: {len(moved)} of {len(before)}")
    return 1 if failed or moved else 0


def run(command: list[str], **options) -> None:
    """Run a command; end the program, with its own words above, when it fails."""
    if subprocess.run(command, **options).returncode:
        sys.exit(f"failed: {' '.join(command)}")


def a_python() -> str:
    """Return a Python 3.13 of this machine: on the path, or one that pyenv keeps."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which("python3.13"), *map(str, sorted(kept.glob("3.13*/bin/python3.13"), reverse=True))]
    for candidate in filter(None, found):
        asked = subprocess.run(
            [candidate, "--version"], capture_output=True, text=True
        )  # pyenv has some that answer no
        if asked.stdout.startswith("Python 3.13"):
            return candidate
    sys.exit("there is no Python 3.13 here: name one with --python")


def environment(folder: Path, python: str | None) -> Path:
    """Build the environment, or bring one that is there up to date; returns its Python."""
    inside = folder.resolve() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not inside.exists():
        run([*UV, "venv", "--quiet", "--seed", "--python", python or a_python(), str(folder)])
    run([*UV, "pip", "install", "--quiet", "--python", str(inside), "-r", str(CONSTRAINTS), *TOOLS])
    subprocess.run([*UV, "pip", "uninstall", "--quiet", "--python", str(inside), "gencourse"], check=False)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.check_output([str(inside), "-c", where], text=True).strip())
    (site / "google" / "colab").mkdir(parents=True, exist_ok=True)
    (site / "google" / "colab" / "__init__.py").write_text('"""Stands for the module that only Colab has."""\n')
    (site / "colab_stub.pth").write_text(
        "import google.colab\n"
    )  # Colab's kernel has imported it before the first cell
    return inside


def versions(python: Path) -> dict[str, str]:
    """Return what is installed, without the course itself."""
    command = [*UV, "pip", "list", "--quiet", "--format", "json", "--python", str(python)]
    told = subprocess.check_output(command, text=True)
    return {p["name"]: p["version"] for p in json.loads(told) if p["name"] != "gencourse"}


def surroundings(clone: Path) -> dict[str, str]:
    """Return the environment of the kernels: the address of the set-up cells leads to the clone."""
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{clone.as_uri()}.insteadOf"}
    return own | git | {"GIT_CONFIG_VALUE_0": repository(), "GENCOURSE_PROFILE": "smoke"}


def notebooks(clone: Path, python: Path, numbers: list[str]) -> list[str]:
    """Run chapters, blank copies and filled copies; returns the names of what did not do as it should."""
    chapters = [p for p in in_folder(clone / "notebooks") if not numbers or number(p.name) in numbers]
    if not chapters:
        sys.exit(f"no chapter is called {' or '.join(numbers)}")
    failed, env = [], surroundings(clone)
    for chapter in chapters:
        copy = clone / "homework" / chapter.name
        if not passes(chapter, python, env):
            failed.append(f"notebooks/{chapter.stem}")
        if not copy.is_file():
            failed.append(f"homework/{chapter.stem}: there is none")
        else:
            place = first_failure(copy, python, env)
            if place not in first_task(copy):
                print(f"        it should stop at one of the code cells {first_task(copy)}, not at {place}")
                failed.append(f"homework/{chapter.stem}")
            filled = copy.with_name(f"filled_{chapter.name}")
            filled.write_text(json.dumps(fill(copy, chapter)), encoding="utf-8")
            if not passes(filled, python, env):
                failed.append(f"homework/{chapter.stem} with its solutions")
    return failed


def under_nbval(notebook: Path, python: Path, env: dict[str, str], *more: str) -> subprocess.CompletedProcess:
    """Run a notebook under nbval, in a kernel of that Python, without the options of our own tests."""
    command = [str(python), "-m", "pytest", "-q", "-rf", "--tb=short", "-o", "addopts=", "-p", "no:cacheprovider"]
    command += ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_SECONDS}", *more, str(notebook)]
    return subprocess.run(command, env=env, cwd=notebook.parent, capture_output=True, text=True)


def passes(notebook: Path, python: Path, env: dict[str, str]) -> bool:
    """Whether every cell runs; tells which did not."""
    done = under_nbval(notebook, python, env)
    print(f"{'passed' if done.returncode == 0 else 'FAILED'}  {notebook.parent.name}/{notebook.name}", flush=True)
    if done.returncode:
        print(done.stdout[-6000:] + done.stderr[-2000:])
    return done.returncode == 0


def first_failure(notebook: Path, python: Path, env: dict[str, str]) -> int | None:
    """Return which code cell fails first, counted from 0."""
    found = FIRST.search(under_nbval(notebook, python, env, "--exitfirst").stdout)
    print(f"blank   {notebook.parent.name}/{notebook.name}: first failure in {found and found[0]}", flush=True)
    return int(found[1]) if found else None


def first_task(copy: Path) -> range:
    """Return the code cells in which a blank copy may fail first: its first task and all up to that task's check."""
    kinds = [cell["id"].split("-")[0] for cell in json.loads(copy.read_text(encoding="utf-8"))["cells"]
             if cell["cell_type"] == "code"]  # fmt: skip
    return range(kinds.index("task"), kinds.index("check", kinds.index("task")) + 1)


def fill(copy: Path, chapter: Path) -> dict:
    """Return a students' copy with the chapter's cells in the place of its tasks."""
    solved = {c["id"]: c for c in json.loads(chapter.read_text(encoding="utf-8"))["cells"]}
    notebook = json.loads(copy.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["id"].startswith("task-"):
            cell["source"] = solved[cell["id"]]["source"]
    return notebook


if __name__ == "__main__":
    if shutil.which("git") is None:
        sys.exit("needs git, to hand the set-up cells the course")
    sys.exit(main())
