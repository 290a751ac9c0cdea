"""Chapter 01: what goes wrong in its tasks, and what is said about it."""

from functools import partial

import torch
import torch.nn.functional as F

from gencourse.homework.ch01.reference import (
    FORMS,
    LUMINANCE,
    exchanged,
    keep_colours,
    luminance,
    pixel_step,
    style_part,
)
from gencourse.homework.ch01.reference import make_objective as right_objective
from gencourse.homework.checking.check import Mistakes, add_mistakes
from gencourse.methods.style import gram_matrix

MISTAKES: Mistakes = {}
CONTENT = ("shallow", "deeper")  # the content layers of the network in calls.py
mistakes = partial(add_mistakes, MISTAKES)


def squares(f, p):
    return (f - p).square().sum()


CONTENT_LOSS = {
    "the same picture repeated side by side should cost the same: see 1/M": squares,
    "twice the channels should cost twice as much: divide by M alone": F.mse_loss,
    "you divide by the number of channels: M counts positions": lambda f, p: squares(f, p) / f.shape[1],
    "the errors are squared, not taken without their sign": lambda f, p: (f - p).abs().sum() / f[0, 0].numel(),
    "twice the error must cost four times as much: no root is taken": lambda f, p: (f - p).norm() / f[0, 0].numel(),
    "half of what it should be: our formula has 1/M in place of the paper's ½": lambda f, p: (
        squares(f, p) / (2 * f[0, 0].numel())
    ),
    "M counts all positions, h times w, not the rows alone": lambda f, p: squares(f, p) / f.shape[2],
    "M counts all positions, h times w, not the columns alone": lambda f, p: squares(f, p) / f.shape[3],
    "right only for square pictures: M is h times w": lambda f, p: squares(f, p) / f.shape[2] ** 2,
    "right only for square pictures: M is the height times the width": lambda f, p: squares(f, p) / f.shape[3] ** 2,
    "the squares are subtracted: it is the difference that is squared": lambda f, p: (
        (f.square() - p.square()).sum() / f[0, 0].numel()
    ),
    "the differences are added with their signs, and cancel: square each": lambda f, p: (f - p).sum() / f[0, 0].numel(),
    "all differences are added, then squared: square each before": lambda f, p: (
        (f - p).sum().square() / f[0, 0].numel()
    ),
}
mistakes("content_loss", CONTENT_LOSS)


def products(x):
    return x.flatten(2) @ x.flatten(2).mT


GRAM_MATRIX = {
    "a picture twice as wide gives other values: take a mean over the positions": products,
    "the average runs over positions only: more channels must not make G smaller": lambda x: products(x) / x[0].numel(),
    "this is a covariance: no mean is subtracted here": lambda x: gram_matrix(x - x.mean((2, 3), keepdim=True)),
    "three times the activations should give nine times the matrix: do not normalise": lambda x: products(
        F.normalize(x.flatten(2), dim=2)
    ),
    "the images of a batch have leaked into each other": lambda x: gram_matrix(
        x.transpose(0, 1).reshape(1, x.shape[1], -1, 1)
    ).expand(len(x), -1, -1),
    "right only for square pictures: the number of positions is h times w": lambda x: products(x) / x.shape[2] ** 2,
    "right only for square pictures: positions are rows times columns": lambda x: products(x) / x.shape[3] ** 2,
    "reshaped where it should be transposed: channels and positions got mixed": lambda x: (
        products(x.reshape(len(x), -1, x.shape[1]).mT) / x[0, 0].numel()
    ),
    "each position's answers are scaled to length one: do not normalise": lambda x: gram_matrix(F.normalize(x, dim=1)),
    "M counts the positions: no M − 1, as a variance has it": lambda x: products(x) / (x[0, 0].numel() - 1),
    "first the average, then the product: multiply at each position, then take the average": lambda x: (
        x.mean((2, 3))[:, :, None] * x.mean((2, 3))[:, None]
    ),
    "these are correlations: nothing is centred here, and nothing divided by a deviation": lambda x: torch.stack(
        [torch.corrcoef(one.flatten(1)) for one in x]
    ),
    "it keeps positions: one number for each pair of channels is asked for": lambda x: (
        x.flatten(2).mT @ x.flatten(2) / x.shape[1]
    ),
    "it keeps positions: one number for each pair of channels, summed over rows and columns": lambda x: (
        x[:, :, None] * x[:, None]
    ),
}
mistakes("gram_matrix", GRAM_MATRIX)

