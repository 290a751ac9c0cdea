"""The diagram of chapter 99b."""

from gencourse.show.diagrams.drawing import Diagram


def line() -> None:
    """Show a picture on its way from a to b."""
    card = Diagram(10, 2.1)
    begin = card.box(1.0, 1.45, "picture a\nweight 0")
    between = card.box(5.0, 1.45, "x = (1 − w) a + w b")
    end = card.box(9.0, 1.45, "picture b\nweight 1")
    card.arrow(begin, between, "w")
    card.arrow(between, end, "1 − w")
    card.legend("data")
    card.show()
