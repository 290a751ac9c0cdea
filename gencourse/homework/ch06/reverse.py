"""Chapter 06, backward: the mean of one step, and the whole chain."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch06.forward import (
    DOUBLE,
    FORMULA_SHAPES,
    NOT_FREE,
    at,
    formula_judge,
    moments,
    precise,
    shared_noise,
)
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.compare import demand, explain, normal, refuse, same


def mean_cases(g: Generator) -> Iterator[Case]:
    for shape in FORMULA_SHAPES:
        first, steps = shape == FORMULA_SHAPES[0], int(g.integers(6, 10))
        case = {
            "x_t": normal(g, *shape),
            "noise": normal(g, *shape),
            "t": moments(g, shape[0], steps, first),
            "betas": g.permutation(np.linspace(0.06, 0.5, steps)) + g.uniform(0, 0.03, steps),
        }
        yield precise(case) if shape == DOUBLE else case


def mean_judge(case: Case, outputs: Outputs) -> None:
    x, noise, t, betas = case["x_t"].astype(float), case["noise"].astype(float), case["t"], case["betas"]
    found = formula_judge(outputs, case["x_t"], "the mean is asked for, not a draw around it")
    alphas, left = 1 - betas, (1 - betas).cumprod()
    shares = betas / np.sqrt(1 - left)

    def back(shares: np.ndarray, shrunk: np.ndarray, t: np.ndarray = t, axis: int = 0, sign: int = 1) -> np.ndarray:
        return (x - sign * at(shares, t, x, axis) * noise) / at(shrunk, t, x, axis)

    usual = shares, np.sqrt(alphas)
    expected = back(*usual)
    if not same(found, expected):
        wrong_axes = [back(*usual, axis=axis) for axis in range(1, x.ndim) if x.shape[axis] == len(x)]
        scattered = any(same(found, values) for values in wrong_axes)
        refuse(scattered, "one picture was treated as if it had several times: its time counts for all of its numbers")
    before = np.concatenate([[1.0], left[:-1]])

    def by_start(before: np.ndarray) -> np.ndarray:
        """Eq. 7, with the x0 that the noise amounts to."""
        x0 = back(np.sqrt(1 - left), np.sqrt(left))
        of_x0, of_x = np.sqrt(before) * betas / (1 - left), np.sqrt(alphas) * (1 - before) / (1 - left)
        return at(of_x0, t, x) * x0 + at(of_x, t, x) * x

    with np.errstate(all="ignore"):
        mistakes = {
            "you add noise where you should take some away": back(*usual, sign=-1),
            "each step forward also shrinks: nothing undoes that": back(shares, np.ones_like(betas)),
            "the step forward shrinks; yours shrinks once more where it should undo it": back(shares, 1 / usual[1]),
            "the step forward shrinks by a root": back(shares, alphas),
            "undo the shrinking of this one step, not of all steps so far": back(shares, np.sqrt(left)),
            "this is the guess for x0: only one step back is asked for": back(np.sqrt(1 - left), np.sqrt(left)),
            "all of the noise is taken away: one step takes a little of it": back(np.sqrt(1 - left), usual[1]),
            "another share of the noise is taken away: look below beta": back(betas / (1 - left), usual[1]),
            "too much noise is taken away: beta stands there without a root": back(
                np.sqrt(betas / (1 - left)), usual[1]
            ),
            "this is the noise of the last step forward alone; the noise handed over is that of all steps": back(
                np.sqrt(betas), usual[1]
            ),
            "the noise is taken away unscaled": back(np.ones_like(betas), usual[1]),
            "the shrinking is undone for x_t, not for the noise: see the brackets": (
                x / at(usual[1], t, x) - at(shares, t, x) * noise
            ),
            "the product runs over the alphas, not over the betas": back(
                betas / np.sqrt(1 - betas.cumprod()), usual[1]
            ),
            "what has piled up until t counts, not until one step earlier": back(betas / np.sqrt(1 - before), usual[1]),
            "wrong at t = 0 alone: before the first step nothing has piled up, alphas_cumprod is 1 there": by_start(
                np.roll(left, 1)
            ),
            "each time is one too early: the code counts from 0": back(*usual, t=t - 1),
            "each time is one too late: the code counts from 0": back(*usual, t=np.minimum(t + 1, len(betas) - 1)),
            "different times, one factor: each picture has a time of its own": back(*usual, t=np.full_like(t, t[0])),
        }
        explain(found, expected, mistakes)


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


def chain_judge(case: Case, outputs: Outputs) -> None:
    x_T, betas, out = case["x_T"].astype(float), case["betas"], outputs["value"]
    demand(out.shape == x_T.shape, f"x_0 has the shape of x_T, {x_T.shape}; yours has {out.shape}")
    times, places = outputs["times"], outputs["places"]
    chain_times(times, len(betas))
    demand(same(places[0], x_T), "the first question is about x_T itself")
    refuse(same(places[1], x_T), "the network is asked about x_T again and again, not about the current x")
    t = times[:, 0].astype(int)
    alphas, left = 1 - betas, (1 - betas).cumprod()
    by_time = (-1, *[1] * x_T.ndim)
    answers = case["scale"] * places + case["shift"] * t.reshape(by_time)
    share = (betas / np.sqrt(1 - left))[t].reshape(by_time)
    means, undone = (places - share * answers) / np.sqrt(alphas)[t].reshape(by_time), 1 / np.sqrt(alphas)[t]
    ours = outputs["stood in"] > 0  # at these steps by our reverse_mean, which is another one
    means[ours] = (0.6 * places - answers / (t + 2.0).reshape(by_time))[ours]
    undone[ours] = 0.6
    added = np.concatenate([places[1:], out[None]]) - means
    chain_noise(case, added, places, undone)
    demand(same(out, outputs["again"], 0), "the same generator gave another result: something is drawn without it")
    refuse(same(out, outputs["other"], 1e-6), "another generator gave the same result: it is not used")
    refuse(same(outputs["free"], outputs["freely"], 0), NOT_FREE)


def chain_times(times: np.ndarray, steps: int) -> None:
    """The network was asked once at each time, from the last to the first."""
    asked = [row[0] if (row == row[0]).all() else None for row in times.astype(int)[:50]]
    demand(None not in asked, "within one question all pictures have the same time")
    down = list(range(steps))[::-1]
    refuse(asked == down[::-1], "the way back begins at the last time: yours goes forward")
    refuse(asked == down[:-1], "the network is not asked at the last step, t = 0: the first beta is a step too")
    refuse(asked == down[1:], "the first step back is left out: the code counts to T - 1")
    shown = ", ".join(map(str, asked))
    sentence = f"the network must be asked once at each time, from {steps - 1} down to 0; you asked at {shown}"
    demand(asked == down, sentence)


def chain_noise(case: Case, added: np.ndarray, places: np.ndarray, undone: np.ndarray) -> None:
    """What is added to the means, (T, B, ...), is fresh noise of variance beta, and nothing at the last step."""
    betas, on_way = case["betas"], added[:-1].reshape(len(added) - 1, -1)
    last = np.abs(added[-1]).max()
    refuse(np.abs(on_way).max() < 1e-4 and last < 1e-4, "no noise is added on the way: x_{t-1} is a draw, not the mean")
    same_for_all = max(step.std(0).max() for step in added[:-1]) < 1e-4
    refuse(same_for_all, "all pictures get the same noise")
    for step in added[:-1]:
        shared_noise(step)
    spread = on_way.std(1)
    few = "noise is missing at some steps on the way: only the last one ends at its mean"
    refuse(spread.min() < 1e-3, few)
    alike = np.corrcoef(on_way)[np.triu_indices(len(on_way), 1)]
    refuse(np.abs(alike).max() > 0.99, "the noise of one step comes again in another: draw anew at each step")
    seen = [np.corrcoef(step, x.ravel())[0, 1] for step, x in zip(on_way, places, strict=False)]
    off_mean = "x does not go to reverse_mean of x, of the answer and of this time, and from there on at random"
    refuse(np.abs(seen).max() > 0.08, off_mean)
    off_zero = np.abs(on_way.mean(1)) > 0.08 * spread
    refuse(off_zero.any(), "what is added has a mean: noise of N(0, I) has none")
    t = np.arange(len(betas))[:0:-1]
    left = (1 - betas).cumprod()
    smaller = betas * (1 - np.concatenate([[1.0], left[:-1]])) / (1 - left)

    def fits(deviations: np.ndarray) -> bool:
        return bool((np.abs(spread / deviations - 1) < 0.05).all())

    if not fits(np.sqrt(betas[t])):
        refuse(fits(betas[t]), "beta is a variance: the noise you add has another one")
        refuse(fits(np.ones(len(t))), "the noise is added as it was drawn: how much of it depends on t")
        refuse(fits(np.sqrt(betas[t - 1])), "at each time you add the noise of the time before it: off by one")
        refuse(fits(np.sqrt(smaller[t])), "this is the paper's other choice of the variance: here sigma^2 is beta")
        refuse(fits(np.sqrt(1 - left[t])), "this is the variance of all steps so far: only one step is undone")
        early = fits(np.sqrt(betas[t]) * undone[:-1])
        refuse(early, "the noise is added before the mean is taken, so it is scaled with it")
        refuse(fits(np.sqrt(betas[t] / 12)), "what is drawn evenly from an interval is not N(0, I)")
        shown = ", ".join(f"{one**2:.3f}" for one in spread)
        refuse(True, f"the noise that you add has the variances {shown} from t = {t[0]} on: not the schedule's")
    demand(last < 1e-4, "the last step ends at its mean: what is added there stays in the picture")
