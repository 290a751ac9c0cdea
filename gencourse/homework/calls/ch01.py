"""Chapter 01: the objective is called with a small network of given weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gencourse.homework.calls import Case, Outputs, Unusable, plain, slopes, standing_in, tensors


class TwoLayers:
    """A network of two linear layers that counts how often it is asked."""

    content_layers, style_layers = ("deep",), ("shallow", "deep")

    def __init__(self, shallow: Tensor, deep: Tensor):
        self.shallow, self.deep, self.calls = shallow, deep, 0

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        self.calls += 1
        shallow = torch.einsum("oi,bihw->bohw", self.shallow, x)
        deep = torch.einsum("oi,bihw->bohw", self.deep, shallow[:, :, ::2, ::2])
        return {"shallow": shallow, "deep": deep}


def other_content_loss(features: Tensor, target: Tensor) -> Tensor:
    return 3 * (features - target).abs().mean()


def other_gram_matrix(features: Tensor) -> Tensor:
    return features.amax((2, 3))


def other_style_loss(gram: Tensor, target: Tensor) -> Tensor:
    return (gram - target).abs().sum()


def objective(make_objective: Callable[..., Any], case: Case) -> Outputs:
    """Make an objective and evaluate it at three pictures, `at_content`, `at_style` and `x`.

    The losses of earlier tasks are replaced by others, so that this task does not depend on them.
    Returns `names` of the losses; `values NAME`, one for each picture; `calls` of the network for two evaluations;
    `cut off`, the losses that carry no gradient; `by x`, the gradient of the total.
    """
    given = tensors(case)
    network = TwoLayers(given["shallow"], given["deep"])
    others = {"content_loss": other_content_loss, "gram_matrix": other_gram_matrix, "style_loss": other_style_loss}
    with standing_in(make_objective, **others):
        function = make_objective(network, given["content"], given["style"], given["alpha"], given["beta"])
        if not callable(function):
            plain(function, "make_objective")  # says what it is
            raise Unusable("make_objective returned numbers: it should return a function of x")
        before = network.calls
        pictures = [given[name].clone().requires_grad_() for name in ("content", "style", "x")]
        found = [function(x) for x in pictures]
    return outputs(found, pictures[-1], network.calls - before)


def outputs(found: list[Any], x: Tensor, calls: int) -> Outputs:
    if not all(isinstance(losses, dict) for losses in found):
        raise Unusable("your objective did not return a dictionary of losses")
    names = sorted(map(str, found[-1]))
    values = {f"value {name}": [plain(losses[name], f"the loss {name!r}") for losses in found] for name in names}
    if any(v.size != 1 for row in values.values() for v in row):
        raise Unusable("a loss is one number: a tensor without dimensions")
    tensors_of_x = {name: v for name, v in found[-1].items() if isinstance(v, Tensor) and v.requires_grad}
    return {
        "names": ",".join(names)[:1000],
        **{name: torch.tensor([float(v) for v in row]).double().numpy() for name, row in values.items()},
        "calls": calls,
        "cut off": ",".join(name for name in names if name not in tensors_of_x)[:1000],
        **slopes(tensors_of_x.get("total"), {"x": x}),
    }
