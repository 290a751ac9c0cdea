"""What moves and what the reader moves: animations, sliders over a picture, a button for a picture of their own."""

import html
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import PIL.Image
from IPython.display import Image, display
from matplotlib.figure import Figure
from torch import Tensor

from gencourse.expect import ImageError, check_tensor
from gencourse.images import grid as lay_out
from gencourse.images import to_pil
from gencourse.show.layout import side_by_side

DPI = 120  # of a figure's file; on the page an inch is SHOWN pixels wide, so that text is sharp on a dense screen
SHOWN = 80
LARGEST_PNG = 120_000  # bytes
LARGEST = 290_000  # bytes of any picture
LEGIBLE = 400  # pixels: a picture of at most half as many is enlarged by a whole factor, up to this longer side


def animation(
    frames: Iterable[Tensor], *, fps: float = 10, path: str | os.PathLike | None = None, width: int | None = None
) -> Path | None:
    """Show frames as a GIF that plays in the page; the last one stays two seconds.

    Args:
        frames: Each (1, C, H, W), or a grid of (B, C, H, W), in [0, 1].
        fps: Frames a second.
        path: Also write the GIF there.
        width: On the page, in pixels.

    Returns:
        The path, where there is one.

    Raises:
        ImageError: No frames, frames of different sizes, or what is no picture.
        ValueError: fps of 0 or less.
        OSError: The file cannot be written.
    """
    if not fps > 0:
        raise ValueError(f"fps must be above 0, got {fps}")
    frames = list(frames)
    if wrong := [tuple(frame.shape) for frame in frames if check_tensor(frame).ndim != 4]:
        raise ImageError(f"expected frames (B, C, H, W), got shape {wrong[0]}")
    pictures = [to_pil(lay_out(frame) if len(frame) > 1 else frame).convert("RGB") for frame in frames]
    if not pictures or len({picture.size for picture in pictures}) != 1:
        raise ImageError(f"expected frames of one size, got {sorted({p.size for p in pictures}) or 'none'}")
    palette = _palette(pictures)
    small = [picture.quantize(palette=palette, dither=PIL.Image.Dither.NONE) for picture in pictures]
    durations = [round(1000 / fps)] * (len(small) - 1) + [2000]
    buffer = io.BytesIO()
    small[0].save(buffer, "GIF", save_all=True, append_images=small[1:], duration=durations, loop=0, optimize=True)
    display(Image(data=buffer.getvalue(), format="gif", width=width))
    if path is None:
        return None
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(buffer.getvalue())
    return Path(path)


def slider(render: Callable[..., Tensor | Mapping[str, Tensor] | Figure], **controls: Any) -> None:
    """Let the reader play: controls become sliders and menus, `render(**values)` draws the picture for them.

    The picture for the values they begin at is an ordinary output, so that the page reads without a kernel; with one it
    is redrawn in place. An exception in `render` is shown under the sliders instead of being swallowed.

    Args:
        render: Returns images (B, C, H, W) in [0, 1], images by caption, as `compare` takes them, or a matplotlib
            figure.
        controls: Numbers (low, high), (low, high, step) or (low, high, step, start), which without a start begin in the
            middle; a list of choices, which begins at the first; or an ipywidgets widget.

    Raises:
        ValueError: A control is none of these.
    """
    widgets: dict[str, Any] = {name: _widget(name, control) for name, control in controls.items()}
    message = ipywidgets.HTML()
    first = picture(render(**{name: widget.value for name, widget in widgets.items()}))
    display(ipywidgets.VBox([*widgets.values(), message]))
    handle = display(first, display_id=True)

    def redraw(_) -> None:
        try:
            drawn = picture(render(**{name: widget.value for name, widget in widgets.items()}))
        except Exception as error:  # a callback has nobody to raise to
            message.value = f"<b>{type(error).__name__}</b>: {html.escape(str(error))}"
            return
        message.value = ""
        if handle is not None:
            handle.update(drawn)

    for widget in widgets.values():
        widget.observe(redraw, names="value")


def upload(use: Callable[[bytes], None], *, label: str = "your photo") -> None:
    """Show a button that takes a picture from the reader's disk.

    Works with ipywidgets 7 and 8, whose upload values differ.

    Args:
        use: Called with the bytes of the file; what it displays appears under the button.
        label: On the button.
    """
    button = ipywidgets.FileUpload(accept="image/*", multiple=False, description=label)
    output = ipywidgets.Output()

    def receive(change) -> None:
        files = change["new"]
        if not files:
            return
        file = next(iter(files.values())) if isinstance(files, dict) else files[0]
        with output:
            output.clear_output()
            use(bytes(file["content"]))

    button.observe(receive, names="value")
    display(ipywidgets.VBox([button, output]))


