"""Minibatch discrimination: D sees how near the pictures of a batch lie to one another (Salimans et al. 2016)."""

import torch
from torch import Tensor, nn

from gencourse.networks.dcgan import Discriminator, initialise


def minibatch_discrimination(features: Tensor, T: Tensor) -> Tensor:
    """Join to each picture's features how near the others of the batch lie to it, once for each of K kernels.

    `M_i = f_i T`, a matrix of K rows; `o_i[k] = sum over j != i of exp(-|M_i[k] - M_j[k]|_1)`.

    Args:
        features: (B, A), of real pictures alone or of fakes alone.
        T: (A, K, C): K kernels of C numbers.

    Returns:
        (B, A + K): the features, then o, from 0 where all are far to B - 1 where all are alike.

    Source: Salimans et al. 2016, sec. 3.2.
    Differs from the paper: a picture is not compared with itself, which would add 1 to each o.
    """
    matrices = torch.einsum("ba,akc->bkc", features, T)
    distances = (matrices[:, None] - matrices[None]).abs().sum(3)  # (B, B, K)
    closeness = (-distances).exp().sum(1) - 1  # exp(-0) = 1: each with itself
    return torch.cat([features, closeness], 1)


class MinibatchDiscriminator(nn.Module):
    """DCGAN's discriminator that judges a picture by its features and by how near the batch lies to it.

    Args:
        size: Of the picture, as in `dcgan.Discriminator`.
        channels: Of the picture.
        width: Channels after the first layer.
        depth: As in `dcgan.Discriminator`.
        kernels: K, in how many ways nearness is measured.
        dims: C, numbers in each.

    Source: Salimans et al. 2016, sec. 3.2.
    """

    def __init__(
        self,
        *,
        size: int = 28,
        channels: int = 1,
        width: int = 64,
        depth: int | None = None,
        kernels: int = 50,
        dims: int = 5,
    ):
        super().__init__()
        judge = Discriminator(size=size, channels=channels, width=width, depth=depth)
        self.judge, inputs = judge, judge.head.weight.numel()
        # Of this size M is about as large as a feature. Larger, and every exp(-distance) were 0, without a slope.
        self.T = nn.Parameter(torch.randn(inputs, kernels, dims) / inputs**0.5)
        judge.head = nn.Conv2d(inputs + kernels, 1, 1)
        initialise(judge.head)

    def forward(self, x: Tensor) -> Tensor:
        """Judge pictures (B, channels, size, size) in [-1, 1]: logits (B,), each of which depends on the whole batch.

        Raises:
            ValueError: Another shape, or a single picture in train mode.
        """
        joined = minibatch_discrimination(self.features(x).flatten(1), self.T)
        return self.judge.head(joined[:, :, None, None]).flatten()

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature maps, of each picture alone, as `dcgan.Discriminator` does."""
        return self.judge.features(x)
