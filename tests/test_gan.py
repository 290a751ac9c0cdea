"""Chapter 03's networks, losses and training step."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gencourse import data
from gencourse.expect import ImageError
from gencourse.methods import gan, gan_tricks
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.training.helpers import Average


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def pair(classes=None, spectral_norm=False, seed=0):
    torch.manual_seed(seed)
    g = Generator(latent=8, width=8, classes=classes)
    return g, Discriminator(width=8, classes=classes, spectral_norm=spectral_norm)


def make_step(g, d, losses=None, rate=2e-4, **options):
    optimizers = (
        torch.optim.Adam(g.parameters(), rate, (0.5, 0.999)),
        torch.optim.Adam(d.parameters(), rate, (0.5, 0.999)),
    )
    return gan.GANStep(g, d, optimizers, losses=losses or gan.bce(), noise=rng(), **options)


def weights(module):
    return [p.detach().clone() for p in module.parameters()]


def same(before, module):
    return all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


@pytest.mark.parametrize("size", [28, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes_and_channels(size, channels):
    g, d = (
        Generator(size=size, channels=channels, latent=5, width=4),
        Discriminator(size=size, channels=channels, width=4),
    )
    x = g(torch.randn(3, 5))
    assert x.shape == (3, channels, size, size) and x.abs().max() <= 1
    assert d(x).shape == (3,)


@pytest.mark.parametrize(
    "size, depth, through", [(28, 3, [4, 7, 14, 28]), (28, 2, [7, 14, 28]), (27, 3, [4, 7, 14, 27])]
)
def test_depth_counts_the_strided_layers_through_odd_resolutions_too(size, depth, through):
    g, d = Generator(size=size, latent=5, width=4, depth=depth), Discriminator(size=size, width=4, depth=depth)
    seen = {"up": [], "down": []}
    for way, net, kind in (("up", g, nn.ConvTranspose2d), ("down", d, nn.Conv2d)):
        for layer in (m for m in net.body if isinstance(m, kind)):
            layer.register_forward_hook(lambda *x, way=way: seen[way].append((x[2].shape[1], x[2].shape[-1])))
    assert d(g(torch.randn(3, 5))).shape == (3,)
    assert [side for _, side in seen["up"]] == through
    assert [side for _, side in seen["down"]] == through[-2::-1]
    assert [channels for channels, _ in seen["down"]] == [4 * 2**i for i in range(depth)]
    assert [channels for channels, _ in seen["up"]] == [4 * 2**i for i in range(depth)][::-1] + [1]


def test_the_recipe_to_the_letter():
    torch.manual_seed(0)
    g, d = Generator(size=64, channels=3), Discriminator(size=64, channels=3)
    g_layers = [m for m in g.body if not isinstance(m, nn.BatchNorm2d)]
    assert [type(m).__name__ for m in g_layers] == ["ConvTranspose2d", "ReLU"] * 4 + ["ConvTranspose2d", "Tanh"]
    assert [m.out_channels for m in g.body if isinstance(m, nn.ConvTranspose2d)] == [512, 256, 128, 64, 3]
    assert [m.out_channels for m in d.body if isinstance(m, nn.Conv2d)] == [64, 128, 256, 512]
    # normalisation everywhere but in G's last and D's first and last layers
    assert isinstance(g.body[-4], nn.BatchNorm2d | nn.ReLU) and not isinstance(g.body[-1], nn.BatchNorm2d)
    assert (
        sum(isinstance(m, nn.BatchNorm2d) for m in g.body) == 4
        and sum(isinstance(m, nn.BatchNorm2d) for m in d.body) == 3
    )
    assert isinstance(d.body[1], nn.LeakyReLU) and d.body[1].negative_slope == 0.2
    assert not any(isinstance(m, nn.Linear | nn.MaxPool2d | nn.AvgPool2d) for net in (g, d) for m in net.modules())
    assert all(abs(layer.weight.std() - 0.02) < 1e-3 for layer in (g.body[0], d.body[2]))
    scale = d.body[3].weight  # of a normalisation: around 1, and few
    assert abs(scale.mean() - 1) < 0.01 and abs(scale.std() - 0.02) < 5e-3
    strided = [m for net in (g, d) for m in net.body if isinstance(m, nn.ConvTranspose2d | nn.Conv2d)]
    assert all(m.stride == (2, 2) for m in strided if m is not g.body[0])


def test_spectral_norm_bounds_every_layer_and_replaces_batch_normalisation():
    d = Discriminator(width=8, spectral_norm=True)
    for _ in range(30):
        d(torch.rand(4, 1, 28, 28))  # each pass in train mode is a power iteration
    layers = [m for m in d.modules() if isinstance(m, nn.Conv2d)]
    assert all(abs(torch.linalg.matrix_norm(m.weight.flatten(1), 2) - 1) < 0.05 for m in layers)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in d.modules())


def test_classes_change_pictures_and_judgement():
    g, d = pair(classes=3)
    g.eval(), d.eval()
    z, x = (
        torch.randn(1, 8, generator=rng()).expand(3, -1),
        torch.rand(1, 1, 28, 28, generator=rng()).expand(3, -1, -1, -1),
    )
    for out in (g(z, torch.arange(3)).flatten(1), d(x, torch.arange(3))[:, None]):
        assert not torch.allclose(out[0], out[1]) and not torch.allclose(out[1], out[2])


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda g, d: g(torch.randn(2, 9)), "(B, 8)"),
        (lambda g, d: g(torch.randn(2, 8, 1, 1)), "(B, 8)"),
        (lambda g, d: g(torch.randn(1, 8)), "at least two"),
        (lambda g, d: d(torch.rand(1, 1, 28, 28)), "at least two"),
        (lambda g, d: d(torch.rand(2, 3, 28, 28)), "(B, 1, 28, 28)"),
        (lambda g, d: d(torch.rand(2, 1, 32, 32)), "(B, 1, 28, 28)"),
        (lambda g, d: g(torch.randn(2, 8), torch.tensor([0, 1])), "no classes"),
        (lambda g, d: Generator(size=30), "times 2, 4, 8"),
        (lambda g, d: Discriminator(size=7), "times 2, 4, 8"),
        (lambda g, d: Generator(depth=4), "depth 4 28 pixels would come from 2"),
        (lambda g, d: Discriminator(size=64, depth=3), "would come from 8"),
        (lambda g, d: Generator(size=5, depth=0), "depth 0"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words.replace("(", r"\(").replace(")", r"\)")):
        call(*pair())


@pytest.mark.parametrize("labels, words", [(None, "needed"), ([0], "must be"), ([0.0, 1.0], "int64")])
def test_bad_labels_are_named(labels, words):
    g, _ = pair(classes=3)
    with pytest.raises(ValueError, match=words):
        g(torch.randn(2, 8), None if labels is None else torch.tensor(labels))


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0]])
def test_labels_of_no_class_are_refused_by_torch(labels):
    with pytest.raises(IndexError):
        make_step(*pair(classes=3))((torch.zeros(2, 1, 28, 28), torch.tensor(labels)))


def test_one_picture_is_fine_in_eval_mode():
    g, d = pair()
    assert d.eval()(g.eval()(torch.randn(1, 8))).shape == (1,)


def test_losses_by_their_formulas():
    real, fake = torch.randn(7, generator=rng()), torch.randn(5, generator=rng(1))
    p, q = real.sigmoid(), fake.sigmoid()
    d = -p.log().mean() - (1 - q).log().mean()
    torch.testing.assert_close(gan.bce().discriminator(real, fake), d)
    torch.testing.assert_close(gan.minimax().discriminator(real, fake), d)
    torch.testing.assert_close(gan.bce().generator(fake), -q.log().mean())
    torch.testing.assert_close(gan.minimax().generator(fake), (1 - q).log().mean())
    ls = gan.lsgan(a=-1, b=2, c=0.5)
    torch.testing.assert_close(
        ls.discriminator(real, fake), ((real - 2) ** 2).mean() / 2 + ((fake + 1) ** 2).mean() / 2
    )
    torch.testing.assert_close(ls.generator(fake), ((fake - 0.5) ** 2).mean() / 2)
    hinge = gan.hinge().discriminator(torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 0.5]))
    assert hinge == pytest.approx(0.5 + 0.75)
    assert gan.wasserstein().discriminator(real, fake) == fake.mean() - real.mean()


@pytest.mark.parametrize("losses", [gan.bce(), gan.minimax(), gan.lsgan(), gan.hinge(), gan.wasserstein()])
def test_the_two_sides_pull_against_each_other(losses):
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    d = torch.autograd.grad(losses.discriminator(real, fake), (real, fake))
    assert (d[0] < 0).all() and (d[1] >= 0).all()  # D descends: real logits up, logits of fakes down
    (g,) = torch.autograd.grad(losses.generator(fake), fake)
    assert (g < 0).all()  # G descends: up


def test_only_the_minimax_form_goes_flat_where_d_is_sure():
    sure = torch.full((3,), -20.0, requires_grad=True)
    (flat,) = torch.autograd.grad(gan.minimax().generator(sure).sum(), sure)
    (steep,) = torch.autograd.grad(gan.bce().generator(sure).sum(), sure)
    assert flat.abs().max() < 1e-8 and (steep + 1 / 3).abs().max() < 1e-6


def test_smoothing_is_one_sided_and_flips_are_drawn():
    logits = torch.tensor([3.0])
    smooth = gan.bce(smooth=0.1).discriminator(logits, logits)
    expected = F.binary_cross_entropy_with_logits(logits, torch.tensor([0.9])) + F.softplus(logits).mean()
    torch.testing.assert_close(smooth, expected)
    many = torch.full((20_000,), 3.0)
    flipped = gan.bce(flip=0.2, generator=rng()).discriminator(many, many)  # a fifth of each side has the other label
    right, wrong = F.softplus(-many[0]) + F.softplus(many[0]), F.softplus(many[0]) + F.softplus(-many[0])
    assert flipped == pytest.approx((0.8 * right + 0.2 * wrong).item(), rel=0.02)
    one_sided = gan.bce(flip=0.2, generator=rng()).discriminator(many, -many)
    assert one_sided == pytest.approx(2 * (0.8 * F.softplus(-many[0]) + 0.2 * F.softplus(many[0])).item(), rel=0.03)
    with pytest.raises(ValueError, match="smooth and flip"):
        gan.bce(smooth=0.9)


def test_the_discriminators_step_leaves_the_generator_alone():
    g, d = pair()
    before = weights(g)
    step = make_step(g, d)
    step.update_discriminator(torch.rand(4, 1, 28, 28) * 2 - 1, None)
    assert same(before, g) and all(p.grad is None for p in g.parameters())


def test_the_generators_step_leaves_the_discriminator_alone():
    g, d = pair()
    step = make_step(g, d)
    before = weights(d)
    step.update_generator(4, None)
    assert same(before, d) and all(p.grad is None for p in d.parameters())
    assert all(p.requires_grad for p in d.parameters()) and any(p.grad.abs().sum() > 0 for p in g.parameters())


def test_nothing_stays_in_d_from_gs_step():
    """D's second update is the same whether or not G's loss was computed in between."""
    x = torch.rand(4, 1, 28, 28, generator=rng()) * 2 - 1
    found = []
    for between in (False, True):
        g, d = pair(spectral_norm=True)
        d.eval()  # no power iteration, so that only gradients could make the difference
        step = make_step(g, d)
        fakes = [torch.randn(4, 1, 28, 28, generator=rng(i)).tanh() for i in range(3)]
        step._generate = lambda count, labels, fakes=fakes: fakes.pop(0).requires_grad_()
        step.update_discriminator(x, None)
        generated = fakes.pop(0)
        if between:
            with gan.frozen(d):
                step.losses.generator(d(generated.requires_grad_())).backward()
        step.update_discriminator(x, None)
        found.append(weights(d))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_both_networks_learn_and_the_fakes_are_new():
    g, d = pair()
    step, drawn = make_step(g, d), []
    generate = step._generate
    step._generate = lambda count, labels: drawn.append(generate(count, labels)) or drawn[-1]
    before = weights(g), weights(d)
    losses = step(torch.rand(4, 1, 28, 28) * 2 - 1)
    assert set(losses) == {"D", "G"} and not same(before[0], g) and not same(before[1], d)
    assert len(drawn) == 2 and not torch.allclose(drawn[0], drawn[1])


def test_d_sees_real_and_fake_in_passes_of_their_own_with_the_labels_of_each():
    """One pass over both would let batch normalisation mix them, which no later pass over fakes alone repeats."""
    g, d = pair(classes=3)
    step, seen = make_step(g, d), []
    d.register_forward_pre_hook(lambda _, given: seen.append(given))
    real, labels = torch.rand(3, 1, 28, 28) * 2 - 1, torch.tensor([0, 1, 2])
    step((real, labels))
    assert len(seen) == 3 and torch.equal(seen[0][0], real)
    assert all(len(x) == 3 and torch.equal(given, labels) for x, given in seen)


def test_the_step_averages_augments_penalises_and_remembers():
    g, d = pair(spectral_norm=True)
    average, past = Average(g, 0.5), gan_tricks.ImagePool(6, generator=rng())
    calls = []
    step = make_step(
        g,
        d,
        gan.wasserstein(),
        penalty=gan_tricks.gradient_penalty(generator=rng()),
        past=past,
        augment=lambda x: calls.append(len(x)) or x,
        average=average,
    )
    step(torch.rand(4, 1, 28, 28) * 2 - 1)
    assert average.updates == 1 and len(past.kept) == 4 and calls == [4, 4, 4]


def test_pictures_outside_the_range_are_refused():
    with pytest.raises(ImageError, match=r"\[-1"):
        make_step(*pair())(torch.full((4, 1, 28, 28), 255.0))


def test_a_generator_of_ones_own_needs_no_classes():
    class Mine(torch.nn.Linear):
        latent = 8

        def forward(self, z):
            return super().forward(z).tanh().view(-1, 1, 4, 4)

    assert gan.sample_images(Mine(8, 16), 3).shape == (3, 1, 4, 4)


@pytest.mark.parametrize("losses", [gan.bce(), gan.minimax(), gan.lsgan(), gan.hinge(), gan.wasserstein()])
def test_losses_keep_the_precision_of_logits(losses):
    real, fake = torch.randn(2, 5, dtype=torch.float64)
    assert losses.discriminator(real, fake).dtype == losses.generator(fake).dtype == torch.float64


def test_labels_and_past_fakes_do_not_go_together():
    step = make_step(*pair(classes=3), past=gan_tricks.ImagePool(5))
    with pytest.raises(ValueError, match="does not remember their labels"):
        step((torch.zeros(2, 1, 28, 28), torch.tensor([0, 1])))


def test_gradient_penalty_of_a_known_slope():
    w = torch.tensor([[3.0, 4.0]])  # a linear critic has the slope 5 everywhere

    def critic(x):
        return (x @ w.T.to(x))[:, 0]

    real, fake = torch.randn(6, 2), torch.randn(6, 2)
    assert gan_tricks.gradient_penalty(10, generator=rng())(critic, real, fake) == pytest.approx(10 * 16, rel=1e-5)
    exact = gan_tricks.gradient_penalty(10, generator=rng())(critic, real.double(), fake.double())
    assert exact.dtype == torch.float64
    assert gan_tricks.r1_penalty(2)(critic, real, fake) == pytest.approx(25, rel=1e-5)


def test_penalties_look_in_the_right_places_and_train_d():
    d = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Flatten(0))
    seen = []

    def critic(x):
        seen.append(x.detach())
        return d(x)

    real, fake = torch.full((50, 1), 1.0), torch.full((50, 1), 3.0)
    gan_tricks.gradient_penalty(generator=rng())(critic, real, fake).backward()
    assert (seen[0] >= 1).all() and (seen[0] <= 3).all() and seen[0].std() > 0.3 and d[0].weight.grad is not None
    gan_tricks.r1_penalty()(critic, real, fake)
    assert torch.equal(seen[1], real)


def test_past_fakes_give_back_what_went_in_and_stay_at_their_size():
    past = gan_tricks.ImagePool(5, generator=rng())
    first = torch.arange(5.0)[:, None]
    assert torch.equal(past(first), first)
    put = set(range(5))
    old = 0
    for i in range(40):
        new = torch.arange(5.0)[:, None] + 5 * (i + 1)
        put |= set(new.flatten().int().tolist())
        given = past(new)
        assert given.shape == new.shape and set(given.flatten().int().tolist()) <= put and len(past.kept) == 5
        old += (given != new).sum().item()
    assert 60 < old < 140  # half of 200


def test_past_fakes_go_on_where_they_were_and_hold_no_graph():
    past = gan_tricks.ImagePool(3, generator=rng())
    past(torch.randn(4, 2, requires_grad=True) * 2)
    assert not any(fake.requires_grad for fake in past.kept)
    other = gan_tricks.ImagePool(3, generator=rng())
    other.load_state_dict(copy.deepcopy(past.state_dict()))
    other.generator.set_state(past.generator.get_state())
    x = torch.randn(6, 2)
    assert torch.equal(past(x), other(x))
    with pytest.raises(ValueError, match="3"):
        gan_tricks.ImagePool(4).load_state_dict(past.state_dict())
    assert torch.equal(gan_tricks.ImagePool(0)(x), x)


def test_past_fakes_go_on_where_the_networks_are():
    """A save is read to the CPU; what is given back must lie where the new fakes do."""
    past = gan_tricks.ImagePool(2, generator=rng())
    past(torch.zeros(2, 3))
    assert past(torch.empty(8, 3, device="meta")).device.type == "meta"


def test_translation_shifts_each_picture_by_itself_and_passes_gradients():
    x = torch.full((64, 2, 9, 9), -1.0)
    x[:, :, 4, 4] = 1
    moved = gan_tricks.translation(2, generator=rng())(x.requires_grad_())
    places = (moved == 1).nonzero()
    assert len(places) == 128 and set(places[:, 2].tolist()) == set(places[:, 3].tolist()) == {2, 3, 4, 5, 6}
    assert torch.equal(moved[:, 0], moved[:, 1]) and (moved.detach() == -1).sum() == 64 * 2 * 80
    moved.sum().backward()
    assert (x.grad[:, :, 4, 4] == 1).all()


def test_samples_do_not_depend_on_mode_and_leave_it_as_it_was():
    g, _ = pair(classes=3)
    g.train()
    x = gan.sample_images(g, 5, generator=rng())
    assert g.training and x.shape == (5, 1, 28, 28) and x.min() >= 0 and x.max() <= 1
    assert torch.equal(x, gan.sample_images(g.eval(), 5, generator=rng()))
    zero = gan.sample_images(g, 2, labels=torch.tensor([0, 0]), generator=rng())
    assert not torch.equal(zero, gan.sample_images(g, 2, labels=torch.tensor([1, 2]), generator=rng()))


def test_it_learns_where_the_ink_is():
    """After some dozen steps the mean of samples lies much nearer to the mean of digits than before."""
    torch.manual_seed(0)
    g, d = Generator(latent=16, width=16), Discriminator(width=16)
    digits = data.digits("test").signed()
    step, batches = make_step(g, d, rate=1e-3), data.Batches(digits, 32)

    def distance():
        return (gan.sample_images(g, 128, generator=rng()).mean(0) - (digits.mean(0) + 1) / 2).square().mean().sqrt()

    before = distance()
    for _ in range(150):
        step(next(batches))
    assert distance() < before / 3
