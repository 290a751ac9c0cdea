"""Discriminators chosen by what one logit sees, from a single pixel to more than the whole picture.

Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks", sec. 3.2.2 and 6.1.2.
"""

from torch import Tensor, nn

from gencourse import expect
from gencourse.networks.translation import PatchDiscriminator, initialise

PATCHES = {1: 0, 16: 1, 34: 2, 70: 3, 142: 4}  # side in pixels of what one logit sees: layers of stride 2


class PixelDiscriminator(nn.Module):
    """Judge every pixel by itself: a map of logits as large as the picture.

    Written as the paper does, for width 64: C64-C128 and the logits, all 1 x 1.

    Args:
        inputs: Channels, of both pictures where D sees a pair.
        width: Channels of the first layer.

    Source: Isola et al. 2017, sec. 6.1.2.
    Differs from the paper: no normalisation, through whose mean and variance each logit would see the whole picture.
    """

    patch = 1

    def __init__(self, *, inputs: int = 3, width: int = 64):
        super().__init__()
        expect.at_least(1, inputs=inputs, width=width)
        self.inputs = inputs
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, width, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 1, 1),
        )
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Judge pictures (B, inputs, H, W) in [-1, 1]: logits (B, 1, H, W).

        Raises:
            ImageError: Another shape.
        """
        return self.layers(expect.check_shape(x, "pictures", "B", self.inputs, "H", "W"))


def patch_discriminator(
    patch: int = 34, *, inputs: int = 6, width: int = 32
) -> PixelDiscriminator | PatchDiscriminator:
    """Return a PatchGAN, a discriminator each of whose logits sees a square of `patch` pixels.

    Args:
        patch: 1, 16, 34, 70 or 142; 142 is more than the whole of a picture of 64 or 128 pixels.
        inputs: Channels: of both pictures for a conditional discriminator, else of one.
        width: Channels of the first layer.

    Raises:
        ValueError: There is none with such a patch.

    Source: Isola et al. 2017, sec. 3.2.2 and 6.1.2.
    """
    if patch not in PATCHES:
        raise ValueError(f"a patch has a side of {', '.join(map(str, PATCHES))} pixels, not {patch!r}")
    if patch == 1:
        return PixelDiscriminator(inputs=inputs, width=width)
    return PatchDiscriminator(inputs=inputs, width=width, layers=PATCHES[patch])
