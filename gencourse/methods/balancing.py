"""Classes with few pictures: how a set is unbalanced on purpose, and what can be done about it."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gencourse.expect import check_labels, check_shape


def unbalanced(labels: Tensor, keep: Mapping[int, int], *, generator: torch.Generator | None = None) -> Tensor:
    """Cut some classes down to a few pictures.

    Args:
        labels: (N,) int64.
        keep: How many pictures of a class are kept, by class; classes that are not named keep all.
        generator: On the CPU, where those that are kept are drawn.

    Returns:
        Indices into `labels`, in their order.

    Raises:
        ValueError: A class has fewer pictures than are to be kept, or none would be left.
    """
    order, kept = torch.randperm(len(labels), generator=generator, device="cpu"), torch.ones_like(labels).bool()
    for label, count in keep.items():
        found = order[labels[order] == label]
        if not 1 <= count <= len(found):
            raise ValueError(f"cannot keep {count} of the {len(found)} pictures of class {label}")
        kept[found[count:]] = False
    return kept.nonzero()[:, 0]


def class_counts(labels: Tensor, classes: int) -> Tensor:
    """Return how many pictures each class has, (classes,) int64.

    Raises:
        ValueError: A label is of no class, or a class has no picture: no weight and no copy helps it.
    """
    check_labels(labels, classes, len(check_shape(labels, "labels", "N", floating=False)), values=True)
    counts = labels.bincount(minlength=classes)
    if counts.min() < 1:
        raise ValueError(f"there is no picture of class {counts.argmin().item()}")
    return counts


def class_weights(labels: Tensor, classes: int = 10) -> Tensor:
    """Return weights for a loss, `F.cross_entropy(..., weight=...)`, by which every class counts as much: (classes,).

    Their mean over the pictures is 1.

    Args:
        labels: (N,) int64 in [0, classes).
        classes: How many there are.

    Raises:
        ValueError: A class has no picture.
    """
    return len(labels) / (classes * class_counts(labels, classes).float())


def sampling_weights(labels: Tensor, classes: int = 10) -> Tensor:
    """Return how likely each picture is to be drawn, (N,), so that every class comes as often; they sum to 1.

    Args and errors as in `class_weights`.
    """
    return (1 / (classes * class_counts(labels, classes).double()))[labels]


def oversampled(labels: Tensor, classes: int = 10, *, generator: torch.Generator | None = None) -> Tensor:
    """Repeat the pictures of smaller classes until every class has as many as the largest.

    Each picture of a class comes equally often, or once more than another.

    Args:
        labels: (N,) int64 in [0, classes).
        classes: How many there are.
        generator: On the CPU, where it is drawn which of them come once more.

    Returns:
        (classes * largest,) int64, indices into `labels`, class by class.

    Raises:
        ValueError: A class has no picture.
    """
    largest = int(class_counts(labels, classes).max())
    order, chosen = torch.randperm(len(labels), generator=generator, device="cpu"), []
    for label in range(classes):
        found = order[labels[order] == label]
        chosen.append(found.repeat(-(-largest // len(found)))[:largest])
    return torch.cat(chosen)


def read_right(logits: Tensor, labels: Tensor, least: float = 0.0) -> Tensor:
    """Return which pictures a classifier reads as what they were to be, and surely enough: (N,) bool.

    Args:
        logits: (N, K), the classifier's.
        labels: (N,) int64, what a generator was asked for.
        least: The least probability of that class.
    """
    surest = logits.softmax(1).max(1)
    return (surest.indices == labels) & (surest.values >= least)


def class_recall(answers: Tensor, labels: Tensor, classes: int = 10) -> Tensor:
    """Return for each class the share of its pictures that are put into it: (classes,) float64.

    Args:
        answers: (N,) int64, a classifier's.
        labels: (N,) int64 in [0, classes), the truth.
        classes: How many there are.

    Raises:
        ValueError: A class has no picture.
    """
    counts = class_counts(labels, classes)
    check_labels(answers, classes, len(labels))
    return labels[answers == labels].bincount(minlength=classes).double() / counts
