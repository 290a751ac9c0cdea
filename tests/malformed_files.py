"""Who takes a file or a name, for test_malformed.py, and a small file of every kind that is read."""

import gzip
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from malformed_inputs import text
from nbformat import v4, writes
from PIL import Image
from torch import Tensor, nn

from gencourse import checkpoints, data, images, runtime, seasons
from gencourse import commands as shared
from gencourse.chapters import outputs, pages
from gencourse.chapters import run as execute
from gencourse.commands import homework as grading
from gencourse.commands import score as scoring
from gencourse.commands import stylize as stylizing
from gencourse.commands import translate as translating
from gencourse.data import archive, cache, download
from gencourse.data.file import File
from gencourse.data.folders import folder as picture_folder
from gencourse.data.folders import from_folders, from_zip
from gencourse.data.imageset import SPLITS, ImageSet, check_split
from gencourse.data.paired import folder_pairs
from gencourse.data.pairs import TranslationSets
from gencourse.homework.checking import check as checks
from gencourse.homework.checking import verdict
from gencourse.homework.grading import collect, results, submission, table
from gencourse.homework.grading.inside import wire
from gencourse.methods import denoising, diffusion, samplers
from gencourse.networks import features, masked
from gencourse.show import play


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


def large_picture() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def small_checkpoint() -> bytes:
    from safetensors.torch import save

    record = dict.fromkeys(checkpoints.NEEDED) | {"arguments": {"in_features": 2, "out_features": 3}}
    weights = {name: w.half() for name, w in nn.Linear(2, 3).state_dict().items()}
    return save(weights, {"record": json.dumps(record)})


def small_notebook() -> bytes:
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


