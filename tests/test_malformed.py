"""What is malformed is refused with a documented error: files, names, pictures and tensors made by hypothesis.

Every function of the tables is given some inputs in each run of the tests, and 200 where slow ones are asked for.
"""

import contextlib
import io
import json
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn

from gencourse import archive, cache, checkpoints, data, distances, execute, harness, images, metrics, pages, runtime
from gencourse import show as showing
from gencourse.commands import score as scoring
from gencourse.commands import stylize as stylizing
from gencourse.methods import cyclegan, diffusion, editing, pixelcnn, samplers, style, upsampling
from gencourse.networks import features, masked, translation, unet
from gencourse.networks.classifier import Classifier
from gencourse.networks.pixelcnn import PixelCNN
from gencourse.resume import Saves
from gencourse.translation_data import folder as picture_folder
from gencourse.translation_data import from_zip, unpaired

many = pytest.mark.parametrize("examples", [12, pytest.param(200, marks=pytest.mark.slow)])
REFUSED = (ValueError, FileNotFoundError, cache.DownloadError)  # ImageError and UnknownName are ValueErrors


def falsify(strategy: st.SearchStrategy, examples: int, check: Callable[[Any], None]) -> None:
    """Call `check` with what a strategy makes; the same inputs every time, so that a failure can be found again."""

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=HealthCheck)
    @given(strategy)
    def run(made):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of the readers, about what they skip
            check(made)

    run()


# Files


def small_archive() -> bytes:
    buffer = io.BytesIO()
    rng = np.random.default_rng(0)
    np.savez_compressed(buffer, images=rng.integers(0, 256, (6, 5, 5, 3), np.uint8), labels=np.arange(6))
    return buffer.getvalue()


