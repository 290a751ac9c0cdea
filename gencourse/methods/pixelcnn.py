"""PixelCNN: the likelihood of an image as a product over its pixels, and sampling from it (van den Oord et al. 2016).

Images are integers x: (B, C, H, W) int64 in [0, levels). Pixels come in raster order, the colours of a pixel in theirs.
"""

import copy
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import at_least, check_labels, check_levels, check_range, check_shape
from gencourse.methods.sampling import Random, any_class, generators, in_batches, picture_seeds, uniform
from gencourse.modes import eval_mode
from gencourse.networks.autoregressive import PixelNetwork
from gencourse.networks.columns import Columns

TEST_SEED = 28  # of the one sample of MNIST's test digits that likelihoods are told on: static_digits
ROUNDING = 5e-5  # float32 logits computed in two ways differ by less: 1.5e-5 was seen, for logits up to 41
COLDEST = 1e-8  # temperature that stands for 0: which level is the most likely is all that is left

Predict = Callable[[int, int], Tensor]
Begin = Callable[[PixelNetwork, Tensor, Tensor | None], Predict]


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
    return (torch.rand(images.shape, generator=generator).to(images.device) < images).long()


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


def to_images(x: Tensor, levels: int) -> Tensor:
    """Turn levels into grey values or colours: integers in [0, levels) to float32 in [0, 1].

    Raises:
        ValueError: x holds no integers in [0, levels); values on an accelerator are not looked at.
    """
    check_levels(x, levels, values=x.device.type == "cpu")
    return x.float() / (levels - 1)


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
    """How much each pixel can change the prediction for one: |d logits / d x|, zero if not at all.

    Args:
        network: the model.
        shape: (C, H, W) of the image.
        at: row and column of the predicted pixel.
        colour: of the predicted pixel.

    Returns:
        (C, H, W), summed over 8 images of random values.
    """
    x = torch.rand(8, *shape, generator=torch.Generator().manual_seed(0), dtype=network.tail.weight.dtype) * 2 - 1
    x = x.to(network.tail.weight.device).requires_grad_()
    labels = torch.zeros(8, dtype=torch.long, device=x.device) if network.classes else None
    weights = torch.linspace(1, 2, network.levels, dtype=x.dtype, device=x.device)  # a plain sum can cancel
    with eval_mode(network):
        (network.logits(x, labels)[:, :, colour, at[0], at[1]] @ weights).sum().backward(inputs=[x])
    return x.grad.abs().sum(0)


