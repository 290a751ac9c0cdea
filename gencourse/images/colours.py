"""Colours: a picture's numbers as those of sRGB, which screens, networks and plots take; how grey is made of them."""

import io
import itertools
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
from PIL import Image

LUMA = (0.299, 0.587, 0.114)  # how much R, G and B count in a grey value: ITU-R BT.601
Convert = Callable[[Image.Image], Image.Image]

# What a profile of each kind may describe; of a picture in another mode it says nothing, and viewers ignore it.
DESCRIBES = {
    "RGB": ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "YCbCr", "HSV"),
    "GRAY": ("1", "L", "LA"),
    "CMYK": ("CMYK",),
    "Lab": ("LAB",),
}
SAME = 2  # levels of 255: a profile that changes no colour by more is sRGB under another name


def to_srgb(picture: Image.Image) -> Convert:
    """Return the function that turns a picture, or a part cut out of it, into sRGB.

    Args:
        picture: Of any 8-bit mode; its ICC profile, where it has one, says what its numbers mean. Without one they are
            sRGB already.

    Returns:
        A function from a part of the picture to the same part, RGBA where there is transparency and RGB elsewhere.
    """
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    plain: Convert = partial(Image.Image.convert, mode=mode)
    if not (data := picture.info.get("icc_profile")):
        return plain
    try:
        return _by_profile(data, picture.mode, mode) or plain
    except Exception as error:  # a damaged profile fails in many ways inside littleCMS
        warnings.warn(f"a picture's colour profile cannot be used and is ignored ({error})", stacklevel=2)
        return plain


def grey_levels(picture: Image.Image) -> np.ndarray:
    """Return the sRGB colours of 256 greys from black to white, (256, 3) in [0, 255], as a grey picture has them."""
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    if profile := picture.info.get("icc_profile"):
        ramp.info["icc_profile"] = profile
    return np.asarray(to_srgb(ramp)(ramp), dtype=np.float32)[0]


def _by_profile(data: bytes, found: str, mode: str) -> Convert | None:
    """Return the conversion from a profile, None where it has no part in a picture of mode `found`, or changes nothing.

    mode: RGB or RGBA, what is to come out.
    """
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
    space = cast(Any, profile.profile).xcolor_space.strip()
    if found not in DESCRIBES.get(space, ()):
        return None
    taken = {"RGB": mode, "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}[space]
    transform = ImageCms.buildTransform(
        profile, ImageCms.createProfile("sRGB"), taken, mode if space == "RGB" else "RGB"
    )

    def convert(part: Image.Image) -> Image.Image:
        colours = part if part.mode == taken else part.convert(taken)
        seen = ImageCms.applyTransform(colours, transform)
        assert seen is not None  # None is for a change in place
        if mode == "RGBA":
            seen.putalpha(part.convert("RGBA").getchannel("A"))
        return seen

    tried = _all_colours().convert(taken)
    same = space in ("RGB", "GRAY") and _distance(ImageCms.applyTransform(tried, transform), tried) <= SAME
    return None if same else convert


def _all_colours() -> Image.Image:
    """Return a picture of colours from all over the cube."""
    steps = range(0, 256, 51)
    return Image.frombytes("RGB", (6, 36), bytes(itertools.chain(*itertools.product(steps, steps, steps))))


def _distance(a: Image.Image | None, b: Image.Image) -> int:
    """Return by how many levels two pictures differ at most."""
    assert a is not None
    x, y = (np.asarray(picture.convert("RGB"), dtype=np.int16) for picture in (a, b))
    return int(abs(x - y).max())
