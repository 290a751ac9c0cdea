"""What is malformed is refused at the door with an error of ours: files, names, pictures and tensors.

Doors are where people or files come in: commands, files, `fit`, the first batch of a step, a network's `forward`, and
functions that a student calls with own data. Inside, formulas stand alone and are not asked here. The tables are in
malformed_files.py and malformed_tensors.py, by the functions' names in the package. Each row is given some inputs made
by hypothesis in every run of the tests, and 200 where slow ones are asked for.
"""

import contextlib
import io
import os
import pickle
import struct
import tempfile
import traceback
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from malformed_files import ANSWERS, ANY_TEXT, NAMES, READERS, WRITERS, small_archive, small_save, unknown
from malformed_inputs import damaged, falsify, junk, text, unwritable
from malformed_tensors import TENSORS
from PIL import Image
from torch import nn

from gencourse import checkpoints, data, images, paths
from gencourse.chapters import run as execute
from gencourse.data import archive, cache
from gencourse.homework import tasks
from gencourse.networks import features
from gencourse.training.checkpoint_file import CheckpointFile

many = pytest.mark.parametrize("examples", [12, pytest.param(200, marks=pytest.mark.slow)])
REFUSED = (ValueError, FileNotFoundError, cache.DownloadError)  # ImageError and UnknownName are ValueErrors


def is_ours(error: BaseException) -> bool:
    """Whether a `raise` of this package refused, with a sentence: not torch, nor Python where values do not unpack."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return Path(last.filename).is_relative_to(paths.PACKAGE) and last.line.startswith("raise") and bool(str(error))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder to stand in, without a network; pictures shown outside a notebook go to the folder above."""
    monkeypatch.setattr("gencourse.data.download._open", unreachable)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)


# Files


@pytest.mark.parametrize("name", READERS)
@many
def test_junk_is_no_file_of_ours(name, examples, tmp_path):
    def check(content: bytes) -> None:
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(REFUSED) as caught:
            READERS[name].read(tmp_path / "file")
        assert is_ours(caught.value)

    falsify(name, junk, examples, check)


@pytest.mark.parametrize("name", [name for name, reader in READERS.items() if reader.make])
@many
def test_a_damaged_file_is_read_right_or_refused(name, examples, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)  # a damaged size must not cost a large picture's memory
    read, make, same = READERS[name]
    (tmp_path / "file").write_bytes(make())
    whole = read(tmp_path / "file")

    def check(content: bytes) -> None:
        (tmp_path / "file").write_bytes(content)
        with contextlib.suppress(REFUSED):
            found = read(tmp_path / "file")
            assert same is None or same(found, whole)  # None: a pixel or a word that is damaged may go unseen

    falsify(name, damaged(make()), examples, check)


@pytest.mark.parametrize("name", ANSWERS)
@many
def test_junk_is_not_the_right_file(name, examples, tmp_path):
    ask, answer = ANSWERS[name]

    def check(content: bytes) -> None:
        (tmp_path / "file").write_bytes(content)
        assert ask(tmp_path / "file") is answer

    falsify(name, junk, examples, check)


@pytest.mark.parametrize("name", WRITERS)
@many
def test_where_nothing_can_be_written(name, examples, tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"something else")
    (tmp_path / "folder.png").mkdir()
    before = sorted(tmp_path.rglob("*"))

    def check(path: str) -> None:
        with pytest.raises((ValueError, OSError)) as caught:
            WRITERS[name](path)
        assert str(caught.value) and sorted(tmp_path.rglob("*")) == before

    falsify(name, unwritable, examples, check)
    assert (tmp_path / "file").read_bytes() == b"something else"
    WRITERS[name]("made/a.png")


@many
def test_a_damaged_save_of_a_training_is_not_used(examples, tmp_path):
    good = small_save()

    def check(content: bytes) -> None:
        for file in tmp_path.iterdir():
            file.unlink()
        (tmp_path / "run.pt").write_bytes(content)
        (tmp_path / "run.pt.previous").write_bytes(good)
        found = CheckpointFile(tmp_path / "run.pt").read()
        assert found["done"] == 3 and torch.equal(found["weights"], torch.ones(4))

    falsify("training.checkpoint_file.CheckpointFile", damaged(good) | junk, examples, check)


def with_images(array: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **array)
    return buffer.getvalue()


def zip_with(flag: int, compression: int) -> bytes:
    """An archive whose first member claims to be encrypted, or to be packed in a way that nobody knows."""
    made = bytearray(small_archive())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = made.index(mark) + at
        made[place : place + 4] = struct.pack("<HH", flag, compression)
    return bytes(made)


