"""The diagram of chapter 01b."""

from gencourse.show.diagrams.drawing import BACK, Diagram

HEADS = ((2.2, "what is there already"), (5.35, "what fits it"), (8.5, "what is added"))
ROWS = {
    "letters": (
        "the last n letters",
        "places of the text\nthat have the same n letters",
        "the next letter\nof one of them",
    ),
    "pixels": (
        "a window around a gap,\nas far as it is known",
        "windows of the sample\nthat look like it",
        "the middle pixel\nof one of them",
    ),
    "blocks": (
        "the rims of blocks\nabove and to the left",
        "blocks of the sample\nwhose rims look like them",
        "one block, cut where\nboth differ least",
    ),
}


def ways() -> None:
    """Show the four ways of making a texture: three that look up and add a piece, one that moves all pixels at once."""
    card = Diagram(10, 4.1)
    for x, head in HEADS:
        card.text(x, 3.86, head, bold=True)
    for i, (name, texts) in enumerate(ROWS.items()):
        y = 3.3 - 0.82 * i
        card.text(0.5, y, name, bold=True)
        nodes = [card.box(x, y, text, width=2.35, height=0.58) for (x, _), text in zip(HEADS, texts, strict=True)]
        card.arrow(nodes[0], nodes[1], "look up")
        card.arrow(nodes[1], nodes[2], "draw one")
    y = 0.84
    card.text(0.5, y, "Gram\nmatrices", bold=True)
    x = card.box(2.2, y, "picture x,\nall its pixels", "network", width=1.5, height=0.58)
    frozen = card.box(4.4, y, "network,\nfrozen", "frozen", width=1.1, height=0.58)
    grams = card.box(6.4, y, "Gram matrices\nof x", width=1.45, height=0.58)
    loss = card.box(8.75, y, "distance from the\nsample's Gram matrices", "loss", width=1.85, height=0.58)
    card.arrow(x, frozen)
    card.arrow(frozen, grams)
    card.arrow(grams, loss)
    card.arrow(loss, x, via=[(8.75, 0.4), (2.2, 0.4)], dashed=True, colour=BACK)
    card.text(5.5, 0.27, "gradient, to all pixels at once", size=8, colour=BACK)
    card.legend("data", "network", "frozen", "loss", y=0.1)
    card.show()
