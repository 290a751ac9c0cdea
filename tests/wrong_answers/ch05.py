"""Chapter 05, PixelCNN."""

import itertools
import math

import torch
import torch.nn.functional as F

from gencourse.homework.ch05.calls import coins as binarise
from gencourse.homework.ch05.mistakes import down
from gencourse.homework.ch05.reference import (
    below,
    conv_at,
    draw,
    drawing,
    nll,
    oddness,
    stacks,
    stepping,
    training_step,
    training_step_direct,
    two_stacks,
    two_stacks_late,
)
from gencourse.training.helpers import descend
from wrong_answers import all_right, all_wrong, right, wrong


def scores(logs, x):
    return -logs.gather(1, x[:, None]).flatten(1).sum(1)


all_right(
    "nll",
    by_gather=lambda logits, x: scores(logits - logits.logsumexp(1, keepdim=True), x),
    one_by_one=lambda logits, x: torch.stack(
        [F.cross_entropy(a[None], b[None], reduction="sum") for a, b in zip(logits, x, strict=True)]
    ),
)
all_wrong(
    "nll",
    {
        "infinite where the network is sure": lambda logits, x: scores(logits.softmax(1).log(), x),
        "what is added to p": lambda logits, x: scores((logits.softmax(1) + 1e-8).log(), x),
        "or cut off, makes the cost too small": lambda logits, x: scores(logits.softmax(1).clamp(min=1e-12).log(), x),
        "you return shape": lambda logits, x: F.cross_entropy(logits, x, reduction="none").sum((2, 3)),
        "no gradient reaches the logits": lambda logits, x: nll(logits.detach(), x),
        "is a part cut off?": lambda logits, x: scores(logits - logits.detach().logsumexp(1, keepdim=True), x),
    },
)
all_right(
    "bits_per_dim",
    by_hand=lambda nats, dims: nats / dims / math.log(2),
    by_change_of_base=lambda nats, dims: nats * math.log2(math.e) / dims,
)
all_wrong("bits_per_dim", {"the values are not those of the formula": lambda nats, dims: nats / (dims + 1)})


@right("causal_mask")
def causal_mask(kind, size):
    mask, middle = torch.zeros(size, size), size // 2
    mask[:middle] = 1
    mask[middle, :middle] = 1
    mask[middle, middle] = kind == "B"
    return mask


