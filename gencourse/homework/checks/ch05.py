"""Chapter 05, PixelCNN: what its functions must do, and the mistakes that have a name."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.random import Generator

from gencourse.homework.calls import Case, Outputs, ch05
from gencourse.homework.checks import Check
from gencourse.homework.checks.compare import demand, explain, normal, refuse, same

SURE = 300.0  # a logit at which a rounded softmax is exactly 0 or 1
APART = 0.06  # between two distributions: more than 20,000 draws can differ by chance


def log_softmax(logits: np.ndarray, axis: int = 1) -> np.ndarray:
    shifted = logits - logits.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def nll_cases(g: Generator) -> Iterator[Case]:
    for shape in [(3, 2, 1, 4, 5), (2, 6, 3, 2, 2), (4, 50, 1, 3, 4), (1, 3, 1, 2, 7)]:
        yield {"logits": 3 * normal(g, *shape), "x": g.integers(shape[1], size=(shape[0], *shape[2:]))}
    sure = np.zeros((2, 2, 1, 3, 3), np.float32) + np.float32([SURE, -SURE]).reshape(1, 2, 1, 1, 1)
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
    demand("slope" in outputs, "no gradient reaches the logits: this is the loss that the network learns from")
    hit = np.take_along_axis(np.exp(log_softmax(logits)), x, 1)
    slope = np.exp(log_softmax(logits))
    np.put_along_axis(slope, x, hit - 1, 1)
    demand(same(outputs["slope"], slope, 1e-3), "the gradient is not that of the cost: is a part cut off?")


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


def draw_cases(g: Generator) -> Iterator[Case]:
    for levels, b, h, w, kept in [
        (2, 4, 6, 8, -1),
        (4, 2, 5, 6, -1),
        (3, 2, 4, 9, -1),
        (3, 4, 5, 6, 0),
        (2, 3, 5, 6, 13),
    ]:
        yield draw_case(g, levels, b, h, w, kept)
    yield draw_case(g, 4, 2, 4, 5, 1)
    yield draw_case(g, 3, 2, 4, 5, 20)


def draw_case(g: Generator, levels: int, b: int, h: int, w: int, kept: int) -> Case:
    case: Case = {}
    for _ in range(100):
        case = {name: g.standard_normal((levels + 1, levels)) for name in ("before", "above")}
        case |= {"u": g.random((b, h, w)), "given": g.integers(levels, size=(b, 1, h, w)), "kept": kept}
        images = [drawn(case, rule) for rule in ("", "likely", "not reached", "raw", "one")]
        if kept > 1 or all((x != y).any() for i, x in enumerate(images) for y in images[:i]):
            break
    return case


def drawn(case: Case, rule: str = "") -> np.ndarray:
    """The images that follow from u, (B, 1, H, W), by the right rule or by a mistaken one."""
    u, kept = case["u"].reshape(len(case["u"]), -1), max(case["kept"], 0)
    width, none = case["u"].shape[2], len(case["before"]) - 1
    x = np.zeros(u.shape, np.int64)
    x[:, :kept] = case["given"].reshape(len(u), -1)[:, :kept]
    for i in range(kept, u.shape[1]):
        before = x[:, i - 1] if i else np.full(len(u), none)
        above = x[:, i - width] if i >= width else np.full(len(u), none)
        logits = case["before"][before] + case["above"][above]
        p = logits if rule == "raw" else np.exp(log_softmax(logits))
        number = {"shifted": u[:, i - kept], "one": u[:1, i]}.get(rule, u[:, i])[:, None]
        reached = number >= p.cumsum(1)[:, :-1]
        level = reached.sum(1) if rule != "not reached" else (~reached).sum(1)
        x[:, i] = p.argmax(1) if rule == "likely" else level
    return x.reshape(case["given"].shape)


def draw_judge(case: Case, outputs: Outputs) -> None:
    found, given, kept = outputs["value"], case["given"], max(case["kept"], 0)
    pixels = given[0].size
    demand(found.shape == given.shape, f"expected images of shape {given.shape}, got {found.shape}")
    demand(outputs["whole"], "a pixel is a level, an integer: you return floating-point numbers")
    flat, begun = found.reshape(len(found), -1), given.reshape(len(given), -1)
    refuse(kept and not np.array_equal(flat[:, :kept], begun[:, :kept]), f"the first {kept} are not those given")
    passes, due = outputs["passes"], pixels - kept
    refuse(passes == 1 < due, "all pixels are drawn in one pass: each depends on those drawn before it")
    refuse(kept and passes == pixels, f"{kept} pixels of {pixels} are known: they need no pass")
    demand(passes == due, f"{due} pixels need as many passes, each over the image so far; you made {passes}")
    for i, canvas in enumerate(outputs["canvas"]):
        written = np.array_equal(canvas[:, : kept + i], flat[:, : kept + i])
        demand(written, f"pixel {kept + i} is due, in raster order, and an earlier one is not written yet")
    refuse(not np.array_equal(found, outputs["again"]), "the same u gives other images each time: u alone decides")
    mistakes = {
        "you take the most likely level: then u decides nothing": drawn(case, "likely"),
        "levels come in the opposite order: a level is the number of running sums that u has reached": drawn(
            case, "not reached"
        ),
        "logits do not add up to 1: only probabilities can be laid end to end": drawn(case, "raw"),
        "all images are drawn with the numbers of the first: u has one for each": drawn(case, "one"),
    }
    if kept:
        mistakes["a pixel is drawn from the number of its own place in u, whatever is known"] = drawn(case, "shifted")
    explain(found, drawn(case), mistakes)


def odd_cases(g: Generator) -> Iterator[Case]:
    for centre, width, count, n in [(80.0, 20.0, 7, 50), (3.0, 0.5, 4, 200), (900.0, 4.0, 1, 30), (60.0, 9.0, 1, 80)]:
        yield {
            "nats": np.float32(centre) + np.float32(2 * width) * normal(g, count),
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
        if same(found, size / width):
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


def place_cases(g: Generator) -> Iterator[Case]:
    corners = []
    for b, i, o, size, (h, w) in [
        (2, 3, 5, 3, (7, 9)),
        (1, 1, 4, 7, (9, 8)),
        (3, 2, 6, 1, (4, 5)),
        (2, 4, 4, 5, (3, 4)),
    ]:
        case = {"x": normal(g, b, i, h, w), "weight": normal(g, o, i, size, size), "bias": normal(g, o)}
        inside = [(h // 2, w // 2), (h // 2, w // 2 - 1)]
        found = [case | {"r": r, "c": c} for r, c in [*inside, (0, 0), (h - 1, w - 1), (0, w - 1), (h - 1, 0)]]
        first = 2 if h >= size and w > size else 0
        yield from found[:first]
        corners += found[first:]
    yield from corners


def place_judge(case: Case, outputs: Outputs) -> None:
    x, weight, bias, found = case["x"].astype(float), case["weight"].astype(float), case["bias"], outputs["value"]
    (r, c), size, shape = (case["r"], case["c"]), weight.shape[2], (len(x), len(weight))
    demand(found.shape == shape, f"one value for each image and output, {shape}; got shape {found.shape}")
    m, (h, w) = size // 2, x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (m + 1, m + 1), (m + 1, m + 1)))

    def at(row: int, column: int, kernel: np.ndarray = weight) -> np.ndarray:
        patch = padded[:, :, row + 1 : row + 1 + size, column + 1 : column + 1 + size]
        return np.einsum("bcij,ocij->bo", patch, kernel) + bias

    expected, cost = at(r, c), 2 * len(x) * weight.size
    border = r < m or c < m or r + m >= h or c + m >= w
    where = f"right in the middle of the image, wrong at ({r}, {c}): which part of the kernel lies inside the image?"
    if not same(found, expected):
        refuse(same(found + bias, expected), "the bias is missing")
        refuse(same(found - bias, expected), "the bias is added more than once")
        refuse(size > 1 and same(found, at(r, c, weight[:, :, ::-1, ::-1])), "the kernel is turned: it lies as it is")
        crossed = size > 1 and same(found, at(r, c, weight.transpose(0, 1, 3, 2)))
        refuse(crossed, "rows and columns of the kernel have changed places")
        swapped = max(r, c) < min(h, w) and r != c and same(found, at(c, r))
        refuse(swapped, "r is the row, the third size of x, and c the column")
        near = [at(r + i, c + j) for i, j in product((-1, 0, 1), repeat=2) if i or j]
        refuse(any(same(found, one) for one in near), "the patch lies one pixel beside: (r, c) is its middle")
        refuse(border and size > 1, where)
        explain(found, expected, {})
    demand(outputs["cost"] <= cost, "right, but other places were computed too: cut out the patch first")


def particle_cases(g: Generator) -> Iterator[Case]:
    for levels, shape, places in [
        (3, (1, 4), [2]),
        (2, (2, 3), [3, 5]),
        (2, (2, 3), [0, 1]),
        (3, (2, 2), [1, 3]),
        (2, (3, 2), [2, 5]),
    ]:
        known = np.isin(np.arange(np.prod(shape)), places).reshape(shape)
        for _ in range(3000):
            tables = {name: 1.5 * g.standard_normal((levels + 1, levels)) for name in ("before", "above")}
            x = g.integers(levels, size=(1, 1, *shape))
            case = tables | {"x": x, "known": known, "count": 20_000, "seed": int(g.integers(1_000_000))}
            if telling(case):
                break
        yield case


def telling(case: Case) -> bool:
    """Whether mistakes lead to distributions that differ, and draws are many enough to see it."""
    known = case["known"].ravel()
    if known[0]:
        return True
    every = distributions(case)
    ways = [every[""], *(way for sentence, way in every.items() if sentence)]
    free, seen = logarithms(case)[1:]
    share = np.exp(free + seen).sum() ** 2 / np.exp(free + 2 * seen).sum()  # of the particles that carry the weight
    few = 0.1 < share < (0.4 if known.sum() == 1 else 1)
    return few and all(apart(p, q) > 2.2 * APART for i, p in enumerate(ways) for q in ways[:i])


def logarithms(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All images, each flat; and for those that agree with what is known the sums of log p over the other pixels, and
    over the known ones; -infinity for the rest."""
    levels, width, known = case["before"].shape[1], case["known"].shape[1], case["known"].ravel()
    every = np.array(list(product(range(levels), repeat=known.size)))
    logs = pixel_logarithms(case, every, width)
    agrees = (every[:, known] == case["x"].ravel()[known]).all(1)
    free = np.where(agrees, logs[:, ~known].sum(1), -np.inf)
    return every, free, logs[:, known].sum(1)


