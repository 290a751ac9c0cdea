"""Chapter 05: what goes wrong in its tasks, and what is said about it."""

import math
from functools import partial
from itertools import product

import torch
import torch.nn.functional as F

from gencourse.homework.ch05.calls import gate
from gencourse.homework.ch05.reference import (
    bits_per_dim,
    conv_at,
    deviation,
    drawing,
    nll,
    oddness,
    reached,
    stacks,
    stepping,
)
from gencourse.homework.checking.check import Mistakes, add_mistake, add_mistakes

MISTAKES: Mistakes = {}
mistake, add = partial(add_mistake, MISTAKES), partial(add_mistakes, MISTAKES)
FREEDOMS = (1, 0)  # what a standard deviation may subtract from the number


def cost(logs, x):
    """Of each image, by what stands for log p."""
    return -logs.gather(1, x[:, None]).flatten(1).sum(1)


add(
    "nll",
    {
        "one number for each image: you mix the images of a batch": lambda logits, x: F.cross_entropy(logits, x),
        "this is log p: a cost is −log p": lambda logits, x: -nll(logits, x),
        "factors multiply, so costs add up: no mean over the pixels": lambda logits, x: nll(logits, x) / x[0].numel(),
        "logits are no log-probabilities yet: where is the softmax over the levels?": cost,
        "in bits: nats take the natural logarithm": lambda logits, x: nll(logits, x) / math.log(2),
        "probabilities are added up: multiply them, or add their logarithms": (
            lambda logits, x: -cost(logits.softmax(1), x)
        ),
        "the softmax runs over the columns: it belongs to the levels": lambda logits, x: cost(logits.log_softmax(4), x),
        "the most likely level is scored: score the level that the pixel has": (
            lambda logits, x: nll(logits, logits.argmax(1))
        ),
        "the softmax is taken twice: does a function that you call take logits?": lambda logits, x: nll(
            logits.softmax(1), x
        ),
        "these are the probabilities themselves: the cost is the negative logarithm": (
            lambda logits, x: cost(logits.softmax(1), x)
        ),
        "a sigmoid of one logit: the levels of a pixel share a softmax": (
            lambda logits, x: (F.softplus(logits[:, 1]) - logits[:, 1] * x).flatten(1).sum(1)
        ),
        "the costs of the pixels are multiplied: they add up": (
            lambda logits, x: F.cross_entropy(logits, x, reduction="none").flatten(1).prod(1)
        ),
        "level 0 is scored, whatever the pixel is": lambda logits, x: nll(logits, 0 * x),
        "this is the entropy of the network's answer: score the level that the pixel has": (
            lambda logits, x: -(logits.log_softmax(1) * logits.softmax(1)).flatten(1).sum(1)
        ),
        "a squared error: the cost of a pixel is −log p": (
            lambda logits, x: (logits.softmax(1)[:, 1] - x).square().flatten(1).sum(1)
        ),
    },
)
add(
    "nll",
    {
        "something is added to p before its logarithm: it makes what is unlikely too cheap": lambda small, logits, x: (
            cost((logits.softmax(1) + small).log(), x)
        )
    },
    forms=(1e-2, 1e-3, 1e-4),
)
add(
    "bits_per_dim",
    {
        "these are bits of the whole image: they are asked for each of its values": lambda n, d: bits_per_dim(n, 1),
        "still nats: a bit is another unit": lambda n, d: n / d,
        "a coin toss is log 2 nats and one bit: the factor stands on the wrong side": lambda n, d: n / d * math.log(2),
        "divided by the logarithm of 10: one bit more halves the probability, ten has no part in it": lambda n, d: (
            n / d / math.log(10)
        ),
        "nats are a logarithm already: no other is taken of them": lambda n, d: torch.as_tensor(n / d).log2(),
        "bytes: a byte has eight bits": lambda n, d: bits_per_dim(n, d) / 8,
        "divided by 2: divide by the logarithm of 2, 0.693": lambda n, d: n / d / 2,
        "the logarithm of 2 to base 10: nats are natural logarithms, and so should this one be": (
            lambda n, d: n / d / math.log10(2)
        ),
        "dims is fixed at 784 in your code: it is an argument": lambda n, d: bits_per_dim(n, 784),
        "rounded down to a whole number: divide with /": lambda n, d: torch.as_tensor(bits_per_dim(n, d)).floor(),
        "a power of 2: bits are a logarithm, as nats are": lambda n, d: 2 ** (n / d),
    },
)