@right("causal_mask")
def mask_by_counting(kind, size):
    order = torch.arange(size**2).view(size, size)
    return (order < size**2 // 2 + (kind == "B")).float()


def mask_with(value, rule):
    """Another value where rule(row, column) holds, both counted from the centre."""

    def causal_mask_with(kind, size):
        away = torch.arange(size) - size // 2
        return torch.where(rule(away[:, None], away), value, causal_mask(kind, size))

    return causal_mask_with


all_wrong(
    "causal_mask",
    {
        "the first layer would see the answer": lambda kind, size: causal_mask("B", size),
        "mask B hides the centre": lambda kind, size: causal_mask("A", size),
        "rows below are not drawn yet": lambda kind, size: causal_mask(kind, size).flip(0),
        "right of the centre is not drawn yet": mask_with(1.0, lambda r, c: (r == 0) & (c > 0)),
        "a blind spot": mask_with(0.0, lambda r, c: (r < 0) & (c > 0)),
        "the rows above are hidden": mask_with(0.0, lambda r, c: r < 0),
        "of the same row is hidden": mask_with(0.0, lambda r, c: (r == 0) & (c < 0)),
        "or the centre is wrong": mask_with(0.0, lambda r, c: r < -1),
        "1 and 0 have changed places": lambda kind, size: 1 - causal_mask(kind, size),
        "rows and columns are exchanged": lambda kind, size: causal_mask(kind, size).T,
        "yours is bool": lambda kind, size: causal_mask(kind, size).bool(),
        "yours is int64": lambda kind, size: causal_mask(kind, size).long(),
        "yours is numpy float32": lambda kind, size: causal_mask(kind, size).numpy(),
        "a mask is a switch": lambda kind, size: causal_mask(kind, size) * 0.5,
        "has the size of the kernel": lambda kind, size: causal_mask(kind, size)[None, None],
    },
)


@right("two_stacks")
def stacks_written_out(x, layers):
    """No function of the page, and the rows are moved by concatenation."""
    v, h = x, x
    for vertical, horizontal, link in layers:
        a, b = vertical(v).chunk(2, dim=1)
        v = torch.tanh(a) * torch.sigmoid(b)
        known = torch.cat([torch.zeros_like(v[:, :, :1]), v[:, :, :-1]], 2)
        a, b = (link(known) + horizontal(h)).chunk(2, dim=1)
        h = torch.tanh(a) * torch.sigmoid(b)
    return h


def half(y):
    return y.chunk(2, 1)[0] * y.chunk(2, 1)[1].sigmoid()


all_right("two_stacks", moved_late=two_stacks_late)
all_wrong(
    "two_stacks",
    {
        "not bounded by 1": stacks(join=lambda own, heard: half(own + heard), gated=half),
        "rows below leak into h": lambda x, layers: two_stacks(x, layers) + 0.1 * x.roll(-1, 2),
        "or what is right of it, leaks into h": lambda x, layers: two_stacks(x, layers) + 0.1 * x,
        "its answer has no gradient": lambda x, layers: two_stacks(x.detach(), layers),
        "is a part of it detached": stacks(know=lambda v: below(v).detach()),
        "expected the channels of h": lambda x, layers: two_stacks(x, layers)[:, :1],
    },
)


all_right("training_step", by_the_formula=training_step, without_nll=training_step_direct)


@right("training_step")
def step_by_the_helper(network, optimizer, images, labels=None, *, clip=200.0, generator=None):
    """The course's own `descend`, and pixels drawn by hand."""
    x = torch.bernoulli(images, generator=generator).long()
    return descend(optimizer, nll(network(x, labels), x).mean(), clip=clip)


@right("training_step")
def step_that_zeroes_afterwards(network, optimizer, images, labels=None, *, clip=200.0, generator=None):
    x = binarise(images, generator=generator)
    loss = nll(network(x, labels), x).sum() / len(x)
    down("backward clip step zero")(optimizer, network, loss, clip)
    return loss.data


def seen_as(pixels):
    """A step on other pixels."""

    def training_step(network, optimizer, images, labels=None, *, clip=200.0, generator=None):
        x = pixels(images, generator)
        loss = nll(network(x, labels), x).mean()
        down("zero backward clip step")(optimizer, network, loss, clip)
        return loss.detach()

    return training_step


all_wrong(
    "training_step",
    {
        "a loss is one number": stepping(returned=lambda loss: loss.detach().expand(3)),
        "never takes a step": stepping(down=down("zero backward clip")),
        "one update in each step": stepping(down=down("zero backward clip step step")),
        "one pass of the network": lambda n, o, x, y=None, **k: (n(x.long(), y), training_step(n, o, x, y, **k))[1],
        "when the optimiser steps there is no gradient": stepping(down=down("zero clip step")),
        "keeps its graph": stepping(returned=lambda loss: loss),
        "was read back as a number": stepping(returned=lambda loss: loss.item()),
        "light and dark are swapped": seen_as(lambda images, g: binarise(1 - images, generator=g)),
        "cut at one half": seen_as(lambda images, g: binarise(images, threshold=0.5)),
        "draw them anew": seen_as(lambda images, g: binarise(images, generator=torch.Generator().manual_seed(0))),
        "hand it on to what draws them": seen_as(lambda images, g: torch.bernoulli(images).long()),
        "of the pixels are 1": seen_as(lambda images, g: binarise(images**3, generator=g)),
        "you gave it": seen_as(lambda images, g: images),
        "the weights did not move as they should": stepping(
            down=lambda o, n, loss, clip: down("zero backward clip step")(o, n, 2 * loss, clip)
        ),
    },
)


@right("draw")
def draw_by_rows(network, u, given=None, kept=0):
    """A loop over rows and columns, searchsorted, and nonsense where nothing is drawn yet."""
    x = torch.ones(len(u), 1, *u.shape[1:], dtype=torch.int64) if given is None else given.clone()
    for r, c in itertools.product(range(u.shape[1]), range(u.shape[2])):
        if r * u.shape[2] + c >= kept:
            p = F.softmax(network(x), dim=1)[:, :, 0, r, c]
            level = torch.searchsorted(p.cumsum(1).contiguous(), u[:, r, c, None].contiguous(), right=True)
            x[:, 0, r, c] = level[:, 0].clamp(max=p.shape[1] - 1)
    return x


@right("draw")
@torch.no_grad()
def draw_from_the_rows_so_far(network, u, given=None, kept=0):
    """What lies below the pixel is not asked for."""
    b, h, w = u.shape
    x = torch.zeros(b, 1, h, w, dtype=torch.long) if given is None else given.clone()
    for i in range(kept, h * w):
        r, c = divmod(i, w)
        sums = network(x[:, :, : r + 1])[:, :, 0, r, c].softmax(1).cumsum(1)
        x[:, 0, r, c] = (u[:, r, c, None] >= sums[:, :-1]).sum(1)
    return x


all_wrong(
    "draw",
    {
        "the same u gives other images": drawing(lambda logits, u: torch.multinomial(logits.softmax(1), 1)[:, 0]),
        "an earlier one is not written yet": lambda n, *given: draw(lambda x: n(0 * x), *given),
        "all pixels are drawn in one pass": lambda n, u, *given: n(u[:, None].long()).argmax(1),
        "they need no pass": (
            lambda n, u, given=None, kept=0: (draw(n, u, given, kept), [n(given) for _ in range(kept)])[0]
        ),
        "changes its input given": lambda n, u, *given: given[0].copy_(draw(n, u, *given)) if given else draw(n, u),
        "as many passes": lambda n, *given: draw(lambda x: (n(x), n(x))[0], *given),
        "are not those given": lambda n, u, given=None, kept=0: draw(n, u, None, kept),
        "the network takes (B, 1, H, W) int64": lambda n, *given: draw(lambda x: n(x.float()), *given),
        "you return floating-point numbers": lambda *given: draw(*given).float(),
        "what you return is uint8": lambda *given: draw(*given).to(torch.uint8),
        "what you return is numpy int64": lambda *given: draw(*given).numpy(),
        "expected images of shape": lambda *given: draw(*given)[:, 0],
    },
)


all_right(
    "oddness",
    by_torch=lambda x, y: (x - y.mean()).abs() / y.std(),
    by_roots=lambda x, y: ((x - y.mean()) ** 2 / (y - y.mean()).square().mean()).sqrt(),
)
all_wrong("oddness", {"one number for each picture": lambda x, y: oddness(1, x, y).mean()})


def cut(x, r, c, size):
    return F.pad(x, (size // 2,) * 4)[:, :, r : r + size, c : c + size]


@wrong("conv_at", "which part of the kernel lies inside")
def place_cut_wrongly(x, weight, bias, r, c):
    m = weight.shape[2] // 2
    patch = x[:, :, max(r - m, 0) : r + m + 1, max(c - m, 0) : c + m + 1]
    inside = weight[:, :, : patch.shape[2], : patch.shape[3]]
    return torch.einsum("bcij,ocij->bo", patch, inside) + bias


@wrong("conv_at", "near the border the kernel hangs over the edge")
def place_with_the_whole_kernel(x, weight, bias, r, c):
    m = weight.shape[2] // 2
    patch = x[:, :, max(r - m, 0) : r + m + 1, max(c - m, 0) : c + m + 1]
    return torch.einsum("bcij,ocij->bo", patch, weight) + bias


@wrong("conv_at", "cut out the patch first")
def place_of_all_products(x, weight, bias, r, c):
    size = weight.shape[2]
    patches = F.pad(x, (size // 2,) * 4).unfold(2, size, 1).unfold(3, size, 1)
    return ((patches[:, None] * weight[:, :, None, None]).sum((2, 5, 6)) + bias[:, None, None])[:, :, r, c]


all_right(
    "conv_at",
    by_matrix=lambda x, w, b, r, c: cut(x, r, c, w.shape[2]).flatten(1) @ w.flatten(1).T + b,
    by_torch=lambda x, w, b, r, c: F.conv2d(cut(x, r, c, w.shape[2]), w, b)[:, :, 0, 0],
    by_products=lambda x, w, b, r, c: (cut(x, r, c, w.shape[2])[:, None] * w).sum((2, 3, 4)) + b,
)
all_wrong(
    "conv_at",
    {
        "other places were computed too": lambda x, w, b, r, c: F.conv2d(x, w, b, padding=w.shape[2] // 2)[:, :, r, c],
        "one value for each image and output": lambda x, w, b, r, c: conv_at(x, w, b, r, c)[0],
        "changes its input x": lambda x, w, b, r, c: (conv_at(x, w, b, r, c), x.zero_())[0],
    },
)


def completing(rule):
    """Particles with another rule: what known pixels do to the weights, and what is done at the end."""

    @torch.no_grad()
    def complete(network, x, known, count, generator=None):
        images = torch.zeros(count, *x.shape[1:], dtype=torch.long)
        weights = torch.ones(count, dtype=torch.double) / count
        for r, c in itertools.product(range(x.shape[2]), range(x.shape[3])):
            p = network(images)[:, :, 0, r, c].double().softmax(1)
            level = torch.multinomial(p, 1, generator=generator)[:, 0]
            if known[r, c] and rule != "late":
                level = x[0, 0, r, c].expand(count)
            images[:, 0, r, c] = level
            if rule == "late" or not (known[r, c] or rule == "all"):
                continue
            weights = weights * p.gather(1, level[:, None])[:, 0] if rule != "last" else p[:, level[0]].clone()
            weights = weights / weights.sum()
            few = 1 / weights.square().sum() < count / 2
            if few and rule not in ("last", "all", "unweighed"):
                chosen = torch.multinomial(weights, count, replacement=rule != "once", generator=generator)
                images, weights = images[chosen], weights[chosen]
                if rule != "never equal":
                    weights = torch.ones(count, dtype=torch.double) / count
        if rule == "late":
            images[:, 0, known] = x[0, 0, known]
        if rule in ("late", "unweighed"):
            return images
        if rule == "best":
            return images[weights.argmax()].expand(count, *x.shape[1:])
        again = rule not in ("once", "once at the end")
        return images[torch.multinomial(weights, count, replacement=again, generator=generator)]

    return complete


complete = right("complete")(completing(""))


@right("complete")
def complete_by_logarithms(network, x, known, count, generator=None):
    """Chosen anew at every known pixel, so that all weights are equal at any time."""
    images = x.repeat(count, 1, 1, 1)
    for i in range(known.numel()):
        logp = network(images).flatten(2).log_softmax(1)[:, :, i]
        if known.flatten()[i]:
            chosen = torch.multinomial(logp[:, x.flatten()[i]].exp(), count, replacement=True, generator=generator)
            images = images[chosen]
        else:
            images.view(count, -1)[:, i] = torch.multinomial(logp.exp(), 1, generator=generator)[:, 0]
    return images


all_wrong(
    "complete",
    {
        "weigh each image by what it had expected": completing("unweighed"),
        "written in too late": completing("late"),
        "drawn pixels change the weights": completing("all"),
        "last known pixel alone": completing("last"),
        "all images are the same": completing("best"),
        "what was expected counts twice": completing("never equal"),
        "chosen without replacement": completing("once"),
        "each image comes once, whatever its weight": completing("once at the end"),
        "what you return is int32": lambda *given: complete(*given).int(),
        "a pixel is a level": lambda *given: complete(*given).float(),
        "images, shape": lambda *given: complete(*given)[0],
        "hand it on to all that is drawn": lambda n, x, known, count, generator: complete(n, x, known, count),
        "a known pixel was drawn over": lambda n, x, known, *given: complete(n, x, known & False, *given),
    },
)
