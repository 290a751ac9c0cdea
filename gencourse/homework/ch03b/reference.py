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


def projection_logit(
    features: Tensor,
    labels: Tensor,
    embedding: Tensor,
    head: Tensor,
    *,
    join: Function = lambda said, v, f: said + (v * f).sum(1),
) -> Tensor:
    """The right answer, or one with what the head says, the label's vector and the features joined in another way."""
    return join(features @ head, embedding[labels], features)


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
        read(fake_classes, labels),
    )
    return {"D": d(parts), "G": g(parts)}


def semi_supervised_loss(
    class_logits_labelled: Tensor,
    labels: Tensor,
    class_logits_unlabelled: Tensor,
    class_logits_fake: Tensor,
    *,
    join: Function = lambda told, real, made: told + (real + made) / 2,
) -> Tensor:
    """The right answer, or one with other sums of the three parts."""
    real, made = softplus(-class_logits_unlabelled.logsumexp(1)).mean(), softplus(class_logits_fake.logsumexp(1)).mean()
    return join(F.cross_entropy(class_logits_labelled, labels), real, made)


def feature_matching(real_features: Tensor, fake_features: Tensor) -> Tensor:
    return (real_features.mean(0) - fake_features.mean(0)).square().sum()


def feature_matching_detached(real_features: Tensor, fake_features: Tensor) -> Tensor:
    """No gradient by the real features: G does not ask for it."""
    return feature_matching(real_features.detach(), fake_features)


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
