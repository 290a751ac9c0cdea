"""Textures by Gram matrices (Gatys et al. 2015, "Texture Synthesis Using Convolutional Neural Networks").

From noise the pixels move until the features of a frozen network are what they should be: on average over all
positions, which makes a texture, or at every position: feature inversion, the picture that a layer remembers.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gencourse.expect import at_least, check_range, check_sample, check_shape
from gencourse.methods.sampling import normal
from gencourse.methods.style import content_loss, gram_matrix, style_loss, total_variation
from gencourse.methods.style_descent import Stylized, optimise
from gencourse.networks.features import SMALLEST, Extractor

POOLED = 16  # VGG's four poolings halve a side four times: a texture that tiles has a side that this divides
GREY = 0.01  # channels that differ by less are a grey picture, saved with loss
SILENT = 1e-18  # a loss that is not divided by: a black sample may leave a layer silent
START = 0.05  # standard deviation of the noise at the beginning


def with_padding(network: Extractor, mode: str) -> Extractor:
    """Return a copy of a network whose convolutions pad in another way.

    Args:
        network: Whose convolutions pad with zeros.
        mode: "circular": the picture goes on at its other side, so it has no border and tiles; "reflect": mirrored, for
            a sample, which has a border that should not count.
    """
    other = copy.deepcopy(network)
    for layer in other.modules():
        if isinstance(layer, nn.Conv2d) and any(layer.padding):
            layer.padding_mode = mode  # pyright: ignore[reportAttributeAccessIssue]: any of torch's modes
    return other


@torch.no_grad()
def gram_targets(
    network: Extractor, sample: Tensor, layers: Sequence[str] | None = None, *, padding: str = "reflect"
) -> dict[str, Tensor]:
    """Return {layer: Gram matrix} of a sample, (1, 3, H, W) in [0, 1].

    Args:
        network: It must return these layers.
        sample: What the texture should look like.
        layers: Default the network's style layers.
        padding: As in `with_padding`; "reflect" goes on with the sample's mirror image, "zeros" with black.
    """
    features = with_padding(network, padding)(sample)
    return {layer: gram_matrix(features[layer]) for layer in layers or network.style_layers}


def texture_loss(network: Callable[[Tensor], dict[str, Tensor]], x: Tensor, grams: dict[str, Tensor]) -> Tensor:
    """Compare the Gram matrices of a picture with those of the sample: the sum of E_L over the layers of `grams`.

    Args:
        network: {layer: activations} of a picture.
        x: (1, 3, H, W) in [0, 1], of any size.
        grams: {layer: (1, N, N)}.

    Returns:
        A scalar.

    Source: Gatys et al. 2015, eq. 4 and 5.
    Differs from the paper: the Gram matrices are divided by the number of positions, each by its own.
    """
    features = network(x)
    return torch.stack([style_loss(gram_matrix(features[layer]), gram) for layer, gram in grams.items()]).sum()


def synthesize(
    sample: Tensor,
    network: Extractor,
    size: int,
    *,
    layers: Sequence[str] | None = None,
    steps: int = 100,
    smoothness: float = 0.0,
    noise: float = START,
    tiles: bool = True,
    generator: torch.Generator | None = None,
    show: bool = True,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Stylized:
    """Find a picture with the Gram matrices of the sample, from noise around its mean colour.

    Args:
        sample: (1, 3, H, W) in [0, 1], at least 32 pixels a side. One that is grey gives a grey picture.
        network: Whose features are compared; it must return the layers.
        size: Pixels a side of the result.
        layers: Default the network's style layers.
        steps: Of L-BFGS.
        smoothness: Weight of the total variation, against relative errors of the Gram matrices.
        noise: Standard deviation of the noise at the beginning, around the sample's mean colour.
        tiles: The picture goes on at its other side, and so tiles the plane; its size must be a multiple of 16. False:
            zeros around it and around the sample, as the network was trained.
        generator: Draws the noise.
        show: Whether to show previews.
        callback: Called after each step with the number of steps done and the picture so far.

    Returns:
        The picture and its losses: total, and by layer relative to a picture in which the network sees nothing.

    Raises:
        ImageError: A sample that is none, is too small, or of one colour.
        ValueError: A size that cannot be, or that does not tile.

    Source: Gatys et al. 2015.
    Differs from the paper: circular padding, relative losses, bounded pixels, and less noise at the beginning: what no
    layer sees of it stays in the picture.
    """
    check_shape(check_sample(sample, SMALLEST, "what the network needs"), "a sample", 1, 3, "H", "W")
    at_least(SMALLEST, size=size)
    if tiles and size % POOLED:
        raise ValueError(f"a texture that tiles needs a size that {POOLED} divides, got {size}")
    grams = gram_targets(network, sample, layers, padding="reflect" if tiles else "zeros")
    whole = {k: style_loss(torch.zeros_like(gram), gram).clamp(min=SILENT) for k, gram in grams.items()}
    looking = with_padding(network, "circular") if tiles else network
    grey = bool((sample - sample.mean(1, keepdim=True)).abs().max() < GREY)

    def objective(x: Tensor) -> dict[str, Tensor]:
        features = looking(x.expand(-1, 3, -1, -1))
        parts = {k: style_loss(gram_matrix(features[k]), gram) / whole[k] for k, gram in grams.items()}
        return {"total": torch.stack([*parts.values()]).mean() + smoothness * total_variation(x)} | parts

    drawn = normal((1, 1 if grey else 3, size, size), generator).to(sample)
    start = (sample.mean((2, 3), keepdim=True)[:, : drawn.shape[1]] + noise * drawn).clamp(0, 1)
    found = optimise(objective, start, steps=steps, show=show, callback=callback)
    return Stylized(found.image.expand(-1, 3, -1, -1).clone(), found.history)


def invert(
    image: Tensor,
    network: Extractor,
    layer: str,
    *,
    steps: int,
    smoothness: float = 0.0,
    generator: torch.Generator | None = None,
    show: bool = True,
) -> Stylized:
    """Find a picture that has the activations of an image at one layer, from noise.

    Args:
        image: (1, 3, H, W) in [0, 1], at least 32 pixels a side.
        network: It must return the layer.
        layer: Its name.
        steps: Of L-BFGS.
        smoothness: Weight of the total variation, against the relative error of the activations.
        generator: Draws the noise.
        show: Whether to show previews.

    Returns:
        The picture and its losses: total, and the layer's relative to a picture in which the network sees nothing.

    Raises:
        ImageError: An image that is none or is too small.
        ValueError: The network does not return the layer.

    Source: Mahendran and Vedaldi 2015, "Understanding Deep Image Representations by Inverting Them".
    """
    check_range(check_shape(image, "an image", 1, 3, "H", "W", least=SMALLEST), 0, 1)
    if layer not in network.layers:
        raise ValueError(f"the network returns {', '.join(network.layers)}, and no layer {layer!r}")
    with torch.no_grad():
        wanted = network(image)[layer]
    weight = 1 / content_loss(torch.zeros_like(wanted), wanted)

    def objective(x: Tensor) -> dict[str, Tensor]:
        error = weight * content_loss(network(x)[layer], wanted)
        return {"total": error + smoothness * total_variation(x), layer: error}

    start = (0.5 + START * normal(image.shape, generator)).clamp(0, 1).to(image)
    return optimise(objective, start, steps=steps, show=show)


@torch.no_grad()
def style_gap(image: Tensor, sample: Tensor, network: Extractor) -> float:
    """Return the mean relative squared error of an image's Gram matrices: 0 for the sample's own."""
    wanted, found = gram_targets(network, sample), gram_targets(network, image)
    errors = [(found[k] - gram).square().sum() / gram.square().sum() for k, gram in wanted.items()]
    return torch.stack(errors).mean().item()
