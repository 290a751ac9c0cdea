"""Executed notebooks as files: tidied, hashed, kept in place, turned into HTML pages.

Outputs are kept together with a hash of the code that made them::

    notebook = read("notebooks/01_style_transfer.ipynb")
    stale(notebook)                         # were its outputs made by other code?
"""

import hashlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from gencourse import files
from gencourse.chapters.outputs import TRANSIENT

RECORD = ("code", "profile", "device", "minutes", "gigabytes", "gflops", "versions")  # what a kept run says of itself


def read(path: str | os.PathLike) -> NotebookNode:
    """Read a notebook.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no notebook.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a notebook of an older format is given cell ids
            notebook = nbformat.reads(Path(path).read_text(encoding="utf-8-sig"), as_version=4)  # with a BOM or without
            nbformat.validate(notebook)
            return notebook
    except FileNotFoundError:
        raise FileNotFoundError(f"no notebook at {path}") from None
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(f"{path} is not a notebook ({reason[:100]})") from error


def write(notebook: NotebookNode, path: str | os.PathLike) -> Path:
    """Write a notebook, and return its path; the file appears whole or not at all. Raises as `write_text` does."""
    return write_text(text_of(notebook), path)


def text_of(notebook: NotebookNode) -> str:
    """Return a notebook as its file holds it."""
    return nbformat.writes(notebook) + "\n"


def write_text(text: str, path: str | os.PathLike) -> Path:
    """Write a text file with the folders it lies in, and return its path; it appears whole or not at all.

    Raises:
        OSError: nothing can be written there.
        ValueError: no file can have this path or this text.
    """
    return write_bytes(text.encode(), path)


def write_bytes(data: bytes, path: str | os.PathLike) -> Path:
    """Write a file with the folders it lies in, and return its path; it appears whole or not at all. Raises OSError."""
    with files.atomic_write(path) as file:
        file.write(data)
    return Path(path)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells of a notebook, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_hash(notebook: NotebookNode) -> str:
    """Return the sha256 of the sources of the code cells, in order: not of prose, outputs or metadata.

    Trailing spaces and lines with `%pip` do not count: the latter run on Colab only, with an address that is generated.
    """
    sources = []
    for cell in code_cells(notebook):
        lines = [line.rstrip() for line in cell.source.splitlines()]
        sources.append([line for line in lines if not line.lstrip().startswith("%pip ")])
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def stale(notebook: NotebookNode) -> bool:
    """Whether the outputs in a notebook are not those of its code: never kept, or kept before the code was edited."""
    return notebook.metadata.get("gencourse", {}).get("code") != code_hash(notebook)


def save_outputs(notebook: NotebookNode, path: str | os.PathLike, record: dict[str, Any]) -> Path:
    """Put the outputs of an executed notebook into the file it came from, and how they were made into its metadata.

    The file is read again and everything else is left as it is there: prose that was edited while it ran, and what the
    chapter says of itself (`facts`).

    Args:
        notebook: with outputs.
        path: of the file it came from.
        record: how the outputs were made: profile, device, minutes, gigabytes, versions.

    Returns:
        The path.

    Raises:
        ValueError: the code in the file changed while it ran.
    """
    current = read(path)
    if code_hash(current) != code_hash(notebook):
        raise ValueError(f"the code of {path} was edited while it ran, so its outputs are not kept: run it again")
    for old, new in zip(code_cells(current), code_cells(notebook), strict=True):
        old.outputs, old.execution_count = new.outputs, new.execution_count
        for key in TRANSIENT:
            old.metadata.pop(key, None)
    current.metadata.pop("widgets", None)
    facts = {key: value for key, value in current.metadata.get("gencourse", {}).items() if key not in RECORD}
    current.metadata["gencourse"] = {**facts, "code": code_hash(current), **record}
    return write(current, path)


def page(notebook: NotebookNode, title: str, folder: str | os.PathLike) -> str:
    """Return a notebook as one HTML page with all its pictures inside; formulas are set by MathJax, from the web.

    Args:
        notebook: with its outputs.
        title: of the page.
        folder: where pictures that the text refers to by a relative path lie.
    """
    from nbconvert import HTMLExporter

    resources = {"metadata": {"name": title, "path": str(folder)}}
    text, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook, resources)
    return text
