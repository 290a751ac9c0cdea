"""What the networks of the PixelCNN chapter have in common: pixels in, logits out, labels, coordinates.

A network is read twice: by `logits`, a whole image at once, and by `columns`, one pixel at a time. What it computes is
written once, in two methods that get the convolution to use as an argument: `above`, from whole rows, and `along`.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gencourse.expect import check_labels, check_levels, check_shape
from gencourse.networks.masked import CausalConv2d

Convolve = Callable[[nn.Module, Tensor, Tensor | None], Tensor]  # by a CausalConv2d


def convolve_image(layer: nn.Module, x: Tensor, plus: Tensor | None = None) -> Tensor:
    """Convolve whole images, and add `plus`. While sampling, `columns` convolves one pixel in its place."""
    y = layer(x)
    return y if plus is None else y + plus


def label_embeddings(classes: int, size: int, layers: int) -> nn.ModuleList:
    """For each layer a table (classes, size) of what a label adds, small at first; none without classes."""
    tables = nn.ModuleList(nn.Embedding(classes, size) for _ in range(layers if classes else 0))
    for weight in tables.parameters():
        nn.init.normal_(weight, std=0.1)
    return tables


class PixelNetwork(nn.Module):
    """What every network here shares: integers in, logits out. Abstract.

    checked: whether a pass has gone well. From then on the values of pixels and labels are no longer looked at, since
    that makes an accelerator wait.

    Args:
        levels: values of a pixel, 2 to 256.
        channels: colours, each gets an equal share of `width`.
        width: channels of a layer.
        layers: those that look at other pixels, the first included; at least 2.
        kernels: sides of the first kernel and of the others, odd.
        classes: of the labels that it is conditioned on, 0 for none.
        side: of the pictures that it is meant for, which scales the coordinates it sees.

    Raises:
        ValueError: other sizes.
    """

    blocks: nn.ModuleList
    tail: nn.Conv2d
    embeddings: nn.ModuleList
    entries: tuple[CausalConv2d, ...] = ()  # the layers that see the pixels; none: `columns` cannot evaluate it

    def __init__(
        self, levels: int, channels: int, width: int, layers: int, kernels: tuple[int, int], classes: int, side: int
    ):
        super().__init__()
        if not 2 <= levels <= 256 or width % channels or layers < 2 or any(k < 3 or k % 2 == 0 for k in kernels):
            raise ValueError("need 2 to 256 levels, a width divisible by channels, 2 layers, odd sides of at least 3")
        self.levels, self.channels, self.classes, self.side = levels, channels, classes, side
        self.checked = False
        self.smallest = max(kernels) // 2 + 1  # pixels a side that a kernel looks over

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits of pixels.

        Args:
            x: (B, C, H, W) integers in [0, levels), sides of at least `smallest`.
            labels: (B,) int64, needed where the network has classes.

        Returns:
            (B, levels, C, H, W).

        Raises:
            ValueError: other pixels or labels; their values are looked at in the first pass alone, see `checked`.
        """
        self.check(x, labels, values=not self.checked)
        logits = self.logits(self.encode(x), labels)
        self.checked = True
        return logits

    def logits(self, signed: Tensor, labels: Tensor | None = None) -> Tensor:
        """The same from pixels in [-1, 1], (B, C, H, W), which can carry gradients."""
        context = self.context(labels)
        signed = self.place(signed)
        y = self.along(signed, self.above(signed, context, convolve_image), context, convolve_image)
        return y.unflatten(1, (self.levels, self.channels))

    def encode(self, x: Tensor) -> Tensor:
        """Map levels to [-1, 1], in the precision of the weights."""
        return x.to(self.tail.weight.dtype) * (2 / (self.levels - 1)) - 1

    def place(self, signed: Tensor) -> Tensor:
        """Add two channels, row and column of each pixel: (B, C, H, W) -> (B, C + 2, H, W).

        Not in the papers: a convolution does not know where it is, and handwritten digits are centred.
        """
        b, _, h, w = signed.shape
        row, column = (torch.arange(n, device=signed.device, dtype=signed.dtype) * (2 / self.side) - 1 for n in (h, w))
        maps = torch.stack([row[:, None].expand(h, w), column.expand(h, w)])
        return torch.cat([signed, maps.expand(b, 2, h, w)], 1)

    def check(self, x: Tensor, labels: Tensor | None, *, values: bool = True) -> None:
        """Raise ValueError where these are not what `forward` takes; values: whether they are read."""
        check_shape(x, "pixels", "B", self.channels, "H", "W", floating=False, least=self.smallest)
        check_levels(x, self.levels, values=values)
        check_labels(labels, self.classes, len(x), values=values)

    def context(self, labels: Tensor | None) -> list[Tensor | None]:
        """What the labels add to each layer: (B, n, 1, 1) each, or None."""
        if labels is None:
            return [None] * len(self.blocks)
        return [embedding(labels)[:, :, None, None] for embedding in self.embeddings]

    def above(self, x: Tensor, context: Sequence[Tensor | None], convolve: Convolve) -> list[Tensor]:
        """What each layer learns from the rows above alone: whole rows, known before the first pixel of the row."""
        return []

    def along(self, x: Tensor, above: Sequence[Tensor], context: Sequence[Tensor | None], convolve: Convolve) -> Tensor:
        """The rest, up to the logits (B, levels * C, H, W): it needs the pixels to the left."""
        raise NotImplementedError
