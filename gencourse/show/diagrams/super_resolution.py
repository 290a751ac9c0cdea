"""The diagrams of chapter 02b."""

from matplotlib.patches import Rectangle

from gencourse.show.diagrams.drawing import BACK, COLOURS, GREY, INK, Diagram, Kind

LAYERS: tuple[tuple[str, str, Kind], ...] = (  # text, size, kind
    ("x\n3", "h × w", "data"),
    ("3 × 3\n32", "h × w", "network"),
    ("7 × R\n32", "h × w", "network"),
    ("3 × 3\n128", "h × w", "network"),
    ("shuffle\n8", "4h × 4w", "network"),
    ("3 × 3\n3", "4h × 4w", "network"),
)
CELL = 0.34  # inches: of a pixel of a drawn block


def generator() -> None:
    """Show the network that enlarges: what it adds to bicubic interpolation, and where noise comes in."""
    card = Diagram(10, 2.9)
    nodes = []
    for i, (text, size, kind) in enumerate(LAYERS):
        tall = 1.1 if size.startswith("4") else 0.7
        nodes.append(card.box(0.65 + 1.35 * i, 1.75, text, kind, width=0.9, height=tall))
        card.text(nodes[-1].x, 0.98, size, size=8, colour=GREY)
    for start, end in zip(nodes, nodes[1:], strict=False):
        card.arrow(start, end)
    total = card.box(8.45, 1.75, "+", "data", width=0.4, height=0.4)
    answer = card.box(9.4, 1.75, "$\\hat{y}$\n3", "data", width=0.8, height=1.1)
    card.text(answer.x, 0.98, "4h × 4w", size=8, colour=GREY)
    noise = card.box(1.32, 0.55, "noise\n1", "data", width=0.8, height=0.5)
    card.arrow(noise, (1.78, 1.41))
    card.arrow(nodes[-1], total)
    card.arrow(total, answer)
    card.arrow(nodes[0], total, via=[(0.65, 2.62), (8.45, 2.62)])
    card.text(4.5, 2.75, "bicubic interpolation", size=8)
    card.text(6.9, 0.5, "R: two convolutions, the sum with their input goes on;\nbelow each name its channels", size=8,
              colour=GREY)  # fmt: skip
    card.legend("data", "network", y=0.15)
    card.show()


def srgan() -> None:
    """Show how it is trained: three losses for the generator, one for the critic."""
    card = Diagram(10, 3.5)
    x = card.box(0.9, 2.2, "x = A y", width=1.05)
    g = card.box(2.55, 2.2, "generator G", "network", width=1.35)
    fake = card.box(4.3, 2.2, "$\\hat{y}$ = G(x, noise)", width=1.5)
    y = card.box(4.3, 1.15, "true picture y", width=1.4)
    d = card.box(6.55, 1.15, "critic D", "network", width=1.2)
    look = card.box(6.55, 2.2, "features", "frozen", width=1.2)
    pixels = card.box(8.8, 3.0, "$|\\hat{y} - y|$, and what\nrepeats with the block", "loss", width=1.95, height=0.62)
    close = card.box(8.8, 2.2, "distance of features", "loss", width=1.95)
    asked = "G: D calls $\\hat{y}$ real\nD: y real, $\\hat{y}$ not"
    judged = card.box(8.8, 1.15, asked, "loss", width=1.95, height=0.62)
    card.arrow(x, g)
    card.arrow(g, fake)
    card.arrow(fake, look)
    card.arrow(fake, d)
    card.arrow(y, d)
    card.arrow(y, look)
    card.arrow(look, close)
    card.arrow(d, judged)
    card.arrow(fake, pixels, via=[(4.3, 3.0)])
    card.arrow(judged, g, via=[(8.8, 0.5), (2.55, 0.5)], dashed=True, colour=BACK)
    told = "gradient of all three, to the weights of G; D learns in a step of its own"
    card.text(5.7, 0.37, told, size=8, colour=BACK)
    card.legend("data", "network", "frozen", "loss", y=0.14)
    card.show()


def consistency() -> None:
    """Show what the small picture fixes of a block and what it leaves open, with numbers."""
    card = Diagram(10, 2.3)
    guess = [["2", "4"], ["6", "8"]]
    answer = [["3", "5"], ["7", "9"]]
    _block(card, 0.9, guess)
    card.text(1.25, 0.62, "a guess, block x", size=8.5)
    card.arrow((1.75, 1.4), (2.6, 1.4), "average", offset=(0, 0.14))
    _block(card, 2.7, [["5"]])
    card.text(4.0, 1.4, "but the small\npicture says", size=8.5)
    _block(card, 4.7, [["6"]], lit=True)
    card.arrow((5.15, 1.4), (6.15, 1.4), "6 − 5 = 1", offset=(0, 0.14))
    card.text(5.65, 1.12, "to every pixel", size=8)
    _block(card, 6.3, answer)
    card.text(6.65, 0.62, "average 6", size=8.5)
    told = "the nearest block that\nthe small picture can be of:\nits pattern is kept"
    card.text(8.6, 1.4, told, size=8.5, colour=GREY)
    card.text(5.0, 0.2, "$x + A^+(low - A x)$:  A averages,  $A^+$ repeats", size=9)
    card.show()


def _block(card: Diagram, left: float, rows: list[list[str]], *, lit: bool = False) -> None:
    """Draw pixels with their values, around the middle of the card."""
    face = COLOURS["lit"][0] if lit else "white"
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            corner = (left + j * CELL, 1.4 + (len(rows) / 2 - 1 - i) * CELL)
            card.axes.add_patch(Rectangle(corner, CELL, CELL, facecolor=face, edgecolor=GREY, linewidth=0.8))
            card.text(corner[0] + CELL / 2, corner[1] + CELL / 2, value, size=9, colour=INK)
