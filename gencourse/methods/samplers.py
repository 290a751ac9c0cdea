"""The way back from noise to pictures: samplers that share one signature and can be swapped.

Example::

    model = clipped(denoiser(network, schedule, V))
    images = ddim(model, torch.randn(64, 1, 28, 28), schedule, steps=20)

A sampler's model is any callable (x_t, t) -> x0_hat, the picture it takes x_t for a noisy version of: of all that a
network may predict this alone can be clipped and looked at. x_t: (B, C, H, W); t: (B,) int64. `denoising.py` makes such
a callable from a network.

Every sampler takes x_T ~ N(0, I); `steps`: how many of the schedule's T, or the times themselves, falling; a
generator on the CPU, or one for each picture (those that draw nothing ignore it); and `callback(x_t, x0_hat, t)`,
called at each step with what went into the model and what came out. It returns the last x0_hat: the last step adds no
noise. Raised is ValueError, for times that the schedule does not have and for a model that changes the shape.
The letters: alpha_bar is alphas_cumprod at a step's time, alpha_bar_prev at the time after it, one for the picture.
"""

import math
import operator
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from gencourse.expect import same_shape, within
from gencourse.methods.diffusion import NoiseSchedule
from gencourse.methods.sampling import Random, normal

Model = Callable[[Tensor, Tensor], Tensor]
Callback = Callable[[Tensor, Tensor, int], None]


@torch.no_grad()
def ddpm(
    model: Model,
    x_T: Tensor,
    schedule: NoiseSchedule,
    *,
    steps: int | Sequence[int],
    variance: str = "beta",
    generator: Random = None,
    callback: Callback | None = None,
) -> Tensor:
    """Ancestral sampling; with fewer steps than T the betas are those of the shorter chain.

    Args:
        model, x_T, schedule, steps, generator, callback: as every sampler's, see above.
        variance: "beta" or "posterior", the two choices of Ho et al. 2020, sec. 3.2.

    Source: Ho et al. 2020, algorithm 2; Nichol & Dhariwal 2021, sec. 4.
    """
    x = x_T
    for t, alpha_bar, alpha_bar_prev in times(schedule, steps):
        x0 = predict(model, x, t, callback)
        x = ddpm_step(x, x0, alpha_bar, alpha_bar_prev, variance, generator)
    return x


def ddpm_step(
    x: Tensor, x0: Tensor, alpha_bar: float, alpha_bar_prev: float, variance: str, generator: Random
) -> Tensor:
    """Draw x_{t-1} from x_t and x0_hat, both (B, ...), where alphas_cumprod rises from alpha_bar to alpha_bar_prev.

    Raises:
        ValueError: x and x0 differ in shape, or another variance than "beta" and "posterior".

    Source: Ho et al. 2020, eq. 6 and 7.
    """
    same_shape(x, x0)
    if variance not in ("beta", "posterior"):
        raise ValueError(f"variance must be 'beta' or 'posterior', got {variance!r}")
    beta = 1 - alpha_bar / alpha_bar_prev
    of_x0 = alpha_bar_prev**0.5 * beta / (1 - alpha_bar)
    of_x_t = (alpha_bar / alpha_bar_prev) ** 0.5 * (1 - alpha_bar_prev) / (1 - alpha_bar)
    mean = of_x0 * x0 + of_x_t * x
    spread = beta if variance == "beta" else beta * (1 - alpha_bar_prev) / (1 - alpha_bar)
    return mean if alpha_bar_prev == 1 else mean + spread**0.5 * noise_like(x, generator)


