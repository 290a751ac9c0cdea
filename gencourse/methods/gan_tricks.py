"""What steadies the training of a GAN: penalties on D's slope, a pool of past fakes, augmentation of what D sees."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import same_shape
from gencourse.methods.sampling import uniform

Penalty = Callable[[Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]


def gradient_penalty(weight: float = 10.0, *, generator: torch.Generator | None = None) -> Penalty:
    """Keep D's slope near one between real and fake pictures: `weight * E (|grad D(x)| - 1)^2`.

    x lies at a random place on the line from a real picture to a fake. Meant for a discriminator without batch
    normalisation.

    Args:
        weight: Of the penalty.
        generator: Where the places are drawn from.

    Returns:
        penalty(discriminator, real, fake); it raises ImageError where real and fake differ in shape.

    Source: Gulrajani et al. 2017, eq. 3.
    """

    def penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
        same_shape(real, fake)
        place = uniform((len(real),), generator).to(real).view(-1, *[1] * (real.ndim - 1))
        x = torch.lerp(fake.detach(), real, place)
        return weight * (_slope(discriminator, x) - 1).square().mean()

    return penalty


def r1_penalty(weight: float = 1.0) -> Penalty:
    """Keep D flat around real pictures: `weight / 2 * E |grad D(x)|^2` at real x.

    Args:
        weight: Of the penalty.

    Returns:
        penalty(discriminator, real, fake).

    Source: Mescheder et al. 2018, eq. 9.
    """
    return lambda discriminator, real, fake: weight / 2 * _slope(discriminator, real).square().mean()


def _slope(discriminator: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Norm of the gradient of D by the picture, one a picture: (B,). The square root of 0 has no slope: hence 1e-12."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()


class ImagePool:
    """A pool of generated pictures, so that D does not forget what it has seen through.

    Called with fakes (B, ...), while it is not full each is kept and given back; after that each, with probability
    1/2, changes places with an old one.

    Args:
        size: How many it holds; with 0 it gives back what it gets.
        generator: Where the draws come from; belongs into fit's `state` like the pool itself.

    Source: Shrivastava et al. 2017.
    """

    def __init__(self, size: int = 50, *, generator: torch.Generator | None = None):
        self.size, self.generator, self.kept = size, generator, []

    def __call__(self, fakes: Tensor) -> Tensor:
        given = []
        for fake in fakes.detach():
            if len(self.kept) < self.size:
                self.kept.append(fake.clone())
            elif self.size and uniform((), self.generator) < 0.5:
                place = int(torch.randint(self.size, (), generator=self.generator, device="cpu"))
                old = self.kept[place].to(fake.device)  # after a resume it lies on the CPU
                self.kept[place], fake = fake.clone(), old
            given.append(fake)
        return torch.stack(given)

    def state_dict(self) -> dict[str, Any]:
        return {"kept": list(self.kept), "size": self.size}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state["size"] != self.size:
            raise ValueError(f"the saved pool held {state['size']} pictures, this one {self.size}")
        self.kept = list(state["kept"])


PastFakes = ImagePool  # the name in copies handed out before 0.2


def translation(pixels: int, *, generator: torch.Generator | None = None) -> Callable[[Tensor], Tensor]:
    """Return an augmentation for D: shift each picture by up to `pixels` both ways, padding with black (-1).

    Differentiable, so that G may be trained through it.

    Args:
        pixels: The largest shift.
        generator: Where the shifts are drawn from.

    Source: Zhao et al. 2020 (DiffAugment).
    """

    def shift(x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        moves = torch.randint(2 * pixels + 1, (2, b, 1), generator=generator, device="cpu").to(x.device)
        rows, columns = moves[0] + torch.arange(h, device=x.device), moves[1] + torch.arange(w, device=x.device)
        x = F.pad(x, (pixels,) * 4, value=-1.0).permute(0, 2, 3, 1)  # (B, H + 2p, W + 2p, C)
        at = torch.arange(b, device=x.device)[:, None, None]
        return x[at, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)

    return shift
