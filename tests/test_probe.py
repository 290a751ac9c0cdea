"""D's features under a linear classifier, and sets with small classes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from gencourse.methods import balancing, probe
from gencourse.networks.dcgan import Discriminator
from gencourse.networks.sgan import SemiSupervisedDiscriminator


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


X = torch.rand(5, 1, 28, 28, generator=rng()) * 2 - 1


@pytest.mark.parametrize("network", [Discriminator(width=4, depth=3), SemiSupervisedDiscriminator(width=4)])
def test_maps_of_every_convolution_are_pooled_and_joined(network):
    before = network.training
    found = probe.pooled_features(network, X)
    assert found.shape == (5, 16 * (4 + 8 + 16)) and network.training == before
    network.eval()
    last = F.adaptive_max_pool2d(network.body(X), 4).flatten(1)
    assert_close(found[:, -last.shape[1] :], last)
    first = F.adaptive_max_pool2d(F.leaky_relu(normed(network, X), 0.2), 4).flatten(1)
    assert_close(found[:, : first.shape[1]], first)
    assert_close(probe.pooled_features(network, X[1:2]), found[1:2])  # each picture by itself


def normed(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The first convolution with what follows before its activation."""
    made = network.body[0](x)
    return network.body[1](made) if isinstance(network.body[1], nn.BatchNorm2d) else made


def test_pooling_keeps_the_largest_of_each_part():
    body = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False))
    nn.init.ones_(body[0].weight)
    network = nn.Module()
    network.body = body
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, 3, 7] = 5.0
    assert probe.pooled_features(network, x).nonzero().tolist() == [[0, 7]]


def blobs(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.arange(count) % 3
    centres = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 4.0]])
    return 7 + 10 * (centres[labels] + torch.randn(count, 2, generator=rng(seed))), labels


def test_the_svm_is_at_the_minimum_of_its_objective():
    features, labels = blobs(60)
    c = 0.7
    svm = probe.fit_linear_svm(features, labels, c=c)
    x = features.double() - features.double().mean(0)
    scale = x.square().sum(1).mean().sqrt()
    w = (svm.weight * scale).requires_grad_()  # in the scaled features, where it was fitted
    b = (svm.bias + svm.weight @ features.double().mean(0)).requires_grad_()
    y = F.one_hot(labels).double() * 2 - 1
    objective = w.square().sum() / 2 + c * F.relu(1 - y * (x / scale @ w.T + b)).square().sum()
    for slope in torch.autograd.grad(objective, (w, b)):
        assert slope.abs().max() < 1e-4


def test_the_svm_reads_what_it_has_not_seen_wherever_the_features_lie():
    svm = probe.fit_linear_svm(*blobs(60))
    features, labels = blobs(300, seed=1)
    assert probe.svm_errors(svm, features, labels) < 15
    moved, _ = blobs(60)
    again = probe.fit_linear_svm(moved * 1000 + 5, labels[:60])
    assert torch.equal(again((features * 1000 + 5).double()).argmax(1), svm(features.double()).argmax(1))


def test_c_is_chosen_by_what_was_left_out():
    """40 numbers of noise beside 2 that count: who trusts every picture learns the noise by heart."""
    features, labels = blobs(60)
    noisy = torch.cat([features, 60 * torch.randn(60, 40, generator=rng(2))], 1)
    errors = {}
    for c in (0.01, 1e4):
        svm = probe.fit_linear_svm(noisy[:40], labels[:40], c=c)
        errors[c] = probe.svm_errors(svm, noisy[40:], labels[40:])
    assert probe.svm_errors(probe.fit_linear_svm(noisy[:40], labels[:40], c=1e4), noisy[:40], labels[:40]) == 0
    chosen = probe.choose_c(noisy, labels, (0.01, 1e4), generator=rng())
    assert chosen == min(errors, key=errors.get)
    assert probe.choose_c(noisy, labels, (1e4, 0.01), generator=rng()) == chosen  # whatever their order


