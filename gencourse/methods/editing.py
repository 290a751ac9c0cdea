"""What a trained model can do with a given picture: fill in a hole, and find the noise it would come from."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gencourse.expect import ImageError, check_range, check_tensor, same_shape
from gencourse.methods.diffusion import NoiseSchedule
from gencourse.methods.samplers import Callback, Model, Random, check_start, ddpm_step, noise_like, predict, times


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

    known: (B, C, H, W) in [-1, 1]; mask: (B or 1, 1 or C, H, W), 1 where it counts, 0 where it is to be made up.
    resample: how often each step is taken. 1 is replacement (Song et al. 2021, "Score-Based Generative Modeling", app.
    I.2): the parts join badly, since the new one is drawn before the old one is put in. More goes a step back up and
    down again, so that they can agree (RePaint: Lugmayr et al. 2022, algorithm 1, with jumps of one step).
    The rest as in `ddpm`, but for the variance, by default the posterior's; the callback hears of each step as often as
    it is taken. Returns (B, C, H, W), equal to `known` under the mask. Raises ImageError for another range or a mask
    that does not fit, ValueError for resample 0.
    """
    _check(x_T, known, mask, resample)
    x, mask = x_T, mask.bool()
    for t, now, after in times(schedule, steps):
        for again in reversed(range(resample)):
            x0 = predict(model, x, t, callback)
            unknown = ddpm_step(x, x0, now, after, variance, generator)
            old = known if after == 1 else after**0.5 * known + (1 - after) ** 0.5 * noise_like(x, generator)
            x = torch.where(mask, old, unknown)
            if not again or after == 1:
                break
            x = (now / after) ** 0.5 * x + (1 - now / after) ** 0.5 * noise_like(x, generator)
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
    """Run `ddim` (eta = 0) backwards: the x_T that it would turn into these pictures, (B, C, H, W).

    x0: in [-1, 1]. Exact for infinitely many steps: each step assumes that the noise in x_t and in x_{t+1} is the same.
    The picture is taken for the state at the first time, where hardly any noise is in it. Song et al. 2021, sec. 4.3.
    Raises ImageError when x0 leaves [-1, 1], ValueError for a single step, and as the samplers do.
    """
    check_range(x0, -1, 1)
    x, up = x0, times(schedule, steps)[::-1]
    if len(up) < 2:
        raise ValueError("inversion goes from one time to the next: it needs at least two")
    for (t, now, _), (_, after, _) in zip(up, up[1:], strict=False):
        x0_hat = predict(model, x, t, callback)
        eps = (x - now**0.5 * x0_hat) / (1 - now) ** 0.5
        x = after**0.5 * x0_hat + (1 - after) ** 0.5 * eps
    return x


def slerp(a: Tensor, b: Tensor, weight: float | Tensor) -> Tensor:
    """Walk from noise a to noise b, (B, ...), on a great circle; weight: a number or (B,), 0 gives a, 1 gives b.

    The plain mean of two draws from N(0, I) is shorter than either and looks like no draw; on the circle length stays.
    Shoemake 1985. Raises ValueError when shapes differ, or for weights that are neither one nor B.
    """
    same_shape(a, b)
    if a.ndim < 2 or not isinstance(weight, Tensor | float | int):
        raise ValueError(f"expected noise (B, ...) and a number or B of them, got {tuple(a.shape)} and {weight!r}")
    if isinstance(weight, Tensor) and weight.shape not in ((), (1,), (len(a),)):
        raise ValueError(f"expected one weight or {len(a)}, got shape {tuple(weight.shape)}")
    shape = (-1, *[1] * (a.ndim - 1))
    w = torch.as_tensor(weight, dtype=a.dtype, device=a.device).expand(len(a)).view(shape)
    u, v = a.flatten(1), b.flatten(1)
    cosine = torch.cosine_similarity(u, v).clamp(-1, 1).view(shape)
    angle = cosine.acos()
    near = angle.sin().abs() < 1e-4  # one direction, or opposite ones, between which no circle is the shortest: a line
    sine = angle.sin().where(~near, torch.ones_like(angle))
    of_a = torch.where(near, 1 - w, ((1 - w) * angle).sin() / sine)
    of_b = torch.where(near, w, (w * angle).sin() / sine)
    return of_a * a + of_b * b


def _check(x_T: Tensor, known: Tensor, mask: Tensor, resample: int) -> None:
    check_start(x_T)
    check_range(known, -1, 1)
    if known.shape != x_T.shape:
        raise ImageError(f"the known pictures are {tuple(known.shape)}, the noise is {tuple(x_T.shape)}")
    fits = check_tensor(mask).ndim == x_T.ndim and all(m in (1, n) for m, n in zip(mask.shape, x_T.shape, strict=True))
    if not fits or not ((mask == 0) | (mask == 1)).all():
        raise ImageError(f"the mask must be zeros and ones that fit {tuple(x_T.shape)}, got {tuple(mask.shape)}")
    if not isinstance(resample, int) or resample < 1:
        raise ValueError(f"resample must be at least 1, got {resample}")
