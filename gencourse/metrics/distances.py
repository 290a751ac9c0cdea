"""How far two sets of feature vectors lie apart: plain functions, computed in float64 on the CPU, in chunks.

Every set is (N, D): a row a picture, from any network. All raise ValueError for sets that are no such thing: other
shapes, unequal widths, too few rows, values that are not finite.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

CHUNK = 1000  # rows of a distance matrix held at once: 80 MB against 10,000
TIE = 1e-14  # squared distances that differ by less than this part of the largest squared norm are equal: rounding


class Nearest(NamedTuple):
    """For each picture its nearest: indices (N,) int64, Euclidean distances (N,)."""

    indices: Tensor
    distances: Tensor


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Distance of two Gaussians that have the sets' means m and covariances S, divided by N - 1 as everybody's are.

    `|m_a - m_b|^2 + Tr(S_a + S_b - 2 (S_a S_b)^(1/2))`. Fewer pictures give a larger distance: compare only those
    from equal numbers.

    Args:
        a: (N, D), at least two rows.
        b: (M, D), likewise; N and M may differ.

    Returns:
        At least 0, and 0 for identical sets.

    Source: Heusel et al. 2017, eq. 6.
    Differs from the usual code: with S = R'R the trace of the root is the sum of the singular values of R_a R_b', so no
    root of a matrix is taken, nothing becomes complex, and singular covariances cost no accuracy.
    """
    a, b = _sets(a, b)
    (mean_a, root_a), (mean_b, root_b) = _moments(a), _moments(b)
    traces = root_a.square().sum() + root_b.square().sum()
    cross = torch.linalg.svdvals(root_a @ root_b.T).sum()
    return max(0.0, ((mean_a - mean_b).square().sum() + traces - 2 * cross).item())


def inception_score(probabilities: Tensor) -> float:
    """`exp E KL(p(y | x) || p(y))`: how sure the classifier is of each picture, and how even the classes are.

    It knows nothing of real pictures, and a set of one perfect picture a class gets K.

    Args:
        probabilities: (N, K), rows that sum to one.

    Returns:
        A number from 1 to K.

    Source: Salimans et al. 2016, sec. 4.
    Differs from the paper: over all pictures at once, not the mean over ten parts of them.
    """
    p = check_probabilities(probabilities)
    mean = p.mean(0)
    divergence = torch.special.xlogy(p, p).sum(1).mean() - torch.special.xlogy(mean, mean).sum()
    return divergence.exp().clamp(1, p.shape[1]).item()  # rounding may leave the bounds


def class_entropy(probabilities: Tensor) -> float:
    """Entropy in nats of how often each class is the likeliest: ln K when all K come equally often, 0 for only one."""
    p = check_probabilities(probabilities)
    share = p.argmax(1).bincount(minlength=p.shape[1]).double() / len(p)
    return -torch.special.xlogy(share, share).sum().item() + 0.0  # not -0.0


def nearest_neighbour_accuracy(a: Tensor, b: Tensor) -> float:
    """How often a picture's nearest neighbour among all others is from its own set: ideal 0.5.

    Near 1 the sets lie apart. Below 0.5 pictures of one set sit beside pictures of the other: at 0 every picture has a
    copy on the other side. Neighbours equally near on both sides count one half.

    Args:
        a: (N, D), at least two rows.
        b: As many: for unequal numbers 0.5 would not be the ideal.

    Source: Lopez-Paz and Oquab 2017, with one neighbour.
    """
    return torch.cat(neighbour_votes(a, b)).mean().item()


