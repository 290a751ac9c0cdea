"""Chapter 02b: the right answers that the package does not have in this form."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.homework.ch02b import calls
from gencourse.homework.checking.check import Function
from gencourse.methods import super_resolution, upsampling
from gencourse.methods.degradations import gaussian_blur, jpeg
from gencourse.methods.upsampling import area_average
from gencourse.metrics.distances import frechet_distance
from gencourse.metrics.patches import patch_features


class Form(NamedTuple):
    """What an objective is built of: each function the package's or the one that stood in for it."""

    perceptual_loss: Function
    repeated_error: Function


FORMS = [  # nobody has to call them: what is written out gives other values
    Form(features, grid)
    for features in (upsampling.perceptual_loss, calls.other_perceptual_loss)
    for grid in (super_resolution.repeated_error, calls.other_repeated_error)
]
DISTANCES = (frechet_distance, calls.other_frechet_distance)


def srgan_objective(
    form: Form, y_hat: Tensor, y: Tensor, look: Function, critic: nn.Module | None, weights: Any
) -> dict[str, Tensor]:
    a, b = (y_hat + 1) / 2, (y + 1) / 2
    parts = {"features": form.perceptual_loss(look, a, b), "pixels": (a - b).abs().mean()}
    parts["grid"] = form.repeated_error(a, b)
    if critic is not None:
        parts["adversarial"] = F.softplus(-critic(y_hat)).mean()
    return summed(parts, weights)


def summed(parts: dict[str, Tensor], weights: Any) -> dict[str, Tensor]:
    total = torch.stack([getattr(weights, name) * part for name, part in parts.items()]).sum()
    return {**parts, "total": total}  # the total last: what is said first is about a part


def patch_frechet(distance: Function, look: Function, a: list[Tensor], b: list[Tensor], layer: str) -> float:
    return distance(patch_features(look, a, layer), patch_features(look, b, layer))


def degrade(y: Tensor, blur: float, noise: float, quality: int | None, generator: torch.Generator) -> Tensor:
    x = area_average(gaussian_blur(y, blur), calls.SCALE)
    x = (x + noise * torch.randn(x.shape, generator=generator).to(x)).clamp(0, 1)
    return x if quality is None else jpeg(x, quality)
