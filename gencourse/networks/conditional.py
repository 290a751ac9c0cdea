"""Discriminators that are told a label in other ways than `dcgan.Discriminator`, which projects on it.

Concatenation: the label goes in beside the picture. Auxiliary classifier: it goes into the loss, and D has to name it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse import expect
from gencourse.networks.dcgan import Discriminator, initialise


def join_labels(x: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Join a picture and one plane a class, 1 everywhere in the plane of the label and 0 in the others.

    Args:
        x: (B, C, H, W).
        labels: (B,) int64 in [0, classes).
        classes: How many there are.

    Returns:
        (B, C + classes, H, W).

    Source: Mirza and Osindero 2014, sec. 3.2, for a convolutional D.
    """
    planes = F.one_hot(labels, classes).to(x.dtype)[:, :, None, None]
    return torch.cat([x, planes.expand(-1, -1, *x.shape[2:])], 1)


class ConcatDiscriminator(nn.Module):
    """DCGAN's discriminator with the label's planes joined to the picture, channel by channel.

    Args:
        size: Of the picture, as in `dcgan.Discriminator`.
        channels: Of the picture, without the planes.
        width: Channels after the first layer.
        classes: How many kinds of pictures a label can name.
        spectral_norm: In place of batch normalisation.
        depth: As in `dcgan.Discriminator`.

    Source: Mirza and Osindero 2014, eq. 2.
    """

    def __init__(
        self,
        *,
        size: int = 28,
        channels: int = 1,
        width: int = 64,
        classes: int = 10,
        spectral_norm: bool = False,
        depth: int | None = None,
    ):
        super().__init__()
        self.channels, self.classes = channels, classes
        joined = channels + classes
        self.judge = Discriminator(size=size, channels=joined, width=width, spectral_norm=spectral_norm, depth=depth)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Judge pictures (B, channels, size, size) in [-1, 1] with labels (B,) int64: logits (B,).

        Raises:
            ValueError: Another shape or batch, labels that are none.
        """
        expect.check_shape(x, "pictures", "B", self.channels, self.judge.size, self.judge.size)
        expect.check_labels(labels, self.classes, len(x))
        return self.judge(join_labels(x, labels, self.classes))


class AuxiliaryDiscriminator(nn.Module):
    """DCGAN's discriminator that is told no label: a second head says which class it sees.

    Args:
        size: Of the picture, as in `dcgan.Discriminator`.
        channels: Of the picture.
        width: Channels after the first layer.
        classes: How many there are.
        spectral_norm: In place of batch normalisation.
        depth: As in `dcgan.Discriminator`.

    Source: Odena et al. 2017, sec. 3.
    """

    def __init__(
        self,
        *,
        size: int = 28,
        channels: int = 1,
        width: int = 64,
        classes: int = 10,
        spectral_norm: bool = False,
        depth: int | None = None,
    ):
        super().__init__()
        self.classes = classes
        self.judge = Discriminator(size=size, channels=channels, width=width, spectral_norm=spectral_norm, depth=depth)
        _, inputs, start, _ = self.judge.head.weight.shape
        self.class_head = nn.Conv2d(inputs, classes, start)
        initialise(self.class_head)
        if spectral_norm:
            nn.utils.parametrizations.spectral_norm(self.class_head)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Judge pictures.

        Args:
            x: (B, channels, size, size) in [-1, 1]; B of at least 2 in train mode with batch normalisation.

        Returns:
            The pair logits (B,), above zero for "real", class logits (B, classes).

        Raises:
            ValueError: Another shape or batch.
        """
        features = self.judge.features(x)
        return self.judge.head(features).flatten(), self.class_head(features).flatten(1)
