"""Chapter 03b: what goes wrong in its tasks, and what is said about it."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.functional import softplus

from gencourse.homework.ch03b.calls import other_feature_matching
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
        "the head's part is subtracted: add it": joining(lambda said, v, f: (v * f).sum(1) - said),
        "the head's part goes through a sigmoid: it is added as it is": joining(
            lambda said, v, f: torch.sigmoid(said) + (v * f).sum(1)
        ),
        "the head's part is the same for all pictures: a sum over the batch as well": joining(
            lambda said, v, f: said.sum() + (v * f).sum(1)
        ),
        "the head's products are averaged over the features: sum them": joining(
            lambda said, v, f: said / f.shape[1] + (v * f).sum(1)
        ),
        "the largest product of vector and features: their sum is asked for": joining(
            lambda said, v, f: said + (v * f).amax(1)
        ),
        "the label's part without its sign: a picture that does not fit its label has a negative one": joining(
            lambda said, v, f: said + (v * f).sum(1).abs()
        ),
        "vector and features are added: multiply them": joining(lambda said, v, f: said + (v + f).sum(1)),
        "the squared distance from the label's vector is added: the product is asked for": joining(
            lambda said, v, f: said + (v - f).square().sum(1)
        ),
        "the label's vector is divided by its length: take it as it is": joining(
            lambda said, v, f: said + (F.normalize(v, dim=1) * f).sum(1)
        ),
        "the vectors of the batch's labels are averaged: each picture has that of its own label": joining(
            lambda said, v, f: said + f @ v.mean(0)
        ),
        "all pictures get the vector of the first label: each has its own": joining(lambda said, v, f: said + f @ v[0]),
    },
)


def beside(part):
    """The label's part, and beside it something else than what the head says."""
    return lambda features, labels, embedding, head: part(features, head) + (embedding[labels] * features).sum(1)


