"""Chapter 01b, texture synthesis: what its functions are asked."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch01b import calls as ch01b
from gencourse.homework.ch01b.mistakes import MISTAKES
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, normal, uniform
from gencourse.methods import texture

SIZE = 3  # side of the patches in `copied`
THRESHOLD = 1e-3


def letters_cases(g: Generator) -> Iterator[Case]:
    drawn = "".join(g.choice(list("aab n"), 60))
    for text, context in [
        ("bandana banana", "an"),
        ("aaaa baaa", "aa"),
        (drawn, drawn[-2:]),
        (drawn, "a"),
        ("otto", ""),
    ]:
        yield {"text": text, "context": context}
    yield {"text": "banana", "context": "x"}
    yield {"text": "Anna\nand Anna\nan", "context": "a"}  # a book has lines, and capitals


def distances_cases(g: Generator) -> Iterator[Case]:
    for channels, side, count, share in [(3, 5, 6, 0.6), (1, 3, 4, 0.5), (3, 7, 9, 0.4), (2, 5, 1, 1.0)]:
        known = (g.random((side, side)) < share).astype(np.float32)
        known[0, side // 2] = 1  # something is known, the middle is not
        known[side // 2, side // 2] = 0
        window, patches = uniform(g, channels, side, side), uniform(g, count, channels, side, side)
        yield {"window": window, "known": known, "patches": patches}


def candidates_cases(g: Generator) -> Iterator[Case]:
    near = np.sort(0.2 + 0.2 * uniform(g, 30))
    near[:6] = np.linspace(0.2, 0.215, 6)
    yield {"distances": g.permutation(near).astype(np.float32), "tolerance": 0.1}
    yield {"distances": g.permutation(np.concatenate([near, near[:2]])).astype(np.float32), "tolerance": 0.0}
    yield {"distances": g.permutation(np.concatenate([near, np.zeros(3)])).astype(np.float32), "tolerance": 0.1}
    yield {"distances": g.permutation(10 * near).astype(np.float32), "tolerance": 0.5}
    far = np.append(2 + 10 * uniform(g, 39), 2)
    yield {"distances": g.permutation(far).astype(np.float32), "tolerance": 0.3}


def cut_cases(g: Generator) -> Iterator[Case]:
    for shape in [(12, 5), (6, 6), (20, 4), (3, 9), (1, 4), (7, 1)]:
        yield {"error": uniform(g, *shape)}
    dear = uniform(g, 8, 9)
    dear[:-1, 5:] += 1
    dear[-1, 8] = 0  # the smallest error of the last row lies at the end of a dear way
    yield {"error": dear}


def cut_judge(case: Case, outputs: Outputs) -> None:
    found = outputs["value"]
    whole = found.ndim == 1 and (found == np.round(found)).all()
    demand(whole, "one column, a whole number, for each row: the way itself is asked for, not what it costs")


def loss_cases(g: Generator) -> Iterator[Case]:
    for channels, coarse, height, width in [(4, 3, 6, 8), (2, 5, 4, 4), (3, 3, 8, 4)]:
        weights = {"fine": normal(g, channels, 3), "coarse": normal(g, coarse, channels)}
        grams = {"gram_fine": normal(g, 1, channels, channels), "gram_coarse": normal(g, 1, coarse, coarse)}
        yield weights | {"x": uniform(g, 1, 3, height, width)} | grams


def copied_cases(g: Generator) -> Iterator[Case]:
    """A part of the image is exactly the sample's, others nearly so or brighter, the rest is noise of its own.

    The noises lie where the sum of all squares, the sum over colours and the mean leave the threshold one by one. In
    one case the copy stands where it does in the sample.
    """
    for channels, side, down, right in [(3, 9, 1, 2), (1, 11, 0, 0), (3, 13, 1, 2)]:
        sample = uniform(g, 1, channels, side, side)
        copy = sample[:, :, down : down + side - 1, right : right + 2 * SIZE]
        rough = [copy + np.float32(spread) * normal(g, *copy.shape) for spread in (0.0, 0.004, 0.014, 0.025, 0.036)]
        image = np.concatenate([*rough, copy + np.float32(0.1), uniform(g, *copy.shape)], axis=3)
        yield {"image": image.clip(0, 1), "sample": sample, "size": SIZE, "threshold": THRESHOLD}


LOSS = {
    "looks": "the network looks at x more than once: ask it for all layers in one pass",
    "value": "the loss is another one: is each layer's Gram matrix divided by its own positions, the error by 4 N²?",
}
CHECKS = {
    "next_letters": Check(
        "task-letters",
        letters_cases,
        texture.next_letters,
        MISTAKES["next_letters"],
        call=ch01b.letters,
        filler=ch01b.NOTHING,
    ),
    "window_distances": Check(
        "task-distances",
        distances_cases,
        texture.window_distances,
        MISTAKES["window_distances"],
        shape="one number for each patch,",
    ),
    "candidates": Check(
        "task-candidates",
        candidates_cases,
        texture.candidates,
        MISTAKES["candidates"],
        call=ch01b.indices,
        filler=ch01b.NOTHING,
    ),
    "minimal_cut": Check(
        "task-cut",
        cut_cases,
        texture.minimal_cut,
        MISTAKES["minimal_cut"],
        judge=cut_judge,
        shape="one column for each row,",
    ),
    "texture_loss": Check(
        "task-loss",
        loss_cases,
        texture.texture_loss,
        MISTAKES["texture_loss"],
        call=ch01b.loss,
        sentences=LOSS,
    ),
    "copied": Check("task-copied", copied_cases, texture.copied, MISTAKES["copied"]),
}
