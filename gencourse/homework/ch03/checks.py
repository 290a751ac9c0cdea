"""Chapter 03, GAN: what its functions must do, and the mistakes that have a name."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch03 import calls as ch03
from gencourse.homework.checking import calls
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import TOLERANCE, demand, explain, normal, number, refuse, same, uniform

# Logits at which a rounded sigmoid is exactly 0 or 1: at the larger the exponential overflows too; at the smaller
# torch's binary cross-entropy of a sigmoid shows that it cuts its logarithms off at -100.
SURE = np.float32([-100, 100, -30, 30])
ROUNDED = "infinite where D is very sure: do not take the logarithm of a rounded sigmoid"
CUT = "wrong where D is very sure: is a logarithm cut off somewhere? Compute from the logits themselves"


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(-softplus(-x))


def critic_cases(g: Generator) -> Iterator[Case]:
    for real, fake in [(3, 3), (1, 6), (8, 2)]:
        yield {"real_logits": normal(g, real), "fake_logits": normal(g, fake)}
    yield {"real_logits": SURE, "fake_logits": -SURE}


def critic_judge(case: Case, outputs: Outputs) -> None:
    real, fake = (case[name].astype(float) for name in ("real_logits", "fake_logits"))
    very_sure = np.abs(real).max() >= 100
    demand(not very_sure or np.isfinite(outputs["value"]).all(), ROUNDED)
    found, on_real, on_fake = number(outputs), softplus(-real).mean(), softplus(fake).mean()
    demand(not very_sure or same(found, on_real + on_fake), CUT)
    mistakes = {
        "the labels are swapped: real is 1, fake is 0": softplus(real).mean() + softplus(-fake).mean(),
        "both batches are averaged, their losses added, not averaged": (on_real + on_fake) / 2,
        "a sum over the batch, where the mean is asked for": softplus(-real).sum() + softplus(fake).sum(),
        "only the real pictures count": on_real,
        "only the fakes count": on_fake,
        "D likes fakes as much as real pictures: fakes are labelled 0": on_real + softplus(-fake).mean(),
        "the sign is wrong: descending it makes D worse": -on_real - on_fake,
        "all pictures are averaged together: each batch has a mean of its own": softplus(
            np.concatenate([-real, fake])
        ).mean(),
        "the sigmoid is taken twice: these are logits already": softplus(-sigmoid(real)).mean()
        + softplus(sigmoid(fake)).mean(),
    }
    explain(found, on_real + on_fake, mistakes)
    demand({"by real_logits", "by fake_logits"} <= set(outputs), "no gradient reaches the logits")
    right = same(outputs["by real_logits"], (sigmoid(real) - 1) / len(real), 1e-3)
    right = right and same(outputs["by fake_logits"], sigmoid(fake) / len(fake), 1e-3)
    demand(right, "the gradient is not that of the loss: is a part of it cut off?")


def maker_cases(g: Generator) -> Iterator[Case]:
    for count in (3, 6, 1):
        yield {"fake_logits": normal(g, count)}
    yield {"fake_logits": SURE}


def maker_judge(case: Case, outputs: Outputs) -> None:
    fake = case["fake_logits"].astype(float)
    very_sure = np.abs(fake).max() >= 100
    demand(not very_sure or np.isfinite(outputs["value"]).all(), ROUNDED)
    found, slope = number(outputs), outputs.get("by fake_logits")
    demand(slope is not None, "no gradient reaches the logits: G learns nothing")
    flat = same(slope, -sigmoid(fake) / len(fake)) or same(slope, -sigmoid(fake))
    refuse(flat, "this is the minimax form: flat where G needs it most")
    demand(not very_sure or same(found, softplus(-fake).mean()), CUT)
    mistakes = {
        "descending it makes D surer that these pictures are fake: flip the label": softplus(fake).mean(),
        "a sum over the batch, where the mean is asked for": softplus(-fake).sum(),
        "the sign is wrong: descending it makes the pictures worse": -softplus(-fake).mean(),
        "this is the Wasserstein generator's loss: here it is −log D": -fake.mean(),
        "the sigmoid is taken twice: these are logits already": softplus(-sigmoid(fake)).mean(),
        "half of what it should be": softplus(-fake).mean() / 2,
    }
    explain(found, softplus(-fake).mean(), mistakes)
    demand(same(slope, (sigmoid(fake) - 1) / len(fake), 1e-3), "the gradient is not that of −log D: is a part cut off?")


def steps_cases(g: Generator) -> Iterator[Case]:
    for batch, latent, pixels in [(5, 2, 3), (4, 3, 2)]:
        weights = {"g": normal(g, pixels, latent), "g_bias": normal(g, pixels), "d": normal(g, 1, pixels)}
        yield {
            "x": normal(g, batch, pixels),
            "noise": normal(g, 6 * batch, latent),
            "d_bias": normal(g, 1),
            "rate": 0.1,
        } | weights


def d_update(case: Case, by_real: np.ndarray, by_fake: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """D's weights and bias after a step down the given slopes by the logits, (batch,) each."""
    ones = np.ones((len(fake), 1))
    slope = by_real @ np.hstack([case["x"], ones]) + by_fake @ np.hstack([fake, ones])
    return np.hstack([case["d"], case["d_bias"][None]])[0] - case["rate"] * slope


