"""How good enlarged pictures are: decibels as scikit-image has them, distances by their formulas, who dominates."""

import itertools

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from gencourse import metrics
from gencourse.expect import ImageError
from gencourse.methods.upsampling import bicubic, nearest
from gencourse.metrics import super_resolution as sr
from gencourse.metrics.patches import feature_distance, patch_features, patch_frechet


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def look(x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Two layers that differ in size and in channels."""
    return {"fine": torch.cat([x, x.roll(1, 3)], 1), "conv3_2": torch.nn.functional.avg_pool2d(x, 2)}


def as_image(x: torch.Tensor) -> np.ndarray:
    return x[0].permute(1, 2, 0).double().numpy()


def test_luma_is_scikit_image_s():
    color, x = pytest.importorskip("skimage.color"), unit(1, 3, 6, 7)
    expected = torch.from_numpy(color.rgb2ycbcr(as_image(x))[..., 0] / 255)
    assert_close(sr.luma(x)[0, 0].double(), expected, atol=1e-6, rtol=0)
    jpeg = torch.from_numpy(color.rgb2yiq(as_image(x))[..., 0])
    assert_close(sr.luma(x, studio=False)[0, 0].double(), jpeg, atol=1e-5, rtol=0)


def test_black_and_white():
    for value, studio, whole in ((0.0, 16 / 255, 0.0), (1.0, 235 / 255, 1.0)):
        grey = torch.full((1, 3, 2, 2), value)
        assert_close(sr.luma(grey).mean().item(), studio, atol=1e-6, rtol=0)
        assert_close(sr.luma(grey, studio=False).mean().item(), whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("border", [0, 4])
def test_decibels_of_luma_are_scikit_image_s(border):
    pytest.importorskip("skimage")
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio

    a, b = unit(3, 3, 20, 24), unit(3, 3, 20, 24, seed=1)
    inner = slice(border, -border if border else None)
    expected = []
    for x, y in zip(a, b, strict=True):
        brightness = [rgb2ycbcr(as_image(z[None]))[inner, inner, 0] for z in (x, y)]
        expected.append(peak_signal_noise_ratio(*brightness, data_range=255))
    assert_close(sr.luma_psnr(a, b, border).double(), torch.tensor(expected, dtype=torch.float64), atol=1e-4, rtol=0)


def test_one_picture_has_as_many_decibels_as_there_are_conventions():
    """An error at the border alone, and one in blue alone, are worth much or nothing."""
    y = unit(1, 3, 40, 40) * 0.5 + 0.2
    frame = y.clone()
    frame[..., :2, :] += 0.2
    found = sr.conventions(frame, y)
    ways = ("RGB", "Y, 0 to 255", "Y, 16 to 235")
    assert set(found) == {f"{way}{cut}" for way in ways for cut in ("", ", 4 shaved")}
    assert found["RGB, 4 shaved"] == float("inf") > found["RGB"]
    blue = y.clone()
    blue[:, 2] += 0.1
    found = sr.conventions(blue, y)
    assert found["RGB"] + 12 < found["Y, 0 to 255"] < found["Y, 16 to 235"]
    assert_close(found["RGB"], metrics.psnr(blue, y).item())
    assert_close(found["Y, 16 to 235, 4 shaved"], sr.luma_psnr(blue, y, 4).item())


def test_shaving():
    x = unit(1, 3, 9, 11)
    assert torch.equal(sr.shave(x, 0), x)
    assert torch.equal(sr.shave(x, 2), x[:, :, 2:7, 2:9]), "off all four sides"
    with pytest.raises(ImageError, match="at least 11 pixels"):
        sr.shave(x, 5)
    with pytest.raises(ValueError, match="border must be"):
        sr.shave(x, -1)


def test_what_luma_does_not_take():
    with pytest.raises(ImageError, match=r"\(B, 3, H, W\)"):
        sr.luma(unit(1, 1, 8, 8))
    with pytest.raises(ImageError, match="expected values in"):
        sr.luma_psnr(unit(1, 3, 8, 8) * 255, unit(1, 3, 8, 8))
    with pytest.raises(ImageError, match="one shape"):
        sr.luma_psnr(unit(1, 3, 8, 8), unit(1, 3, 8, 9))


def test_roughness_of_a_ramp():
    ramp = torch.arange(6.0).view(1, 1, 1, 6).expand(2, 3, 5, 6) * torch.tensor([0.1, 0.2]).view(2, 1, 1, 1)
    assert_close(sr.roughness(ramp), torch.tensor([0.1, 0.2]))


def test_who_dominates():
    points = [(24.0, 50.0), (23.0, 20.0), (23.5, 30.0), (23.0, 40.0), (22.0, 20.0), (24.0, 60.0), (23.0, 20.0)]
    assert sr.pareto_front(points) == [0, 1, 2, 6], "equal points stay both; as good in one and worse in one does not"
    assert sr.pareto_front([(1.0, 1.0)]) == [0] and sr.pareto_front([]) == []


def test_who_dominates_by_trying_all():
    points = [tuple(row) for row in (unit(40, 2) * 5).round().tolist()]
    expected = []
    for i, (p, d) in enumerate(points):
        worse = [q >= p and e <= d and (q > p or e < d) for q, e in points]
        expected += [] if any(worse) else [i]
    assert sr.pareto_front(points) == expected


def test_patches_are_places():
    pictures = [unit(1, 3, 8, 10), unit(2, 3, 6, 4, seed=1)]
    found = patch_features(look, pictures, "conv3_2")
    assert found.shape == (4 * 5 + 2 * 3 * 2, 3)
    assert_close(found[7], look(pictures[0])["conv3_2"][0, :, 1, 2])
    assert_close(found[20 + 6 + 3], look(pictures[1])["conv3_2"][1, :, 1, 1])


def test_the_distance_of_patches_by_its_formula():
    linalg = pytest.importorskip("scipy.linalg")
    a, b = [unit(1, 3, 20, 24), unit(1, 3, 16, 8, seed=1)], [unit(1, 3, 18, 12, seed=2) * 0.6]
    x, y = (np.concatenate([look(p)["conv3_2"][0].flatten(1).T.numpy() for p in set_]) for set_ in (a, b))
    cov = [np.cov(z.astype(np.float64), rowvar=False) for z in (x, y)]
    root = linalg.sqrtm(cov[0] @ cov[1]).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(cov[0] + cov[1] - 2 * root)
    assert_close(patch_frechet(look, a, b), float(expected), rtol=1e-5, atol=1e-7)
    assert patch_frechet(look, a, a) < 1e-9


def test_the_distance_of_features_by_its_formula():
    a, b = unit(2, 3, 8, 10), unit(2, 3, 8, 10, seed=1)
    expected = torch.zeros(2)
    for k, (layer, places) in itertools.product(range(2), (("fine", 80), ("conv3_2", 20))):
        x, y = (look(z)[layer][k].flatten(1) for z in (a, b))
        x, y = x / x.norm(dim=0), y / y.norm(dim=0)
        expected[k] += ((x - y) ** 2).sum() / places / 2
    assert_close(feature_distance(look, a, b), expected)
    assert_close(feature_distance(look, a, a), torch.zeros(2))
    assert_close(feature_distance(look, 0.5 * a, a), torch.zeros(2), msg="lengths do not count")
    assert feature_distance(look, torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)).item() == 0


def test_judging():
    pictures = [unit(1, 3, 32, 40), unit(1, 3, 28, 24, seed=1)]
    rule = sr.judge(lambda x: bicubic(x, 4).clamp(0, 1), pictures, look)
    enlarged = [bicubic(torch.nn.functional.avg_pool2d(y, 4), 4).clamp(0, 1) for y in pictures]
    mean = sum(metrics.psnr(a, b).item() for a, b in zip(enlarged, pictures, strict=True)) / 2
    assert_close(rule["PSNR"], mean, atol=1e-4, rtol=0)
    assert 0 < rule["roughness"] < 0.5 and rule["patches"] > 0
    truth = iter(pictures)
    best = sr.judge(lambda x: next(truth), pictures, look)
    assert best["PSNR"] == best["PSNR of Y"] == float("inf")
    assert_close([best[k] for k in ("SSIM", "features", "roughness", "grid")], [1.0, 0.0, 1.0, 0.0])
    other = sr.judge(lambda x: nearest(x, 4), pictures, look, shrink=lambda y: y[..., 2::4, 2::4])
    assert other["PSNR"] < rule["PSNR"], "it was made small in the way that was asked for"


def test_nothing_to_judge_by():
    with pytest.raises(ImageError, match="no picture to judge by"):
        sr.judge(lambda x: x, [], look)
