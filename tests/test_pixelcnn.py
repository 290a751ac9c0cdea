"""PixelCNN: masks, what a prediction may see, exact likelihoods, and samplers that must agree to the last pixel."""

import itertools
import json
import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from gencourse import checkpoints, data
from gencourse.expect import ImageError
from gencourse.methods import pixelcnn, pixelcnn_sampling
from gencourse.networks.autoregressive import PixelNetwork
from gencourse.networks.columns import Columns
from gencourse.networks.masked import MaskedConv2d, VerticalConv2d, causal_mask, colour_mask
from gencourse.networks.pixelcnn import GatedPixelCNN, PixelCNN, gate
from gencourse.networks.pixelrnn import PixelRNN, RowLSTM
from gencourse.training.helpers import descend

NETWORKS = [PixelCNN, GatedPixelCNN, PixelRNN]
SAMPLED = [PixelCNN, GatedPixelCNN]


def build(kind: type[PixelNetwork], spread: float = 0.3, **arguments) -> PixelNetwork:
    """A small network in float64 with weights large enough to matter."""
    arguments = {"width": 6, "layers": 3, "first_kernel": 3, "side": 8} | arguments
    network = kind(**arguments).double().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.double) * spread)
    return network


def seed(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def pixels(levels: int, *shape: int) -> torch.Tensor:
    return torch.randint(0, levels, shape, generator=seed(1))


# Masks


def test_masks_as_the_paper_draws_them():
    a, b = causal_mask("A", 5), causal_mask("B", 5)
    assert a.sum() == 12 and b.sum() == 13
    assert a[:2].all() and a[2, :2].all() and not a[2, 2:].any() and not a[3:].any()
    assert b[2, 2] == 1 and torch.equal(a.flatten()[:12], b.flatten()[:12])
    assert causal_mask("A", 1).sum() == 0 and causal_mask("B", 1).sum() == 1


def test_colours_see_the_colours_before_them():
    a, b = colour_mask("A", 3, 3, 3), colour_mask("B", 3, 3, 3)
    assert torch.equal(a, torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 1, 0]]))
    assert torch.equal(b, torch.tensor([[1.0, 0, 0], [1, 1, 0], [1, 1, 1]]))
    assert torch.equal(colour_mask("B", 6, 6, 3), b.repeat(2, 2)), "colours share the channels by turns"
    assert colour_mask("A", 4, 4, 1).sum() == 0 and colour_mask("B", 4, 4, 1).all()


@pytest.mark.parametrize("arguments", [("C", 3), ("a", 3), ("A", 4), ("B", 0)])
def test_masks_of_no_kind(arguments):
    with pytest.raises(ValueError, match="odd size"):
        causal_mask(*arguments)