def pixel_logarithms(case: Case, every: np.ndarray, width: int) -> np.ndarray:
    none = case["before"].shape[1]
    before = np.hstack([np.full((len(every), 1), none), every[:, :-1]])
    above = np.hstack([np.full((len(every), width), none), every[:, :-width]])
    logs = log_softmax(case["before"][before] + case["above"][above], 2)
    return np.take_along_axis(logs, every[..., None], 2)[..., 0]  # (images, pixels)


def distributions(case: Case) -> dict[str, np.ndarray]:
    """The distribution over all images that is asked for, named "", and those that mistakes lead to."""
    levels, known = case["before"].shape[1], case["known"].ravel()
    every, free, seen = logarithms(case)
    logs = pixel_logarithms(case, every, case["known"].shape[1])
    codes = every[:, ~known] @ levels ** np.arange((~known).sum())
    late = np.where(np.isfinite(free), np.bincount(codes, np.exp(logs.sum(1)))[codes], 0)
    ways = {
        "": np.exp(free + seen),
        "pixels before a known one know nothing of it: weigh each image by what it had expected": np.exp(free),
        "known pixels are written in too late: what comes after them should follow from them": late,
        "drawn pixels change the weights, too: only known ones may, the others are drawn by their odds": np.exp(
            2 * free + seen
        ),
    }
    if known.sum() > 1:
        last = logs[:, np.flatnonzero(known)[-1]]
        ways["the weights know of the last known pixel alone: multiply them up"] = np.exp(free + last)
    else:
        ways["what was expected counts twice: those chosen anew are equal again"] = np.exp(free + 2 * seen)
    return {sentence: way / way.sum() for sentence, way in ways.items()}