def test_errors_are_counted_in_eval_mode_for_logits_and_for_pairs():
    torch.manual_seed(0)
    d = SemiSupervisedDiscriminator(width=4, classes=3, noise=5.0).train()
    labels = torch.zeros(5).long()
    with torch.no_grad():
        d.head.bias.copy_(torch.tensor([100.0, 0.0, 0.0]))
    assert probe.error_count(d, X, labels) == 0 and d.training
    labels[2] = 1
    assert probe.error_count(d, X, labels) == 1

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.d = d

        def forward(self, x):
            return x, self.d(x)

    assert probe.error_count(Pair(), X, labels) == 1


def test_the_spread_of_a_count_is_the_binomial_one():
    drawn = (torch.rand(4000, 1000, generator=rng()) < 0.05).sum(1).double()
    assert probe.binomial_spread(50, 1000) == pytest.approx(drawn.std().item(), rel=0.05)


# Balancing


LABELS = torch.tensor([0, 1, 2] * 20)


def test_named_classes_are_cut_and_the_others_kept():
    kept = balancing.unbalanced(LABELS, {1: 3, 2: 20}, generator=rng())
    assert LABELS[kept].bincount().tolist() == [20, 3, 20] and torch.equal(kept, kept.unique())
    assert not torch.equal(kept, balancing.unbalanced(LABELS, {1: 3}, generator=rng(1)))


@pytest.mark.parametrize("keep", [{1: 21}, {1: 0}, {3: 1}])
def test_what_cannot_be_kept(keep):
    with pytest.raises(ValueError, match="cannot keep"):
        balancing.unbalanced(LABELS, keep)


UNEVEN = torch.tensor([0] * 7 + [1] * 3 + [2])


def test_weights_make_every_class_count_as_much():
    weights = balancing.class_weights(UNEVEN, 3)
    assert_close(weights * UNEVEN.bincount(), torch.full((3,), 11 / 3))
    assert_close(weights[UNEVEN].mean(), torch.tensor(1.0))
    logits = torch.randn(11, 3, generator=rng())
    by_class = torch.stack([F.cross_entropy(logits[c == UNEVEN], UNEVEN[c == UNEVEN]) for c in range(3)])
    assert_close(F.cross_entropy(logits, UNEVEN, weight=weights), by_class.mean())
    chances = balancing.sampling_weights(UNEVEN, 3)
    assert_close(torch.stack([chances[c == UNEVEN].sum() for c in range(3)]), torch.full((3,), 1 / 3).double())


def test_smaller_classes_are_repeated_evenly():
    chosen = balancing.oversampled(UNEVEN, 3, generator=rng())
    assert UNEVEN[chosen].bincount().tolist() == [7, 7, 7]
    assert sorted(chosen.bincount(minlength=11).tolist()) == [1] * 7 + [2, 2, 3, 7]


def test_only_what_is_read_as_it_was_asked_for_is_kept():
    logits = torch.tensor([[5.0, 0.0], [0.1, 0.0], [0.0, 5.0]])
    asked = torch.tensor([0, 0, 0])
    assert balancing.read_right(logits, asked).tolist() == [True, True, False]
    assert balancing.read_right(logits, asked, least=0.9).tolist() == [True, False, False]


def test_recall_is_of_each_class_and_not_of_the_answers():
    answers, truth = torch.tensor([0, 0, 0, 1, 2]), torch.tensor([0, 0, 1, 1, 2])
    assert balancing.class_recall(answers, truth, 3).tolist() == [1.0, 0.5, 1.0]


@pytest.mark.parametrize("way", [balancing.class_weights, balancing.sampling_weights, balancing.oversampled])
def test_a_class_without_a_picture_cannot_be_helped(way):
    with pytest.raises(ValueError, match="no picture of class 3"):
        way(LABELS, 4)
    with pytest.raises(ValueError, match="labels must lie in"):
        way(LABELS, 2)