@pytest.mark.parametrize("kind", ["A", "B"])
@pytest.mark.parametrize("size, colours, dilation", [(3, 1, 1), (5, 1, 2), (7, 3, 1), (1, 3, 1)])
def test_a_masked_convolution_is_the_convolution_with_the_masked_kernel(kind, size, colours, dilation):
    layer = MaskedConv2d(kind, 6, 9, size, colours=colours, dilation=dilation).double()
    x = torch.randn(2, 6, 9, 8, generator=seed(), dtype=torch.double)
    expected = F.conv2d(x, layer.weight * layer.mask, layer.bias, padding=dilation * (size // 2), dilation=dilation)
    assert_close(layer(x), expected)


@pytest.mark.parametrize("kind", ["A", "B"])
def test_a_kernel_of_one_row(kind):
    layer = MaskedConv2d(kind, 4, 6, 5, height=1).double()
    x = torch.randn(2, 4, 3, 8, generator=seed(), dtype=torch.double)
    assert layer.weight.shape == (6, 4, 1, 5)
    assert torch.equal(layer.mask[0, 0], causal_mask(kind, 5)[2:3])
    assert_close(layer(x), F.conv2d(x, layer.weight * layer.mask, layer.bias, padding=(0, 2)))


@pytest.mark.parametrize("kind, dilation", [("A", 1), ("B", 1), ("B", 2)])
def test_a_vertical_convolution_sees_whole_rows_above(kind, dilation):
    layer = VerticalConv2d(kind, 1, 1, 3, dilation=dilation).double()
    torch.nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, 7, 9, dtype=torch.double, requires_grad=True)
    y = layer(x)
    assert y.shape == x.shape
    y[0, 0, 4, 4].backward()
    rows, columns = (x.grad[0, 0].sum(d).nonzero().flatten().tolist() for d in (1, 0))
    assert rows == ([4 - dilation, 4] if kind == "B" else [3])
    assert columns == [4 - dilation, 4, 4 + dilation]


@pytest.mark.parametrize("kind", NETWORKS)
def test_masks_are_never_written_into_the_weights(kind):
    network = kind(width=6, channels=3, levels=4, layers=3)
    layers = [layer for layer in network.modules() if isinstance(layer, MaskedConv2d)]
    with torch.no_grad():
        for layer in layers:
            layer.weight.masked_fill_(layer.mask == 0, 7.0)
    x = pixels(4, 2, 3, 8, 8)
    before = network(x)
    pixelcnn.nll(before, x).sum().backward()
    for layer in layers:
        hidden = layer.mask == 0
        assert (layer.weight[hidden] == 7).all() and (layer.weight.grad[hidden] == 0).all()
        with torch.no_grad():
            layer.weight.masked_fill_(hidden, -1.0)
    assert torch.equal(network(x), before)
    assert not any("mask" in name for name in network.state_dict())


# What a prediction sees


def order(shape: tuple[int, int, int]) -> torch.Tensor:
    """Place of each value of an image in the chain rule: row, column, then colour."""
    c, h, w = shape
    return torch.arange(h * w * c).reshape(h, w, c).permute(2, 0, 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", NETWORKS)
def test_no_prediction_sees_its_pixel_or_a_later_one(kind, channels):
    network, shape = build(kind, channels=channels, width=12), (channels, 4, 5)  # wide: a ReLU may be dead
    place = order(shape)
    for colour, r, c in itertools.product(range(channels), range(4), range(5)):
        seen = pixelcnn.receptive_field(network, shape, (r, c), colour) != 0
        own = place[colour, r, c]
        assert not seen[place > own].any(), f"the future leaks into ({r}, {c}), colour {colour}"
        assert not seen[colour, r, c], "the pixel sees itself"
        near = place == own - 1 if colour else torch.zeros_like(seen)  # the colour before, of the same pixel
        if c:
            near[:, r, c - 1] = True
        if r:
            near[:, r - 1, c] = True
        assert seen[near].all(), f"({r}, {c}), colour {colour}, does not see its neighbours"


def test_the_blind_spot():
    """Both kernels are 3 x 3: the plain network can only go one to the right for each row up."""
    shape, at = (1, 9, 9), (6, 2)
    past = order(shape) < order(shape)[0, 6, 2]
    rows, columns = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="ij")
    wedge = (past[0] & (columns - 2 > 6 - rows))[None]
    plain = pixelcnn.receptive_field(build(PixelCNN, layers=9), shape, at) != 0
    gated = pixelcnn.receptive_field(build(GatedPixelCNN, layers=9), shape, at) != 0
    assert wedge.any() and torch.equal(plain, past & ~wedge)
    assert torch.equal(gated, past)


def test_a_row_lstm_sees_a_triangle():
    network = build(PixelRNN, layers=2)
    seen = pixelcnn.receptive_field(network, (1, 7, 9), (6, 4))[0] != 0
    assert seen[0, 1:8].all() and seen[3, 1:8].all(), "the recurrence reaches the first row"
    assert not seen[5, 7:].any(), "one row up it sees one to the right, plus the first kernel"


def test_a_row_lstm_is_eq_3_written_out():
    torch.manual_seed(0)
    layer = RowLSTM(3, 4, 3).double()
    x = torch.randn(2, 3, 4, 5, dtype=torch.double)
    h = c = torch.zeros(2, 4, 1, 5, dtype=torch.double)
    for r in range(4):
        gates = layer.input_to_state(x[:, :, r : r + 1]) + F.conv2d(h, layer.state_to_state.weight, padding=(0, 1))
        o, f, i = gates[:, :12].sigmoid().chunk(3, 1)
        c = f * c + i * gates[:, 12:].tanh()
        h = o * c.tanh()
        assert_close(layer(x)[:, :, r : r + 1], h)


def test_gate():
    y = torch.randn(2, 6, 3, 3)
    assert_close(gate(y), torch.tanh(y[:, :3]) * torch.sigmoid(y[:, 3:]))


def test_the_size_of_the_image_does_not_change_a_prediction():
    """Coordinates are those of the pixel, not relative to the height: rows that come later may be left out."""
    for kind in NETWORKS:
        network, x = build(kind), pixels(2, 2, 1, 8, 8)
        assert_close(network(x)[..., :3, :], network(x[:, :, :3]))


# Likelihood


@pytest.mark.parametrize("levels, channels", [(2, 1), (3, 1), (2, 2)])
@pytest.mark.parametrize("kind", NETWORKS)
def test_probabilities_of_all_images_sum_to_one(kind, levels, channels):
    network = build(kind, spread=0.6, levels=levels, channels=channels, classes=3)
    every = torch.tensor(list(itertools.product(range(levels), repeat=4 * channels))).view(-1, channels, 2, 2)
    for label in range(3):
        nats = pixelcnn.evaluate(network, every, torch.full((len(every),), label))
        assert abs(nats.neg().exp().sum().item() - 1) < 1e-6
        assert nats.max() - nats.min() > 0.5, "the test says little about a uniform distribution"


def test_nll_adds_up_the_pixels():
    logits, x = torch.randn(2, 3, 1, 2, 2), pixels(3, 2, 1, 2, 2)
    expected = torch.zeros(2)
    for b, r, c in itertools.product(range(2), repeat=3):
        expected[b] -= logits[b, :, 0, r, c].log_softmax(0)[x[b, 0, r, c]]
    assert_close(pixelcnn.nll(logits, x), expected)


def test_bits_and_nats():
    assert pixelcnn.bits_per_dim(784 * math.log(2), 784) == pytest.approx(1)
    uniform = pixelcnn.nll(torch.zeros(1, 256, 3, 4, 4), pixels(256, 1, 3, 4, 4))
    assert_close(pixelcnn.bits_per_dim(uniform, 48), torch.tensor([8.0]))


def test_evaluate_takes_batches_and_leaves_the_mode_alone():
    network, x = build(PixelCNN).train(), pixels(2, 7, 1, 8, 8)
    with torch.no_grad():
        expected = pixelcnn.nll(network(x), x)
    assert_close(pixelcnn.evaluate(network, x, batch_size=3), expected)
    assert network.training


def test_binarise():
    grey = torch.rand(40, 1, 10, 10, generator=seed())
    drawn = pixelcnn.binarise(grey, generator=seed(1))
    assert drawn.dtype == torch.int64 and set(drawn.unique().tolist()) == {0, 1}
    assert torch.equal(drawn, pixelcnn.binarise(grey, generator=seed(1)))
    assert abs((drawn - grey).mean().item()) < 0.03
    assert torch.equal(pixelcnn.binarise(grey, threshold=0.5), (grey > 0.5).long())
    black_and_white = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(9, 1, 8, 2)
    assert torch.equal(pixelcnn.binarise(black_and_white), black_and_white.long())
    with pytest.raises(ImageError):
        pixelcnn.binarise(grey * 255)


def test_the_fixed_sample_of_the_test_digits_does_not_move():
    grey = data.digits("test").unit()[:100]
    x = pixelcnn.static_digits(grey)
    assert torch.equal(x, pixelcnn.static_digits(grey))
    assert x.sum() == 10717


@pytest.mark.parametrize("levels", [2, 8, 256])
def test_quantise_and_back(levels):
    x = torch.arange(levels).view(1, 1, 1, -1)
    assert torch.equal(pixelcnn.quantise(pixelcnn.to_images(x, levels), levels), x)
    grey = torch.rand(2, 3, 4, 4, generator=seed())
    back = pixelcnn.to_images(pixelcnn.quantise(grey, levels), levels)
    assert (back - grey).abs().max() <= 0.5 / (levels - 1) + 1e-6


def test_training_finds_the_entropy_of_a_small_set():
    torch.manual_seed(0)
    x = pixels(2, 4, 1, 5, 5)
    network = GatedPixelCNN(width=12, layers=3, first_kernel=3, side=5)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-2)
    for _ in range(80):
        descend(optimizer, pixelcnn.nll(network(x), x).mean())
    assert math.log(4) - 1e-3 < pixelcnn.evaluate(network, x).mean() < math.log(4) + 0.1


