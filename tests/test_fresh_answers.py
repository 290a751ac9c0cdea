"""Answers from the task texts alone: the wrong ones are refused, nine in ten with a sentence of their own."""

import re
from functools import cache

import fresh_answers
import numpy as np
import pytest

from gencourse.homework import Wrong
from gencourse.homework.checking import check as checks
from gencourse.homework.checking import engine
from gencourse.homework.checking.attempt import attempt

ANSWERS = [answer for number in checks.CHAPTERS for answer in fresh_answers.answers(number)]
LONG = ("complete", "train_and_measure", "ancestral", "exchange")  # a tenth of a second or more each
FLAGS = {
    "attached",
    "detached",
    "free",
    "graph",
    "generator",
    "draws",
    "drawn",
    "pools",
    "cheap",
    "below",
    "due",
    "loud",
}
GENERAL = "the values are not those of the formula"


@cache
def known(task: str) -> engine.Answers:
    check = checks.find(task)
    return engine.Answers(check, list(check.cases(np.random.default_rng(0))))


@cache
def said(answer: fresh_answers.Fresh) -> str:
    """What the check says of an answer; nothing where it is taken."""
    answers, function = known(answer.task), answer.function()
    results = [attempt(answers.check.call, function, case) for case in answers.cases]
    try:
        engine.verdict(answers.check, answers.cases, results, answers)
    except Wrong as error:
        return str(error)
    return ""


def some(right: bool) -> list:
    """All answers of a kind; what takes long, and three in four of the wrong ones, are slow tests."""
    found = []
    for i, answer in enumerate(answer for answer in ANSWERS if answer.right == right):
        late = answer.task in LONG or (not right and i % 4 > 0)
        marks = (pytest.mark.slow,) if late else ()
        found.append(pytest.param(answer, marks=marks, id=f"{answer.chapter}-{i}-{answer.name[:60]}"))
    return found


@pytest.mark.parametrize("answer", some(right=True))
def test_right_ones_are_taken(answer):
    assert said(answer) == ""


@pytest.mark.parametrize("answer", some(right=False))
def test_wrong_ones_are_refused(answer):
    assert said(answer) != "", answer.text


def own(answer: fresh_answers.Fresh) -> bool:
    """Whether a sentence says what this answer does, and not only that an output differs."""
    sentence = said(answer).removesuffix(engine.ELSEWHERE)
    named = {mistake.sentence for mistake in checks.find(answer.task).mistakes}
    of_numbers = {said for name, said in checks.find(answer.task).sentences.items() if name not in FLAGS}
    general = of_numbers - named
    return sentence not in general and not re.fullmatch(rf"{GENERAL}( \(.*?\))?", sentence)


@pytest.mark.slow
@pytest.mark.parametrize("number", checks.CHAPTERS)
def test_most_get_a_sentence_of_their_own(number):
    wrong = [answer for answer in ANSWERS if answer.chapter == number and not answer.right]
    assert np.mean([own(answer) for answer in wrong]) >= 0.9


def test_there_are_enough():
    count = [answer.right for answer in ANSWERS]
    assert len(count) - sum(count) >= 650 and sum(count) >= 160
    assert {answer.task for answer in ANSWERS} == {name for n in checks.CHAPTERS for name in checks.of_chapter(n)}
