"""What a function's code reaches for besides torch and numbers, and a watch over the ways to the frames around it.

How a function did it (how often it asked a network, in which order it updated) is noted beside it, in its own process.
Python has no walls there. So code that reaches for such notes is told by reading it, before any of it runs: for modules
that open the process, for attributes of what it was given or of torch that it sets, for names with two underscores. Its
points are then a claim that a person looks at. Values need no such care: they are compared outside.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gencourse.homework.grading.inside.names import root_name
from gencourse.homework.grading.inside.slices import Line

MODULES = frozenset({"gc", "ctypes", "inspect", "importlib", "builtins", "threading", "_thread", "multiprocessing"})
MODULES |= {"subprocess", "signal", "mmap", "fcntl", "socket", "pickle", "traceback", "linecache", "dis", "code"}
MODULES |= {"weakref", "faulthandler", "resource", "cffi", "unittest", "mock", "types", "pdb", "bdb", "atexit"}
MODULES |= {"concurrent", "asyncio", "copyreg", "marshal", "imp", "pkgutil", "runpy", "zipimport", "posix", "pty"}
MODULES |= {"select"}
WITHIN = ("gencourse.homework", "gencourse.training", "torch._", "torch.utils._", "torch.overrides", "torch.library")
SAFE_OF = {
    "os": frozenset({"path", "environ", "getcwd", "listdir", "makedirs", "cpu_count", "sep", "getenv"}),
    "sys": frozenset({"version_info", "version", "path", "maxsize", "float_info", "stdout", "platform", "getsizeof"}),
}
FRAMES = frozenset({"f_back", "f_locals", "f_globals", "f_builtins", "tb_frame", "tb_next", "gi_frame", "cr_frame"})
FRAMES |= {"ag_frame", "cell_contents", "ctypes", "memmap", "attrgetter", "methodcaller", "setitem", "_getframe"}
FRAMES |= {"_current_frames", "settrace", "setprofile", "addaudithook"}
PLAIN = frozenset({"__init__", "__name__", "__doc__", "__version__", "__call__", "__len__", "__iter__", "__next__"})
PLAIN |= {"__getitem__", "__class__", "__enter__", "__exit__", "__setitem__", "__contains__", "__add__", "__sub__"}
PLAIN |= {"__mul__", "__repr__", "__post_init__", "__file__", "__all__", "__main__", "__future__"}
CALLS = frozenset({"exec", "eval", "compile", "__import__", "globals", "vars", "setattr", "delattr", "breakpoint"})
CHANGES = frozenset({"append", "clear", "pop", "insert", "extend", "remove", "reverse", "sort", "update", "setdefault"})
CHANGES |= {"popitem"}
HOOKS = frozenset({"register_forward_hook", "register_forward_pre_hook", "register_step_pre_hook"})
HOOKS |= {"register_step_post_hook", "add_module", "register_full_backward_hook", "register_module", "load_state_dict"}
SETTABLE = {"grad", "requires_grad", "data", "training"}
GIVEN = {"torch", "F", "nn", "np", "numpy", "gencourse", "run", "type"}
WATCHED = {"sys._getframe", "sys._current_frames", "sys._current_exceptions", "gc.get_objects", "gc.get_referrers"}
WATCHED |= {"gc.get_referents", "sys.settrace", "sys.setprofile", "ctypes.dlopen", "ctypes.dlsym", "ctypes.cdata"}
WATCHED |= {"ctypes.string_at", "ctypes.memmove", "object.__getattr__", "object.__setattr__", "compile", "code.__new__"}
ATTRIBUTES = {"tb_frame", "gi_frame", "cr_frame", "ag_frame", "__code__", "__closure__", "f_code"}


def reach(statements: list[Line]) -> str:
    """Return what the lines that are run for a function reach for; nothing for most code."""
    nodes = [node for _, node in statements]
    roots = outside_names(nodes)
    found = (what for node in nodes for one in ast.walk(node) if (what := suspicious(one, roots)))
    return next(found, "")


def outside_names(nodes: list[ast.stmt]) -> set[str]:
    """Return the names that stand for what is not the code's own: modules, arguments, and what is taken from them."""
    every = [one for node in nodes for one in ast.walk(node)]
    roots = set(GIVEN)
    for one in every:
        if isinstance(one, ast.Import | ast.ImportFrom):
            roots |= {(alias.asname or alias.name).split(".")[0] for alias in one.names}
        elif isinstance(one, ast.arg) and one.arg not in ("self", "cls"):
            roots.add(one.arg)
    for _ in range(3):  # n = network; m = n.deep
        for one in every:
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Name | ast.Attribute):
                roots |= {t.id for t in one.targets if isinstance(t, ast.Name) and root_name(one.value) in roots}
            elif isinstance(one, ast.For) and root_name(one.iter) in roots and isinstance(one.target, ast.Name):
                roots.add(one.target.id)
    return roots


