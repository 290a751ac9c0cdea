"""What real pictures get where samples are measured: the floor below which a distance tells nothing.

A Frechet distance depends on how many pictures are drawn and on how many of each class. So real ones are drawn just as
the samples were, several times, and each draw is compared with the real pictures that are left.
"""

import torch
from torch import Tensor

from gencourse.metrics.distances import frechet_distance
from gencourse.metrics.harness import Features


def draw_like(labels: Tensor, wanted: Tensor | int, generator: torch.Generator | None = None) -> Tensor:
    """Draw real pictures without replacement, of the classes that samples were asked for.

    Args:
        labels: (M,) int64, the classes of the real pictures.
        wanted: (N,) int64, the classes of the samples in their order (`torch.arange(N) % 10`: equally many of each), or
            a number N, where the samples' classes were left to chance.
        generator: On the CPU, where they are drawn from.

    Returns:
        (N,) int64, different indices into `labels`; the i-th has the class wanted[i].

    Raises:
        ValueError: More are asked for than there are, of a class or in all.
    """
    order = torch.randperm(len(labels), generator=generator, device="cpu")
    if isinstance(wanted, int):
        if not 0 < wanted <= len(labels):
            raise ValueError(f"cannot draw {wanted:,} of {len(labels):,} real pictures")
        return order[:wanted]
    drawn, classes = torch.empty(len(wanted), dtype=torch.int64, device="cpu"), labels[order]
    for label in wanted.unique().tolist():
        places, found = (wanted == label).nonzero()[:, 0], order[classes == label]
        if len(found) < len(places):
            raise ValueError(f"cannot draw {len(places):,} of the {len(found):,} real pictures of class {label}")
        drawn[places] = found[: len(places)]
    return drawn


def floor(
    reference: Features,
    labels: Tensor,
    wanted: Tensor | int,
    *,
    draws: int = 8,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Frechet distances that real pictures get when they are drawn as the samples are, to the real ones left over.

    Draw it as a band, from min() to max(). What lies in it the distance cannot tell from real pictures. It is a little
    strict with reality: the samples are compared with all of the reference, a draw with what is left of it.

    Args:
        reference: What `metrics.features` made of the real pictures.
        labels: (M,) int64, their classes.
        wanted: The classes of the samples, or their number, as for `draw_like`.
        draws: How often.
        generator: On the CPU.

    Returns:
        (draws,) float64.

    Raises:
        ValueError: Labels that are not one a picture, fewer than one draw, and as `draw_like`; nothing but one picture
            or none is left over.
    """
    if len(labels) != len(reference.features) or draws < 1:
        raise ValueError(f"{len(reference.features)} real pictures need a label each and at least one draw")
    found = []
    for _ in range(draws):
        drawn = draw_like(labels, wanted, generator)
        left = torch.ones(len(labels), dtype=torch.bool)
        left[drawn] = False
        found.append(frechet_distance(reference.features[left], reference.features[drawn]))
    return torch.tensor(found, dtype=torch.float64)
