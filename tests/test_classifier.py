"""The networks whose features the harness compares samples in."""

import pytest
import torch

from gencourse.metrics import features
from gencourse.networks.classifier import Classifier, Inception


def test_features_and_logits_for_pictures_of_several_sizes():
    classifier = Classifier(width=4, channels=3, classes=7)
    for side in (8, 28, 45):
        x, logits = classifier(torch.rand(2, 3, side, side))
        assert x.shape == (2, 16) and logits.shape == (2, 7)


def test_the_features_carry_what_the_classes_are_read_from():
    classifier = Classifier(width=4).eval()
    x, logits = classifier(torch.rand(5, 1, 28, 28))
    torch.testing.assert_close(classifier.head(x), logits)
    assert (x >= 0).all() and x.std() > 0


@pytest.mark.parametrize("shape", [(2, 3, 28, 28), (2, 1, 6, 28), (1, 28, 28)])
def test_other_shapes_are_named(shape):
    with pytest.raises(ValueError, match=r"'mine' takes \(B, 1, H, W\)"):
        Classifier(width=4, name="mine")(torch.rand(shape))


def test_inception_takes_grey_and_colour_and_answers_alike_in_both_modes():
    torch.manual_seed(0)
    network = Inception(pretrained=False)
    for weights in network.parameters():
        weights.data.mul_(0.5)  # random ones let the activations grow without bound
    grey = torch.rand(2, 1, 28, 28)
    found = features(grey, network)
    assert found.features.shape == (2, 2048) and found.probabilities.shape == (2, 1000)
    assert torch.equal(features(grey.expand(-1, 3, -1, -1), network.train()).features, found.features)
    assert network.training and "FID-" + network.name == "FID-inception-torchvision"
    with pytest.raises(ValueError, match="Inception takes"):
        network(torch.rand(2, 4, 28, 28))
