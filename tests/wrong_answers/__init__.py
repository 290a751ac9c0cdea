"""Answers that people give, one file a chapter: right ones, and wrong ones that a general sentence or a judge answers.

Mistakes that have a sentence of their own stand in gencourse/homework/chNN/mistakes.py.

@wrong("gram_matrix", "its answer has no gradient")      # a part of the sentence that it must get
def gram_detached(features): ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """task: the function asked for; sentence: a part of what the check must say, None if it is right."""

    task: str
    sentence: str | None
    function: Callable[..., Any]

    @property
    def name(self) -> str:
        return f"{self.task}-{self.function.__name__}"


ANSWERS: list[Answer] = []


def wrong(task: str, sentence: str) -> Callable[[Callable], Callable]:
    def keep(function: Callable) -> Callable:
        ANSWERS.append(Answer(task, sentence, function))
        return function

    return keep


def right(task: str) -> Callable[[Callable], Callable]:
    def keep(function: Callable) -> Callable:
        ANSWERS.append(Answer(task, None, function))
        return function

    return keep
