"""The networks of `pixelcnn` evaluated one pixel at a time: what was computed for earlier pixels is kept, not redone.

Every convolution remembers the inputs that it still needs. What it makes of the rows above is computed once, for the
whole row, when the row begins; for a pixel only its left neighbours and itself are left to be added.
"""

from collections import deque
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.networks.autoregressive import PixelNetwork
from gencourse.networks.masked import CausalConv2d, MaskedConv2d

WRITTEN = cast(Tensor, None)  # stands for the pixels where the first layers have them already


class Row:
    """A convolution's inputs along one row, and the views of them that each pixel needs, made once."""

    def __init__(self, padded: Tensor, margins: tuple[int, int], step: int):
        left, right = margins
        self.padded = padded  # (B, left + W + right, inputs)
        self.inputs = padded[:, left : padded.shape[1] - right]
        self.pixels = self.inputs.unbind(1)  # (B, inputs) each
        self.patches = [padded[:, c : c + left + 1 : step] for c in range(len(self.pixels))]  # (B, taps, inputs)


class Memory:
    """The last rows that one convolution has seen, and what it makes of them."""

    def __init__(self, layer: CausalConv2d, b: int, w: int):
        self.weight, self.bias, self.step = layer.seen().detach(), layer.bias.detach(), layer.dilation[0]
        top, self.left, right = layer.margins
        shape = (b, self.left + w + right, layer.in_channels)
        rows = (Row(self.weight.new_zeros(shape), (self.left, right), self.step) for _ in range(top + 1))
        self.rows = deque(rows)  # the row under way is the last
        self.sums_up = isinstance(layer, MaskedConv2d) and top > 0
        self.sums: Tensor | None = None  # what the rows above and the bias add up to: (W, B, outputs)
        beside = self.weight[:, :, -1, : self.left // self.step + 1]  # (outputs, inputs, taps)
        self.beside = beside.permute(2, 1, 0).flatten(0, 1)  # (taps * inputs, outputs)

    def begin_row(self) -> None:
        """Forget the oldest row and make room for a new one."""
        self.rows.rotate(-1)
        if self.sums_up:
            self.sums = self.read_row(self.weight[:, :, :-1])[:, :, 0].permute(2, 0, 1)

    def write_row(self, x: Tensor) -> None:
        """Take in the row under way, (B, inputs, 1, W)."""
        self.rows[-1].inputs.copy_(x[:, :, 0].transpose(1, 2))

    def read_row(self, weight: Tensor) -> Tensor:
        """Convolve with a kernel whose first row meets the oldest row that is kept: (B, outputs, 1, W)."""
        rows = torch.stack([self.rows[i * self.step].padded for i in range(weight.shape[2])], 1)
        return F.conv2d(rows.permute(0, 3, 1, 2), weight, self.bias, dilation=(1, self.step))

    def read(self, c: int, x: Tensor | None) -> Tensor:
        """Take in the pixel in column c, (B, inputs), unless it is there already, and convolve there: (B, outputs)."""
        if not self.left:  # 1 x 1: nothing to remember
            assert x is not None  # only the first layers have their inputs already, and they see neighbours
            return torch.addmm(self.bias, x, self.beside)
        row = self.rows[-1]
        if x is not None:
            row.pixels[c].copy_(x)
        return torch.addmm(self.bias if self.sums is None else self.sums[c], row.patches[c].flatten(1), self.beside)


class Columns:
    """The logits of a network pixel by pixel in raster order, each for the price of one column of every layer.

    Call it with (r, c): the logits of that pixel, (B, levels, C), of which those of colour k count once the colours
    before k are written. They equal network(x, labels)[..., r, c] up to rounding. Pixels in between are caught up on.

    Args:
        network: with `entries`.
        x: (B, C, H, W) int64, where the caller writes each pixel before asking for a later one.
        labels: as the network's.

    Raises:
        ValueError: a network that knows no columns; when called, for pixels that lie back.
    """

    def __init__(self, network: PixelNetwork, x: Tensor, labels: Tensor | None = None):
        if not network.entries:
            raise ValueError(f"{type(network).__name__} cannot be evaluated pixel by pixel: use sample_naive")
        self.network, self.x, self.context = network, x, network.context(labels)
        layers = [layer for layer in network.modules() if isinstance(layer, CausalConv2d)]
        self.memories: dict[nn.Module, Memory] = {layer: Memory(layer, len(x), x.shape[3]) for layer in layers}
        self.entries = [self.memories[layer] for layer in network.entries]
        self.signed = network.place(network.encode(x))
        self.done = -1  # index of the last pixel that was asked for
        self.above: list[Tensor] = []

    @torch.inference_mode()
    def __call__(self, r: int, c: int) -> Tensor:
        w = self.x.shape[3]
        index = r * w + c
        if index < self.done:
            raise ValueError(f"pixel ({r}, {c}) lies before the last one, and what came before it is forgotten")
        for i in range(min(self.done + 1, index), index + 1):
            logits = self._advance(*divmod(i, w))
        return logits

    def _advance(self, r: int, c: int) -> Tensor:
        w, last = self.x.shape[3], self.done
        self.done = r * w + c
        if last >= 0:
            self._look(*divmod(last, w))  # what the caller has made of it
        if last < self.done and c == 0:
            self._begin_row(r)
        above = [link[:, :, 0, c] for link in self.above]
        return self.network.along(WRITTEN, above, self.context, self._pixel).unflatten(1, (self.network.levels, -1))

    def _begin_row(self, r: int) -> None:
        for memory in self.memories.values():
            memory.begin_row()
        for memory in self.entries:
            memory.write_row(self.signed[:, :, r : r + 1])
        self.above = self.network.above(WRITTEN, self.context, self._row)

    def _look(self, r: int, c: int) -> None:
        pixel = self.network.encode(self.x[:, :, r, c])
        for memory in self.entries:
            memory.rows[-1].pixels[c][:, : self.network.channels] = pixel

    def _row(self, layer: nn.Module, x: Tensor | None, plus: Tensor | None) -> Tensor:
        memory = self.memories[layer]
        if x is not None:  # the first layers have the pixels already
            memory.write_row(x)
        y = memory.read_row(memory.weight)
        return y if plus is None else y + plus

    def _pixel(self, layer: nn.Module, x: Tensor | None, plus: Tensor | None) -> Tensor:
        y = self.memories[layer].read(self.done % self.x.shape[3], x)
        return y if plus is None else y + plus.flatten(1)
