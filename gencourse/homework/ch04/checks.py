"""Chapter 04, CycleGAN: what its functions must do, and the mistakes that have a name."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch04 import calls as ch04
from gencourse.homework.ch04.pool import pool_cases, pool_judge
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, explain, normal, refuse, same, uniform


def patch_cases(g: Generator) -> Iterator[Case]:
    # quiet: the channel that says nothing, -1 for none. In the first case all speak, and as softly as can be: who sees
    # nothing there has set a threshold.
    for kernels, strides, padding, inputs, quiet, size in [
        ((5,), (1,), 2, 3, -1, 17),
        ((4, 4), (2, 1), 1, 2, 0, 40),
        ((4, 4, 3), (2, 2, 1), 0, 2, 1, 44),
        ((5, 3), (1, 2), 2, 3, 0, 31),
    ]:
        sizes = {"kernels": np.array(kernels), "strides": np.array(strides), "padding": padding}
        loudness = {"quiet": quiet, "scale": 1e-9 if quiet < 0 else 1.0}
        yield sizes | loudness | {"inputs": inputs, "size": size, "seed": int(g.integers(1_000_000))}


def reaches(case: Case, index: int | None) -> np.ndarray:
    """Which rows a logit of the map's row `index` sees; None: the middle."""
    size, layers = case["size"], list(zip(case["kernels"].tolist(), case["strides"].tolist(), strict=True))
    side = size
    for k, s in layers:
        side = (side + 2 * case["padding"] - k) // s + 1
    low = high = side // 2 if index is None else index
    for k, s in reversed(layers):
        low, high = low * s - case["padding"], high * s - case["padding"] + k - 1
    rows = np.arange(size)
    return (low <= rows) & (rows <= high)


def patch_judge(case: Case, outputs: Outputs) -> None:
    found, size = outputs["value"], case["size"]
    refuse(found.shape == (case["inputs"], size, size), "a pixel is seen or not: make one picture of all its channels")
    demand(found.shape == (size, size), f"expected a picture of shape {(size, size)}, got {found.shape}")
    demand(outputs["boolean"], "a picture of yes and no is asked for, of truth values: you return numbers")
    seen, middle, corner = found > 0, reaches(case, None), reaches(case, 0)
    right = middle[:, None] & middle
    if np.array_equal(seen, right):
        return
    refuse(seen.all(), "all pixels matter: one logit alone is asked about, not the whole map")
    nothing = not seen.any()
    threshold = "no pixel matters, where each moves the logit a very little: is there a threshold? Compare with 0"
    refuse(nothing and case["quiet"] < 0, threshold)
    refuse(nothing, "no pixel matters: a pixel is seen if any of its channels is, one of them says nothing here")
    refuse(np.array_equal(seen, ~right), "yes and no have changed places")
    refuse(np.array_equal(seen, corner[:, None] & corner), "this logit stands in the corner of the map: ask its middle")
    band = seen.any(1).sum() == middle.sum() and seen.any(0).all() or seen.any(0).sum() == middle.sum()
    refuse(band and seen.sum() > right.sum(), "the patch is a band: a whole row of logits was asked")
    inside = not (seen & ~right).any()
    holes = inside and np.array_equal(seen.any(1), middle)
    refuse(holes, "there are holes in the patch: a pixel that pulls the logit down is seen as well, however little")
    refuse(inside, "some pixels that change the logit are missing")
    rows, columns, side = seen.any(1).sum(), seen.any(0).sum(), middle.sum()
    refuse((rows, columns) != (side, side), f"expected a patch of {side} x {side} pixels, yours has {rows} x {columns}")
    refuse(True, "the patch has the right size and lies at the wrong place: ask the logit in the middle of the map")


def cycle_cases(g: Generator) -> Iterator[Case]:
    for shape in [(2, 3, 4, 4), (5, 1, 6, 3), (1, 2, 3, 8)]:
        pictures = {"a": normal(g, *shape), "b": normal(g, *shape) + np.float32(0.3)}
        yield pictures | {"g": float(g.uniform(0.5, 1.5)), "f": float(g.uniform(0.5, 1.5))}


Values = dict[str, np.ndarray | float]


def translators(case: Case, g: float, f: float) -> tuple[Callable, Callable, Callable, Callable]:
    """G, F, D_A and D_B as the call makes them."""
    return (
        lambda x: np.tanh(g * x),
        lambda x: f * x + 0.1,
        lambda x: 1.5 * x.mean(1) + 0.7,
        lambda x: 0.8 * x.max(1) - 0.4,
    )


def losses(case: Case, g: float, f: float) -> Values:
    a, b = case["a"].astype(float), case["b"].astype(float)
    G, F, D_A, D_B = translators(case, g, f)
    return {
        "G": np.square(D_B(G(a)) - 1).mean(),
        "F": np.square(D_A(F(b)) - 1).mean(),
        "cycle": np.abs(F(G(a)) - a).mean() + np.abs(G(F(b)) - b).mean(),
        "identity": np.abs(G(b) - b).mean() + np.abs(F(a) - a).mean(),
    }


