"""What stands in a landscape of `seasons`: clouds, mountains, trees, firs, houses, in summer and in winter."""

import torch
from torch import Tensor

from gencourse.seasons.drawing import Canvas, SeededDraws, box, colour, disc, mix, wave

SNOW, SNOW_SHADE = colour("#f7f9fd"), colour("#b9c9e2")
CROWNS = ("#4f9a3d", "#3f8a45", "#6dab3a", "#85b545", "#5c8f2e", "#3c7d3a", "#a3ad3c", "#a8574a")
WALLS = ("#f2e3c6", "#b5473a", "#e8b96a", "#f5f1ea", "#7fa3bd")
ROOFS = ("#a8452f", "#7d3a2c", "#5d6672", "#c4693f")


def cloud(canvas: Canvas, rng: SeededDraws, winter: bool) -> None:
    """A heap of circles with a flat base."""
    x, y, width, visible = rng(0.05, 0.95), rng(0.06, 0.26), rng(0.12, 0.24), rng.bernoulli(0.8)
    balls = []
    for i in range(5):
        at = x + width * ((i - 2) / 4.2 + (rng() - 0.5) * 0.1)
        radius = width * (0.30 - 0.055 * abs(i - 2)) * (0.75 + 0.5 * rng())
        balls.append(disc(canvas, at, y - radius * 0.35, radius))
    shape, base = torch.stack(balls).amin(0), y + 0.02 * width
    cover = canvas.inside(torch.maximum(shape, canvas.y - base), 0.012)
    depth = ((base - canvas.y) / (0.4 * width)).clamp(0, 1)
    light, dark = ("#eff2f7", "#c2ccd9") if winter else ("#ffffff", "#cfe0ee")
    canvas.paint(cover * visible * (0.8 if winter else 0.93), mix(colour(dark), colour(light), depth))


def mountains(canvas: Canvas, rng: SeededDraws, winter: bool) -> None:
    """A range of five peaks with a lit and a shaded side; snow on the tops in summer, all over in winter."""
    n = 5
    at = (torch.arange(n) + 0.5) / n + rng.many(n, -0.1, 0.1)  # (B, n)
    top, slope = rng.many(n, 0.24, 0.42), rng.many(n, 0.75, 1.25)
    hue, p = rng(), rng()
    rough = 0.010 * wave(canvas.x, 7, p) + 0.005 * wave(canvas.x, 19, 2 * p)
    ridges = top[:, :, None, None] + slope[:, :, None, None] * (canvas.x[:, None] - at[:, :, None, None]).abs()
    ridge, which = ridges.min(1)  # (B, 1, S)
    ridge = ridge + rough
    peak_x, peak_y = (t.gather(1, which[:, 0]).unsqueeze(1) for t in (at, top))
    down = canvas.y - peak_y
    jag = 0.014 * wave(canvas.y, 9, p) + 0.007 * wave(canvas.y, 21, p)
    shaded = canvas.inside(peak_x - canvas.x + 0.25 * down * (hue - 0.3) + jag, 0.012)
    shaded = 0.5 + (shaded - 0.5) * (1.15 - 5 * down).clamp(0, 1)  # towards the valleys both sides are one
    lit, dark = ("#e9eef6", "#a3b4d0") if winter else ("#94a9c4", "#7189ad")
    tone = mix(colour(lit), colour(dark), shaded)
    if not winter:
        cap = canvas.inside(down - 0.05 - 0.15 * (0.36 - peak_y) + 0.014 * wave(canvas.x, 15, p) + jag, 0.01)
        tone = mix(tone, mix(colour("#f3f6fa"), colour("#c5d2e4"), shaded), cap * 0.9)
    canvas.paint(canvas.inside((ridge - canvas.y) * 0.75), tone)


def treeline(canvas: Canvas, rng: SeededDraws, ridge: Tensor, winter: bool) -> None:
    """A forest edge of small firs along a ridge, (B, 1, S): two combs of triangles, each tooth of its own height."""
    for size in (0.052, 0.038):
        heights, shift = rng.many(32, 0.35, 1.0), rng()
        cell = canvas.x / (size * 0.62) + shift * 7
        index = cell.floor().long() % 32
        tall = heights.gather(1, index[:, 0]).unsqueeze(1) * size
        top = ridge + 0.012 - tall * (1 - 2 * (cell - cell.floor() - 0.5).abs())
        dark, light = ("#5b7086", "#dfe7f1") if winter else ("#3b6a55", "#5b8c5f")
        depth = ((canvas.y - top) / 0.03).clamp(0, 1)
        canvas.paint(canvas.inside((top - canvas.y) * 0.45), mix(colour(light), colour(dark), depth))


