"""Cells run in a real kernel, for the tests of what a notebook shows."""

import base64
import io
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbclient import NotebookClient
from PIL import Image

from gencourse.chapters import kernel


def run(folder: Path, *sources: str) -> list[list[Any]]:
    """Run cells in one new kernel; return the outputs of each as the file keeps them. Raises CellExecutionError."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, km=kernel.manager(), timeout=300, resources=resources).execute()
    nbformat.write(notebook, folder / "run.ipynb")
    return [cell.outputs for cell in notebook.cells]


def pictures(outputs: list[Any], kind: str = "image/png") -> list[bytes]:
    """The pictures among a cell's outputs."""
    found = [output["data"][kind] for output in outputs if kind in output.get("data", {})]
    return [base64.b64decode(data) for data in found]


def pixels(picture: bytes) -> np.ndarray:
    """(H, W, 3) bytes of a picture."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def text(outputs: list[Any]) -> str:
    """What a cell printed."""
    return "".join(output.get("text", "") for output in outputs)
