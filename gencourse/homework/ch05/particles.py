"""Chapter 05: completing an image is judged by how often each image comes."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.random import Generator

from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.compare import demand, log_softmax, refuse

APART = 0.06  # between two distributions: more than 20,000 draws can differ by chance


def particle_cases(g: Generator) -> Iterator[Case]:
    asked = [(3, (1, 4), [2]), (2, (2, 3), [3, 5]), (2, (2, 3), [0, 1]), (3, (2, 2), [1, 3]), (2, (3, 2), [2, 5])]
    for levels, shape, places in asked:
        known = np.isin(np.arange(np.prod(shape)), places).reshape(shape)
        for _ in range(3000):
            tables = {name: 1.5 * g.standard_normal((levels + 1, levels)) for name in ("before", "above")}
            x = g.integers(levels, size=(1, 1, *shape))
            case = tables | {"x": x, "known": known, "count": 20_000, "seed": int(g.integers(1_000_000))}
            if telling(case):
                break
        yield case


def telling(case: Case) -> bool:
    """Whether mistakes lead to distributions that differ, and draws are many enough to see it."""
    known = case["known"].ravel()
    if known[0]:
        return True
    every = distributions(case)
    ways = [every[""], *(way for sentence, way in every.items() if sentence)]
    free, seen = logarithms(case)[1:]
    share = np.exp(free + seen).sum() ** 2 / np.exp(free + 2 * seen).sum()  # of the particles that carry the weight
    least = 0.55 if len(case["known"]) == 3 else 0.1  # there, weights are still unequal at the end
    few = least < share < (0.4 if known.sum() == 1 else 1)
    return few and all(apart(p, q) > 2.2 * APART for i, p in enumerate(ways) for q in ways[:i])


def logarithms(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All images, each flat; and for those that agree with what is known the sums of log p over the other pixels, and
    over the known ones; -infinity for the rest."""
    levels, width, known = case["before"].shape[1], case["known"].shape[1], case["known"].ravel()
    every = np.array(list(product(range(levels), repeat=known.size)))
    logs = pixel_logarithms(case, every, width)
    agrees = (every[:, known] == case["x"].ravel()[known]).all(1)
    free = np.where(agrees, logs[:, ~known].sum(1), -np.inf)
    return every, free, logs[:, known].sum(1)


def pixel_logarithms(case: Case, every: np.ndarray, width: int) -> np.ndarray:
    none = case["before"].shape[1]
    before = np.hstack([np.full((len(every), 1), none), every[:, :-1]])
    above = np.hstack([np.full((len(every), width), none), every[:, :-width]])
    if "blank" in case:  # all pixels before are 0, those that are there
        before, above = (np.where(beside == none, none, 0) for beside in (before, above))
    logs = log_softmax(case["before"][before] + case["above"][above], 2)
    return np.take_along_axis(logs, every[..., None], 2)[..., 0]  # (images, pixels)


def distributions(case: Case) -> dict[str, np.ndarray]:
    """The distribution over all images that is asked for, named "", and those that mistakes lead to."""
    levels, known = case["before"].shape[1], case["known"].ravel()
    every, free, seen = logarithms(case)
    logs = pixel_logarithms(case, every, case["known"].shape[1])
    codes = every[:, ~known] @ levels ** np.arange((~known).sum())
    late = np.where(np.isfinite(free), np.bincount(codes, np.exp(logs.sum(1)))[codes], 0)
    ways = {
        "": np.exp(free + seen),
        "pixels before a known one know nothing of it: weigh each image by what it had expected": np.exp(free),
        "known pixels are written in too late: what comes after them should follow from them": late,
        "drawn pixels change the weights, too: only known ones may, the others are drawn by their odds": np.exp(
            2 * free + seen
        ),
    }
    if known.sum() > 1:
        last = logs[:, np.flatnonzero(known)[-1]]
        ways["the weights know of the last known pixel alone: multiply them up"] = np.exp(free + last)
    else:
        ways["what was expected counts twice: those chosen anew are equal again"] = np.exp(free + 2 * seen)
    return {sentence: way / way.sum() for sentence, way in ways.items()}


def further(case: Case) -> dict[str, np.ndarray]:
    """More that mistakes lead to; nobody sees to it that these differ from one another."""
    every, free, seen = logarithms(case)
    known, agrees = case["known"].ravel(), np.isfinite(free)
    blank = pixel_logarithms(case | {"blank": True}, every, case["known"].shape[1])[:, ~known].sum(1)
    logs = pixel_logarithms(case, every, case["known"].shape[1])[:, known]
    ways = {
        "an image that had not expected a known pixel gains weight: multiply by the probability": free - seen,
        "weights are multiplied by 1 - p: what was expected should gain": free + np.log1p(-np.exp(logs)).sum(1),
        "unknown pixels are drawn as if all levels were equally likely": np.where(agrees, seen, -np.inf),
        "the network never sees what was drawn: show it the images so far": np.where(agrees, blank, -np.inf),
    }
    made = {sentence: np.exp(way - way.max()) for sentence, way in ways.items()}
    return {sentence: way / way.sum() for sentence, way in made.items()}


def apart(p: np.ndarray, q: np.ndarray) -> float:
    return float(np.abs(p - q).sum() / 2)


def particle_judge(case: Case, outputs: Outputs) -> None:
    found, known, count = outputs["value"], case["known"], case["count"]
    shape = (count, 1, *known.shape)
    demand(found.shape == shape, f"expected {count} images, shape {shape}, got {found.shape}")
    levels = case["before"].shape[1]
    whole = outputs["whole"] and np.isin(found, range(levels)).all()
    demand(whole, f"a pixel is a level: an integer from 0 to {levels - 1}")
    demand(outputs["dtype"] == "int64", f"int64 is asked for, what you return is {outputs['dtype']}")
    demand((found[:, 0, known] == case["x"][0, 0, known]).all(), "a known pixel was drawn over")
    random = not np.array_equal(outputs["few"], outputs["again"])
    refuse(random, "the same generator gives other images: hand it on to all that is drawn")
    refuse((found == found[:1]).all() and not known.all(), "all images are the same: each is a draw of its own")
    flat = found.reshape(count, -1).astype(int)
    codes = flat @ levels ** np.arange(known.size)[::-1]
    often = np.bincount(codes, minlength=levels**known.size) / count
    ways = distributions(case)
    away = apart(often, ways.pop(""))
    once = "chosen without replacement each image comes once, whatever its weight: see torch.multinomial's arguments"
    unequal = known[-1, -1] or away >= APART  # a last pixel that is known leaves different weights
    refuse(unequal and permuted(outputs.get("shown"), flat[:, :-1]), once)
    if away < APART:
        return
    for sentence, way in (ways | further(case)).items():
        refuse(apart(often, way) < APART, sentence)
    refuse(True, f"{away:.2f} of the images differ from p(image | known): are weights kept, and used at the end?")


def permuted(before: np.ndarray | None, after: np.ndarray) -> bool:
    """Whether rows are the same ones in another order."""
    if before is None or before.shape != after.shape or np.array_equal(before, after):
        return False
    return np.array_equal(before[np.lexsort(before.T)], after[np.lexsort(after.T)])
