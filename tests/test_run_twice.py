"""A reader goes back and runs a cell again: every name must still be what the cells above expect it to be."""

import copy
from pathlib import Path

import nbformat
import pytest

from gencourse.chapters import find, pages, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("path", find.chapters(), ids=lambda path: path.stem)
def test_every_cell_runs_a_second_time(path: Path, tmp_path: Path):
    notebook = pages.read(path)
    again = copy.deepcopy(pages.code_cells(notebook))
    for cell in again:
        cell.id += "-again"
    notebook.cells += [nbformat.v4.new_markdown_cell("# Once more", id="once-more"), *again]
    doubled = tmp_path / path.name
    nbformat.write(notebook, doubled)
    result = run.run(doubled, profile="smoke", out=tmp_path / "out")
    assert result.error is None, f"under {result.section}, after {result.done} cells:\n{result.error}"
    assert result.section == "Once more" and result.done == result.cells == 2 * len(again)
