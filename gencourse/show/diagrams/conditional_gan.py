"""The diagrams of chapter 03b."""

from gencourse.show.diagrams.drawing import Diagram


def label_ways() -> None:
    """Show where the label y enters D: beside the picture, as a product with the features, or as what D has to name."""
    card = Diagram(10, 3.6)
    for centre, title in ((1.65, "concatenation"), (5.0, "projection"), (8.35, "auxiliary classifier")):
        card.text(centre, 3.35, title, bold=True)
        x = card.box(centre, 0.55, "picture x", width=1.0)
        body = card.box(centre, 1.45, "D's convolutions", "network", width=1.5)
        card.arrow(x, body)
        if title == "concatenation":
            y = card.box(centre - 1.15, 0.55, "label y,\n10 planes", width=0.9)
            card.arrow(y, body)
            head = card.box(centre, 2.3, "head", "network", width=0.8)
            card.arrow(body, head)
            card.arrow(head, (centre, 2.95))
            card.text(centre, 3.05, "logit", size=8.5)
        elif title == "projection":
            head = card.box(centre - 0.65, 2.3, "head w", "network", width=0.9)
            vector = card.box(centre + 0.65, 2.3, "vector $v_y$", "network", width=1.0)
            y = card.box(centre + 1.3, 1.45, "label y", width=0.75)
            card.arrow(body, head, "f")
            card.arrow(body, vector)
            card.arrow(y, vector)
            card.arrow(head, (centre, 2.95))
            card.arrow(vector, (centre, 2.95))
            card.text(centre, 3.05, "logit: the sum", size=8.5)
        else:
            source = card.box(centre - 0.65, 2.3, "head", "network", width=0.8)
            classes = card.box(centre + 0.65, 2.3, "class head", "network", width=1.0)
            card.arrow(body, source)
            card.arrow(body, classes)
            card.arrow(source, (centre - 0.65, 2.95))
            card.text(centre - 0.65, 3.05, "logit", size=8.5)
            loss = card.box(centre + 0.65, 3.0, "is it y?", "loss", width=0.8, height=0.35)
            card.arrow(classes, loss)
    card.legend("data", "network", "loss")
    card.show()


def semi_supervised() -> None:
    """Show what goes into a discriminator of K + 1 classes, and what is asked of each kind of picture."""
    card = Diagram(10, 3.2)
    rows = (
        (2.75, "a hundred pictures\nwith labels", "which of the K?"),
        (1.75, "thousands\nwithout labels", "some of the K"),
        (0.75, "generated\nG(z)", 'class K + 1, "generated"'),
    )
    judge = card.box(4.6, 1.75, "D: K logits,\none more fixed at 0", "network", width=1.8)
    for y, given, wanted in rows:
        card.arrow(card.box(1.6, y, given, width=1.6), judge)
        card.arrow(judge, card.box(8.0, y, wanted, "loss", width=2.2))
    card.legend("data", "network", "loss")
    card.show()
