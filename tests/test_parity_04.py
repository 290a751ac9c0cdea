"""What chapter 04 writes out in its cells is what the package does."""

import copy
from functools import partial

import pytest
import torch
from parity import definitions

from gencourse.methods import cyclegan
from gencourse.methods.gan_tricks import ImagePool
from gencourse.modes import frozen
from gencourse.networks.translation import PatchDiscriminator, ResnetGenerator
from gencourse.training.helpers import descend

NOTEBOOK = "04_cyclegan.ipynb"


def four() -> cyclegan.Translators:
    torch.manual_seed(0)
    generators = [ResnetGenerator(width=4, blocks=1) for _ in range(2)]
    return cyclegan.Translators(*generators, *(PatchDiscriminator(width=4, layers=1) for _ in range(2)))


def unpaired() -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, 16, 16, generator=g) * 2 - 1, torch.rand(2, 3, 16, 16, generator=g) * 2 - 1


def test_the_losses_agree():
    nets, (a, b) = four(), unpaired()
    expected, *fakes = definitions(NOTEBOOK, {"losses_of_generators"})["losses_of_generators"](*nets, a, b)
    found, *others = cyclegan.generator_losses(nets, a, b)
    assert list(found) == list(expected)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name])
    torch.testing.assert_close(others, fakes)


def test_the_pools_agree():
    exchange, pool, package = definitions(NOTEBOOK, {"exchange"})["exchange"], [], ImagePool(5)
    for i in range(20):
        fakes = torch.arange(3.0)[:, None] + 3 * i
        torch.manual_seed(i)
        expected = exchange(pool, fakes, 5)
        torch.manual_seed(i)
        assert torch.equal(package(fakes), expected)


@pytest.mark.parametrize(("steps", "constant"), [(10, 0.5), (8, 0.25), (5, 0.0)])
def test_the_schedules_agree(steps, constant):
    factor = definitions(NOTEBOOK, {"rate_factor"})["rate_factor"]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = cyclegan.constant_then_linear(optimizer, steps, constant)
    for done in range(steps + 1):
        assert optimizer.param_groups[0]["lr"] == pytest.approx(factor(done, steps, constant))
        optimizer.step()
        schedule.step()


def test_the_generators_agree():
    """The network that is written out, with the package's weights, gives the package's pictures."""
    given = {"nn": torch.nn}
    found = definitions(NOTEBOOK, {"layer", "reflecting", "ResidualBlock", "translator"}, given)["translator"](8, 2)
    expected = ResnetGenerator(width=8, blocks=2)
    found.load_state_dict({name.removeprefix("layers."): x for name, x in expected.state_dict().items()})
    a, _ = unpaired()
    torch.testing.assert_close(found(a), expected(a), atol=1e-5, rtol=1e-4)


def test_three_iterations_agree():
    ours = four()
    theirs = cyclegan.Translators(*map(copy.deepcopy, ours))
    adams = [(cyclegan.adam(n.G, n.F), cyclegan.adam(n.D_A, n.D_B)) for n in (ours, theirs)]
    package = cyclegan.CycleGANStep(ours, adams[0], pools=(ImagePool(50), ImagePool(50)))
    given = theirs._asdict() | {"optimizer_g": adams[1][0], "optimizer_d": adams[1][1], "schedules": []}
    given |= {"pool_a": [], "pool_b": [], "frozen": frozen, "descend": descend, "partial": partial}
    step = definitions(NOTEBOOK, {"step", "cyclegan_step", "losses_of_generators", "exchange"}, given)["step"]
    for _ in range(3):
        found, expected = package(unpaired()), step(unpaired())
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value.detach())
    for a, b in zip(ours.G.parameters(), theirs.G.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)
