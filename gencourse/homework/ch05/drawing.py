"""Chapter 05, second half: drawing, a convolution at one place, and completing what lies in the past."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.random import Generator

from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.compare import demand, explain, log_softmax, normal, refuse, same

APART = 0.06  # between two distributions: more than 20,000 draws can differ by chance


def draw_cases(g: Generator) -> Iterator[Case]:
    for levels, b, h, w, kept in [
        (2, 4, 6, 8, -1),
        (4, 2, 5, 6, -1),
        (3, 2, 4, 9, -1),
        (3, 4, 5, 6, 0),
        (2, 3, 5, 6, 13),
    ]:
        yield draw_case(g, levels, b, h, w, kept)
    yield draw_case(g, 4, 2, 4, 5, 1)
    yield draw_case(g, 3, 2, 4, 5, 20)


def draw_case(g: Generator, levels: int, b: int, h: int, w: int, kept: int) -> Case:
    case: Case = {}
    for _ in range(100):
        case = {name: g.standard_normal((levels + 1, levels)) for name in ("before", "above")}
        case |= {"u": g.random((b, h, w)), "given": g.integers(levels, size=(b, 1, h, w)), "kept": kept}
        images = [drawn(case, rule) for rule in ("", "likely", "not reached", "raw", "one")]
        if kept > 1 or all((x != y).any() for i, x in enumerate(images) for y in images[:i]):
            break
    return case


def drawn(case: Case, rule: str = "") -> np.ndarray:
    """The images that follow from u, (B, 1, H, W), by the right rule or by a mistaken one."""
    u, kept = case["u"].reshape(len(case["u"]), -1), max(case["kept"], 0)
    width, none = case["u"].shape[2], len(case["before"]) - 1
    x = np.zeros(u.shape, np.int64)
    x[:, :kept] = case["given"].reshape(len(u), -1)[:, :kept]
    for i in range(kept, u.shape[1]):
        before = x[:, i - 1] if i else np.full(len(u), none)
        above = x[:, i - width] if i >= width else np.full(len(u), none)
        logits = case["before"][before] + case["above"][above]
        p = logits if rule == "raw" else np.exp(log_softmax(logits))
        number = {"shifted": u[:, i - kept], "one": u[:1, i]}.get(rule, u[:, i])[:, None]
        reached = number >= p.cumsum(1)[:, :-1]
        level = reached.sum(1) if rule != "not reached" else (~reached).sum(1)
        x[:, i] = p.argmax(1) if rule == "likely" else level
    return x.reshape(case["given"].shape)


def draw_judge(case: Case, outputs: Outputs) -> None:
    found, given, kept = outputs["value"], case["given"], max(case["kept"], 0)
    pixels = given[0].size
    demand(found.shape == given.shape, f"expected images of shape {given.shape}, got {found.shape}")
    demand(outputs["whole"], "a pixel is a level, an integer: you return floating-point numbers")
    demand(outputs["dtype"] == "int64", f"int64 is asked for, what you return is {outputs['dtype']}")
    flat, begun = found.reshape(len(found), -1), given.reshape(len(given), -1)
    refuse(kept and not np.array_equal(flat[:, :kept], begun[:, :kept]), f"the first {kept} are not those given")
    passes, due = outputs["passes"], pixels - kept
    refuse(passes == 1 < due, "all pixels are drawn in one pass: each depends on those drawn before it")
    refuse(kept and passes == pixels, f"{kept} pixels of {pixels} are known: they need no pass")
    demand(passes == due, f"{due} pixels need as many passes, each over the image so far; you made {passes}")
    for i, canvas in enumerate(outputs["canvas"]):
        written = np.array_equal(canvas[:, : kept + i], flat[:, : kept + i])
        demand(written, f"pixel {kept + i} is due, in raster order, and an earlier one is not written yet")
    refuse(not np.array_equal(found, outputs["again"]), "the same u gives other images each time: u alone decides")
    mistakes = {
        "you take the most likely level: then u decides nothing": drawn(case, "likely"),
        "levels come in the opposite order: a level is the number of running sums that u has reached": drawn(
            case, "not reached"
        ),
        "logits do not add up to 1: only probabilities can be laid end to end": drawn(case, "raw"),
        "all images are drawn with the numbers of the first: u has one for each": drawn(case, "one"),
    }
    if kept:
        mistakes["a pixel is drawn from the number of its own place in u, whatever is known"] = drawn(case, "shifted")
    explain(found, drawn(case), mistakes)


def place_cases(g: Generator) -> Iterator[Case]:
    corners = []
    for b, i, o, size, (h, w) in [
        (2, 3, 5, 3, (7, 9)),
        (1, 1, 4, 7, (9, 8)),
        (3, 2, 6, 1, (4, 5)),
        (2, 4, 4, 5, (3, 4)),
    ]:
        case = {"x": normal(g, b, i, h, w), "weight": normal(g, o, i, size, size), "bias": normal(g, o)}
        inside = [(h // 2, w // 2), (h // 2, w // 2 - 1)]
        found = [case | {"r": r, "c": c} for r, c in [*inside, (0, 0), (h - 1, w - 1), (0, w - 1), (h - 1, 0)]]
        first = 2 if h >= size and w > size else 0
        yield from found[:first]
        corners += found[first:]
    yield from corners


def place_judge(case: Case, outputs: Outputs) -> None:
    x, weight, bias, found = case["x"].astype(float), case["weight"].astype(float), case["bias"], outputs["value"]
    (r, c), size, shape = (case["r"], case["c"]), weight.shape[2], (len(x), len(weight))
    demand(found.shape == shape, f"one value for each image and output, {shape}; got shape {found.shape}")
    m, (h, w) = size // 2, x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (m + 1, m + 1), (m + 1, m + 1)))

    def at(row: int, column: int, kernel: np.ndarray = weight) -> np.ndarray:
        patch = padded[:, :, row + 1 : row + 1 + size, column + 1 : column + 1 + size]
        return np.einsum("bcij,ocij->bo", patch, kernel) + bias

    expected, cost = at(r, c), 2 * len(x) * weight.size
    border = r < m or c < m or r + m >= h or c + m >= w
    where = f"right in the middle of the image, wrong at ({r}, {c}): which part of the kernel lies inside the image?"
    if not same(found, expected):
        refuse(same(found + bias, expected), "the bias is missing")
        refuse(same(found - bias, expected), "the bias is added more than once")
        refuse(size > 1 and same(found, at(r, c, weight[:, :, ::-1, ::-1])), "the kernel is turned: it lies as it is")
        crossed = size > 1 and same(found, at(r, c, weight.transpose(0, 1, 3, 2)))
        refuse(crossed, "rows and columns of the kernel have changed places")
        swapped = max(r, c) < min(h, w) and r != c and same(found, at(c, r))
        refuse(swapped, "r is the row, the third size of x, and c the column")
        near = [at(r + i, c + j) for i, j in product((-1, 0, 1), repeat=2) if i or j]
        refuse(any(same(found, one) for one in near), "the patch lies one pixel beside: (r, c) is its middle")
        refuse(border and size > 1, where)
        explain(found, expected, {})
    right = outputs["cost"] <= cost and outputs["products"] <= cost  # twice the products that are needed
    demand(right, "right, but other places were computed too: cut out the patch first")


def particle_cases(g: Generator) -> Iterator[Case]:
    for levels, shape, places in [
        (3, (1, 4), [2]),
        (2, (2, 3), [3, 5]),
        (2, (2, 3), [0, 1]),
        (3, (2, 2), [1, 3]),
        (2, (3, 2), [2, 5]),
    ]:
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
    kept = (found[:, 0, known] == case["x"][0, 0, known]).all()
    demand(kept, "a known pixel was drawn over")
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
    for sentence, way in ways.items():
        refuse(apart(often, way) < APART, sentence)
    refuse(True, f"{away:.2f} of the images differ from p(image | known): are weights kept, and used at the end?")


def permuted(before: np.ndarray | None, after: np.ndarray) -> bool:
    """Whether rows are the same ones in another order."""
    if before is None or before.shape != after.shape or np.array_equal(before, after):
        return False
    return np.array_equal(before[np.lexsort(before.T)], after[np.lexsort(after.T)])
