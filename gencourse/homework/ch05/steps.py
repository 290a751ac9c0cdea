"""Chapter 05: a step of training is judged by the weights that it leaves, and by the pixels that it drew."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.compare import READ_BACK, demand, log_softmax, normal, refuse, same

MOVED = dict.fromkeys(("place", "left", "named"), "the loss is right, but the weights did not move as they should")


def step_cases(g: Generator) -> Iterator[Case]:
    for count, clip, labels, grey in [(3, 1e6, 0, False), (4, 0.3, 0, False), (3, 1e6, 3, False), (6, 0.5, 0, True)]:
        h, w = (12, 12) if grey else (4, 5)
        images = np.where(g.random((count, 1, h, w)) < 0.5, 0.0, g.uniform(0.1, 0.7, (count, 1, h, w)))
        yield {  # black and white leaves nothing to chance, however the pixels are drawn
            "images": (images if grey else images > 0.3).astype(np.float32),
            "labels": g.integers(3, size=labels),
            "place": normal(g, 2, h, w),
            "left": normal(g, 2, 2),
            "named": normal(g, 3, 2),
            "clip": clip,
            "rate": float(g.uniform(0.3, 0.6)),
            "seed": int(g.integers(1_000_000)),
            "_grey": grey,
        }


def step_judge(case: Case, outputs: Outputs) -> None:
    found, updates, passes = outputs["value"], outputs["updates"], outputs["passes"]
    demand(found.ndim == 1, f"a loss is one number, the mean over the images; yours has shape {found.shape[1:]}")
    demand(updates, "the optimiser never takes a step: the weights stay as they are")
    demand(updates == 3, f"one update in each step; in three steps there were {updates}")
    demand(passes == 3, f"one pass of the network in each step; in three steps there were {passes}")
    refuse(outputs["kind"] == "graph", "what you return keeps its graph, and with it all activations: detach it")
    refuse(outputs["kind"] == "number", READ_BACK)
    demand("shown" in outputs, f"the network should see pixels of the images' shape, {case['images'].shape}")
    shown, grey = outputs["shown"], case["images"]
    demand(np.isin(shown, (0, 1)).all(), "the network should see pixels 0 and 1")
    if not case["_grey"]:
        refuse(np.array_equal(shown[0], 1 - grey), "light and dark are swapped: the grey value is the chance of a 1")
        return
    refuse(np.array_equal(shown[0], grey > 0.5), "cut at one half: the pixels are to be drawn")
    again = "each step sees the same pixels: draw them anew, from the generator as it was left"
    refuse(np.array_equal(shown[0], shown[1]), again)
    random = not np.array_equal(shown, outputs["again"])
    refuse(random, "the same generator gives other pixels: hand it on to what draws them")
    loss, known = outputs["value"][0], costs(case, outputs["again"][0])
    other = "the loss is that of other pixels than the network saw: draw them once, and use them for both"
    refuse(not any(same(loss, cost, 1e-3) for cost in known), other)
    off = abs(shown.mean() - grey.mean())
    demand(off < 0.05, f"{shown.mean():.0%} of the pixels are 1, their grey values have a mean of {grey.mean():.0%}")


def costs(case: Case, x: np.ndarray) -> tuple[float, float]:
    """The mean loss of pixels that the network saw first, (B, 1, H, W), by what stood in for `nll` and by itself."""
    before = np.pad(x[:, 0].astype(int), ((0, 0), (0, 0), (1, 0)))[..., :-1]
    logits = case["place"].astype(float) + np.moveaxis(case["left"].astype(float)[before], -1, 1)  # (B, 2, H, W)
    one = np.exp(log_softmax(logits))[:, 1]
    chosen = np.where(x[:, 0] == 1, one, 1 - one)
    return float(np.square(one - x[:, 0]).sum() / len(x)), float(-np.log(chosen).sum() / len(x))


def after_steps(case: Case, outputs: Outputs) -> Outputs:
    """The first loss and the weights after three steps, where chance has no part in them."""
    return {} if case["_grey"] else {"value": outputs["value"][0], **{name: outputs[name] for name in MOVED}}
