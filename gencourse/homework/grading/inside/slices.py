"""Which statements of a notebook a function depends on, in the order in which Jupyter would have run them.

From the function backwards: each statement that binds or changes a name that is needed later, up to the one that sets
it anew; then what that statement needs. What a function looks up when it is called counts as needed at the end. So a
loop that fills a constant is in, and the training between is not, unless the function uses what was trained.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from gencourse.homework.grading.inside.names import (
    BUILTINS,
    DEFINITIONS,
    SETTINGS,
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
OURS = {"run"}  # what grading puts in place of the page's own
TRAINING = {"fit", "descend", "train"}
ALWAYS_THERE = BUILTINS | {"get_ipython", "display"}


@dataclass
class Scope:
    """What the names of a notebook are: its functions and classes with the statements that define them, its imports."""

    functions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)

    def reached(self, names: Iterable[str]) -> set[str]:
        """Return those of the names that are functions of the notebook, and those that these name, and so on."""
        found: set[str] = set()
        queue = list(names)
        while queue:
            name = queue.pop()
            if name in self.functions and name not in found:
                found.add(name)
                queue += [used for helper in self.functions[name] for used in used_names(helper)]
        return found

    def helpers(self, node: ast.stmt) -> list[ast.stmt]:
        """Return the statements that define the functions that a statement names, or that these name."""
        return [helper for name in self.reached(used_names(node)) for helper in self.functions[name]]

    def needed(self, node: ast.stmt) -> set[str]:
        """Return all names that a statement needs when it is run, those of functions that it names included."""
        return set(used_names(node)).union(*map(used_names, self.helpers(node)))

    def touched(self, node: ast.stmt) -> set[str]:
        """Return all names that mean something else after a statement, through the functions that it calls as well.

        A module is the same whatever is called in it, but for its settings; a function that is called, or handed over,
        stays what it is.
        """
        bound = set(bound_names(node))
        if isinstance(node, DEFINITIONS):
            return bound
        changed = set(changed_names(node))
        if isinstance(node, ast.Expr):
            changed -= self.functions.keys() | (set() if is_setting(node) else self.modules)
        elif not isinstance(node, ast.Assign | ast.AugAssign):
            changed -= self.modules
        inner = set().union(*map(made_global, self.helpers(node)))
        return (bound | changed | (inner - self.modules - self.functions.keys())) - OURS


def scope_of(cells: list[Cell]) -> Scope:
    """Return what the names of a notebook are."""
    scope = Scope()
    for _, node in lines(cells):
        named = {one.name for one in outer(node) if isinstance(one, DEFINITIONS)}
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            named |= bound_names(node)
        for name in named:
            scope.functions.setdefault(name, []).append(node)
        if isinstance(node, ast.Import | ast.ImportFrom):
            scope.modules |= bound_names(node)
    return scope


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
    scope = scope_of(cells)
    chosen, missing = backwards(lines([*above, task]), wanted, scope)
    before: list[Line] = []
    tried: set[str] = set()
    while todo := sorted(missing - tried - ALWAYS_THERE):
        tried.add(todo[0])
        source = next((c for c in below if any(todo[0] in bound_names(node) for node in c.body)), None)
        if source is not None:
            until = below[: below.index(source) + 1]
            more, further = backwards(lines([*above, *until]), {todo[0]}, scope)
            before = more + [line for line in before if line not in more]
            missing |= further
    return [line for line in before if line not in chosen] + chosen


def backwards(given: list[Line], wanted: set[str], scope: Scope) -> tuple[list[Line], set[str]]:
    """Return those of the statements that decide what the wanted names mean after the last, and names nothing binds."""
    late = set(wanted)
    while True:
        chosen, live = once(given, late, scope)
        more = {name for _, node in chosen for name in later_names(node)} - late
        if not more:
            return chosen, live
        late |= more


def once(given: list[Line], wanted: set[str], scope: Scope) -> tuple[list[Line], set[str]]:
    """Go backwards once; returns the statements chosen and the names still open before the first."""
    live, chosen = set(wanted), []
    for cell, node in reversed(given):
        if scope.touched(node) & live or binds_unknown(node):
            chosen.append((cell, node))
            live -= replaces(node)
            live |= scope.needed(node)
    return chosen[::-1], live


def is_setting(node: ast.Expr) -> bool:
    """Whether a statement sets something for all that follows: torch.set_default_dtype, torch.manual_seed."""
    call = node.value
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr.startswith(SETTINGS)


def trainings(cells: list[Cell], task: Cell) -> tuple[set[ast.stmt], set[str]]:
    """Return the statements above a cell, and in it, that train something, and all names that these have to do with."""
    scope = scope_of(cells)
    found: set[ast.stmt] = set()
    for _, node in lines(cells[: task.place + 1]):
        inner = scope.helpers(node) if not isinstance(node, DEFINITIONS) else []
        if any(map(is_training, [*outer(node), *(part for helper in inner for part in ast.walk(helper))])):
            found.add(node)
    return found, set().union(*map(scope.needed, found))


def is_training(node: ast.AST) -> bool:
    """Whether this is a call that trains something, by its name."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
        return False
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    step = isinstance(node.func, ast.Attribute) and name == "step" and not node.args
    return step or name in TRAINING and bool(node.args) or name.startswith("train_")
