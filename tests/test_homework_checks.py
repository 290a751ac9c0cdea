"""Every wrong answer is rejected with its own sentence, every right one accepted, whatever the seed."""

import importlib
import inspect
import random
import re
import time
from collections.abc import Callable
from functools import cache, partial, wraps
from pathlib import Path

import numpy as np
import pytest
import torch
from wrong_answers import ANSWERS, Answer

from gencourse.homework import Wrong, check
from gencourse.homework.checking import calls, engine
from gencourse.homework.checking import check as checks
from gencourse.homework.checking.attempt import attempt
from gencourse.training.random_state import random_state

ANSWERED = {path.stem[2:] for path in Path(__file__).with_name("wrong_answers").glob("ch*.py")}
for chapter in sorted(ANSWERED):
    importlib.import_module(f"wrong_answers.ch{chapter}")

RIGHT = [answer for answer in ANSWERS if answer.sentence is None]
WRONG = [answer for answer in ANSWERS if answer.sentence is not None]
CHECKS = {name: check for chapter in checks.CHAPTERS for name, check in checks.of_chapter(chapter).items()}
MISTAKES = [(name, mistake) for name, check in CHECKS.items() for mistake in check.mistakes]
SEEDS = (0, pytest.param(1, marks=pytest.mark.slow))
each_seed = pytest.mark.parametrize("seed", SEEDS)


@cache
def answers_to(name: str, seed: int) -> engine.Answers:
    return engine.Answers(CHECKS[name], list(CHECKS[name].cases(np.random.default_rng(seed))))


def judge(name: str, function: Callable, seed: int) -> None:
    """As in grading: what reference and mistakes answer is kept from one answer to the next."""
    answers = answers_to(name, seed)
    results = [attempt(CHECKS[name].call, function, case) for case in answers.cases]
    engine.verdict(CHECKS[name], answers.cases, results, answers)


@each_seed
@pytest.mark.parametrize("answer", RIGHT, ids=lambda answer: answer.name)
def test_right_answers(answer: Answer, seed: int):
    judge(answer.task, answer.function, seed)


@each_seed
@pytest.mark.parametrize("answer", WRONG, ids=lambda answer: answer.name)
def test_wrong_answers(answer: Answer, seed: int):
    with pytest.raises(Wrong) as error:
        judge(answer.task, answer.function, seed)
    assert answer.sentence in str(error.value)


@each_seed
@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=lambda x: getattr(x, "sentence", x))
def test_every_mistake_gets_its_own_sentence(name: str, mistake: checks.Mistake, seed: int):
    for function in mistake.functions:
        with pytest.raises(Wrong) as error:
            judge(name, function, seed)
        assert str(error.value) == mistake.sentence


@each_seed
@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if check.references])
def test_a_reference_is_right_in_float32_too(name: str, seed: int):
    for function in CHECKS[name].references:
        judge(name, function, seed)


def then(change: Callable) -> Callable[[Callable], Callable]:
    """A right answer, and something done to what it returns."""

    def way(function: Callable) -> Callable:
        return wraps(function)(lambda *inputs, **options: change(function(*inputs, **options)))

    return way


def spoiling(function: Callable) -> Callable:
    """A right answer that adds one to its last tensor afterwards."""

    @wraps(function)
    def spoil(*inputs, **options):
        found = function(*inputs, **options)
        with torch.no_grad():
            [x for x in inputs if isinstance(x, torch.Tensor)][-1].add_(1)
        return found

    return spoil


LOSING_THE_GRADIENT = {
    "item": then(lambda y: y.item() if y.numel() == 1 else torch.tensor(y.tolist())),
    "detach": then(lambda y: y.detach()),
    "no_grad": lambda function: torch.no_grad()(function),
    "numpy": then(lambda y: y.detach().numpy()),
}
LOSING_THE_ANSWER = {
    "no return": (then(lambda y: None), "is there a return?"),
    "list": (then(lambda y: [y]), "returned a list, where a tensor is asked for"),
    "NameError": (then(lambda y: undefined), "your function raised NameError"),  # noqa: F821
}
SEVERAL_RETURNED = {
    "losses_of_generators": "three things are returned",
    "next_letters": "where a string is asked for",
    **dict.fromkeys(("auxiliary_classifier_losses", "sgan_step"), "should return a dictionary"),
}
ASK_FOR_GRADIENTS = [n for n, c in CHECKS.items() if c.references and c.call.__name__.startswith("call_with_gradient")]
SEE_THEIR_INPUTS = [
    name
    for name, check in CHECKS.items()
    if check.references and "after(" in inspect.getsource(check.call)
    if any(isinstance(x, np.ndarray) for x in next(iter(check.cases(np.random.default_rng(0)))).values())
]


def refused(name: str, way: Callable[[Callable], Callable]) -> str:
    """What is said, on the first input, about the task's reference once it is changed in a way."""
    check, known = CHECKS[name], answers_to(name, 0)
    with pytest.raises(Wrong) as error:
        engine.verdict(check, known.cases[:1], [attempt(check.call, way(check.references[0]), known.cases[0])], known)
    return str(error.value)


@pytest.mark.parametrize("way", LOSING_THE_GRADIENT)
@pytest.mark.parametrize("name", ASK_FOR_GRADIENTS)
def test_an_answer_without_its_gradient(name: str, way: str):
    assert refused(name, LOSING_THE_GRADIENT[way]) == CHECKS[name].no_gradient