def steps_judge(case: Case, outputs: Outputs) -> None:
    batch = len(case["x"])
    refuse(outputs["updates"] == "GD", "D is updated first, then G: yours goes the other way round")
    done = " then ".join(outputs["updates"]) or "nothing"
    demand(outputs["updates"] == "DG", f"D is updated once, then G once; you updated {done}")
    judged = outputs["batches"].split(",")
    mixed = len(judged) == 2 and str(2 * batch) in judged
    refuse(mixed, "real and fake pass D in one batch: each needs a pass of its own, batch normalisation sees the batch")
    uneven = f"as many fakes as reals, draw_z(len(x)): x holds {batch}, D judged batches of {', '.join(judged)}"
    demand(set(judged) == {str(batch)}, uneven)
    drawn = f"{outputs['drawn']} z, where x holds {batch}"
    demand(outputs["drawn"] == 2 * batch, f"noise is drawn twice, once for D and once anew for G; you drew {drawn}")
    passes = ",".join([str(batch)] * 3)
    demand(outputs["batches"] == passes, "D judges three batches, each in a pass of its own: real, fake, the new fakes")
    reached = outputs.get("reached")
    untouched = reached is None or np.unique(reached).tolist() in ([0.0], [1.0])
    demand(untouched, "D's loss reached G: cut the graph in step 1")
    frozen = outputs["frozen"]
    refuse(frozen, f"{frozen} stays frozen (requires_grad is False): from the next iteration on it can learn nothing")
    d_found = np.hstack([outputs["d"], outputs["d_bias"][None]])[0]
    steps_of_d(case, d_found)
    steps_of_g(case, outputs, d_found)
    demand(outputs["names"] == "D,G", f'return {{"D": ..., "G": ...}}, got the names {outputs["names"]}')
    demand(outputs["detached"], "return the losses detached, or they keep both graphs alive")
    steps_returned(case, outputs, d_found)


def critics_logits(case: Case, part: int, critic: np.ndarray) -> np.ndarray:
    """What D with the weights and bias `critic` says of G's fakes of the part-th batch of noise, as G was at first."""
    batch = len(case["x"])
    z = case["noise"][part * batch : (part + 1) * batch].astype(float)
    return (z @ case["g"].T + case["g_bias"]) @ critic[:-1] + critic[-1]


def steps_returned(case: Case, outputs: Outputs, d_new: np.ndarray) -> None:
    """What came back are the two losses as they were descended, the chapter's or those that stood in for them."""
    d_old = np.hstack([case["d"], case["d_bias"][None]])[0].astype(float)
    on_real, on_fake = case["x"] @ d_old[:-1] + d_old[-1], critics_logits(case, 0, d_old)
    anew = critics_logits(case, 1, d_new)
    losses = {
        "D": (
            softplus(-on_real).mean() + softplus(on_fake).mean(),
            0.5 * np.square(on_fake + 1).mean() - 2 * on_real.mean(),
        ),
        "G": (softplus(-anew).mean(), 0.3 * np.square(anew - 4).mean()),
    }

    def holds(name: str, of: str) -> bool:
        """Whether the value under a name is that loss; the parts of a loss can cancel, so 1 is a size, too."""
        found = outputs[f"value {name}"].reshape(-1)[0]
        return any(abs(found - loss) <= TOLERANCE * max(abs(loss), 1) for loss in losses[of])

    for name in losses:
        shape = outputs[f"value {name}"].shape
        demand(np.prod(shape) == 1, f'the loss under "{name}" is one number, yours has shape {shape}')
    right = holds("D", "D"), holds("G", "G")
    refuse(not any(right) and holds("D", "G") and holds("G", "D"), "the two losses come back under each other's name")
    for name, other in (("D", "G"), ("G", "D")):
        both = holds(other, other) and holds(name, other)
        refuse(both and not holds(name, name), f"both values are {other}'s loss: where is that of {name}?")
    for name, as_asked in zip(losses, right, strict=True):
        demand(as_asked, f'the value under "{name}" is not the loss that {name} descended')