def cycle_judge(case: Case, outputs: Outputs) -> None:
    a, b = case["a"].astype(float), case["b"].astype(float)
    G, F, *_ = translators(case, case["g"], case["f"])
    names = outputs["names"].split(",")
    demand(
        names == ["F", "G", "cycle", "identity"], f"expected the losses G, F, cycle, identity, got {', '.join(names)}"
    )
    order = same(outputs["fake_a"], G(a)) and same(outputs["fake_b"], F(b))
    refuse(order, "the two translations come in the other order: first that of b, then that of a")
    demand(same(outputs["fake_a"], F(b)), "the second result is a picture of kind A, made from b")
    demand(same(outputs["fake_b"], G(a)), "the third result is a picture of kind B, made from a")
    right, mistakes = losses(case, case["g"], case["f"]), cycle_mistakes(case)
    for name in ("G", "F", "cycle", "identity"):
        found = outputs[f"value {name}"]
        demand(found.size == 1, f"the loss {name!r} is one number, yours has shape {found.shape}")
        named = {f"{name}: {sentence}": value for sentence, value in mistakes[name].items()}
        explain(float(found.reshape(-1)[0]), right[name], named)
    cycle_slopes(case, outputs)


def cycle_mistakes(case: Case) -> dict[str, Values]:
    a, b = case["a"].astype(float), case["b"].astype(float)
    G, F, D_A, D_B = translators(case, case["g"], case["f"])

    def rivals(own: np.ndarray, other: np.ndarray, real: np.ndarray) -> Values:
        """own: the right judge's values of the fake; other: the wrong one's; real: the right one's of real pictures."""
        return {
            "each translation goes to the judge of the kind it pretends to be": np.square(other - 1).mean(),
            "the generator wants its picture to be taken for real, it is the discriminator that wants 0": np.square(
                own
            ).mean(),
            "the judge looks at real pictures: a generator's loss is about what it drew": np.square(real - 1).mean(),
            "a sum over the pictures, where the mean is asked for": np.square(own - 1).sum(),
            "the distance from 1 is squared, not taken without its sign": np.abs(own - 1).mean(),
            "first all logits are averaged, then squared: it is the other way round": (own.mean() - 1) ** 2,
            "half of what it should be: the ½ belongs to the discriminators": np.square(own - 1).mean() / 2,
        }

    def parts(one: np.ndarray, other: np.ndarray, weight: int) -> Values:
        both = np.abs(one).mean() + np.abs(other).mean()
        return {
            "only what begins with a counts: there are two directions": np.abs(one).mean(),
            "only what begins with b counts: there are two directions": np.abs(other).mean(),
            "half of what it should be: both directions are added, not averaged": both / 2,
            "the errors are squared, not taken without their sign": np.square(one).mean() + np.square(other).mean(),
            "a sum over the pixels, where the mean is asked for": np.abs(one).sum() + np.abs(other).sum(),
            "weighted already: it is asked for without its factor": weight * both,
            "the errors cancel: where is the absolute value?": one.mean() + other.mean(),
        }

    there, back = G(a), F(b)
    cycle, identity = parts(F(there) - a, G(back) - b, 10), parts(F(a) - a, G(b) - b, 5)
    cycle["what comes back is compared with a picture of the other kind"] = (
        np.abs(F(there) - b).mean() + np.abs(G(back) - a).mean()
    )
    cycle["a translation is compared with what it was made from: nothing was brought back"] = (
        np.abs(there - a).mean() + np.abs(back - b).mean()
    )
    cycle["each generator is applied twice in a row: the way back is the other's"] = (
        np.abs(G(there) - a).mean() + np.abs(F(back) - b).mean()
    )
    identity["a generator is shown a picture that is already what it should make"] = (
        np.abs(there - a).mean() + np.abs(back - b).mean()
    )
    return {
        "G": rivals(D_B(there), D_A(there), D_B(b)),
        "F": rivals(D_A(back), D_B(back), D_A(a)),
        "cycle": cycle,
        "identity": identity,
    }


def cycle_slopes(case: Case, outputs: Outputs) -> None:
    """Each loss moves each generator as the formula says, by differences."""
    g, f, step = case["g"], case["f"], 1e-6
    by_g = losses(case, g + step, f), losses(case, g - step, f)
    by_f = losses(case, g, f + step), losses(case, g, f - step)
    for weight, (up, down) in (("g", by_g), ("f", by_f)):
        for name in up:
            found, right = outputs[f"{name} by {weight}"], (up[name] - down[name]) / (2 * step)
            cut = abs(found - right) > 1e-3 * max(abs(right), 1)
            refuse(cut, f"{name}: its gradient does not reach all it should: is something detached?")


def schedule_cases(g: Generator) -> Iterator[Case]:
    for steps, constant in [(4 * int(g.integers(20, 60)), 0.5), (4 * int(g.integers(20, 60)), 0.25), (7, 0.0)]:
        turn = round(steps * constant)
        inside = g.integers(1, steps, 6)
        done = np.unique(np.concatenate([[0, turn, turn + 1, steps - 1, steps], inside]))
        yield {"steps": steps, "constant": constant, "default": constant == 0.5, "done": done}


