"""What enlarges pictures of any size: tile by tile, without a seam; with noise, again and again; with mixed weights."""

import copy
from collections.abc import Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from gencourse.expect import at_least, check_range, check_shape
from gencourse.methods.data_consistency import project_to_range
from gencourse.methods.sampling import Random, generators, normal, picture_seeds
from gencourse.networks.srgan import SMALLEST, SRGenerator

TILE = 192  # pixels of the small picture: with 7 blocks a tile costs 1.4 times what it gives, one of 64 2.3 times
Network = TypeVar("Network", bound=nn.Module)


def enlarge(
    image: Tensor,
    network: SRGenerator,
    *,
    noise: Tensor | None = None,
    consistent: bool = False,
    tile: int | None = None,
) -> Tensor:
    """Enlarge pictures of any size.

    Args:
        image: (B, 3, h, w) in [0, 1], sides of at least 4.
        network: What enlarges.
        noise: As `draw_noise` draws it; without it nothing is drawn at random.
        consistent: Move the result to the nearest picture whose block averages are those of `image`.
        tile: Side of what goes through the network at once, in pixels of `image`; None takes all of it.

    Returns:
        (B, 3, h * scale, w * scale) in [0, 1], where `image` is.

    Raises:
        ImageError: Another shape or range.
        ValueError: A tile of no pixel.
    """
    whole = max(check_shape(image, "pictures", "B", 3, "h", "w", least=SMALLEST).shape[2:])
    tile = whole if tile is None else tile
    return torch.cat(list(enlarged_strips(image, network, noise=noise, consistent=consistent, tile=tile)), 2)


def enlarged_strips(
    image: Tensor, network: SRGenerator, *, noise: Tensor | None = None, consistent: bool = False, tile: int = TILE
) -> Iterator[Tensor]:
    """Enlarge pictures and give the result from the top, a strip of rows at a time, so that it need never be whole.

    Every tile goes through the network with as much of its surroundings as decide about it, which are cut off again.
    So nothing depends on where tiles begin, and the memory needed does not grow with the picture's height.

    Args:
        image: (B, 3, h, w) in [0, 1], sides of at least 4.
        network: What enlarges.
        noise: As for `enlarge`; so are `consistent` and `tile`.
        consistent: Whether block averages shall be those of `image`.
        tile: Side of a tile, in pixels of `image`.

    Returns:
        Strips (B, 3, rows * scale, w * scale) in [0, 1], where `image` is; all but the last of `tile` rows.

    Raises:
        ImageError: Another shape or range, at once.
        ValueError: A tile of no pixel.
    """
    check_range(check_shape(image, "pictures", "B", 3, "h", "w", least=SMALLEST), 0, 1)
    at_least(1, tile=tile)
    h, w = image.shape[2:]
    if noise is not None:
        check_shape(noise, "noise", len(image), network.noise, h, w)
    return (
        torch.cat([_tile(image, network, noise, (top, left), tile, consistent) for left in range(0, w, tile)], 3)
        for top in range(0, h, tile)
    )


@torch.no_grad()
def _tile(
    image: Tensor, network: SRGenerator, noise: Tensor | None, corner: tuple[int, int], tile: int, consistent: bool
) -> Tensor:
    """Return what becomes of a tile: (B, 3, tile * scale, tile * scale), or less at the far borders."""
    sides, weight = tuple(image.shape[2:]), next(network.parameters())
    around = tuple(slice(max(0, at - network.reach), at + tile + network.reach) for at in corner)
    own = tuple(slice(at, min(at + tile, side)) for at, side in zip(corner, sides, strict=True))
    part = image[:, :, around[0], around[1]].to(weight) * 2 - 1
    drawn = None if noise is None else noise[:, :, around[0], around[1]].to(weight)
    y = (network(part, drawn) + 1) / 2
    rows, columns = (
        slice((mine.start - seen.start) * network.scale, (mine.stop - seen.start) * network.scale)
        for mine, seen in zip(own, around, strict=True)
    )
    y = y[:, :, rows, columns].to(image.device)
    return project_to_range(y, image[:, :, own[0], own[1]].to(y)) if consistent else y.clamp(0, 1)


def draw_noise(network: SRGenerator, x: Tensor, generator: Random = None) -> Tensor | None:
    """Draw the noise that a network takes beside small pictures.

    Args:
        network: What will get it.
        x: (B, 3, h, w).
        generator: On the CPU, one for all pictures or a list with one for each.

    Returns:
        (B, noise, h, w) where x is, or None for a network that takes no noise.
    """
    return normal((len(x), network.noise, *x.shape[2:]), generator).to(x) if network.noise else None


@torch.no_grad()
def interpolate_weights(a: Network, b: Network, share: float) -> Network:
    """Return a network whose weights lie between those of two: (1 - share) * a + share * b.

    It is meant for two networks of which one went on from the other; of two that began apart, the mean knows nothing.

    Args:
        a: Share 0 gives this one. Both stay as they are.
        b: Share 1 gives this one.
        share: From 0 to 1.

    Returns:
        A copy of a with other weights; buffers that are not floating point are a's.

    Raises:
        ValueError: The two have other weights, or weights of other shapes.

    Source: Wang et al. 2018, eq. 4.
    """
    ours, theirs = a.state_dict(), b.state_dict()
    if {k: v.shape for k, v in ours.items()} != {k: v.shape for k, v in theirs.items()}:
        raise ValueError("weights can be interpolated between two networks of one shape alone")
    between = copy.deepcopy(a)
    mixed = {k: torch.lerp(v, theirs[k].to(v), share) if v.is_floating_point() else v for k, v in ours.items()}
    between.load_state_dict(mixed)
    return between


def enlarge_often(
    image: Tensor,
    network: SRGenerator,
    count: int,
    *,
    generator: torch.Generator | None = None,
    seeds: Sequence[int] | Tensor | None = None,
    tile: int | None = None,
) -> Tensor:
    """Enlarge one picture several times, each time with new noise.

    Args:
        image: (1, 3, h, w) in [0, 1].
        network: What enlarges.
        count: How often.
        generator: On the CPU, where each draw's seed is drawn.
        seeds: `count` of them, in place of the generator's.
        tile: As for `enlarge`.

    Returns:
        (count, 3, h * scale, w * scale) in [0, 1]; each depends on its own seed alone.

    Raises:
        ImageError: Another shape or range.
        ValueError: Fewer than one, or seeds that are not `count`.
    """
    check_shape(image, "a picture", 1, 3, "h", "w", least=SMALLEST)
    own = generators(picture_seeds(count, generator, seeds))
    return torch.cat([enlarge(image, network, noise=draw_noise(network, image, one), tile=tile) for one in own])


def spread(pictures: Tensor) -> Tensor:
    """Return how much draws of one picture differ, pixel by pixel: what the network invented rather than knew.

    Args:
        pictures: (N, C, H, W), N draws of one picture, at least two.

    Returns:
        (1, 1, H, W): the standard deviation over the draws (divided by N - 1), its square averaged over the channels.

    Raises:
        ImageError: Another shape.
    """
    check_shape(pictures, "draws", "N", "C", "H", "W")
    at_least(2, draws=len(pictures))
    return pictures.var(0, keepdim=True).mean(1, keepdim=True).sqrt()
