"""Dropout whose draws can be had again: the noise of a generator that is given none."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Dropout(nn.Module):
    """Set numbers to zero at random while training, and enlarge the others by as much as is missing.

    Args:
        share: Of the numbers that become zero, in [0, 1).

    Raises:
        ValueError: Another share.

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
    Differs from the paper: the others are divided by 1 - share while training, in place of smaller weights afterwards.
    """

    def __init__(self, share: float = 0.5):
        super().__init__()
        if not 0 <= share < 1:
            raise ValueError(f"the share that dropout sets to zero lies in [0, 1), got {share}")
        self.share = share
        self.generator: torch.Generator | None = None  # on the CPU; None: torch's own numbers, on x's device

    def forward(self, x: Tensor) -> Tensor:
        if self.generator is None or not self.training:
            return F.dropout(x, self.share, self.training)
        drawn = torch.rand(x.shape, generator=self.generator, dtype=torch.float32, device="cpu")
        return x * (drawn >= self.share).to(x.device) / (1 - self.share)

    def extra_repr(self) -> str:
        return f"share={self.share}"


@contextmanager
def dropout_from(network: nn.Module, generator: torch.Generator | None) -> Iterator[None]:
    """Switch dropout on for a while, whatever mode the rest of a network is in, and draw from a generator.

    Args:
        network: Its parts of class Dropout are switched, and put back as they were.
        generator: On the CPU, so that every device drops the same numbers; None for torch's own.
    """
    before = [(part, part.training, part.generator) for part in network.modules() if isinstance(part, Dropout)]
    try:
        for part, _, _ in before:
            part.training, part.generator = True, generator
        yield
    finally:
        for part, training, own in before:
            part.training, part.generator = training, own
