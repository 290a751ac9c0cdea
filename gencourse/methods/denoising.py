"""From a trained network to what a sampler calls a model: (x_t, t) -> x0_hat; and to pictures in one call."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gencourse.expect import check_labels, same_shape, within
from gencourse.images import to_unit
from gencourse.methods.diffusion import (
    TARGETS,
    NoiseSchedule,
    Target,
    cosine_schedule,
    linear_schedule,
    signal_noise_scales,
)
from gencourse.methods.samplers import Model, dpm_solver_pp_2m
from gencourse.methods.sampling import BATCH, generators, in_batches, normal, picture_seeds
from gencourse.modes import eval_mode
from gencourse.networks.unet import UNet

SCHEDULES = {"linear": linear_schedule, "cosine": cosine_schedule}


def denoiser(network: Callable[..., Tensor], schedule: NoiseSchedule, target: Target) -> Callable[..., Tensor]:
    """Make a model from a network that predicts `target`.

    Args:
        network: (x_t, t) or (x_t, t, labels) -> a prediction, (B, C, H, W).
        schedule, target: that it was trained with.

    Returns:
        The model: the same arguments -> x0_hat, (B, C, H, W). It raises ImageError where the network changes the shape.
    """

    def model(x_t: Tensor, t: Tensor, *labels: Tensor | None) -> Tensor:
        a, s = signal_noise_scales(t, schedule.alphas_cumprod, x_t)
        answer = network(x_t, t, *labels)
        same_shape(x_t, answer)
        return target.to_x0(x_t, answer, a, s)

    return model


class Conditional(Protocol):
    """A network with classes, (x_t, t, labels) -> a prediction, whose label `null` means "any"."""

    null: int

    def __call__(self, x_t: Tensor, t: Tensor, labels: Tensor, /) -> Tensor: ...


def guided(network: Conditional, labels: Tensor, weight: float) -> Model:
    """Classifier-free guidance: from the unconditional prediction to the conditional one and, weight > 1, beyond.

    Args:
        network: (x_t, t, labels) -> a prediction of any kind, x0_hat or what `denoiser` takes; `.null`: its label
            "any".
        labels: (B,) int64.
        weight: 0 for unconditional, 1 for conditional. Others ask for both at once, in a batch of 2 B.

    Returns:
        The model: (x_t, t) -> a prediction of the same kind.

    Raises:
        ValueError: unknown labels (those on an accelerator are not looked at), or a negative weight.

    Source: Ho & Salimans 2022, eq. 6, whose w is weight - 1.
    """
    within(0, weight=weight)
    check_labels(labels, network.null, len(labels), values=labels.device.type == "cpu")
    null = torch.full_like(labels, network.null)
    if weight in (0, 1):
        return lambda x_t, t: network(x_t, t, labels if weight else null)

    def model(x_t: Tensor, t: Tensor) -> Tensor:
        both = network(torch.cat((x_t, x_t)), torch.cat((t, t)), torch.cat((null, labels)))
        without, given = both.chunk(2)
        return without + weight * (given - without)

    return model


def clipped(model: Model, low: float = -1.0, high: float = 1.0) -> Model:
    """The same model, its x0_hat cut to the range of pictures: what is outside cannot be right. Apply it last."""
    return lambda x_t, t: model(x_t, t).clamp(low, high)


class Diffusion(nn.Module):
    """A U-Net together with the schedule and the target it was trained for: what a checkpoint holds.

    All arguments are numbers and words, so that a checkpoint's record can rebuild it. forward: (x_t, t, labels=None) ->
    x0_hat, (B, C, H, W), a model as the samplers want it; what is trained is `.network`.

    Args:
        network: the arguments of `UNet`.
        shape: (C, H, W) of the pictures.
        target: "noise", "x0" or "v".
        schedule: "linear" or "cosine".
        steps: of the schedule.

    Raises:
        ValueError: an unknown word, and as `UNet`; a shape of other channels it refuses when it is first called.
    """

    def __init__(
        self,
        *,
        network: dict[str, Any],
        shape: Sequence[int] = (1, 28, 28),
        target: str = "v",
        schedule: str = "cosine",
        steps: int = 1000,
    ):
        super().__init__()
        for word, known in ((target, TARGETS), (schedule, SCHEDULES)):
            if word not in known:
                raise ValueError(f"unknown {word!r}; known: {', '.join(known)}")
        self.network, self.shape = UNet(**network), tuple(shape)
        self.target, self.schedule = TARGETS[target], SCHEDULES[schedule](steps)
        self.classes, self.null = self.network.classes, self.network.null

    def forward(self, x_t: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        answer = self.network(x_t, t, labels)
        return self.target.to_x0(x_t, answer, *signal_noise_scales(t, self.schedule.alphas_cumprod, x_t))


@torch.no_grad()
def sample_images(
    diffusion: Diffusion,
    n: int,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    seeds: Sequence[int] | Tensor | None = None,
    steps: int | Sequence[int] = 20,
    guidance: float = 1.0,
    sampler: Callable[..., Tensor] = dpm_solver_pp_2m,
    batch_size: int = BATCH,
    progress: Callable[[int], object] | None = None,
) -> Tensor:
    """Draw n pictures, (n, C, H, W) in [0, 1] on the CPU, in eval mode. Each depends on its own seed and label alone.

    Args:
        diffusion: the model.
        n: how many, at least 1.
        labels: (n,) int64 in [0, classes), the class of each; None means "any class", the model's own marginal: its
            null label.
        generator: on the CPU, where each picture's seed is drawn.
        seeds: n of them, in place of the generator's.
        steps: how many the sampler takes, or their times.
        guidance: its weight, see `guided`; without labels it has no effect.
        sampler: one of `samplers.py`.
        batch_size: how many at a time.
        progress: called with the number of pictures after each batch.

    Raises:
        ValueError: labels or seeds that are not n, unknown classes, and as the sampler.
    """
    seeds, device = picture_seeds(n, generator, seeds), next(diffusion.parameters()).device

    def draw(seeds: list[int], labels: Tensor | None) -> Tensor:
        own = generators(seeds)
        model = diffusion if labels is None else guided(diffusion, labels.to(device), guidance)
        x_T = normal((len(seeds), *diffusion.shape), own).to(device)
        return sampler(clipped(model), x_T, diffusion.schedule, steps=steps, generator=own)

    with eval_mode(diffusion):
        return to_unit(in_batches(draw, seeds, labels, diffusion.classes, batch_size=batch_size, progress=progress))
