"""Executed notebooks as files: tidied, hashed, kept in place, turned into HTML pages.

notebook = read("notebooks/01_style_transfer.ipynb")
stale(notebook)                         # were its outputs made by other code?
"""

import hashlib
import json
import os
import re
import warnings
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from gencourse import files

WIDGET = "application/vnd.jupyter.widget-view+json"
TRANSIENT = ("execution", "ExecuteTime", "collapsed", "scrolled")  # metadata that differ from run to run
BAR = re.compile(r"\d%\|.*\||\[(\d+:)+\d\d[<,]")  # how a line of tqdm looks: 50%|##   | 1/2 [00:01<00:01, 1it/s]
# A line of `fit` outside a notebook, "training: step 12/120  mse 0.1", where a later one of the same training follows.
PASSED = re.compile(r"^(.+): step (\d+)/(?!\2 )(\d+)  .*\n(?=\1: step \d+/\3  )", re.MULTILINE)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def read(path: str | os.PathLike) -> NotebookNode:
    """Read a notebook. Raises FileNotFoundError, or ValueError for a file that is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a notebook of an older format is given cell ids
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
            return notebook
    except FileNotFoundError:
        raise FileNotFoundError(f"no notebook at {path}") from None
    except (ValueError, AttributeError, KeyError, TypeError, nbformat.ValidationError) as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(f"{path} is not a notebook ({reason[:100]})") from error


def write(notebook: NotebookNode, path: str | os.PathLike) -> Path:
    """Write a notebook; the file appears whole or not at all. Returns the path. Raises as `write_text`."""
    return write_text(nbformat.writes(notebook) + "\n", path)


def write_text(text: str, path: str | os.PathLike) -> Path:
    """Write a text file, with the folders it lies in; it appears whole or not at all. Returns the path.

    Raises OSError where nothing can be written, ValueError for a path or a text that no file can have.
    """
    data = text.encode()
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


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Drop from the outputs what is of use only while a notebook runs, in place; returns the notebook.

    Widgets, progress bars and timings go; of text that overwrote itself and of the lines of a training the last stays,
    and pieces of a stream that follow each other become one. Pictures, tables and errors stay as they are.
    """
    notebook.metadata.pop("widgets", None)
    for cell in code_cells(notebook):
        for key in TRANSIENT:
            cell.metadata.pop(key, None)
        cell.outputs = _settled(_settled(cell.outputs))  # again: where a bar was, two pieces of another stream now meet
    return notebook


def settled(text: str) -> str:
    """Return terminal output as it looks in the end: overwritten text, progress bars and cursor movements gone.

    Of the lines that one training wrote as it went on, the last stays.
    """
    lines = []
    for line in text.split("\n"):
        parts = [part for part in line.split("\r") if part.strip()]
        last = parts[-1] if parts else ""
        plain = ANSI.sub("", last)
        if BAR.search(plain) or (not plain.strip() and line.strip(" ") != ""):
            continue
        lines.append(last.rstrip(" "))
    return PASSED.sub("", "\n".join(lines))


def keep(notebook: NotebookNode, path: str | os.PathLike, record: dict[str, Any]) -> Path:
    """Put the outputs of an executed notebook into the file it came from, and how they were made into its metadata.

    The file is read again and everything but outputs is left as it is there, so that prose edited in the meantime
    stays. record: profile, device, minutes, gigabytes, versions. Raises ValueError when the code changed while it ran.
    """
    there = read(path)
    if code_hash(there) != code_hash(notebook):
        raise ValueError(f"the code of {path} was edited while it ran, so its outputs are not kept: run it again")
    for old, new in zip(code_cells(there), code_cells(notebook), strict=True):
        old.outputs, old.execution_count = new.outputs, new.execution_count
        for key in TRANSIENT:
            old.metadata.pop(key, None)
    there.metadata.pop("widgets", None)
    there.metadata["gencourse"] = {"code": code_hash(there), **record}
    return write(there, path)


def page(notebook: NotebookNode, title: str, folder: str | os.PathLike) -> str:
    """Return a notebook as one HTML page with all its pictures inside; formulas are set by MathJax, from the web.

    folder: where pictures that the text refers to by a relative path lie.
    """
    from nbconvert import HTMLExporter

    resources = {"metadata": {"name": title, "path": str(folder)}}
    text, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook, resources)
    return text


def _settled(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Take widgets out, and out of text what was overwritten; what is empty then goes."""
    kept = []
    for output in map(_without_widget, _joined(outputs)):
        if output is not None and output.output_type == "stream":
            output.text = settled(output.text)
            output = output if output.text.strip() else None
        if output is not None:
            kept.append(output)
    return kept


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join pieces of the same stream that follow each other: a carriage return in one may overwrite another."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last is not None and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            joined.append(output)
    return joined


def _without_widget(output: NotebookNode) -> NotebookNode | None:
    """Take the widget out of an output; None when only its description in words is left, which no reader needs."""
    if WIDGET not in output.get("data", {}):
        return output
    del output.data[WIDGET]
    return output if set(output.data) - {"text/plain"} else None
