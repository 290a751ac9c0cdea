"""What can be said of wrong values where no known mistake explains them: measured, so that it is true.

`difference` looks for one plain relation between the values found and the right ones, on all inputs where both have one
shape and differ: a factor, the right values at other places, right but for signs or for what is cut off, right in a
part. A relation that few numbers could fulfil by chance is not looked for.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gencourse.homework.checking.factors import MANY, NEAR, Pair, enough, scaled, times


def pair(found: Any, right: Any, case: dict[str, Any], shown: Sequence[str]) -> Pair | None:
    """Return the pair of an input's values, None where they cannot be held against each other, or agree.

    case: the input. shown: names of those of its arrays that the function was given as they are.
    """
    one, other = np.asarray(found, np.float64), np.asarray(right, np.float64)
    if one.shape != other.shape or not one.size or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return None
    inputs = {name: np.asarray(case[name], np.float64) for name in shown if isinstance(case.get(name), np.ndarray)}
    sizes = {f"{name}.shape[{i}]": float(n) for name, x in inputs.items() for i, n in enumerate(x.shape) if n}
    numbers = {k: float(v) for k, v in case.items() if isinstance(v, int | float) and not isinstance(v, bool) and v > 0}
    made = Pair(one, other, sizes | numbers, inputs)
    return None if made.close(other) else made


def difference(pairs: Sequence[Pair]) -> str:
    """Return in words what is true of the wrong values on all inputs, else on the first; empty if nothing is found."""
    ways: list[Callable[[Sequence[Pair]], str]] = [
        unchanged,
        scaled,
        turned,
        powers,
        shifted,
        signs,
        cut,
        mixed,
        partly,
    ]
    for some, where in ((pairs, ""), (pairs[:1], " on this input")):
        for way in ways:
            if some and (said := way(some)):
                return said + (where if len(pairs) > 1 else "")
    return ""


def unchanged(pairs: Sequence[Pair]) -> str:
    for name in pairs[0].inputs:
        if all(name in one.inputs and one.close(one.inputs[name]) for one in pairs):
            return f"what comes back is the input {name}, as it came"
    constant = all(np.ptp(one.found) < NEAR * np.abs(one.found).max() for one in pairs)
    if constant and all(one.found.size > 1 for one in pairs) and any(np.ptp(one.right) for one in pairs):
        return "all values that come back are equal"
    return ""


def places(x: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The same values at other places, and in words where."""
    axes = range(x.ndim)
    for i, j in itertools.combinations(axes, 2):
        if x.shape[i] == x.shape[j]:
            yield f"dimensions {i} and {j} have changed places", np.swapaxes(x, i, j)
    for axis in axes:
        yield f"in reverse order along dimension {axis}", np.flip(x, axis)
        for by in (1, -1):
            yield f"shifted by {by} along dimension {axis}", np.roll(x, by, axis)
    if x.ndim > 1:
        yield "turned by half a turn in the last two dimensions", np.flip(x, (-2, -1))


def turned(pairs: Sequence[Pair]) -> str:
    if not all(one.found.size > MANY for one in pairs):
        return ""
    known = [dict(places(one.right)) for one in pairs]
    for words in known[0]:
        if all(words in one and p.close(one[words]) for p, one in zip(pairs, known, strict=True)):
            return f"the right values at other places: {words}"
    if all(np.allclose(np.sort(one.found, None), np.sort(one.right, None), NEAR, 1e-9) for one in pairs):
        return "the right values, in another order"
    return ""


def powers(pairs: Sequence[Pair]) -> str:
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "the square": np.square,
        "the root": lambda x: np.sqrt(np.abs(x)),
        "the logarithm": lambda x: np.log(np.abs(x) + 1e-30),
        "the exponential": lambda x: np.exp(np.minimum(x, 50)),
        "the reciprocal": lambda x: 1 / np.where(x, x, 1e-30),
    }
    for words, change in ways.items():
        if enough(pairs, 0) and all(one.close(change(one.right)) for one in pairs):
            return f"it is {words} of what it should be"
    return ""


