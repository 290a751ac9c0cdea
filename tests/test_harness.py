"""The harness: samples against a reference in a classifier's features, and how the scores are written."""

import json
import math

import pytest
import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from gencourse import checkpoints, data
from gencourse.expect import ImageError
from gencourse.metrics import (
    Features,
    Scores,
    comparison,
    features,
    frechet_distance,
    inception_score,
    score,
    table,
)  # fmt: skip
from gencourse.metrics.harness import subsample_indices
from gencourse.networks.classifier import Classifier

needs_weights = pytest.mark.skipif("digits" not in checkpoints.names(), reason="needs data/checkpoints/digits")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(n: int, seed: int = 0, size: int = 8, channels: int = 1) -> Tensor:
    """Smooth blobs, one of five brightnesses, with noise."""
    level = torch.linspace(0.1, 0.8, 5)[torch.arange(n) % 5].view(-1, 1, 1, 1)
    return level + 0.2 * torch.rand(n, channels, size, size, generator=seeded(seed))


@pytest.fixture
def classifier() -> Classifier:
    """Small, with batch statistics that are not those of any batch below, and dropout."""
    torch.manual_seed(0)
    network = Classifier(name="tiny", width=4, classes=5)
    network.train()
    for _ in range(20):
        network(torch.rand(32, 1, 8, 8, generator=seeded()))
    nn.init.normal_(network.head.weight, std=20, generator=seeded())
    return network.eval()


def test_features_are_what_the_classifier_says(classifier):
    x = pictures(23)
    found = features(x, classifier)
    with torch.no_grad():
        wanted, logits = classifier(x)
    torch.testing.assert_close(found.features, wanted)
    torch.testing.assert_close(found.probabilities, logits.softmax(1))
    assert not found.features.requires_grad and found.features.dtype == torch.float32


def test_a_classifier_in_train_mode_gives_the_same_and_stays_in_it(classifier):
    x = pictures(40)
    expected = features(x, classifier)
    classifier.train()
    classifier.stages[1].eval()  # a mixture of modes
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    found = features(x, classifier, 7)
    torch.testing.assert_close(found, expected)
    assert classifier.training and classifier.dropout.training and not classifier.stages[1].training
    assert all(torch.equal(value, before[name]) for name, value in classifier.state_dict().items())


def test_the_mode_is_put_back_after_an_error(classifier):
    classifier.train()
    with pytest.raises(ValueError, match=r"'tiny' \(B, 1, H, W\).*got shape \(10, 3, 8, 8\)"):
        features(pictures(10, channels=3), classifier)
    assert classifier.training


@pytest.mark.parametrize("batch_size", [1, 7, 40, 1000])
def test_batching_changes_nothing(classifier, batch_size):
    x, y = pictures(40), pictures(30, seed=1)
    torch.testing.assert_close(features(x, classifier, batch_size), features(x, classifier))
    a, b = (score(x, y, classifier, batch_size=size) for size in (batch_size, 100))
    assert a.frechet == pytest.approx(b.frechet, rel=1e-4) and a.recall == b.recall and a.neighbours == b.neighbours


def test_scores_are_the_plain_functions(classifier):
    x, y = pictures(50), pictures(50, seed=1)
    a, b = features(x, classifier), features(y, classifier)
    found = score(x, y, classifier, split="blobs:test")
    assert found.frechet == frechet_distance(b.features, a.features)
    assert found.inception == inception_score(a.probabilities)
    assert found.neighbours == (found.neighbours_real + found.neighbours_fake) / 2
    assert found.confidence == pytest.approx(a.probabilities.max(1).values.mean().item())
    shares = a.probabilities.argmax(1).bincount() / 50
    assert found.entropy == pytest.approx(-sum(p * math.log(p) for p in shares.tolist() if p), rel=1e-5)
    assert found.classes == (shares > 0).sum() > 1
    assert (found.n, found.n_reference, found.split, found.classifier) == (50, 50, "blobs:test", "tiny")
    assert found.label == "FID-tiny" and found.spread == {}


def test_the_whole_way_is_torchmetrics(classifier):
    """Pictures in, distance out: the features of a network in eval mode, in batches."""

    class FeaturesAlone(nn.Module):
        num_features = 16

        def forward(self, x: Tensor) -> Tensor:
            return classifier(x)[0].double()

    x, y = pictures(100), pictures(80, seed=1)
    metric = FrechetInceptionDistance(feature=FeaturesAlone(), normalize=True)
    with torch.no_grad():
        for real, batches in ((True, y.split(30)), (False, x.split(30))):
            for batch in batches:
                metric.update(batch, real=real)
    assert score(x, y, classifier).frechet == pytest.approx(metric.compute().item(), rel=1e-4)


