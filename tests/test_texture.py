"""Texture synthesis: what is copied comes from where the map says, cuts are cheapest, and Gram textures tile."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from gencourse import data
from gencourse.expect import ImageError
from gencourse.methods import texture, texture_canvas, texture_growing
from gencourse.methods.style import gram_matrix
from gencourse.networks.features import embedded_extractor, extractor
from gencourse.networks.vgg import VGG


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def bricks() -> torch.Tensor:
    return data.texture("brick")[..., :40, :40]


@pytest.fixture(scope="module")
def network():
    """A small one with random weights, four poolings and a layer a block."""
    torch.manual_seed(0)

    return embedded_extractor(VGG([[4], [4], [4], [4, 4], [4]]))


def at(sample: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    return sample[:, :, sources[0], sources[1]]


@pytest.mark.parametrize("rings", [False, True])
def test_what_grows_is_copied_from_where_it_says(bricks, rings):
    grown = texture.grow(bricks, 24, window=5, rings=rings, generator=seeded())
    assert grown.image.shape == (1, 3, 24, 24) and grown.sources.shape == (2, 24, 24)
    torch.testing.assert_close(grown.image, at(bricks, grown.sources), atol=1e-6, rtol=0)
    again = texture.grow(bricks, 24, window=5, rings=rings, generator=seeded())
    assert torch.equal(grown.sources, again.sources)
    other = texture.grow(bricks, 24, window=5, rings=rings, generator=seeded(1))
    assert not torch.equal(grown.sources, other.sources)


def test_filling_what_does_not_see_each_other_at_once_changes_nothing(bricks, monkeypatch):
    fast = texture.grow(bricks, 24, window=7, generator=seeded())
    monkeypatch.setattr(texture_growing, "independent", lambda places, reach: iter(torch.arange(len(places)).split(1)))
    assert torch.equal(texture.grow(bricks, 24, window=7, generator=seeded()).sources, fast.sources)


def test_groups_hold_every_place_once_and_none_that_an_earlier_one_is_waited_for():
    places = torch.randint(0, 12, (40, 2), generator=seeded()).unique(dim=0)
    places = places[torch.randperm(len(places), generator=seeded())]
    groups = list(texture_growing.independent(places, 2))
    assert torch.cat(groups).sort()[0].tolist() == list(range(len(places))) and 1 < len(groups) < len(places)
    turn = {int(i): n for n, group in enumerate(groups) for i in group}
    for a, b in itertools.combinations(range(len(places)), 2):
        if (places[a] - places[b]).abs().max() <= 2:
            assert turn[a] < turn[b], "the earlier of two that see each other is filled first"


def test_each_pixel_is_the_middle_of_a_candidate():
    """The fast distances draw from the same candidates as the formulas; in a sample that repeats there are many."""
    sample = torch.rand(1, 3, 8, 8, generator=seeded()).repeat(1, 1, 4, 4)
    canvas = texture_canvas.Canvas(sample, 12, 5, 0.2, seeded())
    canvas.plant(3)
    for _ in range(2):
        border = canvas.border()
        place = border[:1]
        row, column = place[0].tolist()
        window = canvas.pixels[:, row : row + 5, column : column + 5]
        known = canvas.known[row : row + 5, column : column + 5].clone()
        patches = F.unfold(canvas.sample[None], 5)[0].T.reshape(-1, 3, 5, 5)
        near = texture.candidates(texture.window_distances(window, known, patches), 0.2)
        assert len(near) > 5
        canvas.fill(place, torch.tensor([0.999]))
        source = canvas.sources[:, row, column] - 2
        assert int(source[0]) * (32 - 4) + int(source[1]) == near[-1], "chance close to one takes the last of them"


def test_a_texture_without_chance_is_the_sample_again():
    """All of it is different, so that one window alone fits: growing goes on in the sample as far as it reaches."""
    sample, inside = torch.rand(1, 3, 64, 64, generator=seeded()), 0
    for seed in range(5):
        rows, columns = texture.grow(sample, 7, window=5, tolerance=0.0, generator=seeded(seed)).sources
        if 6 <= rows[3, 3] < 58 and 6 <= columns[3, 3] < 58:  # the seed does not lie at the sample's border
            assert (columns.diff(dim=1) == 1).all() and (rows.diff(dim=0) == 1).all()
            inside += 1
    assert inside


def test_the_callback_sees_the_texture_grow(bricks):
    seen = []
    texture.grow(bricks, 11, window=5, generator=seeded(), callback=lambda x, known: seen.append((x, known)))
    counts = [int(known.sum()) for _, known in seen]
    assert counts == sorted(counts) and counts[-1] == 121
    first, known = seen[0]
    assert known.shape == (11, 11) and (first * (1 - known)).abs().max() == 0, "black where nothing is yet"


def test_a_quilt_is_copied_from_where_it_says(bricks):
    for options in ({}, {"cut": False}, {"cut": False, "best": False}):
        made = texture.quilt(bricks, 50, block=12, overlap=4, generator=seeded(), **options)
        assert made.image.shape == (1, 3, 50, 50)
        assert torch.equal(made.image, at(bricks, made.sources))


def seams(image: torch.Tensor, step: int) -> float:
    """How much larger differences across the blocks' straight borders are than elsewhere."""
    across = image.diff(dim=3).abs().mean((0, 1, 2))
    border = torch.arange(step - 1, len(across), step)
    return (across[border].mean() / across.mean()).item()


