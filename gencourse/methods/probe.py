"""What a discriminator has learned to see: its features under a linear classifier, as the DCGAN paper measured them."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.expect import at_least, check_labels, check_shape, within
from gencourse.modes import eval_mode

AT_ONCE = 500  # pictures
CANDIDATES = (0.1, 1.0, 10.0, 100.0)


@torch.no_grad()
def pooled_features(network: nn.Module, x: Tensor, grid: int = 4) -> Tensor:
    """Return the maps of every convolution, each max-pooled to a small grid and all joined into one row a picture.

    Args:
        network: With a sequence of layers `body`, as `dcgan.Discriminator` has; a block ends before the next
            convolution. It is asked in eval mode.
        x: (N, C, H, W), as the network takes them.
        grid: Side of what each map is pooled to.

    Returns:
        (N, features), float32 on the CPU.

    Raises:
        ImageError: x holds no such pictures.

    Source: Radford et al. 2016, sec. 5.1.
    """
    at_least(1, grid=grid)
    check_shape(x, "pictures", "N", "C", "H", "W")
    body, device, found = cast(nn.Module, network.body), next(network.parameters()).device, []
    with eval_mode(network):
        for part in x.split(AT_ONCE):
            pooled = [F.adaptive_max_pool2d(maps, grid).flatten(1) for maps in _blocks(body, part.to(device))]
            found.append(torch.cat(pooled, 1).float().cpu())
    return torch.cat(found)


def _blocks(body: nn.Module, x: Tensor) -> list[Tensor]:
    """What each convolution, with the layers that follow it, makes of x."""
    found, begun = [], False
    for layer in body.children():
        if isinstance(layer, nn.Conv2d) and begun:
            found.append(x)
        begun = begun or isinstance(layer, nn.Conv2d)
        x = layer(x)
    return [*found, x]


def fit_linear_svm(features: Tensor, labels: Tensor, *, c: float = 1.0, iterations: int = 300) -> nn.Linear:
    """Fit a linear support vector machine, each class against all others.

    It minimises `|w|^2 / 2 + c sum max(0, 1 - y (<w, f> + b))^2` for each class, y = 1 for its pictures, -1 for the
    rest. The features are first moved to a mean of 0 and scaled, all by one number, to a mean square length of 1.

    Args:
        features: (N, D), rows a picture.
        labels: (N,) int64, of at least two classes from 0 on.
        c: How much a picture on the wrong side of its margin costs.
        iterations: Of L-BFGS at most.

    Returns:
        A float64 linear layer from unscaled features to scores (N, K), the largest of which is the answer.

    Raises:
        ValueError: Another shape or type, c not above 0, a single class.

    Source: Radford et al. 2016, sec. 5.1; the squared hinge loss is that of Fan et al. 2008 (LIBLINEAR), eq. 2.
    """
    within(1e-9, c=c)
    check_labels(labels, 2, len(check_shape(features, "features", "N", "D")))
    if labels.min() < 0 or labels.max() < 1 or not features.isfinite().all():
        raise ValueError("a classifier needs finite features and labels from 0 on, of two classes at least")
    x, targets = features.detach().to("cpu", torch.float64), F.one_hot(labels.cpu()).double() * 2 - 1
    mean = x.mean(0)
    x = x - mean
    scale = x.square().sum(1).mean().sqrt().clamp(min=1e-12)
    x = x / scale
    w = torch.zeros(targets.shape[1], x.shape[1], dtype=torch.float64, requires_grad=True)
    b = torch.zeros(targets.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([w, b], max_iter=iterations, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        optimizer.zero_grad()
        loss = w.square().sum() / 2 + c * F.relu(1 - targets * F.linear(x, w, b)).square().sum()
        loss.backward()
        return loss

    optimizer.step(objective)  # pyright: ignore[reportArgumentType]: it wants a float, and takes a tensor
    made = nn.Linear(x.shape[1], len(b), dtype=torch.float64).requires_grad_(False)
    made.load_state_dict({"weight": w.detach() / scale, "bias": b.detach() - w.detach() @ mean / scale})
    return made


def choose_c(
    features: Tensor,
    labels: Tensor,
    candidates: Sequence[float] = CANDIDATES,
    *,
    folds: int = 5,
    generator: torch.Generator | None = None,
) -> float:
    """Choose c for `fit_linear_svm` on the labelled pictures alone: the one with the fewest errors on parts left out.

    Args:
        features: (N, D).
        labels: (N,) int64.
        candidates: What to choose from; of equals the first.
        folds: In so many parts the pictures are divided; each is left out once.
        generator: On the CPU, where they are divided.

    Raises:
        ValueError: As in `fit_linear_svm`, or fewer pictures than parts.
    """
    at_least(2, folds=folds)
    check_labels(labels, 2, len(check_shape(features, "features", "N", "D")))
    if folds > len(features):
        raise ValueError(f"{len(features)} pictures cannot be divided into {folds} parts")
    parts = torch.randperm(len(features), generator=generator, device="cpu").chunk(folds)

    def errors(c: float) -> int:
        wrong = 0
        for i, left_out in enumerate(parts):
            rest = torch.cat([part for j, part in enumerate(parts) if j != i])
            wrong += svm_errors(fit_linear_svm(features[rest], labels[rest], c=c), features[left_out], labels[left_out])
        return wrong

    return min(candidates, key=errors)


def svm_errors(svm: nn.Linear, features: Tensor, labels: Tensor) -> int:
    """Count how many of features (N, D) are put into another class than labels (N,) say."""
    return int((svm(features.double()).argmax(1) != labels).sum())


@torch.no_grad()
def error_count(network: nn.Module, x: Tensor, labels: Tensor) -> int:
    """Count the pictures that a network of class logits, or of a pair that ends with them, puts into a wrong class.

    Args:
        network: It is asked in eval mode.
        x: (N, C, H, W), as the network takes them.
        labels: (N,) int64.

    Raises:
        ValueError: Labels that are not one a picture.
    """
    check_labels(labels, 1, len(x))
    device, wrong = next(network.parameters()).device, 0
    with eval_mode(network):
        for part, told in zip(x.split(AT_ONCE), labels.split(AT_ONCE), strict=True):
            answer = network(part.to(device))
            logits = answer if isinstance(answer, Tensor) else answer[-1]
            wrong += int((logits.argmax(1).cpu() != told).sum())
    return wrong


def binomial_spread(errors: int, count: int) -> float:
    """Standard deviation of a number of errors that comes from having looked at `count` pictures and no others."""
    return (errors * (1 - errors / count)) ** 0.5
