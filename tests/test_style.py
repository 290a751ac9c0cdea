"""Losses against their formulas, and what the optimiser must do to a picture."""

import inspect
from functools import partial

import pytest
import torch

from gencourse.expect import ImageError
from gencourse.images import resize
from gencourse.methods import style
from gencourse.networks.features import embedded_extractor
from gencourse.networks.vgg import VGG

ALPHA = inspect.signature(style.stylize).parameters["alpha"].default


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    net = VGG(((8, 8), (12, 12), (16, 16), (16, 16), (16,)))
    return embedded_extractor(net).normalise([torch.rand(1, 3, 48, 48)])


@pytest.fixture(scope="module")
def pictures():
    g = torch.Generator().manual_seed(1)
    content = torch.rand(1, 3, 48, 64, generator=g)
    painting = torch.zeros(1, 3, 40, 40)
    painting[:, 0, ::4], painting[:, 2, :, ::5] = 1, 0.8
    return content, painting


@pytest.mark.parametrize("shape", [(1, 2, 3, 5), (2, 4, 6, 6), (1, 1, 1, 9)])
def test_gram_matrix_is_the_mean_outer_product(shape):
    f = torch.randn(shape)
    expected = torch.zeros(shape[0], shape[1], shape[1])
    for b in range(shape[0]):
        for r in range(shape[2]):
            for c in range(shape[3]):
                expected[b] += torch.outer(f[b, :, r, c], f[b, :, r, c]) / (shape[2] * shape[3])
    torch.testing.assert_close(style.gram_matrix(f), expected)
    torch.testing.assert_close(style.gram_matrix(f.contiguous(memory_format=torch.channels_last)), expected)


def test_style_loss_is_the_papers_when_sizes_agree():
    f, a = torch.rand(1, 3, 4, 5), torch.rand(1, 3, 4, 5)
    n, m = 3, 20
    big = [x.flatten(2) @ x.flatten(2).mT for x in (f, a)]
    expected = (big[0] - big[1]).square().sum() / (4 * n**2 * m**2)
    torch.testing.assert_close(style.style_loss(style.gram_matrix(f), style.gram_matrix(a)), expected)


def test_content_loss_sums_channels_and_averages_positions():
    f, p = torch.rand(1, 3, 4, 5), torch.rand(1, 3, 4, 5)
    torch.testing.assert_close(style.content_loss(f, p), (f - p).square().sum() / 20)


def test_total_variation_of_a_ramp():
    ramp = torch.arange(6.0).view(1, 1, 1, 6).expand(1, 2, 5, 6)
    torch.testing.assert_close(style.total_variation(ramp), torch.tensor(1.0))


def test_mixed_targets_give_the_gradient_of_the_weighted_losses(network, pictures):
    content, first = pictures
    second = torch.rand(1, 3, 52, 44)
    x = content.clone().requires_grad_()
    mixed = style.find_targets(network, content, [(first, 3.0), (second, 1.0)])
    (one,) = torch.autograd.grad(sum(style.losses(network, x, mixed)[k] for k in network.style_layers), x)
    two = 0
    for image, weight in ((first, 0.75), (second, 0.25)):
        targets = style.find_targets(network, content, [(image, 1.0)])
        loss = sum(style.losses(network, x, targets)[k] for k in network.style_layers)
        two = two + weight * torch.autograd.grad(loss, x)[0]
    torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("optimizer", [style.lbfgs, style.adam])
def test_stylize_lowers_the_loss_and_leaves_its_inputs_alone(network, pictures, optimizer):
    content, painting = (x.clone() for x in pictures)
    x, history = style.stylize(content, painting, network, steps=25, optimizer=optimizer, show=False)
    assert history["total"][-1] < 0.7 * history["total"][0]
    assert x.shape == content.shape and x.min() >= 0 and x.max() <= 1 and not x.requires_grad
    assert torch.equal(content, pictures[0]) and torch.equal(painting, pictures[1])
    assert len(history["total"]) == 25 and set(history) == {"total", "content", *network.style_layers}


def test_the_picture_that_comes_back_is_the_picture_whose_loss_was_found(network, pictures):
    """White and black in both pictures: free pixels would leave the range, and their loss would be another."""
    content, painting = (x.round() for x in pictures)
    targets = style.find_targets(network, content, [(painting, 1.0)])
    x, history = style.stylize(content, painting, network, relative=False, smoothness=0, steps=15, show=False)
    shown = style.losses(network, x, targets)
    assert {name: value.item() for name, value in shown.items()} == pytest.approx(
        {name: history[name][-1] for name in shown}, rel=1e-3
    )


def test_relative_losses_are_one_where_the_network_sees_nothing(network, pictures):
    content, painting = pictures
    targets = style.find_targets(network, content, [(painting, 1.0)])
    weights = style.relative_weights(targets)
    for name, a in targets.style.items():
        g = torch.rand_like(a)
        expected = (g - a).square().sum() / a.square().sum()
        torch.testing.assert_close(weights[name] * style.style_loss(g, a), expected)
    (p,) = targets.content.values()
    torch.testing.assert_close(weights["content"] * style.content_loss(2 * p, p), torch.tensor(1.0))