# Sampling


CASES = {
    "binary": {},
    "3 levels, 3 classes": {"levels": 3, "classes": 3},
    "3 colours of 4 levels": {"levels": 4, "channels": 3, "first_kernel": 5},
    "3 colours, 3 classes": {"levels": 5, "channels": 3, "classes": 3},
}


@pytest.fixture(params=itertools.product(SAMPLED, CASES), ids=lambda p: f"{p[0].__name__}, {p[1]}")
def case(request):
    """A network in float32, the shape of some samples, and labels."""
    kind, name = request.param
    network = build(kind, **CASES[name]).float()
    return network, (4, network.channels, 6, 5), torch.arange(4) % 3 if network.classes else None


def test_columns_are_the_network(case):
    network, shape, labels = case[0].double(), case[1], case[2]
    x, written = pixels(network.levels, *shape), torch.zeros(shape, dtype=torch.long)
    with torch.no_grad():
        expected, columns = network(x, labels), Columns(network, written, labels)
        for r, c, k in itertools.product(range(6), range(5), range(network.channels)):
            assert_close(columns(r, c)[:, :, k], expected[:, :, k, r, c])
            written[:, k, r, c] = x[:, k, r, c]


def test_columns_with_dilations():
    network, x = build(GatedPixelCNN, layers=5, dilations=(1, 2, 3)), pixels(2, 2, 1, 9, 9)
    with torch.no_grad():
        columns, expected = Columns(network, x), network(x)
        for r, c in itertools.product(range(9), range(9)):
            assert_close(columns(r, c), expected[..., r, c])


