"""Chapter 06: networks that note what they are asked, and a schedule of given betas."""

from collections.abc import Callable
from typing import Any

import numpy as np
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

MANY = 200  # more questions than any task has


class Schedule:
    """What the chapter's schedules offer: betas, alphas, alphas_cumprod and snr, (T,) float64, and `timesteps`."""

    def __init__(self, betas: Tensor):
        self.betas, self.alphas = betas, 1 - betas
        self.alphas_cumprod = self.alphas.cumprod(0)
        self.snr = self.alphas_cumprod / (1 - self.alphas_cumprod)

    def __len__(self) -> int:
        return len(self.betas)

    def timesteps(self, steps: int) -> list[int]:
        """Falling times, evenly in log SNR, as the chapter gives them."""
        log_snr, order = self.snr.log(), torch.arange(steps)
        goals = torch.linspace(max(log_snr[-1].item(), -10), log_snr[0].item(), steps, dtype=torch.float64)
        near = (log_snr - goals[:, None]).abs().argmin(1).minimum(len(self) - 1 - order)
        return ((near + order).flip(0).cummax(0).values.flip(0) - order).tolist()


class Asked(nn.Module):
    """Answers `scale * x_t + shift * t`, and notes what it was asked. shape: of x_t."""

    def __init__(self, shape: torch.Size, scale: Any, shift: float):
        super().__init__()
        self.shape, self.scale, self.shift = shape, scale, shift
        self.x: list[Tensor] = []
        self.t: list[Tensor] = []

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        if not isinstance(x_t, Tensor) or x_t.shape != self.shape:
            got = tuple(x_t.shape) if isinstance(x_t, Tensor) else f"a {type(x_t).__name__}"
            raise Unusable(f"the network is asked about x_t, of shape {tuple(self.shape)}; it got {got}")
        if x_t.is_complex():
            raise Unusable("x_t has become complex: somewhere on the way a root of a number below 0 is taken")
        each = isinstance(t, Tensor) and t.dtype == torch.int64 and t.shape == x_t.shape[:1]
        if not each:
            got = f"{tuple(t.shape)} {t.dtype}" if isinstance(t, Tensor) else f"a {type(t).__name__}"
            raise Unusable(f"the network wants one int64 time for each picture, (B,); it got {got}")
        if len(self.x) == MANY:
            raise Unusable("the network is asked again and again without end")
        self.x.append(x_t.detach().clone())
        self.t.append(t.clone())
        return self.scale * x_t + self.shift * spread(t, x_t)

    def heard(self) -> Outputs:
        """`places`, (questions, B, ...), and `times`, (questions, B)."""
        if not self.x:
            raise Unusable("the network was never asked")
        return {"places": to_array(torch.stack(self.x)), "times": to_array(torch.stack(self.t))}


def spread(t: Any, x: Tensor) -> Tensor:
    """Return numbers (B,), or a single one, with as many dimensions as x."""
    return torch.as_tensor(t).view(-1, *[1] * (x.ndim - 1))


def twice(function: Callable[..., Any], case: Case) -> Outputs:
    """Call `function(*inputs)` twice; returns `value`, its `dtype`, the inputs as left, the second value as `again`."""
    inputs = tensors(case)
    found = function(*inputs.values())
    result = {"value": to_array(found), "dtype": str(getattr(found, "dtype", "")).removeprefix("torch.")}
    return result | after(inputs) | {"again": to_array(function(*tensors(case).values()))}


def noise_loss(function: Callable[..., Any], case: Case) -> Outputs:
    """Take the loss five times: twice from one seed, from another, and twice without a generator.

    Another function stands in for `q_sample`. Returns of the first time `value`, what the network was asked, whether
    a function `stood in`, and `by scale`, the gradient by the network's weight, left out where none arrives;
    `again ...`, `other ...`, `free ...` and `freely ...`, what was asked then.
    """
    runs = []
    for seed in (case["seed"], case["seed"], case["seed"] + 1, None, None):
        given, used = tensors(case), []
        scale = torch.tensor(given["scale"], requires_grad=True)
        network = Asked(given["x0"].shape, scale, 0.0)

        def other_q_sample(
            x0: Tensor, t: Tensor, noise: Tensor, alphas_cumprod: Tensor, used: list[bool] = used
        ) -> Tensor:
            alphas_cumprod[t]  # an error for times that there are not
            used.append(True)
            return noise - spread(t + 1, x0) * x0

        generator = None if seed is None else torch.Generator().manual_seed(seed)
        with patched_globals(function, q_sample=other_q_sample):
            loss = function(network, given["x0"], given["alphas_cumprod"], generator)
        if len(network.x) > 1:
            raise Unusable(f"the network is asked once, about the whole batch; you asked it {len(network.x)} times")
        result = {"value": to_array(loss), **network.heard(), **after(given), "stood in": bool(used)}
        runs.append(result | input_gradients(loss, {"scale": scale}))
    for name, run in zip(("again", "other", "free", "freely"), runs[1:], strict=True):
        runs[0] |= {f"{name} {part}": run[part] for part in ("times", "places")}
    return runs[0]


