"""Sets of samples in and out."""

import numpy as np
import pytest
import torch
from PIL import Image

from gencourse import images
from gencourse.data import archive
from gencourse.expect import ImageError


def pictures(*shape: int) -> torch.Tensor:
    """On the 256 levels that a file can hold."""
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(0)) / 255


@pytest.mark.parametrize("shape", [(5, 1, 6, 4), (3, 3, 4, 6)])
def test_round_trip(shape, tmp_path):
    x, labels = pictures(*shape), torch.arange(shape[0])
    path = archive.write(tmp_path / "new" / "samples.npz", x, labels)
    again = archive.read(path)
    torch.testing.assert_close(again.unit(), x)
    assert torch.equal(again.labels, labels) and again.name == "samples.npz"
    assert [file.name for file in path.parent.iterdir()] == ["samples.npz"]
    with np.load(path) as inside:
        assert inside["images"].dtype == np.uint8 and inside["images"].shape == (shape[0], *shape[2:], shape[1])


def test_without_labels_or_channels(tmp_path):
    path = archive.write(tmp_path / "a.npz", pictures(2, 1, 4, 4))
    assert archive.read(path).labels is None
    np.savez(path, images=np.zeros((3, 5, 6), dtype=np.uint8), more=np.zeros(2))
    assert archive.read(path).images.shape == (3, 1, 5, 6)


def test_writing_is_all_or_nothing(tmp_path):
    with pytest.raises(ImageError):
        archive.write(tmp_path / "a.npz", pictures(2, 1, 4, 4) * 2)
    assert list(tmp_path.iterdir()) == []


def test_a_folder(tmp_path):
    x = pictures(12, 3, 6, 5)
    for i, picture in enumerate(x):
        images.save(picture, tmp_path / f"{i // 6}" / f"{i:02}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden.png").write_text("not a picture either")
    torch.testing.assert_close(archive.read(tmp_path).unit(), x)


def test_a_folder_of_grey_pictures(tmp_path):
    x = pictures(4, 1, 6, 5)
    for i, picture in enumerate(x):
        images.save(picture if i % 2 else picture.expand(3, -1, -1), tmp_path / f"{i}.png")
    torch.testing.assert_close(archive.read(tmp_path).unit(), x)
    images.save(pictures(3, 6, 5), tmp_path / "z.png")
    assert archive.read(tmp_path).images.shape == (5, 3, 6, 5)


def test_bad_folders(tmp_path):
    with pytest.raises(ImageError, match="there are no pictures in"):
        archive.read(tmp_path)
    for name, size in (("a.png", (4, 5)), ("b.png", (5, 4))):
        Image.new("RGB", size).save(tmp_path / name)
    with pytest.raises(ImageError, match=r"a\.png is 4 x 5, .*b\.png 5 x 4"):
        archive.read(tmp_path)
    (tmp_path / "b.png").write_text("text")
    with pytest.raises(ImageError, match=r"b\.png is not a readable picture"):
        archive.read(tmp_path)
    with pytest.raises(FileNotFoundError, match="no .npz file and no folder of pictures at .*absent"):
        archive.read(tmp_path / "absent")


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"x": np.zeros(3)}, "holds no array `images`"),
        ({"images": np.zeros((2, 4, 4, 1))}, r"must be uint8, .*got float64 \(2, 4, 4, 1\)"),
        ({"images": np.zeros((2, 1, 4, 4), np.uint8)}, r"N x H x W x 1 or 3, got uint8 \(2, 1, 4, 4\)"),
        ({"images": np.zeros((0, 4, 4, 1), np.uint8)}, "uint8"),
        ({"images": np.zeros((2, 4, 4, 1), np.uint8), "labels": np.zeros(3, int)}, "must be 2 integers, got int64"),
        ({"images": np.zeros((2, 4, 4, 1), np.uint8), "labels": np.zeros(2)}, "must be 2 integers, got float64"),
        ({"images": np.array([{}, None], dtype=object)}, "not a readable .npz"),
    ],
)
def test_bad_archives(arrays, message, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ImageError, match=message):
        archive.read(tmp_path / "a.npz")


def test_files_that_are_no_archives(tmp_path):
    good = archive.write(tmp_path / "good.npz", pictures(20, 1, 9, 9)).read_bytes()
    np.save(tmp_path / "plain.npy", np.zeros((2, 4, 4, 1), np.uint8))
    (tmp_path / "text.npz").write_text("text")
    (tmp_path / "empty.npz").touch()
    (tmp_path / "half.npz").write_bytes(good[: len(good) // 2])
    (tmp_path / "damaged.npz").write_bytes(good[:200] + bytes(100) + good[300:])
    for name in ("plain.npy", "text.npz", "empty.npz", "half.npz", "damaged.npz"):
        with pytest.raises(ImageError, match=f"{name} is not a readable .npz"):
            archive.read(tmp_path / name)