def test_relative_losses_do_not_depend_on_the_scale_of_a_layer(network, pictures, monkeypatch):
    """A network whose layers answer a hundred times as loudly finds the same picture."""
    options = {"steps": 8, "show": False}
    quiet = style.stylize(*pictures, network, **options).image
    monkeypatch.setattr(network, "scale", {layer: value / 100 for layer, value in network.scale.items()})
    loud = style.stylize(*pictures, network, **options).image
    assert (quiet - loud).abs().mean() < 1e-2
    options["relative"] = False
    assert (style.stylize(*pictures, network, **options).image - quiet).abs().mean() > 1e-2


def test_a_layer_that_says_nothing_does_no_harm(network):
    black = torch.zeros(1, 3, 40, 40)
    silent = embedded_extractor(VGG(((4, 4), (4, 4), (4, 4), (4, 4), (4,))))
    with torch.no_grad():
        for parameter in silent.parameters():
            parameter.zero_()
    assert torch.isfinite(style.stylize(black, black, silent, steps=2, show=False).image).all()


def minimum(optimizer, steps=40):
    """Of a quadratic with a condition number of a thousand whose free minimum lies partly outside [0, 1]."""
    g = torch.Generator().manual_seed(3)
    basis = torch.linalg.qr(torch.randn(12, 12, generator=g, dtype=torch.float64))[0]
    matrix = basis @ torch.diag(torch.logspace(0, 3, 12, dtype=torch.float64)) @ basis.T
    goal = torch.rand(12, generator=g, dtype=torch.float64) * 2 - 0.5
    x = torch.full((12,), 0.5, dtype=torch.float64, requires_grad=True)
    opt, evaluations = optimizer([x]), 0

    def closure():
        nonlocal evaluations
        evaluations += 1
        opt.zero_grad()
        loss = (x - goal) @ matrix @ (x - goal) / 2
        loss.backward()
        return loss

    for _ in range(steps):
        opt.step(closure)
    return x.detach(), matrix @ (x.detach() - goal), evaluations


def test_lbfgs_finds_the_minimum_inside_the_bounds():
    x, gradient, evaluations = minimum(style.lbfgs)
    assert x.min() >= 0 and x.max() <= 1
    inside = (x > 0) & (x < 1)
    assert 0 < inside.sum() < len(x), "some pixels are at a bound, some are not"
    assert gradient[inside].abs().max() < 1e-3
    assert (gradient[x == 0] >= 0).all() and (gradient[x == 1] <= 0).all()
    assert evaluations < 80, "hardly more than one evaluation a step"


def test_lbfgs_does_not_depend_on_the_scale_of_the_loss(network, pictures):
    targets = style.find_targets(network, pictures[0], [(pictures[1], 1.0)])
    found = []
    for scale in (1e-6, 1.0, 1e6):

        def objective(x, scale=scale):
            return {"total": scale * sum(style.losses(network, x, targets).values())}

        found.append(style.optimise(objective, pictures[0], steps=5, show=False).image)
    for x in found:
        assert (x - found[1]).abs().max() < 0.02


def test_pictures_of_double_precision_are_taken(network, pictures):
    doubled = [x.double() for x in pictures]
    x = style.stylize(*doubled, network, start=doubled[0], steps=2, show=False).image
    assert torch.equal(x, style.stylize(*pictures, network, start=pictures[0], steps=2, show=False).image)
    y = style.coarse_to_fine(*doubled, network, sizes=(48, 64), steps=(1, 1), show=False).image
    assert torch.equal(y, style.coarse_to_fine(*pictures, network, sizes=(48, 64), steps=(1, 1), show=False).image)


def test_the_balance_moves_the_result(network, pictures):
    content, painting = pictures
    targets = style.find_targets(network, content, [(painting, 1.0)])
    found = []
    for alpha in (1e-2, 1e2):
        options = {"steps": 30, "optimizer": style.adam, "show": False}
        x = style.stylize(content, painting, network, alpha=alpha, **options).image
        found.append({k: v.item() for k, v in style.losses(network, x, targets).items()})
    assert found[0]["content"] > found[1]["content"]
    assert sum(found[0][k] for k in network.style_layers) < sum(found[1][k] for k in network.style_layers)


def test_targets_are_computed_once(network, pictures, monkeypatch):
    content, painting = pictures
    seen = []
    original = type(network).forward
    monkeypatch.setattr(type(network), "forward", lambda self, x: seen.append(tuple(x.shape)) or original(self, x))
    style.stylize(content, painting, network, steps=6, show=False)
    assert seen.count(tuple(painting.shape)) == 1
    assert len(seen) <= 1 + 1 + 1 + 6 + 2, "painting once, content once, the start, then hardly more than one a step"


