"""What a public function expects of what it is given: checks at the door, and the errors that say what was wrong.

Each check returns what it looked at, or raises. Only `check_range` reads values, so the others may be asked in every
training step without making an accelerator wait.
"""

import difflib
from collections.abc import Iterable
from numbers import Integral

import torch
from torch import Tensor

TOLERANCE = 1e-3  # rounding may leave a range by this much; anything more is a mistake and raises


class ImageError(ValueError):
    """A picture or a tensor of pictures is not what it should be."""


class UnknownName(ValueError):
    """There is nothing of that name; the message lists the names there are."""

    def __init__(self, what: str, name: object, known: Iterable[str]):
        known = list(known)
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f", did you mean {close[0]!r}?" if close else "."
        super().__init__(f"unknown {what} {name!r}{hint} Known: {', '.join(known)}")


def check_tensor(x: Tensor, *, floating: bool = False) -> Tensor:
    """Return x unchanged, or raise ImageError if it is no tensor, or not floating point where that is asked for."""
    if not isinstance(x, Tensor):
        raise ImageError(f"expected a tensor, got a {type(x).__name__}")
    if floating and not x.is_floating_point():
        raise ImageError(f"expected floating point values, got {x.dtype}")
    return x


def check_range(x: Tensor, low: float, high: float) -> Tensor:
    """Return x unchanged, or raise ImageError if it is no floating point tensor, not finite or leaves [low, high]."""
    if not check_tensor(x).is_floating_point():
        raise ImageError(f"expected floating point values in [{low}, {high}], got {x.dtype}; divide bytes by 255")
    if x.numel() == 0:
        raise ImageError(f"expected at least one value, got shape {tuple(x.shape)}")
    smallest, largest = (value.item() for value in torch.aminmax(x.detach()))
    if not (smallest >= low - TOLERANCE and largest <= high + TOLERANCE):  # also false for NaN
        raise ImageError(f"expected values in [{low}, {high}], got [{smallest:.3g}, {largest:.3g}]")
    return x


def check_shape(x: Tensor, what: str, *shape: str | int, floating: bool = True) -> Tensor:
    """Return x unchanged, or raise ImageError if it has not this shape: numbers, and letters for what may be any size.

    Equal letters stand for equal sizes; nothing may be empty. floating: demand floating point values. What the values
    are is not looked at, so nothing waits for an accelerator and a loss may ask in every step.
    """
    sizes = dict(zip(shape, check_tensor(x).shape, strict=False))
    fits = x.ndim == len(shape) and x.numel() > 0
    if not fits or any(n != (sizes[s] if isinstance(s, str) else s) for s, n in zip(shape, x.shape, strict=True)):
        raise ImageError(f"expected {what} ({', '.join(map(str, shape))}), none of them 0; got shape {tuple(x.shape)}")
    return check_tensor(x, floating=floating)


def same_shape(x: Tensor, y: Tensor) -> None:
    """Raise ImageError unless both are floating point tensors of one shape; their values are not looked at."""
    if check_tensor(x, floating=True).shape != check_tensor(y, floating=True).shape:
        raise ImageError(f"expected two tensors of one shape, got {tuple(x.shape)} and {tuple(y.shape)}")


def at_least(least: int, **numbers: int) -> None:
    """Check whole numbers such as sizes, each named as the argument it came by.

    Raises:
        ValueError: One of them is no whole number, or is below `least`.
    """
    for name, number in numbers.items():
        if not isinstance(number, Integral) or number < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {number!r}")


def check_labels(labels: Tensor | None, classes: int | None, count: int, *, values: bool = False) -> Tensor | None:
    """Check the labels for a network that may have classes.

    Args:
        labels: (count,) int64, or None for a network without classes.
        classes: How many the network has; None or 0 for none.
        count: How many labels are needed.
        values: Look at the values too; an accelerator has to wait for this.

    Returns:
        The labels, unchanged.

    Raises:
        ValueError: Labels are missing, not wanted, of another shape or type, or outside [0, classes).
    """
    if (labels is None) != (not classes):
        has = "no classes, leave labels out" if not classes else f"{classes} classes: labels (B,) are needed"
        raise ValueError(f"this network has {has}")
    if labels is None:
        return None
    if not isinstance(labels, Tensor) or labels.shape != (count,) or labels.dtype != torch.int64:
        got = f"{tuple(labels.shape)} {labels.dtype}" if isinstance(labels, Tensor) else f"a {type(labels).__name__}"
        raise ValueError(f"labels must be ({count},) int64, got {got}")
    if values and count and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels must lie in [0, {classes}), got {labels.min().item()} to {labels.max().item()}")
    return labels


def check_levels(x: Tensor, levels: int, *, values: bool = True) -> None:
    """Raise ValueError unless x holds integers in [0, levels); values: whether they are read."""
    if x.is_floating_point() or x.is_complex() or x.dtype == torch.bool:
        raise ValueError(f"pixels are integers from 0 to {levels - 1}, got {x.dtype}: binarise or quantise first")
    if values and not 0 <= x.min() <= x.max() < levels:
        raise ValueError(f"pixels must lie between 0 and {levels - 1}, got {x.min()} to {x.max()}")
