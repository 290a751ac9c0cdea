"""Chapter 05, PixelCNN: what its functions must do, and the mistakes that have a name."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch05 import calls as ch05
from gencourse.homework.ch05.drawing import (
    draw_cases,
    draw_judge,
    particle_cases,
    particle_judge,
    place_cases,
    place_judge,
)
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, explain, log_softmax, normal, refuse, same

SURE = 300.0  # a logit at which a rounded softmax is exactly 0 or 1
CUT = "wrong where the network is sure and wrong: what is added to p, or cut off, makes the cost too small"


def nll_cases(g: Generator) -> Iterator[Case]:
    sure = np.zeros((2, 2, 1, 3, 3), np.float32) + np.float32([SURE, -SURE]).reshape(1, 2, 1, 1, 1)
    for shape in [(3, 2, 1, 4, 5), (2, 6, 3, 2, 2), (4, 50, 1, 3, 4), (1, 3, 1, 2, 7)]:
        width = 1 if shape[0] == 3 else 3  # at first no pixel is surprising
        yield {"logits": width * normal(g, *shape), "x": g.integers(shape[1], size=(shape[0], *shape[2:]))}
        if shape[0] == 3:  # second, so that whatever goes wrong here alone has its name
            yield {"logits": sure, "x": np.stack([np.ones((1, 3, 3), np.int64), np.zeros((1, 3, 3), np.int64)])}


def nll_judge(case: Case, outputs: Outputs) -> None:
    logits, x, found = case["logits"].astype(float), case["x"][:, None], outputs["value"]
    sure = np.abs(logits).max() == SURE
    finite = np.isfinite(found).all()
    refuse(sure and not finite, "infinite where the network is sure and wrong: no logarithm of a rounded softmax")

    def cost(logs: np.ndarray) -> np.ndarray:
        return -np.take_along_axis(logs, x, 1).reshape(len(x), -1)

    each = cost(log_softmax(logits))
    expected = each.sum(1)
    refuse(found.ndim == 0 and len(x) > 1, "one number for each image: you mix the images of a batch")
    demand(found.shape == (len(x),), f"one number for each image, {(len(x),)}; you return shape {found.shape}")
    refuse(sure and found[0] < 0.9 * expected[0], CUT)
    mistakes = {
        "this is log p: a cost is −log p": -expected,
        "factors multiply, so costs add up: no mean over the pixels": each.mean(1),
        "logits are no log-probabilities yet: the levels of a pixel share one sum": cost(logits).sum(1),
        "in bits: nats take the natural logarithm": expected / np.log(2),
        "probabilities are added up: multiply them, or add their logarithms": np.exp(-each).sum(1),
        "the softmax runs over the columns: it belongs to the levels": cost(log_softmax(logits, 4)).sum(1),
        "the most likely level is scored: score the level that the pixel has": -log_softmax(logits)
        .max(1)
        .reshape(len(x), -1)
        .sum(1),
        "the softmax is taken twice: the function you call takes logits": cost(
            log_softmax(np.exp(log_softmax(logits)))
        ).sum(1),
    }
    explain(found, expected, mistakes)
    demand("by logits" in outputs, "no gradient reaches the logits: this is the loss that the network learns from")
    hit = np.take_along_axis(np.exp(log_softmax(logits)), x, 1)
    slope = np.exp(log_softmax(logits))
    np.put_along_axis(slope, x, hit - 1, 1)
    demand(same(outputs["by logits"], slope, 1e-3), "the gradient is not that of the cost: is a part cut off?")


def bits_cases(g: Generator) -> Iterator[Case]:
    for dims in (784, 12, 3 * 32 * 32):
        yield {"nats": float(g.uniform(0.2, 1) * dims), "dims": dims}
    yield {"nats": (100 * g.random(5)).astype(np.float32), "dims": int(g.integers(50, 900))}


def bits_judge(case: Case, outputs: Outputs) -> None:
    nats, dims = np.asarray(case["nats"], float), case["dims"]
    mistakes = {
        "of the whole image: it is asked for each of its values": nats / np.log(2),
        "still nats: a bit is another unit": nats / dims,
        "a coin toss is log 2 nats and one bit: the factor stands on the wrong side": nats / dims * np.log(2),
        "one bit more halves the probability, ten has no part in it": nats / dims / np.log(10),
        "nats are a logarithm already: no other is taken of them": np.log2(nats / dims),
        "bytes: a byte has eight bits": nats / dims / np.log(2) / 8,
    }
    explain(outputs["value"], nats / (dims * np.log(2)), mistakes)


def mask_cases(g: Generator) -> Iterator[Case]:
    sizes = 2 * g.permutation(np.arange(1, 7))[:4] + 1
    for size in sizes.tolist():
        for kind in g.permutation(["A", "B"]).tolist():
            yield {"kind": kind, "size": size}
    yield {"kind": "B", "size": 1}


def mask_judge(case: Case, outputs: Outputs) -> None:
    found, kind, size = outputs["value"], case["kind"], case["size"]
    middle = size // 2
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
    for depth, size, row, column, n in [
        (1, 3, 4, 4, 6),
        (2, 3, 0, 4, 6),
        (3, 3, 6, 2, 4),
        (2, 5, 6, 3, 5),
        (2, 3, 8, 6, 3),
    ]:
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


def rows(x: np.ndarray, case: Case, name: str, k: int, own: int) -> np.ndarray:
    """The convolution of a layer over rows above and its own, up to `own` columns right of the pixel."""
    weight, bias = case[f"{name} {k}"].astype(float), case[f"{name} bias {k}"].astype(float)
    height, width = weight.shape[2:]
    x = np.pad(x, ((0, 0), (0, 0), (height - 1, 0), (width - 1 - min(own, 0), max(own, 0))))
    if own > 0:
        x = x[..., own:]
    h, w = case["x"].shape[2:]
    total = sum(
        np.einsum("bchw,oc->bohw", x[:, :, i : i + h, j : j + w], weight[:, :, i, j])
        for i, j in product(range(height), range(width))
    )
    return total + bias[:, None, None]


def gate(y: np.ndarray, crossed: bool = False) -> np.ndarray:
    a, b = np.split(y, 2, 1)
    a, b = (b, a) if crossed else (a, b)
    return np.tanh(a) / (1 + np.exp(-b))


def down(v: np.ndarray, by: int = 1, axis: int = 2) -> np.ndarray:
    """v moved, with zeros where nothing comes from."""
    moved = np.roll(v, by, axis)
    edge = [slice(None)] * 4
    edge[axis] = slice(0, by) if by > 0 else slice(by, None)
    moved[tuple(edge)] = 0
    return moved


def two_stacks(case: Case, mistake: str = "") -> np.ndarray:
    v = h = case["x"].astype(float)
    reach = case["vertical 0"].shape[3] // 2
    for k in range(case["depth"]):
        v = gate(rows(v, case, "vertical", k, reach), mistake == "crossed")
        move = {"unshifted": 0, "twice": 2, "up": -1}.get(mistake, 1)
        known = down(v, move) if move else v
        known = down(v, 1, 3) if mistake == "sideways" else known
        known = np.roll(v, 1, 2) if mistake == "rolled" else known
        own, heard = rows(h, case, "horizontal", k, 0 if k else -1), rows(known, case, "link", k, 0)
        if mistake == "early":
            heard = down(rows(v, case, "link", k, 0))
        h = gate(own) + gate(heard) if mistake == "two gates" else gate(own + heard, mistake == "crossed")
        h = {"deaf": gate(own, False), "no row": gate(heard)}.get(mistake, h)
        v = known if mistake == "kept" else v
    return v if mistake == "vertical" else h


def stacks_judge(case: Case, outputs: Outputs) -> None:
    found, (r, c) = outputs["value"], (case["row"], case["column"])
    expected = two_stacks(case)
    late = two_stacks(case, "early")  # moved after the link: only the link's bias in the first row differs
    if outputs["loud"] < 1.001 and (same(found, expected) or same(found, late)):
        return
    twice = (2, 2 * expected.shape[1], 9, 7)
    refuse(found.shape == twice, "twice the channels come out: each stack ends in the gate")
    demand(found.shape == expected.shape, f"expected the channels of h, shape {expected.shape}, got {found.shape}")
    mistakes = {
        "this is what the vertical stack knows: h is asked for": "vertical",
        "the first row hears the last one: what leaves the picture below comes in again above": "rolled",
        "h never listens to v: pixels right above stay unseen": "deaf",
        "the row's own past is lost: where is the horizontal convolution of h?": "no row",
        "each part has a gate of its own: first the sum, then one gate": "two gates",
        "the halves of the gate have changed places": "crossed",
        "a blind spot: the next layer of v starts from v as it is, only h hears the other": "kept",
        "one row too far: row r may know all of row r − 1": "twice",
        "moved by a column where it should be a row": "sideways",
        "rows below leak: what is known is shifted the wrong way": "up",
        "the current row leaks: row r of v has seen all of row r, the pixel due included": "unshifted",
    }
    for sentence, mistake in mistakes.items():
        refuse(same(found, two_stacks(case, mistake)), sentence)
    if (seen := outputs.get("seen")) is not None:
        refuse(seen[r + 1 :].any(), "rows below leak into h")
        refuse(seen[r, c:].any(), "the pixel due, or what is right of it, leaks into h")
    refuse(outputs["loud"] > 1.001, "what comes out of a layer is not bounded by 1: each stack ends in the gate")
    explain(found, expected, {})


def odd_cases(g: Generator) -> Iterator[Case]:
    for centre, width, count, n in [(80.0, 20.0, 7, 50), (3.0, 0.5, 4, 200), (900.0, 4.0, 1, 30), (60.0, 9.0, 1, 80)]:
        away = 2 * normal(g, count)
        away[0] = g.choice([-1, 1]) * g.uniform(1.5, 3)  # one is far off, so that rounding near 0 does not count
        yield {
            "nats": np.float32(centre) + np.float32(width) * away,
            "typical": np.float32(centre) + np.float32(width) * normal(g, n),
        }


def odd_judge(case: Case, outputs: Outputs) -> None:
    nats, typical, found = case["nats"].astype(float), case["typical"].astype(float), outputs["value"]
    demand(found.shape == nats.shape, f"one number for each picture, {nats.shape}, got shape {found.shape}")
    refuse(np.isnan(found).any(), "not a number for one picture alone: the deviation is that of typical")
    away = nats - typical.mean()
    size = np.abs(away)
    for freedom in (1, 0):
        width = typical.std(ddof=freedom)
        if same(found, size / width, 1e-3):
            return
        mistakes = {
            "a picture that is too likely gets a negative oddness: both sides are odd": away / width,
            "a picture that costs little gets none: both sides are odd": away.clip(0) / width,
            "three deviations are three times as odd as one: no square is taken": (away / width) ** 2,
            "divided by the variance: the unit is the standard deviation": size / width**2,
            "in nats: the unit is the standard deviation of typical": size,
            "relative to the mean: the unit is the standard deviation": size / typical.mean(),
            "divided by the error of the mean, which shrinks with more images: take the deviation itself": size
            / width
            * np.sqrt(len(typical)),
            "multiplied by the standard deviation: in a wide distribution the same distance is less odd": size * width,
        }
        for sentence, values in mistakes.items():
            refuse(same(found, values), sentence)
        if len(nats) > 1:
            own = np.abs(nats - nats.mean()) / nats.std(ddof=freedom)
            half = size / nats.std(ddof=freedom)
            refuse(same(found, own), "it depends on the other pictures of the batch: typical says what is usual")
            refuse(same(found, half), "the deviation is that of the batch: typical says what is usual")
    explain(found, size / width, {})


CHECKS = {
    "nll": Check("task-likelihood", nll_cases, judge=nll_judge, call=ch05.likelihood),
    "bits_per_dim": Check("task-likelihood", bits_cases, judge=bits_judge),
    "causal_mask": Check("task-mask", mask_cases, judge=mask_judge, call=ch05.typed),
    "two_stacks": Check("task-stacks", stacks_cases, judge=stacks_judge, call=ch05.stacks),
    "draw": Check("task-draw", draw_cases, judge=draw_judge, call=ch05.drawing),
    "oddness": Check("task-oddness", odd_cases, judge=odd_judge),
    "conv_at": Check("task-conv-at", place_cases, judge=place_judge, call=ch05.place),
    "complete": Check("task-particles", particle_cases, judge=particle_judge, call=ch05.completing),
}
