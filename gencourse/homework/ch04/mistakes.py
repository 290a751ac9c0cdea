"""Chapter 04: what goes wrong in its tasks, and what is said about it."""

import math
from functools import partial

import torch
from torch.nn.functional import softplus

from gencourse.homework.ch04.reference import Ways, cyclegan_step, losses_of_generators, rate_factor
from gencourse.homework.checking.check import Function, Mistakes, add_mistake, add_mistakes
from gencourse.methods.cyclegan import discriminator_loss
from gencourse.training.helpers import descend

MISTAKES: Mistakes = {}
mistake = partial(add_mistake, MISTAKES, "losses_of_generators")

# own: the right judge's logits on the fake; other: the wrong one's; real: the right one's on real pictures
RIVALS = {
    "each translation goes to the discriminator of the kind it pretends to be": lambda _, other, real: (
        (other - 1).square().mean()
    ),
    "the generator wants its picture to be taken for real, it is the discriminator that wants 0": lambda own, *_: (
        own.square().mean()
    ),
    "the discriminator is shown real pictures: a generator's loss is about what it drew": lambda *logits: (
        (logits[2] - 1).square().mean()
    ),
    "a sum over the logits, where the mean is asked for": lambda own, *_: (own - 1).square().sum(),
    "you take the absolute distance from 1: its square is asked for": lambda own, *_: (own - 1).abs().mean(),
    "the logits are averaged before the square is taken: first square, then average": lambda own, *_: (
        own.mean() - 1
    ).square(),
    "half of what it should be: the ½ belongs to the discriminators": lambda own, *_: (own - 1).square().mean() / 2,
    "a cross-entropy, where the squared distance from 1 is asked for": lambda own, *_: softplus(-own).mean(),
    "real pictures have a part in it: a generator's loss is about what it drew alone": lambda own, _, real: (
        (own - 1).square().mean() + real.square().mean()
    ),
}


def rivals(change, names, G, F, D_A, D_B, a, b):
    """The losses with those of `names` changed: somebody may make a mistake twice."""
    losses, fake_a, fake_b = losses_of_generators(G, F, D_A, D_B, a, b)
    logits = {"G": (D_B(fake_b), D_A(fake_b), D_B(b)), "F": (D_A(fake_a), D_B(fake_a), D_A(a))}
    return losses | {name: change(*logits[name]) for name in names}, fake_a, fake_b


for sentence, change in RIVALS.items():
    mistake(f"G: {sentence}", forms=["G", "GF"])(partial(rivals, change))
    mistake(f"F: {sentence}", forms=["F"])(partial(rivals, change))


def both(one, other, *_):
    return one.abs().mean() + other.abs().mean()


WEIGHTS = {"cycle": 10, "identity": 5}
ERRORS = {
    "cycle": lambda G, F, a, b: (F(G(a)) - a, G(F(b)) - b),
    "identity": lambda G, F, a, b: (F(a) - a, G(b) - b),
}
PARTS = {  # of the errors of what begins with a, and with b, and the weight
    "only what begins with a counts: there are two directions": lambda one, *_: one.abs().mean(),
    "only what begins with b counts: there are two directions": lambda _, other, weight: other.abs().mean(),
    "half of what it should be: both directions are added, not averaged": lambda *errors: both(*errors) / 2,
    "you square the errors: their absolute values are asked for": lambda *errors: both(
        *(x.square() for x in errors[:2])
    ),
    "a sum over the pixels, where the mean is asked for": lambda one, other, _: one.abs().sum() + other.abs().sum(),
    "weighted already: it is asked for without its factor": lambda one, other, weight: weight * both(one, other),
    "the errors cancel: where is the absolute value?": lambda one, other, _: one.mean() + other.mean(),
}
OTHER_ERRORS = {
    "cycle: what comes back is compared with a picture of the other kind": (
        lambda G, F, a, b: (F(G(a)) - b, G(F(b)) - a)
    ),
    "cycle: a translation is compared with what it was made from: nothing was brought back": (
        lambda G, F, a, b: (G(a) - a, F(b) - b)
    ),
    "cycle: each generator is applied twice in a row: the way back is the other's": (
        lambda G, F, a, b: (G(G(a)) - a, F(F(b)) - b)
    ),
    "cycle: what comes back is compared with the translation, not with what was translated": (
        lambda G, F, a, b: (F(G(a)) - G(a), G(F(b)) - F(b))
    ),
    "identity: each generator should be shown a picture that is already of the kind it makes": (
        lambda G, F, a, b: (G(a) - a, F(b) - b)
    ),
    "identity: a translation is compared with a picture that does not belong to it": (
        lambda G, F, a, b: (F(b) - a, G(a) - b)
    ),
}


