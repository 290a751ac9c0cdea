"""Chapter 04b: what goes wrong in its tasks, and what is said about it."""

from functools import partial

import torch
import torch.nn.functional as F
from torch.nn.functional import softplus

from gencourse.homework.ch04b.reference import (
    diversity,
    draws_of,
    losses_of_pairs,
    patch_side,
    unet_forward,
)
from gencourse.homework.checking.check import Mistakes, add_mistake, add_mistakes

MISTAKES: Mistakes = {}
mistakes = partial(add_mistakes, MISTAKES)
mistake = partial(add_mistake, MISTAKES)


def leaky(y):
    return F.leaky_relu(y, 0.2)


def nothing(y):
    return y


mistakes(
    "unet_forward",
    {
        "the skip is added: it should be joined, channel by channel": partial(unet_forward, join=torch.add),
        "skip and what comes up stand in the wrong order: what comes up goes first": partial(
            unet_forward, join=lambda y, skip: torch.cat([skip, y], 1)
        ),
        "nothing is handed across: where are the skips?": lambda down, up, x, skips=True: unet_forward(
            down, up, x, False
        ),
        "the mean of skip and what comes up: join them, channel by channel": partial(
            unet_forward, join=lambda y, skip: (y + skip) / 2
        ),
        "the skip replaces what comes up: join both, or nothing of the bottleneck gets through": partial(
            unet_forward, join=lambda y, skip: skip
        ),
        "what comes up is joined to itself: the skip is the encoder's map": partial(
            unet_forward, join=lambda y, skip: torch.cat([y, y], 1)
        ),
        "the skip is multiplied: join it, channel by channel": partial(unet_forward, join=torch.mul),
        "skips=False hands nothing across: yours does it always": lambda down, up, x, skips=True: unet_forward(
            down, up, x, True
        ),
        "LeakyReLU has a slope of 0.2 here: 0.01 is torch's own": partial(unet_forward, inner=F.leaky_relu),
        "a ReLU in the encoder: its levels are given a LeakyReLU": partial(unet_forward, inner=F.relu),
        "a LeakyReLU in the decoder: its levels are given a ReLU": partial(unet_forward, outer=leaky),
        "encoder and decoder have changed their activations": partial(unet_forward, inner=F.relu, outer=leaky),
        "the encoder has no activation: its levels make one linear map": partial(unet_forward, inner=nothing),
        "the decoder has no activation": partial(unet_forward, outer=nothing),
        "there is no activation anywhere but at the end": partial(unet_forward, inner=nothing, outer=nothing),
        "the last level's output goes through tanh: where is it?": partial(unet_forward, end=nothing),
        "tanh, not a sigmoid: the pictures lie in [-1, 1]": partial(unet_forward, end=torch.sigmoid),
        "the last level's output goes through a ReLU: tanh alone": partial(
            unet_forward, end=lambda y: torch.tanh(F.relu(y))
        ),
        "the output is cut off at -1 and 1: tanh is asked for": partial(unet_forward, end=lambda y: y.clamp(-1, 1)),
        "the output is cut off at 0 and 1: tanh is asked for": partial(unet_forward, end=lambda y: y.clamp(0, 1)),
        "the output lies in [0, 1]: the network speaks [-1, 1], as tanh does": partial(
            unet_forward, end=lambda y: (torch.tanh(y) + 1) / 2
        ),
        "the skip is subtracted: it should be joined, channel by channel": partial(unet_forward, join=torch.sub),
        "the output goes through tanh twice": partial(unet_forward, end=lambda y: torch.tanh(torch.tanh(y))),
        "channels of the two stand in turn: first all that come up, then all of the skip": partial(
            unet_forward, join=lambda y, skip: torch.stack([y, skip], 2).flatten(1, 2)
        ),
        "another dropout stands before the decoder's levels: theirs is in them already": partial(
            unet_forward, outer=lambda y: F.dropout(F.relu(y), 0.5)
        ),
    },
)


