"""What an enlarged picture owes to the small one: exact, nearest, and inside the range where that is asked."""

import pytest
import torch
from torch.testing import assert_close

from gencourse.expect import ImageError
from gencourse.methods.data_consistency import project, project_to_range
from gencourse.methods.upsampling import area_average


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def averaging(size: int, scale: int) -> torch.Tensor:
    """The matrix A of block averages, of a picture of size x size."""
    pictures = torch.eye(size**2, dtype=torch.float64).reshape(size**2, 1, size, size)
    return area_average(pictures, scale).flatten(1).T


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_the_small_picture_comes_back_to_a_millionth(scale):
    high, low = unit(2, 3, 8 * scale, 12 * scale) * 3 - 1, unit(2, 3, 8, 12, seed=1)
    assert (area_average(project(high, low), scale) - low).abs().max() < 1e-6
    assert (area_average(project_to_range(high, low), scale) - low).abs().max() < 1e-6


def test_it_is_the_nearest_picture():
    """x + A^+ (low - A x), with the pseudo-inverse that linear algebra computes."""
    high, low, a = unit(1, 1, 8, 8).double(), unit(1, 1, 2, 2, seed=1).double(), averaging(8, 4)
    expected = high.flatten() + torch.linalg.pinv(a) @ (low.flatten() - a @ high.flatten())
    assert_close(project(high, low).flatten(), expected)


def test_what_agrees_already_stays():
    high = unit(2, 3, 8, 12)
    low = area_average(high, 4)
    assert_close(project(high, low), high)
    assert_close(project_to_range(high, low), high, atol=1e-6, rtol=0)


def test_within_the_range_it_is_still_the_nearest():
    """By the optimality conditions: one shift a block, and whoever left the range stands at its border."""
    high, low = unit(1, 2, 12, 8, seed=3).double() * 2.4 - 0.7, unit(1, 2, 3, 2, seed=4).double()
    found = project_to_range(high, low)
    assert found.min() >= 0 and found.max() <= 1
    clipped = 0
    for c in range(2):
        for i in range(3):
            for j in range(2):
                x, y = (z[0, c, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4] for z in (high, found))
                inside = (y > 0) & (y < 1)
                shift = (y - x)[inside].mean() if inside.any() else torch.tensor(0.0)
                assert_close(y, (x + shift).clamp(0, 1), atol=1e-8, rtol=0)
                clipped += int((~inside).sum())
    assert clipped > 5, "else this says nothing"


def test_cutting_off_would_undo_it():
    high, low = unit(1, 1, 8, 8) * 2 - 0.5, unit(1, 1, 2, 2, seed=1) * 0.2
    assert (area_average(project(high, low).clamp(0, 1), 4) - low).abs().max() > 1e-3


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_black_and_white_blocks(value):
    high, low = unit(1, 3, 8, 8), torch.full((1, 3, 2, 2), value)
    assert_close(project_to_range(high, low), torch.full_like(high, value), atol=1e-6, rtol=0)


@pytest.mark.parametrize("function", [project, project_to_range])
@pytest.mark.parametrize("shape", [(1, 3, 8, 6), (1, 3, 9, 8), (1, 1, 8, 8), (2, 3, 8, 8), (3, 8, 8), (1, 3, 1, 1)])
def test_pictures_that_do_not_fit(function, shape):
    with pytest.raises(ImageError, match="expected"):
        function(unit(*shape), unit(1, 3, 2, 2))