def crossed(y):
    a, b = y.chunk(2, 1)
    return a.sigmoid() * b.tanh()


@mistake("two_stacks", "this is what the vertical stack knows: h is asked for")
def stacks_vertical(x, layers):
    for vertical, _, _ in layers:
        x = gate(vertical(x))
    return x


add(
    "two_stacks",
    {  # join: of o, the row's own past, and w, what comes from above
        "twice the channels come out: each stack ends in the gate": (
            lambda x, layers: stacks()(x, layers).repeat(1, 2, 1, 1)  # whatever the values
        ),
        "the first row hears the last one: what leaves the picture below comes in again above": stacks(
            lambda v: v.roll(1, 2)
        ),
        "h never listens to v: all rows above stay unseen": stacks(join=lambda o, w: gate(o)),
        "the row's own past is lost: where is the horizontal convolution of h?": stacks(join=lambda o, w: gate(w)),
        "each part has a gate of its own: first the sum, then one gate": stacks(join=lambda o, w: gate(o) + gate(w)),
        "the halves of the gate have changed places": stacks(join=lambda o, w: crossed(o + w), gated=crossed),
        "a blind spot: v goes on from what was moved down for h, where it should go on from itself": stacks(kept=True),
        "one row too far: row r may know all of row r − 1": stacks(lambda v: F.pad(v, (0, 0, 2, -2))),
        "moved by a column as well: a row down is all": stacks(lambda v: F.pad(v, (1, -1, 1, -1))),
        "the two are multiplied: they are added, before one gate": stacks(join=lambda o, w: gate(o * w)),
        "the vertical stack has no gate": stacks(gated=lambda y: y.chunk(2, 1)[0]),
        "the halves of the horizontal stack's gate have changed places": stacks(join=lambda o, w: crossed(o + w)),
        "only the first layer runs": lambda x, layers: stacks()(x, layers[:1]),
        "what comes out is moved down by a row once more": lambda x, layers: F.pad(stacks()(x, layers), (0, 0, 1, -1)),
        "moved by a column where it should be a row": stacks(lambda v: F.pad(v, (1, -1))),
        "rows below leak: what is known is shifted the wrong way": stacks(lambda v: F.pad(v, (0, 0, -1, 1))),
        "the current row leaks: row r of v has seen all of row r, the pixel due included": stacks(lambda v: v),
    },
)


@mistake("two_stacks", "the vertical stack goes on from h: it should hear nothing but itself")
def stacks_joined(x, layers):
    h = x
    for vertical, horizontal, link in layers:
        v = gate(vertical(h))
        h = gate(horizontal(h) + link(F.pad(v, (0, 0, 1, -1))))
    return h


@mistake("two_stacks", "all layers of h hear the last v: each should hear that of its own layer")
def stacks_after(x, layers):
    v = stacks_vertical(x, layers)
    for _, horizontal, link in layers:
        x = gate(horizontal(x) + link(F.pad(v, (0, 0, 1, -1))))
    return x


def down(order: str):
    """What a step does with the loss, a word for each: in this order, and nothing else."""

    def steps(optimizer, network, loss, clip):
        weights = list(network.parameters())
        does = {
            "zero": optimizer.zero_grad,
            "backward": loss.backward,
            "clip": lambda: torch.nn.utils.clip_grad_norm_(weights, clip),
            "values": lambda: torch.nn.utils.clip_grad_value_(weights, clip),
            "each": lambda: [torch.nn.utils.clip_grad_norm_([w], clip) for w in weights],
            "step": optimizer.step,
        }
        for word in order.split():
            does[word]()

    return steps


