"""What steadies the game of G and D: the parts of Salimans et al. 2016, "Improved techniques for training GANs".

Feature matching and historical averaging stand here, and a step that takes them. Minibatch discrimination is a layer of
D (`networks.minibatch`), virtual batch normalisation one of G (`networks.virtual_batch_norm`), and one-sided smoothing
a loss: `gan.bce(smooth=0.1)`.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from gencourse.expect import at_least, check_range
from gencourse.methods.gan import Losses, latent
from gencourse.modes import frozen
from gencourse.networks.dcgan import Discriminator
from gencourse.networks.minibatch import MinibatchDiscriminator, minibatch_discrimination
from gencourse.training.helpers import Average, descend, end_iteration, named_state

__all__ = ["HistoricalAverage", "ImprovedGANStep", "bilinear_game", "feature_matching", "minibatch_discrimination"]


def feature_matching(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """Return what G descends in place of its usual loss: `|mean f(x) - mean f(G(z))|^2`, a scalar.

    Args:
        real_features: (B, ...), what a layer of D makes of real pictures. No gradient goes there: G has no part in it.
        fake_features: (B', ...), of generated ones.

    Source: Salimans et al. 2016, sec. 3.1.
    """
    return (real_features.detach().mean(0) - fake_features.mean(0)).square().sum()


class HistoricalAverage:
    """Keep a network near the mean of all weights that it has had: `weight * |theta - mean of the past theta|^2`.

    Called, it gives that penalty, to be added to the network's loss; `update` afterwards takes the new weights in.

    Args:
        module: The network; its weights now are the first of the past.
        weight: Of the penalty.

    Source: Salimans et al. 2016, sec. 3.3.
    """

    def __init__(self, module: nn.Module, weight: float = 1.0):
        self.weight, self.count = weight, 1
        self.means = [p.detach().clone() for p in module.parameters()]

    def __call__(self, module: nn.Module) -> Tensor:
        parts = [(p - mean).square().sum() for p, mean in zip(module.parameters(), self.means, strict=True)]
        return self.weight * torch.stack(parts).sum()

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take the present weights into the mean."""
        self.count += 1
        for mean, p in zip(self.means, module.parameters(), strict=True):
            mean.lerp_(p, 1 / self.count)

    def state_dict(self) -> dict[str, Any]:
        return {"means": list(self.means), "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.means = [new.to(old) for new, old in zip(state["means"], self.means, strict=True)]
        self.count = state["count"]


def bilinear_game(
    steps: int, *, rate: float = 0.1, weight: float = 0.0, start: tuple[float, float] = (1.0, 1.0)
) -> Tensor:
    """Play min over x, max over y of x y by gradient steps at the same time, and return the path.

    Args:
        steps: How many.
        rate: Of learning.
        weight: Of historical averaging for both players; 0 leaves it out, a large one holds them back at the start.
        start: x and y at the beginning.

    Returns:
        (steps + 1, 2) float64, from the start on.

    Raises:
        ValueError: Fewer than one step.
    """
    at_least(1, steps=steps)
    now = torch.tensor(start, dtype=torch.float64)
    path, mean = [now], now
    for t in range(1, steps + 1):
        x, y = now
        now = now - rate * (torch.stack([y, -x]) + 2 * weight * (now - mean))
        mean = torch.lerp(mean, now, 1 / (t + 1))
        path.append(now)
    return torch.stack(path)


class ImprovedGANStep:
    """One iteration, for `fit`, of `GANStep` with parts of Improved GAN: pictures -> {"D": its loss, "G": its loss}.

    Args:
        generator: G(z), with an attribute `latent`.
        discriminator: D(x), to logits (B,), with `features(x)`.
        optimizers: G's and D's.
        losses: A pair of losses.
        matching: G descends `feature_matching` of D's features in place of its loss in the pair.
        histories: `HistoricalAverage` of G and of D; None leaves it out.
        moves: How often G moves for each move of D.
        schedules: Of the learning rate, stepped after each iteration.
        average: Of G's weights, updated after each iteration.
        noise: Generator of z, on the CPU.

    Raises:
        ImageError: On a call, where the first batch is no tensor or leaves [-1, 1].
        ValueError: G shall not move.

    Source: Salimans et al. 2016, sec. 3.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: Discriminator | MinibatchDiscriminator,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
        *,
        losses: Losses,
        matching: bool = False,
        histories: tuple[HistoricalAverage | None, HistoricalAverage | None] = (None, None),
        moves: int = 1,
        schedules: tuple[LRScheduler, ...] = (),
        average: Average | None = None,
        noise: torch.Generator | None = None,
    ):
        at_least(1, moves=moves)
        self.generator, self.discriminator = generator, discriminator
        self.optimizer_g, self.optimizer_d = optimizers
        self.history_g, self.history_d = histories
        self.losses, self.matching, self.moves = losses, matching, moves
        self.schedules, self.average, self.noise = schedules, average, noise
        self.checked = False

    def __call__(self, real: Tensor) -> dict[str, Tensor]:
        if not self.checked:
            check_range(real, -1, 1)
            self.checked = True
        d = self.update_discriminator(real)
        g = torch.stack([self.update_generator(real) for _ in range(self.moves)])[-1]
        end_iteration(self.schedules, (self.average, self.generator))
        return {"D": d, "G": g}

    def update_discriminator(self, real: Tensor) -> Tensor:
        with torch.no_grad():
            fake = self._generate(len(real))
        loss = self.losses.discriminator(self.discriminator(real), self.discriminator(fake))
        return _descend_near(self.optimizer_d, loss, self.discriminator, self.history_d)

    def update_generator(self, real: Tensor) -> Tensor:
        with frozen(self.discriminator):
            fake = self._generate(len(real))
            if self.matching:
                loss = feature_matching(self.discriminator.features(real), self.discriminator.features(fake))
            else:
                loss = self.losses.generator(self.discriminator(fake))
            return _descend_near(self.optimizer_g, loss, self.generator, self.history_g)

    def _generate(self, count: int) -> Tensor:
        return self.generator(latent(self.generator, count, self.noise))

    @property
    def state(self) -> dict[str, Any]:
        """Everything that changes, by name, for `fit(state=...)`."""
        things = {"generator": self.generator, "discriminator": self.discriminator}
        things |= {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        things |= {"history_g": self.history_g, "history_d": self.history_d}
        return named_state(self.schedules, **things, average=self.average, noise=self.noise)


def _descend_near(
    optimizer: torch.optim.Optimizer, loss: Tensor, network: nn.Module, history: HistoricalAverage | None
) -> Tensor:
    """Descend a loss, with the penalty of historical averaging where there is one; return the loss without it."""
    if history is None:
        return descend(optimizer, loss)
    descend(optimizer, loss + history(network))
    history.update(network)
    return loss.detach()
