"""What a trained model can do with a given picture: fill in a hole, and find the noise it would come from."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from gencourse.expect import at_least, check_mask, check_range, check_shape, same_shape
from gencourse.methods.diffusion import NoiseSchedule
from gencourse.methods.samplers import Callback, Model, ddpm_step, noise_like, predict, times
from gencourse.methods.sampling import Random


@torch.no_grad()
def inpaint(
    model: Model,
    x_T: Tensor,
    schedule: NoiseSchedule,
    known: Tensor,
    mask: Tensor,
    *,
    steps: int | Sequence[int],
    resample: int = 1,
    variance: str = "posterior",
    generator: Random = None,
    callback: Callback | None = None,
) -> Tensor:
    """Complete pictures: sample with `ddpm`, but put the known part back at each step, noised as far as the rest.

    Args:
        model, x_T, schedule, steps, generator: as in `ddpm`.
        known: (B, C, H, W) in [-1, 1].
        mask: (B or 1, 1 or C, H, W), 1 where `known` counts, 0 where it is to be made up.
        resample: how often each step is taken. 1 is replacement: the parts join badly, since the new one is drawn
            before the old one is put in. More goes a step back up and down again, so that they can agree.
        variance: as in `ddpm`.
        callback: as in `ddpm`; it hears of each step as often as it is taken.

    Returns:
        (B, C, H, W), equal to `known` under the mask.

    Raises:
        ImageError: `known` leaves [-1, 1] or does not fit x_T, or the mask holds other numbers.
        ValueError: resample below 1, and as the samplers.

    Source: Song et al. 2021, "Score-Based Generative Modeling", app. I.2; RePaint, Lugmayr et al. 2022, algorithm 1,
    with jumps of one step.
    """
    at_least(1, resample=resample)
    check_shape(check_range(known, -1, 1), "known pictures", *x_T.shape)
    check_mask(mask)
    x, mask = x_T, mask.bool().expand_as(x_T)
    for t, alpha_bar, alpha_bar_prev in times(schedule, steps):
        for again in reversed(range(resample)):
            x0 = predict(model, x, t, callback)
            unknown = ddpm_step(x, x0, alpha_bar, alpha_bar_prev, variance, generator)
            if alpha_bar_prev == 1:
                return torch.where(mask, known, unknown)
            old = alpha_bar_prev**0.5 * known + (1 - alpha_bar_prev) ** 0.5 * noise_like(x, generator)
            x = torch.where(mask, old, unknown)
            if again:  # back up
                alpha = alpha_bar / alpha_bar_prev
                x = alpha**0.5 * x + (1 - alpha) ** 0.5 * noise_like(x, generator)
    return x


@torch.no_grad()
def ddim_invert(
    model: Model,
    x0: Tensor,
    schedule: NoiseSchedule,
    *,
    steps: int | Sequence[int],
    callback: Callback | None = None,
) -> Tensor:
    """Run `ddim` (eta = 0) backwards: the x_T that it would turn into these pictures.

    Exact for infinitely many steps: each step assumes that the noise in x_t and in x_{t+1} is the same. The picture is
    taken for the state at the first time, where hardly any noise is in it.

    Args:
        x0: (B, C, H, W) in [-1, 1].
        model, schedule, steps, callback: as in `ddim`; at least two steps.

    Returns:
        x_T, (B, C, H, W).

    Raises:
        ImageError: x0 leaves [-1, 1].
        ValueError: a single step, and as the samplers.

    Source: Song et al. 2021, sec. 4.3.
    """
    check_range(x0, -1, 1)
    x, up = x0, times(schedule, steps)[::-1]
    if len(up) < 2:
        raise ValueError("inversion goes from one time to the next: it needs at least two")
    for (t, alpha_bar, _), (_, alpha_bar_next, _) in pairwise(up):
        x0_hat = predict(model, x, t, callback)
        eps = (x - alpha_bar**0.5 * x0_hat) / (1 - alpha_bar) ** 0.5
        x = alpha_bar_next**0.5 * x0_hat + (1 - alpha_bar_next) ** 0.5 * eps
    return x


def slerp(a: Tensor, b: Tensor, weight: float | Tensor) -> Tensor:
    """Walk from noise a to noise b on a great circle.

    The plain mean of two draws from N(0, I) is shorter than either and looks like no draw; on the circle length stays.

    Args:
        a, b: (B, ...).
        weight: a number or (B,); 0 gives a, 1 gives b.

    Raises:
        ImageError: a and b differ in shape.

    Source: Shoemake 1985.
    """
    same_shape(a, b)
    shape = (len(a), *[1] * (a.ndim - 1))
    w = torch.as_tensor(weight, dtype=a.dtype, device=a.device).expand(len(a)).view(shape)
    cosine = torch.cosine_similarity(a.flatten(1), b.flatten(1)).clamp(-1, 1).view(shape)
    angle = cosine.acos()
    near = angle.sin().abs() < 1e-4  # one direction, or opposite ones, between which no circle is the shortest: a line
    sine = angle.sin().where(~near, torch.ones_like(angle))
    of_a = torch.where(near, 1 - w, ((1 - w) * angle).sin() / sine)
    of_b = torch.where(near, w, (w * angle).sin() / sine)
    return of_a * a + of_b * b
