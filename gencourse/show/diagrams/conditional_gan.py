"""The diagrams of chapter 03b."""

from gencourse.show.diagrams.drawing import Diagram, Node


def label_ways() -> None:
    """Show where the label y enters D: beside the picture, as a product with the features, or as what D has to name."""
    card = Diagram(10, 3.9)
    body = _body(card, 1.85, "concatenation")
    card.arrow(card.box(0.65, 0.9, "label y,\n10 planes", width=0.9), body)
    head = card.box(1.85, 2.65, "head", "network", width=0.8)
    card.arrow(body, head)
    card.arrow(head, (1.85, 3.25))
    card.text(1.85, 3.35, "logit", size=8.5)

    body = _body(card, 5.0, "projection")
    head = card.box(4.35, 2.65, "head w", "network", width=0.9)
    vector = card.box(5.65, 2.65, "vector $v_y$", "network", width=1.0)
    card.arrow(body, head)
    card.arrow(body, vector)
    card.arrow(card.box(6.4, 1.8, "label y", width=0.75), vector)
    card.arrow(head, (4.97, 3.25))
    card.arrow(vector, (5.03, 3.25))
    card.text(5.0, 3.35, "logit: the sum of both", size=8.5)

    body = _body(card, 8.45, "auxiliary classifier")
    source = card.box(7.85, 2.65, "head", "network", width=0.8)
    classes = card.box(9.1, 2.65, "class head", "network", width=1.0)
    card.arrow(body, source)
    card.arrow(body, classes)
    card.arrow(source, (7.85, 3.25))
    card.text(7.85, 3.35, "logit", size=8.5)
    card.arrow(classes, card.box(9.1, 3.35, "is it y?", "loss", width=0.8, height=0.3))
    card.legend("data", "network", "loss")
    card.show()


def _body(card: Diagram, x: float, title: str) -> Node:
    """Draw a picture that goes into D's convolutions, under a title, and return the convolutions."""
    card.text(x, 3.72, title, bold=True)
    body = card.box(x, 1.8, "D's convolutions", "network", width=1.5)
    card.arrow(card.box(x, 0.9, "picture x", width=1.0), body)
    return body


def semi_supervised() -> None:
    """Show what goes into a discriminator of K + 1 classes, and what is asked of each kind of picture."""
    card = Diagram(10, 3.5)
    rows = (
        (3.1, "a hundred pictures\nwith labels", "which of the K?"),
        (2.1, "thousands\nwithout labels", "one of the K, whichever"),
        (1.1, "generated\nG(z)", 'class K + 1, "generated"'),
    )
    judge = card.box(4.6, 2.1, "D: K logits,\none more fixed at 0", "network", width=1.8)
    for y, given, wanted in rows:
        card.arrow(card.box(1.6, y, given, width=1.6), judge)
        card.arrow(judge, card.box(8.0, y, wanted, "loss", width=2.2))
    card.legend("data", "network", "loss")
    card.show()