STYLE_LOSS = {
    "four times as much as it should be: where is the 4?": F.mse_loss,
    "it grows with the number of channels: see 1/N², with N the last size of the shape": lambda g, a: (
        squares(g, a) / (4 * g.shape[0] ** 2)
    ),
    "only the sum: the formula divides it by 4 N²": squares,
    "N is squared in the formula: there are N x N entries": lambda g, a: squares(g, a) / (4 * g.shape[-1]),
    "the errors are squared, not taken without their sign": lambda g, a: (g - a).abs().mean() / 4,
    "N to the power four: the formula has N², once": lambda g, a: squares(g, a) / (4 * g.numel() ** 2),
    "twice the error must cost four times as much: no root is taken": lambda g, a: (g - a).norm() / (4 * g.numel()),
    "the 4 is not squared: 4 N², not (4 N)²": lambda g, a: F.mse_loss(g, a) / 16,
    "the squares are subtracted: it is the difference that is squared": lambda g, a: (
        (g.square() - a.square()).mean() / 4
    ),
    "the differences are added with their signs, and cancel: square each": lambda g, a: (g - a).mean() / 4,
    "all differences are added, then squared: square each before": lambda g, a: (g - a).sum().square() / 4 / g.numel(),
    "half of the matrix counts: i and j both run over all channels": lambda g, a: (
        squares(g.triu(), a.triu()) / (4 * g.numel())
    ),
    "only the diagonal counts: pairs of different channels do, too": lambda g, a: (
        squares(g.diagonal(dim1=1, dim2=2), a.diagonal(dim1=1, dim2=2)) / (4 * g.numel())
    ),
}
mistakes("style_loss", STYLE_LOSS)


def pictures(change):
    """An objective of other pictures: change(content, style)."""
    return lambda form, network, content, style, alpha, beta: right_objective(
        form, network, *change(content, style), alpha=alpha, beta=beta
    )


def losses(change):
    """An objective with other losses, in the total too: change(form, layers of x, of the content, of the style)."""

    def make(form, network, content, style, alpha, beta):
        right = right_objective(form, network, content, style, alpha, beta)
        kept, seen = network(content), network(style)

        def changed(x):
            found = right(x) | change(form, network(x), kept, seen)
            return found | total(found, alpha, beta)

        return changed

    return make


def returned(change):
    """An objective that returns other numbers in place of some losses, or of the total: change(losses, alpha, beta)."""

    def make(form, network, content, style, alpha, beta):
        right = right_objective(form, network, content, style, alpha, beta)
        return lambda x: (found := right(x)) | change(found, alpha, beta)

    return make


def total(losses, alpha, beta):
    return {"total": alpha * losses["content"] + beta * style_part(losses)}


def without(*names):
    """An objective whose total holds some of the losses as constants."""
    return returned(lambda v, alpha, beta: total(v | {name: v[name].detach() for name in names}, alpha, beta))


def weighted(*names):
    """An objective that returns some of the losses times their weights."""
    return returned(lambda v, alpha, beta: {n: (alpha if n == "content" else beta) * v[n] for n in names})


def weighted_twice(*names):
    """An objective that returns some of the losses times their weights, and weighs them again in the total."""

    def change(losses, alpha, beta):
        losses = losses | {n: (alpha if n == "content" else beta) * losses[n] for n in names}
        return losses | total(losses, alpha, beta)

    return returned(change)


