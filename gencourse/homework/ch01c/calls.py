"""Chapter 01c: a normalisation with its gradients, an objective with a small network, styles of a small network."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

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

KINDS = ("conv", "residual", "enlarge")


def normalised(function: Callable[..., Any], case: Case) -> Outputs:
    """Call function(x, gamma, beta, styles).

    Returns `value`, each input as the call left it, and the gradients of a weighted sum of all values as `by x`, `by
    gamma` and `by beta`, left out where none arrives.
    """
    given = tensors(case)
    weight, before = given.pop("weight"), {name: x.clone() for name, x in given.items()}
    starts = {name: given[name].requires_grad_() for name in ("x", "gamma", "beta")}
    inputs = {name: x * 1 if name in starts else x for name, x in given.items()}  # a leaf could not be changed
    found = function(*inputs.values())
    outputs = {"value": to_array(found), **after(inputs)}
    if not isinstance(found, Tensor) or found.shape != weight.shape:
        return outputs
    if any(not torch.equal(x.detach(), before[name]) for name, x in inputs.items()):
        return outputs  # an input that was changed may have broken the graph
    return outputs | input_gradients((found * weight).sum(), starts)


class ThreeLayers:
    """A network of linear layers with a bend, each at half the size, and one that nobody asked for.

    It keeps whether it was shown one of some pictures while a graph was kept.
    """

    content_layers, style_layers = ("middle",), ("shallow", "deep")

    def __init__(self, shallow: Tensor, middle: Tensor, deep: Tensor, known: Tensor):
        self.weights, self.known, self.graph = (shallow, middle, deep), known.detach().clone(), False

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        if torch.is_grad_enabled() and image.requires_grad and image.shape[1:] == self.known.shape[1:]:
            self.graph |= any(torch.equal(one, other) for one in image for other in self.known)
        found, x = {}, image
        for name, weight in zip(("shallow", "middle", "deep"), self.weights, strict=True):
            x = torch.einsum("oi,bihw->bohw", weight, x)
            x = found[name] = x + 0.3 * x.square()
            x = x[:, :, ::2, ::2]
        return found | {"deeper": x.square()}


def other_content_loss(features: Tensor, target: Tensor) -> Tensor:
    return 3 * (features - target).abs().sum() / features[0].numel()


def other_gram_matrix(features: Tensor) -> Tensor:
    top = features.amax((2, 3))
    return top[:, :, None] * top[:, None]  # as large as the chapter's, for whoever writes out the style loss


def other_style_loss(gram: Tensor, target: Tensor) -> Tensor:
    return (gram - target).abs().sum()


def objective(function: Callable[..., Any], case: Case) -> Outputs:
    """Evaluate the objective of a batch; y and x both ask for gradients.

    The losses of chapter 01 are replaced by others, so that nobody needs them while grading. Returns `names` of the
    losses, each as `value NAME`, both batches as the call left them, `graph`, whether the network looked at x while a
    graph was kept, and the gradient of the total `by y` and `by x`, where they arrive.
    """
    given = tensors(case)
    y, x = (given[name].requires_grad_() for name in ("y", "x"))
    unit = (x.detach() + 1) / 2
    network = ThreeLayers(given["shallow"], given["middle"], given["deep"], torch.cat([unit, x.detach()]))
    grams = {name: given[f"gram_{name}"] for name in network.style_layers}
    others = {"content_loss": other_content_loss, "gram_matrix": other_gram_matrix, "style_loss": other_style_loss}
    with patched_globals(function, **others):
        found = function(network, y, x, grams, given["alpha"])
    if not isinstance(found, dict):
        to_array(found, "perceptual_objective")  # says what it is
        raise Unusable("perceptual_objective returned numbers: a dictionary of losses is asked for")
    values = {f"value {name}": to_array(loss, f"the loss {name!r}") for name, loss in found.items()}
    if any(value.size != 1 for value in values.values()):
        raise Unusable("a loss is one number: a tensor without dimensions")
    return {
        "names": ",".join(sorted(map(str, found)))[:1000],
        **values,
        **after({"y": y, "x": x}),
        "graph": network.graph,
        **input_gradients(found.get("total"), {"y": y, "x": x}),
    }


class Norm(nn.Module):
    """What a normalisation holds: a gamma and a beta for each style."""

    def __init__(self, channels: int, styles: int):
        super().__init__()
        self.gamma = nn.ParameterList(torch.rand(channels) for _ in range(styles))
        self.beta = nn.ParameterList(torch.rand(channels) for _ in range(styles))


class Styles(nn.Module):
    """Convolutions, each with a normalisation, and a last one without."""

    def __init__(self, widths: list[int], styles: int):
        super().__init__()
        pairs = list(zip(widths, widths[1:], strict=False))
        self.layers = nn.ModuleList(
            nn.ModuleDict({"conv": nn.Conv2d(a, b, 3, bias=False), "norm": Norm(b, styles)}) for a, b in pairs
        )
        self.last = nn.Conv2d(widths[-1], 3, 3)

    def norms(self) -> list[nn.Module]:
        return [layer["norm"] for layer in self.layers]  # pyright: ignore[reportIndexIssue, reportReturnType]


def parameters_of_style(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask for the parameters of a style, and train what came back with an optimiser that has a momentum.

    Returns the names of those `returned`, "?" for what is none of the network's, and whether they are `equal` to some;
    of those that are `learning` afterwards; and of those that `moved` in three steps.
    """
    torch.manual_seed(case["seed"])
    network = Styles(case["widths"].tolist(), case["styles"])
    network.requires_grad_(not case["frozen"])
    names = {id(weight): name for name, weight in network.named_parameters()}
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    found = function(network, case["k"])
    if isinstance(found, Tensor) or not hasattr(found, "__iter__") or isinstance(found, dict | str):
        to_array(found)  # says what it is
        raise Unusable("a list of parameters is asked for")
    found = list(found)[:1000]
    for weight in found:
        to_array(weight, "in its list, your function")
    known = [names.get(id(weight), "?") for weight in found]
    strange = [weight for weight, name in zip(found, known, strict=True) if name == "?"]
    equal = all(any(same(weight, other) for other in before.values()) for weight in strange)
    learning = [name for name, weight in network.named_parameters() if weight.requires_grad]
    train(network, [weight for weight, name in zip(found, known, strict=True) if name != "?"])
    moved = [name for name, weight in network.named_parameters() if not torch.equal(weight, before[name])]
    lists = {"returned": known, "learning": learning, "moved": moved}
    return {key: ",".join(sorted(value)) for key, value in lists.items()} | {"equal": bool(strange) and equal}


