"""Chapter 02b: what goes wrong in its tasks, and what is said about it."""

import copy
from functools import partial

import torch
import torch.nn.functional as F

from gencourse.homework.ch02b.reference import DISTANCES, FORMS, srgan_objective, summed
from gencourse.homework.checking.check import Mistakes, add_mistake, add_mistakes
from gencourse.images.colours import LUMA
from gencourse.methods.data_consistency import project
from gencourse.methods.degradations import gaussian_blur, jpeg
from gencourse.methods.enlarging import interpolate_weights
from gencourse.methods.super_resolution import LossWeights
from gencourse.methods.upsampling import area_average, bicubic, nearest
from gencourse.metrics.patches import patch_features
from gencourse.metrics.super_resolution import luma_psnr, pareto_front

MISTAKES: Mistakes = {}
mistakes = partial(add_mistakes, MISTAKES)
mistake = partial(add_mistake, MISTAKES)

STUDIO = (65.481 / 255, 128.553 / 255, 24.966 / 255)


def brightness(x, weights=STUDIO):
    return torch.einsum("bchw,c->bhw", x, torch.tensor(weights, dtype=x.dtype))[:, None]


def cut(x, border):
    return x[:, :, border : x.shape[2] - border, border : x.shape[3] - border]


def decibels(error, scale=10.0):
    return -scale * error.log10()


def of_brightness(of=brightness, shave=cut, mean=lambda e: e.square().mean((1, 2, 3)), say=decibels):
    """The right figure, one of its parts made in another way."""
    return lambda a, b, border: say(mean(shave(of(a) - of(b), border)))


def blackened(x, border):
    kept = torch.zeros_like(x)
    cut(kept, border).copy_(cut(x, border))
    return kept


