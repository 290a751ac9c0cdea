"""The diagram of chapter 01."""

from gencourse.show.diagrams.drawing import BACK, Diagram


def gatys() -> None:
    """Show the way of style transfer: three pictures through one frozen network, two losses, the gradient to one."""
    card = Diagram(10, 3.7)
    p = card.box(0.95, 3.1, "content image p", width=1.5)
    x = card.box(0.95, 1.95, "picture x\nits pixels learn", "network", width=1.5, height=0.65)
    a = card.box(0.95, 0.85, "style image a", width=1.5)
    card.box(3.1, 1.95, "network,\nfrozen", "frozen", width=1.1, height=2.85)
    kept = card.box(5.15, 3.1, "P: activations\nof conv4_2", width=1.6)
    now = card.box(5.25, 1.95, "F: activations of x\nG: their Gram matrices", width=1.9, height=0.65)
    grams = card.box(5.15, 0.85, "A: Gram matrices\nof the style layers", width=1.7)
    content = card.box(7.6, 2.65, "$L_{content}$: F against P", "loss", width=1.75)
    style = card.box(7.6, 1.3, "$L_{style}$: G against A", "loss", width=1.75)
    total = card.box(9.3, 1.95, "$\\alpha L_{content}$\n$+ \\beta L_{style}$", "loss", width=1.15, height=0.7)
    for picture in (p, x, a):
        card.arrow(picture, (2.52, picture.y))
    card.arrow((3.66, 3.1), kept, "once", offset=(0, 0.12))
    card.arrow((3.66, 1.95), now, "each step", offset=(0, 0.14))
    card.arrow((3.66, 0.85), grams, "once", offset=(0, 0.12))
    card.arrow(kept, content)
    card.arrow(now, content)
    card.arrow(now, style)
    card.arrow(grams, style)
    card.arrow(content, total)
    card.arrow(style, total)
    card.arrow(total, x, via=[(9.3, 0.42), (0.1, 0.42), (0.1, 1.95)], dashed=True, colour=BACK)
    card.text(7.6, 0.55, "gradient, through the network, to the pixels of x", size=8, colour=BACK)
    card.legend("data", "network", "frozen", "loss", y=0.17)
    card.show()
