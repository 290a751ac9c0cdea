"""Chapter 01: what goes wrong in its tasks, and what is said about it."""

from functools import partial

import torch
import torch.nn.functional as F

from gencourse.homework.ch01.reference import FORMS, LUMINANCE, exchanged, keep_colours, luminance, style_part
from gencourse.homework.ch01.reference import make_objective as right_objective
from gencourse.homework.checking.check import Mistakes, add_mistake
from gencourse.methods.style import gram_matrix

MISTAKES: Mistakes = {}
mistake = partial(add_mistake, MISTAKES)


@mistake("content_loss", "the same picture repeated side by side should cost the same: see 1/M")
def content_summed(features, target):
    return (features - target).square().sum()


@mistake("content_loss", "twice the channels should cost twice as much: only 1/M is divided out")
def content_averaged(features, target):
    return F.mse_loss(features, target)


@mistake("content_loss", "you divide by the number of channels: M counts positions")
def content_by_channels(features, target):
    return (features - target).square().sum() / features.shape[1]


@mistake("content_loss", "the errors are squared, not taken without their sign")
def content_absolute(features, target):
    return (features - target).abs().sum() / features[0, 0].numel()


@mistake("content_loss", "twice the error must cost four times as much: no root is taken")
def content_norm(features, target):
    return (features - target).norm() / features[0, 0].numel()


@mistake("content_loss", "half of what it should be: our formula has 1/M in place of the paper's ½")
def content_half(features, target):
    return (features - target).square().sum() / (2 * features[0, 0].numel())


@mistake("content_loss", "M counts all positions, h times w, not the rows alone")
def content_rows(features, target):
    return (features - target).square().sum() / features.shape[2]


@mistake("content_loss", "M counts all positions, h times w, not the columns alone")
def content_columns(features, target):
    return (features - target).square().sum() / features.shape[3]


@mistake("content_loss", "right only for square pictures: M is h times w")
def content_height_squared(features, target):
    return (features - target).square().sum() / features.shape[2] ** 2


@mistake("content_loss", "right only for square pictures: M is the height times the width")
def content_width_squared(features, target):
    return (features - target).square().sum() / features.shape[3] ** 2


def products(features):
    f = features.flatten(2)
    return f @ f.mT


@mistake("gram_matrix", "a picture twice as wide gives other values: take a mean over the positions")
def gram_unnormalised(features):
    return products(features)


@mistake("gram_matrix", "the average runs over positions only: more channels must not make G smaller")
def gram_over_channels(features):
    return products(features) / features[0].numel()


@mistake("gram_matrix", "this is a covariance: no mean is subtracted here")
def gram_covariance(features):
    return gram_matrix(features - features.mean((2, 3), keepdim=True))


@mistake("gram_matrix", "three times the activations should give nine times the matrix: do not normalise")
def gram_cosine(features):
    return products(F.normalize(features.flatten(2), dim=2)[..., None])


@mistake("gram_matrix", "the images of a batch have leaked into each other")
def gram_of_batch(features):
    f = features.transpose(0, 1).flatten(1)
    return (f @ f.T / f.shape[1]).expand(len(features), -1, -1)


@mistake("gram_matrix", "right only for square pictures: the number of positions is h times w")
def gram_height_squared(features):
    return products(features) / features.shape[2] ** 2


@mistake("gram_matrix", "right only for square pictures: positions are rows times columns")
def gram_width_squared(features):
    return products(features) / features.shape[3] ** 2


@mistake("gram_matrix", "reshaped where it should be transposed: channels and positions got mixed")
def gram_reshaped(features):
    b, n, h, w = features.shape
    f = features.reshape(b, h * w, n)
    return f.mT @ f / (h * w)


@mistake("gram_matrix", "it keeps positions: one number for each pair of channels is asked for")
def gram_transposed(features):
    f = features.flatten(2)
    return f.mT @ f / f.shape[1]


@mistake("gram_matrix", "it keeps positions: one number for each pair of channels, summed over rows and columns")
def gram_of_each_position(features):
    return features[:, :, None] * features[:, None]


@mistake("style_loss", "four times as much as it should be: where is the 4?")
def style_without_four(gram, target):
    return F.mse_loss(gram, target)


@mistake("style_loss", "it grows with the number of channels: see 1/N², with N the last size of the shape")
def style_first_size(gram, target):
    return (gram - target).square().sum() / (4 * gram.shape[0] ** 2)