def apart(p: np.ndarray, q: np.ndarray) -> float:
    return float(np.abs(p - q).sum() / 2)


def particle_judge(case: Case, outputs: Outputs) -> None:
    found, known, count = outputs["value"], case["known"], case["count"]
    shape = (count, 1, *known.shape)
    demand(found.shape == shape, f"expected {count} images, shape {shape}, got {found.shape}")
    levels = case["before"].shape[1]
    whole = outputs["whole"] and np.isin(found, range(levels)).all()
    demand(whole, f"a pixel is a level: an integer from 0 to {levels - 1}")
    kept = (found[:, 0, known] == case["x"][0, 0, known]).all()
    demand(kept, "a known pixel was drawn over")
    random = not np.array_equal(outputs["few"], outputs["again"])
    refuse(random, "the same generator gives other images: hand it on to all that is drawn")
    refuse((found == found[:1]).all() and not known.all(), "all images are the same: each is a draw of its own")
    flat = found.reshape(count, -1).astype(int)
    codes = flat @ levels ** np.arange(known.size)[::-1]
    often = np.bincount(codes, minlength=levels**known.size) / count
    ways = distributions(case)
    away = apart(often, ways.pop(""))
    if away < APART:
        return
    for sentence, way in ways.items():
        refuse(apart(often, way) < APART, sentence)
    refuse(True, f"{away:.2f} of the images differ from p(image | known): are weights kept, and used at the end?")


CHECKS = {
    "nll": Check("task-likelihood", nll_cases, nll_judge, ch05.likelihood),
    "bits_per_dim": Check("task-likelihood", bits_cases, bits_judge),
    "causal_mask": Check("task-mask", mask_cases, mask_judge),
    "two_stacks": Check("task-stacks", stacks_cases, stacks_judge, ch05.stacks),
    "draw": Check("task-draw", draw_cases, draw_judge, ch05.drawing),
    "oddness": Check("task-oddness", odd_cases, odd_judge),
    "conv_at": Check("task-conv-at", place_cases, place_judge, ch05.place),
    "complete": Check("task-particles", particle_cases, particle_judge, ch05.completing),
}