def small_picture(kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 256, (9, 9, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def small_checkpoint() -> bytes:
    from safetensors.torch import save

    record = dict.fromkeys(checkpoints.NEEDED) | {"arguments": {"in_features": 2, "out_features": 3}}
    weights = {name: w.half() for name, w in nn.Linear(2, 3).state_dict().items()}
    return save(weights, {"record": json.dumps(record)})


def small_notebook() -> bytes:
    from nbformat import v4, writes

    return writes(v4.new_notebook(cells=[v4.new_code_cell("1 + 1", id="a")])).encode()


def small_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for part in ("trainA", "trainB", "testA", "testB"):
            for number in range(2):
                file.writestr(f"horses/{part}/{number}.png", small_picture())
    return buffer.getvalue()


def small_save() -> bytes:
    buffer = io.BytesIO()
    torch.save({"format": 1, "done": 3, "weights": torch.ones(4)}, buffer)
    return buffer.getvalue()


def read_pictures(path: Path) -> Tensor:
    path.replace(path.with_suffix(".png"))
    return picture_folder(path.parent, 8).images


def unpacked(path: Path) -> Path:
    path.replace(path.with_suffix(".gz"))
    return cache.unpack(cache.File("file.gz", unpacked="0" * 64), path.parent)


# Who reads a file, and one that it takes.
READERS: dict[str, tuple[Callable[[Path], Any], Callable[[], bytes]]] = {
    "images.load, PNG": (images.load, small_picture),
    "images.load, JPEG": (images.load, lambda: small_picture("JPEG")),
    "archive.read": (archive.read, small_archive),
    "checkpoints.read_record": (checkpoints.read_record, small_checkpoint),
    "checkpoints.read": (lambda path: checkpoints.read(path, nn.Linear), small_checkpoint),
    "pages.read": (pages.read, small_notebook),
    "from_zip": (lambda path: from_zip(path, "horses", size=8), small_zip),
    "folder": (read_pictures, small_picture),
    "find_reference": (lambda path: scoring.find_reference(str(path)), small_archive),
    "stylize.picture": (lambda path: stylizing.picture(str(path), 16), small_picture),
    "unpack": (unpacked, lambda: b""),
}
readers = pytest.mark.parametrize("name", READERS)
HEADS = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"PK\x03\x04",
    b"GIF89a",
    b"RIFF\x10\x00\x00\x00WEBP",
    b"II*\x00",
]
HEADS += [
    b"\x1f\x8b\x08",
    b"{",
    b'{"cells": [',
    b"\x93NUMPY",
    b"\x80\x04",
    struct.pack("<Q", 2**62),
    b"\x20" + bytes(7),
]
junk = st.tuples(st.sampled_from(HEADS), st.binary(max_size=300)).map(b"".join)


@st.composite
def damaged(draw, good: bytes) -> bytes:
    """A file cut off, with some bytes changed, or with a piece of it repeated or gone."""
    kind = draw(st.sampled_from(["cut", "bytes", "repeated", "gone"]))
    place = draw(st.integers(0, max(0, len(good) - 1)))
    if kind == "cut":
        return good[:place]
    if kind == "bytes":
        changed = bytearray(good)
        for where in draw(st.lists(st.integers(0, max(0, len(good) - 1)), min_size=1, max_size=8)):
            changed[where : where + 1] = bytes([draw(st.integers(0, 255))])
        return bytes(changed)
    length = draw(st.integers(1, 64))
    return good[:place] + (good[place : place + length] * 2 if kind == "repeated" else b"") + good[place + length :]


@readers
@many
def test_junk_is_no_file_of_ours(name, examples, tmp_path):
    read = READERS[name][0]

    def check(content: bytes) -> None:
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(REFUSED):
            read(tmp_path / "file")

    falsify(junk, examples, check)


@readers
@many
def test_a_damaged_file_is_read_right_or_refused(name, examples, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)  # a damaged size must not cost a large picture's memory
    read, make = READERS[name]
    good = make()

    def check(content: bytes) -> None:
        (tmp_path / "file").write_bytes(content)
        with contextlib.suppress(REFUSED):  # damage to a pixel or a word may go unseen; anything else is refused
            read(tmp_path / "file")

    falsify(damaged(good), examples, check)


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

    falsify(damaged(good) | junk, examples, check)


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

text = st.text(max_size=40) | st.sampled_from(
    ["../../etc/passwd", "digits\0", "a" * 300, "%s{0}", "DIGITS", "ｄigits", "\n"]
)
NAMES: dict[str, Callable[[str], Any]] = {
    "data.load": data.load,
    "data.load, split": lambda name: data.load("digits", name),
    "data.fetch": data.fetch,
    "data.photo": data.photo,
    "data.painting": data.painting,
    "data.emoji, kind": lambda name: data.emoji(kind=name),
    "data.emoji, groups": lambda name: data.emoji(groups=name),
    "data.emoji, split": lambda name: data.emoji(split=name),
    "data.seasons": lambda name: data.seasons(name, n=1),
    "data.seasons, split": lambda name: data.seasons("summer", name, n=1),
    "data.translation_sets": data.translation_sets,
    "checkpoints.load": checkpoints.load,
    "checkpoints.record": checkpoints.record,
    "checkpoints.sampler": checkpoints.sampler,
    "runtime.choose_profile": lambda name: runtime.choose_profile(name or "?"),
    "runtime.choose_device": runtime.choose_device,
    "extractor": features.extractor,
    "extractor, layers": lambda name: features.extractor("embedded", layers=[name]),
    "causal_mask": lambda name: masked.causal_mask(name, 3),
    "find_reference": scoring.find_reference,
    "load_classifier": scoring.load_classifier,
    "stylize.picture": lambda name: stylizing.picture(name, 32),
    "samplers.ddpm, variance": lambda name: samplers.ddpm(
        lambda x, t: x, torch.zeros(1, 1, 4, 4), diffusion.linear_schedule(10), steps=2, variance=name
    ),
}


@pytest.mark.parametrize("name", NAMES)
@many
def test_an_unknown_name_is_refused(name, examples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no file here is called by such a name

    def check(made: str) -> None:
        with pytest.raises((*REFUSED, OSError)) as caught:  # the system itself refuses what no file can be called
            NAMES[name](made)
        assert str(caught.value)

    falsify(text, examples, check)


@many
def test_a_chapter_is_found_or_refused(examples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def check(made: str) -> None:
        try:
            found = execute.find(made)
        except REFUSED:
            return
        assert found in execute.chapters()  # a part of its name is enough

    falsify(text, examples, check)


# Pictures and tensors


def bad_pictures(low: float = 0.0) -> st.SearchStrategy:
    """What is no batch of pictures (B, C, H, W) in [low, 1]."""
    shapes = st.lists(st.integers(1, 6), max_size=6).filter(lambda shape: len(shape) != 4)
    empty = st.sampled_from([(0, 3, 8, 8), (2, 0, 8, 8), (2, 3, 0, 8), (2, 3, 8, 0)])
    kinds = st.sampled_from([torch.uint8, torch.int64, torch.bool, torch.complex64])
    values = st.sampled_from([float("nan"), float("inf"), -float("inf"), 1.01, low - 0.01, 255.0, 1e30])
    good = torch.linspace(0, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)

    def spoiled(place: int, value: float) -> Tensor:
        x = good.clone()
        x.view(-1)[place] = value
        return x

    return st.one_of(
        shapes.map(lambda shape: torch.rand(shape)),
        empty.map(torch.zeros),
        kinds.map(lambda kind: good.to(kind)),
        st.builds(spoiled, st.integers(0, good.numel() - 1), values),
    )


GOOD = torch.linspace(0, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8)


class Named(nn.Module):
    """The least that the harness takes for a classifier."""

    name = "least"

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1), x.flatten(1)[:, :4]


def generator() -> nn.Module:
    return translation.ResnetGenerator(width=4, blocks=1)


PICTURES: dict[str, Callable[[Tensor], Any]] = {
    "to_uint8": images.to_uint8,
    "resize": lambda x: images.resize(x, 4),
    "grid": images.grid,
    "archive.write": lambda x: archive.write("made.npz", x),
    "psnr": lambda x: metrics.psnr(x, GOOD),
    "psnr, second": lambda x: metrics.psnr(GOOD, x),
    "ssim": lambda x: metrics.ssim(x, GOOD),
    "show.images": showing.images,
    "animation": lambda x: showing.animation([x]),
    "harness.features": lambda x: harness.features(x, Named()),
    "harness.score": lambda x: harness.score(x, GOOD.repeat(4, 1, 1, 1), Named()),
    "harness.score, reference": lambda x: harness.score(GOOD.repeat(4, 1, 1, 1), x, Named()),
    "translate": lambda x: cyclegan.translate(generator(), x),
    "stylize, content": lambda x: style.stylize(x, GOOD[:1], features.extractor("embedded"), steps=1, show=False),
    "stylize, style": lambda x: style.stylize(GOOD[:1], x, features.extractor("embedded"), steps=1, show=False),
}


@pytest.mark.parametrize("name", PICTURES)
@many
def test_what_is_no_picture_is_refused(name, examples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def check(x: Tensor) -> None:
        with pytest.raises(ValueError) as caught:
            PICTURES[name](x)
        assert str(caught.value) and list(tmp_path.iterdir()) == []

    falsify(bad_pictures(), examples, check)


def values_only(x: Tensor) -> bool:
    """Whether the values are what is wrong, not the shape: some functions take any shape."""
    return x.numel() > 0 and x.ndim > 0 and (not x.is_floating_point() or not bool(((x >= 0) & (x <= 1)).all()))


SIGNED = {
    "to_unit": images.to_unit,
    "diffusion_loss": lambda x: diffusion.diffusion_loss(lambda x, t: x, x, diffusion.linear_schedule(10)),
}
UNIT = {"to_signed": images.to_signed, "binarise": pixelcnn.binarise, "quantise": lambda x: pixelcnn.quantise(x, 4)}


@pytest.mark.parametrize("name", [*UNIT, *SIGNED])
@many
def test_values_outside_the_range_are_refused(name, examples):
    def check(x: Tensor) -> None:
        with pytest.raises(images.ImageError):
            (UNIT | SIGNED)[name](x)

    falsify(bad_pictures(-1.0 if name in SIGNED else 0.0).filter(values_only), examples, check)


SCHEDULE = diffusion.linear_schedule(10)
NETWORKS = {
    "unet": lambda: unet.UNet(widths=(8, 8), heads=1, classes=3),
    "pixelcnn": lambda: PixelCNN(levels=2, width=4, layers=2),
}
shape = st.lists(st.integers(0, 5), max_size=5).map(tuple)
odd_tensor = st.one_of(
    shape.map(torch.zeros),
    st.builds(lambda s, k: torch.ones(s).to(k), shape, st.sampled_from([torch.int64, torch.bool, torch.float64])),
    shape.map(lambda s: torch.full(s, float("nan"))),
    st.integers(-3, 300).map(lambda n: torch.full((2, 1, 8, 8), n)),
)
SETS = torch.eye(6)[:, :4]


def is_set(x: Tensor) -> bool:
    return x.ndim == 2 and x.shape[1:] == (4,) and len(x) >= 6 and bool(x.isfinite().all())


# What each takes as its argument under test, and when that is right after all.
TENSORS: dict[str, tuple[Callable[[Tensor], Any], Callable[[Tensor], bool]]] = {
    "frechet_distance": (lambda x: distances.frechet_distance(x, SETS), lambda x: is_set(x) or usable(x, 2)),
    "nearest_neighbour_accuracy": (lambda x: distances.nearest_neighbour_accuracy(SETS, x), is_set),
    "precision_recall": (lambda x: distances.precision_recall(SETS, x), lambda x: usable(x, 4)),
    "nearest": (lambda x: distances.nearest(x, SETS), lambda x: usable(x, 1)),
    "inception_score": (distances.inception_score, lambda x: rows_of_one(x)),
    "class_entropy": (distances.class_entropy, lambda x: rows_of_one(x)),
    "q_sample, t": (
        lambda t: diffusion.q_sample(GOOD, t, GOOD, SCHEDULE.alphas_cumprod),
        lambda t: t.dtype == torch.int64 and t.shape == (2,),
    ),
    "q_sample, noise": (
        lambda x: diffusion.q_sample(GOOD, torch.tensor([0, 9]), x, SCHEDULE.alphas_cumprod),
        lambda x: x.shape == GOOD.shape,
    ),
    "NoiseSchedule": (diffusion.NoiseSchedule, lambda x: False),
    "slerp": (lambda x: editing.slerp(x, GOOD, 0.5), lambda x: x.shape == GOOD.shape),
    "nll": (lambda x: pixelcnn.nll(torch.zeros(2, 4, 1, 8, 8), x), lambda x: integers(x, 4)),
    "PixelCNN": (lambda x: NETWORKS["pixelcnn"]()(x), lambda x: integers(x, 2)),
    "UNet, labels": (
        lambda x: NETWORKS["unet"]()(torch.zeros(2, 1, 8, 8), torch.tensor([0, 1]), x),
        lambda x: x.shape == (2,) and x.dtype == torch.int64 and bool(((x >= 0) & (x <= 3)).all()),
    ),
    "area_average": (lambda x: upsampling.area_average(x, 4), lambda x: x.ndim == 4 and divisible(x, 4)),
    "sample_images, labels": (
        lambda x: pixelcnn.sample_images(NETWORKS["pixelcnn"](), 2, labels=x),
        lambda x: False,
    ),
}


def usable(x: Tensor, least: int) -> bool:
    return x.ndim == 2 and x.shape[1] == 4 and len(x) >= least and bool(x.double().isfinite().all())


def rows_of_one(x: Tensor) -> bool:
    return x.ndim == 2 and x.numel() > 0 and x.is_floating_point() and bool((x.sum(1) == 1).all())


def integers(x: Tensor, levels: int) -> bool:
    right = x.shape == (2, 1, 8, 8) and not x.is_floating_point() and x.dtype != torch.bool
    return right and bool(((x >= 0) & (x < levels)).all())


def divisible(x: Tensor, scale: int) -> bool:
    return x.shape[2] % scale == 0 and x.shape[3] % scale == 0


@pytest.mark.parametrize("name", TENSORS)
@many
def test_a_tensor_that_does_not_fit_is_refused(name, examples):
    call, right = TENSORS[name]

    def check(x: Tensor) -> None:
        with pytest.raises(ValueError):
            call(x)

    falsify(odd_tensor.filter(lambda x: not right(x)), examples, check)


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
    monkeypatch.setattr("gencourse.download._open", unreachable)
    (tmp_path / "file").write_bytes(content)
    attempts = [
        lambda: data.digits(),
        lambda: data.emoji(),
        lambda: data.emoji(kind="line"),
        lambda: data.load("mnist"),
    ]
    attempts += [lambda: data.photo("chelsea"), lambda: data.painting("auvers"), lambda: data.load("fashion_mnist")]
    attempts += [lambda name=name: checkpoints.load(name) for name in checkpoints.MODELS]
    attempts += [lambda: data.translation_sets("horse2zebra"), lambda: features.extractor("auto")]
    attempts += [lambda: features.extractor("vgg19", weights=tmp_path / "file")]
    attempts += [lambda read=read: read(tmp_path / "file") for read, _ in list(READERS.values())[:7]]
    attempts += [lambda: scoring.load_classifier(str(tmp_path / "file")), lambda: Saves(tmp_path / "file").read()]
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
    with pytest.raises(ValueError):
        unpaired(data.digits("test").subset([0]), data.digits("test").subset([0]))