@mistake("unet_forward", "LeakyReLU has another slope: 0.2 is asked for", forms=(0.02, 0.1, 0.3, 0.5, -0.2))
def other_slope(slope, down, up, x, skips=True):
    return unet_forward(down, up, x, skips, inner=lambda y: F.leaky_relu(y, slope))


OTHERS = {"an ELU": F.elu, "a GELU": F.gelu, "a SiLU": F.silu, "a tanh": torch.tanh, "a sigmoid": torch.sigmoid}
for words, other in OTHERS.items():
    inside = {
        f"{words} in the encoder: its levels are given a LeakyReLU": partial(unet_forward, inner=other),
        f"{words} in the decoder: its levels are given a ReLU": partial(unet_forward, outer=other),
        f"{words} before every level: LeakyReLU in the encoder, ReLU in the decoder": partial(
            unet_forward, inner=other, outer=other
        ),
    }
    mistakes("unet_forward", inside)


def levels(down, x, inner=leaky):
    maps = []
    for i, level in enumerate(down):
        x = level(x if i == 0 else inner(x))
        maps.append(x)
    return maps


@mistake("unet_forward", "the picture itself goes through a LeakyReLU: the first level is given it as it is")
def activated_picture(down, up, x, skips=True):
    return unet_forward(down, up, leaky(x), skips)


@mistake("unet_forward", "the picture is joined to what comes out: the outermost level has no skip")
def picture_joined(down, up, x, skips=True):
    y = unet_forward(down, up, x, skips, end=nothing)
    return torch.tanh(torch.cat([y, x], 1)) if skips else torch.tanh(y)


@mistake("unet_forward", "the bottleneck is joined to itself: the first skip goes to the second level of the decoder")
def bottleneck_joined(down, up, x, skips=True):
    maps = levels(down, x)
    x = torch.cat([maps[-1], maps[-1]], 1) if skips else maps[-1]
    for i, level in enumerate(up):
        x = level(F.relu(x))
        if skips and i < len(up) - 1:
            x = torch.cat([x, maps[-2 - i]], 1)
    return torch.tanh(x)


@mistake("unet_forward", "the ReLU stands after the decoder's levels: it stands before them, the bottleneck included")
def relu_after(down, up, x, skips=True):
    maps = levels(down, x)
    x = maps[-1]
    for i, level in enumerate(up):
        x = level(x) if i == len(up) - 1 else F.relu(level(x))
        if skips and i < len(up) - 1:
            x = torch.cat([x, maps[-2 - i]], 1)
    return torch.tanh(x)


def decoded(down, up, x, skips, first, level_of):
    """A decoder with other activations: `first` of the bottleneck, level_of(level, y, last) of each level."""
    maps = levels(down, x)
    x = first(maps[-1])
    for i, level in enumerate(up):
        x = level_of(level, x, i == len(up) - 1)
        if skips and i < len(up) - 1:
            x = torch.cat([x, maps[-2 - i]], 1)
    return torch.tanh(x)


@mistake("unet_forward", "the ReLU stands after each level of the decoder, the last one too: it stands before them")
def relu_after_all(down, up, x, skips=True):
    return decoded(down, up, x, skips, nothing, lambda level, y, last: F.relu(level(y)))


@mistake("unet_forward", "the decoder's last level is given no ReLU: it stands before every one of them")
def last_not_activated(down, up, x, skips=True):
    return decoded(down, up, x, skips, nothing, lambda level, y, last: level(y if last else F.relu(y)))


@mistake("unet_forward", "every level of the decoder goes through tanh: the last alone")
def tanh_everywhere(down, up, x, skips=True):
    return decoded(
        down, up, x, skips, nothing, lambda level, y, last: level(F.relu(y)) if last else level(F.relu(y)).tanh()
    )


@mistake("unet_forward", "the skip is not activated: the ReLU goes over what was joined, skip and all")
def skip_not_activated(down, up, x, skips=True):
    maps = levels(down, x)
    x = F.relu(maps[-1])
    for i, level in enumerate(up):
        x = level(x)
        if i < len(up) - 1:
            x = torch.cat([F.relu(x), maps[-2 - i]], 1) if skips else F.relu(x)
    return torch.tanh(x)


