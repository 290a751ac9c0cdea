"""The drawn landscapes: the same scene in two seasons, the same pictures everywhere, nothing shared between splits."""

import pytest
import torch
from torch.testing import assert_close

from gencourse import data, metrics
from gencourse.seasons import SEASONS, render
from gencourse.seasons.drawing import Canvas, SeededDraws, colour, disc, mix

LEVEL = 1 / 255


@pytest.fixture(scope="module")
def summer() -> torch.Tensor:
    return render(range(24), "summer")


@pytest.fixture(scope="module")
def winter() -> torch.Tensor:
    return render(range(24), "winter")


def test_pictures_are_in_range_and_differ(summer, winter):
    for pictures in (summer, winter):
        assert pictures.shape == (24, 3, 64, 64) and pictures.dtype == torch.float32
        assert pictures.min() >= 0 and pictures.max() <= 1
        distances = torch.cdist(pictures.flatten(1), pictures.flatten(1))
        distances.fill_diagonal_(9)
        assert distances.min() > 5  # root of the sum over 12,288 values: no two scenes alike


def test_a_scene_depends_on_its_seed_alone(summer):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    assert_close(render([7, 3, 7], "summer"), summer[[7, 3, 7]], atol=LEVEL, rtol=0)
    assert_close(render(torch.tensor([23]), "summer"), summer[23:], atol=LEVEL, rtol=0)
    assert torch.equal(torch.rand(3), expected), "the global random state was touched"


def test_more_scenes_than_are_drawn_at_a_time(summer):
    assert_close(render(range(40), "summer")[:24], summer, atol=LEVEL, rtol=0)


def test_a_large_picture_shows_the_same_scene(summer, winter):
    for small, season in ((summer, "summer"), (winter, "winter")):
        large = render(range(8), season, 128)
        assert large.shape == (8, 3, 128, 128)
        halved = torch.nn.functional.avg_pool2d(large, 2)
        assert metrics.psnr(halved, small[:8]).min() > 24


def test_winter_is_white_and_summer_is_not(summer, winter):
    ground = slice(40, None)
    spread = [(x.amax(1) - x.amin(1))[:, ground].mean() for x in (summer, winter)]
    assert spread[0] > 0.3 > 0.15 > spread[1], "colours of the ground"
    assert winter[:, :, ground].mean() > summer[:, :, ground].mean() + 0.25
    assert (summer[:, 1, ground] > summer[:, 2, ground]).float().mean() > 0.8  # green, not blue


def test_both_seasons_show_the_same_scene(summer, winter):
    """Edges stand in the same places: those of a scene fit its own other season better than any other scene's."""

    def edges(x: torch.Tensor) -> torch.Tensor:
        grey = x.mean(1)
        along = grey.diff(dim=2).abs()[:, :-1] + grey.diff(dim=1).abs()[:, :, :-1]
        along = torch.nn.functional.avg_pool2d(along[:, None], 3)
        flat = along.flatten(1) - along.mean(0).flatten()
        return torch.nn.functional.normalize(flat, dim=1)

    fits = edges(summer) @ edges(winter).T
    assert (fits.argmax(1) == torch.arange(24)).float().mean() > 0.9


def test_copying_the_input_is_far_from_the_truth(summer, winter):
    assert metrics.psnr(summer, winter).mean() < 14


def test_neighbouring_seeds_are_independent():
    numbers = SeededDraws(range(400), 64).numbers
    assert abs(numbers.mean() - 0.5) < 0.01
    centred = numbers - 0.5
    assert (centred[:-1] * centred[1:]).mean().abs() < 0.002 and (centred[:, :-1] * centred[:, 1:]).mean().abs() < 0.002


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1], "spring"), "season 'spring'.*summer, winter"),
        (([], "summer"), "at least one seed"),
        (([-1], "summer"), "0 to 2"),
        (([1 << 32], "summer"), "0 to 2"),
        (([1], "summer", 16), "between 32 and 256"),
    ],
)
def test_what_cannot_be_drawn(arguments, message):
    with pytest.raises(ValueError, match=message):
        render(*arguments)


