"""Chapter 04, the pool of past fakes: what went in, what came back, and from where."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.compare import demand, refuse

SWAPS = 5.0  # a fair coin stays within so many standard deviations


def pool_cases(g: Generator) -> Iterator[Case]:
    for n, shape, size, rounds in [
        (1, (2, 2), 5, 400),
        (4, (1, 3, 2), 10, 80),
        (3, (2,), 4, 90),
        (6, (1, 2, 2), 4, 50),
    ]:
        more = int(g.integers(10))
        yield {"n": n, "shape": np.array(shape), "size": size, "rounds": rounds + more}


def pool_judge(case: Case, outputs: Outputs) -> None:
    n, size = case["n"], case["size"]
    shape = (n, *case["shape"].tolist())
    demand(not outputs["shape"], f"as many come back as went in, {shape}: you return shape {outputs['shape']}")
    refuse(outputs["whole"], "the pool holds pictures one by one, not whole batches")
    refuse(outputs["graph"], "the pool keeps graphs alive, and with them the memory of every past iteration")
    refuse(outputs["hangs"], "what comes back still hangs on the generator: the discriminator's loss would reach it")
    refuse(outputs["spoiled"], "the fakes that came in are changed in place: whoever drew them still needs them")
    given, pools, lengths = outputs["given"].astype(int), outputs["pool"].astype(int), outputs["lengths"]
    refuse((given < 0).any(), "something came back that never went in")
    refuse(not lengths.any(), "the list that was handed over stays empty: change it, a new list is not seen outside")
    refuse((lengths > size).any(), f"the pool holds {lengths.max():.0f} pictures: more than the {size} it may")
    held: list[int] = []
    overwritten = outputs["overwritten"]
    swaps = [
        follow(held, range(i * n, (i + 1) * n), size, *x, overwritten)
        for i, x in enumerate(zip(given, pools, strict=True))
    ]
    pool_coins(case, np.array([x for full, row in swaps for x in row[full:]]), swaps)
    if n == 1:
        pool_places(given[:, 0], pools[:, :size], size)


def follow(
    held: list[int], fakes: range, size: int, given: np.ndarray, pool: np.ndarray, overwritten: bool
) -> tuple[int, list[bool]]:
    """Do in `held` what one round did. Returns how many fakes filled the pool, and for each whether it was swapped.

    overwritten: a picture in the pool was changed in place. It may be, if the old one was copied before.
    """
    swapped, filled = [], 0
    order = sorted(given.tolist()) == list(fakes) != given.tolist()
    refuse(order, "the pictures come back in another order than they went in")
    for fake, back in zip(fakes, given.tolist(), strict=True):
        swapped.append(back != fake)
        if len(held) < size:
            refuse(back != fake, "while the pool fills, what comes in is given back")
            held.append(fake)
            filled += 1
        elif back != fake:
            refuse(back > fake, "the pictures come back in another order than they went in")
            refuse(back not in held, "an old picture came back twice: what is given back leaves the pool")
            held[held.index(back)] = fake
    now = pool[pool >= 0].tolist()
    refuse(len(now) < len(held), f"{len(held)} pictures should be in the pool, there are {len(now)}: one got lost")
    extra, lost = set(now) - set(held), set(held) - set(now)
    refuse(extra & set(given.tolist()) - set(fakes), "an old picture is given back and kept: it should leave the pool")
    alias = "the old picture is overwritten before it is given back: `old = pool[i]` is no copy, it is the same tensor"
    refuse(overwritten and extra & set(fakes), alias)
    refuse(extra & set(fakes), "a new picture is given back and kept as well: on heads the pool stays as it is")
    refuse(lost & set(fakes), "a picture that was changed against an old one did not get into the pool")
    refuse(extra or lost, "the pool does not hold what should be in it after these pictures")
    return filled, swapped


def pool_coins(case: Case, swapped: np.ndarray, rows: list[tuple[int, list[bool]]]) -> None:
    share, spread = swapped.mean(), 0.5 / np.sqrt(len(swapped))
    refuse(share == 0, "no old picture ever comes back")
    refuse(share == 1, "once the pool is full a new picture never comes back at once: where is the coin?")
    together = case["n"] > 1 and all(len(set(row)) == 1 for full, row in rows if not full)
    refuse(together, "all pictures of a batch share one coin: each has its own")
    fair = abs(share - 0.5) < SWAPS * spread
    demand(fair, f"an old picture came back {swapped.sum()} times of {len(swapped)}: the coin should be fair")


def pool_places(given: np.ndarray, pools: np.ndarray, size: int) -> None:
    """Where in the list stood what came back? pools: (rounds, size), after each round of one picture."""
    late = range(size, len(given))
    places = [pools[i - 1].tolist().index(given[i]) for i in late if given[i] != i]
    refuse(len(set(places)) == 1, "what leaves the pool always stands at the same place: choose among all of them")
    refuse(set(range(size)) - set(places), "there is a place in the pool from which nothing ever leaves")
    often = max(places.count(place) for place in set(places)) / len(places)
    refuse(often > 1 / size + SWAPS / np.sqrt(size * len(places)), "one place of the pool is chosen far too often")
