"""How small pictures come about: by block averages alone, or as a camera makes them, with blur, noise and JPEG.

A network learns to undo the degradation that it was trained on. Everything here is done on the CPU, beside the batches
and before the training step: a JPEG has to be written and read.

Source: Wang et al. 2021, "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data", sec. 3.1.
Differs from the paper: its classical model, once and not twice, Gaussian blur and noise alone.
"""

import io
import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse import images
from gencourse.batches import check_saved, numbered
from gencourse.expect import at_least, check_range, check_shape, within
from gencourse.methods.sampling import normal, uniform
from gencourse.methods.upsampling import area_average
from gencourse.training.crops import Crops

BEST = 95  # of JPEG: what is beyond stores more than can be seen


class Degradation(NamedTuple):
    """Ranges that `Degraded` draws from, one degradation a picture.

    Attributes:
        blur: Standard deviations of the blur, in pixels of the large picture.
        noise: Standard deviations of the noise, of values in [0, 1].
        quality: Of the JPEG file, from 1 to 100.
    """

    blur: tuple[float, float] = (0.2, 2.0)
    noise: tuple[float, float] = (0.0, 0.03)
    quality: tuple[int, int] = (50, BEST)


CAMERA = Degradation()


def modcrop(x: Tensor, scale: int) -> Tensor:
    """Cut rows off below and columns on the right until `scale` divides the sides of (B, C, H, W).

    Raises:
        ImageError: The picture is smaller than `scale`.
    """
    at_least(1, scale=scale)
    h, w = check_shape(x, "pictures", "B", "C", "H", "W", floating=False, least=scale).shape[2:]
    return x[:, :, : h // scale * scale, : w // scale * scale]


def gaussian_kernel(sigma: float) -> Tensor:
    """Return a Gaussian's values at whole numbers to three standard deviations: (2 r + 1,) float64, which sum to one.

    Raises:
        ValueError: sigma is negative or not finite.
    """
    within(0, sigma=sigma)
    at = torch.arange(-math.ceil(3 * sigma), math.ceil(3 * sigma) + 1, dtype=torch.float64, device="cpu")
    weights = torch.exp(-(at**2) / (2 * max(sigma, 1e-3) ** 2))  # at 0 that is 1, and 0 elsewhere, for no blur too
    return weights / weights.sum()


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """Blur (B, C, H, W) along both axes, its border repeated; sigma in pixels."""
    c = check_shape(x, "pictures", "B", "C", "H", "W").shape[1]
    kernel = gaussian_kernel(sigma).to(x)
    x = F.pad(x, (len(kernel) // 2,) * 4, mode="replicate")
    x = F.conv2d(x, kernel.view(1, 1, -1, 1).expand(c, -1, -1, -1), groups=c)
    return F.conv2d(x, kernel.view(1, 1, 1, -1).expand(c, -1, -1, -1), groups=c)


def jpeg(x: Tensor, quality: int) -> Tensor:
    """Write pictures as JPEG files and read them again.

    Args:
        x: (B, 3, H, W) in [0, 1].
        quality: From 1 to 100; beyond 95 files grow and nothing is seen of it.

    Returns:
        As many of the same size, in [0, 1], on their device.

    Raises:
        ImageError: Another shape or range.
        ValueError: Another quality.
    """
    check_range(check_shape(x, "pictures", "B", 3, "H", "W"), 0, 1)
    at_least(1, quality=quality)
    within(1, 100, quality=quality)
    return torch.cat([images.load(_file(one, quality)) for one in x]).to(x)


def _file(picture: Tensor, quality: int) -> bytes:
    """Return the bytes of a JPEG file, its colours at half the resolution as most cameras have them."""
    buffer = io.BytesIO()
    images.to_pil(picture).save(buffer, "JPEG", quality=int(quality), subsampling=2)
    return buffer.getvalue()


def degrade(
    y: Tensor,
    scale: int = 4,
    *,
    blur: float = 0.0,
    noise: float = 0.0,
    quality: int | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Make pictures small as a camera does: the lens blurs, pixels average, the sensor adds noise, a JPEG is written.

    Args:
        y: (B, 3, H, W) in [0, 1], sides that `scale` divides.
        scale: How many times smaller.
        blur: Standard deviation in pixels of y; 0 for none.
        noise: Standard deviation of the noise, which is independent in every value; 0 for none.
        quality: Of the JPEG file, from 1 to 100; None for none.
        generator: On the CPU, where the noise is drawn.

    Returns:
        (B, 3, H / scale, W / scale) in [0, 1].

    Raises:
        ImageError: Another shape or range, such as a picture smaller than `scale`.
        ValueError: A negative blur or noise, or another quality.

    Source: Wang et al. 2021, eq. 1.
    """
    at_least(1, scale=scale)
    check_range(check_shape(y, "pictures", "B", 3, "H", "W", least=scale, multiple=scale), 0, 1)
    within(0, noise=noise)
    x = area_average(gaussian_blur(y, blur), scale)
    if noise:
        x = x + noise * normal(x.shape, generator).to(x)
    x = x.clamp(0, 1)
    return x if quality is None else jpeg(x, quality)


class Degraded:
    """Batches of pairs for `PixelStep` and `SRGANStep`: small pictures, degraded at random, and the true ones.

    Each picture's degradation is drawn from `seed` and the number of the batch alone, so that after `load_state_dict`
    everything goes on exactly as it would have.

    Args:
        crops: Endless squares in [-1, 1]; after this nobody else takes from them.
        scale: How many times smaller.
        ranges: Of what is drawn.
        seed: What everything random comes from.
    """

    def __init__(self, crops: Crops, scale: int = 4, *, ranges: Degradation = CAMERA, seed: int = 0):
        self.crops, self.scale, self.ranges, self.seed, self.given = crops, scale, ranges, seed, 0

    def __iter__(self) -> "Degraded":
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        y, generator = next(self.crops), numbered(~self.seed, self.given)  # not the numbers that the crops come from
        self.given += 1
        small = [self._degrade(one[None], generator) for one in (y + 1) / 2]
        return torch.cat(small) * 2 - 1, y

    def _degrade(self, y: Tensor, generator: torch.Generator) -> Tensor:
        place = uniform((3,), generator).tolist()
        blur, noise, quality = (low + at * (high - low) for at, (low, high) in zip(place, self.ranges, strict=True))
        drawn = {"blur": blur, "noise": noise, "quality": round(quality)}
        return degrade(y.clamp(0, 1), self.scale, **drawn, generator=generator)

    def state_dict(self) -> dict[str, Any]:
        """How many batches were given, the place of the crops, and what they depend on."""
        return self._settings() | {"given": self.given, "crops": self.crops.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken.

        Raises:
            ValueError: It belongs to other crops, ranges or another seed.
        """
        check_saved("degraded pictures", state, self._settings())
        self.crops.load_state_dict(state["crops"])
        self.given = state["given"]

    def _settings(self) -> dict[str, Any]:
        ranges = [list(one) for one in self.ranges]
        return {"scale": self.scale, "ranges": ranges, "seed": self.seed}
