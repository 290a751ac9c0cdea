"""A small network for super-resolution: what it adds to bicubic interpolation is learned."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.expect import check_tensor


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

    The correction is computed at the small size (a convolution, `blocks` residual blocks of `width` channels), then
    enlarged by one pixel shuffle x2 a stage: log2(scale) stages. channels: of the picture; scale: 2, 4 or 8.
    forward: (B, channels, h, w) in [-1, 1], sides of at least 3, to (B, channels, h * scale, w * scale), which like
    bicubic interpolation may leave [-1, 1] a little. Raises ValueError for other shapes, scales or sizes.
    Ledig et al. 2017, sec. 2.1. Differs from the paper: no batch normalisation, and the sum with the bicubic picture.
    """

    def __init__(self, *, width: int = 32, blocks: int = 4, scale: int = 4, channels: int = 3):
        super().__init__()
        if scale not in (2, 4, 8):
            raise ValueError(f"scale must be 2, 4 or 8, got {scale!r}")
        if min(width, channels) < 1 or blocks < 0:
            raise ValueError(f"need width and channels of at least 1, blocks of 0: got {width}, {channels}, {blocks}")
        self.scale, self.channels = scale, channels
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.stages = nn.Sequential(*(_double(width) for _ in range(scale.bit_length() - 1)))
        self.tail = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)

    def forward(self, x: Tensor) -> Tensor:
        if check_tensor(x, floating=True).ndim != 4 or x.shape[1] != self.channels or min(x.shape[2:]) < 3:
            wanted = f"(B, {self.channels}, h, w) with sides of at least 3 pixels"
            raise ValueError(f"expected {wanted}, got shape {tuple(x.shape)}")
        bicubic = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        features = F.relu(self.head(x))
        return bicubic + self.tail(self.stages(self.body(features)))


def _double(width: int) -> nn.Sequential:
    """One stage x2; its shuffle starts by repeating pixels (Aitken et al. 2017), so without a checkerboard."""
    convolution = nn.Conv2d(width, 4 * width, 3, padding=1)
    with torch.no_grad():
        for part in (convolution.weight, convolution.bias):
            part.copy_(part[::4].repeat_interleave(4, dim=0))
    return nn.Sequential(convolution, nn.PixelShuffle(2), nn.ReLU())
