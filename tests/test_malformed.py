"""What is malformed is refused with a documented error: files, names, pictures and tensors made by hypothesis.

Every function of the tables is given some inputs in each run of the tests, and 200 where slow ones are asked for. The
tables are in malformed_files.py and malformed_tensors.py, by the functions' names in the package; that they hold every
public function is tested here.
"""

import collections.abc
import contextlib
import dataclasses
import importlib
import inspect
import io
import os
import pickle
import pkgutil
import signal
import struct
import tempfile
import types
import typing
import warnings
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from malformed_files import ANSWERS, ANY_TEXT, NAMES, READERS, WRITERS, small_archive, small_save, unknown
from malformed_inputs import Hang, damaged, falsify, junk, text, unwritable
from malformed_tensors import TENSORS
from PIL import Image
from torch import Tensor, nn

import gencourse
from gencourse import archive, cache, checkpoints, data, execute, harness, images
from gencourse.homework import tasks
from gencourse.networks import features
from gencourse.networks.classifier import Classifier
from gencourse.resume import Saves

many = pytest.mark.parametrize("examples", [12, pytest.param(200, marks=pytest.mark.slow)])
REFUSED = (ValueError, FileNotFoundError, cache.DownloadError)  # ImageError and UnknownName are ValueErrors


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder to stand in, without a network; pictures shown outside a notebook go to the folder above."""
    monkeypatch.setattr("gencourse.download._open", unreachable)
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
        assert str(caught.value)

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
        found = Saves(tmp_path / "run.pt").read()
        assert found["done"] == 3 and torch.equal(found["weights"], torch.ones(4))

    falsify("resume.Saves", damaged(good) | junk, examples, check)


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
        assert str(caught.value) and list(tmp_path.iterdir()) == []

    falsify(name, unknown, examples, check)


@pytest.mark.parametrize("name", ["execute.find", "homework.tasks.chapter"])
@many
def test_a_chapter_is_found_or_refused(name, examples):
    def check(made: str) -> None:
        try:
            found = execute.find(made) if name == "execute.find" else tasks.chapter(made).name
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
        assert str(caught.value) and list(tmp_path.iterdir()) == []

    falsify(name, row.bad, examples, check)


@pytest.mark.parametrize("name", TENSORS)
def test_what_is_right_is_taken(name, capsys):
    """Else the test above would say nothing."""
    TENSORS[name].call(TENSORS[name].good)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timer")
def test_a_hang_is_told(monkeypatch):
    monkeypatch.setattr("malformed_inputs.LONGEST", 0.2)

    def check(_: Any) -> None:
        while True:
            pass

    with pytest.raises(Hang, match=r"images\.load takes more than 0\.2 s over 5"):
        falsify("images.load", st.just(5), 12, check)


# Every public function is in a table

EXEMPT = {  # names, * for all of a file or of a kind: why no malformed input is tried on them here
    "cache.locked": "locks what cache.unpack and download.fetch_file name",
    "cache.unwritable": "words an error",
    "cli.main": "takes the command line: test_cli.py",
    "commands.homework.tell": "prints what was found",
    "commands.sample.draw_in_batches": "takes the labels that the command made itself: test_cli_samples.py",
    "commands.score.part": "takes what archive.read gave: test_cli_samples.py",
    "commands.stylize.optimise": "takes what commands.stylize.picture gave",
    "commands.stylize.scales": "takes what commands.stylize.picture gave",
    "drawing.*": "paints the numbers that seasons.render draws itself",
    "scenery.*": "paints the numbers that seasons.render draws itself",
    "commands.writable": "takes the folder of what commands.output_file was given: test_cli.py",
    "execute.is_result": "says no to what is no notebook: test_execute.py",
    "homework.collect.*": "takes the paths that find_files found: test_homework_grade.py",
    "files.whole": "takes a path and no contents: test_files.py",
    "fit.fit": "its file is that of resume.Saves; losses, batches and states: test_fit.py, test_resume.py",
    "homework.build.*": "takes the course's own notebooks: test_homework_build.py",
    "homework.checks.ch0*": "judges arrays that homework.calls made: test_homework_checks.py",
    "homework.checks.compare.*": "compares arrays that homework.calls made: test_homework_checks.py",
    "homework.grade.*": "whatever is handed in becomes a result: test_homework_grade.py",
    "homework.report.*": "writes results: test_homework_grade.py",
    "homework.sandbox.*": "lays out folders of ours: test_homework_grade.py",
    "homework.session.*": "runs what homework.submission has read: test_homework_grade.py",
    "homework.tasks.*": "takes the course's own notebooks: test_homework_build.py",
    "kernel.*": "takes what execute.run has looked at",
    "live.*": "shows what fit hands it: test_fit.py",
    "loop.Loop": "the inside of fit.fit",
    "matrices.*": "lays out what show.matrices has looked at",
    "methods.style.adam": "hands its list to torch's optimiser, which refuses what are no parameters",
    "methods.style.lbfgs": "hands its list to torch's optimiser, which refuses what are no parameters",
    "networks.autoregressive.PixelNetwork": "abstract; the networks made from it are in the tables",
    "networks.masked.CausalConv2d": "abstract; the layers made from it are in the tables",
    "networks.classifier.Inception": "too large to be made here: test_classifier.py",
    "networks.columns.Row": "a part of networks.columns.Columns",
    "networks.pixelrnn.RowLSTM": "a layer of PixelRNN, which looks first",
    "networks.*.ResidualBlock": "a layer of networks that look first",
    "networks.unet.Norm": "a layer of UNet, which looks first",
    "networks.unet.SelfAttention": "a layer of UNet, which looks first",
    "pages.page": "title and folder are only put into the page",
    "play.upload": "the label is the text on a button; the bytes are for the reader's own function",
    "repository.*": "puts an address or a text into a line: test_colab.py, test_notebooks.py",
}
TAKEN = (str, bytes, PurePath, os.PathLike, typing.BinaryIO, Tensor, np.ndarray, Image.Image, data.ImageSet)


def modules() -> list[types.ModuleType]:
    """All of the package but what runs beside a student's function, which may do anything there."""
    names = [found.name for found in pkgutil.walk_packages(gencourse.__path__, "gencourse.")]
    inside = ("gencourse.homework.inside", "gencourse.homework.calls")
    return [importlib.import_module(name) for name in names if not name.startswith(inside)]


