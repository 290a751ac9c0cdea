"""What the networks of the PixelCNN chapter have in common: pixels in, logits out, labels, coordinates, the checks."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gencourse.expect import check_tensor
from gencourse.networks.masked import CausalConv2d

Convolve = Callable[[CausalConv2d, Tensor, Tensor | None], Tensor]


def whole(layer: CausalConv2d, x: Tensor, plus: Tensor | None = None) -> Tensor:
    """Convolve whole images, and add `plus`. While sampling, `columns` convolves one pixel in its place.

    Raises ImageError as the layer does.
    """
    y = layer(x)
    return y if plus is None else y + plus


def label_embeddings(classes: int, size: int, layers: int) -> nn.ModuleList:
    """For each layer a table (classes, size) of what a label adds, small at first; none without classes."""
    tables = nn.ModuleList(nn.Embedding(classes, size) for _ in range(layers if classes else 0))
    for table in tables:
        nn.init.normal_(table.weight, std=0.1)
    return tables


class PixelNetwork(nn.Module):
    """What every network here shares: integers in, logits out, and the checks at the door. Abstract.

    levels: values of a pixel, 2 to 256; channels: colours, each gets an equal share of `width`; layers: those that look
    at other pixels, the first included; kernel, first_kernel: sides of their kernels, odd; classes: of the labels that
    it is conditioned on, 0 for none; side: of the pictures that it is meant for, which scales the coordinates it sees.
    checked: whether a pass has gone well. From then on the values of pixels and labels on an accelerator are no longer
    looked at, since that makes it wait; on the CPU they always are.
    """

    entries: tuple[CausalConv2d, ...] = ()  # the layers that see the pixels; none: `columns` cannot evaluate it

    def __init__(
        self, levels: int, channels: int, width: int, layers: int, kernels: tuple[int, int], classes: int, side: int
    ):
        super().__init__()
        if not 2 <= levels <= 256:
            raise ValueError(f"levels must lie between 2 and 256, got {levels}")
        if channels < 1 or width < 1 or width % channels or layers < 2:
            raise ValueError(f"need a width divisible by channels and 2 layers: got {width}, {channels} and {layers}")
        if any(kernel < 3 or kernel % 2 == 0 for kernel in kernels):
            raise ValueError(f"kernels must have odd sides of at least 3, got {kernels}")
        self.levels, self.channels, self.classes, self.side = levels, channels, classes, side
        self.checked = False
        self.smallest = max(kernels) // 2 + 1  # pixels a side that a kernel looks over

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return logits (B, levels, C, H, W) of pixels x, (B, C, H, W) integers in [0, levels).

        labels: (B,) int64, needed where the network has classes. Raises ValueError for pixels that are no integers or
        out of range, for another number of channels, for images smaller than the kernel and for wrong labels; for
        values on an accelerator in the first pass alone, see `checked`.
        """
        self.check(x)
        logits = self.logits(self.encode(x), labels)
        self.checked = True
        return logits

    def logits(self, signed: Tensor, labels: Tensor | None = None) -> Tensor:
        """The same from pixels in [-1, 1], (B, C, H, W), which can carry gradients."""
        context = self.context(len(signed), labels)
        signed = self.place(signed)
        y = self.along(signed, self.above(signed, context, whole), context, whole)
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

    def check(self, x: Tensor) -> None:
        """Raise ValueError where x is not what `forward` takes."""
        if check_tensor(x).ndim != 4 or x.shape[1] != self.channels or min(x.shape[2:]) < self.smallest:
            wanted = (
                f"(B, {self.channels}, H, W) with sides of at least {self.smallest} pixels, the reach of the kernel"
            )
            raise ValueError(f"expected {wanted}; got shape {tuple(x.shape)}")
        if x.is_floating_point() or x.is_complex() or x.dtype == torch.bool:
            raise ValueError(
                f"pixels are integers from 0 to {self.levels - 1}, got {x.dtype}: binarise or quantise first"
            )
        if self._reads(x) and not _within(x, self.levels):
            raise ValueError(f"pixels must lie between 0 and {self.levels - 1}, got {x.min()} to {x.max()}")

    def check_labels(self, batch: int, labels: Tensor | None) -> None:
        """Raise ValueError where labels are not what `forward` takes with so many images."""
        if not self.classes:
            if labels is not None:
                raise ValueError("this network knows no classes: leave labels out")
            return
        if labels is None or check_tensor(labels).shape != (batch,):
            got = "none" if labels is None else f"shape {tuple(labels.shape)}"
            raise ValueError(f"this network needs labels ({batch},), got {got}")
        if labels.dtype not in (torch.int64, torch.int32) or (
            self._reads(labels) and not _within(labels, self.classes)
        ):
            raise ValueError(f"labels must be integers between 0 and {self.classes - 1}")

    def context(self, batch: int, labels: Tensor | None) -> list[Tensor | None]:
        """What the labels add to each layer: (B, n, 1, 1) each, or None. Raises ValueError for wrong labels."""
        self.check_labels(batch, labels)
        if labels is None:
            return [None] * len(self.blocks)
        return [embedding(labels)[:, :, None, None] for embedding in self.embeddings]

    def above(self, x: Tensor, context: Sequence[Tensor | None], convolve: Convolve) -> list[Tensor]:
        """What each layer learns from the rows above alone: whole rows, known before the first pixel of the row."""
        return []

    def along(self, x: Tensor, above: Sequence[Tensor], context: Sequence[Tensor | None], convolve: Convolve) -> Tensor:
        """The rest, up to the logits (B, levels * C, H, W): it needs the pixels to the left."""
        raise NotImplementedError

    def _reads(self, x: Tensor) -> bool:
        """Whether the values of x are looked at."""
        return x.numel() > 0 and (x.device.type == "cpu" or not self.checked)


def _within(x: Tensor, levels: int) -> bool:
    low, high = torch.aminmax(x)
    return bool((low >= 0) & (high < levels))
