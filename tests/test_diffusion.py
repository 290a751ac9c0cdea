"""The forward process, its posterior, the targets and the loss, against what they must equal."""

import pytest
import torch
from torch.testing import assert_close

from gencourse import data
from gencourse.expect import ImageError
from gencourse.methods.diffusion import (
    NOISE,
    TARGETS,
    X0,
    NoiseSchedule,
    V,
    cosine_schedule,
    diffusion_loss,
    drop_labels,
    linear_schedule,
    min_snr,
    posterior,
    q_sample,
    scales,
    signal_noise_scales,
    to_eps,
    uniform_weight,
)
from gencourse.networks.unet import UNet
from gencourse.training.helpers import descend

SCHEDULES = {"linear": linear_schedule(), "cosine": cosine_schedule(), "short": linear_schedule(30)}


@pytest.fixture(params=SCHEDULES)
def schedule(request) -> NoiseSchedule:
    return SCHEDULES[request.param]


def pictures(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """x_0 in [-1, 1] and noise, (count, 2, 3, 3) float64."""
    generator = torch.Generator().manual_seed(seed)
    x0 = torch.rand(count, 2, 3, 3, generator=generator, dtype=torch.float64) * 2 - 1
    return x0, torch.randn(x0.shape, generator=generator, dtype=torch.float64)


def test_the_closed_form_is_the_chain(schedule):
    """Mean and variance of x_t = sqrt(alpha_t) x_{t-1} + sqrt(beta_t) noise, step by step, are the closed ones."""
    mean, variance = torch.tensor(0.7, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    means, variances = [], []
    for alpha, beta in zip(schedule.alphas, schedule.betas, strict=True):
        mean, variance = alpha.sqrt() * mean, alpha * variance + beta
        means.append(mean)
        variances.append(variance)
    t = torch.arange(len(schedule))
    x0 = torch.full((len(t), 1, 1, 1), 0.7, dtype=torch.float64)
    closed_mean = q_sample(x0, t, torch.zeros_like(x0), schedule.alphas_cumprod)
    closed_deviation = q_sample(x0, t, torch.ones_like(x0), schedule.alphas_cumprod) - closed_mean
    assert_close(closed_mean.flatten(), torch.stack(means))
    assert_close(closed_deviation.square().flatten(), torch.stack(variances))


def test_the_chain_itself_walked_with_real_noise():
    schedule, generator = linear_schedule(20), torch.Generator().manual_seed(0)
    x = torch.full((40_000, 1), 0.5, dtype=torch.float64)
    for alpha, beta in zip(schedule.alphas[:12], schedule.betas[:12], strict=True):
        x = alpha.sqrt() * x + beta.sqrt() * torch.randn(x.shape, generator=generator, dtype=x.dtype)
    noise = torch.randn(x.shape, generator=generator, dtype=x.dtype)
    at_once = q_sample(torch.full_like(x, 0.5), torch.full((len(x),), 11), noise, schedule.alphas_cumprod)
    assert x.mean() == pytest.approx(at_once.mean().item(), abs=0.02)
    assert x.var() == pytest.approx(at_once.var().item(), rel=0.04)


def test_the_posterior_is_bayes_rule(schedule):
    """q(x_{t-1} | x_t, x_0) is the normalised product of q(x_t | x_{t-1}) and q(x_{t-1} | x_0), for each t."""
    t = torch.arange(len(schedule))
    x0, x_t = pictures(len(t))
    mean, variance = posterior(x0, x_t, t, schedule.alphas_cumprod)
    before = torch.cat((torch.ones(1, dtype=torch.float64), schedule.alphas_cumprod[:-1])).view(-1, 1, 1, 1)
    alpha, beta = (v.view(-1, 1, 1, 1) for v in (schedule.alphas, schedule.betas))
    later = slice(1, None)  # at t = 0 the second factor is a point
    precision = alpha[later] / beta[later] + 1 / (1 - before[later])
    weighted = alpha[later].sqrt() / beta[later] * x_t[later] + before[later].sqrt() / (1 - before[later]) * x0[later]
    assert_close(variance[later], 1 / precision)
    assert_close(mean[later], weighted / precision)
    assert_close(mean[:1], x0[:1])
    assert variance[0] == 0


def test_the_posterior_mean_from_noise_x0_and_v(schedule):
    t = torch.arange(len(schedule))
    x0, noise = pictures(len(t))
    x_t = q_sample(x0, t, noise, schedule.alphas_cumprod)
    a, s = signal_noise_scales(t, schedule.alphas_cumprod, x0)
    alpha, beta = (v.view(-1, 1, 1, 1) for v in (schedule.alphas, schedule.betas))
    from_noise = (x_t - beta / s * noise) / alpha.sqrt()  # Ho et al. 2020, eq. 11
    means = [
        posterior(target.to_x0(x_t, target.target(x0, noise, a, s), a, s), x_t, t, schedule.alphas_cumprod)[0]
        for target in (NOISE, X0, V)
    ]
    for mean in means:
        assert_close(mean, from_noise, atol=1e-7, rtol=1e-7)
    assert_close(to_eps(x_t, x0, t, schedule.alphas_cumprod), noise, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_what_an_error_in_the_answer_is_worth(schedule, target):
    """x0_error_ratio(snr) turns squared error in x_0 into squared error in the answer."""
    t = torch.arange(0, len(schedule), 7)
    x0, noise = pictures(len(t))
    x_t, (a, s) = q_sample(x0, t, noise, schedule.alphas_cumprod), signal_noise_scales(t, schedule.alphas_cumprod, x0)
    right = target.target(x0, noise, a, s)
    wrong = right + 0.01 * pictures(len(t), seed=1)[1]
    in_x0 = (target.to_x0(x_t, wrong, a, s) - x0).square().flatten(1).sum(1)
    in_answer = (wrong - right).square().flatten(1).sum(1)
    assert_close(in_answer, target.x0_error_ratio(schedule.snr[t]) * in_x0, rtol=1e-5, atol=0)
    assert_close(min_snr(schedule.snr, target) * target.x0_error_ratio(schedule.snr), schedule.snr.clamp(max=5.0))
    assert torch.equal(uniform_weight(schedule.snr, target), torch.ones_like(schedule.snr))


def test_v_turns_noise_and_picture_by_a_quarter():
    """(x_t, v) is (x_0, noise) turned: as long, and at right angles where those are."""
    x0, noise = pictures(5)
    t = torch.tensor([0, 100, 500, 900, 999])
    alphas_cumprod = SCHEDULES["cosine"].alphas_cumprod
    x_t, v = q_sample(x0, t, noise, alphas_cumprod), V.target(x0, noise, *signal_noise_scales(t, alphas_cumprod, x0))
    assert_close(x_t.square() + v.square(), x0.square() + noise.square())


def test_a_schedule_falls_from_picture_to_noise(schedule):
    assert schedule.betas.dtype == schedule.alphas_cumprod.dtype == schedule.snr.dtype == torch.float64
    assert (schedule.snr.diff() < 0).all() and (schedule.alphas_cumprod.diff() < 0).all()
    assert schedule.alphas_cumprod[-1] < 1e-4
    assert schedule.alphas_cumprod[0] > (0.9 if len(schedule) < 100 else 0.999)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_shortest_chains_end_in_noise_too(steps):
    assert linear_schedule(steps).alphas_cumprod[-1] < 0.002


def test_the_schedules_are_the_papers():
    linear, cosine = SCHEDULES["linear"], SCHEDULES["cosine"]
    assert linear.betas[0] == 1e-4 and linear.betas[-1].item() == pytest.approx(0.02)
    assert_close(linear.betas.diff(), torch.full((999,), 0.0199 / 999, dtype=torch.float64))
    middle = torch.tensor((0.5 + 0.008) / 1.008 * torch.pi / 2).cos() / torch.tensor(0.008 / 1.008 * torch.pi / 2).cos()
    assert cosine.alphas_cumprod[499].item() == pytest.approx(middle.item() ** 2, rel=1e-5)
    assert cosine.betas.max() == 0.999
    assert_close(linear_schedule(4000).alphas_cumprod[-1], linear.alphas_cumprod[-1], rtol=0.2, atol=0)


def test_float32_pictures_get_scales_from_float64():
    """1 - alphas_cumprod, taken in float32, would be wrong in its fourth digit near the picture."""
    t, x = torch.tensor([0]), torch.zeros(1, 1, 1, 1)
    _, s = signal_noise_scales(t, SCHEDULES["linear"].alphas_cumprod, x)
    assert s.dtype == torch.float32 and s.item() == pytest.approx(0.01, rel=1e-6)


def test_points_in_the_plane_will_do_as_well():
    x0, noise = torch.rand(4, 2), torch.randn(4, 2)
    assert q_sample(x0, torch.arange(4), noise, SCHEDULES["linear"].alphas_cumprod).shape == (4, 2)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 20, 29, 30])
def test_timesteps_fall_and_end_at_the_picture(schedule, steps):
    times = schedule.timesteps(steps)
    assert len(times) == steps and all(a > b for a, b in zip(times, times[1:], strict=False))
    assert times[0] < len(schedule) and (times[-1] == 0 or steps == 1)


def test_timesteps_are_even_in_log_snr():
    schedule = SCHEDULES["cosine"]
    assert schedule.timesteps(1000) == list(range(999, -1, -1))
    widths = schedule.snr.log()[schedule.timesteps(11)].diff()
    assert widths.min() > 0.8 * widths.mean() and widths.max() < 1.2 * widths.mean()


def test_the_loss_of_a_network_that_says_zero_is_the_variance_of_the_noise():
    zero = torch.nn.Module()
    zero.forward = lambda x_t, t: torch.zeros_like(x_t)
    x0 = torch.rand(256, 1, 8, 8) * 2 - 1
    generator = torch.Generator().manual_seed(0)
    losses = [diffusion_loss(zero, x0, SCHEDULES["linear"], t, generator=generator).item() for t in (NOISE, X0)]
    assert losses[0] == pytest.approx(1, abs=0.03) and losses[1] == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_the_loss_of_a_network_that_knows_the_picture_is_zero(target):
    schedule, (x0, _) = SCHEDULES["linear"], pictures(8)

    class Knows(torch.nn.Module):
        def forward(self, x_t, t, labels):
            seen.append((t.clone(), labels))
            a, s = signal_noise_scales(t, schedule.alphas_cumprod, x_t)
            return target.target(x0, (x_t - a * x0) / s, a, s)

    seen = []
    labels = torch.arange(8)
    loss = diffusion_loss(Knows(), x0, schedule, target, labels=labels, weight=min_snr)
    assert loss < 1e-12 and seen[0][1] is labels and len(seen[0][0].unique()) > 3


def test_the_loss_depends_on_its_generator_alone():
    network, (x0, _) = UNet(widths=(8,), attention=0, channels=2), pictures(4)
    losses = [
        diffusion_loss(network, x0.float(), SCHEDULES["linear"], generator=torch.Generator().manual_seed(seed)).item()
        for seed in (1, 1, 2)
    ]
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_a_few_steps_lower_the_loss(target):
    torch.manual_seed(0)
    network = UNet(widths=(8, 16), heads=2)
    x0 = torch.nn.functional.avg_pool2d(data.digits().subset(slice(64)).signed(), 3, ceil_mode=True)  # (64, 1, 10, 10)
    optimizer, generator = torch.optim.Adam(network.parameters(), 5e-3), torch.Generator().manual_seed(0)
    losses = [
        descend(optimizer, diffusion_loss(network, x0, SCHEDULES["cosine"], target, generator=generator)).item()
        for _ in range(40)
    ]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:5]) * 2


