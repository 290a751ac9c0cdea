"""Chapter 03b: functions with labels among their inputs, and an iteration of a small SGAN."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gencourse.homework.checking.calls import (
    Case,
    Outputs,
    Unusable,
    Updates,
    after,
    input_gradients,
    patched_globals,
    rows_in_turn,
    tensors,
    to_array,
)
from gencourse.training.helpers import descend


def leaves(given: dict[str, Any]) -> dict[str, Tensor]:
    """Return the inputs that a gradient could reach, all but labels, asked to collect one."""
    return {n: x.requires_grad_() for n, x in given.items() if isinstance(x, Tensor) and x.is_floating_point()}


def copies(given: dict[str, Any]) -> dict[str, Tensor]:
    return {name: x.detach().clone() for name, x in given.items() if isinstance(x, Tensor)}


def untouched(given: dict[str, Any], before: dict[str, Tensor]) -> bool:
    """Whether the inputs are as they were: through those that were changed in place no gradient can be asked for."""
    return all(torch.equal(given[name].detach(), x) for name, x in before.items())


def call_with_gradients(function: Callable[..., Any], case: Case) -> Outputs:
    """Call a loss that may take labels; returns `value`, the gradient by each other input, inputs as they were left."""
    given = tensors(case)
    numbers, before = leaves(given), copies(given)
    found = function(*given.values())
    slopes = input_gradients(found, numbers) if untouched(given, before) else {}
    return {"value": to_array(found), **slopes, **after(given)}


def call_with_gradients_of_rows(function: Callable[..., Any], case: Case) -> Outputs:
    """Call a function whose answer has the shape of the case's weight.

    Returns `value`, the gradient of a weighted sum by each input but labels, where it arrives, and the inputs as the
    call left them.
    """
    given, weight = tensors(case), torch.from_numpy(case["_weight"])
    numbers, before = leaves(given), copies(given)
    found = function(*given.values())
    outputs = {"value": to_array(found), **after(given)}
    if not isinstance(found, Tensor) or found.shape != weight.shape or not untouched(given, before):
        return outputs
    return outputs | input_gradients((found * weight).sum(), numbers)


def demand_losses(found: Any, what: str) -> None:
    """Raise Unusable unless losses came back by name."""
    if not isinstance(found, dict):
        kind = "nothing (None): is there a return?" if found is None else f"a {type(found).__name__}"
        raise Unusable(f'{what} should return a dictionary, {{"D": scalar, "G": scalar}}, and returned {kind}')


def losses(function: Callable[..., Any], case: Case) -> Outputs:
    """Call auxiliary_classifier_losses with logits and labels.

    Returns the `names` of the losses, each as `value NAME`, of each its gradients `NAME by` logits, where they arrive
    (one of zeros arrives nowhere), and the inputs as the call left them.
    """
    given = tensors(case)
    numbers, before = leaves(given), copies(given)
    found = function(*given.values())
    demand_losses(found, "your function")
    known = {str(name): loss for name, loss in found.items()}
    outputs: Outputs = {"names": ",".join(sorted(known))[:200]}
    for name, loss in known.items():
        outputs[f"value {name}"] = to_array(loss, f"the loss {name!r}")
        slopes = input_gradients(loss, numbers) if untouched(given, before) else {}
        outputs |= {f"{name} {by}": slope for by, slope in slopes.items() if slope.any()}
    return outputs | after(given)


class Judge(nn.Module):
    """A discriminator with class logits, and `features` below them; it remembers the rows that it was shown."""

    def __init__(self, inner: Tensor, outer: Tensor):
        super().__init__()
        self.inner, self.outer = nn.Parameter(inner), nn.Parameter(outer)
        self.seen: list[Tensor] = []

    def features(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        return torch.tanh(x @ self.inner.T)

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x) @ self.outer.T


def other_semi_supervised_loss(
    class_logits_labelled: Tensor, labels: Tensor, class_logits_unlabelled: Tensor, class_logits_fake: Tensor
) -> Tensor:
    """Another loss, its arguments under the task's names, for those who call it by these."""
    told = class_logits_labelled[torch.arange(len(labels)), labels]
    real, made = (class_logits_unlabelled.mean() + 1).square(), class_logits_fake.square().mean()
    return (told - 2).square().mean() + 0.7 * real + 0.4 * made


def other_feature_matching(real_features: Tensor, fake_features: Tensor) -> Tensor:
    return (real_features.mean(0) - fake_features.mean(0) + 0.2).abs().pow(1.5).sum()


def kinds(batch: Tensor, x: Tensor, unlabelled: Tensor) -> str:
    """Return which rows are in a batch, as letters: l labelled ones, u unlabelled ones, f others."""
    rows = [(near(row, x), near(row, unlabelled)) for row in batch]
    found = {"l": any(a for a, _ in rows), "u": any(b for _, b in rows), "f": any(not (a or b) for a, b in rows)}
    return "".join(letter for letter, there in found.items() if there)


def near(row: Tensor, rows: Tensor) -> bool:
    return row.shape == rows.shape[1:] and bool((rows - row).abs().amax(1).min() < 1e-6)


def sgan_step(function: Callable[..., Any], case: Case) -> Outputs:
    """Run one iteration on a linear G and a small D that hold gradients of ones from before.

    The losses of the earlier tasks are replaced by others. Returns the order of `updates`, as "DG"; the kinds of rows
    in each batch that D was shown before its first update, `early`, and after it, `late`, as "l,u,f"; how many rows of
    noise were `drawn`; `reached`, what G's gradient was when D was updated; the weights after it; which networks are
    `frozen` by then; `names` of what came back, `value NAME` of each, and whether it is `detached`.
    """
    given = tensors(case)
    x, unlabelled = given["x"], given["unlabelled"]
    G, D = nn.Linear(*given["g"].shape[::-1]), Judge(given["inner"], given["outer"])
    G.weight.data, G.bias.data = given["g"], given["g_bias"]
    weights = {"g": G.weight, "g_bias": G.bias, "inner": D.inner, "outer": D.outer}
    for weight in weights.values():
        weight.grad = torch.ones_like(weight)
    updates = Updates(G, D, given["rate"], D.seen)
    draw, drawn = rows_in_turn(given["noise"])
    others = {
        "semi_supervised_loss": other_semi_supervised_loss,
        "feature_matching": other_feature_matching,
        "descend": descend,
    }
    with patched_globals(function, **others):
        found = function(x, given["labels"], unlabelled, G, D, *updates.optimizers, draw)
    demand_losses(found, "sgan_step")
    shown = [kinds(batch, x, unlabelled) for batch in D.seen[:50]]
    first = updates.by_then[0] if updates.by_then else len(shown)
    arrived = updates.reached[0] if updates.reached else None
    frozen = [name for name, net in (("D", D), ("G", G)) if not all(w.requires_grad for w in net.parameters())]
    return {
        "updates": "".join(updates.names)[:100],
        "early": ",".join(shown[:first]),
        "late": ",".join(shown[first:]),
        "drawn": sum(drawn),
        **({"reached": to_array(arrived)} if arrived is not None else {}),
        **{name: to_array(weight) for name, weight in weights.items()},
        "frozen": " and ".join(frozen),
        "names": ",".join(sorted(map(str, found)))[:100],
        **{f"value {name}": to_array(found[name], f"the loss {name!r}") for name in ("D", "G") if name in found},
        "detached": not any(isinstance(v, Tensor) and v.requires_grad for v in found.values()),
        **after({"x": x, "unlabelled": unlabelled}),
    }
