"""Diffusion (Ho et al. 2020): pictures dissolve into noise step by step, and a network learns the way back.

This file is the training side: the forward process, its posterior, what the network may be asked to predict, and the
loss. How fast the picture dissolves is in `schedules.py`, the way back in `samplers.py`.

The letters: x_t = a x_0 + s noise, where a = sqrt(alphas_cumprod[t]), s = sqrt(1 - alphas_cumprod[t]), a^2 + s^2 = 1.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gencourse.expect import check_range, same_shape, within
from gencourse.methods.sampling import normal, uniform
from gencourse.methods.schedules import NoiseSchedule, cosine_schedule, linear_schedule

__all__ = ["NOISE", "TARGETS", "X0", "NoiseSchedule", "Target", "V", "cosine_schedule", "diffusion_loss", "drop_labels"]
__all__ += ["gather_like", "linear_schedule", "min_snr", "posterior", "q_sample", "scales", "signal_noise_scales"]
__all__ += ["to_eps", "uniform_weight"]


def q_sample(x0: Tensor, t: Tensor, noise: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """Noise images to step t in one go: x_t ~ q(x_t | x_0).

    Args:
        x0: (B, C, H, W) in [-1, 1]; points (B, D) will do as well.
        t: (B,) int64 in [0, T), on the device of x0 or on the CPU.
        noise: from N(0, I), of the shape of x0.
        alphas_cumprod: (T,).

    Returns:
        x_t, of the shape of x0.

    Raises:
        ValueError: x0 and noise differ in shape.

    Source: Ho et al. 2020, eq. 4.
    """
    same_shape(x0, noise)
    a, s = signal_noise_scales(t, alphas_cumprod, x0)  # (B, 1, 1, 1) each
    return a * x0 + s * noise


def posterior(x0: Tensor, x_t: Tensor, t: Tensor, alphas_cumprod: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (B, C, H, W) and variance (B, 1, 1, 1) of q(x_{t-1} | x_t, x_0); at t = 0 they are x_0 and 0.

    Arguments as in `q_sample`; raises as it does.

    Source: Ho et al. 2020, eq. 6 and 7.
    """
    same_shape(x0, x_t)
    alpha_bar, alpha_bar_prev = alphas_cumprod, torch.cat((alphas_cumprod.new_ones(1), alphas_cumprod[:-1]))
    beta = 1 - alpha_bar / alpha_bar_prev
    of_x0 = alpha_bar_prev.sqrt() * beta / (1 - alpha_bar)
    of_x_t = (alpha_bar / alpha_bar_prev).sqrt() * (1 - alpha_bar_prev) / (1 - alpha_bar)
    variance = beta * (1 - alpha_bar_prev) / (1 - alpha_bar)
    mean = gather_like(of_x0, t, x0) * x0 + gather_like(of_x_t, t, x0) * x_t
    return mean, gather_like(variance, t, x0)


