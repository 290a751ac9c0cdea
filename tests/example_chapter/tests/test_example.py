"""Mixing two pictures."""

import pytest
import torch
from torch.testing import assert_close

from gencourse.expect import ImageError
from gencourse.methods.example import mix


def test_the_line_goes_from_a_to_b():
    a, b = torch.rand(2, 2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert_close(mix(a, b, 0), a)
    assert_close(mix(a, b, 1), b)
    assert_close(mix(a, b, 0.25), a + (b - a) / 4)


def test_pictures_of_two_sizes_are_refused():
    with pytest.raises(ImageError):
        mix(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 5), 0.5)