def steps_of_d(case: Case, found: np.ndarray) -> None:
    """D's new weights are those of one of the two losses: the chapter's, or the one that stood in for it."""
    batch = len(case["x"])
    fake = case["noise"][:batch] @ case["g"].T.astype(float) + case["g_bias"]
    on_real, on_fake = (v @ case["d"][0].astype(float) + case["d_bias"] for v in (case["x"], fake))
    usual = (sigmoid(on_real) - 1) / batch, sigmoid(on_fake) / batch
    other = np.full(batch, -2 / batch), (on_fake + 1) / batch
    new = d_update(case, *usual, fake)
    if same(found, new):
        return
    backwards = sigmoid(on_real) / batch, (sigmoid(on_fake) - 1) / batch
    crossed = (on_real + 1) / batch, np.full(batch, -2 / batch)
    expected = d_update(case, *other, fake)
    left = "gradients of an earlier iteration are still in D's update"
    swapped = "D learns the opposite: real is labelled 1, fake 0"
    for update, plain, flipped in ((expected, other, crossed), (new, usual, backwards)):
        refuse(same(found, update - case["rate"]), left)
        refuse(same(found, d_update(case, *flipped, fake)), swapped)
        refuse(same(found, d_update(case, -plain[0], -plain[1], fake)), "D climbs its loss: descend")
        refuse(same(found, d_update(case, plain[0], 0 * plain[1], fake)), "D never learns from the fakes")
        refuse(same(found, d_update(case, 0 * plain[0], plain[1], fake)), "D never learns from real pictures")
    explain(found, expected, {})


def steps_of_g(case: Case, outputs: Outputs, d_new: np.ndarray) -> None:
    """G's new weights follow from D after its update, on new noise, by one of the two losses."""
    batch, rate = len(case["x"]), case["rate"]
    d_old = np.hstack([case["d"], case["d_bias"][None]])[0]
    found = np.hstack([outputs["g"], outputs["g_bias"][:, None]])
    start = np.hstack([case["g"], case["g_bias"][:, None]]).astype(float)
    drawn = case["noise"][:batch], case["noise"][batch : 2 * batch]

    def change(noise: np.ndarray, critic: np.ndarray, form: str) -> np.ndarray:
        z = np.hstack([noise, np.ones((batch, 1))])
        logits = (z @ start.T) @ critic[:-1] + critic[-1]
        slopes = {"usual": sigmoid(logits) - 1, "other": 0.6 * (logits - 4), "D's": sigmoid(logits)}
        return rate * np.outer(critic[:-1], slopes[form] @ z) / batch

    def is_step(noise: int, critic: np.ndarray, sign: int = 1, old: float = 0.0) -> bool:
        forms = [change(drawn[noise], critic, form) for form in ("usual", "other")]
        return any(same(found, start - sign * form - old) for form in forms)

    if is_step(1, d_new):
        return
    unmoved = same(found, start) or same(found, start - rate)
    refuse(unmoved, "no gradient of this iteration reaches G: is it cut in step 4, too? Nothing is detached there")
    refuse(is_step(1, d_new, sign=-1), "G climbs its loss: it helps D")
    by_label_0 = change(drawn[1], d_new, "D's")
    refuse(same(found, start - by_label_0), "G helps D: flip the label in step 4")
    refuse(same(found, start + by_label_0), "G descends the minimax form, flat where G needs it most: descend −log D")
    refuse(is_step(0, d_new), "G is judged on the fakes of step 1: generate anew in step 4")
    refuse(is_step(1, d_old), "G is judged by D as it was before its update")
    refuse(is_step(1, d_new, old=rate), "gradients of an earlier iteration are still in G's update")
    raise_general = "G's update is off: generate anew, ask the updated D, descend the generator's loss"
    refuse(True, raise_general)


