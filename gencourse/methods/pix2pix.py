"""Translation with pairs, pix2pix: what CycleGAN is measured against.

Every picture is (B, C, H, W) in [-1, 1]. Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial
Networks".
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss
from torch.optim.lr_scheduler import LRScheduler

from gencourse.expect import check_range, same_shape
from gencourse.methods.cyclegan import forward_concat, lsgan_d, lsgan_g, unpack_pair
from gencourse.methods.gan import Losses, bce
from gencourse.methods.sampling import normal
from gencourse.modes import frozen
from gencourse.training.helpers import Average, descend, end_iteration, named_state

LEAST_SQUARES = Losses(lsgan_d, lsgan_g)  # of CycleGAN
NAMES: dict[Callable[..., Tensor], str] = {l1_loss: "L1", mse_loss: "L2"}  # of distances; others are a "distance"


def cross_entropy() -> Losses:
    """The paper's pair of losses: binary cross-entropy, D's halved, so that D learns more slowly than G.

    Source: Isola et al. 2017, eq. 1 and sec. 3.3.
    """
    pair = bce()
    return Losses(lambda real, fake: pair.discriminator(real, fake) / 2, pair.generator)


def generate(network: nn.Module, a: Tensor, noise: torch.Generator | None = None) -> Tensor:
    """Return G(a), or G(a, z) of a generator whose attribute `noise` says how many channels z ~ N(0, I) has.

    Args:
        network: The generator.
        a: (B, C, H, W).
        noise: Where z is drawn, on the CPU.
    """
    channels = getattr(network, "noise", 0)
    if not channels:
        return network(a)
    return network(a, normal((len(a), channels, *a.shape[2:]), noise).to(a.device, a.dtype))


def pix2pix_losses(
    fake: Tensor,
    discriminator: nn.Module | None,
    a: Tensor,
    b: Tensor,
    *,
    conditional: bool = True,
    distance: Callable[[Tensor, Tensor], Tensor] = l1_loss,
    losses: Losses = LEAST_SQUARES,
) -> dict[str, Tensor]:
    """Compute the losses of one iteration, not yet weighted: "G" and the distance for G, "D" for D.

    No gradient of G's losses reaches D's weights, none of D's reaches G.

    Args:
        fake: G(a), of the shape of b.
        discriminator: None leaves G and D out.
        a: What was translated.
        b: What should have come out.
        conditional: D sees a and the other picture joined channel by channel; else the other picture alone.
        distance: Of fake and b, to one number. It is called "L1" or "L2" where it is one of torch's, else "distance".
        losses: What D descends, given its logits on real and on generated pictures, and what G descends.

    Source: Isola et al. 2017, eq. 1 to 3.
    """
    found = {}
    if discriminator is not None:
        real_seen, fake_seen = (torch.cat([a, x], 1) if conditional else x for x in (b, fake))
        with frozen(discriminator):
            found["G"] = losses.generator(discriminator(fake_seen))
    found[NAMES.get(distance, "distance")] = distance(fake, b)
    if discriminator is not None:
        found["D"] = losses.discriminator(*forward_concat(discriminator, real_seen, fake_seen.detach()))
    return found


class Pix2PixStep:
    """One iteration of pix2pix, for `fit`: (a, b), pairs -> {"G", "L1", "D"}: its losses.

    Args:
        generator: G: A -> B.
        discriminator: Sees a picture of A and one of B joined channel by channel, so it takes the channels of both; or
            where it is not conditional one of B. None where `adversarial` is 0. Its normalisation must keep the
            pictures of a batch apart.
        optimizers: G's and D's.
        l1: Weight of the distance `|G(a) - b|`.
        adversarial: Weight of G's loss by D; 0 leaves D out.
        conditional: Whether D sees a too.
        distance: In place of the mean absolute error, such as torch's `mse_loss`.
        losses: A pair of losses for D and G: `LEAST_SQUARES` or `cross_entropy()`.
        schedules: Of the learning rate, stepped after each iteration.
        average: Of G's weights, updated after each iteration.
        noise: Where z is drawn for a generator that takes some, on the CPU.

    Raises:
        ValueError: A weight is negative, both are 0, or there is no discriminator while `adversarial` is not 0.
        ImageError: On a call, for what is no pair, where the first one leaves [-1, 1], and where G's pictures are not
            of the size of b.

    Source: Isola et al. 2017, eq. 4.
    Differs from the paper: least squares in place of cross-entropy unless asked otherwise, as in CycleGAN, so that the
    two differ in nothing but the pairs.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer | None],
        *,
        l1: float = 100.0,
        adversarial: float = 1.0,
        conditional: bool = True,
        distance: Callable[[Tensor, Tensor], Tensor] = l1_loss,
        losses: Losses = LEAST_SQUARES,
        schedules: tuple[LRScheduler, ...] = (),
        average: Average | None = None,
        noise: torch.Generator | None = None,
    ):
        if min(l1, adversarial) < 0 or l1 == adversarial == 0:
            raise ValueError(f"weights are at least 0, and one of them more; got {l1} and {adversarial}")
        self.optimizer_g, self.optimizer_d = optimizers
        if adversarial and (discriminator is None or self.optimizer_d is None):
            raise ValueError("a discriminator and its optimizer are needed, unless adversarial=0")
        self.generator, self.discriminator = generator, discriminator if adversarial else None
        self.l1, self.adversarial, self.conditional, self.distance = l1, adversarial, conditional, distance
        self.losses, self.schedules, self.average, self.noise = losses, schedules, average, noise
        self.checked = False

    def __call__(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        a, b = unpack_pair(batch)
        if not self.checked:
            for x in (a, b):
                check_range(x, -1, 1)
            self.checked = True
        fake = generate(self.generator, a, self.noise)
        same_shape(fake, b)
        losses = pix2pix_losses(
            fake, self.discriminator, a, b,
            conditional=self.conditional, distance=self.distance, losses=self.losses,
        )  # fmt: skip
        total = self.l1 * losses[NAMES.get(self.distance, "distance")]
        descend(self.optimizer_g, total + self.adversarial * losses["G"] if "G" in losses else total)
        if self.optimizer_d is not None and "D" in losses:
            descend(self.optimizer_d, losses["D"])
        end_iteration(self.schedules, (self.average, self.generator))
        return {name: loss.detach() for name, loss in losses.items()}

    @property
    def state(self) -> dict[str, Any]:
        """Everything that changes, by name, for `fit(state=...)`."""
        things = {"generator": self.generator, "discriminator": self.discriminator}
        things |= {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        return named_state(self.schedules, **things, average=self.average, noise=self.noise)
