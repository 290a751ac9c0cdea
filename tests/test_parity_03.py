"""What chapter 03 writes out in its cells is what the package does."""

import copy

import torch
from parity import definitions

from gencourse import metrics
from gencourse.methods import gan
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.training.helpers import descend

CHAPTER = definitions(
    "03_gan.ipynb", {"discriminator_loss", "generator_loss", "five_steps", "frechet_distance"}, {"descend": descend}
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


def test_the_frechet_distance_agrees():
    g = torch.Generator().manual_seed(0)
    mix = torch.randn(5, 5, generator=g).double()
    a, b = torch.randn(200, 5, generator=g).double() @ mix, torch.randn(300, 5, generator=g).double() + 0.3
    assert abs(CHAPTER["frechet_distance"](a, b).item() - metrics.frechet_distance(a, b)) < 1e-8
