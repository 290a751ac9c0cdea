"""The way back from noise to pictures: samplers that share one signature and can be swapped.

    model = clipped(denoiser(network, schedule, V))
    images = ddim(model, torch.randn(64, 1, 28, 28), schedule, steps=20)

A sampler's model is any callable (x_t, t) -> x0_hat, the picture it takes x_t for a noisy version of: of all that a
network may predict this alone can be clipped and looked at. x_t: (B, C, H, W); t: (B,) int64. `denoising.py` makes such
a callable from a network.

Every sampler takes x_T ~ N(0, I); `steps`: how many of the schedule's T, or the times themselves, falling; a
generator on the CPU, or one for each picture (those that draw nothing ignore it); and `callback(x_t, x0_hat, t)`,
called at each step with what went into the model and what came out. It returns the last x0_hat: the last step adds no
noise. Raised is ValueError, for times that the schedule does not have, for a model that changes the shape, and for an
x_T that is no tensor of finite floating point numbers, a picture or a point in each row.
"""

import math
import operator
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from gencourse.expect import ImageError, check_tensor, same_shape
from gencourse.methods.diffusion import NoiseSchedule

Model = Callable[[Tensor, Tensor], Tensor]
Callback = Callable[[Tensor, Tensor, int], None]
Random = torch.Generator | Sequence[torch.Generator] | None  # one for all pictures, one for each, or torch's own


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
    """Ancestral sampling. variance: "beta" or "posterior", the two choices of Ho et al. 2020, sec. 3.2; algorithm 2.

    With fewer steps than T the betas are those of the shorter chain (Nichol & Dhariwal 2021, sec. 4).
    """
    x = check_start(x_T)
    for t, now, after in times(schedule, steps):
        x0 = predict(model, x, t, callback)
        x = ddpm_step(x, x0, now, after, variance, generator)
    return x


def ddpm_step(x: Tensor, x0: Tensor, now: float, after: float, variance: str, generator: Random) -> Tensor:
    """Draw x_{t-1} from x_t and x0_hat, where alphas_cumprod goes from `now` to `after`. Ho et al. 2020, eq. 6, 7.

    Raises ValueError for two shapes, an unknown variance, or unless 0 < now <= after <= 1, now below 1.
    """
    same_shape(x, x0)
    if not 0 < now <= after <= 1 or now == 1:
        raise ValueError(f"alphas_cumprod must rise on the way back, within (0, 1]; got {now} and then {after}")
    beta = 1 - now / after
    mean = after**0.5 * beta / (1 - now) * x0 + (now / after) ** 0.5 * (1 - after) / (1 - now) * x
    if variance not in ("beta", "posterior"):
        raise ValueError(f"variance must be 'beta' or 'posterior', got {variance!r}")
    spread = beta if variance == "beta" else beta * (1 - after) / (1 - now)
    return mean if after == 1 else mean + spread**0.5 * noise_like(x, generator)


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
    """eta = 0: deterministic, noise and picture belong together; eta = 1: `ddpm` with the posterior variance.

    Song et al. 2021, "Denoising Diffusion Implicit Models", eq. 12 and 16.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must lie in [0, 1], got {eta}")
    x = check_start(x_T)
    for t, now, after in times(schedule, steps):
        x0 = predict(model, x, t, callback)
        eps = (x - now**0.5 * x0) / (1 - now) ** 0.5
        sigma = eta * ((1 - after) / (1 - now) * (1 - now / after)) ** 0.5
        x = after**0.5 * x0 + max(0.0, 1 - after - sigma**2) ** 0.5 * eps
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

    DPM-Solver++(2M), Lu et al. 2022, algorithm 2; first and last step are of first order.
    """
    x, old, h_old = check_start(x_T), None, 0.0
    for t, now, after in times(schedule, steps):
        x0 = predict(model, x, t, callback)
        h = _half_log_snr(after) - _half_log_snr(now)
        d = x0 if old is None or after == 1 else x0 + (h / h_old) / 2 * (x0 - old)
        x = ((1 - after) / (1 - now)) ** 0.5 * x - after**0.5 * math.expm1(-h) * d
        old, h_old = x0, h
    return x


def times(schedule: NoiseSchedule, steps: int | Sequence[int]) -> list[tuple[int, float, float]]:
    """Return (t, alphas_cumprod[t], alphas_cumprod at the time after it) for each sampling step; the very last is 1.

    steps: how many, or the times themselves. Raises ValueError unless they fall and lie in [0, T).
    """
    try:
        chosen = schedule.timesteps(steps) if isinstance(steps, int) else [operator.index(t) for t in steps]
    except TypeError as error:
        raise ValueError(f"steps must be a whole number, or whole numbers that fall; got {steps!r}") from error
    falling = all(t > after for t, after in pairwise(chosen))
    if not chosen or not falling or chosen[0] >= len(schedule) or chosen[-1] < 0:
        raise ValueError(f"sampling times must fall and lie in [0, {len(schedule)}), got {chosen}")
    left = [schedule.alphas_cumprod[t].item() for t in chosen]
    return list(zip(chosen, left, [*left[1:], 1.0], strict=True))


def predict(model: Model, x: Tensor, t: int, callback: Callback | None = None) -> Tensor:
    """Return x0_hat = model(x, t) after telling the callback. Raises ValueError when it has not the shape of x."""
    if check_tensor(x).ndim == 0:
        raise ValueError("expected a batch, got a single number")
    x0 = model(x, torch.full((len(x),), t, device=x.device))
    if check_tensor(x0).shape != x.shape:
        raise ValueError(f"the model turned {tuple(x.shape)} into {tuple(x0.shape)}; it must keep the shape")
    if callback is not None:
        callback(x, x0, t)
    return x0


def noise_like(x: Tensor, generator: Random = None) -> Tensor:
    """Draw N(0, I) of x's shape and dtype on the CPU, so that every device gets the same numbers, and move it to x.

    With a generator for each picture none of them depends on the others. Raises ValueError for another number of them,
    or for an x that is no floating point tensor.
    """
    _check_batch(x)
    if generator is None or isinstance(generator, torch.Generator):
        return torch.randn(x.shape, dtype=x.dtype, generator=generator).to(x.device)
    if len(generator) != len(x):
        raise ValueError(f"{len(x)} pictures, but {len(generator)} generators")
    return torch.stack([torch.randn(x.shape[1:], dtype=x.dtype, generator=own) for own in generator]).to(x.device)


def check_start(x_T: Tensor) -> Tensor:
    """Return x_T unchanged, or raise ImageError unless it is a tensor (B, ...) of finite floating point numbers."""
    if not _check_batch(x_T).isfinite().all():
        raise ImageError("x_T holds values that are not finite")
    return x_T


def _check_batch(x: Tensor) -> Tensor:
    if check_tensor(x, floating=True).ndim == 0:
        raise ImageError("expected a batch (B, ...), got a single number")
    return x


def _half_log_snr(left: float) -> float:
    return math.inf if left == 1 else 0.5 * math.log(left / (1 - left))
