"""How the checks compare: always shapes first, never with an operator that the other side could have defined."""

from typing import Any

import numpy as np

from gencourse.homework.checking.calls import Outputs
from gencourse.homework.checking.check import Wrong

TOLERANCE = 1e-4  # of the largest value, for float32 and any order of summation


def demand(holds: Any, sentence: str) -> None:
    """Raise Wrong with the sentence unless the condition holds."""
    if not holds:
        raise Wrong(sentence)


def refuse(holds: Any, sentence: str) -> None:
    """Raise Wrong with the sentence if a known mistake explains the outputs."""
    if holds:
        raise Wrong(sentence)


def same(found: Any, expected: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether two arrays have one shape and equal values up to rounding; NaN is equal to nothing."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        return False
    if not found.size:
        return True
    finite = np.isfinite(expected)
    if not (np.isfinite(found) == finite).all() or not np.array_equal(found[~finite], expected[~finite]):
        return False
    size = max(np.abs(expected[finite]).max(initial=0), 1e-6)
    return bool(np.abs(found[finite] - expected[finite]).max(initial=0) <= tolerance * size)


def number(outputs: Outputs) -> float:
    """Return the one number that a loss gave. Raises Wrong for anything but a tensor without dimensions."""
    found = outputs["value"]
    demand(found.size == 1, f"a loss is one number: a tensor without dimensions, yours has shape {found.shape}")
    demand(np.isfinite(found).all(), f"the value is not finite: {found.reshape(-1)[0]}")
    return float(found.reshape(-1)[0])


def explain(found: Any, expected: Any, mistakes: dict[str, Any], tolerance: float = TOLERANCE) -> None:
    """Return if found is what is expected, else raise Wrong with the sentence of the mistake that gives such values.

    mistakes: sentence -> the values that somebody gets who makes it. A value that none of them explains is a general
    Wrong.
    """
    if same(found, expected, tolerance):
        return
    for sentence, values in mistakes.items():
        if same(found, values, tolerance):
            raise Wrong(sentence)
    raise Wrong("the values are not those of the formula", general=True)


def normal(generator: np.random.Generator, *shape: int) -> np.ndarray:
    """Draw float32 numbers from N(0, 1)."""
    return generator.standard_normal(shape).astype(np.float32)


def uniform(generator: np.random.Generator, *shape: int) -> np.ndarray:
    """Draw float32 numbers from [0, 1]."""
    return generator.random(shape, dtype=np.float32)


def log_softmax(logits: np.ndarray, axis: int = 1) -> np.ndarray:
    """Return the logarithm of the softmax over an axis."""
    shifted = logits - logits.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))
