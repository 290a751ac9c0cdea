"""Trained weights in and out, each with the record of how it was made.

A file is a safetensors file: weights in half precision, and in its header a record (JSON) with the arguments of the
network's class, the data, steps, minutes, device and scores. Nothing pickled is ever read.
"""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from gencourse import files
from gencourse.modes import torch_defaults

Network = TypeVar("Network", bound=nn.Module)

NEEDED = ("arguments", "data", "steps", "minutes", "device", "scores")


def save(path: str | os.PathLike, module: nn.Module, record: dict[str, Any]) -> Path:
    """Write weights (floating point ones as float16) and their record. The file appears whole or not at all.

    Args:
        path: Where to; folders are made.
        module: The network.
        record: How it was made: at least all of NEEDED, and nothing that JSON cannot hold.

    Returns:
        The path.

    Raises:
        ValueError: The record lacks something or JSON cannot hold it, or a weight is not finite in half precision.
        OSError: Nothing can be written.
    """
    try:
        written = json.dumps(dict(record))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the record must be a dict of what JSON can hold ({error})") from error
    missing = [key for key in NEEDED if key not in record]
    if missing:
        raise ValueError(f"the record lacks {', '.join(missing)}: say how these weights were made")
    weights = {
        name: value.detach().to("cpu", torch.half if value.is_floating_point() else value.dtype, copy=True).contiguous()
        for name, value in module.state_dict().items()  # copied: safetensors refuses a tensor under two names
    }
    too_large = [name for name, value in weights.items() if value.is_floating_point() and not value.isfinite().all()]
    if too_large:
        raise ValueError(f"{', '.join(too_large)} hold values that are not finite in half precision")
    data = safetensors.torch.save(weights, metadata={"record": written})
    with files.atomic_write(path) as file:
        file.write(data)
    return Path(path)


@torch_defaults()
def read(path: str | os.PathLike, network: type[Network], device: torch.device | str | None = None) -> Network:
    """Build a network with the recorded arguments and fill in the weights of a file.

    Args:
        path: A file that `save` wrote.
        network: The class that the weights belong to.
        device: Where to put it; by default the CPU.

    Returns:
        The network, in eval mode and frozen, in float32.

    Raises:
        FileNotFoundError: There is no such file; the message lists those beside it.
        ValueError: The file is damaged or does not fit the class.
    """
    arguments = read_record(path)["arguments"]
    with safe_open(path, framework="pt") as file:
        weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    weights = {key: value.float() if value.is_floating_point() else value for key, value in weights.items()}
    try:
        module = network(**arguments)
        kinds = {key: value.is_floating_point() for key, value in module.state_dict().items()}
        if wrong := [key for key, value in weights.items() if kinds.get(key) == (not value.is_floating_point())]:
            raise TypeError(f"{', '.join(wrong)} hold another type of numbers")
        module.load_state_dict(weights)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"{path} does not fit {network.__name__}: {error}") from error
    return module.eval().requires_grad_(False).to(device or "cpu")


def read_record(path: str | os.PathLike) -> dict[str, Any]:
    """Return the record in a checkpoint's header.

    Raises:
        FileNotFoundError: There is no such file; the message lists those beside it.
        ValueError: The file is damaged, or holds no record.
    """
    if not Path(path).is_file():
        present = sorted(file.stem for file in Path(path).parent.glob("*.safetensors"))
        raise FileNotFoundError(f"no weights at {path}; present: {', '.join(present) or 'none'}")
    try:
        with safe_open(path, framework="pt") as file:
            found = json.loads(file.metadata()["record"])
        return {key: found[key] for key in NEEDED} | found
    except (SafetensorError, TypeError, KeyError, json.JSONDecodeError, OSError) as error:
        raise ValueError(f"{path} is not a checkpoint of this course, or is damaged ({error})") from error
