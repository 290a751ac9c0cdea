"""How inputs are spoiled, for test_malformed.py: tensors in ways that have names, files, texts, and a limit of time."""

import signal
import struct
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

LONGEST = 20.0  # seconds that a function may take over one input


class Hang(BaseException):
    """A function took too long over an input. Not an Exception: hypothesis would try it again and again."""


def falsify(name: str, strategy: st.SearchStrategy, examples: int, check: Callable[[Any], None]) -> None:
    """Call `check` with what a strategy makes; the same inputs every time, so that a failure can be found again."""

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=HealthCheck)
    @given(strategy)
    def run(made):
        with warnings.catch_warnings(), limit(f"{name} takes more than {LONGEST:g} s over {made!r:.500}"):
            warnings.simplefilter("ignore")  # those of the readers, about what they skip
            check(made)

    run()


@contextmanager
def limit(message: str) -> Iterator[None]:
    """Raise Hang after LONGEST seconds; where the system has such a timer, and in the main thread, which gets it.

    pytest-timeout uses the same timer: what was left of it goes on afterwards.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        raise Hang(message)

    began, handler = time.monotonic(), signal.signal(signal.SIGALRM, stop)
    left, again = signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), again)


# Tensors


@dataclass(frozen=True)
class Row:
    """A function of one argument, an argument that it takes, and how that is spoiled."""

    call: Callable[[Any], Any]
    good: Any
    bad: st.SearchStrategy


def row(call: Callable[[Any], Any], good: Any, kinds: str | st.SearchStrategy) -> Row:
    """kinds: names of WAYS, some with numbers or types behind a colon, or what makes bad arguments itself."""
    if isinstance(kinds, st.SearchStrategy):
        return Row(call, good, kinds)
    parts = [kind.partition(":") for kind in kinds.split()]
    return Row(call, good, st.one_of([WAYS[name](good, *words.split(",")) for name, _, words in parts]))


def resized(x: Tensor, dim: int, size: int) -> Tensor:
    """Repeat or leave out what lies along one dimension until it has this size."""
    return x.index_select(dim, torch.arange(size) % x.shape[dim])


def of_size(dim: int) -> Callable[..., st.SearchStrategy]:
    """Other sizes of a dimension: those named, else all up to 7."""

    def make(x: Tensor, *sizes: str) -> st.SearchStrategy:
        named = [int(size) for size in sizes if size] or [size for size in range(1, 8) if size != x.shape[dim]]
        return st.sampled_from(named).map(lambda size: resized(x, dim, size))

    return make


def ranks(x: Tensor, *_: str) -> list[Tensor]:
    made = [x.sum(), x.reshape(-1), x[None], x[..., None], x[None, None], *([x[0], x[..., 0]] if x.ndim else [])]
    return [one for one in made if one.ndim != x.ndim]


def as_types(x: Tensor, *names: str) -> st.SearchStrategy:
    return st.sampled_from([getattr(torch, name) for name in names]).map(x.to)


def with_value(*values: float) -> Callable[..., st.SearchStrategy]:
    """One of the numbers is one of these values, or of those named."""

    def make(x: Tensor, *named: str) -> st.SearchStrategy:
        def spoil(place: int, value: float) -> Tensor:
            made = x.clone(memory_format=torch.contiguous_format)
            made.view(-1)[place] = value
            return made

        chosen = [float(value) for value in named if value] or list(values)
        return st.builds(spoil, st.integers(0, x.numel() - 1), st.sampled_from(chosen))

    return make


def any_other(x: Tensor, *_: str) -> st.SearchStrategy:
    sizes = [(dim, size) for dim in range(x.ndim) for size in (1, 2, x.shape[dim] + 1) if size != x.shape[dim]]
    return st.sampled_from(sizes).map(lambda change: resized(x, *change))


def smaller(x: Tensor, least: str) -> st.SearchStrategy:
    sizes = st.integers(1, int(least) - 1)
    return st.builds(lambda dim, size: resized(x, dim, size), st.sampled_from([-1, -2]), sizes)


def uneven(x: Tensor, scale: str = "2") -> st.SearchStrategy:
    """Sides that a number does not divide."""
    sizes = [size for size in range(1, 3 * int(scale)) if size % int(scale)]
    return st.builds(lambda dim, size: resized(x, dim, size), st.sampled_from([-1, -2]), st.sampled_from(sizes))


def no_tensor(x: Tensor, *_: str) -> st.SearchStrategy:
    return st.sampled_from([x.tolist(), [x], x.detach().numpy(), "a picture", 0.5, object()])


NAN = (float("nan"), float("inf"), -float("inf"))
WORDS = ["abc", None, [["a"]], [[1], [2, 3]], {}, object()]
WAYS: dict[str, Callable[..., st.SearchStrategy]] = {
    "rank": lambda x, *_: st.sampled_from(ranks(x)),
    "higher": lambda x, *_: st.sampled_from([one for one in ranks(x) if one.ndim > x.ndim]),
    "scalar": lambda x, *_: st.just(x.sum()),
    "flat": lambda x, *_: st.just(x.reshape(-1)),
    "wide": lambda x, *_: st.integers(2, 5).map(lambda n: x.expand(n)),
    "empty": lambda x, *_: st.integers(0, x.ndim - 1).map(lambda dim: x.narrow(dim, 0, 0)),
    "dtype": lambda x, *_: as_types(x, "uint8", "int64", "bool", "complex64"),
    "float": lambda x, *_: as_types(x, "float32", "float64", "float16"),
    "bool": lambda x, *_: as_types(x, "bool"),
    "complex": lambda x, *_: as_types(x, "complex64"),
    "types": as_types,
    "list": no_tensor,
    "words": lambda x, *_: st.sampled_from(WORDS),
    "nan": with_value(*NAN),
    "unit": with_value(1.01, -0.01, 255.0, 1e30),  # outside [0, 1]
    "signed": with_value(1.01, -1.01, 255.0, -1e30),  # outside [-1, 1]
    "levels": with_value(-1, -300, 99, 2**40),
    "value": with_value(),
    "batch": of_size(0),
    "channels": of_size(1),
    "square": of_size(-1),
    "other": any_other,
    "smaller": smaller,
    "uneven": uneven,
    "even": lambda x, *_: st.sampled_from([2, 4]).map(lambda n: resized(resized(x, -1, n), -2, n)),
    "thin": lambda x, *_: st.sampled_from([-1, -2]).map(lambda dim: x.narrow(dim, 0, 1)),
}
few = st.integers(-5, 0) | st.sampled_from([2.5, "2", None, -(2**40), float("nan")])  # what is no number above 0

# Files and names

HEADS = [
    *(
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"PK\x03\x04",
        b"GIF89a",
        b"RIFF\x10\x00\x00\x00WEBP",
        b"II*\x00",
    ),
    *(b"\x1f\x8b\x08", b"{", b'{"cells": [', b"\x93NUMPY", b"\x80\x04", struct.pack("<Q", 2**62), b"\x20" + bytes(7)),
]


def is_number(content: bytes) -> bool:
    try:
        int(content)
    except ValueError:
        return False
    return True


junk = st.tuples(st.sampled_from(HEADS), st.binary(max_size=300)).map(b"".join).filter(lambda made: not is_number(made))


@st.composite
def damaged(draw, good: bytes) -> bytes:
    """A file cut off, with some bytes changed, or with a piece of it repeated or gone."""
    kind = draw(st.sampled_from(["cut", "bytes", "repeated", "gone"]))
    place = draw(st.integers(0, max(0, len(good) - 1)))
    if kind == "cut":
        return good[:place]
    if kind == "bytes":
        changed = bytearray(good)
        for where in draw(st.lists(st.integers(0, max(0, len(good) - 1)), min_size=1, max_size=8)):
            changed[where : where + 1] = bytes([draw(st.integers(0, 255))])
        return bytes(changed)
    length = draw(st.integers(1, 64))
    return good[:place] + (good[place : place + length] * 2 if kind == "repeated" else b"") + good[place + length :]


ODD_NAMES = ["../../etc/passwd", "digits\0", "a" * 300, "%s{0}", "DIGITS", "ｄigits", "\n"]
text = st.text(max_size=40) | st.sampled_from(ODD_NAMES)
# Where nothing can be written: below a file, in the place of a folder, under names that no file can have.
unwritable = st.sampled_from(["folder.png", "a" * 300 + ".png", "x\0.png", "file/\0.png", "file/a/b.png"]) | st.text(
    "abc.-_ ", max_size=9
).map(lambda made: f"file/{made}x.png")
