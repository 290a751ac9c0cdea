"""Two kinds of pictures from one's own folders, or from a .zip laid out like the CycleGAN paper's."""

import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

import torch
from PIL import Image
from torch import Tensor

from gencourse import images as pictures
from gencourse.data.cache import DownloadError
from gencourse.data.imageset import ImageSet
from gencourse.data.pairs import TranslationSets
from gencourse.expect import ImageError

HELD_OUT = 10  # every tenth picture of one's own folders is for testing
NAMED = 5  # so many unreadable files a warning names


def folder(path: str | os.PathLike, size: int = 64, n: int | None = None) -> ImageSet:
    """Read the pictures of a folder, not of its subfolders, sorted by name.

    Each is cut to its middle square and resized, so sizes and formats may be mixed; greyscale becomes three channels,
    transparency is laid on white. Files without a picture's ending and hidden ones do not count. What cannot be read is
    skipped, with a warning that counts and names.

    Args:
        path: of the folder.
        size: pixels a side of what is returned.
        n: pictures to read at most, None for all.

    Returns:
        Images (N, 3, size, size); meta[i] holds the name of file i.

    Raises:
        FileNotFoundError: where there is no such folder.
        ImageError: when there are no pictures or none can be read.
    """
    path = Path(path)
    if not path.is_dir():
        raise FileNotFoundError(f"no folder at {path}")
    files = sorted(file for file in path.iterdir() if file.is_file() and _is_picture(file.name))
    return _read(str(path), [file.name for file in files], lambda name: path / name, size, n)


def from_folders(
    a: str | os.PathLike, b: str | os.PathLike, *, size: int = 64, n: int | None = None, tests: int | None = None
) -> TranslationSets:
    """Read two folders of one's own pictures, as `folder` does; they may differ in length.

    Every tenth of each side, the first included, is held out for testing. What is held out counts as pairs where all
    names agree: two folders of unrelated pictures should not both be numbered alike.

    Args:
        a: folder of the pictures of kind A.
        b: folder of the pictures of kind B.
        size: pixels a side.
        n: pictures a side to train with at most, None for all.
        tests: pictures a side to test with at most, None for all.

    Raises:
        FileNotFoundError: where there is no such folder.
        ImageError: for fewer than two pictures on a side.
    """
    sides = []
    for path in (a, b):
        whole = folder(path, size)
        if len(whole) < 2:
            raise ImageError(f"{path} has only {len(whole)} picture: a side needs one to train and one to test with")
        held_out = torch.arange(len(whole), device="cpu") % HELD_OUT == 0
        sides.append((whole.subset(~held_out).subset(slice(n)), whole.subset(held_out).subset(slice(tests))))
    (train_a, test_a), (train_b, test_b) = sides
    return TranslationSets("folders", train_a, train_b, test_a, test_b, _are_pairs(test_a, test_b))


def from_zip(
    archive: str | os.PathLike, name: str, *, size: int = 64, n: int | None = None, tests: int | None = None
) -> TranslationSets:
    """Read a set laid out like the paper's: folders trainA, trainB, testA and testB, in a .zip that stays packed.

    Nothing is unpacked to the disk. The test pictures count as pairs where their names agree but for a final _A or _B.

    Args:
        archive: the .zip file.
        name: of the data set.
        size: pixels a side.
        n: pictures a side to train with at most, None for all.
        tests: pictures a side to test with at most, None for all.

    Raises:
        DownloadError: when the file is no such archive.
        ImageError: when a folder in it has no pictures or none can be read.
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
            picture = pictures.load(source(name))
        except Exception:  # a damaged file, or a damaged part of an archive, fails in many ways inside its reader
            bad.append(PurePosixPath(name).name)
            continue
        images.append((_square(picture, size) * 255).round().to(torch.uint8))
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
    return pictures.resize(image[:, :, top : top + side, left : left + side], (size, size))


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in Image.registered_extensions()


def _are_pairs(a: ImageSet, b: ImageSet) -> bool:
    def stems(side: Iterable[dict]) -> list[str]:
        return [re.sub(r"_[AB]$", "", Path(entry["file"]).stem) for entry in side]

    return stems(a.meta) == stems(b.meta)
