"""The generator of pix2pix: a U-Net, with or without skips.

Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks", sec. 3.2.1 and 6.1.1.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse import expect
from gencourse.networks.dropout import Dropout
from gencourse.networks.translation import initialise, instance_norm

SLOPE = 0.2  # of LeakyReLU
DROPPING = 3  # layers of the decoder that have dropout, the first ones


def join_skip(up: Tensor, skip: Tensor) -> Tensor:
    """Join what comes up from the bottleneck, (B, C, H, W), and what was handed past it, (B, K, H, W), in this order.

    Returns:
        (B, C + K, H, W).

    Source: Ronneberger et al. 2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation".
    """
    return torch.cat([up, skip], 1)


class UNetGenerator(nn.Module):
    """Translate pictures: halved at every level of the encoder, doubled at every level of the decoder, with skips.

    A level of the encoder is LeakyReLU, convolution (4 x 4, stride 2), normalisation; one of the decoder ReLU,
    transposed convolution (4 x 4, stride 2), normalisation, dropout. Nothing is normalised at either end, nor at the
    bottleneck: where one pixel is left, instance normalisation would make it zero.

    The paper's network for 256 pixels is `UNetGenerator(width=64, levels=8, max_width=512, batch_norm=True)`.

    Args:
        inputs: Channels of the pictures that go in.
        outputs: Channels of those that come out.
        width: Channels of the first level; each level has twice as many as the one before.
        levels: How often a picture is halved, at least 2.
        max_width: The most channels that a level has.
        skips: False gives the paper's encoder-decoder: all goes through the bottleneck.
        dropout: Share of the numbers that the first three levels of the decoder set to zero; the two outermost levels
            never do. The paper's only noise.
        noise: Channels of noise z that go in beside the picture.
        batch_norm: Batch normalisation, as in the paper; else instance normalisation, which keeps pictures apart.
        resize: Enlarge by repeating pixels and a 3 x 3 convolution, in place of transposed convolutions.

    Raises:
        ValueError: A number is below its least.

    Source: Isola et al. 2017, sec. 6.1.1.
    Differs from the paper: smaller as its defaults are, instance normalisation unless asked otherwise, and a
    convolution before a normalisation has no bias, which the normalisation would remove.
    """

    def __init__(
        self, *, inputs: int = 3, outputs: int = 3, width: int = 32, levels: int = 5, max_width: int = 128,
        skips: bool = True, dropout: float = 0.5, noise: int = 0, batch_norm: bool = False, resize: bool = False,
    ):  # fmt: skip
        super().__init__()
        expect.at_least(1, inputs=inputs, outputs=outputs, width=width, max_width=max_width)
        expect.at_least(2, levels=levels)
        expect.at_least(0, noise=noise)
        self.arguments: dict[str, Any] = {
            "inputs": inputs, "outputs": outputs, "width": width, "levels": levels, "max_width": max_width,
            "skips": skips, "dropout": dropout, "noise": noise, "batch_norm": batch_norm, "resize": resize,
        }  # fmt: skip
        self.inputs, self.noise, self.skips, self.multiple = inputs, noise, skips, 2**levels
        widths = [min(width * 2**i, max_width) for i in range(levels)]
        down, up = [], []
        for i, (before, after) in enumerate(zip([inputs + noise, *widths], widths, strict=False)):
            plain = i in (0, levels - 1)  # not normalised
            conv = nn.Conv2d(before, after, 4, 2, 1, bias=plain)
            down.append(nn.Sequential(conv) if plain else nn.Sequential(conv, _norm(after, batch_norm)))
            joined = after * (2 if skips and i < levels - 1 else 1)
            body = _double(joined, outputs if i == 0 else before, bias=i == 0, resize=resize)
            if i > 0:
                drops = min(DROPPING, levels - 2) > levels - 1 - i
                body += [_norm(before, batch_norm), *([Dropout(dropout)] if drops else [])]
            up.append(nn.Sequential(*body))
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(reversed(up))
        self.apply(initialise)

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """Translate pictures.

        Args:
            x: (B, inputs, H, W) in [-1, 1], the sides divisible by 2^levels.
            z: (B, noise, H, W), of a generator that takes noise; None for one that does not.

        Returns:
            (B, outputs, H, W) in [-1, 1].

        Raises:
            ImageError: Another shape of x or z.
            ValueError: z is missing, or not wanted.
        """
        expect.check_shape(x, "pictures", "B", self.inputs, "H", "W", least=self.multiple, multiple=self.multiple)
        expect.check_noise(z, self.noise, x)
        return self.decode(self.encode(x if z is None else torch.cat([x, z], 1)))

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return the map of each level, from the largest to the bottleneck, before its activation.

        Args:
            x: (B, inputs + noise, H, W).
        """
        maps = [self.down[0](x)]
        for down in self.down[1:]:
            maps.append(down(F.leaky_relu(maps[-1], SLOPE)))  # not in place: the map itself goes across
        return maps

    def decode(self, maps: Sequence[Tensor]) -> Tensor:
        """Return pictures, (B, outputs, H, W) in [-1, 1], from the maps of `encode`.

        Args:
            maps: One of them set to zero shows what its skip carries.
        """
        y = maps[-1]
        for up, skip in zip(self.up[:-1], reversed(maps[:-1]), strict=True):
            y = up(F.relu(y))
            y = join_skip(y, skip) if self.skips else y
        return torch.tanh(self.up[-1](F.relu(y)))


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Let batch normalisation use mean and variance of its batch for a while, and remember none of them.

    So the paper translates at test time. With a batch of one it is instance normalisation, with a scale and a shift.

    Source: Isola et al. 2017, sec. 3.3.
    """
    parts = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    before = [(part, part.training, [buffer.clone() for buffer in part.buffers()]) for part in parts]
    try:
        for part in parts:
            part.training = True
        yield
    finally:
        for part, training, buffers in before:
            part.training = training
            for buffer, old in zip(part.buffers(), buffers, strict=True):
                buffer.copy_(old)


def _norm(width: int, batch: bool) -> nn.Module:
    return nn.BatchNorm2d(width) if batch else instance_norm(width)


def _double(inputs: int, outputs: int, *, bias: bool, resize: bool) -> list[nn.Module]:
    if resize:
        return [nn.Upsample(scale_factor=2.0, mode="nearest"), nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)]
    return [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)]
