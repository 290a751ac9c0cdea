"""Batches of pairs, both pictures of a pair moved alike, that a killed training can go on with."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.batches import Batches, check_saved, numbered
from gencourse.expect import ImageError, at_least


def jitter_pair(
    a: Tensor, b: Tensor, generator: torch.Generator | None = None, *, grow: int = 8, flip: bool = True
) -> tuple[Tensor, Tensor]:
    """Move pairs of pictures a little: enlarged, cut to their old size at a random place, mirrored or not.

    Both pictures of a pair are moved alike, each pair in its own way. They are joined for it, so that they cannot part.

    Args:
        a: (B, C, H, W), floating point.
        b: (B, K, H, W), likewise.
        generator: What is drawn comes from it; on the CPU.
        grow: Pixels by which both sides are enlarged, bilinearly; 0 leaves that out.
        flip: Mirror half of them.

    Returns:
        As many of the same shapes.

    Source: Isola et al. 2017, sec. 6.2, where 256 pixels grow by 30.
    """
    x, (h, w) = torch.cat([a, b], 1), a.shape[2:]
    if grow:
        x = F.interpolate(x, (h + grow, w + grow), mode="bilinear", align_corners=False)
        tops, lefts = torch.randint(grow + 1, (2, len(x)), generator=generator, device="cpu").tolist()
        places = zip(x, tops, lefts, strict=True)
        x = torch.stack([pair[:, top : top + h, left : left + w] for pair, top, left in places])
    if flip:
        drawn = torch.rand(len(x), 1, 1, 1, generator=generator, dtype=torch.float32, device="cpu")
        x = torch.where((drawn < 0.5).to(x.device), x.flip(3), x)
    return x[:, : a.shape[1]], x[:, a.shape[1] :]


class PairedBatches:
    """Endless shuffled batches of pairs, moved a little: (a, b) of (batch_size, C, H, W) in [-1, 1].

    What is drawn comes from `seed` and the number of the batch alone, so that after `load_state_dict` everything goes
    on exactly as it would have.

    Args:
        a: (N, C, H, W), uint8, which becomes [-1, 1] in the batch, or floating point in [-1, 1].
        b: (N, K, H, W), the same: b[i] belongs to a[i].
        batch_size: From 1 to N.
        grow: Pixels by which pairs are enlarged before a piece of the old size is cut out at random; 0 for none.
        flip: Mirror half of them.
        seed: What everything random comes from.

    Raises:
        ImageError: These are no pairs of pictures: numbers or sizes differ, or a shape or type is another.
        ValueError: No full batch is possible, or `grow` is negative.
    """

    def __init__(self, a: Tensor, b: Tensor, batch_size: int, *, grow: int = 0, flip: bool = False, seed: int = 0):
        at_least(0, grow=grow)
        for x in (a, b):
            fits = isinstance(x, Tensor) and x.ndim == 4 and x.numel() > 0
            if not fits or not (x.is_floating_point() or x.dtype == torch.uint8):
                got = f"{tuple(x.shape)} {x.dtype}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
                raise ImageError(f"expected pictures (N, C, H, W), uint8 or floating point, got {got}")
        if len(a) != len(b) or a.shape[2:] != b.shape[2:]:
            raise ImageError(f"expected pairs of one size, got {tuple(a.shape)} and {tuple(b.shape)}")
        self.pairs = Batches(a, batch_size, labels=b, seed=seed)
        self.grow, self.flip, self.seed, self.given = grow, flip, seed, 0

    def __iter__(self) -> "PairedBatches":
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        generator = numbered(~self.seed, self.given)  # another one than the order's
        self.given += 1
        a, b = (x if x.is_floating_point() else x.float() / 127.5 - 1 for x in next(self.pairs))
        return jitter_pair(a, b, generator, grow=self.grow, flip=self.flip)

    def state_dict(self) -> dict[str, Any]:
        """The place in the pairs, and what it depends on."""
        return {"pairs": self.pairs.state_dict(), "given": self.given, **self._settings()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken.

        Raises:
            ValueError: It belongs to other pairs, another batch size, seed, grow or flip.
        """
        check_saved("batches", state, self._settings())
        self.pairs.load_state_dict(state["pairs"])
        self.given = state["given"]

    def _settings(self) -> dict[str, Any]:
        return {"grow": self.grow, "flip": self.flip}