@mistake("unet_forward", "the bottleneck is not activated: a ReLU stands before the decoder's first level, too")
def bottleneck_not_activated(down, up, x, skips=True):
    maps = levels(down, x)
    x = maps[-1]
    for i, level in enumerate(up):
        x = level(x if i == 0 else F.relu(x))
        if skips and i < len(up) - 1:
            x = torch.cat([x, maps[-2 - i]], 1)
    return torch.tanh(x)


@mistake("unet_forward", "the last skip is missing: the outermost level of the decoder is given one as well")
def without_last_skip(down, up, x, skips=True):
    maps = levels(down, x)
    x = maps[-1]
    for i, level in enumerate(up):
        x = level(F.relu(x))
        if skips and i < len(up) - 2:
            x = torch.cat([x, maps[-2 - i]], 1)
    return torch.tanh(x)


def pair(a, x, conditional):
    return torch.cat([a, x], 1) if conditional else x


def towards(value):
    return lambda logits: (logits - value).square().mean()


to_one, to_zero = towards(1), towards(0)


def game(g=to_one, d=lambda real, fake: (to_one(real) + to_zero(fake)) / 2, seen=pair):
    """The losses with others of G and of D, given logits, or with another thing that D sees."""

    def losses(fake, D, a, b, conditional=True, distance=F.l1_loss):
        found = {"distance": distance(fake, b)}
        if D is None:
            return found
        on_real, on_fake = D(seen(a, b, conditional)), D(seen(a, fake.detach(), conditional))
        return found | {"G": g(D(seen(a, fake, conditional))), "D": d(on_real, on_fake)}

    return losses


def after(change):
    """The right losses, changed afterwards: change(losses, everything that was given)."""

    def losses(*given):
        found = losses_of_pairs(*given)
        return found | change(found, *given)

    return losses


def with_distance(make):
    return after(lambda found, fake, D, a, b, conditional, distance: {"distance": make(fake, a, b, distance)})


