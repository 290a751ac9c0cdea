"""PixelCNN: the likelihood of an image as a product over its pixels (van den Oord et al. 2016).

Images are integers x: (B, C, H, W) int64 in [0, levels). Pixels come in raster order, the colours of a pixel in theirs.
How images are drawn is in `pixelcnn_sampling.py`.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import at_least, check_range
from gencourse.methods.pixelcnn_sampling import log_odds, sample_cached, sample_images, sample_naive, to_images
from gencourse.methods.sampling import uniform
from gencourse.modes import eval_mode
from gencourse.networks.autoregressive import PixelNetwork

__all__ = ["TEST_SEED", "binarise", "bits_per_dim", "evaluate", "log_odds", "nll", "quantise", "receptive_field"]
__all__ += ["sample_cached", "sample_images", "sample_naive", "static_digits", "to_images"]

TEST_SEED = 28  # of the one sample of MNIST's test digits that likelihoods are told on: static_digits


def binarise(images: Tensor, *, generator: torch.Generator | None = None, threshold: float | None = None) -> Tensor:
    """Turn grey values into pixels 0 and 1.

    Args:
        images: (B, C, H, W) in [0, 1].
        generator: on the CPU, where pixels are drawn.
        threshold: None draws, with the grey value as the probability of 1; else pixels above it are 1.

    Returns:
        int64, of the same shape.

    Raises:
        ImageError: another range.
    """
    check_range(images, 0, 1)
    if threshold is not None:
        return (images > threshold).long()
    return (uniform(images.shape, generator).to(images.device) < images).long()


def static_digits(images: Tensor) -> Tensor:
    """The protocol that the shipped model is scored by: each picture is drawn once, with a fixed seed.

    Likelihoods in the papers are told on such a sample too (Larochelle and Murray 2011), but that file is not the one
    drawn here.

    Args:
        images: all of MNIST's test digits, (10000, 1, 28, 28) in [0, 1]; another set gets another sample.

    Raises:
        ImageError: another range.
    """
    return binarise(images.cpu(), generator=torch.Generator().manual_seed(TEST_SEED))


def quantise(images: Tensor, levels: int) -> Tensor:
    """Round [0, 1] to `levels` equally spaced values: int64 in [0, levels).

    Raises:
        ImageError: another range.
        ValueError: fewer than two levels.
    """
    at_least(2, levels=levels)
    return (check_range(images, 0, 1).clamp(0, 1) * (levels - 1)).round().long()


def nll(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x) = -sum_i log p(x_i | x_1 .. x_{i-1}), in nats an image.

    torch itself refuses shapes that do not fit and, on the CPU, levels that are not there.

    Args:
        logits: (B, levels, C, H, W).
        x: (B, C, H, W) int64 in [0, levels).

    Returns:
        (B,).

    Source: van den Oord et al. 2016, "Pixel Recurrent Neural Networks", eq. 1.
    """
    logits = logits if logits.dtype == torch.double else logits.float()
    return F.cross_entropy(logits, x, reduction="none").flatten(1).sum(1)


def bits_per_dim(nats: Tensor | float, dims: int) -> Tensor | float:
    """Nats an image as bits a dimension, nats / (dims ln 2) with dims = C * H * W: what papers on colour report."""
    return nats / (dims * math.log(2))


@torch.no_grad()
def evaluate(network: PixelNetwork, x: Tensor, labels: Tensor | None = None, *, batch_size: int = 200) -> Tensor:
    """-log p of each image, in nats; their mean is the figure that papers tell. The network is put in eval mode.

    Args:
        network: the model.
        x: (N, C, H, W) int64 in [0, levels).
        labels: (N,) for a network with classes.
        batch_size: how many at a time.

    Returns:
        (N,) on the CPU.

    Raises:
        ValueError: no images, and as the network.
    """
    network.check(x, labels)
    device, found = network.tail.weight.device, []
    with eval_mode(network):
        for start in range(0, len(x), batch_size):
            part = x[start : start + batch_size].to(device)
            its = None if labels is None else labels[start : start + batch_size].to(device)
            found.append(nll(network(part, its), part))
    return torch.cat(found).cpu()


def receptive_field(network: PixelNetwork, shape: tuple[int, int, int], at: tuple[int, int], colour: int = 0) -> Tensor:
    """How much each pixel can change the prediction for one: `|d logits / d x|`, zero if not at all.

    Args:
        network: the model.
        shape: (C, H, W) of the image.
        at: row and column of the predicted pixel.
        colour: of the predicted pixel.

    Returns:
        (C, H, W), summed over 8 images of random values.
    """
    x = uniform((8, *shape), torch.Generator().manual_seed(0), network.tail.weight.dtype) * 2 - 1
    x = x.to(network.tail.weight.device).requires_grad_()
    labels = torch.zeros(8, dtype=torch.long, device=x.device) if network.classes else None
    weights = torch.linspace(1, 2, network.levels, dtype=x.dtype, device=x.device)  # a plain sum can cancel
    with eval_mode(network):
        (gradient,) = torch.autograd.grad((network.logits(x, labels)[:, :, colour, at[0], at[1]] @ weights).sum(), x)
    return gradient.abs().sum(0)
