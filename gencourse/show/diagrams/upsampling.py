"""The diagrams of chapter 02."""

from collections.abc import Sequence

from matplotlib.patches import Rectangle

from gencourse.show.diagrams.drawing import COLOURS, GREY, Diagram

SIDE = 0.36  # inches: of a cell of a matrix
NEAREST = ["1 0 0", "1 0 0", "0 1 0", "0 1 0", "0 0 1", "0 0 1"]
LINEAR = ["1 0 0", "¾ ¼ 0", "¼ ¾ 0", "0 ¾ ¼", "0 ¼ ¾", "0 0 1"]
TRANSPOSED = ["a 0 0", "b 0 0", "c a 0", "0 b 0", "0 c a", "0 0 b", "0 0 c"]


def operators() -> None:
    """Show three layers that enlarge a row of three pixels, each as the matrix that it is."""
    card = Diagram(10, 3.5)
    _matrix(card, 0.55, "nearest neighbour\na rule, one input each", NEAREST)
    _matrix(card, 4.0, "linear, half pixels\na rule, two inputs each", LINEAR)
    _matrix(card, 7.45, "transposed convolution\nlearned: kernel 3, stride 2", TRANSPOSED, lit=(2, 4))
    card.show()


def super_resolution() -> None:
    """Show how a network for super-resolution is trained: a picture is made small, enlarged again and compared."""
    card = Diagram(10, 2.1)
    truth = card.box(1.0, 1.45, "picture y\nH × W")
    small = card.box(3.5, 1.45, "x = A y\nH/4 × W/4")
    network = card.box(5.6, 1.45, "network f", "network")
    answer = card.box(7.5, 1.45, "$\\hat{y} = f(x)$\nH × W")
    loss = card.box(9.2, 1.45, "loss($\\hat{y}$, y)", "loss")
    card.arrow(truth, small, "average 4 × 4")
    card.arrow(small, network)
    card.arrow(network, answer)
    card.arrow(answer, loss)
    card.arrow((1.0, 1.15), (9.2, 1.15), "the truth is there already: no labels", bend=-0.06, offset=(0, -0.4))
    card.legend("data", "network", "loss")
    card.show()


def _matrix(card: Diagram, left: float, title: str, rows: Sequence[str], lit: Sequence[int] = ()) -> None:
    """Draw output = matrix times input; rows of entries parted by spaces, lit ones coloured."""
    middle, top = 1.62, 2.75
    height = SIDE * len(rows)
    for i, row in enumerate(rows):
        y = top - (i + 0.5) * SIDE
        _cell(card, left, y, f"$y_{i}$", lit=i in lit)
        for j, entry in enumerate(row.split()):
            _cell(card, left + 0.65 + j * SIDE, y, entry, lit=i in lit and entry != "0", pale=entry == "0")
    card.text(left + 0.33, top - height / 2, "=")
    for j in range(3):
        _cell(card, left + 2.0, top - height / 2 + (1 - j) * SIDE, f"$x_{j}$")
    card.text(left + 1.66, top - height / 2, "·")
    card.text(left + middle / 2 + 0.25, 3.15, title)


def _cell(card: Diagram, x: float, y: float, text: str, *, lit: bool = False, pale: bool = False) -> None:
    face = COLOURS["lit"][0] if lit else "white" if pale else COLOURS["network"][0]
    corner = (x - SIDE / 2, y - SIDE / 2)
    card.axes.add_patch(Rectangle(corner, SIDE, SIDE, facecolor=face, edgecolor=GREY, linewidth=0.8))
    card.text(x, y, text, colour=GREY if pale else "#1f2933")
