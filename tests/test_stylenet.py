"""The network of fast style transfer: layers and sizes, what its normalisation does, and that styles keep apart."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from gencourse import checkpoints
from gencourse.networks.stylenet import ConditionalInstanceNorm2d, TransformerNet, conditional_instance_norm


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def tables(styles: int, channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    return torch.randn(styles, channels, generator=g), torch.randn(styles, channels, generator=g)


def several(styles: int = 3, **arguments) -> TransformerNet:
    """A small network whose styles differ."""
    torch.manual_seed(0)
    network = TransformerNet(width=4, blocks=1, styles=styles, **arguments)
    for norm in network.norms():
        for row in [*norm.gamma, *norm.beta]:
            nn.init.normal_(row)
    return network


def weights_of(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize("format", [torch.contiguous_format, torch.channels_last])
def test_each_picture_is_normalised_by_itself_in_its_own_style(format):
    x, (gamma, beta), styles = pictures(4, 5, 6, 7) * 3 + 1, tables(3, 5), torch.tensor([2, 0, 2, 1])
    found = conditional_instance_norm(x.contiguous(memory_format=format), gamma, beta, styles)
    for i, style in enumerate(styles):
        assert_close(found[i : i + 1], F.instance_norm(x[i : i + 1], weight=gamma[style], bias=beta[style]))


def test_weights_mix_gamma_and_beta():
    x, (gamma, beta) = pictures(2, 4, 5, 5), tables(3, 4)
    weights = torch.tensor([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
    found = conditional_instance_norm(x, gamma, beta, weights)
    assert_close(found[1:], conditional_instance_norm(x[1:], gamma, beta, torch.tensor([1])))
    assert_close(found[0], F.instance_norm(x[:1], weight=weights[0] @ gamma, bias=weights[0] @ beta)[0])


def test_a_flat_channel_gives_beta_and_a_gradient_without_nan():
    x = torch.full((1, 2, 4, 4), 0.3, requires_grad=True)
    gamma, beta = tables(1, 2)
    y = conditional_instance_norm(x, gamma, beta, torch.tensor([0]))
    assert_close(y, beta[0].view(1, 2, 1, 1).expand_as(y))
    y.square().sum().backward()
    assert x.grad.isfinite().all()


def test_it_begins_as_instance_normalisation():
    x = pictures(2, 3, 5, 6)
    assert_close(ConditionalInstanceNorm2d(3, 2)(x, torch.tensor([0, 1])), F.instance_norm(x))


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (2, 3, 16, 24), (3, 3, 32, 20)])
def test_a_painting_has_the_size_of_its_photograph(shape):
    y = TransformerNet(width=4, blocks=1)(pictures(*shape))
    assert y.shape == shape and y.abs().max() <= 1


def test_layers_and_weights():
    """Reckoned by hand for width 12 and four blocks: 197,643 shared weights and 504 channels that are normalised."""
    one, seven = TransformerNet(), TransformerNet(styles=7)
    assert weights_of(one) == 197_643 + 2 * 504 and weights_of(seven) == 197_643 + 7 * 2 * 504
    convolutions = [m for m in one.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.out_channels, c.kernel_size[0], c.stride[0]) for c in convolutions] == [
        *[(12, 9, 1), (24, 3, 2), (48, 3, 2)],
        *[(48, 3, 1)] * 8,
        *[(24, 3, 1), (12, 3, 1), (3, 9, 1)],
    ]
    assert {c.padding_mode for c in convolutions} == {"reflect"}
    assert len(one.norms()) == len(convolutions) - 1, "all but the last convolution are normalised"


def test_the_pictures_of_a_batch_do_not_mix():
    network, x, styles = several(), pictures(3, 3, 16, 16), torch.tensor([1, 0, 2])
    assert_close(network(x, styles)[1:2], network(x[1:2], styles[1:2]), atol=1e-5, rtol=1e-4)


def test_every_normalisation_knows_the_style():
    """A network that is conditioned in its last layers alone has styles that differ little."""
    for i in range(len(several().norms())):
        network = several()
        before = network(pictures(1, 3, 16, 16), torch.tensor([1]))
        with torch.no_grad():
            network.norms()[i].gamma[1] += 1
        x = pictures(1, 3, 16, 16)
        assert not torch.equal(network(x, torch.tensor([1])), before)
        assert torch.equal(network(x, torch.tensor([0])), several()(x, torch.tensor([0])))


def test_a_weight_of_one_is_the_style():
    network, x = several(), pictures(2, 3, 16, 12)
    assert_close(network(x, torch.eye(3)[[2, 0]]), network(x, torch.tensor([2, 0])))


def test_gradients_reach_every_weight():
    network = several(2)
    (network(pictures(2, 3, 16, 16), torch.tensor([0, 1])) * pictures(2, 1, 1, 1)).square().mean().backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    assert not still, f"no gradient reaches {still}"


def test_another_style_gets_no_gradient():
    network = several()
    network(pictures(2, 3, 16, 16), torch.tensor([1, 1])).square().mean().backward()
    for k, moves in enumerate([False, True, False]):
        assert all(bool(row.grad.abs().sum() > 0) == moves for row in network.rows(k))


def test_one_more_style():
    network, x = several(2), pictures(1, 3, 16, 16)
    grown = network.with_style("third", [2 * row for row in network.rows(1)])
    assert grown.names == ("style 0", "style 1", "third") and network.names == ("style 0", "style 1")
    for k in range(2):
        assert torch.equal(grown(x, torch.tensor([k])), network(x, torch.tensor([k])))
    assert all(torch.equal(new, 2 * old) for new, old in zip(grown.rows(2), network.rows(1), strict=True))
    with torch.no_grad():
        grown.rows(0)[0].zero_()
    assert (network.rows(0)[0] != 0).any(), "a copy"


def test_rows_that_do_not_fit():
    network = several(2)
    with pytest.raises(ValueError, match="expected a new name beside style 0, style 1, and 14 rows"):
        network.with_style("style 1", network.rows(0))
    with pytest.raises(ValueError, match="14 rows of this network's channels"):
        network.with_style("third", network.rows(0)[:-1])


def test_the_record_builds_it_again(tmp_path):
    network = TransformerNet(width=4, blocks=2, styles=["wave", "wheat"])
    record = dict.fromkeys(checkpoints.NEEDED, 0) | {"arguments": network.arguments}
    found = checkpoints.read(checkpoints.save(tmp_path / "x.safetensors", network, record), TransformerNet)
    assert found.names == ("wave", "wheat")
    x = pictures(2, 3, 16, 16)
    assert_close(found(x, torch.tensor([0, 1])), network(x, torch.tensor([0, 1])), atol=1e-2, rtol=1e-2)
    wanted = {f"layers.{i}.conv.weight" for i in (0, 1, 2, 5, 6)} | {"last.weight", "last.bias"}
    wanted |= {f"layers.{i}.{part}.conv.weight" for i in (3, 4) for part in ("first", "second")}
    wanted |= {
        f"layers.{place}.norm.{kind}.{style}"
        for place in (0, 1, 2, "3.first", "3.second", "4.first", "4.second", 5, 6)
        for kind in ("gamma", "beta")
        for style in (0, 1)
    }
    assert set(found.state_dict()) == wanted, "shipped files have these names"


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 1, 16, 16), (1, 3, 4, 16), (1, 3, 16, 18)])
def test_pictures_that_it_does_not_take(shape):
    with pytest.raises(ValueError, match=r"\(B, 3, H, W\) with sides of at least 8 pixels that 4 divides; got shape"):
        TransformerNet(width=2, blocks=0)(pictures(*shape))


@pytest.mark.parametrize("styles", [None, torch.tensor([0]), torch.tensor([0.0, 1.0]), torch.zeros(2, 2), 1])
def test_styles_that_it_does_not_take(styles):
    with pytest.raises(ValueError, match=r"styles must be \(2,\) int64 or weights \(2, 3\), got"):
        several(3)(pictures(2, 3, 8, 8), styles)


@pytest.mark.parametrize("arguments", [{"width": 0}, {"blocks": -1}, {"styles": 0}, {"styles": []}])
def test_networks_that_cannot_be(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a whole number of at least"):
        TransformerNet(**arguments)


def test_two_styles_of_one_name():
    with pytest.raises(ValueError, match="each style needs a name of its own, got wave, wave"):
        TransformerNet(styles=["wave", "wave"])
