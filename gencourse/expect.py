"""What is expected of input: checks for the doors of the package, and the errors that say what was wrong.

Only `check_range`, and `check_labels` where it is asked to, read values. The others look at shapes and types alone, so
a step or a network's forward may ask them without making an accelerator wait.
"""

import difflib
import sys
from collections.abc import Iterable, Sized
from numbers import Integral, Real

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


def at_least(least: int, **numbers: int) -> None:
    """Check whole numbers such as sizes, each named as the argument it came by.

    Raises:
        ValueError: One of them is no whole number, or is below `least`.
    """
    for name, number in numbers.items():
        if not isinstance(number, Integral) or number < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {number!r}")


def within(low: float, high: float = sys.float_info.max, **numbers: float) -> None:
    """Check that numbers, each named as the argument it came by, lie in [low, high].

    Raises:
        ValueError: One of them does not, or is NaN or no number.
    """
    for name, number in numbers.items():
        if not (isinstance(number, Real) and low <= number <= high):
            limits = f"at least {low} and finite" if high == sys.float_info.max else f"from {low} to {high}"
            raise ValueError(f"{name} must be a number {limits}, got {number!r}")


def one_each(pictures: int, what: str, things: Sized) -> None:
    """Check that there is one thing for each picture.

    Args:
        pictures: How many.
        what: The things are, for the message.
        things: The things.

    Raises:
        ValueError: There are more or fewer.
    """
    if len(things) != pictures:
        raise ValueError(f"{pictures} pictures need as many {what}, got {len(things)}")


def check_tensor(x: Tensor, *, floating: bool = False) -> Tensor:
    """Check that something is a tensor.

    Args:
        x: What to look at.
        floating: Demand floating point values too.

    Returns:
        x, unchanged.

    Raises:
        ImageError: It is none.
    """
    if not isinstance(x, Tensor):
        raise ImageError(f"expected a tensor, got a {type(x).__name__}")
    if floating and not x.is_floating_point():
        raise ImageError(f"expected floating point values, got {x.dtype}")
    return x


def check_range(x: Tensor, low: float, high: float) -> Tensor:
    """Check that all values are finite and lie in [low, high]. An accelerator has to wait for this.

    Returns:
        x, unchanged.

    Raises:
        ImageError: A value lies outside, there is none, or x is no floating point tensor.
    """
    if not check_tensor(x).is_floating_point():
        raise ImageError(f"expected floating point values in [{low}, {high}], got {x.dtype}; divide bytes by 255")
    if x.numel() == 0:
        raise ImageError(f"expected at least one value, got shape {tuple(x.shape)}")
    smallest, largest = (value.item() for value in torch.aminmax(x.detach()))
    if not (smallest >= low - TOLERANCE and largest <= high + TOLERANCE):  # also false for NaN
        raise ImageError(f"expected values in [{low}, {high}], got [{smallest:.3g}, {largest:.3g}]")
    return x


def check_shape(
    x: Tensor, what: str, *shape: str | int, floating: bool = True, least: int = 1, multiple: int = 1
) -> Tensor:
    """Check a tensor's shape: `check_shape(x, "pictures", "B", 3, "H", "W")`.

    Args:
        x: What to look at.
        what: What it should hold, for the message.
        shape: Numbers, and letters for what may be any size; equal letters stand for equal sizes. Nothing may be empty.
        floating: Demand floating point values.
        least: The smallest height and width, all sizes but the first two.
        multiple: What must divide height and width.

    Returns:
        x, unchanged.

    Raises:
        ImageError: It has another shape, or is no such tensor.
    """
    sizes = dict(zip(shape, check_tensor(x).shape, strict=False))
    fits = x.ndim == len(shape) and x.numel() > 0
    fits = fits and all(n == (sizes[s] if isinstance(s, str) else s) for s, n in zip(shape, x.shape, strict=True))
    if not fits or any(side < least or side % multiple for side in x.shape[2:]):
        limits = f" of at least {least} pixels" * (least > 1) + f" that {multiple} divides" * (multiple > 1)
        wanted = f"({', '.join(map(str, shape))}){' with sides' * bool(limits)}{limits or ', none of them 0'}"
        raise ImageError(f"expected {what} {wanted}; got shape {tuple(x.shape)}")
    return check_tensor(x, floating=floating)


