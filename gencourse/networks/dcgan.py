"""DCGAN's generator and discriminator for square pictures of 28, 32, 64, ... pixels (Radford et al. 2016)."""

import torch
from torch import Tensor, nn


class Generator(nn.Module):
    """Turn noise into pictures: fractionally strided convolutions, batch normalisation and ReLU, a tanh at the end.

    size: of the picture, 4 to 7 times 2, 4, 8, ... (28 = 7 * 4, 32 = 4 * 8, 64 = 4 * 16); channels: of the picture;
    latent: numbers in z; width: channels before the last layer, doubled with each halving of the resolution;
    classes: None, or how many kinds of pictures a label can ask for.
    forward: z (B, latent), labels (B,) int64 where there are classes, to (B, channels, size, size) in [-1, 1].
    Raises ValueError for another shape, labels missing or out of range, and for a single z while training, whose
    batch statistics would be those of one picture.
    Radford et al. 2016, sec. 3. Differs from the paper: with classes, the label's learned vector is joined to z.
    """

    def __init__(
        self,
        *,
        size: int = 28,
        channels: int = 1,
        latent: int = 100,
        width: int = 64,
        classes: int | None = None,
    ):
        super().__init__()
        start, doublings = _start(size)
        self.size, self.channels, self.latent, self.classes = size, channels, latent, classes
        self.embedding = nn.Embedding(classes, latent) if classes else None
        inputs, outputs = latent * (2 if classes else 1), width * 2 ** (doublings - 1)
        layers = [nn.ConvTranspose2d(inputs, outputs, start, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        for _ in range(doublings - 1):
            inputs, outputs = outputs, outputs // 2
            layers += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(outputs, channels, 4, 2, 1), nn.Tanh())
        self.apply(_initialise)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        _check_tensor(z)
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"this generator takes z of shape (B, {self.latent}), got {tuple(z.shape)}")
        _check_batch(self, z)
        if _check_labels(self.classes, labels, len(z)):
            z = torch.cat([z, self.embedding(labels)], 1)
        return self.body(z[:, :, None, None])


class Discriminator(nn.Module):
    """Tell real pictures from generated ones: strided convolutions, batch normalisation and LeakyReLU of slope 0.2.

    size, channels, classes: as the generator's; width: channels after the first layer, doubled in each further one.
    spectral_norm: divide each layer's weights by their largest singular value (Miyato et al. 2018), in place of batch
    normalisation.
    forward: (B, channels, size, size) in [-1, 1], labels (B,) where there are classes, to logits (B,): above zero means
    "real", and the sigmoid of it is the probability. Raises ValueError for another shape, labels missing or out of
    range, and for a single picture while training with batch normalisation.
    Radford et al. 2016, sec. 3. Differs from the paper: it ends before the sigmoid, which belongs to the loss; with
    classes, a term <v_label, features> is added to the logit (Miyato and Koyama 2018).
    """

    def __init__(
        self,
        *,
        size: int = 28,
        channels: int = 1,
        width: int = 64,
        classes: int | None = None,
        spectral_norm: bool = False,
    ):
        super().__init__()
        start, doublings = _start(size)
        self.size, self.channels, self.classes = size, channels, classes
        self.normalised = not spectral_norm and doublings > 1
        layers, inputs = [], channels
        for i in range(doublings):
            outputs = width * 2**i
            normalise = self.normalised and i > 0
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not normalise)]
            layers += [nn.BatchNorm2d(outputs)] * normalise + [nn.LeakyReLU(0.2)]
            inputs = outputs
        self.body = nn.Sequential(*layers)
        self.head = nn.Conv2d(inputs, 1, start)
        self.embedding = nn.Embedding(classes, inputs * start * start) if classes else None
        self.apply(_initialise)
        if spectral_norm:
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d | nn.Embedding):
                    nn.utils.parametrizations.spectral_norm(layer)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        features = self.features(x)
        logits = self.head(features).flatten()
        if _check_labels(self.classes, labels, len(x)):
            logits = logits + (self.embedding(labels) * features.flatten(1)).sum(1)
        return logits

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature maps, (B, width * 2^k, start, start): what it learned to look at."""
        _check_tensor(x)
        wanted = (self.channels, self.size, self.size)
        if x.ndim != 4 or x.shape[1:] != wanted:
            raise ValueError(
                f"this discriminator takes pictures (B, {', '.join(map(str, wanted))}), got {tuple(x.shape)}"
            )
        if self.normalised:
            _check_batch(self, x)
        return self.body(x)


def _start(size: int) -> tuple[int, int]:
    """Return the smallest resolution and how often it is doubled to reach `size`."""
    start, doublings = size, 0
    while start > 7 and start % 2 == 0:
        start, doublings = start // 2, doublings + 1
    if not 4 <= start <= 7 or doublings < 1:
        raise ValueError(f"size must be 4, 5, 6 or 7 times 2, 4, 8, ... (28, 32, 64, ...), got {size!r}")
    return start, doublings


def _check_batch(module: nn.Module, x: Tensor) -> None:
    if module.training and len(x) < 2:
        what = type(module).__name__.lower()
        raise ValueError(
            f"a {what} in train mode needs at least two in a batch, got {len(x)}: call .eval() to look at one"
        )


def _check_tensor(x: Tensor) -> None:
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = x.dtype if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise ValueError(f"expected a tensor of floating point values, got {got}")


def _check_labels(classes: int | None, labels: Tensor | None, count: int) -> bool:
    if (labels is None) != (classes is None):
        has = (
            "has no classes, leave labels out" if classes is None else f"has {classes} classes: labels (B,) are needed"
        )
        raise ValueError(f"this network {has}")
    if labels is None:
        return False
    if not isinstance(labels, Tensor):
        raise ValueError(f"labels must be a tensor, got a {type(labels).__name__}")
    if labels.shape != (count,) or labels.dtype != torch.int64:
        raise ValueError(f"labels must be ({count},) int64, got {tuple(labels.shape)} {labels.dtype}")
    on_cpu = labels.device.type == "cpu"  # reading values would make an accelerator wait, in every pass
    if count and on_cpu and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(f"labels must lie in [0, {classes}), got {labels.min().item()} to {labels.max().item()}")
    return True


def _initialise(module: nn.Module) -> None:
    """Weights from N(0, 0.02), the scale of batch normalisation from N(1, 0.02)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Embedding):
        nn.init.normal_(module.weight, 0, 0.02)
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)
    if getattr(module, "bias", None) is not None:
        nn.init.zeros_(module.bias)
