"""Every wrong answer is rejected with its own sentence, every right one accepted, whatever the seed."""

import importlib
import inspect
import random
import time
from collections import Counter

import numpy as np
import pytest
import torch
from wrong_answers import ANSWERS, Answer

from gencourse.homework import Wrong, check
from gencourse.homework.checking import check as checks
from gencourse.training.random_state import random_state

for chapter in checks.CHAPTERS:
    importlib.import_module(f"wrong_answers.ch{chapter}")

RIGHT = [answer for answer in ANSWERS if answer.sentence is None]
WRONG = [answer for answer in ANSWERS if answer.sentence is not None]
FUNCTIONS = [name for chapter in checks.CHAPTERS for name in checks.of_chapter(chapter)]
SEEDS = (0, 1)


@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: answer.name)
def test_right_answers(answer: Answer, capsys):
    for seed in SEEDS:
        check(answer.task, answer.function, seed=seed)
    assert capsys.readouterr().out.count(f"{answer.task}: right, on ") == len(SEEDS)


@pytest.mark.parametrize("answer", WRONG, ids=lambda answer: answer.name)
def test_wrong_answers(answer: Answer):
    for seed in SEEDS:
        with pytest.raises(Wrong) as error:
            check(answer.task, answer.function, seed=seed)
        assert answer.sentence in str(error.value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_enough_answers(name: str):
    """At least five mistakes, each with a sentence of its own, and two right answers."""
    sentences = Counter(answer.sentence for answer in WRONG if answer.task == name)
    assert len(sentences) >= 5 and max(sentences.values()) == 1
    assert sum(answer.task == name for answer in RIGHT) >= 2


@pytest.mark.parametrize("chapter", checks.CHAPTERS)
def test_every_check_names_a_task_of_its_chapter(chapter: str):
    from gencourse.homework import tasks

    asked = tasks.chapter(chapter)
    assert {check.cell for check in checks.of_chapter(chapter).values()} == {task.id for task in asked.tasks}
    assert len(asked.tasks) >= 4 and asked.questions
    assert {task.difficulty for task in asked.tasks} == {"easy", "medium", "open"}


def test_calls_hold_no_answers():
    """What lies beside a submission imports no method, no measure and no judgement."""
    for chapter in checks.CHAPTERS:
        for checked in checks.of_chapter(chapter).values():
            module = inspect.getmodule(checked.call)
            assert module.__name__.endswith(".calls")
            source = inspect.getsource(module)
            assert not any(
                word in source for word in ("gencourse.methods", "metrics", "checks", "mistakes", "distances")
            )


def test_inputs_are_random_and_reproducible():
    for name in FUNCTIONS:
        first, again, other = (list(checks.find(name).cases(np.random.default_rng(s))) for s in (0, 0, 1))
        same = [repr(a) == repr(b) for a, b in zip(first, again, strict=True)]
        assert all(same)
        assert repr(first) != repr(other), f"{name} is always asked the same"
        if name != "train_and_measure":
            assert len({checks.describe(case) for case in first}) > 1, f"{name} is asked for one size only"


def test_a_check_is_quick_and_leaves_no_trace():
    def gram_matrix(features):
        torch.rand(100)
        return torch.einsum("bihw,bjhw->bij", features, features) / features[0, 0].numel()

    torch.manual_seed(0)
    state, began = torch.get_rng_state(), time.process_time()
    check("gram_matrix", gram_matrix)
    assert time.process_time() - began < 5 and torch.equal(torch.get_rng_state(), state)


def test_a_check_leaves_all_random_numbers_where_they_were():
    def seeds(features):
        torch.manual_seed(1), np.random.seed(1), random.seed(1)
        return features.flatten(2) @ features.flatten(2).mT / features[0, 0].numel()

    before = random_state()
    check("gram_matrix", seeds)
    after = random_state()
    assert before["python"] == after["python"] and torch.equal(before["torch"], after["torch"])
    assert torch.equal(before["numpy"][1], after["numpy"][1]) and before["numpy"][2:] == after["numpy"][2:]


def test_names_that_stood_in_are_put_back():
    module = importlib.import_module("wrong_answers.ch03")
    before = {
        name: getattr(module, name) for name in ("discriminator_loss", "generator_loss", "run", "measure", "data")
    }
    check("five_steps", module.steps_reference)
    check("train_and_measure", module.trick_reference)
    assert {name: getattr(module, name) for name in before} == before


def test_names_stand_in_behind_a_decorator_too():
    module = importlib.import_module("wrong_answers.ch06")
    before = {name: getattr(module, name) for name in ("reverse_mean", "times", "noise_like")}
    decorator = module.ddim.__globals__  # of torch.no_grad: another module than the function's
    names = set(decorator)
    check("ancestral", module.ancestral)
    check("ddim", module.ddim)
    assert module.ddim.__wrapped__.__globals__ is not decorator and set(decorator) == names
    assert {name: getattr(module, name) for name in before} == before


def test_what_a_notebook_shows():
    with pytest.raises(Wrong) as error:
        check("gram_matrix", lambda features: features)
    (shown,) = error.value._render_traceback_()
    assert shown.endswith(str(error.value)) and "Traceback" not in shown and "\n" not in shown


def test_what_is_handed_over_instead_of_a_function():
    with pytest.raises(Wrong, match="hand it over without calling it"):
        check("gram_matrix", torch.zeros(1))
    with pytest.raises(LookupError, match="no task is called 'grammatrix'; known: content_loss, gram_matrix"):
        check("grammatrix", len)


def stub(features):
    raise NotImplementedError("gram_matrix is not written yet")


def test_a_stub_says_so():
    with pytest.raises(Wrong, match="gram_matrix is not written yet"):
        check("gram_matrix", stub)


def test_an_object_that_equals_everything_is_no_tensor():
    class Liar:
        def __eq__(self, other):
            return True

    with pytest.raises(Wrong, match="returned a Liar, where a tensor is asked for"):
        check("gram_matrix", lambda features: Liar())