mistakes(
    "losses_of_pairs",
    {
        "a conditional D sees a as well, joined channel by channel: yours sees the other picture alone": game(
            seen=lambda a, x, conditional: x
        ),
        "a goes first, the picture that belongs to it second": game(
            seen=lambda a, x, conditional: torch.cat([x, a], 1) if conditional else x
        ),
        "conditional=False: D does not see a, yours always does": game(seen=lambda a, x, conditional: pair(a, x, True)),
        "D is shown a alone: it never sees what it should judge": game(
            seen=lambda a, x, conditional: pair(a, a, conditional)
        ),
        "a and the picture are added: join them, channel by channel": game(
            seen=lambda a, x, conditional: a + x if conditional else x
        ),
        "D draws true pairs to 0.9: here to 1": game(d=lambda real, fake: (towards(0.9)(real) + to_zero(fake)) / 2),
        "G draws its pictures to 0.9: here to 1": game(g=towards(0.9)),
        "D draws translations to -1: here to 0": game(d=lambda real, fake: (to_one(real) + towards(-1)(fake)) / 2),
        "G draws its pictures to -1: it wants them to be taken for true, 1": game(g=towards(-1)),
        "G climbs D^2: it descends the squared distance from 1": game(g=lambda x: -to_zero(x)),
        "G: a sigmoid of the logits: with least squares they are taken as they are": game(
            g=lambda x: to_one(x.sigmoid())
        ),
        "a sigmoid of the logits: with least squares they are taken as they are": game(
            lambda x: to_one(x.sigmoid()), lambda real, fake: (to_one(real.sigmoid()) + to_zero(fake.sigmoid())) / 2
        ),
        "D: a sigmoid of the logits: with least squares they are taken as they are": game(
            d=lambda real, fake: (to_one(real.sigmoid()) + to_zero(fake.sigmoid())) / 2
        ),
        "D's loss is half of the sum: the half is there for translations alone": game(
            d=lambda real, fake: to_one(real) + to_zero(fake) / 2
        ),
        "D's loss is half of the sum: the half is there for true pairs alone": game(
            d=lambda real, fake: to_one(real) / 2 + to_zero(fake)
        ),
        "D never sees a translation, and the half is missing": game(d=lambda real, fake: to_one(real)),
        "D never sees a true picture, and the half is missing": game(d=lambda real, fake: to_zero(fake)),
        "D descends a hinge: here it is half of the squared distances": game(
            d=lambda real, fake: (F.relu(1 - real).mean() + F.relu(1 + fake).mean()) / 2
        ),
        "D descends a cross-entropy: here it is half of the squared distances": game(
            d=lambda real, fake: (softplus(-real).mean() + softplus(fake).mean()) / 2
        ),
        "D: the logits are averaged before the squares are taken: first square, then average": game(
            d=lambda real, fake: ((real.mean() - 1).square() + fake.mean().square()) / 2
        ),
        "conditional=False: D is given the picture alone, with no zeros in the place of a": game(
            seen=lambda a, x, conditional: pair(a if conditional else 0 * a, x, True)
        ),
        "the losses of G and of D have changed their names": after(
            lambda found, *_: {"G": found["D"], "D": found["G"]} if "G" in found else {}
        ),
        "D's loss is the difference of its two parts: add them": game(
            d=lambda real, fake: (to_one(real) - to_zero(fake)) / 2
        ),
        "conditional and not have changed places": game(seen=lambda a, x, conditional: pair(a, x, not conditional)),
        "G draws its pictures to 0: it wants them to be taken for true, 1": game(g=to_zero),
        "a sum over the logits in G's loss, where the mean is asked for": game(g=lambda x: (x - 1).square().sum()),
        "G's loss is halved: it is asked for whole": game(g=lambda x: to_one(x) / 2),
        "G: the absolute distance from 1, where its square is asked for": game(g=lambda x: (x - 1).abs().mean()),
        "G: the logits are averaged before the square is taken: first square, then average": game(
            g=lambda x: (x.mean() - 1).square()
        ),
        "G descends a cross-entropy: here it is the squared distance from 1": game(g=lambda x: softplus(-x).mean()),
        "both games are played with a cross-entropy: here with squared distances": game(
            lambda x: softplus(-x).mean(), lambda real, fake: (softplus(-real).mean() + softplus(fake).mean()) / 2
        ),
        "D's loss is half of the sum of its two parts: the half is missing": game(
            d=lambda real, fake: to_one(real) + to_zero(fake)
        ),
        "true pictures and translations have changed places in D's loss": game(
            d=lambda real, fake: (to_zero(real) + to_one(fake)) / 2
        ),
        "D never sees a true picture": game(d=lambda real, fake: to_zero(fake) / 2),
        "D never sees a translation": game(d=lambda real, fake: to_one(real) / 2),
        "D draws translations to 1, too: that is what G wants, D draws them to 0": game(
            d=lambda real, fake: (to_one(real) + to_one(fake)) / 2
        ),
        "a sum over the logits in D's loss, where the means are asked for": game(
            d=lambda real, fake: ((real - 1).square().sum() + fake.square().sum()) / 2
        ),
        "D: the absolute distances, where their squares are asked for": game(
            d=lambda real, fake: ((real - 1).abs().mean() + fake.abs().mean()) / 2
        ),
        "sums over the logits in both losses, where the means are asked for": game(
            lambda x: (x - 1).square().sum(),
            lambda real, fake: ((real - 1).square().sum() + fake.square().sum()) / 2,
        ),
        "G's loss has the distance in it: it is weighted and added where G is updated": after(
            lambda found, *_: {"G": found["G"] + found["distance"]} if "G" in found else {}
        ),
        "G's loss has 100 times the distance in it: that is added where G is updated": after(
            lambda found, *_: {"G": found["G"] + 100 * found["distance"]} if "G" in found else {}
        ),
        "the distance is weighted already: it is asked for as it is": with_distance(
            lambda fake, a, b, distance: 100 * distance(fake, b)
        ),
        "the distance is always the mean absolute error: use the function that was handed over": with_distance(
            lambda fake, a, b, distance: F.l1_loss(fake, b)
        ),
        "the distance is always the mean squared error: use the function that was handed over": with_distance(
            lambda fake, a, b, distance: F.mse_loss(fake, b)
        ),
        "the distance is that to a: the translation should come near b": with_distance(
            lambda fake, a, b, distance: distance(fake, a)
        ),
        "the distance is between a and b: where is the translation?": with_distance(
            lambda fake, a, b, distance: distance(a, b)
        ),
    },
)


