"""Random squares out of pictures that differ in size: batches that a killed training can go on with."""

from collections.abc import Iterable

import torch
from torch import Tensor

from gencourse.batches import check_saved, numbered
from gencourse.expect import ImageError, check_range, check_shape


class Crops:
    """Endless batches of squares cut out of pictures at random: (batch_size, 3, size, size) in [-1, 1].

    Which picture, where and whether mirrored is drawn from `seed` and the number of the batch alone, so that after
    `load_state_dict` everything goes on exactly as it would have. The pictures are kept as bytes.

    Args:
        pictures: Each (1, 3, H, W) in [0, 1]; sizes may differ.
        batch_size: How many squares.
        size: Side of a square in pixels.
        flip: Mirror half of them.
        augment: Also turn each by a random number of quarter turns, exchange its colours and invert half of them, so
            that few pictures are learned by heart later.
        seed: What everything random comes from.

    Raises:
        ImageError: There is no picture, one is smaller than a square, or is none.
        ValueError: No square is asked for.
    """

    def __init__(
        self,
        pictures: Iterable[Tensor],
        batch_size: int,
        size: int,
        *,
        flip: bool = True,
        augment: bool = False,
        seed: int = 0,
    ):
        if batch_size < 1 or size < 1:
            raise ValueError(f"batch_size and size must be at least 1, got {batch_size} and {size}")
        self.pictures = [_bytes(x, size) for x in pictures]
        if not self.pictures:
            raise ImageError("there is no picture to cut squares out of")
        self.batch_size, self.size, self.flip, self.augment = batch_size, size, flip, augment
        self.seed, self.given = seed, 0

    def __iter__(self) -> "Crops":
        return self

    def __next__(self) -> Tensor:
        generator = numbered(self.seed, self.given)
        self.given += 1
        return torch.stack([self._square(generator) for _ in range(self.batch_size)]).float() / 127.5 - 1

    def _square(self, generator: torch.Generator) -> Tensor:
        def draw(count: int) -> int:
            return int(torch.randint(count, (), generator=generator, device="cpu"))

        x = self.pictures[draw(len(self.pictures))]
        top, left = (draw(side - self.size + 1) for side in x.shape[1:])
        square = x[:, top : top + self.size, left : left + self.size]
        square = square.flip(2) if self.flip and draw(2) else square
        if not self.augment:
            return square
        square = square.rot90(draw(4), (1, 2))[torch.randperm(3, generator=generator, device="cpu")]
        return 255 - square if draw(2) else square

    def state_dict(self) -> dict[str, int | bool]:
        """How many batches were given, and what they depend on."""
        return self._settings() | {"given": self.given}

    def load_state_dict(self, state: dict[str, int | bool]) -> None:
        """Go on where `state` was taken.

        Raises:
            ValueError: It belongs to other pictures, another size, batch size or seed.
        """
        check_saved("squares", state, self._settings())
        self.given = int(state["given"])

    def _settings(self) -> dict[str, int | bool]:
        fixed = {"pictures": len(self.pictures), "batch_size": self.batch_size, "size": self.size}
        return fixed | {"flip": self.flip, "seed": self.seed} | ({"augment": True} if self.augment else {})


def _bytes(x: Tensor, size: int) -> Tensor:
    check_range(check_shape(x, "a picture to cut squares out of", 1, 3, "H", "W", least=size), 0, 1)
    return (x[0].clamp(0, 1) * 255).round().to(torch.uint8)