def _palette(pictures: Sequence[PIL.Image.Image]) -> PIL.Image.Image:
    """Choose one palette for all frames, or the colours would flicker: from up to 64 of them, side by side.

    Two ways of choosing compete: by how frequent colours are, which is right for photographs, and by how far apart they
    are, which keeps the few coloured points of a plot. The better is that with the smaller error to the fourth.
    """
    strip = _sample(pictures)
    methods = (PIL.Image.Quantize.MEDIANCUT, PIL.Image.Quantize.MAXCOVERAGE)
    palettes = [strip.quantize(255, method=method) for method in methods]
    return min(palettes, key=lambda palette: _error(strip, palette))


def _sample(pictures: Sequence[PIL.Image.Image], side: int = 96) -> PIL.Image.Image:
    """Take pixels out of the frames, none of them averaged: that would wash out small coloured points."""
    chosen = [pictures[round(i)] for i in np.linspace(0, len(pictures) - 1, min(64, len(pictures)))]
    w, h = (min(side, length) for length in chosen[0].size)
    strip = PIL.Image.new("RGB", (len(chosen) * w, h))
    for i, frame in enumerate(chosen):
        strip.paste(frame.resize((w, h), PIL.Image.Resampling.NEAREST), (i * w, 0))
    return strip


def _error(picture: PIL.Image.Image, palette: PIL.Image.Image) -> float:
    drawn = picture.quantize(palette=palette, dither=PIL.Image.Dither.NONE).convert("RGB")
    return float(((np.asarray(drawn, np.float64) - np.asarray(picture, np.float64)) ** 4).mean())


def _widget(name: str, control: Any) -> ipywidgets.Widget:
    if isinstance(control, ipywidgets.Widget):
        return control
    description = name.replace("_", " ")
    if isinstance(control, tuple) and len(control) in (2, 3, 4) and all(isinstance(v, int | float) for v in control):
        return _number_slider(name, control, description)
    if isinstance(control, list) and control:
        return ipywidgets.Dropdown(options=control, description=description)
    wanted = "a widget, (low, high[, step[, start]]) or a list of choices"
    raise ValueError(f"control {name!r} must be {wanted}, got {control!r}")


def _number_slider(name: str, control: tuple[float, ...], description: str) -> ipywidgets.Widget:
    whole = all(isinstance(v, int) for v in control)
    low, high = control[:2]
    step = control[2] if len(control) > 2 else (1 if whole else (high - low) / 20)
    middle = low + (high - low) // 2 if whole else (low + high) / 2
    start = control[3] if len(control) > 3 else middle
    if not low <= start <= high or step <= 0:  # ipywidgets would move the start into the range and say nothing
        raise ValueError(f"control {name!r} must have low <= start <= high and a step above 0, got {control!r}")
    kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    return kind(min=low, max=high, step=step, value=start, continuous_update=False, description=description)


def png(drawn: Tensor | Figure, *, dpi: int = SHOWN) -> bytes:
    """Return images (B, C, H, W) in [0, 1], or a figure, as the bytes of a PNG file.

    Args:
        drawn: What to write.
        dpi: Pixels an inch of a figure.

    Raises:
        ImageError: It is neither.
    """
    buffer = io.BytesIO()
    if isinstance(drawn, Figure):
        drawn.savefig(buffer, format="png", dpi=dpi)
    elif check_tensor(drawn).ndim == 4 and len(drawn) == 1:
        to_pil(drawn).save(buffer, "PNG", optimize=True)
    else:
        to_pil(lay_out(drawn)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def picture(drawn: Tensor | Mapping[str, Tensor] | Figure) -> Image:
    """Draw it for the page: PNG, or JPEG where a photograph would make the notebook heavy."""
    if isinstance(drawn, Mapping):
        drawn = side_by_side(drawn)
    if isinstance(drawn, Tensor) and drawn.ndim == 4:
        drawn = legible(drawn)
    data = original = png(drawn, dpi=DPI)
    for quality in (80, 65, 50):
        if len(data) <= (LARGEST_PNG if quality == 80 else LARGEST):
            break
        buffer = io.BytesIO()
        PIL.Image.open(io.BytesIO(original)).convert("RGB").save(buffer, "JPEG", quality=quality)
        data = buffer.getvalue()
    return Image(data=data, width=round(drawn.get_figwidth() * SHOWN) if isinstance(drawn, Figure) else None)


def legible(images: Tensor) -> Tensor:
    """Return pictures (B, C, H, W) as one (1, C, H', W'), pixels repeated where it would be as small as a stamp."""
    sheet = lay_out(images) if len(images) > 1 else images[0]
    factor = max(1, LEGIBLE // max(sheet.shape[-2:]))
    return sheet.repeat_interleave(factor, -2).repeat_interleave(factor, -1)[None]
