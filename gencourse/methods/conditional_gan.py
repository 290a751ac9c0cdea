"""Where the label enters a GAN: beside the picture, as a projection, or through a classifier in D.

`GANStep` trains the first two, with `ConcatDiscriminator` or `dcgan.Discriminator(classes=...)`: D is asked whether
picture and label belong together. With an auxiliary classifier D is told nothing and has to name the class itself.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from gencourse.expect import check_range
from gencourse.methods.gan import Losses, bce, latent
from gencourse.modes import frozen
from gencourse.training.helpers import Average, descend, end_iteration, named_state


def projection_logit(features: Tensor, labels: Tensor, embedding: Tensor, head: Tensor) -> Tensor:
    """Return D's logit of a picture together with a label: `<v_label, f> + <w, f>`.

    Args:
        features: f, (B, A), what D makes of the pictures.
        labels: (B,) int64 in [0, K), of the real pictures, or what G was asked for.
        embedding: v, (K, A), a learned vector a class.
        head: w, (A,), the part that does not ask for the label.

    Returns:
        (B,).

    Source: Miyato and Koyama 2018, eq. 3.
    """
    return (embedding[labels] * features).sum(1) + features @ head


def auxiliary_classifier_losses(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_classes: Tensor,
    fake_classes: Tensor,
    labels: Tensor,
    *,
    weight: float = 1.0,
    losses: Losses | None = None,
) -> dict[str, Tensor]:
    """Compute both losses of an AC-GAN: D names the class of real and generated pictures, and G helps it to.

    `D: L_source(D) + weight (CE(real) + CE(fake))`, `G: L_source(G) + weight CE(fake)`, with CE the cross-entropy of
    the class logits and the labels.

    Args:
        real_logits: (B,), above zero for "real".
        fake_logits: (B,).
        real_classes: (B, K), class logits of the real pictures.
        fake_classes: (B, K), of the fakes.
        labels: (B,) int64: the classes of the real pictures, which G was asked for too.
        weight: Of the class terms.
        losses: Of the logits; None for `bce()`.

    Returns:
        "D", which D descends, and "G", which G descends, a scalar each.

    Source: Odena et al. 2017, eq. 2 and 3: D ascends L_S + L_C, G ascends L_C - L_S.
    """
    losses = losses or bce()
    on_fake = weight * F.cross_entropy(fake_classes, labels)
    on_real = weight * F.cross_entropy(real_classes, labels)
    return {
        "D": losses.discriminator(real_logits, fake_logits) + on_real + on_fake,
        "G": losses.generator(fake_logits) + on_fake,
    }


class AuxiliaryStep:
    """One iteration of an AC-GAN, for `fit`: (pictures, labels) -> {"D": its loss, "G": its loss}.

    Args:
        generator: G(z, labels), with an attribute `latent`.
        discriminator: D(x), to logits (B,) and class logits (B, K), such as `AuxiliaryDiscriminator`.
        optimizers: G's and D's.
        weight: Of the class terms.
        losses: A pair of losses; None for `bce()`.
        schedules: Of the learning rate, stepped after each iteration.
        average: Of G's weights, updated after each iteration.
        noise: Generator of z, on the CPU.

    Raises:
        ImageError: On a call, where the first batch leaves [-1, 1].
        ValueError: On a call, for a batch without labels.

    Source: Odena et al. 2017, sec. 3.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
        *,
        weight: float = 1.0,
        losses: Losses | None = None,
        schedules: tuple[LRScheduler, ...] = (),
        average: Average | None = None,
        noise: torch.Generator | None = None,
    ):
        self.generator, self.discriminator = generator, discriminator
        self.optimizer_g, self.optimizer_d = optimizers
        self.weight, self.losses = weight, losses or bce()
        self.schedules, self.average, self.noise = schedules, average, noise
        self.checked = False

    def __call__(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        if isinstance(batch, Tensor) or len(batch) != 2:
            raise ValueError("a batch of an AC-GAN is a pair of pictures and labels: give Batches the labels")
        real, labels = batch
        if not self.checked:
            check_range(real, -1, 1)
            self.checked = True
        d = self.update_discriminator(real, labels)
        g = self.update_generator(labels)
        end_iteration(self.schedules, (self.average, self.generator))
        return {"D": d, "G": g}

    def update_discriminator(self, real: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            fake = self._generate(labels)
        (real_logits, real_classes), (fake_logits, fake_classes) = self.discriminator(real), self.discriminator(fake)
        both = real_logits, fake_logits, real_classes, fake_classes
        losses = auxiliary_classifier_losses(*both, labels, weight=self.weight, losses=self.losses)
        return descend(self.optimizer_d, losses["D"])

    def update_generator(self, labels: Tensor) -> Tensor:
        with frozen(self.discriminator):
            logits, classes = self.discriminator(self._generate(labels))
            named = self.weight * F.cross_entropy(classes, labels)
            return descend(self.optimizer_g, self.losses.generator(logits) + named)

    def _generate(self, labels: Tensor) -> Tensor:
        return self.generator(latent(self.generator, len(labels), self.noise), labels)

    @property
    def state(self) -> dict[str, Any]:
        """Everything that changes, by name, for `fit(state=...)`."""
        things = {"generator": self.generator, "discriminator": self.discriminator}
        things |= {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        return named_state(self.schedules, **things, average=self.average, noise=self.noise)
