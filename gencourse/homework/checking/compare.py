"""How the checks compare: always shapes first, never with an operator that the other side could have defined."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gencourse.homework.checking.calls import Outputs
from gencourse.homework.checking.check import Check, Wrong

TOLERANCE = 1e-4  # of the largest value, for float32 and any order of summation
OF_GRADIENTS = 1e-3
DETACHED = "the value is right, its gradient is not: is a part of it detached?"
READ_BACK = "the loss was read back as a number, for which a GPU has to wait in each step: return it detached"


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


def is_gradient(name: str) -> bool:
    """Whether an output is a gradient: `by x`, or `loss by x`."""
    return name.startswith("by ") or " by " in name


def is_number(x: Any) -> bool:
    return isinstance(x, np.ndarray | int | float) and not isinstance(x, bool)


def same_output(name: str, found: Outputs, expected: Outputs, tolerance: float) -> bool:
    """Whether an output is there in both or in neither, and equal; a NaN is equal to a mistake's NaN."""
    if not (name in found and name in expected):
        return name not in found and name not in expected
    one, other = found[name], expected[name]
    if not (is_number(one) and is_number(other)):
        return type(one) is type(other) and one == other
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if one.size == other.size == 1:
        one, other = one.reshape(1), other.reshape(1)
    if one.shape == other.shape and np.array_equal(np.isnan(one), np.isnan(other)):
        return same(
            np.nan_to_num(one, nan=0, posinf=np.inf, neginf=-np.inf),
            np.nan_to_num(other, nan=0, posinf=np.inf, neginf=-np.inf),
            max(tolerance, OF_GRADIENTS) if is_gradient(name) else tolerance,
        )
    return False


def numbers(*outputs: Outputs) -> list[str]:
    """Return the names of all outputs that are numbers and no gradients."""
    return [
        name
        for name in dict.fromkeys(n for x in outputs for n in x)
        if not is_gradient(name) and any(is_number(x.get(name)) for x in outputs)
    ]


def same_outputs(found: Outputs, expected: Outputs, tolerance: float) -> bool:
    """Whether all outputs agree."""
    return all(same_output(name, found, expected, tolerance) for name in {**expected, **found})


def same_values(found: Outputs, expected: Outputs, tolerance: float) -> bool:
    """Whether all numbers agree, whatever becomes of gradients and of what is told in words."""
    if "failed" in found or "failed" in expected:
        return False
    return all(same_output(name, found, expected, tolerance) for name in numbers(expected, found))


def same_shapes(found: Outputs, expected: Outputs, tolerance: float = 0) -> bool:
    """Whether all numbers come in the same shapes."""
    names = numbers(expected, found)
    if "failed" in found or "failed" in expected or not all(name in found and name in expected for name in names):
        return False
    shapes = [(np.shape(found[name]), np.shape(expected[name])) for name in names]
    return all(one == other or np.prod(one) == np.prod(other) == 1 for one, other in shapes)


def general(found: Outputs, expected: Outputs, check: Check, measured: Callable[[str], str]) -> None:
    """Raise Wrong with a general sentence about the first output that differs: numbers first, gradients last.

    measured: how the numbers of an output differ, in words; empty where there is nothing to say.
    """
    values = numbers(expected)
    rest = [name for name in {**expected, **found} if name not in values]
    for name in [*values, *sorted(rest, key=is_gradient)]:
        if not same_output(name, found, expected, check.tolerance):
            sentence = check.sentences.get(name)
            if is_gradient(name):
                raise Wrong(about_gradient(name, found, expected, check, sentence))
            if name in values:
                about_shape(name, found, expected[name], check)
                where = "" if name == "value" else f" ({name})"
                said = sentence or f"the values are not those of the formula{where}"
                how = measured(name)
                raise Wrong(f"{said}: {how}" if how else said, general=sentence is None)
            raise Wrong(sentence or f"{name} is {found.get(name)!r} where it should be {expected.get(name)!r}")


def about_gradient(name: str, found: Outputs, expected: Outputs, check: Check, sentence: str | None) -> str:
    if name not in found:
        return check.no_gradient
    if name not in expected:
        return sentence or f"a gradient reaches {name.rpartition('by ')[2]}, where none should"
    return sentence or DETACHED


def about_shape(name: str, found: Outputs, expected: Any, check: Check) -> None:
    """Raise Wrong where an output is missing, of another shape, or not finite where it should be."""
    demand(name in found and is_number(found[name]), f"{name} is missing")
    one, other = np.asarray(found[name], np.float64), np.asarray(expected)
    loss = f"a loss is one number: a tensor without dimensions, yours has shape {one.shape}"
    demand(
        one.shape == other.shape or one.size == other.size == 1,
        loss if other.ndim == 0 else f"expected {check.shape} {other.shape}, got shape {one.shape}",
    )
    bad = one.reshape(-1)[~np.isfinite(one.reshape(-1)) & np.isfinite(other.reshape(-1))]
    demand(not bad.size, f"the value is not finite: {bad[0] if bad.size else ''}")


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
