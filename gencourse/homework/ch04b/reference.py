"""Chapter 04b: the right answers that the package does not have in the form in which they are asked for."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.homework.checking.check import Function
from gencourse.methods import pix2pix
from gencourse.methods.fast_style import receptive_field
from gencourse.methods.pix2pix_noise import spread
from gencourse.networks.pix2pix import SLOPE, join_skip


def unet_forward(
    down: Sequence[nn.Module],
    up: Sequence[nn.Module],
    x: Tensor,
    skips: bool = True,
    *,
    inner: Function = lambda y: F.leaky_relu(y, SLOPE),
    outer: Function = F.relu,
    join: Function = join_skip,
    end: Function = torch.tanh,
) -> Tensor:
    """The right answer, or one with other activations, another way to join, or another end."""
    maps = []
    for i, level in enumerate(down):
        x = level(x if i == 0 else inner(x))
        maps.append(x)
    for i, level in enumerate(up):
        x = level(outer(x))
        if skips and i < len(up) - 1:
            x = join(x, maps[-2 - i])
    return end(x)


def losses_of_pairs(
    fake: Tensor,
    D: nn.Module | None,
    a: Tensor,
    b: Tensor,
    conditional: bool = True,
    distance: Function = F.l1_loss,
) -> dict[str, Tensor]:
    found = pix2pix.pix2pix_losses(fake, D, a, b, conditional=conditional, distance=distance)
    return {name if name in ("G", "D") else "distance": loss for name, loss in found.items()}


def patch_side(layers: Sequence[tuple[int, int]]) -> int:
    return receptive_field(("conv", kernel, stride) for kernel, stride in layers)


def draws_of(network: nn.Module, a: Tensor, draws: int, *, train: bool = True) -> Tensor:
    """Return several translations of each picture, (draws, B, C, H, W), with dropout on or off."""
    before = network.training
    network.train(train)
    with torch.no_grad():
        drawn = torch.stack([network(a) for _ in range(draws)])
    network.train(before)
    return drawn


def diversity(network: nn.Module, a: Tensor, draws: int = 16) -> Tensor:
    return spread(draws_of(network, a, draws))