def shadow(canvas: Canvas, x: Tensor, y: Tensor, radius: Tensor, visible: Tensor, winter: bool) -> None:
    """The soft dark spot under a thing on the ground."""
    cover = canvas.inside(disc(canvas, x, y, radius, 0.25), 0.03)
    canvas.paint(cover * visible * 0.45, colour("#8fa5cb" if winter else "#2f5a2c"))


def tree(
    canvas: Canvas, rng: SeededDraws, x: Tensor, base: Tensor, size: Tensor, visible: Tensor, winter: bool
) -> None:
    """A broad-leaved tree: a crown in three tones in summer, bare with snow on its branches in winter."""
    tint, bend, p = rng.pick(CROWNS), rng(-0.12, 0.12), rng()
    jitter = rng.many(8, -0.04, 0.04)[:, :, None, None]
    with canvas.window(x, base - 0.5 * size, 0.62 * size.max().item() + 0.03) as part:
        shadow(part, x + 0.05 * size, base, 0.34 * size, visible, winter)
        up = (base - part.y) / size  # 0 at the foot, 1 at the top
        across = (part.x - x) / size - bend * up**2
        trunk = torch.maximum(across.abs() - 0.045 * (1.35 - up), torch.maximum(-up, up - 0.62)) * size
        bark = colour("#5d4a45" if winter else "#6b4a30")
        balls = ((0.0, 0.60, 0.24), (-0.19, 0.52, 0.17), (0.19, 0.53, 0.17), (0.02, 0.80, 0.17))

        def crown(dx: float, dy: float, shrink: float) -> Tensor:
            """Distance to the crown, moved and made smaller, with a leafy edge."""
            shapes = [
                ((across - (cx + dx + jitter[:, 2 * i])) ** 2 + (up - (cy + dy + jitter[:, 2 * i + 1])) ** 2).sqrt()
                - r * shrink
                for i, (cx, cy, r) in enumerate(balls)
            ]
            leaves = 0.014 * wave(across, 5.3, p) * wave(up, 5.9, 2 * p)
            return (torch.stack(shapes).amin(0) + leaves) * size

        if winter:
            part.paint(part.inside(crown(0, 0, 1.0), 0.02) * visible * 0.30, colour("#8d8596"))
            branches = _branches(across, up, p) * size
            part.paint(part.inside(_branches(across, up - 0.022, p) * size, 0.004) * visible * 0.9, SNOW)
            part.paint(part.inside(trunk) * visible, bark)
            part.paint(part.inside(branches + 0.002) * visible * 0.85, bark)
        else:
            part.paint(part.inside(trunk) * visible, bark)
            for (dx, dy, shrink), (shade, tone) in zip(
                ((0, 0, 1.0), (-0.03, 0.035, 0.82), (-0.06, 0.075, 0.52)),
                (("#173d1f", 0.38), ("#173d1f", 0.06), ("#fdf6a8", 0.30)),
                strict=True,
            ):
                part.paint(part.inside(crown(dx, dy, shrink), 0.006) * visible, mix(tint, colour(shade), tone))


def _branches(across: Tensor, up: Tensor, p: Tensor) -> Tensor:
    """Distance to a fan of bending branches that fork further out; in units of the tree's height."""
    dx, dy = across, up - 0.36
    r = (dx**2 + dy**2).sqrt().clamp(min=1e-4)
    angle = torch.atan2(dx, dy) + 0.16 * wave(r, 2.2, p)
    reach = 0.56 - 0.11 * angle.abs()
    out = torch.maximum(r - reach, (angle.abs() - 1.3) * r)
    distance = None
    for spacing, start, thick in ((0.52, 0.0, 0.030), (0.26, 0.2, 0.018)):
        a = angle / spacing + p
        near = (a - a.round()).abs() * spacing * r - thick * (1.05 - r / reach)
        near = torch.maximum(near, start - r)
        distance = near if distance is None else torch.minimum(distance, near)
    return torch.maximum(distance, out)


