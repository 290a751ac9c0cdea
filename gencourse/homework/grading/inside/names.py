"""What a statement does to names: which it binds, which it may change, which it needs. Compiled and read, never run."""

import ast
import builtins
import dis
from collections.abc import Iterator
from functools import cache
from types import CodeType

from gencourse.homework.grading.inside.reading import TOP_LEVEL_AWAIT

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LOOKING = {"print", "display", "check", "help", "type", "len", "repr", "id", "dir", "isinstance"}  # they change nothing
LOOKING |= {"plt", "show", "widgets", "clear_output", "sns", "px", "pprint", "get_ipython"}
MUTATORS = {
    "append",
    "extend",
    "insert",
    "pop",
    "popitem",
    "remove",
    "clear",
    "update",
    "setdefault",
    "sort",
    "reverse",
}
MUTATORS |= {"add", "discard", "register_buffer", "load_state_dict", "fill"}
SETTINGS = (
    "set_default_",
    "manual_seed",
    "seed",
    "set_grad_enabled",
)  # calls that change a module for all that follows
BUILTINS = frozenset(dir(builtins))
UNKNOWN_NAMES = {"run", "pylab", "store", "load", "loadpy"}  # magics that bind who knows what


@cache
def code_of(node: ast.stmt) -> CodeType:
    """Return the code of a statement."""
    return compile(ast.Module([node], []), "cell", "exec", TOP_LEVEL_AWAIT, dont_inherit=True)


@cache
def bound_names(node: ast.stmt) -> frozenset[str]:
    """Return the names that a statement binds in the notebook, under an `if`, in a loop or in a `try` as well."""
    return names_of(code_of(node), "STORE_NAME", "STORE_GLOBAL", "DELETE_NAME")


@cache
def used_names(node: ast.stmt) -> frozenset[str]:
    """Return the names of the notebook that a statement refers to, in the bodies of functions as well."""
    return names_of(code_of(node), "LOAD_NAME", "LOAD_GLOBAL") | later_names(node)


@cache
def later_names(node: ast.stmt) -> frozenset[str]:
    """Return the names that a statement's functions and classes refer to: looked up when they are called."""
    parts = (part for part in code_of(node).co_consts if isinstance(part, CodeType))
    return frozenset(
        name for part in parts for code in nested(part) for name in names_of(code, "LOAD_NAME", "LOAD_GLOBAL")
    )


@cache
def made_global(node: ast.stmt) -> frozenset[str]:
    """Return the names of the notebook that a statement's functions set or change when they are called."""
    parts = [code for part in code_of(node).co_consts if isinstance(part, CodeType) for code in nested(part)]
    named = {name for part in parts for name in names_of(part, "STORE_GLOBAL", "DELETE_GLOBAL")}
    inner = (n for d in ast.walk(node) if isinstance(d, DEFINITIONS) for one in d.body for n in ast.walk(one))
    changed = {name for one in inner if isinstance(one, ast.stmt) for name in changed_names(one)}
    return frozenset(named | (changed & later_names(node)))


def names_of(code: CodeType, *operations: str) -> frozenset[str]:
    """Return the names that a code itself stores or loads, not those of the functions in it."""
    return frozenset(one.argval for one in dis.get_instructions(code) if one.opname in operations)


def nested(code: CodeType) -> Iterator[CodeType]:
    """Yield a code and those in it."""
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from nested(part)


def outer(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a statement and what it runs in the notebook's own scope: no bodies of functions and classes."""
    yield node
    inner = [*node.body] if isinstance(node, DEFINITIONS) else [node.body] if isinstance(node, ast.Lambda) else []
    for child in ast.iter_child_nodes(node):
        if child not in inner:
            yield from outer(child)


@cache
def replaces(node: ast.stmt) -> frozenset[str]:
    """Return the names that mean something new after a statement, whatever they meant before."""
    if isinstance(node, (*DEFINITIONS, ast.Import, ast.ImportFrom)):
        return bound_names(node)
    if isinstance(node, ast.Assign):
        return frozenset(name for target in node.targets for name in whole_names(target))
    return bound_names(node) if isinstance(node, ast.AnnAssign) else frozenset()


def whole_names(target: ast.expr) -> Iterator[str]:
    """Yield the names that an assignment sets whole."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            yield from whole_names(one.value if isinstance(one, ast.Starred) else one)


@cache
def changed_names(node: ast.stmt) -> frozenset[str]:
    """Return the names whose values a statement may change: W.append(1), W[0] = 1, W += 1, fill(W), del W[0]."""
    names: set[str] = set()
    for one in outer(node):
        if isinstance(one, ast.Attribute | ast.Subscript) and isinstance(one.ctx, ast.Store | ast.Del):
            names.add(root_name(one))
        elif isinstance(one, ast.AugAssign):
            names.add(root_name(one.target))
        elif isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
            names |= changed_by(one.value)
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and in_place(one.func.attr):
            names |= changed_by(one)
    return frozenset(names - BUILTINS - {""})


def in_place(method: str) -> bool:
    """Whether a method changes what it belongs to, by its name: `append`, `copy_`."""
    return method in MUTATORS or (method.endswith("_") and not method.startswith("_"))


def changed_by(call: ast.Call) -> set[str]:
    """Return the names whose values a call may change, one whose result nobody keeps."""
    root = root_name(call.func)
    if root in LOOKING:
        return set()
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    given = {root_name(value) for value in values if not any(isinstance(n, ast.Call) for n in ast.walk(value))}
    setting = isinstance(call.func, ast.Attribute) and call.func.attr.startswith(SETTINGS)
    return ({root} if isinstance(call.func, ast.Attribute) else set()) | (set() if setting else given)


def binds_unknown(node: ast.stmt) -> str:
    """Return what a statement is that may bind any name: `from x import *`, `%run`, else nothing."""
    for one in outer(node):
        if isinstance(one, ast.ImportFrom) and any(alias.name == "*" for alias in one.names):
            return f"from {one.module} import *"
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "run_line_magic":
            name = one.args[0].value if one.args and isinstance(one.args[0], ast.Constant) else ""
            if name in UNKNOWN_NAMES:
                return f"%{name}"
    return ""


def root_name(node: ast.expr) -> str:
    """Return the name that a dotted name, an item or a chain of calls begins with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
