"""Chapter 01: the right answers that the package does not have."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gencourse.homework.ch01 import calls
from gencourse.homework.checking.check import Function
from gencourse.images.colours import LUMA
from gencourse.methods import style

LUMINANCE = torch.tensor(LUMA, dtype=torch.float64).view(1, 3, 1, 1)


class Form(NamedTuple):
    """What an objective is built of: each function the chapter's or the one that stood in for it."""

    content_loss: Function
    gram_matrix: Function
    style_loss: Function


FORMS = [  # nobody has to call all of the chapter's functions: what is written out gives other values
    Form(content, gram, loss)
    for content in (style.content_loss, calls.other_content_loss)
    for gram in (style.gram_matrix, calls.other_gram_matrix)
    for loss in (style.style_loss, calls.other_style_loss)
]


def make_objective(form: Form, network: Any, content: Tensor, painting: Tensor, alpha: float, beta: float) -> Function:
    with torch.no_grad():
        kept, seen = network(content), network(painting)
        targets = {name: form.gram_matrix(seen[name]) for name in network.style_layers}

    def objective(x: Tensor) -> dict[str, Tensor]:
        now = network(x)
        content_losses = [form.content_loss(now[name], kept[name]) for name in network.content_layers]
        losses: dict[str, Any] = {"content": sum(content_losses)}
        losses |= {name: form.style_loss(form.gram_matrix(now[name]), A) for name, A in targets.items()}
        return losses | {"total": alpha * losses["content"] + beta * style_part(losses)}

    return objective


def style_part(losses: dict[str, Tensor]) -> Tensor:
    return (losses["shallow"] + losses["deep"]) / 2


def luminance(x: Tensor, weights: Tensor = LUMINANCE) -> Tensor:
    return (x * weights).sum(1, keepdim=True)


def exchanged(stylised: Tensor, content: Tensor, weights: Tensor = LUMINANCE) -> Tensor:
    return luminance(stylised, weights) + content - luminance(content, weights)


def keep_colours(stylised: Tensor, content: Tensor) -> Tensor:
    return exchanged(stylised, content).clamp(0, 1)


def pixel_step(x: Tensor, objective: Function, rate: float) -> Tensor:
    x = x.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(x)["total"], x)
    return (x.detach() - rate * gradient).clamp(0, 1)