@mistake("style_loss", "only the sum: the formula divides it by 4 N²")
def style_summed(gram, target):
    return (gram - target).square().sum()


@mistake("style_loss", "N is squared in the formula: there are N x N entries")
def style_n(gram, target):
    return (gram - target).square().sum() / (4 * gram.shape[-1])


@mistake("style_loss", "the errors are squared, not taken without their sign")
def style_absolute(gram, target):
    return (gram - target).abs().mean() / 4


@mistake("style_loss", "N to the power four: the formula has N², once")
def style_n4(gram, target):
    return (gram - target).square().sum() / (4 * gram.numel() ** 2)


@mistake("style_loss", "twice the error must cost four times as much: no root is taken")
def style_norm(gram, target):
    return (gram - target).norm() / (4 * gram.numel())


objective = partial(mistake, "make_objective", forms=FORMS)


def losses(sentence):
    """Decorate change(form, network, content, style, losses, x): losses that replace right ones, in the total too."""

    def add(change):
        @objective(sentence)
        def make(form, network, content, style, alpha, beta):
            right = right_objective(form, network, content, style, alpha, beta)

            def changed(x):
                losses = right(x)
                losses |= change(form, network, content, style, losses, x)
                return losses | {"total": alpha * losses["content"] + beta * style_part(losses)}

            return changed

        return change

    return add


def returned(sentence):
    """Decorate change(losses, alpha, beta): what is returned in place of some of the right losses, and of the total."""

    def add(change):
        @objective(sentence)
        def make(form, network, content, style, alpha, beta):
            right = right_objective(form, network, content, style, alpha, beta)
            return lambda x: (losses := right(x)) | change(losses, alpha, beta)

        return change

    return add


@objective("the style targets are those of the content picture")
def objective_one_picture(form, network, content, style, alpha, beta):
    return right_objective(form, network, content, content, alpha, beta)


@objective("the content target is that of the painting")
def objective_of_painting(form, network, content, style, alpha, beta):
    return right_objective(form, network, style, style, alpha, beta)


@losses("x is the content picture, so its content loss is zero: compared with what?")
def objective_of_nothing(form, network, content, style, losses, x):
    return {"content": form.content_loss(network(x)["deep"], network(0 * content)["deep"])}


@losses("the content loss must follow x")
def objective_of_itself(form, network, content, style, losses, x):
    return {"content": form.content_loss(network(x)["deep"], network(x)["deep"])}


@losses("the content loss is taken over network.content_layers, between activations")
def objective_content_everywhere(form, network, content, style, losses, x):
    kept = network(content)
    return {"content": sum(form.content_loss(f, kept[name]) for name, f in network(x).items())}


@losses("the loss 'shallow' is not style_loss of the Gram matrices of that layer")
def objective_without_gram(form, network, content, style, losses, x):
    now, seen = network(x), network(style)
    return {name: form.content_loss(now[name], seen[name]) for name in network.style_layers}


WEIGHTED = "the loss {!r} is returned times {}: the weights belong into the total alone"


@returned(WEIGHTED.format("content", "alpha"))
def objective_content_weighted(losses, alpha, beta):
    return {"content": alpha * losses["content"]}


@returned(WEIGHTED.format("content", "alpha"))
def objective_weighted(losses, alpha, beta):
    return {"content": alpha * losses["content"]} | {name: beta * losses[name] for name in ("shallow", "deep")}


@returned(WEIGHTED.format("shallow", "beta"))
def objective_style_weighted(losses, alpha, beta):
    return {name: beta * losses[name] for name in ("shallow", "deep")}


@returned(WEIGHTED.format("shallow", "beta"))
def objective_shallow_weighted(losses, alpha, beta):
    return {"shallow": beta * losses["shallow"]}


@returned(WEIGHTED.format("deep", "beta"))
def objective_deep_weighted(losses, alpha, beta):
    return {"deep": beta * losses["deep"]}


@returned("the style part is the mean of the E_L, not their sum")
def objective_summed(losses, alpha, beta):
    return {"total": alpha * losses["content"] + beta * (losses["shallow"] + losses["deep"])}


@returned("alpha and beta have changed places")
def objective_swapped(losses, alpha, beta):
    return {"total": beta * losses["content"] + alpha * style_part(losses)}


@returned("alpha and beta have no effect")
def objective_unweighted(losses, alpha, beta):
    return {"total": losses["content"] + style_part(losses)}