CONTENT = bytes(range(256)) * 3
PACKED = gzip.compress(CONTENT, mtime=0)
IN_CACHE = File("file", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
IN_CACHE_PACKED = File("file.gz", len(PACKED), hashlib.sha256(PACKED).hexdigest(), unpacked=IN_CACHE.sha256)


def read_folder(path: Path) -> Tensor:
    path.replace(path.with_suffix(".png"))
    return picture_folder(path.parent, 8).images


def read_folders(path: Path) -> Tensor:
    path.replace(path.with_suffix(".png"))
    return from_folders(path.parent, path.parent, size=8).train_a.images


def read_pairs(path: Path) -> Tensor:
    path.replace(path.with_suffix(".png"))
    return folder_pairs(path.parent, path.parent, size=8).train_a.images


def unpacked(path: Path) -> bytes:
    path.replace(path.with_suffix(".gz"))
    return cache.unpack(IN_CACHE_PACKED, path.parent).read_bytes()


def fetched_unpacked(path: Path) -> bytes:
    path.replace(path.with_suffix(".gz"))
    return download.fetch_unpacked(IN_CACHE_PACKED, path.parent).read_bytes()


def kept_seed(path: Path) -> int:
    path.replace(path.with_name("seed.txt"))
    return grading.choose_seed(None, path.parent)


# What is read of a damaged file equals what is read of the whole one, where the format has a checksum.


def same_set(found: ImageSet, whole: ImageSet) -> bool:
    labels = found.labels is not None and torch.equal(found.labels, whole.labels)
    return labels and torch.equal(found.images, whole.images)


def same_pictures(found: TranslationSets, whole: TranslationSets) -> bool:
    """Some may be left out, with a warning; which are there must be whole."""
    for part in ("train_a", "train_b", "test_a", "test_b"):
        all_of_it, some = getattr(whole, part), getattr(found, part)
        there = {meta["file"]: image for meta, image in zip(all_of_it.meta, all_of_it.images, strict=True)}
        for meta, image in zip(some.meta, some.images, strict=True):
            if meta["file"] not in there or not torch.equal(image, there[meta["file"]]):
                return False
    return True


def same_form(found: nn.Module, whole: nn.Module) -> bool:
    """safetensors has no checksum: the numbers may be others, not their names, shapes and types."""
    forms = [{name: (w.shape, w.dtype) for name, w in net.state_dict().items()} for net in (found, whole)]
    return forms[0] == forms[1]


class Reader(NamedTuple):
    """Who reads a file; a file that it takes, or None where that takes long; whether what was read is right."""

    read: Callable[[Path], Any]
    make: Callable[[], bytes] | None = None
    same: Callable[[Any, Any], bool] | None = None


READERS: dict[str, Reader] = {
    "images.load, PNG": Reader(images.load, small_picture, torch.equal),
    "images.load, JPEG": Reader(images.load, lambda: small_picture("JPEG")),
    "data.archive.read": Reader(archive.read, small_archive, same_set),
    "weights.read_record": Reader(
        checkpoints.read_record, small_checkpoint, lambda found, _: set(checkpoints.NEEDED) <= set(found)
    ),
    "weights.read": Reader(lambda path: checkpoints.read(path, nn.Linear), small_checkpoint, same_form),
    "chapters.pages.read": Reader(pages.read, small_notebook),
    "chapters.pages.save_outputs": Reader(lambda path: pages.save_outputs(v4.new_notebook(), path, {})),
    "chapters.run.run": Reader(lambda path: execute.run(path, out=path.parent / "out")),
    "data.folders.from_zip": Reader(lambda path: from_zip(path, "horses", size=8), small_zip, same_pictures),
    "data.folders.folder": Reader(read_folder, small_picture, torch.equal),
    "data.folders.from_folders": Reader(read_folders),
    "data.paired.folder_pairs": Reader(read_pairs),
    "commands.score.find_reference": Reader(lambda path: scoring.find_reference(str(path))[0], small_archive, same_set),
    "commands.score.load_classifier": Reader(lambda path: scoring.load_classifier(str(path))),
    "commands.stylize.picture": Reader(lambda path: stylizing.picture(str(path), 40), large_picture, torch.equal),
    "commands.translate.picture": Reader(lambda path: translating.picture(str(path), 40), large_picture, torch.equal),
    "commands.homework.choose_seed": Reader(kept_seed),
    "data.cache.unpack": Reader(unpacked, lambda: PACKED, bytes.__eq__),
    "data.download.fetch_file": Reader(
        lambda path: download.fetch_file(IN_CACHE, path.parent).read_bytes(), lambda: CONTENT, bytes.__eq__
    ),
    "data.download.fetch_unpacked": Reader(fetched_unpacked, lambda: PACKED, bytes.__eq__),
    "networks.features.extractor, embedded": Reader(lambda path: features.extractor("embedded", weights=path)),
    "networks.features.extractor, vgg19": Reader(lambda path: features.extractor("vgg19", weights=path)),
    "networks.features.extractor, squeezenet": Reader(lambda path: features.extractor("squeezenet", weights=path)),
    "homework.grading.submission.read": Reader(lambda path: collect.most_common_chapter({"a": submission.read(path)})),
    "homework.grading.submission.parse": Reader(lambda path: submission.parse(path.read_bytes()), small_notebook),
    "homework.grading.inside.wire.unpack": Reader(
        lambda path: wire.unpack(path.read_bytes()), lambda: wire.pack({"x": np.ones((2, 3)), "n": 5})
    ),
}
# Who is asked whether a file is the right one: the answer to any other.
ANSWERS: dict[str, tuple[Callable[[Path], Any], Any]] = {
    "data.cache.is_right": (lambda path: cache.is_right(path, "0" * 64), False),
    "homework.grading.results.read_cached": (lambda path: results.read_cached(path, "a key"), None),
}
NOTEBOOK = v4.new_notebook()
RECORD = dict.fromkeys(checkpoints.NEEDED)
PICTURE = torch.linspace(0, 1, 3 * 8 * 8).reshape(1, 3, 8, 8)
# Who writes a file.
WRITERS: dict[str, Callable[[str], Any]] = {
    "images.save": lambda path: images.save(PICTURE, path),
    "data.archive.write": lambda path: archive.write(path, PICTURE),
    "weights.save": lambda path: checkpoints.save(path, nn.Linear(2, 3), RECORD),
    "chapters.pages.write": lambda path: pages.write(NOTEBOOK, path),
    "chapters.pages.write_text": lambda path: pages.write_text("text", path),
    "show.play.animation": lambda path: play.animation([PICTURE], path=path),
}
SCHEDULE = diffusion.linear_schedule(10)
CHECKS = {name: check for number in checks.CHAPTERS for name, check in checks.of_chapter(number).items()}
KNOWN = {
    *("A", "B", "line", "colour", "cpu", "cuda", "mps", "meta", "auto", "squeezenet", "vgg19", "inception"),
    *("beta", "posterior", *(f"conv{block}_{i}" for block in range(1, 6) for i in range(1, 5))),
    *(*data.CATALOGUE, *(name for entry in data.CATALOGUE.values() for name in entry.names())),
    *(*checkpoints.MODELS, *SPLITS, *seasons.SEASONS),
    *(*runtime.PROFILES, *diffusion.TARGETS, *denoising.SCHEDULES, *checks.CHAPTERS),
    *(*CHECKS, *(check.cell for check in CHECKS.values())),
}
# hypothesis also tries the words that it finds in the code under test.
unknown = text.filter(lambda made: made not in KNOWN and not os.path.exists(made))
SMALL_UNET = {"widths": (8, 8), "heads": 1}
NAMES: dict[str, Callable[[str], Any]] = {
    "data.catalogue.load": data.load,
    "data.catalogue.load, split": lambda name: data.load("digits", name),
    "data.mnist.digits": data.digits,
    "data.catalogue.fetch": data.fetch,
    "data.pictures.photo": data.photo,
    "data.pictures.painting": data.painting,
    "data.openmoji.emoji, kind": lambda name: data.emoji(kind=name),
    "data.openmoji.emoji, groups": lambda name: data.emoji(groups=name),
    "data.openmoji.emoji, split": lambda name: data.emoji(split=name),
    "data.imageset.check_split": check_split,
    "data.landscapes.seasons": lambda name: data.seasons(name, n=1),
    "data.landscapes.seasons, split": lambda name: data.seasons("summer", name, n=1),
    "data.catalogue.translation_sets": data.translation_sets,
    "data.catalogue.translation_sets, folders": lambda name: data.translation_sets((name, name)),
    "data.paired.paired_sets": data.paired_sets,
    "data.paired.paired_sets, folders": lambda name: data.paired_sets((name, name)),
    "data.folders.folder": data.folder,
    "data.folders.from_folders": lambda name: from_folders(name, name),
    "data.folders.from_zip": lambda name: from_zip(name, "horses"),
    "seasons.scenes.render": lambda name: seasons.render([1], name, 32),
    "data.archive.read": archive.read,
    "images.load": images.load,
    "chapters.pages.read": pages.read,
    "checkpoints.load": checkpoints.load,
    "checkpoints.record": checkpoints.record,
    "checkpoints.sampler": checkpoints.sampler,
    "weights.read": lambda name: checkpoints.read(name, nn.Linear),
    "runtime.choose_profile": lambda name: runtime.choose_profile(name or "?"),
    "runtime.choose_device": runtime.choose_device,
    "runtime.start, profile": lambda name: runtime.start(profile=name or "?"),
    "runtime.start, device": lambda name: runtime.start(device=name),
    "networks.features.extractor": features.extractor,
    "networks.features.extractor, layers": lambda name: features.extractor("embedded", layers=[name]),
    "networks.features.embedded_extractor": lambda name: features.embedded_extractor(features.VGG([[2]]), [name]),
    "networks.features.from_caffe": lambda name: features.from_caffe({}, name),
    "networks.masked.MaskedConv2d": lambda name: masked.MaskedConv2d(name, 2, 2, 3),
    "methods.denoising.Diffusion, target": lambda name: denoising.Diffusion(network=SMALL_UNET, target=name),
    "methods.denoising.Diffusion, schedule": lambda name: denoising.Diffusion(network=SMALL_UNET, schedule=name),
    "methods.samplers.ddpm, variance": lambda name: samplers.ddpm(
        lambda x, t: x, torch.zeros(1, 1, 4, 4), SCHEDULE, steps=2, variance=name
    ),
    "commands.score.find_reference": scoring.find_reference,
    "commands.score.load_classifier": scoring.load_classifier,
    "commands.stylize.picture": lambda name: stylizing.picture(name, 32),
    "commands.stylize.load_network": lambda name: stylizing.load_network(name, torch.device("cpu")),
    "commands.output_file": lambda name: shared.output_file(name + ".out"),  # a name of a picture is none to refuse
    "commands.translate.load": translating.load,
    "commands.translate.picture": lambda name: translating.picture(name, 32),
    "commands.translate.drawn": lambda name: translating.drawn(name, 32),
    "homework.checking.check.of_chapter": checks.of_chapter,
    "homework.checking.check.find": checks.find,
    "homework.checking.verdict.check": lambda name: verdict.check(name, len),
    "homework.grading.collect.find_files": lambda name: collect.find_files(Path(name)),
    "homework.grading.submission.read_file": lambda name: submission.read_file(Path(name)),
}
# Who takes any text, and what holds of the answer.
ANY_TEXT: dict[str, Callable[[str], bool]] = {
    "homework.grading.collect.safe_name": lambda name: (
        (short := collect.safe_name(name)).isprintable() and len(short.encode()) < 150 or not name
    ),
    "homework.grading.collect.chapter_of": lambda name: collect.chapter_of({name}) is None,
    "homework.grading.table.escape_formula": lambda name: (
        table.escape_formula(name)[:1] not in tuple("=+-@\t\r") or not name
    ),
    "chapters.outputs.collapse_terminal_output": lambda name: "\r" not in outputs.collapse_terminal_output(name),
}
