"""Draws on the CPU, and what every `sample_images` shares: one seed a picture, and one loop over batches.

A picture depends on its own seed alone: whatever it needs at random comes from a generator with that seed, on the CPU,
so that it is the same alone, in a batch of any size and on any device (up to rounding, where kernels differ).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gencourse.expect import at_least, check_labels, one_each

BATCH = 256  # pictures at a time
Random = torch.Generator | Sequence[torch.Generator] | None  # one for all pictures, one for each, or torch's own


def picture_seeds(
    n: int, generator: torch.Generator | None = None, seeds: Sequence[int] | Tensor | None = None
) -> list[int]:
    """Return a seed for each of n pictures: those given, else new ones of 63 bits.

    Args:
        n: how many pictures, at least 1.
        generator: on the CPU, where new seeds are drawn; None for torch's own. The first are the same whatever n.
        seeds: n whole numbers, to have pictures again.

    Raises:
        ValueError: n is below 1, or there are more or fewer seeds.
    """
    at_least(1, pictures=n)
    if seeds is None:
        return torch.randint(2**63 - 1, (n,), generator=generator, device="cpu").tolist()
    one_each(n, "seeds", seeds)
    return [int(seed) for seed in seeds]


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """Return a generator for each picture, on the CPU."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def normal(shape: Sequence[int], generator: Random = None, dtype: torch.dtype | None = None) -> Tensor:
    """Draw N(0, I) of a shape (B, ...) on the CPU, so that every device gets the same numbers.

    Args:
        shape: (B, ...).
        generator: one for all pictures, or a list with one for each of them.
        dtype: of the numbers, by default float32.

    Raises:
        ValueError: there are not B generators.
    """
    return _each(torch.randn, shape, generator, dtype)


def uniform(shape: Sequence[int], generator: Random = None, dtype: torch.dtype | None = None) -> Tensor:
    """Draw from [0, 1); the rest as in `normal`."""
    return _each(torch.rand, shape, generator, dtype)


def any_class(classes: int, seeds: Sequence[int]) -> Tensor:
    """Draw a class for each picture, all as likely: (B,) int64.

    Each comes from a generator apart, so that a picture is the same whether its class was drawn or asked for.
    """
    return torch.cat(
        [torch.randint(classes, (1,), generator=own, device="cpu") for own in generators([s ^ 1 for s in seeds])]
    )


def in_batches(
    draw: Callable[[list[int], Tensor | None], Tensor],
    seeds: list[int],
    labels: Tensor | None = None,
    classes: int | None = None,
    *,
    batch_size: int = BATCH,
    progress: Callable[[int], object] | None = None,
) -> Tensor:
    """Draw pictures a batch at a time and return them all, (n, C, H, W), on the CPU.

    Args:
        draw: (seeds, labels) -> pictures, for one batch.
        seeds: one a picture.
        labels: (n,) int64 in [0, classes), or None for any.
        classes: how many the network has.
        batch_size: how many pictures at a time.
        progress: called with the number of pictures after each batch.

    Raises:
        ValueError: labels that are not n, or unknown classes.
    """
    if labels is not None:
        check_labels(labels, classes, len(seeds), values=True)
    pictures = []
    for first in range(0, len(seeds), batch_size):
        part = slice(first, first + batch_size)
        pictures.append(draw(seeds[part], None if labels is None else labels[part]).cpu())
        if progress is not None:
            progress(len(pictures[-1]))
    return torch.cat(pictures)


def _each(draw: Callable[..., Tensor], shape: Sequence[int], generator: Random, dtype: torch.dtype | None) -> Tensor:
    kind = {"dtype": dtype or torch.float32, "device": "cpu"}  # whatever torch's defaults are
    if generator is None or isinstance(generator, torch.Generator):
        return draw(tuple(shape), generator=generator, **kind)
    one_each(shape[0], "generators", generator)
    return torch.stack([draw(tuple(shape[1:]), generator=own, **kind) for own in generator])
