"""Chapter 04b: a small U-Net, a small discriminator, pairs that are moved, and a network whose noise is known."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.homework.checking.calls import Case, Outputs, Unusable, after, input_gradients, tensors, to_array


def fitted(weight: Tensor, dim: int, channels: int) -> Tensor:
    """Return a convolution's weight for as many channels as come in: the first, or all and again from the first."""
    chosen = torch.arange(channels, device="cpu") % weight.shape[dim]
    return weight.index_select(dim, chosen)


class Level(nn.Module):
    """A convolution of stride 2, to half of the size or to twice of it, that takes any number of channels.

    So an answer that joins too much or too little has values, and can be told what it did.
    """

    def __init__(self, weight: Tensor, up: bool):
        super().__init__()
        self.weight, self.up = weight, up

    def forward(self, x: Tensor) -> Tensor:
        if self.up:
            return F.conv_transpose2d(x, fitted(self.weight, 0, x.shape[1]), stride=2, padding=1) + 0.1
        return F.conv2d(x, fitted(self.weight, 1, x.shape[1]), stride=2, padding=1) - 0.1


def unet(function: Callable[..., Any], case: Case) -> Outputs:
    """Call unet_forward(down, up, x, skips) with levels whose weights are those of the case.

    Returns `value`, x as the call left it, and the gradient of a weighted sum of all values `by x`, where it arrives.
    """
    given = tensors(case)
    names = sorted(name for name in given if name.startswith("down"))
    down = nn.ModuleList(Level(given[name], up=False) for name in names)
    up = nn.ModuleList(Level(given[name.replace("down", "up")], up=True) for name in names)
    leaf = given["x"].requires_grad_()
    x = leaf * 1  # a leaf could not be changed in place
    before = x.detach().clone()
    found = function(down, up, x, case["skips"])
    outputs = {"value": to_array(found), **after({"x": x})}
    weight = given["weight"]
    if not isinstance(found, Tensor) or found.shape != weight.shape or not torch.equal(x.detach(), before):
        return outputs
    return outputs | input_gradients((found * weight).sum(), {"x": leaf})


class Judge(nn.Module):
    """A discriminator: a convolution of 2 x 2 pixels, a bend, a map of logits; it takes any number of channels."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        found = F.conv2d(x, fitted(self.weight, 1, x.shape[1]))
        return found + 0.2 * found.square() + 0.3


def spread_distance(x: Tensor, y: Tensor) -> Tensor:
    """A distance of its own, neither L1 nor the squared error."""
    return (x - y).abs().pow(1.5).mean()


def losses(function: Callable[..., Any], case: Case) -> Outputs:
    """Call losses_of_pairs(fake, D, a, b, conditional, distance); D is None where the case says so.

    Returns the `names` of the losses, each as `value NAME`, of each its gradients `NAME by fake` and, of D's loss,
    `D by weight`, where they arrive, whether D is left `frozen`, and the pictures as the call left them.
    """
    given = tensors(case)
    judge = Judge(given["judge"])
    pictures = {name: given[name] for name in ("fake", "a", "b")}
    pictures["fake"].requires_grad_()
    found = function(
        pictures["fake"],
        judge if case["adversarial"] else None,
        pictures["a"],
        pictures["b"],
        case["conditional"],
        spread_distance,
    )
    if not isinstance(found, dict):
        to_array(found, "losses_of_pairs")
        raise Unusable("losses_of_pairs should return a dictionary of losses")
    known = {str(name): loss for name, loss in found.items()}
    outputs: Outputs = {"names": ",".join(sorted(known))[:200], "frozen": not judge.weight.requires_grad}
    for name, loss in known.items():
        outputs[f"value {name}"] = to_array(loss, f"the loss {name!r}")
        for key, leaf in (("fake", pictures["fake"]), *([("weight", judge.weight)] if name == "D" else [])):
            slopes = input_gradients(loss, {key: leaf}) if leaf.requires_grad else {}
            outputs |= {f"{name} {by}": slope for by, slope in slopes.items()}
    return outputs | after({name: x.detach() for name, x in pictures.items()})


def side(function: Callable[..., Any], case: Case) -> Outputs:
    """Call patch_side(layers) with pairs of a kernel and a stride. Returns `value`, and whether it is `changed`."""
    layers = list(zip(case["kernels"].tolist(), case["strides"].tolist(), strict=True))
    given = layers.copy()
    return {"value": to_array(function(layers)), "changed": layers != given}


def jitter(function: Callable[..., Any], case: Case) -> Outputs:
    """Call jitter_pair(a, b, generator, grow) twice with generators of one seed, and once with another.

    Returns the pictures `a` and `b` that came back, whether the second call gave the `same` and the third `others`,
    whether torch's own numbers were used, `own`, and the pictures as the call left them.
    """
    given = tensors(case)
    before = torch.get_rng_state()
    drawn = []
    for seed in (case["seed"], case["seed"], case["seed"] + 1):
        found = function(given["a"], given["b"], torch.Generator().manual_seed(seed), case["grow"])
        if isinstance(found, Tensor) or not isinstance(found, tuple | list) or len(found) != 2:
            to_array(found, "jitter_pair")
            raise Unusable("two batches of pictures are asked for, a and b")
        drawn.append([to_array(x, "jitter_pair") for x in found])
    own = not torch.equal(before, torch.get_rng_state())
    (a, b), again, other = drawn
    return {
        "a": a,
        "b": b,
        "same": all(x.shape == y.shape and (x == y).all() for x, y in zip((a, b), again, strict=True)),
        "others": any(x.shape != y.shape or (x != y).any() for x, y in zip((a, b), other, strict=True)),
        "own": own,
        **after({name: given[name] for name in ("a", "b")}),
    }


class Noisy(nn.Module):
    """A translator whose dropout is known: what a picture gets depends on how often it was shown, and on it alone.

    In eval mode it adds nothing. It counts how often each picture was shown while noise was on, and keeps a number of
    torch's own of every pass: those of dropout would be the same where torch is seeded before each.
    """

    def __init__(self, known: Tensor, noise: Tensor):
        super().__init__()
        self.known, self.noise, self.shown = known, noise, [0] * len(known)
        self.numbers: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        y = torch.tanh(0.8 * x[:, :1] + 0.1).expand(-1, self.noise.shape[2], -1, -1)
        if not self.training:
            return y
        self.numbers.append(float(torch.rand((), device="cpu")))
        added = []
        for picture in x:
            i = int((self.known - picture).abs().flatten(1).amax(1).argmin())
            added.append(self.noise[self.shown[i] % len(self.noise), i])
            self.shown[i] += 1
        return y + torch.stack(added)


def several(function: Callable[..., Any], case: Case) -> Outputs:
    """Call diversity(network, a, draws) with a network whose noise is known, in the mode that the case says.

    Returns `value`, whether the network is left in another `mode`, how often each picture was drawn anew, `shown`,
    whether torch was `seeded` before each pass, and a as the call left it.
    """
    given = tensors(case)
    network = Noisy(given["a"].clone(), given["noise"]).train(case["training"])
    found = to_array(function(network, given["a"], case["draws"]))
    return {
        "value": found,
        "mode": network.training != case["training"],
        "shown": to_array(torch.tensor(network.shown, device="cpu")),
        "seeded": len(network.numbers) > 1 == len(set(network.numbers)),
        **after({"a": given["a"]}),
    }
