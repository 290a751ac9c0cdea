"""The models that are shipped: what they are, their weights, and what draws pictures from them."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gencourse import paths
from gencourse.methods import denoising, gan, pixelcnn, semi_supervised
from gencourse.networks.classifier import Classifier
from gencourse.networks.dcgan import Generator
from gencourse.networks.pix2pix import UNetGenerator
from gencourse.networks.pixelcnn import PixelCNN
from gencourse.networks.sgan import SGAN
from gencourse.networks.srgan import SRGenerator
from gencourse.networks.translation import ResnetGenerator
from gencourse.networks.vgg import VGG
from gencourse.weights import NEEDED, read, read_record, save

__all__ = ["MODELS", "NEEDED", "Model", "folder", "generative", "load", "names", "read", "read_record", "record"]
__all__ += ["sampler", "save"]


@dataclass(frozen=True)
class Model:
    """A shipped network: its class, which chapter trains it, and what draws pictures from it.

    Args:
        network: the class; the record in the file holds its arguments. An attribute `classes` says how many kinds of
            pictures there are, None or 0 for networks without labels.
        chapter: its number.
        sampler: None for a network that makes no pictures, else
            `function(network, n, *, labels=None, generator=None, seeds=None, batch_size=..., progress=None)`, which
            returns (n, C, H, W) in [0, 1] on the CPU, where each picture depends on its own seed and label alone; see
            `methods.sampling`. Further keyword-only arguments are its options.
    """

    network: type[nn.Module]
    chapter: str
    sampler: Callable[..., Tensor] | None = None


MODELS = {  # what is shipped, by name
    "embedded": Model(VGG, "01"),
    "superres_pixel": Model(SRGenerator, "02b"),
    "superres_adversarial": Model(SRGenerator, "02b"),
    "digits": Model(Classifier, "03"),
    "dcgan_digits": Model(Generator, "03", gan.sample_images),
    "sgan_digits": Model(SGAN, "03b", semi_supervised.sample_images),
    "cyclegan_summer2winter": Model(ResnetGenerator, "04"),
    "cyclegan_winter2summer": Model(ResnetGenerator, "04"),
    "pix2pix_emoji": Model(UNetGenerator, "04b"),
    "pixelcnn_digits": Model(PixelCNN, "05", pixelcnn.sample_images),
    "pixelcnn_emoji": Model(PixelCNN, "05", pixelcnn.sample_images),
    "ddpm_digits": Model(denoising.Diffusion, "06", denoising.sample_images),
}


def folder() -> Path:
    """Return the folder of the shipped weights."""
    return paths.weights()


def names() -> list[str]:
    """Return the shipped models whose weights are present."""
    return sorted(name for name in MODELS if (folder() / f"{name}.safetensors").exists())


def load(name: str, device: torch.device | str | None = None) -> nn.Module:
    """Return a shipped model by name, in eval mode, its weights in float32 and frozen.

    Raises:
        ValueError: an unknown name; it lists the known ones.
        FileNotFoundError: the weights are missing.
    """
    return read(folder() / f"{name}.safetensors", _find(name, list(MODELS)).network, device)


def generative() -> list[str]:
    """Return the names of the models that draw pictures, whether their weights are present or not."""
    return sorted(name for name, model in MODELS.items() if model.sampler)


def sampler(name: str) -> Callable[..., Tensor]:
    """Return the function that draws pictures from a shipped model: sampler(name)(load(name), 64, generator=g).

    Raises:
        ValueError: a model that draws none; it lists those that do.
    """
    draw = _find(name, generative()).sampler
    assert draw is not None  # `generative` names the models that have one
    return draw


def record(name: str) -> dict[str, Any]:
    """Return how a shipped model was made: arguments, data, steps, minutes, device, scores. Raises as `load` does."""
    _find(name, list(MODELS))
    return read_record(folder() / f"{name}.safetensors")


def _find(name: str, known: list[str]) -> Model:
    if name in known:
        return MODELS[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    what = f"{name!r} makes no pictures" if name in MODELS else f"unknown model {name!r}"
    raise ValueError(f"{what}; known: {', '.join(sorted(known)) or 'none'}{hint}")
