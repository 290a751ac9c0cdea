"""One landscape from its numbers, painted from far to near: sky, hills, village, lake, the near hill."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gencourse.seasons.drawing import Canvas, SeededDraws, colour, disc, mix, wave
from gencourse.seasons.scenery import SNOW, cloud, fir, house, mountains, tree, treeline

Ridge = Callable[[Tensor], Tensor]


def scene(seeds: Sequence[int], winter: bool, size: int) -> Tensor:
    """Paint from far to near: (B, 3, size, size) in [0, 1].

    Every part takes its numbers in both seasons, or the next one would get others.
    """
    rng, canvas = SeededDraws(seeds), Canvas.blank(len(seeds), size)
    horizon = _sky(canvas, rng, winter)
    mountains(canvas, rng, winter)
    _haze(canvas, horizon, 0.50, 0.10, 0.55)
    far = _ridge(rng, 0.50, 0.03)
    treeline(canvas, rng, far(canvas.x), winter)
    _ground(canvas, rng, far, ("#7fae6a", "#6a9f5e"), ("#dfe7f2", "#c9d6e8"), winter)
    _haze(canvas, horizon, 0.52, 0.06, 0.25)
    middle = _ridge(rng, 0.585, 0.035)
    _ground(canvas, rng, middle, ("#9cc25a", "#78ad4a"), ("#f3f6fb", "#d3deee"), winter)
    _field(canvas, rng, middle, winter)
    _village(canvas, rng, middle, winter)
    _lake(canvas, rng, horizon, winter)
    near = _ridge(rng, 0.82, 0.045)
    _ground(canvas, rng, near, ("#86b648", "#4f8a37"), ("#fbfcfe", "#cad7ea"), winter)
    _path(canvas, rng, near, winter)
    _flowers(canvas, rng, near, winter)
    _grove(canvas, rng, near, winter)
    _snowfall(canvas, rng, winter)
    return canvas.rgb.clamp_(0, 1)


def _sky(canvas: Canvas, rng: SeededDraws, winter: bool) -> Tensor:
    """Sky, sun and clouds; the evening's warmth is seen in both seasons. Returns the colour at the horizon."""
    warm = rng() ** 2
    day, evening = (
        (("#7c9fcb", "#e6eff7"), ("#8d8fc0", "#f7d5c8")) if winter else (("#3d8fdb", "#d3ecf7"), ("#5b7fd0", "#ffd8a6"))
    )
    top, low = (mix(colour(a), colour(b), warm) for a, b in zip(day, evening, strict=True))
    canvas.paint(torch.ones_like(canvas.rgb[:, 0]), mix(top, low, (canvas.y / 0.52).clamp(0, 1)))
    sun = disc(canvas, rng(0.12, 0.88), rng(0.08, 0.24), rng(0.035, 0.05))
    glow = (-sun.clamp(min=0) / 0.12).exp()
    canvas.paint(glow * (0.45 if winter else 0.6), colour("#fff3e0" if winter else "#fff2b8"))
    canvas.paint(canvas.inside(sun, 0.008), colour("#fffaf0" if winter else "#fff6cf"))
    for _ in range(3):
        cloud(canvas, rng, winter)
    return low


def _haze(canvas: Canvas, tone: Tensor, y: float, spread: float, strength: float) -> None:
    canvas.paint((-(((canvas.y - y) / spread) ** 2)).exp() * strength, tone)


def _ridge(rng: SeededDraws, base: float, height: float) -> Ridge:
    """The upper edge of a hill: y for x, both (B, 1, W)."""
    level = base + rng(-0.02, 0.02)
    parts = [(rng(0.4, 0.9), rng(), 1.0), (rng(1.1, 2.0), rng(), 0.45), (rng(2.5, 4.0), rng(), 0.12)]
    return lambda x: level + height * sum(a * wave(x, f, p) for f, p, a in parts)


def _ground(
    canvas: Canvas, rng: SeededDraws, ridge: Ridge, grass: tuple[str, str], snow: tuple[str, str], winter: bool
) -> None:
    """A hill below its ridge, darker downwards, with a few soft hollows."""
    p, q, edge = rng(), rng(), ridge(canvas.x)
    top, low = (colour(c) for c in (snow if winter else grass))
    tone = mix(top, low, ((canvas.y - edge) / 0.22).clamp(0, 1))
    hollows = (wave(canvas.x + 0.6 * canvas.y, 2.3, p) * wave(canvas.y - 0.2 * canvas.x, 3.1, q)).clamp(min=0)
    tone = mix(tone, colour("#a9bfe0" if winter else "#2f6b2c"), hollows * 0.22)
    canvas.paint(canvas.inside(edge - canvas.y), tone)


def _field(canvas: Canvas, rng: SeededDraws, ridge: Ridge, winter: bool) -> None:
    """Rows of a crop that run to a point behind the hill; in winter stubble that does not tell which crop it was."""
    crop = rng.pick(("#e3c558", "#e9d35f", "#cdb650", "#a9c255", "#a07fd6"))
    vanish, side, wide, visible = rng(0.2, 0.8), rng(-1.2, 0.2), rng(0.8, 1.4), rng.bernoulli(0.75)
    u = (canvas.x - vanish) / (canvas.y - 0.40).clamp(min=0.02)
    cover = canvas.inside(((u - side - wide / 2).abs() - wide / 2) * 0.2)
    cover = cover * canvas.inside(ridge(canvas.x) + 0.012 - canvas.y, 0.01) * visible
    rows = 0.5 + 0.5 * torch.sin(u * 26)
    if winter:
        canvas.paint(cover * (0.10 + 0.22 * rows), colour("#a89c8f"))
    else:
        canvas.paint(cover * 0.9, mix(crop, mix(crop, colour("#3f7030"), 0.4), rows))


