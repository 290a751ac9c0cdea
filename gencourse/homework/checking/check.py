"""What is asked of each function of the homework, one file a chapter: random inputs, and how outputs are judged.

A check has three parts. `cases` draws inputs, `call` (in homework.calls) runs beside the student's function and returns
plain outputs, `judge` looks at these outputs alone and raises Wrong with a sentence that teaches. In a notebook
all three run in one process; while grading, only `call` shares one with the submission.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

from gencourse.homework.checking import calls
from gencourse.homework.checking.calls import Call, Case, Outputs

FOLDER = Path(__file__).resolve().parent.parent
CHAPTERS = tuple(sorted(path.parent.name[2:] for path in FOLDER.glob("ch*/checks.py")))  # "01", "01b", ...
NO_ANSWER = "your function gave no answer"
ELSEWHERE = " (It was right on another input: what is special about this one, or what is fixed in your code?)"


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
class Check:
    """How one function is checked; cell: the id of the task cell that defines it."""

    cell: str
    cases: Callable[[np.random.Generator], Iterable[Case]]
    judge: Callable[[Case, Outputs], None]
    call: Call = calls.value


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


def verdict(check: Check, cases: list[Case], results: list[Outputs]) -> None:
    """Judge all outputs, in order; returns where all are right, else raises Wrong."""
    for index, case in enumerate(cases):
        outputs = results[index] if index < len(results) else {"failed": NO_ANSWER}
        if "failed" in outputs:
            raise Wrong(f"{outputs['failed']} (on {describe(case)})")
        try:
            unchanged(case, outputs)
            check.judge(case, outputs)
        except Wrong as error:
            if error.general and index:
                raise Wrong(f"{error}{ELSEWHERE}") from None
            raise


def unchanged(case: Case, outputs: Outputs) -> None:
    """Raise Wrong where a call changed its inputs."""
    for name, given in case.items():
        left = outputs.get(f"after {name}")
        if isinstance(left, np.ndarray) and (left.shape != given.shape or not np.array_equal(left, given)):
            raise Wrong(f"your function changes its input {name} in place: whoever called it still needs it")


def describe(case: Case) -> str:
    """Return a case in words: shapes and numbers by name."""
    parts = []
    for name, value in case.items():
        if not name.startswith("_"):
            shown = f"of shape {value.shape}" if isinstance(value, np.ndarray) else f"= {value}"
            parts.append(f"{name} {shown}")
    return ", ".join(parts)
