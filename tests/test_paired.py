"""Pairs: which pictures belong together, what is held out, batches in which both are moved alike, and own drawings."""

import hashlib
import io
import warnings
import zipfile
from dataclasses import replace

import pytest
import torch
from PIL import Image, ImageDraw
from server import Server, dies_halfway, good, status

from gencourse import data, images
from gencourse.data.cache import DownloadError
from gencourse.data.file import File
from gencourse.data.paired import folder_pairs
from gencourse.expect import ImageError
from gencourse.seasons import render
from gencourse.training.paired import PairedBatches, jitter_pair


def picture(value: int, size: tuple[int, int] = (40, 40), mode: str = "L", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, value if mode == "L" else (value, value, 255)).save(buffer, format=kind)
    return buffer.getvalue()


def fill(folder, names, first: int = 0, ending: str = "png"):
    """Write a picture for each name, a little lighter each time."""
    folder.mkdir()
    for i, name in enumerate(names):
        (folder / f"{name}.{ending}").write_bytes(picture(first + 10 * i))
    return folder


# Sets


def test_emoji_in_pairs():
    sets = data.paired_sets("emoji", size=32)
    assert (len(sets.train_a), len(sets.test_a)) == (1507, 136)
    assert sets.train_a.images.shape[1:] == (1, 32, 32) and sets.train_b.images.shape[1:] == (3, 32, 32)
    assert sets.train_a.meta == sets.train_b.meta and sets.test_a.meta == sets.test_b.meta
    subgroups = [{entry["subgroup"] for entry in side.meta} for side in (sets.train_a, sets.test_a)]
    assert not subgroups[0] & subgroups[1]
    small = data.paired_sets("emoji", size=32, n=5, tests=2)
    assert (len(small.train_b), len(small.test_b)) == (5, 2)


def test_where_the_line_is_black_the_colour_is_dark():
    """A pair that was mixed up would not have its lines in one place."""
    sets = data.paired_sets("emoji", tests=60)
    lines, colours = sets.test_a.unit(), sets.test_b.unit()
    black = lines < 0.1
    own, other = ((x.mean(1, keepdim=True)[black]).mean() for x in (colours, colours.roll(1, 0)))
    assert own < 0.25 < other


def test_the_seasons_in_pairs_are_of_one_place():
    sets = data.paired_sets("seasons", size=32, n=3, tests=2)
    for season, side in (("summer", sets.train_a), ("winter", sets.train_b)):
        drawn = render([entry["seed"] for entry in side.meta], season, 32)
        assert (side.unit() - drawn).abs().max() < 1 / 255
    seeds = [{entry["seed"] for entry in side.meta} for side in (sets.train_a, sets.test_a)]
    assert sets.train_a.meta == sets.train_b.meta and not seeds[0] & seeds[1]
    whole = data.paired_sets("seasons", size=32, n=1, tests=1)
    assert torch.equal(whole.train_a.images, sets.train_a.images[:1])
    turned = sets.reversed()
    assert turned.train_a is sets.train_b and turned.test_b is sets.test_a


def test_unknown_pairs():
    with pytest.raises(data.UnknownName, match="unknown set of pairs 'horse2zebra'.*Known: emoji, seasons, facades"):
        data.paired_sets("horse2zebra")
    with pytest.raises(ValueError, match="emoji come in size 64 and 32"):
        data.paired_sets("emoji", size=48)
    a, b = data.emoji(32).subset(slice(3)), data.emoji(32).subset(slice(2))
    with pytest.raises(ImageError, match="no pairs"):
        data.PairedSets("mine", a, b, a, a)


# Folders