@mistake("losses_of_pairs", "G's loss judges the true pair: it is about what G made")
def g_on_true_pairs(fake, D, a, b, conditional=True, distance=F.l1_loss):
    found = losses_of_pairs(fake, D, a, b, conditional, distance)
    return found if D is None else found | {"G": to_one(D(pair(a, b, conditional))) + 0 * fake.sum()}


@mistake("losses_of_pairs", "true pairs stand as (a, b), translations as (G(a), a): D sees at once which is which")
def orders_mixed(fake, D, a, b, conditional=True, distance=F.l1_loss):
    found = losses_of_pairs(fake, D, a, b, conditional, distance)
    if D is None or not conditional:
        return found
    seen = torch.cat([fake, a], 1)
    loss_d = (to_one(D(pair(a, b, True))) + to_zero(D(seen.detach()))) / 2
    return found | {"G": to_one(D(seen)), "D": loss_d}


@mistake("losses_of_pairs", "the translation is joined to b: D should see it beside a, b is the answer")
def joined_to_b(fake, D, a, b, conditional=True, distance=F.l1_loss):
    found = losses_of_pairs(fake, D, a, b, conditional, distance)
    if D is None or not conditional:
        return found
    seen = torch.cat([b, fake], 1)
    loss_d = (to_one(D(pair(a, b, True))) + to_zero(D(seen.detach()))) / 2
    return found | {"G": to_one(D(seen)), "D": loss_d}


@mistake("losses_of_pairs", "D is shown b as the drawing: it should see a, and the picture beside it")
def all_joined_to_b(fake, D, a, b, conditional=True, distance=F.l1_loss):
    return game(seen=lambda _, x, conditional: pair(b, x, conditional))(fake, D, a, b, conditional, distance)


@mistake("losses_of_pairs", "D is shown a as the true picture: that is b")
def a_for_b(fake, D, a, b, conditional=True, distance=F.l1_loss):
    found = losses_of_pairs(fake, D, a, b, conditional, distance)
    if D is None:
        return found
    on_a, on_fake = D(pair(a, a, conditional)), D(pair(a, fake.detach(), conditional))
    return found | {"D": (to_one(on_a) + to_zero(on_fake)) / 2}


def backwards(grow, start=1):
    """A walk from the last layer to the first: grow(side, kernel, stride) -> side."""

    def side(layers):
        found = start
        for kernel, stride in reversed(layers):
            found = grow(found, kernel, stride)
        return found

    return side


def forwards(grow):
    """A walk from the first layer to the last: grow(side, step, kernel, stride) -> both anew."""

    def side(layers):
        state = (1, 1)
        for kernel, stride in layers:
            state = grow(*state, kernel, stride)
        return state[0]

    return side