mistakes(
    "projection_logit",
    {
        "the head is summed, and the features play no part in it: multiply both": beside(lambda f, w: w.sum()),
        "the features are summed, and the head plays no part in it: multiply both": beside(
            lambda f, w: f.sum(1) + 0 * w.sum()
        ),
        "a ReLU before the products: the features are used as they are": lambda f, labels, embedding, w: (
            projection_logit(f.relu(), labels, embedding, w)
        ),
        "the number of the label is multiplied with the features: look up its vector, embedding[labels]": (
            lambda f, labels, embedding, w: f @ w + (labels[:, None] * f).sum(1) + 0 * embedding.sum()
        ),
        "class 0 gets no vector: classes are counted from 0, and it is one like the others": (
            lambda f, labels, embedding, w: f @ w + (labels > 0) * (embedding[labels] * f).sum(1)
        ),
        "the products with the vectors of all classes are averaged: take the label's own": (
            lambda f, labels, embedding, w: f @ w + (f @ embedding.T).mean(1)
        ),
        "the label's probability among the classes: its product as it is": lambda f, labels, embedding, w: (
            f @ w + (f @ embedding.T).softmax(1).gather(1, labels[:, None])[:, 0]
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
        "D's adversarial terms are subtracted: D learns to tell real from generated": parts(
            d=lambda p: p.read_real + p.read_fake - p.real - p.fake
        ),
        "D's term of the generated pictures is subtracted: it would learn to take them for real": parts(
            d=lambda p: p.real - p.fake + p.read_real + p.read_fake
        ),
        "D's class term of the real pictures counts twice, and that of the generated ones is missing": parts(
            d=lambda p: p.real + p.fake + 2 * p.read_real
        ),
        "D's terms are multiplied: they are added up": parts(d=lambda p: (p.real + p.fake) * p.read_real * p.read_fake),
        "G's class term is averaged with that of the real pictures: they do not depend on G": parts(
            g=lambda p: p.fooled + (p.read_real + p.read_fake) / 2
        ),
        "G descends what D says of the real pictures: they do not depend on G, take its own": parts(
            g=lambda p: p.real + p.read_fake
        ),
        "G descends what D says of the real pictures as well: they do not depend on G": parts(
            g=lambda p: p.real + p.fooled + p.read_fake
        ),
        "G's adversarial term has the wrong sign: it would draw what D sees through": parts(
            g=lambda p: p.read_fake - p.fooled
        ),
        "G descends minus all of D's adversarial terms: −log D of its pictures is asked for": parts(
            g=lambda p: p.read_fake - p.real - p.fake
        ),
        "the sign of the class terms: cross_entropy has its minus inside": parts(read=lambda *x: -F.cross_entropy(*x)),
        "the logarithm of the softmax is missing: minus a probability is no cross-entropy": parts(
            read=lambda classes, labels: F.nll_loss(classes.softmax(1), labels)
        ),
        "the class terms are a hinge loss: a cross-entropy is asked for": parts(read=F.multi_margin_loss),
    },
)


def of_d(source):
    """Another adversarial part of D's loss: source(logits of real pictures, of generated ones)."""

    def changed(real_logits, fake_logits, real_classes, fake_classes, labels):
        found = auxiliary_classifier_losses(real_logits, fake_logits, real_classes, fake_classes, labels)
        read = F.cross_entropy(real_classes, labels) + F.cross_entropy(fake_classes, labels)
        return found | {"D": source(real_logits, fake_logits) + read}

    return changed


def of_g(fooling):
    """Another adversarial part of G's loss: fooling(logits of generated pictures)."""

    def changed(real_logits, fake_logits, real_classes, fake_classes, labels):
        found = auxiliary_classifier_losses(real_logits, fake_logits, real_classes, fake_classes, labels)
        return found | {"G": fooling(fake_logits) + F.cross_entropy(fake_classes, labels)}

    return changed


def held_against(target, **how):
    """The generated pictures' classes held against something else: target(labels, class logits of real, of them)."""

    def changed(real_logits, fake_logits, real_classes, fake_classes, labels):
        read = F.cross_entropy(fake_classes, target(labels, real_classes, fake_classes), **how)
        adversarial = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        d = adversarial + F.cross_entropy(real_classes, labels) + read
        return {"D": d, "G": softplus(-fake_logits).mean() + read}

    return changed


mistakes(
    "auxiliary_classifier_losses",
    {
        "the signs of D's adversarial terms: D would take generated pictures for real, and real ones for generated": (
            of_d(lambda real, fake: softplus(real).mean() + softplus(-fake).mean())
        ),
        "D's adversarial terms are sums over the batch: take the mean": of_d(
            lambda real, fake: softplus(-real).sum() + softplus(fake).sum()
        ),
        "D's adversarial terms are a hinge loss: cross-entropies here": of_d(
            lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        ),
        "D's adversarial terms are squared distances: cross-entropies here": of_d(
            lambda real, fake: (real - 1).square().mean() + fake.square().mean()
        ),
        "D's logits are used as they are, like a critic's: the adversarial terms are cross-entropies": of_d(
            lambda real, fake: (fake - real).mean()
        ),
        "the logarithm is missing in D's adversarial terms: −log D and −log(1 − D)": of_d(
            lambda real, fake: fake.sigmoid().mean() - real.sigmoid().mean() - 1
        ),
        "D's adversarial terms are logarithms of means: first the logarithm, then the mean": of_d(
            lambda real, fake: -real.sigmoid().mean().log() - (-fake).sigmoid().mean().log()
        ),
        "D's logits are averaged before the cross-entropy: first the cross-entropy, then the mean": of_d(
            lambda real, fake: softplus(-real.mean()) + softplus(fake.mean())
        ),
        "D is told 0.9 for real pictures: smoothing is not asked for here": of_d(
            lambda real, fake: softplus(-real).mean() + 0.1 * real.mean() + softplus(fake).mean()
        ),
        "G's logits are used as they are, like for a critic: −log D is softplus of minus the logit": of_g(
            lambda fake: -fake.mean()
        ),
        "G's adversarial term is a sum over the batch: take the mean": of_g(lambda fake: softplus(-fake).sum()),
        "G's logits are averaged before −log D: first −log D, then the mean": of_g(lambda fake: softplus(-fake.mean())),
        "the generated pictures are held against what D reads of the real ones: against the labels": held_against(
            lambda labels, real, fake: real.argmax(1)
        ),
        "the generated pictures are held against what D makes of the real ones: against the labels": held_against(
            lambda labels, real, fake: real.softmax(1)
        ),
        "the generated pictures are held against what D reads of them itself: against the labels": held_against(
            lambda labels, real, fake: fake.argmax(1)
        ),
        "the generated pictures are held against the last class: against the labels that G was asked for": held_against(
            lambda labels, real, fake: torch.full_like(labels, fake.shape[1] - 1)
        ),
        "the labels of the generated pictures are smoothed: smoothing is not asked for": held_against(
            lambda labels, real, fake: labels, label_smoothing=0.1
        ),
        "a softmax before the real pictures' cross-entropy, which has one inside: hand over the logits": (
            lambda real, fake, real_classes, *rest: auxiliary_classifier_losses(
                real, fake, real_classes.softmax(1), *rest
            )
        ),
        "a softmax before the generated pictures' cross-entropy, which has one inside: hand over the logits": (
            lambda real, fake, real_classes, fake_classes, labels: auxiliary_classifier_losses(
                real, fake, real_classes, fake_classes.softmax(1), labels
            )
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
        "the labelled pictures alone: the two terms without labels are missing": adding(1.0, 0.0, 0.0),
        "the two terms without labels are subtracted: add them": adding(1.0, -0.5, -0.5),
        "the two terms without labels are halved twice": adding(1.0, 0.25, 0.25),
        "the three parts are averaged: they are added, the two without labels halved": adding(1 / 3, 1 / 3, 1 / 3),
    },
)

PLACES = ("unlabelled and generated", "unlabelled", "generated")  # where one mistake is made


def terms(term):
    """Other terms without labels, of both or of one: term(logits, 1 for generated pictures, -1 for unlabelled ones)."""

    def changed(places, labelled, labels, unlabelled, fake):
        real = (term if "unlabelled" in places else right_term)(unlabelled, -1)
        made = (term if "generated" in places else right_term)(fake, 1)
        return F.cross_entropy(labelled, labels) + (real + made) / 2

    return changed


def right_term(logits, sign):
    return softplus(sign * logits.logsumexp(1)).mean()


def sizing(size):
    return terms(lambda logits, sign: softplus(sign * size(logits)).mean())


mistakes(
    "semi_supervised_loss",
    {
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
        "the logarithm of the sum of exp is missing: log Z is logsumexp": sizing(lambda x: x.exp().sum(1)),
        "a softmax before logsumexp: it takes the logits": sizing(lambda x: x.softmax(1).logsumexp(1)),
        "each logit is judged by itself: first logsumexp over the classes": sizing(lambda x: x),
        "each logit is judged by itself, and added up: first logsumexp over the classes": terms(
            lambda x, sign: softplus(sign * x).sum(1).mean()
        ),
        "log Z is averaged over the batch before the cross-entropy: the mean comes last": sizing(
            lambda x: x.logsumexp(1).mean()
        ),
        "the largest logit is subtracted, and not added again: logsumexp of the logits as they are": sizing(
            lambda x: x.logsumexp(1) - x.amax(1)
        ),
        "a sigmoid before a cross-entropy that has one inside: softplus takes log Z": sizing(
            lambda x: x.logsumexp(1).sigmoid()
        ),
        "log Z itself: −log D is softplus(−log Z), and −log(1 − D) is softplus(log Z)": terms(
            lambda x, sign: sign * x.logsumexp(1).mean()
        ),
        "the logarithm is missing: −log D and −log(1 − D)": terms(
            lambda x, sign: -torch.sigmoid(-sign * x.logsumexp(1)).mean()
        ),
        "the logarithm of a mean: first the logarithm, then the mean": terms(
            lambda x, sign: -torch.sigmoid(-sign * x.logsumexp(1)).mean().log()
        ),
        "a sum over the pictures without labels: take the mean of each batch": terms(
            lambda x, sign: softplus(sign * x.logsumexp(1)).sum()
        ),
        "the probability of the likeliest of K classes: D is Z / (Z + 1), however Z is shared among the classes": terms(
            lambda x, sign: -(x.softmax(1).amax(1) if sign < 0 else 1 - x.softmax(1).amax(1)).log().mean()
        ),
    },
    forms=PLACES,
)


def naming(name):
    """Another first term: name(class logits, labels)."""
    return lambda labelled, labels, unlabelled, fake: name(labelled, labels) + unsupervised(unlabelled, fake)


def freely(term):
    """Another term of the unlabelled pictures: term(their logits, the labelled ones')."""

    def changed(labelled, labels, unlabelled, fake):
        return F.cross_entropy(labelled, labels) + (term(unlabelled, labelled) + right_term(fake, 1)) / 2

    return changed


mistakes(
    "semi_supervised_loss",
    {
        "the labelled term is a sum over the batch: take the mean": naming(
            lambda x, y: F.cross_entropy(x, y, reduction="sum")
        ),
        "the logarithm of the softmax is missing: nll_loss wants it, cross_entropy takes logits": naming(F.nll_loss),
        "the logarithm of the softmax is missing: minus a probability is no cross-entropy": naming(
            lambda x, y: F.nll_loss(x.softmax(1), y)
        ),
        "the labels are smoothed: smoothing is not asked for": naming(
            lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1)
        ),
        "the entropy of the unlabelled pictures' classes: −log D does not say how sure D is which class it is": freely(
            lambda x, _: -(x.softmax(1) * x.log_softmax(1)).sum(1).mean()
        ),
        "a term of the labelled pictures is added to that of the unlabelled ones: theirs is the first": freely(
            lambda x, labelled: right_term(x, -1) + right_term(labelled, -1)
        ),
        "the unlabelled pictures stand in the generated ones' term, too": lambda labelled, labels, unlabelled, fake: (
            semi_supervised_loss(labelled, labels, unlabelled, unlabelled) + 0 * fake.sum()
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
        "each picture is compared with the mean of the real ones, and all is added up: compare the two means": (
            lambda real, fake: (fake - real.mean(0)).square().sum()
        ),
        "each real picture is compared with the mean of the generated ones: compare the two means": (
            lambda real, fake: (real - fake.mean(0)).square().sum()
        ),
        "picture by picture, and all is added up: first the mean of each batch, then the difference": (
            lambda real, fake: (real - fake).square().sum()
        ),
        "each real picture is compared with the nearest generated one: compare the two means": lambda real, fake: (
            (real[:, None] - fake).square().sum(2).amin(1).mean()
        ),
        "the first picture of each batch alone: take the mean over all": lambda real, fake: (
            (real[0] - fake[0]).square().sum()
        ),
        "only as many pictures are averaged as the smaller batch has: each batch has its own mean": (
            lambda real, fake: feature_matching(*(x[: min(len(real), len(fake))] for x in (real, fake)))
        ),
        "the real features are divided by the number of generated pictures: each batch has its own mean": (
            lambda real, fake: (real.sum(0) / len(fake) - fake.mean(0)).square().sum()
        ),
        "the generated features are divided by the number of real pictures: each batch has its own mean": (
            lambda real, fake: (real.mean(0) - fake.sum(0) / len(real)).square().sum()
        ),
        "the differences are summed and then squared, so that they cancel: first the squares": lambda real, fake: (
            (real.mean(0) - fake.mean(0)).sum().square()
        ),
        "the differences are summed as they are, so that they cancel: first the squares": lambda real, fake: (
            real.mean(0) - fake.mean(0)
        ).sum(),
        "the largest squared difference: all of them are added up": lambda real, fake: (
            (real.mean(0) - fake.mean(0)).square().amax()
        ),
        "a Huber loss, which grows like the absolute value: squares are asked for": lambda real, fake: F.smooth_l1_loss(
            fake.mean(0), real.mean(0), reduction="sum"
        ),
        "the two means are added: their difference is asked for": lambda real, fake: feature_matching(real, -fake),
        "the generated features play no part: nothing is compared with the real ones": lambda real, fake: (
            real.mean(0).square().sum() + 0 * fake.sum()
        ),
        "the real features play no part: the generated ones are pulled towards 0": lambda real, fake: (
            fake.mean(0).square().sum() + 0 * real.sum()
        ),
        "the medians are compared: the means are asked for": lambda real, fake: (
            (real.median(0).values - fake.median(0).values).square().sum()
        ),
        "the means of the squares are compared: of the features as they are": lambda real, fake: feature_matching(
            real.square(), fake.square()
        ),
        "the means are squared before the difference: first the difference, then the square": lambda real, fake: (
            (real.mean(0).square() - fake.mean(0).square()).square().sum()
        ),
        "the means are divided by their lengths: take them as they are": lambda real, fake: (
            (F.normalize(real.mean(0), dim=0) - F.normalize(fake.mean(0), dim=0)).square().sum()
        ),
        "the features of each picture are divided by their length: take them as they are": lambda real, fake: (
            feature_matching(F.normalize(real, dim=1), F.normalize(fake, dim=1))
        ),
        "the differences are divided by the features' spread: take them as they are": lambda real, fake: (
            ((real.mean(0) - fake.mean(0)) / real.std(0)).square().sum()
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
        "o is divided by the number of all pairs: the sum over the other pictures is asked for": joined(
            lambda features, o: torch.cat([features, o / (len(o) * (len(o) - 1))], 1)
        ),
        "o is summed over the batch: each picture has its own": joined(
            lambda features, o: torch.cat([features, o.sum(0).expand_as(o)], 1)
        ),
        "o is averaged over the batch: each picture has its own": joined(
            lambda features, o: torch.cat([features, o.mean(0).expand_as(o)], 1)
        ),
        "o has the wrong sign: it is large where others lie near": joined(
            lambda features, o: torch.cat([features, -o], 1)
        ),
        "the differences are summed before their absolute value: rows that lie apart both ways would look alike": (
            likeness(lambda apart: torch.exp(-apart.sum(-1).abs()))
        ),
        "the distance is summed over rows and columns, and is the same for all b: each row gives its own": likeness(
            lambda apart: torch.exp(-apart.abs().sum((-1, -2), keepdim=True).squeeze(-1).expand(apart.shape[:-1]))
        ),
    },
)


def near(M):
    """How alike all pairs are: (N, N, B)."""
    return torch.exp(-(M[:, None] - M).abs().sum(-1))


def among(which):
    """Only some of the others: which(a matrix (N, N) of ones)."""

    def changed(features, T):
        M = torch.einsum("na,abc->nbc", features, T)
        counted = which(torch.ones(len(M), len(M)).to(M))
        return torch.cat([features, torch.einsum("ij,ijb->ib", counted, near(M))], 1)

    return changed


def last_other(pairs):
    """Of each row the last place that is not on the diagonal."""
    places = torch.zeros_like(pairs)
    places[:-1, -1] = places[-1, -2] = 1
    return places


def of_m(change):
    """Another M: change(features times T, features, T)."""

    def changed(features, T):
        M = change(torch.einsum("na,abc->nbc", features, T), features, T)
        return torch.cat([features, near(M).sum(1) - 1], 1)

    return changed


def together(size):
    """exp of the distances to all pictures at once: size(distances (N, N, B))."""

    def changed(features, T):
        M = torch.einsum("na,abc->nbc", features, T)
        return torch.cat([features, torch.exp(-size((M[:, None] - M).abs().sum(3)))], 1)

    return changed


mistakes(
    "minibatch_discrimination",
    {
        "only the pictures that come later in the batch count: all others do": among(lambda pairs: pairs.triu(1)),
        "only the pictures that come earlier in the batch count: all others do": among(lambda pairs: pairs.tril(-1)),
        "the pictures that come later in the batch count, and the picture itself: all others do": among(torch.triu),
        "the first picture of the batch is left out, where the picture itself should be": among(
            lambda pairs: pairs - torch.eye(len(pairs))[0].to(pairs)
        ),
        "only the last of the other pictures counts: is o overwritten in a loop? Add them up": among(last_other),
        "the distances to all others are added before exp: first exp, then the sum": together(lambda d: d.sum(1)),
        "the distances to all pictures are averaged before exp: first exp of each, then the sum": together(
            lambda d: d.mean(1)
        ),
        "the nearest picture alone, and that is the picture itself: the sum over all others is asked for": together(
            lambda d: d.amin(1)
        ),
        "M goes through a ReLU: it is features times T as it is": of_m(lambda M, f, T: M.relu()),
        "M goes through a tanh: it is features times T as it is": of_m(lambda M, f, T: M.tanh()),
        "features times T is averaged over the features: a product sums over them": of_m(
            lambda M, f, T: M / f.shape[1]
        ),
        "the rows of M are divided by their lengths: take M as it is": of_m(lambda M, f, T: F.normalize(M, dim=2)),
        "the features are divided by their lengths before T: take them as they are": of_m(
            lambda M, f, T: torch.einsum("na,abc->nbc", F.normalize(f, dim=1), T)
        ),
        "the features are detached before T: what is below has to learn from o": of_m(
            lambda M, f, T: torch.einsum("na,abc->nbc", f.detach(), T)
        ),
        "view does not change the places of rows and columns, it cuts the numbers anew: M is (N, B, C)": of_m(
            lambda M, f, T: M.reshape(len(M), T.shape[2], T.shape[1]).transpose(1, 2)
        ),
    },
)


@mistake(
    "minibatch_discrimination", "the rows of one picture are compared with each other: with the same row of the others"
)
def rows_of_one(features, T):
    M = torch.einsum("na,abc->nbc", features, T)
    return torch.cat([features, torch.exp(-(M[:, :, None] - M[:, None]).abs().sum(-1)).sum(1) - 1], 1)


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
        "D's loss is halved: descend it as it is": with_d(lambda loss, *given: loss(*given) / 2),
        "a softmax before D's loss: it takes class logits": with_d(
            lambda loss, told, labels, free, fake: loss(told.softmax(1), labels, free, fake)
        ),
        "a log_softmax before D's loss takes from the unlabelled pictures how real they look: hand over the logits": (
            with_d(lambda loss, told, labels, free, fake: loss(told.log_softmax(1), labels, free.log_softmax(1), fake))
        ),
        "the labels are guessed by D: take those that were given": with_d(
            lambda loss, told, labels, free, fake: loss(told, told.argmax(1), free, fake)
        ),
        "the labelled pictures are counted among the unlabelled ones as well": with_d(
            lambda loss, told, labels, free, fake: loss(told, labels, torch.cat([told, free]), fake)
        ),
        "only as many unlabelled pictures are used as there are labelled ones: D learns from all": with_d(
            lambda loss, told, labels, free, fake: loss(told, labels, free[: len(told)], fake)
        ),
        "features are compared with themselves: the unlabelled pictures' with the generated ones'": with_g(
            lambda loss, real, fake: loss(fake, fake)
        ),
        "G matches picture by picture: the means of the features are to agree": then_g(
            lambda form, x, labels, free, D, made: F.mse_loss(D.features(made), D.features(free))
        ),
        "G matches labelled and unlabelled pictures together: the unlabelled alone": then_g(
            lambda form, x, labels, free, D, made: form.matching(D.features(torch.cat([x, free])), D.features(made))
        ),
        "G descends its usual loss as well, that D takes its pictures for real: here it matches features alone": then_g(
            lambda form, x, labels, free, D, made: (
                form.matching(D.features(free), D.features(made)) + softplus(-D(made).logsumexp(1)).mean()
            )
        ),
        "G climbs D's loss: here it matches features": then_g(
            lambda form, x, labels, free, D, made: -form.semi_supervised(D(x), labels, D(free), D(made))
        ),
        "G helps D to know its pictures: here it matches features": then_g(
            lambda form, x, labels, free, D, made: softplus(D(made).logsumexp(1)).mean()
        ),
        "gradients of an earlier iteration are still in both updates": lambda form, x, y, u, G, D, g, d, z: sgan_step(
            form, x, y, u, G, D, keeping(g), keeping(d), z
        ),
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
        "G's loss is added to D's under \"D\": each by itself": lambda *given: (
            (back := sgan_step(*given)) | {"D": back["D"] + back["G"]}
        ),
    },
    forms=FORMS,
)

mistakes(  # the chapter's own feature_matching is the same both ways
    "sgan_step",
    {
        "real and generated features have changed places: feature_matching takes the real ones first": with_g(
            lambda loss, real, fake: loss(fake, real)
        ),
    },
    forms=[form for form in FORMS if form.matching is other_feature_matching],
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


@mistake("sgan_step", "D's weights are clipped: that belongs to a critic, here they stay as they are", forms=FORMS)
def clipped(form, x, labels, unlabelled, G, D, *given):
    back = sgan_step(form, x, labels, unlabelled, G, D, *given)
    with torch.no_grad():
        for weight in D.parameters():
            weight.clamp_(-0.01, 0.01)
    return back


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
        "the standard deviation without the trick is subtracted from that with it: take that of the differences": (
            lambda a, b, t: around(a - b, half_width(a, t) - half_width(b, t))
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
        "the differences without their sign: a gain and a loss would be the same": lambda a, b, t: of_values(
            (a - b).abs(), t
        ),
        "the mean difference without its sign: with the trick minus without it": lambda a, b, t: around(
            a - b, half_width(a - b, t), (a - b).mean().abs()
        ),
        "the interval ends at 0: it may lie below": lambda a, b, t: paired_interval(a, b, t).clamp(min=0),
        "the two scores are added: their difference is asked for": lambda a, b, t: of_values(a + b, t),
        "the scores are divided by each other: their difference is asked for": lambda a, b, t: of_values(a / b, t),
        "the differences are divided by the score without the trick: take them as they are": lambda a, b, t: of_values(
            (a - b) / b, t
        ),
        "the scores are sorted first, which tears the pairs apart: they come in the order of the seeds": (
            lambda a, b, t: of_values(a.sort().values - b.sort().values, t)
        ),
        "each score is compared with each: a seed with itself": lambda a, b, t: of_values(
            (a[:, None] - b).flatten(), t
        ),
        "around the sum of the differences: around their mean": lambda a, b, t: around(
            a - b, half_width(a - b, t), (a - b).sum()
        ),
        "around the mean with the trick: around that of the differences": lambda a, b, t: around(
            a - b, half_width(a - b, t), a.mean()
        ),
        "quantiles of the differences say where a single one lies: an interval of their mean is asked for": (
            lambda a, b, t: (a - b).quantile(torch.tensor([0.025, 0.975]).to(a))
        ),
        "the ends are rounded: return them as they are": lambda a, b, t: paired_interval(a, b, t).round(decimals=1),
        "twice as wide: t standard errors on either side": lambda a, b, t: around(a - b, 2 * half_width(a - b, t)),
        "4.303 is t for three seeds: take the t that is given": lambda a, b, t: of_values(a - b, 4.303),
        "the root of 3 is that of three seeds: of n, as many as there are": lambda a, b, t: around(
            a - b, t * (a - b).std() / 3**0.5
        ),
        "the root of n - 1: s has n - 1 inside already, the error of the mean is s over the root of n": (
            lambda a, b, t: around(a - b, t * (a - b).std() / (len(a) - 1) ** 0.5)
        ),
        "divided by n - 1: by the root of n": lambda a, b, t: around(a - b, t * (a - b).std() / (len(a) - 1)),
        "the root of 2 n: there are n differences": lambda a, b, t: around(a - b, half_width(a - b, t) / 2**0.5),
        "multiplied by the root of n: divide by it, the mean of more values varies less": lambda a, b, t: around(
            a - b, t * (a - b).std() * len(a) ** 0.5
        ),
        "the mean of the absolute differences in place of s: take their standard deviation": lambda a, b, t: around(
            a - b, t * (a - b).abs().mean() / len(a) ** 0.5
        ),
        "the range of the differences in place of s: take their standard deviation": lambda a, b, t: around(
            a - b, t * ((a - b).max() - (a - b).min()) / len(a) ** 0.5
        ),
        "the root of the mean square in place of s: the mean is subtracted before the squares": lambda a, b, t: around(
            a - b, t * (a - b).square().mean().sqrt() / len(a) ** 0.5
        ),
        "the standard deviation of all scores together: take that of the differences": lambda a, b, t: around(
            a - b, t * torch.cat([a, b]).std() / len(a) ** 0.5
        ),
        "the variances with and without are averaged: take the standard deviation of the differences": (
            lambda a, b, t: around(a - b, t * ((a.var() + b.var()) / 2 / len(a)) ** 0.5)
        ),
        "the standard deviations of both are added: take that of the differences": lambda a, b, t: around(
            a - b, t * (a.std() + b.std()) / len(a) ** 0.5
        ),
        "the spread is that of the scores with the trick, as if each were compared with one number: take that of the "
        "differences seed by seed": lambda a, b, t: around(a - b, half_width(a, t)),
        "the standard deviation without the trick: take that of the differences": lambda a, b, t: around(
            a - b, half_width(b, t)
        ),
    },
)


def half_width(values, t):
    return t * values.std() / len(values) ** 0.5


def of_values(values, t):
    """The interval of the mean of values."""
    return around(values, half_width(values, t))


def around(values, half, middle=None):
    middle = values.mean() if middle is None else middle
    return torch.stack([middle - half, middle + half])