def parts(change, errors, names, G, F, D_A, D_B, a, b):
    """The losses with those of `names` made of other errors, or made of them in another way."""
    losses, fake_a, fake_b = losses_of_generators(G, F, D_A, D_B, a, b)
    return losses | {name: change(*errors[name](G, F, a, b), WEIGHTS[name]) for name in names}, fake_a, fake_b


for sentence, change in PARTS.items():
    mistake(f"cycle: {sentence}", forms=[["cycle"], ["cycle", "identity"]])(partial(parts, change, ERRORS))
    mistake(f"identity: {sentence}", forms=[["identity"]])(partial(parts, change, ERRORS))
for sentence, errors in OTHER_ERRORS.items():
    name = sentence.partition(":")[0]
    mistake(sentence, forms=[[name]])(partial(parts, both, {name: errors}))


@mistake("all four losses are sums: the means are asked for")
def all_summed(G, F, D_A, D_B, a, b):
    losses, fake_a, fake_b = losses_of_generators(G, F, D_A, D_B, a, b)
    sizes = {"G": D_B(fake_b).numel(), "F": D_A(fake_a).numel(), "cycle": a.numel(), "identity": a.numel()}
    return {name: x * sizes[name] for name, x in losses.items()}, fake_a, fake_b


@mistake("the two translations come in the wrong order: first that of b, then that of a")
def cycle_order(*given):
    losses, fake_a, fake_b = losses_of_generators(*given)
    return losses, fake_b, fake_a


ONCE = {"G": 1, "F": 1}
Weights = tuple[float, float]


def pooled(new_a, new_b, past_a, past_b):
    return past_a(new_a), past_b(new_b)


def step_with(
    weights=WEIGHTS, loss=discriminator_loss, seen: Function = pooled, real=lambda a, b: (a, b), both: Weights = (1, 1)
):
    """The iteration with other weights of the generators' losses, another loss of the discriminators, or of others.

    seen: what D_A and D_B see as fakes; real: as real pictures; both: the weights of their two losses.
    """

    def iteration(a, b, losses_of, D_A, D_B, optimizer_g, optimizer_d, past_a, past_b):
        losses, fake_a, fake_b = losses_of(a, b)
        descend(optimizer_g, torch.stack([(ONCE | weights)[name] * x for name, x in losses.items()]).sum())
        (fake_a, fake_b), (real_a, real_b) = seen(fake_a, fake_b, past_a, past_b), real(a, b)
        losses = losses | {"D_A": loss(D_A, real_a, fake_a), "D_B": loss(D_B, real_b, fake_b)}
        descend(optimizer_d, both[0] * losses["D_A"] + both[1] * losses["D_B"])
        return losses

    return iteration


def on_reals(D, real):
    return (D(real) - 1).square().mean()


def on_fakes(D, fake):
    return D(fake).square().mean()


