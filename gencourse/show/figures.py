"""Pictures of tensors, curves and matrices, each shown at once.

Images are (B, C, H, W) in [0, 1] and always drawn on that range: nothing is stretched to fit, so a wrong range shows.
"""

import tempfile
from collections.abc import Mapping, Sequence

import torch
from IPython.display import display
from matplotlib.figure import Figure
from torch import Tensor

from gencourse.expect import ImageError, check_range, check_shape, check_tensor
from gencourse.show.layout import WIDTH, captioned, draw, gridded, side_by_side, sized
from gencourse.show.matrix_plot import draw as lay_out_matrices
from gencourse.show.play import DPI, picture, png
from gencourse.training.live import in_notebook, smooth


def images(
    x: Tensor,
    captions: Sequence[str] | None = None,
    *,
    columns: int | None = None,
    rows: Sequence[str] | None = None,
    title: str | None = None,
    height: float | None = None,
) -> None:
    """Show pictures as a grid, with a caption over each or a name beside each row where given.

    Args:
        x: (B, C, H, W) in [0, 1].
        captions: B of them.
        columns: How many side by side.
        rows: Names of the rows, in place of captions.
        title: Over all of them.
        height: Of one row, in inches.

    Raises:
        ImageError: Values outside [0, 1], other shapes, or not as many captions as pictures, or names as rows.
    """
    check_shape(x, "pictures", "B", "C", "H", "W", floating=False)
    if captions is None:
        return _display(gridded(x, columns, rows, title, height))
    if rows is not None:
        raise ImageError("name either each picture (captions) or each row (rows)")
    if len(captions) != len(x):
        raise ImageError(f"{len(x)} pictures but {len(captions)} captions")
    items = [(caption, image[None]) for caption, image in zip(captions, x, strict=True)]
    return _display(captioned(items, columns, title, height))


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
    together = dict(pictures or {}) | {name.replace("_", " "): x for name, x in named.items()}
    _display(side_by_side(together, columns, title, height))


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
    figure = sized(height * x.shape[2] / x.shape[1], height)
    axes = figure.subplots()
    draw(axes, check_range(x, 0, 1), title)
    if mark is not None:
        axes.plot(mark[1], mark[0], "o", color="C3", markersize=8)
    _display(figure)


def curves(
    history: Mapping[str, Sequence[float]],
    *,
    at: Sequence[float] | None = None,
    beta: float = 0.9,
    log: bool = False,
    title: str | None = None,
    xlabel: str = "step",
    ylabel: str = "loss",
) -> None:
    """Draw losses, smoothed over the raw ones.

    Args:
        history: {name: one value a step}.
        at: The steps after which the values were measured, where it was not each.
        beta: Of the moving average, 0 for none.
        log: Whether the scale is logarithmic.
        title: Over the curves.
        xlabel: Below them.
        ylabel: Beside them.

    Raises:
        ValueError: There is nothing to draw, these are no numbers, beta leaves [0, 1), or steps are missing.
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must lie in [0, 1), got {beta}")
    try:
        history = {name: [float(value) for value in values] for name, values in history.items()}
    except (TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ValueError(f"expected one number a step for each name ({error})") from error
    if not history or not any(len(values) for values in history.values()):
        raise ValueError("there is nothing to draw: the history is empty")
    longest = max(map(len, history.values()))
    if at is not None and len(at) < longest:
        raise ValueError(f"{longest} values but {len(at)} steps at which they were measured")
    at = range(1, longest + 1) if at is None else at
    figure = sized(WIDTH * 0.7, 3.2)
    axes = figure.subplots()
    for i, (name, values) in enumerate(history.items()):
        steps = at[: len(values)]
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


def _display(drawn: Figure) -> None:
    if in_notebook():
        display(picture(drawn))
        return
    # Outside a notebook there is no page to show it on: leave it where it can be looked at.
    with tempfile.NamedTemporaryFile(prefix="gencourse_", suffix=".png", delete=False) as file:
        file.write(png(drawn, dpi=DPI))
    print(f"picture: {file.name}")
