"""One network, many styles: which numbers make a style, what lies between two, and how a new one is learned.

Source: Dumoulin et al. 2017, "A Learned Representation for Artistic Style".
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from gencourse.methods.fast_style import FastStyleStep, style_grams
from gencourse.networks.features import Extractor
from gencourse.networks.stylenet import TransformerNet
from gencourse.training.crops import Crops
from gencourse.training.fit import fit


def style_parameters(network: TransformerNet, k: int) -> list[nn.Parameter]:
    """Let one style learn and nothing else: freeze the network but for gamma and beta of style k.

    Args:
        network: Its other weights are frozen by this, those of the other styles too.
        k: The style's place.

    Returns:
        The style's own parameters, for an optimiser: gamma and beta, layer after layer, each (C,).
    """
    network.requires_grad_(False)
    own = network.rows(k)
    for row in own:
        row.requires_grad_()
    return own


def morph(a: Sequence[Tensor], b: Sequence[Tensor], share: float) -> list[Tensor]:
    """Return what lies between two styles: (1 - share) * a + share * b, of gamma and of beta in every layer.

    Args:
        a: Rows of a style, as `TransformerNet.rows` has them; share 0 gives these.
        b: Rows of another; share 1 gives these.
        share: From 0 to 1; beyond that a style is exaggerated.
    """
    return [(1 - share) * one + share * other for one, other in zip(a, b, strict=True)]


def add_style(
    network: TransformerNet,
    name: str,
    painting: Tensor,
    extractor: Extractor,
    photographs: Iterable[Tensor],
    *,
    steps: int,
    alpha: float = 5e-4,
    rate: float = 1e-2,
    batch: int = 4,
    size: int = 128,
    seed: int = 0,
    show: bool = True,
) -> TransformerNet:
    """Teach a network one style more by training its gamma and beta alone; all else, and the old styles, stay.

    Args:
        network: What knows some styles already; it is not changed.
        name: Of the new style.
        painting: (1, 3, H, W) in [0, 1].
        extractor: What looks at pictures.
        photographs: To train on, each (1, 3, H, W) in [0, 1].
        steps: How many.
        alpha: Weight of the content.
        rate: Of learning; it falls to zero along a cosine.
        batch: Photographs a step.
        size: Side of the squares that are cut out of them.
        seed: What is drawn comes from it.
        show: Whether to show how it goes.

    Returns:
        A copy that has the style as its last. It begins as the mean of the others.

    Raises:
        ValueError: There is a style of that name.
        ImageError: What is no picture, or too small a one.

    Source: Dumoulin et al. 2017, sec. 4.
    """
    own = [network.rows(i) for i in range(len(network.names))]
    device = own[0][0].device
    grown = network.with_style(name, [torch.stack(rows).mean(0) for rows in zip(*own, strict=True)])
    last = len(network.names)
    optimizer = torch.optim.Adam(style_parameters(grown, last), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    grams = style_grams(extractor, [painting.to(device)])
    step = FastStyleStep(grown, extractor, grams, optimizer, alpha=alpha, schedules=(schedule,), styles=[last])
    crops = Crops(photographs, batch, size, seed=seed)
    fit(step, crops, steps=steps, device=device, title=name, show=show)
    return grown.requires_grad_()