add_mistakes(
    MISTAKES,
    "cyclegan_step",
    {
        "cycle and identity come without their weights, 10 and 5": step_with({"cycle": 1, "identity": 1}),
        "cycle comes without its weight of 10": step_with(WEIGHTS | {"cycle": 1}),
        "identity comes without its weight of 5": step_with(WEIGHTS | {"identity": 1}),
        "the weights of cycle and identity have changed places": step_with({"cycle": 5, "identity": 10}),
        "the generators do not descend the cycle loss": step_with(WEIGHTS | {"cycle": 0}),
        "the generators do not descend the identity loss": step_with(WEIGHTS | {"identity": 0}),
        "the generators do not descend the loss G, by which D_B draws G towards B": step_with(WEIGHTS | {"G": 0}),
        "the generators do not descend the loss F, by which D_A draws F towards A": step_with(WEIGHTS | {"F": 0}),
        "the generators climb their losses": step_with({"G": -1, "F": -1, "cycle": -10, "identity": -5}),
        "a discriminator's loss is half of the sum of its two parts: the ½ is missing": step_with(
            loss=lambda D, real, fake: on_reals(D, real) + on_fakes(D, fake)
        ),
        "the discriminators learn the opposite: real pictures should be drawn to 1, fakes to 0": step_with(
            loss=lambda D, real, fake: (on_reals(D, fake) + on_fakes(D, real)) / 2
        ),
        "the discriminators never learn from the fakes": step_with(loss=lambda D, real, fake: on_reals(D, real) / 2),
        "the discriminators never learn from real pictures": step_with(
            loss=lambda D, real, fake: on_fakes(D, fake) / 2
        ),
        "the fakes are drawn to 1: that is what the generators want, a discriminator draws them to 0": step_with(
            loss=lambda D, real, fake: (on_reals(D, real) + on_reals(D, fake)) / 2
        ),
        "the discriminators see the new fakes themselves: show them what the pools give back": step_with(
            seen=lambda new_a, new_b, *_: (new_a.detach(), new_b.detach())
        ),
        "the pools are asked, and the discriminators see the new fakes: show them what comes back": step_with(
            seen=lambda *given: pooled(*given) and (given[0].detach(), given[1].detach())
        ),
        "each pool keeps fakes of one kind: yours have changed places": step_with(
            seen=lambda new_a, new_b, past_a, past_b: (past_b(new_a), past_a(new_b))
        ),
        "D_A sees the fakes of kind B, and D_B those of kind A": step_with(seen=lambda *given: pooled(*given)[::-1]),
        "D_A judges pictures of A, D_B those of B: their real ones have changed places": step_with(
            real=lambda a, b: (b, a)
        ),
        "D_A judges pictures of A, D_B those of B: yours see each other's, real ones and fakes": step_with(
            seen=lambda *given: pooled(*given)[::-1], real=lambda a, b: (b, a)
        ),
        "each pool is given the other's fakes: past_a keeps kind A, and losses_of returns F(b) before G(a)": step_with(
            seen=lambda new_a, new_b, past_a, past_b: (past_a(new_b), past_b(new_a))
        ),
        "each pool is asked once in an iteration: what comes back is given to it again": step_with(
            seen=lambda new_a, new_b, past_a, past_b: (past_a(past_a(new_a)), past_b(past_b(new_b)))
        ),
        "the discriminators descend a cross-entropy: here they descend squared distances": step_with(
            loss=lambda D, real, fake: (softplus(-D(real)).mean() + softplus(D(fake)).mean()) / 2
        ),
        "real pictures are drawn to 0.9: here to 1": step_with(
            loss=lambda D, real, fake: ((D(real) - 0.9).square().mean() + on_fakes(D, fake)) / 2
        ),
        "a sum over the fakes' logits, where the mean is asked for": step_with(
            loss=lambda D, real, fake: (on_reals(D, real) + D(fake).square().sum()) / 2
        ),
        "D_B never learns: the discriminators descend the sum of both losses": step_with(both=(1, 0)),
        "D_A never learns: the discriminators descend the sum of both losses": step_with(both=(0, 1)),
        "the discriminators descend the sum of both losses, yours is its mean": step_with(both=(0.5, 0.5)),
        "the discriminators climb their losses": step_with(both=(-1, -1)),
    },
)