@torch.no_grad()
def ddim(
    model: Model,
    x_T: Tensor,
    schedule: NoiseSchedule,
    *,
    steps: int | Sequence[int],
    eta: float = 0.0,
    generator: Random = None,
    callback: Callback | None = None,
) -> Tensor:
    """Sample in few steps, without randomness for eta = 0, where noise and picture belong together.

    Args:
        model, x_T, schedule, steps, generator, callback: as every sampler's, see above.
        eta: in [0, 1]; 1 is `ddpm` with the posterior variance.

    Source: Song et al. 2021, "Denoising Diffusion Implicit Models", eq. 12 and 16.
    """
    within(0, 1, eta=eta)
    x = x_T
    for t, alpha_bar, alpha_bar_prev in times(schedule, steps):
        x0 = predict(model, x, t, callback)
        eps = (x - alpha_bar**0.5 * x0) / (1 - alpha_bar) ** 0.5
        sigma = eta * ((1 - alpha_bar_prev) / (1 - alpha_bar) * (1 - alpha_bar / alpha_bar_prev)) ** 0.5
        x = alpha_bar_prev**0.5 * x0 + max(0.0, 1 - alpha_bar_prev - sigma**2) ** 0.5 * eps
        if sigma > 0:
            x = x + sigma * noise_like(x, generator)
    return x


@torch.no_grad()
def dpm_solver_pp_2m(
    model: Model,
    x_T: Tensor,
    schedule: NoiseSchedule,
    *,
    steps: int | Sequence[int],
    generator: Random = None,
    callback: Callback | None = None,
) -> Tensor:
    """Deterministic as `ddim` with eta = 0, and of second order: x0_hat is extrapolated from two steps.

    First and last step are of first order. Arguments as every sampler's, see above.

    Source: DPM-Solver++(2M), Lu et al. 2022, algorithm 2.
    """
    x, old, h_old = x_T, None, 0.0
    for t, alpha_bar, alpha_bar_prev in times(schedule, steps):
        x0 = predict(model, x, t, callback)
        h = _half_log_snr(alpha_bar_prev) - _half_log_snr(alpha_bar)
        d = x0 if old is None or alpha_bar_prev == 1 else x0 + (h / h_old) / 2 * (x0 - old)
        x = ((1 - alpha_bar_prev) / (1 - alpha_bar)) ** 0.5 * x - alpha_bar_prev**0.5 * math.expm1(-h) * d
        old, h_old = x0, h
    return x


def times(schedule: NoiseSchedule, steps: int | Sequence[int]) -> list[tuple[int, float, float]]:
    """Return (t, alpha_bar, alpha_bar_prev) for each sampling step; the very last alpha_bar_prev is 1.

    Args:
        schedule: of T steps.
        steps: how many, or the times themselves, falling, in [0, T).

    Raises:
        ValueError: other numbers of steps, or times.
    """
    chosen = schedule.timesteps(steps) if isinstance(steps, int) else [operator.index(t) for t in steps]
    falling = all(t > after for t, after in pairwise(chosen))
    if not chosen or not falling or chosen[0] >= len(schedule) or chosen[-1] < 0:
        raise ValueError(f"sampling times must fall and lie in [0, {len(schedule)}), got {chosen}")
    alpha_bars = schedule.alphas_cumprod[chosen].tolist()
    return list(zip(chosen, alpha_bars, [*alpha_bars[1:], 1.0], strict=True))


def predict(model: Model, x: Tensor, t: int, callback: Callback | None = None) -> Tensor:
    """Return x0_hat = model(x, t) after telling the callback. Raises ImageError where it has not the shape of x."""
    x0 = model(x, torch.full((len(x),), t, device=x.device))
    same_shape(x, x0)
    if callback is not None:
        callback(x, x0, t)
    return x0


def noise_like(x: Tensor, generator: Random = None) -> Tensor:
    """Draw N(0, I) with the shape, dtype and device of x, (B, ...), as `sampling.normal` does."""
    return normal(x.shape, generator, x.dtype).to(x.device)


def _half_log_snr(alpha_bar: float) -> float:
    return math.inf if alpha_bar == 1 else 0.5 * math.log(alpha_bar / (1 - alpha_bar))
