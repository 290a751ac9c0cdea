"""`check`, which tells in a notebook at once whether a task is right, and if not, what is wrong with it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gencourse.homework.checking.attempt import attempt
from gencourse.homework.checking.check import Wrong, find
from gencourse.homework.checking.engine import verdict


def check(name: str, function: Callable[..., Any], *, seed: int | None = None) -> None:
    """Check a function of the homework on random inputs, and say so in one line when it is right.

    name: of the function in the task, as "gram_matrix". seed: of the inputs; without it they are new every time.
    Raises Wrong, whose message is a sentence about what it does wrong, or LookupError for a name that is no task.
    The random numbers of the notebook go on as if nothing had happened.
    """
    checked = find(name)
    if not callable(function):
        raise Wrong(f"{name} is a {type(function).__name__}, not a function: hand it over without calling it")
    cases = list(checked.cases(np.random.default_rng(seed)))
    results = []
    with torch.enable_grad():
        for case in cases:
            results.append(attempt(checked.call, function, case))
            if "failed" in results[-1]:
                break
    verdict(checked, cases, results)
    print(f"{name}: right, on {len(cases)} random input{'s' if len(cases) > 1 else ''}")