def test_blocks_that_fit_and_cuts_hide_the_seams():
    gravel = data.texture("gravel")[..., :64, :64]
    ways = [{"best": False, "cut": False}, {"cut": False}, {}]
    found = [seams(texture.quilt(gravel, 96, block=16, overlap=4, generator=seeded(), **w).image, 12) for w in ways]
    assert found[0] > found[1] > found[2]


def test_a_cut_costs_the_least_of_all_ways():
    for shape in [(4, 3), (3, 5), (5, 2), (1, 3), (4, 1)]:
        error = torch.rand(shape, generator=seeded())
        ways = [
            way
            for way in itertools.product(range(shape[1]), repeat=shape[0])
            if all(abs(a - b) <= 1 for a, b in itertools.pairwise(way))
        ]
        costs = [sum(float(error[row, column]) for row, column in enumerate(way)) for way in ways]
        found = texture.minimal_cut(error).tolist()
        assert tuple(found) == ways[costs.index(min(costs))]


def test_letters():
    assert texture.next_letters("aaaa", "aa") == "aa" and texture.next_letters("banana", "an") == "aa"
    assert texture.next_letters("abc", "") == "abc" and texture.next_letters("abc", "c") == ""
    text = "the cat sat on the mat\nthe hat\n" * 3
    grown = texture.grow_text(text, 200, context=3, generator=seeded())
    assert len(grown) == 200 and grown == texture.grow_text(text, 200, context=3, generator=seeded())
    assert all(grown[i : i + 4] in text for i in range(150)), "each letter follows its context somewhere"
    assert texture.grow_text(text, 5, context=8, generator=seeded()) in text
    assert len(texture.grow_text("ab", 9, context=1, generator=seeded())) == 9, "what nothing follows is shortened"
    for bad in ({"text": "abc", "context": 3}, {"text": "", "context": 0}, {"text": "abc", "context": -1}):
        with pytest.raises(ValueError, match="longer than the context|context must be"):
            texture.grow_text(bad["text"], 5, context=bad["context"])


def test_copied():
    sample = torch.rand(1, 3, 20, 20, generator=seeded())
    assert texture.copied(sample[..., 3:15, 5:], sample) == 1
    assert texture.copied(torch.rand(1, 3, 20, 20, generator=seeded(1)), sample) == 0
    half = torch.cat([sample[..., :10], torch.rand(1, 3, 20, 30, generator=seeded(1))], 3)
    assert texture.copied(half, sample, size=5) == pytest.approx(6 / 36)
    assert texture.copied(sample + 0.05, sample, threshold=0.003) == 1
    assert texture.copied(sample + 0.06, sample, threshold=0.003) == 0
    with pytest.raises(ImageError, match="no patch of 7"):
        texture.copied(sample[..., :5], sample)


def test_a_map_of_sources():
    own = torch.stack(torch.meshgrid(torch.arange(4), torch.arange(6), indexing="ij"))
    drawn = texture.source_map(own, 4, 6)
    assert drawn.shape == (1, 3, 4, 6) and drawn.min() == 0 and drawn.max() == 1
    assert (drawn[0, 0].diff(dim=0) > 0).all() and (drawn[0, 1].diff(dim=1) > 0).all()


