"""Which statements of a notebook a function depends on, in the order in which Jupyter would have run them.

From the function backwards: each statement that binds or changes a name that is needed later, up to the one that sets
it anew; then what that statement needs. What a function looks up when it is called counts as needed at the end. So a
loop that fills a constant is in, and the training between is not, unless the function uses what was trained.
"""

import ast
import builtins
from collections.abc import Iterable

from gencourse.homework.grading.inside.names import (
    DEFINITIONS,
    binds_unknown,
    bound_names,
    changed_names,
    later_names,
    made_global,
    outer,
    replaces,
    used_names,
)
from gencourse.homework.grading.inside.reading import Cell

Line = tuple[Cell, ast.stmt]
TRAINING = {"fit", "backward", "step", "descend", "train_model"}
ALWAYS_THERE = frozenset(dir(builtins)) | {"get_ipython", "display"}


def lines(cells: Iterable[Cell]) -> list[Line]:
    """Return the statements of cells with the cell of each."""
    return [(cell, node) for cell in cells for node in cell.body]


def select(cells: list[Cell], task: Cell, name: str | None = None) -> list[Line]:
    """Return the statements to run for a function, in the order in which to run them, with the cell each comes from.

    What stands above the task's cell goes first. A name that nothing above binds comes from the first cell below that
    does, run as far as it needs.

    Args:
        cells: of the notebook, in its order.
        task: the cell that defines the function.
        name: of the function; without one, all that the cell defines.
    """
    above, below = cells[: task.place], cells[task.place + 1 :]
    wanted = {name} if name else {n for node in task.body for n in bound_names(node)}
    functions = helpers(cells)
    chosen, missing = backwards(lines([*above, task]), wanted, functions)
    before: list[Line] = []
    tried: set[str] = set()
    while todo := sorted(missing - tried - ALWAYS_THERE):
        tried.add(todo[0])
        source = next((c for c in below if any(todo[0] in bound_names(node) for node in c.body)), None)
        if source is not None:
            until = below[: below.index(source) + 1]
            more, further = backwards(lines([*above, *until]), {todo[0]}, functions)
            before = more + [line for line in before if line not in more]
            missing |= further
    return [line for line in before if line not in chosen] + chosen


def helpers(cells: list[Cell]) -> dict[str, list[ast.stmt]]:
    """Return the statements that define functions and classes, by name."""
    found: dict[str, list[ast.stmt]] = {}
    for _, node in lines(cells):
        named = {one.name for one in outer(node) if isinstance(one, DEFINITIONS)}
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            named |= bound_names(node)
        for name in named:
            found.setdefault(name, []).append(node)
    return found


def backwards(given: list[Line], wanted: set[str], functions: dict[str, list[ast.stmt]]) -> tuple[list[Line], set[str]]:
    """Return those of the statements that decide what the wanted names mean after the last, and names nothing binds."""
    late = set(wanted)
    while True:
        chosen, live = once(given, late, functions)
        more = {name for _, node in chosen for name in later_names(node)} - late
        if not more:
            return chosen, live
        late |= more


def once(given: list[Line], wanted: set[str], functions: dict[str, list[ast.stmt]]) -> tuple[list[Line], set[str]]:
    """Go backwards once; returns the statements chosen and the names still open before the first."""
    live, chosen = set(wanted), []
    for cell, node in reversed(given):
        if not (touched(node, functions) & live or binds_unknown(node)):
            continue
        chosen.append((cell, node))
        live -= replaces(node)
        live |= needed(node, functions)
    return chosen[::-1], live


def touched(node: ast.stmt, functions: dict[str, list[ast.stmt]]) -> set[str]:
    """Return all names that mean something else after a statement, through the functions that it calls as well."""
    changed = changed_names(node) - functions.keys() if isinstance(node, ast.Expr) else changed_names(node)
    names = set(bound_names(node) | changed)
    if isinstance(node, DEFINITIONS):
        return names
    for name in reached(used_names(node), functions):
        names |= {made for helper in functions[name] for made in made_global(helper)}
    return names


def needed(node: ast.stmt, functions: dict[str, list[ast.stmt]]) -> set[str]:
    """Return all names that a statement needs when it is run, those of functions that it names included."""
    names = set(used_names(node))
    for name in reached(names, functions):
        names |= {used for helper in functions[name] for used in used_names(helper)}
    return names


def reached(names: Iterable[str], functions: dict[str, list[ast.stmt]]) -> set[str]:
    """Return those of the names that are functions of the notebook, and the functions that these name, and so on."""
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name in functions and name not in found:
            found.add(name)
            queue += [used for helper in functions[name] for used in used_names(helper)]
    return found


def trained_names(cells: list[Cell], task: Cell) -> set[str]:
    """Return the names that trainings above a cell, and in it, have to do with: networks, but whatever else as well."""
    functions = helpers(cells)
    found: set[str] = set()
    for _, node in lines(cells[: task.place + 1]):
        if isinstance(node, DEFINITIONS):
            continue
        inner = [part for name in reached(used_names(node), functions) for part in functions[name]]
        if any(is_training(one) for part in [node, *inner] for one in ast.walk(part)):
            found |= needed(node, functions)
    return found


def is_training(node: ast.AST) -> bool:
    """Whether this is a call that trains something, by its name."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    return name in TRAINING or name.startswith("train_")
