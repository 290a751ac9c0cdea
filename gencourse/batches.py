"""Shuffled batches that a killed training can go on with."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Batches:
    """Endless shuffled batches from tensors held in memory; a short last batch is never given.

    Gives images[b], (batch_size, ...), or the pair (images[b], labels[b]). Each pass over the data is shuffled anew,
    from `seed` and the number of the pass alone: after `load_state_dict` the batches go on exactly as they would have.

    Args:
        images: (N, ...).
        batch_size: From 1 to N.
        labels: (N, ...), or None.
        seed: What the order of every pass comes from.

    Raises:
        ValueError: No full batch is possible, lengths differ, or something is no tensor.
    """

    def __init__(self, images: Tensor, batch_size: int, *, labels: Tensor | None = None, seed: int = 0):
        _check_tensors(images, *([] if labels is None else [labels]))
        if not 1 <= batch_size <= len(images):
            raise ValueError(f"batch_size must lie between 1 and the number of images, {len(images)}; got {batch_size}")
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"{len(images)} images but {len(labels)} labels")
        self.images, self.labels, self.batch_size, self.seed = images, labels, batch_size, seed
        self.epoch, self.position, self._order = 0, 0, None

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> Tensor | tuple[Tensor, Tensor]:
        if self.position + self.batch_size > len(self.images):
            self.epoch, self.position, self._order = self.epoch + 1, 0, None
        if self._order is None:
            generator = numbered(self.seed, self.epoch)
            self._order = torch.randperm(len(self.images), generator=generator, device="cpu").to(self.images.device)
        chosen = self._order[self.position : self.position + self.batch_size]
        self.position += self.batch_size
        return self.images[chosen] if self.labels is None else (self.images[chosen], self.labels[chosen])

    def state_dict(self) -> dict[str, int]:
        """The place in the data, and what it depends on."""
        return self._settings() | {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where `state` was taken.

        Raises:
            ValueError: It belongs to other data, another batch size or seed.
        """
        check_saved("batches", state, self._settings())
        self.epoch, self.position, self._order = state["epoch"], state["position"], None

    def _settings(self) -> dict[str, int]:
        return {"seed": self.seed, "batch_size": self.batch_size, "images": len(self.images)}


class UnpairedBatches:
    """Endless batches of two kinds of pictures that do not belong together: pairs (a, b) of (batch_size, C, H, W).

    Each side is shuffled for itself and begins anew when it is used up. Crops and mirroring are drawn from `seed` and
    the number of the batch alone, so that after `load_state_dict` everything goes on exactly as it would have.

    Args:
        a: (N, C, H, W), uint8, which becomes [-1, 1] in the batch, or floating point in [-1, 1].
        b: (M, C, H, W), the same; M may differ from N.
        batch_size: From 1 to the smaller of N and M.
        crop: Side of a square cut out of each picture at random, in pixels; None leaves them whole.
        flip: Mirror half of them.
        seed: What everything random comes from.

    Raises:
        ValueError: No full batch is possible, `crop` is larger than a picture, or a shape or type is another.
    """

    def __init__(
        self, a: Tensor, b: Tensor, batch_size: int, *, crop: int | None = None, flip: bool = False, seed: int = 0
    ):
        _check_tensors(a, b)
        for x in (a, b):
            if x.ndim != 4 or x.numel() == 0 or not (x.is_floating_point() or x.dtype == torch.uint8):
                got = f"{tuple(x.shape)} {x.dtype}"
                raise ValueError(f"expected pictures (N, C, H, W), uint8 or floating point, got {got}")
        sides = [min(x.shape[2:]) for x in (a, b)]
        if crop is not None and not 1 <= crop <= min(sides):
            raise ValueError(f"crop must lie between 1 and the smallest side, {min(sides)}; got {crop}")
        self.a, self.b = Batches(a, batch_size, seed=2 * seed), Batches(b, batch_size, seed=2 * seed + 1)
        self.crop, self.flip, self.seed, self.given = crop, flip, seed, 0

    def __iter__(self) -> "UnpairedBatches":
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        generator = numbered(self.seed, self.given)
        self.given += 1
        a, b = next(self.a), next(self.b)
        assert isinstance(a, Tensor) and isinstance(b, Tensor)  # neither has labels
        return self._prepare(a, generator), self._prepare(b, generator)

    def _prepare(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if self.crop is not None:
            rows, columns = (
                torch.randint(side - self.crop + 1, (len(x),), generator=generator, device="cpu").tolist()
                for side in x.shape[2:]
            )
            places = zip(x, rows, columns, strict=True)
            x = torch.stack([image[:, r : r + self.crop, c : c + self.crop] for image, r, c in places])
        if self.flip:
            drawn = torch.rand(len(x), 1, 1, 1, generator=generator, dtype=torch.float32, device="cpu")
            mirrored = (drawn < 0.5).to(x.device)
            x = torch.where(mirrored, x.flip(3), x)
        return x if x.is_floating_point() else x.float() / 127.5 - 1

    def state_dict(self) -> dict:
        """The place in both sides, and what it depends on."""
        return {"a": self.a.state_dict(), "b": self.b.state_dict(), "given": self.given, **self._settings()}

    def load_state_dict(self, state: dict) -> None:
        """Go on where `state` was taken.

        Raises:
            ValueError: It belongs to other data, another batch size, seed, crop or flip.
        """
        check_saved("batches", state, self._settings())
        self.a.load_state_dict(state["a"])
        self.b.load_state_dict(state["b"])
        self.given = state["given"]

    def _settings(self) -> dict[str, Any]:
        return {"crop": self.crop, "flip": self.flip}


def numbered(seed: int, number: int) -> torch.Generator:
    """Return the generator of a batch, or of a pass over the data: it depends on a seed and a number alone."""
    return torch.Generator().manual_seed((seed * 1_000_003 + number) % 2**63)


def check_saved(what: str, state: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Check that what was saved was made with the same settings.

    Raises:
        ValueError: One differs; the message names it, and what was saved.
    """
    for key, value in settings.items():
        if state[key] != value:
            raise ValueError(f"the saved {what} had {key} {state[key]}, these have {value}")


def _check_tensors(*tensors: Tensor) -> None:
    for x in tensors:
        if not isinstance(x, Tensor) or x.ndim < 1:
            raise ValueError(f"expected a tensor with an item a picture, got a {type(x).__name__}")
