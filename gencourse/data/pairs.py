"""Two kinds of pictures to translate between: drawn seasons, folders of one's own pictures, the sets of the paper."""

import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch
from PIL import Image
from torch import Tensor

from gencourse.data.cache import DownloadError
from gencourse.data.imageset import ImageSet
from gencourse.expect import ImageError, UnknownName
from gencourse.images import load as read_picture
from gencourse.images import resize
from gencourse.seasons.scenes import CHUNK, SEASONS, render

TEST = 1 << 30  # seed of the first test scene of the seasons
HELD_OUT = 10  # every tenth picture of one's own folders is for testing
NAMED = 5  # so many unreadable files a warning names


@dataclass(frozen=True, eq=False)
class TranslationSets:
    """Pictures of two kinds, A and B, of one size; the training sides are unpaired and may differ in length.

    paired: whether picture i of test_a and picture i of test_b show the same thing.
    """

    name: str
    train_a: ImageSet
    train_b: ImageSet
    test_a: ImageSet
    test_b: ImageSet
    paired: bool


def seasons(season: str, split: str = "train", n: int = 1000, size: int = 64) -> ImageSet:
    """Return n drawn landscapes of one season, (n, 3, size, size); meta[i] holds the seed of scene i.

    season: "summer" or "winter"; split: "train" or "test". The two seasons of the training split share no scene: summer
    has the even seeds, winter the odd ones. In the test split image i of one season is the pair of image i of the
    other. No scene is in both splits. The same pictures everywhere, see `gencourse.seasons.scenes`.
    Raises UnknownName, ValueError.
    """
    if season not in SEASONS:
        raise UnknownName("season", season, SEASONS)
    if split not in ("train", "test"):
        raise UnknownName("split of the seasons", split, ("train", "test"))
    if not 1 <= n <= TEST // 2:
        raise ValueError(f"n must be at least 1 and at most {TEST // 2:,}, got {n}")
    seeds = range(TEST, TEST + n) if split == "test" else range(SEASONS.index(season), 2 * n, 2)
    parts = [_bytes(render(seeds[i : i + CHUNK], season, size)) for i in range(0, n, CHUNK)]
    return ImageSet("seasons", torch.cat(parts), None, (), tuple({"seed": seed} for seed in seeds))


def unpaired(a: ImageSet, b: ImageSet) -> tuple[ImageSet, ImageSet]:
    """Make two sets of pairs unpaired: of each two pictures the first stays in a, the second in b.

    Raises ImageError when the sets differ in length or hold fewer than two.
    """
    if len(a) != len(b) or len(a) < 2:
        raise ImageError(f"expected two sets of equal length, at least 2, got {len(a)} and {len(b)} pictures")
    return a.subset(slice(0, None, 2)), b.subset(slice(1, None, 2))


def folder(path: str | os.PathLike, size: int = 64, n: int | None = None) -> ImageSet:
    """Read the pictures of a folder, not of its subfolders, sorted by name: (N, 3, size, size); meta[i]: its file.

    Each is cut to its middle square and resized, so sizes and formats may be mixed; greyscale becomes three channels,
    transparency is laid on white. Files without a picture's ending and hidden ones do not count. What cannot be read is
    skipped, with a warning that counts and names. n: read at most so many.
    Raises FileNotFoundError, or ImageError when there are no pictures or none can be read.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"no folder at {path}")
    files = sorted(file for file in path.iterdir() if file.is_file() and _is_picture(file.name))
    return _read(str(path), [file.name for file in files], lambda name: path / name, size, n)


def from_folders(
    a: str | os.PathLike, b: str | os.PathLike, *, size: int = 64, n: int | None = None, tests: int | None = None
) -> TranslationSets:
    """Read two folders of one's own pictures, as `folder` does; every tenth of each side, the first included, is held
    out for testing. The folders may differ in length. What is held out counts as pairs where all names agree: two
    folders of unrelated pictures should not both be numbered alike. Raises ImageError for fewer than two pictures.
    """
    sides = []
    for path in (a, b):
        whole = folder(path, size)
        if len(whole) < 2:
            raise ImageError(f"{path} has only {len(whole)} picture: a side needs one to train and one to test with")
        held_out = torch.arange(len(whole)) % HELD_OUT == 0
        sides.append((whole.subset(~held_out).subset(slice(n)), whole.subset(held_out).subset(slice(tests))))
    (train_a, test_a), (train_b, test_b) = sides
    return TranslationSets("folders", train_a, train_b, test_a, test_b, _are_pairs(test_a, test_b))


def from_zip(
    archive: str | os.PathLike, name: str, *, size: int = 64, n: int | None = None, tests: int | None = None
) -> TranslationSets:
    """Read a set laid out like the paper's: folders trainA, trainB, testA and testB, in a .zip that stays packed.

    Nothing is unpacked to the disk. The test pictures count as pairs where their names agree but for a final _A or _B.
    Raises DownloadError when the file is no such archive, ImageError as `folder` does.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            read = {}
            for part, most in (("trainA", n), ("trainB", n), ("testA", tests), ("testB", tests)):
                members = [PurePosixPath(m) for m in file.namelist()]
                members = sorted(str(m) for m in members if m.parent.name == part and _is_picture(m.name))
                read[part] = _read(f"{archive}, {part}", members, file.read, size, most)
    except (zipfile.BadZipFile, NotImplementedError) as error:  # the latter: of a version that there is not
        raise DownloadError(f"{archive} is damaged ({error}): delete it and fetch it again") from error
    pairs = _are_pairs(read["testA"], read["testB"])
    return TranslationSets(name, read["trainA"], read["trainB"], read["testA"], read["testB"], pairs)


def _read(where: str, names: Sequence[str], source: Callable, size: int, most: int | None) -> ImageSet:
    """Read pictures by name; name and count those that cannot be read."""
    if not names:
        raise ImageError(f"no pictures in {where}: expected files such as a.jpg or b.png")
    images, read, bad = [], [], []
    for name in names:
        if most is not None and len(images) == most:
            break
        try:
            picture = read_picture(source(name))
        except Exception:  # a damaged file, or a damaged part of an archive, fails in many ways inside its reader
            bad.append(PurePosixPath(name).name)
            continue
        images.append(_bytes(_square(picture, size)))
        read.append({"file": PurePosixPath(name).name})
    tried = len(read) + len(bad)
    if bad:
        listed = ", ".join(bad[:NAMED]) + (", ..." if len(bad) > NAMED else "")
        warnings.warn(
            f"{len(bad)} of {tried} pictures in {where} cannot be read and are skipped: {listed}", stacklevel=3
        )
    if not images:
        raise ImageError(f"none of the {tried} pictures in {where} can be read")
    return ImageSet(Path(where).name, torch.cat(images), None, (), tuple(read))


def _square(image: Tensor, size: int) -> Tensor:
    """Cut the middle square out of (1, 3, H, W) and resize it."""
    height, width = image.shape[2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resize(image[:, :, top : top + side, left : left + side], (size, size))


def _bytes(images: Tensor) -> Tensor:
    return (images * 255).round().to(torch.uint8)


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in Image.registered_extensions()


def _are_pairs(a: ImageSet, b: ImageSet) -> bool:
    def stems(side: Iterable[dict]) -> list[str]:
        return [re.sub(r"_[AB]$", "", Path(entry["file"]).stem) for entry in side]

    return stems(a.meta) == stems(b.meta)