def suspicious(node: ast.AST, roots: set[str]) -> str:
    """Return what a part of the code reaches for, or nothing."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return next((name for name in modules(node) if name.split(".")[0] in MODULES or within(name)), "")
    if isinstance(node, ast.MatchClass):
        return next((name for name in node.kwd_attrs if name.startswith("_") or name in FRAMES), "")
    if isinstance(node, ast.Name):
        return node.id if hidden(node.id) else ""
    if isinstance(node, ast.FunctionDef) and node.name in (
        "__torch_function__",
        "__torch_dispatch__",
        "__array_function__",
    ):
        return node.name
    if isinstance(node, ast.Attribute):
        return attribute(node, roots)
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return ast.unparse(node)[:60] if stores_outside(node.value, roots) else ""
    return called(node, roots) if isinstance(node, ast.Call) else ""


def modules(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield the dotted names that an import may bind."""
    for alias in node.names:
        yield f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name


def within(name: str) -> bool:
    """Whether a module is a part of what grades, or of torch's inside; what notebooks import from there is known."""
    known = ("gencourse.homework.check", "gencourse.training.fit", "gencourse.training.Batches")
    return name.startswith(WITHIN) and not name.startswith(known)


def hidden(name: str) -> bool:
    """Whether a name is one of Python's own with two underscores that plain code does without."""
    return name.startswith("__") and name.endswith("__") and name not in PLAIN


def attribute(node: ast.Attribute, roots: set[str]) -> str:
    """Return what an attribute reaches for, or nothing."""
    root, text = root_name(node), ast.unparse(node)[:60]
    own = root in ("self", "cls", "super")
    if hidden(node.attr) and not own or node.attr in FRAMES:
        return text
    if isinstance(node.value, ast.Name) and root in SAFE_OF and node.attr not in SAFE_OF[root]:
        return text
    if node.attr.startswith("_") and root in roots and not node.attr.startswith("__"):
        return text
    if isinstance(node.ctx, ast.Store | ast.Del) and not own:
        quiet = text.startswith(("torch.backends.", "plt."))
        return text if (root in roots or not root) and node.attr not in SETTABLE and not quiet else ""
    return ""


def stores_outside(node: ast.expr, roots: set[str]) -> bool:
    """Whether what an item is set of is an attribute of something that is not the code's own: network.x[0] = 1."""
    chain = node
    while isinstance(chain, ast.Subscript):
        chain = chain.value
    return isinstance(chain, ast.Attribute) and chain.attr not in SETTABLE and root_name(chain) in roots - {"plt"}


def called(node: ast.Call, roots: set[str]) -> str:
    """Return what a call reaches for, or nothing."""
    text = ast.unparse(node)[:60]
    if isinstance(node.func, ast.Name):
        name = node.func.id
        first = node.args[0] if node.args else None
        if name in CALLS:
            return "" if name in ("setattr", "vars") and isinstance(first, ast.Name) and first.id == "self" else text
        if name == "getattr" and len(node.args) > 1:
            wanted = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
            plain = isinstance(wanted, str) and not wanted.startswith("_") and wanted not in FRAMES
            return "" if plain else text
    elif isinstance(node.func, ast.Attribute) and root_name(node.func) in roots:
        inner = isinstance(node.func.value, ast.Attribute) and node.func.value.attr not in SETTABLE
        if node.func.attr in HOOKS or (inner and node.func.attr in CHANGES):
            return text
    return ""


def watch() -> None:
    """From now on refuse what leads from a student's line to the frames and the memory around it. For good."""
    trusted = tuple(
        {str(Path(folder).resolve()) for folder in sys.path if folder} | {"<frozen", sys.prefix, sys.base_prefix}
    )
    busy = False

    def hook(event: str, arguments: tuple[Any, ...], getframe: Callable[[int], Any] = sys._getframe) -> None:
        nonlocal busy
        if event not in WATCHED or busy:
            return
        busy = True
        try:
            caller = getframe(1).f_code.co_filename
        finally:
            busy = False
        if event.startswith("object.") and arguments[1] not in ATTRIBUTES:
            return
        if event == "compile":
            given = arguments[1]
            if isinstance(given, bytes):
                given = given.decode("utf-8", "replace")
            if caller.startswith(trusted) or not (isinstance(given, str) and given.startswith(trusted)):
                return
        if not caller.startswith(trusted):
            raise PermissionError(f"{event} cannot be used while grading")

    sys.addaudithook(hook)
