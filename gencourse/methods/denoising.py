"""From a trained network to what a sampler calls a model: (x_t, t) -> x0_hat; and to pictures in one call."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gencourse.expect import check_tensor, same_shape
from gencourse.images import to_unit
from gencourse.methods.diffusion import TARGETS, NoiseSchedule, Target, cosine_schedule, linear_schedule, scales
from gencourse.methods.samplers import Model, dpm_solver_pp_2m, noise_like
from gencourse.modes import eval_mode
from gencourse.networks.unet import UNet, check_labels

SCHEDULES = {"linear": linear_schedule, "cosine": cosine_schedule}


def denoiser(network: Callable[..., Tensor], schedule: NoiseSchedule, target: Target) -> Callable[..., Tensor]:
    """Make a model from a network that predicts `target`: (x_t, t) or (x_t, t, labels) -> x0_hat, (B, C, H, W).

    The model raises ValueError for times that the schedule does not have and a network that changes the shape.
    """

    def model(x_t: Tensor, t: Tensor, *labels: Tensor | None) -> Tensor:
        a, s = scales(t, schedule.alphas_cumprod, x_t)
        answer = network(x_t, t, *labels)
        same_shape(x_t, answer)
        return target.to_x0(x_t, answer, a, s)

    return model


def guided(network: nn.Module, labels: Tensor, weight: float) -> Model:
    """Classifier-free guidance: from the unconditional prediction to the conditional one and, weight > 1, beyond.

    network: (x_t, t, labels) -> a prediction of any kind, x0_hat or what `denoiser` takes; `.null`: its label "any".
    labels: (B,) int64. weight 0: unconditional, 1: conditional. Other weights ask for both at once, in a batch of 2 B.
    Ho & Salimans 2022, eq. 6, whose w is weight - 1. Raises ValueError for unknown labels or a negative weight.
    """
    if not weight >= 0:
        raise ValueError(f"the guidance weight must be 0 or more, got {weight}")
    check_labels(labels, network.null)
    anything = torch.full_like(labels, network.null)
    if weight in (0, 1):
        return lambda x_t, t: network(x_t, t, labels if weight else anything)

    def model(x_t: Tensor, t: Tensor) -> Tensor:
        both = network(torch.cat((x_t, x_t)), torch.cat((t, t)), torch.cat((anything, labels)))
        without, given = both.chunk(2)
        return without + weight * (given - without)

    return model


def clipped(model: Model, low: float = -1.0, high: float = 1.0) -> Model:
    """The same model, its x0_hat cut to the range of pictures: what is outside cannot be right. Apply it last.

    It raises ImageError where the model answers with anything but a floating point tensor.
    """
    return lambda x_t, t: check_tensor(model(x_t, t), floating=True).clamp(low, high)


class Diffusion(nn.Module):
    """A U-Net together with the schedule and the target it was trained for: what a checkpoint holds.

    network: the arguments of `UNet`; shape: (C, H, W) of the pictures; target: "noise", "x0" or "v"; schedule: "linear"
    or "cosine", of `steps` steps. All are numbers and words so that a checkpoint's record can rebuild it.
    forward: (x_t, t, labels=None) -> x0_hat, (B, C, H, W), a model as the samplers want it; what is trained is
    `.network`. Raises ValueError for an unknown word, and as `UNet` does.
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
        if len(self.shape) != 3 or self.shape[0] != self.network.channels:
            raise ValueError(f"shape must be (C, H, W) with C = {self.network.channels} channels, got {shape}")

    def forward(self, x_t: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        return denoiser(self.network, self.schedule, self.target)(x_t, t, labels)


@torch.no_grad()
def sample_images(
    diffusion: Diffusion,
    n: int,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    steps: int = 20,
    guidance: float = 1.0,
    sampler: Callable[..., Tensor] = dpm_solver_pp_2m,
    batch_size: int = 256,
) -> Tensor:
    """Draw n pictures, (n, C, H, W) in [0, 1] on the CPU.

    labels: (n,) int64 in [0, classes), the class of each, or None for "any". guidance: its weight, see `guided`;
    without labels it has no effect. sampler: one of `samplers.py`. From the generator comes one seed for each picture,
    from which all of its noise is drawn: picture i is the same whatever n and batch_size are.
    Raises ValueError when labels are not n known classes, and as the sampler does.
    """
    if n < 1:
        raise ValueError(f"ask for at least 1 picture, not {n}")
    if labels is not None and check_tensor(labels).shape != (n,):
        raise ValueError(f"{n} pictures need as many labels, got shape {tuple(labels.shape)}")
    device, images = next(diffusion.parameters()).device, []
    seeds = torch.randint(2**63 - 1, (n,), generator=generator).tolist()
    with eval_mode(diffusion):
        for first in range(0, n, batch_size):
            own = [torch.Generator().manual_seed(seed) for seed in seeds[first : first + batch_size]]
            asked = None if labels is None else labels[first : first + batch_size].to(device)
            model = diffusion if asked is None else guided(diffusion, asked, guidance)
            x_T = noise_like(torch.empty(len(own), *diffusion.shape, device=device), own)
            images.append(sampler(clipped(model), x_T, diffusion.schedule, steps=steps, generator=own).cpu())
    return to_unit(torch.cat(images))
