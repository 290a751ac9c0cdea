"""Chapter 01, style transfer: what its functions are asked, and what is judged by hand."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch01 import calls as ch01
from gencourse.homework.ch01 import reference
from gencourse.homework.ch01.mistakes import MISTAKES
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, normal, refuse, uniform
from gencourse.methods import style

NO_GRADIENT = (
    "its answer has no gradient: pictures are found by following it down. Stay with tensors that keep their graph, "
    "without .item(), .detach(), no_grad or numpy"
)


def content_cases(g: Generator) -> Iterator[Case]:
    for shape in [(1, 5, 4, 6), (1, 3, 7, 2), (1, 8, 5, 5), (1, 2, 1, 9)]:
        yield {"features": normal(g, *shape), "target": normal(g, *shape)}


def gram_cases(g: Generator) -> Iterator[Case]:
    for shape in [(2, 3, 4, 7), (1, 5, 6, 2), (3, 4, 3, 3), (2, 2, 1, 8)]:
        yield {"features": normal(g, *shape) + np.float32(0.5)}


def style_cases(g: Generator) -> Iterator[Case]:
    for n in (6, 3, 11, 2):
        a, b = normal(g, 1, n, n + 3), normal(g, 1, n, n + 3)
        yield {"gram": a @ a.transpose(0, 2, 1), "target": b @ b.transpose(0, 2, 1)}


def symmetric(case: Case, outputs: Outputs) -> Outputs:
    """A Gram matrix is symmetric: an entry may leave its part of the gradient to the one across."""
    found = outputs.get("by gram")
    return outputs if found is None else outputs | {"by gram": (found + found.transpose(0, 2, 1)) / 2}


def objective_cases(g: Generator) -> Iterator[Case]:
    for shape, alpha, beta in [((1, 3, 8, 10), 0.6, 1.7), ((1, 3, 12, 6), 3.1, 0.3)]:
        pictures = {name: uniform(g, *shape) for name in ("content", "style", "x")}
        weights = {"shallow": 3 * uniform(g, 4, 3), "deep": uniform(g, 5, 4) / 3}  # so that both layers count
        yield pictures | weights | {"alpha": alpha, "beta": beta}


def objective_judge(case: Case, outputs: Outputs) -> None:
    """Judge which losses there are, whether they follow x, and what the network was asked."""
    names, again = outputs["names"].split(","), outputs["again"]
    wanted = ["content", "deep", "shallow", "total"]
    every = names == sorted([*wanted, "deeper"])
    refuse(every, "the style is that of network.style_layers: the network may return other layers, too")
    demand(names == wanted, f"expected the losses {', '.join(wanted)}, got {', '.join(names)}")
    cut = outputs["cut off"].split(",")  # a part that is shown may be detached; what is descended on may not
    demand("total" not in cut, "no gradient reaches x through the total: a detach or no_grad too many")
    refuse(again, f"the network looks at the {again} picture again in a later step: keep the targets")


def objective_view(case: Case, outputs: Outputs) -> Outputs:
    return {name: value for name, value in outputs.items() if name != "cut off"}


def step_cases(g: Generator) -> Iterator[Case]:
    for shape, rate in [((1, 3, 5, 7), 0.2), ((1, 1, 4, 4), 0.7), ((1, 3, 1, 6), 0.05)]:
        x, target = uniform(g, *shape), 3 * uniform(g, *shape) - 1  # some pixels are pulled out of [0, 1]
        yield {"x": x, "target": target, "weight": 1 + uniform(g, *shape), "rate": rate}


STEP = {
    "attached": "it comes back with a graph: detach it, or every step's graph is kept",
    "value": "the pixels differ: x minus the rate times the gradient of the total, cut off at 0 and 1",
}


def variation_cases(g: Generator) -> Iterator[Case]:
    for shape in [(2, 3, 5, 8), (1, 1, 9, 4), (1, 2, 6, 6), (3, 1, 2, 7)]:
        yield {"x": normal(g, *shape)}


def colours_cases(g: Generator) -> Iterator[Case]:
    for h, w, spread in [(5, 7, 0.2), (6, 3, 0.3), (8, 8, 1.0), (2, 9, 1.0)]:
        centre = np.float32((1 - spread) / 2)
        yield {name: uniform(g, 1, 3, h, w) * np.float32(spread) + centre for name in ("stylised", "content")}


descended = partial(Check, call=ch01.call_with_gradient, no_gradient=NO_GRADIENT)
FORMS = [partial(reference.make_objective, form) for form in reference.FORMS]
OBJECTIVE = {
    "value content": "the content loss is taken over network.content_layers, between activations",
    "value shallow": "the loss 'shallow' is not style_loss of the Gram matrices of that layer",
    "value deep": "the loss 'deep' is not style_loss of the Gram matrices of that layer",
    "by x": "the total's gradient is not that of its parts: is one of them detached?",
}
CHECKS = {
    "content_loss": descended("task-content", content_cases, style.content_loss, MISTAKES["content_loss"]),
    "gram_matrix": descended(
        "task-gram", gram_cases, style.gram_matrix, MISTAKES["gram_matrix"], shape="one N x N matrix per image,"
    ),
    "style_loss": descended("task-style-loss", style_cases, style.style_loss, MISTAKES["style_loss"], view=symmetric),
    "make_objective": Check(
        "task-objective",
        objective_cases,
        FORMS,
        MISTAKES["make_objective"],
        call=ch01.objective,
        judge=objective_judge,
        view=objective_view,
        sentences=OBJECTIVE,
    ),
    "pixel_step": Check(
        "task-step",
        step_cases,
        reference.pixel_step,
        MISTAKES["pixel_step"],
        call=ch01.pixel_step,
        shape="a picture of shape",
        sentences=STEP,
    ),
    "total_variation": descended("task-variation", variation_cases, style.total_variation, MISTAKES["total_variation"]),
    "keep_colours": Check(
        "task-colours", colours_cases, reference.keep_colours, MISTAKES["keep_colours"], shape="a picture of shape"
    ),
}
