"""Sets of samples in and out: an .npz file, or a folder of pictures."""

import os
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gencourse import files
from gencourse.data.imageset import ImageSet
from gencourse.expect import ImageError, check_tensor
from gencourse.images import load, to_uint8


def read(path: str | os.PathLike) -> ImageSet:
    """Read an .npz file, or all pictures in a folder and the folders in it, which must be of one size.

    In the file: `images` uint8, (N, H, W, C) with C of 1 or 3, or (N, H, W); `labels`, integers (N,), where there are
    any. Pictures of a folder that are all grey give C = 1. Raises FileNotFoundError, or ImageError for anything else.
    """
    path = Path(path)
    if path.is_dir():
        images, labels = _folder(path), None
    elif path.is_file():
        images, labels = _archive(path)
    else:
        raise FileNotFoundError(f"no .npz file and no folder of pictures at {path}")
    return ImageSet(path.name, images, labels, ())


def write(path: str | os.PathLike, images: Tensor, labels: Tensor | None = None) -> Path:
    """Write images (N, C, H, W) in [0, 1] as bytes, and labels (N,), to an .npz file that `read` reads.

    The file appears whole or not at all. Raises ImageError for a wrong shape or range, or labels that are not N
    integers, OSError where nothing can be written.
    """
    path = Path(path)
    arrays = {"images": to_uint8(images)}
    if labels is not None:
        arrays["labels"] = check_tensor(labels).cpu().numpy()
        _check_labels(arrays["labels"], len(images), "labels")
    with files.atomic_write(path) as file:
        np.savez_compressed(file, **arrays)
    return path


def _archive(path: Path) -> tuple[Tensor, Tensor | None]:
    try:
        with zipfile.ZipFile(path) as whole:  # NumPy does not look at what it is not asked for, nor misses what is gone
            if damaged := whole.testzip():
                raise ValueError(f"{damaged} is damaged")
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("images", "labels") if name in archive}
    except Exception as error:  # a damaged file fails in many ways inside the readers of .zip and .npy
        raise ImageError(f"{path} is not a readable .npz file of plain arrays ({error})") from error
    if "images" not in arrays:
        raise ImageError(f"{path} holds no array `images`: uint8, N x H x W x C")
    images, labels = arrays["images"], arrays.get("labels")
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or images.size == 0:
        raise ImageError(f"`images` in {path} must be uint8, N x H x W x 1 or 3, got {images.dtype} {images.shape}")
    if labels is not None:
        _check_labels(labels, len(images), f"`labels` in {path}")
    labels = None if labels is None else torch.from_numpy(labels.astype(np.int64))
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), labels


def _check_labels(labels: np.ndarray, count: int, what: str) -> None:
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ImageError(f"{what} must be {count} integers, got {labels.dtype} {labels.shape}")


def _folder(path: Path) -> Tensor:
    endings = Image.registered_extensions()
    files = sorted(f for f in path.rglob("*") if f.suffix.lower() in endings and not f.name.startswith("."))
    if not files:
        raise ImageError(f"there are no pictures in {path}")
    pictures: list[np.ndarray] = []
    for file in files:
        pictures.append(to_uint8(load(file))[0])
        if pictures[-1].shape != pictures[0].shape:
            (h, w), (first_h, first_w) = pictures[-1].shape[:2], pictures[0].shape[:2]
            raise ImageError(f"pictures differ in size: {files[0]} is {first_w} x {first_h}, {file} {w} x {h}")
    images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    return images[:, :1].contiguous() if (images == images[:, :1]).all() else images