def test_columns_only_go_on():
    columns = Columns(build(PixelCNN), pixels(2, 1, 1, 5, 5))
    with torch.no_grad():
        columns(2, 3)  # catches up on what came before
        with pytest.raises(ValueError, match="lies before"):
            columns(2, 2)


@pytest.mark.parametrize("temperature", [1.0, 0.0])
def test_cached_samples_are_the_naive_ones(case, temperature):
    network, shape, labels = case
    options = {"labels": labels, "temperature": temperature}
    naive = pixelcnn.sample_naive(network, shape, generator=seed(), **options)
    cached = pixelcnn.sample_cached(network, shape, generator=seed(), **options)
    assert naive.shape == shape and naive.dtype == torch.int64
    assert len(naive.unique()) == network.levels or temperature == 0
    assert torch.equal(naive, cached)


@pytest.mark.parametrize(
    "sampler, kept", [(pixelcnn.sample_naive, 17), *((pixelcnn.sample_cached, kept) for kept in (0, 1, 5, 17, 30))]
)
def test_completion_keeps_what_is_given_and_draws_the_rest(case, sampler, kept):
    """Each pixel has its own random number: a sample's own beginning is completed to that sample."""
    network, shape, labels = case
    whole = pixelcnn.sample_cached(network, shape, labels=labels, generator=seed())
    mask = (torch.arange(30) < kept).view(6, 5)
    given = torch.where(mask, whole, network.levels - 1 - whole)  # nonsense where it is hidden
    completed = sampler(network, shape, labels=labels, generator=seed(), given=given, mask=mask)
    assert torch.equal(completed, whole)
    other = sampler(network, shape, labels=labels, generator=seed(5), given=given, mask=mask)
    assert torch.equal(other[..., mask], given[..., mask])