def test_the_content_loss_does_not_depend_on_the_size_of_the_picture(network):
    x, y = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    values = []
    for repeat in (1, 3):
        a, b = x.repeat(1, 1, repeat, repeat), y.repeat(1, 1, repeat, repeat)
        values.append(style.content_loss(a, b).item())
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_noise_start_is_seeded_and_in_range(pictures):
    draw = [style.noise_like(pictures[0], torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draw[0], draw[1]) and not torch.equal(draw[0], draw[2])
    assert draw[0].min() >= 0 and draw[0].max() <= 1 and draw[0].shape == pictures[0].shape


def test_coarse_to_fine_hands_the_enlarged_result_on(network, pictures):
    calls = []

    def spy(content, styles, **options):
        out = style.stylize(content, styles, network, **options)
        calls.append((tuple(content.shape[2:]), options["steps"], options["start"], out.image))
        return out

    content = torch.rand(1, 3, 96, 128)
    x, history = style.coarse_to_fine(content, pictures[1], spy, sizes=(64, 128), steps=(4, 2), show=False)
    assert [call[0] for call in calls] == [(48, 64), (96, 128)] and [call[1] for call in calls] == [4, 2]
    assert calls[0][2] is None
    assert torch.equal(calls[1][2], style.enlarge(calls[0][3], resize(content, 64), content))
    assert x.shape == content.shape and len(history["total"]) == 6
    with pytest.raises(ValueError, match="rising"):
        style.coarse_to_fine(content, pictures[1], network, sizes=(128, 64), steps=(1, 1))


def test_a_network_alone_paints_as_stylize_does_by_default(network, pictures):
    options = {"sizes": (48, 64), "steps": (2, 2), "show": False}
    found = [
        style.coarse_to_fine(*pictures, paint, **options).image
        for paint in (
            network,
            partial(style.stylize, network=network, alpha=ALPHA),
            partial(style.stylize, network=network, alpha=10.0),
        )
    ]
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_a_start_may_be_made_at_the_first_scale(network, pictures):
    content = torch.rand(1, 3, 96, 128)
    made = style.noise_like(resize(content, 64), torch.Generator().manual_seed(1))
    options = {"sizes": (64, 128), "steps": (1, 1), "show": False}
    noise = partial(style.noise_like, generator=torch.Generator().manual_seed(1))
    found = [style.coarse_to_fine(content, pictures[1], network, start=s, **options).image for s in (made, noise)]
    assert torch.equal(found[0], found[1])


def test_the_pyramid_leaves_out_what_is_too_small_and_gives_each_scale_a_step():
    square, strip = torch.zeros(1, 3, 512, 512), torch.zeros(1, 3, 128, 512)
    assert style.pyramid([square], 512, 200) == ([128, 256, 512], [101, 66, 33])
    assert style.pyramid([square, strip], 512, 200)[0] == [256, 512]
    assert style.pyramid([square], 128, 200)[0] == [64, 128] and style.pyramid([square], 64, 200) == ([64], [200])
    assert style.pyramid([square], 512, 2) == ([256, 512], [1, 1]) and style.pyramid([square], 512, 1) == ([512], [1])
    for steps in (3, 4, 5, 6, 7, 10, 99, 200):
        parts = style.pyramid([square], 512, steps)[1]
        assert sum(parts) == steps and min(parts) >= 1 and parts == sorted(parts, reverse=True)


def test_what_is_enlarged_gets_the_detail_that_its_content_loses():
    content = torch.rand(1, 3, 40, 60) * 0.2 + 0.4
    small = resize(content, 30)
    assert torch.allclose(style.enlarge(small, small, content, detail=1), content, atol=1e-6)
    flat = torch.full_like(small, 0.5)
    lost = content - resize(small, 60)
    assert torch.allclose(style.enlarge(flat, small, content, detail=2), 0.5 + 2 * lost, atol=1e-6)
    assert torch.equal(style.enlarge(flat, small, content, detail=0), resize(flat, 60))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"content": torch.rand(1, 3, 16, 64)}, "content"),
        ({"content": torch.rand(3, 64, 64)}, "content"),
        ({"content": torch.rand(1, 3, 64, 64) * 255}, r"\[0, 1\]"),
        ({"content": torch.full((1, 3, 64, 64), float("nan"))}, r"\[0, 1\]"),
        ({"style": torch.rand(1, 1, 64, 64)}, "style"),
        ({"style": []}, "at least one style"),
        ({"style": [(torch.rand(1, 3, 64, 64), -1.0)]}, "weights"),
        ({"start": torch.rand(1, 3, 32, 32)}, "one shape"),
        ({"alpha": -1.0}, "alpha"),
        ({"alpha": 0.0, "beta": 0.0}, "alpha"),
    ],
)
def test_bad_input_is_refused_with_a_reason(network, change, message):
    arguments = {"content": torch.rand(1, 3, 64, 64), "style": torch.rand(1, 3, 64, 64), "steps": 1, "show": False}
    with pytest.raises(ImageError, match=message):
        style.stylize(network=network, **{**arguments, **change})