def to_eps(x_t: Tensor, x0: Tensor, t: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """The noise between x_0 and x_t, (B, C, H, W): `q_sample` solved for it. Arguments as there; raises as it does."""
    same_shape(x0, x_t)
    a, s = signal_noise_scales(t, alphas_cumprod, x0)
    return (x_t - a * x0) / s


def signal_noise_scales(t: Tensor, alphas_cumprod: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return a = sqrt(alphas_cumprod[t]) and s = sqrt(1 - alphas_cumprod[t]), each (B, 1, 1, 1), as `gather_like`."""
    return gather_like(alphas_cumprod.sqrt(), t, like), gather_like((1 - alphas_cumprod).sqrt(), t, like)


scales = signal_noise_scales  # the name in copies handed out before 0.2


def gather_like(values: Tensor, t: Tensor, like: Tensor) -> Tensor:
    """Return values[t] with the dtype, device and number of dimensions of `like`.

    The table goes to where t is: nothing is read back from a device. torch itself refuses times that are no int64,
    not one for each row of `like` or, on the CPU, outside [0, T).

    Args:
        values: (T,).
        t: (B,) int64 in [0, T).
        like: (B, ...).

    Returns:
        (B, 1, ...), as many dimensions as `like`.
    """
    found = values.to(like.dtype).to(t.device).gather(0, t)  # cast first: not every device has float64
    return found.to(like.device).view(len(like), *[1] * (like.ndim - 1))


@dataclass(frozen=True)
class Target:
    """What the network is asked to predict. Arguments are a and s, (B, 1, 1, 1), and pictures, (B, C, H, W).

    target(x0, noise, a, s): the right answer. to_x0(x_t, answer, a, s): the picture that an answer amounts to.
    x0_error_ratio(snr): squared error in the answer, divided by the squared error in x_0 that it amounts to.
    """

    name: str
    target: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    to_x0: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    x0_error_ratio: Callable[[Tensor], Tensor]

    learn = property(lambda self: self.target)  # the name in copies handed out before 0.2
    worth = property(lambda self: self.x0_error_ratio)  # the name in copies handed out before 0.2


# Ho et al. 2020, eq. 14; the same, sec. 3.2; Salimans & Ho 2022, sec. 4 and app. D.
NOISE = Target("noise", lambda x0, noise, a, s: noise, lambda x_t, e, a, s: (x_t - s * e) / a, lambda snr: snr)
X0 = Target("x0", lambda x0, noise, a, s: x0, lambda x_t, x0, a, s: x0, torch.ones_like)
V = Target("v", lambda x0, noise, a, s: a * noise - s * x0, lambda x_t, v, a, s: a * x_t - s * v, lambda snr: snr + 1)
TARGETS = {target.name: target for target in (NOISE, X0, V)}
_SEEN: weakref.WeakSet = weakref.WeakSet()  # networks whose first batch has been looked at


def uniform_weight(snr: Tensor, target: Target) -> Tensor:
    """Loss weights of one: each time counts alike in what the network predicts (L_simple).

    Source: Ho et al. 2020, eq. 14.
    """
    return torch.ones_like(snr)


def min_snr(snr: Tensor, target: Target, gamma: float = 5.0) -> Tensor:
    """Loss weights with which the error in x_0 counts min(snr, gamma), whatever the network predicts.

    Source: Hang et al. 2023, "Efficient Diffusion Training via Min-SNR Weighting Strategy", sec. 3.4.
    """
    return snr.clamp(max=gamma) / target.x0_error_ratio(snr)


def diffusion_loss(
    network: nn.Module,
    x0: Tensor,
    schedule: NoiseSchedule,
    target: Target = NOISE,
    *,
    labels: Tensor | None = None,
    weight: Callable[[Tensor, Target], Tensor] = uniform_weight,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Weighted mean squared error of network(x_t, t, labels) at random times t: the training objective.

    Args:
        network: (x_t, t) or (x_t, t, labels) -> what `target` asks for.
        x0: (B, C, H, W) in [-1, 1].
        labels: (B,) int64, or None for a network that is not asked for classes.
        weight: (snr, target) -> (T,), how much each time counts.
        generator: on the CPU, where t and the noise are drawn.

    Returns:
        A scalar.

    Raises:
        ImageError: the first x0 that a network is given leaves [-1, 1] (to read the range of all would make an
            accelerator wait), or the answer has another shape.

    Source: Ho et al. 2020, algorithm 1.
    """
    if network not in _SEEN:
        check_range(x0, -1, 1)
        _SEEN.add(network)
    t = torch.randint(len(schedule), (len(x0),), generator=generator, device="cpu")
    noise = normal(x0.shape, generator).to(x0)
    a, s = signal_noise_scales(t, schedule.alphas_cumprod, x0)  # (B, 1, 1, 1) each
    x_t, right = a * x0 + s * noise, target.target(x0, noise, a, s)
    answer = network(x_t, t.to(x0.device)) if labels is None else network(x_t, t.to(x0.device), labels)
    same_shape(answer, right)
    error = (answer - right).square().flatten(1).mean(1)  # (B,)
    return (gather_like(weight(schedule.snr, target), t, error) * error).mean()


def drop_labels(labels: Tensor, null: int, rate: float = 0.1, generator: torch.Generator | None = None) -> Tensor:
    """Replace each label by `null` with probability `rate`: guidance needs a network that knows both.

    Args:
        labels: (B,) int64.
        null: the label that means "any".
        rate: in [0, 1].
        generator: on the CPU.

    Raises:
        ValueError: another rate.

    Source: Ho & Salimans 2022, algorithm 1.
    """
    within(0, 1, rate=rate)
    dropped = uniform(labels.shape, generator) < rate
    return labels.masked_fill(dropped.to(labels.device), null)
