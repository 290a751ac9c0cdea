"""Chapter 01c: what goes wrong in its tasks, and what is said about it."""

from functools import partial

import torch

from gencourse.homework.ch01c.reference import FORMS, content_part, losses, perceptual_objective, style_part
from gencourse.homework.checking.check import Mistakes, add_mistakes
from gencourse.methods import fast_style, many_styles
from gencourse.networks.stylenet import EPS
from gencourse.networks.stylenet import conditional_instance_norm as right_norm

MISTAKES: Mistakes = {}
mistakes = partial(add_mistakes, MISTAKES)


def spread(row):
    return row[:, :, None, None]


def normal(x, over=(2, 3), correction=0):
    variance = x.var(over, keepdim=True, correction=correction)
    return (x - x.mean(over, keepdim=True)) / (variance + EPS).sqrt()


def styled(h, gamma, beta, s):
    return spread(gamma[s]) * h + spread(beta[s])


CONDITIONAL = {
    "a picture's answer depends on the others in the batch: mean and variance are its own": lambda x, g, b, s: styled(
        normal(x, (0, 2, 3)), g, b, s
    ),
    "the channels are normalised together: each has a mean and a variance of its own": lambda x, g, b, s: styled(
        normal(x, (1, 2, 3)), g, b, s
    ),
    "each position is normalised over its channels: average over height and width": lambda x, g, b, s: styled(
        normal(x, (1,)), g, b, s
    ),
    "the variance divides by H W, not by H W - 1": lambda x, g, b, s: styled(normal(x, correction=1), g, b, s),
    "a flat channel has no gradient (NaN): 1e-5 is added to the variance, under the root": lambda x, g, b, s: styled(
        (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, correction=0).sqrt() + EPS), g, b, s
    ),
    "a flat channel gives NaN: add 1e-5 to the variance": lambda x, g, b, s: styled(
        (x - x.mean((2, 3), keepdim=True)) / x.var((2, 3), keepdim=True, correction=0).sqrt(), g, b, s
    ),
    "it is divided by the variance: take its root": lambda x, g, b, s: styled(
        (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, correction=0) + EPS), g, b, s
    ),
    "the whole batch gets the style of its first picture": lambda x, g, b, s: right_norm(x, g, b, s[:1].expand(len(x))),
    "rows and columns of the tables have changed places: a style is a row": lambda x, g, b, s: right_norm(
        x, g.T, b.T, s
    ),
    "picture i gets row i: its style is styles[i]": lambda x, g, b, s: right_norm(x, g, b, torch.arange(len(x))),
    "all styles get the mean of the table": lambda x, g, b, s: (
        spread(g.mean(0, True)) * normal(x) + spread(b.mean(0, True))
    ),
    "the style is ignored: scale with gamma and shift with beta": lambda x, g, b, s: normal(x),
    "beta is missing": lambda x, g, b, s: spread(g[s]) * normal(x),
    "gamma is missing": lambda x, g, b, s: normal(x) + spread(b[s]),
    "gamma scales and beta shifts: they have changed places": lambda x, g, b, s: right_norm(x, b, g, s),
    "beta is added before the scaling": lambda x, g, b, s: spread(g[s]) * (normal(x) + spread(b[s])),
    "it is scaled by 1 + gamma: gamma itself begins at one": lambda x, g, b, s: right_norm(x, 1 + g, b, s),
    "nothing is normalised: subtract the mean, divide by the root of the variance": lambda x, g, b, s: styled(
        x, g, b, s
    ),
    "the mean is not subtracted": lambda x, g, b, s: styled(
        x / (x.var((2, 3), keepdim=True, correction=0) + EPS).sqrt(), g, b, s
    ),
    "the variance is that of the mean squares: subtract the mean first": lambda x, g, b, s: styled(
        (x - x.mean((2, 3), keepdim=True)) / (x.square().mean((2, 3), keepdim=True) + EPS).sqrt(), g, b, s
    ),
}
mistakes("conditional_instance_norm", CONDITIONAL)


def seen(network, y, x):
    """What the network says of y and, without a graph, of x."""
    with torch.no_grad():
        kept = network((x + 1) / 2)
    return network((y + 1) / 2), kept


def changed(content=content_part, style=style_part, *, see=seen):
    """The right objective, one of its parts made in another way."""

    def objective(form, network, y, x, grams, alpha):
        now, kept = see(network, y, x)
        return losses(alpha, content(form, network, now, kept), style(form, network, now, grams))

    return objective


