"""Chapter 03: an iteration of a small GAN of given weights, and a training in a world of its own."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

import gencourse
from gencourse import fit
from gencourse.batches import Batches
from gencourse.homework.checking.calls import (
    Case,
    Outputs,
    Unusable,
    Updates,
    patched_globals,
    rows_in_turn,
    tensors,
    to_array,
)
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.runtime import Run
from gencourse.training.helpers import descend


def warm_up() -> None:
    """Let torch load what it loads late, with the first optimiser: once, before anything else runs.

    Without a backward pass: where there is a GPU it would start threads, and forks of this process could have none.
    """
    weight = nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    torch.optim.SGD([weight], 0.1).step()


def other_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    return 0.5 * (fake_logits + 1).square().mean() - 2 * real_logits.mean()


def other_generator_loss(fake_logits: Tensor) -> Tensor:
    return 0.3 * (fake_logits - 4).square().mean()


def five_steps(function: Callable[..., Any], case: Case) -> Outputs:
    """Run one iteration on a linear G and D that hold gradients of ones from before.

    The losses of the last task are replaced by others. Returns the order of `updates`, as "DG", and how many batches D
    had judged `by_then`, as "2,3"; how many rows of noise were `drawn`; the sizes of the `batches` that D judged;
    `reached`, what G's gradient was when D was updated; the weights after it; which networks are `frozen` by then;
    `names` of what came back, `value NAME` of each, whether they are `detached`, and whether one is a `number` and no
    tensor.
    """
    given = tensors(case)
    G, D = nn.Linear(*given["g"].shape[::-1]), nn.Sequential(nn.Linear(given["d"].shape[1], 1), nn.Flatten(0))
    weights = {"g": G.weight, "g_bias": G.bias, "d": D[0].weight, "d_bias": D[0].bias}
    for name, weight in weights.items():
        weight.data.copy_(given[name])
        weight.grad = torch.ones_like(weight)
    batches: list[int] = []
    updates = Updates(G, D, given["rate"], batches)
    D.register_forward_pre_hook(lambda _, inputs: batches.append(len(inputs[0])))
    draw, drawn = rows_in_turn(given["noise"])  # who asks for too many gets them
    others = {
        "discriminator_loss": other_discriminator_loss,
        "generator_loss": other_generator_loss,
        "descend": descend,
    }
    with patched_globals(function, **others):
        losses = function(given["x"], G, D, *updates.optimizers, draw)
    if not isinstance(losses, dict):
        to_array(losses, "five_steps")
        raise Unusable('five_steps should return a dictionary, {"D": scalar, "G": scalar}')
    first = updates.reached[0] if updates.reached else None
    frozen = [name for name, net in (("D", D), ("G", G)) if not all(w.requires_grad for w in net.parameters())]
    return {
        "updates": "".join(updates.names)[:100],
        "by_then": ",".join(map(str, updates.by_then))[:100],
        "drawn": sum(drawn),
        "batches": ",".join(map(str, batches))[:100],
        **({"reached": to_array(first)} if first is not None else {}),
        **{name: to_array(weight) for name, weight in weights.items()},
        "frozen": " and ".join(frozen),
        "names": ",".join(sorted(map(str, losses)))[:100],
        **{f"value {name}": to_array(losses[name], f"the loss {name!r}") for name in ("D", "G") if name in losses},
        "detached": not any(isinstance(v, Tensor) and v.requires_grad for v in losses.values()),
        "number": not all(isinstance(v, Tensor) for v in losses.values()),
    }


def network(function: Callable[..., Any], case: Case) -> Outputs:
    """Build a network of given sizes, set its weights, and show it `x` in train mode.

    Returns what comes out as `value`, and the `kinds` of its layers.
    """
    given = tensors(case)
    x = given.pop("x")
    built = function(*given.values())
    if not isinstance(built, nn.Module):
        to_array(built, "your function")
        raise Unusable("your function should return a network, nn.Sequential(...)")
    set_weights(built)
    kinds = sorted({type(layer).__name__ for layer in built.modules() if not list(layer.children())})
    return {"value": to_array(built(x), "your network"), "kinds": ",".join(kinds)}


@torch.no_grad()
def set_weights(network: nn.Module) -> None:
    """Give the k-th convolution always the same numbers and the k-th normalisation others, whatever else there is.

    Biases of convolutions are 0: before a normalisation nobody needs one. A linear layer is a convolution of one place.
    """
    counts = [0, 0]
    for layer in network.modules():
        weight, bias = getattr(layer, "weight", None), getattr(layer, "bias", None)
        if not isinstance(weight, Tensor):
            continue
        normalises = weight.ndim == 1
        generator = torch.Generator().manual_seed(100 * normalises + counts[normalises])
        counts[normalises] += 1
        numbers = torch.randn(weight.numel(), generator=generator, dtype=torch.float64)
        if normalises:
            weight.copy_(1 + 0.3 * numbers)
        else:
            weight.copy_(0.2 * (numbers.view(weight.T.shape).T if weight.ndim == 2 else numbers.view_as(weight)))
        if bias is not None:
            bias.copy_(0.3 * numbers.flip(0) if normalises else torch.zeros_like(bias))


def owner(optimizer: torch.optim.Optimizer, **networks: nn.Module) -> str:
    """Return the name of the network that has all the weights of an optimiser and no others; "?" where none has."""
    held = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    return next((name for name, net in networks.items() if held == set(map(id, net.parameters()))), "?")


def training(function: Callable[..., Any], case: Case) -> Outputs:
    """Train four times: twice from one seed, then from another, then longer. Everything is small and made up here.

    Returns the `scores`; how many `steps` were done, how often the picture that was scored came from the `average`,
    how many were `measured`, whether what was measured was drawn after the `last` step; `order` and `start`, a
    fingerprint of the first batch and of the first weights in each; `holds`, whose weights the optimisers have.
    """
    given = tensors(case)
    log: list[dict[str, Any]] = []

    def make_step(g: nn.Module, d: nn.Module, optimizers: Any, average: Any) -> Callable[[Any], dict[str, Tensor]]:
        if not (isinstance(g, Generator) and isinstance(d, Discriminator) and isinstance(average, gencourse.Average)):
            raise Unusable("make_step takes a generator, a discriminator, both optimisers, and the average")
        pair = isinstance(optimizers, tuple | list) and len(optimizers) == 2
        if not (pair and all(isinstance(one, torch.optim.Optimizer) for one in optimizers)):
            raise Unusable("make_step takes both optimisers as a pair, in one tuple")
        log[-1] |= {"average": average.module, "start": next(g.parameters()).sum().item()}
        log[-1]["holds"] = ",".join(owner(optimizer, g=g, d=d) for optimizer in optimizers)

        def step(x: Tensor) -> dict[str, Tensor]:
            log[-1].setdefault("order", (x.flatten(1).sum(1) * torch.arange(len(x))).sum().item())
            log[-1]["steps"] += 1
            fake = g(torch.randn(len(x), g.latent))
            loss = descend(optimizers[0], d(fake).square().mean() + (fake - x.mean(0)).square().mean())
            average.update(g)
            return {"G": loss}

        return step

    def draw(network: Generator, seed: int = 5, count: int = 16) -> Tensor:
        log[-1]["averaged"] = network is log[-1].get("average")
        log[-1]["drawn"] = log[-1]["steps"]
        with torch.no_grad():
            z = torch.randn(min(count, 64), network.latent, generator=torch.Generator().manual_seed(seed))
            return (network(z) + 1) / 2

    def measure(samples: Tensor) -> SimpleNamespace:
        log[-1]["measured"] += 1
        log[-1]["after"] = log[-1].get("drawn")
        return SimpleNamespace(frechet=samples.double().square().mean().item())

    world = {
        "run": Run("smoke", torch.device("cpu"), 0),
        "real": given["real"],
        "rates": {"lr": 6e-4, "betas": (0.5, 0.999)},
        "gencourse": gencourse,
        "data": SimpleNamespace(Batches=Batches),
        "fit": fit,
        "Generator": Generator,
        "Discriminator": Discriminator,
        "measure": measure,
        "draw": draw,
    }
    scores = []
    with patched_globals(function, **world):
        for seed, steps in ((given["seed"], 2), (given["seed"], 2), (given["other"], 2), (given["seed"], 4)):
            log.append({"steps": 0, "measured": 0, "averaged": False, "start": 0.0})
            scores.append(to_array(function(make_step, seed, steps)))
    if any(score.size != 1 for score in scores):
        raise Unusable("return one number, the FID-digits")
    for one in log:
        one["last"] = one.get("after") in (None, one["steps"])  # None: nothing was drawn, which is another mistake
    names = ("steps", "measured", "averaged", "last", "start", "order")
    records = {name: to_array(torch.tensor([float(one.get(name, 0)) for one in log]).double()) for name in names}
    holds = ";".join(sorted({one["holds"] for one in log if "holds" in one}))
    return {"scores": to_array(torch.tensor([float(s) for s in scores]).double()), "holds": holds, **records}
