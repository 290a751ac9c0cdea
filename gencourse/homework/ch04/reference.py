"""Chapter 04: the right answers that the package does not have."""

from typing import Any, NamedTuple

from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer

from gencourse.homework.checking.check import Function
from gencourse.methods import cyclegan
from gencourse.training.helpers import descend


def losses_of_generators(*given: Any) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    return cyclegan.generator_losses(cyclegan.Translators(*given[:4]), *given[4:])


def cyclegan_step(
    a: Tensor,
    b: Tensor,
    losses_of: Function,
    D_A: Module,
    D_B: Module,
    optimizer_g: Optimizer,
    optimizer_d: Optimizer,
    past_a: Function,
    past_b: Function,
) -> dict[str, Tensor]:
    losses, fake_a, fake_b = losses_of(a, b)
    descend(optimizer_g, losses["G"] + losses["F"] + 10 * losses["cycle"] + 5 * losses["identity"])
    of_d = {name: cyclegan.discriminator_loss(D, x, fake) for name, D, x, fake in
            (("D_A", D_A, a, past_a(fake_a)), ("D_B", D_B, b, past_b(fake_b)))}  # fmt: skip
    descend(optimizer_d, of_d["D_A"] + of_d["D_B"])
    return losses | of_d


def rate_factor(done: int, steps: int, constant: float = 0.5) -> float:
    return min(1.0, (steps - done) / (steps * (1 - constant)))


class Ways(NamedTuple):
    """What is handed over to find how much a translator hides, and what the ways back are held against."""

    there: Function
    back: Function
    x: Tensor
    truth: Tensor
    noise: Tensor
    psnr: Function

    @property
    def y(self) -> Tensor:
        return self.there(self.x)

    def disturbed(self, picture: Tensor) -> Tensor:
        return (picture + self.noise).clamp(0, 1)

    def quality(self, picture: Tensor, to: Tensor | None = None) -> Tensor:
        return self.psnr(self.back(picture), self.x if to is None else to)

    def cost(self, picture: Tensor, to: Tensor | None = None) -> Tensor:
        return self.quality(picture, to) - self.quality(self.disturbed(picture), to)


def hidden_decibels(*given: Any) -> Tensor:
    ways = Ways(*given)
    return ways.cost(ways.y) - ways.cost(ways.truth)