def signed(network, y, x):
    with torch.no_grad():
        kept = network(x)
    return network(y), kept


def of_itself(network, y, x):
    with torch.no_grad():
        kept = network((y + 1) / 2)
    return network((y + 1) / 2), kept


def as_one_picture(form, network, now, grams):
    parts = []
    for k in network.style_layers:
        joined = now[k].transpose(0, 1).reshape(1, now[k].shape[1], -1, 1)
        gram = form.gram_matrix(joined).expand(len(now[k]), -1, -1)
        parts.append(form.style_loss(gram, grams[k]) / len(now[k]))
    return torch.stack(parts).mean()


def with_targets(change):
    return lambda form, network, now, grams: style_part(form, network, now, {k: change(g) for k, g in grams.items()})


def content_of(layers):
    def part(form, network, now, kept):
        return sum(form.content_loss(now[k], kept[k]) for k in layers(network)) / len(now["deep"])

    return part


def with_alpha(combine):
    def objective(form, network, y, x, grams, alpha):
        found = perceptual_objective(form, network, y, x, grams, alpha)
        return found | {"total": combine(found["content"], found["style"], alpha)}

    return objective


def batch_of(part):
    return lambda form, network, now, other: part(form, network, now, other) * len(now["deep"])


OBJECTIVE = {
    "twice as many pictures should not cost twice as much: take means over the batch": changed(
        batch_of(content_part), batch_of(style_part)
    ),
    "the style is a sum over the batch: take the mean": changed(style=batch_of(style_part)),
    "the content is a sum over the batch: take the mean": changed(batch_of(content_part)),
    "the network looks at pictures in [0, 1], y and x lie in [-1, 1]": changed(see=signed),
    "the batch has one Gram matrix, as if it were one picture: each picture has its own": changed(style=as_one_picture),
    "each picture has a style of its own: you compare all with that of the first": changed(
        style=with_targets(lambda g: g[:1].expand_as(g))
    ),
    "each picture has a style of its own: you compare all with the mean of the styles": changed(
        style=with_targets(lambda g: g.mean(0, keepdim=True).expand_as(g))
    ),
    "the styles are handed round: picture i is compared with grams of picture i": changed(
        style=with_targets(lambda g: g.flip(0))
    ),
    "the content is that of network.content_layers": changed(content_of(lambda n: n.style_layers)),
    "the content is that of network.content_layers, not of all layers": changed(
        content_of(lambda n: (*n.content_layers, *n.style_layers))
    ),
    "y is compared with itself: the content is that of x": changed(see=of_itself),
    "the style is the mean over the style layers, not their sum": changed(
        style=lambda form, network, now, grams: style_part(form, network, now, grams) * len(network.style_layers)
    ),
    "only the first of the style layers counts": changed(
        style=lambda form, network, now, grams: (
            form.style_loss(form.gram_matrix(now[network.style_layers[0]]), grams[network.style_layers[0]])
            / len(now["deep"])
        )
    ),
    "alpha stands before the style: it weighs the content": with_alpha(lambda c, s, alpha: c + alpha * s),
    "alpha is missing from the total": with_alpha(lambda c, s, alpha: c + s),
    "the total has no style in it": with_alpha(lambda c, s, alpha: alpha * c),
    "the total has no content in it": with_alpha(lambda c, s, alpha: s),
}
mistakes("perceptual_objective", OBJECTIVE, forms=FORMS)


def rows(a, b, share, change):
    """Right but for what `change` makes of a row: (place, a's, b's, the right one) -> another."""
    return [
        change(i, one, other, right)
        for i, (one, other, right) in enumerate(zip(a, b, many_styles.morph(a, b, share), strict=True))
    ]


