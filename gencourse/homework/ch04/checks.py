"""Chapter 04, CycleGAN: what its functions are asked, and what is judged by hand."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch04 import calls as ch04
from gencourse.homework.ch04 import reference
from gencourse.homework.ch04.mistakes import MISTAKES
from gencourse.homework.ch04.pool import pool_cases, pool_judge
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, normal, refuse, uniform

LOSSES = ("F", "G", "cycle", "identity")
CUT = {
    f"{x} by {w}": f"{x}: its gradient does not reach all it should: is something detached?"
    for x in LOSSES
    for w in "gf"
}


STEP = {
    "pools": "each pool is given the new fakes of its kind once in an iteration: it throws a coin for each of them",
    "g": "G is updated with something else than G + F + 10 cycle + 5 identity",
    "f": "F is updated with something else than G + F + 10 cycle + 5 identity",
    "d_a": "D_A's update is off: half of E (D_A(a) - 1)^2 + E D_A(fakes from past_a)^2",
    "d_b": "D_B's update is off: half of E (D_B(b) - 1)^2 + E D_B(fakes from past_b)^2",
    "value D_A": 'the value under "D_A" is not the loss that D_A descended',
    "value D_B": 'the value under "D_B" is not the loss that D_B descended',
}


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


def cycle_judge(case: Case, outputs: Outputs) -> None:
    names = outputs["names"].split(",")
    demand(names == list(LOSSES), f"expected the losses G, F, cycle, identity, got {', '.join(names)}")
    for name in names:
        found = outputs[f"value {name}"]
        demand(found.size == 1, f"the loss {name!r} is one number, yours has shape {found.shape}")


def cycle_view(case: Case, outputs: Outputs) -> Outputs:
    """The slopes beside a 1: what they are made of can cancel."""
    return {name: np.array([x, 1.0]) if " by " in name else x for name, x in outputs.items()}


def schedule_cases(g: Generator) -> Iterator[Case]:
    for steps, constant in [(4 * int(g.integers(20, 60)), 0.5), (4 * int(g.integers(20, 60)), 0.25), (7, 0.0)]:
        turn = round(steps * constant)
        inside = g.integers(1, steps, 6)
        done = np.unique(np.concatenate([[0, turn, turn + 1, steps - 1, steps], inside]))
        yield {"steps": steps, "constant": constant, "default": constant == 0.5, "done": done}


def step_cases(g: Generator) -> Iterator[Case]:
    for shape in [(3, 2, 4, 4), (1, 3, 5, 3), (4, 1, 2, 6)]:
        pictures = {"a": normal(g, *shape), "b": normal(g, *shape) + np.float32(0.4)}
        judges = {name: normal(g, 1, shape[1], 1, 1) for name in ("d_a", "d_b")}
        generators = {"g": float(g.uniform(0.5, 1.5)), "f": float(g.uniform(0.5, 1.5))}
        yield pictures | judges | generators | {"rate": 0.02}


def step_judge(case: Case, outputs: Outputs) -> None:
    updates, names = outputs["updates"], outputs["names"].split(",")
    refuse("G" not in updates, "the generators are never updated: descend with optimizer_g")
    refuse("D" not in updates, "the discriminators are never updated: descend with optimizer_d")
    refuse(updates.count("G") > 1, "the generators are updated more than once in an iteration")
    refuse(outputs["frozen"], f"{outputs['frozen']} stays frozen: what is frozen for the generators must learn again")
    refuse(updates.startswith("D"), "first the generators, then the discriminators: yours go the other way round")
    wanted = sorted((*LOSSES, "D_A", "D_B"))
    demand(names == wanted, f"expected the losses {', '.join(wanted)}, got {', '.join(names)}")
    for name in names:
        found = outputs[f"value {name}"]
        demand(found.size == 1, f"the loss {name!r} is one number, yours has shape {found.shape}")


def step_view(case: Case, outputs: Outputs) -> Outputs:
    """The weights and the losses; the sentences about pools look at how often they were asked as well."""
    return {name: x for name, x in outputs.items() if name not in ("updates", "frozen", "names")}


def hidden_cases(g: Generator) -> Iterator[Case]:
    """The first pictures are nearly what `back` makes of the truth: noise costs more there, the answer is negative."""
    for shape, negative in [((3, 3, 4, 5), 1), ((1, 1, 6, 3), 1), ((4, 2, 3, 3), 2)]:
        x, truth = uniform(g, *shape), uniform(g, *shape)
        x[:negative] = ch04.backward(truth[:negative]) + 0.01 * normal(g, negative, *shape[1:])
        yield {"x": x.clip(0, 1), "truth": truth, "noise": 0.15 * normal(g, *shape)}


def hidden_judge(case: Case, outputs: Outputs) -> None:
    """Judge what became of the translation, and what the way back was shown."""
    low, high = outputs["low"], outputs["high"]
    kept = "what there(x) gave you is changed in place: a translator may keep it and return it again"
    refuse(outputs["overwritten"], kept)
    refuse(low < 0 or high > 1, f"a picture lies in [0, 1]: back was shown one from {low:.2f} to {high:.2f}")


def hidden_view(case: Case, outputs: Outputs) -> Outputs:
    return {"value": outputs["value"]}


CHECKS = {
    "patch_seen": Check("task-patch", patch_cases, judge=patch_judge, call=ch04.patches),
    "losses_of_generators": Check(
        "task-cycle",
        cycle_cases,
        reference.losses_of_generators,
        MISTAKES["losses_of_generators"],
        call=ch04.generators,
        judge=cycle_judge,
        view=cycle_view,
        sentences={
            "fake_a": "the second result is a picture of kind A, made from b",
            "fake_b": "the third result is a picture of kind B, made from a",
            **CUT,
        },
    ),
    "cyclegan_step": Check(
        "task-step",
        step_cases,
        reference.cyclegan_step,
        MISTAKES["cyclegan_step"],
        call=ch04.iteration,
        judge=step_judge,
        view=step_view,
        sentences=STEP,
    ),
    "exchange": Check("task-pool", pool_cases, judge=pool_judge, call=ch04.pool),
    "rate_factor": Check(
        "task-schedule", schedule_cases, reference.rate_factor, MISTAKES["rate_factor"], call=ch04.curve, tolerance=1e-6
    ),
    "hidden_decibels": Check(
        "task-hidden",
        hidden_cases,
        reference.hidden_decibels,
        MISTAKES["hidden_decibels"],
        call=ch04.hiding,
        judge=hidden_judge,
        view=hidden_view,
        shape="one number for each picture,",
        tolerance=1e-3,
    ),
}
