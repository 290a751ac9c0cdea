"""What a cell printed and showed, as a reader should find it: without widgets, progress bars and overwritten text."""

import re

from nbformat import NotebookNode

WIDGET = "application/vnd.jupyter.widget-view+json"
TRANSIENT = ("execution", "ExecuteTime", "collapsed", "scrolled")  # metadata that differ from run to run
BAR = re.compile(r"\d%\|.*\||\[(\d+:)+\d\d[<,]")  # how a line of tqdm looks: 50%|##   | 1/2 [00:01<00:01, 1it/s]
# A line of `fit` outside a notebook, "training: step 12/120  mse 0.1", where a later one of the same training follows.
PASSED = re.compile(r"^(.+): step (\d+)/(?!\2 )(\d+)  .*\n(?=\1: step \d+/\3  )", re.MULTILINE)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def tidy(notebook: NotebookNode) -> NotebookNode:
    """Drop from the outputs what is of use only while a notebook runs.

    Widgets, progress bars and timings go; of text that overwrote itself and of the lines of a training the last stays,
    and pieces of a stream that follow each other become one. Pictures, tables and errors stay as they are.

    Args:
        notebook: changed in place.

    Returns:
        The same notebook.
    """
    notebook.metadata.pop("widgets", None)
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        for key in TRANSIENT:
            cell.metadata.pop(key, None)
        cell.outputs = _collapse(_collapse(cell.outputs))  # a bar may have kept two pieces apart
    return notebook


def collapse_terminal_output(text: str) -> str:
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


def _collapse(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Take widgets out, and out of text what was overwritten; what is empty then goes."""
    kept = []
    for output in map(_without_widget, _joined(outputs)):
        if output is not None and output.output_type == "stream":
            output.text = collapse_terminal_output(output.text)
            output = output if output.text.strip() else None
        if output is not None:
            kept.append(output)
    return kept


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join pieces of the same stream that follow each other: a carriage return in one may overwrite another.

    nbconvert has a CoalesceStreamsPreprocessor for it, but not yet in version 7.2, the oldest that we run with.
    """
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
