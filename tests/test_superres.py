"""The network for super-resolution: where it starts, what goes in and out, and that it can learn."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from gencourse import data
from gencourse.images import to_signed
from gencourse.methods.upsampling import area_average, bicubic, pixel_loss
from gencourse.networks.superres import ResidualBlock, SuperResolver
from gencourse.training.helpers import descend


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("scale", [2, 4, 8])
@pytest.mark.parametrize("shape", [(1, 3, 3, 3), (2, 3, 5, 8), (1, 3, 12, 7)])
def test_it_starts_as_bicubic_interpolation(scale, shape):
    x = picture(*shape)
    y = SuperResolver(width=4, blocks=1, scale=scale)(x)
    assert y.shape == (*shape[:2], shape[2] * scale, shape[3] * scale)
    assert_close(y, bicubic(x, scale), atol=1e-5, rtol=1e-5)


def test_every_weight_gets_a_gradient_once_the_last_layer_has_moved():
    network = SuperResolver(width=6, blocks=2)
    x, y = picture(2, 3, 6, 6), picture(2, 3, 24, 24)
    pixel_loss(network(x), y).backward()
    assert network.tail.weight.grad.abs().sum() > 0 and network.head.weight.grad.abs().sum() == 0
    torch.nn.init.normal_(network.tail.weight)
    network.zero_grad()
    pixel_loss(network(x), y).backward()
    still = [name for name, p in network.named_parameters() if p.grad.abs().sum() == 0]
    assert not still, f"no gradient reaches {still}"


def test_it_starts_without_a_checkerboard():
    """Each stage repeats pixels at first, so the pixels of a block are equal."""
    network = SuperResolver(width=8, blocks=1, scale=2)
    enlarged = network.stages(network.head(picture(1, 3, 5, 6)))
    assert_close(enlarged, F.interpolate(enlarged[:, :, ::2, ::2], scale_factor=2))
    assert len(enlarged[0, :, 0, 0].unique()) > 2  # while the channels differ


def test_a_residual_block_that_adds_nothing_is_the_identity():
    block, x = ResidualBlock(4), picture(2, 4, 5, 6)
    assert (block(x) - x).abs().max() > 0.01
    for parameter in block.body[-1].parameters():
        torch.nn.init.zeros_(parameter)
    assert torch.equal(block(x), x)


def test_the_default_is_small():
    assert sum(p.numel() for p in SuperResolver().parameters()) == 149_731


def test_a_few_steps_beat_bicubic_on_a_picture():
    truth = to_signed(data.painting("great_wave")[..., 200:264, 200:264])
    low = area_average(truth, 4)
    torch.manual_seed(0)
    network = SuperResolver(width=8, blocks=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    before = pixel_loss(bicubic(low, 4), truth)
    for _ in range(60):
        descend(optimizer, pixel_loss(network(low), truth))
    assert pixel_loss(network(low), truth) < 0.9 * before


def test_other_channels():
    assert SuperResolver(width=4, blocks=0, scale=2, channels=1)(picture(1, 1, 4, 5)).shape == (1, 1, 8, 10)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 3, 2, 8), (1, 3, 8, 2)])
def test_wrong_shapes(shape):
    with pytest.raises(ValueError, match=r"\(B, 3, h, w\) with sides of at least 3 pixels; got shape"):
        SuperResolver(width=4, blocks=0)(picture(*shape))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"scale": 3}, "2, 4 or 8"),
        ({"scale": 1}, "2, 4 or 8"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        SuperResolver(**arguments)