def shifted(pairs: Sequence[Pair]) -> str:
    offsets = [float((one.found - one.right).mean()) for one in pairs]
    alike = np.ptp(offsets) <= NEAR * max(np.abs(offsets))
    if enough(pairs, 1) and alike and all(p.close(p.right + o) for p, o in zip(pairs, offsets, strict=True)):
        return f"everything is {abs(offsets[0]):.4g} too {'large' if offsets[0] > 0 else 'small'}"
    if not all(one.found.size > 2 + MANY and np.ptp(one.right) for one in pairs):
        return ""
    lines = [line(one) for one in pairs]
    if all(abs(a) > NEAR and p.close(a * p.right + b) for p, (a, b) in zip(pairs, lines, strict=True)):
        return f"everything is {times(lines[0][0])} what it should be, plus {lines[0][1]:.4g}"
    return ""


def line(one: Pair) -> tuple[float, float]:
    """Return a and b where the values found are nearest to a times the right ones plus b."""
    away = one.right - one.right.mean()
    slope = float((away * one.found).sum() / (away**2).sum())
    return slope, float(one.found.mean() - slope * one.right.mean())


def signs(pairs: Sequence[Pair]) -> str:
    if not enough(pairs, 0) or not all(np.allclose(np.abs(p.found), np.abs(p.right), NEAR, 1e-9) for p in pairs):
        return ""
    if all((one.found >= 0).all() for one in pairs):
        return "the right values without their sign"
    return "the right values, but some of them with the wrong sign"


def cut(pairs: Sequence[Pair]) -> str:
    if all(clipped(one.found, one.right) for one in pairs):
        return f"right between {pairs[0].found.min():.4g} and {pairs[0].found.max():.4g}, and cut off beyond"
    if all(clipped(one.right, one.found) for one in pairs):
        return f"right between {pairs[0].right.min():.4g} and {pairs[0].right.max():.4g}, and not cut off beyond"
    return ""


def clipped(small: np.ndarray, large: np.ndarray) -> bool:
    """Whether one are the others, cut off to a range: several of them, and several are left as they were."""
    low, high = small.min(), small.max()
    inside = (large > low) & (large < high)
    beyond = (large < low) | (large > high)
    return min(inside.sum(), beyond.sum() + 1) >= MANY and Pair(small, large, {}, {}).close(large.clip(low, high))


def mixed(pairs: Sequence[Pair]) -> str:
    """What should come back plus plain multiples of inputs."""
    weights = []
    names = [name for name, x in pairs[0].inputs.items() if x.shape == pairs[0].found.shape]
    for one in pairs:
        if one.found.size < 4 * (len(names) + 1) or any(one.shape_of(n) != one.found.shape for n in names):
            return ""
        columns = np.stack([one.right.ravel(), *(one.inputs[n].ravel() for n in names)], 1)
        solved = np.linalg.lstsq(columns, one.found.ravel(), rcond=None)[0]
        if not one.close((columns @ solved).reshape(one.found.shape)):
            return ""
        weights.append(solved)
    if not names or np.ptp(weights, 0).max() > 10 * NEAR:
        return ""
    parts = [
        f"{w:.3g} times {n}" for w, n in zip(weights[0], ["what it should be", *names], strict=True) if abs(w) > 1e-2
    ]
    return f"what comes back is {' plus '.join(parts)}" if len(parts) > 1 or abs(weights[0][0]) < 1e-2 else ""


def partly(pairs: Sequence[Pair]) -> str:
    """Where among several values are the right ones?"""
    one = pairs[0]
    right = np.abs(one.found - one.right) <= NEAR / 10 * np.abs(one.right).max()
    if not 0.1 < right.mean() < 1 or right.sum() < MANY:
        return ""
    for axis in range(one.found.ndim):
        others = tuple(i for i in range(one.found.ndim) if i != axis)
        every, none = right.all(others), ~right.any(others)
        if len(every) > 1 and every[0] and none[1:].all():
            return f"only the first along dimension {axis} is right: is something taken from the first alone?"
        if len(every) > 2 and every.sum() == len(every) - 1:
            return f"all is right but the {ordinal(int((~every).argmax()), len(every))} along dimension {axis}"
    inner = tuple(slice(1, -1) if i >= one.found.ndim - 2 else slice(None) for i in range(one.found.ndim))
    if one.found.ndim > 1 and right[inner].size and right[inner].all():
        return "right inside, wrong at the border"
    place = tuple(int(i) for i in np.argwhere(~right)[0])
    return f"{right.sum()} of {right.size} values are right; the first that is not lies at {list(place)}"


def ordinal(i: int, count: int) -> str:
    return "first" if i == 0 else "last" if i == count - 1 else f"one at {i}"
