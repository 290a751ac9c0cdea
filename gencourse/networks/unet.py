"""The U-Net of diffusion models: a noisy picture, its time and perhaps its class go in, a picture comes out."""

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse.expect import at_least, check_labels, check_shape

GROUPS = 8  # of each group normalisation; every width must be a multiple of it


class UNet(nn.Module):
    """Predict from x_t and t what the training asks for: the noise, x_0 or v.

    forward: x_t (B, channels, H, W), t (B,), labels (B,) int64 in [0, classes] or None for "any"; returns the shape of
    x_t, zero before training. Raises ValueError for other shapes and labels without classes; what the labels are it
    does not look at, which would make an accelerator wait in every step of a training.

    Args:
        channels: of the pictures.
        widths: channels of each level, multiples of 8; from one level to the next the sides are halved
            (28 -> 14 -> 7), odd ones rounded up.
        blocks: residual blocks a level, going down and again coming up.
        attention: how many of the lowest levels attend.
        heads: of attention, in each block that attends.
        classes: 0, or how many classes it may be asked for; then label `null`, equal to `classes`, means "any".
        dropout: in each residual block.

    Raises:
        ValueError: other sizes.

    Source: Ho et al. 2020, app. B.
    Differs from the paper: halved and doubled by mean and repetition, without convolutions; one skip a level, not one a
    block; time scales and shifts the normalised features (Nichol & Dhariwal 2021, app. A) where the paper adds it;
    several heads attend, in each block of the lowest levels; the middle is one block without attention.
    """

    def __init__(
        self,
        *,
        channels: int = 1,
        widths: Sequence[int] = (32, 64, 128),
        blocks: int = 1,
        attention: int = 1,
        heads: int = 4,
        classes: int = 0,
        dropout: float = 0.0,
    ):
        super().__init__()
        at_least(1, channels=channels, blocks=blocks, heads=heads)
        if not 0 <= attention <= len(widths) or any(width % heads for width in widths[len(widths) - attention :]):
            raise ValueError(f"0 to {len(widths)} levels can attend, of widths that {heads} heads divide")
        self.channels, self.classes, self.null = channels, classes, classes
        conditions = 4 * widths[0]
        self.time = nn.Sequential(nn.Linear(2 * widths[0], conditions), nn.SiLU(), nn.Linear(conditions, conditions))
        self.label = nn.Embedding(classes + 1, conditions) if classes else None
        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            level_heads = heads if level >= len(widths) - attention else 0
            from_above, from_below = widths[max(level - 1, 0)], widths[min(level + 1, len(widths) - 1)]
            self.down.append(_stage(from_above, width, blocks, conditions, level_heads, dropout))
            self.up.append(_stage(from_below + width, width, blocks, conditions, level_heads, dropout))
        self.middle = ConditionedBlock(widths[-1], widths[-1], conditions, dropout=dropout)
        last = _zero(nn.Conv2d(widths[0], channels, 3, padding=1))
        self.head = nn.Sequential(Norm(GROUPS, widths[0]), nn.SiLU(), last)
        self.to(memory_format=torch.channels_last)  # convolutions are up to twice as fast

    def forward(self, x_t: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        check_shape(x_t, "x_t", "B", self.channels, "H", "W")
        check_shape(t, "t", len(x_t), floating=False)
        if labels is not None:
            check_labels(labels, self.classes + 1 if self.classes else 0, len(x_t))
        first = cast(nn.Linear, self.time[0])
        conditions = self.time(time_features(t, first.in_features).to(first.weight.dtype))  # (B, 4 widths[0])
        if self.label is not None:
            conditions = conditions + self.label(torch.full_like(t, self.null).long() if labels is None else labels)
        conditions = F.silu(conditions)
        x = self.stem(x_t).contiguous(memory_format=torch.channels_last)  # a single channel does not tell its format
        skips = []
        for level, stage in enumerate(self.down):
            x = F.avg_pool2d(x, 2, ceil_mode=True) if level else x
            for block in stage.children():
                x = block(x, conditions)
            skips.append(x)
        x = self.middle(x, conditions)
        for stage, skip in zip(reversed(self.up), reversed(skips), strict=True):
            x = F.interpolate(x, skip.shape[2:]) if x.shape[2:] != skip.shape[2:] else x
            x = torch.cat((x, skip), 1)
            for block in stage.children():
                x = block(x, conditions)
        return self.head(x)


class ConditionedBlock(nn.Module):
    """A residual block: x + conv(SiLU(norm(conv(SiLU(norm(x)))))), its second norm scaled and shifted.

    The scale and shift come from the conditions; attention follows where there are heads.
    forward: x (B, inputs, H, W), conditions (B, conditions), to (B, outputs, H, W).
    """

    def __init__(self, inputs: int, outputs: int, conditions: int, *, heads: int = 0, dropout: float = 0.0):
        super().__init__()
        self.norm1, self.conv1 = Norm(GROUPS, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.scale_shift = nn.Linear(conditions, 2 * outputs)
        self.norm2, self.conv2 = Norm(GROUPS, outputs), _zero(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.dropout = nn.Dropout(dropout)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        self.attention = SelfAttention(outputs, heads) if heads else nn.Identity()

    def forward(self, x: Tensor, conditions: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.scale_shift(conditions)[:, :, None, None].chunk(2, dim=1)  # (B, outputs, 1, 1) each
        h = F.silu(torch.addcmul(shift, self.norm2(h), 1 + scale))
        return self.attention(self.skip(x) + self.conv2(self.dropout(h)))

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        """Take weights in under `straight` as well, the name of `skip` before 0.2."""
        for name in ("weight", "bias"):
            if f"{prefix}straight.{name}" in state_dict:
                state_dict[f"{prefix}skip.{name}"] = state_dict.pop(f"{prefix}straight.{name}")
        super()._load_from_state_dict(state_dict, prefix, *args)


class SelfAttention(nn.Module):
    """x plus what each pixel gathers from all others: (B, C, H, W) to the same, C a multiple of heads."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, self.norm = heads, Norm(GROUPS, width)
        self.query_key_value, self.out = nn.Linear(width, 3 * width), _zero(nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        tokens = self.norm(x).permute(0, 2, 3, 1).reshape(b, h * w, c)  # in channels-last no copy, only another view
        q, k, v = self.query_key_value(tokens).view(b, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        gathered = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, h * w, c)
        return x + self.out(gathered).view(b, h, w, c).permute(0, 3, 1, 2)


class Norm(nn.GroupNorm):
    """Group normalisation, in float32 also under autocast: on CPUs the bfloat16 kernel takes twice as long."""

    def forward(self, x: Tensor) -> Tensor:
        dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
        weight, bias = self.weight.to(dtype), self.bias.to(dtype)
        return F.group_norm(x.to(dtype), self.num_groups, weight, bias, self.eps).to(self.weight.dtype)


def time_features(t: Tensor, size: int) -> Tensor:
    """Sines and cosines of times at size / 2 frequencies from 1 down to nearly 1 / 10,000.

    Args:
        t: (B,).
        size: even.

    Returns:
        (B, size).

    Source: Vaswani et al. 2017, sec. 3.5.
    """
    frequencies = torch.exp(
        -math.log(10_000) * torch.arange(size // 2, dtype=torch.float32, device=t.device) / (size // 2)
    )
    angles = t[:, None] * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=1)


def _stage(inputs: int, width: int, blocks: int, conditions: int, heads: int, dropout: float) -> nn.ModuleList:
    ins = [inputs] + [width] * (blocks - 1)
    return nn.ModuleList(ConditionedBlock(i, width, conditions, heads=heads, dropout=dropout) for i in ins)


def _zero(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """Make a layer's answer zero at first, so that the block around it starts as the identity."""
    for part in layer.parameters():
        nn.init.zeros_(part)
    return layer
