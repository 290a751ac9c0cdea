"""What chapter 02b writes out in its cells is what the package does."""

import copy
from collections.abc import Iterable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from parity import definitions
from torch import nn

from gencourse.methods import data_consistency, degradations, enlarging, super_resolution
from gencourse.methods.super_resolution import LossWeights, repeated_error
from gencourse.methods.upsampling import area_average, nearest, perceptual_loss
from gencourse.metrics import patches
from gencourse.metrics import super_resolution as metrics
from gencourse.metrics.distances import frechet_distance

NAMES = {"luma_psnr", "srgan_objective", "patch_frechet", "pareto_front", "interpolate_weights", "project", "degrade"}
GIVEN: dict[str, Any] = {
    "copy": copy,
    "area_average": area_average,
    "nearest": nearest,
    "perceptual_loss": perceptual_loss,
    "repeated_error": repeated_error,
    "frechet_distance": frechet_distance,
    "gaussian_blur": degradations.gaussian_blur,
    "jpeg": degradations.jpeg,
}
CHAPTER = definitions("02b_super_resolution.ipynb", NAMES, GIVEN)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def look(x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"fine": torch.cat([x, x[:, :2].square()], 1), "coarse": F.avg_pool2d(x, 2).exp()}


@pytest.mark.parametrize("border", [0, 1, 4])
def test_decibels_agree(border):
    a, b = drawn(2, 3, 12, 16), drawn(2, 3, 12, 16, seed=1)
    torch.testing.assert_close(CHAPTER["luma_psnr"](a, b, border), metrics.luma_psnr(a, b, border))


@pytest.mark.parametrize("judged", [True, False])
def test_objectives_agree(judged):
    y_hat, y = 2 * drawn(2, 3, 24, 28) - 1, 2 * drawn(2, 3, 24, 28, seed=1) - 1
    critic = nn.Conv2d(3, 1, 4, stride=2) if judged else None
    weights = LossWeights(0.5, 0.3, 2.0, 7.0)
    ours = super_resolution.srgan_objective(y_hat, y, look, critic, weights=weights)
    found = CHAPTER["srgan_objective"](y_hat, y, look, critic, weights)
    assert found.keys() == ours.keys()
    for name, value in ours.items():
        torch.testing.assert_close(found[name], value)


@pytest.mark.parametrize("layer", ["fine", "coarse"])
def test_patches_agree(layer):
    def pictures(seed: int) -> Iterable[torch.Tensor]:
        return [drawn(1, 3, 8, 10, seed=seed), drawn(2, 3, 6, 6, seed=seed + 1).square()]

    ours = patches.patch_frechet(look, pictures(0), pictures(5), layer)
    assert ours > 0 and CHAPTER["patch_frechet"](look, pictures(0), pictures(5), layer) == pytest.approx(ours, rel=1e-5)


def test_fronts_agree():
    points = [(float(a), float(b)) for a, b in (10 * drawn(40, 2)).round()]
    assert CHAPTER["pareto_front"](points) == metrics.pareto_front(points)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_networks_between_agree(share):
    a, b = (nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)) for _ in range(2))
    found, ours = CHAPTER["interpolate_weights"](a, b, share), enlarging.interpolate_weights(a, b, share)
    for name, weight in ours.state_dict().items():
        torch.testing.assert_close(found.state_dict()[name], weight)


@pytest.mark.parametrize("scale", [2, 4])
def test_projections_agree(scale):
    high, low = drawn(2, 3, 3 * scale, 4 * scale), drawn(2, 3, 3, 4, seed=1)
    torch.testing.assert_close(CHAPTER["project"](high, low), data_consistency.project(high, low))


@pytest.mark.parametrize(("noise", "quality"), [(0.0, None), (0.05, None), (0.02, 60)])
def test_cameras_agree(noise, quality):
    def camera() -> torch.Generator:
        return torch.Generator().manual_seed(3)

    y = drawn(2, 3, 24, 32)
    found = CHAPTER["degrade"](y, 1.2, noise, quality, camera())
    ours = degradations.degrade(y, 4, blur=1.2, noise=noise, quality=quality, generator=camera())
    torch.testing.assert_close(found, ours)
