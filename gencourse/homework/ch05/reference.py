"""Chapter 05: the right answers, and the parts of which mistakes are made too."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.homework.ch05.calls import coins as binarise
from gencourse.homework.ch05.calls import gate
from gencourse.homework.checking.check import Function


def nll(logits: Tensor, x: Tensor) -> Tensor:
    return F.cross_entropy(logits, x, reduction="none").flatten(1).sum(1)


def bits_per_dim(nats: Any, dims: int) -> Any:
    return nats / (dims * math.log(2))


def below(v: Tensor) -> Tensor:
    return F.pad(v, (0, 0, 1, -1))  # a row further down


def stacks(
    know: Function = below,
    join: Function = lambda own, heard: gate(own + heard),
    *,
    gated: Function = gate,
    late: Function = lambda heard: heard,
    kept: bool = False,
) -> Function:
    """Return the answer to `two_stacks` in which h hears know(v), or late(link(v)); kept: and v goes on from there."""

    def two_stacks(x: Tensor, layers: list[tuple[Function, Function, Function]]) -> Tensor:
        v = h = x
        for vertical, horizontal, link in layers:
            v = gated(vertical(v))
            known = know(v)
            h = join(horizontal(h), late(link(known)))
            v = known if kept else v
        return h

    return two_stacks


two_stacks = stacks()
two_stacks_late = stacks(know=lambda v: v, late=below)  # the same but for the link's bias in the first row


def descent(optimizer: torch.optim.Optimizer, network: nn.Module, loss: Tensor, clip: float) -> None:
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()


def stepping(
    loss: Function = lambda nats, x: nats.mean(),
    down: Function = descent,
    *,
    named: bool = True,
    cost: Function | None = None,
    returned: Function = lambda value: value.detach(),
) -> Function:
    """Return the answer to `training_step` that descends loss(nats, x); cost: what stands for `nll`."""

    def training_step(network, optimizer, images, labels=None, *, clip=200.0, generator=None):
        x = binarise(images, generator=generator)
        logits = network(x, labels if named else None)
        value = loss((cost or nll)(logits, x), x)
        down(optimizer, network, value, clip)
        return returned(value)

    return training_step


training_step = stepping()
training_step_direct = stepping(  # without the page's own nll
    cost=lambda logits, x: F.cross_entropy(logits, x, reduction="none").flatten(1).sum(1)
)


def reached(logits: Tensor, u: Tensor) -> Tensor:
    """Return the level, (B,), at which u falls: the number of running sums that it has reached."""
    return (u[:, None] >= logits.softmax(1).cumsum(1)[:, :-1]).sum(1)


def drawing(level: Function = reached, number: Function = lambda u, i, kept: u[:, i]) -> Function:
    """Return the answer to `draw` that takes level(logits, number(u, i, kept)) at pixel i."""

    def draw(network: Function, u: Tensor, given: Tensor | None = None, kept: int = 0) -> Tensor:
        x = torch.zeros(len(u), 1, *u.shape[1:], dtype=torch.long) if given is None else given.clone()
        flat = x.view(len(u), -1)
        for i in range(kept, flat.shape[1]):
            flat[:, i] = level(network(x).flatten(2)[:, :, i], number(u.flatten(1), i, kept))
        return x

    return draw


draw = drawing()


def deviation(freedom: int, x: Tensor) -> Tensor:
    return ((x - x.mean()).square().sum() / (len(x) - freedom)).sqrt()  # torch.std warns where it is 0 / 0


def oddness(freedom: int, nats: Tensor, typical: Tensor) -> Tensor:
    return (nats - typical.mean()).abs() / deviation(freedom, typical)


def conv_at(x: Tensor, weight: Tensor, bias: Tensor, r: int, c: int) -> Tensor:
    size, far = weight.shape[2], 12  # so that there is a patch beside the image, too
    top, left = r + far - size // 2, c + far - size // 2
    patch = F.pad(x, (far, far, far, far))[:, :, top : top + size, left : left + size]
    return torch.einsum("bcij,ocij->bo", patch, weight) + bias
