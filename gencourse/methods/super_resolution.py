"""Super-resolution: what a network that enlarges is trained with, by pixels, by features and by a critic.

A network takes and returns [-1, 1]. Losses compare pictures in [0, 1], so that weights mean the same as in chapter 02.
`data_consistency` has what an enlarged picture owes to the small one, `enlarging` what enlarges a picture of any size.

Source: Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network"; Wang
et al. 2018, "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks".
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from gencourse.expect import ImageError, check_enlarged, check_shape, same_shape
from gencourse.methods.enlarging import draw_noise
from gencourse.methods.gan import Losses, bce
from gencourse.methods.upsampling import area_average, perceptual_loss
from gencourse.modes import frozen
from gencourse.networks.features import Extractor
from gencourse.networks.srgan import PatchCritic, SRGenerator
from gencourse.training.helpers import Average, descend, end_iteration, named_state

WINDOW = 6  # blocks a side over which an error must repeat to count as a grid
Batch = Tensor | tuple[Tensor, Tensor]


class LossWeights(NamedTuple):
    """How much each part of the generator's loss counts.

    Attributes:
        features: Of the distance of features.
        adversarial: Of what the critic thinks.
        pixels: Of the mean absolute error, which keeps colours where they are.
        grid: Of the error that repeats with the block.
    """

    features: float = 1.0
    adversarial: float = 0.05
    pixels: float = 10.0
    grid: float = 4000.0


WEIGHTS, ADVERSARIAL = LossWeights(), bce()  # what the chapter takes


def repeated_error(y_hat: Tensor, y: Tensor, scale: int = 4) -> Tensor:
    """Return the mean square of the error that repeats with the block: the grid of `scale` pixels in a picture.

    The error is sorted by its place in the block. Each place is averaged over windows of 6 x 6 blocks: what differs
    from block to block cancels, what repeats remains.

    Args:
        y_hat: (B, C, H, W), sides divisible by `scale` and at least 6 * scale.
        y: The true pictures, likewise.
        scale: Side of a block.

    Raises:
        ImageError: Unequal or other shapes.
    """
    same_shape(y_hat, check_shape(y, "pictures", "B", "C", "H", "W", least=WINDOW * scale, multiple=scale))
    by_place = F.pixel_unshuffle(y_hat - y, scale)  # (B, C * scale^2, h, w)
    return F.avg_pool2d(by_place, WINDOW).square().mean()


def srgan_objective(
    y_hat: Tensor,
    y: Tensor,
    look: Callable[[Tensor], dict[str, Tensor]],
    critic: nn.Module | None = None,
    *,
    weights: LossWeights = WEIGHTS,
    adversarial: Callable[[Tensor], Tensor] = ADVERSARIAL.generator,
    scale: int = 4,
) -> dict[str, Tensor]:
    """Return what the generator descends, and its parts.

    Args:
        y_hat: Enlarged pictures, (B, 3, H, W) in about [-1, 1]; the gradient reaches these alone.
        y: The true ones, in [-1, 1].
        look: Picture in [0, 1] -> {layer: features}, frozen.
        critic: To logits, high where a picture looks real; its weights collect no gradient. None leaves it out.
        weights: Of the parts.
        adversarial: What G descends, given the critic's logits on its pictures.
        scale: Side of a block.

    Returns:
        {"total", "features", "pixels", "grid"} and, with a critic, "adversarial": scalars, those of features, pixels
        and grid of pictures in [0, 1].

    Source: Ledig et al. 2017, eq. 3; Wang et al. 2018, eq. 3, for the pixels.
    Differs from the papers: features of chapter 02's network, and the grid is penalised.
    """
    a, b = (y_hat + 1) / 2, (y + 1) / 2
    parts = {"features": perceptual_loss(look, a, b), "pixels": (a - b).abs().mean()}
    parts["grid"] = repeated_error(a, b, scale)
    if critic is not None:
        with frozen(critic):
            parts["adversarial"] = adversarial(critic(y_hat))
    total = cast(Tensor, sum(getattr(weights, name) * part for name, part in parts.items()))
    return {"total": total, **parts}


class PixelStep:
    """One iteration of training by pixels, for `fit`: batch -> {"pixels": mean absolute error in [0, 1]}.

    A batch is pictures y (B, 3, H, W) in [-1, 1], whose block averages the network enlarges, or a pair (x, y) of small
    and true pictures.

    Args:
        network: What learns; it gets no noise.
        optimizer: Of its weights.
        schedules: Of the learning rate, stepped after each iteration.
        average: Of the weights, updated after each iteration.

    Raises:
        ImageError: On a call: the first batch leaves [-1, 1], or pictures have another shape.
    """

    def __init__(
        self,
        network: SRGenerator,
        optimizer: torch.optim.Optimizer,
        *,
        schedules: tuple[LRScheduler, ...] = (),
        average: Average | None = None,
    ):
        self.network, self.optimizer, self.schedules, self.average = network, optimizer, schedules, average
        self.checked = False

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        x, y = split_batch(batch, self.network.scale)
        if not self.checked:
            check_enlarged(x, y, self.network.scale)
            self.checked = True
        loss = descend(self.optimizer, F.l1_loss(self.network(x), y) / 2)  # of [-1, 1], twice as wide as [0, 1]
        end_iteration(self.schedules, (self.average, self.network))
        return {"pixels": loss}

    @property
    def state(self) -> dict[str, Any]:
        """Everything that changes, by name, for `fit(state=...)`."""
        return named_state(self.schedules, network=self.network, optimizer=self.optimizer, average=self.average)


class SRGANStep:
    """One iteration of SRGAN, for `fit`: batch -> {"features", "pixels", "grid"}, with a critic "adversarial", "D" too.

    A batch is as in `PixelStep`. Without a critic it is training by features, as Johnson et al. 2016 do.

    Args:
        generator: G, which is given new noise at each call; train it by pixels first.
        critic: D, or None.
        look: What looks at pictures, frozen.
        optimizers: G's and D's; without a critic None for D's.
        weights: Of the parts of G's loss.
        losses: The pair of losses that D and G descend.
        schedules: Of the learning rates, stepped after each iteration.
        average: Of G's weights, updated after each iteration.
        draws: Where noise is drawn, on the CPU.

    Raises:
        ValueError: A critic without an optimiser, or an optimiser without a critic.
        ImageError: On a call: the first batch leaves [-1, 1], or pictures have another shape.

    Source: Ledig et al. 2017, sec. 2.
    """

    def __init__(
        self,
        generator: SRGenerator,
        critic: PatchCritic | None,
        look: Extractor,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer | None],
        *,
        weights: LossWeights = WEIGHTS,
        losses: Losses = ADVERSARIAL,
        schedules: tuple[LRScheduler, ...] = (),
        average: Average | None = None,
        draws: torch.Generator | None = None,
    ):
        self.optimizer_g, self.optimizer_d = optimizers
        if (critic is None) != (self.optimizer_d is None):
            raise ValueError("a critic needs an optimiser, and an optimiser a critic: give both or neither")
        self.generator, self.critic, self.look, self.weights, self.losses = generator, critic, look, weights, losses
        self.schedules, self.average = schedules, average
        self.draws = draws or torch.Generator().manual_seed(0)
        self.checked = False

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        x, y = split_batch(batch, self.generator.scale)
        if not self.checked:
            check_enlarged(x, y, self.generator.scale)
            self.checked = True
        y_hat = self.generator(x, draw_noise(self.generator, x, self.draws))
        of_d = {} if self.critic is None else {"D": self.update_critic(self.critic, y, y_hat.detach())}
        parts = srgan_objective(
            y_hat,
            y,
            self.look,
            self.critic,
            weights=self.weights,
            adversarial=self.losses.generator,
            scale=self.generator.scale,
        )
        descend(self.optimizer_g, parts.pop("total"))
        end_iteration(self.schedules, (self.average, self.generator))
        return {name: part.detach() for name, part in parts.items()} | of_d

    def update_critic(self, critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
        # In one pass: spectral normalisation, unlike that of batches, does not mix the pictures.
        on_real, on_fake = critic(torch.cat([real, fake])).chunk(2)
        return descend(cast(torch.optim.Optimizer, self.optimizer_d), self.losses.discriminator(on_real, on_fake))

    @property
    def state(self) -> dict[str, Any]:
        """Everything that changes, by name, for `fit(state=...)`."""
        return named_state(
            self.schedules,
            generator=self.generator,
            optimizer_g=self.optimizer_g,
            draws=self.draws,
            critic=self.critic,
            optimizer_d=self.optimizer_d,
            average=self.average,
        )


def split_batch(batch: Batch, scale: int) -> tuple[Tensor, Tensor]:
    """Return small and true pictures of a batch, which holds both or the true ones alone.

    Raises:
        ImageError: It is neither, or `scale` does not divide the sides.
    """
    if isinstance(batch, Tensor):
        return area_average(batch, scale), batch
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise ImageError(f"expected pictures, or a pair of small and true ones; got a {type(batch).__name__}")
    return batch[0], batch[1]
