"""The networks of CycleGAN: the paper's layers and sizes, what goes in and out, and what one logit sees."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from gencourse.networks.translation import PatchDiscriminator, ResidualBlock, ResnetGenerator, instance_norm


def pictures(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def weights_of(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize("shape", [(1, 3, 12, 12), (2, 3, 16, 24), (3, 3, 32, 20)])
def test_a_translation_has_the_size_of_its_input(shape):
    y = ResnetGenerator(width=4, blocks=1)(pictures(*shape))
    assert y.shape == shape and y.abs().max() <= 1


def test_other_channels():
    assert ResnetGenerator(inputs=1, outputs=3, width=2, blocks=0)(pictures(1, 1, 12, 12)).shape == (1, 3, 12, 12)
    assert PatchDiscriminator(inputs=6, width=2, layers=1)(pictures(1, 6, 12, 12)).shape == (1, 1, 4, 4)


def test_the_paper_s_networks_have_the_paper_s_layers():
    """11.378 million weights are known of the original with biases, 2.765 million of its discriminator."""
    generator, discriminator = ResnetGenerator(), PatchDiscriminator()
    normalised = 64 + 128 + 256 + 18 * 256 + 128 + 64  # biases that the normalisation would remove
    assert weights_of(generator) == 11_378_179 - normalised
    assert weights_of(discriminator) == 2_764_737 - 128 - 256 - 512
    convolutions = [m for m in generator.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert [c.out_channels for c in convolutions] == [64, 128, 256, *[256] * 18, 128, 64, 3]
    padded = [c.padding_mode == "reflect" for c in convolutions]
    assert padded == [True, False, False, *[True] * 18, False, False, True]


def test_weights_start_small():
    for network in (ResnetGenerator(width=16, blocks=2), PatchDiscriminator(width=16)):
        for name, weight in network.named_parameters():
            if name.endswith("bias"):
                assert (weight == 0).all()
            elif weight.numel() > 2000:
                assert abs(weight.std() - 0.02) < 0.002 and abs(weight.mean()) < 0.002


def test_the_normalisation_is_instance_normalisation():
    x = pictures(2, 5, 6, 7) * 3 + 1
    assert_close(instance_norm(5)(x), F.instance_norm(x), atol=1e-5, rtol=1e-5)


def test_pictures_of_a_batch_do_not_mix():
    """CycleGANStep joins batches and counts on it."""
    for network in (ResnetGenerator(width=4, blocks=1), PatchDiscriminator(width=4, layers=1)):
        x = pictures(3, 3, 16, 16)
        assert_close(network(x)[1:2], network(x[1:2]), atol=1e-5, rtol=1e-4)


def test_a_residual_block_that_adds_nothing_is_the_identity():
    block, x = ResidualBlock(4), pictures(2, 4, 5, 6)
    assert (block(x) - x).abs().max() > 0.01
    nn.init.zeros_(block.body[-2].weight)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_one_logit_sees_one_patch(layers, patch):
    """By the gradient; without the normalisation, which looks at the whole map."""
    network = PatchDiscriminator(width=2, layers=layers)
    assert network.patch == patch
    plain = nn.Sequential(*(m for m in network.layers if not isinstance(m, nn.GroupNorm)))
    for weight in plain.parameters():
        nn.init.constant_(weight, 0.1)
    side = 2 * patch
    x = torch.zeros(1, 3, side, side, requires_grad=True)
    y = plain(x)
    assert y.shape[-1] == side // 2**layers - 2
    y[0, 0, y.shape[2] // 2, y.shape[3] // 2].backward()
    seen = x.grad[0].abs().sum(0) > 0
    assert seen.any(0).sum() == seen.any(1).sum() == patch


def test_gradients_reach_every_weight():
    for network in (ResnetGenerator(width=4, blocks=2), PatchDiscriminator(width=4, layers=2)):
        (network(pictures(2, 3, 16, 16)) * pictures(2, 1, 1, 1)).square().mean().backward()
        still = [name for name, p in network.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
        assert not still, f"no gradient reaches {still}"


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 1, 16, 16), (1, 3, 8, 16), (1, 3, 16, 18), (1, 3, 15, 16)])
def test_sizes_that_the_generator_does_not_take(shape):
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\) with sides of at least 12 pixels that 4 divides; got shape"):
        ResnetGenerator(width=2, blocks=1)(pictures(*shape))


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 6, 16, 16), (1, 3, 11, 16)])
def test_sizes_that_the_discriminator_does_not_take(shape):
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\) with sides of at least 12 pixels; got shape"):
        PatchDiscriminator(width=2, layers=2)(pictures(*shape))


@pytest.mark.parametrize("arguments", [{"width": 0}, {"layers": 0}, {"inputs": 0}])
def test_discriminators_that_cannot_be(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a whole number of at least"):
        PatchDiscriminator(**arguments)
