"""The networks of pix2pix: the paper's layers and sizes, what skips carry, what dropout drops, what one logit sees."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from gencourse import checkpoints
from gencourse.networks.dropout import Dropout, dropout_from
from gencourse.networks.patchgan import PATCHES, PixelDiscriminator, patch_discriminator
from gencourse.networks.pix2pix import UNetGenerator, batch_statistics, join_skip
from gencourse.networks.translation import PatchDiscriminator

SMALL = {"width": 4, "levels": 3, "max_width": 8}


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def unet(**arguments) -> UNetGenerator:
    """A small one whose weights are large enough to see what each does."""
    torch.manual_seed(0)
    network = UNetGenerator(**SMALL | arguments)
    for weight in network.parameters():
        if weight.ndim == 4:
            nn.init.normal_(weight, 0.0, 0.2)
    return network.eval()


def weights_of(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (2, 3, 16, 24), (3, 3, 40, 8)])
@pytest.mark.parametrize("resize", [False, True])
def test_a_translation_has_the_size_of_its_input(shape, resize):
    y = unet(resize=resize)(pictures(*shape))
    assert y.shape == shape and y.abs().max() <= 1


def test_other_channels_and_two_levels():
    assert unet(inputs=1)(pictures(1, 1, 8, 8)).shape == (1, 3, 8, 8)
    assert unet(outputs=1, levels=2)(pictures(1, 3, 4, 12)).shape == (1, 1, 4, 12)


def test_the_paper_s_network_has_the_paper_s_layers():
    """54,413,955 weights are known of the original, which has no biases but in its last layer."""
    network = UNetGenerator(width=64, levels=8, max_width=512, batch_norm=True)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert [c.out_channels for c in convolutions] == [
        *[64, 128, 256, 512, 512, 512, 512, 512],
        *[512, 512, 512, 512, 256, 128, 64, 3],
    ]
    assert [c.in_channels for c in convolutions[8:]] == [512, 1024, 1024, 1024, 1024, 512, 256, 128]
    assert {(c.kernel_size, c.stride, c.padding) for c in convolutions} == {((4, 4), (2, 2), (1, 1))}
    assert weights_of(network) == 54_413_955 + 64 + 512  # biases of the two convolutions that nothing normalises
    assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) == 13
    assert sum(isinstance(m, Dropout) for m in network.modules()) == 3


@pytest.mark.parametrize(("arguments", "most"), [({"inputs": 1}, 4e6), ({"inputs": 1, "resize": True}, 3e6)])
def test_what_ships_is_small(arguments, most):
    network = UNetGenerator(**arguments)
    assert 1e6 < 2 * sum(x.numel() for x in network.state_dict().values()) < most


def by_hand(network: UNetGenerator, x: torch.Tensor) -> torch.Tensor:
    """Three levels written out, with plain functions: instance normalisation but at the ends and the bottleneck."""
    (d0, d1, d2), (u0, u1, u2) = ([part[0] for part in parts] for parts in (network.down, network.up))

    def conv(layer, x):
        return F.conv2d(x, layer.weight, layer.bias, 2, 1)

    def up(layer, x):
        return F.conv_transpose2d(x, layer.weight, layer.bias, 2, 1)

    h0 = conv(d0, x)
    h1 = F.instance_norm(conv(d1, F.leaky_relu(h0, 0.2)))
    h2 = conv(d2, F.leaky_relu(h1, 0.2))
    y1 = F.instance_norm(up(u0, F.relu(h2)))
    y0 = F.instance_norm(up(u1, F.relu(torch.cat([y1, h1], 1) if network.skips else y1)))
    return torch.tanh(up(u2, F.relu(torch.cat([y0, h0], 1) if network.skips else y0)))


@pytest.mark.parametrize("skips", [True, False])
def test_it_computes_what_the_paper_s_letters_say(skips):
    network, x = unet(skips=skips), pictures(2, 3, 16, 24)
    assert_close(network(x), by_hand(network, x), atol=1e-5, rtol=1e-4)


def test_channels_last_computes_the_same():
    network, x = unet(), pictures(2, 3, 16, 16)
    wanted = network(x)
    fast = copy.deepcopy(network).to(memory_format=torch.channels_last)
    assert_close(fast(x.contiguous(memory_format=torch.channels_last)), wanted, atol=1e-5, rtol=1e-4)


def test_what_comes_up_stands_before_what_was_handed_across():
    up, skip = torch.zeros(1, 2, 3, 3), torch.ones(1, 4, 3, 3)
    assert join_skip(up, skip)[0, :, 0, 0].tolist() == [0, 0, 1, 1, 1, 1]


def test_every_skip_is_used_and_without_skips_none_is():
    x = pictures(1, 3, 16, 16)
    for skips in (True, False):
        network = unet(skips=skips)
        maps = network.encode(x)
        assert [tuple(h.shape[1:]) for h in maps] == [(4, 8, 8), (8, 4, 4), (8, 2, 2)]
        whole = network.decode(maps)
        assert_close(whole, network(x))
        for i in range(2):
            without = network.decode([torch.zeros_like(h) if i == k else h for k, h in enumerate(maps)])
            assert torch.equal(without, whole) != skips, f"the skip of level {i}"


def test_a_skip_carries_the_map_itself():
    """An activation in place would have changed it before it is handed across."""
    maps = unet().encode(pictures(1, 3, 16, 16))
    assert maps[0].min() < -0.3 * maps[0].max(), "a leaky ReLU would have left a fifth of what is negative"


def test_a_bottleneck_of_one_pixel_is_alive():
    """Instance normalisation there would make it zero, whatever goes in."""
    network = unet(skips=False)
    x, y = pictures(1, 3, 8, 8), pictures(1, 3, 8, 8, seed=1)
    assert network.encode(x)[-1].shape[2:] == (1, 1)
    assert (network(x) - network(y)).abs().max() > 0.01


def test_pictures_of_a_batch_do_not_mix_but_by_batch_normalisation():
    x = pictures(3, 3, 16, 16)
    for batch_norm, together in ((False, True), (True, False)):
        network = unet(batch_norm=batch_norm, dropout=0.0).train()
        alone = network(x[1:2])
        assert ((network(x)[1:2] - alone).abs().max() < 1e-4) == together


def test_gradients_reach_every_weight():
    for network in (unet(noise=1), unet(skips=False, resize=True), unet(batch_norm=True)):
        z = pictures(2, 1, 16, 16, seed=1) if network.noise else None
        (network.train()(pictures(2, 3, 16, 16), z) * pictures(2, 1, 1, 1)).square().mean().backward()
        still = [name for name, p in network.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
        assert not still, f"no gradient reaches {still}"


def test_noise_goes_in_beside_the_picture():
    network, x = unet(noise=2), pictures(2, 3, 16, 16)
    one, other = (network(x, pictures(2, 2, 16, 16, seed=seed)) for seed in (1, 2))
    assert one.shape == (2, 3, 16, 16) and (one - other).abs().mean() > 1e-3
    with pytest.raises(ValueError, match="takes 2 channels of noise z, got none"):
        network(x)
    with pytest.raises(ValueError, match="takes 0 channels of noise z, got some"):
        unet()(x, x)
    with pytest.raises(ValueError, match=r"expected noise \(2, 2, 16, 16\)"):
        network(x, pictures(1, 2, 16, 16))


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 1, 16, 16), (1, 4, 16, 16), (1, 3, 4, 16), (1, 3, 16, 12)])
def test_pictures_that_it_does_not_take(shape):
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\) with sides of at least 8 pixels that 8 divides; got shape"):
        unet()(pictures(*shape))


@pytest.mark.parametrize("arguments", [{"width": 0}, {"levels": 1}, {"noise": -1}, {"max_width": 0}, {"outputs": 0}])
def test_networks_that_cannot_be(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a whole number of at least"):
        UNetGenerator(**arguments)


def test_the_record_builds_it_again(tmp_path):
    network = unet(batch_norm=True, resize=True, noise=1)
    record = dict.fromkeys(checkpoints.NEEDED, 0) | {"arguments": network.arguments}
    found = checkpoints.read(checkpoints.save(tmp_path / "x.safetensors", network, record), UNetGenerator)
    x, z = pictures(2, 3, 16, 16), pictures(2, 1, 16, 16)
    assert_close(found(x, z), network(x, z), atol=1e-2, rtol=1e-2)


# Dropout


def test_dropout_sets_its_share_to_zero_and_keeps_the_mean():
    x = torch.full((4, 50, 20, 20), 2.0)
    for generator in (None, torch.Generator().manual_seed(0)):
        layer = Dropout(0.3)
        with dropout_from(layer, generator):
            y = layer(x)
        assert y.unique().tolist() == pytest.approx([0, 2 / 0.7])
        assert (y == 0).float().mean() == pytest.approx(0.3, abs=0.01) and y.mean() == pytest.approx(2, abs=0.03)
        assert torch.equal(layer.eval()(x), x)


@pytest.mark.parametrize("share", [1.0, -0.1, float("nan")])
def test_shares_that_cannot_be(share):
    with pytest.raises(ValueError, match=r"lies in \[0, 1\)"):
        Dropout(share)


def test_dropout_can_be_had_again_and_leaves_torch_s_numbers_alone():
    network, x = unet(), pictures(1, 3, 16, 16)
    plain = network(x)
    before = torch.get_rng_state()
    found = []
    for seed in (1, 1, 2):
        with dropout_from(network, torch.Generator().manual_seed(seed)):
            found.append(network(x))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(network(x), plain) and not any(part.training for part in network.modules())


def test_switching_dropout_on_leaves_batch_normalisation_off():
    network = unet(batch_norm=True)
    statistics = [buffer.clone() for buffer in network.buffers()]
    with dropout_from(network, torch.Generator()):
        network(pictures(4, 3, 16, 16) + 1)
    assert all(torch.equal(a, b) for a, b in zip(statistics, network.buffers(), strict=True))


@pytest.mark.parametrize(("levels", "dropping"), [(2, []), (3, [0]), (4, [0, 1]), (5, [0, 1, 2]), (8, [0, 1, 2])])
def test_the_first_levels_of_the_decoder_have_dropout(levels, dropping):
    network = UNetGenerator(width=2, levels=levels, max_width=4)
    assert [i for i, part in enumerate(network.up) if any(isinstance(m, Dropout) for m in part)] == dropping


# Batch normalisation


def test_statistics_of_the_batch_are_used_and_forgotten():
    network, x = unet(batch_norm=True, dropout=0.0), pictures(1, 3, 16, 16) + 1
    remembered, before = network(x), [buffer.clone() for buffer in network.buffers()]
    with batch_statistics(network):
        own = network(x)
    assert (own - remembered).abs().max() > 0.05
    assert all(torch.equal(a, b) for a, b in zip(before, network.buffers(), strict=True))
    assert torch.equal(network(x), remembered)
    plain = unet(dropout=0.0)
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if k in plain.state_dict()})
    assert_close(own, plain(x), atol=1e-4, rtol=1e-3)  # with a batch of one: instance normalisation


# Discriminators


def seen_by(network: nn.Module, side: int) -> torch.Tensor:
    """The pixels of a picture that move the logit in the middle of the map, by the gradient."""
    x = torch.zeros(1, network.inputs, side, side, requires_grad=True)
    y = nn.Sequential(*(m for m in network.layers if not isinstance(m, nn.GroupNorm)))(x)
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    return x.grad[0].abs().sum(0) > 0


@pytest.mark.parametrize("patch", PATCHES)
def test_one_logit_sees_the_patch_that_was_asked_for(patch):
    network = patch_discriminator(patch, inputs=4, width=2)
    assert network.patch == patch
    for weight in network.parameters():
        nn.init.constant_(weight, 0.1)
    seen = seen_by(network, 2 * patch + 8)
    assert seen.any(0).sum() == seen.any(1).sum() == patch and seen.sum() == patch**2


@pytest.mark.parametrize("patch", PATCHES)
def test_the_patch_in_closed_form(patch):
    """1 + the sum over convolutions of (kernel - 1) times the strides before."""
    side, step = 1, 1
    for conv in patch_discriminator(patch, width=1).modules():
        if isinstance(conv, nn.Conv2d):
            side += (conv.kernel_size[0] - 1) * step
            step *= conv.stride[0]
    assert side == patch


def test_a_pixel_s_logit_depends_on_its_pixel_alone():
    network, x = patch_discriminator(1, inputs=6, width=4), pictures(2, 6, 5, 7)
    y = network(x)
    assert isinstance(network, PixelDiscriminator) and y.shape == (2, 1, 5, 7)
    assert_close(network(x.flip(3)), y.flip(3))
    other = x.clone()
    other[:, :, 2, 3] = 0.9
    assert ((network(other) - y).abs() > 0).nonzero()[:, 2:].unique(dim=0).tolist() == [[2, 3]]


def test_the_others_are_the_paper_s():
    network = patch_discriminator(70, inputs=6, width=64)
    normalised = 128 + 256 + 512  # channels, each with a scale and a shift in the original's 2,768,705 weights
    assert isinstance(network, PatchDiscriminator) and weights_of(network) == 2_768_705 - 2 * normalised
    assert [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)] == [64, 128, 256, 512, 1]


@pytest.mark.parametrize("patch", [0, 2, 64, 286, "70", None])
def test_patches_that_there_are_not(patch):
    with pytest.raises(ValueError, match="a patch has a side of 1, 16, 34, 70, 142 pixels"):
        patch_discriminator(patch)


@pytest.mark.parametrize("arguments", [{"width": 0}, {"inputs": 0}])
def test_discriminators_that_cannot_be(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a whole number of at least"):
        patch_discriminator(1, **arguments)


def test_pictures_that_a_pixel_discriminator_does_not_take():
    with pytest.raises(ValueError, match=r"expected pictures \(B, 6, H, W\)"):
        patch_discriminator(1)(pictures(1, 3, 8, 8))
