"""What stands for something that grading does not have: whoever uses it is told so, not that a formula is wrong."""

from typing import Any

from gencourse.homework.checking.calls import NotRun, Unusable

OPERATIONS = ("call", "getitem", "setitem", "delitem", "iter", "next", "len", "bool", "contains", "float", "int")
OPERATIONS += ("index", "enter", "exit", "array", "hash", "eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs")
OPERATIONS += ("invert", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "rfloordiv")
OPERATIONS += ("mod", "rmod", "pow", "rpow", "matmul", "rmatmul", "and", "rand", "or", "ror", "xor", "rxor", "iadd")
OPERATIONS += ("isub", "imul", "itruediv", "str", "format")
NO_PICTURES = ("matplotlib", "gencourse.show", "gencourse.play", "seaborn", "plotly", "IPython", "ipywidgets")
ANSWERS = ("gencourse.methods", "gencourse.metrics", "gencourse.homework")
used: list[str] = []  # what was asked for although it is not there, since the last `used.clear()`


class Absent:
    """Stands for a value; any use raises NotRun, or Unusable where a student should do without it."""

    def __init__(self, reason: str, *, allowed: bool = True):
        self.__dict__.update(_reason=reason, _allowed=allowed)

    def __getattr__(self, name: str) -> Any:
        raise problem(self)

    def __setattr__(self, name: str, value: Any) -> None:
        raise problem(self)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        queue = [arguments, options]
        for one in queue:
            if type(one) is cls:
                raise problem(one)
            queue += one.values() if isinstance(one, dict) else one if isinstance(one, list | tuple) else ()
        raise NotRun("something that grading does not have")


def problem(absent: Absent) -> Exception:
    """Return what a use of something absent raises."""
    reason, allowed = absent.__dict__["_reason"], absent.__dict__["_allowed"]
    if allowed:
        used.append(reason)
    return NotRun(reason) if allowed else Unusable(reason)


def _use(self: Absent, *arguments: Any, **options: Any) -> Any:
    raise problem(self)


for operation in OPERATIONS:
    setattr(Absent, f"__{operation}__", _use)


class Quiet:
    """Stands for what draws pictures, where it cannot be imported: does nothing, whatever it is asked."""

    def __getattr__(self, name: str) -> "Quiet":
        return self

    def __call__(self, *arguments: Any, **options: Any) -> "Quiet":
        return self

    def __getitem__(self, item: Any) -> "Quiet":
        return self

    def __enter__(self) -> "Quiet":
        return self

    def __exit__(self, *error: Any) -> None:
        pass


def stand_in(name: str, module: str, error: ImportError) -> Any:
    """Return what a name means whose import failed.

    Args:
        name: that the import binds.
        module: the dotted name of what it stands for, "gencourse.show".
        error: of the import.
    """
    if module.startswith(NO_PICTURES):
        return Quiet()
    if module.startswith(ANSWERS):
        return Absent(f"{name} ({module}) cannot be used while grading: write the function yourself", allowed=False)
    return Absent(f"your function uses {name} ({module}), which cannot be imported while grading: {first(error)}")


def first(error: BaseException) -> str:
    """Return an error's first line, cut."""
    return (str(error).strip().split("\n")[0] or type(error).__name__)[:150]