def neighbour_votes(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """For each picture of a, and of b, 1 where its nearest neighbour is of its own set, 0 where not, 1/2 for a tie."""
    a, b = _sets(a, b)
    if len(a) != len(b):
        raise ValueError(f"the 1-NN test needs equal numbers, got {len(a)} and {len(b)}: take part of the larger set")
    votes, equal = [], _tie(a, b)
    for mine, other in ((a, b), (b, a)):
        gap = _kth(mine, other, 1) - _kth(mine, mine, 1, others=True)  # to the other set minus to one's own
        votes.append(torch.where(gap.abs() <= equal, 0.5, (gap > 0).double()))
    return votes[0], votes[1]


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """Precision: the share of fakes that lie among the real. Recall: the share of real that lie among the fakes.

    A picture lies among a set when it is no farther from one of its members than that member's k-th nearest neighbour
    in the set.

    Args:
        real: (N, D), more than k rows.
        fake: (M, D), likewise; the fewer a set has the wider its balls are, so equal numbers are fairer.
        k: Which neighbour.

    Source: Kynkaanniemi et al. 2019, eq. 1 and 2.
    """
    real, fake = _sets(real, fake)
    return in_manifold(fake, real, k).double().mean().item(), in_manifold(real, fake, k).double().mean().item()


def in_manifold(x: Tensor, members: Tensor, k: int = 3) -> Tensor:
    """Whether each of x, (N, D), lies within the k-th nearest neighbour's distance of one of the members: (N,) bool."""
    x, members = _sets(x, members)
    if not 1 <= k < len(members):
        raise ValueError(f"the {k} nearest neighbours of each need k of at least 1 and {k + 1} pictures or more")
    reach = _kth(members, members, k, others=True) + _tie(x, members)
    return torch.cat([(distances <= reach).any(1) for _, distances in _chunks(x, members)])


def nearest(x: Tensor, candidates: Tensor) -> Nearest:
    """Find for each of x the nearest of the candidates: pictures or features.

    Used to ask whether samples are copies: nearest(samples, training).indices.

    Args:
        x: (N, ...).
        candidates: (M, ...) of one kind with x.

    Returns:
        Indices and distances, (N,) each.
    """
    _check_tensors(x, candidates)
    if min(x.ndim, candidates.ndim) < 2 or x.shape[1:] != candidates.shape[1:]:
        raise ValueError(f"expected two sets of one kind, got {tuple(x.shape)} and {tuple(candidates.shape)}")
    x, candidates = _sets(x.flatten(1), candidates.flatten(1), least=1)
    indices = torch.cat([distances.argmin(1) for _, distances in _chunks(x, candidates)])
    exact = [(rows - candidates[i]).norm(dim=1) for rows, i in zip(x.split(CHUNK), indices.split(CHUNK), strict=True)]
    return Nearest(indices, torch.cat(exact))


def check_probabilities(p: Tensor) -> Tensor:
    """Return (N, K) in float64 on the CPU, or raise ValueError when the rows are no probabilities."""
    _check_tensors(p)
    if p.ndim != 2 or p.numel() == 0 or not p.is_floating_point():
        raise ValueError(f"expected probabilities (N, K), got {tuple(p.shape)} {p.dtype}")
    p = p.detach().to("cpu", torch.float64)
    if not (p.min() >= 0 and ((p.sum(1) - 1).abs() < 1e-3).all()):  # also false for NaN
        raise ValueError("expected rows of probabilities that sum to one: is a softmax missing?")
    return p


def _check_tensors(*sets: Tensor) -> None:
    for x in sets:
        if not isinstance(x, Tensor) or x.is_complex():
            got = x.dtype if isinstance(x, Tensor) else f"a {type(x).__name__}"
            raise ValueError(f"expected a tensor of real numbers, got {got}")


def _sets(a: Tensor, b: Tensor, least: int = 2) -> tuple[Tensor, Tensor]:
    """Both in float64 on the CPU and around b's mean, where a difference of squares loses least; checked before."""
    _check_tensors(a, b)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or a.shape[1] == 0:
        raise ValueError(f"expected two sets (N, D) of equal width D, got {tuple(a.shape)} and {tuple(b.shape)}")
    if min(len(a), len(b)) < least:
        raise ValueError(f"at least {least} pictures are needed on each side, got {len(a)} and {len(b)}")
    a, b = (x.detach().to("cpu", torch.float64) for x in (a, b))
    if not (a.isfinite().all() and b.isfinite().all()):
        raise ValueError("the sets hold values that are not finite")
    middle = b.mean(0)
    return a - middle, b - middle


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,), and R of at most D rows with R'R the covariance."""
    mean = x.mean(0)
    return mean, torch.linalg.qr((x - mean) / (len(x) - 1) ** 0.5, mode="r").R


def _kth(x: Tensor, y: Tensor, k: int, *, others: bool = False) -> Tensor:
    """Squared distance of each x to the k-th nearest y: (N,). others: both are one set, and none is near itself."""
    found = []
    for first, distances in _chunks(x, y):
        if others:
            distances.diagonal(first).fill_(torch.inf)
        found.append(distances.topk(k, dim=1, largest=False).values[:, -1])
    return torch.cat(found)


def _chunks(x: Tensor, y: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Squared distances of some rows of x to all of y, (at most CHUNK, M), each with the number of its first row."""
    squares = y.square().sum(1)
    for first in range(0, len(x), CHUNK):
        rows = x[first : first + CHUNK]
        distances = torch.addmm(squares, rows, y.T, alpha=-2).add_(rows.square().sum(1, keepdim=True))
        yield first, distances.clamp_(min=0)


def _tie(a: Tensor, b: Tensor) -> float:
    return TIE * max(x.square().sum(1).max().item() for x in (a, b))