def publics() -> dict[str, Any]:
    """Every public function and class, by its name in the package, where it is defined."""
    return {
        f"{module.__name__}.{name}".removeprefix("gencourse."): thing
        for module in modules()
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__ and callable(thing)
        if inspect.isroutine(thing) or inspect.isclass(thing)
    }


def taken(annotation: Any) -> bool:
    """Whether something of this type may be a file, a picture, a tensor or a name, or hold some."""
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is inspect.Parameter.empty:
        return True  # nothing is said: anything
    if origin is collections.abc.Callable or annotation is collections.abc.Callable:
        return False
    if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
        return any(map(taken, inside[1:]))
    if inside:
        return any(map(taken, inside))
    return isinstance(annotation, type) and issubclass(annotation, TAKEN)


def gives(annotation: Any) -> bool:
    """Whether a function of this return type makes functions that take tensors."""
    inside = typing.get_args(annotation)
    if typing.get_origin(annotation) is collections.abc.Callable:
        return isinstance(inside[0], list) and any(map(taken, inside[0]))
    return (
        isinstance(annotation, type)
        and issubclass(annotation, tuple)
        and any(gives(field) for field in typing.get_type_hints(annotation).values())
    )


def takes(thing: Any) -> bool:
    """Whether a function, or a class when it is made or called, takes a file, a picture, a tensor or a name."""
    if not inspect.isclass(thing):
        signature = inspect.signature(thing)
        return gives(signature.return_annotation) or any(taken(p.annotation) for p in signature.parameters.values())
    if issubclass(thing, BaseException):
        return False  # it is told what went wrong
    holds = issubclass(thing, tuple) or dataclasses.is_dataclass(thing)
    if holds and not hasattr(thing, "__post_init__"):
        return False  # it holds what a function of ours puts in
    own = [
        vars(owner)[name]
        for name in ("__init__", "__call__", "forward")
        for owner in thing.__mro__[:-1]
        if name in vars(owner) and owner.__module__.startswith("gencourse")
    ]
    return any(taken(p.annotation) for method in own for p in list(inspect.signature(method).parameters.values())[1:])


def named(name: str) -> Any:
    """What stands in the package under the name that a row of a table begins with."""
    *places, last = name.partition(",")[0].split(".")
    return getattr(importlib.import_module(".".join(["gencourse", *places])), last)


TABLES = (READERS, ANSWERS, WRITERS, NAMES, ANY_TEXT, TENSORS)
TESTED = {named(row) for table in TABLES for row in table} | {execute.find, tasks.chapter, Saves}


def exempt(name: str) -> bool:
    return any(fnmatchcase(name, known) for known in EXEMPT)


def test_every_public_function_is_in_a_table():
    missing = [name for name, thing in publics().items() if takes(thing) and thing not in TESTED and not exempt(name)]
    assert not missing, f"no malformed input is tried on {', '.join(missing)}"


def test_no_exemption_is_idle():
    asked = {name for name, thing in publics().items() if takes(thing) and thing not in TESTED}
    idle = [known for known in EXEMPT if not any(fnmatchcase(name, known) for name in asked)]
    assert not idle and all(EXEMPT.values())


@pytest.mark.parametrize("name", sorted({row.partition(",")[0] for table in TABLES for row in table}))
def test_errors_are_documented(name):
    """What is raised is told by the function, by what it belongs to, or by its file."""
    thing = named(name)
    parts = [thing, inspect.getmodule(thing), *getattr(thing, "__mro__", ()), getattr(thing, "forward", None)]
    told = any("rais" in (part.__doc__ or "").lower() for part in parts if part not in (None, object, nn.Module))
    assert told or name in (*ANSWERS, *ANY_TEXT)  # those take anything


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
    monkeypatch.setattr("gencourse.catalogue.root", lambda: planted)
    for module in ("data", "emoji"):
        monkeypatch.setattr(f"gencourse.{module}.root", lambda: planted)
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
    attempts += [lambda: planted_again(lambda path: Saves(path).read())]
    for attempt in attempts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(Exception):  # which error it is, is tested above; here only that nothing runs
                attempt()
        assert not owned.exists()


def unreachable(*_: object) -> None:
    from gencourse.download import MirrorError

    raise MirrorError("there is no network here", again=False)


def test_the_trap_works(tmp_path):
    pickle.loads(pickle.dumps(Malicious(tmp_path / "owned")))
    assert (tmp_path / "owned").is_dir()


def test_classifiers_are_real():
    """The stand-ins above are taken as the real ones are."""
    assert harness.features(torch.rand(2, 1, 28, 28), Classifier(name="digits")).features.shape[0] == 2
    with pytest.raises(ValueError):
        harness.features(torch.rand(2, 5, 28, 28), Classifier(name="digits"))
