"""The diagrams of chapter 01c."""

from matplotlib.patches import Rectangle

from gencourse.show.diagrams.drawing import BACK, COLOURS, GREY, Diagram, Kind

LAYERS: tuple[tuple[str, int, Kind], ...] = (  # text, part of the full size, kind
    ("x\n3", 1, "data"),
    ("c9\n12", 1, "network"),
    ("d3\n24", 2, "network"),
    ("d3\n48", 4, "network"),
    ("4 × R3\n48", 4, "network"),
    ("u3\n24", 2, "network"),
    ("u3\n12", 1, "network"),
    ("c9\n3", 1, "network"),
    ("y\n3", 1, "data"),
)
HEIGHTS = {1: 1.25, 2: 0.9, 4: 0.6}  # inches of a map of this part of the full size


def training() -> None:
    """Show how the network is trained: chapter 01's losses, whose gradient goes on to the weights of a network."""
    card = Diagram(10, 3.15)
    x = card.box(0.85, 1.72, "photograph x", width=1.25)
    net = card.box(2.6, 1.72, "network f\nits weights learn", "network", width=1.45, height=0.65)
    y = card.box(4.3, 1.72, "y = f(x)", width=1.0)
    painting = card.box(4.3, 0.95, "painting", width=1.0)
    card.box(5.85, 1.75, "network of\nchapter 01,\nfrozen", "frozen", width=1.05, height=2.35)
    of_x = card.box(7.3, 2.5, "P of x", width=1.0)
    of_y = card.box(7.3, 1.72, "F, G of y", width=1.0)
    of_painting = card.box(7.3, 0.95, "A", width=1.0)
    content = card.box(9.05, 2.2, "$L_{content}$: F against P", "loss", width=1.7)
    style = card.box(9.05, 1.25, "$L_{style}$: G against A", "loss", width=1.7)
    card.arrow(x, net)
    card.arrow(net, y)
    card.arrow(y, (5.32, 1.72))
    card.arrow(x, (5.32, 2.5), "what y should keep", via=[(0.85, 2.5)], offset=(0, 0.13))
    card.arrow(painting, (5.32, 0.95), "once", offset=(0, 0.12))
    for row, node in ((2.5, of_x), (1.72, of_y), (0.95, of_painting)):
        card.arrow((6.38, row), node)
    card.arrow(of_x, content)
    card.arrow(of_y, content)
    card.arrow(of_y, style)
    card.arrow(of_painting, style)
    card.arrow(style, net, via=[(9.05, 0.47), (2.6, 0.47)], dashed=True, colour=BACK)
    card.text(7.3, 0.32, "gradient, through both networks, to the weights of f", size=8, colour=BACK)
    card.legend("data", "network", "frozen", "loss", y=0.17)
    card.show()


def layers() -> None:
    """Show the network's maps, as high as they are large."""
    card = Diagram(10, 2.2)
    before = None
    for i, (text, part, kind) in enumerate(LAYERS):
        node = card.box(0.62 + 1.095 * i, 1.4, text, kind, width=0.78, height=HEIGHTS[part])
        card.text(node.x, 0.6, "H × W" if part == 1 else f"H/{part} × W/{part}", size=8, colour=GREY)
        if before is not None:
            card.arrow(before, node)
        before = node
    told = "c: convolution, d: convolution of stride 2, u: pixels repeated, then a convolution, each with its kernel\n"
    card.text(5, 0.22, told + "R: two convolutions, the sum with their input goes on; below it the channels", size=8,
              colour=GREY)  # fmt: skip
    card.show()


def conditional() -> None:
    """Show the normalisation that knows the style: all that styles do not share is a row of numbers."""
    card = Diagram(10, 3.0)
    x = card.box(0.95, 2.3, "one channel x\nof one picture", width=1.4, height=0.65)
    normal = card.box(3.0, 2.3, r"$(x-\mu)\,/\,\sqrt{\sigma^2+\epsilon}$", width=1.75, height=0.65)
    scaled = card.box(5.2, 2.3, r"$\gamma_s \cdot\;+\;\beta_s$", "network", width=1.4, height=0.65)
    shared = card.box(7.4, 2.3, "next convolution,\nthe same for all styles", "network", width=1.9, height=0.65)
    for start, end in ((x, normal), (normal, scaled), (scaled, shared)):
        card.arrow(start, end)
    card.arrow(shared, (9.5, 2.3))
    for i, name in enumerate(("great_wave", "auvers", "poppies")):
        row = 1.4 - 0.3 * i
        face = COLOURS["lit"][0] if i == 0 else "white"
        for j in range(8):
            corner = (4.24 + 0.24 * j, row - 0.12)
            card.axes.add_patch(Rectangle(corner, 0.24, 0.24, facecolor=face, edgecolor=GREY, linewidth=0.8))
        card.text(3.55, row, name, size=8.5)
    card.text(4.72, 0.56, "γ", size=8.5)
    card.text(5.68, 0.56, "β", size=8.5)
    card.text(7.6, 1.1, "the table of styles:\na row for each, in every layer", size=8.5, colour=GREY)
    card.arrow((5.2, 1.52), scaled, "the row of style s", offset=(0.72, 0.0))
    card.legend("data", "network", y=0.17)
    card.show()
