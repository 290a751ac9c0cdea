"""Samplers against a distribution whose perfect network is known, and against each other."""

import json
import math
from functools import partial

import pytest
import torch
from torch.testing import assert_close

from gencourse import checkpoints
from gencourse.expect import ImageError
from gencourse.methods.denoising import Diffusion, clipped, denoiser, guided, sample_images
from gencourse.methods.diffusion import TARGETS, NoiseSchedule, cosine_schedule, linear_schedule, q_sample
from gencourse.methods.editing import ddim_invert, inpaint, slerp
from gencourse.methods.samplers import ddim, ddpm, dpm_solver_pp_2m, noise_like
from gencourse.networks.unet import UNet

SCHEDULES = {"linear": linear_schedule(), "cosine": cosine_schedule()}
SAMPLERS = [ddpm, ddim, dpm_solver_pp_2m]
MEAN = torch.tensor([0.5, -0.3, 0.1], dtype=torch.float64).view(3, 1, 1)
VARIANCE = torch.tensor([0.25, 0.05, 0.5], dtype=torch.float64).view(3, 1, 1)


def perfect(schedule: NoiseSchedule):
    """E[x_0 | x_t] for x_0 ~ N(MEAN, VARIANCE), independent in each channel."""

    def model(x_t, t):
        left = schedule.alphas_cumprod[t].view(-1, 1, 1, 1)
        gain = VARIANCE * left.sqrt() / (left * VARIANCE + 1 - left)
        return MEAN + gain * (x_t - left.sqrt() * MEAN)

    return model


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(params=SCHEDULES)
def schedule(request) -> NoiseSchedule:
    return SCHEDULES[request.param]


@pytest.mark.parametrize(
    "sampler, options, error",
    [
        (ddpm, {"variance": "beta"}, 0.09),
        (ddpm, {"variance": "posterior"}, 0.11),
        (ddim, {}, 0.06),
        (ddim, {"eta": 0.5}, 0.09),
        (dpm_solver_pp_2m, {}, 0.02),
    ],
)
def test_fifty_steps_give_mean_and_deviation_back(schedule, sampler, options, error):
    generator = torch.Generator().manual_seed(1)
    x = sampler(perfect(schedule), normal(20_000, 3, 1, 1), schedule, steps=50, generator=generator, **options)
    deviation = x.std(0) / VARIANCE.sqrt()
    assert_close(x.mean(0), MEAN, atol=0.015, rtol=0)
    assert_close(deviation, torch.ones_like(deviation), atol=error, rtol=0)


@pytest.mark.parametrize("variance", ["beta", "posterior"])
def test_all_steps_of_ddpm_are_nearly_exact(variance):
    schedule, generator = cosine_schedule(300), torch.Generator().manual_seed(1)
    model, x_T = perfect(schedule), normal(10_000, 3, 1, 1)
    deviation = ddpm(model, x_T, schedule, steps=300, variance=variance, generator=generator).std(0) / VARIANCE.sqrt()
    assert_close(deviation, torch.ones_like(deviation), atol=0.04, rtol=0)


@pytest.mark.parametrize("sampler, order", [(ddim, 1), (dpm_solver_pp_2m, 2)])
@pytest.mark.parametrize("build", [linear_schedule, cosine_schedule])
def test_the_error_falls_at_the_order_of_the_sampler(build, sampler, order):
    """For Gaussian data the exact path scales x - a MEAN by the marginal deviation, so one x_T tells the error."""
    schedule = build(8000)  # fine enough for whole numbers of steps not to matter
    errors = []
    for steps in (20, 40, 80):
        left = schedule.alphas_cumprod[schedule.timesteps(steps)[0]]
        spread = (left * VARIANCE + 1 - left).sqrt()
        x_T = (left.sqrt() * MEAN + spread)[None]  # one deviation above the mean
        x = sampler(perfect(schedule), x_T, schedule, steps=steps)[0]
        errors.append(((x - MEAN) / VARIANCE.sqrt() - 1).abs().max().item())
    for coarse, fine in zip(errors, errors[1:], strict=False):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.35)


def test_ddim_with_eta_one_is_ddpm_with_the_posterior_variance(schedule):
    x_T, model = normal(5, 3, 2, 2), perfect(schedule)
    one = ddim(model, x_T, schedule, steps=12, eta=1.0, generator=torch.Generator().manual_seed(3))
    two = ddpm(model, x_T, schedule, steps=12, variance="posterior", generator=torch.Generator().manual_seed(3))
    assert_close(one, two, atol=1e-9, rtol=1e-9)