LUMA_PSNR = {
    "the border counts here: take it off all four sides": of_brightness(shave=lambda x, border: x),
    "the border is taken off above and below alone: it has four sides": of_brightness(
        shave=lambda x, border: x[:, :, border : x.shape[2] - border]
    ),
    "the border is taken off left and right alone: it has four sides": of_brightness(
        shave=lambda x, border: x[..., border : x.shape[3] - border]
    ),
    "the border is taken off above and on the left alone: it has four sides": of_brightness(
        shave=lambda x, border: x[:, :, border:, border:]
    ),
    "the border is taken off below and on the right alone: it has four sides": of_brightness(
        shave=lambda x, border: x[:, :, : x.shape[2] - border, : x.shape[3] - border]
    ),
    "twice the border is taken off each side": of_brightness(shave=lambda x, border: cut(x, 2 * border)),
    "one pixel more than the border is taken off each side": of_brightness(shave=lambda x, border: cut(x, border + 1)),
    "four pixels are taken off, whatever the border": of_brightness(shave=lambda x, border: cut(x, 4)),
    "height and width have changed places where the border is taken off": of_brightness(
        shave=lambda x, border: x[:, :, border : x.shape[3] - border, border : x.shape[2] - border]
    ),
    "half of the border is taken off each side: all of it is asked for": of_brightness(
        shave=lambda x, border: cut(x, border // 2)
    ),
    "one pixel is taken off, whatever the border": of_brightness(shave=lambda x, border: cut(x, 1)),
    "the border is painted black, not cut off: its pixels still count in the mean": of_brightness(shave=blackened),
    "this Y reaches from 0 to 1: papers have black at 16 and white at 235, and still the peak 1, worth 1.3 dB": (
        of_brightness(of=lambda x: brightness(x, LUMA))
    ),
    "this is the mean of the colours: green counts most in Y, blue least": of_brightness(
        of=lambda x: x.mean(1, keepdim=True)
    ),
    "this is the PSNR of all three colours: Y alone is asked for": of_brightness(of=lambda x: x),
    "the colours come in the order blue, green, red here: channel 0 is red": of_brightness(
        of=lambda x: brightness(x.flip(1))
    ),
    "the weights of green and blue have changed places": of_brightness(of=lambda x: brightness(x[:, [0, 2, 1]])),
    "divided by 256: white is 255 here": of_brightness(of=lambda x: brightness(x) * 255 / 256),
    "16 is added to the difference: both pictures have it, so it drops out": of_brightness(
        mean=lambda e: (e + 16 / 255).square().mean((1, 2, 3))
    ),
    "Y is rounded to whole levels first: take it as it is": of_brightness(
        of=lambda x: (255 * brightness(x) + 16).round() / 255
    ),
    "the errors of the colours are squared first, then weighted: weight the colours, then take the error of Y": (
        of_brightness(
            of=lambda x: x,
            mean=lambda e: torch.einsum("bchw,c->bhw", e.square(), torch.tensor(STUDIO).to(e)).mean((1, 2)),
        )
    ),
    "only green is compared": of_brightness(of=lambda x: x[:, 1:2]),
    "only red is compared: which dimension holds the colours?": of_brightness(of=lambda x: x[:, :1]),
    "the peak is 255 here, for pictures in [0, 1]": of_brightness(say=lambda e: decibels(e / 255**2)),
    "the logarithm to base 10 is asked for: .log() is the natural one": of_brightness(say=lambda e: -10 * e.log()),
    "the logarithm to base 10 is asked for, not to base 2": of_brightness(say=lambda e: -10 * e.log2()),
    "20 log10 is for the root of the error: with the mean square it is 10 log10": of_brightness(
        say=lambda e: decibels(e, 20)
    ),
    "the root of the error takes 20 log10, not 10": of_brightness(say=lambda e: decibels(e, 5)),
    "the factor 10 is missing: these are bels": of_brightness(say=lambda e: decibels(e, 1)),
    "the sign is turned: nearer pictures have more decibels": of_brightness(say=lambda e: -decibels(e)),
    "this is the mean square: decibels are asked for": of_brightness(say=lambda e: e),
    "the squares are summed: take their mean, or a larger picture is worse": of_brightness(
        mean=lambda e: e.square().sum((1, 2, 3))
    ),
    "the error is the mean square, not the mean without its sign": of_brightness(
        mean=lambda e: e.abs().mean((1, 2, 3))
    ),
    "the errors cancel: first square, then average": of_brightness(mean=lambda e: e.mean((1, 2, 3)).square()),
    "the largest error alone counts: take the mean": of_brightness(mean=lambda e: e.square().amax((1, 2, 3))),
    "the variance of the error: a constant error would count for nothing": of_brightness(
        mean=lambda e: e.var((1, 2, 3))
    ),
    "the peak is the brightest pixel of the true picture: here it is 1": lambda a, b, border: (
        luma_psnr(a, b, border) + 20 * (brightness(b) + 16 / 255).amax((1, 2, 3)).log10()
    ),
    "the batch has one error here: each picture has decibels of its own": of_brightness(
        mean=lambda e: e.square().mean().expand(len(e))
    ),
    "one number for the batch: each picture has decibels of its own": of_brightness(mean=lambda e: e.square().mean()),
    "a mean over the batch: each picture has decibels of its own": lambda *given: luma_psnr(*given).mean(),
    "a mean of the decibels of each row: take the mean of the squares first": of_brightness(
        mean=lambda e: e.square().mean(3), say=lambda e: decibels(e).mean((1, 2))
    ),
    "a mean of the colours' decibels: one brightness is asked for": of_brightness(
        of=lambda x: x, mean=lambda e: e.square().mean((2, 3)), say=lambda e: decibels(e).mean(1)
    ),
}
mistakes("luma_psnr", LUMA_PSNR)


@mistake(
    "luma_psnr", "where two are equal it is infinite: add nothing to the error", forms=(1e-12, 1e-10, 1e-8, 1e-6, 1e-5)
)
def never_infinite(least, a, b, border):
    return of_brightness(say=lambda e: decibels(e.clamp(min=least)))(a, b, border)


def changed(**other):
    """The right objective with one of its parts made anew: part(form, y_hat, y, look, critic), both in [0, 1]."""

    def objective(form, y_hat, y, look, critic, weights):
        parts = srgan_objective(form, y_hat, y, look, critic, weights)
        del parts["total"]
        for name, make in other.items():
            if name in parts:
                parts[name] = make(form, (y_hat + 1) / 2, (y + 1) / 2, look, critic)
        return summed(parts, weights)

    return objective


def judged(loss, seen=lambda a, b: 2 * a - 1):
    """An adversarial part of another loss of the logits, or where the critic sees something else."""
    return changed(adversarial=lambda form, a, b, look, critic: loss(critic(seen(a, b))))


def real(logits):
    return F.softplus(-logits).mean()


def weighed(change):
    """The right parts, added up with other weights."""

    def objective(form, y_hat, y, look, critic, weights):
        parts = srgan_objective(form, y_hat, y, look, critic, weights)
        del parts["total"]
        return summed(parts, change(weights))

    return objective


def without(*names):
    return weighed(lambda w: w._replace(**dict.fromkeys(names, 0.0)))


def in_signed(name):
    """One part, of pictures in [-1, 1]."""
    make = {
        "features": lambda form, a, b, look, critic: form.perceptual_loss(look, 2 * a - 1, 2 * b - 1),
        "pixels": lambda form, a, b, look, critic: 2 * (a - b).abs().mean(),
        "grid": lambda form, a, b, look, critic: form.repeated_error(2 * a - 1, 2 * b - 1),
    }
    return {name: make[name]}


def ranged(of_made, of_true=None):
    """The three parts of pictures that were taken to another range."""
    ours, theirs = of_made, of_true or of_made
    return changed(
        features=lambda form, a, b, look, critic: form.perceptual_loss(look, ours(2 * a - 1), theirs(2 * b - 1)),
        pixels=lambda form, a, b, look, critic: (ours(2 * a - 1) - theirs(2 * b - 1)).abs().mean(),
        grid=lambda form, a, b, look, critic: form.repeated_error(ours(2 * a - 1), theirs(2 * b - 1)),
    )


def compared(measure):
    """The features compared in another way, all layers added up."""
    return changed(features=lambda form, a, b, look, critic: sum(measure(f - look(b)[k]) for k, f in look(a).items()))


def weighted_parts(again):
    """The parts come back times their weights; again: they are weighted once more in the total."""

    def objective(form, y_hat, y, look, critic, weights):
        parts = srgan_objective(form, y_hat, y, look, critic, weights)
        total = parts.pop("total")
        parts = {name: getattr(weights, name) * part for name, part in parts.items()}
        return summed(parts, weights) if again else parts | {"total": total}

    return objective


def weighted_critic(form, y_hat, y, look, critic, weights):
    parts = srgan_objective(form, y_hat, y, look, critic, weights)
    del parts["total"]
    if critic is not None:
        parts["adversarial"] = weights.adversarial * parts["adversarial"]
    return summed(parts, weights)


def unweighted(w):
    return w._replace(features=1.0, adversarial=1.0, pixels=1.0, grid=1.0)


def mean_of_parts(form, y_hat, y, look, critic, weights):
    parts = srgan_objective(form, y_hat, y, look, critic, weights)
    return parts | {"total": parts["total"] / (len(parts) - 1)}


DETACHED_FEATURES = "no gradient comes back through the features: y_hat is the first picture, and it is not detached"
OBJECTIVE = {
    "this is the minimax loss, log(1 - sigmoid(D)): it is flat where D is sure, so descend -log sigmoid(D)": judged(
        lambda logits: -F.softplus(logits).mean()
    ),
    "the label is that of a fake: the generator wants D to call its pictures real": judged(
        lambda logits: F.softplus(logits).mean()
    ),
    "the sign is turned: the generator descends -log sigmoid(D)": judged(lambda logits: -real(logits)),
    "the adversarial loss is summed over the patches: take the mean": judged(lambda x: F.softplus(-x).sum()),
    "the adversarial loss is summed over the batch: take the mean": judged(
        lambda x: F.softplus(-x).mean((1, 2, 3)).sum()
    ),
    "the logits are averaged first: each patch has a loss of its own": judged(lambda x: F.softplus(-x.mean())),
    "the logits go through a sigmoid twice: -log sigmoid(D) takes them as they are": judged(
        lambda x: real(x.sigmoid())
    ),
    "the logits pass a sigmoid and no logarithm: the loss is -log sigmoid(D)": judged(lambda x: -x.sigmoid().mean()),
    "this is the hinge or Wasserstein loss of a generator, -D: -log sigmoid(D) is asked for": judged(
        lambda x: -x.mean()
    ),
    "this is the loss of least squares: -log sigmoid(D) is asked for": judged(lambda x: (x - 1).square().mean()),
    "this is half of the loss of least squares: -log sigmoid(D) is asked for": judged(
        lambda x: (x - 1).square().mean() / 2
    ),
    "the critic is shown pictures in [0, 1]: it takes [-1, 1]": judged(real, lambda a, b: a),
    "the critic is shown the true pictures: it should judge the enlarged ones": judged(real, lambda a, b: 2 * b - 1),
    "the critic is shown the difference from the true pictures": judged(real, lambda a, b: 2 * (a - b)),
    "the critic is shown y_hat detached: no gradient comes back through it": judged(
        real, lambda a, b: (2 * a - 1).detach()
    ),
    "the critic is shown clamped pictures: where they leave [-1, 1] no gradient comes back": judged(
        real, lambda a, b: (2 * a - 1).clamp(-1, 1)
    ),
    "the loss of the critic is in it, on real and on enlarged pictures: that is descended by D alone": changed(
        adversarial=lambda form, a, b, look, critic: real(critic(2 * b - 1)) + F.softplus(critic(2 * a - 1)).mean()
    ),
    "what D says of the true pictures is in it: only the enlarged ones depend on G": changed(
        adversarial=lambda form, a, b, look, critic: real(critic(2 * a - 1)) + F.softplus(critic(2 * b - 1)).mean()
    ),
    "the probabilities are averaged first: each patch has a loss of its own": judged(
        lambda x: -x.sigmoid().mean().log()
    ),
    "the features' absolute error: perceptual_loss(look, y_hat, y) is asked for": compared(lambda d: d.abs().mean()),
    "the features' errors are summed: perceptual_loss(look, y_hat, y) is asked for": compared(
        lambda d: d.square().sum()
    ),
    "the grid's part is the error of all pixels: repeated_error keeps what repeats from block to block": changed(
        grid=lambda form, a, b, look, critic: (a - b).square().mean()
    ),
    "the grid compares a picture with itself": changed(grid=lambda form, a, b, look, critic: form.repeated_error(a, a)),
    "the true pictures stay in [-1, 1]: take both to [0, 1]": ranged(lambda x: (x + 1) / 2, lambda x: x),
    "the enlarged pictures stay in [-1, 1]: take both to [0, 1]": ranged(lambda x: x, lambda x: (x + 1) / 2),
    "the pictures are taken to [-3, 1]: (x + 1) / 2 takes [-1, 1] to [0, 1]": ranged(lambda x: 2 * x - 1),
    "the pictures are taken to [-1/2, 1/2]: [0, 1] is asked for": ranged(lambda x: x / 2),
    "x + 1 / 2 is x + 0.5: brackets are missing": ranged(lambda x: x + 0.5),
    "the pictures for the features lie in [-1, 1]: take them to [0, 1]": changed(**in_signed("features")),
    "the mean absolute error is that of [-1, 1], twice as large: take the pictures to [0, 1]": changed(
        **in_signed("pixels")
    ),
    "the grid is that of pictures in [-1, 1]: take them to [0, 1]": changed(**in_signed("grid")),
    "nothing is taken to [0, 1]: features, pixels and grid are of pictures in that range": changed(
        **in_signed("features"), **in_signed("pixels"), **in_signed("grid")
    ),
    "the pixels' part is the squared error: the absolute one is asked for": changed(
        pixels=lambda form, a, b, look, critic: (a - b).square().mean()
    ),
    "the pixels' part is a sum: take the mean": changed(pixels=lambda form, a, b, look, critic: (a - b).abs().sum()),
    "the pixels' part has lost its sign too late: take the absolute value of each difference, then the mean": changed(
        pixels=lambda form, a, b, look, critic: (a - b).mean().abs()
    ),
    DETACHED_FEATURES: changed(features=lambda form, a, b, look, critic: form.perceptual_loss(look, a.detach(), b)),
    "the features are compared with themselves": changed(
        features=lambda form, a, b, look, critic: form.perceptual_loss(look, a, a.detach())
    ),
    "the grid is detached: no gradient comes back through it": changed(
        grid=lambda form, a, b, look, critic: form.repeated_error(a.detach(), b)
    ),
    "the pixels' part is detached: no gradient comes back through it": changed(
        pixels=lambda form, a, b, look, critic: (a.detach() - b).abs().mean()
    ),
    "nothing is weighted: each part counts times its weight": weighed(unweighted),
    "the weights of features and critic have changed places": weighed(
        lambda w: w._replace(features=w.adversarial, adversarial=w.features)
    ),
    "the weights of features and pixels have changed places": weighed(
        lambda w: w._replace(features=w.pixels, pixels=w.features)
    ),
    "the weights of pixels and critic have changed places": weighed(
        lambda w: w._replace(pixels=w.adversarial, adversarial=w.pixels)
    ),
    "the weights of pixels and grid have changed places": weighed(lambda w: w._replace(pixels=w.grid, grid=w.pixels)),
    "the weight of the features is squared: it counts twice": weighed(lambda w: w._replace(features=w.features**2)),
    "the weights are dealt out by their place: take each by its name": weighed(
        lambda w: w._replace(pixels=w.adversarial, grid=w.pixels, adversarial=w.grid)
    ),
    "each weight counts twice: it is squared": weighed(lambda w: type(w)(*(x * x for x in w))),
    "the weights are always the default ones: take those that are handed over": weighed(lambda w: LossWeights()),
    "the parts come back weighted: they are asked for as they are, the total has the weights": weighted_parts(False),
    "the parts come back weighted, and are weighted once more in the total": weighted_parts(True),
    "the adversarial part is weighted already: it is asked for as it is": weighted_critic,
    "the features have no weight": weighed(lambda w: w._replace(features=1.0)),
    "the critic has no weight": weighed(lambda w: w._replace(adversarial=1.0)),
    "the pixels have no weight": weighed(lambda w: w._replace(pixels=1.0)),
    "the grid has no weight": weighed(lambda w: w._replace(grid=1.0)),
    "the adversarial loss is missing in the total": without("adversarial"),
    "the features are missing in the total": without("features"),
    "the pixels are missing in the total": without("pixels"),
    "the grid is missing in the total": without("grid"),
    "the adversarial loss is subtracted: the generator descends it": weighed(
        lambda w: w._replace(adversarial=-w.adversarial)
    ),
    "the total is a mean of the parts: add them up": mean_of_parts,
}
mistakes("srgan_objective", OBJECTIVE, forms=FORMS)
SWAPPED = changed(features=lambda form, a, b, look, critic: form.perceptual_loss(look, b, a))
mistakes("srgan_objective", {DETACHED_FEATURES: SWAPPED}, forms=FORMS)


def of_rows(rows, back=lambda value: value):
    """A distance whose rows are made in another way: rows(features, (B, C, h, w)) -> (N, C)."""

    def measured(distance, look, a, b, layer):
        sides = (torch.cat([rows(look(x)[layer]) for x in pictures]) for pictures in (a, b))
        return back(distance(*sides))

    return measured


def changed_back(back):
    return lambda distance, look, a, b, layer: back(
        distance(patch_features(look, a, layer), patch_features(look, b, layer)), len(patch_features(look, a, layer))
    )


def picture_by_picture(distance, look, a, b, layer):
    each = [
        distance(patch_features(look, [x], layer), patch_features(look, [y], layer)) for x, y in zip(a, b, strict=True)
    ]
    return sum(each) / len(each)


def of_layers(distance, look, a, b, layer):
    return sum(distance(patch_features(look, a, k), patch_features(look, b, k)) for k in look(a[0]))


def of_first_layer(distance, look, a, b, layer):
    first = next(k for k in look(a[0]) if k != layer)
    return distance(patch_features(look, a, first), patch_features(look, b, first))


def of_last_layer(distance, look, a, b, layer):
    last = list(look(a[0]))[-1]
    return distance(patch_features(look, a, last), patch_features(look, b, last))


def of_first_of_all(distance, look, a, b, layer):
    first = next(iter(look(a[0])))
    return distance(patch_features(look, a, first), patch_features(look, b, first))


def of_seen(change):
    """The network sees the pictures changed; change(x, the first picture of all)."""
    return lambda distance, look, a, b, layer: distance(
        *(patch_features(look, [change(x, a[0]) for x in side], layer) for side in (a, b))
    )


def of_some(chosen):
    """Some rows alone: chosen(rows of a, rows of b) -> both."""
    return lambda distance, look, a, b, layer: distance(
        *chosen(patch_features(look, a, layer), patch_features(look, b, layer))
    )


def as_long(a, b):
    n = min(len(a), len(b))
    return a[:n], b[:n]


def of_pairs(distance, look, a, b, layer):
    n = min(len(a), len(b))
    return distance(patch_features(look, a[:n], layer), patch_features(look, b[:n], layer))


def place_by_place(distance, look, a, b, layer):
    each = [(look(x)[layer] - look(y)[layer]).square().mean() for x, y in zip(a, b, strict=False)]
    return sum(each) / len(each)


def of_means(distance, look, a, b, layer):
    return (patch_features(look, a, layer).mean(0) - patch_features(look, b, layer).mean(0)).square().sum()


def of_pixels(distance, look, a, b, layer):
    return distance(*(torch.cat([x.permute(0, 2, 3, 1).flatten(0, 2) for x in side]) for side in (a, b)))


def rows_of(features):
    return features.permute(0, 2, 3, 1).flatten(0, 2)


PATCHES = {
    "the features are averaged over each picture first: every place is a row of its own": of_rows(
        lambda f: f.mean((2, 3))
    ),
    "only the maximum of each picture is kept: every place is a row of its own": of_rows(lambda f: f.amax((2, 3))),
    "the columns are no channels: move the channels to the end before you reshape": of_rows(
        lambda f: f.reshape(-1, f.shape[1])
    ),
    "only the first picture of each side counts": lambda distance, look, a, b, layer: distance(
        patch_features(look, a[:1], layer), patch_features(look, b[:1], layer)
    ),
    "the first picture of each side is left out": lambda distance, look, a, b, layer: distance(
        patch_features(look, a[1:], layer), patch_features(look, b[1:], layer)
    ),
    "the longer list is cut to the length of the shorter: every picture counts": of_pairs,
    "the larger of the two is cut to as many rows as the other has: every place counts": of_some(as_long),
    "this is the first layer, not the one that is asked for": of_first_of_all,
    "every second place is left out": of_rows(lambda f: rows_of(f)[::2]),
    "the first line of places alone is taken": of_rows(lambda f: rows_of(f[:, :, :1])),
    "the place in the middle alone is taken: every place is a row": of_rows(
        lambda f: f[:, :, f.shape[2] // 2, f.shape[3] // 2]
    ),
    "the pictures of a batch are averaged: each place of each is a row": of_rows(
        lambda f: rows_of(f.mean(0, keepdim=True))
    ),
    "a ReLU goes over the features: take them as they are": of_rows(lambda f: rows_of(F.relu(f))),
    "each picture's mean is taken off: the distance is to see it": of_rows(
        lambda f: rows_of(f - f.mean((2, 3), keepdim=True))
    ),
    "the network is shown pictures in [-1, 1]: it looks at [0, 1]": of_seen(lambda x, first: 2 * x - 1),
    "the network is shown pictures in [0, 1/255]: they lie in [0, 1] already": of_seen(lambda x, first: x / 255),
    "all pictures are brought to the size of the first: leave them as they are": of_seen(
        lambda x, first: F.interpolate(x, first.shape[2:])
    ),
    "the distance is divided by the number of channels: leave it as it is": lambda distance, look, a, b, layer: (
        distance(patch_features(look, a, layer), patch_features(look, b, layer)) / look(a[0])[layer].shape[1]
    ),
    "the means alone are compared: frechet_distance compares the covariances as well": of_means,
    "features are compared place by place: that is no distance of their distributions": place_by_place,
    "only the last picture of each side counts": lambda distance, look, a, b, layer: distance(
        patch_features(look, a[-1:], layer), patch_features(look, b[-1:], layer)
    ),
    "of each batch only the first picture counts": of_rows(lambda f: rows_of(f[:1])),
    "a mean of the distances of single pictures: join the rows of all pictures, then take one distance": (
        picture_by_picture
    ),
    "all layers are added up: one is asked for": of_layers,
    "this is another layer than the one that is asked for": of_first_layer,
    "this is the last layer, not the one that is asked for": of_last_layer,
    "the pixels are compared: ask the network for a layer": of_pixels,
    "a picture list is compared with itself": lambda distance, look, a, b, layer: distance(
        patch_features(look, a, layer), patch_features(look, a, layer)
    ),
    "every second place is left out, down and across": of_rows(lambda f: rows_of(f[:, :, ::2, ::2])),
    "every second row of places is left out": of_rows(lambda f: rows_of(f[:, :, ::2])),
    "the border's places are left out": of_rows(lambda f: rows_of(f[:, :, 1:-1, 1:-1])),
    "a row is a whole line of places, averaged: each place is a row": of_rows(
        lambda f: f.mean(3).permute(0, 2, 1).flatten(0, 1)
    ),
    "the rows are brought to length one: take them as they are": of_rows(
        lambda f: rows_of(f) / rows_of(f).norm(dim=1, keepdim=True)
    ),
    "a row's mean is taken off: take the rows as they are": of_rows(
        lambda f: rows_of(f) - rows_of(f).mean(1, keepdim=True)
    ),
    "no root: the distance is asked for as frechet_distance returns it": changed_back(lambda d, n: d**0.5),
    "the distance is squared: it is asked for as frechet_distance returns it": changed_back(lambda d, n: d**2),
    "the distance is divided by the number of rows: leave it as it is": changed_back(lambda d, n: d / n),
    "the distance is negative: leave it as it is": changed_back(lambda d, n: -d),
}
mistakes("patch_frechet", PATCHES, forms=DISTANCES)


def front_where(dominates, itself=False):
    """The points that nobody dominates, by another rule; itself: whether a point is held against itself as well."""

    def front(points):
        return [
            i
            for i, q in enumerate(points)
            if not any(dominates(p, q) for j, p in enumerate(points) if itself or i != j)
        ]

    return front


def better(p, q):
    return p[0] >= q[0] and p[1] <= q[1] and p != q


def hull(points):
    """The points at which some weighted sum of both numbers is best."""
    found = []
    for k in range(2001):
        angle = torch.tensor(k / 2000 * torch.pi / 2)
        value = [p[0] * float(angle.cos()) - p[1] * float(angle.sin()) for p in points]
        found += [i for i, v in enumerate(value) if v >= max(value) - 1e-12]
    return sorted(set(found))


def kept_before(points):
    front = [0]
    for i, q in enumerate(points):
        if q[0] > points[front[-1]][0] or q[1] < points[front[-1]][1]:
            front.append(i)
    return front


FRONT = {
    "a point that is equal in one number and better in the other dominates as well": front_where(
        lambda p, q: p[0] > q[0] and p[1] < q[1]
    ),
    "a point dominates itself here, so nothing is left: one of its numbers must be better": front_where(
        lambda p, q: p[0] >= q[0] and p[1] <= q[1], itself=True
    ),
    "a point of the same distance and more decibels dominates as well": front_where(
        lambda p, q: p[0] >= q[0] and p[1] < q[1]
    ),
    "a point of the same decibels and a smaller distance dominates as well": front_where(
        lambda p, q: p[0] > q[0] and p[1] <= q[1]
    ),
    "each point is compared with the last one that was kept: compare it with all": kept_before,
    "two equal points drive each other out: neither is better, both stay": front_where(
        lambda p, q: p[0] >= q[0] and p[1] <= q[1]
    ),
    "low decibels win here: the first number is better when it is high": front_where(
        lambda p, q: better((-p[0], p[1]), (-q[0], q[1]))
    ),
    "a large distance wins here: the second number is better when it is low": front_where(
        lambda p, q: better((p[0], -p[1]), (q[0], -q[1]))
    ),
    "both numbers are turned: decibels are better high, a distance low": front_where(lambda p, q: better(q, p)),
    "better in one number is not enough: it must not be worse in the other": front_where(
        lambda p, q: p[0] > q[0] or p[1] < q[1]
    ),
    "one model wins here, that with most decibels: all that nobody dominates are asked for": lambda points: [
        max(range(len(points)), key=lambda i: points[i])
    ],
    "one model wins here, that with the smallest distance: all that nobody dominates are asked for": lambda points: [
        min(range(len(points)), key=lambda i: points[i][1])
    ],
    "only the two ends of the front: what lies between them and is dominated by nobody belongs to it": lambda points: (
        sorted(
            {
                max(range(len(points)), key=lambda i: (points[i][0], -points[i][1])),
                min(range(len(points)), key=lambda i: (points[i][1], -points[i][0])),
            }
        )
    ),
    "these are the points that are dominated: the others are asked for": lambda points: [
        i for i in range(len(points)) if i not in pareto_front(points)
    ],
    "these are the corners of the convex hull: a point in a hollow of the front is dominated by nobody either": hull,
    "the first of two equal points stays, the second is gone: both stay": lambda points: [
        i for i in pareto_front(points) if points[i] not in points[:i]
    ],
    "counted from 1: the first point has the place 0": lambda points: [i + 1 for i in pareto_front(points)],
    "the places are sorted by decibels: they come in the order of the list": lambda points: sorted(
        pareto_front(points), key=lambda i: points[i]
    ),
    "all points are returned": lambda points: [*range(len(points))],
    "each point is compared with its neighbour in the list alone": lambda points: [
        i for i, q in enumerate(points) if not any(better(p, q) for p in points[max(0, i - 1) : i + 2])
    ],
    "each point is compared with those before it alone": lambda points: [
        i for i, q in enumerate(points) if not any(better(p, q) for p in points[:i])
    ],
    "each point is compared with those after it alone": lambda points: [
        i for i, q in enumerate(points) if not any(better(p, q) for p in points[i + 1 :])
    ],
}
mistakes("pareto_front", FRONT)


def weights_from(mix):
    """A network whose weights are mixed in another way: mix(name, ours, theirs, share)."""

    def between(a, b, share):
        found, theirs = copy.deepcopy(a), b.state_dict()
        found.load_state_dict({name: mix(name, w, theirs[name], share) for name, w in a.state_dict().items()})
        return found

    return between


def right_but(where, other):
    """Right, but for the weights with a certain name."""
    return weights_from(lambda name, x, y, s: other(x, y, s) if where(name) else (1 - s) * x + s * y)


WEIGHTS = {
    "the share goes the wrong way: 0 is a, 1 is b": lambda a, b, share: interpolate_weights(b, a, share),
    "the share has no effect: it is always half way": lambda a, b, share: interpolate_weights(a, b, 0.5),
    "the shares do not sum to one: a is not made less": weights_from(lambda name, x, y, s: x + s * y),
    "both have the same share: a has 1 - share": weights_from(lambda name, x, y, s: s * (x + y)),
    "the weights are added and the share forgotten": weights_from(lambda name, x, y, s: x + y),
    "b is missing: it is a times 1 - share": weights_from(lambda name, x, y, s: (1 - s) * x),
    "a is missing: it is b times the share": weights_from(lambda name, x, y, s: s * y),
    "nothing is mixed: the weights are a's": weights_from(lambda name, x, y, s: x),
    "nothing is mixed: the weights are b's": weights_from(lambda name, x, y, s: y),
    "buffers stay a's: they are a part of what the network is, and stand in state_dict()": right_but(
        lambda name: name == "mean", lambda x, y, s: x
    ),
    "buffers are b's: mix them too": right_but(lambda name: name == "mean", lambda x, y, s: y),
    "biases stay a's: mix them too": right_but(lambda name: name.endswith("bias"), lambda x, y, s: x),
    "biases and buffers stay a's: mix them too": right_but(lambda name: "weight" not in name, lambda x, y, s: x),
    "only the biases are mixed": right_but(lambda name: "bias" not in name, lambda x, y, s: x),
    "the share is squared": weights_from(lambda name, x, y, s: (1 - s * s) * x + s * s * y),
    "b has half of its share": weights_from(lambda name, x, y, s: (1 - s) * x + s * y / 2),
    "only the weights of the first layer are mixed": right_but(
        lambda name: name.startswith("second"), lambda x, y, s: x
    ),
    "only the weights of the last layer are mixed": right_but(lambda name: name.startswith("first"), lambda x, y, s: x),
    "it jumps from one network to the other: between them lies a mean": weights_from(
        lambda name, x, y, s: x if s < 0.5 else y
    ),
    "the parts are squared: shares of a mean sum to one": weights_from(
        lambda name, x, y, s: (1 - s) ** 2 * x + s**2 * y
    ),
    "the parts are roots: shares of a mean sum to one": weights_from(
        lambda name, x, y, s: (1 - s) ** 0.5 * x + s**0.5 * y
    ),
    "a geometric mean: add the parts, do not multiply powers": weights_from(
        lambda name, x, y, s: x.abs() ** (1 - s) * y.abs() ** s
    ),
    "the difference goes the wrong way: add share * (b - a)": weights_from(lambda name, x, y, s: x + s * (x - y)),
}
mistakes("interpolate_weights", WEIGHTS)


def scale_of(high, low):
    return high.shape[2] // low.shape[2]


def moved(correct=lambda difference, scale: nearest(difference, scale), average=area_average, start=lambda x: x):
    """The right picture, one of the parts of the correction made in another way."""

    def projected(high, low):
        scale = scale_of(high, low)
        return start(high) + correct(low - average(start(high), scale), scale)

    return projected


PROJECT = {
    "the sign is turned: add what is missing, low - average": moved(lambda d, s: -nearest(d, s)),
    "the difference is interpolated: then block averages are no longer exact, so repeat it in its block": moved(
        bicubic
    ),
    "the difference is interpolated linearly: then block averages are no longer exact, so repeat it": moved(
        lambda d, s: F.interpolate(d, scale_factor=s, mode="bilinear", align_corners=False)
    ),
    "the difference goes to one pixel of each block: every pixel gets it": moved(
        lambda d, s: F.pad(d[..., None, :, None], (0, s - 1, 0, 0, 0, s - 1)).flatten(4, 5).flatten(2, 3)
    ),
    "the difference is spread over the block: every pixel gets all of it, for the average to grow by it": moved(
        lambda d, s: nearest(d, s) / s**2
    ),
    "the difference is divided by the scale: every pixel gets all of it": moved(lambda d, s: nearest(d, s) / s),
    "the difference is multiplied by the scale: every pixel gets it once": moved(lambda d, s: s * nearest(d, s)),
    "the difference is multiplied by the pixels of a block: every pixel gets it once": moved(
        lambda d, s: s * s * nearest(d, s)
    ),
    "the block's average is added: what is missing is low - average": lambda high, low: (
        high + nearest(area_average(high, scale_of(high, low)), scale_of(high, low))
    ),
    "low and the block's average are added: what is missing is their difference": lambda high, low: (
        high + nearest(low + area_average(high, scale_of(high, low)), scale_of(high, low))
    ),
    "the small pictures are tiled: each of their pixels belongs to one block": moved(lambda d, s: d.repeat(1, 1, s, s)),
    "the difference has lost its sign: some blocks have to become darker": moved(lambda d, s: nearest(d.abs(), s)),
    "the mean of the whole picture is taken off: take off each block's": lambda high, low: (
        high + nearest(low, scale_of(high, low)) - high.mean((2, 3), keepdim=True)
    ),
    "a mean of the picture and the repeated small one: shift each block": lambda high, low: (
        (high + nearest(low, scale_of(high, low))) / 2
    ),
    "a block's average is taken over all pictures and colours: each has its own": moved(
        average=lambda x, s: area_average(x, s).mean((0, 1), keepdim=True)
    ),
    "half of what is missing is added": moved(lambda d, s: nearest(d, s) / 2),
    "the difference comes back alone: add it to the picture": lambda high, low: nearest(
        low - area_average(high, scale_of(high, low)), scale_of(high, low)
    ),
    "the small picture is only repeated: keep the pattern of each block": lambda high, low: nearest(
        low, scale_of(high, low)
    ),
    "every pixel of the small picture is added without the block's average taken off": lambda high, low: (
        high + nearest(low, scale_of(high, low))
    ),
    "the block's average is taken off, and the small picture not added": lambda high, low: (
        high - nearest(area_average(high, scale_of(high, low)), scale_of(high, low))
    ),
    "the result is clamped: where that changes a pixel the average is no longer right": lambda high, low: project(
        high, low
    ).clamp(0, 1),
    "each block is multiplied: shift it, by adding one number": lambda high, low: (
        high * nearest(low / area_average(high, scale_of(high, low)), scale_of(high, low))
    ),
    "the average is that of every fourth pixel or so: all pixels of the block count": moved(
        average=lambda x, s: x[..., ::s, ::s]
    ),
    "the brightest pixel of each block is compared: its average is asked for": moved(
        average=lambda x, s: F.max_pool2d(x, s)
    ),
    "the small picture is made by interpolation: block averages are asked for": moved(
        average=lambda x, s: F.interpolate(x, scale_factor=1 / s, mode="bicubic", align_corners=False)
    ),
    "the small picture is made by linear interpolation: block averages are asked for": moved(
        average=lambda x, s: F.interpolate(x, scale_factor=1 / s, mode="bilinear")
    ),
    "the small picture is made by a smoothed interpolation: block averages are asked for": moved(
        average=lambda x, s: F.interpolate(x, [n // s for n in x.shape[2:]], mode="bilinear", antialias=True)
    ),
    "one number is added to the whole picture: each block has its own": lambda high, low: (
        high + (low.mean((2, 3), keepdim=True) - high.mean((2, 3), keepdim=True))
    ),
    "the colours are averaged: each channel has a difference of its own": moved(
        lambda d, s: nearest(d.mean(1, keepdim=True).expand_as(d), s)
    ),
    "the batch is averaged: each picture has a difference of its own": moved(
        lambda d, s: nearest(d.mean(0, keepdim=True).expand_as(d), s)
    ),
    "the blocks are turned: rows and columns of the small picture have changed places": moved(
        lambda d, s: nearest(d.flip(2), s)
    ),
    "the picture comes back as it is": lambda high, low: high.clone(),
    "the pictures are taken from [0, 1] to [-1, 1], the small ones are not: both lie in one range": moved(
        start=lambda x: 2 * x - 1
    ),
    "it is moved twice as far as it should be": moved(lambda d, s: 2 * nearest(d, s)),
    "the picture is rounded to levels of 255 afterwards: block averages are no longer exact": lambda high, low: (
        (255 * project(high, low)).round() / 255
    ),
}
mistakes("project", PROJECT)


def pipeline(*order):
    """The steps of a camera in another order: "blur", "average", "file", each once or never, and "clamp"."""

    def made(y, blur, noise, quality, generator):
        steps = {
            "blur": lambda x: gaussian_blur(x, blur),
            "average": lambda x: area_average(x, 4),
            "file": lambda x: x if quality is None else jpeg(x, quality),
            "clamp": lambda x: x.clamp(0, 1),
        }
        for name in order:
            y = steps[name](y)
        return y

    return made


def made(average=lambda x: area_average(x, 4), of_blur=lambda s: s, of_quality=lambda q: q, after=lambda x: x):
    """The right order, with one of its steps done in another way."""

    def degraded(y, blur, noise, quality, generator):
        x = after(average(gaussian_blur(y, of_blur(blur))))
        return x if quality is None else jpeg(x, of_quality(quality))

    return degraded


def small_blurred(y, blur, noise, quality, generator):
    x = gaussian_blur(area_average(y, 4), blur / 4)
    return x if quality is None else jpeg(x, quality)


def noise_of_one(y, blur, noise, quality, generator):
    x = area_average(gaussian_blur(y, blur), 4)
    x = (x + torch.randn(x.shape, generator=generator, dtype=torch.float32)).clamp(0, 1)
    return x if quality is None else jpeg(x, quality)


def always_a_file(y, blur, noise, quality, generator):
    return jpeg(area_average(gaussian_blur(y, blur), 4), quality or 95)


DEGRADE = {
    "the file is written before the picture is made small: it comes last": pipeline("file", "blur", "average"),
    "the file is written between blur and average: it comes last": pipeline("blur", "file", "average"),
    "the picture is blurred after it was made small: the lens comes before the pixels": pipeline(
        "average", "blur", "file"
    ),
    "the picture is blurred last: the lens comes first": pipeline("average", "file", "blur"),
    "the blur is missing": pipeline("average", "file"),
    "the file is missing: where quality is a number, a JPEG is written last": pipeline("blur", "average"),
    "the picture is not made small": pipeline("blur", "file"),
    "it is blurred twice": pipeline("blur", "blur", "average", "file"),
    "the file is written twice": pipeline("blur", "average", "file", "file"),
    "every fourth pixel is kept: a sensor's pixel averages the light of its block": made(lambda x: x[..., ::4, ::4]),
    "every fourth pixel is kept, from the middle of its block: all pixels of the block are averaged": made(
        lambda x: x[..., 2::4, 2::4]
    ),
    "it is made small by interpolation: the pixels of each block are averaged": made(
        lambda x: F.interpolate(x, scale_factor=0.25, mode="bicubic", align_corners=False).clamp(0, 1)
    ),
    "it is made small by linear interpolation: the pixels of each block are averaged": made(
        lambda x: F.interpolate(x, scale_factor=0.25, mode="bilinear")
    ),
    "it is made small by a smoothed interpolation: the pixels of each block are averaged": made(
        lambda x: F.interpolate(x, scale_factor=0.25, mode="bicubic", antialias=True).clamp(0, 1)
    ),
    "the blur is squared: it is a standard deviation": made(of_blur=lambda s: s**2),
    "the blur is always 1: take the one that is handed over": made(of_blur=lambda s: 1.0),
    "it is blurred once it is small, by a quarter: the lens comes before the pixels": small_blurred,
    "randn has a standard deviation of 1: multiply it by noise": noise_of_one,
    "no quality means no file: yours writes one": always_a_file,
    "the quality is always 75: take the one that is handed over": made(of_quality=lambda q: 75),
    "the brightest pixel of each block is kept: their average is asked for": made(lambda x: F.max_pool2d(x, 4)),
    "it is made half as large: a quarter is asked for": made(lambda x: area_average(x, 2)),
    "blur is a standard deviation in pixels, not a variance: no root of it": made(of_blur=lambda s: s**0.5),
    "the blur is divided by 4: it is in pixels of the large picture": made(of_blur=lambda s: s / 4),
    "the blur is four times as strong: it is in pixels of the large picture, before averaging": made(
        of_blur=lambda s: 4 * s
    ),
    "the quality is turned: 100 is the best": made(of_quality=lambda q: 100 - q),
    "the brightness is turned": made(after=lambda x: 1 - x),
    "the result lies in [-1, 1]: pictures here lie in [0, 1]": lambda *given: (
        2 * pipeline("blur", "average", "file")(*given) - 1
    ),
    "the result is in levels of 255: pictures here lie in [0, 1]": lambda *given: (
        255 * pipeline("blur", "average", "file")(*given)
    ),
    "the small picture is enlarged again: it should stay small": lambda *given: nearest(
        pipeline("blur", "average", "file")(*given), 4
    ),
}
mistakes("degrade", DEGRADE)
