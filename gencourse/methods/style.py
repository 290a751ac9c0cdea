"""Style transfer by optimising an image (Gatys et al. 2016, "Image Style Transfer Using CNNs").

x is sought whose deep features are those of the content image p and whose Gram matrices are those of the style image a.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from typing import NamedTuple, cast

import torch
from torch import Tensor

from gencourse.expect import ImageError, check_range, check_shape, same_shape
from gencourse.images import resample, resize
from gencourse.networks.features import SMALLEST, Extractor
from gencourse.training.fit import History, fit

Optimizer = Callable[[list[Tensor]], torch.optim.Optimizer]
Styles = Sequence[tuple[Tensor, float]]  # (image, weight) pairs; the sizes of the images may differ

COMFORTABLE = 64  # pixels a side: below that a scale of the pyramid has too little to show
SHARES = (3, 2, 1)  # of the steps, from the smallest scale of the pyramid to the largest


class Targets(NamedTuple):
    """What the optimisation compares with, computed once: {layer: P} and {layer: A}."""

    content: dict[str, Tensor]
    style: dict[str, Tensor]


class Stylized(NamedTuple):
    """The picture, (1, 3, H, W) in [0, 1], and the losses: total, content, and style by layer."""

    image: Tensor
    history: History


def gram_matrix(features: Tensor) -> Tensor:
    """Average the outer products of the feature vectors over all positions: G_ij = 1/M sum_k F_ik F_jk.

    Args:
        features: (B, C, H, W), M = H * W.

    Returns:
        (B, C, C).

    Source: Gatys et al. 2016, eq. 3.
    Differs from the paper: divided by M here and not in the loss, so that images of different sizes can be compared.
    """
    check_shape(features, "features", "B", "C", "H", "W")
    f = features.flatten(2)  # (B, C, M)
    return f @ f.transpose(1, 2) / f.shape[2]


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Squared error between F and P, (B, C, H, W), averaged over the M = H * W positions: 1/M sum (F - P)^2.

    Source: Gatys et al. 2016, eq. 1.
    Differs from the paper: divided by M, as the Gram matrix is, and without the factor 1/2, so that alpha means the
    same at every image size.
    """
    same_shape(features, target)
    return (features - target).square().sum() / features[0, 0].numel()


def style_loss(gram: Tensor, target: Tensor) -> Tensor:
    """E_L = 1 / (4 N^2) sum (G - A)^2 for Gram matrices (B, N, N), already divided by M.

    Source: Gatys et al. 2016, eq. 4.
    """
    same_shape(gram, target)
    return (gram - target).square().sum() / (4 * gram.shape[-1] ** 2)


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels of (B, C, H, W).

    Differs from the paper, which has none.
    """
    return x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean()


def lbfgs(parameters: list[Tensor]) -> torch.optim.Optimizer:
    """The paper's optimiser; one evaluation of the network a step."""
    return _BoundedLBFGS(parameters, lr=1, max_iter=1, history_size=20, tolerance_grad=0, tolerance_change=0)


def adam(parameters: list[Tensor]) -> torch.optim.Optimizer:
    """Slower to a low loss than L-BFGS, but indifferent to the scale of the loss."""
    return torch.optim.Adam(parameters, lr=0.03)