def test_features_of_the_reference_can_be_used_again(classifier):
    x, y = pictures(40), pictures(60, seed=1)
    assert score(x, features(y, classifier), classifier) == score(x, y, classifier)


def test_unequal_numbers(classifier):
    """All pictures count for the distance, the smaller number for neighbours: from all over a sorted, periodic set."""
    x, y = pictures(1000), pictures(100, seed=1)
    found = score(x, y, classifier)
    assert (found.n, found.n_reference, found.n_neighbours) == (1000, 100, 100)
    assert found.frechet == frechet_distance(features(y, classifier).features, features(x, classifier).features)
    assert found.recall > 0.6  # every tenth sample would be of one brightness alone
    assert found == score(x, y, classifier)


def test_some():
    chosen = subsample_indices(1000, 100)
    assert len(chosen.unique()) == 100 and torch.equal(chosen, chosen.sort().values) and chosen.max() > 900
    assert torch.equal(chosen, subsample_indices(1000, 100)) and not torch.equal(
        chosen, subsample_indices(1000, 100, seeded(5))
    )
    assert len((chosen % 10).unique()) == 10
    assert torch.equal(subsample_indices(7, 7), torch.arange(7))
    with pytest.raises(ValueError, match="cannot take 8 of 7 pictures"):
        subsample_indices(7, 8)


def test_the_bootstrap(classifier):
    x, y = pictures(200), pictures(200, seed=1)
    found = score(x, y, classifier, bootstrap=20, generator=seeded(1))
    again, other = (score(x, y, classifier, bootstrap=20, generator=seeded(s)) for s in (1, 2))
    assert found == again != other and found.spread != other.spread
    plain = score(x, y, classifier)
    measures = set(found.spread)
    assert {name: getattr(found, name) for name in measures} == {name: getattr(plain, name) for name in measures}
    assert measures == set(vars(found)) - {"classes", "n", "n_reference", "n_neighbours", "split", "classifier"} - {
        "spread"
    }
    assert all(math.isfinite(value) and value >= 0 for value in found.spread.values())
    share = found.recall  # a share of independent pictures spreads as a binomial does
    assert found.spread["recall"] == pytest.approx(math.sqrt(share * (1 - share) / 200), rel=0.6)


def test_the_bootstrap_does_not_make_copies_of_pictures(classifier):
    """Resampled pictures would be their own nearest neighbours, and the 1-NN test would see sets far apart."""
    many = [score(pictures(60), pictures(60, seed=1), classifier, bootstrap=5, generator=seeded(s)) for s in range(3)]
    assert all(scores.spread["neighbours"] < 0.2 for scores in many)
    with pytest.raises(ValueError, match="0 or at least 2"):
        score(pictures(60), pictures(60), classifier, bootstrap=1)


def test_copies_are_perfect_but_for_the_1nn_test(classifier):
    x = pictures(60)
    found = score(x, x, classifier)
    assert found.frechet < 1e-9 and found.precision == found.recall == 1 and found.neighbours == 0


def test_worse_samples_score_worse(classifier):
    x, y = pictures(100), pictures(100, seed=1)
    good = score(x, y, classifier)
    dropped = score(x[torch.arange(100) % 5 < 2], y, classifier)
    assert dropped.frechet > 5 * good.frechet and dropped.recall < good.recall and dropped.classes <= good.classes
    noise = score(torch.rand(100, 1, 8, 8, generator=seeded(5)), y, classifier)
    assert noise.frechet > 5 * good.frechet and noise.precision < good.precision and noise.neighbours > 0.8


def test_bad_input(classifier):
    x = pictures(20)
    with pytest.raises(ImageError, match=r"in \[0, 1\], got \[-"):
        score(x * 2 - 1, x, classifier)
    with pytest.raises(ImageError, match=r"in \[0, 1\], got \[-"):
        score(x, x * 2 - 1, classifier)
    with pytest.raises(ImageError, match="nan"):
        score(torch.where(x > 0.5, torch.nan, x), x, classifier)
    with pytest.raises(ImageError, match="floating point"):
        score((x * 255).byte(), x, classifier)
    with pytest.raises(ImageError, match=r"one size, got \(1, 8, 8\) and \(1, 9, 9\)"):
        score(x, pictures(20, size=9), classifier)
    with pytest.raises(ValueError, match=r"classifier '.*' \(B, 1, H, W\)"):
        score(pictures(20, channels=3), pictures(20, channels=3), classifier)
    with pytest.raises(ImageError, match=r"\(N, C, H, W\), .*got shape \(1, 8, 8\)"):
        features(x[0], classifier)
    with pytest.raises(ValueError, match="4 pictures or more"):
        score(x[:3], x, classifier)
    with pytest.raises(ValueError, match="at least 2 pictures"):
        score(x, x[:1], classifier)
    with pytest.raises(ValueError, match="equal width"):
        score(x, Features(torch.rand(20, 3), torch.ones(20, 1)), classifier)