def slerp_cases(g: Generator) -> Iterator[Case]:
    for count, d, t in [(5, 3, 0.3), (1, 64, 0.5), (8, 100, 0.75), (3, 7, 0.0), (3, 7, 1.0)]:
        yield {"a": normal(g, count, d), "b": normal(g, count, d), "t": t}


def slerp_judge(case: Case, outputs: Outputs) -> None:
    a, b, t, found = case["a"].astype(float), case["b"].astype(float), case["t"], outputs["value"]
    demand(found.shape == a.shape, f"one row for each pair, {a.shape}, got shape {found.shape}")
    length = [np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b)]
    angle = np.arccos(((a * b).sum(1, keepdims=True) / length[0] / length[1]).clip(-1, 1))
    one_angle = np.arccos((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))

    def turn(first: np.ndarray, second: np.ndarray, omega: np.ndarray, t: float = t) -> np.ndarray:
        return (np.sin((1 - t) * omega) * first + np.sin(t * omega) * second) / np.sin(omega)

    expected = turn(a, b, angle)
    straight = (1 - t) * a + t * b
    mistakes = {
        "this is the straight line": straight,
        "at t = 0 you should be at a, at t = 1 at b: yours walks back": turn(a, b, angle, 1 - t),
        "rows influence each other: each pair has an angle of its own": turn(a, b, one_angle),
        "the ends are made shorter: only the angle needs unit vectors": turn(a / length[0], b / length[1], angle),
        "the weights lack their common divisor, sin Ω": expected * np.sin(angle),
        "the angle is measured in degrees: sine and cosine want radians": turn(a, b, np.degrees(angle)),
        "the straight line, stretched: a quarter of the way is not a quarter turn": straight
        / np.linalg.norm(straight, axis=1, keepdims=True)
        * ((1 - t) * length[0] + t * length[1]),
        "the cosine of the angle stands where the angle belongs": turn(a, b, np.cos(angle)),
    }
    refuse(np.isnan(found).any(), "not a number: the cosine of an angle is the product of the *unit* vectors")
    explain(found, expected, mistakes, 1e-3)


def frechet_cases(g: Generator) -> Iterator[Case]:
    for n, m, d in [(400, 300, 3), (250, 500, 5), (60, 40, 2)]:
        mix = g.standard_normal((d, d)) + np.eye(d)
        a, b = (
            g.standard_normal((n, d)) @ mix,
            g.standard_normal((m, d)) @ (mix + 0.5 * g.standard_normal((d, d))) + 0.7,
        )
        if (np.cov(a.T) @ np.cov(b.T))[0, 1] > 0:  # so that a root number by number meets one below zero
            a[:, 0], b[:, 0] = -a[:, 0], -b[:, 0]
        yield {"a": a, "b": b}
    base = g.standard_normal((200, 3))
    flat = np.hstack([base, 2 * base[:, :1]])
    yield {"a": flat, "b": flat + 1}
    few = g.standard_normal((6, 16))  # singular in many directions: there the roots of rounding errors add up
    yield {"a": few, "b": few.copy()}


def root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(values.clip(0)) @ vectors.T