def noise_like(image: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Normal noise around mid-grey with the shape of `image`: where the paper starts from."""
    noise = torch.randn(image.shape, generator=generator)
    return (0.5 + 0.15 * noise).clamp(0, 1).to(image.device)


@torch.no_grad()
def find_targets(network: Extractor, content: Tensor, styles: Styles) -> Targets:
    """Run the network once over content and styles.

    For weights that sum to one, the weighted sum of the style losses is, but for a constant, the loss against the
    weighted mean of the Gram matrices, so one A a layer is enough.

    Args:
        network: It must return its style and content layers.
        content: (1, 3, H, W).
        styles: Pairs of (1, 3, h, w) and a weight.

    Returns:
        {layer: P} and {layer: A}.
    """
    of_content = network(content)
    whole = sum(weight for _, weight in styles)
    style = dict.fromkeys(network.style_layers, torch.zeros(()))
    for image, weight in styles:
        features = network(image)
        for layer in style:
            style[layer] = style[layer] + weight / whole * gram_matrix(features[layer])
    return Targets({layer: of_content[layer] for layer in network.content_layers}, style)


def losses(network: Extractor, x: Tensor, targets: Targets) -> dict[str, Tensor]:
    """Return {"content": L_content, layer: E_L for each style layer} of the image x, (1, 3, H, W)."""
    features = network(x)
    content = cast(Tensor, sum(content_loss(features[layer], p) for layer, p in targets.content.items()))
    return {"content": content} | {k: style_loss(gram_matrix(features[k]), a) for k, a in targets.style.items()}


def optimise(
    objective: Callable[[Tensor], dict[str, Tensor]],
    x: Tensor,
    *,
    steps: int,
    optimizer: Optimizer = lbfgs,
    every: int | None = None,
    show: bool = True,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Stylized:
    """Move the pixels of x downhill on objective(x)["total"]; no weight of any network changes.

    Args:
        objective: Image (1, 3, H, W) -> {name: scalar}, one of them "total".
        x: Where to begin.
        steps: How many.
        optimizer: `lbfgs` or `adam`.
        every: Steps between two previews, as in `fit`.
        show: Whether to show any.
        callback: Called after each step with the number of steps done and the picture so far.

    Returns:
        The picture in [0, 1] and the losses at every step.
    """
    x = x.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    opt = optimizer([x])
    done = 0

    def picture() -> Tensor:
        return x.detach().clamp(0, 1)

    def step(_) -> dict[str, Tensor]:
        nonlocal done
        first: dict[str, Tensor] = {}

        def closure() -> Tensor:
            opt.zero_grad()
            losses = objective(x)
            scaled = losses["total"] * x.numel()  # losses are means: a pixel's share is below L-BFGS's thresholds
            scaled.backward()
            for name, value in losses.items():
                first.setdefault(name, value.detach())  # a line search may ask several times
            return scaled

        opt.step(closure)  # pyright: ignore[reportCallIssue, reportArgumentType]: the stub asks for a float
        done += 1
        if callback is not None:
            callback(done, picture())
        return first

    history = fit(step, repeat(None), steps=steps, preview=picture, every=every, title="optimise", show=show)
    return Stylized(picture(), history)


def stylize(
    content: Tensor,
    style: Tensor | Styles,
    network: Extractor,
    *,
    alpha: float = 1e-4,
    beta: float = 1.0,
    smoothness: float = 0.0,
    steps: int = 200,
    start: Tensor | None = None,
    optimizer: Optimizer = lbfgs,
    every: int | None = None,
    show: bool = True,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Stylized:
    """Find x that minimises alpha * L_content + beta * mean of E_L over the style layers + smoothness * TV.

    Args:
        content: (1, 3, H, W) in [0, 1], at least 32 pixels a side.
        style: One such image, or (image, weight) pairs to mix; of any size.
        network: What looks at them.
        alpha: Weight of the content.
        beta: Weight of the style.
        smoothness: Weight of the total variation.
        steps: How many.
        start: Where x begins, of the content's size, default the content image; `noise_like(content)` is the paper's.
        optimizer: `lbfgs` or `adam`.
        every: As in `optimise`, like show and callback.
        show: Whether to show any.
        callback: Called after each step.

    Returns:
        The picture and its losses.

    Raises:
        ImageError: Bad images or weights, or a start of another size.

    Source: Gatys et al. 2016, eq. 7.
    """
    styles = [(style, 1.0)] if isinstance(style, Tensor) else style
    _check(content, styles)
    if alpha < 0 or beta < 0 or alpha + beta == 0:
        raise ImageError(f"alpha and beta must be zero or more and not both zero, got {alpha} and {beta}")
    targets = find_targets(network, content, styles)

    def objective(x: Tensor) -> dict[str, Tensor]:
        parts = losses(network, x, targets)
        style_part = sum(parts[layer] for layer in targets.style) / len(targets.style)
        total = alpha * parts["content"] + beta * style_part
        if smoothness:
            total = total + smoothness * total_variation(x)
        return {"total": total} | parts

    x = content if start is None else start
    same_shape(x, content)
    return optimise(objective, x, steps=steps, optimizer=optimizer, every=every, show=show, callback=callback)


def pyramid(pictures: Sequence[Tensor], size: int, steps: int) -> tuple[list[int], list[int]]:
    """Plan `coarse_to_fine`: a quarter, half and the whole of a size, most of the steps where they are cheap.

    Args:
        pictures: Content and styles, (1, 3, H, W): a narrow one is given no scale that is too small for it.
        size: Longer side of the result, in pixels.
        steps: How many over all scales.

    Returns:
        The longer side at each scale, rising, and the steps at each, at least one.
    """
    narrow = min(min(image.shape[2:]) / max(image.shape[2:]) for image in pictures)
    fits = [size // part for part in (4, 2) if size // part * narrow >= COMFORTABLE]
    sizes = [*fits, size][-max(1, steps) :]
    shares = SHARES[-len(sizes) :]
    parts = [max(1, steps * share // sum(shares)) for share in shares[1:]]
    return sizes, [steps - sum(parts), *parts]


def coarse_to_fine(
    content: Tensor,
    style: Tensor | Styles,
    paint: Extractor | Callable[..., Stylized],
    *,
    sizes: Sequence[int],
    steps: Sequence[int],
    start: Tensor | Callable[[Tensor], Tensor] | None = None,
    show: bool = True,
) -> Stylized:
    """Stylize small first and go on from the enlarged result: most of the work is done where it is cheap.

    What is enlarged has no fine detail, which content and style both ask for; it is given the content's (`enlarge`).

    Args:
        content: (1, 3, H, W) in [0, 1].
        style: As in `stylize`.
        paint: `partial(stylize, network=network, alpha=...)`, or the network alone.
        sizes: The longer side at each scale, rising.
        steps: How many at each; `pyramid` plans both.
        start: Where the first scale begins: a picture, or what makes one of the content at that scale, as `noise_like`
            does; default the content.
        show: Whether to show previews.

    Returns:
        The picture at the last of the sizes, and the losses of all scales in turn.

    Raises:
        ImageError: As `stylize`.
        ValueError: The sizes fall, or are not as many as the steps.

    Source: Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", sec. 6.
    """
    if len(sizes) != len(steps) or list(sizes) != sorted(sizes) or not sizes:
        raise ValueError(f"expected rising sizes and as many steps, got sizes {sizes} and steps {steps}")
    paint = partial(stylize, network=paint) if isinstance(paint, Extractor) else paint
    styles = [(style, 1.0)] if isinstance(style, Tensor) else style
    _check(content, styles)
    whole, picture, before = History(), content, None
    for size, count in zip(sizes, steps, strict=True):
        now = resample(content, size)
        if before is not None:
            begin = enlarge(picture, before, now)
        elif callable(start):
            begin = start(now)
        else:
            begin = None if start is None else resize(start, now.shape[2:])
        small = [(resample(image, size), weight) for image, weight in styles]
        picture, history = paint(now, small, start=begin, steps=count, show=show)
        before = now
        whole.seconds += history.seconds
        for name, values in history.items():
            whole.setdefault(name, []).extend(values)
        if history.steps < count:  # stopped by hand: the finer scales are not wanted either
            return Stylized(resample(picture, resample(content, sizes[-1]).shape[2:]), whole)
    return Stylized(picture, whole)


def enlarge(x: Tensor, coarse: Tensor, fine: Tensor, detail: float = 2.5) -> Tensor:
    """Enlarge a picture, and add the detail that its content loses when it is small.

    Args:
        x: (1, 3, h, w) in [0, 1].
        coarse: The content at this size.
        fine: The content at the larger one.
        detail: How much of it; 2 to 3 were best on three pairs of pictures, since the style wants detail as well.

    Returns:
        (1, 3, H, W) in [0, 1].

    Source: Kolkin et al. 2019, "Style Transfer by Relaxed Optimal Transport and Self-Similarity", who add it once.
    """
    size = fine.shape[2:]
    return (resample(x, size) + detail * (fine - resample(coarse, size))).clamp(0, 1)


def _check(content: Tensor, styles: Styles) -> None:
    for what, image in [("content", content), *(("style", image) for image, _ in styles)]:
        check_range(check_shape(image, f"a {what} image", 1, 3, "H", "W", least=SMALLEST), 0, 1)
    if not all(weight >= 0 for _, weight in styles) or not sum(weight for _, weight in styles) > 0:
        raise ImageError("give at least one style, with weights of zero or more that do not all vanish")


class _BoundedLBFGS(torch.optim.LBFGS):
    """L-BFGS without a line search, in which no pixel moves by more than half the range in one step.

    A line search would double the evaluations. Without one, the first estimates of the curvature can throw the picture
    so far away that it never comes back; this bound is all that is needed to prevent it.
    """

    def step(self, closure: Callable[[], Tensor]) -> Tensor:
        (x,) = self.param_groups[0]["params"]
        before = x.detach().clone()
        loss = super().step(closure)
        excess = (x.detach() - before).abs().max() / 0.5
        if excess > 1:
            with torch.no_grad():
                x.copy_(before + (x - before) / excess)
            self.state[x]["t"] /= excess.item()  # the step length that the next curvature estimate takes for granted
        return loss
