"""Chapter 05: small networks of given weights, asked pixel by pixel, and what is shown to them on the way."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

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


def warm_up() -> None:
    """Let torch load what it loads late: once, before anything else runs."""
    with FlopCounterMode(display=False):
        torch.matmul(torch.zeros(1, 1), torch.zeros(1, 1))


def likelihood(function: Callable[..., Any], case: Case) -> Outputs:
    """Call on logits that ask for gradients. Returns `value`, and the gradient of its sum, `by logits`."""
    given = tensors(case)
    logits = given["logits"].requires_grad_()
    found = function(logits, given["x"])
    grads = input_gradients(found.sum(), {"logits": logits}) if isinstance(found, Tensor) else {}
    return {"value": to_array(found), **grads}


def dtype_of(found: Any) -> str:
    """Return how the numbers of an answer are held: "float32", "numpy float32", "int"."""
    if isinstance(found, Tensor):
        return str(found.dtype).removeprefix("torch.")
    return f"numpy {found.dtype}" if isinstance(found, np.ndarray) else type(found).__name__


def typed(function: Callable[..., Any], case: Case) -> Outputs:
    """Call function(*inputs); returns `value`, and its `dtype`."""
    found = function(*tensors(case).values())
    return {"value": to_array(found), "dtype": dtype_of(found)}


class Rows(nn.Module):
    """A convolution over a pixel's row and rows above it: (B, inputs, H, W) -> (B, outputs, H, W)."""

    def __init__(self, weight: Tensor, bias: Tensor, own: int):
        super().__init__()
        self.weight, self.bias, self.own = nn.Parameter(weight), nn.Parameter(bias), own

    def forward(self, x: Tensor) -> Tensor:
        """own: how many columns right of the centre the kernel ends; 0 at the pixel, -1 before it."""
        height, width = self.weight.shape[2:]
        return F.conv2d(F.pad(x, (width - 1 - self.own, self.own, height - 1, 0)), self.weight, self.bias)


def gate(y: Tensor) -> Tensor:
    """As the page defines it."""
    a, b = y.chunk(2, 1)
    return a.tanh() * b.sigmoid()


def stacks(function: Callable[..., Any], case: Case) -> Outputs:
    """Run two stacks of given weights. Returns `value`, and `seen`, (H, W), what a pixel's activations depend on.

    loud: the largest activation for an image of large numbers. by x: the gradient of the sum of their squares.
    """
    given, layers = tensors(case), []
    reach = given["vertical 0"].shape[3] // 2
    for k in range(given["depth"]):
        vertical = Rows(given[f"vertical {k}"], given[f"vertical bias {k}"], reach)
        horizontal = Rows(given[f"horizontal {k}"], given[f"horizontal bias {k}"], 0 if k else -1)
        layers.append((vertical, horizontal, Rows(given[f"link {k}"], given[f"link bias {k}"], 0)))
    x = given["x"].requires_grad_()
    with patched_globals(function, gate=gate):
        out = function(x, layers)
        value = to_array(out)
        loud = to_array(function(1e4 * x.detach(), layers))
    outputs: Outputs = {"value": value, "loud": float(np.abs(loud).max(initial=0))}
    if value.ndim == 4 and value.shape[2:] == x.shape[2:] and out.requires_grad:
        pixel = out[:, :, given["row"], given["column"]].square().sum()
        slope = torch.autograd.grad(pixel, x, retain_graph=True, allow_unused=True)[0]
        outputs["seen"] = to_array((slope != 0).any(0)[0]) if slope is not None else np.zeros(x.shape[2:])
    whole = out.square().sum() if isinstance(out, Tensor) else None
    return outputs | input_gradients(whole, {"x": x})


class Neighbours:
    """A network whose logits follow from the pixel before, in raster order, and from the one above.

    before, above: (levels + 1, levels), the last row for a pixel that has no such neighbour.
    """

    def __init__(self, before: Tensor, above: Tensor):
        self.before, self.above, self.levels = before, above, before.shape[1]

    def __call__(self, x: Tensor) -> Tensor:
        if x.dtype.is_floating_point or x.dim() != 4 or x.shape[1] != 1:
            raise Unusable(f"the network takes (B, 1, H, W) int64, you gave it {tuple(x.shape)}, {x.dtype}")
        flat = x.flatten(1).long()
        left = F.pad(flat[:, :-1], (1, 0), value=self.levels).view(x.shape)
        above = F.pad(x[:, :, :-1].long(), (0, 0, 1, 0), value=self.levels)
        return (self.before[left] + self.above[above]).movedim(-1, 1)


def drawing(function: Callable[..., Any], case: Case) -> Outputs:
    """Draw images, twice from the same numbers. Returns `value`, `again`, the number of `passes`, and `canvas`, what
    was shown in each of the first ones; `whole`, whether the images are integers; inputs as they were left."""
    given = tensors(case)
    network = Neighbours(given["before"], given["above"])
    u, start, shown = given["u"], given["given"], []
    pixels = u[0].numel()

    def noted(x: Tensor) -> Tensor:
        row = to_array(x.flatten(1))[:, :pixels]  # only the rows so far will do as well
        shown.append(np.pad(row, ((0, 0), (0, pixels - row.shape[1]))) if len(shown) < pixels else None)
        if len(shown) > 8 * pixels:
            raise Unusable(f"the network was asked far too often for {pixels} pixels: does a loop end?")
        return network(x)

    extra = (start, given["kept"]) if given["kept"] >= 0 else ()
    found = function(noted, u, *extra)
    passes = len(shown)
    outputs: Outputs = {"value": to_array(found), "passes": passes, "canvas": np.array(shown[:pixels])}
    outputs["whole"] = not (isinstance(found, Tensor) and found.is_floating_point())
    outputs["dtype"] = dtype_of(found)
    again = function(noted, tensors(case)["u"], *extra)
    return outputs | {"again": to_array(again)} | after({"u": u, "given": start})


