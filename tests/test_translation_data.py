"""Two kinds of pictures: folders with bad files in them, the paper's sets in their .zip, and batches without pairs."""

import hashlib
import io
import warnings
import zipfile
from dataclasses import replace

import pytest
import torch
from PIL import Image
from server import Server, dies_halfway, good, login_page, status

from gencourse import data
from gencourse.data.cache import DownloadError
from gencourse.data.file import File
from gencourse.data.folders import from_zip
from gencourse.data.sources import PAPER_SETS
from gencourse.expect import ImageError

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(colour: tuple = RED, size: tuple[int, int] = (40, 40), mode: str = "RGB", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, format=kind)
    return buffer.getvalue()


def fill(folder, count: int, colour: tuple = RED):
    folder.mkdir()
    for i in range(count):
        (folder / f"{i:04}.png").write_bytes(picture(colour, (20 + i % 3, 20)))
    return folder


def test_a_folder_of_all_kinds_of_files(tmp_path):
    files = {
        "a_wide.jpg": picture(RED, (120, 30), kind="JPEG"),
        "b_tall.png": picture(BLUE, (30, 90)),
        "c_grey.png": picture(128, mode="L"),
        "d_clear.png": picture((255, 0, 0, 0), mode="RGBA"),
        "e_small.webp": picture(BLUE, (8, 8), kind="WEBP"),
    }
    others = {"notes.txt": b"no picture", ".hidden.png": b"", "Thumbs.db": b"x"}
    for name, content in (files | others).items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "z.png").write_bytes(picture())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = data.folder(tmp_path, 32)
    assert read.images.shape == (5, 3, 32, 32) and read.images.dtype == torch.uint8
    assert [entry["file"] for entry in read.meta] == sorted(files)
    mean = read.images.float().mean((2, 3))
    expected = torch.tensor([RED, BLUE, (128, 128, 128), (255, 255, 255), BLUE]).float()
    assert (mean - expected).abs().max() < 3  # transparency on white


def test_the_middle_square_is_taken(tmp_path):
    wide = Image.new("RGB", (90, 30), BLUE)
    wide.paste(RED, (30, 0, 60, 30))
    wide.save(tmp_path / "wide.png")
    assert (data.folder(tmp_path, 10).images.float().mean((0, 2, 3)) - torch.tensor(RED)).abs().max() < 3


def test_one_corrupt_file_among_a_thousand(tmp_path):
    folder = fill(tmp_path / "many", 1000)
    broken = folder / "0417.png"
    broken.write_bytes(broken.read_bytes()[:40])
    with pytest.warns(
        UserWarning, match=r"1 of 1000 pictures in .*many cannot be read and are skipped: 0417\.png"
    ) as found:
        read = data.folder(folder, 8)
    ours = [warning for warning in found if warning.category is UserWarning]  # not those of another test's garbage
    assert len(ours) == 1 and len(read) == 999 and "0417.png" not in {entry["file"] for entry in read.meta}


def test_many_corrupt_files_are_counted_and_some_named(tmp_path):
    folder = fill(tmp_path / "bad", 3)
    for i in range(8):
        (folder / f"x{i}.jpg").write_bytes(b"\xff\xd8 nothing")
    with pytest.warns(UserWarning, match=r"8 of 11 pictures.*x0\.jpg, .*x4\.jpg, \.\.\.$"):
        assert len(data.folder(folder, 8)) == 3
    for path in folder.glob("0*.png"):
        path.unlink()
    with pytest.warns(UserWarning), pytest.raises(ImageError, match="none of the 8 pictures"):
        data.folder(folder)


