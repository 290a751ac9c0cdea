"""What the chapters' diagrams are made of: boxes, pictures and arrows, placed by hand in inches, y upwards.

Diagrams stand on a white card of their own, so that they read the same on a light and on a dark page. The colour of a
box says what it is: data that flows, a network that learns, a network that is frozen, a loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from torch import Tensor

from gencourse.images import to_uint8
from gencourse.show import figures

FONT = 9.5  # points
INK, GREY = "#1f2933", "#66717d"
Kind = Literal["data", "network", "frozen", "loss", "lit"]
COLOURS: dict[str, tuple[str, str]] = {  # face, edge
    "data": ("#ffffff", "#8a949e"),
    "network": ("#dbe9f9", "#2f6fb3"),
    "frozen": ("#e9ecef", "#66717d"),
    "loss": ("#fde7d3", "#c8641b"),
    "lit": ("#ffe08a", "#a87400"),
}
BACK = COLOURS["loss"][1]  # of gradients: the colour of the loss that they come from
MEANINGS = {"data": "data", "network": "what learns", "frozen": "frozen network", "loss": "loss"}


@dataclass(frozen=True)
class Node:
    """What an arrow can begin or end at: a rectangle with its centre at (x, y)."""

    x: float
    y: float
    width: float
    height: float

    def edge(self, x: float, y: float) -> tuple[float, float]:
        """Return the point of the rectangle's border towards (x, y), where an arrow touches it."""
        dx, dy = x - self.x, y - self.y
        if dx == dy == 0:
            return self.x, self.y
        scale = min(
            self.width / 2 / abs(dx) if dx else float("inf"),
            self.height / 2 / abs(dy) if dy else float("inf"),
        )
        return self.x + dx * scale, self.y + dy * scale


class Diagram:
    """A white card to draw on.

    Args:
        width: In inches; the page of a notebook is 10 wide.
        height: In inches.
        title: Over the diagram.
    """

    def __init__(self, width: float, height: float, *, title: str | None = None) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width, height), facecolor="white")
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, width), ylim=(0, height))
        self.axes.set_axis_off()
        if title:
            self.text(width / 2, height - 0.2, title, size=FONT + 1.5, bold=True)

    def box(
        self, x: float, y: float, text: str, kind: Kind = "data", *, width: float = 1.2, height: float = 0.55
    ) -> Node:
        """Draw a box around its centre (x, y).

        Args:
            x: In inches from the left.
            y: In inches from below.
            text: In it; lines are parted by newlines, formulas written as $x_t$.
            kind: What it is, which decides its colour.
            width: In inches.
            height: In inches.

        Returns:
            What arrows can begin and end at.
        """
        face, edge = COLOURS[kind]
        style = "round,pad=0,rounding_size=0.08"
        corner = (x - width / 2, y - height / 2)
        dashed = "--" if kind == "frozen" else "-"
        self.axes.add_patch(
            FancyBboxPatch(corner, width, height, style, facecolor=face, edgecolor=edge, linewidth=1.3, ls=dashed)
        )
        self.text(x, y, text)
        return Node(x, y, width, height)

    def picture(self, x: float, y: float, image: Tensor, text: str | None = None, *, size: float = 0.9) -> Node:
        """Draw a picture around its centre (x, y), with a line of text below it.

        Args:
            x: In inches from the left.
            y: In inches from below.
            image: (1, C, H, W) or (C, H, W) in [0, 1].
            text: Below it.
            size: Of the longer side, in inches.

        Returns:
            What arrows can begin and end at.
        """
        array = to_uint8(image if image.ndim == 4 else image[None])[0]
        h, w = array.shape[:2]
        width, height = size * w / max(h, w), size * h / max(h, w)
        left, below = x - width / 2, y - height / 2
        pixels = array[..., 0] if array.shape[-1] == 1 else array
        self.axes.imshow(pixels, extent=(left, left + width, below, below + height), cmap="gray", vmin=0, vmax=255,
                         interpolation="nearest" if max(h, w) < 100 else "antialiased", aspect="auto")  # fmt: skip
        self.axes.add_patch(Rectangle((left, below), width, height, fill=False, edgecolor=GREY, linewidth=0.8))
        self.axes.set(xlim=(0, self.width), ylim=(0, self.height))  # imshow moved them
        if text:
            self.text(x, below - 0.14, text)
        return Node(x, y, width, height)

    def arrow(
        self,
        start: Node | tuple[float, float],
        end: Node | tuple[float, float],
        text: str | None = None,
        *,
        dashed: bool = False,
        bend: float = 0.0,
        colour: str = INK,
        offset: tuple[float, float] = (0.0, 0.12),
        via: Sequence[tuple[float, float]] = (),
    ) -> None:
        """Draw an arrow from border to border, with a text at its middle.

        Args:
            start: A node or a point.
            end: A node or a point.
            text: At the middle of the straight line, moved by `offset` inches.
            dashed: For what flows back (a gradient) or is no data.
            bend: 0 is straight; positive bends to the left of its way, in parts of its length.
            colour: Of the line and its text.
            offset: Of the text, in inches.
            via: Corners on its way; the text belongs to its last part.
        """
        style = {"color": colour, "linewidth": 1.2, "linestyle": "--" if dashed else "-", "zorder": 3}
        if via:
            first = start.edge(*via[0]) if isinstance(start, Node) else start
            self.axes.plot(*zip(first, *via, strict=True), **style)
            start = via[-1]
        a = (start.x, start.y) if isinstance(start, Node) else start
        b = (end.x, end.y) if isinstance(end, Node) else end
        tail = start.edge(*b) if isinstance(start, Node) else a
        head = end.edge(*a) if isinstance(end, Node) else b
        self.axes.add_patch(
            FancyArrowPatch(
                tail,
                head,
                arrowstyle="-|>",
                mutation_scale=11,
                color=colour,
                linewidth=1.2,
                zorder=3,
                linestyle="--" if dashed else "-",
                connectionstyle=f"arc3,rad={-bend}",
                shrinkA=2,
                shrinkB=2,
            )  # fmt: skip
        )
        if text:
            middle = (tail[0] + head[0]) / 2 + offset[0], (tail[1] + head[1]) / 2 + offset[1]
            self.text(*middle, text, size=FONT - 1.5, colour=colour)

    def text(self, x: float, y: float, text: str, *, size: float = FONT, bold: bool = False, colour: str = INK) -> None:
        """Write text around its centre (x, y)."""
        self.axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour, linespacing=1.25,
                       fontweight="bold" if bold else "normal", zorder=4)  # fmt: skip

    def legend(self, *kinds: Kind, x: float = 0.2, y: float = 0.22) -> None:
        """Explain the colours, from (x, y) to the right."""
        for kind in kinds:
            face, edge = COLOURS[kind]
            dashed = "--" if kind == "frozen" else "-"
            self.axes.add_patch(Rectangle((x, y - 0.07), 0.2, 0.14, facecolor=face, edgecolor=edge, linestyle=dashed))
            self.axes.text(x + 0.27, y, MEANINGS[kind], ha="left", va="center", fontsize=FONT - 1.5, color=GREY)
            x += 0.55 + 0.075 * len(MEANINGS[kind])

    def show(self) -> None:
        """Show it, as every figure of the course is shown."""
        figures.figure(self.figure)
