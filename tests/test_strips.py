"""Pictures written strip by strip are the pictures, in less memory; what fails leaves nothing."""

import numpy as np
import pytest
import torch
from PIL import Image

from gencourse import images
from gencourse.expect import ImageError
from gencourse.images.strips import paeth, save_strips


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def pixels(path) -> np.ndarray:
    with Image.open(path) as file:
        assert file.mode == "RGB"
        file.load()
        return np.array(file)


@pytest.mark.parametrize("rows", [1, 3, 7, 20])
@pytest.mark.parametrize("size", [(7, 5), (1, 1), (20, 33)])
def test_a_png_holds_the_picture(tmp_path, rows, size):
    x = picture(1, 3, *size)
    path = save_strips(x.split(rows, 2), size, tmp_path / "new" / "a.png")
    assert np.array_equal(pixels(path), images.to_uint8(x)[0])
    Image.open(path).verify()  # the checksums
    assert torch.equal(images.load(path), torch.from_numpy(pixels(path)).permute(2, 0, 1)[None] / 255)


def test_a_smooth_picture_is_packed_as_well_as_by_pil(tmp_path):
    ramp = torch.linspace(0, 1, 200)
    x = torch.stack([ramp[:, None].expand(200, 200), ramp.expand(200, 200), ramp[:, None] * ramp])[None]
    ours, theirs = save_strips([x], (200, 200), tmp_path / "a.png"), images.save(x, tmp_path / "b.png")
    assert ours.stat().st_size < 1.5 * theirs.stat().st_size


def test_the_filter_by_the_words_of_the_specification():
    """Pixel by pixel: of left + above - corner, the nearest of the three, ties in this order."""
    strip = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    above = np.random.default_rng(1).integers(0, 256, (5, 3), np.uint8)
    found, everything = paeth(strip, above), np.concatenate([above[None], strip]).astype(int)
    assert found.shape == (4, 16) and (found[:, 0] == 4).all()
    for i in range(4):
        for j in range(5):
            for c in range(3):
                left = everything[i + 1, j - 1, c] if j else 0
                corner = everything[i, j - 1, c] if j else 0
                up = everything[i, j, c]
                p = left + up - corner
                nearest = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
                assert found[i, 1 + 3 * j + c] == (everything[i + 1, j, c] - nearest) % 256


def test_a_png_is_written_as_its_strips_come(tmp_path):
    """When the last strip is asked for, the others are in the file already, under another name."""
    written = []

    def strips():
        for strip in picture(1, 3, 600, 200).split(100, 2):
            written.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
            yield strip

    path = save_strips(strips(), (600, 200), tmp_path / "a.png")
    assert written[-1] > 0.5 * path.stat().st_size and [file.name for file in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("ending", ["jpg", "webp", "tif"])
def test_other_formats(tmp_path, ending):
    x = picture(1, 3, 20, 30)
    path = save_strips(x.split(8, 2), (20, 30), tmp_path / f"a.{ending}")
    assert np.array_equal(pixels(path), pixels(images.save(x, tmp_path / f"b.{ending}")))


def broken():
    yield picture(1, 3, 8, 8)
    raise RuntimeError("in the middle")


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_what_fails_leaves_nothing(tmp_path, ending):
    with pytest.raises(RuntimeError, match="in the middle"):
        save_strips(broken(), (16, 8), tmp_path / f"a.{ending}")
    for strips, message in (
        ([picture(1, 3, 8, 8)], "a picture of 16 rows was expected, got 8"),
        ([picture(1, 3, 8, 8)] * 3, "a strip"),
        ([picture(1, 3, 16, 9)], "a strip"),
        ([picture(2, 3, 16, 8)], "a strip"),
        ([picture(1, 1, 16, 8)], "a strip"),
        ([picture(3, 16, 8)], "expected pictures"),
        ([picture(1, 3, 16, 8) * 255], "expected values in"),
        ([], "16 rows was expected, got 0"),
    ):
        with pytest.raises(ImageError, match=message):
            save_strips(strips, (16, 8), tmp_path / f"a.{ending}")
    assert list(tmp_path.iterdir()) == []


def test_an_ending_that_says_nothing(tmp_path):
    with pytest.raises(ImageError, match="cannot tell the format"):
        save_strips([picture(1, 3, 8, 8)], (8, 8), tmp_path / "a")
