"""Chapter 06, diffusion: what its functions are asked, and what is judged by hand."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from numpy.random import Generator

from gencourse.homework.ch06 import calls as ch06
from gencourse.homework.ch06 import reference
from gencourse.homework.ch06.mistakes import MISTAKES
from gencourse.homework.ch06.noise import chain_judge, loss_judge
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import READ_BACK, demand, normal, refuse, same, uniform
from gencourse.homework.checking.engine import precise
from gencourse.methods.denoising import SCHEDULES
from gencourse.methods.diffusion import NoiseSchedule

FORMULA_SHAPES = [(3, 3, 3, 3), (4, 4), (5, 2), (4, 1, 3, 5), (1, 2, 5, 3), (2, 3, 6, 4), (3, 2)]
DOUBLE = FORMULA_SHAPES[-1]  # asked in float64, so that a fixed float32 is found


def falling(g: Generator, count: int) -> np.ndarray:
    """Draw alphas_cumprod, (count,) float64, that falls and has no two entries close to each other."""
    return np.linspace(0.93, 0.07, count) + g.uniform(-0.2, 0.2, count) / count


def moments(g: Generator, batch: int, steps: int, first: bool) -> np.ndarray:
    """Draw times, (batch,) int64; in the first case different ones, neither the first nor the last of all."""
    if first:
        return g.permutation(steps - 2)[:batch] + 1
    return np.append(g.integers(0, steps, batch - 1), 0 if batch > 1 else g.integers(0, steps))  # t = 0 is special


def formula_cases(draw: Callable[..., Case], g: Generator) -> Iterator[Case]:
    for shape in FORMULA_SHAPES:
        steps = int(g.integers(6, 10))
        case = draw(g, shape, moments(g, shape[0], steps, shape == FORMULA_SHAPES[0]), steps)
        yield precise(case) if shape == DOUBLE else case


def sample_case(g: Generator, shape: tuple[int, ...], t: np.ndarray, steps: int) -> Case:
    return {"x0": uniform(g, *shape) * 2 - 1, "t": t, "noise": normal(g, *shape), "alphas_cumprod": falling(g, steps)}


def mean_case(g: Generator, shape: tuple[int, ...], t: np.ndarray, steps: int) -> Case:
    betas = g.permutation(np.linspace(0.06, 0.5, steps)) + g.uniform(0, 0.03, steps)
    return {"x_t": normal(g, *shape), "noise": normal(g, *shape), "t": t, "betas": betas}


def loss_cases(g: Generator) -> Iterator[Case]:
    for shape in [(6000, 2), (4000, 1, 3, 2), (3000, 2, 2, 4)]:
        yield {
            "x0": normal(g, *shape),
            "alphas_cumprod": falling(g, int(g.integers(3, 6))),
            "scale": float(g.uniform(0.2, 0.4)),
            "seed": int(g.integers(1, 10_000)),
        }


def chain_cases(g: Generator) -> Iterator[Case]:
    for shape in [(5000, 2), (900, 1, 3, 4), (400, 3, 4, 2)]:
        steps = int(g.integers(4, 7))
        later = g.permutation(np.linspace(0.15, 0.65, steps - 1))
        yield {
            "x_T": normal(g, *shape),
            "betas": np.concatenate([g.uniform(0.03, 0.08, 1), later]),
            "scale": float(g.uniform(0.2, 0.5)),
            "shift": float(g.uniform(0.05, 0.2)),
            "seed": int(g.integers(1, 10_000)),
        }


def formula_judge(name: str, what: str, case: Case, outputs: Outputs) -> None:
    """Demand what holds for any formula of pictures, the input of that name, and times."""
    x, found = case[name], outputs["value"]
    sentence = f"{x.shape} went in, {found.shape} came out: how many dimensions must a factor (B,) have?"
    demand(found.shape == x.shape, sentence)
    demand(same(found, outputs["again"], 0), f"the same arguments gave two results: {what}")
    demand(outputs["dtype"] == x.dtype.name, f"{x.dtype} went in, {outputs['dtype']} came out: see `values.to(...)`")


def value_alone(case: Case, outputs: Outputs) -> Outputs:
    return {"value": outputs["value"]}


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
    shape, found = case["x_t"].shape, outputs["value"].shape
    demand(found == shape, f"a prediction has the shape of x_t, {shape}; yours has {found}")


def step_cases(g: Generator) -> Iterator[Case]:
    for shape in [(6, 3), (4, 1, 2, 3), (8, 2)]:
        yield {
            "x0": normal(g, *shape),
            "alphas_cumprod": falling(g, 5),
            "decay": float(g.uniform(0.6, 0.8)),
            "noise": normal(g, 7, *shape),
            "weight": normal(g, *shape[1:]),
            "bias": normal(g, *shape[1:]),
            "rate": float(g.uniform(0.1, 0.2)),
        }


def step_judge(case: Case, outputs: Outputs) -> None:
    computed = int(outputs["computed"])
    demand(computed == 3, f"noise_loss is computed once a step; in three steps it was computed {computed} times")
    refuse(outputs["number"], READ_BACK)


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


def ddim_judge(case: Case, outputs: Outputs) -> None:
    """Judge what the model was asked, and the shape of what is drawn."""
    x_T, t, found = case["x_T"], case["t"], outputs["value"]
    demand(found.shape == x_T.shape, f"the result has the shape of x_T, {x_T.shape}; yours has {found.shape}")
    asked = outputs["times"][:, 0].astype(int).tolist()
    demand(asked == t.tolist(), f"the model is asked once at each of the times {t.tolist()}; you asked at {asked}")
    demand(outputs["callbacks"] == len(t), "the callback is called once at each step: that part was given")
    demand(same(outputs["places"][0], x_T), "the first question is about x_T itself")
    answers = case["scale"] * outputs["places"] + case["shift"] * t.reshape(-1, *[1] * x_T.ndim)
    told = outputs["told"].shape == (2, *answers.shape)
    demand(told, "callback(x_t, x0_hat, t) is told two tensors of the shape of x_T: that part was given")
    moved = "the callback is called before x moves on, with the x_t and the x0_hat of this step: that part was given"
    demand(same(outputs["told"][0], outputs["places"]) and same(outputs["told"][1], answers), moved)
    refuse(case["eta"] == 0 and outputs["drawn"], "eta = 0 draws nothing: DDIM has no randomness")
    demand(outputs["shape"], "z has another shape than x: each number of each picture has a noise of its own")


def path(case: Case, outputs: Outputs) -> Outputs:
    """Whether noise was drawn, then the values; how often, where these are right."""
    kept = {name: outputs[name] for name in ("places", "value", "generator")}
    return {"draws": float(outputs["drawn"] > 0), **kept, "drawn": str(outputs["drawn"])}


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


CHECKS = {
    "q_sample": Check(
        "task-q-sample",
        partial(formula_cases, sample_case),
        reference.q_sample,
        MISTAKES["q_sample"],
        call=ch06.twice,
        judge=partial(formula_judge, "x0", "the noise is handed over, none is drawn"),
        view=value_alone,
    ),
    "noise_loss": Check("task-noise-loss", loss_cases, judge=loss_judge, call=ch06.noise_loss),
    "train_step": Check(
        "task-train-step",
        step_cases,
        reference.train_step,
        MISTAKES["train_step"],
        call=ch06.train_step,
        judge=step_judge,
        sentences={
            "generator": "noise_loss is called without the generator: the training can never be had again",
            "detached": "the loss comes back with its graph: detach it, or every step's graph is kept",
            "free": "the average hangs on the graph of all steps: move it under torch.no_grad()",
        },
    ),
    "reverse_mean": Check(
        "task-mean",
        partial(formula_cases, mean_case),
        reference.reverse_mean,
        MISTAKES["reverse_mean"],
        call=ch06.twice,
        judge=partial(formula_judge, "x_t", "the mean is asked for, not a draw around it"),
        view=value_alone,
    ),
    "ancestral": Check("task-ancestral", chain_cases, judge=chain_judge, call=ch06.ancestral),
    "guided": Check(
        "task-guided", guided_cases, reference.guided, MISTAKES["guided"], call=ch06.guided, judge=guided_judge
    ),
    "ddim": Check(
        "task-ddim",
        ddim_cases,
        reference.ddim,
        MISTAKES["ddim"],
        call=ch06.ddim,
        judge=ddim_judge,
        view=path,
        sentences={
            "draws": "z is drawn with noise_like(x, generator): there may be a generator for each picture",
            "drawn": "noise is drawn where sigma is 0: once at each other step is enough",
            "generator": "noise_like is called without the generator: the result can never be had again",
        },
        tolerance=1e-3,
    ),
    "my_times": Check("task-times", times_cases, judge=times_judge, call=ch06.chosen_times),
}
