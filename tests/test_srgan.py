"""The two networks of SRGAN: where the generator starts, what it sees, what noise does to it; what the critic sees."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from gencourse import checkpoints
from gencourse.methods.upsampling import bicubic, pixel_loss
from gencourse.networks.srgan import PatchCritic, SRGenerator


def picture(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def trained(**arguments) -> SRGenerator:
    """A small network whose last layer and noise have weights, as after training."""
    torch.manual_seed(0)
    network = SRGenerator(**{"width": 6, "blocks": 1, "late": 3} | arguments)
    nn.init.normal_(network.last.weight, 0, 0.1)
    if network.from_noise is not None:
        nn.init.normal_(network.from_noise.weight)
    return network


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (2, 3, 5, 8), (1, 3, 12, 7)])
def test_it_starts_as_bicubic_interpolation(scale, shape):
    x = picture(*shape)
    y = SRGenerator(width=4, blocks=1, scale=scale, late=2)(x, noise(shape[0], 1, *shape[2:]))
    assert y.shape == (*shape[:2], shape[2] * scale, shape[3] * scale)
    assert_close(y, bicubic(x, scale), atol=1e-5, rtol=1e-5)


def test_it_starts_without_a_checkerboard():
    """The shuffle repeats pixels at first, so the pixels of a block are equal, while the channels differ."""
    network = SRGenerator(width=6, blocks=1, late=4)
    late = F.pixel_shuffle(network.up(network.head(picture(1, 3, 5, 6))), 4)
    assert_close(late, F.interpolate(late[:, :, ::4, ::4], scale_factor=4))
    assert len(late[0, :, 0, 0].unique()) > 2


def test_weights_and_the_size_of_the_file(tmp_path):
    """Reckoned by hand: head, noise, seven blocks of two convolutions, up to 8 * 16 channels, and the last."""
    network = SRGenerator()
    layers = [(3 * 9 + 1) * 32, 9 * 32, 7 * 2 * (32 * 9 + 1) * 32, (32 * 9 + 1) * 128, (8 * 9 + 1) * 3]
    assert sum(p.numel() for p in network.parameters()) == sum(layers) == 167_867
    record = dict.fromkeys(checkpoints.NEEDED, 0) | {"arguments": network.arguments}
    assert checkpoints.save(tmp_path / "x.safetensors", network, record).stat().st_size < 350_000


def test_the_record_builds_it_again(tmp_path):
    network = trained(blocks=2, scale=2, noise=3)
    record = dict.fromkeys(checkpoints.NEEDED, 0) | {"arguments": network.arguments}
    found = checkpoints.read(checkpoints.save(tmp_path / "x.safetensors", network, record), SRGenerator)
    x, z = picture(1, 3, 8, 8), noise(1, 3, 8, 8)
    assert_close(found(x, z), network(x, z), atol=1e-2, rtol=1e-2)
    wanted = {f"body.{i}.body.{j}.{part}" for i in (0, 1) for j in (0, 2) for part in ("weight", "bias")}
    wanted |= {f"{layer}.{part}" for layer in ("head", "up", "last") for part in ("weight", "bias")}
    assert set(found.state_dict()) == wanted | {"from_noise.weight"}, "shipped files have these names"


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_no_pixel_beyond_its_reach_decides(blocks):
    """Nor is the reach larger than it must be: seen by the gradient, all weights positive so that no ReLU is dead."""
    network = SRGenerator(width=2, blocks=blocks, late=1, noise=0)
    for weight in network.parameters():
        nn.init.constant_(weight, 0.1)
    side = 2 * network.reach + 5
    middle, seen = side // 2, []
    for place in range(4):  # of the output pixel in its block
        x = torch.ones(1, 3, side, side, requires_grad=True)
        network(x)[0, 0, 4 * middle + place, 4 * middle].backward()
        rows = x.grad[0, 0].abs().sum(1).nonzero()[:, 0]
        seen += [middle - rows.min().item(), rows.max().item() - middle]
    assert max(seen) == network.reach


def test_the_default_sees_wider_than_chapter_02_s():
    assert SRGenerator().reach == 17


def test_every_weight_gets_a_gradient_once_the_last_layer_has_moved():
    network = trained()
    pixel_loss(network(picture(2, 3, 6, 6), noise(2, 1, 6, 6)), picture(2, 3, 24, 24)).backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert not still, f"no gradient reaches {still}"


def test_no_channel_at_the_full_size_falls_silent_for_good():
    """With plain ReLUs all of them did, within the first steps, and the network stayed bicubic interpolation."""
    network = trained()
    nn.init.constant_(network.up.bias, -100.0)
    pixel_loss(network(picture(1, 3, 6, 6)), picture(1, 3, 24, 24)).backward()
    assert network.up.weight.grad.abs().max() > 0


def test_noise_makes_blocks_of_a_flat_picture_differ():
    network, flat = trained(), torch.zeros(1, 3, 24, 24)
    inner = slice(4 * network.reach, -4 * network.reach)
    alike = network(flat)[..., inner, inner]
    assert_close(alike, alike[..., :4, :4].repeat(1, 1, *(side // 4 for side in alike.shape[2:])))
    drawn = network(flat, noise(1, 1, 24, 24))[..., inner, inner]
    assert (drawn[..., :4, :4] - drawn[..., 4:8, 4:8]).abs().max() > 1e-3
    assert torch.equal(network(flat), network(flat, torch.zeros(1, 1, 24, 24)))


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 4, 8, 8), (1, 3, 3, 8), (1, 3, 8, 3)])
def test_pictures_that_it_does_not_take(shape):
    with pytest.raises(ValueError, match=r"\(B, 3, h, w\) with sides of at least 4 pixels; got shape"):
        trained()(picture(*shape))


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (2, 2, 8, 8), (2, 1, 32, 32), (2, 8, 8)])
def test_noise_that_it_does_not_take(shape):
    with pytest.raises(ValueError, match=r"expected noise \(2, 1, 8, 8\)"):
        trained()(picture(2, 3, 8, 8), noise(*shape))


def test_a_network_that_takes_no_noise():
    network = trained(noise=0)
    assert network(picture(1, 3, 4, 4)).shape == (1, 3, 16, 16)
    with pytest.raises(ValueError, match="takes 0 channels of noise z, got some"):
        network(picture(1, 3, 4, 4), noise(1, 1, 4, 4))


@pytest.mark.parametrize("arguments", [{"width": 0}, {"blocks": -1}, {"scale": 1}, {"noise": -1}, {"late": 0}])
def test_generators_that_cannot_be(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a whole number of at least"):
        SRGenerator(**arguments)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_logit_sees_its_patch_and_nothing_else(layers):
    critic = PatchCritic(width=2, layers=layers).eval()
    side = 3 * critic.patch // 2**layers * 2**layers
    x = picture(1, 3, side, side).requires_grad_()
    logits = critic(x)
    assert logits.shape == (1, 1, side // 2**layers, side // 2**layers)
    middle = logits.shape[-1] // 2
    logits[0, 0, middle, middle].backward()
    rows = x.grad[0].abs().sum((0, 2)).nonzero()[:, 0]
    assert rows.max() - rows.min() + 1 == critic.patch == 5 * 2**layers


def test_no_layer_of_the_critic_stretches_by_more_than_one():
    critic = PatchCritic(width=3, layers=2).train()
    for _ in range(60):  # each pass takes one step of the power iteration
        critic(picture(1, 3, 16, 16))
    critic.eval()
    for layer in critic.layers:
        if isinstance(layer, nn.Conv2d):
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
            assert_close(largest, torch.tensor(1.0), atol=1e-3, rtol=0)


def test_the_critic_sees_contrast_and_colour():
    """What instance normalisation would take away."""
    critic = PatchCritic(width=4, layers=1).eval()
    x = picture(1, 3, 16, 16)
    assert (critic(x) - critic(0.5 * x + 0.2)).abs().max() > 1e-3


def test_the_critic_does_not_mix_the_pictures_of_a_batch():
    critic, x = PatchCritic(width=4, layers=2).eval(), picture(3, 3, 16, 20)
    assert_close(critic(x)[1:2], critic(x[1:2]))


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 3, 7, 8)])
def test_pictures_that_the_critic_does_not_take(shape):
    with pytest.raises(ValueError, match="with sides of at least 8 pixels; got shape"):
        PatchCritic(width=2)(picture(*shape))


@pytest.mark.parametrize("arguments", [{"width": 0}, {"layers": 0}])
def test_critics_that_cannot_be(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a whole number of at least 1"):
        PatchCritic(**arguments)
