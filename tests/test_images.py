"""Pictures in and out, good ones and bad ones."""

import io
import os
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from gencourse import images
from gencourse.expect import ImageError
from gencourse.images import reading

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)  # high, so that a swapped side shows


def encoded(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def expected(array: np.ndarray) -> torch.Tensor:
    """What (H, W, 3) bytes should be as a tensor."""
    return torch.from_numpy(array.astype(np.float32) / 255).permute(2, 0, 1)[None]


def smooth_picture(mode: str = "RGB") -> Image.Image:
    """A picture that JPEG keeps nearly unchanged, different in every corner: 32 high, 16 wide."""
    y, x = np.mgrid[0:32, 0:16].astype(np.float32)
    array = np.stack([x / 15, y / 31, (x + y) / 46], axis=-1)
    return Image.fromarray((array * 255).round().astype(np.uint8)).convert(mode)


# Reading


def test_sources_agree(tmp_path):
    path = tmp_path / "ein Bild.png"
    path.write_bytes(encoded(Image.fromarray(BYTES)))
    with open(path, "rb") as file:
        file.seek(3)  # somebody has looked at it
        loaded = [images.load(s) for s in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), file)]
        assert not file.closed
    picture = Image.open(path)
    for x in (*loaded, images.load(picture), images.load(picture)):  # the picture stays usable
        assert x.shape == (1, 3, 6, 4) and x.dtype == torch.float32 and x.is_contiguous()
        assert torch.equal(x, expected(BYTES))


def test_files_are_closed(tmp_path):
    frames = [Image.new("P", (4, 4), i) for i in range(3)]
    (tmp_path / "a.gif").write_bytes(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    (tmp_path / "broken.png").write_bytes(encoded(Image.fromarray(BYTES))[:60])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images.load(tmp_path / "a.gif")
        with pytest.raises(ImageError):
            images.load(tmp_path / "broken.png")


def test_one_pixel():
    x = images.load(Image.new("RGB", (1, 1), (255, 0, 51)))
    assert x.flatten().tolist() == pytest.approx([1, 0, 0.2]) and x.shape == (1, 3, 1, 1)


def test_transparency_is_laid_on_white():
    rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 51]]], dtype=np.uint8)
    x = images.load(encoded(Image.fromarray(rgba, "RGBA")))
    assert torch.allclose(x[0, :, 0].T, torch.tensor([[1.0, 0, 0], [1, 1, 1], [0.8, 0.8, 0.8]]))


def test_grey_with_transparency():
    la = np.array([[[0, 255], [0, 0], [0, 51]]], dtype=np.uint8)
    x = images.load(encoded(Image.fromarray(la, "LA")))
    assert torch.allclose(x[0], torch.tensor([0, 1, 0.8]).expand(3, 1, 3))


def test_palette_with_a_transparent_colour():
    picture = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    assert torch.equal(images.load(encoded(picture))[0, :, 0], torch.eye(3))
    for transparent in (1, b"\xff\x00\xff"):  # an index, or the opacity of each colour
        x = images.load(encoded(picture, transparency=transparent))
        assert x[0, :, 0].T.tolist() == [[1, 0, 0], [1, 1, 1], [0, 0, 1]]


def test_grey_is_repeated():
    grey = RNG.integers(0, 256, (3, 5), dtype=np.uint8)
    x = images.load(encoded(Image.fromarray(grey)))
    assert torch.equal(x, expected(np.repeat(grey[..., None], 3, axis=2)))
    bits = images.load(encoded(Image.fromarray(grey > 128)))
    assert torch.equal(bits[0, 0], torch.from_numpy(grey > 128).float())


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_values(kind):
    values = np.array([[0, 1, 255, 256], [32768, 40000, 65534, 65535]], dtype=np.uint16)
    x = images.load(encoded(Image.fromarray(values), kind))
    wanted = torch.from_numpy(values.astype(np.float32) / 65535)
    assert x.shape == (1, 3, 2, 4) and torch.allclose(x[0], wanted.expand(3, 2, 4), atol=1e-7)


