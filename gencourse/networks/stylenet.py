"""A network that paints a picture in one pass, in one of the styles that it knows.

Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", for the network; Dumoulin et
al. 2017, "A Learned Representation for Artistic Style", for the normalisation that knows the style.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse import expect

MULTIPLE = 4  # of the sides: they are halved twice
SMALLEST = 8  # pixels a side: after two halvings the reflection still has something to mirror
EPS = 1e-5


def conditional_instance_norm(x: Tensor, gamma: Tensor, beta: Tensor, styles: Tensor) -> Tensor:
    """Normalise each channel of each picture by itself, then scale and shift it as the picture's style has it.

    Args:
        x: (B, C, H, W).
        gamma: (S, C), a row for each style.
        beta: (S, C).
        styles: (B,) int64, a style for each picture, or (B, S) weights that mix the rows.

    Returns:
        gamma_s (x - mean) / sqrt(var + 1e-5) + beta_s, mean and (biased) variance over H and W: (B, C, H, W).

    Source: Dumoulin et al. 2017, eq. 5.
    """
    scale, shift = (styles @ table if styles.is_floating_point() else table[styles] for table in (gamma, beta))
    b, c, h, w = x.shape
    groups = x.reshape(1, b * c, h, w)  # one kernel for statistics, scale and shift
    return F.group_norm(groups, b * c, scale.flatten(), shift.flatten(), EPS).reshape(x.shape)


class ConditionalInstanceNorm2d(nn.Module):
    """Instance normalisation with a gamma and a beta for each style, each a parameter of its own.

    So one style can be trained and its neighbours stay as they are, whatever an optimiser remembers of them.

    Args:
        channels: C.
        styles: How many.
    """

    def __init__(self, channels: int, styles: int):
        super().__init__()
        self.gamma = nn.ParameterList(torch.ones(channels) for _ in range(styles))
        self.beta = nn.ParameterList(torch.zeros(channels) for _ in range(styles))

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        gamma, beta = (torch.stack(list(table)) for table in (self.gamma, self.beta))
        return conditional_instance_norm(x, gamma, beta, styles)


def channels_last(x: Tensor) -> Tensor:
    """Lay x out so that a 9 x 9 convolution with three channels on one side is quick on a CPU: up to five times."""
    return x.contiguous(memory_format=torch.channels_last)


class Layer(nn.Module):
    """[nearest x 2,] convolution with reflection padding, conditional instance normalisation[, ReLU]."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, styles: int, *, stride: int = 1, doubled: bool = False,
        relu: bool = True,
    ):  # fmt: skip
        super().__init__()
        self.doubled, self.relu = doubled, relu
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False, padding_mode="reflect")
        self.norm = ConditionalInstanceNorm2d(outputs, styles)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        if self.doubled:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        x = self.norm(self.conv(x), styles)
        return F.relu(x, inplace=True) if self.relu else x


class Residual(nn.Module):
    """R_k: x + layer(layer(x)), 3 x 3, without a ReLU at the end."""

    def __init__(self, width: int, styles: int):
        super().__init__()
        self.first = Layer(width, width, 3, styles)
        self.second = Layer(width, width, 3, styles, relu=False)

    def forward(self, x: Tensor, styles: Tensor) -> Tensor:
        return x + self.second(self.first(x, styles), styles)


class TransformerNet(nn.Module):
    """Paint pictures in a style, in one pass. The name is the paper's and older than attention.

    For width 12 and 4 blocks: c9s1-12, d24, d48, R48 x 4, u24, u12, c9s1-3, with u_k nearest x 2 and a convolution. All
    weights but gamma and beta of the normalisations are shared by the styles.

    Args:
        width: Channels of the first layer.
        blocks: Residual blocks.
        styles: How many, or their names.

    Source: Johnson et al. 2016, sec. 3.1 and supplement; Dumoulin et al. 2017, table 3.
    Differs from the paper: fewer channels (32 there), the pictures end in a plain tanh, and a convolution before a
    normalisation has no bias, which the normalisation would remove.
    """

    def __init__(self, *, width: int = 12, blocks: int = 4, styles: int | Sequence[str] = 1):
        super().__init__()
        self.names = tuple(f"style {i}" for i in range(styles)) if isinstance(styles, int) else tuple(styles)
        expect.at_least(1, width=width, styles=len(self.names))
        expect.at_least(0, blocks=blocks)
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"each style needs a name of its own, got {', '.join(self.names)}")
        self.width, self.blocks, count = width, blocks, len(self.names)
        self.layers = nn.ModuleList(
            [
                Layer(3, width, 9, count),
                Layer(width, 2 * width, 3, count, stride=2),
                Layer(2 * width, 4 * width, 3, count, stride=2),
                *(Residual(4 * width, count) for _ in range(blocks)),
                Layer(4 * width, 2 * width, 3, count, doubled=True),
                Layer(2 * width, width, 3, count, doubled=True),
            ]
        )
        self.last = nn.Conv2d(width, 3, 9, padding=4, padding_mode="reflect")

    @property
    def arguments(self) -> dict[str, Any]:
        """What the class is called with to build this network again."""
        return {"width": self.width, "blocks": self.blocks, "styles": list(self.names)}

    def forward(self, x: Tensor, styles: Tensor | None = None) -> Tensor:
        """Paint pictures.

        Args:
            x: (B, 3, H, W) in [-1, 1], the sides divisible by 4 and at least 8.
            styles: (B,) int64, a style for each picture, or (B, S) weights that mix the styles' gamma and beta. A
                network of one style needs none.

        Returns:
            (B, 3, H, W) in [-1, 1].

        Raises:
            ImageError: Another shape of x.
            ValueError: styles are missing or of another shape or type.
        """
        expect.check_shape(x, "pictures", "B", 3, "H", "W", least=SMALLEST, multiple=MULTIPLE)
        styles = self._styles(x, styles)
        x = channels_last(x)
        for layer in self.layers:
            x = layer(x, styles)
        return torch.tanh(self.last(channels_last(x)))

    def _styles(self, x: Tensor, styles: Tensor | None) -> Tensor:
        if styles is None and len(self.names) == 1:
            return torch.zeros(len(x), dtype=torch.long, device=x.device)
        return expect.check_styles(styles, len(x), len(self.names))

    def norms(self) -> list[ConditionalInstanceNorm2d]:
        """Return the normalisations, from the first layer to the last."""
        return [part for part in self.modules() if isinstance(part, ConditionalInstanceNorm2d)]

    def rows(self, style: int) -> list[nn.Parameter]:
        """Return the parameters that one style has for itself: gamma and beta, layer after layer, each (C,)."""
        return [table[style] for norm in self.norms() for table in (norm.gamma, norm.beta)]

    def with_style(self, name: str, rows: Sequence[Tensor]) -> "TransformerNet":
        """Return a copy that knows one style more, the last.

        Args:
            name: Of the new style.
            rows: Its gamma and beta, as `rows` returns them; they are copied.

        Raises:
            ValueError: There is a style of that name, or the rows do not fit.
        """
        shapes = [tuple(row.shape) for row in self.rows(0)]
        if name in self.names or [tuple(row.shape) for row in rows] != shapes:
            known = f"a new name beside {', '.join(self.names)}"
            raise ValueError(f"expected {known}, and {len(shapes)} rows of this network's channels; got {name!r}")
        network = copy.deepcopy(self)
        network.names = (*self.names, name)
        for norm, gamma, beta in zip(network.norms(), rows[::2], rows[1::2], strict=True):
            norm.gamma.append(nn.Parameter(gamma.detach().clone()))
            norm.beta.append(nn.Parameter(beta.detach().clone()))
        return network
