"""Chapter 03b: the right answers, with the parts that can be changed into wrong ones."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.optim import Optimizer

from gencourse.homework.ch03b import calls
from gencourse.homework.checking.check import Function
from gencourse.training.helpers import descend

Losses = dict[str, Tensor]


def summed(features: Tensor) -> Tensor:
    return features.sum((2, 3))


def projection_logit(
    features: Tensor,
    labels: Tensor,
    embedding: nn.Embedding,
    head: nn.Linear,
    *,
    pool: Function = summed,
    join: Function = lambda said, v, phi: said + (v * phi).sum(1),
) -> Tensor:
    """The right answer, or one with features pooled otherwise, or with head, label's vector and features joined so."""
    phi = pool(features)
    return join(head(phi)[:, 0], embedding(labels), phi)


class Parts(NamedTuple):
    """The parts of an auxiliary classifier's losses, each a mean over a batch."""

    real: Tensor  # D is wrong about real pictures
    fake: Tensor  # D is wrong about generated ones
    fooled: Tensor  # D is right about generated ones
    read_real: Tensor  # the class of real pictures is read wrongly
    read_fake: Tensor  # the class of generated ones is


def auxiliary_classifier_losses(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_classes: Tensor,
    fake_classes: Tensor,
    labels: Tensor,
    fake_labels: Tensor,
    *,
    judged: Function = lambda wrong: softplus(wrong).mean(),
    read: Function = F.cross_entropy,
    d: Callable[[Parts], Tensor] = lambda p: p.real + p.fake + p.read_real + p.read_fake,
    g: Callable[[Parts], Tensor] = lambda p: p.fooled + p.read_fake,
) -> Losses:
    """The right answer, or one with other sums of its parts (d, g), or with other parts."""
    parts = Parts(
        judged(-real_logits),
        judged(fake_logits),
        judged(-fake_logits),
        read(real_classes, labels),
        read(fake_classes, fake_labels),
    )
    return {"D": d(parts), "G": g(parts)}


def semi_supervised_loss(
    labelled: Tensor,
    labels: Tensor,
    unlabelled: Tensor,
    fake: Tensor,
    *,
    size: Function = lambda logits: logits.logsumexp(1),
    join: Function = lambda told, real, made: told + (real + made) / 2,
) -> Tensor:
    """The right answer, or one with another logit of "real" made of K, or with other sums of the three parts."""
    told = F.cross_entropy(labelled, labels)
    return join(told, softplus(-size(unlabelled)).mean(), softplus(size(fake)).mean())


def feature_matching(real: Tensor, fake: Tensor) -> Tensor:
    return (real.mean(0) - fake.mean(0)).square().sum()


def feature_matching_detached(real: Tensor, fake: Tensor) -> Tensor:
    """No gradient by the real features: G does not ask for it."""
    return feature_matching(real.detach(), fake)


def minibatch_discrimination(
    features: Tensor,
    T: Tensor,
    *,
    similar: Function = lambda apart: torch.exp(-apart.abs().sum(-1)),
    join: Function = lambda features, o: torch.cat([features, o], 1),
    itself: float = 0.0,
) -> Tensor:
    """The right answer, or one with another likeness of two rows (N, N, B, C), or another way to join.

    itself: how often a picture is compared with itself.
    """
    M = torch.einsum("na,abc->nbc", features, T)
    c = similar(M[:, None] - M)
    others = 1 - (1 - itself) * torch.eye(len(M)).to(c)
    return join(features, torch.einsum("ij,ij...->i...", others, c))


class Form(NamedTuple):
    """The two losses of an iteration: each the chapter's, or the one that stood in for it."""

    semi_supervised: Function
    matching: Function


FORMS = [  # nobody has to call the functions of the earlier tasks: what is written out is the chapter's loss
    Form(semi, match)
    for semi in (calls.other_semi_supervised_loss, semi_supervised_loss)
    for match in (calls.other_feature_matching, feature_matching)
]


def sgan_step(
    form: Form,
    x: Tensor,
    labels: Tensor,
    unlabelled: Tensor,
    G: nn.Module,
    D: calls.Judge,
    g: Optimizer,
    d: Optimizer,
    draw_z: Function,
) -> Losses:
    fake = G(draw_z(len(unlabelled))).detach()
    loss = descend(d, form.semi_supervised(D(x), labels, D(unlabelled), D(fake)))
    fake = G(draw_z(len(unlabelled)))
    return {"D": loss, "G": descend(g, form.matching(D.features(unlabelled), D.features(fake)))}


def paired_interval(with_trick: Tensor, without: Tensor, t: float) -> Tensor:
    gain = with_trick - without
    half = t * gain.std() / len(gain) ** 0.5
    return torch.stack([gain.mean() - half, gain.mean() + half])
