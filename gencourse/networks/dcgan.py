"""DCGAN's generator and discriminator for square pictures of 28, 32, 64, ... pixels (Radford et al. 2016)."""

import torch
from torch import Tensor, nn

from gencourse import expect


class Generator(nn.Module):
    """Turn noise into pictures: fractionally strided convolutions, batch normalisation and ReLU, a tanh at the end.

    Args:
        size: Of the picture, 4 to 7 times 2, 4, 8, ... (28 = 7 * 4, 32 = 4 * 8, 64 = 4 * 16).
        channels: Of the picture.
        latent: Numbers in z.
        width: Channels before the last layer, doubled with each halving of the resolution.
        classes: None, or how many kinds of pictures a label can ask for.
        depth: How often the resolution is doubled. None begins at 4 to 7 pixels and leaves no remainder; 3 draws 28
            pixels from 4 through 7 (with a kernel of 3, as 7 is odd) and 14.

    Source: Radford et al. 2016, sec. 3.
    Differs from the paper: with classes, the label's learned vector is joined to z.
    """

    def __init__(
        self,
        *,
        size: int = 28,
        channels: int = 1,
        latent: int = 100,
        width: int = 64,
        classes: int | None = None,
        depth: int | None = None,
    ):
        super().__init__()
        start, *kernels = _start(size, depth)
        self.size, self.channels, self.latent, self.classes = size, channels, latent, classes
        self.embedding = nn.Embedding(classes, latent) if classes else None
        inputs, outputs = latent * (2 if classes else 1), width * 2 ** (len(kernels) - 1)
        layers = [nn.ConvTranspose2d(inputs, outputs, start, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        for kernel in kernels[:-1]:
            inputs, outputs = outputs, outputs // 2
            layers += [
                nn.ConvTranspose2d(inputs, outputs, kernel, 2, 1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(outputs, channels, kernels[-1], 2, 1), nn.Tanh())
        self.apply(initialise)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Draw pictures.

        Args:
            z: (B, latent); B of at least 2 in train mode, where a single picture has no statistics.
            labels: (B,) int64 where there are classes.

        Returns:
            (B, channels, size, size) in [-1, 1].

        Raises:
            ValueError: Another shape or batch, labels missing or not wanted.
        """
        expect.check_shape(z, "z", "B", self.latent)
        expect.check_batch(z, self.training)
        expect.check_labels(labels, self.classes, len(z))
        if self.embedding is not None:
            z = torch.cat([z, self.embedding(labels)], 1)
        return self.body(z[:, :, None, None])


class Discriminator(nn.Module):
    """Tell real pictures from generated ones: strided convolutions, batch normalisation and LeakyReLU of slope 0.2.

    Args:
        size: As the generator's, like channels, classes and depth.
        channels: Of the picture.
        width: Channels after the first layer, doubled in each further one.
        classes: None, or how many kinds of pictures a label can name.
        spectral_norm: Divide each layer's weights by their largest singular value (Miyato et al. 2018), in place of
            batch normalisation.

    Source: Radford et al. 2016, sec. 3.
    Differs from the paper: it ends before the sigmoid, which belongs to the loss; with classes, a term
    <v_label, features> is added to the logit (Miyato and Koyama 2018).
    """

    def __init__(
        self,
        *,
        size: int = 28,
        channels: int = 1,
        width: int = 64,
        classes: int | None = None,
        spectral_norm: bool = False,
        depth: int | None = None,
    ):
        super().__init__()
        start, *kernels = _start(size, depth)
        self.size, self.channels, self.classes = size, channels, classes
        self.normalised = not spectral_norm and len(kernels) > 1
        layers, inputs = [], channels
        for i, kernel in enumerate(reversed(kernels)):
            outputs = width * 2**i
            normalise = self.normalised and i > 0
            layers += [nn.Conv2d(inputs, outputs, kernel, 2, 1, bias=not normalise)]
            layers += [nn.BatchNorm2d(outputs)] * normalise + [nn.LeakyReLU(0.2)]
            inputs = outputs
        self.body = nn.Sequential(*layers)
        self.head = nn.Conv2d(inputs, 1, start)
        self.embedding = nn.Embedding(classes, inputs * start * start) if classes else None
        self.apply(initialise)
        if spectral_norm:
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d | nn.Embedding):
                    nn.utils.parametrizations.spectral_norm(layer)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Judge pictures.

        Args:
            x: (B, channels, size, size) in [-1, 1]; B of at least 2 in train mode with batch normalisation.
            labels: (B,) int64 where there are classes.

        Returns:
            Logits (B,): above zero means "real", and the sigmoid of it is the probability.

        Raises:
            ValueError: Another shape or batch, labels missing or not wanted.
        """
        features = self.features(x)
        logits = self.head(features).flatten()
        expect.check_labels(labels, self.classes, len(x))
        if self.embedding is not None:
            logits = logits + (self.embedding(labels) * features.flatten(1)).sum(1)
        return logits

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature maps, (B, width * 2^k, start, start): what it learned to look at."""
        expect.check_shape(x, "pictures", "B", self.channels, self.size, self.size)
        if self.normalised:
            expect.check_batch(x, self.training)
        return self.body(x)


def _start(size: int, depth: int | None) -> tuple[int, ...]:
    """Return the smallest resolution and, for each doubling up to `size`, the kernel that a stride of 2 needs there."""
    resolution, kernels = size, []
    while len(kernels) < depth if depth is not None else resolution > 7 and resolution % 2 == 0:
        kernels.insert(0, 3 if resolution % 2 else 4)
        resolution = (resolution + 1) // 2
    if depth is not None and (depth < 1 or not 4 <= resolution <= 7):
        raise ValueError(f"at depth {depth!r} {size!r} pixels would come from {resolution}; it must be 4, 5, 6 or 7")
    if not 4 <= resolution <= 7 or not kernels:
        raise ValueError(f"size must be 4, 5, 6 or 7 times 2, 4, 8, ... (28, 32, 64, ...), got {size!r}")
    return resolution, *kernels


def initialise(module: nn.Module) -> None:
    """Weights from N(0, 0.02), the scale of batch normalisation from N(1, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
        nn.init.normal_(module.weight, 0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)
    if isinstance(bias := getattr(module, "bias", None), Tensor):
        nn.init.zeros_(bias)
