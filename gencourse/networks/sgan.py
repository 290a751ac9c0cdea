"""SGAN's networks: a discriminator of K classes and an implicit further one, "generated" (Salimans et al. 2016)."""

from typing import Any

import torch
from torch import Tensor, nn

from gencourse import expect
from gencourse.networks.dcgan import Generator


class GaussianNoise(nn.Module):
    """Add noise N(0, deviation^2) in train mode; in eval mode it hands on what it gets."""

    def __init__(self, deviation: float):
        super().__init__()
        self.deviation = deviation

    def forward(self, x: Tensor) -> Tensor:
        return x + self.deviation * torch.randn_like(x) if self.training and self.deviation else x


class SemiSupervisedDiscriminator(nn.Module):
    """Name the class of a picture, and by the size of all K logits together say whether it is real.

    The logit of class K + 1, "generated", is fixed at 0: adding a number to all K + 1 logits changes no probability,
    so that one of them is free. D(x) = Z / (Z + 1) with Z = sum of exp(logits).

    Args:
        size: Of the picture in pixels.
        channels: Of the picture.
        classes: K.
        width: Channels after the first convolution, doubled in each of the two others.
        hidden: Numbers in `features`.
        noise: Standard deviation of the noise on the pictures, in train mode.
        dropout: Share of the feature maps that is dropped after each convolution, each map as a whole, in train mode.

    Source: Salimans et al. 2016, sec. 5.
    Differs from the paper: three strided convolutions in place of five fully connected layers for MNIST; batch
    normalisation and dropped maps in place of weight normalisation and noise at every layer; feature matching at the
    last layer but one, where the authors' code takes the one below.
    """

    def __init__(
        self,
        *,
        size: int = 28,
        channels: int = 1,
        classes: int = 10,
        width: int = 32,
        hidden: int = 128,
        noise: float = 0.3,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.arguments = {"size": size, "channels": channels, "classes": classes, "width": width, "hidden": hidden}
        self.arguments |= {"noise": noise, "dropout": dropout}
        self.size, self.channels, self.classes = size, channels, classes
        self.noise = GaussianNoise(noise)
        layers, inputs, side = [], channels, size
        for i in range(3):
            outputs, side = width * 2**i, (side + 1) // 2
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]
            layers += [nn.Dropout2d(dropout)]
            inputs = outputs
        self.body = nn.Sequential(*layers)
        self.squeeze = nn.Sequential(nn.Flatten(), nn.Linear(inputs * side * side, hidden), nn.LeakyReLU(0.2))
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the class logits (B, K) of pictures (B, channels, size, size) in [-1, 1].

        Raises:
            ValueError: Another shape, or a single picture in train mode.
        """
        return self.head(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """Return what the last layer decides by, and what feature matching matches: (B, hidden)."""
        expect.check_shape(x, "pictures", "B", self.channels, self.size, self.size)
        expect.check_batch(x, self.training)
        return self.squeeze(self.body(self.noise(x)))


class SGAN(nn.Module):
    """A classifier and the generator that it was trained against, in one file of weights.

    Called, it is a classifier of the harness's kind.

    Args:
        generator: Arguments of `dcgan.Generator`.
        discriminator: Arguments of `SemiSupervisedDiscriminator`.
    """

    name = "sgan"

    def __init__(self, *, generator: dict[str, Any], discriminator: dict[str, Any]):
        super().__init__()
        self.arguments = {"generator": generator, "discriminator": discriminator}
        self.generator, self.discriminator = Generator(**generator), SemiSupervisedDiscriminator(**discriminator)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Classify pictures (B, C, H, W) in [0, 1]: the pair features (B, hidden), class logits (B, K)."""
        features = self.discriminator.features(x * 2 - 1)
        return features, self.discriminator.head(features)
