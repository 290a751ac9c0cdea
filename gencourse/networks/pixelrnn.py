"""PixelRNN with row LSTMs: a recurrence from row to row in place of the rows that a masked convolution sees."""

import torch
from torch import Tensor, nn

from gencourse.networks.autoregressive import PixelNetwork, label_embeddings
from gencourse.networks.masked import MaskedConv2d


class RowLSTM(nn.Module):
    """An LSTM that goes down an image row by row, all pixels of a row at once.

    forward: (B, inputs, H, W), plus (B, 4 * width, 1, 1) or None that is added to the gates, to (B, width, H, W); a
    pixel of it has seen its row up to itself and a triangle of the rows above.

    Args:
        inputs: channels that come in.
        width: channels of state and output.
        size: of both kernels along the row, odd.
        colours: that share the channels.

    Source: van den Oord et al. 2016, "Pixel Recurrent Neural Networks", sec. 3.1 and eq. 3.
    """

    def __init__(self, inputs: int, width: int, size: int, *, colours: int = 1):
        super().__init__()
        self.width = width
        self.input_to_state = MaskedConv2d("B", inputs, 4 * width, size, height=1, colours=colours)
        self.state_to_state = nn.Conv2d(width, 4 * width, (1, size), padding=(0, size // 2), bias=False)

    def forward(self, x: Tensor, plus: Tensor | None = None) -> Tensor:
        from_input = self.input_to_state(x)  # the whole image at once: nothing in it is recurrent
        from_input = from_input if plus is None else from_input + plus
        cell = state = x.new_zeros(len(x), self.width, 1, x.shape[3])
        rows = []
        for gates in from_input.split(1, 2):
            o, f, i, g = (gates + self.state_to_state(state)).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            state = o.sigmoid() * cell.tanh()
            rows.append(state)
        return torch.cat(rows, 2)


class PixelRNN(PixelNetwork):
    """Row LSTMs with residual connections, 2 * width channels between them and `width` inside.

    Args:
        width: channels inside an LSTM.
        layers: masked convolution and LSTMs, together.
        kernel: along the rows.
        first_kernel: of the convolution.
        levels, channels, classes, side: as PixelNetwork's.

    Source: van den Oord et al. 2016, "Pixel Recurrent Neural Networks", table 1.
    Differs from the paper: two LSTMs and not up to twelve, none of them diagonal; the network sees coordinates.
    """

    def __init__(
        self,
        *,
        levels: int = 2,
        channels: int = 1,
        width: int = 32,
        layers: int = 3,
        kernel: int = 3,
        first_kernel: int = 7,
        classes: int = 0,
        side: int = 28,
    ):
        super().__init__(levels, channels, width, layers, (first_kernel, kernel), classes, side)
        self.first = MaskedConv2d("A", channels + 2, 2 * width, first_kernel, colours=channels)
        self.blocks = nn.ModuleList(RowLSTM(2 * width, width, kernel, colours=channels) for _ in range(layers - 1))
        self.widen = nn.ModuleList(MaskedConv2d("B", width, 2 * width, 1, colours=channels) for _ in self.blocks)
        self.head = MaskedConv2d("B", 2 * width, 2 * width, 1, colours=channels)
        self.tail = MaskedConv2d("B", 2 * width, levels * channels, 1, colours=channels)
        self.embeddings = label_embeddings(classes, 4 * width, len(self.blocks))

    def along(self, x, above, context, convolve):
        x = convolve(self.first, x, None)
        for layer, widen, label in zip(self.blocks, self.widen, context, strict=True):
            x = x + convolve(widen, layer(x, label), None)
        x = convolve(self.head, torch.relu(x), None)
        return convolve(self.tail, torch.relu(x), None)
