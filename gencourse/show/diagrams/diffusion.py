"""The diagrams of chapter 06: the two directions of the chain, the U-Net, and one of its blocks."""

import torch

from gencourse import data
from gencourse.methods.sampling import normal
from gencourse.show.diagrams.drawing import GREY, Diagram, Node


def chain() -> None:
    """Show the Markov chain: q adds noise and is fixed, p takes it away and is learned."""
    card, x = Diagram(10, 2.75), (0.9, 2.95, 5.0, 7.05, 9.1)
    names = ("$x_0$", "$x_{t-1}$", "$x_t$", "$x_{t+1}$", r"$x_T \sim N(0, I)$")
    digit = data.digits("test").signed()[3:4]
    noise = normal(digit.shape, torch.Generator().manual_seed(3))
    nodes = []
    for place, name, left in zip(x, names, (1.0, 0.75, 0.5, 0.25, 0.0), strict=True):
        picture = left**0.5 * digit + (1 - left) ** 0.5 * noise
        nodes.append(card.picture(place, 1.4, (picture.clamp(-1, 1) + 1) / 2, name))
    for i, (a, b) in enumerate(zip(nodes, nodes[1:], strict=False)):
        forward, back = ("$q(x_t | x_{t-1})$", r"$p_\theta(x_{t-1} | x_t)$") if i == 1 else (None, None)
        _between(card, a, b, 1.6, forward, 0.16)
        _between(card, b, a, 1.2, back, -0.17, dashed=False, colour="#2f6fb3")
        if i in (0, 3):
            card.text((a.x + b.x) / 2, 1.4, "...", size=13)
    card.text(5.0, 2.52, "forward process q: fixed, each step adds a little noise", colour="#1f2933")
    card.arrow((1.0, 2.3), (9.0, 2.3))
    card.text(5.0, 0.2, r"reverse process $p_\theta$: learned, each step takes a little noise away", colour="#2f6fb3")
    card.arrow((9.0, 0.45), (1.0, 0.45), colour="#2f6fb3")
    card.show()


def _between(card: Diagram, a: Node, b: Node, y: float, text: str | None, above: float, **look) -> None:
    """An arrow from one picture to the next at a height of its own, so that two can run side by side."""
    step = a.width / 2 if b.x > a.x else -a.width / 2
    card.arrow((a.x + step, y), (b.x - step, y), text, offset=(0, above), **look)


def unet() -> None:
    """Show the U-Net: down to few places, up again, across at each level, and the time that enters every block."""
    card, shapes = Diagram(10, 4.2), (("24 x 28 x 28", 3.3), ("48 x 14 x 14", 2.3), ("80 x 7 x 7", 1.3))
    down = [card.box(2.6 + 0.6 * i, y, shape, "network", width=1.3) for i, (shape, y) in enumerate(shapes)]
    up = [card.box(7.4 - 0.6 * i, y, shape, "network", width=1.3) for i, (shape, y) in enumerate(shapes)]
    middle = card.box(5.0, 0.5, "middle: 80 x 7 x 7", "network", width=1.6, height=0.45)
    x_t, answer = card.box(0.8, 3.3, "$x_t$\n1 x 28 x 28"), card.box(9.2, 3.3, "answer\n1 x 28 x 28")
    card.arrow(x_t, down[0])
    card.arrow(up[0], answer)
    for i, (a, b) in enumerate(zip(down, up, strict=True)):
        card.arrow(a, b, "skip: concatenated" if i == 0 else None, dashed=True, colour=GREY)
        if i:
            card.arrow(down[i - 1], a, "half" if i == 1 else None, offset=(-0.32, -0.03))
            card.arrow(b, up[i - 1], "double" if i == 1 else None, offset=(0.38, -0.03))
    card.arrow(down[2], middle)
    card.arrow(middle, up[2])
    card.text(5.0, 1.85, "self-attention at 7 x 7", size=8, colour=GREY)
    time = card.box(0.8, 1.9, "time t")
    mlp = card.box(0.8, 0.95, "sines, cosines,\ntwo layers", "network", width=1.35)
    card.arrow(time, mlp)
    told = card.box(2.35, 0.4, "scale and shift\nfor every block", width=1.35)
    card.arrow(mlp, told)
    for node in (down[1], down[2], middle):
        card.arrow(told, node, dashed=True)
    card.text(5.0, 4.0, "each blue box: a residual block, see the next diagram", size=8.5, colour=GREY)
    card.legend("data", "network", x=7.6)
    card.show()


def block() -> None:
    """Show the residual block: two convolutions, the second one's input scaled and shifted by the time."""
    card = Diagram(10, 2.5)
    x = card.box(0.65, 1.0, "x\n(B, C, H, W)", width=1.05)
    first = card.box(2.45, 1.0, "norm, SiLU,\nconv 3 x 3", "network", width=1.3)
    second = card.box(4.25, 1.0, "norm", "network", width=0.9)
    film = card.box(5.95, 1.0, "(1 + scale) h\n+ shift", width=1.35)
    third = card.box(7.7, 1.0, "SiLU,\nconv 3 x 3", "network", width=1.2)
    plus = card.box(9.2, 1.0, "+", width=0.5, height=0.5)
    emb = card.box(3.3, 2.1, "time vector", width=1.2, height=0.45)
    linear = card.box(5.95, 2.1, "linear", "network", width=0.9, height=0.45)
    for a, b in ((x, first), (first, second), (second, film), (film, third), (third, plus), (emb, linear)):
        card.arrow(a, b)
    card.arrow(linear, film, "2 C numbers", offset=(0.55, 0))
    card.arrow((0.65, 0.72), (9.2, 0.75), bend=-0.06, colour=GREY)
    card.text(7.0, 0.2, "shortcut: x itself, or a 1 x 1 convolution", size=8, colour=GREY)
    card.legend("data", "network", x=0.2)
    card.show()
