"""Chapter 06, forward: any step in one go, and the loss."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.compare import demand, explain, normal, number, refuse, same, uniform

FORMULA_SHAPES = [(3, 3, 3, 3), (4, 4), (5, 2), (4, 1, 3, 5), (1, 2, 5, 3), (2, 3, 6, 4), (3, 2)]
DOUBLE = FORMULA_SHAPES[-1]  # asked in float64, so that a fixed float32 is found
NOT_FREE = "without a generator each call must draw anew, yours draws the same again: hand None on to torch as it is"


def falling(g: Generator, count: int) -> np.ndarray:
    """Draw alphas_cumprod, (count,) float64, that falls and has no two entries close to each other."""
    return np.linspace(0.93, 0.07, count) + g.uniform(-0.2, 0.2, count) / count


def moments(g: Generator, batch: int, steps: int, first: bool) -> np.ndarray:
    """Draw times, (batch,) int64; in the first case different ones, neither the first nor the last of all."""
    if first:
        return g.permutation(steps - 2)[:batch] + 1
    return np.append(g.integers(0, steps, batch - 1), 0 if batch > 1 else g.integers(0, steps))  # t = 0 is special


def at(values: np.ndarray, t: np.ndarray, x: np.ndarray, axis: int = 0) -> np.ndarray:
    """Return values[t] laid along an axis of x."""
    return values[t].reshape([-1 if i == axis else 1 for i in range(x.ndim)])


def precise(case: Case) -> Case:
    """Return a case with its float32 arrays as float64."""
    return {k: v.astype(float) if isinstance(v, np.ndarray) and v.dtype == np.float32 else v for k, v in case.items()}


def formula_judge(outputs: Outputs, x: np.ndarray, what: str) -> np.ndarray:
    """Demand what holds for any formula of pictures and times, x as it went in; returns the values."""
    found = outputs["value"]
    sentence = f"{x.shape} went in, {found.shape} came out: how many dimensions must a factor (B,) have?"
    demand(found.shape == x.shape, sentence)
    demand(same(found, outputs["again"], 0), f"the same arguments gave two results: {what}")
    demand(outputs["dtype"] == x.dtype.name, f"{x.dtype} went in, {outputs['dtype']} came out: see `values.to(...)`")
    return found


def sample_cases(g: Generator) -> Iterator[Case]:
    for shape in FORMULA_SHAPES:
        first, steps = shape == FORMULA_SHAPES[0], int(g.integers(6, 10))
        case = {
            "x0": uniform(g, *shape) * 2 - 1,
            "t": moments(g, shape[0], steps, first),
            "noise": normal(g, *shape),
            "alphas_cumprod": falling(g, steps),
        }
        yield precise(case) if shape == DOUBLE else case


def sample_judge(case: Case, outputs: Outputs) -> None:
    x0, noise, t, left = case["x0"].astype(float), case["noise"].astype(float), case["t"], case["alphas_cumprod"]
    found = formula_judge(outputs, case["x0"], "the noise is handed over, none is drawn")

    def mixed(kept: np.ndarray) -> np.ndarray:
        return np.sqrt(kept) * x0 + np.sqrt(1 - kept) * noise

    kept, steps = at(left, t, x0), len(left)
    expected = mixed(kept)
    wrong_axes = [mixed(at(left, t, x0, axis)) for axis in range(1, x0.ndim) if x0.shape[axis] == len(x0)]
    if not same(found, expected):
        scattered = any(same(found, values) for values in wrong_axes)
        refuse(scattered, "one picture was noised to several times: its time counts for all of its numbers")
    after = np.minimum(t + 1, steps - 1)
    mistakes = {
        "variance 1 goes in, another one comes out: the entries of alphas_cumprod are shares of variance": (
            kept * x0 + (1 - kept) * noise
        ),
        "x0 keeps another share than it should: look at its root": kept * x0 + np.sqrt(1 - kept) * noise,
        "there is too little noise: look at its root": np.sqrt(kept) * x0 + (1 - kept) * noise,
        "later times must keep less of the picture: yours keep more": mixed(1 - kept),
        "the noise should be added": np.sqrt(kept) * x0 - np.sqrt(1 - kept) * noise,
        "each time is one too early: the code counts from 0, and t = 0 has noise already": mixed(at(left, t - 1, x0)),
        "each time is one too late: the code counts from 0": mixed(at(left, after, x0)),
        "pictures with different t kept equally much: each has a time of its own": mixed(left[t[0]]),
        "pictures with different t kept the same on average: each has a time of its own": mixed(left[t].mean()),
        "the noise is as strong at every time: it needs a factor, too": np.sqrt(kept) * x0 + noise,
        "the picture never fades: variance 1 goes in, more comes out": x0 + np.sqrt(1 - kept) * noise,
        "alphas_cumprod is the product already: it is multiplied up once more": mixed(at(left.cumprod(), t, x0)),
        "the noise does not arrive": np.sqrt(kept) * x0,
    }
    explain(found, expected, mistakes)


def loss_cases(g: Generator) -> Iterator[Case]:
    for shape in [(6000, 2), (4000, 1, 3, 2), (3000, 2, 2, 4)]:
        yield {
            "x0": normal(g, *shape),
            "alphas_cumprod": falling(g, int(g.integers(3, 6))),
            "scale": float(g.uniform(0.2, 0.4)),
            "seed": int(g.integers(1, 10_000)),
        }


def loss_judge(case: Case, outputs: Outputs) -> None:
    value, x0, left = number(outputs), case["x0"].astype(float), case["alphas_cumprod"]
    demand(outputs["learns"], "no gradient reaches the network: the loss must be able to train it")
    x_t, t, steps = outputs["places"][0], outputs["times"][0].astype(int), len(left)
    refuse(same(x_t, x0), "the network sees x0 without noise: it is asked about x_t")
    loss_times(t, steps)
    if outputs["stood in"]:  # by our q_sample, which is another one
        noise = x_t + at(np.arange(steps) + 1.0, t, x0) * x0
    else:
        noise = (x_t - np.sqrt(at(left, t, x0)) * x0) / np.sqrt(1 - at(left, t, x0))
    loss_noise(noise, x0)
    answer = case["scale"] * x_t
    error = np.square(answer - noise)
    mistakes = {
        "a sum over all numbers, where the mean is asked for": error.sum(),
        "a sum over the numbers of a picture: a picture twice as large should not cost twice as much": error.sum()
        / len(x0),
        "the network is asked for the noise, not for x0": np.square(answer - x0).mean(),
        "the answer is compared with what the network saw: it is asked for the noise in it": np.square(
            answer - x_t
        ).mean(),
        "the errors are squared, not taken without their sign": np.abs(answer - noise).mean(),
        "no root is taken of the mean": np.sqrt(error.mean()),
        "half of what it should be": error.mean() / 2,
    }
    if not any(same(value, known, 1e-3) for known in (error.mean(), *mistakes.values())):
        fresh = same(value, np.square(answer).mean() + 1, 0.06)
        refuse(fresh, "the answer is compared with other noise than what is in x_t")
    explain(value, error.mean(), mistakes, 1e-3)
    again = same(outputs["again places"], outputs["places"], 0)
    demand(again, "the same generator gave another x_t: hand it to all draws")
    refuse(same(outputs["other times"], outputs["times"], 0), "another generator drew the same times")
    refuse(same(outputs["other places"], outputs["places"], 0), "another generator drew the same noise")
    for part in ("times", "places"):
        refuse(same(outputs[f"free {part}"], outputs[f"freely {part}"], 0), NOT_FREE)


def loss_times(t: np.ndarray, steps: int) -> None:
    """The times that the network was told are those of the schedule, each as often as any other."""
    shares = np.array([(t == i).mean() for i in range(steps)])
    one_too_late = t.min() == 1 and t.max() == steps
    refuse(one_too_late, "the network is told times from 1 to T: the code counts them from 0")
    demand(abs(shares.sum() - 1) < 1e-9, f"there are {steps} times, from 0 on; you drew {t.min()} to {t.max()}")
    refuse((shares == 1).any(), "the whole batch has one time: each picture has a time of its own")
    refuse(shares[-1] == 0, "the last time never comes: where does randint end?")
    refuse(shares[0] == 0, "the first time never comes: the code counts from 0")
    shown = ", ".join(f"{share:.0%}" for share in shares)
    demand(np.abs(shares - 1 / steps).max() < 0.05, f"all times must come equally often, yours: {shown}")


def loss_noise(noise: np.ndarray, x0: np.ndarray) -> None:
    """What was mixed in, of the shape of x0, is N(0, I) and has nothing to do with x0."""
    refuse(np.abs(noise).max() < 1e-3, "no noise is mixed in")
    refuse(noise.std(0).max() < 1e-3, "all pictures got the same noise")
    shared_noise(noise)
    alike = abs(np.corrcoef(noise.ravel(), x0.ravel())[0, 1])
    refuse(alike > 0.06, "x_t does not hold as much of x0 as the times say that the network is told: see q_sample")
    alike = abs(np.corrcoef(np.square(noise).ravel(), np.square(x0).ravel())[0, 1])
    refuse(alike > 0.1, "x_t is made with other times than the network is told: draw t once")
    refuse(abs(noise.mean()) > 0.06, "the noise has a mean: N(0, I) is wanted")
    sentence = f"the noise in x_t has a standard deviation of {noise.std():.2f}: N(0, I) is wanted"
    demand(abs(noise.std() - 1) < 0.05, sentence)


def shared_noise(noise: np.ndarray) -> None:
    """Refuse noise, (B, ...), of which numbers of one picture share theirs; B in the hundreds.

    Correlations of B pairs of independent numbers differ from 0 by about 1 / sqrt(B), 0.05 at most.
    """
    numbers = noise.reshape(len(noise), -1)
    if numbers.shape[1] == 1 or numbers.std(0).min() == 0:
        return
    flat = numbers.std(1).max() < 1e-3 * numbers.std()
    refuse(flat, "all numbers of a picture got the same noise: draw one for each")
    alike = np.corrcoef(numbers.T)[np.triu_indices(numbers.shape[1], 1)]
    shared = np.abs(alike).max() > 0.35
    refuse(shared, "numbers of one picture share their noise, as its channels or rows may: draw one for each number")
