"""The step of CycleGAN and of pix2pix: what each update touches, the losses, the pools, and going on exactly."""

import copy
from itertools import repeat

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from gencourse.data import UnpairedBatches
from gencourse.expect import ImageError
from gencourse.methods import cyclegan
from gencourse.methods.cyclegan import CycleGANStep, Translators, discriminator_loss, generator_losses, lsgan_d, lsgan_g
from gencourse.methods.gan_tricks import ImagePool
from gencourse.methods.pix2pix import Pix2PixStep
from gencourse.networks.translation import PatchDiscriminator, ResnetGenerator
from gencourse.training.fit import fit
from gencourse.training.helpers import Average


def pictures(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def four(inputs: int = 3, outputs: int = 3) -> Translators:
    torch.manual_seed(0)
    return Translators(
        ResnetGenerator(inputs=inputs, outputs=outputs, width=2, blocks=1),
        ResnetGenerator(inputs=outputs, outputs=inputs, width=2, blocks=1),
        PatchDiscriminator(inputs=inputs, width=2, layers=1),
        PatchDiscriminator(inputs=outputs, width=2, layers=1),
    )


def optimizers(nets: Translators, rate: float = 2e-3) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    return cyclegan.adam(nets.G, nets.F, rate=rate), cyclegan.adam(nets.D_A, nets.D_B, rate=rate)


def whole_step(nets: Translators, **arguments) -> CycleGANStep:
    draws = torch.Generator().manual_seed(3)
    pools = ImagePool(4, generator=draws), ImagePool(4, generator=draws)
    optimizer_g, optimizer_d = optimizers(nets)
    schedules = tuple(cyclegan.constant_then_linear(o, 20) for o in (optimizer_g, optimizer_d))
    averages = Average(nets.G), Average(nets.F)
    return CycleGANStep(
        nets, (optimizer_g, optimizer_d), pools=pools, schedules=schedules, averages=averages, **arguments
    )


def copy_of(*networks: nn.Module) -> list[torch.Tensor]:
    return [weight.detach().clone() for network in networks for weight in network.parameters()]


def same(before: list[torch.Tensor], *networks: nn.Module) -> list[bool]:
    after = [weight for network in networks for weight in network.parameters()]
    return [torch.equal(a, b) for a, b in zip(before, after, strict=True)]


def test_the_least_squares():
    real, fake = torch.tensor([0.5, 2.0]), torch.tensor([1.0, -3.0])
    assert_close(lsgan_d(real, fake), torch.tensor(((0.25 + 1) / 2 + (1 + 9) / 2) / 2))
    assert_close(lsgan_g(fake), torch.tensor((0 + 16) / 2))


def test_the_losses_are_the_paper_s():
    """Batches joined for speed give the losses of one picture after the other."""
    nets, a, b = four(), pictures(3, 3, 16, 16), pictures(2, 3, 16, 16, seed=1)
    losses, fake_a, fake_b = generator_losses(nets, a, b)
    G, F = nets.G, nets.F
    assert_close(fake_b, G(a), atol=1e-5, rtol=1e-4)
    assert_close(fake_a, F(b), atol=1e-5, rtol=1e-4)
    expected = {
        "G": (nets.D_B(G(a)) - 1).square().mean(),
        "F": (nets.D_A(F(b)) - 1).square().mean(),
        "cycle": (F(G(a)) - a).abs().mean() + (G(F(b)) - b).abs().mean(),
        "identity": (G(b) - b).abs().mean() + (F(a) - a).abs().mean(),
    }
    assert losses.keys() == expected.keys()
    for name, loss in losses.items():
        assert_close(loss, expected[name], atol=1e-5, rtol=1e-4)
    d = discriminator_loss(nets.D_A, a, fake_a)
    assert_close(d, ((nets.D_A(a) - 1).square().mean() + nets.D_A(fake_a).square().mean()) / 2, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("left_out", ["cycle", "identity"])
def test_a_loss_that_is_left_out_changes_no_other(left_out):
    nets, a, b = four(), pictures(3, 3, 16, 16), pictures(2, 3, 16, 16, seed=1)
    expected, *fakes = generator_losses(nets, a, b)
    found, *others = generator_losses(nets, a, b, **{left_out: False})
    assert set(expected) - set(found) == {left_out}
    assert_close(found, {name: expected[name] for name in found}, atol=1e-5, rtol=1e-4)
    assert_close(others, fakes, atol=1e-5, rtol=1e-4)


def test_the_generators_update_leaves_the_discriminators_alone():
    nets = four()
    step = CycleGANStep(nets, optimizers(nets))
    before, judges = copy_of(nets.G, nets.F), copy_of(nets.D_A, nets.D_B)
    step.update_generators(pictures(2, 3, 16, 16), pictures(2, 3, 16, 16, seed=1))
    assert not any(same(before, nets.G, nets.F)) and all(same(judges, nets.D_A, nets.D_B))
    for network in (nets.D_A, nets.D_B):
        assert all(weight.grad is None for weight in network.parameters()), "G's loss left a gradient in D"
        assert all(weight.requires_grad for weight in network.parameters()), "D stayed frozen"


def test_the_discriminators_update_leaves_the_generators_alone():
    nets, a, b = four(), pictures(2, 3, 16, 16), pictures(2, 3, 16, 16, seed=1)
    step = CycleGANStep(nets, optimizers(nets))
    before, judges = copy_of(nets.G, nets.F), copy_of(nets.D_A, nets.D_B)
    fake_a, fake_b = nets.F(b), nets.G(a)  # with their graph: a missing detach would show
    step.update_discriminators(a, b, fake_a, fake_b)
    assert all(same(before, nets.G, nets.F)) and not any(same(judges, nets.D_A, nets.D_B))
    for network in (nets.G, nets.F):
        assert all(weight.grad is None for weight in network.parameters()), "D's loss reached a generator"


def test_the_discriminators_see_what_the_pools_give():
    nets = four()
    seen: dict[str, list] = {"a": [], "b": []}

    def pool(side: str):
        def give(fakes: torch.Tensor) -> torch.Tensor:
            seen[side].append(fakes)
            return torch.zeros_like(fakes)

        return give

    step = CycleGANStep(nets, optimizers(nets), pools=(pool("a"), pool("b")))
    a, b = pictures(2, 3, 16, 16), pictures(2, 3, 16, 16, seed=1)
    fake_a, fake_b = nets.F(b), nets.G(a)
    expected = discriminator_loss(nets.D_A, a, torch.zeros_like(a))
    losses = step((a, b))
    assert_close(seen["a"][0], fake_a, atol=1e-5, rtol=1e-4)
    assert_close(seen["b"][0], fake_b, atol=1e-5, rtol=1e-4)
    assert_close(losses["D_A"], expected.detach())


def test_a_pool_gives_back_what_went_in():
    pool = ImagePool(5, generator=torch.Generator().manual_seed(0))
    put, given = [], []
    for i in range(40):
        fakes = torch.stack([torch.full((3, 2, 2), float(2 * i + j), requires_grad=True) for j in range(2)])
        put += [fake.detach() for fake in fakes]
        out = pool(fakes)
        assert out.shape == fakes.shape and not out.requires_grad
        given += list(out)
    values = [int(fake[0, 0, 0]) for fake in given]
    assert all(torch.equal(fake, put[value]) for fake, value in zip(given, values, strict=True)), "a picture changed"
    assert values[:5] == list(range(5))  # while it is not full: what went in, at once
    old = [value for i, value in enumerate(values) if value != i]
    assert 20 < len(old) < 55 and all(value < i for i, value in enumerate(values) if value != i)


def test_the_cycle_loss_can_be_left_out_and_the_identity_loss_too():
    nets = four()
    step = CycleGANStep(nets, optimizers(nets), identity=0)
    losses = step((pictures(1, 3, 16, 16), pictures(1, 3, 16, 16, seed=1)))
    assert list(losses) == ["G", "F", "cycle", "D_A", "D_B"]
    assert not any(loss.requires_grad for loss in losses.values())
    losses = CycleGANStep(nets, optimizers(nets), cycle=0)((pictures(1, 3, 16, 16), pictures(1, 3, 16, 16, seed=1)))
    assert list(losses) == ["G", "F", "identity", "D_A", "D_B"]
    nets = four(inputs=1)
    a, b = pictures(2, 1, 16, 16), pictures(3, 3, 16, 16, seed=1)
    CycleGANStep(nets, optimizers(nets), identity=0, cycle=0)((a, b))
    with pytest.raises(RuntimeError, match="Sizes of tensors must match"):
        CycleGANStep(nets, optimizers(nets))((a, b))


def test_pictures_outside_the_range():
    nets = four()
    a, b = pictures(1, 3, 16, 16), pictures(1, 3, 16, 16) * 127
    with pytest.raises(ImageError, match=r"\[-1, 1\]"):
        CycleGANStep(nets, optimizers(nets))((a, b))
    with pytest.raises(ImageError, match=r"\[-1, 1\]"):
        pair_step()((a, b))


def test_the_learning_rate_is_constant_then_falls_to_zero():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = cyclegan.constant_then_linear(optimizer, 8)
    rates = []
    for _ in range(8):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([1, 1, 1, 1, 1, 0.75, 0.5, 0.25])
    assert optimizer.param_groups[0]["lr"] == 0
    for steps, constant in ((0, 0.5), (5, 1.0), (5, -0.1)):
        with pytest.raises(ValueError, match="at least one step"):
            cyclegan.constant_then_linear(optimizer, steps, constant)


def test_a_killed_training_goes_on_exactly(tmp_path):
    """Pools, their draws, schedules, averages and the place in both sides of the data are all kept."""
    a = (pictures(11, 3, 16, 16) * 127.5 + 127.5).byte()
    b = (pictures(7, 3, 16, 16, seed=1) * 127.5 + 127.5).byte()

    def train(steps: int, save_to=None) -> tuple[dict, dict]:
        torch.manual_seed(5)
        step = whole_step(four())
        batches = UnpairedBatches(a, b, 2, crop=12, flip=True, seed=4)
        history = fit(step, batches, steps=steps, state=step.state, save_to=save_to, show=False)
        return history, copy.deepcopy(step.state["average_G"].module.state_dict()) | step.nets.F.state_dict()

    history, weights = train(9)
    file = tmp_path / "run.pt"
    train(5, file)
    resumed, after = train(9, file)
    assert dict(resumed) == dict(history)
    assert all(torch.equal(after[name], weight) for name, weight in weights.items())


def pair_step(**arguments) -> Pix2PixStep:
    torch.manual_seed(0)
    generator, discriminator = ResnetGenerator(width=4, blocks=1), PatchDiscriminator(inputs=6, width=2, layers=1)
    both = cyclegan.adam(generator, rate=5e-3), cyclegan.adam(discriminator, rate=2e-3)
    return Pix2PixStep(generator, discriminator, both, **arguments)


def test_pix2pix_learns_from_pairs_and_keeps_the_updates_apart():
    a = pictures(2, 3, 16, 16)
    b = -a
    step = pair_step()
    first = step((a, b))
    assert list(first) == ["G", "L1", "D"]
    with torch.no_grad():
        joined = torch.cat([a, step.generator(a)], 1)
        assert_close(joined.shape, torch.Size([2, 6, 16, 16]))
    history = fit(step, repeat((a, b)), steps=60, state=step.state, show=False)
    assert history["L1"][-1] < 0.6 * first["L1"]


def test_pix2pix_gives_its_discriminator_the_input_too():
    step, a, b = pair_step(l1=0), pictures(2, 3, 16, 16), pictures(2, 3, 16, 16, seed=1)
    fake = step.generator(a).detach()
    real_pair, fake_pair = torch.cat([a, b], 1), torch.cat([a, fake], 1)
    expected = discriminator_loss(copy.deepcopy(step.discriminator), real_pair, fake_pair)
    losses = step((a, b))
    assert_close(losses["D"], expected.detach())
    assert_close(losses["L1"], (fake - b).abs().mean())


@pytest.mark.parametrize("batch", [torch.zeros(2, 3, 16, 16), [torch.zeros(1, 3, 16, 16)] * 3])
def test_what_is_no_pair_of_batches(batch):
    for step in (whole_step(four()), pair_step()):
        with pytest.raises(ImageError, match="expected two batches"):
            step(batch)


def test_a_few_steps_bring_the_cycle_together():
    nets = four()
    a, b = pictures(4, 3, 16, 16) * 0.2 - 0.5, pictures(4, 3, 16, 16, seed=1) * 0.2 + 0.5
    step = whole_step(nets)
    history = fit(step, repeat((a, b)), steps=20, state=step.state, show=False)
    assert history["cycle"][-1] < 0.8 * history["cycle"][0]


def test_translate_speaks_the_range_of_files():
    network = four().G.train()
    x = (pictures(5, 3, 16, 12) + 1) / 2
    y = cyclegan.translate(network, x, batch=2)
    assert y.shape == x.shape and y.min() >= 0 and y.max() <= 1 and network.training and not y.requires_grad
    assert_close(y, (network(x * 2 - 1).detach() + 1) / 2, atol=1e-5, rtol=1e-4)
    with pytest.raises(ImageError, match=r"\[0, 1\]"):
        cyclegan.translate(network, x * 2 - 1)
