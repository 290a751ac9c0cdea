"""Classifiers whose features the harness compares samples in: a small one for digits, and ImageNet's Inception."""

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from gencourse import expect


class Classifier(nn.Module):
    """A small convolutional classifier: three pairs of convolutions, each at half the resolution, then a mean.

    Args:
        name: Stands behind "FID-" wherever a distance in its features is told.
        channels: Of the pictures.
        classes: How many to tell apart.
        width: Of the first pair, doubled in each further one.
    """

    def __init__(self, *, name: str = "digits", channels: int = 1, classes: int = 10, width: int = 32):
        super().__init__()
        self.name, self.channels = name, channels
        self.stages = nn.Sequential(
            _pair(channels, width),
            nn.MaxPool2d(2),
            _pair(width, 2 * width),
            nn.MaxPool2d(2),
            _pair(2 * width, 4 * width),
        )
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Classify pictures.

        Args:
            x: (B, channels, H, W) in [0, 1], sides of at least 8.

        Returns:
            The pair features (B, 4 * width), logits (B, classes).

        Raises:
            ImageError: Another shape.
        """
        expect.check_shape(x, f"pictures for the classifier {self.name!r}", "B", self.channels, "H", "W", least=8)
        features = self.stages(x.to(self.head.weight.dtype) * 2 - 1).mean((2, 3))
        return features, self.head(self.dropout(features))


class Inception(nn.Module):
    """torchvision's Inception v3 (ImageNet) in the classifiers' form; its weights are downloaded at the first use.

    Source: Szegedy et al. 2016.
    Differs from the usual FID: torchvision's weights, not those of the 2015 TensorFlow model, so a distance in these
    features is no plain FID and must be called FID-inception-torchvision. These weights want pictures in [-1, 1], not
    normalised like ImageNet's.
    """

    name = "inception-torchvision"

    def __init__(self, *, pretrained: bool = True):
        super().__init__()
        from torchvision.models import Inception_V3_Weights, inception_v3

        weights = Inception_V3_Weights.IMAGENET1K_V1 if pretrained else None
        self.body = inception_v3(weights=weights, transform_input=False, init_weights=not pretrained).eval()
        self.head, self.body.fc = self.body.fc, nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]: a Linear before

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Classify pictures.

        Args:
            x: (B, 1 or 3, H, W) in [0, 1]; resized to 299 pixels a side.

        Returns:
            The pair features (B, 2048), logits (B, 1000).

        Raises:
            ImageError: Another shape. torch refuses other numbers of channels.
        """
        expect.check_shape(x, "pictures", "B", "C", "H", "W")
        x = x.to(cast(Tensor, self.head.weight).dtype).expand(-1, 3, -1, -1)
        x = F.interpolate(x, (299, 299), mode="bilinear", align_corners=False, antialias=True)
        features = self.body(x * 2 - 1)
        features = features if isinstance(features, Tensor) else features.logits  # in train mode it adds a second head
        return features, self.head(features)


def _pair(inputs: int, outputs: int) -> nn.Sequential:
    layers = []
    for i in (inputs, outputs):
        layers += [nn.Conv2d(i, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)
