"""The U-Net: what goes in and out, where it starts, and that each part of its input matters."""

import json

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from gencourse import checkpoints
from gencourse.networks.unet import ConditionedBlock, SelfAttention, UNet, time_features

SMALL = {"widths": (8, 16, 16), "heads": 2}


def awake(**arguments) -> UNet:
    """A small U-Net whose layers that start at zero have been moved, as training would."""
    torch.manual_seed(0)
    network = UNet(**{**SMALL, **arguments})
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return network.eval()


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("side", [(28, 28), (7, 9), (1, 1), (5, 32)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_comes_back(side, channels):
    x_t = noise(2, channels, *side)
    y = awake(channels=channels)(x_t, torch.tensor([0, 999]))
    assert y.shape == x_t.shape and y.dtype == torch.float32 and y.isfinite().all()


@pytest.mark.parametrize(
    "arguments", [{"widths": (8,)}, {"blocks": 2}, {"attention": 0}, {"attention": 3}, {"classes": 3}]
)
def test_sizes_are_arguments(arguments):
    network = awake(**arguments)
    assert network(noise(2, 1, 8, 8), torch.tensor([3, 4])).shape == (2, 1, 8, 8)


def test_it_starts_at_zero_and_every_weight_soon_learns():
    network = UNet(**SMALL, classes=4)
    x_t, t, labels = noise(4, 1, 8, 8), torch.arange(4), torch.arange(4)
    assert not network(x_t, t, labels).any()
    network = awake(classes=4)
    network(x_t, t, labels).square().mean().backward()
    dead = [name for name, p in network.named_parameters() if not p.grad.any()]
    assert not dead, f"no gradient reaches {dead}"
    assert not network.label.weight.grad[4].any(), "nobody asked for 'any'"


def test_a_picture_is_answered_alone():
    """No picture sees another one of its batch, and the batch may be split."""
    network, x_t, t, labels = awake(classes=5), noise(6, 1, 9, 9), torch.arange(6) * 100, torch.arange(6) % 5
    whole = network(x_t, t, labels)
    parts = [network(x_t[i : i + 2], t[i : i + 2], labels[i : i + 2]) for i in (0, 2, 4)]
    assert_close(torch.cat(parts), whole, atol=1e-5, rtol=1e-4)


def test_time_and_class_matter():
    network, x_t, t = awake(classes=3), noise(2, 1, 8, 8), torch.tensor([5, 5])
    one, two = torch.tensor([1, 1]), torch.tensor([2, 2])
    assert (network(x_t, t, one) - network(x_t, t, two)).abs().max() > 1e-3
    assert (network(x_t, t, one) - network(x_t, t + 1, one)).abs().max() > 1e-4
    assert torch.equal(network(x_t, t), network(x_t, t, torch.full((2,), network.null)))
    assert (network(x_t, t) - network(x_t, t, one)).abs().max() > 1e-3


def test_every_pixel_sees_every_other_through_attention():
    """Without attention the middle of a wide picture lies outside the corner's receptive field."""
    for attention, sees in ((1, True), (0, False)):
        network = awake(attention=attention)
        for part in network.modules():  # group normalisation would let every pixel see all others
            if isinstance(part, torch.nn.GroupNorm):
                part.forward = lambda x: x
        x_t = noise(1, 1, 96, 96).requires_grad_()
        network(x_t, torch.tensor([5]))[0, 0, 0, 0].backward()
        assert bool(x_t.grad[0, 0, 80:, 80:].any()) is sees


def test_attention_is_softmax_of_products():
    torch.manual_seed(0)
    attention = SelfAttention(8, heads=2)
    torch.nn.init.normal_(attention.out.weight)
    x = noise(2, 8, 3, 4)
    tokens = attention.norm(x).flatten(2).mT  # (B, 12, 8)
    q, k, v = attention.query_key_value(tokens).chunk(3, dim=-1)
    heads = []
    for part in (slice(0, 4), slice(4, 8)):
        weights = (q[..., part] @ k[..., part].mT / 2).softmax(-1)  # sqrt(4) = 2
        heads.append(weights @ v[..., part])
    assert_close(attention(x), x + attention.out(torch.cat(heads, -1)).mT.reshape(x.shape))


def test_a_residual_block_is_its_formula():
    block, x, conditions = ConditionedBlock(8, 16, 6), noise(2, 8, 5, 5), noise(2, 6)
    torch.nn.init.normal_(block.conv2.weight)
    first = F.conv2d(F.silu(F.group_norm(x, 8)), block.conv1.weight, block.conv1.bias, padding=1)
    scale, shift = (conditions @ block.scale_shift.weight.T + block.scale_shift.bias)[:, :, None, None].split(16, dim=1)
    second = F.conv2d(F.silu(F.group_norm(first, 8) * (1 + scale) + shift), block.conv2.weight, padding=1)
    skip = F.conv2d(x, block.skip.weight, block.skip.bias)
    assert_close(block(x, conditions), skip + second, atol=1e-4, rtol=1e-4)


def test_weights_saved_before_a_part_was_renamed_are_loaded():
    network, again = awake(), UNet(**SMALL)
    old = {name.replace(".skip.", ".straight."): weight for name, weight in network.state_dict().items()}
    assert any(".straight." in name for name in old) and not any(".straight." in name for name in again.state_dict())
    again.load_state_dict(old)
    assert all(torch.equal(weight, again.state_dict()[name]) for name, weight in network.state_dict().items())
    with pytest.raises(RuntimeError, match="skip.weight"):
        again.load_state_dict({name: weight for name, weight in old.items() if ".straight." not in name})


def test_a_fresh_residual_block_is_the_identity():
    x, conditions = noise(2, 8, 5, 5), noise(2, 6)
    assert torch.equal(ConditionedBlock(8, 8, 6, heads=2)(x, conditions), x)


def test_time_features_tell_all_times_apart():
    features = time_features(torch.arange(1000), 64)
    assert features.shape == (1000, 64) and features.abs().max() <= 1
    assert_close(features[:, :32].square() + features[:, 32:].square(), torch.ones(1000, 32))
    distance = torch.cdist(features, features) + torch.eye(1000) * 9
    assert distance.min() > 0.5
    assert_close(features[7, 0], torch.tensor(7.0).sin())


def test_the_sizes_that_the_course_uses():
    """From a laptop's digits to the size of Ho et al.'s network for CIFAR-10, which has 35.7 million parameters."""
    with torch.device("meta"):
        laptop, usual = UNet(widths=(24, 48, 80), classes=10), UNet(widths=(32, 64, 128), classes=10)
        cifar = UNet(channels=3, widths=(128, 256, 256, 256), blocks=2, attention=3, dropout=0.1)
    million = [sum(p.numel() for p in network.parameters()) / 1e6 for network in (laptop, usual, cifar)]
    assert 0.6 < million[0] < 0.8 and 1.4 < million[1] < 1.7 and 25 < million[2] < 40, million


def test_dropout_only_while_training():
    network, x_t, t = awake(dropout=0.5), noise(2, 1, 8, 8), torch.tensor([1, 2])
    assert torch.equal(network(x_t, t), network(x_t, t))
    network.train()
    assert not torch.equal(network(x_t, t), network(x_t, t))


def test_bfloat16_autocast_stays_near():
    network, x_t, t = awake(), noise(2, 1, 8, 8), torch.tensor([1, 700])
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(x_t, t)
    exact = network(x_t, t)
    assert (rough.float() - exact).square().mean() < 1e-3 * exact.square().mean()


def test_bfloat16_weights_stay_near():
    network, x_t, t = awake(), noise(2, 1, 8, 8), torch.tensor([1, 700])
    exact = network(x_t, t)
    rough = network.bfloat16()(x_t.bfloat16(), t)
    assert (rough.float() - exact).square().mean() < 1e-3 * exact.square().mean()


def test_float64_stays_float64():
    network, x_t, t = awake(), noise(2, 1, 8, 8), torch.tensor([1, 700])
    exact = network.double()(x_t.double(), t)
    assert exact.dtype == torch.float64
    assert_close(network.float()(x_t, t), exact.float(), atol=1e-4, rtol=1e-3)


def test_a_checkpoint_brings_it_back(tmp_path):
    arguments = {**SMALL, "classes": 3}
    network = awake(classes=3)
    record = {"arguments": arguments, "data": "", "steps": 0, "minutes": 0, "device": "cpu", "scores": {}}
    assert json.loads(json.dumps(arguments)) == {**arguments, "widths": [8, 16, 16]}
    again = checkpoints.read(checkpoints.save(tmp_path / "unet.safetensors", network, record), UNet)
    x_t, t = noise(2, 1, 8, 8), torch.tensor([1, 2])
    assert_close(again(x_t, t), network(x_t, t), atol=0.02, rtol=0.02)
    assert again.stem.weight.shape == network.stem.weight.shape
    assert again.middle.conv1.weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "x_t, t, labels, message",
    [
        (noise(2, 3, 8, 8), torch.zeros(2), None, r"x_t \(B, 1, H, W\)"),
        (noise(1, 8, 8), torch.zeros(1), None, r"x_t \(B, 1, H, W\)"),
        (noise(2, 1, 8, 8), torch.zeros(3), None, r"t \(2\)"),
        (noise(2, 1, 8, 8), torch.tensor(3), None, r"t \(2\)"),
        (noise(2, 1, 8, 8), torch.zeros(2), torch.tensor([1]), r"labels must be \(2,\) int64"),
        (noise(2, 1, 8, 8), torch.zeros(2), torch.tensor([1.0, 2.0]), "int64"),
    ],
)
def test_bad_input(x_t, t, labels, message):
    with pytest.raises(ValueError, match=message):
        awake(classes=3)(x_t, t, labels)


@pytest.mark.parametrize("label", [4, -1])
def test_a_class_that_is_not_there_is_refused_by_torch(label):
    with pytest.raises(IndexError):
        awake(classes=3)(noise(2, 1, 8, 8), torch.zeros(2), torch.tensor([1, label]))


def test_labels_without_classes():
    with pytest.raises(ValueError, match="has no classes"):
        awake()(noise(1, 1, 8, 8), torch.tensor([1]), torch.tensor([0]))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"widths": (8, 12)}, "divisible"),
        ({"blocks": 0}, "at least 1"),
        ({"channels": 0}, "at least 1"),
        ({"attention": 4}, "0 to 3 levels"),
        ({"heads": 3}, "3 heads"),
    ],
)
def test_impossible_sizes(arguments, message):
    with pytest.raises(ValueError, match=message):
        UNet(**{**SMALL, **arguments})