def test_folders_are_paired_by_name_whatever_the_endings(tmp_path):
    names = [f"{i:02}" for i in range(12)]
    a = fill(tmp_path / "a", names)
    b = tmp_path / "b"
    b.mkdir()
    for i, name in enumerate(names):
        (b / f"{name}.jpg").write_bytes(picture(10 * i + 5, (50, 40), kind="JPEG"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sets = data.paired_sets((a, b), size=8)
    assert [len(s) for s in (sets.train_a, sets.train_b, sets.test_a, sets.test_b)] == [10, 10, 2, 2]
    for x, y in ((sets.train_a, sets.train_b), (sets.test_a, sets.test_b)):
        difference = y.images.int() - x.images.int()
        assert (difference >= 3).all() and (difference <= 7).all()
    assert [entry["file"] for entry in sets.test_a.meta] == ["00.png", "10.png"]
    assert len(data.paired_sets((a, b), size=8, n=3, tests=1).train_b) == 3


def test_a_final_letter_of_the_side_does_not_count(tmp_path):
    a, b = (fill(tmp_path / side, [f"{i}_{side.upper()}" for i in range(4)]) for side in "ab")
    assert len(folder_pairs(a, b, size=8).train_a) == 3


def test_what_has_no_partner_is_left_out_with_a_warning(tmp_path):
    a = fill(tmp_path / "a", ["1", "2", "3", "5"])
    b = fill(tmp_path / "b", ["0", "1", "3", "5"])
    with pytest.warns(UserWarning, match="2 pictures have no partner and are left out: 0, 2"):
        sets = folder_pairs(a, b, size=8)
    assert [e["file"] for e in sets.train_a.meta] == [e["file"] for e in sets.train_b.meta] == ["3.png", "5.png"]


def test_one_damaged_picture_takes_its_partner_along(tmp_path):
    a, b = fill(tmp_path / "a", "1234"), fill(tmp_path / "b", "1234")
    (b / "2.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning) as told:
        sets = folder_pairs(a, b, size=8)
    said = [str(warning.message) for warning in told if warning.category is UserWarning]
    assert any("1 of 4 pictures" in one for one in said) and any("no partner" in one and "2" in one for one in said)
    assert len(sets.train_a) + len(sets.test_a) == 3


def test_folders_that_are_no_pairs(tmp_path):
    a, b = fill(tmp_path / "a", ["cat", "dog"]), fill(tmp_path / "b", ["1", "2", "3"])
    with pytest.raises(ImageError, match=r"no 2 pairs: 0 of 2 and 3 pictures have the same name.*cat\.png, 1\.png"):
        data.paired_sets((a, b))
    with pytest.raises(FileNotFoundError, match="no folder"):
        data.paired_sets((a, tmp_path / "nowhere"))
    (a / "cat.webp").write_bytes(picture(3, kind="WEBP"))
    with pytest.raises(ImageError, match="two pictures of .*a are called cat"):
        data.paired_sets((a, b))


def test_grey_and_transparent_pictures_in_folders(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    for folder, mode in ((a, "L"), (b, "RGBA")):
        folder.mkdir()
        for i in range(3):
            buffer = io.BytesIO()
            Image.new(mode, (21, 33), 100 if mode == "L" else (255, 0, 0, 0)).save(buffer, format="PNG")
            (folder / f"{i}.png").write_bytes(buffer.getvalue())
    sets = data.paired_sets((a, b), size=16)
    assert sets.train_a.images.unique().tolist() == [100] and sets.train_b.images.unique().tolist() == [255]
    assert sets.train_a.images.shape == (2, 3, 16, 16)


# Facades


def facades(parts: dict[str, list[str]] | None = None) -> bytes:
    """An archive laid out like the paper's: A photographs, light, B label maps, dark."""
    buffer = io.BytesIO()
    names = {"trainA": "12345", "trainB": "12345", "testA": "67", "testB": "67"} | (parts or {})
    with zipfile.ZipFile(buffer, "w") as archive:
        for part, stems in names.items():
            for stem in stems:
                value = 10 * int(stem) + (150 if part[-1] == "A" else 0)
                archive.writestr(f"facades/{part}/{stem}_{part[-1]}.jpg", picture(value, (32, 32), kind="JPEG"))
    return buffer.getvalue()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Return what serves an archive as the facades, at two addresses of a local server; the cache is empty."""
    monkeypatch.setenv("GENCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("gencourse.data.download.time.sleep", lambda seconds: None)
    servers = []

    def serve(body: bytes, digest: str | None = None) -> Server:
        server = Server(body).__enter__()
        servers.append(server)
        mirrors = tuple(server.url(f"/{place}/facades.zip") for place in ("first", "second"))
        file = File("cyclegan/facades.zip", len(body), digest or hashlib.sha256(body).hexdigest(), mirrors)
        monkeypatch.setitem(data.CATALOGUE, "facades", replace(data.CATALOGUE["facades"], files=(file,)))
        return server

    yield serve
    for server in servers:
        server.__exit__()


@pytest.mark.parametrize("first", [[good], [status(404)], [dies_halfway, good]])
def test_facades_are_downloaded_once_and_turned_to_photographs(served, first):
    server = served(facades())
    server.script["/first/facades.zip"] = first
    sets = data.paired_sets("facades", size=16)
    assert (len(sets.train_a), len(sets.test_a)) == (5, 2) and sets.name == "facades"
    difference = sets.train_b.images.int() - sets.train_a.images.int()
    assert ((difference - 150).abs() < 8).all(), "label maps go in, photographs come out, each with its own"
    requests = len(server.requests)
    assert len(data.paired_sets("facades", size=16, n=3, tests=1).train_a) == 3
    assert len(server.requests) == requests


def test_facades_without_partners(served):
    served(facades({"trainB": "3451", "testB": "67"}))
    with pytest.warns(UserWarning, match="1 pictures have no partner and are left out: 2"):
        sets = data.paired_sets("facades", size=16)
    assert len(sets.train_a) == 4
    difference = sets.train_b.images.int() - sets.train_a.images.int()
    assert ((difference - 150).abs() < 8).all()


def test_facades_that_are_something_else(served):
    served(facades(), digest="0" * 64)
    with pytest.raises(DownloadError, match="(?s)could not download.*wrong size or sha256"):
        data.paired_sets("facades")


# Batches


def places(count: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs whose pixels say where they are and which pair they are of; b is a, in three channels."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    a = torch.stack([(rows * side + columns) / side**2 + i for i in range(count)])[:, None].float()
    return a, torch.cat([a, a * 2, -a], 1)


@pytest.mark.parametrize(("grow", "flip"), [(0, False), (0, True), (4, False), (4, True)])
def test_both_pictures_of_a_pair_are_moved_alike(grow, flip):
    a, b = places(6, 8)
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        x, y = jitter_pair(a, b, generator, grow=grow, flip=flip)
        assert x.shape == a.shape and y.shape == b.shape
        assert torch.equal(torch.cat([x, x * 2, -x], 1), y)
        assert x[:, 0].flatten(1).mean(1).floor().tolist() == [0, 1, 2, 3, 4, 5], "each stays in its place"
    if not grow and not flip:
        assert torch.equal(x, a)


def test_each_pair_is_moved_in_its_own_way():
    a, b = (x[:1].expand(64, -1, -1, -1) for x in places(1, 8))
    x, _ = jitter_pair(a, b, torch.Generator().manual_seed(0), grow=2, flip=True)
    big = torch.nn.functional.interpolate(a[:1], (10, 10), mode="bilinear", align_corners=False)
    ways = [w.flip(3) if f else w for t in range(3) for c in range(3) for w in [big[:, :, t : t + 8, c : c + 8]]
            for f in (False, True)]  # fmt: skip
    found = [next(i for i, way in enumerate(ways) if torch.equal(one[None], way)) for one in x]
    assert len(set(found)) > 12, "18 ways there are"
    mirrored = sum(i % 2 for i in found)
    assert 16 < mirrored < 48


def test_a_crop_leaves_no_border():
    a = torch.ones(4, 1, 8, 8)
    x, y = jitter_pair(a, a.expand(-1, 3, -1, -1), torch.Generator().manual_seed(1), grow=5)
    assert torch.allclose(x, a) and torch.allclose(y, a.expand_as(y))


def numbers(n: int, channels: int) -> torch.Tensor:
    return torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, channels, 6, 8).contiguous()


def test_batches_of_pairs():
    batches = PairedBatches(numbers(10, 1), numbers(10, 3), 3, grow=2, flip=True, seed=1)
    seen = []
    for _ in range(3):
        a, b = next(batches)
        assert a.shape == (3, 1, 6, 8) and b.shape == (3, 3, 6, 8) and a.dtype == b.dtype == torch.float32
        assert a.min() >= -1 and a.max() <= 1 and torch.equal(a.expand_as(b), b)
        seen += ((a[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()
    assert len(set(seen)) == 9, "nothing twice within a pass"
    floats = PairedBatches(numbers(4, 1).float() / 127.5 - 1, numbers(4, 1), 2)
    a, b = next(floats)
    assert torch.allclose(a, b)


@pytest.mark.parametrize("taken", [0, 1, 7])
def test_batches_of_pairs_go_on_exactly(taken):
    def fresh(**options) -> PairedBatches:
        settings = {"grow": 3, "flip": True, "seed": 5} | options
        return PairedBatches(numbers(10, 1), numbers(10, 3), 3, **settings)

    batches = fresh()
    for _ in range(taken):
        next(batches)
    state = batches.state_dict()
    rest = [next(batches) for _ in range(6)]
    resumed = fresh()
    next(resumed)
    resumed.load_state_dict(state)
    for a, b in rest:
        c, d = next(resumed)
        assert torch.equal(a, c) and torch.equal(b, d)
    for other, message in (({"grow": 1}, "grow 3, these have 1"), ({"flip": False}, "flip"), ({"seed": 6}, "seed")):
        with pytest.raises(ValueError, match=f"the saved batches had {message}"):
            fresh(**other).load_state_dict(state)


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        (numbers(4, 1), numbers(3, 1), {}, "expected pairs of one size"),
        (numbers(4, 1), numbers(4, 1)[..., :5], {}, "expected pairs of one size"),
        (numbers(4, 1).long(), numbers(4, 1), {}, "uint8 or floating point"),
        (numbers(4, 1)[0], numbers(4, 1), {}, "uint8 or floating point"),
        ([1, 2], numbers(4, 1), {}, "got a list"),
        (numbers(4, 1), numbers(4, 1), {"grow": -1}, "grow must be"),
        (numbers(1, 1), numbers(1, 1), {}, "batch_size must lie"),
    ],
)
def test_what_no_pairs_can_be_drawn_from(a, b, options, message):
    with pytest.raises(ValueError, match=message):
        PairedBatches(a, b, 2, **options)


# Drawings


def scribble(size: tuple[int, int], mode: str = "RGBA", ground=(0, 0, 0, 0), ink=(0, 0, 0, 255), width: int = 3):
    drawn = Image.new(mode, size, ground)
    draw = ImageDraw.Draw(drawn)
    w, h = size
    draw.ellipse((w // 4, h // 4, 3 * w // 4, 3 * h // 4), outline=ink, width=width)
    return drawn


def test_an_emoji_s_own_drawing_stays_as_it_is():
    for one in data.emoji(64, "line").subset([0, 5, 700]).unit():
        assert torch.allclose(data.drawing(one[None]), one[None], atol=1e-6)


@pytest.mark.parametrize("size", [(64, 64), (301, 64), (50, 333), (1200, 900)])
def test_a_drawing_on_a_transparent_ground_is_whole_on_white(size):
    x = data.drawing(images.load(scribble(size)))
    assert x.shape == (1, 1, 64, 64) and x.min() == 0 and x.max() == 1
    assert x[0, 0, 0, 0] == 1 and x[0, 0, -1, -1] == 1
    dark = (x[0, 0] < 0.5).nonzero().float()
    middle, extent = (dark.amax(0) + dark.amin(0)) / 2, dark.amax(0) - dark.amin(0)
    assert ((middle - 31.5).abs() < 2).all(), "in the middle"
    w, h = size
    assert (extent - 32 * torch.tensor([h, w]) / max(w, h)).abs().max() < 4


def test_pencil_on_grey_paper_becomes_black_on_white():
    paper = scribble((400, 400), "RGB", (205, 200, 190), (120, 118, 115), width=6)
    x = data.drawing(images.load(paper))
    assert x.min() == 0 and x.median() > 0.98 and (x < 0.3).float().mean() > 0.02
    grey = data.drawing(images.load(paper)[:, :1], 32)
    assert grey.shape == (1, 1, 32, 32)


def test_where_nothing_is_drawn():
    for empty in (torch.ones(1, 3, 20, 20), torch.zeros(1, 3, 20, 20), torch.full((1, 1, 9, 9), 0.5)):
        with pytest.raises(ImageError, match="dark lines on a light ground"):
            data.drawing(empty)
    with pytest.raises(ImageError, match="dark lines on a light ground"):
        data.drawing(images.load(scribble((90, 90), "L", 0, 255)))
    for bad in (torch.rand(2, 3, 8, 8), torch.rand(1, 4, 8, 8), torch.rand(3, 8, 8), torch.rand(1, 3, 8, 8) * 255):
        with pytest.raises(ImageError):
            data.drawing(bad)
