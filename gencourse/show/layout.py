"""How pictures are laid out on a page: side by side with captions, or as one grid."""

import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gencourse.expect import ImageError, check_tensor
from gencourse.images import grid as lay_out
from gencourse.images import grid_shape, to_uint8

WIDTH = 10.0  # inches: the width of a notebook's page
LETTER, LINE = 0.072, 0.15  # inches: of a caption


def sized(width: float, height: float) -> Figure:
    """Make a figure of about this size in inches: one pixel wide or a thousand, it must fit a page."""
    size = min(max(width, 0.5), WIDTH), min(max(height, 0.5), 4 * WIDTH)
    return Figure(figsize=size, layout="constrained")


def gridded(
    x: Tensor, columns: int | None, rows: Sequence[str] | None, title: str | None, height: float | None
) -> Figure:
    """Draw pictures (B, C, H, W) as one grid, with a name beside each row where there are any."""
    sheet, count = lay_out(x, columns), grid_shape(len(x), columns)[0]
    if rows is not None and len(rows) != count:
        raise ImageError(f"{count} rows of pictures but {len(rows)} names of rows")
    beside = max(map(len, rows)) * LETTER + 0.15 if rows else 0
    ratio = sheet.shape[1] / sheet.shape[2]
    tall = min(5.0, (WIDTH - beside) * ratio) if height is None else height * count
    figure = sized(tall / ratio + beside, tall + (0.3 if title else 0))
    axes = figure.subplots()
    draw(axes, sheet, title)
    axes.set_anchor("W" if rows else "C")  # a picture moved to the middle would leave its names behind
    for i, name in enumerate(rows or ()):
        middle = (i + 0.5) * (sheet.shape[1] + 2) / count - 1.5  # two white pixels lie between two rows
        axes.annotate(name, (0, middle), (-6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                      ha="right", va="center", fontsize=9)  # fmt: skip
    return figure


def side_by_side(
    pictures: Mapping[str, Tensor], columns: int | None = None, title: str | None = None, height: float | None = None
) -> Figure:
    """Draw pictures with captions, one row as high as the next; each (1, C, H, W), (C, H, W), or several as a grid."""
    if not pictures:
        raise ImageError("nothing to compare: give at least one picture")
    return captioned(
        [(name, x if check_tensor(x).ndim == 4 else x[None]) for name, x in pictures.items()], columns, title, height
    )


def captioned(items: list[tuple[str, Tensor]], columns: int | None, title: str | None, height: float | None) -> Figure:
    """Draw pictures with captions; a column is as wide as its widest picture, so that those of a row are as high."""
    columns = min(len(items), columns or min(len(items), 4 if len(items) != 5 else 5))
    rows = -(-len(items) // columns)
    pictures = [lay_out(x) for _, x in items]
    ratios = [p.shape[2] / p.shape[1] for p in pictures]
    if max(ratios) > 4 * min(ratios):  # a strip beside a square: neither may push the other off the page
        ratios = [min(max(ratio, 0.5), 2.0) for ratio in ratios]
    widths = [max(ratios[i::columns]) for i in range(columns)]  # of each column, for rows of height 1
    height = height or min(4.0, WIDTH / sum(widths))
    page = min(WIDTH, height * sum(widths))
    captions = [wrapped(name, page * widths[i % columns] / sum(widths)) for i, (name, _) in enumerate(items)]
    above = 0.3 + LINE * max(caption.count("\n") for caption in captions)
    figure = sized(page, rows * (height + above) + (0.3 if title else 0))
    places = figure.subplots(rows, columns, squeeze=False, width_ratios=widths).reshape(-1)
    for axes in places:
        axes.set_axis_off()
    for axes, caption, picture in zip(places, captions, pictures, strict=False):
        draw(axes, picture, caption)
    if title:
        figure.suptitle(title)
    return figure


def wrapped(caption: str, width: float) -> str:
    """Return a caption in lines that fit over a picture so many inches wide, so that none runs into the next."""
    if "$" in caption:  # a formula has no place to break at
        return caption
    letters = max(8, int(width / LETTER))
    return "\n".join(textwrap.fill(line, letters, break_long_words=False) for line in caption.split("\n"))


def draw(axes: Axes, x: Tensor, title: str | None) -> None:
    """Draw one picture (C, H, W) in [0, 1] under its title."""
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
