"""Which lines of a notebook are run to get one function of it, decided by reading them (`ast`), not by running them.

Run are

- from the cell that defines the function: its imports, functions, classes and assignments;
- from all other cells: the imports, functions, classes and constants that these refer to, directly or through each
  other. A name that several cells define is taken from the last one above the cell, else from the first below it.

Everything else, calls, loops, pictures, trainings, is left out. The cell is found by its id in the metadata; where that
was lost, or the stub still stands there, by the name it defines. Of several copies the last that is not the stub.
"""

import ast
import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gencourse.homework.checking.calls import Unusable

PURE = {"torch", "math", "np", "numpy", "F", "nn"}  # modules whose functions may be called in a constant
PURE |= {"float", "int", "bool", "tuple", "list", "dict", "set", "range"}
MAGIC = re.compile(r"(?m)^(\s*)(?:[%!?].*|[\w.]+\?{1,2}[ \t]*)$")  # %time, !ls, ?torch.einsum, torch.einsum?
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


class NotDefined(LookupError):
    """A notebook does not define the function, or its cell cannot be read; says why."""


@dataclass
class Cell:
    """A code cell as read: its top-level statements, or why there are none."""

    id: str
    text: str
    place: int
    body: list[ast.stmt] = field(default_factory=list)
    error: str = ""


class Missing:
    """Stands for something that could not be imported: any use says so."""

    def __init__(self, name: str):
        self.__dict__["name"] = name

    def __getattr__(self, attribute: str) -> Any:
        raise Unusable(f"{self.name} cannot be used while grading: write the function so that it needs only torch")

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.__getattr__("call")


def parse(cells: list[dict[str, str]]) -> list[Cell]:
    """Read code cells, given as {"id", "text"}. In those that are not Python, magics count as empty statements."""
    read = []
    for place, given in enumerate(cells):
        for text in (given["text"], MAGIC.sub(r"\1pass", given["text"])):
            cell = Cell(given["id"], text, place)
            try:
                cell.body = ast.parse(text).body
                break
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
                cell.error = f"{getattr(error, 'msg', error)}{where}"
        read.append(cell)
    return read


def find_cell(cells: list[Cell], cell_id: str, name: str) -> Cell:
    """Return the cell that defines a function.

    Args:
        cells: of the notebook.
        cell_id: of the task.
        name: of the function.

    Raises:
        NotDefined: none does, or it cannot be read.
    """
    defining = [cell for cell in cells if any(name in bound_names(node) for node in cell.body)]
    marked = [cell for cell in cells if cell.id == cell_id]
    if not defining:
        if broken := next((cell for cell in marked if cell.error), None):
            raise NotDefined(f"the cell of {name} is not Python: {broken.error}")
        raise NotDefined(f"{name} is defined nowhere in the notebook")
    written = [cell for cell in defining if not is_stub(cell, name)]
    own = [cell for cell in written if cell.id == cell_id]
    elsewhere = [cell for cell in written if not imports(cell, name)]
    stubs = [cell for cell in defining if cell.id == cell_id]
    return (own or elsewhere or stubs or defining)[-1]


def imports(cell: Cell, name: str) -> bool:
    """Whether all that a cell does to a name is to import it."""
    return all(isinstance(node, ast.Import | ast.ImportFrom) for node in cell.body if name in bound_names(node))


def is_stub(cell: Cell, name: str) -> bool:
    """Whether a function still raises NotImplementedError on its way, in a loop too, as in the students' copy."""
    defined = [n for n in cell.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == name]
    raised = [n.exc for node in defined for n in _reached(node.body) if isinstance(n, ast.Raise) and n.exc]
    return any("NotImplementedError" in ast.dump(error) for error in raised)


def _reached(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body, and of the loops in it; what stands under an `if` may never be reached."""
    for node in body:
        yield node
        if isinstance(node, ast.For | ast.While | ast.With):
            yield from _reached(node.body)


def select(cells: list[Cell], task: Cell) -> list[tuple[Cell, ast.stmt]]:
    """Return the statements to run, in the order in which to run them, with the cell each comes from."""
    below = [cell for cell in cells if cell.place > task.place]
    above = [cell for cell in cells if cell.place < task.place]
    binding: dict[str, tuple[int, int]] = {}  # name -> cell and statement; what is written later overwrites
    for cell in below[::-1] + above:
        for index, node in enumerate(cell.body):
            if isinstance(node, DEFINITIONS) or is_constant(node):
                binding |= dict.fromkeys(bound_names(node), (cell.place, index))
    own = [node for node in task.body if isinstance(node, DEFINITIONS + ASSIGNMENTS)]
    known = {name for node in own for name in bound_names(node)}
    wanted: set[tuple[int, int]] = set()
    queue = [name for node in own for name in used_names(node)]
    while queue:
        name = queue.pop()
        if name not in known and name in binding:
            known.add(name)
            wanted.add(binding[name])
            place, index = binding[name]
            queue += used_names(cells[place].body[index])
    chosen = [(c, node) for c in below + above for i, node in enumerate(c.body) if (c.place, i) in wanted]
    return chosen + [(task, node) for node in own]


def run(statements: list[tuple[Cell, ast.stmt]], name: str, given: dict[str, Any]) -> Any:
    """Run statements one by one and return what `name` then means.

    An import that fails leaves a placeholder that says so when it is used; any other statement that fails is passed
    over, and is what NotDefined tells when the function itself is missing in the end.

    Args:
        statements: as `select` returns them.
        name: of the function.
        given: what the namespace holds before.

    Raises:
        NotDefined: nothing has that name then.
    """
    space = {"__name__": "submission", **given}
    failed = ""
    for cell, node in statements:
        file = f"cell {cell.place + 1}"
        linecache.cache[file] = (len(cell.text), None, cell.text.splitlines(True), file)
        try:
            exec(compile(ast.Module([node], []), file, "exec", dont_inherit=True), space)
        except ImportError:
            space |= {alias: Missing(alias) for alias in bound_names(node) if alias not in space}
        except Exception as error:
            failed = f"{file}, line {node.lineno}: {type(error).__name__}: {error}"
    if name not in space:
        raise NotDefined(f"{name} could not be defined ({failed[:300]})")
    return space[name]


def bound_names(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ASSIGNMENTS):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return set()


def used_names(node: ast.stmt) -> set[str]:
    """Return the names that a statement refers to, those in the bodies of functions included."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def is_constant(node: ast.stmt) -> bool:
    """Whether an assignment can be made without running the notebook: numbers, texts, lambdas, torch.tensor(...)."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None or isinstance(node.value, ast.Name):
        return False
    if isinstance(node.value, ast.Lambda):
        return True
    calls = [n for n in ast.walk(node.value) if isinstance(n, ast.Call)]
    return all(root_name(call.func) in PURE for call in calls)


def root_name(node: ast.expr) -> str:
    """Return the name that a dotted name or a chain of calls begins with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
