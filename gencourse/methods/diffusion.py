"""Diffusion (Ho et al. 2020): pictures dissolve into noise step by step, and a network learns the way back.

This file is the training side: the schedule, the forward process, its posterior, what the network may be asked to
predict, and the loss. The way back stands in `samplers.py`.

The letters: x_t = a x_0 + s noise, where a = sqrt(alphas_cumprod[t]), s = sqrt(1 - alphas_cumprod[t]), a^2 + s^2 = 1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gencourse.expect import check_range, check_tensor, same_shape


class NoiseSchedule:
    """How fast the picture dissolves: betas, alphas = 1 - betas, alphas_cumprod and snr, (T,) float64 on the CPU.

    betas: (T,), each in (0, 1). snr = a^2 / s^2 falls with t. Raises ValueError for others. Ho et al. 2020, sec. 2.
    """

    def __init__(self, betas: Tensor):
        _check_row(betas, "betas")
        if len(betas) == 0 or not ((betas > 0) & (betas < 1)).all():
            raise ValueError(f"betas must be one row of numbers between 0 and 1, got shape {tuple(betas.shape)}")
        self.betas = betas.detach().double().cpu()
        self.alphas = 1 - self.betas
        self.alphas_cumprod = self.alphas.cumprod(0)
        self.snr = self.alphas_cumprod / (1 - self.alphas_cumprod)
        if not (self.snr.isfinite() & (self.snr > 0)).all() or (self.snr.diff() >= 0).any():
            raise ValueError(
                "betas so small or so many leave alphas_cumprod at 1 or 0 in float64: no step is one there"
            )

    def __len__(self) -> int:
        return len(self.betas)

    def timesteps(self, steps: int) -> list[int]:
        """Return `steps` falling times to sample at, evenly spaced in log snr as far as integers allow.

        The last is 0, unless it is the only one. Even steps in t are too long near the picture, where snr changes fast.
        Below snr = e^-10 nothing is left of the picture, so that is where few times begin; many reach up to T - 1.
        Raises ValueError unless 1 <= steps <= T.
        Lu et al. 2022, "DPM-Solver", sec. 3.3.
        """
        if not isinstance(steps, int) or not 1 <= steps <= len(self):
            raise ValueError(f"asked for {steps} sampling steps, but the schedule has {len(self)}")
        log_snr, order = self.snr.log(), torch.arange(steps)
        goals = torch.linspace(max(log_snr[-1].item(), -10), log_snr[0].item(), steps, dtype=torch.float64)
        near = (log_snr - goals[:, None]).abs().argmin(1).minimum(len(self) - 1 - order)
        slack = (near + order).flip(0).cummax(0).values.flip(0)  # never rising, so that no time comes twice
        return (slack - order).tolist()


def linear_schedule(steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> NoiseSchedule:
    """Betas that rise evenly, scaled by 1000 / steps so that a shorter chain too ends in noise. Ho et al. 2020, sec. 4.

    Differs from the paper, which has T = 1000 only: the scale, and for very short chains betas cut at 0.999.
    Raises ValueError for fewer than one step, and as `NoiseSchedule` does.
    """
    _check_steps(steps)
    betas = torch.linspace(first if steps > 1 else last, last, steps, dtype=torch.float64) * 1000 / steps
    return NoiseSchedule(betas.clamp(max=0.999))


def cosine_schedule(steps: int = 1000, offset: float = 0.008) -> NoiseSchedule:
    """alphas_cumprod falls like a squared cosine: gentler at both ends than `linear_schedule`.

    Nichol & Dhariwal 2021, eq. 17; betas are cut at 0.999, as there. Raises ValueError as `linear_schedule` does.
    """
    _check_steps(steps)
    u = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    left = ((u + offset) / (1 + offset) * math.pi / 2).cos().square()
    return NoiseSchedule((1 - left[1:] / left[:-1]).clamp(max=0.999))


def q_sample(x0: Tensor, t: Tensor, noise: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """Noise images to step t in one go: x_t ~ q(x_t | x_0).

    x0, noise: (B, C, H, W), x0 in [-1, 1], noise from N(0, I); t: (B,) int64 in [0, T); alphas_cumprod: (T,).
    t may stay on the CPU: then nothing is read back from the device. Points (B, D) will do in place of images.
    Returns x_t, (B, C, H, W). Raises ValueError when t leaves [0, T) or shapes differ. Ho et al. 2020, eq. 4.
    """
    same_shape(x0, noise)
    a, s = scales(t, alphas_cumprod, x0)  # (B, 1, 1, 1) each
    return a * x0 + s * noise


def posterior(x0: Tensor, x_t: Tensor, t: Tensor, alphas_cumprod: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (B, C, H, W) and variance (B, 1, 1, 1) of q(x_{t-1} | x_t, x_0); at t = 0 they are x_0 and 0.

    Arguments as in `q_sample`; raises as it does. Ho et al. 2020, eq. 6 and 7.
    """
    same_shape(x0, x_t)
    _check_row(alphas_cumprod, "alphas_cumprod")
    before = torch.cat((alphas_cumprod.new_ones(1), alphas_cumprod[:-1]))
    beta = 1 - alphas_cumprod / before
    of_x0 = before.sqrt() * beta / (1 - alphas_cumprod)
    of_x_t = (alphas_cumprod / before).sqrt() * (1 - before) / (1 - alphas_cumprod)
    variance = beta * (1 - before) / (1 - alphas_cumprod)
    return at(of_x0, t, x0) * x0 + at(of_x_t, t, x0) * x_t, at(variance, t, x0)