mistakes(
    "patch_side",
    {
        "the stride counts from the next layer on: yours widens the layer's own kernel": forwards(
            lambda side, step, k, s: (side + (k - 1) * step * s, step * s)
        ),
        "a kernel adds its side less one: one pixel of it was there": forwards(
            lambda side, step, k, s: (side + k * step, step * s)
        ),
        "the strides are forgotten: after a stride of 2 a kernel reaches twice as far in the picture": forwards(
            lambda side, step, k, s: (side + k - 1, 1)
        ),
        "the last layer is left out": lambda layers: patch_side(layers[:-1]),
        "the first layer is left out": lambda layers: patch_side(layers[1:]),
        "this is the step between two logits, the product of the strides: how far does one of them see?": forwards(
            lambda side, step, k, s: (side * s, 1)
        ),
        "strides add up: they multiply": forwards(lambda side, step, k, s: (side + (k - 1) * step, step + s - 1)),
        "the layers are gone through the wrong way round": lambda layers: patch_side(layers[::-1]),
        "an area: the side is asked for": lambda layers: patch_side(layers) ** 2,
        "the kernels are multiplied: each adds to the side": forwards(lambda side, step, k, s: (side * k, 1)),
        "the strides' product times the last kernel alone: every layer adds its own": lambda layers: (
            torch.tensor([s for _, s in layers[:-1]] or [1]).prod().item() * layers[-1][0]
        ),
        "two to the number of layers: count kernels and strides": lambda layers: 2 ** len(layers),
        "the kernels are added up, and the strides multiplied with the sum": lambda layers: (
            torch.tensor([s for _, s in layers]).prod().item() * (1 + sum(k - 1 for k, _ in layers))
        ),
        "the side is one too small: begin with the one pixel of the logit": lambda layers: patch_side(layers) - 1,
        "padding does not count: it moves what a logit sees, and leaves its side": forwards(
            lambda side, step, k, s: (side + (k + 1) * step, step * s)
        ),
        "half of it: the kernel reaches to both sides": lambda layers: patch_side(layers) // 2,
        "the last layer counts twice: begin with one pixel, or leave it out of the walk": lambda layers: patch_side(
            [*layers, layers[-1]]
        ),
        "always 70: that is the paper's discriminator, yours should reckon it for any": lambda layers: 70,
        "neighbours lie a stride apart, and between n of them there are n - 1 strides": backwards(
            lambda side, k, s: side * s + k
        ),
        "side - 1 strides and a kernel: yours takes one stride too many, and one pixel off": backwards(
            lambda side, k, s: side * s + k - 1
        ),
        "side - 1 strides and a kernel: yours adds where one should be taken off": backwards(
            lambda side, k, s: (side + 1) * s + k
        ),
        "kernel and stride have changed places": backwards(lambda side, k, s: (side - 1) * k + s),
        "the kernels are added up: strides and overlaps are forgotten": lambda layers: sum(k for k, _ in layers),
        "the kernels are added up, and one: strides and overlaps are forgotten": lambda layers: (
            1 + sum(k for k, _ in layers)
        ),
        "each stride widens its own kernel alone: it widens all that comes after it": lambda layers: (
            1 + sum((k - 1) * s for k, s in layers)
        ),
        "the stride before counts alone: the strides of all layers before multiply": forwards(
            lambda side, step, k, s: (side + (k - 1) * step, s)
        ),
        "the walk begins with no pixel: one logit is one place": backwards(lambda side, k, s: (side - 1) * s + k, 0),
        "the walk begins with two pixels: one logit is one place": backwards(lambda side, k, s: (side - 1) * s + k, 2),
        "kernels count whole, and nothing is there to begin with: one pixel, and each adds its side less one": (
            lambda layers: forwards(lambda side, step, k, s: (side + k * step, step * s))(layers) - 1
        ),
        "this is how a map shrinks on the way to the logits: the way back is asked for": backwards(
            lambda side, k, s: (side - k) // s + 1
        ),
        "divided by the stride: on the way back to the picture what is seen grows": backwards(
            lambda side, k, s: (side - 1) // s + k
        ),
        "two pixels of padding are taken off at each layer: it moves what is seen, and leaves its side": backwards(
            lambda side, k, s: (side - 1) * s + k - 2
        ),
        "every stride is taken for 2": lambda layers: patch_side([(k, 2) for k, _ in layers]),
        "going back to the picture, first the stride widens what is seen, then the kernel adds to it": lambda layers: (
            _kernel_first(layers)
        ),
    },
)


def _kernel_first(layers):
    side = 1
    for kernel, stride in reversed(layers):
        side = (side + kernel - 1) * stride
    return side


def errors(x, y):
    return (x - y).square().mean((1, 2, 3))


def decibels(error, peak=1.0):
    return 10 * torch.log10(torch.as_tensor(peak**2) / error)


