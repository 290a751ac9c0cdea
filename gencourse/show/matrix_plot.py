"""How `show.matrices` lays out small matrices: as grids with their numbers, everything measured in inches."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

GAP = 0.25  # between two matrices, and around them
LARGEST, SMALLEST = 0.5, 0.35  # side of a cell; before it gets smaller, the matrices are laid out in several rows
FONT = 9  # points
LINE, ABOVE = 0.16, 0.06  # a line of a title, and what is left free between title and matrix
LETTERS = 16  # a title may be as long before it is broken, and longer where its matrix is wider
LETTERS_AN_INCH = 13  # about, of the font


@dataclass(frozen=True)
class Block:
    """A matrix under its title."""

    title: str
    numbers: np.ndarray  # (rows, columns)
    side: float  # of a cell

    @property
    def cells(self) -> tuple[float, float]:
        """Width and height of the grid."""
        rows, columns = self.numbers.shape
        return columns * self.side, rows * self.side

    @property
    def size(self) -> tuple[float, float]:
        """Width and height with the title."""
        lines = self.title.split("\n")
        width, height = self.cells
        return max(width, *(text_width(line, FONT) for line in lines)), height + ABOVE + LINE * len(lines)


def draw(arrays: Mapping[str, np.ndarray], page: float) -> Figure:
    """Draw matrices, each (rows, columns), under their names on a page so wide; all cells have one size."""
    rows = flow(blocks(arrays, page), page)
    width = max(sum(block.size[0] + GAP for block in row) for row in rows) + GAP
    height = sum(max(block.size[1] for block in row) + GAP for row in rows) + GAP
    figure, top = Figure(figsize=(width, height)), height - GAP
    for row in rows:
        left, tallest = GAP, max(block.size[1] for block in row)
        for block in row:
            (w, h), (cells_w, cells_h) = block.size, block.cells
            corner = (left + (w - cells_w) / 2) / width, (top - (tallest + h) / 2) / height
            fill(figure.add_axes((*corner, cells_w / width, cells_h / height)), block)
            left += w + GAP
        top -= tallest + GAP
    return figure


def blocks(arrays: Mapping[str, np.ndarray], page: float) -> list[Block]:
    """Choose the size of the cells and break long titles into lines."""
    heights, widths = zip(*(a.shape for a in arrays.values()), strict=True)
    in_one_row = (page - GAP * (len(arrays) + 1)) / sum(widths)
    side = min(LARGEST, max(in_one_row, SMALLEST), (page - 2 * GAP) / max(widths), 4 * page / max(heights))
    titles = [
        "\n".join(textwrap.wrap(name, max(LETTERS, int(side * width * LETTERS_AN_INCH)))) or " "
        for name, width in zip(arrays, widths, strict=True)
    ]
    return [Block(title, a, side) for title, a in zip(titles, arrays.values(), strict=True)]


def flow(items: list[Block], page: float) -> list[list[Block]]:
    """Put blocks side by side, and what does not fit the page into a new row."""
    rows, left = [[]], GAP
    for block in items:
        if rows[-1] and left + block.size[0] + GAP > page + 1e-6:
            rows, left = [*rows, []], GAP
        rows[-1].append(block)
        left += block.size[0] + GAP
    return rows


def fill(axes: Axes, block: Block) -> None:
    """Draw one matrix: its numbers on cells that are the darker the larger they are."""
    a = block.numbers
    axes.imshow(a, cmap="Blues", vmin=min(0, a.min()), vmax=max(a.max(), 1e-9) * 1.6, aspect="auto")
    texts = {place: f"{value:.3g}" for place, value in np.ndenumerate(a)}
    widest = text_width(max(texts.values(), key=len), 1)
    size = min(FONT, 20 * block.side, 0.85 * block.side / widest)
    for (r, c), text in texts.items():
        axes.text(c, r, text, ha="center", va="center", fontsize=size)
    axes.set_title(block.title, fontsize=FONT, pad=72 * ABOVE)
    axes.set(xticks=[], yticks=[])


def text_width(text: str, points: float) -> float:
    """Width of a line of text in a font of that size."""
    return TextPath((0, 0), text, size=points).get_extents().width / 72 if text.strip() else 0.0
