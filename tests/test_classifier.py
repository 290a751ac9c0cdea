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
    with pytest.raises(ValueError, match=r"the classifier 'mine' \(B, 1, H, W\)"):
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
    with pytest.raises(ValueError, match="B, C, H, W"):
        network(torch.rand(3, 28, 28))


def test_inception_sees_pictures_from_minus_one_to_one():
    """As its weights were trained: torchvision's own way there is to normalise first and to undo it inside."""
    from torchvision.models import Inception_V3_Weights
    from torchvision.models.inception import Inception3

    network, seen, normalise = Inception(pretrained=False), [], Inception_V3_Weights.IMAGENET1K_V1.transforms()
    network.body.Conv2d_1a_3x3.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    x = torch.rand(1, 3, 299, 299)
    network.eval()(x)
    mean, std = (torch.tensor(row).view(3, 1, 1) for row in (normalise.mean, normalise.std))
    theirs = Inception3(transform_input=True, init_weights=False)._transform_input((x - mean) / std)
    assert torch.allclose(seen[0], theirs, atol=1e-5) and seen[0].min() < -0.99 and seen[0].max() > 0.99
