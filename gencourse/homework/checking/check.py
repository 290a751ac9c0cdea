"""What is asked of each function of the homework, and the mistakes that have a name: `homework/chNN/checks.py`.

How a check is judged, and how a task and its mistakes are written: `checking/engine.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from gencourse.homework.checking import calls
from gencourse.homework.checking.calls import Call, Case, Outputs

FOLDER = Path(__file__).resolve().parent.parent
CHAPTERS = tuple(sorted(path.parent.name[2:] for path in FOLDER.glob("ch*/checks.py")))  # "01", "01b", ...
NO_GRADIENT = (
    "its answer has no gradient: training follows it down. Stay with tensors that keep their graph, without .item(), "
    ".detach(), no_grad or numpy"
)
Function = Callable[..., Any]


class Wrong(AssertionError):
    """A student's function is not right yet; the message says in a sentence what it does.

    general: nothing is known but that the values differ.
    """

    def __init__(self, sentence: str, *, general: bool = False):
        super().__init__(sentence)
        self.general = general

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in place of a traceback."""
        return [f"\x1b[31mNot right yet\x1b[0m: {self}"]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, and its sentence. functions: the same mistake in each form of the task."""

    sentence: str
    functions: tuple[Function, ...]


Mistakes = dict[str, list[Mistake]]  # of a chapter, by task, in the order in which they are tried


def add_mistake(
    mistakes: Mistakes, task: str, sentence: str, *, forms: Sequence[Any] = ()
) -> Callable[[Function], Function]:
    """Return a decorator that adds a wrong function of a task; a chapter's `mistake` is this with its own MISTAKES.

    Args:
        forms: where a task has several right answers, what tells them apart; the function takes one as its first
            argument.
    """

    def add(function: Function) -> Function:
        functions = tuple(partial(function, form) for form in forms) or (function,)
        mistakes.setdefault(task, []).append(Mistake(sentence, functions))
        return function

    return add


def add_mistakes(mistakes: Mistakes, task: str, answers: Mapping[str, Function], *, forms: Sequence[Any] = ()) -> None:
    """Add wrong functions of a task that take one line each: sentence -> lambda. `add_mistake` says the rest."""
    for sentence, function in answers.items():
        add_mistake(mistakes, task, sentence, forms=forms)(function)


@dataclass(frozen=True)
class Check:
    """How one function is checked.

    Args:
        cell: the id of the task cell that defines it.
        cases: draws the inputs.
        reference: the right answer, a function, or several where right answers differ in what the call sees; None where
            `judge` decides alone.
        mistakes: wrong answers that have a sentence.
        call: runs beside the student's function and returns plain outputs.
        judge: looks at the outputs first, by hand: structure and randomness. Raises Wrong.
        view: what of the outputs is compared, where that is not all of them as they are.
        shape: how an expected shape is announced: "expected SHAPE (2, 3), got shape (3, 2)".
        no_gradient: said where no gradient arrives.
        sentences: by name of an output, said where it differs and no mistake explains it.
        tolerance: of the values, relative to the largest.
        filler: what fills up the end of a row of values where the call returns rows of one length; it is not measured.
    """

    cell: str
    cases: Callable[[np.random.Generator], Iterable[Case]]
    reference: Function | Sequence[Function] | None = None
    mistakes: Sequence[Mistake] = ()
    call: Call = calls.value
    judge: Callable[[Case, Outputs], None] | None = None
    view: Callable[[Case, Outputs], Outputs] | None = None
    shape: str = "shape"
    no_gradient: str = NO_GRADIENT
    sentences: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 1e-4
    filler: float | None = None

    @property
    def references(self) -> tuple[Function, ...]:
        if self.reference is None:
            return ()
        return (self.reference,) if callable(self.reference) else tuple(self.reference)


@cache
def of_chapter(number: str) -> dict[str, Check]:
    """Return the checks of a chapter ("01") by the name of the function. Raises LookupError where there are none."""
    if number not in CHAPTERS:
        raise LookupError(f"there are no checks of chapter {number}, only of {', '.join(CHAPTERS)}")
    return import_module(f"gencourse.homework.ch{number}.checks").CHECKS


def find(name: str) -> Check:
    """Return the check of a function by its name. Raises LookupError that lists the known ones."""
    known = {known: check for number in CHAPTERS for known, check in of_chapter(number).items()}
    if name not in known:
        raise LookupError(f"no task is called {name!r}; known: {', '.join(known)}")
    return known[name]


def describe(case: Case) -> str:
    """Return a case in words: shapes and numbers by name."""
    parts = []
    for name, value in case.items():
        if not name.startswith("_"):
            shown = f"of shape {value.shape}" if isinstance(value, np.ndarray) else f"= {value}"
            parts.append(f"{name} {shown}")
    return ", ".join(parts)
