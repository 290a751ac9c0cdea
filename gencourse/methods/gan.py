"""Generative adversarial networks: losses in pairs, and one iteration in five steps.

A loss comes as a pair: what D descends, given its logits on real and on generated pictures, and what G descends, given
D's logits on generated ones. D wants high logits on real pictures. Any pair fits `GANStep`.
What steadies the training, penalties, the pool of past fakes and augmentation, is in `gan_tricks`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.expect import check_range
from gencourse.images import to_unit
from gencourse.methods.gan_tricks import ImagePool, Penalty
from gencourse.methods.sampling import BATCH, any_class, generators, in_batches, normal, picture_seeds, uniform
from gencourse.modes import eval_mode, frozen
from gencourse.training.helpers import Average, descend


class Losses(NamedTuple):
    """A pair of losses: discriminator(real_logits, fake_logits) and generator(fake_logits), each to a scalar."""

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def bce(*, smooth: float = 0.0, flip: float = 0.0, generator: torch.Generator | None = None) -> Losses:
    """Binary cross-entropy, G in the non-saturating form: it ascends E log D(G(z)).

    Args:
        smooth: Real pictures are labelled 1 - smooth, fakes stay 0 (one-sided, Salimans et al. 2016, sec. 3.4).
        flip: Share of labels that D is told wrongly.
        generator: Where the flips are drawn from.

    Raises:
        ValueError: smooth or flip leaves [0, 0.5).

    Source: Goodfellow et al. 2014, eq. 1 and sec. 3.
    """
    return Losses(_cross_entropy(smooth, flip, generator), lambda fake: F.softplus(-fake).mean())  # -log sigmoid(fake)


def minimax(*, smooth: float = 0.0, flip: float = 0.0, generator: torch.Generator | None = None) -> Losses:
    """Binary cross-entropy, G in the minimax form: it descends E log(1 - D(G(z))), which is flat where D is sure.

    Args and errors as in `bce`.

    Source: Goodfellow et al. 2014, eq. 1.
    """
    discriminate = _cross_entropy(smooth, flip, generator)
    return Losses(discriminate, lambda fake: -F.softplus(fake).mean())  # log(1 - sigmoid(fake))


def lsgan(*, a: float = 0.0, b: float = 1.0, c: float = 1.0) -> Losses:
    """Least squares: D pulls fakes to a and real pictures to b, G pulls fakes to c.

    Source: Mao et al. 2017, eq. 2.
    """
    return Losses(
        lambda real, fake: ((real - b) ** 2).mean() / 2 + ((fake - a) ** 2).mean() / 2,
        lambda fake: ((fake - c) ** 2).mean() / 2,
    )


def hinge() -> Losses:
    """Hinge: D cares only for logits inside the margin [-1, 1].

    Source: Lim and Ye 2017; Miyato et al. 2018, eq. 16, 17.
    """
    return Losses(lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(), lambda fake: -fake.mean())


def wasserstein() -> Losses:
    """Difference of means, for a D kept 1-Lipschitz by `gradient_penalty`.

    Source: Arjovsky et al. 2017, eq. 2 and 3.
    """
    return Losses(lambda real, fake: fake.mean() - real.mean(), lambda fake: -fake.mean())


def _cross_entropy(smooth: float, flip: float, generator: torch.Generator | None):
    if not (0 <= smooth < 0.5 and 0 <= flip < 0.5):
        raise ValueError(f"smooth and flip must be in [0, 0.5), got {smooth} and {flip}")

    def labels(like: Tensor, value: float, otherwise: float) -> Tensor:
        told = torch.full_like(like, value)
        return told.masked_fill(uniform(like.shape, generator).to(like.device) < flip, otherwise) if flip else told

    def discriminate(real: Tensor, fake: Tensor) -> Tensor:
        on_real = F.binary_cross_entropy_with_logits(real, labels(real, 1 - smooth, 0.0))
        return on_real + F.binary_cross_entropy_with_logits(fake, labels(fake, 0.0, 1 - smooth))

    return discriminate


class GANStep:
    """One iteration of GAN training, for `fit`: batch -> {"D": its loss, "G": its loss}.

    A batch is real pictures (B, C, H, W) in [-1, 1], or the pair of those and labels (B,). The values of the first one
    are looked at; reading those of all would make an accelerator wait.

    Args:
        generator: G(z) or G(z, labels), with an attribute `latent`, the length of z.
        discriminator: D(x) or D(x, labels), to logits (B,).
        optimizers: G's and D's.
        losses: A pair of losses.
        penalty: Added to D's loss.
        past: A pool of fakes; it does not remember labels.
        augment: Applied to whatever D looks at, real and fake alike (Zhao et al. 2020).
        average: Of G's weights, updated after each step.
        noise: Generator of z, on the CPU.

    Raises:
        ImageError: On a call, for what is no batch, or where the first one leaves [-1, 1].
        ValueError: On a call, for labels together with a pool.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
        *,
        losses: Losses,
        penalty: Penalty | None = None,
        past: ImagePool | None = None,
        augment: Callable[[Tensor], Tensor] | None = None,
        average: Average | None = None,
        noise: torch.Generator | None = None,
    ):
        self.generator, self.discriminator = generator, discriminator
        self.optimizer_g, self.optimizer_d = optimizers
        self.losses, self.penalty, self.past, self.average, self.noise = losses, penalty, past, average, noise
        self.augment = augment or (lambda x: x)
        self.checked = False

    def __call__(self, batch: Tensor | tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        real, labels = (batch, None) if isinstance(batch, Tensor) else batch
        if not self.checked:
            check_range(real, -1, 1)
            self.checked = True
        if labels is not None and self.past is not None:
            raise ValueError("a pool of past fakes does not remember their labels: leave out one of the two")
        d = self.update_discriminator(real, labels)
        g = self.update_generator(len(real), labels)
        if self.average is not None:
            self.average.update(self.generator)
        return {"D": d, "G": g}

    def update_discriminator(self, real: Tensor, labels: Tensor | None) -> Tensor:
        with torch.no_grad():  # 1. generate: no gradient of D's loss shall reach G
            fake = self._generate(len(real), labels)
        fake = self.past(fake) if self.past is not None else fake
        real, fake = self.augment(real), self.augment(fake)
        # 2. label: one loss over both batches, but two passes. In one pass batch normalisation would mix their
        # statistics, while G's step below shows D fakes alone: then G collapses within seconds.
        loss = self.losses.discriminator(self._judge(real, labels), self._judge(fake, labels))
        if self.penalty is not None:
            loss = loss + self.penalty(lambda x: self._judge(x, labels), real, fake)
        return descend(self.optimizer_d, loss)  # 3. update D, G untouched

    def update_generator(self, count: int, labels: Tensor | None) -> Tensor:
        with frozen(self.discriminator):  # its weights get no gradient, the picture below them does
            fake = self.augment(self._generate(count, labels))  # 4. generate anew
            loss = self.losses.generator(self._judge(fake, labels))
            return descend(self.optimizer_g, loss)  # 5. update G, D untouched

    def _generate(self, count: int, labels: Tensor | None) -> Tensor:
        z = latent(self.generator, count, self.noise)
        return self.generator(z) if labels is None else self.generator(z, labels)

    def _judge(self, x: Tensor, labels: Tensor | None) -> Tensor:
        return self.discriminator(x) if labels is None else self.discriminator(x, labels)


def latent(network: nn.Module, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw z ~ N(0, I) of shape (count, network.latent), on the CPU, and bring it where the network is."""
    return normal((count, cast(int, network.latent)), generator).to(next(network.parameters()).device)


@torch.no_grad()
def sample_images(
    network: nn.Module,
    n: int,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    seeds: Sequence[int] | Tensor | None = None,
    batch_size: int = BATCH,
    progress: Callable[[int], object] | None = None,
) -> Tensor:
    """Draw n pictures, (n, C, H, W) in [0, 1] on the CPU, in eval mode. Each depends on its own seed and label alone.

    Args:
        network: G(z) or G(z, labels), with an attribute `latent`, the length of z, and `classes` where it has labels.
        n: how many, at least 1.
        labels: (n,) int64 in [0, classes), the class of each; None means "any class", the model's own marginal: each
            picture's is drawn from its seed.
        generator: on the CPU, where each picture's seed is drawn.
        seeds: n of them, in place of the generator's.
        batch_size: how many at a time.
        progress: called with the number of pictures after each batch.

    Raises:
        ValueError: labels or seeds that are not n, unknown classes.
    """
    seeds, classes = picture_seeds(n, generator, seeds), getattr(network, "classes", None) or 0
    device = next(network.parameters()).device

    def draw(seeds: list[int], labels: Tensor | None) -> Tensor:
        z = normal((len(seeds), cast(int, network.latent)), generators(seeds)).to(device)
        if labels is None and classes:
            labels = any_class(classes, seeds)
        return to_unit(network(z) if labels is None else network(z, labels.to(device)))

    with eval_mode(network):
        return in_batches(draw, seeds, labels, classes, batch_size=batch_size, progress=progress)