def _village(canvas: Canvas, rng: SeededDraws, ridge: Ridge, winter: bool) -> None:
    for _ in range(2):
        x, size, visible = rng(0.05, 0.95), rng(0.09, 0.16), rng.bernoulli(0.8)
        fir(canvas, rng, x, ridge(x) + 0.03, size, visible, winter)
    centre = rng(0.2, 0.8)
    for i in range(2):
        x, size, visible = centre + (i - 0.5) * rng(0.22, 0.34), rng(0.15, 0.20), rng.bernoulli(0.95 - 0.35 * i)
        house(canvas, rng, x, ridge(x) + rng(0.055, 0.09), size, visible, winter)
    x, size, visible = rng(0.05, 0.95), rng(0.14, 0.20), rng.bernoulli(0.8)
    tree(canvas, rng, x, ridge(x) + 0.06, size, visible, winter)


def _lake(canvas: Canvas, rng: SeededDraws, horizon: Tensor, winter: bool) -> None:
    """Water with ripples at the foot of the middle hill, or ice with snow blown over it."""
    visible, level, p = rng.bernoulli(0.5), rng(0.70, 0.735), rng()
    edge = level + 0.006 * wave(canvas.x, 1.7, p)
    depth = ((canvas.y - edge) / 0.14).clamp(0, 1)
    if winter:
        blown = (wave(canvas.x + 3 * canvas.y, 3.1, p) * wave(canvas.y, 9.0, p)).clamp(min=0)
        tone = mix(mix(colour("#cfe3ef"), colour("#a9c9de"), depth), SNOW, blown * 0.8)
    else:
        ripples = (wave(canvas.y, 26, p + 0.3 * wave(canvas.x, 1.3, p)) * wave(canvas.x, 2.1, p)).clamp(min=0)
        tone = mix(mix(colour("#5f9f86"), horizon, 0.25), colour("#3d86c4"), depth)
        tone = mix(tone, colour("#e8f6ff"), ripples * 0.5)
    canvas.paint(canvas.inside(edge - canvas.y) * visible, tone)
    shore = (1 - (canvas.y - edge).abs() / 0.012).clamp(0, 1)
    canvas.paint(shore * visible * 0.6, colour("#f4f7fb" if winter else "#d9cf9a"))


def _path(canvas: Canvas, rng: SeededDraws, ridge: Ridge, winter: bool) -> None:
    """A path from the lower edge over the near hill, wide in front and narrow behind."""
    start, end, bend, visible = rng(0.2, 0.8), rng(0.25, 0.75), rng(-0.15, 0.15), rng.bernoulli(0.7)
    s = ((1 - canvas.y) / (1 - ridge(end))).clamp(0, 1)  # 0 in front, 1 on the ridge
    middle = start + (end - start) * s + bend * torch.sin(torch.pi * s)
    beside = (canvas.x - middle).abs() - 0.075 * (1 - s) ** 1.2 - 0.012
    cover = canvas.inside(beside, 0.01) * canvas.inside(ridge(canvas.x) - canvas.y) * visible
    canvas.paint(cover * (0.55 if winter else 0.9), colour("#b7bccb" if winter else "#d9bf8c"))


def _flowers(canvas: Canvas, rng: SeededDraws, ridge: Ridge, winter: bool) -> None:
    x, low, radius = rng.many(36), rng.many(36), rng.many(36, 0.006, 0.011)
    hue, visible = rng.pick(("#ff6f91", "#fff3f0", "#ffd23f", "#c77dff", "#ff5c4d")), rng.bernoulli(0.8)[:, 0]
    if not winter:
        top = ridge(x[:, None])[:, 0] + 0.03
        y = top + (1 - top) * low
        nearness = (0.5 + 2.8 * (y - 0.75)).clamp(0.4, 1.2)
        canvas.dots(x, y, radius * nearness * visible, hue[..., 0], 0.95)


def _grove(canvas: Canvas, rng: SeededDraws, ridge: Ridge, winter: bool) -> None:
    """Firs on the near hill, and a large tree at one side of the picture."""
    for _ in range(3):
        x, down, size, visible = rng(0.02, 0.98), rng(0.02, 0.06), rng(0.16, 0.26), rng.bernoulli(0.6)
        fir(canvas, rng, x, ridge(x) + down, size, visible, winter)
    x, down, size, visible = (
        rng.bernoulli(0.5) * 0.62 + rng(0.06, 0.32),
        rng(0.06, 0.10),
        rng(0.36, 0.50),
        rng.bernoulli(0.85),
    )
    tree(canvas, rng, x, ridge(x) + down, size, visible, winter)


def _snowfall(canvas: Canvas, rng: SeededDraws, winter: bool) -> None:
    x, y, radius = rng.many(24), rng.many(24), rng.many(24, 0.004, 0.009)
    visible = rng.bernoulli(0.6)[:, 0]
    if winter:
        canvas.dots(x, y, radius * visible, colour("#ffffff")[..., 0], 0.85)
