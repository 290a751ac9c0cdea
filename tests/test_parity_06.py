"""What chapter 06 writes out in its cells is what the package does."""

import copy
import inspect

import pytest
import torch
from parity import definitions
from torch.testing import assert_close

from gencourse import Average, descend
from gencourse.methods import denoising, editing, samplers
from gencourse.methods.diffusion import (
    NOISE,
    X0,
    NoiseSchedule,
    cosine_schedule,
    diffusion_loss,
    linear_schedule,
    posterior,
    q_sample,
    scales,
)
from gencourse.networks.unet import UNet

NAMES = {"q_sample", "noise_loss", "train_step", "reverse_mean", "ancestral", "guided", "ddim", "put_back"}
GIVEN = {name: getattr(samplers, name) for name in ("times", "noise_like", "ddpm_step")}
CHAPTER = definitions("06_ddpm.ipynb", NAMES, GIVEN)
SCHEDULES = {"linear": linear_schedule(50), "cosine": cosine_schedule(50)}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=rng(seed)) * 2 - 1


def network(classes: int = 0) -> UNet:
    torch.manual_seed(0)
    unet = UNet(widths=(8, 16), heads=2, classes=classes)
    for weights in unet.parameters():
        if not weights.any():
            torch.nn.init.normal_(weights, std=0.1)
    return unet.eval().requires_grad_(False)


def half_tanh(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Stands for a network that predicts the noise of points."""
    return 0.5 * x.tanh()


@pytest.fixture(params=SCHEDULES)
def schedule(request) -> NoiseSchedule:
    return SCHEDULES[request.param]


@pytest.mark.parametrize("name", ["q_sample", "guided", "ddim"])
def test_the_arguments_agree(name):
    package = {"q_sample": q_sample, "guided": denoising.guided, "ddim": samplers.ddim}
    ours, theirs = (inspect.signature(f).parameters.values() for f in (package[name], CHAPTER[name]))
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in theirs]


@pytest.mark.parametrize("shape", [(5, 2), (5, 5), (5, 3, 4, 6)])
def test_the_forward_process_agrees(schedule, shape):
    x0, noise = torch.rand(shape, generator=rng()) * 2 - 1, torch.randn(shape, generator=rng(1))
    t = torch.tensor([0, 1, 20, 48, 49])
    expected = q_sample(x0, t, noise, schedule.alphas_cumprod)
    assert_close(CHAPTER["q_sample"](x0, t, noise, schedule.alphas_cumprod), expected)


def test_the_loss_agrees(schedule):
    unet, x0 = network(), pictures()
    found = CHAPTER["noise_loss"](unet, x0, schedule.alphas_cumprod, rng(3))
    assert_close(found, diffusion_loss(unet, x0, schedule, NOISE, generator=rng(3)))


def test_the_training_step_is_a_step_down_and_a_moving_average(schedule):
    ours, theirs = (network().requires_grad_(True) for _ in range(2))
    average, expected = copy.deepcopy(ours).requires_grad_(False), Average(theirs, 0.05)
    optimizers = [torch.optim.Adam(unet.parameters(), 1e-2) for unet in (ours, theirs)]
    for seed in (3, 4):
        found = CHAPTER["train_step"](
            ours, average, optimizers[0], pictures(), schedule.alphas_cumprod, 0.05, rng(seed)
        )
        loss = descend(optimizers[1], diffusion_loss(theirs, pictures(), schedule, NOISE, generator=rng(seed)))
        expected.update(theirs)
        assert_close(found, loss)
    assert_close(list(average.parameters()), list(expected.module.parameters()), atol=1e-5, rtol=1e-4)


def test_the_mean_of_the_step_back_agrees(schedule):
    x_t, noise, t = torch.randn(50, 2, generator=rng()), torch.randn(50, 2, generator=rng(1)), torch.arange(50)
    x_t, noise = x_t.double(), noise.double()
    x0 = NOISE.to_x0(x_t, noise, *scales(t, schedule.alphas_cumprod, x_t))
    expected, _ = posterior(x0, x_t, t, schedule.alphas_cumprod)
    assert_close(CHAPTER["reverse_mean"](x_t, noise, t, schedule.betas), expected)


def test_ancestral_sampling_is_ddpm_with_all_steps(schedule):
    points, model = torch.randn(20, 2, generator=rng()), denoising.denoiser(half_tanh, schedule, NOISE)
    expected = samplers.ddpm(model, points, schedule, steps=50, generator=rng(5))
    assert_close(CHAPTER["ancestral"](half_tanh, points, schedule.betas, rng(5)), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("weight", [0.0, 1.0, 0.5, 3.0])
def test_guidance_agrees(weight):
    unet, x_t = network(classes=4), pictures()
    labels, t = torch.tensor([0, 1, 2, 3, 0, 1]), torch.tensor([0, 9, 99, 499, 900, 999])
    expected = denoising.guided(unet, labels, weight)(x_t, t)
    assert_close(CHAPTER["guided"](unet, labels, weight)(x_t, t), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("steps", [1, 7, [40, 20, 3]])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_agrees(schedule, eta, steps):
    model, x_T = denoising.denoiser(network(), schedule, X0), torch.randn(4, 1, 8, 8, generator=rng())
    for generators in (lambda: rng(5), lambda: [rng(seed) for seed in range(4)]):
        drawn, heard = [], ([], [])
        for sampler, told in zip((samplers.ddim, CHAPTER["ddim"]), heard, strict=True):
            callback = lambda *step, told=told: told.append(step)  # noqa: E731
            drawn.append(sampler(model, x_T, schedule, steps=steps, eta=eta, generator=generators(), callback=callback))
        assert_close(drawn[1], drawn[0])
        for ours, theirs in zip(*heard, strict=True):
            assert ours[2] == theirs[2]
            assert_close(ours[:2], theirs[:2])


def test_putting_the_known_part_back_agrees(schedule):
    model, x_T = denoising.denoiser(network(), schedule, X0), torch.randn(6, 1, 8, 8, generator=rng())
    mask = torch.zeros(1, 1, 8, 8)
    mask[:, :, :4] = 1
    expected = editing.inpaint(model, x_T, schedule, pictures(), mask, steps=9, generator=rng(5))
    found = CHAPTER["put_back"](model, x_T, schedule, pictures(), mask, steps=9, generator=rng(5))
    assert_close(found[:, :, 4:], expected[:, :, 4:])
    assert_close(found[:, :, :4], pictures()[:, :, :4])