MAKE_OBJECTIVE = {
    "only the first of network.content_layers counts: sum over all of them": losses(
        lambda form, f, p, a: {"content": form.content_loss(f["shallow"], p["shallow"])}
    ),
    "only the last of network.content_layers counts: sum over all of them": losses(
        lambda form, f, p, a: {"content": form.content_loss(f["deeper"], p["deeper"])}
    ),
    "the content loss is the mean over network.content_layers: it should be the sum": losses(
        lambda form, f, p, a: {"content": sum(form.content_loss(f[name], p[name]) for name in CONTENT) / 2}
    ),
    "the style targets are those of the content picture": pictures(lambda content, style: (content, content)),
    "content and painting have changed places": pictures(lambda content, style: (style, content)),
    "the content target is that of the painting": pictures(lambda content, style: (style, style)),
    "where x is the content picture the content loss must be zero: with what do you compare activations?": losses(
        lambda form, f, p, a: {"content": sum(form.content_loss(f[k], 0 * f[k]) for k in CONTENT)}
    ),
    "the content loss is zero whatever x is: compare with the activations of the content picture": losses(
        lambda form, f, p, a: {"content": sum(form.content_loss(f[k], f[k]) for k in CONTENT)}
    ),
    "the content loss is taken over all layers of the network: it has its own, network.content_layers": losses(
        lambda form, f, p, a: {"content": sum(form.content_loss(f[name], p[name]) for name in f)}
    ),
    "the content loss is taken over network.style_layers: it has layers of its own, network.content_layers": losses(
        lambda form, f, p, a: {"content": sum(form.content_loss(f[k], p[k]) for k in ("shallow", "deep"))}
    ),
    "the loss 'shallow' is not style_loss of the Gram matrices of that layer": losses(
        lambda form, f, p, a: {name: form.content_loss(f[name], a[name]) for name in ("shallow", "deep")}
    ),
}
mistakes("make_objective", MAKE_OBJECTIVE, forms=FORMS)
WEIGHTED = "the loss {!r} is returned times {}: the weights belong in the total alone"
for names in ["content"], ["content", "shallow", "deep"], ["shallow", "deep"], ["shallow"], ["deep"]:
    sentence = WEIGHTED.format(names[0], "alpha" if names[0] == "content" else "beta")
    mistakes("make_objective", {sentence: weighted(*names)}, forms=FORMS)
TWICE = "{} is in the loss already, and in the total once more: the weights belong in the total alone"
for name, names in {"alpha": ["content"], "beta": ["shallow", "deep"]}.items():
    mistakes("make_objective", {TWICE.format(name): weighted_twice(*names)}, forms=FORMS)
CUT = "the {} part of the total carries no gradient: a .detach() or .item() too many?"
MAKE_OBJECTIVE = {
    "the style part is the mean of the E_L, not their sum": returned(
        lambda v, alpha, beta: {"total": alpha * v["content"] + beta * (v["shallow"] + v["deep"])}
    ),
    "alpha and beta have changed places": returned(lambda v, alpha, beta: total(v, beta, alpha)),
    "alpha and beta have no effect": returned(lambda v, alpha, beta: total(v, 1, 1)),
    "alpha has no effect": returned(lambda v, alpha, beta: total(v, 1, beta)),
    "beta has no effect": returned(lambda v, alpha, beta: total(v, alpha, 1)),
    "the content loss counts in the style part as well": returned(
        lambda v, alpha, beta: {"total": alpha * v["content"] + beta * (v["content"] / 2 + style_part(v))}
    ),
    "the style part is divided by the number of all layers: divide by that of network.style_layers": returned(
        lambda v, alpha, beta: total(v, alpha, beta * 2 / 3)
    ),
    "the style losses do not count in the total": returned(lambda v, alpha, beta: total(v, alpha, 0)),
    CUT.format("content"): without("content"),
    CUT.format("style"): without("shallow", "deep"),
    CUT.format("shallow"): without("shallow"),
    CUT.format("deep"): without("deep"),
}
mistakes("make_objective", MAKE_OBJECTIVE, forms=FORMS)


def variation_summed(x):
    return x.diff(dim=2).square().sum() + x.diff(dim=3).square().sum()


