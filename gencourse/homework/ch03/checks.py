"""Chapter 03, GAN: what its functions are asked, and what is judged by hand."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch03 import calls as ch03
from gencourse.homework.ch03 import reference
from gencourse.homework.ch03.mistakes import MISTAKES
from gencourse.homework.checking import calls
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import READ_BACK, demand, normal, refuse, same, uniform
from gencourse.methods import gan
from gencourse.methods.editing import slerp
from gencourse.metrics.distances import frechet_distance

# Logits at which a rounded sigmoid is exactly 0 or 1: at the larger the exponential overflows too; at the smaller
# torch's binary cross-entropy of a sigmoid shows that it cuts its logarithms off at -100.
SURE = np.array([-100, 100, -30, 30], np.float32)
ROUNDED = "infinite where D is very sure: do not take the logarithm of a rounded sigmoid"
CUT = "wrong where D is very sure: is a logarithm cut off somewhere? Compute from the logits themselves"
ONE_ROW = "one row for each pair,"
LAYERS = "the sizes fit, but a layer is not that of the list: kernels {}, strides {}, paddings {}, channels {}?"
PARTLY = "the gradient is not that of the loss: is a part of it cut off?"


def critic_cases(g: Generator) -> Iterator[Case]:
    for real, fake in [(3, 3), (1, 6), (8, 2)]:
        yield {"real_logits": normal(g, real), "fake_logits": normal(g, fake)}
    yield {"real_logits": SURE, "fake_logits": -SURE}


def maker_cases(g: Generator) -> Iterator[Case]:
    for count in (3, 6, 1):
        yield {"fake_logits": normal(g, count)}
    yield {"fake_logits": SURE}


def sure_judge(case: Case, outputs: Outputs) -> None:
    """Judge the logits of a D that is very sure, where rounding shows: whatever is wrong there comes from it."""
    if max(np.abs(logits).max() for logits in case.values()) == 100:
        demand(np.isfinite(outputs["value"]).all(), ROUNDED)
        cost = (100 + 30) / 4  # of a batch: D is wrong about two of its four pictures
        demand(same(outputs["value"].reshape(-1), [cost * len(case)]), CUT)


def steps_cases(g: Generator) -> Iterator[Case]:
    for batch, latent, pixels in [(5, 2, 3), (4, 3, 2)]:
        weights = {"g": normal(g, pixels, latent), "g_bias": normal(g, pixels), "d": normal(g, 1, pixels)}
        yield {
            "x": normal(g, batch, pixels),
            "noise": normal(g, 6 * batch, latent),
            "d_bias": normal(g, 1),
            "rate": 0.1,
        } | weights


def steps_judge(case: Case, outputs: Outputs) -> None:
    batch = len(case["x"])
    judged_both = outputs["by_then"].startswith("2")  # before the first update D had judged real and fake
    own = "D's loss goes down with optimizer_d: yours with optimizer_g"
    refuse(outputs["updates"] in ("GG", "G") and judged_both and "," in outputs["by_then"], own)
    swapped = outputs["updates"] in ("GD", "GG", "G") and judged_both
    refuse(swapped, "the optimisers are swapped: D's loss goes down with optimizer_d, G's with optimizer_g")
    refuse(outputs["updates"] == "GD", "D is updated first, then G: yours goes the other way round")
    done = " then ".join(outputs["updates"]) or "nothing"
    demand(outputs["updates"] == "DG", f"D is updated once, then G once; you updated {done}")
    judged = outputs["batches"].split(",")
    mixed = len(judged) == 2 and str(2 * batch) in judged
    refuse(mixed, "real and fake pass D in one batch: each needs a pass of its own, batch normalisation sees the batch")
    uneven = f"as many fakes as reals, draw_z(len(x)): x holds {batch}, D judged batches of {', '.join(judged)}"
    demand(set(judged) == {str(batch)}, uneven)
    drawn = f"{outputs['drawn']} z, where x holds {batch}"
    demand(outputs["drawn"] == 2 * batch, f"noise is drawn twice, once for D and once anew for G; you drew {drawn}")
    passes = ",".join([str(batch)] * 3)
    demand(outputs["batches"] == passes, "D judges three batches, each in a pass of its own: real, fake, the new fakes")
    reached = outputs.get("reached")
    untouched = reached is None or np.unique(reached).tolist() in ([0.0], [1.0])
    early = outputs["by_then"].startswith("2")  # D's update came before its loss of step 4
    demand(untouched or not early, "D's loss reached G: cut the graph in step 1")
    frozen = outputs["frozen"]
    refuse(frozen, f"{frozen} stays frozen (requires_grad is False): from the next iteration on it can learn nothing")
    demand(outputs["names"] == "D,G", f'return {{"D": ..., "G": ...}}, got the names {outputs["names"]}')
    for name in "DG":
        shape = outputs[f"value {name}"].shape
        demand(np.prod(shape) == 1, f'the loss under "{name}" is one number, yours has shape {shape}')


def steps_view(case: Case, outputs: Outputs) -> Outputs:
    """The weights of each network together, then what came back.

    That is named as gradients are: a mistake in the weights is known by them, whatever comes back. The parts of a loss
    can cancel, so 1 is a size, too.
    """
    weights = {"D": np.append(outputs["d"], outputs["d_bias"]), "G": np.append(outputs["g"], outputs["g_bias"])}
    back = {f"back by {name}": np.append(outputs[f"value {name}"], 1) for name in "DG" if f"value {name}" in outputs}
    return weights | back | {name: outputs[name] for name in ("detached", "number")}


def generator_cases(g: Generator) -> Iterator[Case]:
    for latent, width, batch in [(5, 4, 4), (3, 6, 3)]:
        yield {"latent": latent, "width": width, "x": normal(g, batch, latent)}


def discriminator_cases(g: Generator) -> Iterator[Case]:
    for width, batch in [(4, 4), (6, 3)]:
        yield {"width": width, "x": uniform(g, batch, 1, 28, 28) * 2 - 1}


def network_judge(case: Case, outputs: Outputs) -> None:
    kinds = outputs["kinds"]
    refuse("Pool" in kinds, "there is pooling: by the list, strided convolutions halve the picture")
    refuse("Upsample" in kinds, "there is upsampling: by the list, transposed convolutions with stride 2 double it")
    refuse("Dropout" in kinds, "there is dropout, which is not on the list")


def network_view(case: Case, outputs: Outputs) -> Outputs:
    return {"value": outputs["value"]}


def slerp_cases(g: Generator) -> Iterator[Case]:
    for count, d, t in [(5, 3, 0.3), (1, 64, 0.5), (8, 100, 0.75), (3, 7, 0.0), (3, 7, 1.0)]:
        yield {"a": normal(g, count, d), "b": normal(g, count, d), "t": t}
    a, b = normal(g, 4, 6), normal(g, 4, 6)
    b[1] = 1.5 * a[1] + 0.02 * b[1]  # one pair is almost parallel, the others are not
    yield {"a": a, "b": b, "t": 0.4}


def slerp_judge(case: Case, outputs: Outputs) -> None:
    unit = "not a number: the cosine of an angle is the product of the *unit* vectors"
    refuse(np.isnan(outputs["value"]).any(), unit)


def frechet_cases(g: Generator) -> Iterator[Case]:
    for n, m, d in [(400, 300, 3), (250, 500, 5), (60, 40, 2)]:
        mix = g.standard_normal((d, d)) + np.eye(d)
        a, b = (
            g.standard_normal((n, d)) @ mix,
            g.standard_normal((m, d)) @ (mix + 0.5 * g.standard_normal((d, d))) + 0.7,
        )
        if (np.cov(a.T) @ np.cov(b.T))[0, 1] > 0:  # so that a root number by number meets one below zero
            a[:, 0], b[:, 0] = -a[:, 0], -b[:, 0]
        yield {"a": a, "b": b}
    base = g.standard_normal((200, 3))
    flat = np.hstack([base, 2 * base[:, :1]])
    yield {"a": flat, "b": flat + 1, "_singular": True}
    few = g.standard_normal((6, 16))  # singular in many directions: there the roots of rounding errors add up
    yield {"a": few, "b": few.copy(), "_singular": True}


def frechet_judge(case: Case, outputs: Outputs) -> None:
    """Judge what rounding does: values that are not finite, and the distance of equal sets."""
    found = outputs["value"]
    demand(found.size == 1, f"a distance is one number, got shape {found.shape}")
    singular = "not finite for features that depend on each other: an eigenvalue below zero"
    demand(np.isfinite(found).all() or "_singular" not in case, singular)
    root_of = "A matrix's root is not that of its numbers: take it of the eigenvalues, of a symmetric matrix"
    demand(np.isfinite(found).all(), f"not finite: a root of a number below zero, as a covariance can be. {root_of}")
    if np.array_equal(case["a"], case["b"]):
        found, traces = float(found.reshape(-1)[0]), 2 * case["a"].var(0, ddof=1).sum()
        below = f"two equal sets got {found:.0e}: rounding can lead below 0, where no distance lies: cut it off"
        refuse(-1e-2 * traces < found < 0, below)
        demand(abs(found) <= 1e-2 * traces, f"two equal sets are {found:.3g} apart: it should be 0")


def frechet_view(case: Case, outputs: Outputs) -> Outputs:
    """Of equal sets the judge has said what there is to say."""
    return {} if np.array_equal(case["a"], case["b"]) else outputs


def trick_cases(g: Generator) -> Iterator[Case]:
    seed = int(g.integers(1, 1000))
    yield {"real": uniform(g, 256, 1, 28, 28) * 2 - 1, "seed": seed, "other": seed + 7}


def trick_judge(case: Case, outputs: Outputs) -> None:
    scores, steps, order, start = (outputs[name] for name in ("scores", "steps", "order", "start"))
    demand(steps.all(), "nothing was trained: fit calls the step that make_step returns")
    demand(outputs["measured"].all(), "nothing was measured: return the FID-digits of what was drawn")
    demand(outputs["last"].all(), "what is measured was drawn before the training was over: first fit, then draw")
    refuse(outputs["holds"] == "d,g", "the optimisers come in the wrong order: first G's, then D's")
    demand(outputs["holds"] == "g,d", "each optimiser has all weights of one network: the first g's, the second d's")
    demand(np.isfinite(scores).all(), "the result is not finite")
    refuse(start[0] != start[1], "the same seed gave other first weights: seed before the networks are made")
    refuse(start[0] == start[2], "another seed starts from the same weights")
    refuse(order[0] == order[2], "the digits come in the same order whatever the seed: shuffle them by it, too")
    refuse(order[0] != order[1], "the same seed gave the digits in another order")
    refuse(scores[0] != scores[1], "the same seed gave two results: something random does not start from the seed")
    refuse(scores[0] == scores[2], "another seed changes nothing")
    demand(
        steps.tolist() == [2, 2, 2, 4], f"asked for 2, 2, 2 and 4 steps, you did {', '.join(f'{n:g}' for n in steps)}"
    )
    demand(outputs["averaged"].all(), "what is measured are not pictures of the average of G's weights")


CHECKS = {
    "discriminator_loss": Check(
        "task-losses",
        critic_cases,
        gan.bce().discriminator,
        MISTAKES["discriminator_loss"],
        call=calls.call_with_gradients,
        judge=sure_judge,
        no_gradient="no gradient reaches the logits",
        sentences=dict.fromkeys(("by real_logits", "by fake_logits"), PARTLY),
    ),
    "generator_loss": Check(
        "task-losses",
        maker_cases,
        gan.bce().generator,
        MISTAKES["generator_loss"],
        call=calls.call_with_gradients,
        judge=sure_judge,
        no_gradient="no gradient reaches the logits: G learns nothing",
        sentences={"by fake_logits": "the gradient is not that of −log D: is a part cut off?"},
    ),
    "five_steps": Check(
        "task-five-steps",
        steps_cases,
        [partial(reference.five_steps, form) for form in reference.FORMS],
        MISTAKES["five_steps"],
        call=ch03.five_steps,
        judge=steps_judge,
        view=steps_view,
        sentences={
            "G": "G's update is off: generate anew, ask the updated D, descend the generator's loss",
            "detached": "return the losses detached, or they keep both graphs alive",
            "number": READ_BACK,
            "back by D": 'the value under "D" is not the loss that D descended',
            "back by G": 'the value under "G" is not the loss that G descended',
        },
    ),
    "dcgan_generator": Check(
        "task-networks",
        generator_cases,
        reference.dcgan_generator,
        MISTAKES["dcgan_generator"],
        call=ch03.network,
        judge=network_judge,
        view=network_view,
        shape="pictures of shape",
        sentences={"value": LAYERS.format("4, 3, 4, 4", "1, 2, 2, 2", "0, 1, 1, 1", "4 * width, 2 * width, width, 1")},
    ),
    "dcgan_discriminator": Check(
        "task-networks",
        discriminator_cases,
        reference.dcgan_discriminator,
        MISTAKES["dcgan_discriminator"],
        call=ch03.network,
        judge=network_judge,
        view=network_view,
        shape="one logit a picture, shape",
        sentences={"value": LAYERS.format("4, 4, 3, 4", "2, 2, 2, 1", "1, 1, 1, 0", "width, 2 * width, 4 * width, 1")},
    ),
    "slerp": Check(
        "task-slerp", slerp_cases, slerp, MISTAKES["slerp"], judge=slerp_judge, shape=ONE_ROW, tolerance=1e-3
    ),
    "frechet_distance": Check(
        "task-frechet",
        frechet_cases,
        [frechet_distance, reference.frechet_biased],
        MISTAKES["frechet_distance"],
        judge=frechet_judge,
        view=frechet_view,
        tolerance=2e-3,  # in float32 the root of a rounding error is that large where a covariance is singular
    ),
    "train_and_measure": Check("task-trick", trick_cases, judge=trick_judge, call=ch03.training),
}
