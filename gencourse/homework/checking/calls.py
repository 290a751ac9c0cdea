"""How a student's function is called: what runs beside it, in the same process, and holds no answers.

A call takes the function and a case, plain inputs by name, and returns plain outputs by name. The judgement happens
elsewhere, on these outputs alone: while grading, nothing but this folder lies within reach of a submission.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Case = dict[str, Any]  # numpy arrays, numbers, truth values and short texts; a name that begins with _ is for the judge
Outputs = dict[str, Any]  # the same
Call = Callable[[Callable[..., Any], Case], Outputs]


class Unusable(Exception):
    """What a student's function gave back is nothing that could be compared; says what it was."""


class NotRun(Unusable):
    """A student's function uses something that grading does not have; says what, for a person to look at."""


def tensors(case: Case) -> dict[str, Any]:
    """Return the inputs of a case in order, its arrays as new tensors."""
    given = {name: value for name, value in case.items() if not name.startswith("_")}
    return {name: torch.from_numpy(v.copy()) if isinstance(v, np.ndarray) else v for name, v in given.items()}


def to_array(x: Any, what: str = "your function") -> np.ndarray:
    """Return a tensor, an array or a number as an array of its own. Raises Unusable for anything else."""
    if isinstance(x, Tensor):
        if x.is_complex():
            raise Unusable(f"{what} returned complex numbers")
        return x.detach().cpu().double().numpy().copy()
    if isinstance(x, bool | int | float | np.number | np.bool_):
        return np.array(x, np.float64)
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiub":
        return np.array(x, np.float64)
    kind = "nothing (None): is there a return?" if x is None else f"a {type(x).__name__}, where a tensor is asked for"
    raise Unusable(f"{what} returned {kind}")


def value(function: Callable[..., Any], case: Case) -> Outputs:
    """Call `function(*inputs)`; returns `value`, and each input as the call left it, under `after NAME`."""
    inputs = tensors(case)
    found = to_array(function(*inputs.values()))
    return {"value": found, **after(inputs)}


def after(inputs: dict[str, Any]) -> Outputs:
    """Return the tensors among the inputs as a call left them, under `after NAME`."""
    return {f"after {name}": to_array(x) for name, x in inputs.items() if isinstance(x, Tensor)}


def call_with_gradients(function: Callable[..., Any], case: Case) -> Outputs:
    """Call a loss; returns `value`, and the gradient by each input as `by NAME`, left out where none arrives."""
    inputs = {name: x.requires_grad_() if isinstance(x, Tensor) else x for name, x in tensors(case).items()}
    found = function(*inputs.values())
    return {
        "value": to_array(found),
        **input_gradients(found, {n: x for n, x in inputs.items() if isinstance(x, Tensor)}),
    }


def input_gradients(loss: Any, inputs: dict[str, Tensor]) -> Outputs:
    """Return the gradient of a loss by each input, as `by NAME`, left out where none arrives."""
    if not (isinstance(loss, Tensor) and loss.requires_grad and loss.numel() == 1):
        return {}
    grads = torch.autograd.grad(loss.sum(), list(inputs.values()), allow_unused=True, retain_graph=True)
    return {f"by {name}": to_array(g) for name, g in zip(inputs, grads, strict=True) if g is not None}


@contextmanager
def patched_globals(function: Callable[..., Any], **names: Any) -> Iterator[None]:
    """Let names mean something else for a while, wherever the function's module looks them up.

    So a task that builds on earlier ones can be checked whatever became of those.
    """
    space = getattr(inspect.unwrap(function), "__globals__", {})  # a decorator's own module is not the student's
    before = {name: space[name] for name in names if name in space}
    space.update(names)
    try:
        yield
    finally:
        for name in names:
            space.pop(name, None)
        space.update(before)


class Updates:
    """The optimisers of G and D, SGD, and what is kept at each of their updates.

    Args:
        G: The generator, which has a bias.
        D: The discriminator.
        rate: The learning rate of both.
        seen: What D was shown until now; how long it is is kept at each update.
    """

    def __init__(self, G: nn.Linear, D: nn.Module, rate: float, seen: Sequence[object]):
        self.optimizers = [torch.optim.SGD(net.parameters(), rate) for net in (G, D)]
        self.names, self.by_then = [], []  # "G" or "D", and the length of `seen`
        self.reached = []  # the gradient of G's bias at each update of D
        for name, optimizer in zip("GD", self.optimizers, strict=True):
            optimizer.register_step_pre_hook(lambda *_, name=name: self.names.append(name))
            optimizer.register_step_pre_hook(lambda *_: self.by_then.append(len(seen)))
        self.optimizers[1].register_step_pre_hook(
            lambda *_: self.reached.append(None if G.bias.grad is None else G.bias.grad.clone())
        )


def rows_in_turn(noise: Tensor) -> tuple[Callable[[int], Tensor], list[int]]:
    """Return what draws the next rows, as many as are asked for, from the first again after the last; and how many."""
    drawn: list[int] = []

    def draw(count: int) -> Tensor:
        rows = torch.arange(sum(drawn), sum(drawn) + count) % len(noise)
        drawn.append(len(rows))
        return noise[rows]

    return draw, drawn
