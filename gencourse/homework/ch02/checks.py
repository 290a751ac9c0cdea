"""Chapter 02, upsampling: what its functions must do, and the mistakes that have a name."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator

from gencourse.homework.ch02 import calls as ch02
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, explain, normal, number, refuse, same, uniform


def linear_cases(g: Generator) -> Iterator[Case]:
    for n_in, n_out in [(2, 4), (5, 13), (7, 3), (1, 4), (6, 1), (int(g.integers(8, 12)), int(g.integers(13, 20)))]:
        for align_corners in (False, True):
            yield {"n_in": n_in, "n_out": n_out, "align_corners": align_corners}


def tent(position: np.ndarray, n_in: int) -> np.ndarray:
    return (1 - np.abs(position[:, None] - np.arange(n_in))).clip(0)


def linear_judge(case: Case, outputs: Outputs) -> None:
    n, m, found = case["n_in"], case["n_out"], outputs["value"]
    refuse(
        n != m and found.shape == (n, m), "one row for each output, one column for each input: yours lies on its side"
    )
    demand(found.shape == (m, n), f"expected one row for each output, {(m, n)}, got shape {found.shape}")
    demand(np.isfinite(found).all(), "a weight is not finite: with one output, m - 1 is zero")
    i, last = np.arange(m), n - 1
    corners, cells = i * last / max(m - 1, 1), (i + 0.5) * n / m - 0.5
    right, other = (corners, cells) if case["align_corners"] else (cells, corners)
    spread = (i + 0.5) * n / m if not case["align_corners"] else i * n / m
    if m == 1:  # whoever gets this one wrong has thought of the single output, not mixed up the conventions
        swapped = "a single output with aligned corners takes the first sample, without them it lies in the middle"
    else:
        swapped = "True and False of align_corners have changed places"
    mistakes = {
        swapped: tent(other.clip(0, last), n),
        "a flat row does not stay flat at the border: beyond the outermost samples, repeat them": tent(right, n),
        "seen from the right it is another rule: a cell's sample lies in its middle": tent(
            (i * n / m).clip(0, last), n
        ),
        "the samples lie half a pixel beside their place: see the second ½": tent(spread.clip(0, last), n),
        "the last output does not fall on the last input: see the m - 1": tent((i * last / m).clip(0, last), n),
        "each output takes one input alone: that is nearest neighbour": tent(np.rint(right.clip(0, last)), n),
    }
    refuse((found < -1e-9).any(), "a weight is negative: a value between two neighbours never leaves their range")
    explain(found, tent(right.clip(0, last), n), mistakes, 1e-5)
    demand(
        outputs["tensor"], f"the values are right, but a torch tensor is asked for: yours is of type {outputs['kind']}"
    )
    double = outputs["kind"] == "torch.float64"
    demand(double, f"the values are right, but float64 is asked for: yours is {outputs['kind']}, see dtype")


def transposed_cases(g: Generator) -> Iterator[Case]:
    for shape, c_out, kernel, stride, padding in [
        ((1, 2, 3, 4), 2, (3, 3), 2, 0),
        ((2, 3, 5, 6), 4, (4, 4), 2, 1),
        ((1, 1, 4, 3), 2, (3, 2), 3, 0),
        ((2, 2, 4, 7), 1, (5, 4), 1, 2),
        ((1, 3, 1, 5), 2, (3, 5), 2, 1),
    ]:
        weight = normal(g, shape[1], c_out, *kernel)
        yield {"x": normal(g, *shape), "weight": weight, "stride": stride, "padding": padding}


def transposed_judge(case: Case, outputs: Outputs) -> None:
    x, weight = (torch.from_numpy(case[name]).double() for name in ("x", "weight"))
    s, p, found = case["stride"], case["padding"], outputs["value"]
    full = F.conv_transpose2d(x, weight, stride=s)
    expected = F.conv_transpose2d(x, weight, stride=s, padding=p)
    size = "x".join(map(str, expected.shape[2:]))
    refuse(
        p and found.shape == full.shape, f"the padding is not cut off: expected {size} pixels, got {found.shape[2:]}"
    )
    once = (full.shape[2] - p, full.shape[3] - p)
    refuse(p and found.shape[2:] == once, "the padding is cut off on one side only: it goes from all four")
    channels = found.ndim == 4 and found.shape[1] != expected.shape[1]
    refuse(channels, "the weight is (C_in, C_out, kh, kw): its channels come in the other order than in Conv2d")
    demand(found.shape == expected.shape, f"expected {size} pixels, {tuple(expected.shape)}, got shape {found.shape}")
    cut = lambda y: y[:, :, p : y.shape[2] - p, p : y.shape[3] - p]  # noqa: E731
    mistakes = {
        "the kernel is turned round: one bright pixel should lay it down as it is": F.conv_transpose2d(
            x, weight.flip(2, 3), stride=s, padding=p
        ),
        "where kernels overlap they should add up: do you overwrite?": cut(overwritten(x, weight, s)),
        "where kernels overlap they should add up: one entry of the kernel overwrites another's pixels": cut(
            overwritten_by_entries(x, weight, s)
        ),
        "where kernels overlap they are averaged: they should add up": cut(full / overlaps(x, weight, s)),
    }
    if weight.shape[0] == weight.shape[1]:
        crossed = F.conv_transpose2d(x, weight.transpose(0, 1), stride=s, padding=p)
        mistakes["input and output channels of the weight have changed places"] = crossed
    if weight.shape[2] == weight.shape[3]:
        turned = F.conv_transpose2d(x, weight.transpose(2, 3), stride=s, padding=p)
        mistakes["rows and columns of the kernel have changed places"] = turned
    explain(found, expected, mistakes)


def overwritten(x: torch.Tensor, weight: torch.Tensor, s: int) -> torch.Tensor:
    y = torch.zeros_like(F.conv_transpose2d(x, weight, stride=s))
    for r in range(x.shape[2]):
        for c in range(x.shape[3]):
            laid = torch.einsum("bi,iohw->bohw", x[:, :, r, c], weight)
            y[:, :, r * s : r * s + weight.shape[2], c * s : c * s + weight.shape[3]] = laid
    return y


def overwritten_by_entries(x: torch.Tensor, weight: torch.Tensor, s: int) -> torch.Tensor:
    y, (h, w) = torch.zeros_like(F.conv_transpose2d(x, weight, stride=s)), x.shape[2:]
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            laid = torch.einsum("bihw,io->bohw", x, weight[:, :, i, j])
            y[:, :, i : i + h * s : s, j : j + w * s : s] = laid
    return y


def overlaps(x: torch.Tensor, weight: torch.Tensor, s: int) -> torch.Tensor:
    count = F.conv_transpose2d(torch.ones_like(x[:1, :1]), torch.ones_like(weight[:1, :1]), stride=s)
    return count.clamp(min=1)


def shuffle_cases(g: Generator) -> Iterator[Case]:
    for shape, scale in [((1, 8, 2, 3), 2), ((2, 12, 3, 5), 2), ((3, 16, 1, 6), 4), ((1, 18, 4, 2), 3)]:
        yield {"x": normal(g, *shape), "scale": scale}


def shuffle_judge(case: Case, outputs: Outputs) -> None:
    x, s, found = case["x"], case["scale"], outputs["value"]
    b, channels, h, w = x.shape
    c = channels // s**2
    demand(found.shape == (b, c, h * s, w * s), f"expected shape {(b, c, h * s, w * s)}, got {found.shape}")
    axes, last = x.reshape(b, c, s, s, h, w), x.reshape(b, s, s, c, h, w)  # B, C, i, j, h, w; and i, j, C
    mistakes = {
        "rows and columns inside a block are exchanged": axes.transpose(0, 1, 4, 3, 5, 2),
        "channel c * scale² + i * scale + j: the block's place runs fastest, not the channel": last.transpose(
            0, 3, 4, 1, 5, 2
        ),
        "reshaping alone does not move pixels: which axes must come to lie side by side?": x,
        "the rows of a block do not end up below one another": axes.transpose(0, 1, 2, 4, 3, 5),
        "blocks and pixels are nested the wrong way round: h is outside, i inside": axes.transpose(0, 1, 2, 4, 5, 3),
        "along a row, w is outside and j inside: yours is the other way round": axes.transpose(0, 1, 4, 2, 3, 5),
        "the picture is turned: height and width are exchanged": axes.transpose(0, 1, 5, 3, 4, 2),
    }
    explain(found, F.pixel_shuffle(torch.from_numpy(x), s), {k: v.reshape(found.shape) for k, v in mistakes.items()})


def psnr_cases(g: Generator) -> Iterator[Case]:
    for shape in [(3, 3, 12, 20), (1, 1, 4, 4), (2, 3, 5, 9)]:
        a, b = uniform(g, *shape), uniform(g, *shape)
        b[0] = (a[0] * np.float32(0.99)) + np.float32(0.001)
        yield {"a": a, "b": b}
    yield {"a": a, "b": a.copy()}
    a, b = uniform(g, 3, 1, 4, 6), uniform(g, 3, 1, 4, 6)
    b[1] = a[1]  # one equal pair among others
    yield {"a": a, "b": b}


def psnr_judge(case: Case, outputs: Outputs) -> None:
    found, error = outputs["value"], case["a"].astype(float) - case["b"]
    equal = ~error.any((1, 2, 3))
    refuse(found.shape != (len(error),) and found.size == 1, "one number for each picture, (B,): do you mix the batch?")
    demand(found.shape == (len(error),), f"expected one number for each picture, {(len(error),)}, got {found.shape}")
    refuse(np.isfinite(found[equal]).any(), "equal pictures have no error: infinite decibels")
    refuse(np.isnan(found).any(), "the values are not numbers (nan)")
    refuse((found[equal] < 0).any(), "equal pictures get minus infinity: the better, the larger it should be")
    leaked = equal.any() and np.isinf(found[~equal]).any()
    refuse(leaked, "one equal pair makes the numbers of other pairs infinite: each picture has its own")
    with np.errstate(divide="ignore"):
        square = np.square(error).mean((1, 2, 3))
        right = -10 * np.log10(square)
        each = -10 * np.log10(np.maximum(np.square(error), 1e-30)).mean((1, 2, 3))
        mistakes = {
            "the better, the larger: the sign is wrong": -right,
            "decibels are ten times the logarithm to base 10, not the natural one": -10 * np.log(square),
            "twenty is for the root of the error: the mean squared error is a power": 2 * right,
            "bels, not decibels: ten times as much": right / 10,
            "pictures lie in [0, 1], so the peak is 1, not 255": right + 20 * np.log10(255),
            "first the mean over the whole picture, then the logarithm": each,
            "the error is squared, not taken without its sign": -10 * np.log10(np.abs(error).mean((1, 2, 3))),
            "a sum of squares, where the mean is asked for": -10 * np.log10(np.square(error).sum((1, 2, 3))),
        }
    explain(found, right, mistakes)


def perceptual_cases(g: Generator) -> Iterator[Case]:
    for shape, layers in [((2, 3, 8, 12), 5), ((1, 3, 4, 8), 2), ((3, 3, 12, 4), 1)]:
        pictures = {"y_hat": uniform(g, *shape), "y": uniform(g, *shape)}
        yield {"weight": normal(g, layers, 3)} | pictures


def perceptual_judge(case: Case, outputs: Outputs) -> None:
    found, cut = number(outputs), outputs["cut"]
    refuse(cut, f"it changes {cut} in place, by requires_grad_ or detach_: whoever called it may want its gradient")
    difference = torch.from_numpy(case["y_hat"].astype(float) - case["y"])
    coarse = torch.einsum("oi,bihw->bohw", torch.from_numpy(case["weight"]).double(), F.avg_pool2d(difference, 4))
    batch, parts = len(difference), [difference.square(), coarse.square()]
    fine, rough = (part.mean().item() for part in parts)
    mistakes = {
        "only the first layer counts: sum over all of them": fine,
        "only the last layer counts: sum over all of them": rough,
        "sum over the layers, do not average": (fine + rough) / 2,
        "each layer is divided by its own C H W": sum(part.sum().item() for part in parts) / batch,
        "the batch is averaged: twice the pictures should not cost twice as much": batch * (fine + rough),
        "all layers are thrown together: each is divided by its own C H W": sum(p.sum().item() for p in parts)
        / sum(p.numel() for p in parts),
        "the errors are squared, not taken without their sign": sum(p.sqrt().mean().item() for p in parts),
        "C H W are divided out, not H W alone": sum(p.sum().item() / p[:, 0].numel() for p in parts),
    }
    explain(found, fine + rough, mistakes)
    demand("by y_hat" in outputs, "no gradient reaches y_hat")
    refuse(
        "by y" in outputs, "a gradient reaches the truth y: were it a parameter, it would move towards the prediction"
    )
    refuse(outputs["graph"], "memory is spent on a graph for y: nobody will ask for its gradient")
    left, right = (torch.zeros_like(difference).requires_grad_() for _ in range(2))
    loss = (left + difference).square().mean()
    weight = torch.from_numpy(case["weight"]).double()
    loss = loss + torch.einsum("oi,bihw->bohw", weight, F.avg_pool2d(right + difference, 4)).square().mean()
    slope = sum(torch.autograd.grad(loss, (left, right)))
    demand(same(outputs["by y_hat"], slope, 1e-3), "a part of the gradient does not reach y_hat: is a layer cut off?")


def kernel_cases(g: Generator) -> Iterator[Case]:
    for c_in, c_out, scale in [(2, 2, 2), (3, 2, 2), (2, 3, 3), (1, 1, 4)]:
        yield {"weight": normal(g, c_out * scale**2, c_in, 3, 3), "scale": scale}


def kernel_judge(case: Case, outputs: Outputs) -> None:
    weight, s, found = case["weight"], case["scale"], outputs["value"]
    c, c_in = weight.shape[0] // s**2, weight.shape[1]
    shape = (c_in, c, 3 * s, 3 * s)
    refuse(c != c_in and found.shape == (c, c_in, *shape[2:]), "a transposed convolution's kernel begins with C_in")
    demand(found.shape == shape, f"expected shape {shape}, got {found.shape}")
    axes = weight.reshape(c, s, s, c_in, 3, 3)  # C, i, j, C_in, rows, columns
    outside = weight.reshape(s, s, c, c_in, 3, 3).transpose(2, 0, 1, 3, 4, 5)  # if the channel ran fastest

    def lay(w: np.ndarray, order: tuple[int, ...] = (3, 0, 4, 1, 5, 2)) -> np.ndarray:
        return w.transpose(order).reshape(shape)

    mistakes = {
        "mirrored: a convolution looks, this one lays down": lay(axes),
        "the whole kernel is turned round, the blocks inside it too": lay(axes)[:, :, ::-1, ::-1],
        "i and j are exchanged inside each block": lay(axes[..., ::-1, ::-1], (3, 0, 4, 2, 5, 1)),
        "blocks are nested the wrong way round: the tap is outside, the place in the block inside": lay(
            axes[..., ::-1, ::-1], (3, 0, 1, 4, 2, 5)
        ),
        "channel c * scale² + i * scale + j: the block's place runs fastest": lay(outside[..., ::-1, ::-1]),
        "only the rows are mirrored: columns too": lay(axes[..., ::-1, :]),
        "only the columns are mirrored: rows too": lay(axes[..., ::-1]),
    }
    if c == c_in:
        mistakes["input and output channels have changed places"] = lay(axes[..., ::-1, ::-1], (0, 3, 4, 1, 5, 2))
    explain(found, lay(axes[..., ::-1, ::-1]), mistakes)


CHECKS = {
    "linear_matrix": Check("task-linear-matrix", linear_cases, judge=linear_judge, call=ch02.matrix),
    "transposed_convolution": Check("task-transposed", transposed_cases, judge=transposed_judge),
    "pixel_shuffle": Check("task-pixel-shuffle", shuffle_cases, judge=shuffle_judge),
    "psnr": Check("task-psnr", psnr_cases, judge=psnr_judge),
    "perceptual_loss": Check("task-perceptual", perceptual_cases, judge=perceptual_judge, call=ch02.perceptual),
    "one_kernel": Check("task-one-kernel", kernel_cases, judge=kernel_judge),
}
