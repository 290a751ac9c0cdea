"""What goes between a training and its device: batches there, losses back."""

from typing import Any

import torch
from torch import Tensor, nn


def device_of(state: dict[str, Any]) -> torch.device | None:
    """Return where the first module or tensor of a training's state lies, None where there is neither."""
    for thing in state.values():
        if isinstance(thing, Tensor):
            return thing.device
        for weights in thing.parameters() if isinstance(thing, nn.Module) else ():
            return weights.device
    return None


def read_scalars(scalars: list[Tensor]) -> list[float]:
    """Return the values of one-element tensors, in one transfer for each device and dtype."""
    values = [0.0] * len(scalars)
    for kind in {(scalar.device, scalar.dtype) for scalar in scalars}:
        places = [i for i, scalar in enumerate(scalars) if (scalar.device, scalar.dtype) == kind]
        read = torch.stack([scalars[i].reshape(()) for i in places]).tolist()
        for i, value in zip(places, read, strict=True):
            values[i] = float(value)
    return values


def move(batch: Any, device: torch.device | None) -> Any:
    """Return a batch with every tensor in it on `device`; None leaves it where it is."""
    if device is None:
        return batch
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: move(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(move(value, device) for value in batch))
    return type(batch)(move(value, device) for value in batch) if isinstance(batch, list | tuple) else batch