def test_folders_without_pictures(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder at"):
        data.folder(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ImageError, match=r"no pictures in .*: expected files such as a\.jpg"):
        data.folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        data.folder(tmp_path / "notes.txt")


def test_two_folders_of_unequal_length(tmp_path):
    a, b = fill(tmp_path / "a", 25), fill(tmp_path / "b", 4, BLUE)
    sets = data.translation_sets((a, b), size=16)
    assert [len(s) for s in (sets.train_a, sets.test_a, sets.train_b, sets.test_b)] == [22, 3, 3, 1]
    assert not sets.paired and sets.train_b.images.float().mean((0, 2, 3)).tolist() == [0, 0, 255]
    names = [{entry["file"] for entry in side.meta} for side in (sets.train_a, sets.test_a)]
    assert not names[0] & names[1] and len(names[0] | names[1]) == 25
    limited = data.translation_sets((a, b), size=16, n=2, tests=1)
    assert (len(limited.train_a), len(limited.test_a), len(limited.train_b)) == (2, 1, 2)
    with pytest.raises(ImageError, match="only 1 picture"):
        data.translation_sets((a, fill(tmp_path / "c", 1)), size=16)


def test_two_folders_with_the_same_names_are_pairs(tmp_path):
    a, b = fill(tmp_path / "a", 12), fill(tmp_path / "b", 12)
    assert data.translation_sets((a, b), size=8).paired


def test_the_seasons_as_sets():
    sets = data.translation_sets("seasons", size=32, n=6, tests=3)
    assert [len(s) for s in (sets.train_a, sets.train_b, sets.test_a, sets.test_b)] == [6, 6, 3, 3]
    assert sets.paired and sets.test_a.meta == sets.test_b.meta
    assert sets.train_b.unit().mean() > sets.train_a.unit().mean() + 0.1  # B is winter


def test_emoji_as_sets():
    sets = data.translation_sets("emoji", size=32)
    assert sets.paired and sets.train_a.images.shape[1:] == sets.train_b.images.shape[1:] == (3, 32, 32)
    assert (sets.train_a.images[:, 0] == sets.train_a.images[:, 2]).all()  # line drawings
    codes = [{entry["hexcode"] for entry in side.meta} for side in (sets.train_a, sets.train_b, sets.test_a)]
    assert not codes[0] & codes[1] and not (codes[0] | codes[1]) & codes[2]
    assert abs(len(codes[0]) - len(codes[1])) <= 1 and sets.test_a.meta == sets.test_b.meta
    small = data.translation_sets("emoji", size=32, n=5, tests=2)
    assert (len(small.train_a), len(small.train_b), len(small.test_b)) == (5, 5, 2)


def test_unpaired_needs_pairs():
    digits = data.digits("test")
    a, b = data.unpaired(digits, digits)
    assert (len(a), len(b)) == (500, 500) and torch.equal(b.images[0], digits.images[1])
    with pytest.raises(ImageError, match="1000 and 3 pictures"):
        data.unpaired(digits, digits.subset(slice(3)))


def test_names_that_there_are_not():
    with pytest.raises(data.UnknownName, match="'zebra2horse'.*Known: emoji, seasons, horse2zebra"):
        data.translation_sets("zebra2horse")


def paper_like(extra: dict[str, bytes] | None = None) -> bytes:
    """An archive laid out like those of the paper, with what macOS and careless people leave in them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part, count, colour in (("trainA", 5, RED), ("trainB", 3, BLUE), ("testA", 2, RED), ("testB", 2, BLUE)):
            for i in range(count):
                archive.writestr(f"horse2zebra/{part}/n{i}_{part}.jpg", picture(colour, kind="JPEG"))
        archive.writestr("__MACOSX/horse2zebra/trainA/._n0_trainA.jpg", b"resource fork")
        archive.writestr("horse2zebra/readme.txt", b"")
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """horse2zebra at two addresses of a local server, and an empty cache."""
    monkeypatch.setenv("GENCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("gencourse.data.download.time.sleep", lambda seconds: None)
    body = paper_like()
    with Server(body) as server:
        paths = ("/first/horse2zebra.zip", "/second/horse2zebra.zip")
        mirrors = tuple(server.url(path) for path in paths)
        file = File("cyclegan/horse2zebra.zip", len(body), hashlib.sha256(body).hexdigest(), mirrors)
        monkeypatch.setitem(data.CATALOGUE, "horse2zebra", replace(data.CATALOGUE["horse2zebra"], files=(file,)))
        yield server, *paths


@pytest.mark.parametrize("first", [[good], [status(404)], [login_page], [dies_halfway, good]])
def test_a_set_of_the_paper_is_fetched_once(served, tmp_path, first):
    server, path, _ = served
    server.script[path] = first
    assert data.CATALOGUE["horse2zebra"].status() == "not downloaded"
    sets = data.translation_sets("horse2zebra", size=16)
    assert [len(s) for s in (sets.train_a, sets.train_b, sets.test_a, sets.test_b)] == [5, 3, 2, 2]
    assert not sets.paired and sets.name == "horse2zebra"
    assert sets.train_a.images[:, 0].float().mean() > 250 > 5 > sets.train_b.images[:, 0].float().mean()
    requests = len(server.requests)
    assert data.CATALOGUE["horse2zebra"].status() == "cached"
    assert len(data.translation_sets("horse2zebra", size=8, n=2, tests=1).train_a) == 2
    assert len(server.requests) == requests
    kept = {p.name for p in (tmp_path / "cache").rglob("*") if p.is_file() and p.suffix not in (".lock", ".part")}
    assert kept == {"horse2zebra.zip"}  # it stays packed


def test_when_neither_address_answers(served, tmp_path):
    server, *paths = served
    for path in paths:
        server.script[path] = [status(503)]
    with pytest.raises(
        DownloadError, match="(?s)could not download.*first.*503.*second.*503.*by hand.*use digits, .* or seasons: they"
    ):
        data.translation_sets("horse2zebra")
    assert not list((tmp_path / "cache").rglob("*.zip"))


def test_names_in_an_archive_lead_nowhere(tmp_path):
    """Nothing is unpacked, so a member named to break out is a picture like the others, and stays inside."""
    archive = tmp_path / "inner" / "evil.zip"
    archive.parent.mkdir()
    archive.write_bytes(paper_like({"../../trainA/out.png": picture(), "/trainA/root.png": picture()}))
    before = {p for p in tmp_path.rglob("*")}
    sets = from_zip(archive, "evil", size=8)
    assert len(sets.train_a) == 7 and {p for p in tmp_path.rglob("*")} == before


def test_damaged_archives(tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"PK nothing")
    with pytest.raises(DownloadError, match="damaged"):
        from_zip(archive, "a")
    body = bytearray(paper_like())
    at = body.index(b"n2_trainA.jpg") + 200  # inside the stored picture: its checksum is wrong now
    body[at] ^= 255
    archive.write_bytes(body)
    with pytest.warns(UserWarning, match=r"1 of 5 pictures in .*a\.zip, trainA.*n2_trainA\.jpg"):
        assert len(from_zip(archive, "a", size=8).train_a) == 4
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    archive.write_bytes(empty.getvalue())
    with pytest.raises(ImageError, match="no pictures in .*trainA"):
        from_zip(archive, "a")


def test_pairs_in_an_archive_are_known_by_their_names(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in ("trainA", "trainB", "testA", "testB"):
            for i in range(2):
                archive.writestr(f"maps/{part}/{i}_{part[-1]}.png", picture())
    (tmp_path / "maps.zip").write_bytes(buffer.getvalue())
    assert from_zip(tmp_path / "maps.zip", "maps", size=8).paired


def test_the_sets_of_the_paper():
    names = [name for name, _, _ in PAPER_SETS]
    assert len(names) == len(set(names)) == 10 and names[0] == "horse2zebra"
    for name, _, file in PAPER_SETS:
        assert file.name == f"cyclegan/{name}.zip" and all(url.endswith(f"/{name}.zip") for url in file.mirrors)
        assert data.CATALOGUE[name].files == (file,)
        with pytest.raises(ValueError, match="two kinds of pictures"):
            data.load(name)


def numbers(n: int) -> torch.Tensor:
    return torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 3, 6, 8).contiguous()


def test_batches_without_pairs():
    batches = data.UnpairedBatches(numbers(10), numbers(7), 3, seed=1)
    sides = ([], [])
    for _ in range(40):
        pair = next(batches)
        for side, x in zip(sides, pair, strict=True):
            assert x.shape == (3, 3, 6, 8) and x.dtype == torch.float32 and x.min() >= -1 and x.max() <= 1
            side.append(((x[:, 0, 0, 0] + 1) * 127.5).round().int())
    a, b = (torch.stack(side) for side in sides)
    assert set(a.flatten().tolist()) == set(range(10)) and set(b.flatten().tolist()) == set(range(7))
    assert len(a[:3].unique()) == 9 and len(b[:2].unique()) == 6  # nothing twice within a pass of either side
    assert not torch.equal(a[:2], b[:2])


def test_crops_and_flips():
    ramp = torch.arange(8).float().expand(6, 3, 6, 8).clone() / 8
    batches = data.UnpairedBatches(ramp, ramp, 6, crop=4, flip=True, seed=0)
    a, b = next(batches)
    assert a.shape == b.shape == (6, 3, 4, 4) and not torch.equal(a, b)
    steps = a.diff(dim=3)
    assert set(steps[:, 0, 0, 0].tolist()) == {0.125, -0.125}  # some mirrored, some not
    assert len({x.min().item() for x in a}) > 1  # cut in different places
    with pytest.raises(ValueError, match="crop must lie between 1 and the smallest side, 6"):
        data.UnpairedBatches(ramp, ramp, 2, crop=7)
    with pytest.raises(ValueError, match="batch_size"):
        data.UnpairedBatches(ramp, ramp[:2], 3)


@pytest.mark.parametrize("taken", [0, 1, 4, 9])
def test_batches_without_pairs_go_on_exactly(taken):
    def fresh() -> data.UnpairedBatches:
        return data.UnpairedBatches(numbers(10), numbers(7), 3, crop=5, flip=True, seed=5)

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
    with pytest.raises(ValueError, match="the saved batches had"):
        data.UnpairedBatches(numbers(9), numbers(7), 3, crop=5, flip=True, seed=5).load_state_dict(state)
    for other, message in (({"crop": 4, "flip": True}, "had crop 5, these have 4"), ({"crop": 5}, "had flip True")):
        with pytest.raises(ValueError, match=message):
            data.UnpairedBatches(numbers(10), numbers(7), 3, seed=5, **other).load_state_dict(state)


def test_a_seed_from_the_clock():
    next(data.UnpairedBatches(numbers(10), numbers(7), 3, flip=True, seed=1_800_000_000_000_000_000))
