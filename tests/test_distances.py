"""Distances between sets of features, held against torchmetrics, closed forms and the naive way."""

import math

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.inception import InceptionScore

from gencourse.metrics import (
    class_entropy,
    distances,
    frechet_distance,
    inception_score,
    nearest,
    nearest_neighbour_accuracy,
    precision_recall,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def mixed(n: int, d: int, seed: int) -> Tensor:
    """Features of which some depend on others and none has mean 0 and variance 1."""
    return normal(n, d, seed=seed) @ normal(d, d, seed=7) * (1 + seed / 10) + normal(d, seed=8) * (3 + seed)


def modes(n: int, which: range, seed: int, spread: float = 0.3) -> Tensor:
    """n points around some of ten corners, equally many around each."""
    corners = 10 * torch.eye(10)
    return corners[torch.tensor(which)[torch.arange(n) % len(which)]] + spread * normal(n, 10, seed=seed)


def theirs(a: Tensor, b: Tensor) -> float:
    """torchmetrics' distance of features: its network hands them through."""
    through = nn.Identity()
    through.num_features = a.shape[1]
    metric = FrechetInceptionDistance(feature=through, normalize=True)
    metric.update(a.double(), real=True)
    metric.update(b.double(), real=False)
    return metric.compute().item()


@pytest.mark.parametrize("n, m, d", [(200, 200, 8), (500, 300, 64), (300, 300, 128), (2000, 1000, 16)])
def test_frechet_is_torchmetrics(n, m, d):
    a, b = mixed(n, d, 1), mixed(m, d, 2)
    assert frechet_distance(a, b) == pytest.approx(theirs(a, b), rel=1e-6)


def test_frechet_of_gaussians_is_the_closed_form():
    """Sets made to have an exact mean and covariance; commuting ones: the root of a product is the product of roots."""
    white = normal(500, 6).double()
    white = white - white.mean(0)
    white = white @ torch.linalg.inv(torch.linalg.cholesky(white.T @ white / 499).T)
    turn = torch.linalg.qr(normal(6, 6, seed=1).double()).Q
    a_scale, b_scale = torch.tensor([1.0, 2, 3, 4, 5, 6]).double(), torch.tensor([2.0, 0.1, 3, 1, 9, 0]).double()
    shift = torch.arange(6).double()
    a, b = white * a_scale @ turn, white.flip(1) * b_scale @ turn + shift
    expected = shift.square().sum() + (a_scale - b_scale).square().sum()
    assert frechet_distance(a, b) == pytest.approx(expected.item(), rel=1e-9)


def test_frechet_of_gaussians_that_do_not_commute():
    """In two dimensions: Tr (AB)^(1/2) = (Tr AB + 2 (det AB)^(1/2))^(1/2)."""
    a, b = mixed(5000, 2, 3), mixed(4000, 2, 5) @ torch.tensor([[1.0, 0.9], [0.0, 0.2]])
    (s, t), gap = (x.double().T.cov() for x in (a, b)), a.double().mean(0) - b.double().mean(0)
    root = ((s @ t).trace() + 2 * torch.linalg.det(s @ t).sqrt()).sqrt()
    assert frechet_distance(a, b) == pytest.approx((gap @ gap + s.trace() + t.trace() - 2 * root).item(), rel=1e-9)


def test_frechet_is_symmetric_and_zero_for_identical_sets():
    for n, d in ((300, 20), (10, 50), (2, 3)):
        a, b = mixed(n, d, 1) * 100, mixed(n, d, 2) * 100
        assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-10)
        for same in (a, a.flip(0)):
            assert 0 <= frechet_distance(a, same) < 1e-10 * a.square().sum(1).mean()


@pytest.mark.parametrize("n, m, d", [(10, 300, 64), (2, 2, 64), (40, 20, 64)])
def test_frechet_of_singular_covariances(n, m, d):
    """Fewer pictures than features, against the same two sets in the few directions that they span."""
    a, b = mixed(n, d, 1).double(), mixed(m, d, 2).double()
    middle = a.mean(0)
    basis = torch.linalg.svd(torch.cat([a, b]) - middle, full_matrices=False).Vh
    small = frechet_distance((a - middle) @ basis.T, (b - middle) @ basis.T)
    assert frechet_distance(a, b) == pytest.approx(small, rel=1e-9)
    assert math.isfinite(small) and small > 0


