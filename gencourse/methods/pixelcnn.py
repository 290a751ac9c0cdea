"""PixelCNN: the likelihood of an image as a product over its pixels, and sampling from it (van den Oord et al. 2016).

Images are integers x: (B, C, H, W) int64 in [0, levels). Pixels come in raster order, the colours of a pixel in theirs.
"""

import copy
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import check_range, check_shape, check_tensor
from gencourse.modes import eval_mode
from gencourse.networks.autoregressive import PixelNetwork
from gencourse.networks.columns import Columns

TEST_SEED = 28  # of the one sample of MNIST's test digits that likelihoods are told on: static_digits
ROUNDING = 5e-5  # float32 logits computed in two ways differ by less: 1.5e-5 was seen, for logits up to 41
COLDEST = 1e-8  # temperature that stands for 0: which level is the most likely is all that is left

Predict = Callable[[int, int], Tensor]


def binarise(images: Tensor, *, generator: torch.Generator | None = None, threshold: float | None = None) -> Tensor:
    """Turn grey values into pixels 0 and 1: drawn with the grey value as the probability of 1, or cut at a threshold.

    images: (B, C, H, W) in [0, 1]. threshold: None draws; else pixels above it are 1. Returns int64. Raises ImageError.
    """
    check_range(images, 0, 1)
    if threshold is not None:
        return (images > threshold).long()
    return (torch.rand(images.shape, generator=generator).to(images.device) < images).long()


def static_digits(images: Tensor) -> Tensor:
    """The protocol that the shipped model is scored by: each picture is drawn once, with a fixed seed.

    images: all of MNIST's test digits, (10000, 1, 28, 28) in [0, 1]; another set gets another sample. Likelihoods
    in the papers are told on such a sample too (Larochelle and Murray 2011), but that file is not the one drawn here.
    Raises ImageError for another range or what are no pictures.
    """
    check_shape(images, "pictures", "B", "C", "H", "W", floating=False)
    return binarise(images.cpu(), generator=torch.Generator().manual_seed(TEST_SEED))


def quantise(images: Tensor, levels: int) -> Tensor:
    """Round [0, 1] to `levels` equally spaced values: int64 in [0, levels).

    Raises ImageError for another range, ValueError for fewer than two levels.
    """
    _check_levels(levels)
    return (check_range(images, 0, 1).clamp(0, 1) * (levels - 1)).round().long()


def to_images(x: Tensor, levels: int) -> Tensor:
    """Turn levels into grey values or colours: int64 in [0, levels) to float32 in [0, 1].

    Raises ValueError for what are no integers in [0, levels), or fewer than two levels; values on an accelerator are
    not looked at, as in `nll`.
    """
    _check_levels(levels)
    if check_tensor(x).is_floating_point() or x.is_complex() or x.dtype == torch.bool:
        raise ValueError(f"levels are integers from 0 to {levels - 1}, got {x.dtype}")
    if x.numel() and x.device.type == "cpu" and not 0 <= x.min() <= x.max() < levels:
        raise ValueError(f"levels must lie between 0 and {levels - 1}, got {x.min()} to {x.max()}")
    return x.float() / (levels - 1)


