"""Training for super-resolution: each loss against its formula, steps that learn, and what goes on after a kill."""

import copy
import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from gencourse.expect import ImageError
from gencourse.methods import gan
from gencourse.methods import super_resolution as sr
from gencourse.methods.degradations import Degraded
from gencourse.methods.upsampling import area_average
from gencourse.networks.features import embedded_extractor
from gencourse.networks.srgan import PatchCritic, SRGenerator
from gencourse.networks.vgg import VGG
from gencourse.training.crops import Crops
from gencourse.training.fit import fit
from gencourse.training.helpers import Average


@pytest.fixture(scope="module")
def look():
    torch.manual_seed(0)
    return embedded_extractor(VGG(((4, 4), (6, 6))), ("conv1_2", "conv2_1")).normalise([torch.rand(1, 3, 48, 48)])


def signed(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def generator() -> SRGenerator:
    torch.manual_seed(1)
    return SRGenerator(width=6, blocks=1, late=3)


def critic() -> PatchCritic:
    torch.manual_seed(2)
    return PatchCritic(width=4, layers=2)


def adam(network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(network.parameters(), lr=2e-3)


def photograph() -> torch.Tensor:
    """A picture with edges, in [0, 1]."""
    x = torch.arange(64.0)
    stripes = ((x[:, None] + 2 * x) % 14 < 7).float()
    return torch.stack([stripes, stripes.T, 1 - stripes])[None] * 0.7 + 0.1


# Losses


@pytest.mark.parametrize("scale", [2, 4])
def test_the_repeated_error_by_its_definition(scale):
    y_hat, y = signed(2, 3, 12 * scale, 6 * scale), signed(2, 3, 12 * scale, 6 * scale, seed=1)
    squares = []
    for b, c, i, j in itertools.product(range(2), range(3), range(scale), range(scale)):
        error = (y_hat - y)[b, c, i::scale, j::scale]  # one place of the block, (12, 6)
        squares += [error[:6].mean() ** 2, error[6:].mean() ** 2]
    assert_close(sr.repeated_error(y_hat, y, scale), torch.stack(squares).mean())


def test_a_grid_counts_and_noise_hardly_does():
    y = torch.full((1, 3, 96, 96), 0.5)
    block = torch.zeros(4, 4)
    block[0, 0] = 0.2
    grid = sr.repeated_error(y + block.repeat(24, 24), y)
    noise = sr.repeated_error(y + 0.2 / 4 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0)), y)
    assert_close(grid, torch.tensor(0.2**2 / 16))
    assert noise < grid / 20, "though both have the same squared error"


def test_a_grid_of_another_picture_or_size():
    with pytest.raises(ImageError, match="two tensors of one shape"):
        sr.repeated_error(signed(1, 3, 24, 24), signed(1, 3, 28, 28))
    with pytest.raises(ImageError, match="at least 24 pixels that 4 divides"):
        sr.repeated_error(signed(1, 3, 20, 24), signed(1, 3, 20, 24))
    with pytest.raises(ImageError, match="at least 24 pixels that 4 divides"):
        sr.repeated_error(signed(1, 3, 26, 24), signed(1, 3, 26, 24))


def test_the_objective_is_the_weighted_sum_of_its_parts(look):
    y_hat, y, judge = signed(2, 3, 32, 48), signed(2, 3, 32, 48, seed=1), critic().eval()
    weights = sr.LossWeights(features=0.7, adversarial=0.3, pixels=5.0, grid=11.0)
    found = sr.srgan_objective(y_hat, y, look, judge, weights=weights)
    ours, true = look((y_hat + 1) / 2), look((y + 1) / 2)
    features = sum(F.mse_loss(ours[k], true[k]) for k in ours)
    pixels = (y_hat - y).abs().mean() / 2
    grid = sr.repeated_error(y_hat, y) / 4
    adversarial = -torch.sigmoid(judge(y_hat)).log().mean()  # G ascends log D(G(x)), it does not descend log(1 - D)
    for name, value in {"features": features, "pixels": pixels, "grid": grid, "adversarial": adversarial}.items():
        assert_close(found[name], value, msg=name)
    assert_close(found["total"], 0.7 * features + 0.3 * adversarial + 5 * pixels + 11 * grid)