def test_samples_follow_the_likelihood():
    network = build(GatedPixelCNN, spread=0.6)
    every = torch.tensor(list(itertools.product(range(2), repeat=4))).view(-1, 1, 2, 2)
    expected = pixelcnn.evaluate(network, every).neg().exp()
    x = pixelcnn.sample_cached(network, (20_000, 1, 2, 2), generator=seed())
    found = torch.bincount((x.flatten(1) * torch.tensor([8, 4, 2, 1])).sum(1), minlength=16) / len(x)
    assert (found - expected).abs().max() < 0.012  # about three standard errors


def test_temperature_zero_takes_the_most_likely_level():
    network = build(PixelCNN, levels=4)
    x = pixelcnn.sample_cached(network, (3, 1, 6, 6), temperature=0, generator=seed())
    with torch.no_grad():
        assert torch.equal(network(x).argmax(1), x)
    assert (x == x[:1]).all(), "nothing is random"
    assert torch.equal(x, pixelcnn.sample_cached(network, (3, 1, 6, 6), temperature=1e-6, generator=seed(1)))


@pytest.mark.parametrize("sampler", [pixelcnn.sample_naive, pixelcnn.sample_cached])
def test_a_diverged_network_does_not_draw_black(sampler):
    network = build(PixelCNN)
    torch.nn.init.constant_(next(iter(network.parameters())), torch.nan)
    with pytest.raises(ValueError, match="predicts NaN"):
        sampler(network, (2, 1, 4, 4), generator=seed())


def test_low_temperature_raises_the_likelihood():
    network = build(PixelCNN, levels=4)
    nats = [
        pixelcnn.evaluate(network, pixelcnn.sample_cached(network, (50, 1, 6, 6), temperature=t, generator=seed()))
        for t in (0.3, 1.0, 3.0)
    ]
    assert nats[0].mean() < nats[1].mean() < nats[2].mean()


@pytest.mark.parametrize("kept", [0, 7])
def test_close_calls_are_decided_in_float64(monkeypatch, kept):
    network = build(GatedPixelCNN, levels=3, classes=3)
    labels, shape = torch.arange(4) % 3, (4, 1, 5, 6)
    expected = pixelcnn.sample_naive(network, shape, labels=labels, generator=seed())
    options = {"labels": labels, "given": expected, "mask": (torch.arange(30) < kept).view(5, 6)}
    rough = pixelcnn_sampling.Columns

    def columns(network, x, labels):
        """What float32 makes of it is nonsense here, so that only what float64 says can be right."""
        double = network.tail.weight.dtype == torch.double
        return rough(network, x, labels) if double else lambda r, c: torch.zeros(len(x), 3, 1)

    monkeypatch.setattr(pixelcnn_sampling, "Columns", columns)
    assert not torch.equal(pixelcnn.sample_cached(network.float(), shape, generator=seed(), **options), expected)
    monkeypatch.setattr(pixelcnn_sampling, "ROUNDING", 1e9)  # every call is close
    assert torch.equal(pixelcnn.sample_cached(network, shape, generator=seed(), **options), expected)


def test_log_odds_move_by_less_than_the_logits():
    logits = torch.randn(200, 6, generator=seed()) * 5
    moved = logits + (torch.rand(200, 6, generator=seed(1)) * 2 - 1) * 0.01
    shift = (pixelcnn.log_odds(logits, 1.0) - pixelcnn.log_odds(moved, 1.0)).abs()
    assert 0.005 < shift.max() <= 0.02


