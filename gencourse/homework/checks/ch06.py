"""Chapter 06, diffusion: what its functions must do, and the mistakes that have a name."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.calls import Case, Outputs, ch06
from gencourse.homework.checks import Check
from gencourse.homework.checks.compare import demand, explain, normal, number, refuse, same, uniform

FORMULA_SHAPES = [(3, 3, 3, 3), (4, 4), (5, 2), (4, 1, 3, 5), (1, 2, 5, 3), (2, 3, 6, 4)]


def falling(g: Generator, count: int) -> np.ndarray:
    """Draw alphas_cumprod, (count,) float64, that falls and has no two entries close to each other."""
    return np.linspace(0.93, 0.07, count) + g.uniform(-0.2, 0.2, count) / count


def moments(g: Generator, batch: int, steps: int, first: bool) -> np.ndarray:
    """Draw times, (batch,) int64; in the first case different ones, neither the first nor the last of all."""
    return g.permutation(steps - 2)[:batch] + 1 if first else g.integers(0, steps, batch)


def at(values: np.ndarray, t: np.ndarray, x: np.ndarray, axis: int = 0) -> np.ndarray:
    """Return values[t] laid along an axis of x."""
    return values[t].reshape([-1 if i == axis else 1 for i in range(x.ndim)])


def formula_judge(outputs: Outputs, x: np.ndarray, what: str) -> np.ndarray:
    """Demand what holds for any formula of pictures and times; returns the values."""
    found = outputs["value"]
    sentence = f"{x.shape} went in, {found.shape} came out: how many dimensions must a factor (B,) have?"
    demand(found.shape == x.shape, sentence)
    demand(same(found, outputs["again"], 0), f"the same arguments gave two results: {what}")
    demand(outputs["dtype"] == "float32", f"float32 went in, {outputs['dtype']} came out: see `values.to(...)`")
    return found


def sample_cases(g: Generator) -> Iterator[Case]:
    for shape in FORMULA_SHAPES:
        first, steps = shape == FORMULA_SHAPES[0], int(g.integers(6, 10))
        yield {
            "x0": uniform(g, *shape) * 2 - 1,
            "t": moments(g, shape[0], steps, first),
            "noise": normal(g, *shape),
            "alphas_cumprod": falling(g, steps),
        }


def sample_judge(case: Case, outputs: Outputs) -> None:
    x0, noise, t, left = case["x0"].astype(float), case["noise"].astype(float), case["t"], case["alphas_cumprod"]
    found = formula_judge(outputs, x0, "the noise is handed over, none is drawn")

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
    loss_noise(noise.reshape(len(x0), -1), x0)
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
    """What was mixed in, (B, numbers), is N(0, I) and has nothing to do with x0."""
    refuse(np.abs(noise).max() < 1e-3, "no noise is mixed in")
    refuse(noise.std(0).max() < 1e-3, "all pictures got the same noise")
    refuse(noise.std(1).max() < 1e-3, "all numbers of a picture got the same noise: draw one for each")
    alike = abs(np.corrcoef(noise.ravel(), x0.ravel())[0, 1])
    refuse(alike > 0.06, "x_t does not hold as much of x0 as the times say that the network is told: see q_sample")
    alike = abs(np.corrcoef(np.square(noise).ravel(), np.square(x0).ravel())[0, 1])
    refuse(alike > 0.1, "x_t is made with other times than the network is told: draw t once")
    refuse(abs(noise.mean()) > 0.06, "the noise has a mean: N(0, I) is wanted")
    sentence = f"the noise in x_t has a standard deviation of {noise.std():.2f}: N(0, I) is wanted"
    demand(abs(noise.std() - 1) < 0.05, sentence)


def mean_cases(g: Generator) -> Iterator[Case]:
    for shape in FORMULA_SHAPES:
        first, steps = shape == FORMULA_SHAPES[0], int(g.integers(6, 10))
        yield {
            "x_t": normal(g, *shape),
            "noise": normal(g, *shape),
            "t": moments(g, shape[0], steps, first),
            "betas": g.permutation(np.linspace(0.06, 0.5, steps)) + g.uniform(0, 0.03, steps),
        }


def mean_judge(case: Case, outputs: Outputs) -> None:
    x, noise, t, betas = case["x_t"].astype(float), case["noise"].astype(float), case["t"], case["betas"]
    found = formula_judge(outputs, x, "the mean is asked for, not a draw around it")
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
    if outputs["stood in"]:  # by our reverse_mean, which is another one
        means, undone = 0.6 * places - answers / (t + 2.0).reshape(by_time), np.full(len(t), 0.6)
    else:
        share = (betas / np.sqrt(1 - left))[t].reshape(by_time)
        means, undone = (places - share * answers) / np.sqrt(alphas)[t].reshape(by_time), 1 / np.sqrt(alphas)[t]
    added = np.concatenate([places[1:], out[None]]) - means
    chain_noise(case, added, places, undone)
    demand(same(out, outputs["again"], 0), "the same generator gave another result: something is drawn without it")
    refuse(same(out, outputs["other"], 1e-6), "another generator gave the same result: it is not used")


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
        "the weight changes nothing: this is the conditional prediction": given,
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


def betas_of(kind: str, steps: int) -> np.ndarray:
    """The betas of a schedule of the chapter, (steps,) float64."""
    if kind == "linear":
        return (np.linspace(1e-4, 0.02, steps) * 1000 / steps).clip(max=0.999)
    left = np.square(np.cos((np.linspace(0, 1, steps + 1) + 0.008) / 1.008 * np.pi / 2))
    return (1 - left[1:] / left[:-1]).clip(max=0.999)


def times_cases(g: Generator) -> Iterator[Case]:
    some = int(g.integers(200, 800))
    for kind, length, steps in [
        ("cosine", 1000, 6),
        ("linear", 1000, 20),
        ("cosine", some, int(g.integers(8, 40))),
        ("cosine", 30, 30),
        ("cosine", 30, 29),
    ]:
        yield {"betas": betas_of(kind, length), "steps": steps}


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


CHECKS = {
    "q_sample": Check("task-q-sample", sample_cases, sample_judge, ch06.twice),
    "noise_loss": Check("task-noise-loss", loss_cases, loss_judge, ch06.noise_loss),
    "reverse_mean": Check("task-mean", mean_cases, mean_judge, ch06.twice),
    "ancestral": Check("task-ancestral", chain_cases, chain_judge, ch06.ancestral),
    "guided": Check("task-guided", guided_cases, guided_judge, ch06.guided),
    "ddim": Check("task-ddim", ddim_cases, ddim_judge, ch06.ddim),
    "my_times": Check("task-times", times_cases, times_judge, ch06.chosen_times),
}