def test_a_transparent_sixteen_bit_grey_lies_on_white():
    values = np.array([[0, 300], [30_000, 65_535]], dtype=np.uint16)
    x = images.load(encoded(Image.fromarray(values), "PNG", transparency=300))
    assert torch.allclose(x[0, 0], torch.tensor([[0, 1], [30_000 / 65_535, 1]]))


def test_pictures_without_a_fixed_range_are_refused():
    for values in (np.full((2, 2), 70_000, np.int32), np.full((2, 2), -1, np.int32), np.ones((2, 2), np.float32)):
        with pytest.raises(ImageError, match="no fixed range"):
            images.load(encoded(Image.fromarray(values), "TIFF"))


# What each EXIF orientation asks of the stored picture, (C, H, W), from the EXIF standard.
TURNS = {
    1: lambda x: x,
    2: lambda x: x.flip(2),
    3: lambda x: x.flip(1, 2),
    4: lambda x: x.flip(1),
    5: lambda x: x.transpose(1, 2),
    6: lambda x: x.rot90(-1, (1, 2)),
    7: lambda x: x.flip(1, 2).transpose(1, 2),
    8: lambda x: x.rot90(1, (1, 2)),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    x = images.load(encoded(Image.fromarray(BYTES), exif=exif))
    assert torch.equal(x[0], TURNS[orientation](expected(BYTES)[0]))


def test_exif_of_a_jpeg_sixteen_bits_and_a_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(smooth_picture(), "JPEG", exif=exif, quality=95)
    assert images.load(data).shape == images.load(Image.open(io.BytesIO(data))).shape == (1, 3, 16, 32)
    deep = encoded(Image.fromarray(np.array([[0, 65535]], dtype=np.uint16)), exif=exif)
    assert images.load(deep)[0, 0].tolist() == [[0], [1]]


def test_cmyk_jpeg():
    x = images.load(encoded(smooth_picture("CMYK"), "JPEG", quality=95))
    assert x.shape == (1, 3, 32, 16)
    assert (x - images.load(smooth_picture())).abs().mean() < 0.03  # inverted, it would be near 0.5


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (3, 2), colour) for colour in ("red", "lime", "blue")]
    x = images.load(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert x.shape == (1, 3, 2, 3) and x[0, :, 0, 0].tolist() == [1, 0, 0]


def test_a_picture_is_taken_as_it_stands_and_stays_open(tmp_path):
    frames = [Image.new("RGB", (3, 2), colour) for colour in ("red", "lime", "blue")]
    (tmp_path / "a.gif").write_bytes(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    with Image.open(tmp_path / "a.gif") as picture:
        for i in range(3):
            picture.seek(i)
            assert images.load(picture)[0, :, 0, 0].tolist() == torch.eye(3)[i].tolist()


def test_a_text_file_named_jpg(tmp_path):
    path = tmp_path / "holiday.jpg"
    path.write_text("this is no picture\n" * 100)
    with pytest.raises(ImageError, match="holiday.jpg is not a readable picture"):
        images.load(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
@pytest.mark.filterwarnings("ignore")  # PIL's own, about what it skips
def test_cut_off_and_damaged_files(kind, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)  # a damaged size must not cost the memory of a large picture
    rng = np.random.default_rng(1)
    try:
        data = encoded(Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)), kind)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow does not write {kind}")
    with pytest.raises(ImageError):
        images.load(data[: len(data) // 2])
    for _ in range(40):
        damaged = bytearray(data)
        for place in rng.integers(0, min(len(data), 300), 4):
            damaged[place] = rng.integers(256)
        try:
            x = images.load(bytes(damaged))
        except ImageError:
            continue  # anything else escapes and fails
        assert x.ndim == 4 and x.min() >= 0 and x.max() <= 1


@pytest.mark.parametrize("source", [b"", b"x", None, 5, torch.rand(1, 3, 4, 4), np.zeros((4, 4, 3), np.uint8), "a\0b"])
def test_what_is_no_picture(source):
    with pytest.raises(ImageError, match="not a readable picture"):
        images.load(source)


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / ("a long name " * 9) / "missing.jpg"
    with pytest.raises(FileNotFoundError, match="missing.jpg"):
        images.load(path)
    with pytest.raises(ImageError):
        images.load(tmp_path)  # a folder


def test_a_decompression_bomb(monkeypatch):
    data = encoded(Image.new("RGB", (30, 30)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="too many pixels"):
        images.load(data)


# Writing


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_round_trip(channels, tmp_path):
    x = torch.from_numpy(RNG.integers(0, 256, (1, channels, 5, 7)).astype(np.float32) / 255)
    path = images.save(x, tmp_path / "new" / "folder" / "x.PNG")
    assert path == tmp_path / "new" / "folder" / "x.PNG" and path.read_bytes()[:4] == b"\x89PNG"
    kept = np.asarray(Image.open(path)).reshape(5, 7, channels)
    assert np.array_equal(kept, images.to_uint8(x)[0])
    if channels == 3:
        assert torch.equal(images.load(path), x)


@pytest.mark.parametrize(("ending", "head"), [(".jpg", b"\xff\xd8"), (".jpeg", b"\xff\xd8"), (".webp", b"RIFF")])
def test_the_ending_names_the_format(ending, head, tmp_path):
    x = images.load(smooth_picture())
    path = images.save(x, str(tmp_path / f"x{ending}"))
    assert path.read_bytes().startswith(head)
    assert (images.load(path) - x).abs().mean() < 0.02


def test_jpeg_has_no_transparency(tmp_path):
    with pytest.raises(ImageError, match=r"x\.jpg cannot hold this picture.*use \.png"):
        images.save(torch.rand(1, 4, 5, 5), tmp_path / "x.jpg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["x", "x.nothing", "x.txt", "x.psd", "png"])  # PIL reads psd, and cannot write it
def test_an_unknown_ending(name, tmp_path):
    with pytest.raises(ImageError, match=r"use an ending such as \.png"):
        images.save(torch.rand(1, 3, 4, 4), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failing", ["replace", "fdopen"])
def test_save_is_all_or_nothing(failing, tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"the picture before")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, failing, fail)
        images.save(torch.rand(1, 3, 4, 4), path)
    assert path.read_bytes() == b"the picture before" and len(list(tmp_path.iterdir())) == 1


def test_a_saved_file_can_be_read_by_others(tmp_path):
    mask = os.umask(0o022)
    try:
        assert images.save(torch.rand(1, 3, 4, 4), tmp_path / "x.png").stat().st_mode & 0o044 == 0o044
    finally:
        os.umask(mask)


@pytest.mark.parametrize(
    "bad",
    [
        torch.full((1, 3, 4, 4), 1.01),
        torch.full((1, 3, 4, 4), -0.01),
        torch.full((1, 3, 4, 4), float("nan")),
        torch.full((1, 3, 4, 4), float("inf")),
        torch.zeros(1, 3, 4, 4, dtype=torch.uint8),
        torch.zeros(1, 3, 0, 4),
    ],
    ids=["above", "below", "nan", "inf", "bytes", "empty"],
)
def test_bad_values_raise_everywhere(bad, tmp_path):
    one_bad = bad.clone()
    if bad.is_floating_point() and bad.numel():
        one_bad[..., 1:] = 0.5  # a column of it is enough
    for use in (
        images.to_signed,
        images.to_uint8,
        images.to_pil,
        images.grid,
        lambda x: images.resize(x, 2),
        lambda x: images.save(x, tmp_path / "x.png"),
    ):
        with pytest.raises(ImageError, match="expected"):
            use(one_bad)
    assert not list(tmp_path.iterdir())


def test_a_range_error_says_what_it_found():
    with pytest.raises(ImageError, match=r"expected values in \[0, 1\], got \[-1, 1\]"):
        images.to_signed(torch.tensor([[[[-1.0, 1.0]]]]))
    with pytest.raises(ImageError, match="got torch.uint8; divide bytes by 255"):
        images.to_signed(torch.ones(1, 1, 1, 1, dtype=torch.uint8))


@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 4, 4), (1, 2, 4, 4), (2, 4, 4), (1, 1, 3, 4, 4)])
def test_wrong_shapes_are_named(shape, tmp_path):
    for use in (images.to_pil, lambda x: images.save(x, tmp_path / "x.png")):
        with pytest.raises(ImageError, match="shape"):
            use(torch.rand(shape))
    for use in (images.to_uint8, images.grid, lambda x: images.resize(x, 2)):
        with pytest.raises(ImageError, match="shape"):
            use(torch.rand(3, 4, 4))


def test_rounding_may_leave_the_range_a_little():
    x = torch.tensor([-5e-4, 1 + 5e-4]).reshape(1, 1, 1, 2)
    assert images.to_uint8(x).flatten().tolist() == [0, 255]  # clipped, not wrapped around
    assert images.grid(x).flatten().tolist() == [0, 1]


def test_to_uint8_rounds_to_nearest():
    x = (torch.arange(256) / 255).reshape(1, 1, 16, 16)
    for shifted in (x, (x + 0.4 / 255).clamp(max=1), (x - 0.4 / 255).clamp(min=0), x.half(), x.double()):
        assert np.array_equal(images.to_uint8(shifted).flatten(), np.arange(256, dtype=np.uint8))
    assert images.to_uint8(torch.rand(2, 3, 4, 5)).shape == (2, 4, 5, 3)


def test_to_pil_modes():
    modes = [images.to_pil(torch.rand(c, 4, 5)).mode for c in (1, 3, 4)]
    assert modes == ["L", "RGB", "RGBA"] and images.to_pil(torch.rand(1, 3, 4, 5)).size == (5, 4)


def test_gradients_pass_and_pictures_take_tensors_that_want_them():
    x = torch.rand(1, 3, 4, 4, requires_grad=True)
    images.to_unit(images.to_signed(x)).sum().backward()
    assert torch.allclose(x.grad, torch.ones_like(x))
    assert images.to_uint8(x).shape == (1, 4, 4, 3)
    assert not images.grid(x).requires_grad


# Ranges


def test_signed_and_unit_are_inverses():
    x = torch.rand(2, 3, 4, 4)
    assert torch.allclose(images.to_unit(images.to_signed(x)), x, atol=1e-6)
    assert images.to_signed(torch.tensor([0, 0.5, 1])).tolist() == [-1, 0, 1]
    assert images.to_unit(torch.tensor([-1.0, 0, 1])).tolist() == [0, 0.5, 1]
    for wrong in (torch.tensor([-1.1]), torch.tensor([1.1]), torch.tensor([float("nan")]), torch.tensor([0])):
        with pytest.raises(ImageError):
            images.to_unit(wrong)


# Grids and sizes


def test_grid_layout():
    x = torch.arange(5).reshape(5, 1, 1, 1).expand(5, 1, 1, 2) / 10
    sheet = images.grid(x, columns=2, pad=1)
    assert sheet.shape == (1, 5, 5)
    w = 1.0
    wanted = [[0, 0, w, 0.1, 0.1], [w] * 5, [0.2, 0.2, w, 0.3, 0.3], [w] * 5, [0.4, 0.4, w, w, w]]
    assert torch.allclose(sheet[0], torch.tensor(wanted))


def test_grid_shapes():
    assert images.grid(torch.rand(1, 3, 4, 5)).shape == (3, 4, 5)  # no frame around one
    assert images.grid(torch.rand(7, 3, 4, 5)).shape == (3, 3 * 6 - 2, 3 * 7 - 2)
    assert images.grid(torch.rand(3, 4, 4, 5), columns=9, pad=0).shape == (4, 4, 15)
    assert images.grid(torch.rand(3, 1, 4, 5), columns=1).shape == (1, 16, 5)
    for bad in (lambda: images.grid(torch.rand(0, 3, 4, 4)), lambda: images.grid(torch.rand(2, 3, 4, 4), columns=-1)):
        with pytest.raises(ImageError):
            bad()
    with pytest.raises(ImageError, match="at least one column"):
        images.grid(torch.rand(2, 3, 4, 4), columns=0)


def test_a_grid_does_not_change_its_pictures():
    x = torch.rand(4, 3, 2, 2)
    before = x.clone()
    images.grid(x, pad=0).fill_(0)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("shape", "size", "wanted"),
    [
        ((30, 20), 15, (15, 10)),
        ((20, 30), 60, (40, 60)),
        ((1, 500), 50, (1, 50)),
        ((3, 1000), 10, (1, 10)),
        ((8, 8), (3, 5), (3, 5)),
        ((1, 1), 7, (7, 7)),
        ((5, 4), 1, (1, 1)),
    ],
)
def test_resized_shapes(shape, size, wanted):
    assert images.resize(torch.rand(2, 3, *shape), size).shape == (2, 3, *wanted)
    picture = Image.fromarray(RNG.integers(0, 256, (*shape, 3), dtype=np.uint8))
    if isinstance(size, int):
        assert images.load(picture, size).shape == (1, 3, *wanted)


def test_resizing_never_leaves_the_range():
    edges = (torch.arange(32) // 4 % 2).float().expand(1, 1, 32, 32).contiguous()
    for size in (9, 17, 45, 100):
        small = images.resize(edges, size)
        assert small.min() >= 0 and small.max() <= 1
        assert small.mean() == pytest.approx(0.5, abs=0.02)


def test_resizing_keeps_constants_and_is_antialiased():
    assert torch.allclose(images.resize(torch.full((1, 3, 40, 30), 0.3), 7), torch.tensor(0.3))
    noise = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert images.resize(noise, 8).std() < 0.08  # an average of 8 x 8 values; picking some keeps their 0.29


def test_resizing_to_the_same_size_changes_nothing():
    x = torch.rand(1, 3, 9, 6)
    assert torch.equal(images.resize(x, 9), x) and torch.equal(images.resize(x, (9, 6)), x)


@pytest.mark.parametrize("size", [0, -3, (0, 4), (4, -1)])
def test_a_size_below_one(size):
    with pytest.raises(ImageError, match="at least one pixel"):
        images.resize(torch.rand(1, 3, 4, 4), size)


@pytest.mark.parametrize("size", [4.0, (4, 2.5), (4, 4, 4), "4"])
def test_what_is_no_size(size):
    with pytest.raises(ImageError, match="a whole number of pixels or"):
        images.resize(torch.rand(1, 3, 4, 4), size)


# Colour profiles


def profile(space: str, connection: str, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile, version 2, with the tags of its kind."""
    described = b"desc" + bytes(4) + (5).to_bytes(4, "big") + b"test\0" + bytes(78)
    white = b"XYZ " + bytes(4) + b"".join(fixed(v) for v in (0.9642, 1.0, 0.8249))
    tags = {b"desc": described, b"wtpt": white, b"cprt": b"text" + bytes(4) + b"none\0"} | tags
    place, table, content = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name + (place + len(content)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        content += data + bytes(-len(data) % 4)
    kind = b"prtr" if space == "CMYK" else b"mntr"
    head = bytes(4) + bytes(4) + bytes([2, 16, 0, 0]) + kind + space.encode().ljust(4) + connection.encode().ljust(4)
    head += bytes(12) + b"acsp" + bytes(28) + b"".join(fixed(v) for v in (0.9642, 1.0, 0.8249))
    body = head.ljust(128, b"\0")[4:] + len(tags).to_bytes(4, "big") + table + content
    return (len(body) + 4).to_bytes(4, "big") + body


def fixed(value: float) -> bytes:
    return round(value * 65536).to_bytes(4, "big", signed=True)


def gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(value * 256).to_bytes(2, "big")


def srgb_curve() -> bytes:
    x = np.linspace(0, 1, 1024)
    y = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return b"curv" + bytes(4) + (1024).to_bytes(4, "big") + (y * 65535).round().astype(">u2").tobytes()


def rgb_profile(primaries: str) -> bytes:
    """sRGB's or Display P3's primaries as seen under D50, with sRGB's curve."""
    rows = {
        "srgb": ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)),
        "p3": ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
    }[primaries]
    tags = {}
    for letter, row in zip("rgb", rows, strict=True):
        tags[f"{letter}XYZ".encode()] = b"XYZ " + bytes(4) + b"".join(map(fixed, row))
        tags[f"{letter}TRC".encode()] = srgb_curve()
    return profile("RGB", "XYZ", tags)


def cmyk_profile() -> bytes:
    """A press whose inks have no colour: lightness is the product of what the four let through."""
    grid = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), -1).reshape(16, 4)
    lab = np.stack([255 * (1 - grid).prod(1), np.full(16, 128), np.full(16, 128)], 1).astype(np.uint8)
    ramp = bytes(range(256))
    data = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + b"".join(map(fixed, np.eye(3).ravel()))
    return profile("CMYK", "Lab", {b"A2B0": data + ramp * 4 + lab.tobytes() + ramp * 3})