def schedule_judge(case: Case, outputs: Outputs) -> None:
    found, done, steps, share = outputs["value"], case["done"].astype(float), case["steps"], case["constant"]
    left, down = steps - done, steps * (1 - share)
    early = done <= steps * share
    mistakes = {
        "it grows beyond 1 in the first part, which should be constant": left / down,
        "it falls from the beginning: the first part is constant": left / steps,
        "the constant part is always one half, whatever is asked for": np.minimum(1, left / (steps * 0.5)),
        "it jumps where the slope begins: there it should still be 1": np.where(early, 1, left / steps),
        "1 or 0 and nothing between: a straight line is asked for, and no division that rounds": early.astype(float),
        "it still falls to zero, but along a curve: a straight line is asked for": np.where(
            early, 1, 0.5 + 0.5 * np.cos(np.pi * (1 - left / down))
        ),
        "not zero at the end, and the slope begins too late: one iteration too many": np.minimum(1, (left + 1) / down),
        "not quite zero at the end: count what was done, from 0 to steps": np.minimum(1, (left + 1) / (down + 1)),
        "it rises: 0 in the first part, 1 at the end": 1 - np.minimum(1, left / down),
    }
    if share:
        rest = np.minimum(1, left / (steps * share))
        mistakes["the constant part is as long as the falling one should be, and the other way round"] = rest
    explain(found, np.minimum(1, left / down), mistakes, 1e-6)


def hidden_cases(g: Generator) -> Iterator[Case]:
    for shape in [(3, 3, 4, 5), (1, 1, 6, 3), (4, 2, 3, 3)]:
        pictures = {"x": uniform(g, *shape), "truth": uniform(g, *shape)}
        yield pictures | {"noise": 0.15 * normal(g, *shape)}


def psnr(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return -10 * np.log10(np.square(a - b).mean((1, 2, 3)))


def hidden_judge(case: Case, outputs: Outputs) -> None:
    x, truth, noise = (case[name].astype(float) for name in ("x", "truth", "noise"))
    found, low, high = outputs["value"], outputs["low"], outputs["high"]
    demand(found.shape == (len(x),), f"one number for each picture, {(len(x),)}; yours have shape {found.shape}")
    kept = "what there(x) gave you is changed in place: a translator may keep it and return it again"
    refuse(outputs["overwritten"], kept)
    refuse(low < 0 or high > 1, f"a picture lies in [0, 1]: back was shown one from {low:.2f} to {high:.2f}")
    there, back, y = ch04.forward, ch04.backward, ch04.forward(x)

    def way_back(picture: np.ndarray, disturbance: np.ndarray | float = 0.0) -> np.ndarray:
        return back((picture + disturbance).clip(0, 1))

    def cost(picture: np.ndarray, to: np.ndarray = x) -> np.ndarray:
        return psnr(way_back(picture), to) - psnr(way_back(picture, noise), to)

    mistakes = {
        "how much does the same noise cost where nothing is hidden? That has to be taken off": cost(y),
        "only what is lost from the truth: what is lost from the translation is the point": cost(truth),
        "a translation that hides something gets more than 0: yours gets less": cost(truth) - cost(y),
        "the costs are added: what noise costs anyway has to be taken off": cost(y) + cost(truth),
        "without any noise the two ways back differ as well: that is not what noise costs": (
            psnr(way_back(truth, noise), x) - psnr(way_back(y, noise), x)
        ),
        "nothing is disturbed: this is how much better the way back from the translation is": (
            psnr(way_back(y), x) - psnr(way_back(truth), x)
        ),
        "all the way back leads to x: that is what it is held against": cost(y, truth) - cost(truth, truth),
        "each way back is held against the picture that it began with, not against x": cost(y, y) - cost(truth, truth),
        "the noise belongs on the translation; yours is on the picture that is translated": (
            psnr(back(y), x) - psnr(back(there((x + noise).clip(0, 1))), x) - cost(truth)
        ),
        "the noise comes too late: disturb what back is shown, not what it returns": sum(
            sign * (psnr(back(z), x) - psnr((back(z) + noise).clip(0, 1), x)) for sign, z in ((1, y), (-1, truth))
        ),
        "the truth is a picture of the second kind already: it is not translated once more": cost(y)
        - cost(there(truth)),
        "the noise is in one of the two only: compare what it costs in both": (
            psnr(way_back(y, noise), x) - psnr(way_back(truth), x)
        ),
    }
    explain(found, cost(y) - cost(truth), mistakes, 1e-3)


CHECKS = {
    "patch_seen": Check("task-patch", patch_cases, judge=patch_judge, call=ch04.patches),
    "losses_of_generators": Check("task-cycle", cycle_cases, judge=cycle_judge, call=ch04.generators),
    "exchange": Check("task-pool", pool_cases, judge=pool_judge, call=ch04.pool),
    "rate_factor": Check("task-schedule", schedule_cases, judge=schedule_judge, call=ch04.curve),
    "hidden_decibels": Check("task-hidden", hidden_cases, judge=hidden_judge, call=ch04.hiding),
}
