"""Convolutions that cannot see the future: a mask over the kernel, or a kernel that ends with the rows above.

Colours share the channels by turns: channel i belongs to colour i % colours, in inputs, features and gates alike.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.expect import check_kernel


def causal_mask(kind: str, size: int) -> Tensor:
    """1 where a kernel may look: above the centre row and left of the centre; at the centre too for kind "B".

    Args:
        kind: "A" or "B".
        size: side of the kernel, odd.

    Returns:
        (size, size) float32.

    Raises:
        ValueError: another kind or size.

    Source: van den Oord et al. 2016, "Pixel Recurrent Neural Networks", sec. 3.4.
    """
    check_kernel(kind, size)
    mask, middle = torch.zeros(size, size), size // 2
    mask[:middle] = 1  # all rows above
    mask[middle, :middle] = 1  # this row, to the left
    mask[middle, middle] = kind == "B"  # itself: only where it is no longer the pixel
    return mask


def colour_mask(kind: str, outputs: int, inputs: int, colours: int) -> Tensor:
    """1 where output channel o may see input channel i of the same pixel: (outputs, inputs) float32.

    Kind "A": i belongs to an earlier colour than o; "B": to the same or an earlier one.

    Source: van den Oord et al. 2016, "Pixel Recurrent Neural Networks", sec. 3.4.
    """
    of_output, of_input = torch.arange(outputs)[:, None] % colours, torch.arange(inputs) % colours
    return (of_input < of_output if kind == "A" else of_input <= of_output).float()


class CausalConv2d(nn.Conv2d):
    """A convolution without a view of what comes later. Abstract: `seen` gives the kernel that is left of it.

    margins: rows above, columns to the left and columns to the right that the image is padded with; a row above more
    than the kernel needs shifts the image down, so that a pixel's own row is hidden.
    """

    bias: Tensor
    margins: tuple[int, int, int]

    def seen(self) -> Tensor:
        """The weights that are in use: (outputs, inputs, rows, columns), ending with the pixel's row (or above it)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        weight = self.seen()
        top, left, right = self.margins
        below = self.dilation[0] * (weight.shape[2] - 1) - top  # negative where the image is shifted down
        return self._conv_forward(F.pad(x, (left, right, top, below)), weight, self.bias)


class MaskedConv2d(CausalConv2d):
    """A convolution whose kernel is multiplied by a mask: W' = W * M, without ever writing into W.

    Rows and columns that the mask hides as a whole are left out of the sum, which saves a third of a 3 x 3 kernel.
    forward: (B, inputs, H, W) to (B, outputs, H, W).

    Args:
        kind: "A" hides the pixel itself (first layer), "B" shows it; of the colours of one pixel each sees those
            before it.
        inputs, outputs: channels.
        size: side of the kernel, odd.
        height: its rows, odd, if not `size`: 1 for a kernel that sees its own row alone.
        colours: that share the channels.
        dilation: pixels from one tap of the kernel to the next.

    Raises:
        ValueError: another kind, size or height.
    """

    mask: Tensor

    def __init__(
        self,
        kind: str,
        inputs: int,
        outputs: int,
        size: int,
        *,
        height: int | None = None,
        colours: int = 1,
        dilation: int = 1,
    ):
        height = size if height is None else height
        if not 1 <= height <= size or height % 2 == 0:
            raise ValueError(f"height must be odd and at most size, {size}; got {height}")
        super().__init__(inputs, outputs, (height, size), dilation=dilation)
        middle, over = size // 2, height // 2
        mask = causal_mask(kind, size)[middle - over : middle + over + 1].repeat(outputs, inputs, 1, 1)
        mask[:, :, over, middle] = colour_mask(kind, outputs, inputs, colours)
        self.register_buffer("mask", mask, persistent=False)
        self.rows, self.columns = over + 1, middle + 1 if height == 1 else size
        self.margins = (dilation * over, dilation * middle, dilation * (self.columns - 1 - middle))

    def seen(self) -> Tensor:
        return (self.weight * self.mask)[:, :, : self.rows, : self.columns]


class VerticalConv2d(CausalConv2d):
    """A convolution over whole rows: those above a pixel (kind "A") or those above and its own (kind "B").

    For the vertical stack, where kind A comes first: from then on a row holds only what was above it.
    forward: (B, inputs, H, W) to (B, outputs, H, W).

    Args:
        kind: "A" or "B".
        inputs, outputs: channels.
        size: columns of the kernel, odd, at least 3 for kind A; it has size // 2 rows above and for kind B its own.
        dilation: pixels from one tap of the kernel to the next.

    Raises:
        ValueError: another kind or size.

    Source: van den Oord et al. 2016, "Conditional Image Generation with PixelCNN Decoders", sec. 2.2.
    """

    def __init__(self, kind: str, inputs: int, outputs: int, size: int, *, dilation: int = 1):
        check_kernel(kind, size, least=3 if kind == "A" else 1)
        over = size // 2
        super().__init__(inputs, outputs, (over + (kind == "B"), size), dilation=dilation)
        self.margins = (dilation * over, dilation * over, dilation * over)

    def seen(self) -> Tensor:
        return self.weight