@pytest.mark.parametrize("way", LOSING_THE_ANSWER)
@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if check.references])
def test_an_answer_that_is_no_tensor(name: str, way: str):
    lose, sentence = LOSING_THE_ANSWER[way]
    assert (sentence if way == "NameError" else SEVERAL_RETURNED.get(name, sentence)) in refused(name, lose)


@pytest.mark.parametrize("name", SEE_THEIR_INPUTS)
def test_an_answer_that_changes_its_input(name: str):
    assert re.match(r"your function changes its input \w+ in place", refused(name, spoiling))


def test_what_fills_a_row_up_is_not_measured():
    right = CHECKS["next_letters"].references[0]

    def last_two_wrong(text: str, context: str) -> str:
        found = right(text, context)
        return found[:-2] + "zz" if len(found) > 8 else found

    with pytest.raises(Wrong) as error:
        judge("next_letters", last_two_wrong, 0)
    good, letters = map(int, re.search(r"(\d+) of (\d+) values are right", str(error.value)).groups())
    assert letters - good == 2 and letters < 60, "a row of 400 numbers stands for the letters that follow"


def squares(x):
    return x.square().sum() / len(x)


SQUARES: checks.Mistakes = {}
mistake = partial(checks.add_mistake, SQUARES, "squares")


@mistake("a mean, not a sum")
def squares_summed(x):
    return x.square().sum()


@mistake("divided by two")
def squares_by_two(x):
    return x.square().sum() / 2


@mistake("divided by four")
def squares_by_four(x):
    return x.square().sum() / 4


@mistake("one number for each")
def squares_of_each(x):
    return x.square() / len(x)


def say(function: Callable, *sizes: int, mistakes: list | None = None) -> str:
    """What the engine says about a mean of squares, taken of vectors of these sizes."""
    found = SQUARES["squares"] if mistakes is None else mistakes
    check = checks.Check("task", lambda g: (), squares, found, call=calls.call_with_gradients)
    cases = [{"x": np.arange(1, n + 1, dtype=np.float32)} for n in sizes]
    with pytest.raises(Wrong) as error:
        engine.verdict(check, cases, [attempt(check.call, function, case) for case in cases])
    return str(error.value)


def test_a_mistake_that_is_right_by_chance_is_not_named_there():
    assert say(squares_by_two, 2, 3) == "divided by two"
    assert "right on another input" in say(lambda x: squares(x) * (1 if len(x) == 3 else 3 / len(x)), 3, 4, mistakes=[])


def test_a_mistake_must_explain_the_earlier_inputs_too():
    """Right for 3 numbers, wrong for 4 as whoever takes the sum: but that mistake would not have been right before."""
    assert "right on another input" in say(lambda x: squares(x) if len(x) == 3 else squares_summed(x), 3, 4)


def test_of_two_mistakes_that_coincide_the_later_inputs_tell():
    once, twice = SQUARES["squares"][1], checks.Mistake("by its half size", (lambda x: x.square().sum() * 2 / len(x),))
    assert say(twice.functions[0], 4, 6, mistakes=[once, twice]) == "by its half size"
    assert say(squares_by_two, 4, 6, mistakes=[twice, once]) == "divided by two"


def test_a_known_mistake_without_a_gradient_gets_its_sentence():
    assert say(lambda x: squares_summed(x).detach(), 3) == "a mean, not a sum"
    assert "has no gradient" in say(lambda x: squares(x).detach(), 3)
    assert "is a part of it detached?" in say(lambda x: (x * x.detach()).sum() / len(x), 3)


def test_a_known_shape_gets_its_sentence_whatever_the_values():
    assert say(lambda x: 3 * x, 3) == "one number for each"
    assert "yours has shape (2,)" in say(lambda x: x[:2], 3)


def test_what_reference_and_mistakes_answer_is_computed_once():
    asked = []

    def counted(x):
        asked.append(len(x))
        return squares(x)

    check = checks.Check("task", lambda g: (), counted, call=calls.call_with_gradients)
    cases = [{"x": np.ones(n, np.float32)} for n in (2, 3)]
    answers = engine.Answers(check, cases)
    for _ in range(3):
        engine.verdict(check, cases, [attempt(check.call, squares, case) for case in cases], answers)
    assert asked == [2, 3]


@pytest.mark.parametrize("chapter", checks.CHAPTERS)
def test_every_task_has_a_right_answer(chapter: str):
    assert chapter in ANSWERED, f"there is no tests/wrong_answers/ch{chapter}.py"
    missing = set(checks.of_chapter(chapter)) - {answer.task for answer in RIGHT}
    assert not missing, f"tests/wrong_answers/ch{chapter}.py has no right answer to {', '.join(sorted(missing))}"


@pytest.mark.parametrize("chapter", checks.CHAPTERS)
def test_every_check_names_a_task_of_its_chapter(chapter: str):
    from gencourse.homework import tasks

    asked = tasks.chapter(chapter)
    assert {check.cell for check in checks.of_chapter(chapter).values()} == {task.id for task in asked.tasks}
    assert len(asked.tasks) >= 4 and asked.questions, "a chapter has four tasks or more, and a written question"
    difficulties = {one.difficulty for one in (*asked.tasks, *asked.questions)}
    assert difficulties >= {"easy", "medium", "open"}, "there is one of each difficulty: easy, medium, open"


def test_calls_lie_where_a_submission_may_see_them():
    """In `calls.py`, or `checking/calls.py`: what these may import is a contract in pyproject.toml."""
    assert [name for name, check in CHECKS.items() if not check.call.__module__.endswith(".calls")] == []


def test_inputs_are_random_and_reproducible():
    for name in CHECKS:
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
