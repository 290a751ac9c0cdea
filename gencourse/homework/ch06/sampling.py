"""Chapter 06, sampling: guidance, DDIM, and a choice of times."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.random import Generator

from gencourse.homework.ch06.forward import at
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.compare import demand, explain, normal, refuse, same
from gencourse.methods.denoising import SCHEDULES
from gencourse.methods.diffusion import NoiseSchedule


def guided_cases(g: Generator) -> Iterator[Case]:
    far = float(g.uniform(2, 4))
    for shape, weight in [((3, 3, 3, 3), far), ((4, 2), 0.0), ((5, 1, 2, 4), 1.0), ((1, 3, 4, 2), 2.5), ((2, 6), 0.5)]:
        yield {
            "table": np.linspace(-3, 3, 12)[g.permutation(12)].astype(np.float32) + normal(g, 12) / np.float32(10),
            "null": int(g.choice([3, 5, 6, 7])),
            "labels": g.permutation([1, 2, 4, 8, 9])[: shape[0]].astype(np.int64),
            "weight": weight,
            "x_t": normal(g, *shape),
            "t": g.integers(0, 1000, shape[0]),
        }


def guided_judge(case: Case, outputs: Outputs) -> None:
    x, labels, w, found = case["x_t"].astype(float), case["labels"], case["weight"], outputs["value"]
    demand(found.shape == x.shape, f"a prediction has the shape of x_t, {x.shape}; yours has {found.shape}")
    rest = 0.5 * x + 0.01 * at(np.arange(1000.0), case["t"], x)

    def says(asked: np.ndarray | int) -> np.ndarray:
        return at(case["table"].astype(float), np.broadcast_to(asked, labels.shape), x) + rest

    without, given = says(case["null"]), says(labels)
    mistakes = {
        "weight 0 should know nothing of the label, and weight 1 ask for it: yours is the other way round": given
        + w * (without - given),
        "weight 1 should be the conditional prediction and nothing else: the paper's w is another": given
        + w * (given - without),
        "the label pushes away from itself: which of the two is subtracted?": without - w * (given - without),
        "weight 0 should be the unconditional prediction: yours is nothing": w * given,
        "the weights of the two predictions do not add up to 1": without + w * given,
        "the unconditional prediction is subtracted whole: weight 0 should be just that": w * given - without,
        "this is the difference alone: to what is it added?": w * (given - without),
        "the weight changes nothing, at least not beyond 1: this is the conditional prediction": given,
        "the label changes nothing: this is the unconditional prediction": without,
        "all pictures are asked for the label of the first": without + w * (says(labels[0]) - without),
    }
    if not same(found, without + w * (given - without)):
        others = [says(label) for label in range(12) if label != case["null"]]
        no_null = any(same(found, other + w * (given - other)) for other in others)
        refuse(no_null, "the label for any is network.null: yours is a number that another network need not have")
    explain(found, without + w * (given - without), mistakes)


def ddim_cases(g: Generator) -> Iterator[Case]:
    for shape, eta, steps in [
        ((4, 2), 0.0, 4),
        ((3, 1, 4, 5), 0.0, 5),
        ((2, 3, 4, 3), 1.0, 5),
        ((5, 2), float(g.uniform(0.3, 0.6)), 4),
        ((1, 2, 3, 6), float(g.uniform(0.7, 0.9)), 6),
        ((3, 2), 0.5, 1),
    ]:
        betas = g.uniform(0.05, 0.12, 40)
        t = np.sort(g.choice(np.arange(1, 39), steps - 1, replace=False))[::-1]
        t = np.append(t, 0).astype(np.int64)
        yield {
            "x_T": normal(g, *shape),
            "betas": betas,
            "t": t,
            "left": (1 - betas).cumprod()[t],
            "eta": eta,
            "z": normal(g, max(steps - 1, 1), *shape),
            "scale": float(g.uniform(0.2, 0.5)),
            "shift": float(g.uniform(0.01, 0.03)),
        }


def walk(case: Case, step: str) -> np.ndarray:
    """Sample as the task says, or with one mistake, called `step`; returns x after each step, (steps, B, ...)."""
    x, t, left, eta = case["x_T"].astype(float), case["t"], case["left"], case["eta"]
    afters = np.append(left[1:], 1.0)
    if step == "before":
        afters = left
    visited = []
    for i, (now, after) in enumerate(zip(left, afters, strict=True)):
        x0, z = case["scale"] * x + case["shift"] * t[i], case["z"][i % len(case["z"])].astype(float)
        noise = (x - np.sqrt(now) * x0) / np.sqrt(1 - now)
        sigma = eta * np.sqrt((1 - after) / (1 - now) * (1 - now / after))
        keep = 1 - after - sigma**2
        if step == "unscaled":
            noise = noise * np.sqrt(1 - now)
        elif step == "variance":
            noise = noise / np.sqrt(1 - now)
        elif step == "no root of now":
            noise = (x - now * x0) / np.sqrt(1 - now)
        elif step == "whole x":
            noise = x
        elif step == "squared":
            sigma, keep = sigma**2 / eta if eta else 0.0, 1 - after - (sigma**2 / max(eta, 1e-9)) ** 2
        elif step == "eta squared":
            sigma, keep = sigma * eta, 1 - after - (sigma * eta) ** 2
        elif step == "full eta":
            sigma, keep = sigma / max(eta, 1e-9), 1 - after - (sigma / max(eta, 1e-9)) ** 2
        elif step == "too much":
            keep = 1 - after
        elif step == "sigma for variance":
            keep = 1 - after - sigma
        elif step == "beta":
            sigma = eta * np.sqrt(1 - now / after)
            keep = 1 - after - sigma**2
        elif step == "no new":
            sigma, keep = 0.0, 1 - after
        elif step == "only new missing":
            sigma = 0.0
        elif step == "old again":
            z = noise
        keep = max(keep, 0.0)
        old = {"no noise": 0.0, "minus": -np.sqrt(keep), "no root of keep": keep}.get(step, np.sqrt(keep))
        kept = after if step == "no root of after" else np.sqrt(after)
        x = kept * x0 + old * noise + sigma * z
        visited.append(x)
    return np.stack(visited)


DDIM_MISTAKES = {
    "sigma for variance": "old and new noise together are not as much as the time asks for: sigma is no variance",
    "before": "x is mixed again for the time it is at, so it never moves on: which of the two is the time after?",
    "no noise": "only the picture is left: mix it with the noise that was found in x",
    "whole x": "x itself is not the noise in it: take x0_hat out first",
    "unscaled": "eps_hat has variance 1, yours has less: what does the formula divide by?",
    "variance": "eps_hat has variance 1, yours has more: a share of variance stands where its root belongs",
    "no root of now": "eps_hat is what is left of x without its picture: how much of the picture is in x?",
    "no root of after": "there is too little of the picture in x: alphas_cumprod is a share of variance",
    "no root of keep": "there is too little of the old noise in x: it has a share of variance, and a factor",
    "minus": "the old noise is subtracted, where the formula adds it",
    "no new": "eta changes nothing: where is the new noise?",
    "only new missing": "the old noise makes room for new noise, and none comes",
    "too much": "old and new noise together are too much: their variances must add up to 1 - alphas_cumprod",
    "squared": "sigma is a standard deviation: yours is a variance",
    "eta squared": "half of eta should be half of the sigma, yours is a quarter",
    "full eta": "any eta above 0 counts as 1: half of eta should be half of the sigma",
    "beta": "eta = 1 should be DDPM with the variance of eq. 7; your sigma lacks a factor",
    "old again": "the new noise is the old one again: z is drawn",
}


def ddim_judge(case: Case, outputs: Outputs) -> None:
    x_T, t, found = case["x_T"], case["t"], outputs["value"]
    demand(found.shape == x_T.shape, f"the result has the shape of x_T, {x_T.shape}; yours has {found.shape}")
    asked = outputs["times"][:, 0].astype(int).tolist()
    demand(asked == t.tolist(), f"the model is asked once at each of the times {t.tolist()}; you asked at {asked}")
    demand(outputs["callbacks"] == len(t), "the callback is called once at each step: that part was given")
    demand(same(outputs["places"][0], x_T), "the first question is about x_T itself")
    drawn, wanted = outputs["drawn"], (len(t) - 1) * (case["eta"] > 0)
    refuse(case["eta"] == 0 and drawn, "eta = 0 draws nothing: DDIM has no randomness")
    shared = "z has another shape than x: each number of each picture has a noise of its own"
    demand(outputs["shape"], shared)
    path = np.concatenate([outputs["places"][1:], found[None]])
    with np.errstate(all="ignore"):
        expected = walk(case, "")
        if wanted and not drawn:
            stuck = [step for step in ("only new missing", "no new", "old again") if same(path, walk(case, step), 1e-3)]
            refuse(stuck, DDIM_MISTAKES[stuck[0]] if stuck else "")
            refuse(True, "z is drawn with noise_like(x, generator): there may be a generator for each picture")
        explain(path, expected, {sentence: walk(case, step) for step, sentence in DDIM_MISTAKES.items()}, 1e-3)
    demand(drawn <= wanted, f"noise is drawn where sigma is 0: {drawn} times, {wanted} are needed")
    demand(outputs["generator"], "noise_like is called without the generator: the result can never be had again")


def times_cases(g: Generator) -> Iterator[Case]:
    some = int(g.integers(200, 800))
    for kind, length, steps in [
        ("cosine", 1000, 6),
        ("linear", 1000, 20),
        ("cosine", some, int(g.integers(8, 40))),
        ("cosine", 30, 30),
        ("cosine", 30, 29),
    ]:
        yield {"betas": SCHEDULES[kind](length).betas.numpy(), "steps": steps}


def times_judge(case: Case, outputs: Outputs) -> None:
    chosen, steps, length = outputs["value"].tolist(), case["steps"], len(case["betas"])
    demand(len(chosen) == steps, f"{steps} steps were asked for, you chose {len(chosen)}")
    demand(outputs["ints"], "times are Python ints, yours are numbers of another kind")
    refuse(chosen == sorted(chosen) and steps > 1, "times must fall: sampling goes from noise to picture, yours rise")
    refuse(max(chosen) == length, f"the last time is {length - 1}: the code counts from 0")
    ends = f"{min(chosen):g} and {max(chosen):g}"
    demand(max(chosen) < length and min(chosen) >= 0, f"times lie in [0, {length}), yours reach {ends}")
    refuse(len(set(chosen)) < steps, f"a time comes twice among {steps} steps of {length}")
    demand(all(a > b for a, b in zip(chosen, chosen[1:], strict=False)), "times must fall from each to the next")
    demand(chosen[-1] == 0, f"the last question is asked at {chosen[-1]:g}, where there is still noise to take away")
    left = (1 - case["betas"]).cumprod()[int(chosen[0])]
    demand(left / (1 - left) < 0.01, f"you start from pure noise, at t = {chosen[0]:g} of {length} it is not")
    if 3 * steps < length:
        even = np.linspace(length - 1, 0, steps)
        gaps = -np.diff(chosen)
        regular = np.ptp(gaps[:-1]) <= 1 or any(close(chosen, way(even)) for way in (np.floor, np.round, np.ceil))
        refuse(regular, "evenly in t is what the paper has: do better")
        own = NoiseSchedule(torch.from_numpy(case["betas"])).timesteps(steps)
        refuse(close(chosen, own), "these are the times of schedule.timesteps, or next to them: find better ones")


def close(chosen: list[float], known: list[int] | np.ndarray) -> bool:
    """Whether times are known ones up to rounding, or but for a single one."""
    away = np.abs(np.subtract(chosen, known))
    return bool(away.max() <= 2 or (away > 0).sum() <= 1)
