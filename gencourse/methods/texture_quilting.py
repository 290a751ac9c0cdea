"""Image quilting (Efros and Freeman 2001): a texture from blocks of the sample, cut where they differ least."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import at_least, check_sample
from gencourse.methods.texture_canvas import EQUAL
from gencourse.methods.texture_growing import Texture


def minimal_cut(error: Tensor) -> Tensor:
    """Find the cheapest way from the first row to the last, one column a row, at most one column aside at each step.

    Args:
        error: (n, width), zero or more.

    Returns:
        (n,) int64: the column of the way in each row. Of equal ways the leftmost end is taken, and the leftmost step.

    Source: Efros and Freeman 2001, sec. 2.1, dynamic programming.
    """
    cost = error.clone()  # of the cheapest way from the first row to each place
    for row in range(1, len(cost)):
        left, middle, right = F.pad(cost[row - 1], (1, 1), value=torch.inf).unfold(0, 3, 1).T
        cost[row] += torch.minimum(torch.minimum(left, middle), right)
    path = [int(cost[-1].argmin())]
    for row in range(len(cost) - 2, -1, -1):
        first = max(path[-1] - 1, 0)
        path.append(first + int(cost[row, first : path[-1] + 2].argmin()))
    return torch.tensor(path[::-1], device=error.device)


def quilt(
    sample: Tensor,
    size: int,
    *,
    block: int = 24,
    overlap: int = 6,
    tolerance: float = 0.1,
    best: bool = True,
    cut: bool = True,
    generator: torch.Generator | None = None,
) -> Texture:
    """Lay blocks of the sample row by row, each over the rims of those above and to the left.

    Args:
        sample: (1, C, h, w) in [0, 1].
        size: Pixels a side of the result.
        block: Side of a block.
        overlap: How far blocks lie over each other, less than half a block.
        tolerance: A block is drawn among those whose overlap differs at most (1 + tolerance) times as much as the best.
        best: False: any block, whatever its overlap.
        cut: Cut along the cheapest way through the overlap; False: straight.
        generator: Draws the blocks.

    Returns:
        The texture.

    Raises:
        ImageError: A sample that is none, is smaller than a block, or of one colour.
        ValueError: A size, block, overlap or tolerance that cannot be.

    Source: Efros and Freeman 2001, sec. 2.
    """
    at_least(1, size=size, overlap=overlap)
    if block <= 2 * overlap or tolerance < 0:
        given = f"{block}, {overlap} and {tolerance}"
        raise ValueError(f"block must be more than twice the overlap, tolerance at least 0; got {given}")
    _, _, h, w = check_sample(sample, block, f"a block of {block} pixels").shape
    blocks = F.unfold(sample, block)[0].T.reshape(-1, sample.shape[1], block, block)  # (P, C, b, b)
    step = block - overlap
    count = max(1, -(-(size - overlap) // step))  # blocks a side, the last ones partly beyond the size
    picture = sample.new_zeros(sample.shape[1], count * step + overlap, count * step + overlap)
    sources = torch.zeros(2, *picture.shape[1:], dtype=torch.int64, device=sample.device)
    rows, columns = (torch.arange(n, device=sample.device) for n in (h, w))
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))  # (2, h, w)
    for i in range(count * count):
        top, left = i // count * step, i % count * step
        area = (slice(None), slice(top, top + block), slice(left, left + block))
        there = picture[area]
        distances = overlap_distances(blocks, there, overlap, above=top > 0, beside=left > 0)
        near = torch.nonzero((distances <= (1 + tolerance) * distances.min() + EQUAL) | (not best))[:, 0]
        chosen = int(near[int(torch.randint(len(near), (), generator=generator, device="cpu"))])
        takes = taken(blocks[chosen], there, overlap, above=top > 0, beside=left > 0, cut=cut)
        row, column = chosen // (w - block + 1), chosen % (w - block + 1)
        picture[area] = torch.where(takes, blocks[chosen], there)
        sources[area] = torch.where(takes, places[:, row : row + block, column : column + block], sources[area])
    return Texture(picture[None, :, :size, :size].clone(), sources[:, :size, :size].clone())


def overlap_distances(blocks: Tensor, there: Tensor, overlap: int, *, above: bool, beside: bool) -> Tensor:
    """Return how much each block, (P, C, b, b), differs from what is there, (C, b, b), in the overlaps: (P,)."""
    found = blocks.new_zeros(len(blocks))
    if above:
        found += (blocks[:, :, :overlap] - there[:, :overlap]).square().sum((1, 2, 3))
    if beside:
        rest = slice(overlap if above else 0, None)  # the corner counts once
        found += (blocks[:, :, rest, :overlap] - there[:, rest, :overlap]).square().sum((1, 2, 3))
    return found


def taken(new: Tensor, there: Tensor, overlap: int, *, above: bool, beside: bool, cut: bool) -> Tensor:
    """Return which pixels of a new block, (C, b, b), are laid over what is there: (b, b), True right of and below cuts.

    Without a cut the new block lies over all of the overlap.
    """
    takes = torch.ones(new.shape[1:], dtype=torch.bool, device=new.device)
    columns = torch.arange(overlap, device=new.device)
    if beside and cut:
        path = minimal_cut((new - there)[:, :, :overlap].square().sum(0))
        takes[:, :overlap] &= columns >= path[:, None]
    if above and cut:
        path = minimal_cut((new - there)[:, :overlap].square().sum(0).T)
        takes[:overlap] &= (columns >= path[:, None]).T
    return takes
