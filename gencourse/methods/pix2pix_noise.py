"""What a generator's noise does: pictures translated many times, and how far the translations lie apart.

Pix2pix has two kinds of noise, dropout, which stays on when pictures are translated, and a map z beside the picture.
Isola et al. 2017, sec. 3.1: their generators learned to ignore z, and dropout changes little.
"""

import torch
from torch import Tensor, nn

from gencourse.expect import ImageError, check_shape
from gencourse.images import to_signed, to_unit
from gencourse.methods.pix2pix import generate
from gencourse.methods.sampling import generators, picture_seeds
from gencourse.modes import eval_mode
from gencourse.networks.dropout import dropout_from


@torch.no_grad()
def translate_often(
    network: nn.Module, images: Tensor, draws: int, *, generator: torch.Generator | None = None, batch: int = 32
) -> Tensor:
    """Translate pictures several times, with dropout and noise z drawn anew each time, all else in eval mode.

    Args:
        network: The generator.
        images: (B, C, H, W) in [0, 1].
        draws: How often, n.
        generator: Where a seed for each time is drawn, on the CPU.
        batch: How many pictures at a time.

    Returns:
        (n, B, C, H, W) in [0, 1].

    Raises:
        ImageError: Another shape or range.
        ValueError: draws is below 1; sizes that the generator does not take.
    """
    x = to_signed(check_shape(images, "pictures", "B", "C", "H", "W"))
    device = next(network.parameters()).device
    drawn = []
    with eval_mode(network):
        for own in generators(picture_seeds(draws, generator)):
            with dropout_from(network, own):
                parts = [generate(network, part.to(device), own) for part in x.split(batch)]
            drawn.append(to_unit(torch.cat(parts)).to(images.device))
    return torch.stack(drawn)


def spread(drawn: Tensor) -> Tensor:
    """Return how far several translations of a picture lie apart, in its own units: (n, B, C, H, W) -> (B,).

    The standard deviation over the draws: root of the mean over channels and pixels of the variance, divided by n - 1.

    Raises:
        ImageError: Another shape, or only one draw.
    """
    check_shape(drawn, "draws of pictures", "n", "B", "C", "H", "W")
    if len(drawn) < 2:
        raise ImageError("at least two draws of each picture are needed, got 1")
    return drawn.var(0).mean((1, 2, 3)).sqrt()


def diversity(
    network: nn.Module, images: Tensor, draws: int = 16, *, generator: torch.Generator | None = None
) -> Tensor:
    """Return what a generator's noise changes in each picture: the spread of several translations, (B,), in [0, 1].

    Args:
        network: The generator.
        images: (B, C, H, W) in [0, 1].
        draws: How many translations of each, at least 2.
        generator: Where seeds are drawn, on the CPU.

    Raises:
        ImageError: Another shape or range, or too few draws.
        ValueError: Sizes that the generator does not take.
    """
    return spread(translate_often(network, images, draws, generator=generator))