@dataclass(frozen=True)
class Target:
    """What the network is asked to predict. Arguments are a and s, (B, 1, 1, 1), and pictures, (B, C, H, W).

    learn(x0, noise, a, s): the right answer. to_x0(x_t, answer, a, s): the picture that an answer amounts to.
    worth(snr): squared error in the answer, divided by the squared error in x_0 that it amounts to.
    """

    name: str
    learn: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    to_x0: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    worth: Callable[[Tensor], Tensor]


# Ho et al. 2020, eq. 14; the same, sec. 3.2; Salimans & Ho 2022, sec. 4 and app. D.
NOISE = Target("noise", lambda x0, noise, a, s: noise, lambda x_t, e, a, s: (x_t - s * e) / a, lambda snr: snr)
X0 = Target("x0", lambda x0, noise, a, s: x0, lambda x_t, x0, a, s: x0, torch.ones_like)
V = Target("v", lambda x0, noise, a, s: a * noise - s * x0, lambda x_t, v, a, s: a * x_t - s * v, lambda snr: snr + 1)
TARGETS = {target.name: target for target in (NOISE, X0, V)}


def plain(snr: Tensor, target: Target) -> Tensor:
    """Loss weights of one: each time counts alike in what the network predicts (L_simple). Ho et al. 2020, eq. 14.

    Raises ValueError for an snr that is no (T,) floating point.
    """
    _check_row(snr, "snr")
    return torch.ones_like(snr)


def min_snr(snr: Tensor, target: Target, gamma: float = 5.0) -> Tensor:
    """Loss weights with which the error in x_0 counts min(snr, gamma), whatever the network predicts.

    Hang et al. 2023, "Efficient Diffusion Training via Min-SNR Weighting Strategy", sec. 3.4. Raises as `plain` does.
    """
    _check_row(snr, "snr")
    return snr.clamp(max=gamma) / target.worth(snr)


