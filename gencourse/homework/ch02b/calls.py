"""Chapter 02b: an objective with a small critic, rows of patches, weights of small networks, noise that is measured.

What the chapter's functions are built of and grading does not have is stood in for, by others or by the same again.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
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

NOTHING = -1  # fills what is left of an array
SCALE = 4
DARKER = 0.9  # how bright a picture is that was in our file


def area_average(x: Tensor, scale: int) -> Tensor:
    return F.avg_pool2d(x, scale)


def nearest(x: Tensor, scale: int) -> Tensor:
    return x.repeat_interleave(scale, 2).repeat_interleave(scale, 3)


class Weights(NamedTuple):
    """How much each part of the objective counts."""

    features: float
    adversarial: float
    pixels: float
    grid: float


class Layers:
    """Two layers of different size, and a third that only patches are looked for in."""

    def __init__(self, weight: Tensor):
        self.weight = weight

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        fine = torch.einsum("oi,bihw->bohw", self.weight, image)
        fine = fine + 0.5 * fine.square()
        coarse = F.avg_pool2d(fine.flip(1).exp(), 2)  # no pooled "fine", which somebody may make
        return {"fine": fine, "coarse": coarse, "other": fine.mean(1, keepdim=True)}


class Critic(nn.Module):
    """A map of logits, each of a patch."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, stride=2)


def other_perceptual_loss(look: Callable[[Tensor], Mapping[str, Tensor]], y_hat: Tensor, y: Tensor) -> Tensor:
    with torch.no_grad():
        wanted = look(y)
    parts = [(found - wanted[name]).abs().mean() for name, found in look(y_hat).items()]
    return 2 * torch.stack(parts).sum()


def other_repeated_error(y_hat: Tensor, y: Tensor, scale: int = SCALE) -> Tensor:
    return F.avg_pool2d(y_hat - y, scale).square().mean() + 0.1 * (y_hat - y).mean().abs()


def objective(function: Callable[..., Any], case: Case) -> Outputs:
    """Evaluate the generator's objective; y_hat asks for gradients.

    The loss of chapter 02 and the repeated error are replaced by others, so that nobody needs them while grading.
    Returns `names` of what came back, each as `value NAME`, both batches as the call left them, the gradient of the
    total `by y_hat` where it arrives, and whether weights of the critic are `frozen` afterwards.
    """
    given = tensors(case)
    y_hat, y = given["y_hat"].requires_grad_(), given["y"]
    critic = Critic(given["critic"]) if case["judged"] else None
    weights = Weights(*given["weights"].tolist())
    others = {"perceptual_loss": other_perceptual_loss, "repeated_error": other_repeated_error}
    with patched_globals(function, **others):
        found = function(y_hat, y, Layers(given["look"]), critic, weights)
    if not isinstance(found, dict):
        to_array(found, "srgan_objective")  # says what it is
        raise Unusable("srgan_objective returned numbers: a dictionary of losses is asked for")
    values = {f"value {name}": to_array(loss, f"the loss {name!r}") for name, loss in found.items()}
    if any(value.size != 1 for value in values.values()):
        raise Unusable("a loss is one number: a tensor without dimensions")
    return {
        "names": ",".join(sorted(map(str, found)))[:1000],
        **values,
        **after({"y_hat": y_hat, "y": y}),
        "frozen": critic is not None and not critic.weight.requires_grad,
        **input_gradients(found.get("total"), {"y_hat": y_hat}),
    }


def other_frechet_distance(a: Tensor, b: Tensor) -> float:
    """Means and second moments compared: of rows in whatever order."""
    a, b = a.double(), b.double()
    second = [x.T @ x / (len(x) - 1) for x in (a, b)]
    return float((a.mean(0) - b.mean(0)).square().sum() + (second[0] - second[1]).abs().mean().sqrt())