def test_labels_are_dropped_at_the_rate_asked_for():
    labels = torch.arange(10).repeat(1000)
    kept = labels.clone()
    dropped = drop_labels(labels, 10, 0.1, torch.Generator().manual_seed(0))
    assert (dropped == 10).double().mean().item() == pytest.approx(0.1, abs=0.01)
    assert torch.equal(dropped[dropped != 10], labels[dropped != 10]) and torch.equal(labels, kept)
    assert torch.equal(drop_labels(labels, 10, 0.0), labels) and (drop_labels(labels, 10, 1.0) == 10).all()


X, T = torch.zeros(2, 1, 4, 4), torch.tensor([0, 999])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda a: q_sample(X, T, X[:1], a), "one shape"),
        (lambda a: posterior(X, X[:, :, :2], T, a), "one shape"),
        (lambda a: to_eps(X, X[0], T, a), "one shape"),
        (lambda a: drop_labels(T, 10, 1.5), "rate"),
        (lambda a: diffusion_loss(UNet(widths=(8,)), X + 1.5, linear_schedule()), r"\[-1, 1\], got \[1.5, 1.5\]"),
        (lambda a: diffusion_loss(UNet(widths=(8,)), (X * 255).to(torch.uint8), linear_schedule()), "divide bytes"),
        (lambda a: diffusion_loss(UNet(widths=(8,)), X, linear_schedule(), labels=T), "has no classes"),
        (lambda a: NoiseSchedule(torch.tensor([0.1, 1.0])), "between 0 and 1"),
        (lambda a: NoiseSchedule(torch.tensor([0.0, 0.1])), "between 0 and 1"),
        (lambda a: NoiseSchedule(torch.tensor([])), "none of them 0"),
        (lambda a: NoiseSchedule(torch.tensor([1e-17, 0.1], dtype=torch.float64)), "leave alphas_cumprod there"),
        (lambda a: NoiseSchedule(torch.full((200,), 0.999, dtype=torch.float64)), "leave alphas_cumprod there"),
        (lambda a: linear_schedule().timesteps(2.5), "2.5 sampling steps"),
        (lambda a: linear_schedule().timesteps(1001), "1001 sampling steps, but the schedule has 1000"),
        (lambda a: linear_schedule().timesteps(0), "0 sampling steps"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call(SCHEDULES["linear"].alphas_cumprod)


@pytest.mark.parametrize(
    "t", [[0, 1000], [-1, 5], [1], 1, [0.0, 1.0]], ids=["too late", "before 0", "one for two", "scalar", "no integers"]
)
def test_times_that_are_not_there_are_refused_by_torch(t):
    """Nothing checks them, and yet none of them wraps around or is broadcast."""
    t, alphas_cumprod = torch.tensor(t), SCHEDULES["linear"].alphas_cumprod
    for formula in (lambda: q_sample(X, t, X, alphas_cumprod), lambda: posterior(X, X, t, alphas_cumprod)):
        with pytest.raises(RuntimeError):
            formula()


def test_labels_that_are_not_there_are_refused_by_torch():
    with pytest.raises(IndexError):
        diffusion_loss(UNet(widths=(8,), classes=10), X, linear_schedule(), labels=T)


def test_the_range_is_looked_at_in_the_first_batch_of_a_network():
    network = UNet(widths=(8,))
    for _ in range(2):  # until a batch is right
        with pytest.raises(ImageError):
            diffusion_loss(network, X - 1.5, linear_schedule())
    diffusion_loss(network, X, linear_schedule())
    diffusion_loss(network, X - 1.5, linear_schedule())
    with pytest.raises(ImageError):
        diffusion_loss(UNet(widths=(8,)), X - 1.5, linear_schedule())


def test_the_names_of_copies_handed_out_before():
    assert scales is signal_noise_scales and V.learn is V.target and V.worth is V.x0_error_ratio
