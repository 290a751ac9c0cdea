"""Chapter 01, style transfer: what its functions must do, and the mistakes that have a name."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.calls import Case, Outputs, ch01
from gencourse.homework.checks import Check
from gencourse.homework.checks.compare import demand, explain, normal, number, refuse, same, uniform

SIZES = [(1, 5, 4, 6), (1, 3, 7, 2), (1, 8, 5, 5), (1, 2, 1, 9)]
LUMINANCE = np.array([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)


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


def objective_cases(g: Generator) -> Iterator[Case]:
    for shape, alpha, beta in [((1, 3, 8, 10), 0.5, 2.0), ((1, 3, 12, 6), 3.0, 0.25)]:
        pictures = {name: uniform(g, *shape) for name in ("content", "style", "x")}
        weights = {"shallow": uniform(g, 4, 3), "deep": uniform(g, 5, 4)}
        yield pictures | weights | {"alpha": alpha, "beta": beta}


def objective_judge(case: Case, outputs: Outputs) -> None:
    names = outputs["names"].split(",")
    wanted = ["content", "deep", "shallow", "total"]
    demand(names == wanted, f"expected the losses {', '.join(wanted)}, got {', '.join(names)}")
    demand(not outputs["cut off"], f"no gradient reaches x through {outputs['cut off']}: a detach or no_grad too many")
    content, shallow, deep, total = (outputs[f"value {name}"] for name in ("content", "shallow", "deep", "total"))
    refuse(abs(shallow[0]) < 1e-9 < abs(shallow[1]), "the style targets are those of the content picture")
    refuse(abs(content[1]) < 1e-9 < abs(content[0]), "the content target is that of the painting")
    demand(abs(content[0]) < 1e-6, "x is the content picture, so its content loss is zero: compared with what?")
    demand(abs(content[2]) > 1e-6, "the content loss must follow x")
    style = (shallow + deep) / 2
    a, b = case["alpha"], case["beta"]
    mistakes = {
        "the style part is the mean of the E_L, not their sum": a * content + b * 2 * style,
        "alpha and beta have changed places": b * content + a * style,
        "alpha and beta have no effect": content + style,
        "the style losses do not count in the total": a * content,
    }
    explain(total, a * content + b * style, mistakes)
    objective_layers(case, outputs)
    calls = outputs["calls"]
    demand(calls <= 3, f"three evaluations asked the network {calls} times instead of 3: keep the targets")
    demand("by x" in outputs and np.abs(outputs["by x"]).max() > 0, "no gradient reaches the picture")


def objective_layers(case: Case, outputs: Outputs) -> None:
    """Each loss is that of its layer, by the functions of this chapter or by those that stood in for them."""
    seen = [objective_features(case, name) for name in ("content", "style", "x")]
    for layer in ("shallow", "deep"):
        found = outputs[f"value {layer}"]
        fits = [style_value(one[layer], seen[1][layer]) for one in seen]
        either = any(same(found, list(values)) for values in zip(*fits, strict=True))
        demand(either, f"the loss {layer!r} is not style_loss of the Gram matrices of that layer")
    fits = [content_value(one["deep"], seen[0]["deep"]) for one in seen]
    either = any(same(outputs["value content"], list(values)) for values in zip(*fits, strict=True))
    demand(either, "the content loss is taken over network.content_layers, between activations")


def objective_features(case: Case, name: str) -> dict[str, np.ndarray]:
    shallow = np.einsum("oi,bihw->bohw", case["shallow"].astype(float), case[name])
    return {"shallow": shallow, "deep": np.einsum("oi,bihw->bohw", case["deep"], shallow[:, :, ::2, ::2])}


def style_value(f: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    grams = [(rows := x.reshape(x.shape[1], -1)) @ rows.T / rows.shape[1] for x in (f, target)]
    usual = np.square(grams[0] - grams[1]).sum() / (4 * f.shape[1] ** 2)
    return usual, np.abs(f.max((2, 3)) - target.max((2, 3))).sum()


def content_value(f: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    usual = np.square(f - target).sum() / (f.shape[2] * f.shape[3])
    return usual, 3 * np.abs(f - target).mean()


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
        "the result leaves [0, 1]": free,
    }
    explain(found, free.clip(0, 1), mistakes)


CHECKS = {
    "content_loss": Check("task-content", content_cases, content_judge),
    "gram_matrix": Check("task-gram", gram_cases, gram_judge),
    "style_loss": Check("task-style-loss", style_cases, style_judge),
    "make_objective": Check("task-objective", objective_cases, objective_judge, ch01.objective),
    "total_variation": Check("task-variation", variation_cases, variation_judge),
    "keep_colours": Check("task-colours", colours_cases, colours_judge),
}