@pytest.mark.parametrize("sampler", [pixelcnn.sample_naive, pixelcnn.sample_cached])
def test_callbacks_and_modes(sampler):
    network, seen = build(PixelCNN).train(), []
    x = sampler(network, (2, 1, 5, 5), callback=lambda done, x: seen.append((done, x.clone())))
    assert [done for done, _ in seen] == list(range(1, 26)) and torch.equal(seen[-1][1], x)
    assert not seen[6][1].flatten(2)[..., 7:].any(), "pixels to come are still 0"
    assert network.training and not any(p.grad is not None for p in network.parameters())


def test_a_pixelrnn_is_sampled_the_naive_way():
    network = build(PixelRNN, levels=3)
    x = pixelcnn.sample_naive(network, (2, 1, 4, 4), generator=seed())
    mask = torch.arange(16).view(4, 4) < 7
    assert torch.equal(x, pixelcnn.sample_naive(network, (2, 1, 4, 4), generator=seed(), given=x, mask=mask))


def test_a_picture_does_not_depend_on_the_batch_it_is_drawn_in(case):
    network, shape, labels = case
    u = torch.rand(4, 30, network.channels, generator=seed(3), dtype=torch.double)
    at_once = pixelcnn.sample_cached(network, shape, labels=labels, generator=seed(3))
    for batches in ((1, 1, 1, 1), (1, 3), (2, 2)):
        generator, drawn, first = seed(3), [], 0
        for count in batches:
            its = None if labels is None else labels[first : first + count]
            drawn.append(pixelcnn.sample_cached(network, (count, *shape[1:]), labels=its, generator=generator))
            first += count
        assert torch.equal(torch.cat(drawn), at_once)
    with torch.no_grad():
        p = network(at_once[2:3], None if labels is None else labels[2:3])[0].softmax(0)  # (levels, C, H, W)
    passed = (u[2].T.view(-1, 6, 5) >= p.cumsum(0)[:-1]).sum(0)
    assert torch.equal(passed, at_once[2]), "picture i takes the i-th H * W * C numbers"


def test_pictures_of_the_networks_own_size():
    network, labels = build(PixelCNN, levels=3, channels=3, classes=3, side=6), torch.arange(4) % 3
    x = pixelcnn.sample_images(network, 4, labels=labels, generator=seed())
    assert x.shape == (4, 3, 6, 6) and set(x.unique().tolist()) == {0.0, 0.5, 1.0}
    own = [seed(number) for number in (5, 6)]
    levels = pixelcnn.sample_cached(network, (2, 3, 6, 6), labels=labels[:2], generator=own)
    assert torch.equal(pixelcnn.sample_images(network, 2, labels=labels[:2], seeds=[5, 6]), levels / 2)


# Classes, arguments, bad input


