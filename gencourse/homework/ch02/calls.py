"""Chapter 02: the perceptual loss and the training step are called with small networks of given weights."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.homework.checking.calls import Case, Outputs, after, input_gradients, tensors, to_array


def matrix(function: Callable[..., Any], case: Case) -> Outputs:
    """Call `function(*inputs)`; returns `value`, and whether it was a `tensor`, and of what `kind`: its dtype."""
    found = function(*tensors(case).values())
    kind = str(found.dtype) if isinstance(found, Tensor) else type(found).__name__
    return {"value": to_array(found), "tensor": isinstance(found, Tensor), "kind": kind[:100]}


class Layers:
    """Two layers of different size; it notes whether a picture y was looked at with a graph, alone or in a batch."""

    def __init__(self, weight: Tensor, y: Tensor):
        self.weight, self.y, self.graph = weight, y.detach().clone(), False

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        if torch.is_grad_enabled() and image.requires_grad and image.shape[1:] == self.y.shape[1:]:
            self.graph |= any(torch.equal(one, other) for one in image for other in self.y)
        coarse = torch.einsum("oi,bihw->bohw", self.weight, F.avg_pool2d(image, 4))
        return {"fine": 2 * image, "coarse": coarse}  # no layer is the picture itself


def perceptual(function: Callable[..., Any], case: Case) -> Outputs:
    """Call the loss on two pictures that both ask for gradients.

    Returns `value`, both pictures as the call left them, the gradients `by y_hat` and `by y` where they arrive;
    `cut`, which of them asks for no gradient any more; `graph`, whether the network looked at y while a graph was kept.
    """
    given = tensors(case)
    network = Layers(given["weight"], given["y"])
    pictures = {name: given[name].requires_grad_() for name in ("y_hat", "y")}
    found = function(network, *pictures.values())
    asking = {name: x for name, x in pictures.items() if x.requires_grad}
    return {
        "value": to_array(found),
        **after(pictures),
        **(input_gradients(found, asking) if asking else {}),
        "cut": " and ".join(name for name in pictures if name not in asking),
        "graph": network.graph,
    }


class Enlarge(nn.Module):
    """Repeats pixels four times and mixes the colours: the least that has weights to learn."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        large = x.repeat_interleave(4, 2).repeat_interleave(4, 3)
        return torch.einsum("oi,bihw->bohw", self.weight, large)


def other_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """A loss that is neither squared nor absolute, and not symmetric."""
    return (y_hat - y).abs().pow(1.5).mul(1 + y).mean()


def training_step(function: Callable[..., Any], case: Case) -> Outputs:
    """Run one step on a network that holds gradients of ones from before.

    Returns its `value`, whether that is `attached` to a graph, or a `number` and no tensor, how often the optimiser
    made an `update`, the `weight` after it, and the pictures as the call left them.
    """
    given = tensors(case)
    network = Enlarge(given["weight"])
    network.weight.grad = torch.ones_like(network.weight)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    updates = []
    optimizer.register_step_pre_hook(lambda *_: updates.append(1))
    found = function(network, optimizer, other_loss, given["y"])
    return {
        "value": to_array(found),
        "attached": isinstance(found, Tensor) and found.requires_grad,
        "number": not isinstance(found, Tensor),
        "update": len(updates),
        "weight": to_array(network.weight),
        **after({"y": given["y"]}),
    }
