"""Pictures of tensors, curves and matrices, each shown at once.

Images are (B, C, H, W) in [0, 1] and always drawn on that range: nothing is stretched to fit, so a wrong range shows.
"""

import tempfile
import textwrap
from collections.abc import Mapping, Sequence

import torch
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gencourse.expect import ImageError, check_range, check_shape, check_tensor
from gencourse.images import grid as lay_out
from gencourse.images import grid_shape, to_uint8
from gencourse.show.matrix_plot import draw as lay_out_matrices
from gencourse.show.play import DPI, picture, png
from gencourse.training.live import in_notebook, smooth

WIDTH = 10.0  # inches: the width of a notebook's page
LETTER, LINE = 0.072, 0.15  # inches: of a caption


def images(
    x: Tensor,
    captions: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    title: str | None = None,
    height: float | None = None,
) -> None:
    """Show pictures as a grid, with a caption over each where given.

    Args:
        x: (B, C, H, W) in [0, 1].
        captions: B of them.
        columns: How many side by side.
        title: Over all of them.
        height: Of one row, in inches.

    Raises:
        ImageError: Values outside [0, 1], other shapes or a number of captions that is not B.
    """
    check_shape(x, "pictures", "B", "C", "H", "W", floating=False)
    if captions is None:
        sheet = lay_out(x, columns)
        shape = (WIDTH, WIDTH * sheet.shape[1] / sheet.shape[2])
        tall = min(5.0, shape[1]) if height is None else height * grid_shape(len(x), columns)[0]
        scale = tall / shape[1]
        figure = _figure(shape[0] * scale, shape[1] * scale + (0.3 if title else 0))
        _picture(figure.subplots(), sheet, title)
        return _display(figure)
    if len(captions) != len(x):
        raise ImageError(f"{len(x)} pictures but {len(captions)} captions")
    return _captioned(
        [(caption, image[None]) for caption, image in zip(captions, x, strict=True)], columns, title, height
    )


def compare(
    pictures: Mapping[str, Tensor] | None = None,
    /,
    *,
    columns: int | None = None,
    title: str | None = None,
    height: float | None = None,
    **named: Tensor,
) -> None:
    """Show pictures side by side with captions; sizes may differ: show.compare({"content": p, "style": a}).

    Args:
        pictures: Each (1, C, H, W) or (C, H, W) in [0, 1]; a tensor of several is laid out as a grid.
        columns: How many side by side.
        title: Over all of them.
        height: Of one row, in inches.
        named: More pictures; underscores become spaces.

    Raises:
        ImageError: Values outside [0, 1], or what is no picture.
    """
    if not isinstance(pictures, Mapping | None):
        raise ImageError(f"expected pictures by name, got a {type(pictures).__name__}")
    items = list((pictures or {}).items()) + [(name.replace("_", " "), x) for name, x in named.items()]
    if not items:
        raise ImageError("nothing to compare: give at least one picture")
    _captioned([(name, x if check_tensor(x).ndim == 4 else x[None]) for name, x in items], columns, title, height)


def image(x: Tensor, *, mark: tuple[int, int] | None = None, title: str | None = None, height: float = 3.0) -> None:
    """Show one picture.

    Args:
        x: (H, W), (C, H, W) or (1, C, H, W), in [0, 1] or boolean.
        mark: (row, column) to point at.
        title: Over it.
        height: In inches.

    Raises:
        ImageError: Another shape or range.
    """
    x = x.float() if check_tensor(x).dtype == torch.bool else x
    x = x[None] if x.ndim == 2 else x
    x = x[0] if x.ndim == 4 and len(x) == 1 else x
    if x.ndim != 3 or x.numel() == 0:
        raise ImageError(f"expected one picture, got shape {tuple(x.shape)}")
    figure = _figure(height * x.shape[2] / x.shape[1], height)
    axes = figure.subplots()
    _picture(axes, check_range(x, 0, 1), title)
    if mark is not None:
        axes.plot(mark[1], mark[0], "o", color="C3", markersize=8)
    _display(figure)


