"""Style transfer from coarse to fine: which sizes, how many steps at each, and how a result is enlarged.

Source: Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", sec. 6.
"""

from collections.abc import Callable, Sequence

from torch import Tensor

from gencourse.images import resample, resize
from gencourse.methods.style_descent import Stylized
from gencourse.training.fit import History

COMFORTABLE = 64  # pixels a side: below that a scale of the pyramid has too little to show
SHARES = (3, 2, 1)  # of the steps, from the smallest scale of the pyramid to the largest


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


def enlarge(x: Tensor, coarse: Tensor, fine: Tensor, detail: float = 2.5) -> Tensor:
    """Enlarge a picture, and add the detail that its content loses when it is small.

    Args:
        x: (1, 3, h, w) in [0, 1].
        coarse: The content at this size.
        fine: The content at the larger one.
        detail: How much of it.

    Returns:
        (1, 3, H, W) in [0, 1].

    Source: Kolkin et al. 2019, "Style Transfer by Relaxed Optimal Transport and Self-Similarity", who add it once.
    """
    size = fine.shape[2:]
    return (resample(x, size) + detail * (fine - resample(coarse, size))).clamp(0, 1)


def climb(
    content: Tensor,
    styles: Sequence[tuple[Tensor, float]],
    paint: Callable[..., Stylized],
    *,
    sizes: Sequence[int],
    steps: Sequence[int],
    start: Tensor | Callable[[Tensor], Tensor] | None,
    detail: float,
    show: bool,
) -> Stylized:
    """Do what `style.coarse_to_fine` says, with pictures that were looked at."""
    whole, picture, before = History(), content, None
    for size, count in zip(sizes, steps, strict=True):
        now = resample(content, size)
        if before is not None:
            begin = enlarge(picture, before, now, detail)
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
