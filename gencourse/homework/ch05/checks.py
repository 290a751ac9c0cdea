"""Chapter 05, PixelCNN: what its functions are asked, and what is judged by hand."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch05 import calls as ch05
from gencourse.homework.ch05 import reference
from gencourse.homework.ch05.mistakes import FREEDOMS, MISTAKES
from gencourse.homework.ch05.particles import particle_cases, particle_judge
from gencourse.homework.ch05.steps import MOVED, after_steps, step_cases, step_judge
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, normal, refuse

SURE = 300.0  # a logit at which a rounded softmax is exactly 0 or 1
CUT = "wrong where the network is sure and wrong: what is added to p, or cut off, makes the cost too small"


def nll_cases(g: Generator) -> Iterator[Case]:
    sure = np.zeros((2, 2, 1, 3, 3), np.float32) + np.array([SURE, -SURE], np.float32).reshape(1, 2, 1, 1, 1)
    for shape in [(3, 2, 1, 4, 5), (2, 6, 3, 2, 2), (4, 50, 1, 3, 4), (1, 3, 1, 2, 7)]:
        width = 1 if shape[0] == 3 else 3  # at first no pixel is surprising
        yield {"logits": width * normal(g, *shape), "x": g.integers(shape[1], size=(shape[0], *shape[2:]))}
        if shape[0] == 3:  # second, so that whatever goes wrong here alone has its name
            yield {"logits": sure, "x": np.stack([np.ones((1, 3, 3), np.int64), np.zeros((1, 3, 3), np.int64)])}


def nll_judge(case: Case, outputs: Outputs) -> None:
    found, batch, sure = outputs["value"], len(case["x"]), np.abs(case["logits"]).max() == SURE
    finite = np.isfinite(found).all()
    refuse(sure and not finite, "infinite where the network is sure and wrong: no logarithm of a rounded softmax")
    one_each = found.ndim == 0 or found.shape == (batch,)
    demand(one_each, f"one number for each image, {(batch,)}; you return shape {found.shape}")
    refuse(sure and found.ndim and found[0] < 0.9 * 2 * SURE * case["x"][0].size, CUT)


def bits_cases(g: Generator) -> Iterator[Case]:
    for dims in (784, 12, 3 * 32 * 32):
        yield {"nats": float(g.uniform(0.2, 1) * dims), "dims": dims}
    yield {"nats": (100 * g.random(5)).astype(np.float32), "dims": int(g.integers(50, 900))}


def mask_cases(g: Generator) -> Iterator[Case]:
    sizes = 2 * g.permutation(np.arange(1, 7))[:4] + 1
    for size in sizes.tolist():
        for kind in g.permutation(["A", "B"]).tolist():
            yield {"kind": kind, "size": size}
    yield {"kind": "B", "size": 1}


def mask_judge(case: Case, outputs: Outputs) -> None:
    found, kind, size, middle = outputs["value"], case["kind"], case["size"], case["size"] // 2
    demand(found.shape == (size, size), f"a mask has the size of the kernel, {(size, size)}, not {found.shape}")
    place = np.arange(size**2).reshape(size, size)
    past = place < place[middle, middle]
    right = past | ((place == place[middle, middle]) & (kind == "B"))
    other = past | ((place == place[middle, middle]) & (kind == "A"))
    demand(np.isin(found, (0, 1)).all(), "a mask is a switch: 0 or 1")
    seen = found != 0
    refuse(size > 1 and np.array_equal(seen, ~right), "1 and 0 have changed places: 1 where a kernel may look")
    turned = np.array_equal(seen, right.T) and size > 1
    refuse(turned, "rows and columns are exchanged: the past is the rows above, then the row itself")
    swapped = np.array_equal(seen, other)
    refuse(swapped and kind == "A", "the current pixel leaks: the first layer would see the answer")
    refuse(swapped, "mask B hides the centre: later layers lose what they know")
    refuse(seen[middle + 1 :].any(), f"a future pixel leaks through mask {kind}: rows below are not drawn yet")
    ahead = seen[middle, middle + 1 :].any()
    refuse(ahead, f"a future pixel leaks through mask {kind}: what is right of the centre is not drawn yet")
    demand(seen[:middle].any() or size == 1, "the rows above are hidden: they are drawn already")
    blind = seen[:middle, : middle + 1].all() and not seen[:middle, middle + 1 :].all()
    refuse(blind, "a blind spot: rows above are drawn already, on the right side too")
    demand(seen[middle, :middle].all(), "a past pixel of the same row is hidden")
    demand(np.array_equal(seen, right), "a past pixel within the kernel's reach is hidden, or the centre is wrong")
    sentence = f"a float32 tensor is asked for, to multiply kernels with; yours is {outputs['dtype']}"
    demand(outputs["dtype"] == "float32", sentence)


def stacks_cases(g: Generator) -> Iterator[Case]:
    asked = [(1, 3, 4, 4, 6), (2, 3, 0, 4, 6), (3, 3, 6, 2, 4), (2, 5, 6, 3, 5), (2, 3, 8, 6, 3)]
    for depth, size, row, column, n in asked:
        case = {"x": normal(g, 2, 1, 9, 7), "depth": depth, "row": row, "column": column}
        for k in range(depth):
            inputs, half = (n if k else 1), size // 2
            for name, shape in {
                "vertical": (2 * n, inputs, half + 1, size),
                "horizontal": (2 * n, inputs, 1, half + bool(k)),
                "link": (2 * n, n, 1, 1),
            }.items():
                fan = np.float32(np.sqrt(np.prod(shape[1:])))
                case |= {f"{name} {k}": normal(g, *shape) / fan, f"{name} bias {k}": normal(g, 2 * n) / 2}
        yield case


def dependence(case: Case, outputs: Outputs) -> Outputs:
    """What h depends on, and whether it is bounded, then its values."""
    r, c, seen = case["row"], case["column"], outputs.get("seen", np.zeros(case["x"].shape[2:]))
    below, due = float(seen[r + 1 :].any()), float(seen[r, c:].any())
    by_x = {"by x": outputs["by x"]} if "by x" in outputs else {}
    return {"below": below, "due": due, "loud": float(outputs["loud"] > 1.001), "value": outputs["value"], **by_x}


def draw_cases(g: Generator) -> Iterator[Case]:
    asked = [(2, 4, 6, 8, -1), (4, 2, 5, 6, -1), (3, 4, 5, 6, 0), (2, 3, 5, 6, 13), (4, 2, 4, 5, 1), (3, 2, 4, 5, 20)]
    for levels, b, h, w, kept in asked:
        case = {name: g.standard_normal((levels + 1, levels)) for name in ("before", "above")}
        yield case | {"u": g.random((b, h, w)), "given": g.integers(levels, size=(b, 1, h, w)), "kept": kept}


def draw_judge(case: Case, outputs: Outputs) -> None:
    found, given, kept = outputs["value"], case["given"], max(case["kept"], 0)
    demand(found.shape == given.shape, f"expected images of shape {given.shape}, got {found.shape}")
    demand(outputs["whole"], "a pixel is a level, an integer: you return floating-point numbers")
    demand(outputs["dtype"] == "int64", f"int64 is asked for, what you return is {outputs['dtype']}")
    flat, begun = found.reshape(len(found), -1), given.reshape(len(given), -1)
    refuse(kept and not np.array_equal(flat[:, :kept], begun[:, :kept]), f"the first {kept} are not those given")
    passes, pixels, due = outputs["passes"], given[0].size, given[0].size - kept
    refuse(passes == 1 < due, "all pixels are drawn in one pass: each depends on those drawn before it")
    refuse(kept and passes == pixels, f"{kept} pixels of {pixels} are known: they need no pass")
    demand(passes == due, f"{due} pixels need as many passes, each over the image so far; you made {passes}")
    for i, canvas in enumerate(outputs["canvas"]):
        written = np.array_equal(canvas[:, : kept + i], flat[:, : kept + i])
        demand(written, f"pixel {kept + i} is due, in raster order, and an earlier one is not written yet")
    refuse(not np.array_equal(found, outputs["again"]), "the same u gives other images each time: u alone decides")


def odd_cases(g: Generator) -> Iterator[Case]:
    for centre, width, count, n in [(80.0, 20.0, 7, 50), (3.0, 0.5, 4, 200), (900.0, 4.0, 1, 30), (60.0, 9.0, 1, 80)]:
        away = 2 * normal(g, count)
        away[0] = g.choice([-1, 1]) * g.uniform(1.5, 3)  # one is far off, so that rounding near 0 does not count
        yield {
            "nats": np.float32(centre) + np.float32(width) * away,
            "typical": np.float32(centre) + np.float32(width) * normal(g, n),
        }


def place_cases(g: Generator) -> Iterator[Case]:
    corners = []
    sizes = [(2, 3, 5, 3, (7, 9)), (1, 1, 4, 7, (9, 8)), (3, 2, 6, 1, (4, 5)), (2, 4, 4, 5, (3, 4))]
    for b, i, o, size, (h, w) in sizes:
        case = {"x": normal(g, b, i, h, w), "weight": normal(g, o, i, size, size), "bias": normal(g, o)}
        inside = [(h // 2, w // 2), (h // 2, w // 2 - 1)]
        found = [case | {"r": r, "c": c} for r, c in [*inside, (0, 0), (h - 1, w - 1), (0, w - 1), (h - 1, 0)]]
        first = 2 if h >= size and w > size else 0
        yield from found[:first]
        corners += found[first:]
    yield from corners


def where_and_how(case: Case, outputs: Outputs) -> Outputs:
    """The value, under a name that says whether the kernel leaves the image, and whether it was `cheap`."""
    (r, c), size, (h, w) = (case["r"], case["c"]), case["weight"].shape[2], case["x"].shape[2:]
    inside = size // 2 <= min(r, c, h - 1 - r, w - 1 - c)
    most = 2 * len(case["x"]) * case["weight"].size  # twice the products that are needed
    cheap = outputs["cost"] <= most and outputs["products"] <= most
    return {"value" if inside else "value at the border": outputs["value"], "cheap": cheap}


CHECKS = {
    "nll": Check(
        "task-likelihood",
        nll_cases,
        reference.nll,
        MISTAKES["nll"],
        call=ch05.likelihood,
        judge=nll_judge,
        no_gradient="no gradient reaches the logits: this is the loss that the network learns from",
        sentences={"by logits": "the gradient is not that of the cost: is a part cut off?"},
    ),
    "bits_per_dim": Check("task-likelihood", bits_cases, reference.bits_per_dim, MISTAKES["bits_per_dim"]),
    "causal_mask": Check("task-mask", mask_cases, judge=mask_judge, call=ch05.typed),
    "two_stacks": Check(
        "task-stacks",
        stacks_cases,
        [reference.two_stacks, reference.two_stacks_late],
        MISTAKES["two_stacks"],
        call=ch05.stacks,
        view=dependence,
        shape="the channels of h, shape",
        sentences={
            "below": "rows below leak into h",
            "due": "the pixel due, or what is right of it, leaks into h",
            "loud": "what comes out of a layer is not bounded by 1: each stack ends in the gate",
        },
    ),
    "training_step": Check(
        "task-step",
        step_cases,
        [reference.training_step, reference.training_step_direct],
        MISTAKES["training_step"],
        call=ch05.training,
        judge=step_judge,
        view=after_steps,
        sentences={"value": "the loss is not the mean of nll over the images", **MOVED},
    ),
    "draw": Check(
        "task-draw",
        draw_cases,
        reference.draw,
        MISTAKES["draw"],
        call=ch05.drawing,
        judge=draw_judge,
        view=lambda case, outputs: {"value": outputs["value"]},
    ),
    "oddness": Check(
        "task-oddness",
        odd_cases,
        [partial(reference.oddness, freedom) for freedom in FREEDOMS],
        MISTAKES["oddness"],
        shape="one number for each picture, shape",
        tolerance=1e-3,
    ),
    "conv_at": Check(
        "task-conv-at",
        place_cases,
        reference.conv_at,
        MISTAKES["conv_at"],
        call=ch05.place,
        view=where_and_how,
        shape="one value for each image and output, shape",
        sentences={
            "value at the border": "right in the middle of the image, wrong at its border: which part of the kernel "
            "lies inside the image?",
            "cheap": "right, but other places were computed too: cut out the patch first",
        },
    ),
    "complete": Check("task-particles", particle_cases, judge=particle_judge, call=ch05.completing),
}
