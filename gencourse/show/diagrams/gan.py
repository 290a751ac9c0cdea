"""The diagrams of chapter 03."""

from gencourse.show.diagrams.drawing import Diagram


def game() -> None:
    """Show who sees what in a GAN: the generator draws from noise, the discriminator tells real from drawn."""
    card = Diagram(10, 2.6)
    z = card.box(0.9, 1.8, "noise\n$z \\sim N(0, I)$")
    generator = card.box(2.9, 1.8, "generator G", "network", width=1.4)
    fake = card.box(4.9, 1.8, "fake\n$G(z)$")
    real = card.box(4.9, 0.85, "real\n$x \\sim P$")
    discriminator = card.box(6.9, 1.33, "discriminator D", "network", width=1.5)
    loss = card.box(9.0, 1.33, "BCE with the\nlabels 1, 0", "loss", width=1.4)
    card.arrow(z, generator)
    card.arrow(generator, fake)
    card.arrow(fake, discriminator)
    card.arrow(real, discriminator)
    card.arrow(discriminator, loss, "$D(x)$", offset=(0, 0.13))
    card.arrow((8.6, 1.62), (3.1, 2.1), "G's gradient comes through D: it learns what D takes for real",
               dashed=True, bend=-0.12, offset=(0.2, 0.55))  # fmt: skip
    card.legend("data", "network", "loss")
    card.show()
