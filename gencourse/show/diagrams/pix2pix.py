"""The diagrams of chapter 04b."""

from matplotlib.patches import Rectangle

from gencourse.show.diagrams.drawing import BACK, COLOURS, GREY, INK, Diagram

LEVELS = ((32, 32), (16, 64), (8, 128), (4, 128), (2, 128))  # pixels a side and channels of the encoder's maps
PATCHES = (
    (64, "70 or 142 pixels:\nthe whole"),
    (34, "34"),
    (16, "16"),
    (1, "1"),
)  # pixels of 64, and what stands beside


def training() -> None:
    """Show one iteration: what G makes of a is compared with b by a distance, and judged by D beside a."""
    card = Diagram(10, 3.75)
    a = card.box(0.8, 1.55, "drawing a", width=1.05)
    net = card.box(2.4, 1.55, "generator G", "network", width=1.25)
    fake = card.box(4.1, 1.55, "G(a)", width=0.9)
    b = card.box(4.1, 2.85, "true picture b", width=1.3)
    distance = card.box(5.75, 2.2, "$L_1$: $|G(a) - b|$", "loss", width=1.4)
    judge = card.box(7.45, 2.2, "discri-\nminator D,\na logit\nfor each\npatch", "network", width=0.95, height=1.9)
    fooled = card.box(9.1, 2.75, "G: $(D(a, G(a)) - 1)^2$", "loss", width=1.6)
    told = card.box(9.1, 1.6, "D: $(D(a, b) - 1)^2$\n$+\\;D(a, G(a))^2$", "loss", width=1.6, height=0.65)
    for start, end in ((a, net), (net, fake), (fake, distance), (b, distance)):
        card.arrow(start, end)
    card.arrow(b, (6.95, 2.85), "real", offset=(0.75, 0.12))
    card.arrow(fake, (6.95, 1.55), "fake", offset=(0.75, -0.12))
    card.arrow(a, judge, "a, beside either", via=[(0.8, 0.7), (7.45, 0.7)], offset=(-0.62, -0.1))
    card.arrow((7.95, 2.75), fooled)
    card.arrow((7.95, 1.6), told)
    card.arrow(fooled, net, via=[(9.1, 3.35), (2.4, 3.35)], dashed=True, colour=BACK)
    card.axes.plot([5.75, 5.75], [2.5, 3.35], color=BACK, linewidth=1.2, linestyle="--", zorder=3)
    card.text(5.75, 3.52, "gradients to the weights of G; D has its own loss", size=8, colour=BACK)
    card.legend("data", "network", "loss", y=0.25)
    card.show()


def unet() -> None:
    """Show the U-Net of this chapter: maps of the encoder, handed across to the decoder, as high as they are large."""
    card = Diagram(10, 3.6)
    heights = [max(0.5, 1.5 * 0.72**i) for i in range(len(LEVELS) + 1)]
    row = 1.85
    left = [card.box(0.55, row, "a\n64²", width=0.6, height=heights[0])]
    right = [card.box(9.45, row, "G(a)\n64²", width=0.6, height=heights[0])]
    for i, (side, channels) in enumerate(LEVELS):
        shift, height = 0.87 * (i + 1), heights[i + 1]
        bottom = i == len(LEVELS) - 1
        x = 5.0 if bottom else 0.55 + shift
        left.append(card.box(x, row, f"{side}²\n{channels}", "network", width=0.58, height=height))
        if not bottom:
            right.append(card.box(9.45 - shift, row, f"{side}²\n{channels}", "network", width=0.58, height=height))
    way = [*left, *reversed(right)]
    for one, other in zip(way, way[1:], strict=False):
        card.arrow(one, other)
    for i, (one, other) in enumerate(zip(left[1:-1], right[1:], strict=True)):
        above = row + heights[1] / 2 + 0.15 + 0.16 * (3 - i)
        top = [(one.x, above), (other.x, above)]
        card.arrow(one, other, via=top, colour=COLOURS["network"][1])
    card.text(5.0, row + heights[1] / 2 + 0.9, "skips: a map of the encoder is joined to the decoder's of its size",
              size=8.5, colour=COLOURS["network"][1])  # fmt: skip
    card.text(2.4, 0.85, "encoder: 4 × 4, stride 2", size=8.5)
    card.text(5.0, 0.85, "bottleneck", size=8.5)
    card.text(7.6, 0.85, "decoder: repeated, then 3 × 3", size=8.5)
    card.text(5.0, 0.35, "below each size in pixels its channels; skips double those that the next layer is given",
              size=8, colour=GREY)  # fmt: skip
    card.show()


def patches() -> None:
    """Show what one logit sees of a picture of 64 pixels, for discriminators of several patches."""
    card = Diagram(10, 2.7)
    scale = 1.5 / 64
    for i, (side, name) in enumerate(PATCHES):
        x, y = 1.4 + 2.4 * i, 1.5
        corner = (x - 32 * scale, y - 32 * scale)
        card.axes.add_patch(Rectangle(corner, 64 * scale, 64 * scale, facecolor="white", edgecolor=GREY, linewidth=1.0))
        low = (x - side * scale / 2, y - side * scale / 2)
        face, edge = COLOURS["lit"]
        card.axes.add_patch(Rectangle(low, side * scale, side * scale, facecolor=face, edgecolor=edge, linewidth=1.2))
        card.text(x, 0.45, name if i == 0 else f"{name} pixel{'s' * (side > 1)}\na side", size=8.5, colour=INK)
    card.text(5.0, 2.5, "what one logit of a PatchGAN sees of a picture of 64 × 64 pixels", size=9.5)
    card.show()
