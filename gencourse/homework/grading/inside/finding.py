"""Which cell of a notebook defines a function, and why none seems to.

By the cell's id in the metadata; where that was lost, or the stub still stands there, by the name it defines. Of
several copies the last that is not the stub.
"""

import ast
import platform
import re
from collections.abc import Iterator, Sequence

from gencourse.homework.grading.inside.names import bound_names, used_names, whole_names
from gencourse.homework.grading.inside.reading import Cell
from gencourse.homework.grading.inside.slices import ALWAYS_THERE, Line

MADE_OF_TEXT = re.compile(r"\b(exec|globals|setattr)\(")  # what can bind a name without an assignment
DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class NotDefined(LookupError):
    """A notebook does not define the function, or its cell cannot be read; says why."""


class NotGraded(NotDefined):
    """Nobody can tell here whether the notebook defines the function; says why."""


def find_cell(cells: list[Cell], cell_id: str, name: str, texts: Sequence[dict[str, str]] = ()) -> Cell:
    """Return the cell that defines a function.

    Args:
        cells: of the notebook.
        cell_id: of the task.
        name: of the function.
        texts: {"id", "text"} of the cells that are no code.

    Raises:
        NotDefined: none does, or it cannot be read.
    """
    defining = [cell for cell in cells if any(name in bound_names(node) for node in cell.body)]
    written = [cell for cell in defining if not is_stub(cell, name)]
    own = [cell for cell in written if cell.id == cell_id]
    elsewhere = [cell for cell in written if not imports(cell, name)]
    stubs = [cell for cell in defining if cell.id == cell_id]
    if not own and not elsewhere:
        explain_missing(cells, cell_id, name, texts)
    if not defining:
        raise NotDefined(f"{name} is defined nowhere in the notebook")
    return (own or elsewhere or stubs or defining)[-1]


def explain_missing(cells: list[Cell], cell_id: str, name: str, texts: Sequence[dict[str, str]]) -> None:
    """Raise NotDefined or NotGraded where it is clear why a notebook seems to hold no answer."""
    marked = [cell for cell in cells if cell.id == cell_id]
    for cell in (cell for cell in marked if cell.error):
        if cell.newer:
            raise NotGraded(newer(cell, name))
        raise NotDefined(f"the cell of {name} is not Python: {cell.error}")
    for cell in (cell for cell in marked if cell.skipped and f"def {name}" in cell.text):
        raise NotGraded(f"the cell of {name} begins with {cell.skipped}, so Jupyter does not run it: delete that line")
    named = re.compile(rf"\b{re.escape(name)}\b")
    for cell in (cell for cell in cells if named.search(cell.text) and MADE_OF_TEXT.search(cell.text)):
        raise NotGraded(f"cell {cell.place + 1} may make {name} out of text, which grading does not do: write it out")
    for one in texts:
        if f"def {name}(" in one["text"] or (one["id"] == cell_id and one["text"].strip()):
            raise NotGraded(f"the cell of {name} is text now (Markdown): make it code again")


def newer(cell: Cell, name: str) -> str:
    """Return the sentence about a cell that a newer Python can read."""
    return (
        f"cell {cell.place + 1}, which {name} needs, cannot be read by the Python that grades, "
        f"{platform.python_version()} ({cell.error}); a newer one may well do: use the one it was written with"
    )


def demand_readable(cells: list[Cell], statements: list[Line], name: str) -> None:
    """Raise NotGraded where a cell that only a newer Python can read may hold what a function needs."""
    bound = {one for _, node in statements for one in bound_names(node)} | ALWAYS_THERE
    for missing in {one for _, node in statements for one in used_names(node)} - bound:
        for cell in cells:
            if cell.newer and re.search(rf"\b{re.escape(missing)}\b", cell.text):
                raise NotGraded(newer(cell, name))


def imports(cell: Cell, name: str) -> bool:
    """Whether all that a cell does to a name is to import it."""
    return all(isinstance(node, ast.Import | ast.ImportFrom) for node in cell.body if name in bound_names(node))


def is_stub(cell: Cell, name: str) -> bool:
    """Whether a function still raises NotImplementedError on its way, in a loop too, as in the students' copy."""
    nodes = [n for node in cell.body for n in _blocks(node)]
    defined = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == name]
    raised = [n.exc for node in defined[-1:] for n in _reached(node.body) if isinstance(n, ast.Raise) and n.exc]
    again = any(name in whole_names(t) for n in nodes if isinstance(n, ast.Assign) for t in n.targets)
    return any("NotImplementedError" in ast.dump(error) for error in raised) and not again


def _blocks(node: ast.stmt) -> Iterator[ast.stmt]:
    """Yield a statement and those in its blocks, not those in functions."""
    yield node
    for part in ("body", "orelse", "handlers", "finalbody", "cases") if not isinstance(node, DEFINED) else ():
        for one in getattr(node, part, ()):
            if isinstance(one, ast.stmt):
                yield from _blocks(one)
            else:
                yield from (n for statement in one.body for n in _blocks(statement))


def _reached(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body, and of the loops in it; what stands under an `if` may never be reached."""
    for node in body:
        yield node
        if isinstance(node, ast.For | ast.While | ast.With):
            yield from _reached(node.body)
