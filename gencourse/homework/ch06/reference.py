"""Chapter 06: the right answers, and the parts of which mistakes are made too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gencourse.homework.checking.check import Function

times: Any = None  # the check's call lets these names mean what the case holds
noise_like: Any = None
noise_loss: Any = None


def along(values: Tensor, x: Tensor, axis: int = 0) -> Tensor:
    """Return values, (B,), laid along an axis of x."""
    return values.view([-1 if i == axis else 1 for i in range(x.ndim)]).to(x)


def mixed(of_x0: Tensor, of_noise: Tensor, x0: Tensor, noise: Tensor, axis: int = 0) -> Tensor:
    return along(of_x0, x0, axis) * x0 + along(of_noise, x0, axis) * noise


def q_sample(x0: Tensor, t: Tensor, noise: Tensor, alphas_cumprod: Tensor, axis: int = 0) -> Tensor:
    left = alphas_cumprod[t]
    return mixed(left.sqrt(), (1 - left).sqrt(), x0, noise, axis)


def back(x: Tensor, noise: Tensor, share: Tensor, shrunk: Tensor, axis: int = 0) -> Tensor:
    """Take a share of the noise out of x and undo a shrinking."""
    return (x - along(share, x, axis) * noise) / along(shrunk, x, axis)


def reverse_mean(x_t: Tensor, noise: Tensor, t: Tensor, betas: Tensor, axis: int = 0) -> Tensor:
    share = betas / (1 - (1 - betas).cumprod(0)).sqrt()
    return back(x_t, noise, share[t], (1 - betas).sqrt()[t], axis)


def move(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Keep a share `decay` of the average, the rest is the network."""
    with torch.no_grad():
        for mean, now in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)


def train_step(
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    x0: Tensor,
    alphas_cumprod: Tensor,
    decay: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    loss = noise_loss(network, x0, alphas_cumprod, generator)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    move(average, network, decay)
    return loss.detach()


def mixture(mix: Function) -> Function:
    """Return the answer to `guided` that predicts mix(given, without, weight)."""

    def guided(network: Any, labels: Tensor, weight: float) -> Function:
        none = torch.full_like(labels, network.null)
        return lambda x_t, t: mix(network(x_t, t, labels), network(x_t, t, none), weight)

    return guided


guided = mixture(lambda given, without, w: without + w * (given - without))


@dataclass(frozen=True)
class Step:
    """One step of DDIM from x, where `now` of the picture's variance is left, to where `after` is."""

    x: Tensor
    x0: Tensor
    now: float
    after: float
    eta: float
    draw: Callable[[], Tensor]

    @property
    def noise(self) -> Tensor:
        return (self.x - self.now**0.5 * self.x0) / (1 - self.now) ** 0.5

    @property
    def sigma(self) -> float:
        return self.eta * ((1 - self.after) / (1 - self.now) * (1 - self.now / self.after)) ** 0.5

    def room(self, taken: float) -> float:
        """What the old noise is multiplied by, where the new has taken a share of variance."""
        return max(1 - self.after - taken, 0) ** 0.5

    def to(
        self,
        *,
        of_x0: float | None = None,
        noise: Tensor | None = None,
        old: float | None = None,
        sigma: float | None = None,
        draw: Callable[[], Tensor] | None = None,
    ) -> Tensor:
        """Return the next x; whatever is given stands in place of what is right."""
        sigma = self.sigma if sigma is None else sigma
        old = self.room(sigma**2) if old is None else old
        x = (self.after**0.5 if of_x0 is None else of_x0) * self.x0 + old * (self.noise if noise is None else noise)
        return x + sigma * (draw or self.draw)() if sigma > 0 else x


def sampler(step: Callable[[Step], Tensor]) -> Function:
    """Return the answer to `ddim` that goes from each x to step(...)."""

    def ddim(
        model: Any, x_T: Tensor, schedule: Any, *, steps: int, eta: float, generator: Any, callback: Any
    ) -> Tensor:
        x = x_T
        for t, now, after in times(schedule, steps):
            x0 = model(x, torch.full((len(x),), t))
            callback(x, x0, t)
            x = step(Step(x, x0, now, after, eta, lambda x=x: noise_like(x, generator)))
        return x

    return ddim


ddim = sampler(Step.to)