class Places(nn.Module):
    """A network to be trained: logits by place, by the pixel to the left and by label. Keeps what it was `shown`."""

    def __init__(self, place: Tensor, left: Tensor, named: Tensor):
        super().__init__()
        self.place, self.left, self.named = nn.Parameter(place), nn.Parameter(left), nn.Parameter(named)
        self.shown: list[np.ndarray] = []

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """x: (B, 1, H, W) int64, labels: (B,) or None. Returns (B, 2, 1, H, W)."""
        if x.dtype.is_floating_point or x.dim() != 4:
            raise Unusable(f"the network takes pixels, (B, 1, H, W) int64; you gave it {tuple(x.shape)}, {x.dtype}")
        self.shown.append(to_array(x))
        beside = self.left[F.pad(x.long(), (1, 0))[..., :-1]].movedim(-1, 1)  # (B, 2, 1, H, W)
        logits = self.place[None, :, None] + beside
        named = 0 * self.named.square().sum() if labels is None else self.named[labels][:, :, None, None, None]
        return logits + named  # every weight has a gradient, were it zero: somebody may ask for all of them


def squares(logits: Tensor, x: Tensor) -> Tensor:
    """Stands in for the costs of images, (B,): whatever became of that task, it is not punished here."""
    return ((logits[:, 1] - logits[:, 0]).sigmoid() - x).square().flatten(1).sum(1)


def coins(images: Tensor, *, generator: torch.Generator | None = None, threshold: float | None = None) -> Tensor:
    """Stands in for the package's `binarise`."""
    limit = torch.rand(images.shape, generator=generator) if threshold is None else threshold
    return (images > limit).long()


def training(function: Callable[..., Any], case: Case) -> Outputs:
    """Take three steps with SGD on a small network. Returns the losses, `value`, and the weights after it; `passes` and
    `updates`, how many there were; `kind` of what came back; `shown`, the pixels that the network saw, (3, ...), and
    `again`, those from a generator of the same seed."""
    given, shown = tensors(case), []
    labels = given["labels"] if len(given["labels"]) else None
    for _ in range(2):
        network = Places(*(given[name].clone() for name in ("place", "left", "named")))
        optimizer, updates, losses = torch.optim.SGD(network.parameters(), given["rate"]), [], []
        optimizer.register_step_pre_hook(lambda *_, done=updates: done.append(1))
        generator = torch.Generator().manual_seed(given["seed"])
        with patched_globals(function, nll=squares, binarise=coins):
            for _ in range(3):
                losses.append(
                    function(network, optimizer, given["images"], labels, clip=given["clip"], generator=generator)
                )
        shown.append(network.shown)
    values = [to_array(loss) for loss in losses]
    graph = any(isinstance(loss, Tensor) and loss.requires_grad for loss in losses)
    whole = [x.shape == given["images"].shape for x in [*shown[0], *shown[1]]]
    return {
        "value": np.stack(values),
        **{name: to_array(getattr(network, name)) for name in ("place", "left", "named")},
        "passes": len(shown[1]),
        "updates": len(updates),
        "kind": "graph" if graph else "tensor" if isinstance(losses[0], Tensor) else "number",
        **({"shown": np.stack(shown[0]), "again": np.stack(shown[1])} if all(whole) and whole else {}),
    }


class Products(TorchDispatchMode):
    """Counts the products taken number by number, which FlopCounterMode leaves out."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if func.overloadpacket in (torch.ops.aten.mul, torch.ops.aten.mul_):
            self.count += found.numel()
        return found


def place(function: Callable[..., Any], case: Case) -> Outputs:
    """Call a convolution at one place. Returns `value`, the inputs as they were left, `cost` in multiplications
    and additions, and how many `products` were taken number by number."""
    given = tensors(case)
    (h, w), m = given["x"].shape[2:], given["weight"].shape[2] // 2
    try:
        with Products() as products, FlopCounterMode(display=False) as counter:
            found = function(*given.values())
    except RuntimeError as error:
        if m <= min(given["r"], given["c"], h - 1 - given["r"], w - 1 - given["c"]):
            raise
        said = str(error).splitlines()[0][:120]
        raise Unusable(f"near the border the kernel hangs over the edge: yours does not fit there ({said})") from None
    cost = {"cost": counter.get_total_flops(), "products": products.count}
    return {"value": to_array(found), **cost, **after(given)}


def completing(function: Callable[..., Any], case: Case) -> Outputs:
    """Complete an image many times. Returns `value`, and whether the images are integers (`whole`), their `dtype`,
    `shown`, all but the last pixel of the images as the network saw them last, if it saw all; `few` and `again`, a few
    made twice from generators of one seed."""
    given, shown = tensors(case), []
    network = Neighbours(given["before"], given["above"])

    def noted(x: Tensor) -> Tensor:
        shown[:] = [x.detach().flatten(1).clone()]
        return network(x)

    def ask(count: int) -> Any:
        generator = torch.Generator().manual_seed(given["seed"])
        return function(noted, given["x"], given["known"], count, generator)

    found = ask(given["count"])
    last = [to_array(x[:, : given["known"].numel() - 1]) for x in shown]
    outputs: Outputs = {"value": to_array(found), "few": to_array(ask(50)), "again": to_array(ask(50))}
    outputs["whole"] = not (isinstance(found, Tensor) and found.is_floating_point())
    outputs["dtype"] = dtype_of(found)
    if last:
        outputs["shown"] = last[0]
    return outputs | after({"x": given["x"], "known": given["known"]})