def test_a_classifier_without_weights():
    class Mean(nn.Module):
        name = "mean"

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x.flatten(1)[:, :3], x.flatten(1)[:, :4] * 10

    assert score(pictures(20), pictures(20, seed=1), Mean()).label == "FID-mean"


def made(**changes) -> Scores:
    numbers = dict.fromkeys(("neighbours", "neighbours_real", "neighbours_fake", "precision", "recall"), 0.5)
    given = {"frechet": 2.5, "inception": 9.87, "confidence": 0.97, "entropy": 2.3, "classes": 10, "n": 12345}
    counts = {"n_reference": 1000, "n_neighbours": 1000, "split": "digits:test", "classifier": "digits"}
    return Scores(**(numbers | given | counts | changes))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_table():
    head, rule, row = str(made()).splitlines()
    assert set(rule) == {"|", "-"} and len(head) == len(rule) == len(row)
    told = dict(zip(cells(head), cells(row), strict=True))
    assert told["FID-digits"] == "2.500" and told["n"] == "12,345" and told["against"] == "digits:test (1,000)"
    assert told["1-NN accuracy"] == "0.500" and told["inception score"] == "9.87" and told["classes"] == "10"
    assert not any(cell == "FID" for cell in cells(head))


def test_the_table_of_several():
    rows = table({"BCE": made(), "hinge": made(frechet=1, spread={"frechet": 0.1234})}).splitlines()
    assert len(rows) == 4 and len({len(row) for row in rows}) == 1
    assert cells(rows[2])[0] == "BCE" and cells(rows[3])[0] == "hinge" and "1.000 ± 0.123" in cells(rows[3])
    with pytest.raises(ValueError, match="one classifier, got FID-digits, FID-inception"):
        table({"a": made(), "b": made(classifier="inception")})
    with pytest.raises(ValueError, match="got none"):
        table({})


def test_a_comparison_marks_the_best_and_says_once_what_all_share():
    rows = {"a": made(frechet=1.0, recall=0.2, neighbours=0.6), "b": made(frechet=3.0, recall=0.7, neighbours=0.3)}
    lines = comparison(rows).splitlines()
    head, a, b = (cells(line) for line in (lines[0], lines[2], lines[3]))
    assert head[1] == "FID-digits ↓" and "recall ↑" in head and "1-NN accuracy → ½" in head
    assert a[1] == "**1.000**" and b[1] == "3.000"  # lower is better
    assert b[head.index("recall ↑")] == "**0.700**" and a[head.index("recall ↑")] == "0.200"
    assert a[head.index("1-NN accuracy → ½")] == "**0.600**"  # nearer to one half
    assert "**" not in a[head.index("precision ↑")], "equal values have no best"
    assert lines[-1].startswith(f"{made().n:,} pictures each, against {made().split}")
    for odd in (made(n=7), made(split="others"), made(classifier="inception")):
        with pytest.raises(ValueError, match="one classifier, number and reference"):
            comparison({"a": made(), "b": odd})


def test_scores_as_json():
    told = json.loads(json.dumps(made().as_dict()))
    assert told["FID-digits"] == 2.5 and "spread" not in told and "frechet" not in told and told["confidence"] == 0.97
    assert made(spread={"frechet": 0.1}).as_dict()["spread"] == {"FID-digits": 0.1}


@needs_weights
def test_the_digits_classifier_knows_digits_from_half_of_them():
    classifier, digits = checkpoints.load("digits"), data.digits("test")
    x, y = digits.unit()[:200], features(digits.unit()[200:500], classifier)
    good = score(x, y, classifier)
    assert good.confidence > 0.98 and good.classes == 10 and good.entropy > 2.25 and good.inception > 9
    assert 0.35 < good.neighbours < 0.65 and good.precision > 0.7 and good.recall > 0.7
    few = score(digits.unit()[500:][digits.labels[500:] < 5][:200], y, classifier)
    assert few.frechet > 5 * good.frechet and few.recall < 0.65 and few.classes < 10
