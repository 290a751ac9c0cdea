"""A function of a notebook got by running those of its lines that the function depends on, as Jupyter would.

The cell is found by its id in the metadata; where that was lost, or the stub still stands there, by the name it
defines. Of several copies the last that is not the stub. `slices.select` says which lines are run. What cannot be run
here (a training, a shell command, a picture, a file, a loop that takes long) leaves something Absent, which says so
when it is used.
"""

import __future__

import ast
import linecache
import platform
import re
import signal
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from gencourse.homework.checking.calls import NotRun
from gencourse.homework.grading.inside.absent import Absent, first, stand_in
from gencourse.homework.grading.inside.names import (
    binds_unknown,
    bound_names,
    changed_names,
    used_names,
    whole_names,
)
from gencourse.homework.grading.inside.reading import Cell, parse
from gencourse.homework.grading.inside.slices import ALWAYS_THERE, OURS, Line, select, trainings

__all__ = [
    "Cell",
    "NotDefined",
    "bound_names",
    "demand_readable",
    "find_cell",
    "imports",
    "is_stub",
    "parse",
    "run",
    "select",
    "trainings",
]

TRAININGS = {"gencourse.fit", "gencourse.training.fit"}  # there, but not run
DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
SECONDS = 8.0  # of computing for what a function depends on
CONSTANT = (int, float, str, bytes, tuple, type(None), ModuleType, type, FunctionType, BuiltinFunctionType)


if hasattr(signal, "setitimer"):
    SIGNALS = {signal.SIGPROF: (signal.ITIMER_PROF, 1), signal.SIGALRM: (signal.ITIMER_REAL, 8)}


class NotDefined(LookupError):
    """A notebook does not define the function, or its cell cannot be read; says why."""


class NotGraded(NotDefined):
    """Nobody can tell here whether the notebook defines the function; says why."""


class TooLong(BaseException):
    """The lines of a notebook take too long; no `except Exception` of theirs catches it."""


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
    marked = [cell for cell in cells if cell.id == cell_id]
    written = [cell for cell in defining if not is_stub(cell, name)]
    own = [cell for cell in written if cell.id == cell_id]
    elsewhere = [cell for cell in written if not imports(cell, name)]
    stubs = [cell for cell in defining if cell.id == cell_id]
    if not own and not elsewhere:
        explain_missing(marked, cell_id, name, texts)
    if not defining:
        for cell in (
            cell for cell in cells if name in cell.text and ("exec(" in cell.text or "globals()" in cell.text)
        ):
            raise NotGraded(
                f"cell {cell.place + 1} may make {name} out of text, which grading does not do: write it out"
            )
        raise NotDefined(f"{name} is defined nowhere in the notebook")
    return (own or elsewhere or stubs or defining)[-1]


def explain_missing(marked: list[Cell], cell_id: str, name: str, texts: Sequence[dict[str, str]]) -> None:
    """Raise NotDefined or NotGraded where it is clear why a notebook seems to hold no answer."""
    for cell in (cell for cell in marked if cell.error):
        if cell.newer:
            raise NotGraded(newer(cell, name))
        raise NotDefined(f"the cell of {name} is not Python: {cell.error}")
    for cell in (cell for cell in marked if cell.skipped and f"def {name}" in cell.text):
        raise NotGraded(f"the cell of {name} begins with {cell.skipped}, so Jupyter does not run it: delete that line")
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


def run(
    statements: list[Line],
    name: str,
    given: dict[str, Any],
    *,
    seconds: float = 0,
    trained: tuple[Collection[ast.stmt], Collection[str]] = ((), ()),
) -> Any:
    """Run statements one by one and return what `name` then means.

    Args:
        statements: as `select` returns them.
        name: of the function.
        given: what the namespace holds before.
        seconds: of computing for all of them; 0 for no limit.
        trained: statements that train something, which are not run, and names of what is trained if it is a network.

    Raises:
        NotDefined: nothing has that name then.
        NotGraded: and it is not the student's fault.
    """
    module = ModuleType("__main__")  # as in Jupyter: `if __name__ == "__main__"`, pickles, annotations
    space = module.__dict__
    space.update(given)
    before, sys.modules["__main__"] = sys.modules["__main__"], module
    failed = ""
    try:
        clock = Clock(seconds)
        for cell, node in statements:
            failed = execute(cell, node, space, clock, training=node in trained[0]) or failed
        clock.wind(0)
    finally:
        if not seconds:  # else this process is the function's own
            sys.modules["__main__"] = before
    unknown(statements, space)
    for one in trained[1]:
        value = space.get(one)
        if not isinstance(value, Absent | type) and hasattr(value, "parameters"):
            space[one] = Absent(f"your function uses {one}, which your notebook trains; grading runs no training")
    if isinstance(found := space.get(name), Absent):
        if found.__dict__["_allowed"]:
            raise NotGraded(found.__dict__["_reason"])
        raise NotDefined(found.__dict__["_reason"])
    if name not in space:
        raise NotDefined(f"{name} could not be defined ({failed[:300]})")
    return found