TOTAL_VARIATION = {
    "the last row is compared with the first: edges do not wrap around": lambda x: (
        F.mse_loss(x, x.roll(1, 2)) + F.mse_loss(x, x.roll(1, 3))
    ),
    "the same ramp turned upright is missed: vertical neighbours count too": lambda x: x.diff(dim=3).square().mean(),
    "a ramp from left to right is missed: horizontal neighbours count too": lambda x: x.diff(dim=2).square().mean(),
    "a ramp three times as steep should cost nine times as much: square the differences": lambda x: (
        x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()
    ),
    "it grows with the picture: a mean, not a sum": variation_summed,
    "each direction has a mean of its own, and the two are added": lambda x: (
        variation_summed(x) / (x.diff(dim=2).numel() + x.diff(dim=3).numel())
    ),
    "half of what it should be: the two means are added, not averaged": lambda x: (
        (x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean()) / 2
    ),
    "there are fewer pairs of neighbours than pixels: a mean divides by the pairs": lambda x: (
        variation_summed(x) / x.numel()
    ),
    "right only for square pictures: both directions have their own number of pairs": lambda x: (
        variation_summed(x) / x.diff(dim=2).numel()
    ),
    "right only for square pictures: each direction has its own number of pairs": lambda x: (
        variation_summed(x) / x.diff(dim=3).numel()
    ),
    "each pixel is compared with the one two places on: neighbours lie side by side": lambda x: (
        F.mse_loss(x[:, :, 2:], x[:, :, :-2]) + F.mse_loss(x[..., 2:], x[..., :-2])
    ),
    "no root is taken: the two means of squares are added": lambda x: (
        x.diff(dim=2).square().mean().sqrt() + x.diff(dim=3).square().mean().sqrt()
    ),
    "first averaged, then squared: ups and downs cancel. Square each difference": lambda x: (
        x.diff(dim=2).mean().square() + x.diff(dim=3).mean().square()
    ),
    "the differences keep their signs, and cancel: square each": lambda x: x.diff(dim=2).mean() + x.diff(dim=3).mean(),
    "the two directions are multiplied: they are added": lambda x: (
        x.diff(dim=2).square().mean() * x.diff(dim=3).square().mean()
    ),
    "neighbours are added: their difference is asked for": lambda x: (
        (x[:, :, 1:] + x[:, :, :-1]).square().mean() + (x[..., 1:] + x[..., :-1]).square().mean()
    ),
    "vertical neighbours are added: their difference is asked for": lambda x: (
        (x[:, :, 1:] + x[:, :, :-1]).square().mean() + x.diff(dim=3).square().mean()
    ),
    "horizontal neighbours are added: their difference is asked for": lambda x: (
        x.diff(dim=2).square().mean() + (x[..., 1:] + x[..., :-1]).square().mean()
    ),
    "only the first picture of the batch counts": lambda x: (
        x[:1].diff(dim=2).square().mean() + x[:1].diff(dim=3).square().mean()
    ),
    "vertical neighbours count twice, and horizontal ones not at all": lambda x: 2 * x.diff(dim=2).square().mean(),
    "horizontal neighbours count twice, and vertical ones not at all": lambda x: 2 * x.diff(dim=3).square().mean(),
    "a pixel's two differences are added before they are squared: each direction by itself": lambda x: (
        (x.diff(dim=2)[..., 1:] + x.diff(dim=3)[:, :, 1:]).square().mean()
    ),
    "a root of both directions together: squares are averaged and added, without a root": lambda x: (
        (x.diff(dim=2)[..., 1:].square() + x.diff(dim=3)[:, :, 1:].square()).sqrt().mean()
    ),
}
mistakes("total_variation", TOTAL_VARIATION)
CHANNELS = "neighbours lie in the same row or column: along the second dimension lie the channels"
mistakes(
    "total_variation",
    {CHANNELS: lambda other, x: x.diff(dim=1).square().mean() + x.diff(dim=other).square().mean()},
    forms=(2, 3),
)


def stretched(x):
    return (x - x.min()) / (x.max() - x.min())


