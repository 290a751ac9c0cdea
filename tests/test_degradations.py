"""Small pictures as a camera makes them: each stage by itself, their order, and batches that go on after a kill."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from gencourse.expect import ImageError
from gencourse.methods import degradations as d
from gencourse.methods.upsampling import area_average
from gencourse.training.crops import Crops


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("sigma", [0.0, 0.2, 1.0, 2.5])
def test_the_kernel_sums_to_one_and_is_as_wide_as_it_says(sigma):
    kernel = d.gaussian_kernel(sigma)
    at = torch.arange(len(kernel)) - len(kernel) // 2
    assert_close(kernel.sum(), torch.tensor(1.0, dtype=torch.float64))
    assert torch.equal(kernel, kernel.flip(0)) and len(kernel) % 2 == 1
    if sigma >= 1:
        assert_close(float((kernel * at**2).sum()) ** 0.5, sigma, rtol=0.02, atol=0)
    if sigma == 0:
        assert kernel.tolist() == [1.0]


def test_blur_is_scikit_image_s():
    filters = pytest.importorskip("skimage.filters")
    x = unit(1, 3, 20, 17).double()
    expected = filters.gaussian(x[0].permute(1, 2, 0).numpy(), 2.0, mode="nearest", truncate=3, channel_axis=2)
    assert_close(d.gaussian_blur(x, 2.0)[0].permute(1, 2, 0), torch.from_numpy(expected), atol=1e-6, rtol=0)


def test_a_picture_narrower_than_the_kernel_is_blurred():
    assert_close(d.gaussian_blur(torch.full((1, 3, 2, 5), 0.4), 3.0), torch.full((1, 3, 2, 5), 0.4))


def test_no_degradation_is_the_block_average():
    y = unit(2, 3, 16, 24)
    assert_close(d.degrade(y), area_average(y, 4))


def test_noise_comes_after_the_picture_is_small():
    """Before, averages of 16 would leave a quarter of it."""
    flat = torch.full((2, 3, 200, 200), 0.5)
    x = d.degrade(flat, noise=0.05, generator=seeded())
    assert_close(x.std().item(), 0.05, rtol=0.03, atol=0)
    assert (x[0] - x[1]).std() > 0.06, "each picture has its own"
    assert torch.equal(x, d.degrade(flat, noise=0.05, generator=seeded()))


def test_values_stay_in_the_range():
    x = d.degrade((unit(1, 3, 64, 64) > 0.5).float(), noise=0.5, generator=seeded())
    assert x.min() == 0 and x.max() == 1


def test_blur_comes_before_and_jpeg_last():
    y = unit(1, 3, 32, 32)
    blurred = area_average(d.gaussian_blur(y, 1.5), 4)
    assert_close(d.degrade(y, blur=1.5), blurred)
    small = d.degrade(y, blur=1.5, noise=0.1, quality=60, generator=seeded())
    noisy = d.degrade(y, blur=1.5, noise=0.1, generator=seeded())
    assert_close(small, d.jpeg(noisy, 60))


def test_jpeg_is_a_file_s():
    x = unit(2, 3, 9, 14)
    for quality in (10, 90):
        found = d.jpeg(x, quality)
        for one, picture in zip(found, x, strict=True):
            buffer = io.BytesIO()
            pixels = (picture * 255).round().byte().permute(1, 2, 0).numpy()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
            expected = np.asarray(Image.open(buffer), np.float32) / 255
            assert_close(one.permute(1, 2, 0), torch.from_numpy(expected))
    assert (d.jpeg(x, 10) - x).abs().mean() > (d.jpeg(x, 90) - x).abs().mean()


@pytest.mark.parametrize("size", [(4, 4), (17, 22), (7, 4)])
def test_sides_are_cut_to_multiples(size):
    x = unit(1, 3, *size)
    cut = d.modcrop(x, 4)
    assert cut.shape[2:] == (size[0] // 4 * 4, size[1] // 4 * 4)
    assert torch.equal(cut, x[:, :, : cut.shape[2], : cut.shape[3]]), "from the far sides"


def test_what_is_refused():
    y = unit(1, 3, 16, 16)
    for wrong, message in (
        (lambda: d.modcrop(unit(1, 3, 3, 9), 4), "at least 4 pixels"),
        (lambda: d.degrade(unit(1, 3, 3, 3)), "at least 4 pixels that 4 divides"),
        (lambda: d.degrade(unit(1, 3, 16, 18)), "that 4 divides"),
        (lambda: d.degrade(unit(1, 1, 16, 16)), r"\(B, 3, H, W\)"),
        (lambda: d.degrade(unit(1, 4, 16, 16)), r"\(B, 3, H, W\)"),
        (lambda: d.degrade(y * 255), "expected values in"),
        (lambda: d.jpeg(y * 2 - 1, 50), "expected values in"),
    ):
        with pytest.raises(ImageError, match=message):
            wrong()
    for options, message in (
        ({"blur": -1.0}, "sigma must be"),
        ({"blur": float("nan")}, "sigma must be"),
        ({"noise": -0.1}, "noise must be"),
        ({"noise": float("inf")}, "noise must be"),
        ({"quality": 0}, "quality must be"),
        ({"quality": 101}, "quality must be a number from 1 to 100, got 101"),
        ({"scale": 0}, "scale must be"),
    ):
        with pytest.raises(ValueError, match=message):
            d.degrade(y, **options)


def crops(seed: int = 0) -> Crops:
    return Crops([unit(1, 3, 40, 52)], 3, 32, seed=seed)


def test_pairs_of_a_batch_belong_together():
    mild = d.Degradation(blur=(0.0, 0.1), noise=(0.0, 0.0), quality=(95, 95))
    x, y = next(d.Degraded(crops(), ranges=mild))
    assert x.shape == (3, 3, 8, 8) and y.shape == (3, 3, 32, 32)
    assert torch.equal(y, next(crops())), "the true pictures are the squares"
    brighter = (x - area_average(y, 4)).mean(1)  # JPEG keeps brightness; the colours of noise it averages
    assert brighter.abs().mean() < 0.06, "in [-1, 1], as they are"


def test_each_picture_has_a_degradation_of_its_own(monkeypatch):
    seen = []
    monkeypatch.setattr(d, "degrade", lambda y, scale, **drawn: seen.append(drawn) or area_average(y, scale))
    batches = d.Degraded(crops(), ranges=d.Degradation((1.0, 2.0), (0.1, 0.2), (30, 40)))
    for _ in range(40):
        next(batches)
    for name, low, high in (("blur", 1, 2), ("noise", 0.1, 0.2), ("quality", 30, 40)):
        values = [drawn[name] for drawn in seen]
        assert low <= min(values) < low + 0.1 * (high - low) and high - 0.1 * (high - low) < max(values) <= high
    assert len({drawn["blur"] for drawn in seen}) == 120


def test_batches_go_on_where_they_were():
    def same(one, other) -> bool:
        return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))

    whole = d.Degraded(crops(), seed=4)
    first = next(whole)
    state, second = whole.state_dict(), next(whole)
    again = d.Degraded(crops(), seed=4)
    again.load_state_dict(state)
    assert same(next(again), second) and not same(first, second)


@pytest.mark.parametrize("other", [{"seed": 5}, {"scale": 2}, {"ranges": d.Degradation(blur=(0.0, 1.0))}])
def test_what_was_saved_of_others_is_refused(other):
    with pytest.raises(ValueError, match=f"the saved degraded pictures had {next(iter(other))}"):
        d.Degraded(crops(), **other).load_state_dict(d.Degraded(crops(), seed=0).state_dict())
    with pytest.raises(ValueError, match="the saved squares had seed"):
        d.Degraded(crops(seed=1)).load_state_dict(d.Degraded(crops()).state_dict())
