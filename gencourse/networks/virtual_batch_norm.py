"""Virtual batch normalisation: a picture is normalised by a fixed reference batch and itself, not by its neighbours."""

import copy

import torch
from torch import Tensor, nn

from gencourse import expect
from gencourse.networks.dcgan import Generator


class VirtualBatchNorm2d(nn.Module):
    """Normalise each sample by the mean and variance of a reference batch together with the sample.

    The reference goes through the network in front of the batch, so that its statistics are always those of the
    present weights: nothing is stored that could grow stale.

    Args:
        channels: Of the maps.
        reference: How many of the first of a batch are the reference, at least 2.
        eps: Added to the variance.

    Source: Salimans et al. 2016, sec. 3.5.
    """

    def __init__(self, channels: int, reference: int, *, eps: float = 1e-5):
        super().__init__()
        expect.at_least(2, reference=reference)
        self.reference, self.eps = reference, eps
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise maps (R + B, C, H, W), of which the first R are the reference: the same shape.

        The reference is normalised by its own statistics.
        """
        means, variances = x.mean((2, 3)), x.var((2, 3), correction=0)  # of each sample: (R + B, C)
        r = self.reference
        mean = means[:r].mean(0)
        variance = variances[:r].mean(0) + means[:r].var(0, correction=0)
        share = 1 / (r + 1)  # that a sample has in the statistics of R + 1
        gap = means[r:] - mean
        mean_with = torch.cat([mean.expand(r, -1), mean + share * gap])
        with_sample = torch.lerp(variance.expand_as(gap), variances[r:], share) + share * (1 - share) * gap.square()
        variance_with = torch.cat([variance.expand(r, -1), with_sample])
        scale = self.weight * (variance_with + self.eps).rsqrt()
        return x * scale[:, :, None, None] + (self.bias - mean_with * scale)[:, :, None, None]


class VirtualBatchGenerator(nn.Module):
    """A generator whose batch normalisations are virtual: the same z gives the same picture in every batch.

    Each call draws the reference too, in train and in eval mode: that is the price. There are no running statistics.

    Args:
        generator: Of which a copy is taken.
        z: The reference batch (R, latent), chosen once, R of at least 2.
        labels: (R,) int64 for a generator with classes.

    Raises:
        ValueError: Another shape, a reference of one, labels missing, not wanted or of no class.

    Source: Salimans et al. 2016, sec. 3.5, in G alone.
    """

    z: Tensor
    labels: Tensor | None

    def __init__(self, generator: Generator, z: Tensor, labels: Tensor | None = None):
        super().__init__()
        self.latent, self.classes = generator.latent, generator.classes
        expect.check_shape(z, "a reference batch of z", "R", self.latent)
        expect.check_labels(labels, self.classes, len(z), values=True)
        self.network = copy.deepcopy(generator)
        for name, layer in list(self.network.named_modules()):
            if isinstance(layer, nn.BatchNorm2d):
                self.network.set_submodule(name, _virtual(layer, len(z)))
        self.register_buffer("z", z.clone())
        self.register_buffer("labels", None if labels is None else labels.clone())

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Draw pictures from z (B, latent), and labels (B,) int64 where there are classes, as the generator does.

        Raises:
            ValueError: Another shape, labels missing or not wanted.
        """
        expect.check_shape(z, "z", "B", self.latent)
        expect.check_labels(labels, self.classes, len(z))
        if labels is not None and self.labels is not None:
            labels = torch.cat([self.labels, labels])
        return self.network(torch.cat([self.z, z]), labels)[len(self.z) :]


def _virtual(layer: nn.BatchNorm2d, reference: int) -> VirtualBatchNorm2d:
    """Return the layer that takes the place of a batch normalisation, with its scale and shift."""
    made = VirtualBatchNorm2d(layer.num_features, reference, eps=layer.eps).to(layer.weight)
    made.load_state_dict({"weight": layer.weight, "bias": layer.bias})
    return made
