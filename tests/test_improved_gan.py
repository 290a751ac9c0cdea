"""The parts of Improved GAN: each by its formula, and what it does to a batch, to weights and to a game."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from gencourse import Average, data, fit
from gencourse.expect import ImageError
from gencourse.methods import gan, improved_gan
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.networks.minibatch import MinibatchDiscriminator, minibatch_discrimination
from gencourse.networks.virtual_batch_norm import VirtualBatchGenerator, VirtualBatchNorm2d


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


X = torch.rand(6, 1, 28, 28, generator=rng()) * 2 - 1


def make_step(d: nn.Module | None = None, **options) -> improved_gan.ImprovedGANStep:
    torch.manual_seed(0)
    g, d = Generator(latent=8, width=4), d or Discriminator(width=4)
    optimizers = tuple(torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (g, d))
    return improved_gan.ImprovedGANStep(g, d, optimizers, **{"losses": gan.bce(), "noise": rng(1)} | options)


# Feature matching


def test_feature_matching_compares_means_and_not_pairs():
    real, fake = torch.randn(5, 2, 3, generator=rng()), torch.randn(4, 2, 3, generator=rng(1))
    found = improved_gan.feature_matching(real, fake)
    assert_close(found, ((real.sum(0) / 5 - fake.sum(0) / 4) ** 2).sum())
    assert improved_gan.feature_matching(real, real.flip(0)) < 1e-12
    two_wrongs = torch.tensor([[1.0, -1.0]])  # opposite errors of two features do not cancel
    assert improved_gan.feature_matching(torch.zeros(1, 2), two_wrongs) == 2


def test_feature_matching_sends_no_gradient_to_the_real_side():
    real, fake = (torch.randn(3, 4, generator=rng(i)).requires_grad_() for i in (0, 1))
    improved_gan.feature_matching(real, fake).backward()
    assert real.grad is None and fake.grad.abs().min() > 0


def test_with_matching_g_descends_it_and_d_its_own_loss():
    step = make_step(matching=True)
    g, d = copy.deepcopy(step.generator), copy.deepcopy(step.discriminator)
    found = step(X)
    noise = rng(1)
    fake = g(torch.randn(6, 8, generator=noise)).detach()
    assert_close(found["D"], gan.bce().discriminator(d(X), d(fake)).detach())
    d, fake = step.discriminator, g(torch.randn(6, 8, generator=noise))  # D after its update
    assert_close(found["G"], (d.features(X).mean(0) - d.features(fake).mean(0)).square().sum().detach())


# Minibatch discrimination


def test_minibatch_discrimination_by_loops():
    features, T = torch.randn(4, 3, generator=rng()), torch.randn(3, 2, 5, generator=rng(1))
    found = minibatch_discrimination(features, T)
    assert found.shape == (4, 5) and torch.equal(found[:, :3], features)
    for i in range(4):
        for k in range(2):
            m = [features[j] @ T[:, k] for j in range(4)]
            expected = sum(torch.exp(-(m[i] - m[j]).abs().sum()) for j in range(4) if j != i)
            assert_close(found[i, 3 + k], expected)


def test_a_collapsed_batch_is_told_from_a_varied_one_by_its_nearness_alone():
    T = torch.randn(3, 2, 5, generator=rng(1))
    alike, far = torch.ones(4, 3), 100.0 * torch.eye(4)[:, :3]
    assert_close(minibatch_discrimination(alike, T)[:, 3:], torch.full((4, 2), 3.0))  # B - 1
    assert minibatch_discrimination(far, T)[:, 3:].abs().max() < 1e-5


def test_the_judge_of_a_batch_sees_the_whole_batch_and_learns_its_kernels():
    torch.manual_seed(0)
    d = MinibatchDiscriminator(width=4, depth=3, kernels=6, dims=2)
    d.eval()
    assert not torch.allclose(d(X)[:2], d(X[:2]))  # other neighbours, another logit
    assert_close(d.features(X)[:2], d.features(X[:2]))
    d.train()(X).sum().backward()
    assert (d.T.grad != 0).any((0, 2)).all()  # no kernel begins without a slope


def test_features_of_real_and_fake_go_through_d_in_batches_of_their_own():
    d = MinibatchDiscriminator(width=4)
    step, seen = make_step(d), []
    d.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    step(X)
    assert len(seen) == 3 and torch.equal(seen[0], X) and all(len(x) == 6 for x in seen)


# Historical averaging


def test_the_penalty_is_the_squared_distance_to_the_mean_of_the_past():
    net = nn.Linear(2, 1, bias=False)
    history, seen = improved_gan.HistoricalAverage(net, weight=0.5), [net.weight.detach().clone()]
    assert history(net) == 0
    for i in range(4):
        with torch.no_grad():
            net.weight.copy_(torch.randn(1, 2, generator=rng(i)))
        penalty = history(net)
        assert_close(penalty, 0.5 * (net.weight - torch.stack(seen).mean(0)).square().sum())
        history.update(net)
        seen.append(net.weight.detach().clone())
    (slope,) = torch.autograd.grad(history(net), net.weight)
    assert_close(slope, net.weight.detach() - torch.stack(seen).mean(0))  # none through the mean


def test_plain_steps_leave_the_saddle_and_averaged_ones_come_to_it():
    plain, near = (improved_gan.bilinear_game(400, weight=weight) for weight in (0.0, 0.25))
    radius = plain.norm(dim=1)
    assert_close(radius[1:] / radius[:-1], torch.full((400,), 1.01**0.5, dtype=torch.float64))  # by each step
    assert plain.shape == (401, 2) and near[0].tolist() == [1, 1]
    assert near[-1].norm() < 0.1 < 10 < radius[-1]
    with pytest.raises(ValueError, match="steps"):
        improved_gan.bilinear_game(0)


def test_histories_pull_each_network_by_its_own_past():
    step = make_step()
    step.history_g, step.history_d = (
        improved_gan.HistoricalAverage(net, 10.0) for net in (step.generator, step.discriminator)
    )
    plain = make_step()
    for _ in range(2):
        found, usual = step(X), plain(X)
    # The first step has no past to go by: only from the second one on do the weights differ.
    assert step.history_g.count == step.history_d.count == 3
    for mine, other in ((step.generator, plain.generator), (step.discriminator, plain.discriminator)):
        assert any(not torch.equal(a, b) for a, b in zip(mine.parameters(), other.parameters(), strict=True))
    assert_close(found["D"], usual["D"])  # told without the penalty, so that it can be compared


# Virtual batch normalisation


def test_each_sample_is_normalised_with_the_reference_as_one_batch():
    layer = VirtualBatchNorm2d(3, 4)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    x = 5 + 3 * torch.randn(6, 3, 2, 2, generator=rng())
    found = layer(x)
    plain = lambda x: F.batch_norm(x, None, None, layer.weight, layer.bias, training=True)  # noqa: E731
    assert_close(found[:4], plain(x[:4]), atol=1e-5, rtol=1e-5)
    for i in (4, 5):
        assert_close(found[i], plain(torch.cat([x[:4], x[i : i + 1]]))[-1], atol=1e-5, rtol=1e-5)


def test_the_same_z_gives_the_same_picture_whatever_else_is_in_the_batch():
    torch.manual_seed(0)
    g = Generator(latent=8, width=4)
    virtual, z = VirtualBatchGenerator(g, torch.randn(5, 8, generator=rng(2))), torch.randn(6, 8, generator=rng())
    other = torch.cat([z[:1], 3 * torch.randn(5, 8, generator=rng(1))])
    g.train()
    assert (g(z)[0] - g(other)[0]).abs().max() > 1e-3
    for mode in (True, False):
        virtual.train(mode)
        assert torch.equal(virtual(z)[0], virtual(other)[0])
    assert_close(virtual(z[:1]), virtual(z)[:1])  # even alone


def test_the_reference_is_kept_in_train_and_eval_and_goes_with_the_weights():
    """A layer that took its statistics once, or from the last batch, would answer otherwise after the weights moved."""
    torch.manual_seed(0)
    virtual, z = VirtualBatchGenerator(Generator(latent=8, width=4), torch.randn(5, 8)), torch.randn(3, 8)
    before = virtual(z)
    with torch.no_grad():
        for p in virtual.parameters():
            p.add_(0.02 * torch.randn_like(p))
    again = VirtualBatchGenerator(Generator(latent=8, width=4), torch.zeros(5, 8) + torch.arange(5)[:, None])
    again.load_state_dict(virtual.state_dict())
    assert not torch.allclose(before, virtual(z)) and torch.equal(virtual(z), again(z))
    virtual(torch.randn(20, 8))
    assert torch.equal(virtual(z), virtual.eval()(z))
    average = Average(virtual, 0.0)
    average.update(virtual)
    assert_close(average.module(z), virtual(z))


def test_virtual_batches_have_classes_and_go_into_the_steps_and_the_sampler():
    torch.manual_seed(0)
    reference = torch.randn(4, 8), torch.tensor([0, 1, 2, 0])
    virtual = VirtualBatchGenerator(Generator(latent=8, width=4, classes=3), *reference)
    one, other = (virtual(torch.zeros(1, 8), torch.tensor([label])) for label in (0, 1))
    assert not torch.allclose(one, other)
    assert gan.sample_images(virtual, 3, seeds=[1, 2, 3]).shape == (3, 1, 28, 28)
    d = Discriminator(width=4, classes=3)
    optimizers = tuple(torch.optim.Adam(net.parameters()) for net in (virtual, d))
    gan.GANStep(virtual, d, optimizers, losses=gan.bce())((X, torch.tensor([0, 1, 2] * 2)))
    assert all(p.grad is not None for p in virtual.parameters())


@pytest.mark.parametrize(
    ("z", "labels", "message"),
    [
        (torch.randn(1, 8), None, "reference must be a whole number of at least 2"),
        (torch.randn(3, 7), None, "reference batch"),
        (torch.randn(3, 8), torch.tensor([0, 1, 2]), "no classes"),
    ],
)
def test_a_reference_that_is_none(z, labels, message):
    with pytest.raises(ValueError, match=message):
        VirtualBatchGenerator(Generator(latent=8, width=4), z, labels)


def test_labels_of_a_reference_are_looked_at():
    with pytest.raises(ValueError, match="labels must lie in"):
        VirtualBatchGenerator(Generator(latent=8, width=4, classes=3), torch.randn(3, 8), torch.tensor([0, 1, 3]))


# The step


def test_without_parts_it_is_gan_s_step():
    step = make_step()
    torch.manual_seed(0)
    nets = Generator(latent=8, width=4), Discriminator(width=4)
    optimizers = tuple(torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in nets)
    usual = gan.GANStep(*nets, optimizers, losses=gan.bce(), noise=rng(1))
    for _ in range(2):
        assert step(X) == usual(X)
    for mine, wanted in ((step.generator, nets[0]), (step.discriminator, nets[1])):
        assert all(torch.equal(a, b) for a, b in zip(mine.parameters(), wanted.parameters(), strict=True))


def test_g_may_move_more_often_than_d():
    step, moved = make_step(moves=3), []
    generate = step._generate
    step._generate = lambda count: moved.append(count) or generate(count)
    losses = step(X)
    assert len(moved) == 4 and losses["G"].shape == ()
    with pytest.raises(ValueError, match="moves"):
        make_step(moves=0)


@pytest.mark.parametrize("batch", [X + 2, (X, torch.zeros(6).long()), (X * 100).byte()])
def test_what_is_no_batch_of_pictures_is_refused(batch):
    with pytest.raises(ImageError):
        make_step()(batch)


def test_a_killed_training_goes_on_bit_for_bit_with_its_past(tmp_path):
    def trained(*parts: int, save_to=None) -> dict:
        for steps in parts:
            step = make_step(matching=True)
            networks = step.generator, step.discriminator
            step.history_g, step.history_d = (improved_gan.HistoricalAverage(net, 0.1) for net in networks)
            fit(step, data.Batches(X, 2), steps=steps, state=step.state, save_to=save_to, show=False)
        return step.state

    whole, resumed = trained(6), trained(3, 6, save_to=tmp_path / "run.pt")
    for name in ("generator", "discriminator"):
        for x, y in zip(whole[name].state_dict().values(), resumed[name].state_dict().values(), strict=True):
            assert torch.equal(x, y)
    assert whole["history_d"].count == resumed["history_d"].count == 7
