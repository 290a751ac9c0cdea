"""Style transfer by optimising an image (Gatys et al. 2016, "Image Style Transfer Using CNNs").

x is sought whose deep features are those of the content image p and whose Gram matrices are those of the style image a.
"""

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import NamedTuple

import torch
from torch import Tensor

from gencourse.expect import ImageError, check_range, check_shape, check_tensor, same_shape
from gencourse.images import resize
from gencourse.networks.features import SMALLEST, Extractor
from gencourse.training.fit import History, fit

Optimizer = Callable[[list[Tensor]], torch.optim.Optimizer]


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

    features: (B, C, H, W) with M = H * W. Returns (B, C, C). Gatys et al. 2016, eq. 3.
    Differs from the paper: divided by M here and not in the loss, so that images of different sizes can be compared.
    Raises ImageError for another shape.
    """
    check_shape(features, "features", "B", "C", "H", "W")
    f = features.flatten(2)  # (B, C, M)
    return f @ f.transpose(1, 2) / f.shape[2]


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Squared error between F and P, (B, C, H, W), averaged over the M = H * W positions: 1/M sum (F - P)^2.

    Gatys et al. 2016, eq. 1. Differs from the paper: divided by M, as the Gram matrix is, and without the factor 1/2,
    so that alpha means the same at every image size. Raises ImageError for another shape, or two.
    """
    check_shape(features, "features", "B", "C", "H", "W")
    same_shape(features, target)
    return (features - target).square().sum() / features[0, 0].numel()


def style_loss(gram: Tensor, target: Tensor) -> Tensor:
    """E_L = 1 / (4 N^2) sum (G - A)^2 for Gram matrices (B, N, N), already divided by M. Gatys et al. 2016, eq. 4.

    Raises ImageError for another shape, or two.
    """
    check_shape(gram, "Gram matrices", "B", "N", "N")
    same_shape(gram, target)
    return (gram - target).square().sum() / (4 * gram.shape[-1] ** 2)


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels of (B, C, H, W). Differs from the paper, which has none.

    Raises ImageError for another shape, or a side of one pixel, which has no neighbour.
    """
    if min(check_shape(x, "pictures", "B", "C", "H", "W").shape[2:]) < 2:
        raise ImageError(f"expected sides of at least 2 pixels, got shape {tuple(x.shape)}")
    return x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean()


def lbfgs(parameters: list[Tensor]) -> torch.optim.Optimizer:
    """The paper's optimiser; one evaluation of the network a step."""
    return _BoundedLBFGS(parameters, lr=1, max_iter=1, history_size=20, tolerance_grad=0, tolerance_change=0)


def adam(parameters: list[Tensor]) -> torch.optim.Optimizer:
    """Slower to a low loss than L-BFGS, but indifferent to the scale of the loss."""
    return torch.optim.Adam(parameters, lr=0.03)