def test_circular_padding_has_no_border(network):
    """Features of a shifted picture are the shifted features, in every layer; under zero padding they are not."""
    x = torch.rand(1, 3, 64, 64, generator=seeded())
    round_about = texture.with_padding(network, "circular")
    moved = x.roll((16, 32), (2, 3))
    after = round_about(moved)
    for layer, f in round_about(x).items():
        shifts = tuple(s * f.shape[2] // 64 for s in (16, 32))
        torch.testing.assert_close(after[layer], f.roll(shifts, (2, 3)))
    assert not torch.allclose(network(moved)["conv1_1"], network(x)["conv1_1"].roll((16, 32), (2, 3)), atol=1e-3)
    assert all(m.padding_mode == "zeros" for m in network.modules() if hasattr(m, "padding_mode")), "a copy was changed"


def test_synthesis_brings_the_gram_matrices_and_a_picture_that_tiles(bricks):
    real = extractor("embedded", layers=("conv1_1", "conv2_1"))
    options = {"layers": ("conv1_1", "conv2_1"), "steps": 12, "show": False}
    found = texture.synthesize(bricks, real, 32, generator=seeded(), **options)
    assert found.history["total"][-1] < 0.5 * found.history["total"][0]
    assert torch.equal(found.image, found.image[:, :1].expand(-1, 3, -1, -1)), "a grey sample gives a grey picture"
    round_about = texture.with_padding(real, "circular")
    for layer, wanted in texture.gram_targets(real, bricks, options["layers"]).items():
        gap = (gram_matrix(round_about(found.image)[layer]) - wanted).square().sum() / wanted.square().sum()
        assert gap == pytest.approx(found.history[layer][-1], rel=0.05, abs=1e-4)


def test_the_loss_of_a_texture_does_not_depend_on_its_size(network):
    round_about = texture.with_padding(network, "circular")
    x = torch.rand(1, 3, 32, 32, generator=seeded())
    grams = {k: gram_matrix(f) for k, f in round_about(x).items()}
    assert texture.texture_loss(round_about, x.repeat(1, 1, 2, 1), grams) < 1e-10
    assert texture.texture_loss(round_about, 1 - x, grams) > 1e-6


def test_inversion_returns_the_layer(bricks):
    real = extractor("embedded", layers=("conv1_1", "conv2_1"))
    found = texture.invert(bricks, real, "conv1_1", steps=15, generator=seeded(), show=False)
    assert found.history["conv1_1"][-1] < 0.05 * found.history["conv1_1"][0]
    assert (found.image - bricks).abs().mean() < 0.5 * (0.5 - bricks).abs().mean()
    with pytest.raises(ValueError, match="conv1_1, conv2_1, and no layer 'conv9'"):
        texture.invert(bricks, real, "conv9", steps=1)


FLAT = torch.full((1, 3, 40, 40), 0.3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s, n: texture.grow(s[..., :9], 20, window=11), "the sample is 9 x 40, smaller than the window of 11"),
        (lambda s, n: texture.quilt(s[..., :9], 20, block=12, overlap=3), "smaller than a block of 12 pixels"),
        (lambda s, n: texture.synthesize(s[..., :9], n, 32), "smaller than what the network needs: 32"),
        (lambda s, n: texture.grow(FLAT, 20), "there is no texture to learn from"),
        (lambda s, n: texture.quilt(FLAT, 20), "there is no texture to learn from"),
        (lambda s, n: texture.synthesize(FLAT, n, 32), "there is no texture to learn from"),
        (lambda s, n: texture.grow(s, 20, window=4), "window must be odd"),
        (lambda s, n: texture.grow(s, 20, tolerance=-1), "tolerance at least 0"),
        (lambda s, n: texture.grow(s, 0), "size must be a whole number"),
        (lambda s, n: texture.quilt(s, 20, block=8, overlap=4), "more than twice the overlap"),
        (lambda s, n: texture.synthesize(s, n, 40), "needs a size that 16 divides, got 40"),
        (lambda s, n: texture.grow(s * 255, 20), r"expected values in \[0, 1\]"),
        (lambda s, n: texture.grow(s[0], 20), "expected a sample"),
        (lambda s, n: texture.synthesize(s[:, :1], n, 32), "expected a sample"),
    ],
)
def test_bad_input_is_refused(bricks, network, call, message):
    with pytest.raises(ValueError, match=message):
        call(bricks, network)