def sample_naive(
    network: PixelNetwork,
    shape: tuple[int, int, int, int],
    *,
    labels: Tensor | None = None,
    generator: Random = None,
    temperature: float = 1.0,
    given: Tensor | None = None,
    mask: Tensor | None = None,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Draw images by the chain rule: for each pixel the whole network runs over the whole image, for one column of it.

    Args:
        network: the model.
        shape: (B, C, H, W).
        labels: (B,) where the network has classes.
        generator: on the CPU; one for all pictures, or a list with one for each.
        temperature: divides the logits; 0 takes the most likely level.
        given: images (B, C, H, W) to complete.
        mask: where they are kept, (H, W) bool: all pixels up to some place in raster order.
        callback: called with the number of pixels done and the images so far.

    Returns:
        int64 in [0, levels), on the network's device.

    Raises:
        ValueError: arguments that do not fit the network or each other, or a network that predicts NaN.
    """

    def begin(network: PixelNetwork, x: Tensor, labels: Tensor | None) -> Predict:
        return lambda r, c: network.logits(network.encode(x), labels)[..., r, c]

    return _sample(network, begin, shape, labels, generator, temperature, given, mask, callback)


def sample_cached(
    network: PixelNetwork,
    shape: tuple[int, int, int, int],
    *,
    labels: Tensor | None = None,
    generator: Random = None,
    temperature: float = 1.0,
    given: Tensor | None = None,
    mask: Tensor | None = None,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Draw the same images, level by level, from kept activations: each layer computes one column a pixel.

    Arguments as in `sample_naive`. With the same generator the result is the same and not only alike: every pixel has
    its own uniform number, and images where rounding could decide on which side of a boundary it falls are drawn again
    in float64, both ways. On a GPU that takes float32 convolutions: TF32, torch's default for them, is coarser
    (allow_tf32 = False).

    Raises:
        ValueError: as `sample_naive`, and for a PixelRNN, which has no columns to keep.
    """
    return _sample(network, Columns, shape, labels, generator, temperature, given, mask, callback)


def sample_images(
    network: PixelNetwork,
    n: int,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    seeds: Sequence[int] | Tensor | None = None,
    temperature: float = 1.0,
    batch_size: int = 1024,
    progress: Callable[[int], object] | None = None,
) -> Tensor:
    """Draw n pictures, (n, C, H, W) in [0, 1] on the CPU, in eval mode. Each depends on its own seed and label alone.

    Args:
        network: the model.
        n: how many, at least 1.
        labels: (n,) int64 in [0, classes), the class of each; None means "any class", the model's own marginal: each
            picture's is drawn from its seed.
        generator: on the CPU, where each picture's seed is drawn.
        seeds: n of them, in place of the generator's.
        temperature: divides the logits; 0 takes the most likely level.
        batch_size: how many at a time; on a GPU one takes as long as a thousand.
        progress: called with the number of pictures after each batch.

    Raises:
        ValueError: labels or seeds that are not n, unknown classes, and as `sample_cached`.
    """
    seeds = picture_seeds(n, generator, seeds)
    if labels is not None:
        check_labels(labels, n, network.classes)
    shape = (network.channels, network.side, network.side)

    def draw(seeds: list[int], labels: Tensor | None) -> Tensor:
        if labels is None and network.classes:
            labels = any_class(network.classes, seeds)
        options = {"labels": labels, "generator": generators(seeds), "temperature": temperature}
        return to_images(sample_cached(network, (len(seeds), *shape), **options), network.levels)

    return in_batches(draw, seeds, labels, batch_size=batch_size, progress=progress)


def log_odds(logits: Tensor, temperature: float) -> Tensor:
    """ln(F_k / (1 - F_k)) of the running sums F_k = p_0 + .. + p_k, k < levels - 1.

    A level is drawn from one uniform number u: the k-th, when logit(u) has passed k of them. A change of the logits by
    d moves none of them by more than 2 d / temperature.

    Args:
        logits: (B, levels), in float32 or float64.
        temperature: that divides them.

    Returns:
        (B, levels - 1).
    """
    scaled = logits / max(temperature, COLDEST)
    p = (scaled - scaled.amax(1, keepdim=True)).exp()  # sums of both tails: 1 - F would lose the far one to rounding
    return (p.cumsum(1)[:, :-1] / p.flip(1).cumsum(1).flip(1)[:, 1:]).log()


@torch.no_grad()
def _sample(network, begin: Begin, shape, labels, generator, temperature, given, mask, callback) -> Tensor:
    """What the samplers share; begin(network, x, labels) predicts (r, c) from the pixels in x so far."""
    if not temperature >= 0:
        raise ValueError(f"temperature must be 0 or more, got {temperature}")
    x, known = _start(network, shape, labels, given, mask)
    b, colours, h, w = shape
    u = uniform((b, h * w, colours), generator, torch.double).logit()  # all of a picture's numbers at once
    labels = None if labels is None else labels.to(x.device)
    with eval_mode(network):
        close, broken = _draw(network, begin, x, labels, u, temperature, known, callback)
        if broken.any():  # no number passes NaN, so the picture would turn out black
            raise ValueError("the network predicts NaN: its training diverged")
        if close.any():  # the device is asked once a batch, not once a pixel
            close, exact = close.cpu(), copy.deepcopy(network).cpu().double()
            again, its = x.cpu()[close], None if labels is None else labels.cpu()[close]
            _draw(exact, begin, again, its, u[close], temperature, known, None)
            x[close.to(x.device)] = again.to(x.device)
    return x


def _draw(network, begin: Begin, x: Tensor, labels, u: Tensor, temperature, known: int, callback) -> tuple:
    """Write the pixels from `known` on into x; returns where rounding could decide, (B,) bool, and where NaN came."""
    colours, w = x.shape[1], x.shape[3]
    single = torch.promote_types(network.tail.weight.dtype, torch.float32)
    u = u.permute(1, 2, 0)[..., None].to(single).to(x.device).contiguous()  # (H * W, C, B, 1)
    slack = 2 * ROUNDING / max(temperature, COLDEST)
    close, broken = (torch.zeros(len(x), dtype=torch.bool, device=x.device) for _ in range(2))
    predict = begin(network, x, labels)
    for i in range(known, len(u)):
        r, c = divmod(i, w)
        for k in range(colours):
            boundaries = log_odds(predict(r, c)[:, :, k].to(single), temperature)
            x[:, k, r, c] = (u[i, k] >= boundaries).sum(1)
            close |= ((u[i, k] - boundaries).abs() <= slack).any(1)
            broken |= boundaries.isnan().any(1)
        if callback is not None:
            callback(i + 1, x)
    return close, broken


def _start(network: PixelNetwork, shape: tuple[int, ...], labels, given, mask) -> tuple[Tensor, int]:
    """Return the images to begin with and how many of their pixels, in raster order, are given."""
    x, device = torch.zeros(shape, dtype=torch.long), network.tail.weight.device
    network.check(x, labels)
    if given is None and mask is None:
        return x.to(device), 0
    if given is None or mask is None or mask.shape != x.shape[2:] or mask.dtype != torch.bool:
        raise ValueError(f"to complete images, give them and a mask {tuple(x.shape[2:])} bool of where they are kept")
    check_shape(given, "given images", *shape, floating=False)
    network.check(given, labels)
    known = int(mask.sum())
    if not mask.flatten()[:known].all():
        raise ValueError("the mask must keep all pixels up to some place in raster order, and none after it")
    return torch.where(mask.cpu(), given.cpu(), x).to(device), known
