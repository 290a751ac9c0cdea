"""What chapter 03 writes out in its cells is what the package does."""

import copy

import pytest
import torch
from parity import definitions

from gencourse import metrics
from gencourse.methods import gan
from gencourse.methods.editing import slerp
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.training.helpers import descend

CHAPTER = definitions(
    "03_gan.ipynb",
    {
        *("discriminator_loss", "generator_loss", "five_steps", "frechet_distance", "slerp"),
        *("dcgan_generator", "dcgan_discriminator", "dcgan_weights"),
    },
    {"descend": descend},
)


def test_the_losses_agree():
    g = torch.Generator().manual_seed(0)
    real, fake = torch.randn(6, generator=g) * 5, torch.randn(4, generator=g) * 5
    torch.testing.assert_close(CHAPTER["discriminator_loss"](real, fake), gan.bce().discriminator(real, fake))
    torch.testing.assert_close(CHAPTER["generator_loss"](fake), gan.bce().generator(fake))


def test_the_five_steps_agree():
    torch.manual_seed(0)
    pairs = [(Generator(latent=8, width=8), Discriminator(width=8))]
    pairs.append(copy.deepcopy(pairs[0]))
    x = torch.rand(6, 1, 28, 28) * 2 - 1
    for i, (g, d) in enumerate(pairs):
        og, od = (torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (g, d))
        noise = torch.Generator().manual_seed(1)
        package = gan.GANStep(g, d, (og, od), losses=gan.bce(), noise=noise)
        for _ in range(3):
            if i:
                found = package(x)
            else:
                draw = lambda count, noise=noise: torch.randn(count, 8, generator=noise)  # noqa: E731
                expected = CHAPTER["five_steps"](x, g, d, og, od, draw)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)
    for ours, theirs in zip(pairs[0], pairs[1], strict=True):
        for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(a, b)


def test_the_networks_agree():
    """The same layers in the same order, so that the package's weights fit as they are, in train mode and in eval."""
    torch.manual_seed(0)
    z, x = torch.randn(5, 8), torch.rand(5, 1, 28, 28) * 2 - 1
    pairs = [
        (CHAPTER["dcgan_generator"](8, 6), Generator(latent=8, width=6, depth=3), z),
        (CHAPTER["dcgan_discriminator"](6), Discriminator(width=6, depth=3), x),
    ]
    for ours, theirs, given in pairs:
        values = list(theirs.state_dict().values())
        ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
        torch.testing.assert_close(ours(given), theirs(given))
        torch.testing.assert_close(ours.eval()(given), theirs.eval()(given))


def test_the_first_weights_are_drawn_as_in_the_package():
    torch.manual_seed(0)
    ours = CHAPTER["dcgan_generator"](64, 64).apply(CHAPTER["dcgan_weights"])
    theirs = Generator(latent=64, depth=3)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert a.mean().item() == pytest.approx(b.mean().item(), abs=0.01)
        assert a.numel() < 10_000 or a.std().item() == pytest.approx(b.std().item(), rel=0.05)


def test_the_turn_agrees():
    g = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 6, 9, generator=g)
    for t in (0.0, 0.3, 1.0):
        torch.testing.assert_close(CHAPTER["slerp"](a, b, t), slerp(a, b, t))


def test_the_frechet_distance_agrees():
    g = torch.Generator().manual_seed(0)
    mix = torch.randn(5, 5, generator=g).double()
    a, b = torch.randn(200, 5, generator=g).double() @ mix, torch.randn(300, 5, generator=g).double() + 0.3
    assert abs(CHAPTER["frechet_distance"](a, b).item() - metrics.frechet_distance(a, b)) < 1e-8