P3_AS_SRGB = [217.5, 41.7, 38.8]  # (200, 60, 50): to light, by the 3 x 3 matrix from P3's primaries to sRGB's, and back


def levels(x: torch.Tensor, row: int = 0, column: int = 0) -> list[int]:
    return (x[0, :, row, column] * 255).round().int().tolist()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_display_p3_becomes_srgb_in_every_format(kind):
    options = {"PNG": {}, "TIFF": {}, "JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}[kind]
    data = encoded(Image.new("RGB", (300, 200), (200, 60, 50)), kind, icc_profile=rgb_profile("p3"), **options)
    slack = 2 if kind == "JPEG" else 1
    for size in (None, 30):
        assert levels(images.load(data, size)) == pytest.approx(P3_AS_SRGB, abs=slack)
    assert levels(images.load(Image.open(io.BytesIO(data)))) == pytest.approx(P3_AS_SRGB, abs=slack)


def test_a_profile_of_srgb_changes_no_level():
    assert torch.equal(images.load(encoded(Image.fromarray(BYTES), icc_profile=rgb_profile("srgb"))), expected(BYTES))


def test_a_profile_keeps_transparency_and_orientation():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.new("RGBA", (2, 1), (200, 60, 50, 255))
    picture.putpixel((1, 0), (200, 60, 50, 0))
    x = images.load(encoded(picture, icc_profile=rgb_profile("p3"), exif=exif))
    assert (
        x.shape == (1, 3, 2, 1)
        and levels(x) == pytest.approx(P3_AS_SRGB, abs=1)
        and levels(x, row=1) == [255, 255, 255]
    )


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_grey_profile(kind):
    linear = profile("GRAY", "XYZ", {b"kTRC": gamma(1.0)})
    most = np.iinfo(kind).max
    x = images.load(encoded(Image.fromarray(np.array([[0, most // 5, most]], dtype=kind)), icc_profile=linear))
    assert levels(x)[0] == 0 and levels(x, column=2) == [255] * 3
    assert levels(x, column=1) == pytest.approx([124] * 3, abs=1)  # a fifth of the light


def test_a_palette_and_a_grey_picture_with_a_profile_of_colours():
    data = encoded(Image.new("RGB", (2, 2), (200, 60, 50)).quantize(4), icc_profile=rgb_profile("p3"))
    assert levels(images.load(data)) == pytest.approx(P3_AS_SRGB, abs=1)
    grey = images.load(encoded(Image.new("L", (2, 2), 77), icc_profile=rgb_profile("p3")))
    assert levels(grey) == pytest.approx([77] * 3, abs=1)


def test_a_cmyk_profile():
    picture = Image.new("CMYK", (2, 1), (255, 0, 0, 0))
    picture.putpixel((1, 0), (0, 0, 0, 0))
    x = images.load(encoded(picture, "TIFF", icc_profile=cmyk_profile()))
    assert max(levels(x)) <= 2 and levels(x, column=1) == [255] * 3  # without it, cyan


@pytest.mark.parametrize("broken", [b"no profile", rgb_profile("p3")[:300], rgb_profile("p3")[:128]])
def test_a_damaged_profile_is_told_and_the_picture_read(broken):
    with pytest.warns(UserWarning, match="colour profile cannot be used"):
        assert torch.equal(images.load(encoded(Image.fromarray(BYTES), icc_profile=broken)), expected(BYTES))


def test_a_profile_of_another_kind_of_picture_is_not_used():
    linear = profile("GRAY", "XYZ", {b"kTRC": gamma(1.0)})
    assert torch.equal(images.load(encoded(Image.fromarray(BYTES), icc_profile=linear)), expected(BYTES))


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_heic_is_named_and_what_to_do(brand, tmp_path):
    data = b"\0\0\0\x18ftyp" + brand + bytes(100)
    (tmp_path / "IMG_1.HEIC").write_bytes(data)
    for source in (data, tmp_path / "IMG_1.HEIC", io.BytesIO(data)):
        with pytest.raises(ImageError, match="HEIC.*export it as JPEG"):
            images.load(source)


# Large pictures


@pytest.mark.parametrize("size", [None, 7, 40, 299, 600, (20, 50)])
def test_strips_give_what_the_whole_gives(size, monkeypatch):
    array = np.random.default_rng(2).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    monkeypatch.setattr(reading, "STRIP", 200 * 7)
    x = images.load(Image.fromarray(array), size)
    assert torch.allclose(x, images.resize(expected(array), size or (300, 200)), atol=1e-6)


def test_a_very_large_picture_is_told_in_words_of_ours(monkeypatch):
    data = encoded(Image.new("RGB", (15, 10)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        images.load(data)
    assert [str(warning.message).startswith("a very large picture, 15 x 10") for warning in caught] == [True]
    assert caught[0].filename == __file__  # not a line of PIL's, nor of ours


def test_no_memory_is_told_as_such(monkeypatch):
    def full(*given, **named):
        raise MemoryError

    monkeypatch.setattr(reading, "to_tensor", full)
    with pytest.raises(ImageError, match="does not fit into this machine's memory"):
        images.load(Image.new("RGB", (4, 4)))


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="needs Linux to tell the most memory")
@pytest.mark.parametrize(("size", "turn"), [(None, 1), (3600, 6)])
def test_loading_takes_at_most_ten_bytes_a_pixel_beside_the_result(size, turn, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = turn
    w, h = 4000, 2500
    Image.new("RGB", (w, h), (200, 60, 50)).save(tmp_path / "a.jpg", exif=exif, icc_profile=rgb_profile("p3"))
    images.load(Image.new("RGB", (600, 400)), size and 300)  # what the first picture loads, modules and buffers
    images.load(encoded(Image.new("RGB", (4, 4)), icc_profile=rgb_profile("p3")))
    before = most_memory(reset=True)
    x = images.load(tmp_path / "a.jpg", size)
    assert (most_memory() - before - 4 * x.numel()) / (w * h) < 10


def most_memory(reset: bool = False) -> int:
    """The most bytes this process has held, since the last reset."""
    if reset:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
