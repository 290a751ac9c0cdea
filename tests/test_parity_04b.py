"""What chapter 04b writes out in its cells is what the package does."""

import math

import pytest
import torch
import torch.nn.functional as F
from parity import definitions
from torch import nn

from gencourse import metrics
from gencourse.methods import pix2pix, pix2pix_noise
from gencourse.modes import eval_mode, frozen
from gencourse.networks.patchgan import PATCHES, patch_discriminator
from gencourse.networks.pix2pix import UNetGenerator
from gencourse.training import paired

NAMES = {"unet_levels", "unet_forward", "losses_of_pairs", "patch_side", "jitter_pair", "pooled_psnr", "diversity"}
CHAPTER = definitions("04b_pix2pix.ipynb", NAMES, {"frozen": frozen})


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("levels", [2, 4])
def test_the_generators_agree(skips, levels):
    """The levels that are written out, with the package's weights, give the package's pictures."""
    package = UNetGenerator(inputs=1, width=4, levels=levels, max_width=8, skips=skips, resize=True).eval()
    widths = [min(4 * 2**i, 8) for i in range(levels)]
    down, up = CHAPTER["unet_levels"](1, 3, widths, skips)
    down.load_state_dict(package.down.state_dict())
    up.load_state_dict(package.up.state_dict())
    dropping = [[type(part).__name__ for part in level] for level in up.eval()]
    assert dropping == [[type(part).__name__.replace("GroupNorm", "InstanceNorm2d") for part in x] for x in package.up]
    x = drawn(2, 1, 32, 32)
    torch.testing.assert_close(CHAPTER["unet_forward"](down, up, x, skips), package(x), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("conditional", [True, False])
def test_the_losses_agree(conditional):
    torch.manual_seed(0)
    judge = patch_discriminator(16, inputs=4 if conditional else 3, width=4)
    a, b = drawn(2, 1, 16, 16), drawn(2, 3, 16, 16, seed=1)
    slopes = []
    for losses in (CHAPTER["losses_of_pairs"], pix2pix.pix2pix_losses):
        fake = drawn(2, 3, 16, 16, seed=2).requires_grad_()
        found = losses(fake, judge, a, b, conditional=conditional, distance=F.mse_loss)
        torch.stack(list(found.values())).sum().backward()
        slopes.append([*found.values(), fake.grad, *(weight.grad.clone() for weight in judge.parameters())])
        judge.zero_grad()
    names = ["distance", "G", "D"], ["G", "L2", "D"]
    ours, theirs = (dict(zip(n, x[:3], strict=True)) for n, x in zip(names, slopes, strict=True))
    for name, other in (("G", "G"), ("D", "D"), ("distance", "L2")):
        torch.testing.assert_close(ours[name], theirs[other])
    torch.testing.assert_close(slopes[0][3:], slopes[1][3:], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("patch", PATCHES)
def test_the_patches_agree(patch):
    convolutions = [part for part in patch_discriminator(patch, width=4).modules() if isinstance(part, nn.Conv2d)]
    assert CHAPTER["patch_side"]([(c.kernel_size[0], c.stride[0]) for c in convolutions]) == patch


@pytest.mark.parametrize("grow", [3, 8])
def test_pairs_are_moved_as_the_package_moves_them(grow):
    a, b = drawn(6, 1, 16, 12), drawn(6, 3, 16, 12, seed=1)
    found = CHAPTER["jitter_pair"](a, b, torch.Generator().manual_seed(5), grow)
    expected = paired.jitter_pair(a, b, torch.Generator().manual_seed(5), grow=grow)
    assert all(torch.equal(x, y) for x, y in zip(found, expected, strict=True))


def test_the_decibels_agree():
    x, y = (drawn(3, 3, 8, 8, seed=seed) / 2 + 0.5 for seed in (0, 1))
    x[0] = y[0]
    assert float(CHAPTER["pooled_psnr"](x, y)) == pytest.approx(metrics.pooled_psnr(x, y), abs=1e-4)
    assert math.isinf(float(CHAPTER["pooled_psnr"](y, y)))


def test_draws_lie_apart_as_the_package_has_it():
    """The same formula on draws of their own, in the network's units; and the mode is put back."""
    network = UNetGenerator(inputs=1, width=4, levels=4, max_width=8)
    for weight in network.parameters():
        nn.init.normal_(weight, 0.0, 0.3)
    a = drawn(2, 1, 16, 16)
    with eval_mode(network):
        torch.manual_seed(0)
        found = CHAPTER["diversity"](network, a, 8)
        assert not network.training
    torch.manual_seed(0)
    with torch.no_grad():
        several = torch.stack([network(a) for _ in range(8)])
    torch.testing.assert_close(found, pix2pix_noise.spread(several))
    assert (found > 0).all()