MORPH = {
    "the share goes the wrong way: 0 is a, 1 is b": lambda a, b, share: many_styles.morph(b, a, share),
    "the shares do not sum to one: a is not made less": lambda a, b, share: [
        x + share * y for x, y in zip(a, b, strict=True)
    ],
    "both have the same share: a has 1 - share": lambda a, b, share: [
        share * (x + y) for x, y in zip(a, b, strict=True)
    ],
    "beta stays that of a: a style is gamma and beta": lambda a, b, share: rows(
        a, b, share, lambda i, x, y, right: x if i % 2 else right
    ),
    "gamma stays that of a: a style is gamma and beta": lambda a, b, share: rows(
        a, b, share, lambda i, x, y, right: right if i % 2 else x
    ),
    "only the first layer morphs": lambda a, b, share: rows(a, b, share, lambda i, x, y, right: right if i < 2 else x),
    "the share has no effect: it is always half way": lambda a, b, share: many_styles.morph(a, b, 0.5),
    "it jumps from one style to the other: between them lies a mean": lambda a, b, share: list(a if share < 0.5 else b),
    "a geometric mean: add the parts, do not multiply powers": lambda a, b, share: [
        x.abs() ** (1 - share) * y.abs() ** share for x, y in zip(a, b, strict=True)
    ],
    "the rows are brought to unit length: their length is a part of the style": lambda a, b, share: [
        row / row.norm() for row in many_styles.morph(a, b, share)
    ],
}
mistakes("morph", MORPH)


def last_time(losses, value):
    above = [i for i, loss in enumerate(losses) if loss > value]
    return next((i + 1 for i in range((above or [-1])[-1] + 1, len(losses))), None)


def first(losses, value, holds, start=1):
    return next((i for i, loss in enumerate(losses, start) if holds(loss, value)), None)


WORTH = {
    "you return a place in the list, which begins at 0: losses[0] is the loss after one step": lambda losses, value: (
        first(losses, value, float.__le__, 0)
    ),
    "the optimisation was as good before: the first time counts, though it may get worse again": last_time,
    "as good is good enough: a loss that is equal counts": lambda losses, value: first(losses, value, float.__lt__),
    "where the optimisation never gets so far, no number is right: return None": lambda losses, value: (
        fast_style.steps_worth(losses, value) or len(losses)
    ),
    "where the optimisation never gets so far, no number is right: return None, not one step more": (
        lambda losses, value: fast_style.steps_worth(losses, value) or len(losses) + 1
    ),
    "you count the losses that are higher, also those after the first that is not": lambda losses, value: (
        None if min(losses) > value else sum(loss > value for loss in losses) + 1
    ),
    "the nearest loss is not the first that is as low": lambda losses, value: (
        None if min(losses) > value else min(range(len(losses)), key=lambda i: abs(losses[i] - value)) + 1
    ),
    "a loss is better when it is lower: you look for one that is higher": lambda losses, value: first(
        losses, value, float.__ge__
    ),
    "the lowest loss of all is not asked for": lambda losses, value: (
        None if min(losses) > value else losses.index(min(losses)) + 1
    ),
}
mistakes("steps_worth", WORTH)


def along(layers, *, side=1, before=False, double=None, residual=2, grow=lambda kernel, step: (kernel - 1) * step):
    """The rule with one thing changed."""
    step = 1.0
    for kind, kernel, factor in layers:
        new = step * factor if kind != "enlarge" else (double or (lambda s, f: s / f))(step, factor)
        side += (residual if kind == "residual" else 1) * grow(kernel, new if before else step)
        step = new
    return side


FIELD = {
    "a stride widens the layers after it, not its own": lambda layers: along(layers, before=True),
    "enlarging is forgotten: after it a step is shorter again": lambda layers: along(layers, double=lambda s, f: s),
    "enlarging makes a step shorter, not longer": lambda layers: along(layers, double=lambda s, f: s * f),
    "a residual block has two convolutions": lambda layers: along(layers, residual=1),
    "a residual block is counted twice: two convolutions, and the sum adds nothing": lambda layers: along(
        layers, residual=4
    ),
    "a kernel of 3 adds two pixels, one to each side": lambda layers: along(layers, grow=lambda k, step: k * step),
    "it begins with the one pixel that is asked about": lambda layers: along(layers, side=0),
    "the strides have no effect": lambda layers: along(layers, grow=lambda k, step: k - 1),
    "only one side is counted: a kernel reaches to the left and to the right": lambda layers: along(
        layers, grow=lambda k, step: k // 2 * step
    ),
    "it is the largest kernel: what layers see adds up": lambda layers: max((k for _, k, _ in layers), default=1),
    "kernels do not multiply: what layers see adds up": lambda layers: torch.tensor(
        [float(k) for _, k, _ in layers]
    ).prod(),
}
mistakes("receptive_field", FIELD)
