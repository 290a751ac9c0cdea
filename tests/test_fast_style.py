"""Style transfer in one pass: its objective is chapter 01's, it learns, styles keep apart, any size is painted."""

import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gencourse.expect import ImageError, UnknownName
from gencourse.methods import fast_style, many_styles, style
from gencourse.networks.features import embedded_extractor
from gencourse.networks.stylenet import TransformerNet
from gencourse.networks.vgg import VGG
from gencourse.training.crops import Crops
from gencourse.training.fit import fit
from gencourse.training.helpers import Average


@pytest.fixture(scope="module")
def extractor():
    torch.manual_seed(0)
    return embedded_extractor(VGG(((4, 4), (6, 6), (8, 8), (8, 8), (8,)))).normalise([torch.rand(1, 3, 48, 48)])


def photographs(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


PAINTINGS = [photographs(1, 3, 40, 36, seed=7), photographs(1, 3, 32, 52, seed=8) * 0.3]


def network(styles: int | list[str] = 2) -> TransformerNet:
    torch.manual_seed(1)
    found = TransformerNet(width=4, blocks=1, styles=styles)
    for norm in found.norms():
        for row in [*norm.gamma, *norm.beta]:
            nn.init.normal_(row, 1.0, 0.3)
    return found


def adam(*things: nn.Module | list[nn.Parameter]) -> torch.optim.Optimizer:
    weights = [w for thing in things for w in (thing.parameters() if isinstance(thing, nn.Module) else thing)]
    return torch.optim.Adam(weights, lr=3e-3)


def test_for_one_picture_the_objective_is_chapter_01_s(extractor):
    x, y = photographs(1, 3, 32, 40), photographs(1, 3, 32, 40, seed=1)
    targets = style.find_targets(extractor, x, [(PAINTINGS[0], 1.0)])
    expected = style.losses(extractor, y, targets)
    grams = fast_style.style_grams(extractor, PAINTINGS[:1])
    found = fast_style.perceptual_objective(extractor, y * 2 - 1, x * 2 - 1, grams, 0.3)
    mean = sum(expected[layer] for layer in extractor.style_layers) / 5
    assert_close(found["content"], expected["content"])
    assert_close(found["style"], mean)
    assert_close(found["total"], 0.3 * expected["content"] + mean)


def test_for_a_batch_it_is_the_mean_and_each_picture_has_its_own_style(extractor):
    x, y = photographs(3, 3, 32, 32) * 2 - 1, photographs(3, 3, 32, 32, seed=1) * 2 - 1
    grams = fast_style.style_grams(extractor, PAINTINGS)
    wanted = {layer: gram[[1, 0, 1]] for layer, gram in grams.items()}
    found = fast_style.perceptual_objective(extractor, y, x, wanted, 0.3)
    alone = [
        fast_style.perceptual_objective(
            extractor, y[i : i + 1], x[i : i + 1], {k: g[i : i + 1] for k, g in wanted.items()}, 0.3
        )
        for i in range(3)
    ]
    for name, value in found.items():
        assert_close(value, torch.stack([one[name] for one in alone]).mean())


def test_no_gradient_reaches_the_photographs(extractor):
    x, y = ((photographs(1, 3, 32, 32, seed=i) * 2 - 1).requires_grad_() for i in range(2))
    grams = fast_style.style_grams(extractor, PAINTINGS[:1])
    fast_style.perceptual_objective(extractor, y, x, grams, 0.3)["total"].backward()
    assert x.grad is None and y.grad.abs().sum() > 0


def test_gram_matrices_of_one_style_do_not_serve_two_pictures(extractor):
    """torch would repeat them and say nothing."""
    x = photographs(2, 3, 32, 32) * 2 - 1
    with pytest.raises(ImageError, match="two tensors of one shape"):
        fast_style.perceptual_objective(extractor, x, x, fast_style.style_grams(extractor, PAINTINGS[:1]), 0.3)


def trained(extractor, steps: int, *, save_to=None, **options):
    net = network()
    optimizer = adam(net)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
    options = {"average": Average(net), "schedules": (schedule,)} | options
    grams = fast_style.style_grams(extractor, PAINTINGS)
    step = fast_style.FastStyleStep(net, extractor, grams, optimizer, generator=torch.Generator(), **options)
    crops = Crops([photographs(1, 3, 40, 44)], 2, 32)
    return net, fit(step, crops, steps=steps, state=step.state, save_to=save_to, show=False)


def test_the_objective_falls(extractor):
    _, history = trained(extractor, 30)
    assert set(history) == {"total", "content", "style"}
    assert sum(history["total"][-5:]) < 0.8 * sum(history["total"][:5])


def test_a_killed_training_goes_on(extractor, tmp_path):
    whole, _ = trained(extractor, 6)
    trained(extractor, 3, save_to=tmp_path / "run.pt")
    again, _ = trained(extractor, 6, save_to=tmp_path / "run.pt")
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_step_looks_at_its_first_batch(extractor):
    net, grams = network(), fast_style.style_grams(extractor, PAINTINGS)
    step = fast_style.FastStyleStep(net, extractor, grams, adam(net))
    with pytest.raises(ImageError, match=r"expected values in \[-1, 1\]"):
        step(photographs(1, 3, 32, 32) * 3)
    with pytest.raises(ImageError, match="of at least 32 pixels"):
        step(photographs(1, 3, 16, 16))


def test_as_many_gram_matrices_as_styles(extractor):
    net = network(3)
    with pytest.raises(ValueError, match="expected Gram matrices of 3 styles"):
        fast_style.FastStyleStep(net, extractor, fast_style.style_grams(extractor, PAINTINGS), adam(net))


@pytest.mark.parametrize("size", [(8, 8), (9, 11), (30, 41), (16, 12)])
def test_any_size_is_painted_and_comes_back(size):
    net, x = network(), photographs(2, 3, *size)
    y = fast_style.stylize_fast(x, net, 1)
    assert y.shape == x.shape and y.min() >= 0 and y.max() <= 1
    if size == (16, 12):
        assert_close(y, (net(x * 2 - 1, torch.tensor([1, 1])) + 1) / 2)


def test_the_part_that_was_mirrored_is_cut_off_at_the_far_sides():
    """The same as painting the mirrored picture, and taking its upper left."""
    net, x = network(), photographs(1, 3, 14, 19)
    whole = torch.nn.functional.pad(x, (0, 1, 0, 2), mode="reflect")
    assert_close(fast_style.stylize_fast(x, net), fast_style.stylize_fast(whole, net)[..., :14, :19])


def test_styles_by_name_place_and_weights():
    net, x = network(["wave", "wheat"]), photographs(1, 3, 16, 16)
    paint = fast_style.stylize_fast
    assert torch.equal(paint(x, net, "wheat"), paint(x, net, 1))
    assert_close(paint(x, net, {"wave": 0.0, "wheat": 1.0}), paint(x, net, 1))
    between = paint(x, net, {"wave": 0.5, "wheat": 0.5})
    pictures = (paint(x, net, 0) + paint(x, net, 1)) / 2
    assert (between - pictures).abs().mean() > 1e-3, "the parameters are mixed, not the pictures"


@pytest.mark.parametrize("style", ["monet", 2, -1])
def test_a_style_that_the_network_does_not_have(style):
    with pytest.raises(UnknownName, match=rf"unknown style {style!r}.* Known: wave, wheat"):
        fast_style.stylize_fast(photographs(1, 3, 16, 16), network(["wave", "wheat"]), style)


@pytest.mark.parametrize("weights", [{0: 0.5}, {0: 0.7, 1: 0.7}, {0: 1.5, 1: -0.5}, {}, {0: float("nan"), 1: 0.5}])
def test_weights_that_do_not_sum_to_one(weights):
    with pytest.raises(ValueError, match="the weights of styles are at least 0 and sum to 1, got"):
        fast_style.stylize_fast(photographs(1, 3, 16, 16), network(), weights)


def test_pictures_that_cannot_be_painted():
    with pytest.raises(ImageError, match="of at least 8 pixels"):
        fast_style.stylize_fast(photographs(1, 3, 7, 16), network())
    with pytest.raises(ImageError, match="expected values in"):
        fast_style.stylize_fast(photographs(1, 3, 16, 16) * 255, network())


def test_worth():
    losses = [0.9, 0.5, 0.6, 0.3]
    assert [fast_style.steps_worth(losses, v) for v in (1.0, 0.9, 0.55, 0.5, 0.4, 0.3, 0.2)] == [1, 1, 2, 2, 4, 4, None]


def test_the_receptive_field_of_the_network():
    """In closed form, against the pixels that move one output; without the normalisation, which sees all of them."""
    net = TransformerNet(width=2, blocks=2)
    layers = [("conv", 9, 1), ("conv", 3, 2), ("conv", 3, 2), *[("residual", 3, 1)] * 2]
    layers += [("enlarge", 1, 2), ("conv", 3, 1), ("enlarge", 1, 2), ("conv", 3, 1), ("conv", 9, 1)]
    expected = fast_style.receptive_field(layers)
    assert expected == 61
    sides = []
    for part in net.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.constant_(part.weight, 0.01)
            part.padding_mode = "zeros"
    for place in range(62, 66):  # where pixels are repeated, places differ by what they see
        x = torch.zeros(1, 3, 128, 128, requires_grad=True)
        h = x
        for layer in net.layers[:3]:
            h = layer.conv(h)
        for block in net.layers[3:5]:
            h = h + block.second.conv(block.first.conv(h))
        for layer in net.layers[5:]:
            h = layer.conv(nn.functional.interpolate(h, scale_factor=2.0))
        net.last(h)[0, 0, place, place].backward()
        sides.append(int((x.grad[0, 0].abs().sum(0) > 0).sum()))
    assert min(sides) <= expected <= max(sides) and max(sides) - min(sides) <= 8


def test_two_convolutions_see_what_one_larger_does():
    assert fast_style.receptive_field([("conv", 3, 1)] * 2) == fast_style.receptive_field([("conv", 5, 1)]) == 5
    assert fast_style.receptive_field([("residual", 3, 1)]) == 5
    assert fast_style.receptive_field([("conv", 3, 2), ("conv", 3, 1)]) == 7
    assert fast_style.receptive_field([]) == 1


def test_one_style_learns_and_nothing_else_moves(extractor):
    net = network(3)
    before = copy.deepcopy(net)
    optimizer = adam(net)  # its momentum knows all rows
    grams = fast_style.style_grams(extractor, [*PAINTINGS, PAINTINGS[0]])
    fast_style.FastStyleStep(net, extractor, grams, optimizer)(photographs(2, 3, 32, 32))
    before.load_state_dict(net.state_dict())
    own = many_styles.style_parameters(net, 1)
    assert len(own) == 2 * len(net.norms()) and all(a is b for a, b in zip(own, net.rows(1), strict=True))
    assert {id(p) for p in net.parameters() if p.requires_grad} == {id(p) for p in own}
    one = {layer: gram[1:2] for layer, gram in grams.items()}
    step = fast_style.FastStyleStep(net, extractor, one, adam(own), styles=[1])
    for _ in range(2):
        step(photographs(2, 3, 32, 32))
    moved = {name for name, x in net.named_parameters() if not torch.equal(x, before.get_parameter(name))}
    assert moved == {name for name, _ in net.named_parameters() if name.endswith((".gamma.1", ".beta.1"))}


def test_morphing():
    net, x = network(2), photographs(1, 3, 16, 16)
    a, b = net.rows(0), net.rows(1)
    for share, expected in [(0.0, 0), (1.0, 1), (0.3, {0: 0.7, 1: 0.3})]:
        between = net.with_style("between", many_styles.morph(a, b, share))
        assert_close(fast_style.stylize_fast(x, between, 2), fast_style.stylize_fast(x, net, expected))


def test_a_style_is_added_and_the_old_ones_stay(extractor):
    net, x = network(2), photographs(1, 3, 16, 16)
    before = copy.deepcopy(net)
    grown = many_styles.add_style(
        net, "new", PAINTINGS[0], extractor, [photographs(1, 3, 40, 40)], steps=4, batch=1, size=32, show=False
    )
    assert grown.names == ("style 0", "style 1", "new")
    for k in range(2):
        assert torch.equal(fast_style.stylize_fast(x, grown, k), fast_style.stylize_fast(x, before, k))
    mean = before.with_style("mean", [(a + b) / 2 for a, b in zip(before.rows(0), before.rows(1), strict=True)])
    assert not torch.equal(fast_style.stylize_fast(x, grown, 2), fast_style.stylize_fast(x, mean, 2))
    assert all(p.requires_grad for p in grown.parameters())