class Line(nn.Module):
    """Answers weight * x_t + bias, whatever the time."""

    def __init__(self, weight: Tensor, bias: Tensor):
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.weight * x_t + self.bias


def train_step(function: Callable[..., Any], case: Case) -> Outputs:
    """Take three steps with gradient descent on a small network; another loss stands in for `noise_loss`.

    Returns the losses as `value`; the parameters afterwards, `weight` and `bias`, and those of the average,
    `average weight` and `average bias`; how many losses were `computed`, whether always with the `generator`; whether
    the results are `detached`, whether one is a `number` and no tensor, and whether the average is `free` of any graph.
    """
    given, asked, losses = tensors(case), [], []
    network = Line(given["weight"], given["bias"])
    average = Line(given["weight"] + 1, given["bias"] - 1).requires_grad_(False)
    optimizer = torch.optim.SGD(network.parameters(), given["rate"])
    generator = torch.Generator().manual_seed(0)

    def other_loss(network: nn.Module, x0: Tensor, alphas_cumprod: Tensor, generator: Any = None) -> Tensor:
        if len(asked) == MANY:
            raise Unusable("the loss is computed again and again without end")
        noise = given["noise"][len(asked) % len(given["noise"])]
        asked.append(generator)
        x_t = x0 + alphas_cumprod.mean().to(x0) * noise
        return (network(x_t, torch.zeros(len(x0), dtype=torch.int64)) - noise).square().mean()

    with patched_globals(function, noise_loss=other_loss):
        for _ in range(3):
            inputs = given["x0"], given["alphas_cumprod"], given["decay"], generator
            losses.append(function(network, average, optimizer, *inputs))
    parts = {"": network, "average ": average}
    return {
        "value": np.stack([to_array(loss) for loss in losses]),
        **{f"{part}{name}": to_array(w) for part, net in parts.items() for name, w in net.named_parameters()},
        "computed": str(len(asked)),
        "generator": all(one is generator for one in asked),
        "detached": not any(isinstance(loss, Tensor) and loss.requires_grad for loss in losses),
        "number": not all(isinstance(loss, Tensor) for loss in losses),
        "free": not any(w.requires_grad for w in average.parameters()),
        **after(given),
    }


def ancestral(function: Callable[..., Any], case: Case) -> Outputs:
    """Sample five times: twice from one seed, from another, and twice without a generator.

    Another function stands in for `reverse_mean`. Returns of the first time `value`, what the network was asked and
    whether a function `stood in` after each question, (questions,); `again`, `other`, `free` and `freely`, what came
    out then.
    """
    runs = []
    for seed in (case["seed"], case["seed"], case["seed"] + 1, None, None):
        given, used = tensors(case), set()
        network = Asked(given["x_T"].shape, given["scale"], given["shift"])

        def other_mean(
            x_t: Tensor, noise: Tensor, t: Tensor, betas: Tensor, used: set[int] = used, network: Asked = network
        ) -> Tensor:
            betas[t]
            used.add(len(network.x) - 1)
            return 0.6 * x_t - noise / (spread(t, x_t) + 2)

        generator = None if seed is None else torch.Generator().manual_seed(seed)
        with patched_globals(function, reverse_mean=other_mean):
            found = function(network, given["x_T"], given["betas"], generator)
        stood_in = np.array([float(i in used) for i in range(len(network.x))])
        runs.append({"value": to_array(found), **network.heard(), "stood in": stood_in, **after(given)})
    others = zip(("again", "other", "free", "freely"), runs[1:], strict=True)
    return runs[0] | {name: run["value"] for name, run in others}


