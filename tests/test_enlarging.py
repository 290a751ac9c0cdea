"""Pictures of any size are enlarged without a seam, in tiles of bounded size; draws differ where they are invented."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gencourse.expect import ImageError
from gencourse.methods.enlarging import (
    draw_noise,
    enlarge,
    enlarge_often,
    enlarged_strips,
    interpolate_weights,
    spread,
)
from gencourse.methods.upsampling import area_average, bicubic
from gencourse.networks.srgan import SRGenerator


def picture(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def network(seed: int = 0, **arguments) -> SRGenerator:
    """A small network as after training: its correction is large, and noise counts."""
    torch.manual_seed(seed)
    made = SRGenerator(**{"width": 6, "blocks": 2, "late": 3} | arguments)
    nn.init.normal_(made.last.weight, 0, 0.2)
    if made.from_noise is not None:
        nn.init.normal_(made.from_noise.weight)
    return made.eval()


@pytest.mark.parametrize(
    ("size", "tile"), [((4, 4), 1), ((5, 9), 2), ((23, 31), 8), ((23, 31), 23), ((40, 17), 16), ((17, 40), 100)]
)
def test_nothing_is_seen_where_tiles_meet(size, tile):
    net, x = network(), picture(1, 3, *size)
    noise = draw_noise(net, x, torch.Generator().manual_seed(3))
    whole = enlarge(x, net, noise=noise)
    assert whole.shape == (1, 3, 4 * size[0], 4 * size[1])
    assert_close(enlarge(x, net, noise=noise, tile=tile), whole, atol=1e-5, rtol=0)


def test_with_less_around_a_tile_a_seam_would_be_seen():
    """Else the test above would say nothing of the reach."""
    net, x = network(), picture(1, 3, 32, 32)
    whole = enlarge(x, net)
    net.reach -= 3
    assert (enlarge(x, net, tile=16) - whole).abs().max() > 1e-4


@pytest.mark.parametrize("tile", [None, 7])
def test_a_whole_picture_is_what_the_network_says(tile):
    net, x = network(scale=2), picture(2, 3, 9, 11)
    noise = draw_noise(net, x, torch.Generator())
    expected = ((net(x * 2 - 1, noise) + 1) / 2).clamp(0, 1)
    assert_close(enlarge(x, net, noise=noise, tile=tile), expected, atol=1e-5, rtol=0)


def test_no_tile_is_larger_than_its_surroundings_make_it():
    net, x, seen = network(blocks=1), picture(1, 3, 50, 61), []
    net.register_forward_pre_hook(lambda module, inputs: seen.append(max(inputs[0].shape[2:])))
    strips = enlarged_strips(x, net, tile=16)
    assert not seen, "nothing is done before it is asked for"
    heights = [strip.shape for strip in strips]
    assert heights == [(1, 3, 64, 244)] * 3 + [(1, 3, 8, 244)]
    assert max(seen) <= 16 + 2 * net.reach and len(seen) == 16


def test_no_gradient_is_kept():
    assert not enlarge(picture(1, 3, 8, 8), network(), tile=4).requires_grad


@pytest.mark.parametrize("tile", [None, 6])
def test_block_averages_are_the_picture_s_own(tile):
    net, x = network(), picture(1, 3, 13, 14)
    free, bound = (enlarge(x, net, consistent=c, tile=tile) for c in (False, True))
    assert (area_average(bound, 4) - x).abs().max() < 1e-6 < (area_average(free, 4) - x).abs().max()
    assert bound.min() >= 0 and bound.max() <= 1


def test_the_picture_is_not_changed_and_an_untrained_network_is_bicubic():
    x = picture(1, 3, 6, 7)
    kept = x.clone()
    assert_close(enlarge(x, SRGenerator(width=4, blocks=0)), bicubic(x, 4).clamp(0, 1), atol=1e-5, rtol=0)
    assert torch.equal(x, kept)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 4, 8, 8), (1, 3, 3, 8), (1, 3, 8, 2)])
def test_pictures_that_cannot_be_enlarged(shape):
    with pytest.raises(ImageError, match=r"3, h, w\) with sides of at least 4 pixels; got shape"):
        enlarged_strips(picture(*shape), network())
    with pytest.raises(ImageError, match=r"3, h, w\) with sides of at least 4 pixels; got shape"):
        enlarge(picture(*shape), network())


def test_what_else_is_refused():
    x, net = picture(1, 3, 8, 8), network()
    with pytest.raises(ImageError, match="expected values in"):
        enlarge(x * 255, net)
    with pytest.raises(ValueError, match="tile must be a whole number of at least 1, got 0"):
        enlarge(x, net, tile=0)
    with pytest.raises(ImageError, match=r"expected noise \(1, 1, 8, 8\)"):
        enlarge(x, net, noise=torch.zeros(1, 1, 9, 9))


# Draws


def test_a_draw_depends_on_its_own_seed_alone():
    net, x = network(), picture(1, 3, 8, 9)
    drawn = enlarge_often(x, net, 3, seeds=[5, 6, 7])
    assert_close(drawn[1:2], enlarge_often(x, net, 1, seeds=[6]))
    assert (drawn[0] - drawn[1]).abs().max() > 1e-3
    assert_close(drawn, enlarge_often(x, net, 3, seeds=[5, 6, 7], tile=5), atol=1e-5, rtol=0)
    first, again = (enlarge_often(x, net, 2, generator=torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)


def test_the_spread_by_its_formula():
    pictures = picture(5, 3, 4, 6)
    mean = pictures.mean(0)
    expected = (((pictures - mean) ** 2).sum(0) / 4).mean(0).sqrt()
    assert_close(spread(pictures), expected[None, None])


def test_a_network_without_noise_has_no_spread():
    x = picture(1, 3, 8, 8)
    assert draw_noise(network(noise=0), x) is None
    assert not spread(enlarge_often(x, network(noise=0), 3, generator=torch.Generator())).any()


def test_draws_that_cannot_be():
    with pytest.raises(ValueError, match="draws must be a whole number of at least 2"):
        spread(picture(1, 3, 8, 8))
    with pytest.raises(ValueError, match="at least 1"):
        enlarge_often(picture(1, 3, 8, 8), network(), 0)
    with pytest.raises(ValueError, match="need as many seeds"):
        enlarge_often(picture(1, 3, 8, 8), network(), 2, seeds=[1])
    with pytest.raises(ImageError, match="a picture"):
        enlarge_often(picture(2, 3, 8, 8), network(), 2)


# Weights between two networks


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_weights_between_two(share):
    a, b = network(0), network(1)
    kept = copy.deepcopy((a.state_dict(), b.state_dict()))
    between = interpolate_weights(a, b, share)
    for name, weight in between.state_dict().items():
        assert_close(weight, (1 - share) * kept[0][name] + share * kept[1][name])
    for net, before in zip((a, b), kept, strict=True):
        assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items()), "they stay"
    assert between is not a and between.last.weight.data_ptr() != a.last.weight.data_ptr()


def test_weights_are_mixed_not_pictures():
    a, b, x = network(0), network(1), picture(1, 3, 8, 8) * 2 - 1
    assert (interpolate_weights(a, b, 0.5)(x) - (a(x) + b(x)) / 2).abs().max() > 1e-2


def test_buffers_are_mixed_and_counts_are_kept():
    a, b = (nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)) for _ in range(2))
    b[1].running_mean += 4
    b[1].num_batches_tracked += 7
    between = interpolate_weights(a, b, 0.25)
    assert_close(between[1].running_mean, torch.ones(2))
    assert between[1].num_batches_tracked == 0


def test_networks_of_two_shapes():
    with pytest.raises(ValueError, match="two networks of one shape"):
        interpolate_weights(network(), network(width=8), 0.5)
    with pytest.raises(ValueError, match="two networks of one shape"):
        interpolate_weights(network(), network(noise=0), 0.5)
