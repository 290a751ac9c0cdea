"""Style transfer by optimising an image (Gatys et al. 2016, "Image Style Transfer Using CNNs").

x is sought whose deep features are those of the content image p and whose Gram matrices are those of the style image a.
The losses are in `style_losses`, how the pixels move is in `style_descent`, how sizes follow each other in
`style_pyramid`; their public names are here too.
"""

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor

from gencourse.expect import ImageError, check_range, check_shape, same_shape
from gencourse.methods.style_descent import Optimizer, PixelLBFGS, Stylized, adam, lbfgs, noise_like, optimise
from gencourse.methods.style_losses import (
    Styles,
    Targets,
    content_loss,
    find_targets,
    gram_matrix,
    losses,
    relative_weights,
    style_loss,
    total_variation,
)
from gencourse.methods.style_pyramid import climb, enlarge, pyramid
from gencourse.networks.features import SMALLEST, Extractor

__all__ = [
    "PixelLBFGS",
    "Stylized",
    "Targets",
    "adam",
    "coarse_to_fine",
    "content_loss",
    "enlarge",
    "find_targets",
    "gram_matrix",
    "lbfgs",
    "losses",
    "noise_like",
    "optimise",
    "pyramid",
    "relative_weights",
    "style_loss",
    "stylize",
    "total_variation",
]


def stylize(
    content: Tensor,
    style: Tensor | Styles,
    network: Extractor,
    *,
    alpha: float = 0.1,
    beta: float = 1.0,
    smoothness: float = 0.0,
    relative: bool = True,
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
        network: What looks at them; pictures are converted to its dtype.
        alpha: Weight of the content.
        beta: Weight of the style.
        smoothness: Weight of the total variation.
        relative: Divide every loss by its value where the network sees nothing (`relative_weights`). False: the
            paper's sum of the bare losses, for which alpha = 1e-4 and smoothness = 0 are a beginning.
        steps: How many.
        start: Where x begins, of the content's size, default the content image; `noise_like(content)` is the paper's.
        optimizer: `lbfgs` or `adam`.
        every: As in `optimise`, like show and callback.
        show: Whether to show any.
        callback: Called after each step.

    Returns:
        The picture and its losses: total, and content and style by layer, divided if they are relative.

    Raises:
        ImageError: Bad images or weights, or a start of another size.

    Source: Gatys et al. 2016, eq. 7.
    Differs from the paper: relative losses, total variation, bounded pixels, and the content image as the start.
    """
    content, styles = _checked(content, style, network)
    if alpha < 0 or beta < 0 or alpha + beta == 0:
        raise ImageError(f"alpha and beta must be zero or more and not both zero, got {alpha} and {beta}")
    targets = find_targets(network, content, styles)
    weights = relative_weights(targets) if relative else {}

    def objective(x: Tensor) -> dict[str, Tensor]:
        parts = {name: loss * weights.get(name, 1.0) for name, loss in losses(network, x, targets).items()}
        style_part = sum(parts[layer] for layer in targets.style) / len(targets.style)
        total = alpha * parts["content"] + beta * style_part + smoothness * total_variation(x)
        return {"total": total} | parts

    x = content if start is None else start
    same_shape(x, content)
    x = x.to(content)
    return optimise(objective, x, steps=steps, optimizer=optimizer, every=every, show=show, callback=callback)


def coarse_to_fine(
    content: Tensor,
    style: Tensor | Styles,
    paint: Extractor | Callable[..., Stylized],
    *,
    sizes: Sequence[int],
    steps: Sequence[int],
    start: Tensor | Callable[[Tensor], Tensor] | None = None,
    detail: float = 2.5,
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
        detail: How much of the content's detail is added where a result is enlarged.
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
    content, styles = _checked(content, style, paint)
    paint = partial(stylize, network=paint) if isinstance(paint, Extractor) else paint
    return climb(content, styles, paint, sizes=sizes, steps=steps, start=start, detail=detail, show=show)


def _checked(content: Tensor, style: Tensor | Styles, network: object) -> tuple[Tensor, list[tuple[Tensor, float]]]:
    """Return the pictures, looked at, in the dtype of the network."""
    styles = [(style, 1.0)] if isinstance(style, Tensor) else list(style)
    for what, image in [("content", content), *(("style", image) for image, _ in styles)]:
        check_range(check_shape(image, f"a {what} image", 1, 3, "H", "W", least=SMALLEST), 0, 1)
    if not all(weight >= 0 for _, weight in styles) or not sum(weight for _, weight in styles) > 0:
        raise ImageError("give at least one style, with weights of zero or more that do not all vanish")
    if not isinstance(network, Extractor):
        return content, styles
    dtype = network.mean.dtype
    return content.to(dtype), [(image.to(dtype), weight) for image, weight in styles]
