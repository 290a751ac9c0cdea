"""Which cells of a notebook cannot work before which task is done, found by reading the code."""

import ast
import dis
from types import CodeType

from nbformat import NotebookNode

from gencourse.chapters import pages
from gencourse.homework.grading.inside.definitions import parse
from gencourse.homework.tasks import kind

Needs = dict[str, set[str]]  # name -> ids of the tasks it cannot do without
FILLING = ("append", "extend")  # methods that leave something in a list


def dependents(notebook: NotebookNode) -> Needs:
    """Return for every code cell, by its id, the tasks without which it fails when it is run.

    A function that calls a task's function can be defined; what calls it cannot run. A task cell itself never fails.
    What a cell binds after its first failing statement is missing afterwards, and so is what it, or a function that it
    names, would have put into a list.
    """
    cells = pages.code_cells(notebook)
    read = parse([{"id": cell.id, "text": cell.source} for cell in cells])
    missing: Needs = {}
    found: Needs = {}
    fills: Needs = {}  # function -> what it puts something into
    for cell, parsed in zip(cells, read, strict=True):
        found[cell.id] = set()
        for node in parsed.body:
            if kind(cell) == "task":
                missing |= {name: {cell.id} for name in stored(node)}
                continue
            needs = {task for name in loaded(node) for task in missing.get(name, ())}
            if not is_definition(node):
                found[cell.id] |= needs
            needs |= found[cell.id]
            missing |= {name: set(needs) for name in stored(node)}
            if is_definition(node):
                fills |= {name: filled(node) for name in stored(node)}
            elif needs:
                late = filled(node).union(*(fills.get(name, set()) for name in loaded(node)))
                missing |= {name: missing.get(name, set()) | needs for name in late}
    return found


def filled(node: ast.stmt) -> set[str]:
    """Return the names of what a statement, or the function it defines, puts something into."""
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    return {f.value.id for f in calls if f.attr in FILLING and isinstance(f.value, ast.Name)}


def is_definition(node: ast.stmt) -> bool:
    """Whether a statement only says what to do later: a function, a class, a lambda with a name."""
    lambdas = isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
    return lambdas or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def stored(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds in the notebook's namespace, and those whose items it sets."""
    items = [n.value for n in ast.walk(node) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
    names = {one.argval for one in dis.get_instructions(module(node)) if one.opname.startswith("STORE_NAME")}
    return names | {n.id for n in items if isinstance(n, ast.Name)}


def loaded(node: ast.stmt) -> set[str]:
    """Return the names that a statement, or a function in it, takes from the notebook's namespace."""
    names, own, inner = set(), set(), []
    for one in dis.get_instructions(module(node)):
        if one.opname == "STORE_NAME":
            own.add(one.argval)
        elif one.opname == "LOAD_NAME" and one.argval not in own:
            names.add(one.argval)
        elif isinstance(one.argval, CodeType):
            inner.append(one.argval)
    for code in inner:
        names |= globals_of(code) - own
    return names


def globals_of(code: CodeType) -> set[str]:
    """Return the global names that a function uses, those inside it included."""
    names = {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names.union(*(globals_of(part) for part in code.co_consts if isinstance(part, CodeType)))


def module(node: ast.stmt) -> CodeType:
    return compile(ast.Module([node], []), "cell", "exec", dont_inherit=True)
