"""Chapters without a screen: a notebook is run in a kernel of its own, and what came out is written.

Whatever happens there is told in the result::

    result = run(find("01"), profile="cpu")
    result.page, result.error               # runs/01_style_transfer.html, None
"""

import importlib.metadata
import os
import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from gencourse import __version__
from gencourse.chapters import outputs, pages
from gencourse.chapters.find import chapters, find, folder, number
from gencourse.chapters.speed import convolution_rate

__all__ = ["Result", "chapters", "find", "folder", "is_result", "run"]

START_SECONDS = 300  # for a kernel to start: a busy machine, or one that loads the packages for the first time
STARTED = re.compile(r"gencourse: profile (\w+), device (\S+), seed")  # what `gencourse.start` prints


@dataclass
class Result:
    """What came of one notebook."""

    path: Path
    notebook: Path  # the executed one
    page: Path  # the same as HTML
    cells: int  # code cells there are
    done: int = 0  # code cells that passed
    section: str = ""  # the heading it came to
    seconds: float = 0.0
    memory: int | None = None  # most bytes the kernel held, where the system tells it
    error: str | None = None  # what went wrong: a failing cell's traceback; None when every cell passed
    interrupted: bool = False  # by Ctrl-C


def run(
    path: Path,
    *,
    profile: str | None = None,
    out: Path = Path("runs"),
    save: bool = False,
    timeout: float | None = None,
) -> Result:
    """Run a notebook in a new kernel of this Python, in its own folder, and write OUT/NAME.ipynb and OUT/NAME.html.

    What had run is written in any case: a cell that fails, a kernel that dies and Ctrl-C (once: stop as soon as the
    cell lets go; twice: at once) are told in the result.

    Args:
        path: of the notebook.
        profile: "smoke", "cpu" or "gpu" (default: what the environment and the hardware say).
        out: folder of the results.
        save: when every cell passed, also keep the outputs in the notebook itself.
        timeout: seconds that a cell may take (default: no limit).

    Returns:
        What came of it.

    Raises:
        ValueError: the file is no notebook, its result would overwrite it or another notebook, or it was edited while
            it ran and is not saved.
    """
    notebook = pages.read(path)
    for cell in pages.code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    result = Result(path, out / f"{path.stem}.ipynb", out / f"{path.stem}.html", len(pages.code_cells(notebook)))
    if result.notebook.resolve() == path.resolve():
        raise ValueError(f"{path} lies in {out}, where its result would overwrite it: choose another folder")
    if result.notebook.exists() and not is_result(result.notebook):
        raise ValueError(f"{result.notebook} is a notebook of its own, no earlier result: choose another folder")
    out.mkdir(parents=True, exist_ok=True)  # before the work, not after it, if it cannot be
    started = time.monotonic()
    try:
        _execute(notebook, result, profile, timeout)
    finally:
        result.seconds = time.monotonic() - started
        outputs.tidy(notebook)
        notebook.metadata["gencourse"] = {"result": True}
        pages.write(notebook, result.notebook)
        pages.write_text(pages.page(notebook, path.stem, path.parent), result.page)
    if save and result.error is None:
        pages.save_outputs(notebook, path, _record(notebook, result, profile))
    return result


def is_result(path: Path) -> bool:
    """Whether `run` wrote this notebook, so that it may be replaced by a newer result."""
    try:
        return bool(pages.read(path).metadata.get("gencourse", {}).get("result"))
    except ValueError:  # what was cut off, or is no notebook
        return False


def _execute(notebook: NotebookNode, result: Result, profile: str | None, timeout: float | None) -> None:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    from gencourse.chapters import kernel

    options = {"timeout": timeout, "record_timing": False, "store_widget_state": False, "shutdown_kernel": "immediate"}
    options["startup_timeout"] = START_SECONDS
    options["extra_arguments"] = ["--log-level=40"]  # the kernel's own warnings would tear the bar apart
    where = {"metadata": {"path": str(result.path.resolve().parent)}}
    client = NotebookClient(notebook, km=kernel.manager(), resources=where, **options)
    pressed: list[bool] = []
    try:
        with (
            kernel.progress(result.cells, number(result.path.name) or result.path.stem) as bar,
            kernel.interruptible(client, pressed),
            client.setup_kernel(cleanup_kc=True, env=kernel.environment(profile)),
        ):
            try:
                _cells(client, result, bar, pressed)
            finally:
                result.memory = kernel.peak_memory(client)
    except CellExecutionError as error:
        result.error = _traceback(notebook) or str(error)
    except CellTimeoutError:
        result.error = f"a cell took longer than the {timeout:g} seconds it was allowed"
    except (RuntimeError, KeyboardInterrupt) as error:
        what, why = "the kernel died", "most often the machine ran out of memory"
        if "didn't respond" in str(error):  # jupyter_client's words for a kernel that is there and says nothing
            what, why = "the kernel did not start", "run it again when this machine is less busy"
        result.error = f"{what} ({error}): {why}"
    if pressed:
        result.interrupted, result.error = True, "interrupted"


def _cells(client, result: Result, bar, pressed: list[bool]) -> None:
    for index, cell in enumerate(client.nb.cells):
        if pressed:
            return
        if cell.cell_type == "markdown":
            result.section = _heading(cell.source) or result.section
            bar.set_description_str(f"{result.section[:40]:<40}")
        elif cell.cell_type == "code":
            client.execute_cell(cell, index)
            result.done += 1
            bar.update()


def _heading(text: str) -> str:
    """Return the first heading in a markdown cell, or nothing; the marks around a written solution are none."""
    found = re.search(r"^#{1,6}\s+(?!(?:BEGIN|END) SOLUTION)(.+?)\s*#*$", text, re.MULTILINE)
    return found[1] if found else ""


def _traceback(notebook: NotebookNode) -> str:
    """Return the traceback of the failing cell, with its colours."""
    outputs = [output for cell in pages.code_cells(notebook) for output in cell.outputs]
    errors = [output for output in outputs if output.output_type == "error"]
    return "\n".join(errors[-1].traceback) if errors else ""


def _record(notebook: NotebookNode, result: Result, profile: str | None) -> dict[str, object]:
    texts = [output.get("text", "") for cell in pages.code_cells(notebook) for output in cell.outputs]
    said = next((found for text in texts if (found := STARTED.search(text))), None)
    versions = {"python": platform.python_version(), "gencourse": __version__}
    for package in ("torch", "torchvision"):
        versions[package] = importlib.metadata.version(package)
    return {
        "profile": said[1] if said else profile or os.environ.get("GENCOURSE_PROFILE"),
        "device": said[2] if said else None,
        "minutes": round(result.seconds / 60, 1),
        "gigabytes": result.memory and round(result.memory / 1e9, 1),
        "gflops": convolution_rate(),
        "versions": versions,
    }
