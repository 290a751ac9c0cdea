"""Networks put into another mode for a while, and back as they were."""

from collections.abc import Iterator
from contextlib import contextmanager

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
