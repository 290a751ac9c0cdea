"""Feature extractors: an image in [0, 1] goes in, {layer: activations} comes out.

One interface over torchvision's VGG19 and SqueezeNet and over `embedded`, a small network of VGG's shape that ships
with the course (distilled from an ImageNet network by scripts/train_embedded.py).
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gencourse import data, expect, paths
from gencourse.modes import torch_defaults
from gencourse.networks.vgg import VGG, VGG19_WIDTHS
from gencourse.runtime import choose_profile
from gencourse.weights import read, read_record

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SMALLEST = 32  # pixels a side: four poolings must leave something to average over


class Extractor(nn.Module):
    """A frozen network that returns the activations of chosen layers and stops after the deepest of them.

    Args:
        stages: {layer: what leads there from the layer before}, in the order of the network.
        name: Of the network.
        style_layers: The default of style transfer for this network.
        content_layers: Likewise.
        layers: What to return; by default both of these.
        memory_format: In which the network is fastest.

    Raises:
        ValueError: The network has no such layer, or none is named.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        stages: dict[str, nn.Module],
        *,
        name: str,
        style_layers: Iterable[str],
        content_layers: Iterable[str],
        layers: Iterable[str] | None = None,
        memory_format: torch.memory_format = torch.channels_last,
    ):
        super().__init__()
        self.name, self.memory_format = name, memory_format
        self.style_layers, self.content_layers = tuple(style_layers), tuple(content_layers)
        wanted = set(self.style_layers + self.content_layers if layers is None else layers)
        if not wanted or (unknown := wanted - set(stages)):
            lacks = f"has no layer {', '.join(sorted(unknown))}" if wanted else "needs at least one layer"
            raise ValueError(f"{name} {lacks}; it has {', '.join(stages)}")
        last = max(list(stages).index(layer) for layer in wanted)
        self.stages = nn.ModuleDict(dict(list(stages.items())[: last + 1]))
        self.layers = tuple(layer for layer in self.stages if layer in wanted)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD, dtype=torch.float32).view(1, 3, 1, 1))
        self.scale = dict.fromkeys(self.layers, 1.0)
        self.eval().requires_grad_(False).to(memory_format=memory_format)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Look at pictures.

        Args:
            image: (B, 3, H, W) in [0, 1], at least 32 pixels a side; a value outside the range is not an error, since
                an image under optimisation may leave it.

        Returns:
            {layer: (B, C, h, w)}, after the ReLU, in the order of the network.

        Raises:
            ImageError: Another shape.
        """
        expect.check_shape(image, "pictures", "B", 3, "H", "W", least=SMALLEST)
        image = image.to(self.mean.dtype)
        x = ((image - self.mean) / self.std).contiguous(memory_format=self.memory_format)
        out = {}
        for name, stage in self.stages.items():
            x = stage(x)
            if name in self.scale:
                out[name] = x / self.scale[name]
        return out

    def normalise(self, images: Iterable[Tensor]) -> "Extractor":
        """Scale every layer so that its mean activation over some images is one.

        Args:
            images: Each (B, 3, H, W) in [0, 1].

        Returns:
            The extractor itself.

        Source: Gatys et al. 2016, sec. 2.
        Differs from the paper: one factor a layer, not one a filter.
        """
        self.scale = dict.fromkeys(self.layers, 1.0)
        device = self.mean.device
        with torch.no_grad():
            means = [{k: v.mean().item() for k, v in self(image.to(device)).items()} for image in images]
        self.scale = {layer: sum(mean[layer] for mean in means) / len(means) for layer in self.layers}
        return self


@torch_defaults()
def extractor(
    name: str = "auto",
    *,
    layers: Iterable[str] | None = None,
    weights: str | os.PathLike | dict[str, Tensor] | None = "imagenet",
    device: torch.device | str | None = None,
) -> Extractor:
    """Return a feature extractor by name, its layers scaled to a mean activation of one on the shipped photographs.

    Args:
        name: "embedded" (ships with the course), "vgg19" (550 MB, downloaded once by torchvision), "squeezenet" (5 MB,
            likewise), or "auto": vgg19 in the gpu profile or where its weights lie in torchvision's cache, else
            embedded.
        layers: What to return; without it the network's style and content layers.
        weights: "imagenet", the path of a safetensors file with torchvision's keys, a state dict, or None for random
            ones (timing only); for embedded the path of a file that `checkpoints.save` made, or None.
        device: Where to put it; by default the CPU.

    Raises:
        ValueError: An unknown name, or weights that do not fit or are damaged.
        FileNotFoundError: There are no such weights.
        URLError: vgg19 or squeezenet cannot be downloaded; auto then says so in one line and takes embedded.
    """
    builders: dict[str, Callable] = {"embedded": _embedded, "vgg19": _vgg19, "squeezenet": _squeezenet}
    if name == "auto":
        return _auto(layers, device)
    if name not in builders:
        raise ValueError(f"unknown network {name!r}; known: auto, {', '.join(builders)}")
    network = builders[name](layers, weights).to(device or "cpu")
    if scales := _stored_scales(network, weights):
        network.scale = scales
        return network
    return network.normalise(data.photo(photo, size=128) for photo in data.photos())


def _stored_scales(network: Extractor, weights) -> dict[str, float] | None:
    """Return the layer scales in the record of the embedded network's weights, where all that are needed are there.

    scripts/train_embedded.py puts them there; without them six photographs go through the network.
    """
    if network.name != "embedded" or weights is None:
        return None
    stored = read_record(_embedded_file(weights)).get("scales", {})
    return {layer: stored[layer] for layer in network.layers} if set(network.layers) <= set(stored) else None


def vgg19_is_cached() -> bool:
    """Whether torchvision's cache on this machine already holds VGG19's weights."""
    url = torchvision.models.VGG19_Weights.IMAGENET1K_V1.url
    return (Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]).exists()


def _auto(layers, device) -> Extractor:
    if choose_profile() == "gpu" or vgg19_is_cached():
        try:
            return extractor("vgg19", layers=layers, device=device)
        except (URLError, OSError, RuntimeError) as error:
            print(f"VGG19 could not be loaded ({error}); going on with the embedded network")
    return extractor("embedded", layers=layers, device=device)


def _embedded(layers, weights) -> Extractor:
    if isinstance(weights, dict):
        raise ValueError("embedded takes a file of `checkpoints.save`; a network goes in `embedded_extractor`")
    if weights is None:
        network = VGG(**read_record(_embedded_file("imagenet"))["arguments"])
    else:
        network = read(_embedded_file(weights), VGG)
    return embedded_extractor(network, layers)


def _embedded_file(weights) -> str | os.PathLike:
    return paths.weights() / "embedded.safetensors" if weights == "imagenet" else weights


def embedded_extractor(network: VGG, layers: Iterable[str] | None = None) -> Extractor:
    """Wrap a VGG of one's own; its layers are not scaled yet (`Extractor.normalise`).

    The network itself is taken, not a copy, and is frozen by it: train on a `copy.deepcopy`.

    Args:
        network: A VGG.
        layers: What to return, as in `extractor`.

    Raises:
        ValueError: The network has no such layer.
    """
    return Extractor(
        dict(network.stages),
        name="embedded",
        style_layers=("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"),
        content_layers=("conv4_2",),
        layers=layers,
        memory_format=torch.contiguous_format,  # few channels at full size: measured faster in NCHW
    )


def _vgg19(layers, weights) -> Extractor:
    """Gatys et al. 2016, sec. 2, with average pooling in place of max pooling as they advise."""
    state = None if weights is None else _state(weights, torchvision.models.VGG19_Weights.IMAGENET1K_V1)
    network = VGG(VGG19_WIDTHS)
    if state is not None:
        convs = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
        with _fitting("vgg19"):
            places = {k.split(".")[1] for k in state if k.startswith("features.")}  # of the convolutions
            keys = sorted(int(place) for place in places)
            for conv, key in zip(convs, keys, strict=True):
                conv.load_state_dict({part: state[f"features.{key}.{part}"].float() for part in ("weight", "bias")})
    return Extractor(
        dict(network.stages),
        name="vgg19",
        style_layers=("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"),
        content_layers=("conv4_2",),
        layers=layers,
    )


def _squeezenet(layers, weights) -> Extractor:
    """SqueezeNet 1.0 (Iandola et al. 2016); its layers are conv1 and fire2 to fire9."""
    state = None if weights is None else _state(weights, torchvision.models.SqueezeNet1_0_Weights.IMAGENET1K_V1)
    network = torchvision.models.squeezenet1_0()
    if state is not None:
        with _fitting("squeezenet"):
            network.load_state_dict({key: value.float() for key, value in state.items()})
    stages, parts, fire = {}, [], 2
    for part in network.features:
        parts.append(part)
        if isinstance(part, nn.ReLU):
            stages["conv1"], parts = nn.Sequential(*parts), []
        elif isinstance(part, torchvision.models.squeezenet.Fire):
            stages[f"fire{fire}"], parts, fire = nn.Sequential(*parts), [], fire + 1
    return Extractor(
        stages,
        name="squeezenet",
        style_layers=("conv1", "fire3", "fire5", "fire7"),  # fire9 knows classes: its Gram matrix says little of style
        content_layers=("fire6",),
        layers=layers,
    )


def _state(weights, imagenet) -> dict[str, Tensor]:
    if isinstance(weights, dict):
        return weights
    if weights == "imagenet":
        return imagenet.get_state_dict(progress=True, check_hash=True, weights_only=True)
    try:
        return load_file(weights)
    except (SafetensorError, TypeError) as error:
        raise ValueError(f"{weights} is no safetensors file, or is damaged ({error})") from error


@contextmanager
def _fitting(name: str) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, LookupError, AttributeError, ValueError) as error:
        raise ValueError(f"these weights do not fit {name}: {error}") from error


def from_caffe(state: dict[str, Tensor], first: str = "features.0") -> dict[str, Tensor]:
    """Turn weights that want BGR in 0..255 minus (104, 117, 123), Caffe's habit, into ones that want what we feed.

    The change is linear, so it goes into the first convolution; exact where that one does not pad.

    Args:
        state: The weights by name.
        first: Name of the first convolution, which takes three channels and has a bias.

    Returns:
        The weights, those of the first convolution changed.

    Raises:
        ValueError: There is no such convolution.
    """
    if not {f"{first}.weight", f"{first}.bias"} <= set(state):
        raise ValueError(f"the weights hold no {first}.weight and {first}.bias; they have {', '.join(state)}")
    expect.check_shape(state[f"{first}.weight"], "a weight", "C_out", 3, "kh", "kw")
    expect.check_shape(state[f"{first}.bias"], "a bias", len(state[f"{first}.weight"]))
    single = {"dtype": torch.float32, "device": "cpu"}
    mean, std = torch.tensor(IMAGENET_MEAN, **single), torch.tensor(IMAGENET_STD, **single)
    caffe_mean = torch.tensor([123.0, 117.0, 104.0], **single)  # RGB
    weight = state[f"{first}.weight"].float().flip(1)  # now for RGB
    shift = 255 * mean - caffe_mean
    bias = state[f"{first}.bias"].float() + (weight * shift.view(1, 3, 1, 1)).sum((1, 2, 3))
    return {**state, f"{first}.weight": weight * (255 * std).view(1, 3, 1, 1), f"{first}.bias": bias}
