"""Values found beside the right ones: whether they are a multiple, and whether the factor is a product of sizes."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

NEAR = 1e-3
MANY = 3  # numbers that agree by chance, at most
NICE = [sign * x for n in (1, 2, 3, 4, 8, 10, 16, 100, 255, float(np.log(2))) for x in (n, 1 / n) for sign in (1, -1)]
WORDS = {
    **{1: "", -1: "minus", 2: "twice", 0.5: "half of", 0.25: "a quarter of", 3: "three times"},
    **{4: "four times", 10: "ten times"},
}


class Pair(NamedTuple):
    """The values found on an input and the right ones, of one shape; the sizes and numbers that the input has."""

    found: np.ndarray
    right: np.ndarray
    sizes: dict[str, float]
    inputs: dict[str, np.ndarray]

    def shape_of(self, name: str) -> tuple[int, ...]:
        return self.inputs[name].shape if name in self.inputs else ()

    def close(self, other: np.ndarray) -> bool:
        """Whether other values are those found, up to rounding."""
        scale = max(np.abs(self.found).max(), np.abs(other).max(), 1e-12)
        return self.found.shape == other.shape and bool((np.abs(self.found - other) <= NEAR * scale).all())


def enough(pairs: Sequence[Pair], unknown: int) -> bool:
    """Whether there are more numbers than a relation with so many unknowns could fulfil by chance."""
    return sum(one.found.size for one in pairs) >= unknown + MANY or len(pairs) > unknown + 1


def factor(one: Pair) -> float | None:
    """Return k where all values found are k times the right ones."""
    k = float((one.found * one.right).sum() / max((one.right**2).sum(), 1e-30))
    return k if one.close(k * one.right) else None


def scaled(pairs: Sequence[Pair]) -> str:
    factors = [factor(one) for one in pairs]
    if None in factors or not enough(pairs, 1):
        return slices(pairs)
    ks = np.array(factors, float)
    if np.ptp(ks) <= NEAR * np.abs(ks).max():
        k = ks.mean()
        return "everything is zero" if abs(k) < 1e-9 else f"everything is {times(k)} what it should be"
    if said := product_of_sizes(pairs, ks):
        return f"everything is {said}"
    if all(one.found.size > MANY for one in pairs):
        return f"everything is {times(ks[0])} what it should be here, and {times(ks[1])} on another input"
    return ""


def times(k: float) -> str:
    near = [word for value, word in WORDS.items() if abs(k - value) <= NEAR * abs(value)]
    return near[0] if near else f"{k:.4g} times"


def product_of_sizes(pairs: Sequence[Pair], ks: np.ndarray) -> str:
    """Return the factor as a product of an input's sizes and numbers, and of a plain constant, if it is one."""
    names = [name for name in pairs[0].sizes if all(name in one.sizes for one in pairs)][:12]
    logs = np.log([[one.sizes[name] for name in names] for one in pairs])
    for powers in exponents(len(names)):  # the plainest first
        constants = ks / np.exp(logs @ powers)
        constant = min(NICE, key=lambda x: abs(constants[0] / x - 1))
        if len(pairs) > MANY - 1 and sum(map(abs, powers)) < MANY:  # then any constant will do
            constant = constants[0]
        if (np.abs(constants / constant - 1) <= NEAR).all():
            up = [power_of(name, power) for name, power in zip(names, powers, strict=True) if power > 0]
            down = [power_of(name, -power) for name, power in zip(names, powers, strict=True) if power < 0]
            above = " * ".join([*([f"{constant:.4g}"] if abs(constant - 1) > NEAR else []), *up])
            below = f", divided by {' * '.join(down)}" if down else ""
            return (f"{above} times what it should be" if above else "what it should be") + below
    return ""


def power_of(name: str, power: int) -> str:
    return name if power == 1 else f"{name}**{power}"


def exponents(count: int) -> Iterator[tuple[int, ...]]:
    """Small powers of so many numbers: first those with few factors."""
    for factors in range(1, 5 if count < 5 else 4):
        for chosen in itertools.combinations_with_replacement(range(2 * count), factors):
            powers = tuple(chosen.count(i) - chosen.count(count + i) for i in range(count))
            if sum(map(abs, powers)) == factors:
                yield powers


def slices(pairs: Sequence[Pair]) -> str:
    """Each picture of a batch, or each channel, a multiple of its own."""
    for axis, what in enumerate(("row (along the first dimension)", "channel (along the second dimension)")):
        if any(one.found.ndim <= axis + 1 or one.found.size <= MANY * one.found.shape[axis] for one in pairs):
            break
        parts = [
            factor(Pair(found, right, {}, {}))
            for one in pairs
            for found, right in zip(*(np.moveaxis(x, axis, 0) for x in (one.found, one.right)), strict=True)
        ]
        if len(parts) > 1 and None not in parts:
            return f"each {what} is right up to a factor, but each has another"
    return ""