def noise_like(image: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Normal noise around mid-grey with the shape of `image`: where the paper starts from. Raises ImageError."""
    check_shape(image, "pictures", "B", "C", "H", "W")
    noise = torch.randn(image.shape, generator=generator)
    return (0.5 + 0.15 * noise).clamp(0, 1).to(image.device)


@torch.no_grad()
def find_targets(network: Extractor, content: Tensor, styles: Sequence[tuple[Tensor, float]]) -> Targets:
    """Run the network once over content and styles: {layer: P} and {layer: A}.

    styles: (image, weight) pairs; their sizes may differ. For weights that sum to one, the weighted sum of the style
    losses is, but for a constant, the loss against the weighted mean of the Gram matrices, so one A a layer is enough.
    Raises ValueError for what the network does not take or where it leaves out a layer of style or content, ImageError
    for no styles or weights that all vanish.
    """
    _check_weights(styles)
    of_content = network(content)
    if missing := sorted({*network.style_layers, *network.content_layers} - set(of_content)):
        raise ValueError(f"this extractor returns {list(of_content)} only; style transfer needs {missing} too")
    whole = sum(weight for _, weight in styles)
    style = dict.fromkeys(network.style_layers, 0.0)
    for image, weight in styles:
        features = network(image)
        for layer in style:
            style[layer] = style[layer] + weight / whole * gram_matrix(features[layer])
    return Targets({layer: of_content[layer] for layer in network.content_layers}, style)


def losses(network: Extractor, x: Tensor, targets: Targets) -> dict[str, Tensor]:
    """Return {"content": L_content, layer: E_L for each style layer} of the image x, (1, 3, H, W).

    Raises ValueError for what the network does not take, ImageError where the targets are those of another size.
    """
    features = network(x)
    content = sum(content_loss(features[layer], target) for layer, target in targets.content.items())
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

    objective: image (1, 3, H, W) -> {name: scalar}, one of them "total". callback: called after each step with the
    number of steps done and the picture so far. Returns the picture in [0, 1] and the losses at every step.
    Raises ImageError for another shape, and as `fit` does.
    """
    check_shape(x, "pictures", "B", "C", "H", "W")
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

        opt.step(closure)
        done += 1
        if callback is not None:
            callback(done, picture())
        return first

    history = fit(step, repeat(None), steps=steps, preview=picture, every=every, title="optimise", show=show)
    return Stylized(picture(), history)


def stylize(
    content: Tensor,
    style: Tensor | Sequence[tuple[Tensor, float]],
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

    content: (1, 3, H, W) in [0, 1]. style: one image, or (image, weight) pairs to mix; of any size.
    start: where x begins, default the content image; `noise_like(content)` is the paper's. optimizer: `lbfgs` or
    `adam`.
    every, show, callback: as in `optimise`. Raises ImageError for bad images or weights. Gatys et al. 2016, eq. 7.
    """
    styles = as_pairs(style)
    _check(content, styles, start, alpha, beta)
    targets = find_targets(network, content, styles)

    def objective(x: Tensor) -> dict[str, Tensor]:
        parts = losses(network, x, targets)
        style_part = sum(parts[layer] for layer in targets.style) / len(targets.style)
        total = alpha * parts["content"] + beta * style_part
        if smoothness:
            total = total + smoothness * total_variation(x)
        return {"total": total} | parts

    x = content if start is None else start
    return optimise(objective, x, steps=steps, optimizer=optimizer, every=every, show=show, callback=callback)


def coarse_to_fine(
    content: Tensor,
    style: Tensor | Sequence[tuple[Tensor, float]],
    network: Extractor,
    *,
    sizes: Sequence[int],
    steps: Sequence[int],
    alpha: float = 1e-4,
    beta: float = 1.0,
    smoothness: float = 0.0,
    start: Tensor | None = None,
    optimizer: Optimizer = lbfgs,
    show: bool = True,
) -> Stylized:
    """Stylize small first and go on from the enlarged result: most of the work is done where it is cheap.

    sizes: the longer side at each scale, rising; steps: how many at each. The rest as in `stylize`. What is enlarged
    has no fine detail, which content and style both ask for; it is given the content's (`enlarge`).
    Raises ImageError as `stylize`, ValueError for sizes that fall or numbers that differ.
    Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", sec. 6.
    """
    if len(sizes) != len(steps) or list(sizes) != sorted(sizes) or not sizes:
        raise ValueError(f"expected rising sizes and as many steps, got sizes {sizes} and steps {steps}")
    whole = History()
    before = None
    for size, count in zip(sizes, steps, strict=True):
        now = resize(content, size)
        styles = [(resize(image, size), weight) for image, weight in as_pairs(style)]
        if before is not None:
            start = enlarge(start, before, now)
        elif start is not None:
            start = resize(start, tuple(now.shape[2:]))
        start, history = stylize(
            now,
            styles,
            network,
            alpha=alpha,
            beta=beta,
            smoothness=smoothness,
            steps=count,
            start=start,
            optimizer=optimizer,
            show=show,
        )
        before = now
        whole.seconds += history.seconds
        for name, values in history.items():
            whole.setdefault(name, []).extend(values)
        if history.steps < count:  # stopped by hand: the finer scales are not wanted either
            start = resize(start, tuple(resize(content, sizes[-1]).shape[2:]))
            break
    return Stylized(start, whole)


def enlarge(x: Tensor, coarse: Tensor, fine: Tensor, detail: float = 2.5) -> Tensor:
    """Enlarge x, (1, 3, h, w) in [0, 1], to (1, 3, H, W), and add the detail that its content loses when it is small.

    coarse, fine: the content at both sizes. detail: how much of it; 2 to 3 were best on three pairs of pictures, since
    the style wants detail as well. Raises ImageError for other shapes or ranges.
    Kolkin et al. 2019, "Style Transfer by Relaxed Optimal Transport and Self-Similarity", who add it once.
    """
    same_shape(x, coarse)
    check_shape(fine, "the content", *coarse.shape[:2], "H", "W")
    lost = fine - resize(coarse, tuple(fine.shape[2:]))
    return (resize(x, tuple(fine.shape[2:])) + detail * lost).clamp(0, 1)


def as_pairs(style: Tensor | Sequence[tuple[Tensor, float]]) -> list[tuple[Tensor, float]]:
    """Return (image, weight) pairs for one style image or for pairs. Raises ImageError for anything else."""
    if isinstance(style, Tensor):
        return [(style, 1.0)]
    try:
        return [(check_tensor(x), float(weight)) for x, weight in style]
    except (TypeError, ValueError) as error:  # an ImageError too
        raise ImageError(f"expected a style image, or (image, weight) pairs ({error})") from error


def _check(content: Tensor, styles: Sequence[tuple[Tensor, float]], start: Tensor | None, alpha: float, beta: float):
    _check_weights(styles)
    if alpha < 0 or beta < 0 or alpha + beta == 0:
        raise ImageError(f"alpha and beta must be zero or more and not both zero, got {alpha} and {beta}")
    for what, image in [("content", content), *(("style", image) for image, _ in styles)]:
        if check_tensor(image).ndim != 4 or image.shape[:2] != (1, 3) or min(image.shape[2:]) < SMALLEST:
            raise ImageError(
                f"the {what} image must be (1, 3, H, W), H and W at least {SMALLEST}: {tuple(image.shape)}"
            )
        check_range(image, 0, 1)
    if start is not None and check_tensor(start).shape != content.shape:
        raise ImageError(f"start has shape {tuple(start.shape)}, the content image {tuple(content.shape)}")


def _check_weights(styles: Sequence[tuple[Tensor, float]]) -> None:
    weights = [weight for _, weight in as_pairs(styles)]
    if not weights or not min(weights) >= 0 or not sum(weights) > 0:
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
