"""Chapter 01: losses are called with a graph, the objective with a small network of given weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gencourse.homework.checking.calls import (
    Case,
    Outputs,
    Unusable,
    after,
    input_gradients,
    patched_globals,
    tensors,
    to_array,
)


def call_with_gradient(function: Callable[..., Any], case: Case) -> Outputs:
    """Call function(*inputs) as the page does: a gradient is wanted by the first input alone.

    Returns `value`, each input as the call left it, and the gradient of the sum of all values as `by NAME`, left out
    where none arrives.
    """
    inputs = tensors(case)
    first = next(iter(inputs))
    start = inputs[first].requires_grad_()
    inputs[first] = start * 1  # torch lets nobody change a leaf in place; the check wants to see it and say so
    found = function(*inputs.values())
    outputs = {"value": to_array(found), **after(inputs)}
    if not torch.equal(inputs[first].detach(), start.detach()):
        return outputs  # an input that was changed may have broken the graph
    return outputs | input_gradients(found.sum() if isinstance(found, Tensor) else found, {first: start})


class Layers:
    """A network of three layers, two of them for the content, two others for the style; it keeps what it was given."""

    content_layers, style_layers = ("shallow", "deeper"), ("shallow", "deep")

    def __init__(self, shallow: Tensor, deep: Tensor):
        self.shallow, self.deep = shallow, deep
        self.given: list[Tensor] = []

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        self.given.append(x.detach().clone())
        shallow = torch.einsum("oi,bihw->bohw", self.shallow, x)
        deep = torch.einsum("oi,bihw->bohw", self.deep, shallow[:, :, ::2, ::2])
        return {"shallow": shallow, "deep": deep, "deeper": deep[:, :, ::2, ::2].square() / 10}

    def saw(self, picture: Tensor) -> bool:
        """Whether a picture, (1, C, H, W), was among what it was given, perhaps in a batch."""
        rows = [x for given in self.given if given.shape[1:] == picture.shape[1:] for x in given]
        return any(torch.equal(x, picture[0]) for x in rows)


def other_content_loss(features: Tensor, target: Tensor) -> Tensor:
    return 3 * (features - target).abs().mean()


def other_gram_matrix(features: Tensor) -> Tensor:
    top = features.amax((2, 3))
    return top[:, :, None] * top[:, None]  # as large as the chapter's, for whoever writes out the style loss


def other_style_loss(gram: Tensor, target: Tensor) -> Tensor:
    return (gram - target).abs().sum()


def objective(make_objective: Callable[..., Any], case: Case) -> Outputs:
    """Make an objective and evaluate it at three pictures, `at_content`, `at_style` and `x`.

    The losses of earlier tasks are replaced by others, so that this task does not depend on them.
    Returns `names` of the losses; `value NAME`, one for each picture; `again`, which of the content and the style
    picture the network had to look at once more for the last of them; `cut off`, the losses that carry no gradient;
    `by x`, the gradient of the total.
    """
    given = tensors(case)
    network = Layers(given["shallow"], given["deep"])
    others = {"content_loss": other_content_loss, "gram_matrix": other_gram_matrix, "style_loss": other_style_loss}
    with patched_globals(make_objective, **others):
        function = make_objective(network, given["content"], given["style"], given["alpha"], given["beta"])
        if not callable(function):
            to_array(function, "make_objective")  # says what it is
            raise Unusable("make_objective returned numbers: it should return a function of x")
        pictures = [given[name].clone().requires_grad_() for name in ("content", "style", "x")]
        found = []
        for x in pictures:
            network.given.clear()
            found.append(function(x))
    again = [name for name in ("content", "style") if network.saw(given[name])]
    return outputs(found, pictures[-1], again)


def outputs(found: list[Any], x: Tensor, again: list[str]) -> Outputs:
    if not all(isinstance(losses, dict) for losses in found):
        raise Unusable("your objective did not return a dictionary of losses")
    names = sorted(map(str, found[-1]))
    values = {f"value {name}": [to_array(losses[name], f"the loss {name!r}") for losses in found] for name in names}
    if any(v.size != 1 for row in values.values() for v in row):
        raise Unusable("a loss is one number: a tensor without dimensions")
    tensors_of_x = {name: v for name, v in found[-1].items() if isinstance(v, Tensor) and v.requires_grad}
    return {
        "names": ",".join(names)[:1000],
        **{name: torch.tensor([float(v) for v in row]).double().numpy() for name, row in values.items()},
        "again": " and ".join(again),
        "cut off": ",".join(name for name in names if name not in tensors_of_x)[:1000],
        **input_gradients(tensors_of_x.get("total"), {"x": x}),
    }


def pixel_step(function: Callable[..., Any], case: Case) -> Outputs:
    """Make one step on an objective whose total pulls x towards a target; its other loss pulls elsewhere.

    Returns its `value`, whether that is `attached` to a graph, and x as the call left it.
    """
    given = tensors(case)

    def objective(x: Tensor) -> dict[str, Tensor]:
        total = ((x - given["target"]).square() * given["weight"]).sum()
        return {"content": (x - given["target"].flip(3)).square().sum(), "total": total}

    found = function(given["x"], objective, given["rate"])
    attached = isinstance(found, Tensor) and found.requires_grad
    return {"value": to_array(found), "attached": attached, **after({"x": given["x"]})}
