"""Chapter 01b: what is as long as it is comes back in arrays of one length; the loss is called with a small network."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.homework.checking.calls import Case, Outputs, Unusable, after, input_gradients, tensors, to_array

NOTHING = -1  # fills what is left of an array
LONGEST = 400  # letters


def padded(values: np.ndarray, length: int) -> np.ndarray:
    """Return a row of numbers in an array of a given length."""
    if values.ndim != 1 or len(values) > length:
        raise Unusable(f"your function returned shape {values.shape}, where a row of at most {length} is asked for")
    return np.pad(values.astype(np.float64), (0, length - len(values)), constant_values=NOTHING)


def letters(function: Callable[..., Any], case: Case) -> Outputs:
    """Call function(text, context); returns its letters as numbers, `value`."""
    found = function(case["text"], case["context"])
    if not isinstance(found, str):
        kind = "nothing (None)" if found is None else f"a {type(found).__name__}"
        hint = ": is there a return?" if found is None else ""
        raise Unusable(f"your function returned {kind}, where a string is asked for{hint}")
    return {"value": padded(np.array([ord(letter) for letter in found[:LONGEST]]), LONGEST)}


def indices(function: Callable[..., Any], case: Case) -> Outputs:
    """Call function(distances, tolerance); returns the indices, `value`, and the distances as the call left them."""
    given = tensors(case)
    answer = function(*given.values())
    found = to_array(answer)
    if isinstance(answer, Tensor) and answer.is_floating_point() and (found == found.round()).all():
        raise Unusable(f"your indices are of type {answer.dtype}: only whole numbers can be used as indices")
    return {"value": padded(found, len(case["distances"])), **after(given)}


class Layers:
    """A network of two layers of different size, and a third that nobody asked for; it counts how often it looks."""

    def __init__(self, fine: Tensor, coarse: Tensor):
        self.fine, self.coarse, self.looks = fine, coarse, 0

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        self.looks += 1
        fine = torch.einsum("oi,bihw->bohw", self.fine, image)
        coarse = torch.einsum("oi,bihw->bohw", self.coarse, F.avg_pool2d(fine, 2))
        return {"fine": fine, "coarse": coarse, "deeper": coarse.square()}


def loss(function: Callable[..., Any], case: Case) -> Outputs:
    """Call function(network, x, grams) with the Gram matrices of both layers.

    Returns `value`, the gradient `by x` where it arrives, how often the network looked at x, `looks`, and x and
    the Gram matrices as the call left them.
    """
    given = tensors(case)
    network, x = Layers(given["fine"], given["coarse"]), given["x"].requires_grad_()
    grams = {"fine": given["gram_fine"], "coarse": given["gram_coarse"]}
    found = function(network, x, grams)
    return {
        "value": to_array(found),
        **input_gradients(found, {"x": x}),
        "looks": network.looks,
        **after({"x": x}),
        **after({f"gram_{name}": gram for name, gram in grams.items()}),
    }