def patches(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask for the distance of two lists of pictures that differ in size. Returns `value`, and the pictures left."""
    given = tensors(case)
    sides = [[x for name, x in given.items() if name.startswith(side)] for side in ("a_", "b_")]
    with patched_globals(function, frechet_distance=other_frechet_distance):
        found = function(Layers(given["look"]), *sides, case["layer"])
    left = {f"after {name}": to_array(x) for name, x in given.items() if "_" in name}
    return {"value": to_array(found), **left}


def front(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask which points nobody dominates. Returns `value`, the places, filled up to one length."""
    points = [tuple(point) for point in case["points"].tolist()]
    found = function(points)
    if isinstance(found, set | range | tuple):
        found = list(found)
    if isinstance(found, list) and any(isinstance(one, tuple | list) and tuple(one) in points for one in found):
        raise Unusable("these are points: their places in the list are asked for")
    if isinstance(found, list) and len(found) == len(points) and all(isinstance(one, bool) for one in found):
        raise Unusable("this is True or False for each point: the places of those that nobody dominates are asked for")
    if isinstance(found, list) and all(isinstance(one, int | float | np.number | Tensor) for one in found):
        found = torch.tensor([float(one) for one in found]).double()
    row = to_array(found)
    if row.ndim != 1 or len(row) > len(points):
        raise Unusable(f"your function returned shape {row.shape}, where a list of places is asked for")
    filled = torch.full((len(points),), float(NOTHING), dtype=torch.float64)
    filled[: len(row)] = torch.from_numpy(row)
    return {"value": to_array(filled)}


class Small(nn.Module):
    """Two layers with biases, and a buffer that belongs to what the network is."""

    def __init__(self, sizes: list[int]):
        super().__init__()
        self.first, self.second = nn.Linear(sizes[0], sizes[1]), nn.Linear(sizes[1], sizes[2])
        self.register_buffer("mean", torch.zeros(sizes[0]))


def between(function: Callable[..., Any], case: Case) -> Outputs:
    """Ask for a network between two of given weights.

    Returns the `value` of all its weights in a row, the two networks' as `weights a` and `weights b` after the call,
    whether its memory is `shared` with one of them, and whether it is `new`.
    """
    given = tensors(case)
    networks = {side: filled(case["sizes"].tolist(), given[side]) for side in "ab"}
    found = function(networks["a"], networks["b"], case["share"])
    if not isinstance(found, nn.Module):
        if isinstance(found, dict):
            raise Unusable("your function returned a dictionary of weights: a network that has them is asked for")
        to_array(found)
        raise Unusable("your function returned numbers: a network is asked for")
    if not found.state_dict():
        raise Unusable("what comes back has no weights of its own: one network is asked for, whose weights are mixed")
    value, left = row(found), {f"weights {side}": to_array(row(net)) for side, net in networks.items()}
    with torch.no_grad():
        for weight in found.state_dict().values():
            weight.add_(1)
    shared = any(not torch.equal(torch.as_tensor(left[f"weights {s}"]), row(net)) for s, net in networks.items())
    new = all(found is not net for net in networks.values())
    return {"value": to_array(value), **left, "shared": shared and new, "new": new}


def filled(sizes: list[int], numbers: Tensor) -> Small:
    """Return a network whose weights are these numbers."""
    network = Small(sizes).to(numbers)
    at = 0
    with torch.no_grad():
        for weight in network.state_dict().values():
            weight.copy_(numbers[at : at + weight.numel()].view_as(weight))
            at += weight.numel()
    return network


def row(network: nn.Module) -> Tensor:
    """Return all weights and buffers of a network in one row: float64."""
    return torch.cat([weight.detach().flatten().double() for weight in network.state_dict().values()])


def projected(function: Callable[..., Any], case: Case) -> Outputs:
    """Call function(high, low); averages and repeated pixels are at hand. Returns `value` and the inputs left."""
    given = tensors(case)
    with patched_globals(function, area_average=area_average, nearest=nearest):
        found = function(*given.values())
    return {"value": to_array(found), **after(given)}


def gaussian_blur(x: Tensor, sigma: float) -> Tensor:
    """A mean of each pixel and its neighbours to the right and below, which keeps the brightness."""
    part = sigma / (1 + sigma)
    return (1 - part) * x + part * (x.roll(1, 2) + x.roll(2, 3)) / 2


def jpeg(x: Tensor, quality: int) -> Tensor:
    """Fewer levels of brightness, and each picture a little darker."""
    return DARKER * (x * quality).round() / quality


def degraded(function: Callable[..., Any], case: Case) -> Outputs:
    """Make pictures small, with a blur and a file format of our own.

    Without noise: returns `value`. With it: the `noise` that was added to flat pictures, and whether calls with one
    seed gave the `same`, and a second call with one generator something `new`.
    """
    given = tensors(case)
    quality = given["quality"] or None
    others = {"gaussian_blur": gaussian_blur, "area_average": area_average, "jpeg": jpeg}

    def ask(generator: torch.Generator) -> Tensor:
        found = function(given["y"], given["blur"], given["noise"], quality, generator)
        to_array(found)
        return torch.as_tensor(found).detach().double()

    generators = [torch.Generator().manual_seed(case["seed"]) for _ in range(2)]
    with patched_globals(function, **others):
        first = ask(generators[0])
        if not case["noise"]:
            return {"value": to_array(first), **after({"y": given["y"]})}
        again, other = ask(generators[1]), ask(generators[0])
    told = {"same": torch.equal(first, again), "new": not torch.equal(first, other)}
    return {"noise": to_array(first), **told, **after({"y": given["y"]})}
