"""The losses and the step of pix2pix in all its kinds, and what a generator's noise changes."""

import copy
from itertools import repeat

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from gencourse import Average, data, fit
from gencourse.expect import ImageError
from gencourse.methods import cyclegan, pix2pix
from gencourse.methods.pix2pix_noise import diversity, spread, translate_often
from gencourse.networks.patchgan import patch_discriminator
from gencourse.networks.pix2pix import UNetGenerator
from gencourse.training.paired import PairedBatches


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def unet(**arguments) -> UNetGenerator:
    torch.manual_seed(0)
    options = {"inputs": 1, "width": 4, "levels": 2, "max_width": 8, "dropout": 0.0}
    network = UNetGenerator(**options | arguments)
    for weight in network.parameters():
        if weight.ndim == 4:
            nn.init.normal_(weight, 0.0, 0.2)
    return network


def step_of(generator=None, inputs: int = 4, rate: float = 1e-3, **options) -> pix2pix.Pix2PixStep:
    torch.manual_seed(1)
    generator = generator or unet()
    discriminator = patch_discriminator(16, inputs=inputs, width=4)
    both = cyclegan.adam(generator, rate=rate), cyclegan.adam(discriminator, rate=rate)
    return pix2pix.Pix2PixStep(generator, discriminator, both, **options)


A, B = pictures(2, 1, 16, 16), pictures(2, 3, 16, 16, seed=1)


def linear(slope: float) -> nn.Module:
    """A discriminator whose logits can be reckoned by hand: the slope times the mean over channels."""

    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.slope = nn.Parameter(torch.tensor(slope))

        def forward(self, x):
            return self.slope * x.mean(1, keepdim=True)

    return Linear()


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("kind", ["least squares", "cross-entropy"])
def test_the_losses_are_the_paper_s(conditional, kind):
    fake, d = pictures(2, 3, 16, 16, seed=2), linear(0.7)
    losses = {"least squares": pix2pix.LEAST_SQUARES, "cross-entropy": pix2pix.cross_entropy()}[kind]
    found = pix2pix.pix2pix_losses(fake, d, A, B, conditional=conditional, losses=losses)
    real, made = (0.7 * ((A + x.sum(1, True)) / 4 if conditional else x.mean(1, True)) for x in (B, fake))
    if kind == "least squares":
        expected = {"G": (made - 1).square().mean(), "D": ((real - 1).square() + made.square()).mean() / 2}
    else:
        p, q = torch.sigmoid(real), torch.sigmoid(made)
        expected = {"G": -q.log().mean(), "D": -(p.log() + (1 - q).log()).mean() / 2}
    expected["L1"] = (fake - B).abs().mean()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_close(found[name].detach(), value, atol=1e-5, rtol=1e-5)


def test_gradients_go_where_they_belong():
    weight, d = torch.tensor(0.5, requires_grad=True), linear(0.7)
    losses = pix2pix.pix2pix_losses(weight * B, d, A, B)
    by_d = torch.autograd.grad(losses["D"], [weight, d.slope], retain_graph=True, allow_unused=True)
    assert by_d[0] is None and by_d[1] is not None
    by_g = torch.autograd.grad(losses["G"] + losses["L1"], [weight, d.slope], allow_unused=True)
    assert by_g[0] is not None and by_g[1] is None
    assert d.slope.requires_grad


def test_one_step_is_adam_on_the_weighted_sum_and_on_d_s_loss():
    """Against the same written out with torch's own optimisers, with both updates from the weights before."""
    step = step_of(l1=10.0, adversarial=0.5)
    g, d = copy.deepcopy(step.generator), copy.deepcopy(step.discriminator)
    optimizers = [torch.optim.Adam(n.parameters(), lr=1e-3, betas=(0.5, 0.999)) for n in (g, d)]
    fake = g(A)
    total = 0.5 * (d(torch.cat([A, fake], 1)) - 1).square().mean() + 10 * (fake - B).abs().mean()
    gradients = torch.autograd.grad(total, list(g.parameters()))
    real_logits, fake_logits = d(torch.cat([A, B], 1)), d(torch.cat([A, fake.detach()], 1))
    loss_d = 0.5 * (real_logits - 1).square().mean() + 0.5 * fake_logits.square().mean()
    optimizers[1].zero_grad()
    loss_d.backward()
    for p, gradient in zip(g.parameters(), gradients, strict=True):
        p.grad = gradient
    for optimizer in optimizers:
        optimizer.step()
    found = step((A, B))
    assert_close(found["D"], loss_d.detach())
    for mine, wanted in ((step.generator, g), (step.discriminator, d)):
        for (name, x), y in zip(mine.named_parameters(), wanted.parameters(), strict=True):
            assert_close(x, y, atol=2e-5, rtol=1e-4, msg=name)


