"""A notebook's code cells as Python: what Jupyter makes of magics and shell lines, and why a cell is no Python at all.

Jupyter hands each cell to IPython's input transformer and compiles what comes out, whole. So does this: a line that
looks like a magic inside of brackets stays an operator, `files = !ls` becomes a call. What a magic runs as Python
(`%%time`, `%time`, `%%capture`) is put in place of the call, since it changes the notebook's names as any other line.
"""

import __future__

import ast
import re
import sys
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import Any

RUNS_PYTHON = {
    "time",
    "capture",
    "prun",
}  # cell magics that run the cell in the notebook's own names; %%timeit does not
TOP_LEVEL_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
FLAGS = {name: getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}
NESTED = r"\b[rR]?[fF][rR]?(?:\"[^\"\n]*\{[^\"}\n]*\"|'[^'\n]*\{[^'}\n]*')"  # a quote within the braces of an f-string
NEWER = {  # what a Python that does not know it yet calls a syntax error
    (3, 12): (r"(?m)^\s*type\s+\w+(\[[^\n]*\])?\s*=", r"(?m)^\s*(?:async\s+)?(?:def|class)\s+\w+\[", NESTED),
    (3, 14): (r"(?m)^\s*except\s+[\w.]+\s*,[^\n]*:", r"\b[rR]?[tT][rR]?[\"']"),
}


@dataclass
class Cell:
    """A code cell as read.

    Args:
        id: that it was handed out with.
        text: as the student wrote it.
        place: among the code cells.
        body: its top-level statements; none where it is no Python.
        error: why it is none.
        newer: whether a newer Python than this may well read it.
        skipped: the magic that keeps Jupyter from running it as Python, "%%writefile".
        flags: of the compiler: what it and the cells above import from __future__.
    """

    id: str
    text: str
    place: int
    body: list[ast.stmt] = field(default_factory=list)
    error: str = ""
    newer: bool = False
    skipped: str = ""
    flags: int = 0


def parse(cells: list[dict[str, str]]) -> list[Cell]:
    """Read code cells, given as {"id", "text"}, in the notebook's order."""
    read, flags = [], 0
    for place, given in enumerate(cells):
        cell = Cell(given["id"], given["text"], place)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cell.body = [part for node in tree(cell.text).body for part in spread(node, cell)]
                flags |= future_flags(cell.body)
                cell.flags = flags
                compile(ast.Module(cell.body, []), "cell", "exec", flags | TOP_LEVEL_AWAIT, dont_inherit=True)
        except (SyntaxError, ValueError, RuntimeError, MemoryError, TypeError) as error:
            where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            cell.body, cell.error = [], f"{getattr(error, 'msg', error)}{where}"
            cell.newer = isinstance(error, SyntaxError) and looks_newer(cell.text, str(error.msg))
        read.append(cell)
    return read


def tree(text: str) -> ast.Module:
    """Return a cell's syntax tree: as it stands where that is Python, else as IPython rewrites it."""
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.parse(transformer().transform_cell(text))


@cache
def transformer() -> Any:
    """Return IPython's own transformer; it is imported for the first cell that needs it."""
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager()


def spread(node: ast.stmt, cell: Cell) -> list[ast.stmt]:
    """Return the statements that stand for one: what a magic would run in its place."""
    name, line, code = magic(node)
    if code is None:  # no cell magic: a line magic may stand deeper, under an `if`
        return LineMagics().visited(node)
    if name not in RUNS_PYTHON:
        cell.skipped = f"%%{name}"
        return []
    inner = tree(code)
    ast.increment_lineno(inner, 1)
    made: list[ast.stmt] = []
    if name == "capture" and (kept := [word for word in line.split() if not word.startswith("-")]):
        made = ast.parse(f"{kept[0]} = get_ipython().getoutput('')").body
    return made + [part for one in inner.body for part in spread(one, cell)]


def magic(node: ast.stmt) -> tuple[str, str, str | None]:
    """Return name, line and body of the magic that a statement calls; the body is None for one of a line."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return "", "", None
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if call.func.attr == "run_cell_magic" and len(texts) == 3:
        return texts[0], texts[1], texts[2]
    if call.func.attr == "run_line_magic" and len(texts) == 2:
        return texts[0], texts[1], None
    return "", "", None


class LineMagics(ast.NodeTransformer):
    """Puts what `%time` runs in its place, as a statement or as a value."""

    def visited(self, node: ast.stmt) -> list[ast.stmt]:
        found = self.visit(node)
        return found if isinstance(found, list) else [found]

    def visit_Expr(self, node: ast.Expr) -> Any:
        name, line, _ = magic(node)
        if name in ("time", "prun"):
            return [ast.increment_lineno(one, node.lineno - 1) for one in tree(line.strip()).body] or ast.Pass()
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        name, line, _ = magic(ast.Expr(node))
        if name in ("time", "prun"):
            return ast.copy_location(ast.parse(line.strip(), mode="eval").body, node)
        return self.generic_visit(node)


def future_flags(body: list[ast.stmt]) -> int:
    """Return the compiler's flags for what a cell imports from __future__; later cells have them too, as in Jupyter."""
    names = [
        a.name for node in body if isinstance(node, ast.ImportFrom) and node.module == "__future__" for a in node.names
    ]
    return sum({FLAGS.get(name, 0) for name in names})


def looks_newer(text: str, message: str) -> bool:
    """Whether what this Python cannot read has the looks of syntax that a newer one can."""
    later = [p for version, patterns in NEWER.items() if sys.version_info[:2] < version for p in patterns]
    return any(re.search(pattern, text) for pattern in later) or (sys.version_info < (3, 12) and "f-string" in message)
