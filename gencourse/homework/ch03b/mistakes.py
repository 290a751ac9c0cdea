"""Chapter 03b: what goes wrong in its tasks, and what is said about it."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.functional import softplus

from gencourse.homework.ch03b.reference import (
    FORMS,
    auxiliary_classifier_losses,
    feature_matching,
    minibatch_discrimination,
    paired_interval,
    projection_logit,
    semi_supervised_loss,
    sgan_step,
)
from gencourse.homework.checking.check import Mistakes, add_mistake, add_mistakes
from gencourse.training.helpers import descend

MISTAKES: Mistakes = {}
mistakes = partial(add_mistakes, MISTAKES)
mistake = partial(add_mistake, MISTAKES)


def joining(join):
    return partial(projection_logit, join=join)


mistakes(
    "projection_logit",
    {
        "the products are averaged over the features: sum them": joining(lambda said, v, f: said + (v * f).mean(1)),
        "the products of vector and features are not summed: a picture has one logit": joining(
            lambda said, v, f: said[:, None] + v * f
        ),
        "a logit for each pair of pictures, (B, B): a column (B, 1) and a row (B,) were added": joining(
            lambda said, v, f: said[:, None] + (v * f).sum(1)
        ),
        "every label meets every picture, (B, B): multiply each picture's features with its own vector": joining(
            lambda said, v, f: said + v @ f.T
        ),
        "the head alone: what the label says is missing": joining(lambda said, v, f: said + 0 * (v * f).sum(1)),
        "the label's part alone: where is the head, which judges the picture whatever its label?": joining(
            lambda said, v, f: 0 * said + (v * f).sum(1)
        ),
        "head and label's part are multiplied: add them": joining(lambda said, v, f: said * (v * f).sum(1)),
        "the label's part is subtracted: add it": joining(lambda said, v, f: said - (v * f).sum(1)),
        "head and label's part are averaged: add them": joining(lambda said, v, f: (said + (v * f).sum(1)) / 2),
        "vector and features are divided by their lengths: the product is asked for, not the cosine": joining(
            lambda said, v, f: said + F.cosine_similarity(v, f)
        ),
        "the product is divided by the root of the number of features: that belongs to attention": joining(
            lambda said, v, f: said + (v * f).sum(1) / f.shape[1] ** 0.5
        ),
        "minus the squared distance from the label's vector: the product is asked for": joining(
            lambda said, v, f: said - (v - f).square().sum(1)
        ),
        "the label's vector is summed, and the features play no part in it: multiply both": joining(
            lambda said, v, f: said + v.sum(1)
        ),
        "the label's part is the same for all pictures: a sum over the batch as well": joining(
            lambda said, v, f: said + (v * f).sum()
        ),
        "the label's vector is detached: it has to learn": joining(lambda said, v, f: said + (v.detach() * f).sum(1)),
        "the features are detached in the label's part: what is below has to learn from it, too": joining(
            lambda said, v, f: said + (v * f.detach()).sum(1)
        ),
        "the label's part goes through a sigmoid: it is added as it is": joining(
            lambda said, v, f: said + torch.sigmoid((v * f).sum(1))
        ),
        "the sum goes through a sigmoid: a logit is asked for": joining(
            lambda said, v, f: torch.sigmoid(said + (v * f).sum(1))
        ),
    },
)


@mistake("projection_logit", "the label is guessed from the features: take the vector of the label that was given")
def label_guessed(features, labels, embedding, head):
    return projection_logit(features, (features @ embedding.T).argmax(1), embedding, head)


@mistake("projection_logit", "the products with the vectors of all classes are added: take the label's own")
def all_classes(features, labels, embedding, head):
    return features @ head + (features @ embedding.T).sum(1)


@mistake("projection_logit", "a softmax over the classes: the label's product as it is")
def softmax_of_classes(features, labels, embedding, head):
    return features @ head + (features @ embedding.T).log_softmax(1).gather(1, labels[:, None])[:, 0]


@mistake("projection_logit", "the label's vector is added to the features before the head: multiply it with them")
def vector_added(features, labels, embedding, head):
    return (features + embedding[labels]) @ head


@mistake("projection_logit", "the head judges the products: it judges the features, the products are summed beside it")
def head_of_products(features, labels, embedding, head):
    return (features * embedding[labels]) @ head


@mistake("projection_logit", "the labels are counted from 1: the vector of label k is embedding[k]")
def labels_from_one(features, labels, embedding, head):
    return projection_logit(features, labels - 1, embedding, head)


def parts(**changes):
    return partial(auxiliary_classifier_losses, **changes)


def softmaxed(classes, labels):
    return F.cross_entropy(classes.softmax(1), labels)


def one_by_one(classes, labels):
    return F.binary_cross_entropy_with_logits(classes, F.one_hot(labels, classes.shape[1]).to(classes))


mistakes(
    "auxiliary_classifier_losses",
    {
        "a softmax before the cross-entropy, which has one inside: hand over the logits": parts(read=softmaxed),
        "the logarithm of the softmax is missing: nll_loss wants it, cross_entropy takes logits": parts(
            read=F.nll_loss
        ),
        "each class is asked for by itself: there is one class a picture, so the cross-entropy of a softmax": parts(
            read=one_by_one
        ),
        "the class terms are sums over the batch: take the mean": parts(
            read=lambda classes, labels: F.cross_entropy(classes, labels, reduction="sum")
        ),
        "the squared distance of the probabilities from the label: a cross-entropy is asked for": parts(
            read=lambda classes, labels: F.mse_loss(classes.softmax(1), F.one_hot(labels, classes.shape[1]).to(classes))
        ),
        "the adversarial terms are sums over the batch: take the mean": parts(judged=lambda x: softplus(x).sum()),
        "squared distances: the adversarial terms are cross-entropies here": parts(
            judged=lambda wrong: (wrong + 1).square().mean()
        ),
        "the hinge loss: the adversarial terms are cross-entropies here": parts(
            judged=lambda wrong: F.relu(1 + wrong).mean()
        ),
        "D's class terms are subtracted: D learns to read, too": parts(
            d=lambda p: p.real + p.fake - p.read_real - p.read_fake
        ),
        "D learns to misread what G drew: both class terms are added": parts(
            d=lambda p: p.real + p.fake + p.read_real - p.read_fake
        ),
        "G's class term is subtracted: G wants its pictures to be read right": parts(
            g=lambda p: p.fooled - p.read_fake
        ),
        "G's class term is missing: nothing makes it draw what was asked for": parts(g=lambda p: p.fooled),
        "G's class term alone: it should also pass for real": parts(g=lambda p: p.read_fake),
        "G's loss has the class of the real pictures in it: they do not depend on G": parts(
            g=lambda p: p.fooled + p.read_real + p.read_fake
        ),
        "G is told to be read as the real pictures were: take the classes of its own": parts(
            g=lambda p: p.fooled + p.read_real
        ),
        "D's class term of the generated pictures is missing": parts(d=lambda p: p.real + p.fake + p.read_real),
        "D's class term of the real pictures is missing: there it learns what a class is": parts(
            d=lambda p: p.real + p.fake + p.read_fake
        ),
        "D's class terms are missing": parts(d=lambda p: p.real + p.fake),
        "D's class terms alone: it should also tell real from generated": parts(d=lambda p: p.read_real + p.read_fake),
        "G helps D: it wants its pictures to be taken for real": parts(g=lambda p: p.fake + p.read_fake),
        "G descends the minimax form, flat where G needs it most: descend −log D": parts(
            g=lambda p: p.read_fake - p.fake
        ),
        "D's class terms are averaged: add them": parts(d=lambda p: p.real + p.fake + (p.read_real + p.read_fake) / 2),
        "D's adversarial terms are averaged: add them": parts(
            d=lambda p: (p.real + p.fake) / 2 + p.read_real + p.read_fake
        ),
        "everything in D's loss is halved: each of the four terms is a mean, and they are added": parts(
            d=lambda p: (p.real + p.fake + p.read_real + p.read_fake) / 2
        ),
        "both losses come back under each other's name": parts(
            d=lambda p: p.fooled + p.read_fake, g=lambda p: p.real + p.fake + p.read_real + p.read_fake
        ),
        "D never sees a real picture as such": parts(d=lambda p: p.fake + p.read_real + p.read_fake),
        "D never sees a generated picture as such": parts(d=lambda p: p.real + p.read_real + p.read_fake),
        "D likes generated pictures as much as real ones": parts(
            d=lambda p: p.real + p.fooled + p.read_real + p.read_fake
        ),
    },
)


@mistake("auxiliary_classifier_losses", "a sigmoid before a cross-entropy that has one inside: hand over the logits")
def sigmoid_twice(real_logits, fake_logits, *rest):
    return auxiliary_classifier_losses(real_logits.sigmoid(), fake_logits.sigmoid(), *rest)


@mistake(
    "auxiliary_classifier_losses",
    "real and generated are exchanged: D learns the opposite, and G descends what it cannot change",
)
def batches_exchanged(real_logits, fake_logits, real_classes, fake_classes, labels):
    return auxiliary_classifier_losses(fake_logits, real_logits, fake_classes, real_classes, labels)


@mistake(
    "auxiliary_classifier_losses", "G is told to be read as it is read already: hold it against the label asked for"
)
def own_reading(real_logits, fake_logits, real_classes, fake_classes, labels):
    found = auxiliary_classifier_losses(real_logits, fake_logits, real_classes, fake_classes, labels)
    return found | {"G": softplus(-fake_logits).mean() + F.cross_entropy(fake_classes, fake_classes.argmax(1))}


@mistake(
    "auxiliary_classifier_losses", "real and generated pictures are compared with one another: each is judged by itself"
)
def relativistic(real_logits, fake_logits, real_classes, fake_classes, labels):
    found = auxiliary_classifier_losses(real_logits, fake_logits, real_classes, fake_classes, labels)
    read = F.cross_entropy(real_classes, labels) + F.cross_entropy(fake_classes, labels)
    return found | {"D": softplus(fake_logits - real_logits).mean() + read}


def adding(told=1.0, real=0.5, made=0.5):
    """Other weights of the three parts."""
    return partial(semi_supervised_loss, join=lambda a, b, c: told * a + real * b + made * c)


def sizing(size):
    return partial(semi_supervised_loss, size=size)


mistakes(
    "semi_supervised_loss",
    {
        "the halves are lost: the two terms without labels are halved": adding(1.0, 1.0, 1.0),
        "everything is halved: the labelled term is not": adding(0.5, 0.5, 0.5),
        "the labelled term is halved, and the others are not: the other way round": adding(0.5, 1.0, 1.0),
        "the half of the generated pictures is lost": adding(1.0, 0.5, 1.0),
        "the half of the unlabelled pictures is lost": adding(1.0, 1.0, 0.5),
        "the labelled pictures are missing: who tells the classes apart?": adding(0.0),
        "the unlabelled pictures are missing: the loss is that of labels and fakes alone": adding(real=0.0),
        "the generated pictures are missing: nothing is ever fake": adding(made=0.0),
        "the generated pictures are subtracted: D would learn to take them for real": adding(made=-0.5),
        "the unlabelled pictures are subtracted: D would learn to take them for generated": adding(real=-0.5),
        "the labelled term is subtracted: D would learn to misread": adding(-1.0),
        "the largest logit in place of logsumexp: all K classes make a picture real": sizing(lambda x: x.amax(1)),
        "the mean of the logits in place of logsumexp: one class is enough to make a picture real": sizing(
            lambda x: x.mean(1)
        ),
        "the sum of the logits in place of logsumexp: probabilities are added, not logits": sizing(lambda x: x.sum(1)),
        "logsumexp over the batch: over the classes": sizing(lambda x: x.logsumexp(0)),
        "a softmax over the K classes sums to 1 whatever the picture is: the fake class, of logit 0, is missing": (
            sizing(lambda x: x.log_softmax(1).logsumexp(1))
        ),
        'minus log K is in the logit of "real": logsumexp as it is, against the fake class\'s 0': sizing(
            lambda x: x.logsumexp(1) - torch.tensor(float(x.shape[1])).log()
        ),
        "the last of the K classes is taken for the fake one: that has no logit of its own, it is fixed at 0": sizing(
            lambda x: x[:, :-1].logsumexp(1) - x[:, -1]
        ),
        "the first of the K classes is taken for the fake one: that has no logit of its own, it is fixed at 0": sizing(
            lambda x: x[:, 1:].logsumexp(1) - x[:, 0]
        ),
    },
)


def unsupervised(unlabelled, fake):
    """The two halves without labels."""
    return softplus(-unlabelled.logsumexp(1)).mean() / 2 + softplus(fake.logsumexp(1)).mean() / 2


@mistake("semi_supervised_loss", "unlabelled and generated pictures have changed places")
def places_changed(labelled, labels, unlabelled, fake):
    return semi_supervised_loss(labelled, labels, fake, unlabelled)


@mistake("semi_supervised_loss", "the sign of logsumexp: the unlabelled pictures are pushed towards the fake class")
def unlabelled_fake(labelled, labels, unlabelled, fake):
    to_fake = softplus(unlabelled.logsumexp(1)).mean()
    return F.cross_entropy(labelled, labels) + (to_fake + softplus(fake.logsumexp(1)).mean()) / 2


@mistake("semi_supervised_loss", "the sign of logsumexp: the generated pictures are pulled towards the real classes")
def fake_real(labelled, labels, unlabelled, fake):
    return (
        F.cross_entropy(labelled, labels)
        + (softplus(-unlabelled.logsumexp(1)).mean() + softplus(-fake.logsumexp(1)).mean()) / 2
    )


@mistake(
    "semi_supervised_loss", "a labelled picture's class is sought among K + 1: among the K, it is known to be real"
)
def among_all(labelled, labels, unlabelled, fake):
    with_fake = torch.cat([labelled, torch.zeros_like(labelled[:, :1])], 1)
    return F.cross_entropy(with_fake, labels) + unsupervised(unlabelled, fake)


@mistake(
    "semi_supervised_loss", "the labelled pictures are counted among the unlabelled as well: their term is the first"
)
def counted_twice(labelled, labels, unlabelled, fake):
    return semi_supervised_loss(labelled, labels, torch.cat([labelled, unlabelled]), fake)


@mistake("semi_supervised_loss", "the labelled pictures take the place of the unlabelled ones")
def labelled_alone(labelled, labels, unlabelled, fake):
    return semi_supervised_loss(labelled, labels, labelled, fake) + 0 * unlabelled.sum()


@mistake("semi_supervised_loss", "the labels are held against the unlabelled pictures: nobody knows theirs")
def labels_of_others(labelled, labels, unlabelled, fake):
    told = F.cross_entropy(unlabelled[: len(labels)], labels[: len(unlabelled)])
    return told + unsupervised(unlabelled, fake) + 0 * labelled.sum()


@mistake("semi_supervised_loss", "unlabelled and generated pictures are averaged together: a mean of each, then halved")
def averaged_together(labelled, labels, unlabelled, fake):
    both = torch.cat([softplus(-unlabelled.logsumexp(1)), softplus(fake.logsumexp(1))])
    return F.cross_entropy(labelled, labels) + both.mean()


@mistake("semi_supervised_loss", "all three batches are averaged together: each has a mean of its own")
def all_averaged(labelled, labels, unlabelled, fake):
    told = F.cross_entropy(labelled, labels, reduction="none")
    return torch.cat([told, softplus(-unlabelled.logsumexp(1)), softplus(fake.logsumexp(1))]).mean()


@mistake("semi_supervised_loss", "sums over the batches: take the mean of each")
def sums(labelled, labels, unlabelled, fake):
    told = F.cross_entropy(labelled, labels, reduction="sum")
    return told + (softplus(-unlabelled.logsumexp(1)).sum() + softplus(fake.logsumexp(1)).sum()) / 2


@mistake("semi_supervised_loss", "a softmax before the cross-entropy, which has one inside: hand over the logits")
def softmax_twice(labelled, labels, unlabelled, fake):
    return F.cross_entropy(labelled.softmax(1), labels) + unsupervised(unlabelled, fake)


@mistake("semi_supervised_loss", "the unlabelled pictures get the class they look most like: no class is known of them")
def guessed(labelled, labels, unlabelled, fake):
    return semi_supervised_loss(labelled, labels, unlabelled, fake) + F.cross_entropy(unlabelled, unlabelled.argmax(1))


mistakes(
    "feature_matching",
    {
        "picture by picture: the pairs do not belong together. First the mean of each batch, then the difference": (
            lambda real, fake: (real - fake).square().sum(1).mean()
        ),
        "picture by picture, averaged over the features: first the mean of each batch, then the difference": (
            lambda real, fake: (real - fake).square().mean()
        ),
        "the features are averaged into one number before the difference: each feature has its own": (
            lambda real, fake: (real.mean() - fake.mean()).square()
        ),
        "the mean over the features of each picture: the mean over the pictures is asked for": lambda real, fake: (
            (real.mean(1) - fake.mean(1)).square().sum()
        ),
        "the sum of the absolute differences: their squares are asked for": lambda real, fake: (
            (real.mean(0) - fake.mean(0)).abs().sum()
        ),
        "the mean of the absolute differences: the sum of their squares is asked for": lambda real, fake: (
            (real.mean(0) - fake.mean(0)).abs().mean()
        ),
        "the length of the difference: its square is asked for": lambda real, fake: (
            real.mean(0) - fake.mean(0)
        ).norm(),
        "the squares are averaged over the features: they are added up": lambda real, fake: (
            feature_matching(real, fake) / real.shape[1]
        ),
        "half of it: the squared length as it is": lambda real, fake: feature_matching(real, fake) / 2,
        "the variances are matched: the means are asked for": lambda real, fake: (
            (real.var(0) - fake.var(0)).square().sum()
        ),
        "the standard deviations are matched: the means are asked for": lambda real, fake: (
            (real.std(0) - fake.std(0)).square().sum()
        ),
        "the variances are matched as well: the means alone are": lambda real, fake: (
            feature_matching(real, fake) + (real.var(0) - fake.var(0)).square().sum()
        ),
        "the features are summed over the pictures: a larger batch would look further away, take means": (
            lambda real, fake: (real.sum(0) - fake.sum(0)).square().sum()
        ),
        "the largest features of the batches are compared: their means are asked for": lambda real, fake: (
            (real.amax(0) - fake.amax(0)).square().sum()
        ),
        "one minus the cosine of the means: the squared distance is asked for": lambda real, fake: (
            1 - F.cosine_similarity(real.mean(0), fake.mean(0), dim=0)
        ),
        "minus the product of the means: the squared distance is asked for": lambda real, fake: (
            -(real.mean(0) * fake.mean(0)).sum()
        ),
        "the sign is wrong: descending it drives the features apart": lambda real, fake: -feature_matching(real, fake),
        "the generated features are detached: G gets no gradient": lambda real, fake: feature_matching(
            real, fake.detach()
        ),
        "each picture is compared with the mean of the real ones: compare the two means": lambda real, fake: (
            (fake - real.mean(0)).square().sum(1).mean()
        ),
        "the squared distance of all pairs of pictures, averaged: compare the two means": lambda real, fake: (
            (fake[:, None] - real).square().sum(-1).mean()
        ),
    },
)


def likeness(similar):
    return partial(minibatch_discrimination, similar=similar)


def joined(join):
    return partial(minibatch_discrimination, join=join)


mistakes(
    "minibatch_discrimination",
    {
        "each picture is compared with itself, too: that adds exp(0) = 1 to every o, and says nothing": partial(
            minibatch_discrimination, itself=1.0
        ),
        "the length of the difference: the L1 distance is the sum of absolute differences": likeness(
            lambda apart: torch.exp(-(apart.square().sum(-1) + 1e-30).sqrt())
        ),
        "the squared distance: the L1 distance is the sum of absolute differences": likeness(
            lambda apart: torch.exp(-apart.square().sum(-1))
        ),
        "the mean of the absolute differences: their sum is the L1 distance": likeness(
            lambda apart: torch.exp(-apart.abs().mean(-1))
        ),
        "the largest of the absolute differences: their sum is the L1 distance": likeness(
            lambda apart: torch.exp(-apart.abs().amax(-1))
        ),
        "the distance is summed over the rows b: over the columns c, so that each row gives a number": likeness(
            lambda apart: torch.exp(-apart.abs().sum(-2))
        ),
        "the distance is summed over rows and columns: each row b gives a number of its own": likeness(
            lambda apart: torch.exp(-apart.abs().sum((-1, -2)))[..., None]
        ),
        "exp of the distance: of minus the distance, near 1 for pictures that are alike": likeness(
            lambda apart: torch.exp(apart.abs().sum(-1))
        ),
        "the distances are summed as they are: exp(-distance) is asked for": likeness(
            lambda apart: apart.abs().sum(-1)
        ),
        "minus the distances are summed: exp of them is asked for": likeness(lambda apart: -apart.abs().sum(-1)),
        "exp of each column's distance, then the sum: first the sum over the columns": likeness(
            lambda apart: torch.exp(-apart.abs()).sum(-1)
        ),
        "the difference without its absolute value: rows that lie apart both ways would look alike": likeness(
            lambda apart: torch.exp(-apart.sum(-1))
        ),
        "1 / (1 + distance): exp(-distance) is asked for": likeness(lambda apart: 1 / (1 + apart.abs().sum(-1))),
        "o alone comes back: the features go on as well, o is joined to them": joined(lambda features, o: o),
        "o goes behind the features, not before them": joined(lambda features, o: torch.cat([o, features], 1)),
        "o is summed over b: each row b gives a number of its own": joined(
            lambda features, o: torch.cat([features, o.sum(1, keepdim=True)], 1)
        ),
        "o is averaged over b: each row b gives a number of its own": joined(
            lambda features, o: torch.cat([features, o.mean(1, keepdim=True)], 1)
        ),
        "o is detached: G and T have to learn from it": joined(
            lambda features, o: torch.cat([features, o.detach()], 1)
        ),
        "the features are detached: what is below has to learn, too": joined(
            lambda features, o: torch.cat([features.detach(), o], 1)
        ),
        "the mean over the other pictures: the sum is asked for": joined(
            lambda features, o: torch.cat([features, o / (len(o) - 1)], 1)
        ),
        "o is divided by the size of the batch: the sum is asked for": joined(
            lambda features, o: torch.cat([features, o / len(o)], 1)
        ),
    },
)


@mistake(
    "minibatch_discrimination", "the mean over the whole batch, the picture itself included: a sum over the others"
)
def mean_with_itself(features, T):
    o = minibatch_discrimination(features, T, join=lambda features, o: o)
    return torch.cat([features, (o + 1) / len(o)], 1)


@mistake(
    "minibatch_discrimination", "the other pictures are detached: a picture may move away from others, and they from it"
)
def others_detached(features, T):
    M = torch.einsum("na,abc->nbc", features, T)
    c = torch.exp(-(M[:, None] - M.detach()).abs().sum(-1))
    o = (c * (1 - torch.eye(len(M)).to(c))[..., None]).sum(1)
    return torch.cat([features, o], 1)


@mistake("minibatch_discrimination", "rows and columns of M have changed places: features times T is (N, B, C)")
def rows_for_columns(features, T):
    M = torch.einsum("na,abc->ncb", features, T).reshape(len(features), *T.shape[1:])
    c = torch.exp(-(M[:, None] - M).abs().sum(-1))
    o = (c * (1 - torch.eye(len(M)).to(c))[..., None]).sum(1)
    return torch.cat([features, o], 1)


@mistake("minibatch_discrimination", "each picture is compared with its neighbour in the batch alone: with all others")
def with_neighbour(features, T):
    M = torch.einsum("na,abc->nbc", features, T)
    return torch.cat([features, torch.exp(-(M - M.roll(1, 0)).abs().sum(-1))], 1)


@mistake("minibatch_discrimination", "each picture is compared with the mean of the batch: with every other picture")
def with_mean(features, T):
    M = torch.einsum("na,abc->nbc", features, T)
    return torch.cat([features, torch.exp(-(M - M.mean(0)).abs().sum(-1))], 1)


def with_d(change):
    """The iteration with another loss of D: change(the right one, what it is given)."""
    return lambda form, *given: sgan_step(form._replace(semi_supervised=partial(change, form.semi_supervised)), *given)


def with_g(change):
    """The iteration with another loss of G: change(the right one, real features, generated ones)."""
    return lambda form, *given: sgan_step(form._replace(matching=partial(change, form.matching)), *given)


def keeping(optimizer) -> Any:
    """An optimiser whose gradients are not set to zero."""
    return SimpleNamespace(zero_grad=lambda **_: None, step=optimizer.step)


def d_step(form, x, labels, unlabelled, G, D, d, draw_z):
    fake = G(draw_z(len(unlabelled))).detach()
    return descend(d, form.semi_supervised(D(x), labels, D(unlabelled), D(fake)))


def then_g(loss):
    """The right update of D, then one of G: loss(form, x, labels, unlabelled, D, generated pictures)."""

    def step(form, x, labels, unlabelled, G, D, g, d, draw_z):
        of_d = d_step(form, x, labels, unlabelled, G, D, d, draw_z)
        return {"D": of_d, "G": descend(g, loss(form, x, labels, unlabelled, D, G(draw_z(len(unlabelled)))))}

    return step


mistakes(
    "sgan_step",
    {
        "unlabelled and generated pictures have changed places in D's loss": with_d(
            lambda loss, told, labels, free, fake: loss(told, labels, fake, free)
        ),
        "D never learns from the unlabelled pictures: the labelled ones take their place": with_d(
            lambda loss, told, labels, free, fake: loss(told, labels, told, fake)
        ),
        "the unlabelled pictures are detached: D never learns from them": with_d(
            lambda loss, told, labels, free, fake: loss(told, labels, free.detach(), fake)
        ),
        "the labelled pictures are detached: D never learns to read": with_d(
            lambda loss, told, labels, free, fake: loss(told.detach(), labels, free, fake)
        ),
        "what D says of the generated pictures is detached: the pictures are to be, D has to learn from them": with_d(
            lambda loss, told, labels, free, fake: loss(told, labels, free, fake.detach())
        ),
        "D climbs its loss: it should descend it": with_d(lambda loss, *given: -loss(*given)),
        "G climbs its loss, and drives the features apart": with_g(lambda loss, real, fake: -loss(real, fake)),
        "the generated features are detached: no gradient of this iteration reaches G": then_g(
            lambda form, x, labels, free, D, made: form.matching(D.features(free), D.features(made.detach()))
        ),
        "G matches the labelled pictures: of the unlabelled there are more, match those": then_g(
            lambda form, x, labels, free, D, made: form.matching(D.features(x), D.features(made))
        ),
        "G matches the class logits: the features below them are asked for, D.features": then_g(
            lambda form, x, labels, free, D, made: form.matching(D(free), D(made))
        ),
        "G matches the pictures themselves: D.features of them": then_g(
            lambda form, x, labels, free, D, made: form.matching(free, made) + 0 * D.features(made).sum()
        ),
        "G descends its usual loss, that D takes its pictures for real: here it matches features": then_g(
            lambda form, x, labels, free, D, made: softplus(-D(made).logsumexp(1)).mean()
        ),
        "gradients of an earlier iteration are still in D's update": lambda form, x, y, u, G, D, g, d, z: sgan_step(
            form, x, y, u, G, D, g, keeping(d), z
        ),
        "gradients of an earlier iteration are still in G's update": lambda form, x, y, u, G, D, g, d, z: sgan_step(
            form, x, y, u, G, D, keeping(g), d, z
        ),
        "the two losses come back under each other's name": lambda *given: dict(
            zip("GD", sgan_step(*given).values(), strict=True)
        ),
        "both values are D's loss: where is that of G?": lambda *given: dict.fromkeys("DG", sgan_step(*given)["D"]),
        "both values are G's loss: where is that of D?": lambda *given: dict.fromkeys("DG", sgan_step(*given)["G"]),
    },
    forms=FORMS,
)


@mistake("sgan_step", "the labels are shifted by one: class k is logit k", forms=FORMS)
def labels_shifted(form, x, labels, *given):
    return sgan_step(form, x, (labels + 1) % 3, *given)


@mistake("sgan_step", "G matches features that D had before its update: ask D anew", forms=FORMS)
def old_features(form, x, labels, unlabelled, G, D, g, d, draw_z):
    with torch.no_grad():
        real = D.features(unlabelled)
    of_d = d_step(form, x, labels, unlabelled, G, D, d, draw_z)
    return {"D": of_d, "G": descend(g, form.matching(real, D.features(G(draw_z(len(unlabelled))))))}


@mistake("sgan_step", "G is judged on the pictures of D's half: generate anew", forms=FORMS)
def same_fakes(form, x, labels, unlabelled, G, D, g, d, draw_z):
    z = draw_z(len(unlabelled))
    draw_z(len(unlabelled))
    return sgan_step(form, x, labels, unlabelled, G, D, g, d, lambda count: z)


mistakes(
    "paired_interval",
    {
        "the sign: the gain is with the trick minus without it": lambda a, b, t: paired_interval(b, a, t),
        "the upper end comes first: low, then high": lambda a, b, t: paired_interval(a, b, t).flip(0),
        "the root of n is missing: the mean of n varies less than one value": lambda a, b, t: around(
            a - b, t * (a - b).std()
        ),
        "divided by n: by its root": lambda a, b, t: around(a - b, t * (a - b).std() / len(a)),
        "the standard deviation divides by n: the mean was taken from the same values, so n - 1": lambda a, b, t: (
            around(a - b, t * (a - b).std(correction=0) / len(a) ** 0.5)
        ),
        "1.96 is the quantile for many values: for few it is t": lambda a, b, t: around(
            a - b, 1.96 * (a - b).std() / len(a) ** 0.5
        ),
        "twice the standard error: t times": lambda a, b, t: around(a - b, 2 * (a - b).std() / len(a) ** 0.5),
        "one standard error on either side: t of them": lambda a, b, t: around(a - b, (a - b).std() / len(a) ** 0.5),
        "the variance: its root, the standard deviation": lambda a, b, t: around(
            a - b, t * (a - b).var() / len(a) ** 0.5
        ),
        "half as wide: t standard errors on either side": lambda a, b, t: around(
            a - b, t * (a - b).std() / len(a) ** 0.5 / 2
        ),
        "the pairs are torn apart: take the differences seed by seed first, then their spread": lambda a, b, t: around(
            a - b, t * ((a.var() + b.var()) / len(a)) ** 0.5
        ),
        "the standard deviations of both are subtracted: take that of the differences": lambda a, b, t: around(
            a - b, t * (a.std() - b.std()).abs() / len(a) ** 0.5
        ),
        "around the median: the interval is that of the mean": lambda a, b, t: around(
            a - b, t * (a - b).std() / len(a) ** 0.5, (a - b).quantile(0.5)
        ),
        "the smallest and the largest difference: an interval of the mean is asked for": lambda a, b, t: torch.stack(
            [(a - b).min(), (a - b).max()]
        ),
        "the interval of the trick's values alone: of the differences": lambda a, b, t: around(
            a, t * a.std() / len(a) ** 0.5
        ),
        "mean and half of the width come back: the two ends are asked for": lambda a, b, t: torch.stack(
            [(a - b).mean(), t * (a - b).std() / len(a) ** 0.5]
        ),
        "around 0: the interval lies around the mean difference": lambda a, b, t: around(
            a - b, t * (a - b).std() / len(a) ** 0.5, torch.zeros(()).to(a)
        ),
    },
)


def around(values, half, middle=None):
    middle = values.mean() if middle is None else middle
    return torch.stack([middle - half, middle + half])
