"""Drawing images from a PixelCNN, pixel by pixel: by whole passes or, with the same result, from kept activations.

Images are integers x: (B, C, H, W) int64 in [0, levels).
"""

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gencourse.expect import check_levels, within
from gencourse.methods.sampling import Random, any_class, generators, in_batches, picture_seeds, uniform
from gencourse.modes import eval_mode
from gencourse.networks.autoregressive import PixelNetwork
from gencourse.networks.columns import Columns

ROUNDING = 5e-5  # float32 logits computed in two ways differ by less: 1.5e-5 was seen, for logits up to 41
COLDEST = 1e-8  # temperature that stands for 0: which level is the most likely is all that is left

Predict = Callable[[int, int], Tensor]
Begin = Callable[[PixelNetwork, Tensor, Tensor | None], Predict]


def to_images(x: Tensor, levels: int) -> Tensor:
    """Turn levels into grey values or colours: integers in [0, levels) to float32 in [0, 1].

    Raises:
        ValueError: x holds no integers in [0, levels); values on an accelerator are not looked at.
    """
    check_levels(x, levels, values=x.device.type == "cpu")
    return x.float() / (levels - 1)


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
    shape = (network.channels, network.side, network.side)

    def draw(seeds: list[int], labels: Tensor | None) -> Tensor:
        if labels is None and network.classes:
            labels = any_class(network.classes, seeds)
        options = {"labels": labels, "generator": generators(seeds), "temperature": temperature}
        return to_images(sample_cached(network, (len(seeds), *shape), **options), network.levels)

    return in_batches(draw, seeds, labels, network.classes, batch_size=batch_size, progress=progress)


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
    within(0, math.inf, temperature=temperature)
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
    x, device = torch.zeros(shape, dtype=torch.long, device="cpu"), network.tail.weight.device
    network.check(x if given is None else given, labels)
    if given is None and mask is None:
        return x.to(device), 0
    if given is None or mask is None or (given.shape, mask.shape, mask.dtype) != (x.shape, x.shape[2:], torch.bool):
        raise ValueError(f"to complete images, give {tuple(shape)} and a mask {tuple(x.shape[2:])} bool of what stays")
    known = int(mask.sum())
    if not mask.flatten()[:known].all():
        order = "the mask must keep all pixels up to some place in raster order, row by row, and none after it"
        raise ValueError(order)
    return torch.where(mask.cpu(), given.cpu(), x).to(device), known
