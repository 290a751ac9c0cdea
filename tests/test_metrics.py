"""PSNR and SSIM, held against scikit-image."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from gencourse import data
from gencourse.expect import ImageError
from gencourse.metrics import psnr, ssim

SHAPES = [(1, 1, 11, 11), (1, 3, 12, 40), (3, 3, 33, 21), (2, 1, 64, 48)]


def pair(shape: tuple[int, ...], noise: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a = torch.rand(shape, generator=generator)
    return a, (a + noise * torch.randn(shape, generator=generator)).clamp(0, 1)


def theirs(a: torch.Tensor, b: torch.Tensor) -> list[float]:
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    pairs = zip(a.double().numpy(), b.double().numpy(), strict=True)
    return [structural_similarity(x, y, channel_axis=0, **options) for x, y in pairs]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_ssim_is_scikit_images(shape, noise):
    a, b = pair(shape, noise)
    torch.testing.assert_close(ssim(a, b).double(), torch.tensor(theirs(a, b)).double(), atol=1e-5, rtol=0)


def test_ssim_of_real_pictures():
    """Flat and bright regions, where variances are differences of nearly equal numbers."""
    truth = data.photo("rocket")[..., 100:228, 60:180]
    blurred = torch.nn.functional.avg_pool2d(truth, 5, 1, 2, count_include_pad=False)
    for a in (truth, torch.ones_like(truth)):
        torch.testing.assert_close(ssim(a, blurred).item(), theirs(a, blurred)[0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_psnr_is_scikit_images_picture_by_picture(shape):
    a, b = pair(shape, 0.1)
    b[0] = (b[0] * 0.5).clamp(0, 1)  # the first of the batch is far worse than the others
    expected = [peak_signal_noise_ratio(x, y, data_range=1) for x, y in zip(a.numpy(), b.numpy(), strict=True)]
    assert psnr(a, b).shape == (shape[0],)
    np.testing.assert_allclose(psnr(a, b).numpy(), expected, atol=1e-4)


def test_known_values():
    black, grey = torch.zeros(2, 3, 16, 16), torch.full((2, 3, 16, 16), 0.1)
    torch.testing.assert_close(psnr(black, grey), torch.tensor([20.0, 20.0]))
    assert psnr(grey, grey).tolist() == [math.inf] * 2
    torch.testing.assert_close(ssim(grey, grey), torch.ones(2))
    torch.testing.assert_close(ssim(black, grey), torch.full((2,), 1e-4 / (0.01 + 1e-4)))  # brightness alone differs


def test_both_are_symmetric_and_fall_with_the_error():
    a, near = pair((2, 3, 32, 32), 0.05)
    _, far = pair((2, 3, 32, 32), 0.3)
    for measure in (psnr, ssim):
        torch.testing.assert_close(measure(a, near), measure(near, a))
        assert (measure(a, near) > measure(a, far)).all()


def test_ssim_sees_a_wrong_pattern_where_psnr_sees_none():
    """Equal squared error: once the whole picture a little brighter, once noise."""
    a = 0.5 * data.photo("chelsea", size=64) + 0.2
    brighter = a + 0.05
    noisy = a + 0.05 * torch.randn(a.shape, generator=torch.Generator().manual_seed(0)).sign()
    torch.testing.assert_close(psnr(a, brighter), psnr(a, noisy))
    assert ssim(a, brighter) > ssim(a, noisy) + 0.1


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_bad_input(measure):
    a = torch.rand(2, 3, 16, 16)
    with pytest.raises(ImageError, match="one shape"):
        measure(a, a[:1])  # would broadcast
    with pytest.raises(ImageError, match=r"\(B, C, H, W\)"):
        measure(a[0], a[0])
    with pytest.raises(ImageError, match=r"in \[0, 1\], got \[-1, 1\]"):
        measure(a, torch.ones_like(a) * torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1))
    with pytest.raises(ImageError, match="floating point"):
        measure((a * 255).to(torch.uint8), (a * 255).to(torch.uint8))
    with pytest.raises(ImageError, match="nan"):
        measure(a, a * math.nan)


def test_ssim_says_how_small_a_picture_may_be():
    with pytest.raises(ImageError, match="11 pixels"):
        ssim(torch.rand(1, 3, 10, 30), torch.rand(1, 3, 10, 30))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("measure", [psnr, ssim])
def test_half_precision_pictures_are_measured_in_full(measure, dtype):
    a = (0.9 + 0.003 * torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))).to(dtype)
    b = (0.9 + 0.003 * torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))).to(dtype)
    assert measure(a, b).dtype == torch.float32
    assert torch.equal(measure(a, b), measure(a.float(), b.float()))


def test_a_gradient_flows_through_ssim():
    a, b = pair((1, 3, 24, 24), 0.2)
    a.requires_grad_()
    ssim(a, b).sum().backward()
    assert a.grad.isfinite().all() and (a.grad != 0).any()
