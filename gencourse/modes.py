"""Networks, and torch itself, put into another mode for a while, and back as they were."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn


@contextmanager
def eval_mode(*modules: nn.Module) -> Iterator[None]:
    """Put modules into evaluation mode for a while, and each of their parts back as it was."""
    before = [(part, part.training) for module in modules for part in module.modules()]
    try:
        for module in modules:
            module.eval()
        yield
    finally:
        for part, training in before:
            part.training = training


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Let no weight of a module collect gradients for a while; gradients still pass through to what lies below."""
    before = [(weight, weight.requires_grad) for weight in module.parameters()]
    module.requires_grad_(False)
    try:
        yield
    finally:
        for weight, needed in before:
            weight.requires_grad_(needed)


@contextmanager
def torch_defaults() -> Iterator[None]:
    """Let new tensors be float32 on the CPU for a while, whatever somebody has made torch's defaults.

    To be laid around code of ours alone: a network of somebody else may rely on the defaults that are set.
    """
    kind = torch.get_default_dtype()
    elsewhere = torch.get_default_device().type != "cpu"  # only then: it makes every call of torch a little slower
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu") if elsewhere else nullcontext():
            yield
    finally:
        torch.set_default_dtype(kind)
