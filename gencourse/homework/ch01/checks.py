"""Chapter 01, style transfer: what its functions must do, and the mistakes that have a name."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from gencourse.homework.ch01 import calls as ch01
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check, Wrong
from gencourse.homework.checking.compare import demand, explain, normal, number, refuse, same, uniform

SIZES = [(1, 5, 4, 6), (1, 3, 7, 2), (1, 8, 5, 5), (1, 2, 1, 9)]
LUMINANCE = np.array([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)


def descends(outputs: Outputs, name: str, expected: np.ndarray) -> None:
    """Demand the gradient by an input: the pictures of this page are found by following it down."""
    found = outputs.get(f"by {name}")
    demand(
        found is not None,
        "its answer has no gradient: pictures are found by following it down. Stay with tensors that keep their graph, "
        "without .item(), .detach(), no_grad or numpy",
    )
    demand(same(found, expected, 1e-3), "the value is right, its gradient is not: is a part of it detached?")


def content_cases(g: Generator) -> Iterator[Case]:
    for shape in SIZES:
        yield {"features": normal(g, *shape), "target": normal(g, *shape)}


def content_judge(case: Case, outputs: Outputs) -> None:
    found, error = number(outputs), case["features"].astype(float) - case["target"]
    channels, h, w = error.shape[1:]
    total = np.square(error).sum()
    mistakes = {
        "the same picture repeated side by side should cost the same: see 1/M": total,
        "twice the channels should cost twice as much: only 1/M is divided out": total / error.size,
        "you divide by the number of channels: M counts positions": total / channels,
        "the errors are squared, not taken without their sign": np.abs(error).sum() / (h * w),
        "twice the error must cost four times as much: no root is taken": np.sqrt(total) / (h * w),
        "half of what it should be: our formula has 1/M in place of the paper's ½": total / (2 * h * w),
        "M counts all positions, h times w, not the rows alone": total / h,
        "M counts all positions, h times w, not the columns alone": total / w,
        "right only for square pictures: M is h times w": total / h**2,
        "right only for square pictures: M is the height times the width": total / w**2,
    }
    explain(found, total / (h * w), mistakes)
    descends(outputs, "features", 2 * error / (h * w))


def gram_cases(g: Generator) -> Iterator[Case]:
    for shape in [(2, 3, 4, 7), (1, 5, 6, 2), (3, 4, 3, 3), (2, 2, 1, 8)]:
        yield {"features": normal(g, *shape) + np.float32(0.5)}


def gram_judge(case: Case, outputs: Outputs) -> None:
    f, found = case["features"].astype(float), outputs["value"]
    b, n, h, w = f.shape
    rows = f.reshape(b, n, h * w)
    products = rows @ rows.transpose(0, 2, 1)
    expected = products / (h * w)
    positions = found.ndim and found.shape[-1] in (h * w, h, w) and found.shape[-1] != n
    refuse(positions, f"it keeps positions: one number for each pair of channels is asked for, got {found.shape}")
    demand(found.shape == (b, n, n), f"expected one N x N matrix per image, {(b, n, n)}, got shape {found.shape}")
    centred = rows - rows.mean(2, keepdims=True)
    unit = rows / np.linalg.norm(rows, axis=2, keepdims=True)
    mixed = f.reshape(b, h * w, n)
    mistakes = {
        "a picture twice as wide gives other values: take a mean over the positions": products,
        "the average runs over positions only: more channels must not make G smaller": expected / n,
        "this is a covariance: no mean is subtracted here": centred @ centred.transpose(0, 2, 1) / (h * w),
        "three times the activations should give nine times the matrix: do not normalise": unit
        @ unit.transpose(0, 2, 1),
        "the images of a batch have leaked into each other": np.broadcast_to(expected.mean(0), expected.shape),
        "right only for square pictures: the number of positions is h times w": products / h**2,
        "right only for square pictures: positions are rows times columns": products / w**2,
        "reshaped where it should be transposed: channels and positions got mixed": mixed.transpose(0, 2, 1)
        @ mixed
        / (h * w),
    }
    explain(found, expected, mistakes)
    slope = 2 * rows.sum(1, keepdims=True) / (h * w)  # of the sum of all entries: for every channel the same
    descends(outputs, "features", np.broadcast_to(slope, rows.shape).reshape(f.shape))


def style_cases(g: Generator) -> Iterator[Case]:
    for n in (6, 3, 11, 2):
        a, b = normal(g, 1, n, n + 3), normal(g, 1, n, n + 3)
        yield {"gram": a @ a.transpose(0, 2, 1), "target": b @ b.transpose(0, 2, 1)}


def style_judge(case: Case, outputs: Outputs) -> None:
    found, error = number(outputs), case["gram"].astype(float) - case["target"]
    n, total = error.shape[-1], np.square(error).sum()
    mistakes = {
        "four times as much as it should be: where is the 4?": total / n**2,
        "it grows with the number of channels: see 1/N², with N the last size of the shape": total / 4,
        "only the sum: the formula divides it by 4 N²": total,
        "N is squared in the formula: there are N x N entries": total / (4 * n),
        "the errors are squared, not taken without their sign": np.abs(error).sum() / (4 * n**2),
        "N to the power four: the formula has N², once": total / (4 * n**4),
        "twice the error must cost four times as much: no root is taken": np.sqrt(total) / (4 * n**2),
    }
    explain(found, total / (4 * n**2), mistakes)
    if "by gram" in outputs:  # a Gram matrix is symmetric: an entry may leave its part to the one across
        outputs = {"by gram": (outputs["by gram"] + outputs["by gram"].transpose(0, 2, 1)) / 2}
    descends(outputs, "gram", 2 * error / (4 * n**2))


def objective_cases(g: Generator) -> Iterator[Case]:
    for shape, alpha, beta in [((1, 3, 8, 10), 0.5, 2.0), ((1, 3, 12, 6), 3.0, 0.25)]:
        pictures = {name: uniform(g, *shape) for name in ("content", "style", "x")}
        weights = {"shallow": uniform(g, 4, 3), "deep": uniform(g, 5, 4)}
        yield pictures | weights | {"alpha": alpha, "beta": beta}


def objective_judge(case: Case, outputs: Outputs) -> None:
    names = outputs["names"].split(",")
    wanted = ["content", "deep", "shallow", "total"]
    every = names == sorted([*wanted, "deeper"])
    refuse(every, "the style is that of network.style_layers: the network may return other layers, too")
    demand(names == wanted, f"expected the losses {', '.join(wanted)}, got {', '.join(names)}")
    demand(not outputs["cut off"], f"no gradient reaches x through {outputs['cut off']}: a detach or no_grad too many")
    content, shallow, deep = (outputs[f"value {name}"] for name in ("content", "shallow", "deep"))
    refuse(abs(shallow[0]) < 1e-9 < abs(shallow[1]), "the style targets are those of the content picture")
    refuse(abs(content[1]) < 1e-9 < abs(content[0]), "the content target is that of the painting")
    demand(abs(content[0]) < 1e-6, "x is the content picture, so its content loss is zero: compared with what?")
    demand(abs(content[2]) > 1e-6, "the content loss must follow x")
    forms, x = objective_forms(case)
    objective_layers(case, outputs, forms)
    style = (shallow + deep) / 2
    a, b = case["alpha"], case["beta"]
    mistakes = {
        "the style part is the mean of the E_L, not their sum": a * content + b * 2 * style,
        "alpha and beta have changed places": b * content + a * style,
        "alpha and beta have no effect": content + style,
        "the style losses do not count in the total": a * content,
    }
    fitting = [form for form in forms if same(outputs["value total"], total_of(case, form).detach())]
    if not fitting:
        explain(outputs["value total"], a * content + b * style, mistakes)
    again = outputs["again"]
    refuse(again, f"the network looks at the {again} picture again in a later step: keep the targets")
    objective_slope(case, outputs, fitting, x)


def objective_layers(case: Case, outputs: Outputs, forms: list[dict[str, Tensor]]) -> None:
    """Each loss is that of its layer, in one of the forms, and without its weight."""

    def fits(name: str, weight: float = 1.0) -> bool:
        return any(same(outputs[f"value {name}"], weight * form[name].detach()) for form in forms)

    for name, weight in (("content", "alpha"), ("shallow", "beta"), ("deep", "beta")):
        weighted = not fits(name) and fits(name, case[weight])
        refuse(weighted, f"the loss {name!r} is returned times {weight}: the weights belong into the total alone")
    for layer in ("shallow", "deep"):
        demand(fits(layer), f"the loss {layer!r} is not style_loss of the Gram matrices of that layer")
    demand(fits("content"), "the content loss is taken over network.content_layers, between activations")


def objective_slope(case: Case, outputs: Outputs, forms: list[dict[str, Tensor]], x: Tensor) -> None:
    """The gradient of the total is that of all its parts."""
    found = outputs.get("by x")
    demand(found is not None and np.abs(found).max() > 0, "no gradient reaches the picture")

    def slope(form: dict[str, Tensor], *without: str) -> Tensor:
        kept = {name: loss.detach() if name in without else loss for name, loss in form.items()}
        return torch.autograd.grad(total_of(case, kept)[2], x, retain_graph=True)[0]

    if any(same(found, slope(form), 1e-3) for form in forms):
        return
    parts = {"content": ("content",), "style": ("shallow", "deep"), "shallow": ("shallow",), "deep": ("deep",)}
    for part, without in parts.items():
        cut = any(same(found, slope(form, *without), 1e-3) for form in forms)
        refuse(cut, f"the {part} part of the total carries no gradient: an item or a detach too many")
    raise Wrong("the total's gradient is not that of its parts: is one of them detached?")


def total_of(case: Case, form: dict[str, Tensor]) -> Tensor:
    return case["alpha"] * form["content"] + case["beta"] * (form["shallow"] + form["deep"]) / 2


def objective_forms(case: Case) -> tuple[list[dict[str, Tensor]], Tensor]:
    """Return the losses at the pictures content, style and x, three numbers for each name, and the last picture.

    A form takes, for each part, functions of this chapter or those that stood in for them: nobody has to call them all.
    """
    pictures = [torch.from_numpy(case[name]).double() for name in ("content", "style", "x")]
    x = pictures[-1].requires_grad_()
    seen = list(map(ch01.TwoLayers(*(torch.from_numpy(case[n]).double() for n in ("shallow", "deep"))), pictures))
    contents = (content_value, ch01.other_content_loss)
    styles = list(product((gram_value, ch01.other_gram_matrix), (style_value, ch01.other_style_loss)))
    ways = {"content": [torch.stack([loss(now["deep"], seen[0]["deep"]) for now in seen]) for loss in contents]}
    for layer in ("shallow", "deep"):
        ways[layer] = [torch.stack([loss(gram(f[layer]), gram(seen[1][layer])) for f in seen]) for gram, loss in styles]
    return [dict(zip(ways, form, strict=True)) for form in product(*ways.values())], x


def content_value(features: Tensor, target: Tensor) -> Tensor:
    return (features - target).square().sum() / features[0, 0].numel()


def gram_value(features: Tensor) -> Tensor:
    rows = features.flatten(2)
    return rows @ rows.mT / rows.shape[2]


def style_value(gram: Tensor, target: Tensor) -> Tensor:
    return (gram - target).square().sum() / (4 * gram.shape[-1] ** 2)


def variation_cases(g: Generator) -> Iterator[Case]:
    for shape in [(1, 1, 9, 4), (2, 3, 5, 8), (1, 2, 6, 6), (3, 1, 2, 7)]:
        yield {"x": normal(g, *shape)}


def variation_judge(case: Case, outputs: Outputs) -> None:
    found, x = number(outputs), case["x"].astype(float)
    steps = [np.diff(x, axis=2), np.diff(x, axis=3)]
    means = [np.square(step).mean() for step in steps]
    sums = sum(np.square(step).sum() for step in steps)
    around = [np.square(x - np.roll(x, 1, axis)).mean() for axis in (2, 3)]
    mistakes = {
        "the last row is compared with the first: edges do not wrap around": sum(around),
        "the same ramp turned upright is missed: vertical neighbours count too": means[1],
        "a ramp from left to right is missed: horizontal neighbours count too": means[0],
        "a ramp three times as steep should cost nine times as much": sum(np.abs(step).mean() for step in steps),
        "it grows with the picture: a mean, not a sum": sums,
        "each direction has a mean of its own, and the two are added": sums / sum(step.size for step in steps),
        "half of what it should be: the two means are added, not averaged": sum(means) / 2,
        "there are fewer pairs of neighbours than pixels: a mean divides by the pairs": sums / x.size,
        "right only for square pictures: both directions have their own number of pairs": sums / steps[0].size,
        "right only for square pictures: each direction has its own number of pairs": sums / steps[1].size,
    }
    explain(found, sum(means), mistakes)
    slope = np.zeros_like(x)
    down, along = (2 * step / step.size for step in steps)
    slope[:, :, 1:] += down  # each step pulls at the pixels on either side of it
    slope[:, :, :-1] -= down
    slope[:, :, :, 1:] += along
    slope[:, :, :, :-1] -= along
    descends(outputs, "x", slope)


def colours_cases(g: Generator) -> Iterator[Case]:
    for h, w, spread in [(5, 7, 0.2), (6, 3, 0.3), (8, 8, 1.0), (2, 9, 1.0)]:
        centre = np.float32((1 - spread) / 2)
        yield {name: uniform(g, 1, 3, h, w) * np.float32(spread) + centre for name in ("stylised", "content")}


def colours_judge(case: Case, outputs: Outputs) -> None:
    stylised, content, found = case["stylised"].astype(float), case["content"].astype(float), outputs["value"]
    demand(found.shape == content.shape, f"expected a picture of shape {content.shape}, got {found.shape}")

    def exchanged(brush: np.ndarray, colour: np.ndarray, weights: np.ndarray = LUMINANCE) -> np.ndarray:
        return (brush * weights).sum(1, keepdims=True) + colour - (colour * weights).sum(1, keepdims=True)

    free = exchanged(stylised, content)
    bright = {name: (case[name] * LUMINANCE).sum(1, keepdims=True) for name in ("stylised", "content")}
    evenly, backwards = np.full((1, 3, 1, 1), 1 / 3), LUMINANCE[:, ::-1]
    mistakes = {
        "the colours are the painting's: it should be the other way round": exchanged(content, stylised).clip(0, 1),
        "a plain mean of R, G and B is not Y: green weighs most": exchanged(stylised, content, evenly).clip(0, 1),
        "the three weights come in another order": exchanged(stylised, content, backwards).clip(0, 1),
        "the colour is a difference from Y, not a ratio": (content * bright["stylised"] / bright["content"]).clip(0, 1),
        "the colours are gone: where is the photograph's difference from Y?": bright["stylised"].repeat(3, 1),
        "the photograph's own luminance must go, or it counts twice": (bright["stylised"] + content).clip(0, 1),
        "the result leaves [0, 1] on both sides": free,
        "the result leaves [0, 1] at the top: it is cut off at 0, not at 1": free.clip(min=0),
        "the result leaves [0, 1] at the bottom: it is cut off at 1, not at 0": free.clip(max=1),
    }
    explain(found, free.clip(0, 1), mistakes)


CHECKS = {
    "content_loss": Check("task-content", content_cases, content_judge, ch01.descended),
    "gram_matrix": Check("task-gram", gram_cases, gram_judge, ch01.descended),
    "style_loss": Check("task-style-loss", style_cases, style_judge, ch01.descended),
    "make_objective": Check("task-objective", objective_cases, objective_judge, ch01.objective),
    "total_variation": Check("task-variation", variation_cases, variation_judge, ch01.descended),
    "keep_colours": Check("task-colours", colours_cases, colours_judge),
}
