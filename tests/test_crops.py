"""Squares out of pictures: cut inside, all of them reached, and going on where a training stopped."""

import pytest
import torch

from gencourse.expect import ImageError
from gencourse.training.crops import Crops


def numbered(h: int, w: int) -> torch.Tensor:
    """A picture whose pixels say where they are: row and column in 255ths, and a third channel."""
    rows, columns = (torch.arange(n) / 255 for n in (h, w))
    return torch.stack([rows[:, None].expand(h, w), columns.expand(h, w), torch.zeros(h, w)])[None]


def test_squares_are_cut_from_everywhere_and_mirrored():
    corners, mirrored = set(), 0
    crops = Crops([numbered(8, 9)], 4, 6)
    for _ in range(60):
        for square in next(crops):
            places = ((square + 1) * 127.5).round().long()
            assert places.shape == (3, 6, 6) and (places[0].diff(dim=0) == 1).all()
            step = places[1].diff(dim=1)
            assert (step == 1).all() or (step == -1).all()
            mirrored += int(step[0, 0] == -1)
            corners.add((int(places[0].min()), int(places[1].min())))
    assert corners == {(r, c) for r in range(3) for c in range(4)}
    assert 80 < mirrored < 160


def test_pictures_differ_in_size_and_all_are_used():
    crops = Crops([torch.full((1, 3, 6 + i, 9 - i), i / 10) for i in range(3)], 8, 6, flip=False)
    seen = torch.cat([next(crops) for _ in range(5)])
    assert seen.shape == (40, 3, 6, 6)
    assert {round(float((x + 1) * 5)) for x in seen[:, 0, 0, 0]} == {0, 1, 2}


def test_augmented_squares_are_turned_inverted_and_their_colours_exchanged():
    colours = torch.tensor([0.0, 0.2, 0.6])[None, :, None, None]
    falling = colours + 0.4 * torch.linspace(0, 1, 6)[:, None].expand(6, 6)  # darker at the top
    crops, turned, orders, inverted = Crops([falling], 16, 6, augment=True), set(), set(), set()
    for _ in range(20):
        for square in next(crops):
            steps = [tuple(square.mean(0).diff(dim=axis).sign().unique().tolist()) for axis in (0, 1)]
            turned.add(tuple(steps))
            orders.add(tuple(square.mean((1, 2)).argsort().tolist()))
            inverted.add(round(float(square.mean() + 1) * 0.5, 2))
    assert turned == {((1,), (0,)), ((-1,), (0,)), ((0,), (1,)), ((0,), (-1,))}
    assert len(orders) == 6 and inverted == {0.47, 0.53}


def test_they_go_on_where_they_stopped():
    pictures = [torch.rand(1, 3, 20, 24) for _ in range(4)]
    first, again, other = (Crops(pictures, 3, 8, seed=seed) for seed in (5, 5, 6))
    batches = [next(first) for _ in range(4)]
    assert torch.equal(next(again), batches[0]) and not torch.equal(next(other), batches[0])
    again.load_state_dict({**again.state_dict(), "given": 3})
    assert torch.equal(next(again), batches[3])
    with pytest.raises(ValueError, match="the saved squares had seed 5, these have 6"):
        other.load_state_dict(first.state_dict())


def test_what_no_square_can_be_cut_from():
    with pytest.raises(ImageError, match="there is no picture"):
        Crops([], 1, 4)
    with pytest.raises(ImageError, match="of at least 8 pixels; got shape"):
        Crops([torch.zeros(1, 3, 7, 20)], 1, 8)
    with pytest.raises(ImageError, match="expected values in"):
        Crops([torch.full((1, 3, 8, 8), 2.0)], 1, 8)
    with pytest.raises(ValueError, match="at least 1, got 0 and 8"):
        Crops([torch.zeros(1, 3, 8, 8)], 0, 8)
