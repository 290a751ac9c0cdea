"""Shuffled batches that a killed training can go on with."""

import torch
from torch import Tensor


class Batches:
    """Endless shuffled batches from tensors held in memory; a short last batch is never given.

    images: (N, ...); labels: (N, ...) or None. Gives images[b], (batch_size, ...), or the pair (images[b], labels[b]).
    Each pass over the data is shuffled anew, from `seed` and the number of the pass alone: after `load_state_dict` the
    batches go on exactly as they would have. Raises ValueError when no full batch is possible or lengths differ.
    """

    def __init__(self, images: Tensor, batch_size: int, *, labels: Tensor | None = None, seed: int = 0):
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
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
            self._order = torch.randperm(len(self.images), generator=generator).to(self.images.device)
        chosen = self._order[self.position : self.position + self.batch_size]
        self.position += self.batch_size
        return self.images[chosen] if self.labels is None else (self.images[chosen], self.labels[chosen])

    def state_dict(self) -> dict[str, int]:
        """The place in the data, and what it depends on."""
        fixed = {"seed": self.seed, "batch_size": self.batch_size, "images": len(self.images)}
        return fixed | {"epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where `state` was taken. Raises ValueError when it belongs to other data, batch size or seed."""
        for key, value in self.state_dict().items():
            if key not in ("epoch", "position") and state[key] != value:
                raise ValueError(f"the saved batches had {key} {state[key]}, these have {value}")
        self.epoch, self.position, self._order = state["epoch"], state["position"], None
