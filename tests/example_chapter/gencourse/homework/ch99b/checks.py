"""Chapter 99b, an example: what its function must do, and the mistakes that have a name."""

from collections.abc import Iterator

from numpy.random import Generator

from gencourse.homework.ch99b import calls
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import explain, refuse, same, uniform


def mix_cases(g: Generator) -> Iterator[Case]:
    for shape in [(1, 1, 4, 5), (2, 3, 6, 4)]:
        yield {"a": uniform(g, *shape), "b": uniform(g, *shape), "weight": float(g.uniform(0.1, 0.4))}


def mix_judge(case: Case, outputs: Outputs) -> None:
    a, b, weight = case["a"], case["b"], case["weight"]
    turned = same(outputs["at 0"], b) and same(outputs["at 1"], a)
    refuse(turned, "a and b have changed places: at weight 0 the line is at a")
    explain(
        outputs["value"],
        (1 - weight) * a + weight * b,
        {
            "the weights must add up to one: how much is left for a?": a + weight * b,
            "the weight does not count: this is the mean of both": (a + b) / 2,
        },
    )


CHECKS = {"mix": Check("task-mix", mix_cases, judge=mix_judge, call=calls.line)}
