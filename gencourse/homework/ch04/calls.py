"""Chapter 04: discriminators and translators of given weights, a pool that is followed for a while, an iteration."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from gencourse.homework.checking.calls import Case, Outputs, Unusable, after, input_gradients, tensors, to_array


def patches(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask which pixels a small discriminator sees. Returns `value`, and whether it is `boolean`."""
    torch.manual_seed(case["seed"])
    channels, parts = case["inputs"], []
    for k, s in zip(case["kernels"].tolist(), case["strides"].tolist(), strict=True):
        parts += [nn.Conv2d(channels, 4, k, s, case["padding"]), nn.LeakyReLU(0.2)]
        channels = 4
    if case["quiet"] >= 0:
        parts[0].weight.data[:, case["quiet"]] = 0  # this channel says nothing
    last = nn.Conv2d(channels, 1, 1)
    for weight in last.parameters():
        weight.data *= case["scale"]
    discriminator = nn.Sequential(*parts, last)
    discriminator.inputs = case["inputs"]
    found = function(discriminator, case["size"])
    return {"value": to_array(found), "boolean": getattr(found, "dtype", None) in (torch.bool, np.dtype(bool))}


def generators(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask for the losses of two translators with one weight each, g and f.

    Returns `names` of the losses; of each its `value NAME` and the slopes `NAME by g` and `NAME by f`, 0 where none
    arrives; `fake_a` and `fake_b`.
    """
    given = tensors(case)
    g, f = (torch.tensor(given[name], requires_grad=True) for name in ("g", "f"))
    found = function(
        lambda x: torch.tanh(g * x),
        lambda x: f * x + 0.1,
        lambda x: 1.5 * x.mean(1, keepdim=True) + 0.7,
        lambda x: 0.8 * x.amax(1, keepdim=True) - 0.4,
        given["a"],
        given["b"],
    )
    if not isinstance(found, tuple | list) or len(found) != 3 or not isinstance(found[0], dict):
        raise Unusable("three things are returned: the dictionary of losses, F(b) and G(a)")
    losses, fake_a, fake_b = found
    names = sorted(map(str, losses))
    outputs: Outputs = {"names": ",".join(names)[:200], "fake_a": to_array(fake_a), "fake_b": to_array(fake_b)}
    for name in names[:10]:
        outputs[f"value {name}"] = to_array(losses.get(name), f"the loss {name!r}")
        grads = input_gradients(losses.get(name), {"g": g, "f": f})
        outputs |= {f"{name} by {weight}": float(grads.get(f"by {weight}", 0.0)) for weight in "gf"}
    return outputs


def pool(function: Callable[..., Any], case: Case) -> Outputs:
    """Send numbered pictures through a pool, batch after batch; each pixel of a picture is its number.

    Returns the numbers that were `given` back, (rounds, N), -1 for what is none of the numbers; those in the `pool`
    after each round, (rounds, size + 1), -1 where it holds fewer; its `lengths`; `graph`, whether anything in the pool
    carried one, and `hangs`, whether anything that came back did; `shape`, the first one that was not right; whether
    a fake that was handed over was `spoiled`, and whether a picture in the pool was `overwritten`, both in place.
    """
    n, shape, size = case["n"], tuple(case["shape"].tolist()), case["size"]
    held: list[Any] = []
    one = torch.ones((), requires_grad=True)
    outputs: Outputs = dict.fromkeys(("graph", "hangs", "whole", "spoiled", "overwritten"), False) | {"shape": ""}
    given, pools, lengths = [], [], []
    for start in range(0, case["rounds"] * n, n):
        fakes = torch.arange(start, start + n, dtype=torch.float32).view(n, *(1 for _ in shape)).expand(n, *shape)
        sent, before = fakes * one, [(x, x.detach().clone()) for x in held if isinstance(x, Tensor)]
        back = function(held, sent, size)
        values = to_array(back)
        outputs["spoiled"] |= not torch.equal(sent, fakes)
        outputs["overwritten"] |= any(not torch.equal(x, copy) for x, copy in before)
        outputs["hangs"] |= isinstance(back, Tensor) and back.requires_grad
        if values.shape != (n, *shape):
            return {**outputs, "shape": str(values.shape)}
        given.append([number(picture) for picture in values])
        outputs["graph"] |= any(isinstance(kept, Tensor) and kept.requires_grad for kept in held)
        kept = [to_array(picture, "the pool holds what your function") for picture in held[: size + 1]]
        if any(picture.size != values[0].size for picture in kept):
            return {**outputs, "whole": True}
        pools.append([number(picture) for picture in kept] + [-1.0] * (size + 1 - len(kept)))
        lengths.append(len(held))
    return outputs | {"given": np.array(given), "pool": np.array(pools), "lengths": np.array(lengths, np.float64)}


def number(picture: np.ndarray) -> float:
    first = picture.reshape(-1)[0]
    return float(first) if (picture == first).all() and first >= 0 else -1.0


def curve(function: Callable[..., Any], case: Case) -> Outputs:
    """Evaluate a schedule after each number of iterations in `done`. Returns `value`, one number for each."""
    share = () if case["default"] else (case["constant"],)
    found = [to_array(function(done, case["steps"], *share)) for done in case["done"].tolist()]
    if any(factor.size != 1 for factor in found):
        raise Unusable("what the rate is multiplied by is one number")
    return {"value": np.array([float(factor.reshape(-1)[0]) for factor in found])}


def forward(x: Any) -> Any:
    """A translator, (B, C, H, W) in [0, 1] to the same, of tensors or arrays."""
    return 0.15 + 0.5 * x + 0.2 * x**2


def backward(y: Any) -> Any:
    """A way back that is steep in places."""
    return (1.6 * y - 0.2 + 4 * y**2 * (1 - y) ** 2 * (y - 0.5)).clip(0, 1)


def decibels(a: Tensor, b: Tensor) -> Tensor:
    """A distance of pictures, (B, C, H, W) in [0, 1] both: (B,)."""
    return -10 * (a - b).square().mean((1, 2, 3)).log10()


def hiding(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask how much a translator hides.

    Returns `value`; what the way back was shown lies in `low` to `high`; whether a translation was `overwritten`.
    """
    given, shown, translated = tensors(case), [], []

    def there(x: Tensor) -> Tensor:
        y = forward(x)
        if isinstance(y, Tensor):
            translated.append((y, y.clone()))
        return y

    def back(y: Tensor) -> Tensor:
        shown.extend(y.detach().aminmax())
        return backward(y)

    found = to_array(function(there, back, given["x"], given["truth"], given["noise"], decibels))
    if not shown:
        raise Unusable("the way back was never asked for")
    seen = torch.stack(shown).double()
    overwritten = any(not torch.equal(y, copy) for y, copy in translated)
    shown_in = {"low": seen.min().item(), "high": seen.max().item()}
    return {"value": found, "overwritten": overwritten, **shown_in, **after(given)}


def iteration(function: Callable[..., Any], case: Case) -> Outputs:
    """Run one iteration with generators of one weight each, g and f, and linear discriminators, by gradient descent.

    All weights hold gradients of ones from before. Returns the order of `updates`, as "GD"; the weights after it;
    which discriminators are `frozen` by then; `names` of what came back and `value NAME` of each; how often each pool
    was asked, as `pools` "1,1".
    """
    given = tensors(case)
    g, f = (nn.Parameter(torch.tensor(given[name])) for name in ("g", "f"))
    weights: dict[str, Tensor] = {"g": g, "f": f}
    judges = {name: nn.Conv2d(given["a"].shape[1], 1, 1) for name in ("d_a", "d_b")}
    for name, judge in judges.items():
        judge.weight.data.copy_(given[name])
        nn.init.constant_(cast(Tensor, judge.bias), 0.2)
        weights |= {name: judge.weight, f"{name} bias": cast(Tensor, judge.bias)}
    for weight in weights.values():
        weight.grad = torch.ones_like(weight)
    learned = {"G": [g, f], "D": [w for judge in judges.values() for w in judge.parameters()]}
    optimizers = {name: torch.optim.SGD(held, given["rate"]) for name, held in learned.items()}
    updates, asked = [], [0, 0]
    optimizers["G"].register_step_pre_hook(lambda *_: updates.append("G"))
    optimizers["D"].register_step_pre_hook(lambda *_: updates.append("D"))

    def losses_of(a: Tensor, b: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Losses of its own, each with other slopes, and F(b) and G(a)."""
        fake_a, fake_b = torch.tanh(f * b), g * a + 0.1
        back_a, back_b = torch.tanh(f * fake_b), g * fake_a + 0.1
        losses = {
            "G": (judges["d_b"](fake_b) - 1).square().mean(),
            "F": (judges["d_a"](fake_a) - 1).square().mean(),
            "cycle": (back_a - a).square().mean() + (back_b - b).abs().mean(),
            "identity": (g * b - b).abs().mean() + (f * a - a).square().mean(),
        }
        return losses, fake_a, fake_b

    def past(kind: int) -> Callable[[Tensor], Tensor]:
        def give(fakes: Tensor) -> Tensor:
            asked[kind] += 1
            return fakes.detach() * (0.5 + 0.4 * kind) - 0.3

        return give

    found = function(
        given["a"], given["b"], losses_of, *judges.values(), optimizers["G"], optimizers["D"], past(0), past(1)
    )
    if not isinstance(found, dict):
        to_array(found, "cyclegan_step")
        raise Unusable("cyclegan_step should return a dictionary of the six losses")
    frozen = [name.upper() for name, judge in judges.items() if not all(w.requires_grad for w in judge.parameters())]
    return {
        "updates": "".join(updates)[:100],
        "pools": ",".join(map(str, asked)),
        "frozen": " and ".join(frozen),
        "names": ",".join(sorted(map(str, found)))[:200],
        **{name: to_array(weight) for name, weight in weights.items()},
        **{f"value {name}": to_array(found[name], f"the loss {name!r}") for name in map(str, found) if name in found},
    }
