"""The two networks of SRGAN: a generator that enlarges pictures, and a critic that judges patches of them.

Ledig et al. 2017, "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network".
"""

from typing import Any, cast

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gencourse import expect
from gencourse.networks.superres import ResidualBlock, icnr_

SMALLEST = 4  # pixels a side: bicubic interpolation takes four
SLOPE = 0.2  # of leaky ReLUs, below zero


class SRGenerator(nn.Module):
    """Enlarge pictures: bicubic interpolation plus a learned correction, which is zero before training.

    Nearly all of it is computed at the small size, where one pixel more of context costs least. Where the small picture
    is flat a convolutional network gives each block the same texture; noise at the small size lets blocks differ. Its
    weights are zero at first, and stay so while the network is trained without noise.

    Args:
        width: Channels at the small size.
        blocks: Residual blocks there.
        scale: How many times larger.
        noise: Channels of noise; 0 for a network that takes none.
        late: Channels at the full size, before the last convolution.

    Attributes:
        reach: So many pixels of the small picture, to each side of a pixel, decide what becomes of it.

    Source: Ledig et al. 2017, sec. 2.1; one pixel shuffle near the end as in Shi et al. 2016.
    Differs from the paper: no batch normalisation, the sum with the bicubic picture, noise, far fewer weights.
    """

    def __init__(self, *, width: int = 32, blocks: int = 7, scale: int = 4, noise: int = 1, late: int = 8):
        super().__init__()
        expect.at_least(1, width=width, late=late)
        expect.at_least(0, blocks=blocks, noise=noise)
        expect.at_least(2, scale=scale)
        self.arguments: dict[str, Any] = {"width": width, "blocks": blocks, "scale": scale, "noise": noise}
        self.arguments |= {"late": late}  # what the class is called with to build this network again
        self.scale, self.noise = scale, noise
        self.reach = 1 + 2 * blocks + 1 + 1  # head, body, and the two convolutions around the shuffle
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.from_noise = nn.Conv2d(noise, width, 3, padding=1, bias=False) if noise else None
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.up = nn.Conv2d(width, late * scale**2, 3, padding=1)
        self.last = nn.Conv2d(late, 3, 3, padding=1)
        for part in self.up.parameters():
            icnr_(part, scale)
        for part in (*self.last.parameters(), *([] if self.from_noise is None else self.from_noise.parameters())):
            nn.init.zeros_(part)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Enlarge pictures.

        Args:
            x: (B, 3, h, w) in [-1, 1], sides of at least 4.
            noise: (B, noise, h, w), drawn from N(0, 1); without it the answer is the same every time.

        Returns:
            (B, 3, h * scale, w * scale), which like bicubic interpolation may leave [-1, 1] a little.

        Raises:
            ImageError: Another shape of x or of the noise.
            ValueError: Noise for a network that takes none.
        """
        expect.check_shape(x, "pictures", "B", 3, "h", "w", least=SMALLEST)
        features = self.head(x)
        if noise is not None:
            expect.check_noise(noise, self.noise, x)
            features = features + cast(nn.Conv2d, self.from_noise)(noise)
        features = self.body(F.relu(features))
        # Leaky: the few channels of a plain ReLU all fell silent within the first steps, and nothing woke them again.
        late = F.leaky_relu(F.pixel_shuffle(self.up(features), self.scale), SLOPE)
        bicubic = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        return bicubic + self.last(late)


class PatchCritic(nn.Module):
    """Judge every patch of a picture by itself: a map of logits, high where it looks real.

    A convolution of 3 x 3, then `layers` of 4 x 4 with stride 2, then one of 3 x 3 to the logits. Each is divided by
    its largest singular value (spectral normalisation), which bounds how fast a logit changes with the picture. There
    is no other normalisation: it would hide contrast and colour from the critic.

    Args:
        width: Channels of the first layer; they double twice.
        layers: How many of stride 2.

    Attributes:
        patch: Side of what one logit sees, 5 * 2^layers pixels: 40 with 3 layers.
        smallest: Pixels a side that it needs.

    Source: Isola et al. 2017, sec. 3.2.2, for patches; Miyato et al. 2018, sec. 2.1, for the normalisation.
    """

    def __init__(self, *, width: int = 32, layers: int = 3):
        super().__init__()
        expect.at_least(1, width=width, layers=layers)
        self.patch, self.smallest = 5 * 2**layers, 2**layers
        widths = [width * min(2**i, 4) for i in range(layers + 1)]
        body: list[nn.Module] = [spectral_norm(nn.Conv2d(3, width, 3, padding=1)), nn.LeakyReLU(SLOPE, inplace=True)]
        for inputs, outputs in zip(widths, widths[1:], strict=False):
            body += [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1)), nn.LeakyReLU(SLOPE, inplace=True)]
        self.layers = nn.Sequential(*body, spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1)))

    def forward(self, x: Tensor) -> Tensor:
        """Judge pictures.

        Args:
            x: (B, 3, H, W) in [-1, 1], sides of at least 2^layers.

        Returns:
            Logits (B, 1, h, w), h = H // 2^layers.

        Raises:
            ImageError: Another shape.
        """
        expect.check_shape(x, "pictures", "B", 3, "H", "W", least=self.smallest)
        return self.layers(x)
