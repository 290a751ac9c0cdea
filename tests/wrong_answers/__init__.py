"""Answers that people give, one file a chapter: right ones, and wrong ones that a general sentence or a judge answers.

Mistakes that have a sentence of their own stand in gencourse/homework/chNN/mistakes.py.

@wrong("gram_matrix", "its answer has no gradient")      # a part of the sentence that it must get
def gram_detached(features): ...

all_right("content_loss", by_mean=lambda features, target: F.mse_loss(features, target) * features.shape[1])
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """task: the function asked for; sentence: a part of what the check must say, None if it is right."""

    task: str
    sentence: str | None
    function: Callable[..., Any]
    label: str

    @property
    def name(self) -> str:
        return f"{self.task}-{self.label}"


ANSWERS: list[Answer] = []


def wrong(task: str, sentence: str) -> Callable[[Callable], Callable]:
    def keep(function: Callable) -> Callable:
        ANSWERS.append(Answer(task, sentence, function, function.__name__))
        return function

    return keep


def right(task: str) -> Callable[[Callable], Callable]:
    def keep(function: Callable) -> Callable:
        ANSWERS.append(Answer(task, None, function, function.__name__))
        return function

    return keep


def all_wrong(task: str, answers: Mapping[str, Callable]) -> None:
    """Answers of one line: a part of the sentence -> lambda."""
    ANSWERS.extend(Answer(task, sentence, function, sentence) for sentence, function in answers.items())


def all_right(task: str, **answers: Callable) -> None:
    """Answers of one line, by a name for each."""
    ANSWERS.extend(Answer(task, None, function, name) for name, function in answers.items())