def check_sample(sample: Tensor, least: int, what: str) -> Tensor:
    """Check the sample of a texture at the door.

    Args:
        sample: (1, C, H, W) in [0, 1].
        least: The smallest side.
        what: That needs such a side, for the message.

    Returns:
        The sample.

    Raises:
        ImageError: It is no such picture, it is smaller, or all its pixels are equal.
    """
    check_range(check_shape(sample, "a sample", 1, "C", "H", "W"), 0, 1)
    h, w = sample.shape[2:]
    if min(h, w) < least:
        raise ImageError(f"the sample is {w} x {h}, smaller than {what}: {least} pixels a side are needed")
    if (sample.amax((2, 3)) == sample.amin((2, 3))).all():
        raise ImageError("all pixels of the sample are equal: there is no texture to learn from")
    return sample


def check_kernel(kind: str, size: int, *, least: int = 1) -> None:
    """Check the kind of a masked convolution, "A" or "B", and the side of its kernel, which has a middle.

    Raises:
        ValueError: Another kind, or a size that is even or below `least`.
    """
    if kind not in ("A", "B") or size < least or size % 2 == 0:
        raise ValueError(f'expected kind "A" or "B" and an odd size of at least {least}, got {kind!r} and {size}')


def check_mask(mask: Tensor) -> None:
    """Check that a mask holds nothing but zeros and ones. An accelerator has to wait for this.

    Raises:
        ImageError: It holds something else.
    """
    if not ((mask == 0) | (mask == 1)).all():
        raise ImageError("the mask must be zeros and ones")


def check_enlarged(x: Tensor, y: Tensor, scale: int) -> None:
    """Check small pictures x and true ones y, `scale` times larger: (B, 3, h, w) and (B, 3, H, W) in [-1, 1].

    Raises:
        ImageError: Another shape or range.
    """
    check_range(check_shape(y, "true pictures", "B", 3, "H", "W", multiple=scale), -1, 1)
    h, w = (side // scale for side in y.shape[2:])
    check_range(check_shape(x, f"small pictures, {scale} times smaller", len(y), 3, h, w), -1, 1)


def check_noise(z: Tensor | None, channels: int, x: Tensor) -> None:
    """Check the noise that a network takes beside pictures x, (B, C, H, W): (B, channels, H, W), or none at all.

    Raises:
        ImageError: Another shape.
        ValueError: It is missing, or not wanted.
    """
    if (z is None) != (channels == 0):
        raise ValueError(f"this network takes {channels} channels of noise z, got {'none' if z is None else 'some'}")
    if z is not None:
        check_shape(z, "noise", len(x), channels, *x.shape[2:])


def check_styles(styles: Tensor | None, pictures: int, count: int) -> Tensor:
    """Check which of `count` styles pictures shall have.

    Args:
        styles: (pictures,) int64, or weights (pictures, count).
        pictures: How many.
        count: Of styles.

    Returns:
        The styles, unchanged.

    Raises:
        ValueError: They are missing, or of another shape or type.
    """
    if isinstance(styles, Tensor):
        chosen = styles.dtype == torch.int64 and styles.shape == (pictures,)
        if chosen or (styles.is_floating_point() and styles.shape == (pictures, count)):
            return styles
    got = f"{tuple(styles.shape)} {styles.dtype}" if isinstance(styles, Tensor) else f"{styles!r}"
    raise ValueError(f"styles must be ({pictures},) int64 or weights ({pictures}, {count}), got {got}")


def check_batch(x: Tensor, training: bool) -> None:
    """Check that batch normalisation has more than one sample: one's statistics are its own, and take out what it is.

    Raises:
        ValueError: It is in train mode and has one.
    """
    if training and len(x) < 2:
        raise ValueError(f"a network in train mode needs at least two in a batch, got {len(x)}: call .eval() first")


def same_shape(x: Tensor, y: Tensor) -> None:
    """Check that two floating point tensors have one shape: torch would repeat the smaller one and say nothing.

    Raises:
        ImageError: They do not.
    """
    if check_tensor(x, floating=True).shape != check_tensor(y, floating=True).shape:
        raise ImageError(f"expected two tensors of one shape, got {tuple(x.shape)} and {tuple(y.shape)}")


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
    if labels is None or classes is None:
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