@pytest.mark.parametrize("kind", NETWORKS)
def test_labels_matter_from_the_first_pixel(kind):
    network, x = build(kind, classes=4), torch.zeros(4, 1, 6, 6, dtype=torch.long)
    logits = network(x, torch.arange(4))
    assert len(logits[:, 0, 0, 0, 0].unique()) == 4 and len(logits[:, 0, 0, 5, 5].unique()) == 4


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_checkpoint_rebuilds_the_network(kind, tmp_path):
    arguments = {"levels": 4, "channels": 3, "width": 6, "layers": 3, "classes": 2, "side": 9}
    if kind is GatedPixelCNN:
        arguments["dilations"] = [1, 2]
    network = kind(**json.loads(json.dumps(arguments)))
    record = {"arguments": arguments, "data": "", "steps": 0, "minutes": 0, "device": "cpu", "scores": {}}
    back = checkpoints.read(checkpoints.save(tmp_path / "x.safetensors", network, record), kind)
    x, labels = pixels(4, 2, 3, 9, 9), torch.tensor([0, 1])
    assert_close(back(x, labels), network.half().float()(x, labels))


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize(
    "x, message",
    [
        (torch.rand(1, 1, 8, 8), "integers from 0 to 2, got torch.float32"),
        (torch.ones(1, 1, 8, 8, dtype=torch.bool), "integers from 0 to 2, got torch.bool"),
        (torch.full((1, 1, 8, 8), 3), "between 0 and 2, got 3 to 3"),
        (torch.full((1, 1, 8, 8), -1), "between 0 and 2, got -1 to -1"),
        (torch.zeros(1, 1, 8, 3, dtype=torch.long), "with sides of at least 4 pixels"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.long), r"expected pixels \(B, 1, H, W\)"),
        (torch.zeros(8, 8, dtype=torch.long), r"got shape \(8, 8\)"),
    ],
)
def test_bad_pixels(kind, x, message):
    with pytest.raises(ValueError, match=message):
        kind(levels=3, width=4, layers=2, first_kernel=7)(x)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"levels": 1}, "2 to 256 levels"),
        ({"levels": 257}, "2 to 256 levels"),
        ({"width": 8, "channels": 3}, "divisible by channels"),
        ({"layers": 1}, "2 layers"),
        ({"kernel": 4}, "odd sides"),
        ({"first_kernel": 1}, "odd sides of at least 3"),
    ],
)
def test_bad_arguments(arguments, message):
    for kind in NETWORKS:
        with pytest.raises(ValueError, match=message):
            kind(**arguments)


@pytest.mark.parametrize("kind, size, height", [("A", 4, None), ("A", 5, 2), ("B", 5, 7), ("B", 3, 0)])
def test_kernels_of_no_size(kind, size, height):
    with pytest.raises(ValueError, match="odd"):
        MaskedConv2d(kind, 1, 1, size, height=height)


@pytest.mark.parametrize("kind, size", [("A", 4), ("A", 1), ("B", 2)])
def test_vertical_kernels_of_no_size(kind, size):
    with pytest.raises(ValueError, match="odd"):
        VerticalConv2d(kind, 1, 1, size)


def test_bad_labels():
    x = torch.zeros(2, 1, 8, 8, dtype=torch.long)
    with pytest.raises(ValueError, match="leave labels out"):
        build(PixelCNN)(x, torch.zeros(2, dtype=torch.long))
    network = build(GatedPixelCNN, classes=3)
    for labels, message in [
        (None, "labels .* are needed"),
        (torch.tensor([1]), r"labels must be \(2,\) int64"),
        (torch.tensor([0, 3]), r"must lie in \[0, 3\), got 0 to 3"),
        (torch.tensor([0, -1]), "must lie in"),
        (torch.tensor([0.0, 1.0]), "int64"),
    ]:
        with pytest.raises(ValueError, match=message):
            network(x, labels)


@pytest.mark.parametrize(
    "x", [torch.zeros(2, 1, 4, 5, dtype=torch.long), torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), 2)]
)
def test_bad_likelihoods_are_refused_by_torch(x):
    with pytest.raises((RuntimeError, IndexError)):
        pixelcnn.nll(torch.zeros(2, 2, 1, 4, 4), x)


@pytest.mark.parametrize("kind", NETWORKS)
def test_values_are_looked_at_in_the_first_pass_alone(kind):
    """The meta device stands for an accelerator: it has no values, so that looking at one is an error."""
    x, labels = torch.zeros(2, 1, 8, 8, dtype=torch.long), torch.zeros(2, dtype=torch.long)
    network = kind(levels=3, width=4, layers=2, classes=3)
    for _ in range(2):  # until a pass has gone well
        with pytest.raises(ValueError, match="between 0 and 2, got 3 to 3"):
            network(x + 3, labels)
    network(x, labels)
    network, far, asked = network.to("meta"), x.to("meta"), labels.to("meta")
    assert pixelcnn.nll(network(far, asked), far).shape == (2,)
    network.checked = False
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        network(far, asked)
    with pytest.raises(ValueError, match="expected .* got shape"):
        network(far[0], asked)


