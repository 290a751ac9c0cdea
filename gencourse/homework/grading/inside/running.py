"""Lines of a notebook, run one by one: what cannot be run here leaves something Absent, which says so when used."""

import __future__

import ast
import linecache
import sys
from collections.abc import Collection
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from gencourse.homework.checking.calls import NotRun
from gencourse.homework.grading.inside.absent import Absent, first, stand_in
from gencourse.homework.grading.inside.clock import Clock, TooLong
from gencourse.homework.grading.inside.finding import DEFINED, NotDefined, NotGraded
from gencourse.homework.grading.inside.names import binds_unknown, bound_names, changed_names, used_names
from gencourse.homework.grading.inside.reading import Cell
from gencourse.homework.grading.inside.slices import ALWAYS_THERE, OURS, Line

TRAININGS = {"gencourse.fit", "gencourse.training.fit"}  # there, but not run
SECONDS = 8.0  # of computing for what a function depends on
CONSTANT = (int, float, str, bytes, tuple, type(None), ModuleType, type, FunctionType, BuiltinFunctionType)


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


def execute(cell: Cell, node: ast.stmt, space: dict[str, Any], clock: Clock, *, training: bool = False) -> str:
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
        for one in apart(node):
            import_or_stand_in(cell, one, space, file, error)
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


def apart(node: ast.stmt) -> list[ast.stmt]:
    """Return a statement for each name that an import brings: one that fails does not take the others along."""
    if isinstance(node, ast.Import):
        return [ast.copy_location(ast.Import([name]), node) for name in node.names]
    if isinstance(node, ast.ImportFrom):
        return [ast.copy_location(ast.ImportFrom(node.module, [name], node.level), node) for name in node.names]
    return [node]


def import_or_stand_in(cell: Cell, node: ast.stmt, space: dict[str, Any], file: str, error: ImportError) -> None:
    """Run an import; where it fails, what it would have brought gets a stand-in.

    Args:
        cell: where it stands.
        node: the import, or a statement that imports and has failed as a whole.
        space: the namespace.
        file: what the cell is called.
        error: of the statement that this is a part of.
    """
    names = imported(node) or dict.fromkeys(bound_names(node), "")
    if imported(node):
        try:
            compile_and_run(cell, node, space, file)
            no_training(node, space)
            return
        except ImportError as own:
            error = own
    for one in names:
        space.setdefault(one, stand_in(one, names[one] or one, error))


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