def nll(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x) = -sum_i log p(x_i | x_1 .. x_{i-1}), in nats an image: (B,). Eq. 1.

    logits: (B, levels, C, H, W); x: (B, C, H, W) int64 in [0, levels). Raises ValueError for shapes or levels that do
    not fit; values on an accelerator are not looked at, which would make it wait in every step of a training.
    """
    right = check_tensor(logits).is_floating_point() and check_tensor(x).dtype == torch.int64
    if not right or logits.ndim != 5 or logits[:, 0].shape != x.shape:
        raise ValueError(
            f"expected logits (B, levels, C, H, W) and int64 (B, C, H, W), got shapes {tuple(logits.shape)} and "
            f"{tuple(x.shape)} {x.dtype}"
        )
    if x.numel() and x.device.type == "cpu" and not (x.min() >= 0 and x.max() < logits.shape[1]):
        raise ValueError(f"pixels must lie between 0 and {logits.shape[1] - 1}, got {x.min()} to {x.max()}")
    logits = logits if logits.dtype == torch.double else logits.float()
    return F.cross_entropy(logits, x, reduction="none").flatten(1).sum(1)


def bits_per_dim(nats: Tensor | float, dims: int) -> Tensor | float:
    """Nats an image as bits a dimension, nats / (dims ln 2) with dims = C * H * W: what papers on colour report.

    Raises ValueError for fewer than one dimension, or nats that are no number.
    """
    if not isinstance(dims, int) or dims < 1 or not isinstance(nats, Tensor | float | int):
        raise ValueError(f"expected nats and a whole number of dimensions, got {type(nats).__name__} and {dims!r}")
    return nats / (dims * math.log(2))


@torch.no_grad()
def evaluate(network: PixelNetwork, x: Tensor, labels: Tensor | None = None, *, batch_size: int = 200) -> Tensor:
    """-log p of each of the images x, (N, C, H, W) int64, in nats: (N,) on the CPU; the network is put in eval mode.

    Their mean is the figure that papers tell. labels: (N,) for a network with classes. Raises ValueError as the network
    does, and for no images.
    """
    _check(network, x, labels)
    if len(x) == 0:
        raise ValueError("there are no images to evaluate")
    device, found = network.tail.weight.device, []
    with eval_mode(network):
        for start in range(0, len(x), batch_size):
            part = x[start : start + batch_size].to(device)
            its = None if labels is None else labels[start : start + batch_size].to(device)
            found.append(nll(network(part, its), part).cpu())
    return torch.cat(found)


def receptive_field(network: PixelNetwork, shape: tuple[int, int, int], at: tuple[int, int], colour: int = 0) -> Tensor:
    """How much each pixel can change the prediction for pixel `at`: |d logits / d x|, (C, H, W), zero if not at all.

    shape: (C, H, W) of the image; colour: of the predicted pixel. Summed over 8 images of random values.
    Raises ValueError for a shape that the network does not take, and a pixel or colour that is not in it.
    """
    network.check(torch.zeros(1, *shape, dtype=torch.long))
    inside = all(0 <= i < n for i, n in zip((colour, *at), shape, strict=True))
    if not inside:
        raise ValueError(f"there is no pixel {at} of colour {colour} in a picture {shape}")
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
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
    given: Tensor | None = None,
    mask: Tensor | None = None,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Draw images by the chain rule: for each pixel the whole network runs over the whole image, for one column of it.

    shape: (B, C, H, W). labels: (B,) where the network has classes. temperature: divides the logits; 0 takes the most
    likely level. given, mask: images (B, C, H, W) to complete and where they are kept, (H, W) bool, which must be all
    pixels up to some place in raster order. callback: called with the number of pixels done and the images so far.
    Returns int64 in [0, levels). Raises ValueError for arguments that do not fit the network or each other.
    """

    def begin(x: Tensor, labels: Tensor | None) -> Predict:
        return lambda r, c: network(x, labels)[..., r, c]

    return _sample(network, begin, shape, labels, generator, temperature, given, mask, callback)