def test_frechet_of_constant_features():
    constant = torch.full((50, 4), 3.0)
    assert frechet_distance(constant, constant) == 0
    assert frechet_distance(constant, constant + 2) == pytest.approx(16)
    b = normal(50, 4)
    expected = (b.double().mean(0) - 3).square().sum() + b.double().var(0).sum()
    assert frechet_distance(constant, b) == pytest.approx(expected.item(), rel=1e-9)
    dead = b * torch.tensor([1.0, 0, 0, 1])  # a feature that never fires
    assert frechet_distance(dead, dead[:25]) == pytest.approx(
        frechet_distance(dead[:, [0, 3]], dead[:25, [0, 3]]), rel=1e-9
    )


def test_frechet_is_computed_in_double_precision():
    """A large common offset, with which float32 covariances would be nothing but rounding."""
    a, b = normal(500, 8).double(), normal(500, 8, seed=1).double() * 1.1
    assert frechet_distance(a + 1e5, b + 1e5) == pytest.approx(frechet_distance(a, b), rel=1e-6)


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore`", "ignore:std")
def test_inception_score_is_torchmetrics():
    logits = normal(400, 10) * 3
    metric = InceptionScore(feature=nn.Identity(), splits=1)
    metric.update(logits)
    assert inception_score(logits.softmax(1)) == pytest.approx(metric.compute()[0].item(), rel=1e-5)


def test_bounds_of_the_inception_score():
    sure = torch.eye(7).repeat(3, 1)
    assert inception_score(sure) == pytest.approx(7) and inception_score(sure) <= 7
    assert inception_score(torch.eye(7)[[2] * 9]) == 1  # sure, but always of one class
    assert inception_score(torch.full((9, 7), 1 / 7)) == 1  # never sure
    half = sure[:, :4].softmax(1)
    assert 1 < inception_score(half) < 4


def test_class_entropy():
    assert class_entropy(torch.eye(10).repeat(5, 1)) == pytest.approx(math.log(10))
    assert math.copysign(1, class_entropy(torch.eye(10)[[3] * 5])) == 1 and class_entropy(torch.eye(10)[[3] * 5]) == 0
    uneven = torch.eye(2)[[0, 0, 0, 1]] * 0.2 + 0.4  # the likeliest class counts, not how likely it is
    assert class_entropy(uneven) == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))


def naive_votes(a: Tensor, b: Tensor) -> float:
    x, own = torch.cat([a, b]).double(), torch.arange(len(a) + len(b)) < len(a)
    d = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(math.inf)
    return (own[d.argmin(1)] == own).double().mean().item()


@pytest.mark.parametrize("chunk", [7, 1000])
@pytest.mark.parametrize("gap", [0.0, 0.7])
def test_the_1nn_test_is_the_naive_one(gap, chunk, monkeypatch):
    monkeypatch.setattr(distances, "CHUNK", chunk)
    a, b = normal(60, 5), normal(60, 5, seed=1) + gap
    assert nearest_neighbour_accuracy(a, b) == pytest.approx(naive_votes(a, b))


def test_what_the_1nn_test_says():
    """Half for one distribution, 1 for sets apart, 0 for copies: each picture's nearest is its twin on the other side.

    So below one half is not better than one half: it is a generator that has learned pictures by heart.
    """
    a = normal(1000, 5)
    assert nearest_neighbour_accuracy(a, normal(1000, 5, seed=1)) == pytest.approx(0.5, abs=0.04)
    assert nearest_neighbour_accuracy(a, normal(1000, 5, seed=1) + 20) == 1
    for copies in (a, a.flip(0), a + 1e-7 * normal(1000, 5, seed=2)):
        assert nearest_neighbour_accuracy(a, copies) == 0


def test_the_1nn_test_tells_real_and_fake_apart():
    """A quarter of the fakes are copies of real pictures, the others lie elsewhere."""
    real = normal(400, 5)
    fake = torch.cat([real[:100], normal(300, 5, seed=1) + 30])
    votes_real, votes_fake = distances.neighbour_votes(real, fake)
    assert nearest_neighbour_accuracy(real, fake) == (votes_real.mean() + votes_fake.mean()).item() / 2
    assert (votes_fake[:100] == 0).all() and (votes_fake[100:] == 1).all()
    assert (votes_real[:100] == 0).all() and (votes_real[100:] > 0).double().mean() > 0.7


def test_ties_of_the_1nn_test_count_one_half():
    same = torch.full((6, 3), 0.1)
    assert nearest_neighbour_accuracy(same, same) == 0.5
    twice = torch.cat([normal(5, 3), normal(5, 3)])  # every picture twice, and a copy of both on the other side
    assert nearest_neighbour_accuracy(twice, twice) == 0.5
    line = torch.arange(8.0).view(-1, 1)  # a neighbour on the left and one on the right, equally far
    assert nearest_neighbour_accuracy(line[:4] * 2, line[:4] * 2 + 1) == 0  # 0 2 4 6 between 1 3 5 7
    assert nearest_neighbour_accuracy(line[[0, 1, 4, 5]], line[[2, 3, 6, 7]]) == pytest.approx(10 / 16)


def test_an_offset_does_not_spoil_neighbours():
    """Distances by the difference of squares lose everything to a large mean that nobody takes off."""
    a, b = normal(200, 5).double(), normal(200, 5, seed=1).double()
    assert nearest_neighbour_accuracy(a + 1e4, b + 1e4) == nearest_neighbour_accuracy(a, b)


def naive_among(x: Tensor, members: Tensor, k: int) -> float:
    members, x = members.double(), x.double()
    inside = 0
    for point in x:
        for member in members:
            reach = (members - member).norm(dim=1).sort().values[k]  # the first is itself
            if (point - member).norm() <= reach:
                inside += 1
                break
    return inside / len(x)


@pytest.mark.parametrize("chunk", [7, 1000])
@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall_are_the_naive_ones(k, chunk, monkeypatch):
    monkeypatch.setattr(distances, "CHUNK", chunk)
    real, fake = normal(40, 4), normal(30, 4, seed=1) * 1.3 + 0.5
    precision, recall = precision_recall(real, fake, k)
    assert precision == naive_among(fake, real, k) and recall == naive_among(real, fake, k)


def test_what_precision_and_recall_say():
    real = modes(500, range(10), seed=0)
    precision, recall = precision_recall(real, modes(500, range(10), seed=1))
    assert precision > 0.8 and recall > 0.8
    precision, recall = precision_recall(real, modes(500, range(5), seed=1))  # half of the modes dropped
    assert precision > 0.8 and 0.4 < recall < 0.5
    noisy = torch.cat([modes(250, range(10), seed=1), 20 * normal(250, 10, seed=2)])
    precision, recall = precision_recall(real, noisy)  # half of the samples are noise
    assert 0.35 < precision < 0.5
    assert precision_recall(real, real) == (1, 1)
    assert precision_recall(real, real + 1000) == (0, 0)
    collapsed = real[:1].expand(500, -1)  # one real picture over and over
    precision, recall = precision_recall(real, collapsed)
    assert precision == 1 and recall == 1 / 500


@pytest.mark.parametrize("chunk", [3, 1000])
def test_nearest(chunk, monkeypatch):
    monkeypatch.setattr(distances, "CHUNK", chunk)
    candidates = torch.rand(50, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))[:10]
    x = candidates[order] + 0.01
    found = nearest(x, candidates)
    assert torch.equal(found.indices, order)
    torch.testing.assert_close(found.distances, torch.full((10,), 0.04).double(), atol=1e-6, rtol=0)
    assert (nearest(candidates[:1], candidates[:1]).distances == 0).all()  # one of each is enough


@pytest.mark.parametrize("measure", [frechet_distance, nearest_neighbour_accuracy, precision_recall, nearest])
def test_bad_sets(measure):
    a = normal(10, 4)
    with pytest.raises(ValueError, match=r"\(10, 4\) and \(10, 5\)"):
        measure(a, normal(10, 5))
    with pytest.raises(ValueError, match="not finite"):
        measure(a, torch.where(a > 1, torch.nan, a))
    with pytest.raises(ValueError, match="got 10 and 0"):
        measure(a, a[:0])


def test_too_few():
    a = normal(10, 4)
    for measure in (frechet_distance, nearest_neighbour_accuracy, precision_recall):
        with pytest.raises(ValueError, match="at least 2 pictures are needed on each side, got 10 and 1"):
            measure(a, a[:1])
        with pytest.raises(ValueError, match="two sets"):
            measure(a, a[0])
    with pytest.raises(ValueError, match="equal numbers, got 10 and 9"):
        nearest_neighbour_accuracy(a, a[:9])
    with pytest.raises(ValueError, match="4 pictures or more"):
        precision_recall(a, a[:3])
    with pytest.raises(ValueError, match="k of at least 1"):
        precision_recall(a, a, k=0)


@pytest.mark.parametrize("measure", [inception_score, class_entropy])
@pytest.mark.parametrize("bad", [normal(5, 3), torch.ones(5, 3), torch.ones(5), torch.full((2, 2), math.nan)])
def test_bad_probabilities(measure, bad):
    with pytest.raises(ValueError, match="probabilities"):
        measure(bad)


def test_sets_on_a_gradient_tape_and_of_half_precision():
    a, b = normal(30, 4), normal(30, 4, seed=1)
    taped = a.clone().requires_grad_()
    assert frechet_distance(taped, b) == frechet_distance(a, b)
    assert frechet_distance(a.half(), b) == pytest.approx(frechet_distance(a, b), rel=1e-2)
