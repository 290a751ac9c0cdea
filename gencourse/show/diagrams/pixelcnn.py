"""The diagrams of chapter 05."""

import torch

from gencourse.networks.masked import causal_mask
from gencourse.show.diagrams.drawing import GREY, Diagram

SEEN, HIDDEN = torch.tensor([0.66, 0.8, 0.95]), torch.tensor([0.93, 0.93, 0.93])  # of a mask's ones and zeros


def belief_network() -> None:
    """Show p(x) as a fully visible belief network: every pixel has all earlier ones as parents."""
    card = Diagram(10, 1.9)
    nodes = [card.box(1.0 + 1.75 * i, 0.5, f"$x_{i + 1}$", width=0.62, height=0.5) for i in range(5)]
    for i, child in enumerate(nodes):
        for j, parent in enumerate(nodes[:i]):
            far = i - j > 1
            start = (parent.x + 0.1, parent.y + 0.25) if far else parent
            end = (child.x - 0.1, child.y + 0.25) if far else child
            card.arrow(start, end, bend=0.14 + 0.04 * (i - j) if far else 0.0)
    card.text(8.6, 0.5, "…", size=14)
    card.text(9.2, 1.3, "no hidden\nvariable", colour=GREY)
    card.show()


def masks() -> None:
    """Show both masks as they lie over a kernel of 5 x 5: 1 where it may look."""
    card = Diagram(10, 2.5)
    says = {
        "A": "mask A, in the first layer only:\nthe pixel itself is hidden",
        "B": "mask B, in all later layers:\nits own features are allowed",
    }
    for x0, (kind, text) in zip((2.4, 7.0), says.items(), strict=True):
        mask, side = causal_mask(kind, 5), 1.6
        picture = torch.where(mask.bool()[..., None], SEEN, HIDDEN).permute(2, 0, 1)
        card.picture(x0, 1.45, picture, size=side)
        for r in range(5):
            for c in range(5):
                at = x0 + (c - 2) * side / 5, 1.45 - (r - 2) * side / 5
                card.text(*at, f"{mask[r, c]:.0f}", bold=r == c == 2)
        card.text(x0, 0.33, text)
    card.text(4.7, 1.45, "$W' = W \\odot M$", size=12)
    card.show()


def gated_block() -> None:
    """Show one layer of the gated PixelCNN: the vertical stack, and the horizontal one that listens to it."""
    card = Diagram(10, 2.9)
    v, h = (card.box(0.7, y, f"${name}_{{l-1}}$", width=0.8) for y, name in ((2.4, "v"), (0.8, "h")))
    vertical = card.box(2.5, 2.4, "vertical conv.\nto 2 n channels", "network", width=1.5)
    gate_v = card.box(4.6, 2.4, "tanh(a) · σ(b)", width=1.4, height=0.5)
    v_next = card.box(9.3, 2.4, "$v_l$", width=0.8)
    horizontal = card.box(2.5, 0.8, "row conv., mask\nto 2 n channels", "network", width=1.5)
    link = card.box(4.6, 1.6, "what h may know,\nthen link: 1 × 1", "network", width=1.65, height=0.6)
    add = card.box(4.6, 0.8, "+", width=0.4, height=0.4)
    gate_h = card.box(6.1, 0.8, "tanh(a) · σ(b)", width=1.4, height=0.5)
    out = card.box(7.7, 0.8, "1 × 1, and\n+ $h_{l-1}$", "network", width=1.1)
    h_next = card.box(9.3, 0.8, "$h_l$", width=0.8)
    for way in ((v, vertical, gate_v, v_next), (h, horizontal, add, gate_h, out, h_next), (gate_v, link, add)):
        for start, end in zip(way, way[1:], strict=False):
            card.arrow(start, end)
    residual = "residual connection (in the paper and the package, not in the formula)"
    card.arrow((0.75, 0.5), (7.7, 0.5), residual, dashed=True, bend=-0.035, offset=(0.6, -0.22))
    card.legend("data", "network", x=7.0, y=1.55)
    card.show()


def training_and_drawing() -> None:
    """Show teacher forcing beside drawing: the true pixels go in, or those that were drawn so far."""
    card = Diagram(10, 2.5)
    card.text(2.4, 2.25, "training: teacher forcing, one pass", bold=True)
    card.text(7.5, 2.25, "drawing: one pass for each pixel", bold=True)
    true = card.box(0.75, 1.5, "true pixels\n$x_1 … x_n$", width=1.1)
    net = card.box(2.5, 1.5, "masked\nnetwork", "network", width=1.1)
    all_of_them = card.box(4.2, 1.5, "all n factors\n$p(x_i | x_{<i})$", width=1.3)
    loss = card.box(2.5, 0.5, "NLL", "loss", width=1.1, height=0.45)
    card.arrow(true, net)
    card.arrow(net, all_of_them)
    card.arrow(all_of_them, loss)
    card.arrow(true, loss)
    canvas = card.box(6.0, 1.5, "drawn pixels\n$x_1 … x_{i-1}$", width=1.2)
    again = card.box(7.6, 1.5, "the same\nnetwork", "network", width=1.1)
    one = card.box(9.25, 1.5, "one factor\n$p(x_i | x_{<i})$", width=1.3)
    draw = card.box(7.6, 0.5, "draw $x_i$, write it down", width=1.9, height=0.45)
    card.arrow(canvas, again)
    card.arrow(again, one)
    card.arrow(one, draw)
    card.arrow(draw, canvas, "next pixel", offset=(-0.4, -0.12))
    card.legend("data", "network", "loss", y=0.13)
    card.show()
