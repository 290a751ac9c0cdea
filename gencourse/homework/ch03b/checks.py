"""Chapter 03b, conditional GAN: what its functions are asked, and what is judged by hand."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch03b import calls as ch03b
from gencourse.homework.ch03b import reference
from gencourse.homework.ch03b.mistakes import MISTAKES
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, is_gradient, normal, refuse, same, uniform

SURE = 100  # logits at which exp overflows in float32, and a probability of "fake" is rounded to 0
ROUNDED = (
    "infinite where D is very sure: exp(100) is too large for float32, and a softmax is rounded to 0 or 1. "
    "cross_entropy, logsumexp and softplus of the logits stay finite"
)
CUT = "wrong where D is very sure: is a logarithm or a logit cut off somewhere? Compute from logsumexp itself"
STEEP = (
    "the value is right where D is very sure, its gradient is not finite: exp of -100 is nearly 0, and its logarithm "
    "infinitely steep there. cross_entropy, logsumexp and softplus of the logits stay finite"
)
SUM_OF_ALL = (
    "not finite, though the logits are moderate: is the logarithm of 0 or of a negative number taken? The K "
    "probabilities of a softmax sum to 1 for every picture: the fake class, of logit 0, has a share of its own"
)
STUDENT = {2: 4.303, 4: 2.776, 7: 2.365}  # 97.5% quantiles of Student's distribution by degrees of freedom


def projection_cases(g: Generator) -> Iterator[Case]:
    """The first time no label is 0, so that labels counted from 1 have a vector; the second time none is the last."""
    for classes, inputs, count, labels in [(4, 5, 6, (1, 2, 3)), (10, 3, 4, (0, 1, 2)), (3, 8, 5, (0, 1, 2))]:
        yield {
            "features": normal(g, count, inputs),
            "labels": np.resize(g.permutation(labels), count),
            "embedding": normal(g, classes, inputs),
            "head": normal(g, inputs),
            "_weight": normal(g, count),
        }


def auxiliary_cases(g: Generator) -> Iterator[Case]:
    """No label is the last class, the last time: how many classes there are is not to be read off the labels."""
    for count, classes in [(5, 4), (7, 3), (4, 10)]:
        yield {
            "real_logits": normal(g, count),
            "fake_logits": normal(g, count),
            "real_classes": 2 * normal(g, count, classes),
            "fake_classes": 2 * normal(g, count, classes),
            "labels": np.resize(g.permutation(min(classes, 9)), count),
        }


def auxiliary_judge(case: Case, outputs: Outputs) -> None:
    names = outputs["names"]
    demand(names == "D,G", f'return {{"D": ..., "G": ...}}, got the names {names or "none"}')
    for name in "DG":
        found = outputs[f"value {name}"]
        demand(found.size == 1, f"the loss {name!r} is one number, yours has shape {found.shape}")


def auxiliary_view(case: Case, outputs: Outputs) -> Outputs:
    return {name: x for name, x in outputs.items() if name != "names"}


def semi_cases(g: Generator) -> Iterator[Case]:
    """More unlabelled pictures than labelled ones, once no label is the last class, last a D that is very sure."""
    for labelled, unlabelled, fake, classes in [(4, 6, 6, 5), (3, 8, 5, 4), (5, 7, 9, 10)]:
        yield {
            "class_logits_labelled": normal(g, labelled, classes),
            "labels": g.permutation(9)[:labelled] % classes,
            "class_logits_unlabelled": normal(g, unlabelled, classes) + np.float32(0.5),
            "class_logits_fake": normal(g, fake, classes) - np.float32(1.5),
        }
    sure = np.full((2, 3), -SURE, np.float32)
    high = sure.copy()
    high[:, 1] = SURE
    labelled = {"class_logits_labelled": high, "labels": np.array([1, 0])}
    yield labelled | {"class_logits_unlabelled": sure, "class_logits_fake": high}


def semi_judge(case: Case, outputs: Outputs) -> None:
    """Judge a D that is very sure, and wrong: there rounding shows."""
    sure = np.abs(case["class_logits_fake"]).max() == SURE
    demand(np.isfinite(outputs["value"]).all(), ROUNDED if sure else SUM_OF_ALL)
    if sure:
        cost = 2 * SURE - np.log(3) / 2  # of one label in two 2 SURE; of the unlabelled and of the generated half each
        demand(same(outputs["value"].reshape(-1), [cost], 1e-3), CUT)
        demand(all(np.isfinite(slope).all() for name, slope in outputs.items() if is_gradient(name)), STEEP)


def matching_cases(g: Generator) -> Iterator[Case]:
    """As many of each only the first time; the real ones are now larger, now smaller."""
    for real, fake, features in [(5, 5, 4), (6, 3, 7), (2, 8, 3)]:
        spread = 0.5 + uniform(g, features)
        larger = np.resize(np.array([0.9, -0.9], np.float32), features)
        yield {
            "real_features": normal(g, real, features) + larger,
            "fake_features": spread * normal(g, fake, features),
        }


def minibatch_cases(g: Generator) -> Iterator[Case]:
    for count, inputs, rows, columns in [(5, 4, 3, 2), (4, 3, 2, 5), (6, 2, 4, 3)]:
        size = np.float32(0.5 / np.sqrt(inputs * columns))
        yield {
            "features": normal(g, count, inputs),
            "T": size * normal(g, inputs, rows, columns),
            "_weight": normal(g, count, inputs + rows),
        }


def steps_cases(g: Generator) -> Iterator[Case]:
    for labelled, unlabelled, latent, pixels, features in [(4, 6, 3, 5, 4), (6, 5, 2, 4, 7)]:
        yield {
            "x": normal(g, labelled, pixels),
            "labels": np.resize(g.permutation(3), labelled),
            "unlabelled": normal(g, unlabelled, pixels),
            "g": normal(g, pixels, latent),
            "g_bias": normal(g, pixels),
            "inner": normal(g, features, pixels) / np.float32(np.sqrt(pixels)),
            "outer": normal(g, 3, features),
            "noise": normal(g, 6 * unlabelled, latent),
            "rate": 0.1,
        }


def steps_judge(case: Case, outputs: Outputs) -> None:
    """Judge who was updated when, who saw what, and what came back."""
    updates, early, late = outputs["updates"], outputs["early"].split(","), outputs["late"].split(",")
    both_read = "l" in outputs["early"] and "u" in outputs["early"] and "f" in outputs["early"]
    swapped = "the optimisers are swapped: D's loss goes down with optimizer_d, G's with optimizer_g"
    refuse(updates in ("GD", "GG", "G") and both_read and outputs["late"], swapped)
    refuse(updates == "GD", "D is updated first, then G: yours goes the other way round")
    done = " then ".join(updates) or "nothing"
    demand(updates == "DG", f"D is updated once, then G once; you updated {done}")
    mixed = (
        "real and generated pictures pass D in one batch: batch normalisation would mix them, give each its own pass"
    )
    refuse(any("f" in kind and kind != "f" for kind in (*early, *late)), mixed)
    count = len(case["unlabelled"])
    drawn = f"{outputs['drawn']:g} z, where there are {count} unlabelled pictures"
    anew = "noise is drawn twice, as much as there are unlabelled pictures: once for D, once anew for G; you drew"
    demand(outputs["drawn"] == 2 * count, f"{anew} {drawn}")
    refuse("f" not in outputs["early"], "D never sees a generated picture")
    refuse("l" not in outputs["early"], "D never sees a labelled picture")
    reached = outputs.get("reached")
    untouched = reached is None or np.unique(reached).tolist() in ([0.0], [1.0])
    early_g = "D's loss reached G: detach the generated pictures in D's half"
    demand(untouched or early.count("f") > 1, early_g)  # else both losses ran backward before it
    frozen = outputs["frozen"]
    refuse(frozen, f"{frozen} stays frozen (requires_grad is False): from the next iteration on it can learn nothing")
    demand(outputs["names"] == "D,G", f'return {{"D": ..., "G": ...}}, got the names {outputs["names"]}')
    for name in "DG":
        shape = outputs[f"value {name}"].shape
        demand(np.prod(shape) == 1, f'the loss under "{name}" is one number, yours has shape {shape}')


def steps_view(case: Case, outputs: Outputs) -> Outputs:
    """The weights of each network together, then what came back: a mistake is known by the weights alone."""
    weights = {
        "D": np.concatenate([outputs["inner"].ravel(), outputs["outer"].ravel()]),
        "G": np.append(outputs["g"], outputs["g_bias"]),
    }
    back = {f"back by {name}": np.append(outputs[f"value {name}"], 1) for name in "DG" if f"value {name}" in outputs}
    return weights | back | {"detached": outputs["detached"]}


def interval_cases(g: Generator) -> Iterator[Case]:
    """Seeds that differ more from each other than a trick changes, as they do; now it lowers the score, now not."""
    for (freedom, t), mean in zip(STUDENT.items(), (-3, 0, 2), strict=True):
        seeds = 40 + 10 * normal(g, freedom + 1)
        gain = np.float32(mean) + 2 * normal(g, freedom + 1)
        yield {"with_trick": (seeds + gain).astype(np.float32), "without": seeds.astype(np.float32), "t": t}


CHECKS = {
    "projection_logit": Check(
        "task-projection",
        projection_cases,
        reference.projection_logit,
        MISTAKES["projection_logit"],
        call=ch03b.call_with_gradients_of_rows,
        shape="one logit a picture, shape",
        no_gradient="a gradient is missing: it reaches the features, the labels' vectors and the head",
    ),
    "auxiliary_classifier_losses": Check(
        "task-auxiliary",
        auxiliary_cases,
        reference.auxiliary_classifier_losses,
        MISTAKES["auxiliary_classifier_losses"],
        call=ch03b.losses,
        judge=auxiliary_judge,
        view=auxiliary_view,
        no_gradient="a gradient is missing: each loss is followed down through the logits that are in it",
        sentences={
            "value D": "D's loss is another one: two cross-entropies of real or generated, and two of the classes",
            "value G": "G's loss is another one: −log D of its pictures, and the cross-entropy of their classes",
        },
    ),
    "semi_supervised_loss": Check(
        "task-semi",
        semi_cases,
        reference.semi_supervised_loss,
        MISTAKES["semi_supervised_loss"],
        call=ch03b.call_with_gradients,
        judge=semi_judge,
        no_gradient="a gradient is missing: D learns from all three batches",
    ),
    "feature_matching": Check(
        "task-matching",
        matching_cases,
        [reference.feature_matching, reference.feature_matching_detached],
        MISTAKES["feature_matching"],
        call=ch03b.call_with_gradients,
        no_gradient="no gradient reaches the generated features: G learns nothing",
    ),
    "minibatch_discrimination": Check(
        "task-minibatch",
        minibatch_cases,
        reference.minibatch_discrimination,
        MISTAKES["minibatch_discrimination"],
        call=ch03b.call_with_gradients_of_rows,
        shape="features and one number for each row b, shape",
        no_gradient="a gradient is missing: it reaches the features and T",
    ),
    "sgan_step": Check(
        "task-step",
        steps_cases,
        [partial(reference.sgan_step, form) for form in reference.FORMS],
        MISTAKES["sgan_step"],
        call=ch03b.sgan_step,
        judge=steps_judge,
        view=steps_view,
        sentences={
            "D": "D's update is off: descend the loss of labelled, unlabelled and generated pictures",
            "G": "G's update is off: generate anew, ask the updated D for features, and match those of the unlabelled",
            "detached": "return the losses detached, or they keep both graphs alive",
            "back by D": 'the value under "D" is not the loss that D descended',
            "back by G": 'the value under "G" is not the loss that G descended',
        },
    ),
    "paired_interval": Check(
        "task-interval",
        interval_cases,
        reference.paired_interval,
        MISTAKES["paired_interval"],
        shape="the two ends, low and high, shape",
    ),
}
