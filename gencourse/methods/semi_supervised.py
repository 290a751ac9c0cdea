"""A classifier from few labels: a discriminator of K + 1 classes, "generated" among them (Salimans et al. 2016).

The unlabelled pictures come without labels, and the step takes none: they cannot leak.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from gencourse.batches import Batches
from gencourse.expect import check_labels, check_range, check_shape
from gencourse.methods import gan
from gencourse.methods.improved_gan import feature_matching
from gencourse.methods.sampling import BATCH
from gencourse.modes import frozen
from gencourse.networks.sgan import SGAN, SemiSupervisedDiscriminator
from gencourse.training.helpers import Average, descend, end_iteration, named_state


def semi_supervised_loss(
    class_logits_labelled: Tensor, labels: Tensor, class_logits_unlabelled: Tensor, class_logits_fake: Tensor
) -> Tensor:
    """Return D's loss: the cross-entropy of the labelled among K classes, and real against generated for the others.

    Args:
        class_logits_labelled: (B, K); the logit of class K + 1, "generated", is fixed at 0.
        labels: (B,) int64 in [0, K).
        class_logits_unlabelled: (B', K), of real pictures whose labels nobody knows.
        class_logits_fake: (B'', K), of generated ones.

    Returns:
        A scalar.

    Source: Salimans et al. 2016, sec. 5: L_supervised + L_unsupervised, the latter halved as in the authors' code.
    """
    return F.cross_entropy(class_logits_labelled, labels) + unsupervised_loss(
        class_logits_unlabelled, class_logits_fake
    )


def unsupervised_loss(class_logits_unlabelled: Tensor, class_logits_fake: Tensor) -> Tensor:
    """Return the part of D's loss that asks for no label: `-(E log D(x) + E log(1 - D(G(z)))) / 2`, a scalar.

    With D = Z / (Z + 1), Z the sum of exp(logits): -log D = softplus(-log Z) and -log(1 - D) = softplus(log Z). Neither
    overflows, however large the logits are.

    Args:
        class_logits_unlabelled: (B, K).
        class_logits_fake: (B', K).

    Source: Salimans et al. 2016, sec. 5.
    """
    real, fake = real_logit(class_logits_unlabelled), real_logit(class_logits_fake)
    return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2


def real_logit(class_logits: Tensor) -> Tensor:
    """Return log Z, the logit of "real": (B, K) -> (B,)."""
    return class_logits.logsumexp(1)


def few_labels(labels: Tensor, each: int, *, classes: int = 10, generator: torch.Generator | None = None) -> Tensor:
    """Choose the pictures that keep their labels, equally many of each class.

    Args:
        labels: (N,) int64 in [0, classes).
        each: How many of each class, at least 1.
        classes: How many classes there are.
        generator: On the CPU, where they are drawn.

    Returns:
        (each * classes,) int64, indices into `labels`, class by class.

    Raises:
        ValueError: A class has fewer pictures, or a label is of no class.
    """
    check_labels(labels, classes, len(check_shape(labels, "labels", "N", floating=False)), values=True)
    order = torch.randperm(len(labels), generator=generator, device="cpu")
    chosen = [order[labels[order] == c][:each] for c in range(classes)]
    if each < 1 or min(len(part) for part in chosen) < each:
        fewest = min(len(part) for part in chosen)
        raise ValueError(f"cannot label {each} pictures of each class: the smallest has {fewest}")
    return torch.cat(chosen)


class SemiSupervisedStep:
    """One iteration of SGAN, for `fit`: unlabelled pictures -> {"D": its loss, "G": its loss}.

    Args:
        generator: G(z), with an attribute `latent`.
        discriminator: D(x), to class logits (B, K), with `features(x)` and `classes`.
        optimizers: G's and D's.
        labelled: The few pictures in [-1, 1] with their labels, by `Batches`.
        matching: G descends `feature_matching`; False for its usual loss, -log D(G(z)).
        augment: Applied to real pictures, labelled or not, such as `gan_tricks.translation(2)`; its generator belongs
            into fit's `state` as well.
        schedules: Of the learning rate, stepped after each iteration.
        averages: Of G's and of D's weights, updated after each iteration; None leaves it out.
        noise: Generator of z, on the CPU.

    Raises:
        ValueError: `labelled` has no labels, or not of each class of D; on a call, for a batch with labels.
        ImageError: Labelled pictures, or on a call the first unlabelled ones, leave [-1, 1].

    Source: Salimans et al. 2016, sec. 3.1 and 5.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: SemiSupervisedDiscriminator,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
        labelled: Batches,
        *,
        matching: bool = True,
        augment: Callable[[Tensor], Tensor] | None = None,
        schedules: tuple[LRScheduler, ...] = (),
        averages: tuple[Average | None, Average | None] = (None, None),
        noise: torch.Generator | None = None,
    ):
        check_range(labelled.images, -1, 1)
        labels = check_labels(labelled.labels, discriminator.classes, len(labelled.images), values=True)
        if labels is None or len(labels.unique()) < discriminator.classes:
            raise ValueError(f"{discriminator.classes} classes need a labelled picture each")
        self.generator, self.discriminator, self.labelled = generator, discriminator, labelled
        self.optimizer_g, self.optimizer_d = optimizers
        self.matching, self.augment = matching, augment or (lambda x: x)
        self.schedules, self.averages, self.noise = schedules, averages, noise
        self.checked = False

    def __call__(self, unlabelled: Tensor) -> dict[str, Tensor]:
        if not isinstance(unlabelled, Tensor):
            raise ValueError("unlabelled pictures come alone: make their Batches without labels")
        if not self.checked:
            check_range(unlabelled, -1, 1)
            self.checked = True
        x, labels = (part.to(unlabelled.device) for part in next(self.labelled))
        unlabelled = self.augment(unlabelled)
        d = self.update_discriminator(self.augment(x), labels, unlabelled)
        g = self.update_generator(unlabelled)
        end_iteration(self.schedules, *zip(self.averages, (self.generator, self.discriminator), strict=True))
        return {"D": d, "G": g}

    def update_discriminator(self, x: Tensor, labels: Tensor, unlabelled: Tensor) -> Tensor:
        with torch.no_grad():
            fake = self._generate(len(unlabelled))
        judge = self.discriminator
        return descend(self.optimizer_d, semi_supervised_loss(judge(x), labels, judge(unlabelled), judge(fake)))

    def update_generator(self, unlabelled: Tensor) -> Tensor:
        with frozen(self.discriminator):
            fake = self._generate(len(unlabelled))
            if self.matching:
                loss = feature_matching(self.discriminator.features(unlabelled), self.discriminator.features(fake))
            else:
                loss = F.softplus(-real_logit(self.discriminator(fake))).mean()
            return descend(self.optimizer_g, loss)

    def _generate(self, count: int) -> Tensor:
        return self.generator(gan.latent(self.generator, count, self.noise))

    @property
    def state(self) -> dict[str, Any]:
        """Everything that changes, by name, for `fit(state=...)`; the unlabelled batches are fit's own."""
        things = {"generator": self.generator, "discriminator": self.discriminator, "labelled": self.labelled}
        things |= {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        things |= {"average_g": self.averages[0], "average_d": self.averages[1]}
        return named_state(self.schedules, **things, noise=self.noise)


def sample_images(
    network: SGAN,
    n: int,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    seeds: Sequence[int] | Tensor | None = None,
    batch_size: int = BATCH,
    progress: Callable[[int], object] | None = None,
) -> Tensor:
    """Draw n pictures by the generator in an SGAN, as `gan.sample_images` does; it has no classes, so takes no labels.

    Returns:
        (n, C, H, W) in [0, 1].

    Raises:
        ValueError: Labels are given, or seeds that are not n.
    """
    options = {"labels": labels, "generator": generator, "seeds": seeds}
    return gan.sample_images(network.generator, n, **options, batch_size=batch_size, progress=progress)