def frechet_judge(case: Case, outputs: Outputs) -> None:
    found, sets = outputs["value"], (case["a"], case["b"])
    demand(found.size == 1, f"a distance is one number, got shape {found.shape}")
    a, b = (np.cov(v.T) for v in sets)
    if min(np.linalg.matrix_rank(a), np.linalg.matrix_rank(b)) < len(a):
        demand(np.isfinite(found).all(), "not finite for features that depend on each other: an eigenvalue below zero")
    root_of = "A matrix's root is not that of its numbers: take it of the eigenvalues, of a symmetric matrix"
    demand(np.isfinite(found).all(), f"not finite: a root of a number below zero, as a covariance can be. {root_of}")
    found = float(found.reshape(-1)[0])
    apart = np.square(sets[0].mean(0) - sets[1].mean(0)).sum()
    biased = [np.cov(v.T, bias=True) for v in sets]
    traces = np.trace(a) + np.trace(b)
    if np.array_equal(*sets):
        below = f"two equal sets got {found:.0e}: rounding can lead below 0, where no distance lies: cut it off"
        refuse(-1e-2 * traces < found < 0, below)
        demand(abs(found) <= 1e-2 * traces, f"two equal sets are {found:.3g} apart: it should be 0")
        return

    def cross(a: np.ndarray, b: np.ndarray) -> float:
        return np.sqrt(np.linalg.eigvalsh(root(a) @ b @ root(a)).clip(0)).sum()

    expected = apart + traces - 2 * cross(a, b)
    if same(found, apart + sum(map(np.trace, biased)) - 2 * cross(*biased), 1e-4):
        return  # covariances divided by N: just as good
    mistakes = {
        "the distance itself: the formula gives its square": np.sqrt(expected),
        "a root of each number of the product: a matrix's root is another thing": apart
        + traces
        - 2 * np.sqrt((a @ b).clip(0)).trace(),
        "blind to a turn: only the diagonals count, and a root taken number by number is no matrix's root": apart
        + np.square(np.sqrt(np.diag(a)) - np.sqrt(np.diag(b))).sum(),
        "the means do not count": traces - 2 * cross(a, b),
        "only the means count: where are the covariances?": apart,
        "the root is subtracted twice in the formula, yours once": apart + traces - cross(a, b),
        "the distance of the means is squared": np.sqrt(apart) + traces - 2 * cross(a, b),
        "no root is taken of the product of the covariances": apart + traces - 2 * np.trace(a @ b),
        "a mean over the features, where the formula has a sum": apart / len(a) + traces - 2 * cross(a, b),
    }
    explain(found, expected, mistakes, 1e-4)


def trick_cases(g: Generator) -> Iterator[Case]:
    seed = int(g.integers(1, 1000))
    yield {"real": uniform(g, 256, 1, 28, 28) * 2 - 1, "seed": seed, "other": seed + 7}


def trick_judge(case: Case, outputs: Outputs) -> None:
    scores, steps, order, start = (outputs[name] for name in ("scores", "steps", "order", "start"))
    demand(steps.all(), "nothing was trained: fit calls the step that make_step returns")
    demand(outputs["measured"].all(), "nothing was measured: return the FID-digits of what was drawn")
    demand(outputs["last"].all(), "what is measured was drawn before the training was over: first fit, then draw")
    refuse(outputs["holds"] == "d,g", "the optimisers come in the wrong order: first G's, then D's")
    demand(outputs["holds"] == "g,d", "each optimiser has all weights of one network: the first g's, the second d's")
    demand(np.isfinite(scores).all(), "the result is not finite")
    refuse(start[0] != start[1], "the same seed gave other first weights: seed before the networks are made")
    refuse(start[0] == start[2], "another seed starts from the same weights")
    refuse(order[0] == order[2], "the digits come in the same order whatever the seed: shuffle them by it, too")
    refuse(order[0] != order[1], "the same seed gave the digits in another order")
    refuse(scores[0] != scores[1], "the same seed gave two results: something random does not start from the seed")
    refuse(scores[0] == scores[2], "another seed changes nothing")
    demand(
        steps.tolist() == [2, 2, 2, 4], f"asked for 2, 2, 2 and 4 steps, you did {', '.join(f'{n:g}' for n in steps)}"
    )
    demand(outputs["averaged"].all(), "what is measured are not pictures of the average of G's weights")


CHECKS = {
    "discriminator_loss": Check("task-losses", critic_cases, judge=critic_judge, call=calls.call_with_gradients),
    "generator_loss": Check("task-losses", maker_cases, judge=maker_judge, call=calls.call_with_gradients),
    "five_steps": Check("task-five-steps", steps_cases, judge=steps_judge, call=ch03.five_steps),
    "slerp": Check("task-slerp", slerp_cases, judge=slerp_judge),
    "frechet_distance": Check("task-frechet", frechet_cases, judge=frechet_judge),
    "train_and_measure": Check("task-trick", trick_cases, judge=trick_judge, call=ch03.training),
}
