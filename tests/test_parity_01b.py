"""What chapter 01b writes out in its cells is what the package does."""

import pytest
import torch
import torch.nn.functional as F
from parity import definitions

from gencourse.methods import texture

NAMES = {"next_letters", "gaussian_window", "window_distances", "candidates", "minimal_cut", "texture_loss", "copied"}
CHAPTER = definitions("01b_texture_synthesis.ipynb", NAMES)


def drawn(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("context", ["", "a", "ana", "x"])
def test_letters_agree(context):
    assert CHAPTER["next_letters"]("banana bandana", context) == texture.next_letters("banana bandana", context)


@pytest.mark.parametrize(("channels", "side"), [(3, 5), (1, 7)])
def test_windows_agree(channels, side):
    torch.testing.assert_close(CHAPTER["gaussian_window"](side), texture.gaussian_window(side))
    window, known, patches = (
        drawn(channels, side, side),
        (drawn(side, side) > 0.5).float(),
        drawn(9, channels, side, side),
    )
    found = CHAPTER["window_distances"](window, known, patches)
    torch.testing.assert_close(found, texture.window_distances(window, known, patches))
    for tolerance in (0.0, 0.3):
        assert torch.equal(CHAPTER["candidates"](found, tolerance), texture.candidates(found, tolerance))


@pytest.mark.parametrize("shape", [(12, 5), (1, 3), (6, 1)])
def test_cuts_agree(shape):
    assert torch.equal(CHAPTER["minimal_cut"](drawn(*shape)), texture.minimal_cut(drawn(*shape)))


def test_losses_agree():
    def network(x):
        return {"fine": x, "coarse": F.avg_pool2d(x, 2).square(), "deeper": x.mean()}

    grams = {"fine": drawn(1, 3, 3), "coarse": drawn(1, 3, 3)}
    ours = texture.texture_loss(network, drawn(1, 3, 8, 6), grams)
    torch.testing.assert_close(CHAPTER["texture_loss"](network, drawn(1, 3, 8, 6), grams), ours)


def test_copies_agree():
    sample = drawn(1, 3, 16, 16)
    image = torch.cat([sample[..., 2:9], 1 - sample[..., :9]], 3)
    found = CHAPTER["copied"](image, sample, 3, 1e-3)
    assert 0.2 < float(found) < 0.5 and float(found) == pytest.approx(texture.copied(image, sample, 3, 1e-3))
