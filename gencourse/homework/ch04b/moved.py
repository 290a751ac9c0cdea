"""Chapter 04b, pairs that are moved alike: where each picture came from, found among all places it could come from."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator

from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.compare import demand, refuse, uniform

NEAR = 1e-4
FAIR = 5.5  # standard deviations: as far as a fair coin gets
Places = dict[tuple[int, int, bool], np.ndarray]  # (top, left, mirrored): all pictures, cut out there


def jitter_cases(g: Generator) -> Iterator[Case]:
    for channels, size, grow in [((1, 3), (6, 7), 3), ((3, 1), (8, 5), 2)]:
        a, b = (uniform(g, 240, c, *size) for c in channels)
        yield {"a": a, "b": b, "seed": int(g.integers(1_000_000)), "grow": grow}


def enlarged(x: np.ndarray, grow: int, mode: str = "bilinear", corners: bool | None = False) -> np.ndarray:
    h, w = x.shape[2:]
    corners = corners if mode == "bilinear" else None
    return F.interpolate(torch.from_numpy(x), (h + grow, w + grow), mode=mode, align_corners=corners).numpy()


def cut(x: np.ndarray, size: tuple[int, int], *, flip: int = 3) -> Places:
    """Return what can be cut out of enlarged pictures; mirrored along a dimension, or not."""
    h, w = size
    tops, lefts = (range(x.shape[i] - size[i - 2] + 1) for i in (2, 3))
    pieces = {(t, left): x[:, :, t : t + h, left : left + w] for t in tops for left in lefts}
    return {(*at, m): np.flip(x, flip) if m else x for at, x in pieces.items() for m in (False, True)}


def found_in(y: np.ndarray, places: Places) -> np.ndarray:
    """Return for each picture the number of the first place that it equals, -1 for none."""
    found = np.full(len(y), -1)
    for i, x in enumerate(places.values()):
        equal = np.abs(y - x).reshape(len(y), -1).max(1) < NEAR
        found[equal & (found < 0)] = i
    return found


def origin(x: np.ndarray, y: np.ndarray, grow: int, name: str) -> np.ndarray:
    """Return (N, 3) of where each picture of y was cut out of x: top, left, whether mirrored. Raises Wrong."""
    size = x.shape[2:]
    for corners in (False, True):
        places = cut(enlarged(x, grow, corners=corners), size)
        found = found_in(y, places)
        if (found >= 0).all():
            return np.array(list(places))[found].astype(int)
    explained(x, y, grow, name)
    raise AssertionError("nobody comes here")


def explained(x: np.ndarray, y: np.ndarray, grow: int, name: str) -> None:
    """Raise Wrong with what is known of pictures that are no pieces of the enlarged ones."""
    size, around = x.shape[2:], ((0, 0), (0, 0), (grow, grow), (grow, grow))
    large = enlarged(x, grow)
    partly = (found_in(y, cut(large, size)) >= 0).mean()
    other = {
        "comes back as it was or mirrored: it is neither enlarged nor cut": cut(x, size),
        "is enlarged by repeating pixels: bilinear is asked for": cut(enlarged(x, grow, "nearest"), size),
        "is not enlarged: it is shifted, and something else fills the border": cut(np.pad(x, around), size),
        "is shifted, with its border's pixels repeated: enlarge it, then cut": cut(np.pad(x, around, "edge"), size),
        "is shifted, with its border mirrored: enlarge it, then cut": cut(np.pad(x, around, "reflect"), size)
        if grow < min(size)
        else {},
        "is rolled around its edges: enlarge it, then cut": rolled(x, grow),
        "is mirrored from top to bottom: left and right change places, in an emoji up stays up": cut(
            large, size, flip=2
        ),
        "is cut first and enlarged then: enlarge the whole picture, and cut a piece of the old size": smaller(x, grow),
        "is enlarged and then made as small as before: cut a piece out of it": cut(again(large, size), size),
        "is reduced at once: it should be a piece of the enlarged picture, of the old size": cut(
            again(x, (size[0] - grow, size[1] - grow), size), size
        ),
    }
    for sentence, places in other.items():
        refuse(places and (found_in(y, places) >= 0).all(), f"{name} {sentence}")
    pieces = np.concatenate(list(cut(large, size).values()))
    swapped = all(np.abs(pieces - one).reshape(len(pieces), -1).max(1).min() < NEAR for one in y[:5])
    refuse(swapped, f"the pictures of {name} have changed places: pair i must stay pair i")
    refuse(partly > 0, f"some pictures of {name} are no pieces of the enlarged ones, others are")
    refuse(True, f"{name} is no piece of the picture, enlarged bilinearly by {grow} pixels")


def rolled(x: np.ndarray, grow: int) -> Places:
    steps = range(-grow, grow + 1)
    moved = {(t, left): np.roll(x, (t, left), (2, 3)) for t in steps for left in steps}
    return {(*at, m): np.flip(y, 3) if m else y for at, y in moved.items() for m in (False, True)}


def smaller(x: np.ndarray, grow: int) -> Places:
    """Return pieces that are smaller than the pictures, enlarged to their size."""
    size = x.shape[2:]
    if grow >= min(size):
        return {}
    return {at: again(piece, size) for at, piece in cut(x, (size[0] - grow, size[1] - grow)).items()}


def again(x: np.ndarray, *sizes: tuple[int, ...]) -> np.ndarray:
    for size in sizes:
        if min(size) < 1:
            return x
        x = F.interpolate(torch.from_numpy(np.ascontiguousarray(x)), size, mode="bilinear").numpy()
    return x


def jitter_judge(case: Case, outputs: Outputs) -> None:
    """Judge shapes, then each picture, then both pictures of a pair, then what was drawn."""
    grow, n = case["grow"], len(case["a"])
    for name in ("a", "b"):
        shape, wanted = outputs[name].shape, case[name].shape
        large = (*wanted[:2], wanted[2] + grow, wanted[3] + grow)
        refuse(shape == large, f"{name} comes back enlarged: cut a piece of the old size out of it")
        demand(shape == wanted, f"{name} comes back in shape {shape}, it should keep its shape {wanted}")
    a, b = (origin(case[name].astype(np.float64), outputs[name], grow, name) for name in ("a", "b"))
    pairs_stay_together(a, b)
    refuse(outputs["own"], "torch's own random numbers are used: draw everything from the generator")
    refuse(not outputs["same"], "a generator of the same seed gives other pictures: draw everything from it")
    refuse(not outputs["others"], "a generator of another seed gives the same pictures: draw from it")
    moved, mirrored = a[:, :2], a[:, 2]
    refuse(not a.any(), "nothing is moved at all")
    alone = len(np.unique(moved, axis=0)) == 1
    refuse(alone and moved.max() == 0, "all are cut at the upper left corner: draw a place")
    refuse(alone, "all pairs are cut at one place: each pair has its own")
    refuse(not mirrored.any(), "no pair is mirrored: half of them should be, each by a coin of its own")
    refuse(mirrored.all(), "every pair is mirrored: half of them should be, each by a coin of its own")
    refuse((moved[:, 0] == moved[:, 1]).all(), "a piece moves as far down as it moves to the right: draw both")
    for axis, word in ((0, "top"), (1, "left")):
        seen = np.bincount(moved[:, axis], minlength=grow + 1)
        refuse(not seen[-1], f"the last place is never drawn: {word} goes from 0 to grow, {grow} included")
        refuse(not seen.all(), f"not every place is drawn: {word} goes from 0 to {grow}")
        uneven = np.abs(seen - n / (grow + 1)).max() > FAIR * np.sqrt(n / (grow + 1))
        refuse(uneven, f"the places are not drawn alike: each {word} from 0 to {grow} is as likely as the others")
    share = abs(mirrored.mean() - 0.5) * 2 * np.sqrt(n)
    refuse(share > FAIR, f"{mirrored.mean():.0%} of the pairs are mirrored: half of them should be")


def pairs_stay_together(a: np.ndarray, b: np.ndarray) -> None:
    """Raise Wrong where the two pictures of a pair were moved in two ways."""
    apart, turned = (a[:, :2] != b[:, :2]).any(), (a[:, 2] != b[:, 2]).any()
    one = next((name for name, x in (("a", a), ("b", b)) if not x[:, 2].any()), "")
    refuse(turned and one, f"{one} is never mirrored, its partner is: both pictures of a pair are moved alike")
    refuse(apart and turned, "the two pictures of a pair part: draw once, and move both by it")
    refuse(apart, "the two pictures of a pair are cut at different places: draw the place once for both")
    refuse(turned, "of some pairs one picture alone is mirrored: toss the coin once for both")
