"""A small network for super-resolution: what it adds to bicubic interpolation is learned."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse import expect


class ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x))), without normalisation, which would forget contrast (Lim et al. 2017, sec. 3.1)."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class SuperResolver(nn.Module):
    """Enlarge pictures: bicubic interpolation plus a learned correction, which is zero before training.

    The correction is computed at the small size, then enlarged by one pixel shuffle x2 a stage: log2(scale) stages.

    Args:
        width: Channels inside.
        blocks: Residual blocks at the small size.
        scale: 2, 4 or 8.
        channels: Of the picture.

    Source: Ledig et al. 2017, sec. 2.1.
    Differs from the paper: no batch normalisation, and the sum with the bicubic picture.
    """

    def __init__(self, *, width: int = 32, blocks: int = 4, scale: int = 4, channels: int = 3):
        super().__init__()
        if scale not in (2, 4, 8):
            raise ValueError(f"scale must be 2, 4 or 8, got {scale!r}")
        self.scale, self.channels = scale, channels
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.stages = nn.Sequential(*(_double(width) for _ in range(scale.bit_length() - 1)))
        self.tail = nn.Conv2d(width, channels, 3, padding=1)
        for part in self.tail.parameters():
            nn.init.zeros_(part)

    def forward(self, x: Tensor) -> Tensor:
        """Enlarge pictures.

        Args:
            x: (B, channels, h, w) in [-1, 1], sides of at least 3.

        Returns:
            (B, channels, h * scale, w * scale), which like bicubic interpolation may leave [-1, 1] a little.

        Raises:
            ImageError: Another shape.
        """
        expect.check_shape(x, "pictures", "B", self.channels, "h", "w", least=3)
        bicubic = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        features = F.relu(self.head(x))
        return bicubic + self.tail(self.stages(self.body(features)))


@torch.no_grad()
def icnr_(weight: Tensor, scale: int) -> Tensor:
    """Give the scale^2 filters behind each output channel of a pixel shuffle the weights of the first, in place.

    The shuffle then starts as nearest-neighbour upsampling, so without a checkerboard.

    Args:
        weight: (C * scale^2, ...), random already.
        scale: Of the shuffle.

    Returns:
        weight, changed.

    Source: Aitken et al. 2017, sec. 3.
    """
    return weight.copy_(weight[:: scale**2].repeat_interleave(scale**2, dim=0))


def _double(width: int) -> nn.Sequential:
    """One stage x2."""
    convolution = nn.Conv2d(width, 4 * width, 3, padding=1)
    for part in convolution.parameters():
        icnr_(part, 2)
    return nn.Sequential(convolution, nn.PixelShuffle(2), nn.ReLU())