add(
    "training_step",
    {
        "the sum over the batch: with the mean a step does not depend on how many images there are": stepping(
            lambda nats, x: nats.sum()
        ),
        "nats an image are asked for: no mean over its pixels": stepping(lambda nats, x: nats.mean() / x[0].numel()),
        "in bits: the loss is asked for in nats": stepping(lambda nats, x: nats.mean() / math.log(2)),
        "it climbs: the likelihood falls with each step, nll is a cost already": stepping(lambda nats, x: -nats.mean()),
        "F.cross_entropy takes the mean over the pixels, too: a step descends nats an image": stepping(
            cost=lambda logits, x: F.cross_entropy(logits, x, reduction="none").flatten(1).mean(1)
        ),
        "the gradients of earlier steps are still there: zero them in each step": stepping(
            down=down("backward clip step")
        ),
        "when the optimiser steps there is no gradient: no backward, a detached loss, or zeroed too late?": stepping(
            down=down("backward clip zero step")
        ),
        "the optimiser steps before backward: with the gradient of the batch before": stepping(
            down=down("step zero backward clip")
        ),
        "the gradient is not clipped to `clip` when the optimiser steps: clip between backward and step": stepping(
            down=down("zero backward step")
        ),
        "single numbers of the gradient are cut: its norm is to be clipped, which keeps its direction": stepping(
            down=down("zero backward values step")
        ),
        "each weight is clipped by itself: the norm is that of all of them together": stepping(
            down=down("zero backward each step")
        ),
        "the labels never reach the network": stepping(named=False),
        "the logarithm of the cost: nll is a logarithm already": stepping(lambda nats, x: nats.mean().log()),
    },
)
add(
    "draw",
    {
        "you take the most likely level: then u decides nothing": drawing(lambda logits, u: logits.argmax(1)),
        "levels come in the opposite order: a level is the number of running sums that u has reached": (
            drawing(lambda logits, u: logits.shape[1] - 1 - reached(logits, u))
        ),
        "logits do not add up to 1: only probabilities can be laid end to end": (
            drawing(lambda logits, u: (u[:, None] >= logits.cumsum(1)[:, :-1]).sum(1))
        ),
        "all images are drawn with the numbers of the first: u has one for each": (
            drawing(number=lambda u, i, kept: u[:1, i].expand(len(u)))
        ),
        "the probabilities are compared one by one: their running sums lie end to end": (
            drawing(lambda logits, u: (u[:, None] >= logits.softmax(1)[:, :-1]).sum(1))
        ),
        "a sigmoid of each logit: the levels share a softmax": (
            drawing(lambda logits, u: (u[:, None] >= logits.sigmoid().cumsum(1)[:, :-1]).sum(1))
        ),
        "all pixels are drawn with the first number of u: each has its own": (
            drawing(number=lambda u, i, kept: u[:, 0])
        ),
        "there are two levels in your code, 0 and 1: a pixel may have more": (
            drawing(lambda logits, u: (u >= logits.softmax(1)[:, 0]).long())
        ),
        "one level too high: the number of running sums that u has reached is the level": (
            drawing(lambda logits, u: reached(logits, u) + 1)
        ),
        "the running sums begin with the last level: F_0 is the probability of level 0": (
            drawing(lambda logits, u: reached(logits.flip(1), u))
        ),
        "all images get the pixel of the first": drawing(lambda logits, u: reached(logits, u)[:1].expand(len(u))),
        "the numbers in u are counted from the first pixel that is drawn: each pixel has the number of its own place": (
            drawing(number=lambda u, i, kept: u[:, i - kept])
        ),
    },
)
add(
    "oddness",
    {  # of the freedom f, nats x and typical ones y
        "a picture that is too likely gets a negative oddness: both sides are odd": (
            lambda f, x, y: (x - y.mean()) / deviation(f, y)
        ),
        "a picture that costs little gets none: both sides are odd": (
            lambda f, x, y: (x - y.mean()).relu() / deviation(f, y)
        ),
        "three deviations are three times as odd as one: no square is taken": lambda f, x, y: oddness(f, x, y) ** 2,
        "divided by the variance: the unit is the standard deviation": (
            lambda f, x, y: (x - y.mean()).abs() / deviation(f, y) ** 2
        ),
        "in nats: the unit is the standard deviation of typical": lambda f, x, y: (x - y.mean()).abs(),
        "relative to the mean: the unit is the standard deviation": lambda f, x, y: (x / y.mean() - 1).abs(),
        "divided by the error of the mean, which shrinks with more images: take the deviation itself": (
            lambda f, x, y: oddness(f, x, y) * len(y) ** 0.5
        ),
        "multiplied by the standard deviation: in a wide distribution the same distance is less odd": (
            lambda f, x, y: (x - y.mean()).abs() * deviation(f, y)
        ),
        "it depends on the other pictures of the batch: typical says what is usual": lambda f, x, y: oddness(f, x, x),
        "the mean is that of the batch: typical says what is usual": (
            lambda f, x, y: (x - x.mean()).abs() / deviation(f, y)
        ),
        "a picture that costs too much gets a negative oddness: both sides are odd": (
            lambda f, x, y: (y.mean() - x) / deviation(f, y)
        ),
        "the distance to the median: the mean is asked for": lambda f, x, y: (x - y.median()).abs() / deviation(f, y),
        "the distance to the largest of typical: the mean is asked for": (
            lambda f, x, y: (x - y.max()).abs() / deviation(f, y)
        ),
        "divided by the range from the smallest to the largest: the unit is the standard deviation": (
            lambda f, x, y: (x - y.mean()).abs() / (y.max() - y.min())
        ),
        "divided by the mean distance: the standard deviation is the root of the mean square": (
            lambda f, x, y: (x - y.mean()).abs() / (y - y.mean()).abs().mean()
        ),
        "odd or not: how many deviations it is away is asked for": (
            lambda f, x, y: ((x - y.mean()).abs() > deviation(f, y)).double()
        ),
        "the deviation is subtracted: divide by it": lambda f, x, y: (x - y.mean()).abs() - deviation(f, y),
        "the deviation is that of the batch: typical says what is usual": (
            lambda f, x, y: (x - y.mean()).abs() / deviation(f, x)
        ),
    },
    forms=FREEDOMS,
)
add(
    "conv_at",
    {
        "the bias is missing": lambda x, w, b, r, c: conv_at(x, w, 0 * b, r, c),
        "the bias is added more than once": lambda x, w, b, r, c: conv_at(x, w, 2 * b, r, c),
        "the kernel is turned by half a turn: it should lie as it is": lambda x, w, b, r, c: conv_at(
            x, w.flip(2, 3), b, r, c
        ),
        "rows and columns of the kernel have changed places": lambda x, w, b, r, c: conv_at(x, w.mT, b, r, c),
        "r and c have changed places: r is the row, along dimension 2 of x, and c the column": lambda x, w, b, r, c: (
            conv_at(x, w, b, c, r)
        ),
        "the bias is multiplied: it should be added": lambda x, w, b, r, c: conv_at(x, w, 0 * b, r, c) * b,
        "only the first channel counts: sum over all": lambda x, w, b, r, c: conv_at(x[:, :1], w[:, :1], b, r, c),
        "a mean over the kernel: a convolution is a sum": lambda x, w, b, r, c: conv_at(x, w / w[0].numel(), b, r, c),
        "the last row and column of the kernel are left out: a slice ends before its second number": (
            lambda x, w, b, r, c: conv_at(x, F.pad(w[:, :, :-1, :-1], (0, 1, 0, 1)), b, r, c)
        ),
    },
)
add(
    "conv_at",
    {
        "the patch lies one pixel beside: (r, c) is its middle": (
            lambda by, x, w, b, r, c: conv_at(x, w, b, r + by[0], c + by[1])
        ),
    },
    forms=[by for by in product((-1, 0, 1), repeat=2) if any(by)],
)