@returned("the style losses do not count in the total")
def objective_content_alone(losses, alpha, beta):
    return {"total": alpha * losses["content"]}


CUT = "the {} part of the total carries no gradient: an item or a detach too many"


@returned(CUT.format("content"))
def objective_content_detached(losses, alpha, beta):
    return {"total": alpha * losses["content"].detach() + beta * style_part(losses)}


@returned(CUT.format("style"))
def objective_style_item(losses, alpha, beta):
    return {"total": alpha * losses["content"] + beta * style_part(losses).item()}


@returned(CUT.format("shallow"))
def objective_shallow_item(losses, alpha, beta):
    return {"total": alpha * losses["content"] + beta * (losses["shallow"].item() + losses["deep"]) / 2}


@returned(CUT.format("deep"))
def objective_deep_item(losses, alpha, beta):
    return {"total": alpha * losses["content"] + beta * (losses["shallow"] + losses["deep"].item()) / 2}


@mistake("total_variation", "the last row is compared with the first: edges do not wrap around")
def variation_rolled(x):
    return sum((x - x.roll(1, dim)).square().mean() for dim in (2, 3))


@mistake("total_variation", "the same ramp turned upright is missed: vertical neighbours count too")
def variation_horizontal(x):
    return x.diff(dim=3).square().mean()


@mistake("total_variation", "a ramp from left to right is missed: horizontal neighbours count too")
def variation_vertical(x):
    return x.diff(dim=2).square().mean()


@mistake("total_variation", "a ramp three times as steep should cost nine times as much")
def variation_absolute(x):
    return x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()


@mistake("total_variation", "it grows with the picture: a mean, not a sum")
def variation_summed(x):
    return x.diff(dim=2).square().sum() + x.diff(dim=3).square().sum()


@mistake("total_variation", "each direction has a mean of its own, and the two are added")
def variation_together(x):
    return torch.cat([x.diff(dim=2).flatten(), x.diff(dim=3).flatten()]).square().mean()


@mistake("total_variation", "half of what it should be: the two means are added, not averaged")
def variation_halved(x):
    return (x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean()) / 2


@mistake("total_variation", "there are fewer pairs of neighbours than pixels: a mean divides by the pairs")
def variation_by_pixels(x):
    return variation_summed(x) / x.numel()


@mistake("total_variation", "right only for square pictures: both directions have their own number of pairs")
def variation_by_vertical_pairs(x):
    return variation_summed(x) / x.diff(dim=2).numel()


@mistake("total_variation", "right only for square pictures: each direction has its own number of pairs")
def variation_by_horizontal_pairs(x):
    return variation_summed(x) / x.diff(dim=3).numel()


@mistake("keep_colours", "the colours are the painting's: it should be the other way round")
def colours_swapped(stylised, content):
    return keep_colours(content, stylised)


@mistake("keep_colours", "a plain mean of R, G and B is not Y: green weighs most")
def colours_evenly(stylised, content):
    return exchanged(stylised, content, torch.full((1, 3, 1, 1), 1 / 3)).clamp(0, 1)


@mistake("keep_colours", "the three weights come in another order")
def colours_bgr(stylised, content):
    return exchanged(stylised, content, LUMINANCE.flip(1)).clamp(0, 1)


@mistake("keep_colours", "the colour is a difference from Y, not a ratio")
def colours_ratio(stylised, content):
    return (content * luminance(stylised) / luminance(content)).clamp(0, 1)


@mistake("keep_colours", "the colours are gone: where is the photograph's difference from Y?")
def colours_grey(stylised, content):
    return luminance(stylised).expand_as(content)


@mistake("keep_colours", "the photograph's own luminance must go, or it counts twice")
def colours_twice(stylised, content):
    return (luminance(stylised) + content).clamp(0, 1)


@mistake("keep_colours", "the result leaves [0, 1] on both sides")
def colours_unclamped(stylised, content):
    return exchanged(stylised, content)


@mistake("keep_colours", "the result leaves [0, 1] at the top: it is cut off at 0, not at 1")
def colours_cut_below(stylised, content):
    return exchanged(stylised, content).clamp(min=0)


@mistake("keep_colours", "the result leaves [0, 1] at the bottom: it is cut off at 1, not at 0")
def colours_cut_above(stylised, content):
    return exchanged(stylised, content).clamp(max=1)
