"""How varied samples are inside a class, and whether they are of the class that was asked for.

A distance over all classes together cannot tell a generator that draws one picture a class very well from one that
draws many: here real and generated pictures are compared class by class, in a classifier's features.
"""

import torch
from torch import Tensor

from gencourse.expect import at_least, check_labels, check_shape
from gencourse.metrics.distances import check_probabilities, frechet_distance, precision_recall
from gencourse.metrics.floors import draw_like
from gencourse.metrics.harness import Features, subsample_indices


def label_accuracy(probabilities: Tensor, labels: Tensor) -> float:
    """Return how often a classifier finds in a picture the class that was asked for.

    Args:
        probabilities: (N, K), the classifier's.
        labels: (N,) int64 in [0, K), what the generator was asked for.

    Raises:
        ValueError: They are no probabilities, or no such labels.
    """
    p = check_probabilities(probabilities)
    check_labels(labels, p.shape[1], len(p), values=True)
    return (p.argmax(1) == labels.cpu()).double().mean().item()


def class_scores(real: Features, real_labels: Tensor, fake: Features, fake_labels: Tensor) -> dict[str, float]:
    """Return "label accuracy", and the means over the classes of "intra-class FID" and "intra-class recall".

    Args:
        real: What a classifier makes of N real pictures.
        real_labels: (N,) int64.
        fake: What it makes of M generated ones.
        fake_labels: (M,) int64, what was asked for.

    Raises:
        ValueError: As in `label_accuracy` and `intra_class_recall`.
    """
    both = real.features, real_labels, fake.features, fake_labels
    return {
        "label accuracy": label_accuracy(fake.probabilities, fake_labels),
        "intra-class FID": intra_class_frechet(*both).mean().item(),
        "intra-class recall": intra_class_recall(*both).mean().item(),
    }


def intra_class_frechet(real: Tensor, real_labels: Tensor, fake: Tensor, fake_labels: Tensor) -> Tensor:
    """Frechet distance of the real and the generated pictures of each class; its mean over classes is intra-class FID.

    Fewer pictures give a larger distance: compare only samples of equal numbers a class.

    Args:
        real: (N, D), features of real pictures.
        real_labels: (N,) int64.
        fake: (M, D), of generated ones.
        fake_labels: (M,) int64, what was asked for.

    Returns:
        (K,) float64, for the classes 0 to K - 1 that were asked for.

    Raises:
        ValueError: Labels that are not one a picture; fewer than two pictures of a class.

    Source: Miyato and Koyama 2018, sec. 5.1.
    """
    pairs = _by_class(real, real_labels, fake, fake_labels)
    return torch.tensor([frechet_distance(a, b) for a, b in pairs], dtype=torch.float64, device="cpu")


def intra_class_recall(real: Tensor, real_labels: Tensor, fake: Tensor, fake_labels: Tensor, k: int = 3) -> Tensor:
    """Share of the real pictures of each class that lie among its generated ones: how much of the class is drawn.

    Of both sides equal numbers are taken, a fixed choice from the larger.

    Args:
        real: As in `intra_class_frechet`, like the labels.
        real_labels: (N,) int64.
        fake: (M, D).
        fake_labels: (M,) int64.
        k: Which neighbour's distance reaches.

    Returns:
        (K,) float64.

    Raises:
        ValueError: As in `intra_class_frechet`; k pictures of a class or fewer.

    Source: Kynkaanniemi et al. 2019, eq. 2, within a class.
    """
    found = []
    for a, b in _by_class(real, real_labels, fake, fake_labels):
        n = min(len(a), len(b))
        a, b = (x[subsample_indices(len(x), n)] for x in (a, b))
        found.append(precision_recall(a, b, k)[1])
    return torch.tensor(found, dtype=torch.float64, device="cpu")


def intra_class_floor(
    real: Tensor, labels: Tensor, wanted: Tensor, *, draws: int = 8, generator: torch.Generator | None = None
) -> Tensor:
    """Mean intra-class Frechet distances of real pictures that are drawn as the samples are, to those left over.

    Args:
        real: (N, D), features of real pictures.
        labels: (N,) int64.
        wanted: (M,) int64, the classes that the samples were asked for.
        draws: How often.
        generator: On the CPU.

    Returns:
        (draws,) float64.

    Raises:
        ValueError: More are asked for of a class than there are, or fewer than two of it are left over.
    """
    at_least(1, draws=draws)
    found = []
    for _ in range(draws):
        drawn = draw_like(labels, wanted, generator)
        left = torch.ones(len(labels), dtype=torch.bool, device="cpu")
        left[drawn] = False
        found.append(intra_class_frechet(real[left], labels[left], real[drawn], wanted).mean())
    return torch.stack(found)


def _by_class(real: Tensor, real_labels: Tensor, fake: Tensor, fake_labels: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return real and generated features of each class that was asked for, from 0 on."""
    for x, labels in ((real, real_labels), (fake, fake_labels)):
        check_labels(labels, 1, len(check_shape(x, "features", "N", "D")))
    classes = int(fake_labels.max()) + 1
    check_labels(fake_labels, classes, len(fake), values=True)
    if 2 * classes > len(fake):
        raise ValueError(f"{classes} classes need at least 2 pictures each, got {len(fake)} in all")
    return [(real[real_labels == c], fake[fake_labels == c]) for c in range(classes)]