def fir(canvas: Canvas, rng: SeededDraws, x: Tensor, base: Tensor, size: Tensor, visible: Tensor, winter: bool) -> None:
    """A fir of four tiers; snow on each of them in winter."""
    tint, p, slim = rng.pick(("#2f6b4a", "#2a5f52", "#3b7546")), rng(), rng(0.8, 1.1)
    with canvas.window(x, base - 0.5 * size, 0.58 * size.max().item() + 0.03) as part:
        shadow(part, x + 0.04 * size, base, 0.26 * size, visible, winter)
        up, across = (base - part.y) / size, (part.x - x) / size
        trunk = torch.maximum(across.abs() - 0.035, torch.maximum(-up, up - 0.2)) * size
        part.paint(part.inside(trunk) * visible, colour("#5b4231"))
        tint = mix(tint, colour("#3d5a66"), 0.45) if winter else tint
        for low, high, wide in ((0.10, 0.50, 0.29), (0.30, 0.70, 0.235), (0.50, 0.86, 0.18), (0.68, 1.0, 0.125)):
            fall = (high - up) / (high - low)
            edge = low + 0.02 * wave(across, 6, p + low) + 0.25 * across.abs() * (high - low)
            shape = torch.maximum((across.abs() - wide * slim * fall) * 0.8, edge - up) * size
            cover = part.inside(shape) * visible
            side = part.inside((across + 0.01) * size, 0.02)  # 1 on the lit, left side
            part.paint(cover, mix(mix(tint, colour("#10262b"), 0.35), mix(tint, colour("#e8f0a0"), 0.14), side))
            if winter:
                white = part.inside((0.24 + 0.10 * wave(across, 7, p + high) - (1 - fall)) * (high - low) * size, 0.004)
                part.paint(cover * white, mix(SNOW_SHADE, SNOW, side))


def house(
    canvas: Canvas, rng: SeededDraws, x: Tensor, base: Tensor, size: Tensor, visible: Tensor, winter: bool
) -> None:
    """A house seen from a corner; in winter snow hides the roof but for its edge, and the windows are lit."""
    wall, roof, facing = rng.pick(WALLS), rng.pick(ROOFS), rng.bernoulli(0.5) * 2 - 1
    with canvas.window(x, base - 0.4 * size, 0.72 * size.max().item() + 0.03) as part:
        shadow(part, x, base, 0.6 * size, visible, winter)
        u, v = (part.x - x) / size * facing, (base - part.y) / size

        def fill(distance: Tensor, tone: Tensor, alpha: float = 1.0) -> None:
            part.paint(part.inside(distance * size) * visible * alpha, tone)

        wall = mix(wall, colour("#9aa6c4"), 0.18) if winter else wall
        gable = torch.maximum((u + 0.275).abs() * 0.77 + (v - 0.66) * 0.64, -v)
        front = torch.minimum(box(u, v, -0.5, -0.05, 0, 0.38), torch.maximum(gable, 0.36 - v))
        plane = torch.maximum((v - 0.51).abs() - 0.16, (u - 0.27 + 0.8 * (v - 0.35)).abs() * 0.78 - 0.232)
        left = torch.maximum(((u + 0.275) * 0.64 - (v - 0.66) * 0.77).abs() - 0.03, (u + 0.40).abs() - 0.17)
        fill(box(u, v, 0.13, 0.22, 0.5, 0.82), colour("#8a5a4a"))
        fill(box(u, v, -0.06, 0.5, 0, 0.4), mix(wall, colour("#3a3550"), 0.22))
        fill(front, wall)
        fill(box(u, v, -0.33, -0.21, 0, 0.24), colour("#6d4a35"))
        fill(plane, roof)
        fill(left, mix(roof, colour("#201818"), 0.2))
        if winter:
            fill(torch.maximum(plane, 0.41 - v), mix(SNOW, SNOW_SHADE, 0.15))
            fill(torch.maximum(left + 0.008, u + 0.27), SNOW)
            fill(box(u, v, 0.11, 0.24, 0.80, 0.86), SNOW)
            for i in range(3):
                puff = ((u - 0.19 - 0.05 * i**1.5) ** 2 + (v - 0.92 - 0.08 * i) ** 2).sqrt() - 0.035 - 0.02 * i
                part.paint(part.inside(puff * size, 0.02) * visible * (0.5 - 0.12 * i), colour("#8f95ab"))
        glass = colour("#ffcf5e" if winter else "#44617c")
        for middle in (0.09, 0.33):
            fill(box(u, v, middle - 0.055, middle + 0.055, 0.13, 0.27), glass)
        fill(box(u, v, -0.33, -0.22, 0.36, 0.47), glass)
        if winter:
            glow = (-((u - 0.2) ** 2 + (v - 0.15) ** 2) / 0.06).exp() - 0.02
            glow = glow.clamp(min=0)  # nothing at the window's edge
            part.paint(glow * visible * 0.3, colour("#ffb347"))