def same(x: Any, y: Tensor) -> bool:
    return isinstance(x, Tensor) and x.shape == y.shape and torch.equal(x.detach(), y)


def train(network: nn.Module, weights: list[Any]) -> None:
    """Three steps downhill on the sum of all weights' squares."""
    once = list({id(weight): weight for weight in weights}.values())
    if not once:
        return
    optimizer = torch.optim.SGD(once, 0.1, momentum=0.9)
    for _ in range(3):
        loss = sum((weight.square().sum() for weight in network.parameters()), start=torch.zeros(()))
        optimizer.zero_grad()
        if loss.requires_grad:
            loss.backward()
        optimizer.step()


def between(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask for what lies between two styles of two layers. Returns `value N` of each row, and all rows afterwards."""
    given = tensors(case)
    share = given.pop("share")
    rows = list(given.values())
    half = len(rows) // 2
    found = function(rows[:half], rows[half:], share)
    if isinstance(found, Tensor) or not isinstance(found, list | tuple):
        to_array(found)
        raise Unusable("a list of rows is asked for: gamma and beta of each layer")
    values = [to_array(row) for row in found[: half + 1]]
    if len(values) != half:
        raise Unusable(f"{half} rows came in for each style, {len(found)} came back")
    left = {f"after {name}": to_array(row) for name, row in given.items()}
    return {f"value {i}": value for i, value in enumerate(values, start=1)} | left


def worth(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask for a number of steps. Returns `value`, -1 for None, and whether it was None: `never`."""
    found = function(case["losses"].tolist(), float(case["value"]))
    return {"never": found is None, "value": to_array(-1 if found is None else found)}


def field(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask for the receptive field of layers. Returns `value`."""
    columns = (case[name].tolist() for name in ("kinds", "kernels", "factors"))
    layers = [(KINDS[kind], kernel, factor) for kind, kernel, factor in zip(*columns, strict=True)]
    return {"value": to_array(function(layers))}
