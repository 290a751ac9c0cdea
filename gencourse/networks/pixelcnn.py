"""PixelCNN, plain and gated: networks whose prediction for a pixel has seen only the pixels before it.

Pixels are integers, x: (B, C, H, W) int64 in [0, levels); a network returns logits (B, levels, C, H, W), those of
pixel i computed from pixels 1 .. i-1 in raster order, and within a pixel from the colours before it (R, G, B).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gencourse.networks.autoregressive import PixelNetwork, label_embeddings
from gencourse.networks.masked import MaskedConv2d, VerticalConv2d, causal_mask

__all__ = ["GatedPixelCNN", "MaskedConv2d", "PixelCNN", "VerticalConv2d", "causal_mask", "gate"]


class PixelCNN(PixelNetwork):
    """One stack of masked convolutions: a kernel of type A, then residual layers x + conv(ReLU(x)) of type B.

    Has a blind spot, up and to the right.

    Args:
        width: channels of a layer, divisible by the colours.
        layers: masked convolutions, the first included.
        kernel, first_kernel: their sides, odd.
        levels, channels, classes, side: as PixelNetwork's.

    Source: van den Oord et al. 2016, "Pixel Recurrent Neural Networks", sec. 3.5 and table 1.
    Differs from the paper: the residual layer is one convolution, without 1 x 1 convolutions around it; the network
    sees coordinates.
    """

    def __init__(
        self,
        *,
        levels: int = 2,
        channels: int = 1,
        width: int = 64,
        layers: int = 7,
        kernel: int = 3,
        first_kernel: int = 7,
        classes: int = 0,
        side: int = 28,
    ):
        super().__init__(levels, channels, width, layers, (first_kernel, kernel), classes, side)
        self.first = MaskedConv2d("A", channels + 2, width, first_kernel, colours=channels)
        self.blocks = nn.ModuleList(
            MaskedConv2d("B", width, width, kernel, colours=channels) for _ in range(layers - 1)
        )
        self.head = MaskedConv2d("B", width, width, 1, colours=channels)
        self.tail = MaskedConv2d("B", width, levels * channels, 1, colours=channels)
        self.embeddings = label_embeddings(classes, width, len(self.blocks))
        self.entries = (self.first,)
        self.to(memory_format=torch.channels_last)  # twice as fast on a CPU

    def along(self, x, above, context, convolve):
        x = convolve(self.first, x, None)
        for layer, label in zip(self.blocks, context, strict=True):
            x = x + convolve(layer, torch.relu(x), label)
        x = convolve(self.head, torch.relu(x), None)
        return convolve(self.tail, torch.relu(x), None)


class GatedBlock(nn.Module):
    """One layer of both stacks, each an activation tanh(a) * sigmoid(b) of 2 * width channels (eq. 2)."""

    def __init__(self, kind: str, inputs: tuple[int, int], width: int, kernel: int, colours: int, dilation: int):
        super().__init__()
        self.vertical = VerticalConv2d(kind, inputs[0], 2 * width, kernel, dilation=dilation)
        self.link = nn.Conv2d(width, 2 * width, 1)
        options = {"height": 1, "colours": colours, "dilation": dilation}
        self.horizontal = MaskedConv2d(kind, inputs[1], 2 * width, kernel, **options)
        self.out = MaskedConv2d("B", width, width, 1, colours=colours)


def gate(y: Tensor) -> Tensor:
    """tanh(a) * sigmoid(b) with a and b the halves of the channels: (B, 2 C, ...) -> (B, C, ...)."""
    a, b = y.split(y.shape[1] // 2, 1)  # unlike chunk it makes three of an odd number
    return a.tanh() * b.sigmoid()


class GatedPixelCNN(PixelNetwork):
    """Two stacks without a blind spot: one sees all rows above, the other its own row to the left, and the first.

    Args:
        width: channels of each stack, divisible by the colours.
        layers: gated layers, the first included.
        kernel, first_kernel: sides, odd.
        dilations: of the layers after the first, repeated from the start when they run out.
        levels, channels, classes, side: as PixelNetwork's.

    Source: van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders", fig. 2.
    Differs from the paper: the vertical stack is residual too and passes on its activations, not what they are made of;
    dilations; coordinates.
    """

    blocks: Sequence[GatedBlock]

    def __init__(
        self,
        *,
        levels: int = 2,
        channels: int = 1,
        width: int = 64,
        layers: int = 7,
        kernel: int = 3,
        first_kernel: int = 7,
        dilations: Sequence[int] = (1,),
        classes: int = 0,
        side: int = 28,
    ):
        super().__init__(levels, channels, width, layers, (first_kernel, kernel), classes, side)
        blocks = [GatedBlock("A", (channels + 2, channels + 2), width, first_kernel, channels, 1)]
        for i in range(layers - 1):
            blocks.append(GatedBlock("B", (width, width), width, kernel, channels, dilations[i % len(dilations)]))
        self.blocks = nn.ModuleList(blocks)  # pyright: ignore[reportAttributeAccessIssue]: its stub says not of what
        self.head = MaskedConv2d("B", width, width, 1, colours=channels)
        self.tail = MaskedConv2d("B", width, levels * channels, 1, colours=channels)
        self.embeddings = label_embeddings(classes, 4 * width, len(self.blocks))
        self.entries = (blocks[0].vertical, blocks[0].horizontal)
        self.to(memory_format=torch.channels_last)

    def above(self, x, context, convolve):
        links = []
        for i, (block, label) in enumerate(zip(self.blocks, context, strict=True)):
            of_vertical, of_horizontal = (None, None) if label is None else label.chunk(2, 1)
            y = gate(convolve(block.vertical, x, of_vertical))
            x = x + y if i else y
            link = block.link(x)
            links.append(link if label is None else link + of_horizontal)
        return links

    def along(self, x, above, context, convolve):
        for i, (block, link) in enumerate(zip(self.blocks, above, strict=True)):
            y = convolve(block.out, gate(convolve(block.horizontal, x, link)), None)
            x = x + y if i else y
        x = convolve(self.head, torch.relu(x), None)
        return convolve(self.tail, torch.relu(x), None)