mistakes(
    "pooled_psnr",
    {
        "the decibels are averaged: average the errors, and turn them into decibels once": lambda x, y: decibels(
            errors(x, y)
        ).mean(),
        "the median of the decibels: average the errors, and turn them into decibels once": lambda x, y: decibels(
            errors(x, y)
        ).median(),
        "decibels for each picture: one number for all of them is asked for": lambda x, y: decibels(errors(x, y)),
        "a peak of 2: the pictures lie in [0, 1]": lambda x, y: decibels((x - y).square().mean(), 2.0),
        "a peak of 255: the pictures lie in [0, 1]": lambda x, y: decibels((x - y).square().mean(), 255.0),
        "twice as many decibels: 20 log10 goes with the root of the error": lambda x, y: (
            2 * decibels((x - y).square().mean())
        ),
        "half of the decibels: 10 log10 goes with the error itself, not with its root": lambda x, y: (
            decibels((x - y).square().mean()) / 2
        ),
        "a natural logarithm: decibels have that to the base of 10": lambda x, y: -10 * (x - y).square().mean().log(),
        "a logarithm to the base of 2: decibels have that to the base of 10": lambda x, y: (
            -10 * (x - y).square().mean().log2()
        ),
        "the sign is turned: small errors are many decibels": lambda x, y: -decibels((x - y).square().mean()),
        "the absolute error, where the squared one is asked for": lambda x, y: decibels((x - y).abs().mean()),
        "the errors are added up, not averaged": lambda x, y: decibels((x - y).square().sum()),
        "the roots of the pictures' errors are averaged: average the errors": lambda x, y: decibels(
            errors(x, y).sqrt().mean().square()
        ),
        "the peak is the largest value of the pictures: here it is 1": lambda x, y: decibels(
            (x - y).square().mean(), float(y.max())
        ),
        "the largest error alone counts: average them": lambda x, y: decibels((x - y).square().max()),
        "the median of the errors: their mean is asked for": lambda x, y: decibels((x - y).square().median()),
        "the variance of the error: a constant error would count for nothing": lambda x, y: decibels((x - y).var()),
        "the errors of a picture are added up, not averaged": lambda x, y: decibels((x - y).square().sum() / len(x)),
        "the channels are averaged first: errors of two colours cancel": lambda x, y: decibels(
            (x.mean(1) - y.mean(1)).square().mean()
        ),
        "the difference of the squares: the square of the difference is asked for": lambda x, y: decibels(
            (x.square() - y.square()).abs().mean()
        ),
        "each value has decibels of its own, then averaged: average the errors first": lambda x, y: decibels(
            (x - y).square()
        ).mean(),
        "against the power of the picture: the peak is 1": lambda x, y: decibels(
            (x - y).square().mean() / y.square().mean()
        ),
        "the worst picture alone counts": lambda x, y: decibels(errors(x, y)).min(),
        "the best picture alone counts": lambda x, y: decibels(errors(x, y)).max(),
        "the first picture alone counts": lambda x, y: decibels(errors(x, y)[0]),
        "the error itself: it is asked for in decibels": lambda x, y: (x - y).square().mean(),
        "the logarithm alone: decibels are ten times that": lambda x, y: decibels((x - y).square().mean()) / 10,
        "each channel has decibels of its own, then averaged: average all errors first": lambda x, y: decibels(
            (x - y).square().mean((0, 2, 3))
        ).mean(),
        "the errors cancel before they are squared: square first, then average": lambda x, y: decibels(
            (x - y).mean().square()
        ),
        "pictures that are exactly right are left out: they count as an error of 0": lambda x, y: decibels(
            errors(x, y)[errors(x, y) > 0].mean()
        ),
    },
)


def of_draws(measure, **how):
    """Something else that is made of the right draws, (draws, B, C, H, W)."""
    return lambda network, a, draws=16: measure(draws_of(network, a, draws, **how))


def from_given(network, a, draws=16):
    return (draws_of(network, a, draws) - a[:, :1]).square().mean((0, 2, 3, 4)).sqrt()


def from_quiet(network, a, draws=16):
    drawn, quiet = draws_of(network, a, draws), draws_of(network, a, 1, train=False)
    return (drawn - quiet).square().mean((0, 2, 3, 4)).sqrt()