def test_without_a_critic_there_is_no_adversarial_part(look):
    found = sr.srgan_objective(signed(1, 3, 32, 32), signed(1, 3, 32, 32, seed=1), look)
    assert set(found) == {"total", "features", "pixels", "grid"}


def test_the_gradient_reaches_the_enlarged_pictures_alone(look):
    y_hat, y = signed(1, 3, 32, 32).requires_grad_(), signed(1, 3, 32, 32, seed=1)
    judge = critic()
    sr.srgan_objective(y_hat, y, look, judge, weights=sr.LossWeights(0.0, 1.0, 0.0, 0.0))["total"].backward()
    assert y_hat.grad.abs().sum() > 0, "through the critic"
    assert all(p.grad is None and p.requires_grad for p in judge.parameters())


def test_the_objective_does_not_depend_on_the_number_of_pictures(look):
    y_hat, y = signed(1, 3, 32, 32), signed(1, 3, 32, 32, seed=1)
    one = sr.srgan_objective(y_hat, y, look, critic().eval())
    three = sr.srgan_objective(*(x.expand(3, -1, -1, -1) for x in (y_hat, y)), look, critic().eval())
    for name, value in one.items():
        assert_close(three[name], value, msg=name)


# Steps


def pixel_training(steps: int, *, save_to=None, batches=None):
    network = generator()
    optimizer = adam(network)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 200)
    step = sr.PixelStep(network, optimizer, schedules=(schedule,), average=Average(network))
    batches = batches or Crops([photograph()], 4, 32)
    return network, fit(step, batches, steps=steps, state=step.state, save_to=save_to, show=False)


def gan_training(look, steps: int, *, save_to=None, with_critic: bool = True, **options):
    network, judge = generator(), critic() if with_critic else None
    optimizers = adam(network), None if judge is None else adam(judge)
    schedules = tuple(torch.optim.lr_scheduler.CosineAnnealingLR(one, 200) for one in optimizers if one is not None)
    options = {"schedules": schedules, "average": Average(network), "draws": torch.Generator()} | options
    step = sr.SRGANStep(network, judge, look, optimizers, **options)
    crops = Crops([photograph()], 3, 32)
    return network, judge, fit(step, crops, steps=steps, state=step.state, save_to=save_to, show=False)


def test_the_loss_of_pixels_falls_below_bicubic_s():
    _, history = pixel_training(60)
    assert set(history) == {"pixels"}
    assert sum(history["pixels"][-5:]) < 0.85 * sum(history["pixels"][:5]), "the first is bicubic interpolation"


def test_the_loss_of_pixels_is_of_pictures_from_0_to_1():
    network, y = generator(), signed(2, 3, 32, 32)
    expected = (network(area_average(y, 4)) - y).abs().mean() / 2
    assert_close(sr.PixelStep(network, adam(network))(y)["pixels"], expected)


def test_noise_keeps_no_weight_while_pixels_train():
    network, _ = pixel_training(4)
    assert not network.from_noise.weight.any()


def test_pairs_are_taken_as_they_are():
    network, x, y = generator(), signed(2, 3, 8, 8), signed(2, 3, 32, 32)
    expected = (network(x) - y).abs().mean() / 2
    assert_close(sr.PixelStep(network, adam(network))((x, y))["pixels"], expected)


def test_degraded_pairs_train_too():
    _, history = pixel_training(2, batches=Degraded(Crops([photograph()], 2, 32)))
    assert history.steps == 2


