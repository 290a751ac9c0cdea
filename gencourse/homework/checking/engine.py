"""The engine: a student's outputs beside those of the reference, then beside those of each mistake.

`cases` draws inputs, `call` (chNN/calls.py) runs beside the student's function and returns plain outputs: `value`,
gradients `by NAME`, anything else by name. Only `call` shares a process with a submission. Here the same call runs on
the reference in float64. Equal outputs: right. Else the first of the task's mistakes that explains the outputs gives
the sentence; if none does, a general one says what differs. A task is three things in gencourse/homework/chNN/::

    def gram_cases(g): yield {"features": normal(g, 2, 3, 4, 7)}                     # checks.py
    CHECKS = {"gram_matrix": Check("task-gram", gram_cases, style.gram_matrix, MISTAKES["gram_matrix"])}

    MISTAKES: Mistakes = {}                                                          # mistakes.py, once a chapter
    mistake = partial(add_mistake, MISTAKES)

    @mistake("gram_matrix", "a picture twice as wide gives other values: take a mean over the positions")
    def gram_unnormalised(features): ...                                             # torch, as a student writes it

A mistake explains outputs that are its own: on this input, where it is not right by chance, and on all inputs before,
where the student was right and so must it be. First all outputs count, then numbers alone (the mistake made, and the
gradient lost besides), last a wrong shape alone. Of several the one that explains most of the later inputs is taken,
then the one written first. One that raises on an input, or changes its shape there, is no match there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import RLock
from typing import Any

import numpy as np
import torch

from gencourse.homework.checking.attempt import attempt
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check, Function, Mistake, Wrong, describe
from gencourse.homework.checking.compare import (
    general,
    is_number,
    same_output,
    same_outputs,
    same_shapes,
    same_values,
)
from gencourse.homework.checking.differences import difference, pair

NO_ANSWER = "your function gave no answer"
ELSEWHERE = " (It was right on another input: what is special about this one, or what is fixed in your code?)"
LOCK = RLock()  # a call may patch globals, and seeds torch's generator: one at a time
Agree = Callable[[Outputs, Outputs, float], bool]


class Answers:
    """What the reference and the mistakes answer to given cases: computed when first asked for, and kept."""

    def __init__(self, check: Check, cases: list[Case]):
        self.check, self.cases = check, cases
        self._known: dict[tuple[Function, int], Outputs] = {}

    def of(self, function: Function, index: int) -> Outputs:
        """Return the outputs of one of the check's functions on a case, as they are compared."""
        with LOCK:
            if (function, index) not in self._known:
                with float64(), torch.enable_grad():
                    outputs = attempt(self.check.call, function, precise(self.cases[index]))
                self._known[function, index] = outputs if "failed" in outputs else self.seen(outputs, index)
            return self._known[function, index]

    def right(self, index: int) -> list[Outputs]:
        """Return the outputs of all right answers on a case."""
        return [self.of(function, index) for function in self.check.references]

    def seen(self, outputs: Outputs, index: int) -> Outputs:
        """Return what of a call's outputs is compared."""
        kept = {name: x for name, x in outputs.items() if not name.startswith("after ")}
        return self.check.view(self.cases[index], kept) if self.check.view else kept


@contextmanager
def float64() -> Iterator[None]:
    """Let torch.zeros and the like make float64 for a while."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def precise(case: Case) -> Case:
    """Return a case with its float32 arrays as float64."""
    return {
        k: v.astype(np.float64) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for k, v in case.items()
    }


def verdict(check: Check, cases: list[Case], results: list[Outputs], answers: Answers | None = None) -> None:
    """Judge all outputs, in order; returns where all are right, else raises Wrong.

    answers: what is known of the same cases already; grading a class computes it once.
    """
    answers = answers or Answers(check, cases)
    for index, case in enumerate(cases):
        outputs = results[index] if index < len(results) else {"failed": NO_ANSWER}
        if "failed" in outputs:
            raise Wrong(f"{outputs['failed']} (on {describe(case)})")
        try:
            unchanged(case, outputs)
            if check.judge:
                check.judge(case, outputs)
            if check.references:
                compare(answers, results, index)
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


def compare(answers: Answers, results: list[Outputs], index: int) -> None:
    """Return where the outputs on a case are those of a right answer; else raise Wrong with the best sentence known."""
    found, right, tolerance = answers.seen(results[index], index), answers.right(index), answers.check.tolerance
    for agree in (same_outputs, same_values, same_shapes):
        if any(agree(found, one, tolerance) for one in right):
            if agree is same_outputs:
                return
            break  # the numbers are right, or their shapes: they single out no mistake
        explaining = [m for m in answers.check.mistakes if explains(m, agree, answers, results, index)]
        if len(explaining) > 1:
            explaining.sort(key=lambda m: -explained_later(m, answers, results, index))
        if explaining:
            raise Wrong(explaining[0].sentence)
    alike = [sum(same_output(name, found, one, tolerance) for name in one) for one in right]
    nearest = alike.index(max(alike))
    general(found, right[nearest], answers.check, partial(measured, answers, results, index, nearest))


def measured(answers: Answers, results: list[Outputs], index: int, reference: int, name: str) -> str:
    """Return in words how an output differs from that of a right answer, on this input and on later ones."""
    pairs = []
    for i, outputs in enumerate(results[index:], index):
        if "failed" not in outputs:
            shown = [key.partition(" ")[2] for key in outputs if key.startswith(("after ", "by "))]
            found, right = answers.seen(outputs, i).get(name), answers.right(i)[reference].get(name)
            rows = unfilled(found, right, answers.check.filler)
            pairs.append(pair(*rows, answers.cases[i], shown) if is_number(found) else None)
    return difference([one for one in pairs if one])


def unfilled(found: Any, right: Any, filler: float | None) -> tuple[Any, Any]:
    """Return two rows without the places at their end that both have filled up; where nothing fills, as they are."""
    if filler is None or np.shape(found) != np.shape(right) or np.ndim(right) != 1:
        return found, right
    last = np.flatnonzero((found != filler) | (right != filler)).max(initial=-1)
    return found[: last + 1], right[: last + 1]


def explains(mistake: Mistake, agree: Agree, answers: Answers, results: list[Outputs], index: int) -> bool:
    """Whether a mistake gives the outputs on a case where it is wrong, and is as right as they are on those before."""
    tolerance = answers.check.tolerance

    def fits(function: Function, i: int, agree: Agree) -> bool:
        return agree(answers.seen(results[i], i), answers.of(function, i), tolerance)

    return any(
        fits(function, index, agree)
        and not any(agree(answers.of(function, index), one, tolerance) for one in answers.right(index))
        and all(fits(function, i, same_values) for i in range(index))
        for function in mistake.functions
    )


def explained_later(mistake: Mistake, answers: Answers, results: list[Outputs], index: int) -> int:
    """On how many of the later cases a mistake gives the outputs, too."""
    later: list[Any] = [(i, outputs) for i, outputs in enumerate(results) if i > index and "failed" not in outputs]
    tolerance = answers.check.tolerance
    return sum(
        any(same_values(answers.seen(outputs, i), answers.of(f, i), tolerance) for f in mistake.functions)
        for i, outputs in later
    )
