"""Answers written from the task texts alone, without a look at the checks: what students may hand in, wrong and right.

A file a chapter. `===` begins a task with its solution; what follows are answers, each made from it:

    ~ old >> new                 wrong: the solution with a piece replaced; several with ` ;; ` between them, \\n a line
    -                            wrong: another body, in the lines below
    +                            right: the same

`tests/wrong_answers` holds what was written beside the checks.
"""

import itertools
import linecache
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import gencourse
from gencourse import data, descend, fit, images
from gencourse.homework.ch05.calls import gate
from gencourse.methods import pixelcnn, style
from gencourse.methods.diffusion import q_sample
from gencourse.methods.samplers import noise_like, times
from gencourse.methods.texture import gaussian_window

HERE = Path(__file__).parent
CHAPTERS = tuple(sorted(path.stem[2:] for path in HERE.glob("ch*.txt")))
PAGE = {  # what a chapter's page has defined above its tasks
    **{"math": math, "itertools": itertools, "np": np, "torch": torch, "nn": nn, "F": nn.functional},
    **{"gencourse": gencourse, "data": data, "images": images, "descend": descend, "fit": fit},
    **{name: getattr(style, name) for name in ("content_loss", "gram_matrix", "style_loss")},
    **{"rates": {"lr": 1e-3, "betas": (0.5, 0.999)}, "gate": gate, "binarise": pixelcnn.binarise},
    **{"q_sample": q_sample, "noise_like": noise_like, "times": times, "gaussian_window": gaussian_window},
}
BUILT_ON = {  # tasks that later ones call
    **{"03b": ("semi_supervised_loss", "feature_matching"), "05": ("nll", "bits_per_dim")},
    "06": ("reverse_mean", "noise_loss"),
}


@dataclass(frozen=True)
class Fresh:
    """An answer: its chapter and task, whether it is right, what tells it from others, its text."""

    chapter: str
    task: str
    right: bool
    label: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.task}-{self.label}"

    def function(self) -> Callable[..., Any]:
        """Define it, as on the page."""
        space = dict(PAGE)
        for solution in solutions(self.chapter):
            if solution.task in BUILT_ON.get(self.chapter, ()):
                exec(solution.text, space)
        file = f"cell {self.name}"
        linecache.cache[file] = (len(self.text), None, self.text.splitlines(keepends=True), file)
        exec(compile(self.text, file, "exec"), space)
        return space[self.task]


def answers(chapter: str) -> Iterator[Fresh]:
    """Read a chapter's file, without the solutions."""
    for block in blocks(chapter):
        solution, *rest = re.split(r"^(?=[~+-](?: |\n))", block, flags=re.M)
        task, head = parts(solution)
        for number, text in enumerate(rest):
            if text.startswith("~ "):
                change = text[2:].strip()
                yield Fresh(chapter, task, False, change[:150], replaced(solution, change))
            else:
                body = text.partition("\n")[2].rstrip() + "\n"
                yield Fresh(chapter, task, text[0] == "+", f"body {number}", head + body)


@cache
def solutions(chapter: str) -> tuple[Fresh, ...]:
    """Read a chapter's solutions."""
    first = [re.split(r"^(?=[~+-](?: |\n))", block, flags=re.M)[0] for block in blocks(chapter)]
    return tuple(Fresh(chapter, parts(text)[0], True, "solution", text) for text in first)


def blocks(chapter: str) -> list[str]:
    text = (HERE / f"ch{chapter}.txt").read_text(encoding="utf-8")
    return re.split(r"^===\s*\n", text, flags=re.M)[1:]


def parts(solution: str) -> tuple[str, str]:
    """Return the function's name, and its text up to the line of its `def`."""
    found = re.search(r"^def (\w+)\(.*?:\n", solution, re.M | re.S)
    assert found, solution
    return found[1], solution[: found.end()]


def replaced(text: str, changes: str) -> str:
    for change in changes.split(" ;; "):
        old, _, new = change.partition(" >>")
        old, new = (part.strip(" ").replace("\\n", "\n") for part in (old, new))
        assert old in text, f"{old!r} is not in {text!r}"
        text = text.replace(old, new)
    return text