def test_features_come_nearer(look):
    network, y = generator(), Crops([photograph()], 3, 32)
    features = sr.LossWeights(features=1.0, adversarial=0.0, pixels=0.0, grid=0.0)
    step, batch = sr.SRGANStep(network, None, look, (adam(network), None), weights=features), next(y)
    losses = [step(batch) for _ in range(40)]
    assert set(losses[0]) == {"features", "pixels", "grid"}
    assert losses[-1]["features"] < 0.9 * losses[0]["features"]


def test_the_critic_learns_to_tell_them_apart(look):
    _, _, history = gan_training(look, 40, weights=sr.LossWeights(adversarial=0.0))
    assert set(history) == {"features", "pixels", "grid", "adversarial", "D"}
    assert sum(history["D"][-5:]) < sum(history["D"][:5])


def test_noise_gets_weights_while_features_train(look):
    network, _, _ = gan_training(look, 3)
    assert network.from_noise.weight.abs().max() > 0


def test_one_step_moves_both_networks_and_each_by_its_own_loss(look):
    """The critic's loss is that of the pictures before the step; no gradient of it is left in the generator."""
    network, judge = generator(), critic().eval()
    nn.init.normal_(network.last.weight, 0, 0.1)
    before, y = (copy.deepcopy(network), copy.deepcopy(judge)), signed(2, 3, 32, 32)
    drawn = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    pair = gan.hinge()
    step = sr.SRGANStep(network, judge, look, (adam(network), adam(judge)), losses=pair)
    found = step(y)
    fake = before[0](area_average(y, 4), drawn)
    assert_close(found["D"], pair.discriminator(before[1](y), before[1](fake)))
    assert_close(found["adversarial"], pair.generator(judge(fake)), msg="by the critic after its step")
    for net, old in zip((network, judge), before, strict=True):
        assert any(not torch.equal(a, b) for a, b in zip(net.parameters(), old.parameters(), strict=True))


def test_each_step_draws_new_noise(look):
    network, seen = generator(), []
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1]))
    step = sr.SRGANStep(network, None, look, (adam(network), None))
    for _ in range(2):
        step(signed(1, 3, 32, 32))
    assert not torch.equal(*seen)


@pytest.mark.parametrize("kind", ["pixels", "degraded", "adversarial"])
def test_a_killed_training_goes_on(look, tmp_path, kind):
    def run(steps: int, save_to=None):
        if kind == "adversarial":
            return gan_training(look, steps, save_to=save_to)[:2]
        crops = Crops([photograph()], 2, 32)
        return pixel_training(steps, save_to=save_to, batches=Degraded(crops) if kind == "degraded" else crops)[:1]

    whole = run(5)
    run(2, tmp_path / "run.pt")
    again = run(5, tmp_path / "run.pt")
    for a, b in zip(whole, again, strict=True):
        for name, weight in a.state_dict().items():
            assert torch.equal(weight, b.state_dict()[name]), name


@pytest.mark.parametrize("kind", ["pixels", "adversarial"])
def test_a_step_looks_at_its_first_batch(look, kind):
    def step(batch):
        net, judge = generator(), critic()
        if kind == "pixels":
            return sr.PixelStep(net, adam(net))(batch)
        return sr.SRGANStep(net, judge, look, (adam(net), adam(judge)))(batch)

    with pytest.raises(ImageError, match=r"expected values in \[-1, 1\]"):
        step(signed(1, 3, 32, 32) * 3)
    with pytest.raises(ImageError, match="that 4 divides"):
        step(signed(1, 3, 32, 30))
    with pytest.raises(ImageError, match=r"small pictures, 4 times smaller \(2, 3, 8, 8\)"):
        step((signed(2, 3, 16, 16), signed(2, 3, 32, 32)))
    with pytest.raises(ImageError, match="expected pictures, or a pair of small and true ones"):
        step((signed(2, 3, 8, 8),) * 3)


def test_a_critic_without_an_optimiser(look):
    net = generator()
    with pytest.raises(ValueError, match="give both or neither"):
        sr.SRGANStep(net, critic(), look, (adam(net), None))
