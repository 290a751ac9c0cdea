"""Translation with pairs, pix2pix: what CycleGAN is measured against.

Every picture is (B, C, H, W) in [-1, 1]. Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial
Networks".
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torch.optim.lr_scheduler import LRScheduler

from gencourse.expect import check_range, same_shape
from gencourse.methods.cyclegan import discriminator_loss, lsgan_g, unpack_pair
from gencourse.modes import frozen
from gencourse.training.helpers import descend


class Pix2PixStep:
    """One iteration of pix2pix, for `fit`: (a, b), pairs -> {"G", "L1", "D"}: its losses.

    Args:
        generator: G: A -> B.
        discriminator: Sees a picture of A and one of B joined channel by channel, so it takes the channels of both.
        optimizers: G's and D's.
        l1: Weight of `|G(a) - b|`.
        schedules: Of the learning rate, stepped after each iteration.

    Raises:
        ImageError: On a call, for what is no pair, where the first one leaves [-1, 1], and where G's pictures are not
            of the size of b.

    Source: Isola et al. 2017, eq. 4.
    Differs from the paper: least squares in place of cross-entropy and no dropout, as in CycleGAN, so that the two
    differ in nothing but the pairs.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
        *,
        l1: float = 100.0,
        schedules: tuple[LRScheduler, ...] = (),
    ):
        self.generator, self.discriminator, self.l1, self.schedules = generator, discriminator, l1, schedules
        self.optimizer_g, self.optimizer_d = optimizers
        self.checked = False

    def __call__(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        a, b = unpack_pair(batch)
        if not self.checked:
            for x in (a, b):
                check_range(x, -1, 1)
            self.checked = True
        fake = self.generator(a)
        same_shape(fake, b)
        with frozen(self.discriminator):
            losses = {"G": lsgan_g(self.discriminator(torch.cat([a, fake], 1))), "L1": l1_loss(fake, b)}
            descend(self.optimizer_g, losses["G"] + self.l1 * losses["L1"])
        losses["D"] = discriminator_loss(self.discriminator, torch.cat([a, b], 1), torch.cat([a, fake], 1))
        descend(self.optimizer_d, losses["D"])
        for schedule in self.schedules:
            schedule.step()
        return {name: loss.detach() for name, loss in losses.items()}

    @property
    def state(self) -> dict[str, Any]:
        """Everything that changes, by name, for `fit(state=...)`."""
        things = {"generator": self.generator, "discriminator": self.discriminator}
        things |= {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        return things | {f"schedule_{i}": schedule for i, schedule in enumerate(self.schedules)}