def test_training_sides_share_no_scene_and_tests_are_pairs():
    train = {season: data.seasons(season, n=40) for season in SEASONS}
    test = {season: data.seasons(season, "test", n=40) for season in SEASONS}
    seeds = {key: {entry["seed"] for entry in side.meta} for key, side in train.items()}
    assert len(seeds["summer"]) == len(seeds["winter"]) == 40 and not seeds["summer"] & seeds["winter"]
    assert test["summer"].meta == test["winter"].meta
    assert not {entry["seed"] for entry in test["summer"].meta} & (seeds["summer"] | seeds["winter"])
    side = train["winter"]
    assert side.images.dtype == torch.uint8 and side.images.shape == (40, 3, 64, 64) and side.labels is None
    assert_close(side.unit()[3], render([side.meta[3]["seed"]], "winter")[0], atol=LEVEL, rtol=0)
    assert torch.equal(data.seasons("winter", n=5).images, side.images[:5])  # more of them are the same and others


def test_splits_and_numbers_that_there_are_not():
    with pytest.raises(data.UnknownName, match="split of the seasons 'all'"):
        data.seasons("summer", "all")
    with pytest.raises(data.UnknownName, match="season 'sumer', did you mean 'summer'"):
        data.seasons("sumer")
    with pytest.raises(ValueError, match="at least 1"):
        data.seasons("summer", n=0)


def test_the_seasons_are_in_the_catalogue():
    entry = data.CATALOGUE["seasons"]
    assert entry.status() == "drawn" and "drawn" in str(entry) and "MB" not in str(entry)
    with pytest.raises(ValueError, match="nothing to fetch"):
        data.fetch("seasons")
    with pytest.raises(ValueError, match=r"translation_sets\('seasons'\)"):
        data.load("seasons")


def test_a_disc_covers_its_area_with_a_soft_edge():
    canvas = Canvas.blank(1, 64)
    middle = torch.full((1, 1, 1), 0.5)
    cover = canvas.inside(disc(canvas, middle, middle, torch.full((1, 1, 1), 0.25)))
    assert abs(cover.mean() - torch.pi / 16) < 0.001
    assert ((cover > 0) & (cover < 1)).any()


def test_a_window_paints_where_the_whole_canvas_would():
    x, y = torch.tensor([0.1, 0.5, 0.97]).view(3, 1, 1), torch.tensor([0.95, 0.5, 0.02]).view(3, 1, 1)
    radius = torch.full((3, 1, 1), 0.08)
    whole, parts = Canvas.blank(3, 40), Canvas.blank(3, 40)
    whole.paint(whole.inside(disc(whole, x, y, radius)), colour("#ff8800"))
    with parts.window(x, y, 0.12) as part:
        assert part.rgb.shape[-1] < 15
        part.paint(part.inside(disc(part, x, y, radius)), colour("#ff8800"))
    assert whole.rgb.sum() > 0
    assert_close(parts.rgb, whole.rgb)


def test_dots_are_painted_whole_and_cut_at_the_edge():
    canvas = Canvas.blank(1, 50)
    x, y = torch.tensor([[0.5, 0.0, 0.3]]), torch.tensor([[0.5, 0.2, 1.3]])  # inside, half outside, outside
    canvas.dots(x.roll(1), y, torch.zeros(1, 3), colour("#ffffff")[..., 0])
    assert canvas.rgb.max() == 0  # of no size
    canvas.dots(x, y, torch.full((1, 3), 0.1), torch.tensor([[[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]]))
    area = canvas.rgb.mean((0, 2, 3))
    assert_close(area, torch.tensor([torch.pi * 0.01, torch.pi * 0.005, 0.0]), atol=5e-4, rtol=0)


def test_colours_and_draws():
    assert_close(mix(colour("#000000"), colour("#ff8000"), 0.5).flatten(), torch.tensor([0.5, 64 / 255, 0.0]))
    rng = SeededDraws([1, 2], 4)
    assert rng(2, 3).shape == (2, 1, 1) and rng.numbers.min() + 2 >= 2 and rng.pick(("#010101",)).shape[1] == 3
    with pytest.raises(IndexError, match="4 numbers"):
        rng.many(3)
    assert abs(SeededDraws(range(1000)).bernoulli(0.3).mean() - 0.3) < 0.05
