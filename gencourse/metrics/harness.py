"""Samples measured the same way in every chapter: one call, one table row, in the features of a classifier.

Example::

    digits = checkpoints.load("digits")
    print(score(samples, data.digits("test").unit(), digits, split="digits:test"))

A classifier is a module that maps images (B, C, H, W) in [0, 1] to the pair features (B, D), logits (B, K) and has a
`name`. A Frechet distance in its features is called FID-<name>: never plain FID, which is one certain network's.
"""

from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from gencourse.expect import ImageError, check_range, check_shape, check_tensor
from gencourse.metrics import distances
from gencourse.metrics.scores import Scores
from gencourse.modes import eval_mode


class Features(NamedTuple):
    """What a classifier makes of N pictures, on the CPU: features (N, D), probabilities (N, K)."""

    features: Tensor
    probabilities: Tensor


def features(images: Tensor, classifier: nn.Module, batch_size: int = 100, *, show: bool = False) -> Features:
    """Run a classifier over images, in eval mode, where its weights are; its mode is put back.

    Args:
        images: (N, C, H, W) in [0, 1].
        classifier: As the module's text says.
        batch_size: How many at a time, which changes nothing but speed and memory.
        show: A progress bar.

    Returns:
        Features and probabilities, on the CPU.

    Raises:
        ImageError: Values outside [0, 1].
        ValueError: Shapes that the classifier does not take.
    """
    check_range(check_shape(images, "images", "N", "C", "H", "W"), 0, 1)
    device = next(chain(classifier.parameters(), classifier.buffers()), images).device
    found = []
    with eval_mode(classifier), torch.no_grad():
        for batch in tqdm(images.split(batch_size), desc=f"{classifier.name} features", disable=not show, leave=False):
            x, logits = classifier(batch.to(device, torch.float32))
            found.append((x.float().cpu(), logits.float().softmax(1).cpu()))
    return Features(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def score(
    samples: Tensor,
    reference: Tensor | Features,
    classifier: nn.Module,
    *,
    split: str = "the given reference",
    bootstrap: int = 0,
    generator: torch.Generator | None = None,
    batch_size: int = 100,
    show: bool = False,
) -> Scores:
    """Measure samples against reference pictures in a classifier's features.

    Frechet distance, inception score and the shares of classes are over all pictures; what asks for neighbours takes
    equal numbers, a fixed choice from the larger set.

    Args:
        samples: (N, C, H, W) in [0, 1], at least four.
        reference: The same, or what `features` made of them, to be used again.
        classifier: As the module's text says.
        split: What the reference is, told with the scores.
        bootstrap: How often everything is measured anew on pictures drawn with replacement, for the spread; neighbours
            are not sought anew, since a picture drawn twice would be its own.
        generator: Where these are drawn from.
        batch_size: How many pictures at a time.
        show: A progress bar.

    Raises:
        ImageError: Values outside [0, 1], or pictures of unequal size.
        ValueError: Too few pictures.
    """
    if bootstrap < 0 or bootstrap == 1:
        raise ValueError(f"bootstrap must be 0 or at least 2 times, got {bootstrap}")
    if not isinstance(reference, Tensor | Features):
        raise ImageError(f"expected reference pictures or their Features, got a {type(reference).__name__}")
    if isinstance(reference, Tensor) and reference.shape[1:] != check_tensor(samples).shape[1:]:
        shapes = f"{tuple(samples.shape[1:])} and {tuple(reference.shape[1:])}"
        raise ImageError(f"samples and reference must be pictures of one size, got {shapes}")
    fake = features(samples, classifier, batch_size, show=show)
    real = features(reference, classifier, batch_size, show=show) if isinstance(reference, Tensor) else reference
    measured = _Measured.of(fake, real)
    return Scores(
        **measured.numbers(),
        classes=len(fake.probabilities.argmax(1).unique()),
        n=len(fake.features),
        n_reference=len(real.features),
        n_neighbours=len(measured.votes_fake),
        split=split,
        classifier=str(classifier.name),
        spread=_spread(measured, bootstrap, generator) if bootstrap else {},
    )


def subsample_indices(count: int, n: int, generator: torch.Generator | None = None) -> Tensor:
    """Return some indices in their order, drawn at random since a set may be sorted or periodic.

    Args:
        count: They lie below this.
        n: How many.
        generator: Where they are drawn from; without one it is always the same choice.

    Raises:
        ValueError: n is above `count`.
    """
    if not 0 <= n <= count:
        raise ValueError(f"cannot take {n:,} of {count:,} pictures")
    return (
        torch.randperm(count, generator=generator or torch.Generator().manual_seed(0), device="cpu")[:n].sort().values
    )


class _Measured(NamedTuple):
    """Everything that is known picture by picture, so that scores are means over pictures or their moments."""

    fake: Features
    real: Tensor
    votes_real: Tensor
    votes_fake: Tensor
    recalled: Tensor
    precise: Tensor

    @classmethod
    def of(cls, fake: Features, real: Features) -> "_Measured":
        n = min(len(fake.features), len(real.features))
        a, b = (x.features[subsample_indices(len(x.features), n)] for x in (real, fake))
        recalled, precise = distances.in_manifold(a, b), distances.in_manifold(b, a)
        return cls(fake, real.features, *distances.neighbour_votes(a, b), recalled.double(), precise.double())

    def resampled(self, generator: torch.Generator | None) -> "_Measured":
        def draw(n: int) -> Tensor:
            return torch.randint(n, (n,), generator=generator, device="cpu")

        chosen = draw(len(self.fake.features))
        fake = Features(*(x[chosen] for x in self.fake))
        a, b = draw(len(self.votes_real)), draw(len(self.votes_fake))
        lists = (self.votes_real[a], self.votes_fake[b], self.recalled[a], self.precise[b])
        return _Measured(fake, self.real[draw(len(self.real))], *lists)

    def numbers(self) -> dict[str, float]:
        p = distances.check_probabilities(self.fake.probabilities)
        real, fake = self.votes_real.mean().item(), self.votes_fake.mean().item()
        return {
            "frechet": distances.frechet_distance(self.real, self.fake.features),
            "inception": distances.inception_score(p),
            "neighbours": (real + fake) / 2,
            "neighbours_real": real,
            "neighbours_fake": fake,
            "precision": self.precise.mean().item(),
            "recall": self.recalled.mean().item(),
            "confidence": p.max(1).values.mean().item(),
            "entropy": distances.class_entropy(p),
        }


def _spread(measured: _Measured, times: int, generator: torch.Generator | None) -> dict[str, float]:
    again = [measured.resampled(generator).numbers() for _ in range(times)]
    exact = {"dtype": torch.float64, "device": "cpu"}
    return {name: torch.tensor([numbers[name] for numbers in again], **exact).std().item() for name in again[0]}
