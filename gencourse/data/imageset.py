"""Images of one size held in memory: what every data set is once it is read."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gencourse.expect import ImageError, UnknownName, check_tensor
from gencourse.images import to_signed

SPLITS = ("all", "train", "test")


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one size held in memory.

    Args:
        name: of the data set.
        images: (N, C, H, W) uint8.
        labels: (N,) int64, indices into `names`, or None.
        names: of the classes.
        meta: for each image what else is known of it, or empty.

    Raises:
        ImageError: for images or labels of another shape or type; pictures in [0, 1] are not bytes.
    """

    name: str
    images: Tensor
    labels: Tensor | None
    names: tuple[str, ...]
    meta: tuple[dict, ...] = ()

    def __post_init__(self):
        if check_tensor(self.images).ndim != 4 or self.images.dtype != torch.uint8:
            got = f"shape {tuple(self.images.shape)} {self.images.dtype}"
            raise ImageError(f"the images of a set must be (N, C, H, W) uint8, got {got}")
        if self.labels is None:
            return
        if check_tensor(self.labels).shape != self.images.shape[:1] or self.labels.dtype != torch.int64:
            got = f"shape {tuple(self.labels.shape)} {self.labels.dtype}"
            raise ImageError(f"the labels of {len(self.images)} images must be as many int64, got {got}")

    def __len__(self) -> int:
        return len(self.images)

    def unit(self) -> Tensor:
        """Return the images as float32 in [0, 1]."""
        return self.images.float() / 255

    def signed(self) -> Tensor:
        """Return the images as float32 in [-1, 1]."""
        return to_signed(self.unit())

    def subset(self, indices: slice | Sequence[int] | Tensor) -> "ImageSet":
        """Return some of the images.

        Args:
            indices: a slice, integers, or a mask of N booleans.

        Raises:
            IndexError: for an index that there is not.
        """
        chosen = torch.arange(len(self), device=self.images.device)[indices].reshape(-1)
        labels = None if self.labels is None else self.labels[chosen]
        meta = tuple(self.meta[i] for i in chosen.tolist()) if self.meta else ()
        return ImageSet(self.name, self.images[chosen], labels, self.names, meta)


def check_split(split: str) -> str:
    """Return `split`, or raise UnknownName where it is not one of SPLITS."""
    if split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    return split
