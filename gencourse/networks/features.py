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

from gencourse import data, paths
from gencourse.expect import check_shape, check_tensor
from gencourse.networks.vgg import VGG, VGG19_WIDTHS
from gencourse.runtime import choose_profile
from gencourse.weights import read, read_record

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SMALLEST = 32  # pixels a side: four poolings must leave something to average over


class Extractor(nn.Module):
    """A frozen network that returns the activations of chosen layers and stops after the deepest of them.

    image: (B, 3, H, W) in [0, 1], at least 32 pixels a side; a value outside the range is not an error, since an image
    under optimisation may leave it. Returns {layer: (B, C, h, w)}, after the ReLU, in the order of the network.
    `style_layers` and `content_layers` are the defaults of style transfer for this network.
    Raises ValueError for another shape, or for layers that the network does not have.
    """

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
        if unknown := wanted - set(stages):
            raise ValueError(f"{name} has no layer {', '.join(sorted(unknown))}; it has {', '.join(stages)}")
        if not wanted:
            raise ValueError(f"name at least one layer; {name} has {', '.join(stages)}")
        last = max(list(stages).index(layer) for layer in wanted)
        self.stages = nn.ModuleDict(dict(list(stages.items())[: last + 1]))
        self.layers = tuple(layer for layer in self.stages if layer in wanted)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.scale = dict.fromkeys(self.layers, 1.0)
        self.eval().requires_grad_(False).to(memory_format=memory_format)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        if check_tensor(image, floating=True).ndim != 4 or image.shape[1] != 3 or min(image.shape[2:]) < SMALLEST:
            shape = tuple(image.shape)
            raise ValueError(f"expected (B, 3, H, W) with sides of at least {SMALLEST} pixels, got shape {shape}")
        x = ((image - self.mean) / self.std).contiguous(memory_format=self.memory_format)
        out = {}
        for name, stage in self.stages.items():
            x = stage(x)
            if name in self.scale:
                out[name] = x / self.scale[name]
        return out

    def normalise(self, images: Iterable[Tensor]) -> "Extractor":
        """Scale every layer so that its mean activation over `images` is one, and return self.

        Gatys et al. 2016, sec. 2. Differs from the paper: one factor a layer, not one a filter.
        """
        self.scale = dict.fromkeys(self.layers, 1.0)
        device = self.mean.device
        with torch.no_grad():
            means = [{k: v.mean().item() for k, v in self(image.to(device)).items()} for image in images]
        self.scale = {layer: sum(mean[layer] for mean in means) / len(means) for layer in self.layers}
        return self


def extractor(
    name: str = "auto",
    *,
    layers: Iterable[str] | None = None,
    weights: str | os.PathLike | dict[str, Tensor] | None = "imagenet",
    device: torch.device | str | None = None,
) -> Extractor:
    """Return a feature extractor by name, its layers scaled to a mean activation of one on the shipped photographs.

    name: "embedded" (ships with the course), "vgg19" (550 MB, downloaded once by torchvision), "squeezenet" (5 MB,
    likewise), or "auto": vgg19 in the gpu profile or where its weights lie in torchvision's cache, else embedded.
    layers: what to return; without it the network's style and content layers.
    weights: "imagenet", the path of a safetensors file with torchvision's keys, a state dict, or None for random ones
    (timing only); for embedded the path of a file that `checkpoints.save` made, or None. Raises ValueError for an
    unknown name and for weights that do not fit or are damaged, FileNotFoundError where there are none, URLError when
    vgg19 or squeezenet cannot be downloaded; auto then says so in one line and takes embedded.
    """
    builders: dict[str, Callable] = {"embedded": _embedded, "vgg19": _vgg19, "squeezenet": _squeezenet}
    if name == "auto":
        return _auto(layers, device)
    if name not in builders:
        raise ValueError(f"unknown network {name!r}; known: auto, {', '.join(builders)}")
    network = builders[name](layers, weights).to(device or "cpu")
    return network.normalise(data.photo(photo, size=128) for photo in data.photos())


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
    if weights is None:
        network = VGG(**read_record(paths.weights() / "embedded.safetensors")["arguments"])
    elif weights == "imagenet":
        network = read(paths.weights() / "embedded.safetensors", VGG)
    elif isinstance(weights, dict):
        raise ValueError("embedded takes a file of `checkpoints.save`; a network goes in `embedded_extractor`")
    else:
        network = read(weights, VGG)
    return embedded_extractor(network, layers)


def embedded_extractor(network: VGG, layers: Iterable[str] | None = None) -> Extractor:
    """Wrap a VGG of one's own; its layers are not scaled yet (`Extractor.normalise`). Raises ValueError for others.

    The network itself is taken, not a copy, and is frozen by it: train on a `copy.deepcopy`.
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
        convs = [stage[-2] for stage in network.stages.values()]
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

    The change is linear, so it goes into the first convolution (`first`); exact where that one does not pad.
    Raises ValueError where that is no convolution of three channels with a bias.
    """
    parts = [state.get(f"{first}.{part}") for part in ("weight", "bias")]
    if any(part is None for part in parts):
        raise ValueError(f"the weights hold no {first}.weight and {first}.bias; they have {', '.join(state)}")
    check_shape(parts[0], "a weight", "C_out", 3, "kh", "kw")
    check_shape(parts[1], "a bias", len(parts[0]))
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    caffe_mean = torch.tensor([123.0, 117.0, 104.0])  # RGB
    weight = state[f"{first}.weight"].float().flip(1)  # now for RGB
    shift = 255 * mean - caffe_mean
    bias = state[f"{first}.bias"].float() + (weight * shift.view(1, 3, 1, 1)).sum((1, 2, 3))
    return {**state, f"{first}.weight": weight * (255 * std).view(1, 3, 1, 1), f"{first}.bias": bias}
