"""The floor: real pictures drawn as the samples are, of the same classes and none of them twice."""

import pytest
import torch

from gencourse.metrics import Features, draw_like, floor, frechet_distance

LABELS = torch.arange(400) % 4


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def real(distance: float = 10.0) -> Features:
    """400 pictures of four classes, each around a corner of its own."""
    corners = distance * torch.eye(4)
    return Features(corners[LABELS] + 0.3 * torch.randn(400, 4, generator=seeded(1)), torch.empty(0))


def test_drawn_are_the_classes_that_were_asked_for_and_none_twice():
    wanted = torch.tensor([3, 0, 0, 1, 3, 3, 2] * 20)
    drawn = draw_like(LABELS, wanted, seeded())
    assert torch.equal(LABELS[drawn], wanted)
    assert len(drawn.unique()) == len(wanted)


def test_every_picture_of_a_class_can_be_drawn():
    drawn = draw_like(LABELS, torch.full((100,), 2), seeded())
    assert torch.equal(drawn.sort().values, torch.arange(2, 400, 4))


def test_a_number_leaves_the_classes_to_chance():
    counts = LABELS[draw_like(LABELS, 100, seeded())].bincount(minlength=4)
    assert counts.sum() == 100 and counts.ne(25).any()
    assert len(draw_like(LABELS, 400, seeded()).unique()) == 400


def test_one_seed_gives_one_draw_and_another_another():
    once, again, other = (draw_like(LABELS, LABELS[:40], seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(once, again) and not torch.equal(once, other)


def test_the_floor_of_balanced_classes_lies_below_that_of_random_ones():
    """The distance sees how many of each class there are: this is what a floor of another drawing gets wrong."""
    balanced = floor(real(), LABELS, torch.arange(60) % 4, draws=10, generator=seeded())
    chance = floor(real(), LABELS, 60, draws=10, generator=seeded())
    assert len(balanced) == 10 and len(balanced.unique()) == 10
    assert balanced.max() < chance.median()


def test_what_was_drawn_is_not_left_in_the_reference():
    wanted = torch.arange(200) % 4
    drawn = draw_like(LABELS, wanted, seeded(5))
    others = torch.tensor(sorted(set(range(400)) - set(drawn.tolist())))
    features = real().features
    expected = frechet_distance(features[others], features[drawn])
    assert floor(real(), LABELS, wanted, draws=1, generator=seeded(5)).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw_like(LABELS, torch.zeros(101).long()), "cannot draw 101 of the 100 real pictures of class 0"),
        (lambda: draw_like(LABELS, 401), "cannot draw 401 of 400"),
        (lambda: draw_like(LABELS, 0), "cannot draw 0 of 400"),
        (lambda: floor(real(), LABELS[:9], 5), "400 real pictures need a label each"),
        (lambda: floor(real(), LABELS, 5, draws=0), "at least one draw"),
        (lambda: floor(real(), LABELS, 400), "at least 2 pictures"),
    ],
)
def test_what_cannot_be_drawn_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
