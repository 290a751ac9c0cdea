"""Chapter 99b, an example: what its function must do."""

from collections.abc import Iterator

from numpy.random import Generator

from gencourse.homework.ch99b import calls
from gencourse.homework.ch99b.mistakes import MISTAKES
from gencourse.homework.checking.calls import Case
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import uniform
from gencourse.methods.example import mix


def mix_cases(g: Generator) -> Iterator[Case]:
    for shape in [(1, 1, 4, 5), (2, 3, 6, 4)]:
        yield {"a": uniform(g, *shape), "b": uniform(g, *shape), "weight": float(g.uniform(0.1, 0.4))}


CHECKS = {"mix": Check("task-mix", mix_cases, mix, MISTAKES["mix"], calls.line)}