def test_without_d_it_is_left_out():
    g = unet()
    optimizer = cyclegan.adam(g)
    step = pix2pix.Pix2PixStep(g, None, (optimizer, None), adversarial=0)
    assert list(step((A, B))) == ["L1"] and set(step.state) == {"generator", "optimizer_g"}
    with_d = step_of(adversarial=0)
    assert with_d.discriminator is None and list(with_d((A, B))) == ["L1"]


def test_d_alone_and_squared_error():
    step = step_of(l1=0.0)
    before = [p.clone() for p in step.generator.parameters()]
    assert list(step((A, B))) == ["G", "L1", "D"]
    assert any(not torch.equal(x, y) for x, y in zip(before, step.generator.parameters(), strict=True))
    squared = step_of(distance=F.mse_loss)
    fake = squared.generator(A).detach()
    assert_close(squared((A, B))["L2"], (fake - B).square().mean())
    assert "distance" in step_of(distance=lambda x, y: (x - y).abs().max())((A, B))


def test_d_that_does_not_see_what_went_in():
    step = step_of(inputs=3, conditional=False)
    assert list(step((A, B))) == ["G", "L1", "D"]
    with pytest.raises(ImageError, match=r"\(B, 4, H, W\)"):
        step_of(conditional=False)((A, B))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"l1": -1.0}, "at least 0"),
        ({"adversarial": -1.0}, "at least 0"),
        ({"l1": 0.0, "adversarial": 0.0}, "one of them more"),
    ],
)
def test_weights_that_teach_nothing(weights, message):
    with pytest.raises(ValueError, match=message):
        step_of(**weights)
    with pytest.raises(ValueError, match="a discriminator and its optimizer are needed"):
        pix2pix.Pix2PixStep(unet(), None, (cyclegan.adam(unet()), None))


def test_the_first_batch_is_looked_at_and_sizes_always():
    step = step_of()
    for a, b in ((A * 2, B), (A, B * 2), (A, B[:, :, :8]), (A, B[:1]), (A, B[:, :1])):
        with pytest.raises(ImageError):
            step((a, b))
    step((A, B))
    with pytest.raises(ImageError, match="one shape"):
        step((A, B[:, :, :8]))


def test_absolute_error_answers_with_the_median_and_squared_error_with_the_mean():
    """Of three equal drawings two are yellow and one is blue: a constant is all that can be said."""
    yellow, blue = torch.tensor([0.9, 0.7, -0.8]), torch.tensor([-0.8, -0.6, 0.9])
    b = torch.stack([yellow, yellow, blue]).view(3, 3, 1, 1).expand(3, 3, 4, 4)
    a = torch.zeros(3, 1, 4, 4)

    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.colour = nn.Parameter(torch.zeros(3))

        def forward(self, x):
            return self.colour.view(1, 3, 1, 1).expand(len(x), 3, *x.shape[2:])

    for distance, wanted in ((F.l1_loss, yellow), (F.mse_loss, (2 * yellow + blue) / 3)):
        network = Constant()
        optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
        step = pix2pix.Pix2PixStep(
            network, None, (optimizer, None), l1=1.0, adversarial=0, distance=distance, schedules=(schedule,)
        )
        for _ in range(400):
            step((a, b))
        assert_close(network.colour.detach(), wanted, atol=0.02, rtol=0)


def test_it_learns_and_goes_on_exactly(tmp_path):
    def train(steps: int, save_to=None):
        g = unet(dropout=0.5, levels=3, noise=1)
        draws = torch.Generator().manual_seed(5)
        step = step_of(g, average=Average(g), noise=draws, rate=2e-3)
        batches = PairedBatches(A.repeat(3, 1, 1, 1), B.repeat(3, 1, 1, 1), 2, grow=2, flip=True)
        torch.manual_seed(9)
        history = fit(step, batches, steps=steps, state=step.state, save_to=save_to, save_seconds=0, show=False)
        return dict(history), {k: v.clone() for k, v in step.average.module.state_dict().items()}

    whole, weights = train(8)
    train(5, tmp_path / "run.pt")
    resumed, after = train(8, tmp_path / "run.pt")
    assert resumed == whole and all(torch.equal(after[name], weight) for name, weight in weights.items())