def sample_cached(
    network: PixelNetwork,
    shape: tuple[int, int, int, int],
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
    given: Tensor | None = None,
    mask: Tensor | None = None,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Draw the same images, level by level, from kept activations: each layer computes one column a pixel.

    Arguments as in `sample_naive`. With the same generator the result is the same and not only alike: every pixel has
    its own uniform number, and where rounding could decide on which side of a boundary it falls, both ways ask float64.
    On a GPU that takes float32 convolutions: TF32, torch's default for them, is coarser (allow_tf32 = False).
    Raises ValueError for a PixelRNN, which has no columns to keep.
    """

    def begin(x: Tensor, labels: Tensor | None) -> Predict:
        return Columns(network, x, labels)

    return _sample(network, begin, shape, labels, generator, temperature, given, mask, callback)


def sample_images(
    network: PixelNetwork,
    n: int,
    *,
    labels: Tensor | None = None,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
) -> Tensor:
    """Draw n pictures of the network's own size, (n, C, side, side) in [0, 1], for files, plots and metrics.

    Picture i is the same in whatever batches the generator is drawn from: each takes its numbers in its turn.
    Raises ValueError as `sample_cached`.
    """
    shape = (n, network.channels, network.side, network.side)
    x = sample_cached(network, shape, labels=labels, generator=generator, temperature=temperature)
    return to_images(x, network.levels)


def log_odds(logits: Tensor, temperature: float) -> Tensor:
    """ln(F_k / (1 - F_k)) of the running sums F_k = p_0 + .. + p_k, k < levels - 1, in float64: (B, levels - 1).

    logits: (B, levels). A level is drawn from one uniform number u: the k-th, when logit(u) has passed k of them. A
    change of the logits by d moves none of them by more than 2 d / temperature. Raises ValueError for another shape.
    """
    if check_tensor(logits).ndim != 2 or logits.shape[1] < 2 or not logits.is_floating_point():
        raise ValueError(f"expected logits (B, levels), got {tuple(logits.shape)} {logits.dtype}")
    scaled = logits.double() / max(temperature, COLDEST)
    up_to, beyond = scaled.logcumsumexp(1), scaled.flip(1).logcumsumexp(1).flip(1)
    return up_to[:, :-1] - beyond[:, 1:]


@torch.no_grad()
def _sample(network, begin, shape, labels, generator, temperature, given, mask, callback) -> Tensor:
    """The loop that the samplers share; begin(x, labels) returns what predicts (r, c) from the pixels in x so far."""
    if not temperature >= 0:
        raise ValueError(f"temperature must be 0 or more, got {temperature}")
    x, known = _start(network, shape, labels, given, mask)
    b, colours, h, w = shape
    u = torch.rand(b, h * w, colours, generator=generator, dtype=torch.double)  # one picture after the other
    u = u.logit().permute(1, 2, 0)[..., None].contiguous()  # (H * W, C, B, 1)
    slack = 2 * ROUNDING / max(temperature, COLDEST)
    labels = None if labels is None else labels.to(x.device)
    exact = _Exact(network, labels, temperature)
    with eval_mode(network):
        predict = begin(x, labels)
        for i in range(known, h * w):
            r, c = divmod(i, w)
            for k in range(colours):
                boundaries = log_odds(predict(r, c)[:, :, k].cpu(), temperature)
                if boundaries.isnan().any():  # no number passes NaN, so the picture would turn out black
                    raise ValueError(f"the network predicts NaN for pixel ({r}, {c}): its training diverged")
                level = (u[i, k] >= boundaries).sum(1)
                close = (u[i, k] - boundaries).abs() <= slack
                if close.any():
                    close = close.any(1)
                    level[close] = (u[i, k][close] >= exact(x, close, r, c, k)).sum(1)
                x[:, k, r, c] = level.to(x.device)
            if callback is not None:
                callback(i + 1, x)
    return x


def _check(network: PixelNetwork, x: Tensor, labels: Tensor | None) -> None:
    """Raise ValueError where the network does not take these, whatever device they are on."""
    network.check(check_tensor(x).cpu())
    network.check_labels(len(x), None if labels is None else check_tensor(labels).cpu())


def _check_levels(levels: int) -> None:
    if not isinstance(levels, int) or levels < 2:
        raise ValueError(f"levels must be a whole number of at least 2, got {levels!r}")


def _start(
    network: PixelNetwork,
    shape: tuple[int, ...],
    labels: Tensor | None,
    given: Tensor | None,
    mask: Tensor | None,
) -> tuple[Tensor, int]:
    """Return the images to begin with and how many of their pixels, in raster order, are given."""
    if len(shape) != 4 or min(shape) < 1:
        raise ValueError(f"shape must be (B, C, H, W), each at least 1, got {shape}")
    x, device = torch.zeros(shape, dtype=torch.long), network.tail.weight.device
    _check(network, x, labels)
    if given is None and mask is None:
        return x.to(device), 0
    if given is None or mask is None:
        raise ValueError("to complete images, give both: given, the images, and mask, where they are kept")
    if check_tensor(given).shape != x.shape or check_tensor(mask).shape != x.shape[2:] or mask.dtype != torch.bool:
        wanted = f"given {tuple(x.shape)} and mask {tuple(x.shape[2:])} bool"
        raise ValueError(f"expected {wanted}, got {tuple(given.shape)} and {tuple(mask.shape)} {mask.dtype}")
    known = int(mask.sum())
    if not mask.flatten()[:known].all():
        raise ValueError(
            "the mask must keep all pixels up to some place in raster order, row by row, and none after it"
        )
    _check(network, given, labels)
    return torch.where(mask.cpu(), given.cpu(), x).to(device), known


class _Exact:
    """Boundaries in float64, from the whole network, for the few images of a batch that are `close` to one."""

    def __init__(self, network: PixelNetwork, labels: Tensor | None, temperature: float):
        self.network, self.labels, self.temperature, self.double = network, labels, temperature, None

    def __call__(self, x: Tensor, close: Tensor, r: int, c: int, colour: int) -> Tensor:
        if self.double is None:
            self.double = copy.deepcopy(self.network).cpu().double()
        x = x.cpu()[close, :, : max(r + 1, self.network.smallest)]  # rows below have no say
        labels = None if self.labels is None else self.labels.cpu()[close]
        return log_odds(self.double(x, labels)[:, :, colour, r, c], self.temperature)