def npy(shape: str, kind: str = "|u1") -> bytes:
    """An .npz whose array claims a shape that is not there."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header = header.ljust(117) + b"\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("images.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"1234")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        zip_with(1, 8),
        zip_with(0, 97),
        npy("(10**15, 8, 8, 1)"),
        npy("(1000000000000000, 8, 8, 1)"),
        npy("(-1, 8, 8, 1)"),
        npy("(2, 2, 1)", "|O"),
        npy("((((((1"),
        npy("(2, 2, 1)", "M8[ns"),
        with_images({"images": np.array([pickle.dumps(1)], dtype=object)}),
    ],
    ids=["encrypted", "packing", "expression", "huge", "negative", "objects", "syntax", "kind", "pickled"],
)
def test_archives_made_to_mislead(content, tmp_path):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(images.ImageError):
        archive.read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "header", ["{}", "[]", '{"a": 1}', '{"w": {"dtype": "F16", "shape": [9999999], "data_offsets": [0, 4]}}']
)
def test_weights_made_to_mislead(header, tmp_path):
    (tmp_path / "w").write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(4))
    with pytest.raises(ValueError, match="not a checkpoint of this course, or is damaged"):
        checkpoints.read(tmp_path / "w", nn.Linear)


# Names


@pytest.mark.parametrize("name", NAMES)
@many
def test_an_unknown_name_is_refused(name, examples, tmp_path):
    def check(made: str) -> None:
        with pytest.raises((*REFUSED, LookupError, OSError)) as caught:  # OSError: what no file can be called
            NAMES[name](made)
        from_the_system = isinstance(caught.value, OSError) or "\0" in made
        assert (is_ours(caught.value) or from_the_system) and list(tmp_path.iterdir()) == []

    falsify(name, unknown, examples, check)


@pytest.mark.parametrize("name", ["chapters.run.find", "homework.tasks.chapter"])
@many
def test_a_chapter_is_found_or_refused(name, examples):
    def check(made: str) -> None:
        try:
            found = execute.find(made) if name == "chapters.run.find" else tasks.chapter(made).name
        except REFUSED:
            return
        assert found in [*execute.chapters(), *(path.stem for path in execute.chapters())]  # a part of it is enough

    falsify(name, text, examples, check)


@pytest.mark.parametrize("name", ANY_TEXT)
@many
def test_any_text_is_taken(name, examples):
    def check(made: str) -> None:
        assert ANY_TEXT[name](made)

    falsify(name, unknown, examples, check)


# Pictures, tensors and numbers


@pytest.mark.parametrize("name", TENSORS)
@many
def test_a_malformed_argument_is_refused(name, examples, tmp_path, capsys):
    row = TENSORS[name]

    def check(x: Any) -> None:
        with pytest.raises(ValueError) as caught:
            row.call(x)
        assert is_ours(caught.value) and list(tmp_path.iterdir()) == []

    falsify(name, row.bad, examples, check)


# Pickles are not executed


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def as_torch(trap: Malicious) -> bytes:
    buffer = io.BytesIO()
    torch.save({"format": 1, "done": 1, "state": trap}, buffer)
    return buffer.getvalue()


def as_npz(trap: Malicious) -> bytes:
    return with_images({"images": np.array([trap], dtype=object)})


def as_npy(trap: Malicious) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([trap], dtype=object), allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [pickle.dumps, as_torch, as_npz, as_npy], ids=["pickle", "torch", "npz", "npy"])
def test_a_planted_pickle_is_not_executed(pack, tmp_path, monkeypatch):
    """In the place of every file that the package reads: data, weights, cache, saves, samples, notebooks."""
    owned, planted = tmp_path / "owned", tmp_path / "planted"
    pickle.loads(pickle.dumps(Malicious(tmp_path / "sprung")))
    assert (tmp_path / "sprung").is_dir()  # so does the one that is planted, where anybody loads it
    content = pack(Malicious(owned))
    for name in ("digits.npz", "emoji_colour.webp", "emoji.json", "photos/chelsea.jpg", "paintings/auvers.jpg"):
        (planted / name).parent.mkdir(parents=True, exist_ok=True)
        (planted / name).write_bytes(content)
    for name in checkpoints.MODELS:
        (planted / "checkpoints").mkdir(exist_ok=True)
        (planted / "checkpoints" / f"{name}.safetensors").write_bytes(content)
    cached = [file for entry in data.CATALOGUE.values() if not entry.embedded for file in entry.files]
    for file in cached:
        for path in (tmp_path / "cache" / file.name, (tmp_path / "cache" / file.name).with_suffix("")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    monkeypatch.setattr("gencourse.paths.root", lambda: planted)
    monkeypatch.setenv("GENCOURSE_CACHE", str(tmp_path / "cache"))

    def planted_again(read) -> None:
        (tmp_path / "file").write_bytes(content)  # some move it away
        read(tmp_path / "file")

    attempts = [
        lambda: data.digits(),
        lambda: data.emoji(),
        lambda: data.emoji(kind="line"),
        lambda: data.load("mnist"),
    ]
    attempts += [lambda: data.photo("chelsea"), lambda: data.painting("auvers"), lambda: data.load("fashion_mnist")]
    attempts += [lambda name=name: checkpoints.load(name) for name in checkpoints.MODELS]
    attempts += [lambda: data.translation_sets("horse2zebra"), lambda: features.extractor("auto")]
    attempts += [lambda reader=reader: planted_again(reader.read) for reader in READERS.values()]
    attempts += [lambda: planted_again(lambda path: CheckpointFile(path).read())]
    for attempt in attempts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(Exception):  # which error it is, is tested above; here only that nothing runs
                attempt()
        assert not owned.exists()


def unreachable(*_: object) -> None:
    from gencourse.data.download import MirrorError

    raise MirrorError("there is no network here", again=False)