KEEP_COLOURS = {
    "the colours are those of the stylised picture: it should be the other way round": lambda s, c: keep_colours(c, s),
    "a plain mean of R, G and B is not Y: green weighs most": lambda s, c: exchanged(s, c, LUMINANCE * 0 + 1 / 3).clamp(
        0, 1
    ),
    "the three weights come in the wrong order": lambda s, c: exchanged(s, c, LUMINANCE.flip(1)).clamp(0, 1),
    "the colour is a difference from Y, not a ratio": lambda s, c: (c * luminance(s) / luminance(c)).clamp(0, 1),
    "these are the weights of high-definition television: the text has 0.299, 0.587 and 0.114": lambda s, c: exchanged(
        s, c, torch.tensor([0.2126, 0.7152, 0.0722]).view(1, 3, 1, 1)
    ).clamp(0, 1),
    "the weights add up to one, so Y is the sum of the three products, not their mean": lambda s, c: exchanged(
        s, c, LUMINANCE / 3
    ).clamp(0, 1),
    "the difference from Y is subtracted: add it to the Y of the stylised picture": lambda s, c: (
        luminance(s) - c + luminance(c)
    ).clamp(0, 1),
    "the two luminances have changed places: the photograph's goes, the stylised picture's comes": lambda s, c: (
        luminance(c) + c - luminance(s)
    ).clamp(0, 1),
    "a difference from Y may be negative: do not cut it off": lambda s, c: (
        luminance(s) + (c - luminance(c)).clamp(0, 1)
    ).clamp(0, 1),
    "a difference from Y may be negative: no absolute value": lambda s, c: (
        luminance(s) + (c - luminance(c)).abs()
    ).clamp(0, 1),
    "the stylised picture's colours come along: of it only Y is wanted": lambda s, c: (s + c - luminance(c)).clamp(
        0, 1
    ),
    "half of Y is still the photograph's": lambda s, c: exchanged((s + c) / 2, c).clamp(0, 1),
    "Y is one number for a pixel, the sum over its channels: yours differs from channel to channel": lambda s, c: (
        s * LUMINANCE + c - c * LUMINANCE
    ).clamp(0, 1),
    "the result is stretched to [0, 1]: cut it off there": lambda s, c: stretched(exchanged(s, c)),
    "the colours are gone: where is the photograph's difference from Y?": lambda s, c: luminance(s).expand_as(c),
    "the photograph's own luminance must go, or it counts twice": lambda s, c: (luminance(s) + c).clamp(0, 1),
    "the result leaves [0, 1] on both sides": exchanged,
    "the result leaves [0, 1] at the top: it is cut off at 0, not at 1": lambda s, c: exchanged(s, c).clamp(min=0),
    "the result leaves [0, 1] at the bottom: it is cut off at 1, not at 0": lambda s, c: exchanged(s, c).clamp(max=1),
}
mistakes("keep_colours", KEEP_COLOURS)


def moved(x, objective, rate, name="total"):
    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(x)[name], x)
    return x.detach() - rate * gradient


def moved_by(change):
    """A step by a gradient that was changed."""

    def step(x, objective, rate):
        return (x - rate * change(x - moved(x, objective, 1.0))).clamp(0, 1)

    return step


def moved_by_all(x, objective, rate):
    x = x.detach().clone().requires_grad_()
    torch.stack(list(objective(x).values())).sum().backward()
    return (x.detach() - rate * x.grad).clamp(0, 1)


PIXEL_STEP = {
    "uphill: the gradient is subtracted, not added": lambda x, f, rate: pixel_step(x, f, -rate),
    "the result leaves [0, 1]: cut it off there": moved,
    "the result leaves [0, 1] at the top": lambda *given: moved(*given).clamp(min=0),
    "the result leaves [0, 1] at the bottom": lambda *given: moved(*given).clamp(max=1),
    "the rate has no effect": lambda x, f, rate: pixel_step(x, f, 1.0),
    "the gradient is divided by its length: the rate alone says how far to go": moved_by(lambda g: g / g.norm()),
    "only the gradient's sign is used: a larger slope should mean a larger step": moved_by(torch.sign),
    "a mean of the gradient over the pixels moves all of them alike": moved_by(lambda g: g.mean().expand_as(g)),
    "the gradient is clamped, where the picture should be": moved_by(lambda g: g.clamp(0, 1)),
    "the parts are added to the total, which holds them already": moved_by_all,
    "only the content loss is followed: take the total": lambda x, f, rate: moved(x, f, rate, "content").clamp(0, 1),
    "the gradient is cut off at -1 and 1: the rate alone says how far to go": moved_by(lambda g: g.clamp(-1, 1)),
    "a sigmoid changes every pixel: cut the picture off at 0 and 1": lambda *given: moved(*given).sigmoid(),
    "the result is stretched to [0, 1]: cut it off there": lambda *given: stretched(moved(*given)),
    "this is the step alone: subtract it from x": lambda x, f, rate: (x - moved(x, f, rate)).clamp(0, 1),
    "divided by the rate: multiply the gradient by it": lambda x, f, rate: pixel_step(x, f, 1 / rate),
    "x is multiplied by 1 - rate * gradient: subtract the step from it": lambda x, f, rate: (
        x * (1 - x + moved(x, f, rate))
    ).clamp(0, 1),
    "two steps were made: one is asked for": lambda x, f, rate: pixel_step(pixel_step(x, f, rate), f, rate),
    "nothing has moved: is the gradient applied?": lambda x, objective, rate: x.clone(),
    "it comes back with a graph: detach it, or every step's graph is kept": lambda *given: pixel_step(
        *given
    ).requires_grad_(),
}
mistakes("pixel_step", PIXEL_STEP)
