"""Errors of all pictures together, hues, and distances of places: against formulas written in another way."""

import colorsys
import math

import pytest
import torch

from gencourse import data, metrics
from gencourse.expect import ImageError
from gencourse.metrics.patches import patch_features, patch_frechet


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def plain(colour: tuple[float, float, float], side: int = 4) -> torch.Tensor:
    return torch.tensor(colour, dtype=torch.float32).view(1, 3, 1, 1).expand(1, 3, side, side)


# Pooled error


def test_errors_are_averaged_before_they_become_decibels():
    x, y = pictures(3, 3, 5, 6), pictures(3, 3, 5, 6, seed=1)
    errors = [(a - b).square().mean().item() for a, b in zip(x, y, strict=True)]
    assert metrics.pooled_psnr(x, y) == pytest.approx(-10 * math.log10(sum(errors) / 3), abs=1e-4)


def test_one_right_picture_does_not_make_it_infinite():
    x = torch.stack([torch.zeros(3, 4, 4), torch.full((3, 4, 4), 0.1)])
    assert metrics.pooled_psnr(x, torch.zeros_like(x)) == pytest.approx(10 * math.log10(2 / 0.01), abs=1e-4)
    assert metrics.psnr(x, torch.zeros_like(x)).mean() == math.inf
    assert metrics.pooled_psnr(x, x) == math.inf


def test_for_one_picture_it_is_psnr():
    x, y = pictures(1, 1, 7, 7), pictures(1, 1, 7, 7, seed=1)
    assert metrics.pooled_psnr(x, y) == pytest.approx(metrics.psnr(x, y).item(), abs=1e-4)


@pytest.mark.parametrize("other", [pictures(3, 3, 5, 6), pictures(2, 3, 5, 6) * 2 - 1, pictures(3, 5, 6)])
def test_what_cannot_be_compared(other):
    with pytest.raises(ImageError):
        metrics.pooled_psnr(pictures(2, 3, 5, 6), other)
    with pytest.raises(ImageError):
        metrics.pooled_psnr(other, pictures(2, 3, 5, 6))


# Hues


def test_hues_are_those_of_python():
    x = pictures(2, 3, 20, 20)
    counts = [0] * 12
    for r, g, b in x.double().movedim(1, -1).reshape(-1, 3).tolist():
        if max(r, g, b) - min(r, g, b) >= 0.15:
            counts[math.floor(12 * colorsys.rgb_to_hsv(r, g, b)[0] + 0.5) % 12] += 1
    found = metrics.hue_histogram(x)
    assert found.sum() == pytest.approx(1)
    assert found.tolist() == pytest.approx([count / sum(counts) for count in counts])


def test_the_names_of_the_hues():
    rgb = {"red": (1, 0, 0), "yellow": (1, 1, 0), "green": (0, 1, 0), "cyan": (0, 1, 1), "blue": (0, 0, 1)}
    rgb |= {"magenta": (1, 0, 1), "orange": (1, 0.5, 0), "rose": (1, 0, 0.5), "violet": (0.5, 0, 1)}
    assert len(metrics.HUES) == 12
    for name, colour in rgb.items():
        assert metrics.hue_histogram(plain(colour)).argmax() == metrics.HUES.index(name)


def test_a_little_to_either_side_of_red_is_red():
    for colour in ((0.8, 0.1, 0.15), (0.8, 0.15, 0.1)):
        assert metrics.hue_histogram(plain(colour))[0] == 1


def test_only_coloured_pixels_count():
    x = torch.cat([plain((1, 1, 1)), plain((0, 0, 0)), plain((0.5, 0.5, 0.55)), plain((0.2, 0.2, 0.6))])
    assert metrics.hue_histogram(x)[metrics.HUES.index("blue")] == 1
    assert metrics.hue_histogram(x, least=0.01)[8] == 1
    assert (metrics.hue_histogram(x[:2], least=0.0) == 0).all(), "grey has no hue at all"
    assert metrics.hue_entropy(x[:2]) == 0


def test_entropy():
    colours = [plain(c) for c in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1))]
    assert metrics.hue_entropy(torch.cat(colours)) == pytest.approx(math.log(4))
    assert metrics.hue_entropy(torch.cat(colours[:1] * 3)) == 0
    shares = (3 / 4, 1 / 4)
    expected = -sum(p * math.log(p) for p in shares)
    assert metrics.hue_entropy(torch.cat([*colours[:1] * 3, colours[1]])) == pytest.approx(expected)
    assert metrics.hue_entropy(torch.cat(colours), bins=1) == 0


def test_true_emoji_have_many_hues_and_their_lines_none():
    lines, colours = (data.emoji(32, kind, split="test").unit() for kind in ("line", "colour"))
    assert metrics.hue_entropy(colours) > 1
    assert metrics.hue_entropy(lines.expand(-1, 3, -1, -1)) == 0
    yellow = torch.where(lines > 0.5, plain((1, 0.9, 0.2), 32), lines)
    assert metrics.hue_entropy(yellow) == 0


def test_saturation_is_python_s():
    x = pictures(1, 3, 9, 9)
    values = [colorsys.rgb_to_hsv(*rgb)[1] for rgb in x.double().movedim(1, -1).reshape(-1, 3).tolist()]
    assert metrics.saturation(x) == pytest.approx(sum(values) / len(values))
    assert metrics.saturation(plain((0, 0, 0))) == 0 and metrics.saturation(plain((1, 0, 0))) == 1


@pytest.mark.parametrize("bad", [pictures(2, 1, 4, 4), pictures(2, 3, 4, 4) * 2, pictures(3, 4, 4)])
def test_what_has_no_hues(bad):
    for measure in (metrics.hue_histogram, metrics.hue_entropy, metrics.saturation):
        with pytest.raises(ImageError):
            measure(bad)
    with pytest.raises(ValueError, match="bins must be"):
        metrics.hue_histogram(pictures(1, 3, 4, 4), bins=0)


# Places


def identity(x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"pixels": x}


def test_every_place_is_a_row():
    x = pictures(3, 3, 4, 5)
    rows = patch_features(identity, x.split(2), "pixels")
    assert rows.shape == (60, 3)
    assert torch.equal(rows[20 + 2 * 5 + 3], x[1, :, 2, 3])


def test_the_distance_of_places():
    """For one feature it is (difference of means)^2 + (difference of standard deviations)^2."""
    x, y = pictures(4, 1, 8, 8), pictures(4, 1, 8, 8, seed=1) * 0.5 + 0.2
    expected = (x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2
    assert patch_frechet(identity, [x], [y], "pixels") == pytest.approx(expected.item(), rel=1e-4)
    assert patch_frechet(identity, x.split(1), x.flip(0).split(3), "pixels") == pytest.approx(0, abs=1e-9)


def test_the_mean_of_each_picture_is_not_enough():
    """Flat grey pictures and noise of the same mean differ in their places."""
    noisy = pictures(4, 1, 16, 16)
    flat = noisy.mean((2, 3), keepdim=True).expand_as(noisy)
    assert patch_frechet(identity, [noisy], [flat], "pixels") > 0.05
