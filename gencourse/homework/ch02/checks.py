"""Chapter 02, upsampling: what its functions are asked, and what is judged by hand."""

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch02 import calls as ch02
from gencourse.homework.ch02 import reference
from gencourse.homework.ch02.mistakes import MISTAKES
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import READ_BACK, demand, normal, refuse, uniform
from gencourse.methods import upsampling
from gencourse.metrics.pictures import psnr


def linear_cases(g: Generator) -> Iterator[Case]:
    for n_in, n_out in [(2, 4), (5, 13), (7, 3), (1, 4), (6, 1), (int(g.integers(8, 12)), int(g.integers(13, 20)))]:
        for align_corners in (False, True):
            yield {"n_in": n_in, "n_out": n_out, "align_corners": align_corners}


def linear_judge(case: Case, outputs: Outputs) -> None:
    negative = (outputs["value"] < -1e-9).any()
    refuse(negative, "a weight is negative: a value between two neighbours never leaves their range")


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
    """Judge shapes that no mistake explains."""
    found, p, weight = outputs["value"].shape, case["padding"], case["weight"]
    full = [(n - 1) * case["stride"] + k for n, k in zip(case["x"].shape[2:], weight.shape[2:], strict=True)]
    other = len(found) == 4 and found[1] != weight.shape[1]
    refuse(other, "the weight is (C_in, C_out, kh, kw): its channels come in the other order than in Conv2d")
    wanted, *known = [tuple(n - cut for n in full) for cut in (2 * p, p, 0)]
    demand(found[2:] in (wanted, *known), f"expected {wanted[0]}x{wanted[1]} pixels, got shape {found}")


def shuffle_cases(g: Generator) -> Iterator[Case]:
    for shape, scale in [((1, 8, 2, 3), 2), ((2, 12, 3, 5), 2), ((3, 16, 1, 6), 4), ((1, 18, 4, 2), 3)]:
        yield {"x": normal(g, *shape), "scale": scale}


def psnr_cases(g: Generator) -> Iterator[Case]:
    for shape in [(3, 3, 12, 20), (1, 1, 4, 4), (2, 3, 5, 9)]:
        a, b = uniform(g, *shape), uniform(g, *shape)
        b[0] = (a[0] * np.float32(0.99)) + np.float32(0.001)
        yield {"a": a, "b": b}
    # Errors that differ by channel: a mean of the channels' decibels is another number there, whatever was drawn.
    a, parts = uniform(g, 2, 3, 6, 7), np.array([0.1, 0.3, 0.9], np.float32).reshape(1, 3, 1, 1)
    yield {"a": a, "b": a * (1 - parts * uniform(g, 2, 3, 6, 7))}
    yield {"a": a, "b": a.copy()}
    a, b = uniform(g, 3, 1, 4, 6), uniform(g, 3, 1, 4, 6)
    b[1] = a[1]  # one equal pair among others
    yield {"a": a, "b": b}


def psnr_judge(case: Case, outputs: Outputs) -> None:
    found, equal = outputs["value"], (case["a"] == case["b"]).all((1, 2, 3))
    finite = found.shape == equal.shape and np.isfinite(found[equal]).any()
    refuse(finite, "equal pictures have no error: infinite decibels")


def perceptual_cases(g: Generator) -> Iterator[Case]:
    for shape, layers in [((2, 3, 8, 12), 5), ((1, 3, 4, 8), 2), ((3, 3, 12, 4), 1)]:
        pictures = {"y_hat": uniform(g, *shape), "y": uniform(g, *shape)}
        yield {"weight": normal(g, layers, 3)} | pictures


def perceptual_judge(case: Case, outputs: Outputs) -> None:
    cut = outputs["cut"]
    refuse(cut, f"it changes {cut} in place, by requires_grad_ or detach_: whoever called it may want its gradient")


def kernel_cases(g: Generator) -> Iterator[Case]:
    for c_in, c_out, scale in [(2, 2, 2), (3, 2, 2), (2, 3, 3), (1, 1, 4)]:
        yield {"weight": normal(g, c_out * scale**2, c_in, 3, 3), "scale": scale}


def step_cases(g: Generator) -> Iterator[Case]:
    for shape in [(2, 3, 8, 12), (1, 3, 4, 4), (3, 3, 16, 8)]:
        yield {"weight": 4 * normal(g, 3, 3), "y": uniform(g, *shape)}  # answers leave [0, 1]


def step_judge(case: Case, outputs: Outputs) -> None:
    demand(outputs["value"].size == 1, "the loss of the whole batch is one number")
    updates = outputs["update"]
    refuse(updates > 1, f"the optimiser makes {updates} steps: one is asked for")


PERCEPTUAL = {
    "graph": "memory is spent on a graph for y: nobody will ask for its gradient",
    "by y_hat": "a part of the gradient does not reach y_hat: is a layer cut off?",
}
STEP = {
    "value": "the loss is another one: is y averaged over 4 x 4 pixels, taken to [-1, 1], enlarged, and taken back?",
    "attached": "the loss comes back with its graph: detach it, or every step's graph is kept",
    "number": READ_BACK,
    "update": "the optimiser should make one step",
    "weight": "the weights after the step differ: zero_grad, backward, step, in this order, of the loss that was given",
}
CHECKS = {
    "linear_matrix": Check(
        "task-linear-matrix",
        linear_cases,
        upsampling.linear_matrix,
        MISTAKES["linear_matrix"],
        call=ch02.matrix,
        judge=linear_judge,
        shape="one row for each output,",
        tolerance=1e-5,
    ),
    "transposed_convolution": Check(
        "task-transposed",
        transposed_cases,
        upsampling.transposed_convolution,
        MISTAKES["transposed_convolution"],
        judge=transposed_judge,
    ),
    "pixel_shuffle": Check("task-pixel-shuffle", shuffle_cases, upsampling.pixel_shuffle, MISTAKES["pixel_shuffle"]),
    "psnr": Check(
        "task-psnr", psnr_cases, psnr, MISTAKES["psnr"], judge=psnr_judge, shape="one number for each picture,"
    ),
    "perceptual_loss": Check(
        "task-perceptual",
        perceptual_cases,
        upsampling.perceptual_loss,
        MISTAKES["perceptual_loss"],
        call=ch02.perceptual,
        judge=perceptual_judge,
        no_gradient="no gradient reaches y_hat",
        sentences=PERCEPTUAL,
    ),
    "super_resolution_step": Check(
        "task-step",
        step_cases,
        reference.super_resolution_step,
        MISTAKES["super_resolution_step"],
        call=ch02.training_step,
        judge=step_judge,
        sentences=STEP,
    ),
    "one_kernel": Check("task-one-kernel", kernel_cases, reference.one_kernel, MISTAKES["one_kernel"]),
}
