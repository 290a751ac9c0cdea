"""The picture that grows in `texture_growing`, and how many of its pixels are filled at once."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.methods.sampling import uniform

OF_WINDOW = 6.4  # the window's side in standard deviations of its Gaussian weight
EQUAL = 1e-6  # distances that differ by less are equal: so much is rounding


def gaussian_window(window: int) -> Tensor:
    """Return the weights of a window's pixels, (window, window), the largest in the middle, a sum of one."""
    steps = torch.arange(window, dtype=torch.float32, device="cpu") - window // 2
    line = (-0.5 * (steps * OF_WINDOW / window).square()).exp()
    weights = line[:, None] * line
    return weights / weights.sum()


class Canvas:
    """A picture that grows, with a margin of half a window, and the windows of the sample as rows of a matrix.

    Args:
        sample: (1, C, h, w) in [0, 1].
        size: Pixels a side of the result.
        window: Side of a window, odd.
        tolerance: As in `grow`.
        generator: Likewise.
    """

    def __init__(self, sample: Tensor, size: int, window: int, tolerance: float, generator: torch.Generator | None):
        self.size, self.window, self.tolerance, self.generator = size, window, tolerance, generator
        self.mean = sample[0].mean((1, 2), keepdim=True)
        self.sample = sample[0] - self.mean  # around zero, so that less is lost to rounding below
        windows = F.unfold(self.sample[None], window)[0]  # (C w w, P)
        self.windows = windows.contiguous()
        self.squares = windows.square().unflatten(0, (len(self.sample), -1)).sum(0)  # (w w, P)
        self.weights = gaussian_window(window).to(sample)
        margin, side = window // 2, size + window - 1
        self.inside = (slice(margin, margin + size), slice(margin, margin + size))
        self.pixels = sample.new_zeros(len(self.sample), side, side)
        self.known = sample.new_zeros(side, side)
        self.sources = torch.zeros(2, size, size, dtype=torch.int64, device=sample.device)

    def picture(self) -> Tensor:
        """Return the picture so far, (1, C, size, size) in [0, 1], black where nothing is yet."""
        return ((self.pixels[(slice(None), *self.inside)] + self.mean) * self.known[self.inside])[None].clamp(0, 1)

    def put(self, places: Tensor, sources: Tensor) -> None:
        """Copy pixels of the sample, (n, 2) rows and columns, to as many places of the result."""
        self.sources[:, places[:, 0], places[:, 1]] = sources.T
        rows, columns = (places + self.window // 2).T
        self.pixels[:, rows, columns] = self.sample[:, sources[:, 0], sources[:, 1]]
        self.known[rows, columns] = 1

    def plant(self, side: int) -> None:
        """Copy a square from a random place of the sample into the middle."""
        h, w = self.sample.shape[1:]
        corner = [torch.randint(n - side + 1, (), generator=self.generator, device="cpu") for n in (h, w)]
        steps = torch.arange(side, device=self.sources.device)
        square = torch.cartesian_prod(steps, steps)
        self.put(square + (self.size - side) // 2, square + torch.stack(corner).to(square))

    def border(self) -> Tensor:
        """Return the unknown places beside known ones, (n, 2), those with most known neighbours first.

        What is equal is shuffled. Source: Efros and Leung 1999, sec. 2.3.
        """
        known = self.known[self.inside]
        neighbours = F.avg_pool2d(known[None], 3, stride=1, padding=1, divisor_override=1)[0]
        places = torch.nonzero((neighbours > 0) & (known == 0))
        chance = uniform((len(places),), self.generator).to(neighbours)
        return places[(neighbours[places[:, 0], places[:, 1]] + chance).argsort(descending=True)]

    def fill(self, places: Tensor, chance: Tensor) -> None:
        """Fill places, (n, 2), all at once: each with the middle of a window of the sample drawn by its chance, (n,).

        The squares of a difference are taken apart, (s - x)^2 = s^2 - 2 s x + x^2, so that two products of matrices
        hold all distances.
        """
        steps = torch.arange(self.window, device=places.device)
        rows, columns = places[:, 0, None, None] + steps[:, None], places[:, 1, None, None] + steps
        weights = self.known[rows, columns] * self.weights  # (n, w, w)
        x = self.pixels[:, rows, columns].transpose(0, 1)  # (n, C, w, w)
        weighted = x * weights[:, None]
        distances = weights.flatten(1) @ self.squares - 2 * weighted.flatten(1) @ self.windows
        distances += (weighted * x).sum((1, 2, 3))[:, None]
        distances = (distances / weights.sum((1, 2))[:, None]).clamp(min=0)  # (n, P)
        near = distances <= (1 + self.tolerance) * distances.amin(1, keepdim=True) + EQUAL
        wanted = (chance.to(distances) * near.sum(1)).floor()[:, None]
        chosen = (near.cumsum(1) > wanted).int().argmax(1)  # the first past as many candidates as chance says
        wide, middle = self.sample.shape[2] - self.window + 1, self.window // 2
        self.put(places, torch.stack([chosen // wide, chosen % wide], 1) + middle)