def diffusion_loss(
    network: nn.Module,
    x0: Tensor,
    schedule: NoiseSchedule,
    target: Target = NOISE,
    *,
    labels: Tensor | None = None,
    weight: Callable[[Tensor, Target], Tensor] = plain,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Weighted mean squared error of network(x_t, t, labels) at random times t: the training objective, a scalar.

    x0: (B, C, H, W) in [-1, 1]; labels: (B,) int64 or None. generator: on the CPU, where t and the noise are drawn.
    Raises ImageError when x0 leaves [-1, 1] or the answer has another shape. Ho et al. 2020, algorithm 1.
    """
    check_range(x0, -1, 1)
    t = torch.randint(len(schedule), (len(x0),), generator=generator)
    noise = torch.randn(x0.shape, generator=generator).to(x0)
    x_t = q_sample(x0, t, noise, schedule.alphas_cumprod)
    learn = target.learn(x0, noise, *scales(t, schedule.alphas_cumprod, x0))
    answer = network(x_t, t.to(x0.device)) if labels is None else network(x_t, t.to(x0.device), labels)
    same_shape(answer, learn)
    error = (answer - learn).square().flatten(1).mean(1)  # (B,)
    return (at(weight(schedule.snr, target), t, error) * error).mean()


def drop_labels(labels: Tensor, null: int, rate: float = 0.1, generator: torch.Generator | None = None) -> Tensor:
    """Replace each of the labels, (B,), by `null` with probability `rate`: guidance needs a network that knows both.

    Ho & Salimans 2022, algorithm 1. Raises ValueError for a rate outside [0, 1], or labels that are no row of integers.
    """
    if check_tensor(labels).ndim != 1 or labels.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"labels must be a row of integers, got {tuple(labels.shape)} {labels.dtype}")
    if not 0 <= rate <= 1:
        raise ValueError(f"the rate of dropped labels must lie in [0, 1], got {rate}")
    dropped = torch.rand(len(labels), generator=generator) < rate
    return labels.masked_fill(dropped.to(labels.device), null)


def to_eps(x_t: Tensor, x0: Tensor, t: Tensor, alphas_cumprod: Tensor) -> Tensor:
    """The noise between x_0 and x_t, (B, C, H, W): `q_sample` solved for it. Arguments as there; raises as it does."""
    same_shape(x0, x_t)
    a, s = scales(t, alphas_cumprod, x0)
    return (x_t - a * x0) / s


def scales(t: Tensor, alphas_cumprod: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return a = sqrt(alphas_cumprod[t]) and s = sqrt(1 - alphas_cumprod[t]), each (B, 1, 1, 1). Raises as `at`."""
    _check_row(alphas_cumprod, "alphas_cumprod")
    return at(alphas_cumprod.sqrt(), t, like), at((1 - alphas_cumprod).sqrt(), t, like)


def at(values: Tensor, t: Tensor, like: Tensor) -> Tensor:
    """Return values[t] with the dtype, device and number of dimensions of `like`: (T,) and (B,) to (B, 1, 1, 1).

    Raises ValueError when t is not (B,) int64 or leaves [0, T), or the values are not (T,).
    """
    _check_row(values, "values")
    t = check_tensor(t).cpu()
    if check_tensor(like).ndim == 0 or t.shape != like.shape[:1] or t.dtype != torch.int64:
        raise ValueError(f"t must be {tuple(like.shape[:1])} int64, one time a picture; got {tuple(t.shape)} {t.dtype}")
    if t.numel() and not 0 <= t.min() <= t.max() < len(values):
        raise ValueError(f"t must lie in [0, {len(values)}), got {t.min().item()} to {t.max().item()}")
    return values.cpu()[t].to(like.dtype).to(like.device, non_blocking=True).view(-1, *[1] * (like.ndim - 1))


def _check_row(x: Tensor, what: str) -> None:
    if check_tensor(x).ndim != 1 or not x.is_floating_point():
        raise ValueError(f"{what} must be one row of numbers, (T,) floating point, got {tuple(x.shape)} {x.dtype}")


def _check_steps(steps: int) -> None:
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"a schedule needs a whole number of steps, at least 1, got {steps!r}")