def test_values_are_looked_at_before_the_work_whatever_device_the_network_is_on():
    network = build(GatedPixelCNN, classes=3).to("meta")
    network.checked = True
    x, labels = torch.zeros(2, 1, 8, 8, dtype=torch.long), torch.tensor([0, 3])
    with pytest.raises(ValueError, match="must lie in"):
        pixelcnn.evaluate(network, x, labels)
    with pytest.raises(ValueError, match="between 0 and 1, got 2 to 2"):
        pixelcnn.evaluate(network, x + 2, labels.clamp(max=2))
    for sampler in (pixelcnn.sample_naive, pixelcnn.sample_cached):
        with pytest.raises(ValueError, match="must lie in"):
            sampler(network, tuple(x.shape), labels=labels)


UPPER = torch.arange(64).view(8, 8) < 32


@pytest.mark.parametrize("sampler", [pixelcnn.sample_naive, pixelcnn.sample_cached])
@pytest.mark.parametrize(
    "options, message",
    [
        ({"mask": UPPER}, r"give \(2, 1, 8, 8\) and a mask"),
        ({"given": torch.zeros(2, 1, 8, 8, dtype=torch.long)}, r"give \(2, 1, 8, 8\) and a mask"),
        ({"given": torch.zeros(1, 1, 8, 8, dtype=torch.long), "mask": UPPER}, r"give \(2, 1, 8, 8\) and a mask"),
        ({"given": torch.zeros(2, 1, 8, 8, dtype=torch.long), "mask": UPPER[:4]}, r"a mask \(8, 8\) bool"),
        ({"given": torch.zeros(2, 1, 8, 8, dtype=torch.long), "mask": UPPER.long()}, r"a mask \(8, 8\) bool"),
        ({"given": torch.zeros(2, 1, 8, 8, dtype=torch.long), "mask": ~UPPER}, "raster order"),
        ({"given": torch.zeros(2, 1, 8, 8, dtype=torch.long), "mask": UPPER.T}, "raster order"),
        ({"given": torch.zeros(2, 1, 8, 8), "mask": UPPER}, "pixels are integers"),
        ({"given": torch.full((2, 1, 8, 8), 2), "mask": UPPER}, "between 0 and 1"),
        ({"temperature": -1.0}, "temperature"),
        ({"labels": torch.zeros(2, dtype=torch.long)}, "leave labels out"),
    ],
)
def test_bad_sampling(sampler, options, message):
    with pytest.raises(ValueError, match=message):
        sampler(build(PixelCNN), (2, 1, 8, 8), **options)


def test_samples_of_wrong_shapes():
    with pytest.raises(ValueError, match=r"expected pixels \(B, 1, H, W\)"):
        pixelcnn.sample_cached(build(PixelCNN), (2, 3, 8, 8))
    with pytest.raises(ValueError, match="with sides of at least 2 pixels"):
        pixelcnn.sample_cached(build(PixelCNN), (2, 1, 1, 8))
    with pytest.raises(ValueError, match="PixelRNN cannot be evaluated pixel by pixel"):
        pixelcnn.sample_cached(build(PixelRNN), (2, 1, 8, 8))


# The shipped model


@pytest.mark.skipif(
    not (checkpoints.folder() / "pixelcnn_digits.safetensors").exists(), reason="pixelcnn_digits is not trained yet"
)
def test_the_shipped_model_reaches_its_figure():
    path = checkpoints.folder() / "pixelcnn_digits.safetensors"
    scores = checkpoints.read_record(path)["scores"]
    told = next(value for name, value in scores.items() if "500 of the embedded" in name)
    x = pixelcnn.static_digits(data.digits("test").unit()[:500])
    assert pixelcnn.evaluate(checkpoints.read(path, PixelCNN), x).mean().item() == pytest.approx(told, abs=0.05)
    assert path.stat().st_size <= 3_000_000
    assert next(value for name, value in scores.items() if "MNIST test" in name) <= 81.3