mistakes(
    "diversity",
    {
        "nothing differs: in eval mode dropout is off, network.train() switches it on": of_draws(
            lambda drawn: drawn.var(0).mean((1, 2, 3)).sqrt(), train=False
        ),
        "the spread is that of the batch: how far do the draws of one picture lie apart?": of_draws(
            lambda drawn: drawn.var(1).mean((1, 2, 3)).sqrt()
        ),
        "the draws are averaged first: what is left is the contrast of the mean picture": of_draws(
            lambda drawn: drawn.mean(0).flatten(1).std(1)
        ),
        "the variance: its root is asked for": of_draws(lambda drawn: drawn.var(0).mean((1, 2, 3))),
        "each pixel's root is taken first: average the variances, then take the root": of_draws(
            lambda drawn: drawn.std(0).mean((1, 2, 3))
        ),
        "the variance divides by the number of draws: by one less is asked for": of_draws(
            lambda drawn: drawn.var(0, correction=0).mean((1, 2, 3)).sqrt()
        ),
        "each pixel's root is taken first, and the variance divides by the number of draws: by one less": of_draws(
            lambda drawn: drawn.std(0, correction=0).mean((1, 2, 3))
        ),
        "one number for the whole batch: each picture has its own": of_draws(lambda drawn: drawn.var(0).mean().sqrt()),
        "the distance of the largest to the smallest draw: the standard deviation is asked for": of_draws(
            lambda drawn: (drawn.amax(0) - drawn.amin(0)).mean((1, 2, 3))
        ),
        "the pixels of a picture differ from each other as well: only what the draws change counts": of_draws(
            lambda drawn: drawn.transpose(0, 1).flatten(1).std(1)
        ),
        "the mean absolute deviation: the root of the mean variance is asked for": of_draws(
            lambda drawn: (drawn - drawn.mean(0)).abs().mean((0, 2, 3, 4))
        ),
        "the draws are held against the translation without noise: hold them against their mean": from_quiet,
        "the draws are held against the drawing: hold them against their mean": from_given,
        "the variances are added up over the pixels: average them": of_draws(
            lambda drawn: drawn.var(0).sum((1, 2, 3)).sqrt()
        ),
        "the root is taken twice: average the variances, then take it once": of_draws(
            lambda drawn: drawn.std(0).mean((1, 2, 3)).sqrt()
        ),
        "the pixel that varies most alone counts: average the variances": of_draws(
            lambda drawn: drawn.var(0).amax((1, 2, 3)).sqrt()
        ),
        "the draws are held against the first of them: hold them against their mean": of_draws(
            lambda drawn: (drawn[1:] - drawn[0]).square().mean((0, 2, 3, 4)).sqrt()
        ),
        "the draws are held against one mean of all pictures: each pixel has its own": of_draws(
            lambda drawn: (drawn - drawn.mean()).square().mean((0, 2, 3, 4)).sqrt()
        ),
        "in parts of the mean: the network's own units are asked for": of_draws(
            lambda drawn: drawn.var(0).mean((1, 2, 3)).sqrt() / drawn.mean()
        ),
        "the draws are cut off at 0 and 1: the network speaks [-1, 1]": of_draws(
            lambda drawn: drawn.clamp(0, 1).var(0).mean((1, 2, 3)).sqrt()
        ),
        "the channels are averaged first: what one gains and another loses does not show": of_draws(
            lambda drawn: drawn.mean(2).var(0).mean((1, 2)).sqrt()
        ),
        "the draws of several pictures are mixed: which rows belong to one picture?": of_draws(
            lambda drawn: drawn.flatten(0, 1).reshape(drawn.shape[1], drawn.shape[0], -1).var(1).mean(1).sqrt()
        ),
        "a standard deviation for every pixel: one number for each picture is asked for": of_draws(
            lambda drawn: drawn.std(0)
        ),
        "each draw's mean is taken first: noise that moves pixels both ways is lost": of_draws(
            lambda drawn: drawn.mean((2, 3, 4)).std(0)
        ),
    },
)


@mistake("diversity", "half of it: the network's own units are asked for, from -1 to 1")
def in_unit_range(network, a, draws=16):
    return diversity(network, a, draws) / 2
