"""The embedded data, the data sets by name, and batches."""

import gzip
import hashlib
import re
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mnist import RAW, images_of, labels_of, needs_mnist
from server import Server

from gencourse import data
from gencourse.data import table
from gencourse.data.file import File

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def digits() -> data.ImageSet:
    return data.digits()


@pytest.fixture(scope="module")
def colour() -> data.ImageSet:
    return data.emoji()


@pytest.fixture(scope="module")
def line() -> data.ImageSet:
    return data.emoji(kind="line")


def idx(array: np.ndarray) -> bytes:
    """The file format of MNIST."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def test_digits(digits):
    assert digits.images.shape == (10_000, 1, 28, 28) and digits.images.dtype == torch.uint8
    assert digits.labels.shape == (10_000,) and digits.labels.dtype == torch.int64
    assert digits.names == tuple("0123456789")
    assert torch.bincount(digits.labels).tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert len(torch.unique(digits.images.flatten(1), dim=0)) == 10_000
    assert digits.images.max() == 255 and (digits.images == 0).float().mean() > 0.7  # white on black


def test_the_digits_are_split_once(digits):
    train, test = data.digits("train"), data.digits("test")
    assert (len(train), len(test)) == (9_000, 1_000)
    assert torch.equal(torch.cat([train.images, test.images]), digits.images)
    assert torch.bincount(test.labels, minlength=10).min() > 70  # every slice holds every class
    assert torch.bincount(digits.labels[:100], minlength=10).min() > 2


@needs_mnist
def test_the_digits_are_the_first_of_mnists_training_set(digits):
    images = images_of("train").reshape(-1, 784)[:10_000]
    labels = labels_of("train")[:10_000]
    theirs = {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
    ours = {image.numpy().tobytes(): int(label) for image, label in zip(digits.images, digits.labels, strict=True)}
    assert ours == theirs
    judges = images_of("t10k").reshape(-1, 784)
    assert not ours.keys() & {image.tobytes() for image in judges}


@needs_mnist
def test_mnist_from_files_put_by_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("GENCOURSE_CACHE", str(tmp_path / "mit Leerzeichen und ö"))
    raw = data.cache_dir() / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for source in RAW.glob("*.gz"):
        (raw / source.stem).write_bytes(gzip.decompress(source.read_bytes()))
    assert data.CATALOGUE["mnist"].status() == "cached"
    test = data.load("mnist", "test")
    assert test.images.shape == (10_000, 1, 28, 28) and test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert test.names == tuple("0123456789")


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_a_download_is_fetched_unpacked_and_read(tmp_path, monkeypatch, name, folder):
    images = torch.randint(0, 256, (50, 28, 28), generator=torch.Generator().manual_seed(0)).numpy()
    labels = np.arange(50) % 10
    arrays = {"train-images": images[:30], "train-labels": labels[:30], "t10k-images": images[30:]}
    arrays["t10k-labels"] = labels[30:]
    monkeypatch.setenv("GENCOURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server(b"") as server:
        files = []
        for file in data.CATALOGUE[name].files:
            path = "/" + Path(file.name).name
            content = idx(arrays[path[1:].rpartition("-idx")[0]])
            body = server.bodies[path] = gzip.compress(content)
            known = hashlib.sha256(content).hexdigest() if name == "mnist" else ""
            files.append(File(file.name, len(body), hashlib.sha256(body).hexdigest(), (server.url(path),), known))
        monkeypatch.setitem(data.CATALOGUE, name, replace(data.CATALOGUE[name], files=tuple(files)))
        assert data.CATALOGUE[name].status() == "not downloaded"
        assert data.fetch(name) == tmp_path / folder / "raw"
        assert data.CATALOGUE[name].status() == "cached"
        loaded, test = data.load(name), data.load(name, "test")
        assert len(server.requests) == 4
    assert torch.equal(loaded.images, torch.from_numpy(images).to(torch.uint8)[:, None])
    assert loaded.labels.tolist() == labels.tolist() and loaded.labels.dtype == torch.int64
    assert torch.equal(test.images, loaded.images[30:])
    assert len(loaded.names) == 10 and all("-" not in n[1:-1] or n == "T-shirt/top" for n in loaded.names)


def test_emoji(colour, line):
    assert colour.images.shape == (1643, 3, 64, 64) and line.images.shape == (1643, 1, 64, 64)
    assert colour.images.dtype == line.images.dtype == torch.uint8
    assert colour.meta == line.meta and torch.equal(colour.labels, line.labels)
    assert all(colour.names[label] == e["group"] for label, e in zip(colour.labels, colour.meta, strict=True))
    assert len({e["hexcode"] for e in colour.meta}) == len({e["name"] for e in colour.meta}) == 1643
    assert all(e["tags"] and e["subgroup"] for e in colour.meta)
    fox = next(i for i, e in enumerate(colour.meta) if e["name"] == "fox")
    assert colour.meta[fox]["hexcode"] == "1F98A"
    red, _, blue = colour.images[fox].float().mean((1, 2))
    assert red > blue + 40  # it is orange: channels in the right order
    corners = colour.images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 255).float().mean() > 0.97  # on white
    assert (colour.images < 200).flatten(1).any(1).all() and (line.images < 128).flatten(1).any(1).all()  # none empty


def test_the_two_kinds_of_emoji_are_pairs(colour, line):
    """What is dark in colour is mostly the outline: each line drawing fits its own emoji best."""
    dark = F.avg_pool2d(255 - colour.images.amax(1, keepdim=True).float(), 4).flatten(1)
    drawn = F.avg_pool2d(255 - line.images.float(), 4).flatten(1)
    dark, drawn = (F.normalize(x - x.mean(1, keepdim=True)) for x in (dark, drawn))
    fit = dark @ drawn.T  # correlations, (N, N)
    assert fit.diagonal().mean() > 0.9
    assert (fit.diagonal() > fit.mean(1)).float().mean() > 0.99
    assert (fit.argmax(1) == torch.arange(len(fit))).float().mean() > 0.85  # the rest are near twins


def test_small_emoji_are_means_of_large_ones(colour, line):
    for kind, large in (("colour", colour), ("line", line)):
        small = data.emoji(size=32, kind=kind)
        assert small.images.shape[2:] == (32, 32) and small.meta == large.meta
        exact = F.avg_pool2d(large.images.double(), 2)
        assert (small.images - exact).abs().max() <= 0.5
        assert abs((small.images - exact).mean()) < 0.2


def test_groups_and_splits_of_emoji(colour):
    animals = data.emoji(32, groups="animals-nature")
    assert {e["group"] for e in animals.meta} == {"animals-nature"} and len(animals) == 160
    assert {animals.names[i] for i in animals.labels} == {"animals-nature"}
    assert len(data.emoji(32, groups=["animals-nature", "food-drink"])) == 160 + 131
    train, test = data.emoji(32, split="train"), data.emoji(32, split="test")
    assert len(train) + len(test) == len(colour) and 0.05 < len(test) / len(colour) < 0.15
    assert not {e["subgroup"] for e in train.meta} & {e["subgroup"] for e in test.meta}
    lines = data.emoji(32, "line", split="test")
    assert lines.meta == test.meta


def test_ranges_and_subsets(digits):
    few = digits.subset([3, 1])
    assert torch.equal(few.images, digits.images[[3, 1]]) and torch.equal(few.labels, digits.labels[[3, 1]])
    assert few.unit().dtype == torch.float32 and few.unit().min() == 0 and few.unit().max() == 1
    assert few.signed().min() == -1 and few.signed().max() == 1
    assert torch.equal((few.unit() * 255).round().to(torch.uint8), few.images)
    assert len(digits.subset(digits.labels == 7)) == 1070
    assert len(digits.subset(slice(5))) == 5 and len(digits.subset([])) == 0
    with pytest.raises(IndexError):
        digits.subset([10_000])
    cats = data.emoji(32).subset([5, 2])
    assert [e["name"] for e in cats.meta] == [data.emoji(32).meta[i]["name"] for i in (5, 2)]


def test_photos_and_paintings():
    assert data.photos() == ["astronaut", "chelsea", "coffee", "rocket", "march_pastoral", "allium"]
    assert len(data.paintings()) == 7 and "great_wave" in data.paintings()
    for read, names in ((data.photo, data.photos()), (data.painting, data.paintings())):
        for name in names:
            picture = read(name)
            assert picture.shape[:2] == (1, 3) and 400 < max(picture.shape[2:]) <= 700
            assert picture.dtype == torch.float32 and picture.min() >= 0 and picture.max() <= 1
            assert picture.std() > 0.1
    assert data.photo("chelsea").shape == (1, 3, 300, 451)
    assert max(data.painting("auvers", 128).shape) == 128


def test_paintings_have_no_dark_frame():
    for name in data.paintings():
        rows = data.painting(name).mean((0, 1, 3))
        assert rows[[0, -1]].min() > 0.6 * rows[[1, 2, 3, -2, -3, -4]].min(), name


def test_unknown_names():
    with pytest.raises(data.UnknownName, match="'chelsee'.*'chelsea'.*Known: astronaut, chelsea"):
        data.photo("chelsee")
    with pytest.raises(data.UnknownName, match="painting 'chelsea'.*great_wave"):
        data.painting("chelsea")
    for call in (data.load, data.fetch):
        with pytest.raises(data.UnknownName, match="did you mean 'digits'.*Known: digits, emoji.*fashion_mnist"):
            call("digit")
    with pytest.raises(data.UnknownName, match="split 'val'.*all, train, test"):
        data.digits("val")
    with pytest.raises(data.UnknownName, match="split"):
        data.load("mnist", "val")
    with pytest.raises(data.UnknownName, match="animals-nature"):
        data.emoji(groups=["animals"])
    with pytest.raises(data.UnknownName, match="colour, line"):
        data.emoji(kind="color")
    with pytest.raises(ValueError, match="64 and 32"):
        data.emoji(size=48)
    with pytest.raises(ValueError, match=r"data\.photo\(name\)"):
        data.load("photos")


def test_load_by_name(digits):
    assert torch.equal(data.load("digits", "test").images, digits.images[9_000:])
    assert len(data.load("emoji")) == 1643


def test_an_entry_is_all_that_a_data_set_needs(monkeypatch):
    def squares(split: str) -> data.ImageSet:
        return data.ImageSet(split, torch.zeros(3, 1, 4, 4, dtype=torch.uint8), None, ())

    monkeypatch.setitem(data.CATALOGUE, "squares", data.Entry("squares", "of one size", (), read=squares))
    assert data.load("squares", "test").name == "test" and data.CATALOGUE["squares"].status() == "drawn"
    with pytest.raises(data.UnknownName, match="Known: (?!.*squares).*seasons.*horse2zebra"):
        data.translation_sets("squares")

    def two(*, size: int, n: int | None, tests: int | None) -> tuple:
        return size, n, tests

    monkeypatch.setitem(data.CATALOGUE, "two", data.Entry("two", "of two kinds", (), pairs=two))
    assert data.translation_sets("two", size=8, n=2) == (8, 2, None)
    with pytest.raises(ValueError, match=r"data\.translation_sets\('two'\)"):
        data.load("two")
    assert all(entry.read or entry.pairs or entry.picture for entry in data.CATALOGUE.values())


def test_the_catalogue_prints():
    for name in ("digits", "emoji", "photos", "paintings"):
        entry = data.CATALOGUE[name]
        assert entry.status() == "embedded" and entry.size() > 100_000 and data.fetch(name).is_dir()
    assert str(data.CATALOGUE["digits"]).startswith("digits") and "CC BY-SA 3.0" in str(data.CATALOGUE["digits"])
    assert "11.6 MB" in str(data.CATALOGUE["mnist"])


def test_the_table_of_the_readme_is_fresh():
    text = (data.root() / "README.md").read_text("utf-8")
    assert text == table.fresh(text), "run python scripts/build_data.py --table"


@pytest.fixture
def copied(tmp_path, monkeypatch) -> Path:
    """A copy of the embedded data without its weights, as the folder of embedded data."""
    shutil.copytree(data.root(), tmp_path / "data", ignore=shutil.ignore_patterns("*.safetensors"))
    monkeypatch.setattr("gencourse.paths.root", lambda: tmp_path / "data")
    return tmp_path / "data"


def test_the_table_says_what_a_file_is(copied):
    (copied / "photos" / "coffee.jpg").write_bytes(b"another picture")
    (copied / "checkpoints").mkdir(exist_ok=True)
    (copied / "checkpoints" / "new.safetensors").write_bytes(b"weights")
    assert table.write(copied / "README.md") and not table.write(copied / "README.md")
    rows = {
        row.split("|")[1].strip(): row for row in (copied / "README.md").read_text("utf-8").splitlines() if "|" in row
    }
    digest = hashlib.sha256(b"another picture").hexdigest()
    facts = ["15", "photograph", "Rachel Michetti: coffee cup, Pikolo Espresso Bar"]
    facts += ["scikit-image 0.26.0, `skimage.data`", "CC0 1.0", f"`{digest}`"]
    assert rows["`photos/coffee.jpg`"] == " | ".join(["| `photos/coffee.jpg`", *facts]) + " |"
    assert "| trained weights |" in rows["`checkpoints/new.safetensors`"]
    assert "`README.md`" not in rows and "## Attribution" in (copied / "README.md").read_text("utf-8")


def test_a_file_that_nobody_knows_and_one_that_is_gone(copied):
    (copied / "photos" / "found.jpg").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"photos/found\.jpg in .* has no origin"):
        table.table()
    (copied / "photos" / "found.jpg").unlink()
    (copied / "emoji_line.webp").unlink()
    with pytest.raises(ValueError, match=r"emoji_line\.webp of the catalogue is not in"):
        table.write(copied / "README.md")
    with pytest.raises(ValueError, match="lacks the lines"):
        table.fresh("# Embedded data, without markers")


def test_every_embedded_licence_is_named_by_the_package():
    named = re.search(r'^license = "(.+?)"', (CHECKOUT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[1]
    for entry in data.CATALOGUE.values():
        assert entry.licences
        for licence in entry.licences if entry.embedded else ():
            assert licence == "public domain" or licence.replace(" ", "-") in named.split(" AND ")


def test_the_embedded_data_is_small():
    size = {p.relative_to(data.root()).as_posix(): p.stat().st_size for p in data.root().rglob("*") if p.is_file()}
    assert sum(n for name, n in size.items() if name.startswith("emoji")) <= 8_000_000
    assert all(n <= 100_000 for name, n in size.items() if name.endswith(".jpg"))


def numbers(n: int) -> torch.Tensor:
    return torch.arange(n)[:, None]


def test_batches_are_full_shuffled_and_cover_everything():
    batches = data.Batches(numbers(10), 3, seed=1)
    epochs = [torch.cat([next(batches)[:, 0] for _ in range(3)]).tolist() for _ in range(20)]
    assert all(len(set(epoch)) == 9 for epoch in epochs)  # nothing twice within a pass, never a short batch
    assert len({tuple(epoch) for epoch in epochs}) == 20  # every pass in another order
    assert set(range(10)) == {i for epoch in epochs for i in epoch}  # what is left over is another one each time
    again = data.Batches(numbers(10), 3, seed=1)
    assert torch.cat([next(again)[:, 0] for _ in range(3)]).tolist() == epochs[0]
    assert torch.cat([next(data.Batches(numbers(10), 3, seed=2))[:, 0] for _ in range(1)]).tolist() != epochs[0][:3]


def test_batches_keep_images_and_labels_together():
    images = numbers(50)
    for _, (x, y) in zip(range(20), data.Batches(images, 7, labels=images[:, 0] * 10), strict=False):
        assert torch.equal(x[:, 0] * 10, y)


def test_batches_leave_the_global_random_state_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    next(data.Batches(numbers(10), 3))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("taken", range(9))
def test_batches_go_on_exactly(taken):
    """At every place, the ends of passes included."""
    batches = data.Batches(numbers(10), 3, seed=5)
    for _ in range(taken):
        next(batches)
    state = batches.state_dict()
    rest = [next(batches) for _ in range(8)]
    resumed = data.Batches(numbers(10), 3, seed=5)
    next(resumed)  # it may have been used already
    resumed.load_state_dict(state)
    assert all(torch.equal(next(resumed), batch) for batch in rest)


def test_batches_refuse_what_cannot_be():
    with pytest.raises(ValueError, match="between 1 and the number of images, 10"):
        data.Batches(numbers(10), 11)
    with pytest.raises(ValueError, match="batch_size"):
        data.Batches(numbers(10), 0)
    with pytest.raises(ValueError, match="10 images but 9 labels"):
        data.Batches(numbers(10), 2, labels=torch.zeros(9))
    state = data.Batches(numbers(10), 2, seed=1).state_dict()
    for other in (
        data.Batches(numbers(10), 2),
        data.Batches(numbers(10), 5, seed=1),
        data.Batches(numbers(9), 2, seed=1),
    ):
        with pytest.raises(ValueError, match="the saved batches had"):
            other.load_state_dict(state)
