"""The diagrams of chapter 03b."""

from gencourse.show.diagrams.drawing import GREY, Diagram, Node


def where_y_enters() -> None:
    """Show three discriminators: the label beside the picture, as a projection, or named by D itself."""
    card = Diagram(10, 3.9)
    for x in (3.38, 6.72):
        card.axes.plot([x, x], [0.5, 3.7], color=GREY, linewidth=0.6)
    card.text(1.7, 3.65, "concatenation", bold=True)
    x, y = card.box(0.75, 2.85, "picture x", width=1.0), card.box(0.75, 2.05, "planes\nof label y", "lit", width=1.0)
    judge, logit = _judge(card, 2.45, 2.45), card.box(2.45, 1.2, "logit", width=0.8)
    card.arrow(x, judge)
    card.arrow(y, judge)
    card.arrow(judge, logit)
    card.text(1.7, 0.68, "y goes in beside x", size=8.5)
    card.text(5.05, 3.65, "projection", bold=True)
    x, judge = card.box(3.95, 2.95, "picture x", width=0.95), _judge(card, 5.3, 2.95, "D's layers")
    head = card.box(4.45, 1.95, "$\\langle w, f\\rangle$", "network", width=0.8)
    y = card.box(6.15, 1.95, "$\\langle v_y, f\\rangle$", "lit", width=0.9)
    logit = card.box(5.3, 1.2, "sum: logit", width=1.0)
    card.arrow(x, judge)
    card.arrow(judge, head, "f", offset=(-0.12, 0.08))
    card.arrow(judge, y, "f", offset=(0.12, 0.08))
    card.arrow(head, logit)
    card.arrow(y, logit)
    card.text(5.05, 0.68, "y chooses a vector $v_y$ that the features meet", size=8.5)
    card.text(8.4, 3.65, "auxiliary classifier", bold=True)
    x, judge = card.box(7.35, 2.95, "picture x", width=0.95), _judge(card, 8.75, 2.95, "D's layers")
    logit, named = card.box(7.8, 1.95, "logit", width=0.75), card.box(9.3, 1.95, "K class logits", width=1.15)
    loss = card.box(9.3, 1.2, "cross-entropy with y", "lit", width=1.4)
    card.arrow(x, judge)
    card.arrow(judge, logit)
    card.arrow(judge, named)
    card.arrow(named, loss)
    card.text(8.4, 0.68, "D is not told y, but has to name it", size=8.5)
    card.legend("data", "network")
    card.text(3.55, 0.22, "yellow: where the label y enters", size=8, colour=GREY)
    card.show()


def one_more_class() -> None:
    """Show what D is asked of a labelled, an unlabelled and a generated picture, with K + 1 answers."""
    card = Diagram(10, 3.5)
    z = card.box(0.7, 0.95, "noise z", width=0.9)
    maker = card.box(2.0, 0.95, "generator G", "network", width=1.15)
    fake = card.box(3.6, 0.95, "generated", width=1.2)
    few = card.box(3.6, 2.95, "labelled: 100", width=1.2)
    many = card.box(3.6, 1.95, "unlabelled:\nall others", width=1.2)
    judge = card.box(5.4, 1.95, "discri-\nminator D", "network", width=1.0, height=1.4)
    answers = card.box(6.95, 1.95, 'K logits,\nand a 0 for\n"generated"', width=1.15, height=0.85)
    named = card.box(8.9, 2.95, "the right one of K", "loss", width=1.6)
    real = card.box(8.9, 1.95, "any one of K", "loss", width=1.6)
    made = card.box(8.9, 0.95, "the last one", "loss", width=1.6)
    for start, end in ((z, maker), (maker, fake), (few, judge), (many, judge), (fake, judge), (judge, answers)):
        card.arrow(start, end)
    for end in (named, real, made):
        card.arrow(answers, end)
    card.text(8.9, 3.37, "labelled", size=8.5)
    card.text(8.9, 2.37, "unlabelled", size=8.5)
    card.text(8.9, 1.37, "generated", size=8.5)
    card.legend("data", "network", "loss")
    card.text(6.8, 0.3, "no label of an unlabelled picture goes in anywhere", size=8.5, colour=GREY)
    card.show()


def _judge(card: Diagram, x: float, y: float, text: str = "discri-\nminator D") -> Node:
    return card.box(x, y, text, "network", width=1.0)