@partial(add_mistake, MISTAKES, "cyclegan_step")(
    "the translations are made twice: the discriminators should see those from before the generators' update"
)
def step_drawing_anew(a, b, losses_of, D_A, D_B, optimizer_g, optimizer_d, past_a, past_b):
    def anew(*_):
        _, new_a, new_b = losses_of(a, b)
        return past_a(new_a), past_b(new_b)

    return step_with(seen=anew)(a, b, losses_of, D_A, D_B, optimizer_g, optimizer_d, past_a, past_b)


@partial(add_mistake, MISTAKES, "cyclegan_step")(
    "old gradients, as of the generators' loss, are in the discriminators' update: clear them before backward"
)
def step_leaking(a, b, losses_of, D_A, D_B, optimizer_g, optimizer_d, past_a, past_b):
    losses, fake_a, fake_b = losses_of(a, b)
    descend(optimizer_g, torch.stack([(ONCE | WEIGHTS)[name] * x for name, x in losses.items()]).sum())
    losses = losses | {
        name: discriminator_loss(D, real, fake)
        for name, D, real, fake in (("D_A", D_A, a, past_a(fake_a)), ("D_B", D_B, b, past_b(fake_b)))
    }
    (losses["D_A"] + losses["D_B"]).backward()
    optimizer_d.step()
    return losses


@partial(add_mistake, MISTAKES, "cyclegan_step")(
    "the losses come back weighted: return them as they are, without 10 and 5"
)
def step_weighted(*given):
    return {name: WEIGHTS.get(name, 1) * x for name, x in cyclegan_step(*given).items()}


RATES = {  # of what is done, the steps, and the constant share
    "it grows beyond 1 in the first part, which should be constant": lambda done, steps, c: (
        (steps - done) / (steps * (1 - c))
    ),
    "it falls from the beginning: the first part should be constant": lambda done, steps, c: 1 - done / steps,
    "the constant part is always one half, whatever is asked for": lambda done, steps, c: rate_factor(done, steps),
    "it jumps where the slope begins: the slope should begin at 1": lambda done, steps, c: (
        1 if done <= steps * c else 1 - done / steps
    ),
    "it jumps at the end of the constant part: there it should still be 1": lambda done, steps, c: (
        1 if done < steps * c else 1 - done / steps
    ),
    "it never falls below 1: as if min and max had changed places": lambda done, steps, c: max(
        1, (steps - done) / (steps * (1 - c))
    ),
    "the second part rises from 0: it should fall from 1": lambda done, steps, c: (
        1 if done < steps * c else 1 - rate_factor(done, steps, c)
    ),
    "zero one iteration too early: done counts from 0 to steps": lambda done, steps, c: min(
        1, (steps - done - 1) / (steps * (1 - c))
    ),
    "`constant` is a share of the steps, not a number of them": lambda done, steps, c: (
        1 if done < c else (steps - done) / (steps - c)
    ),
    "it falls to zero at once, where a straight line is asked for": lambda done, steps, c: float(done < steps * c),
    "a parabola: the factor falls linearly, without a square": lambda done, steps, c: rate_factor(done, steps, c) ** 2,
    "1 or 0 and nothing between: a straight line is asked for, and no division that rounds": (
        lambda done, steps, c: float(done <= steps * c)
    ),
    "it still falls to zero, but along a curve: a straight line is asked for": lambda done, steps, c: (
        0.5 - 0.5 * math.cos(math.pi * rate_factor(done, steps, c))
    ),
    "not zero at the end, and the slope begins too late: one iteration too many": lambda done, steps, c: rate_factor(
        done - 1, steps, c
    ),
    "not quite zero at the end: count what was done, from 0 to steps": lambda done, steps, c: min(
        1, (steps - done + 1) / (steps * (1 - c) + 1)
    ),
    "it rises: 0 in the first part, 1 at the end": lambda *given: 1 - rate_factor(*given),
    "the constant part is as long as the falling one should be, and the other way round": lambda done, steps, c: (
        rate_factor(done, steps, 1 - (c or 1))
    ),
}


def with_default(change):
    return lambda done, steps, constant=0.5: change(done, steps, constant)