def test_rounding_makes_no_number_complex():
    schedule = linear_schedule(9)  # between its last times 1 - after - sigma^2 is zero, rounded to less
    assert ddim(perfect(schedule), X, schedule, steps=[8, 0], eta=1.0).is_floating_point()


def test_a_shorter_chain_has_the_betas_of_a_shorter_schedule(schedule):
    """Sampling at chosen times equals sampling all times of the schedule that has only those (Nichol & Dhariwal)."""
    times = [900, 600, 250, 40]
    left = schedule.alphas_cumprod[times].flip(0)
    short = NoiseSchedule(1 - left / torch.cat((torch.ones(1, dtype=torch.float64), left[:-1])))
    assert_close(short.alphas_cumprod, left)
    x_T = normal(5, 3, 2, 2)
    for sampler in SAMPLERS:
        a = sampler(perfect(schedule), x_T, schedule, steps=times, generator=torch.Generator().manual_seed(3))
        b = sampler(perfect(short), x_T, short, steps=4, generator=torch.Generator().manual_seed(3))
        assert_close(a, b)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_noise_at_the_last_step_and_what_the_callback_hears(schedule, sampler):
    heard = []
    x_T = normal(4, 3, 2, 2)
    x = sampler(perfect(schedule), x_T, schedule, steps=9, callback=lambda *step: heard.append(step))
    assert torch.equal(x, heard[-1][1]), "what is returned is the last x0_hat, without noise"
    assert [t for _, _, t in heard] == schedule.timesteps(9) and torch.equal(heard[0][0], x_T)
    for x_t, x0, t in heard:
        assert x_t.shape == x0.shape == x_T.shape
        assert_close(x0, perfect(schedule)(x_t, torch.full((4,), t)))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_generator_decides(schedule, sampler):
    x_T, model = normal(4, 3, 2, 2), perfect(schedule)
    kept = x_T.clone()
    draws = [sampler(model, x_T, schedule, steps=6, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and torch.equal(x_T, kept)
    assert torch.equal(draws[0], draws[2]) is (sampler is not ddpm)


@pytest.mark.parametrize("sampler", [ddim, dpm_solver_pp_2m])
def test_a_picture_does_not_depend_on_its_batch(schedule, sampler):
    x_T, model = normal(5, 3, 2, 2), perfect(schedule)
    whole = sampler(model, x_T, schedule, steps=10)
    assert_close(torch.cat([sampler(model, part, schedule, steps=10) for part in x_T.split(2)]), whole)


def test_ddim_can_be_run_backwards(schedule):
    """Picture -> noise -> picture, and the error of the round trip falls with the steps."""
    x_T, model = 0.3 * normal(4, 3, 2, 2), perfect(schedule)
    errors = []
    for steps in (50, 200):
        picture = ddim(model, x_T, schedule, steps=steps).clamp(-1, 1)
        again = ddim(model, ddim_invert(model, picture, schedule, steps=steps), schedule, steps=steps)
        errors.append((again - picture).abs().max().item())
    assert errors[0] < 0.05 and errors[1] < errors[0] / 3


def test_inversion_tells_its_callback(schedule):
    heard = []
    ddim_invert(
        perfect(schedule), torch.zeros(1, 3, 2, 2).double(), schedule, steps=5, callback=lambda *s: heard.append(s)
    )
    assert [t for _, _, t in heard] == schedule.timesteps(5)[:0:-1]


class Told(torch.nn.Module):
    """Predicts 10 times the label, 100 for "any", plus x_t; counts its calls."""

    null, calls = 3, 0

    def forward(self, x_t, t, labels=None):
        self.calls += 1
        labels = torch.full_like(t, 10) if labels is None else torch.where(labels == self.null, 10, labels)
        return x_t + 10.0 * labels.view(-1, 1, 1, 1)


@pytest.mark.parametrize("weight, expected", [(0, 100.0), (1, 20.0), (0.5, 60.0), (3, -140.0)])
def test_guidance(weight, expected):
    network, x_t, t = Told(), torch.zeros(2, 1, 2, 2), torch.tensor([4, 4])
    answer = guided(network, torch.tensor([2, 2]), weight)(x_t, t)
    assert_close(answer, torch.full_like(x_t, expected))
    assert network.calls == 1, "both halves go through the network as one batch"


def test_guidance_weight_zero_and_one_are_the_networks_own_predictions():
    torch.manual_seed(0)
    network = UNet(widths=(8,), attention=0, classes=4)
    torch.nn.init.normal_(network.head[-1].weight)
    torch.nn.init.normal_(network.label.weight)
    torch.nn.init.normal_(network.middle.conv2.weight, std=0.1)
    x_t, t, labels = torch.randn(3, 1, 4, 4), torch.tensor([1, 500, 999]), torch.tensor([0, 3, 2])
    assert torch.equal(guided(network, labels, 0.0)(x_t, t), network(x_t, t))
    assert torch.equal(guided(network, labels, 1.0)(x_t, t), network(x_t, t, labels))
    between = torch.lerp(network(x_t, t), network(x_t, t, labels), 0.25)
    assert_close(guided(network, labels, 0.25)(x_t, t), between, atol=1e-5, rtol=1e-4)
    assert (network(x_t, t) - network(x_t, t, labels)).abs().max() > 0.01


def test_guiding_the_answer_or_the_picture_is_the_same(schedule):
    network, labels, t = Told(), torch.tensor([1, 2]), torch.tensor([300, 700])
    x_t = normal(2, 1, 2, 2)
    for target in TARGETS.values():
        model = denoiser(network, schedule, target)
        model_with_null = torch.nn.Module()
        model_with_null.forward, model_with_null.null = model, network.null
        one = denoiser(guided(network, labels, 2.5), schedule, target)(x_t, t)
        assert_close(guided(model_with_null, labels, 2.5)(x_t, t), one)


def test_clipped():
    model = clipped(lambda x_t, t: 3 * x_t)
    assert_close(model(torch.tensor([[-1.0, 0.1, 1.0]]), torch.tensor([0])), torch.tensor([[-1.0, 0.3, 1.0]]))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_diffusion_turns_what_its_network_predicts_into_the_picture(target, name):
    diffusion = Diffusion(network={"widths": (8,), "attention": 0}, shape=(1, 4, 4), target=target, schedule=name)
    schedule, t = SCHEDULES[name], torch.tensor([10, 500])
    x0, noise = torch.rand(2, 1, 4, 4) * 2 - 1, torch.randn(2, 1, 4, 4)
    left = schedule.alphas_cumprod[t].view(-1, 1, 1, 1).float()
    answer = {"noise": noise, "x0": x0, "v": left.sqrt() * noise - (1 - left).sqrt() * x0}[target]
    diffusion.network.forward = lambda x_t, t, labels=None: answer
    assert_close(diffusion(q_sample(x0, t, noise, schedule.alphas_cumprod), t), x0, atol=1e-4, rtol=1e-4)


def tiny(**arguments) -> Diffusion:
    torch.manual_seed(0)
    diffusion = Diffusion(**{"network": {"widths": [8], "attention": 0, "classes": 4}, "shape": [1, 6, 6], **arguments})
    for parameter in diffusion.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return diffusion


def test_a_checkpoint_of_diffusion_samples_the_same(tmp_path):
    arguments = {
        "network": {"widths": [8], "attention": 0, "classes": 4},
        "shape": [1, 6, 6],
        "target": "x0",
        "steps": 50,
    }
    arguments = json.loads(json.dumps(arguments | {"schedule": "linear"}))
    diffusion = tiny(**arguments)
    record = {"arguments": arguments, "data": "", "steps": 0, "minutes": 0, "device": "cpu", "scores": {}}
    again = checkpoints.read(checkpoints.save(tmp_path / "ddpm.safetensors", diffusion, record), Diffusion)
    assert len(again.schedule) == 50 and again.target.name == "x0" and again.classes == again.null == 4
    images = [sample_images(d, 3, generator=torch.Generator().manual_seed(0), steps=5) for d in (diffusion, again)]
    assert_close(images[0], images[1], atol=0.02, rtol=0.02)


def test_sample_images():
    diffusion, labels = tiny().train(), torch.tensor([0, 1, 2, 3, 0])

    def draw(seed=0, **options):
        return sample_images(diffusion, 5, generator=torch.Generator().manual_seed(seed), steps=4, **options)

    images = draw(labels=labels, guidance=2.0)
    assert images.shape == (5, 1, 6, 6) and images.min() >= 0 and images.max() <= 1 and not images.requires_grad
    assert images.std() > 0.01 and diffusion.training
    assert torch.equal(images, draw(labels=labels, guidance=2.0))
    assert not torch.equal(images, draw(seed=1, labels=labels, guidance=2.0))
    assert not torch.equal(images, draw(labels=labels.flip(0), guidance=2.0))
    assert_close(draw(labels=labels, guidance=0.0), draw())
    for sampler in SAMPLERS:
        assert draw(sampler=sampler).shape == images.shape


@pytest.mark.parametrize("sampler", [*SAMPLERS, partial(ddim, eta=0.7)])
def test_picture_i_does_not_depend_on_how_many_are_drawn_at_once(sampler):
    """Also where the sampler draws noise at every step, and for a picture of 36 numbers, no multiple of 16."""
    diffusion, labels = tiny(), torch.arange(21) % 4

    def draw(n, batch_size, generator):
        options = {"labels": labels[:n], "guidance": 2.0, "steps": 6, "sampler": sampler, "batch_size": batch_size}
        return sample_images(diffusion, n, generator=generator, **options)

    whole = draw(21, 256, torch.Generator().manual_seed(0))
    assert len(whole.unique(dim=0)) == 21
    for n, batch_size in ((21, 1), (21, 8), (5, 3)):
        assert_close(draw(n, batch_size, torch.Generator().manual_seed(0)), whole[:n], atol=1e-4, rtol=1e-3)


def test_a_generator_for_each_picture():
    x = torch.zeros(3, 1, 5, 5, dtype=torch.float64)
    each = [torch.Generator().manual_seed(seed) for seed in (4, 5, 4)]
    noise = noise_like(x, each)
    assert noise.shape == x.shape and noise.dtype == x.dtype
    assert torch.equal(noise[0], noise[2]) and not torch.equal(noise[0], noise[1])
    assert torch.equal(noise[1], normal(1, 5, 5, seed=5))
    with pytest.raises(ValueError, match="2 pictures need as many generators, got 3"):
        noise_like(x[:2], each)


def test_inpainting_keeps_what_is_known(schedule):
    known, mask = normal(2, 3, 4, 4).clamp(-1, 1), torch.zeros(1, 1, 4, 4)
    mask[..., :2] = 1
    x = inpaint(perfect(schedule), normal(2, 3, 4, 4, seed=1), schedule, known, mask, steps=5, resample=2)
    assert torch.equal(x[..., :2], known[..., :2]) and not torch.equal(x[..., 2:], known[..., 2:])


@pytest.mark.parametrize("resample", [1, 2])
def test_inpainting_shows_the_model_the_known_part_as_noisy_as_the_rest(schedule, resample):
    known, heard = torch.full((4000, 1, 1, 2), 0.6, dtype=torch.float64), []
    mask, options = torch.tensor([1, 0]).view(1, 1, 1, 2), {"steps": 6, "resample": resample}
    callback, generator = (lambda *step: heard.append(step)), torch.Generator().manual_seed(0)
    inpaint(
        lambda x_t, t: 0 * x_t,
        normal(*known.shape),
        schedule,
        known,
        mask,
        callback=callback,
        generator=generator,
        **options,
    )
    assert [t for _, _, t in heard] == [t for t in schedule.timesteps(6)[:-1] for _ in range(resample)] + [0]
    for x_t, _, t in heard[resample:]:
        left = schedule.alphas_cumprod[t].item()
        assert x_t[..., 0].mean().item() == pytest.approx(0.6 * left**0.5, abs=0.06)
        assert x_t[..., 0].std().item() == pytest.approx((1 - left) ** 0.5, rel=0.05)


def test_resampling_brings_the_parts_together():
    """Two pixels, correlation 0.9, the first known to be 0.8: the second must come out around 0.72."""
    schedule, correlation = cosine_schedule(), 0.9
    covariance = 0.3 * torch.tensor([[1, correlation], [correlation, 1]], dtype=torch.float64)

    def model(x_t, t):
        left = schedule.alphas_cumprod[t[0]]
        gain = left.sqrt() * covariance @ (left * covariance + (1 - left) * torch.eye(2)).inverse()
        return (x_t.flatten(1) @ gain).view(x_t.shape)

    known, mask = torch.full((1500, 1, 1, 2), 0.8, dtype=torch.float64), torch.tensor([1, 0]).view(1, 1, 1, 2)
    found = []
    for resample in (1, 8):
        generator = torch.Generator().manual_seed(0)
        x = inpaint(
            model, normal(*known.shape), schedule, known, mask, steps=30, resample=resample, generator=generator
        )
        found.append(x[..., 1].mean().item())
    assert abs(found[1] - 0.72) < 0.05 and abs(found[1] - 0.72) < 0.5 * abs(found[0] - 0.72)


def test_slerp_walks_on_the_circle():
    a, b = normal(3, 1, 4, 4), normal(3, 1, 4, 4, seed=1)
    assert_close(slerp(a, b, 0.0), a)
    assert_close(slerp(a, b, torch.tensor([1.0, 1.0, 1.0])), b)
    b = b * (a.flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1)).view(3, 1, 1, 1)
    middle = slerp(a, b, 0.5)
    assert_close(middle.flatten(1).norm(dim=1), a.flatten(1).norm(dim=1))
    assert_close(slerp(b, a, 0.5), middle)
    steps = torch.stack([slerp(a, b, w / 8) for w in range(9)]).diff(dim=0).flatten(2).norm(dim=2)
    assert_close(steps, steps[:1].expand_as(steps))
    assert_close(slerp(a, a, 0.3), a)
    assert_close(slerp(a, 2 * a, 0.5), 1.5 * a)


X = torch.zeros(2, 3, 4, 4, dtype=torch.float64)
MASK = torch.ones(1, 1, 4, 4)


@pytest.mark.parametrize(
    "call, error, message",
    [
        *[(lambda m, s, f=f: f(m, X, s, steps=1001), ValueError, "1001 sampling steps, but the") for f in SAMPLERS],
        *[(lambda m, s, f=f: f(m, X, s, steps=0), ValueError, "0 sampling steps") for f in SAMPLERS],
        *[(lambda m, s, f=f: f(m, X, s, steps=[5, 9]), ValueError, r"must fall .*\[5, 9\]") for f in SAMPLERS],
        *[(lambda m, s, f=f: f(m, X, s, steps=[1000, 9]), ValueError, r"\[0, 1000\)") for f in SAMPLERS],
        (lambda m, s: ddim(m, X, s, steps=[5, -1]), ValueError, r"\[0, 1000\)"),
        (lambda m, s: ddim(m, X, s, steps=[]), ValueError, r"\[0, 1000\)"),
        (lambda m, s: ddim(m, X, s, steps=5, eta=1.5), ValueError, "eta"),
        (lambda m, s: ddpm(m, X, s, steps=5, variance="large"), ValueError, "'beta' or 'posterior', got 'large'"),
        (lambda m, s: ddpm(lambda x, t: x[:1], X, s, steps=5), ValueError, "two tensors of one shape"),
        (lambda m, s: guided(Told(), torch.tensor([0, 3]), 2.0), ValueError, r"must lie in \[0, 3\), got 0 to 3"),
        (lambda m, s: guided(Told(), torch.tensor([0]), -1.0), ValueError, "weight"),
        (lambda m, s: inpaint(m, X, s, X + 2, MASK, steps=5), ImageError, r"\[-1, 1\]"),
        (lambda m, s: inpaint(m, X, s, X[:1], MASK, steps=5), ImageError, r"known pictures \(2, 3, 4, 4\)"),
        (lambda m, s: inpaint(m, X, s, X, MASK / 2, steps=5), ImageError, "zeros and ones"),
        (lambda m, s: inpaint(m, X, s, X, MASK, steps=5, resample=0), ValueError, "resample"),
        (lambda m, s: ddim_invert(m, X + 2, s, steps=5), ImageError, r"\[-1, 1\]"),
        (lambda m, s: ddim_invert(m, X, s, steps=1), ValueError, "at least two"),
        (lambda m, s: slerp(X, X[:1], 0.5), ValueError, "one shape"),
        (
            lambda m, s: sample_images(tiny(), 2, labels=torch.tensor([1, 4])),
            ValueError,
            r"must lie in \[0, 4\), got 1 to 4",
        ),
        (lambda m, s: sample_images(tiny(), 2, labels=torch.tensor([1])), ValueError, r"labels must be \(2,\) int64"),
        (lambda m, s: sample_images(tiny(), 0), ValueError, "pictures must be a whole number of at least 1"),
        (lambda m, s: sample_images(tiny(), 2, seeds=[1, 2, 3]), ValueError, "2 pictures need as many seeds, got 3"),
        (lambda m, s: sample_images(tiny(), 2, steps=2000), ValueError, "2000 sampling steps"),
        (lambda m, s: tiny(target="eps"), ValueError, "'eps'; known: noise, x0, v"),
        (lambda m, s: tiny(schedule="sine"), ValueError, "'sine'; known: linear, cosine"),
        (lambda m, s: sample_images(tiny(shape=(3, 4, 4)), 1, steps=2), ValueError, r"x_t \(B, 1, H, W\)"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(perfect(SCHEDULES["linear"]), SCHEDULES["linear"])
