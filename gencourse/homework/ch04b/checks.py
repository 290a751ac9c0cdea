"""Chapter 04b, pix2pix: what its functions are asked, and what is judged by hand."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch04b import calls as ch04b
from gencourse.homework.ch04b import reference
from gencourse.homework.ch04b.mistakes import MISTAKES
from gencourse.homework.ch04b.moved import jitter_cases, jitter_judge
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, normal, refuse, uniform
from gencourse.metrics import pooled_psnr


def unet_cases(g: Generator) -> Iterator[Case]:
    """Widths that differ from level to level; the second time nothing is handed across."""
    for widths, outputs, side, skips in [
        ((1, 4, 6, 5), 3, 8, True),
        ((3, 4, 5), 2, 12, False),
        ((2, 3, 5), 3, 8, True),
    ]:
        levels, weights = len(widths) - 1, {}
        for i, (before, after) in enumerate(zip(widths, widths[1:], strict=False)):
            joined = after * (2 if skips and i < levels - 1 else 1)
            weights[f"down {i}"] = normal(g, after, before, 4, 4) / np.float32(np.sqrt(4 * before))
            weights[f"up {i}"] = normal(g, joined, before if i else outputs, 4, 4) / np.float32(np.sqrt(2 * joined))
        turned = {f"up {i}": weights[f"up {levels - 1 - i}"] for i in range(levels)}
        x = normal(g, 2, widths[0], side, side)
        yield {"x": x, "skips": skips, **weights, **turned, "weight": normal(g, 2, outputs, side, side)}


def losses_cases(g: Generator) -> Iterator[Case]:
    """A pair of channels each way; D does not see a, then there is no D."""
    for shape, channels, conditional, adversarial in [
        ((3, 3, 5, 4), 1, True, True),
        ((2, 1, 4, 6), 3, False, True),
        ((4, 2, 3, 5), 2, True, True),
        ((2, 3, 4, 4), 1, True, False),
    ]:
        b, fake = normal(g, *shape), normal(g, *shape) + np.float32(0.4)
        a = normal(g, shape[0], channels, *shape[2:])
        seen = channels + shape[1]  # also where D does not see a: then zeros in its place are not the picture alone
        judge = normal(g, 1, seen, 2, 2) / np.float32(2 * np.sqrt(seen))
        yield {"fake": fake, "a": a, "b": b, "judge": judge, "conditional": conditional, "adversarial": adversarial}


def losses_judge(case: Case, outputs: Outputs) -> None:
    names = outputs["names"].split(",") if outputs["names"] else []
    wanted = ["D", "G", "distance"] if case["adversarial"] else ["distance"]
    refuse(outputs["frozen"], "D stays frozen: what is frozen for G's loss must learn again")
    said = f"the losses {', '.join(wanted)}" if case["adversarial"] else "the distance alone, since there is no D"
    demand(names == wanted, f"expected {said}; got {', '.join(names) or 'none'}")
    for name in names:
        found = outputs[f"value {name}"]
        demand(found.size == 1, f"the loss {name!r} is one number, yours has shape {found.shape}")


def losses_view(case: Case, outputs: Outputs) -> Outputs:
    return {name: x for name, x in outputs.items() if name not in ("names", "frozen")}


def side_cases(g: Generator) -> Iterator[Case]:
    """PatchGANs with one to four strided layers, single pixels, and layers of all kinds."""
    strided = int(g.integers(1, 5))
    kinds = [([4] * (strided + 2), [2] * strided + [1, 1]), ([1, 1, 1], [1, 1, 1])]
    for n in (2, 4, 5):
        kernels = 1 + g.permutation(6)[:n]
        kinds.append((kernels.tolist(), g.integers(1, 4, n).tolist()))
    kinds.append(([3, 5], [3, 2]))
    for kernels, strides in kinds:
        yield {"kernels": np.array(kernels), "strides": np.array(strides)}


def side_judge(case: Case, outputs: Outputs) -> None:
    refuse(outputs["changed"], "your function changes the list of layers: whoever called it still needs it")


def several_cases(g: Generator) -> Iterator[Case]:
    """Pictures with noise of their own sizes; the network is found in either mode, and has one to three outputs."""
    for shape, channels, draws, training in [
        ((3, 1, 5, 4), 2, 5, False),
        ((2, 3, 4, 4), 3, 8, True),
        ((4, 2, 3, 5), 1, 3, False),
    ]:
        sizes = (0.1 + 0.5 * uniform(g, shape[0], 1, 1, 1)) * (0.2 + uniform(g, 1, 1, *shape[2:]))
        noise = sizes * (normal(g, draws, shape[0], channels, *shape[2:]) + np.float32(0.6))
        yield {"a": normal(g, *shape), "noise": noise.astype(np.float32), "draws": draws, "training": training}


def several_judge(case: Case, outputs: Outputs) -> None:
    shown, draws = outputs["shown"], case["draws"]
    refuse(outputs["seeded"], "torch is seeded before each translation: they all draw the same noise")
    refuse(outputs["mode"], "the network is left in another mode than the one in which it was found: put it back")
    refuse(0 < shown.max() < draws, f"{draws} translations are asked for, with noise drawn anew for each")
    refuse(shown.max() > draws, f"the network drew {shown.max():.0f} translations of a picture, {draws} are asked for")


def several_view(case: Case, outputs: Outputs) -> Outputs:
    return {"value": outputs["value"]}


def psnr_cases(g: Generator) -> Iterator[Case]:
    """How far off each picture is; in the second case one is exactly right: its own decibels are infinite."""
    for sizes, shape in [
        ((0.1, 0.3, 0.02), (3, 6, 5)),
        ((0.02, 0.3, 0.0, 0.1), (1, 5, 5)),
        ((0.05, 0.3, 0.1, 0.02, 0.2), (3, 3, 4)),
        ((0.1,), (2, 4, 4)),
    ]:
        y = uniform(g, len(sizes), *shape)
        x = (y + np.array(sizes, np.float32)[:, None, None, None] * normal(g, *y.shape)).clip(0, 1)
        yield {"x": x.astype(np.float32), "y": y}


LOSSES = {
    "value G": "G's loss is another one: the mean of (D - 1)^2, of what D says of the translation",
    "value D": "D's loss is another one: half of the mean of (D - 1)^2 of true pairs and that of D^2 of translations",
    "value distance": "the distance is another one: distance(fake, b)",
    "G by fake": "G's loss has the right value, but its gradient does not reach the picture as it should",
    "distance by fake": "the distance has the right value, but its gradient does not reach the picture as it should",
    "D by fake": "the pictures that D learns from still hang on G: detach them, D's loss is none of G's business",
    "D by weight": "D's loss has the right value, but its gradient does not reach D as it should: is a part detached?",
}
CHECKS = {
    "unet_forward": Check("task-unet", unet_cases, reference.unet_forward, MISTAKES["unet_forward"], call=ch04b.unet),
    "losses_of_pairs": Check(
        "task-losses",
        losses_cases,
        reference.losses_of_pairs,
        MISTAKES["losses_of_pairs"],
        call=ch04b.losses,
        judge=losses_judge,
        view=losses_view,
        no_gradient="a gradient is missing: G's and the distance's reach the picture, D's reaches D",
        sentences=LOSSES,
    ),
    "patch_side": Check(
        "task-side", side_cases, reference.patch_side, MISTAKES["patch_side"], call=ch04b.side, judge=side_judge
    ),
    "jitter_pair": Check("task-jitter", jitter_cases, judge=jitter_judge, call=ch04b.jitter),
    "pooled_psnr": Check(
        "task-psnr", psnr_cases, pooled_psnr, MISTAKES["pooled_psnr"], shape="one number for all pictures,"
    ),
    "diversity": Check(
        "task-diversity",
        several_cases,
        reference.diversity,
        MISTAKES["diversity"],
        call=ch04b.several,
        judge=several_judge,
        view=several_view,
        shape="one number for each picture,",
    ),
}