def test_a_few_steps_bring_a_translation_nearer():
    step = step_of(rate=5e-3)
    history = fit(step, repeat((A, A.expand(-1, 3, -1, -1) * 0.5)), steps=40, state=step.state, show=False)
    assert history["L1"][-1] < 0.5 * history["L1"][0]


# Noise


def test_z_is_drawn_from_its_generator():
    network, a = unet(noise=2), pictures(3, 1, 8, 8)
    one, again, other = (pix2pix.generate(network, a, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)
    plain = unet()
    assert torch.equal(pix2pix.generate(plain, a), plain(a))


class Drawn(nn.Module):
    """A generator that adds z, as large as its picture, times a number of its own."""

    noise = 1

    def __init__(self, scale: float):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, x, z):
        return x + self.scale * z


def test_spread_is_the_standard_deviation_over_the_draws():
    drawn = torch.rand(5, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for i, found in enumerate(spread(drawn)):
        x = drawn[:, i].flatten(1)
        pairs = [(x[j] - x[k]).square().mean() / 2 for j in range(5) for k in range(j)]  # half the squared distance
        assert_close(found, torch.stack(pairs).mean().sqrt())
    with pytest.raises(ImageError, match="at least two draws"):
        spread(drawn[:1])
    with pytest.raises(ImageError, match=r"\(n, B, C, H, W\)"):
        spread(drawn[0])


def test_diversity_of_known_noise():
    """z has the standard deviation 1 in [-1, 1], half of it in [0, 1]."""
    images = torch.full((2, 1, 32, 32), 0.5)
    found = diversity(Drawn(0.05), images, 40, generator=torch.Generator().manual_seed(0))
    assert_close(found, torch.full((2,), 0.025), atol=1e-3, rtol=0)
    assert (diversity(Drawn(0.0), images, 3) == 0).all()


def test_dropout_is_noise_in_eval_mode_too():
    network, images = unet(levels=3, dropout=0.5).eval(), pictures(3, 1, 16, 16) / 2 + 0.5
    drawn = translate_often(network, images, 4, generator=torch.Generator().manual_seed(3))
    again = translate_often(network, images, 4, generator=torch.Generator().manual_seed(3))
    assert drawn.shape == (4, 3, 3, 16, 16) and drawn.min() >= 0 and drawn.max() <= 1
    assert torch.equal(drawn, again) and (spread(drawn) > 1e-3).all()
    assert torch.equal(cyclegan.translate(network, images), cyclegan.translate(network, images))
    assert (diversity(unet(levels=3), images, 3) == 0).all(), "without dropout all draws are one"
    assert not any(part.training for part in network.modules())


def test_more_draws_begin_with_the_same():
    network, images = unet(levels=3, dropout=0.5), pictures(2, 1, 16, 16) / 2 + 0.5
    few, many = (translate_often(network, images, n, generator=torch.Generator().manual_seed(3)) for n in (2, 4))
    assert torch.equal(many[:2], few)


def test_what_cannot_be_translated_often():
    with pytest.raises(ValueError, match="pictures must be a whole number of at least 1"):
        translate_often(unet(), pictures(1, 1, 8, 8) / 2 + 0.5, 0)
    with pytest.raises(ImageError, match="expected values in"):
        translate_often(unet(), pictures(1, 1, 8, 8) * 3, 2)
    with pytest.raises(ImageError, match="at least two draws"):
        diversity(unet(), pictures(1, 1, 8, 8) / 2 + 0.5, 1)


def test_emoji_are_coloured_a_little_after_a_few_steps():
    sets = data.paired_sets("emoji", size=32, n=16, tests=4)
    batches = PairedBatches(sets.train_a.images, sets.train_b.images, 4, grow=4, flip=True)
    step = step_of(unet(levels=3), rate=5e-3)
    history = fit(step, batches, steps=30, state=step.state, show=False)
    assert history["L1"][-1] < 0.7 * history["L1"][0]