class Told(nn.Module):
    """Answers with table[label], for "any" too, and a part of x_t and of t, so that they must arrive."""

    def __init__(self, table: Tensor, null: int):
        super().__init__()
        self.table, self.null = table, null

    def forward(self, x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        if not isinstance(labels, Tensor) or labels.dtype != torch.int64 or labels.shape != x_t.shape[:1]:
            got = f"{tuple(labels.shape)} {labels.dtype}" if isinstance(labels, Tensor) else f"{labels!r}"[:50]
            raise Unusable(f"the network wants one int64 label for each picture, (B,); it got {got}")
        return spread(self.table[labels], x_t) + 0.5 * x_t + 0.01 * spread(t, x_t)


def guided(function: Callable[..., Any], case: Case) -> Outputs:
    """Make a model and ask it twice, about different x_t and t.

    Returns its answers as `value` and `later`, and labels, x_t and t as they were left.
    """
    given = tensors(case)
    model = function(Told(given["table"], given["null"]), given["labels"], given["weight"])
    if not callable(model):
        to_array(model, "guided")  # says what it is
        raise Unusable("guided returned a prediction: it should return a function of x_t and t")
    found = {"value": to_array(model(given["x_t"], given["t"]), "your model")}
    later = model(1 - 0.7 * given["x_t"], (given["t"] + 333) % 1000)
    return found | {"later": to_array(later, "your model"), **after(given)}


def ddim(function: Callable[..., Any], case: Case) -> Outputs:
    """Sample at given times with given noise.

    `times` and `noise_like` are replaced by what the case holds. Returns `value`, what the model was asked, how often
    noise was `drawn`, whether always with the `generator` and in the `shape` of x_T, how many `callbacks` there were,
    and the x and x0 that they `told`, (2, callbacks, B, ...), where they have the shape of x_T.
    """
    given = tensors(case)
    model = Asked(given["x_T"].shape, given["scale"], given["shift"])
    generator, drawn, shapes, told = torch.Generator().manual_seed(0), [], [], []

    def times(schedule: Schedule, steps: int) -> list[tuple[int, float, float]]:
        left = given["left"].tolist()
        return list(zip(given["t"].tolist(), left, [*left[1:], 1.0], strict=True))

    def noise_like(x: Tensor, generator: Any = None) -> Tensor:
        if len(drawn) > MANY:
            raise Unusable("noise is drawn again and again without end")
        z = given["z"][len(drawn) % len(given["z"])]
        drawn.append(generator)
        shapes.append(x.shape)
        return z.clone() if x.shape == z.shape else z.flatten().repeat(x.numel())[: x.numel()].view(x.shape)

    def callback(x: Tensor, x0: Tensor, t: int) -> None:
        told.append([one.clone() if isinstance(one, Tensor) else torch.empty(0) for one in (x, x0)])

    with patched_globals(function, times=times, noise_like=noise_like):
        found = function(
            model,
            given["x_T"],
            Schedule(given["betas"]),
            steps=len(given["t"]),
            eta=given["eta"],
            generator=generator,
            callback=callback,
        )
    whole = told and all(one.shape == given["x_T"].shape for pair in told for one in pair)
    return {
        "value": to_array(found),
        **model.heard(),
        "drawn": len(drawn),
        "generator": all(one is generator for one in drawn),
        "shape": all(shape == given["x_T"].shape for shape in shapes),
        "callbacks": len(told),
        "told": to_array(
            torch.stack([torch.stack(part) for part in zip(*told, strict=True)]) if whole else torch.empty(0)
        ),
        "after x_T": to_array(given["x_T"]),
    }


def chosen_times(function: Callable[..., Any], case: Case) -> Outputs:
    """Choose times; returns them as `value`, and whether all are `ints` of Python."""
    given = tensors(case)
    found = function(Schedule(given["betas"]), given["steps"])
    if not isinstance(found, list | tuple | range):
        raise Unusable(f"a list of Python ints is asked for, your function returned a {type(found).__name__}")
    numbers = [torch.as_tensor(t).double() for t in list(found)[:5000]]
    if any(n.numel() != 1 for n in numbers):
        raise Unusable("a list of Python ints is asked for, each of your times holds several numbers")
    ints = all(type(t) is int for t in found)
    return {"value": to_array(torch.tensor([float(n) for n in numbers]).double()), "ints": ints}
