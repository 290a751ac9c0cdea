"""Trained weights in and out, each with the record of how it was made.

A checkpoint is a safetensors file: weights in half precision, and in its header a record (JSON) with the arguments of
the network's class, the data, steps, minutes, device and scores. Nothing pickled is ever read.
"""

import difflib
import importlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from gencourse import data, files


@dataclass(frozen=True)
class Model:
    """Where a shipped network's class stands, which chapter trains it, and what draws pictures from it.

    module, network: where the class is and its name; the record in the file holds the arguments of that class.
    sampler: "module:function", imported only when it is asked for, or None for a network that makes no pictures:
    function(network, n, *, labels=None, generator=None) -> (n, C, H, W) in [0, 1]. labels: (n,) int64 for a network
    whose attribute `classes` says how many kinds there are. The function runs where the network is, and draws all
    random numbers from the generator. Further keyword-only arguments are its options.
    """

    module: str
    network: str
    chapter: str
    sampler: str | None = None


MODELS = {  # what is shipped, by name
    "embedded": Model("gencourse.networks.features", "VGG", "01"),
    "digits": Model("gencourse.networks.classifier", "Classifier", "03"),
    "dcgan_digits": Model("gencourse.networks.dcgan", "Generator", "03", "gencourse.methods.gan:sample_images"),
    "cyclegan_summer2winter": Model("gencourse.networks.translation", "ResnetGenerator", "04"),
    "cyclegan_winter2summer": Model("gencourse.networks.translation", "ResnetGenerator", "04"),
    "pixelcnn_digits": Model(
        "gencourse.networks.pixelcnn", "PixelCNN", "05", "gencourse.methods.pixelcnn:sample_images"
    ),
    "ddpm_digits": Model("gencourse.methods.denoising", "Diffusion", "06", "gencourse.methods.denoising:sample_images"),
}
NEEDED = ("arguments", "data", "steps", "minutes", "device", "scores")


def folder() -> Path:
    """Return the folder of the shipped weights."""
    return data.root() / "checkpoints"


def names() -> list[str]:
    """Return the shipped models whose weights are present."""
    return sorted(name for name in MODELS if (folder() / f"{name}.safetensors").exists())


def load(name: str, device: torch.device | str | None = None) -> nn.Module:
    """Return a shipped model by name, in eval mode, its weights in float32 and frozen.

    Raises ValueError that lists the known names, FileNotFoundError where the weights are missing.
    """
    model = _find(name, list(MODELS))
    network = getattr(importlib.import_module(model.module), model.network)
    return read(folder() / f"{name}.safetensors", network, device)


def generative() -> list[str]:
    """Return the shipped models that make pictures, whether their weights are present or not."""
    return sorted(name for name, model in MODELS.items() if model.sampler)


def sampler(name: str) -> Callable[..., Tensor]:
    """Return the function that draws pictures from a shipped model: sampler(name)(load(name), 64, generator=g).

    Raises ValueError that lists the models that make pictures.
    """
    place = _find(name, generative()).sampler
    module, function = place.split(":")
    return getattr(importlib.import_module(module), function)


def record(name: str) -> dict[str, Any]:
    """Return how a shipped model was made: arguments, data, steps, minutes, device, scores. Raises as `load` does."""
    _find(name, list(MODELS))
    return read_record(folder() / f"{name}.safetensors")


def save(path: str | os.PathLike, module: nn.Module, record: dict[str, Any]) -> Path:
    """Write weights (floating point ones as float16) and their record. The file appears whole or not at all.

    Raises ValueError when the record lacks one of: arguments, data, steps, minutes, device, scores, or is nothing that
    JSON can hold; OSError where nothing can be written.
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
    with files.whole(path) as file:
        file.write(data)
    return Path(path)


def read(path: str | os.PathLike, network: type[nn.Module], device: torch.device | str | None = None) -> nn.Module:
    """Build `network` with the recorded arguments, fill in the weights of a file, return it in eval mode and frozen.

    Raises FileNotFoundError, or ValueError when the file is damaged or does not fit the class.
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
    """Return the record in a checkpoint's header. Raises FileNotFoundError, or ValueError for a damaged file."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"no weights at {path}; present: {', '.join(names()) or 'none'}")
    try:
        with safe_open(path, framework="pt") as file:
            found = json.loads(file.metadata()["record"])
        return {key: found[key] for key in NEEDED} | found
    except (SafetensorError, TypeError, KeyError, json.JSONDecodeError, OSError) as error:
        raise ValueError(f"{path} is not a checkpoint of this course, or is damaged ({error})") from error


def _find(name: str, known: list[str]) -> Model:
    if name in known:
        return MODELS[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    what = f"{name!r} makes no pictures" if name in MODELS else f"unknown model {name!r}"
    raise ValueError(f"{what}; known: {', '.join(sorted(known)) or 'none'}{hint}")
