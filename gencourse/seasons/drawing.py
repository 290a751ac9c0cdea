"""Drawing with tensors: a batch of canvases, soft-edged shapes from signed distances, and numbers drawn for each scene.

Coordinates run from 0 to 1, x to the right and y down. A shape is a signed distance in these units, negative inside;
its edge is one pixel soft, so that a scene looks the same at every size. Everything is vectorised over the batch.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

NUMBERS = {"dtype": torch.float32, "device": "cpu"}  # of colours: some are made when a module is first imported


class SeededDraws:
    """Random numbers of each scene, taken in order: every scene has its own seed, so its neighbours do not matter.

    Each call takes the next number of every scene. The order of the calls is the order of the numbers: it must not
    depend on what is drawn, or summer and winter would be different scenes.

    Args:
        seeds: B integers.
        count: numbers a scene.
    """

    def __init__(self, seeds: Sequence[int], count: int = 512):
        rows = [torch.rand(count, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        self.numbers, self.taken = torch.stack(rows), 0  # (B, count)

    def __call__(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Return one number a scene, uniform in [low, high): (B, 1, 1)."""
        return self.many(1, low, high)[:, :, None]

    def many(self, n: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Return n numbers a scene, uniform in [low, high): (B, n).

        Raises:
            IndexError: when a scene has no such number left.
        """
        self.taken += n
        if self.taken > self.numbers.shape[1]:
            raise IndexError(f"a scene has {self.numbers.shape[1]} numbers, {self.taken} were asked for")
        return low + (high - low) * self.numbers[:, self.taken - n : self.taken]

    def bernoulli(self, p: float) -> Tensor:
        """Return 1 with probability p, else 0, one a scene: (B, 1, 1)."""
        return (self() < p).float()

    def pick(self, colours: Sequence[str]) -> Tensor:
        """Return one of the colours for each scene: (B, 3, 1, 1)."""
        palette = torch.cat([colour(c) for c in colours])
        return palette[(self()[:, 0, 0] * len(colours)).long()]


class Canvas:
    """A batch of square pictures to paint on, and the coordinates of their pixels' centres.

    Args:
        rgb: (B, 3, S, S) in [0, 1].
        x: (B or 1, 1, S).
        y: (B or 1, S, 1).
        pixel: the side of a pixel.
    """

    def __init__(self, rgb: Tensor, x: Tensor, y: Tensor, pixel: float):
        self.rgb, self.x, self.y, self.pixel = rgb, x, y, pixel

    @classmethod
    def blank(cls, batch: int, size: int) -> "Canvas":
        """Return a black canvas of size x size pixels."""
        at = (torch.arange(size) + 0.5) / size
        return cls(torch.zeros(batch, 3, size, size), at[None, None], at[None, :, None], 1 / size)

    def inside(self, distance: Tensor, soft: float = 0.0) -> Tensor:
        """Return the share of each pixel that a shape covers.

        Args:
            distance: signed distance to the shape, (B, H, W).
            soft: width added to the edge.
        """
        return (0.5 - distance / (self.pixel + soft)).clamp_(0, 1)

    def paint(self, cover: Tensor, colours: Tensor) -> None:
        """Lay colours over the pictures.

        Args:
            cover: how much of each pixel is covered, (B, H, W) in [0, 1].
            colours: (B or 1, 3, H or 1, W or 1).
        """
        self.rgb.lerp_(colours.expand_as(self.rgb), cover[:, None].expand_as(self.rgb))

    @contextmanager
    def window(self, x: Tensor, y: Tensor, reach: float) -> Iterator["Canvas"]:
        """Give the square part of each picture around a point, to paint a small thing in less time.

        Args:
            x: of the point, (B, 1, 1).
            y: of the point, (B, 1, 1).
            reach: half the side; what lies outside the picture is cut off.
        """
        size = self.rgb.shape[-1]
        side = min(size, math.ceil(2 * reach * size) + 1)
        left, top = (((c[:, 0, 0] - reach) * size).floor().long().clamp(0, size - side) for c in (x, y))
        columns, rows = (start[:, None] + torch.arange(side) for start in (left, top))  # (B, side)
        flat = (rows[:, :, None] * size + columns[:, None, :]).view(-1, 1, side * side).expand(-1, 3, -1)
        pixels = self.rgb.flatten(2)
        part = pixels.gather(2, flat).view(-1, 3, side, side)
        yield Canvas(part, (columns[:, None] + 0.5) / size, (rows[:, :, None] + 0.5) / size, self.pixel)
        pixels.scatter_(2, flat, part.flatten(2))  # a view of rgb

    def dots(self, x: Tensor, y: Tensor, radius: Tensor, colours: Tensor, alpha: float = 1.0) -> None:
        """Paint n small round dots a picture.

        Args:
            x: of the centres, (B, n).
            y: of the centres, (B, n).
            radius: (B, n), 0 for no dot.
            colours: (B or 1, 3, n or 1).
            alpha: opacity in [0, 1].
        """
        size, reach = self.rgb.shape[-1], math.ceil(radius.max().item() / self.pixel) + 1
        step = torch.arange(-reach, reach + 1)
        column, row = ((c / self.pixel).floor().long()[:, :, None, None] for c in (x, y))
        column, row = column + step, row + step[:, None]  # (B, n, 1, k), (B, n, k, 1)
        opacity = alpha * (radius > 0)[:, :, None, None]
        dx = (column + 0.5) * self.pixel - x[:, :, None, None]
        dy = (row + 0.5) * self.pixel - y[:, :, None, None]
        cover = self.inside((dx**2 + dy**2).sqrt() - radius[:, :, None, None]) * opacity  # (B, n, k, k)
        cover = cover * ((column >= 0) & (column < size)) * ((row >= 0) & (row < size))
        places = (row.clamp(0, size - 1) * size + column.clamp(0, size - 1)).flatten(1)
        strength = torch.zeros(len(cover), size * size)
        strength.scatter_reduce_(1, places, cover.flatten(1), "amax")
        colours = colours.expand(len(cover), -1, x.shape[1])
        whose = torch.zeros_like(strength, dtype=torch.long)
        owner = torch.arange(x.shape[1])[None, :, None].expand(len(cover), -1, step.numel() ** 2).flatten(1)
        whose.scatter_reduce_(1, places, owner * (cover.flatten(1) > 0), "amax")  # of two on one pixel, the later
        chosen = colours.gather(2, whose[:, None].expand(-1, 3, -1)).view_as(self.rgb)
        self.paint(strength.view(-1, size, size), chosen)


def colour(code: str) -> Tensor:
    """Return the colour of "#rrggbb": (1, 3, 1, 1) in [0, 1]."""
    return torch.tensor([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)], **NUMBERS).view(1, 3, 1, 1)


def mix(a: Tensor, b: Tensor, t: Tensor | float) -> Tensor:
    """Return a where t is 0, b where it is 1, between them a mixture.

    Args:
        a: colours, (B or 1, 3, 1, 1).
        b: colours, (B or 1, 3, 1, 1).
        t: a number, (B, H, W), or of the colours' rank.
    """
    t = t[:, None] if isinstance(t, Tensor) and t.ndim == 3 else t
    return a + (b - a) * t


def disc(canvas: Canvas, x: Tensor, y: Tensor, radius: Tensor, flat: float = 1.0) -> Tensor:
    """Return the distance to a circle, or nearly to an ellipse `flat` times as high as wide."""
    return ((canvas.x - x) ** 2 + ((canvas.y - y) / flat) ** 2).sqrt() - radius


def box(u: Tensor, v: Tensor, left: float, right: float, low: float, high: float) -> Tensor:
    """Return the distance to a rectangle in the coordinates u and v."""
    return torch.maximum(
        (u - (left + right) / 2).abs() - (right - left) / 2, (v - (low + high) / 2).abs() - (high - low) / 2
    )


def wave(x: Tensor, frequency: Tensor | float, phase: Tensor) -> Tensor:
    """Return the sine of `frequency` periods over the picture, shifted by `phase` periods."""
    return torch.sin(2 * math.pi * (frequency * x + phase))
