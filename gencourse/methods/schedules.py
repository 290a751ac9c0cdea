"""How fast pictures dissolve into noise: the schedules of diffusion models.

All in float64 and on the CPU; what the formulas need of it is cast and moved when it is looked up.
"""

import math

import torch
from torch import Tensor

from gencourse.expect import check_shape

EXACT: dict = {"dtype": torch.float64, "device": "cpu"}  # whatever torch's defaults are


class NoiseSchedule:
    """How fast the picture dissolves.

    Attributes `betas`, `alphas` = 1 - betas, `alphas_cumprod` and `snr` = a^2 / s^2: (T,) float64 on the CPU.

    Args:
        betas: (T,), each in (0, 1); the share of the variance that each step replaces by noise.

    Raises:
        ValueError: other betas, or so many or small ones that the snr does not fall in float64.

    Source: Ho et al. 2020, sec. 2.
    """

    def __init__(self, betas: Tensor):
        check_shape(betas, "betas", "T")
        self.betas = betas.detach().double().cpu()
        self.alphas = 1 - self.betas
        self.alphas_cumprod = self.alphas.cumprod(0)
        self.snr = self.alphas_cumprod / (1 - self.alphas_cumprod)
        if not (self.snr.isfinite() & (self.snr > 0)).all() or (self.snr.diff() >= 0).any():
            raise ValueError("betas must lie between 0 and 1 and leave alphas_cumprod there, in float64")

    def __len__(self) -> int:
        return len(self.betas)

    def timesteps(self, steps: int) -> list[int]:
        """Choose times to sample at, evenly spaced in log snr as far as integers allow.

        Even steps in t are too long near the picture, where snr changes fast. Below snr = e^-10 nothing is left of the
        picture, so that is where few times begin; many reach up to T - 1.

        Args:
            steps: how many, 1 to T.

        Returns:
            Falling times; the last is 0, unless it is the only one.

        Raises:
            ValueError: another number of steps.

        Source: Lu et al. 2022, "DPM-Solver", sec. 3.3.
        """
        if not isinstance(steps, int) or not 1 <= steps <= len(self):
            raise ValueError(f"asked for {steps} sampling steps, but the schedule has {len(self)}")
        log_snr, order = self.snr.log(), torch.arange(steps, device="cpu")
        goals = torch.linspace(max(log_snr[-1].item(), -10), log_snr[0].item(), steps, **EXACT)
        near = (log_snr - goals[:, None]).abs().argmin(1).minimum(len(self) - 1 - order)
        slack = (near + order).flip(0).cummax(0).values.flip(0)  # never rising, so that no time comes twice
        return (slack - order).tolist()


def linear_schedule(steps: int = 1000, first: float = 1e-4, last: float = 0.02) -> NoiseSchedule:
    """Betas that rise evenly, scaled by 1000 / steps so that a shorter chain too ends in noise.

    Source: Ho et al. 2020, sec. 4.
    Differs from the paper: the scale, as it has T = 1000 only; for very short chains betas are cut at 0.999.
    """
    betas = torch.linspace(first if steps > 1 else last, last, steps, **EXACT) * 1000 / steps
    return NoiseSchedule(betas.clamp(max=0.999))


def cosine_schedule(steps: int = 1000, offset: float = 0.008) -> NoiseSchedule:
    """alphas_cumprod falls like a squared cosine: gentler at both ends than `linear_schedule`.

    Source: Nichol & Dhariwal 2021, eq. 17; betas are cut at 0.999, as there.
    """
    u = torch.linspace(0, 1, steps + 1, **EXACT)
    alpha_bar = ((u + offset) / (1 + offset) * math.pi / 2).cos().square()
    return NoiseSchedule((1 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=0.999))
