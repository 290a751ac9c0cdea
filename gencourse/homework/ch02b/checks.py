"""Chapter 02b, super-resolution: what its functions are asked, and what is judged by hand."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch02b import calls as ch02b
from gencourse.homework.ch02b import reference
from gencourse.homework.ch02b.mistakes import MISTAKES
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, normal, refuse, same, uniform
from gencourse.methods import data_consistency, enlarging
from gencourse.metrics import super_resolution as metrics

SURE = 0.2  # a correlation of hundreds of independent numbers stays below it


def psnr_cases(g: Generator) -> Iterator[Case]:
    """Errors that differ by colour, and are larger near the border: above, below and at the sides, unequally."""
    for shape, border in [((3, 3, 12, 16), 2), ((2, 3, 9, 7), 0), ((1, 3, 15, 11), 4), ((2, 3, 10, 13), 1)]:
        a, part = uniform(g, *shape), np.array([0.1, 0.2, 0.5], np.float32).reshape(1, 3, 1, 1)
        part = part * np.linspace(0.3, 1, len(a), dtype=np.float32).reshape(-1, 1, 1, 1)
        part = np.repeat(np.repeat(part, shape[2], 2), shape[3], 3)
        part[:, :, :1] *= 1.4
        part[..., -1:] *= 1.3
        yield {"a": a, "b": a * (1 - part * uniform(g, *shape)), "border": border}
    a, b = uniform(g, 2, 3, 10, 8), uniform(g, 2, 3, 10, 8)
    b[1, :, 2:-2, 2:-2] = a[1, :, 2:-2, 2:-2]  # equal but for the border
    yield {"a": a, "b": b, "border": 2}


def psnr_judge(case: Case, outputs: Outputs) -> None:
    found = outputs["value"]
    nothing = case["border"] == 0 and found.size and not np.isfinite(found).any()
    refuse(nothing, "with a border of 0 nothing is left of your pictures: x[0:-0] is empty")


def objective_cases(g: Generator) -> Iterator[Case]:
    """Pictures a little out of [-1, 1], weights of all parts that differ; in one case there is no critic."""
    for shape, judged in [((2, 3, 24, 28), True), ((1, 3, 28, 24), True), ((3, 3, 24, 24), False)]:
        y = 1.8 * uniform(g, *shape) - 0.9
        y_hat = (0.9 * y + 0.4 * normal(g, *shape) + 0.2).astype(np.float32)
        weights = np.array([0.7, 0.4, 3.0, 11.0], np.float32) * (0.5 + uniform(g, 4))
        networks = {"look": normal(g, 4, 3) / 2, "critic": normal(g, 1, 3, 4, 4) / 3}
        yield {"y_hat": y_hat, "y": y, **networks, "weights": weights, "judged": judged}


def objective_judge(case: Case, outputs: Outputs) -> None:
    names = set(outputs["names"].split(","))
    wanted = {"total", "features", "pixels", "grid"} | ({"adversarial"} if case["judged"] else set())
    left_out = "without a critic there is no adversarial loss: leave it out of the dictionary"
    refuse(not case["judged"] and "adversarial" in names, left_out)
    demand(names == wanted, f"expected the losses {', '.join(sorted(wanted))}, got {', '.join(sorted(names))}")
    frozen = "the critic stays frozen (requires_grad is False): it could not learn from the next batch"
    refuse(outputs["frozen"], frozen)


def patches_cases(g: Generator) -> Iterator[Case]:
    """Pictures of several sizes, two in one batch; the second side is brighter in a corner, and last a shorter list."""
    for sizes, others, channels, layer in [
        (((1, 6, 8), (1, 8, 4)), ((1, 6, 8), (1, 8, 4)), 4, "fine"),
        (((2, 8, 8), (1, 6, 6), (1, 10, 4)), ((2, 8, 8), (1, 6, 6), (1, 10, 4)), 3, "coarse"),
        (((1, 8, 12), (1, 4, 8)), ((1, 8, 12), (1, 4, 8)), 5, "fine"),
        (((1, 8, 6), (1, 6, 6), (1, 4, 10)), ((1, 8, 8), (1, 6, 8)), 3, "fine"),
    ]:
        found: Case = {"look": normal(g, channels, 3)}
        for side, shapes in (("a", sizes), ("b", others)):
            for i, (count, h, w) in enumerate(shapes):
                x = uniform(g, count, 3, h, w)
                x[:, :, : h // 2] *= 0.5 if side == "a" else 0.9
                found[f"{side}_{i}"] = x
        yield found | {"layer": layer}


def patches_judge(case: Case, outputs: Outputs) -> None:
    demand(outputs["value"].size == 1, f"the distance is one number, yours has shape {outputs['value'].shape}")


def front_cases(g: Generator) -> Iterator[Case]:
    """A front with hollows, points behind it, ties in one number or the other, and two equal points on it."""
    for count, behind in [(5, 4), (8, 6), (4, 9), (1, 0)]:
        decibels = np.sort(22 + 4 * g.random(count))
        distance = np.sort(10 + 40 * g.random(count))
        on = np.stack([decibels, distance], 1)
        chosen = on[g.integers(count, size=behind)]
        worse = chosen + np.abs(g.normal(size=(behind, 2))) * [-0.3, 4]
        if not behind:
            yield {"points": on}
            continue
        below, beside = (on[1, 1] - on[0, 1]) / 2, (on[-1, 0] - on[-2, 0]) / 2  # nobody else dominates these
        ties = np.array([on[0] + [0, below], on[-1] - [beside, 0], on[count // 2]])
        yield {"points": g.permutation(np.concatenate([on, worse, ties]))}


def between_cases(g: Generator) -> Iterator[Case]:
    for sizes, share in [((3, 4, 2), 0.25), ((2, 5, 3), 0.8), ((4, 2, 2), 1.0), ((1, 2, 1), 0.0), ((3, 2, 4), 0.6)]:
        count = sizes[0] + sum(n * m + m for n, m in zip(sizes, sizes[1:], strict=False))
        rows = {side: normal(g, count) + np.float32(0.5) for side in "ab"}
        yield {"sizes": np.array(sizes), **rows, "share": share}


def between_judge(case: Case, outputs: Outputs) -> None:
    for side in "ab":
        moved = not same(outputs[f"weights {side}"], case[side])
        refuse(moved, f"your function changes the weights of {side}: both networks are still needed")
    refuse(not outputs["new"], "one of the two networks comes back itself: a new one is asked for, whatever the share")
    refuse(outputs["shared"], "the new network shares memory with an old one: train it, and that one changes too")


def project_cases(g: Generator) -> Iterator[Case]:
    """Pictures that leave [0, 1] once they are moved, at several scales."""
    for shape, scale in [((2, 3, 3, 4), 4), ((1, 1, 5, 2), 2), ((1, 3, 2, 2), 3), ((2, 3, 4, 5), 4)]:
        h, w = (side * scale for side in shape[2:])
        yield {"high": uniform(g, *shape[:2], h, w), "low": uniform(g, *shape)}


def degrade_cases(g: Generator) -> Iterator[Case]:
    seed = int(g.integers(1_000_000))
    for shape, blur, quality in [((2, 3, 12, 16), 0.7, 0), ((1, 3, 8, 8), 0.0, 20), ((3, 3, 16, 8), 1.5, 7)]:
        yield {"y": uniform(g, *shape), "blur": blur, "noise": 0.0, "quality": quality, "seed": seed}
    for noise in (0.05, 0.02):
        flat = np.full((3, 3, 64, 68), 0.5, np.float32)
        yield {"y": flat, "blur": 0.5, "noise": noise, "quality": 0, "seed": seed + 1}
    halves = np.ones((2, 3, 32, 32), np.float32)
    halves[:, :, 16:] = 0
    for quality in (0, 12):
        yield {"y": halves, "blur": 0.0, "noise": 0.3, "quality": quality, "seed": seed + 2}


def degrade_judge(case: Case, outputs: Outputs) -> None:
    if not case["noise"]:
        return
    found = outputs["noise"]
    b, c, h, w = case["y"].shape
    demand(found.shape == (b, c, h // 4, w // 4), f"expected {h // 4} x {w // 4} pixels, got shape {found.shape}")
    flat = case["y"].max() < 1
    refuse(flat and np.abs(found - case["y"].max()).max() < 1e-6, "no noise is added")
    refuse(flat and found.std() < 1e-6, "one number is drawn for all pictures: each value gets its own")
    alone = flat and found.std((1, 2, 3)).max() < 1e-6
    refuse(alone, "one number is drawn for each picture: each of its values gets its own")
    refuse(not outputs["same"], "with one seed it should draw the same again: hand the generator to torch.randn")
    refuse(not outputs["new"], "a second call draws the same noise: do not seed the generator anew")
    inside = found.min() >= 0 and found.max() <= 1
    demand(inside, "noise takes values out of [0, 1]: clamp them, a file holds no others")
    levels = found * case["quality"] / ch02b.DARKER
    kept = not case["quality"] or np.abs(levels - levels.round()).max() < 1e-3
    demand(kept, "these are not the values of a file: it is written last, after noise and clamp")
    if flat:
        measured_noise(found - 0.5, case["noise"])


def measured_noise(x: np.ndarray, wanted: float) -> None:
    """Raise Wrong unless these are independent numbers of the wanted standard deviation."""
    spread = x.std()
    refuse(same(spread, wanted / 4, 0.1), "the noise is added before averaging, which takes three quarters of it away")
    refuse(same(spread, wanted**2, 0.1), "noise is a standard deviation, not its square: do not square it")
    refuse(same(spread, wanted**0.5, 0.1), "noise is a standard deviation already: do not take its root")
    darker = same(x.mean(), -wanted / 2, 0.1)
    refuse(darker, "the picture gets darker by the part that noise is: add the noise, and leave the picture whole")
    refuse(abs(x.mean()) > wanted / 4, "the noise has a mean: it should be as often dark as bright (randn, not rand)")
    for one, other, words in [
        (x[:-1], x[1:], "all pictures of the batch get the same noise: draw it for each"),
        (x[:, :-1], x[:, 1:], "the noise is grey, the same in all colours: draw it for each value"),
        (x[..., :-1], x[..., 1:], "the noise of neighbours is alike: add it after blur and average, to each pixel"),
    ]:
        refuse(np.corrcoef(one.ravel(), other.ravel())[0, 1] > SURE, words)
    tails = (np.abs(x) > 1.8 * spread).mean()
    refuse(tails == 0, "the noise is not normal: no value lies beyond 1.8 standard deviations")
    measured = f"the noise has a standard deviation of {spread:.4f}, where {wanted} is asked for"
    demand(same(spread, wanted, 0.1), measured)


def degrade_view(case: Case, outputs: Outputs) -> Outputs:
    """Noise is judged by hand."""
    return {name: x for name, x in outputs.items() if name == "value"}


FORMS = [partial(reference.srgan_objective, form) for form in reference.FORMS]
PATCHES = [partial(reference.patch_frechet, distance) for distance in reference.DISTANCES]
OBJECTIVE = {
    "value features": "the distance of features is perceptual_loss(look, y_hat, y), of pictures in [0, 1]",
    "value pixels": "the pixels' part is the mean absolute error of pictures in [0, 1]",
    "value grid": "the grid's part is repeated_error(y_hat, y), of pictures in [0, 1]",
    "value adversarial": "the adversarial loss is the mean of -log sigmoid(D(y_hat)), of pictures in [-1, 1]",
    "value total": "the total is each part times its weight, added up",
    "by y_hat": "the total's gradient does not reach y_hat as it should: is one of its parts detached?",
}
CHECKS = {
    "luma_psnr": Check(
        "task-luma",
        psnr_cases,
        metrics.luma_psnr,
        MISTAKES["luma_psnr"],
        judge=psnr_judge,
        shape="one number for each picture,",
    ),
    "srgan_objective": Check(
        "task-objective",
        objective_cases,
        FORMS,
        MISTAKES["srgan_objective"],
        call=ch02b.objective,
        judge=objective_judge,
        no_gradient="no gradient reaches y_hat through the total: a detach or no_grad too many",
        sentences=OBJECTIVE,
    ),
    "patch_frechet": Check(
        "task-patches",
        patches_cases,
        PATCHES,
        MISTAKES["patch_frechet"],
        call=ch02b.patches,
        judge=patches_judge,
    ),
    "pareto_front": Check("task-front", front_cases, metrics.pareto_front, MISTAKES["pareto_front"], call=ch02b.front),
    "interpolate_weights": Check(
        "task-weights",
        between_cases,
        enlarging.interpolate_weights,
        MISTAKES["interpolate_weights"],
        call=ch02b.between,
        judge=between_judge,
        sentences={"value": "the weights are not (1 - share) times a's plus share times b's"},
    ),
    "project": Check(
        "task-project", project_cases, data_consistency.project, MISTAKES["project"], call=ch02b.projected
    ),
    "degrade": Check(
        "task-degrade",
        degrade_cases,
        reference.degrade,
        MISTAKES["degrade"],
        call=ch02b.degraded,
        judge=degrade_judge,
        view=degrade_view,
    ),
}