def curves(
    history: Mapping[str, Sequence[float]],
    *,
    beta: float = 0.9,
    log: bool = False,
    title: str | None = None,
    xlabel: str = "step",
    ylabel: str = "loss",
) -> None:
    """Draw losses, smoothed over the raw ones.

    Args:
        history: {name: one value a step}.
        beta: Of the moving average, 0 for none.
        log: Whether the scale is logarithmic.
        title: Over the curves.
        xlabel: Below them.
        ylabel: Beside them.

    Raises:
        ValueError: There is nothing to draw, these are no numbers, or beta leaves [0, 1).
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must lie in [0, 1), got {beta}")
    try:
        history = {name: [float(value) for value in values] for name, values in history.items()}
    except (TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ValueError(f"expected one number a step for each name ({error})") from error
    if not history or not any(len(values) for values in history.values()):
        raise ValueError("there is nothing to draw: the history is empty")
    figure = _figure(WIDTH * 0.7, 3.2)
    axes = figure.subplots()
    for i, (name, values) in enumerate(history.items()):
        steps = range(1, len(values) + 1)
        if beta:
            axes.plot(steps, values, color=f"C{i}", alpha=0.25, linewidth=0.8)
        axes.plot(steps, smooth(values, beta), color=f"C{i}", label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title or "", yscale="log" if log else "linear")
    axes.legend(frameon=False, fontsize=8)
    _display(figure)


def matrices(**named: Tensor | Sequence[Sequence[float]]) -> None:
    """Show small matrices as grids with their numbers, side by side; all cells have one size.

    Args:
        named: Each (rows, columns); underscores in a name become spaces.

    Raises:
        ImageError: One of them is no matrix.
    """
    try:
        tensors = {name.replace("_", " "): torch.as_tensor(m).detach() for name, m in named.items()}
    except (TypeError, ValueError, RuntimeError) as error:
        raise ImageError(f"expected matrices of numbers ({error})") from error
    if any(m.is_complex() for m in tensors.values()):
        raise ImageError("expected matrices of real numbers, got complex ones")
    arrays = {name: m.cpu().double().numpy() for name, m in tensors.items()}
    if not arrays or any(a.ndim != 2 or a.size == 0 for a in arrays.values()):
        raise ImageError("expected at least one matrix, of two dimensions and with numbers in it")
    _display(lay_out_matrices(arrays, WIDTH))


def figure(figure: Figure) -> None:
    """Show a matplotlib figure made with `matplotlib.figure.Figure`, outside pyplot."""
    _display(figure)


def _figure(width: float, height: float) -> Figure:
    """Make a figure of about this size in inches: one pixel wide or a thousand, it must fit a page."""
    size = min(max(width, 0.5), WIDTH), min(max(height, 0.5), 4 * WIDTH)
    return Figure(figsize=size, layout="constrained")


def _captioned(items: list[tuple[str, Tensor]], columns: int | None, title: str | None, height: float | None) -> None:
    columns = min(len(items), columns or min(len(items), 4 if len(items) != 5 else 5))
    rows = -(-len(items) // columns)
    pictures = [(name, lay_out(x)) for name, x in items]
    ratio = max(p.shape[1] / p.shape[2] for _, p in pictures)
    height = height or min(4.0, WIDTH / columns * ratio)
    width = min(WIDTH, columns * height / ratio)
    captions = [_wrapped(name, width / columns) for name, _ in pictures]
    above = 0.3 + LINE * max(caption.count("\n") for caption in captions)
    figure = _figure(width, rows * (height + above) + (0.3 if title else 0))
    grid = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for axes in grid:
        axes.set_axis_off()
    for axes, caption, (_, sheet) in zip(grid, captions, pictures, strict=False):
        _picture(axes, sheet, caption)
    if title:
        figure.suptitle(title)
    _display(figure)


def _wrapped(caption: str, width: float) -> str:
    """Return a caption in lines that fit over a picture so many inches wide, so that none runs into the next."""
    if "$" in caption:  # a formula has no place to break at
        return caption
    letters = max(8, int(width / LETTER))
    return "\n".join(textwrap.fill(line, letters, break_long_words=False) for line in caption.split("\n"))


def _picture(axes: Axes, x: Tensor, title: str | None) -> None:
    if len(x) not in (1, 3, 4):
        raise ImageError(f"expected pictures with 1, 3 or 4 channels, got {len(x)}")
    array = to_uint8(x[None])[0]
    small = max(array.shape[:2]) < 200
    grey = array.shape[-1] == 1
    axes.imshow(array[..., 0] if grey else array, cmap="gray" if grey else None, vmin=0, vmax=255,
                interpolation="nearest" if small else "antialiased")  # fmt: skip
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=9)


def _display(drawn: Figure) -> None:
    if in_notebook():
        display(picture(drawn))
        return
    # Outside a notebook there is no page to show it on: leave it where it can be looked at.
    with tempfile.NamedTemporaryFile(prefix="gencourse_", suffix=".png", delete=False) as file:
        file.write(png(drawn, dpi=DPI))
    print(f"picture: {file.name}")
