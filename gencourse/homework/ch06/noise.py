"""Chapter 06: what is drawn, the noise of the loss and that of the chain, is judged by hand."""

import numpy as np

from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.compare import demand, explain, number, refuse, same

NOT_FREE = "without a generator each call must draw anew, yours draws the same again: hand None on to torch as it is"


def at(values: np.ndarray, t: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return values[t] with as many dimensions as x."""
    return values[t].reshape(-1, *[1] * (x.ndim - 1))


def loss_judge(case: Case, outputs: Outputs) -> None:
    value, x0 = number(outputs), case["x0"].astype(float)
    demand("by scale" in outputs, "no gradient reaches the network: the loss must be able to train it")
    x_t, t, steps = outputs["places"][0], outputs["times"][0].astype(int), len(case["alphas_cumprod"])
    refuse(same(x_t, x0), "the network sees x0 without noise: it is asked about x_t")
    loss_times(t, steps)
    noise = mixed_in(case, outputs, "")
    loss_noise(noise, x0)
    answer = case["scale"] * x_t

    def error(x: np.ndarray) -> float:
        return float(np.square(answer - x).mean())

    per_picture = "a sum over the numbers of a picture: a picture twice as large should not cost twice as much"
    right = error(noise)
    mistakes = {
        "a sum over all numbers, where the mean is asked for": right * x0.size,
        per_picture: right * x0[0].size,
        "the network is asked for the noise, not for x0": error(x0),
        "the answer is compared with what the network saw: it is asked for the noise in it": error(x_t),
        "these are absolute errors: eq. 14 squares them": np.abs(answer - noise).mean(),
        "these are smooth absolute errors: eq. 14 squares them": smooth(answer - noise),
        "the errors are averaged with their signs, and cancel: eq. 14 squares them": (answer - noise).mean(),
        "no root is taken of the mean": np.sqrt(right),
        "half of what it should be": right / 2,
    }
    if not any(same(value, known, 1e-3) for known in (right, *mistakes.values())):
        fresh = same(value, np.square(answer).mean() + 1, 0.06)
        refuse(fresh, "the answer is compared with other noise than what is in x_t")
    explain(value, right, mistakes, 1e-3)
    downhill = same(outputs["by scale"], 2 * ((answer - noise) * x_t).mean(), 1e-2)
    demand(downhill, "the gradient is not that of the loss: is a part of the network's answer detached?")
    again, other = outputs["again places"], mixed_in(case, outputs, "other ")
    demand(same(again, outputs["places"], 0), "the same generator gave another x_t: hand it to all draws")
    refuse(same(outputs["other times"], outputs["times"], 0), "another generator drew the same times")
    refuse(same(other, noise, 1e-3), "another generator drew the same noise")
    for part in ("times", "places"):
        refuse(same(outputs[f"free {part}"], outputs[f"freely {part}"], 0), NOT_FREE)


def smooth(errors: np.ndarray) -> float:
    """The mean of squares where they are small, of absolute values beyond."""
    away = np.abs(errors)
    return float(np.where(away < 1, away**2 / 2, away - 0.5).mean())


def mixed_in(case: Case, outputs: Outputs, run: str) -> np.ndarray:
    """Return the noise in x_t of a run."""
    x0, x_t, steps = case["x0"].astype(float), outputs[f"{run}places"][0], len(case["alphas_cumprod"])
    t = outputs[f"{run}times"][0].astype(int).clip(0, steps - 1)
    left = at(case["alphas_cumprod"], t, x0)
    if outputs["stood in"]:  # our q_sample, which is another one
        return x_t + at(np.arange(steps) + 1.0, t, x0) * x0
    return (x_t - np.sqrt(left) * x0) / np.sqrt(1 - left)


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
    cut_off = "the last mean comes back cut off to a range: x_0 is returned as it is"
    ours = outputs["stood in"] > 0  # at these steps by our reverse_mean, which is another one
    means[ours] = (0.6 * places - answers / (t + 2.0).reshape(by_time))[ours]
    undone[ours] = 0.6
    added = np.concatenate([places[1:], out[None]]) - means
    edge = np.abs(out).max()
    refuse(np.abs(means[-1]).max() > edge + 1e-3 and same(out, means[-1].clip(-edge, edge)), cut_off)
    chain_noise(case, added, places, undone)
    demand(np.abs(added[-1]).max() < 1e-4, last_step(out, means[-1]))
    demand(same(out, outputs["again"], 0), "the same generator gave another result: something is drawn without it")
    refuse(same(out, outputs["other"], 1e-6), "another generator gave the same result: it is not used")
    refuse(same(outputs["free"], outputs["freely"], 0), NOT_FREE)


def last_step(out: np.ndarray, mean: np.ndarray) -> str:
    """Return what is wrong with the last step's result."""
    slope, offset = np.polyfit(mean.ravel(), out.ravel(), 1)
    if same(out, slope * mean + offset, 1e-3):
        return "the last mean comes back in another range: x_0 is returned as it is"
    return "the last step ends at its mean: what is added there stays in the picture"


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
    refuse(spread.min() < 1e-3, "noise is missing at some steps on the way: only the last one ends at its mean")
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