add_mistakes(MISTAKES, "rate_factor", {sentence: with_default(change) for sentence, change in RATES.items()})


HIDDEN = {
    "how much does the same noise cost where nothing is hidden? That has to be taken off": lambda w: w.cost(w.y),
    "only what is lost from the truth: what is lost from the translation is the point": lambda w: w.cost(w.truth),
    "a translation that hides something gets more than 0: yours gets less": lambda w: w.cost(w.truth) - w.cost(w.y),
    "no absolute value: where the noise costs more from the truth, the answer is negative": lambda w: (
        w.cost(w.y) - w.cost(w.truth)
    ).abs(),
    "no absolute value of each cost: noise may also help, and then its cost is negative": lambda w: (
        w.cost(w.y).abs() - w.cost(w.truth).abs()
    ),
    "where the noise costs more from the truth, the answer is negative: do not cut it off at 0": lambda w: (
        w.cost(w.y) - w.cost(w.truth)
    ).clamp(min=0),
    "the costs are added: what noise costs anyway has to be taken off": lambda w: w.cost(w.y) + w.cost(w.truth),
    "only the disturbed ways back are compared: without noise they differ, too. What does it cost each?": lambda w: (
        w.quality(w.disturbed(w.truth)) - w.quality(w.disturbed(w.y))
    ),
    "nothing is disturbed: this is how much better the way back from the translation is": lambda w: (
        w.quality(w.y) - w.quality(w.truth)
    ),
    "the other way round, and without what the ways back give when nothing is disturbed": lambda w: (
        w.quality(w.disturbed(w.y)) - w.quality(w.disturbed(w.truth))
    ),
    "each way back is held against the same one without noise: hold both against x": lambda w: (
        w.psnr(w.back(w.y), w.back(w.disturbed(w.y))) - w.psnr(w.back(w.truth), w.back(w.disturbed(w.truth)))
    ),
    "the costs are divided: take one from the other": lambda w: w.cost(w.y) / w.cost(w.truth),
    "the noise is subtracted: it is added": lambda w: (lambda v: v.cost(w.y) - v.cost(w.truth))(
        w._replace(noise=-w.noise)
    ),
    "the picture that is translated is disturbed as well: disturb only what back is shown": lambda w: (
        w.cost(w.there(w.disturbed(w.x))) - w.cost(w.truth)
    ),
    "the second way back begins at x: it should begin at the truth, where nothing is hidden": lambda w: (
        w.cost(w.y) - w.cost(w.x)
    ),
    "the way back from the truth leads to x as well: hold it against x": lambda w: (
        w.cost(w.y) - w.cost(w.truth, w.truth)
    ),
    "both ways back are held against the truth: they lead to x, so hold them against x": lambda w: (
        w.cost(w.y, w.truth) - w.cost(w.truth, w.truth)
    ),
    "each way back is held against the picture that it began with, not against x": lambda w: (
        w.cost(w.y, w.y) - w.cost(w.truth, w.truth)
    ),
    "the noise belongs on the translation; yours is on the picture that is translated": lambda w: (
        w.quality(w.y) - w.quality(w.there(w.disturbed(w.x))) - w.cost(w.truth)
    ),
    "the noise comes too late: disturb what back is shown, not what it returns": lambda w: (
        late(w, w.y) - late(w, w.truth)
    ),
    "the truth is a picture of the second kind already: it is not translated once more": lambda w: (
        w.cost(w.y) - w.cost(w.there(w.truth))
    ),
    "the noise is in one of the two only: compare what it costs in both": lambda w: (
        w.quality(w.disturbed(w.y)) - w.quality(w.truth)
    ),
}


def late(w, picture):
    return w.quality(picture) - w.psnr(w.disturbed(w.back(picture)), w.x)


def of_ways(change):
    return lambda *given: change(Ways(*given))


add_mistakes(MISTAKES, "hidden_decibels", {sentence: of_ways(change) for sentence, change in HIDDEN.items()})
