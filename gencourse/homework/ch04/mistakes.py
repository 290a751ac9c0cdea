"""Chapter 04: what goes wrong in its tasks, and what is said about it."""

import math
from functools import partial

from gencourse.homework.ch04.reference import Ways, losses_of_generators, rate_factor
from gencourse.homework.checking.check import Mistakes, add_mistake, add_mistakes

MISTAKES: Mistakes = {}
mistake = partial(add_mistake, MISTAKES, "losses_of_generators")

# own: the right judge's logits on the fake; other: the wrong one's; real: the right one's on real pictures
RIVALS = {
    "each translation goes to the judge of the kind it pretends to be": lambda _, other, real: (
        (other - 1).square().mean()
    ),
    "the generator wants its picture to be taken for real, it is the discriminator that wants 0": lambda own, *_: (
        own.square().mean()
    ),
    "the judge looks at real pictures: a generator's loss is about what it drew": lambda *logits: (
        (logits[2] - 1).square().mean()
    ),
    "a sum over the pictures, where the mean is asked for": lambda own, *_: (own - 1).square().sum(),
    "the distance from 1 is squared, not taken without its sign": lambda own, *_: (own - 1).abs().mean(),
    "first all logits are averaged, then squared: it is the other way round": lambda own, *_: (own.mean() - 1).square(),
    "half of what it should be: the ½ belongs to the discriminators": lambda own, *_: (own - 1).square().mean() / 2,
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
    "the errors are squared, not taken without their sign": lambda *errors: both(*(x.square() for x in errors[:2])),
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
    "identity: a generator is shown a picture that is already what it should make": (
        lambda G, F, a, b: (G(a) - a, F(b) - b)
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


@mistake("the two translations come in the other order: first that of b, then that of a")
def cycle_order(*given):
    losses, fake_a, fake_b = losses_of_generators(*given)
    return losses, fake_b, fake_a


RATES = {  # of what is done, the steps, and the constant share
    "it grows beyond 1 in the first part, which should be constant": lambda done, steps, c: (
        (steps - done) / (steps * (1 - c))
    ),
    "it falls from the beginning: the first part is constant": lambda done, steps, c: 1 - done / steps,
    "the constant part is always one half, whatever is asked for": lambda done, steps, c: rate_factor(done, steps),
    "it jumps where the slope begins: there it should still be 1": lambda done, steps, c: (
        1 if done <= steps * c else 1 - done / steps
    ),
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
    "the costs are added: what noise costs anyway has to be taken off": lambda w: w.cost(w.y) + w.cost(w.truth),
    "without any noise the two ways back differ as well: that is not what noise costs": lambda w: (
        w.quality(w.disturbed(w.truth)) - w.quality(w.disturbed(w.y))
    ),
    "nothing is disturbed: this is how much better the way back from the translation is": lambda w: (
        w.quality(w.y) - w.quality(w.truth)
    ),
    "all the way back leads to x: that is what it is held against": lambda w: (
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
