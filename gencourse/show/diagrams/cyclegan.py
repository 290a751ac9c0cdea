"""The diagrams of chapter 04."""

from gencourse.show.diagrams.drawing import Diagram, Node


def cycles() -> None:
    """Show both cycles of CycleGAN: there with one generator and back with the other, judged in between."""
    card = Diagram(10, 4.5)
    _cycle(card, 3.8, ("a", "G", "F"), "B")
    _cycle(card, 1.75, ("b", "F", "G"), "A")
    card.legend("data", "network", "loss")
    card.show()


def _cycle(card: Diagram, y: float, names: tuple[str, str, str], kind: str) -> None:
    """One cycle: its picture, the generator there, the one back; kind: what the translation should look like."""
    x, there, back = names
    start = card.box(0.8, y, f"picture ${x}$", width=1.1)
    first = card.box(2.35, y, f"generator {there}", "network", width=1.3)
    fake = card.box(3.95, y, f"${there}({x})$", width=1.0)
    second = card.box(5.5, y, f"generator {back}", "network", width=1.3)
    again = card.box(7.1, y, f"${back}({there}({x}))$", width=1.1)
    cycle = card.box(8.95, y, f"cycle loss\n$|{back}({there}({x})) - {x}|$", "loss", width=1.7)
    judge = card.box(5.5, y - 0.85, f"discriminator $D_{kind}$", "network", width=1.5)
    real = card.box(3.95, y - 0.85, f"real ${kind.lower()}$", width=1.0)
    looks = card.box(7.6, y - 0.85, f"looks like {kind}?\n$(D_{kind}({there}({x})) - 1)^2$", "loss", width=1.7)
    for one, other in ((start, first), (first, fake), (fake, second), (second, again), (again, cycle)):
        card.arrow(one, other)
    for one, other in ((fake, judge), (real, judge), (judge, looks)):
        card.arrow(one, other)
    card.arrow((0.8, y + 0.28), (8.95, y + 0.3), bend=0.035)  # what comes back is compared with what went in


def generator() -> None:
    """Show what becomes of a picture in the generator of this chapter: smaller twice, changed, larger twice."""
    layers = {
        "7 × 7": (1.5, "64 × 64\n16 channels"),
        "3 × 3,\nstride 2": (1.15, "32 × 32\n32 channels"),
        "3 × 3,\nstride 2 ": (0.8, "16 × 16\n64 channels"),
        "residual\nblocks": (0.8, "16 × 16\n64 channels"),
        "transposed,\nstride 2": (1.15, "32 × 32\n32 channels"),
        "transposed,\nstride 2 ": (1.5, "64 × 64\n16 channels"),
        "7 × 7, tanh": (1.5, "64 × 64\n3 channels"),
    }
    _strip(card := Diagram(10, 2.5), layers, "64 × 64\n3 channels", 1.5)
    card.show()


def patches() -> None:
    """Show what becomes of a picture in the discriminator of this chapter: a map of logits, one a patch."""
    layers = {
        "4 × 4, stride 2": (1.15, "32 × 32\n32 channels"),
        "4 × 4, stride 2 ": (0.8, "16 × 16\n64 channels"),
        "4 × 4, stride 1": (0.75, "15 × 15\n128 channels"),
        "4 × 4, stride 1 ": (0.7, "14 × 14\n1 logit each"),
    }
    _strip(card := Diagram(10, 2.5), layers, "64 × 64\n3 channels", 1.5)
    card.show()


def _strip(card: Diagram, layers: dict[str, tuple[float, str]], given: str, tall: float) -> None:
    """Draw layers from left to right, each as tall as its pictures; what comes out of it stands below."""
    gap = 9.2 / (len(layers) + 0.5)
    before: Node = card.box(0.55, 1.55, "picture", height=tall, width=0.75)
    card.text(0.55, 0.4, given, size=8.5)
    for i, (name, (height, result)) in enumerate(layers.items()):
        x = 0.55 + gap * (i + 1)
        node = card.box(x, 1.55, name.strip(" "), "network", width=min(1.15, gap - 0.3), height=height)
        card.text(x, 0.4, result, size=8.5)
        card.arrow(before, node)
        before = node
