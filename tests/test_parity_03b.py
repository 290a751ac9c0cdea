"""What chapter 03b writes out in its cells is what the package does."""

from functools import partial

import pytest
import torch
from parity import definitions
from torch import nn

from gencourse.batches import Batches
from gencourse.methods import conditional_gan, gan, improved_gan, semi_supervised
from gencourse.modes import frozen
from gencourse.networks.conditional import AuxiliaryDiscriminator
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.networks.minibatch import MinibatchDiscriminator
from gencourse.networks.sgan import SemiSupervisedDiscriminator
from gencourse.training.helpers import Average, descend

NAMES = {"projection_logit", "auxiliary_classifier_losses", "feature_matching", "minibatch_discrimination"}
NAMES |= {"semi_supervised_loss", "sgan_step", "usual_step", "paired_interval", "auxiliary_step"}
NAMES |= {"ProjectionDiscriminator", "BatchDiscriminator"}
GIVEN = {"frozen": frozen, "descend": descend, "gan": gan, "Discriminator": Discriminator}
CHAPTER = definitions("03b_conditional_gan.ipynb", NAMES, GIVEN | {"MinibatchDiscriminator": MinibatchDiscriminator})
SMALL = {"width": 4, "depth": 3}


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def digits(count: int, seed: int = 0) -> torch.Tensor:
    return torch.tanh(normal(count, 1, 28, 28, seed=seed))


def adams(*networks: nn.Module) -> tuple[torch.optim.Optimizer, ...]:
    return tuple(torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in networks)


def weights(*networks: nn.Module) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for net in networks for weight in net.parameters()])


def test_the_projections_agree():
    given = normal(6, 5), torch.tensor([0, 3, 1, 1, 2, 0]), normal(4, 5, seed=1), normal(5, seed=2)
    torch.testing.assert_close(CHAPTER["projection_logit"](*given), conditional_gan.projection_logit(*given))


def test_a_discriminator_that_projects_by_the_chapters_function_is_the_packages():
    torch.manual_seed(0)
    ours, theirs = (kind(classes=10, **SMALL).eval() for kind in (CHAPTER["ProjectionDiscriminator"], Discriminator))
    theirs.load_state_dict(ours.state_dict())
    x, labels = digits(5), torch.tensor([0, 9, 3, 3, 1])
    torch.testing.assert_close(ours(x, labels), theirs(x, labels), atol=1e-5, rtol=1e-4)


def test_the_auxiliary_losses_agree():
    given = normal(6), normal(6, seed=1), normal(6, 4, seed=2), normal(6, 4, seed=3), torch.tensor([0, 3, 1, 1, 2, 0])
    ours, theirs = CHAPTER["auxiliary_classifier_losses"](*given), conditional_gan.auxiliary_classifier_losses(*given)
    torch.testing.assert_close(ours, theirs)


def test_an_iteration_with_an_auxiliary_classifier_is_the_packages():
    ends, batch = [], (digits(4), torch.tensor([2, 0, 9, 2]))
    for ours in (True, False):
        torch.manual_seed(0)
        G, D = Generator(latent=6, classes=10, **SMALL), AuxiliaryDiscriminator(**SMALL)
        average, noise = Average(G), torch.Generator().manual_seed(3)
        if ours:
            step = CHAPTER["auxiliary_step"](G, D, adams(G, D), average, noise)
        else:
            step = conditional_gan.AuxiliaryStep(G, D, adams(G, D), average=average, noise=noise)
        losses = [step(batch) for _ in range(2)]
        ends.append([weights(G, D, average.module), *(torch.stack([one["D"], one["G"]]) for one in losses)])
    torch.testing.assert_close(*ends, atol=1e-5, rtol=1e-4)


def test_matched_features_agree():
    real, fake = normal(6, 5), normal(4, 5, seed=1)
    torch.testing.assert_close(CHAPTER["feature_matching"](real, fake), improved_gan.feature_matching(real, fake))


def test_the_comparison_of_a_batch_agrees():
    torch.manual_seed(0)
    kinds = CHAPTER["BatchDiscriminator"], MinibatchDiscriminator
    ours, theirs = (kind(kernels=3, dims=2, **SMALL).eval() for kind in kinds)
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(digits(5)), theirs(digits(5)), atol=1e-5, rtol=1e-4)


def test_the_losses_of_few_labels_agree():
    given = normal(4, 5), torch.tensor([0, 4, 2, 2]), normal(6, 5, seed=1), 30 * normal(7, 5, seed=2)
    expected = semi_supervised.semi_supervised_loss(*given)
    torch.testing.assert_close(CHAPTER["semi_supervised_loss"](*given), expected)


@pytest.mark.parametrize(("name", "matching"), [("sgan_step", True), ("usual_step", False)])
def test_an_iteration_with_few_labels_is_the_packages(name, matching):
    """From the same weights and noise; the labelled batch is all there are, so that their order is the only chance."""
    ends = []
    for ours in (True, False):
        torch.manual_seed(0)
        G = Generator(latent=6, **SMALL)
        D = SemiSupervisedDiscriminator(width=4, hidden=8, noise=0.0, dropout=0.0)
        optimizers, noise = adams(G, D), torch.Generator().manual_seed(3)
        few = Batches(digits(10, seed=1), 10, labels=torch.arange(10), seed=0)
        if ours:
            draw_z = partial(gan.latent, G, generator=noise)
            losses = CHAPTER[name](*next(few), digits(6), G, D, *optimizers, draw_z)
        else:
            step = semi_supervised.SemiSupervisedStep(G, D, optimizers, few, matching=matching, noise=noise)
            losses = step(digits(6))
        ends.append([weights(G, D), losses["D"], losses["G"]])
    torch.testing.assert_close(*ends, atol=1e-5, rtol=1e-4)


def test_an_interval_holds_the_true_mean_as_often_as_it_says():
    """Of five seeds, where seeds differ more than a trick changes: about 95 of 100 intervals hold the true change."""
    g, held = torch.Generator().manual_seed(0), 0
    for _ in range(2000):
        without = 40 + 10 * torch.randn(5, generator=g)
        low, high = CHAPTER["paired_interval"](without - 3 + 2 * torch.randn(5, generator=g), without, 2.776)
        held += bool(low <= -3 <= high)
    assert 0.93 < held / 2000 < 0.97
