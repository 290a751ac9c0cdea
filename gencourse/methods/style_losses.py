"""The losses of style transfer: deep features of the content, Gram matrices of the style.

Source: Gatys et al. 2016, "Image Style Transfer Using CNNs".
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor

from gencourse.expect import check_shape, same_shape
from gencourse.networks.features import Extractor

Styles = Sequence[tuple[Tensor, float]]  # (image, weight) pairs; the sizes of the images may differ


class Targets(NamedTuple):
    """What the optimisation compares with, computed once: {layer: P} and {layer: A}."""

    content: dict[str, Tensor]
    style: dict[str, Tensor]


def gram_matrix(features: Tensor) -> Tensor:
    """Average the outer products of the feature vectors over all positions: G_ij = 1/M sum_k F_ik F_jk.

    Args:
        features: (B, C, H, W), M = H * W.

    Returns:
        (B, C, C).

    Source: Gatys et al. 2016, eq. 3.
    Differs from the paper: divided by M here and not in the loss, so that images of different sizes can be compared.
    """
    check_shape(features, "features", "B", "C", "H", "W")
    f = features.flatten(2)  # (B, C, M)
    return f @ f.transpose(1, 2) / f.shape[2]


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Squared error between F and P, (B, C, H, W), averaged over the M = H * W positions: 1/M sum (F - P)^2.

    Source: Gatys et al. 2016, eq. 1.
    Differs from the paper: divided by M, as the Gram matrix is, and without the factor 1/2, so that alpha means the
    same at every image size.
    """
    same_shape(features, target)
    return (features - target).square().sum() / features[0, 0].numel()


def style_loss(gram: Tensor, target: Tensor) -> Tensor:
    """E_L = 1 / (4 N^2) sum (G - A)^2 for Gram matrices (B, N, N), already divided by M.

    Source: Gatys et al. 2016, eq. 4.
    """
    same_shape(gram, target)
    return (gram - target).square().sum() / (4 * gram.shape[-1] ** 2)


def total_variation(x: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels of (B, C, H, W).

    Differs from the paper, which has none.
    """
    return x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean()


@torch.no_grad()
def find_targets(network: Extractor, content: Tensor, styles: Styles) -> Targets:
    """Run the network once over content and styles.

    For weights that sum to one, the weighted sum of the style losses is, but for a constant, the loss against the
    weighted mean of the Gram matrices, so one A a layer is enough.

    Args:
        network: It must return its style and content layers.
        content: (1, 3, H, W).
        styles: Pairs of (1, 3, h, w) and a weight.

    Returns:
        {layer: P} and {layer: A}.
    """
    of_content = network(content)
    whole = sum(weight for _, weight in styles)
    style = dict.fromkeys(network.style_layers, torch.zeros(()))
    for image, weight in styles:
        features = network(image)
        for layer in style:
            style[layer] = style[layer] + weight / whole * gram_matrix(features[layer])
    return Targets({layer: of_content[layer] for layer in network.content_layers}, style)


def losses(network: Extractor, x: Tensor, targets: Targets) -> dict[str, Tensor]:
    """Return {"content": L_content, layer: E_L for each style layer} of the image x, (1, 3, H, W)."""
    features = network(x)
    content = cast(Tensor, sum(content_loss(features[layer], p) for layer, p in targets.content.items()))
    return {"content": content} | {k: style_loss(gram_matrix(features[k]), a) for k, a in targets.style.items()}


def relative_weights(targets: Targets) -> dict[str, Tensor]:
    """Return {"content": w, layer: w for each style layer} that make each loss a relative squared error.

    w is one over the loss of a picture in which the network sees nothing, F = 0 and G = 0. So w E_L is the sum of
    (G - A)^2 over that of A^2: every layer counts alike, however large its activations are, and alpha means the same
    for every network, layer and pair of pictures.

    Differs from the paper, in which the layers' own sizes decide.
    """
    nothing = [content_loss(torch.zeros_like(p), p) for p in targets.content.values()]
    layers = {name: 1 / _above_zero(style_loss(torch.zeros_like(a), a)) for name, a in targets.style.items()}
    return {"content": 1 / _above_zero(cast(Tensor, sum(nothing)))} | layers


def _above_zero(value: Tensor) -> Tensor:
    return value.clamp(min=torch.finfo(value.dtype).tiny ** 0.5)  # a black picture may leave a layer silent