def execute(cell: Cell, node: ast.stmt, space: dict[str, Any], clock: "Clock", *, training: bool = False) -> str:
    """Run a statement; where it fails, what it would have made becomes Absent. Returns what failed, or nothing."""
    if bound_names(node) and bound_names(node) <= OURS & space.keys():
        return ""
    file = f"cell {cell.place + 1}"
    rows = cell.text.splitlines(True)
    linecache.cache[file] = (len(cell.text), None, rows, file)
    where = f"{file}, line {node.lineno}: {''.join(rows[node.lineno - 1 : node.lineno]).strip()[:100]}"
    try:
        if training:
            raise NotRun("grading runs no training")
        with clock.running(free=isinstance(node, (*DEFINED, ast.Import, ast.ImportFrom))):
            compile_and_run(cell, node, space, file)
        no_training(node, space)
        return ""
    except ImportError as error:
        names = imported(node) or dict.fromkeys(bound_names(node), "")
        for one in names:
            space.setdefault(one, stand_in(one, names[one] or one, error))
        return f"{where}: {first(error)}"
    except TooLong:
        reason = f"it takes more than {clock.seconds:g} seconds"
    except NotRun as error:
        reason = str(error)
    except Exception as error:
        reason = f"{type(error).__name__}: {first(error)}"
        if isinstance(node, DEFINED):
            return f"{where}: {reason}"
    for one in bound_names(node) | {n for n in changed_names(node) if not isinstance(space.get(n), CONSTANT)}:
        space[one] = Absent(f"your function uses {one}; grading could not run what makes it ({where}): {reason}")
    return f"{where}: {reason}"


def no_training(node: ast.stmt, space: dict[str, Any]) -> None:
    """Let the course's own training loop be Absent once it was imported."""
    for name, source in imported(node).items():
        if source in TRAININGS:
            space[name] = Absent(f"{name} is a training, and grading runs none")


def compile_and_run(cell: Cell, node: ast.stmt, space: dict[str, Any], file: str) -> None:
    """Run a statement of a cell in a namespace, with the flags that its cell is compiled with."""

    def go(flags: int) -> None:
        exec(compile(ast.Module([node], []), file, "exec", flags, dont_inherit=True), space)

    try:
        go(cell.flags)
    except (NotRun, NameError):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            raise
        go(cell.flags | __future__.annotations.compiler_flag)  # perhaps only an annotation is missing


def imported(node: ast.stmt) -> dict[str, str]:
    """Return what an import binds, with the dotted name of what each stands for."""
    if isinstance(node, ast.Import):
        return {(a.asname or a.name).split(".")[0]: a.name for a in node.names}
    if isinstance(node, ast.ImportFrom):
        return {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return {}


def unknown(statements: list[Line], space: dict[str, Any]) -> None:
    """Let names that nothing binds be Absent where `from x import *` or `%run` may have bound them in Jupyter."""
    sources = [what for _, node in statements if (what := binds_unknown(node))]
    if sources:
        names = {name for _, node in statements for name in used_names(node)}
        for name in names - space.keys() - ALWAYS_THERE:
            space[name] = Absent(
                f"your function uses {name}, which may come from `{sources[0]}`, which grading does not run"
            )


class Shell:
    """What get_ipython() returns: magics and shell commands that do nothing here."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **options: None

    def getoutput(self, command: str, *arguments: Any, **options: Any) -> Absent:
        """Return what a shell command prints: nobody knows."""
        return Absent(f"your function uses what a shell command prints ({command[:100]}); grading runs none")


class Clock:
    """Raises TooLong in the lines of a notebook after so many seconds of computing, or some times as many passed."""

    def __init__(self, seconds: float):
        self.seconds, self.inside, self.end = seconds, False, time.process_time() + seconds
        for number in SIGNALS if seconds else ():
            signal.signal(number, self.over)
        self.wind(seconds)

    def wind(self, seconds: float) -> None:
        """Set the alarm; 0 stops it. It rings again and again, for who catches the first."""
        if self.seconds:
            for timer, times in SIGNALS.values():
                signal.setitimer(timer, seconds * times, 0.5 * bool(seconds))

    def over(self, *_: Any) -> None:
        if self.inside:
            raise TooLong

    @contextmanager
    def running(self, *, free: bool) -> Iterator[None]:
        """Let the alarm count for a while. Once the time is over, only definitions and imports are run: free."""
        if self.seconds and time.process_time() > self.end and not free:
            raise TooLong
        self.inside = True
        try:
            yield
        except TooLong:
            self.inside, self.end = False, 0.0
            self.wind(1)
            raise
        finally:
            self.inside = False
