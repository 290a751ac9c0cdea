"""The diagrams of chapter 03."""

from torch import Tensor

from gencourse.show.diagrams.drawing import BACK, Diagram, Kind, Node


def game(real: Tensor | None = None, fake: Tensor | None = None) -> None:
    """Show who sees what in a GAN: G sees noise alone, D sees pictures, G learns through D.

    Args:
        real: A picture, (1, C, H, W) or (C, H, W) in [0, 1]; without one a box stands for it.
        fake: The same.
    """
    card = Diagram(10, 3.3)
    z = card.box(0.95, 2.0, "noise\n$z \\sim N(0, I)$", width=1.3)
    generator = card.box(2.95, 2.0, "generator G", "network", width=1.4)
    drawn = _data(card, 4.95, 2.0, fake, "fake G(z)")
    given = _data(card, 4.95, 0.85, real, "real x")
    discriminator = card.box(6.95, 1.43, "discriminator D", "network", width=1.5)
    loss = card.box(9.1, 1.43, "cross-entropy\nreal: 1, fake: 0", "loss", width=1.4)
    for start, end in [(z, generator), (generator, drawn), (drawn, discriminator), (given, discriminator)]:
        card.arrow(start, end)
    card.arrow(discriminator, loss, "logit")
    card.arrow((9.1, 1.74), (7.1, 1.74), bend=-0.35, dashed=True, colour=BACK)
    card.arrow((6.8, 1.74), (2.95, 2.32), bend=-0.33, dashed=True, colour=BACK)
    card.text(7.0, 3.05, "the gradient: D learns from it, and through D so does G", size=8, colour=BACK)
    card.text(1.95, 1.0, "G never sees\na real picture", size=8.5)
    card.legend("data", "network", "loss")
    card.show()


def iteration() -> None:
    """Show one iteration: the labelled batch that D learns from, then G's half, where the label is flipped."""
    card = Diagram(10, 4.3)
    card.text(0.8, 4.05, "D's half", bold=True)
    card.text(0.8, 1.85, "G's half", bold=True)
    fake = _generated(card, 3.25, "frozen", "1. generate, and cut\nthe graph here")
    real = card.box(4.75, 2.5, "B real $x$\nlabel 1", width=1.1)
    judge = card.box(6.55, 2.88, "D", "network", width=0.9)
    loss = card.box(8.8, 2.88, "cross-entropy", "loss", width=1.4)
    card.arrow(fake, judge)
    card.arrow(real, judge)
    card.arrow(judge, loss, "logits", offset=(0, -0.13))
    card.text(4.75, 3.87, "2. label; each batch passes D by itself", size=8.5)
    card.arrow((8.8, 3.18), (6.55, 3.18), bend=-0.25, dashed=True, colour=BACK)
    card.text(7.7, 3.67, "3. update D", size=8.5, colour=BACK)
    fake = _generated(card, 1.1, "network", "4. generate anew,\nthe label flipped", label=1)
    judge = card.box(6.55, 1.1, "D, updated", "frozen", width=1.1)
    loss = card.box(8.8, 1.1, "cross-entropy", "loss", width=1.4)
    card.arrow(fake, judge)
    card.arrow(judge, loss, "logits", offset=(0, -0.13))
    card.arrow((8.8, 1.4), (2.65, 1.4), bend=-0.12, dashed=True, colour=BACK)
    card.text(6.5, 1.95, "5. update G: the gradient passes through D, D stays as it is", size=8.5, colour=BACK)
    card.legend("data", "network", "frozen", "loss")
    card.show()


def _data(card: Diagram, x: float, y: float, image: Tensor | None, text: str) -> Node:
    """A picture where there is one, else a box."""
    return card.box(x, y, text) if image is None else card.picture(x, y, image, text, size=0.7)


def _generated(card: Diagram, y: float, kind: Kind, text: str, *, label: int = 0) -> Node:
    """Draw z -> G -> B fakes at the height y, with a text below, and return the fakes."""
    z = card.box(0.8, y, "$z$", width=0.6)
    generator = card.box(2.65, y, "G", kind, width=0.9)
    fake = card.box(4.75, y, f"B fakes $G(z)$\nlabel {label}", width=1.3)
    card.arrow(z, generator)
    card.arrow(generator, fake)
    card.text(2.65, y - 0.52, text, size=8.5)
    return fake
