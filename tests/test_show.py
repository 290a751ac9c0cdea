"""Pictures of tensors, curves, animations, sliders: what is drawn, and what is refused."""

import base64
import datetime
import io
import itertools
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import cells
import ipywidgets
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from PIL import Image

from gencourse import images, show
from gencourse.expect import ImageError
from gencourse.show import figures as drawing
from gencourse.show import play
from gencourse.show.play import png


@pytest.fixture
def page(monkeypatch):
    """A page that keeps what is displayed on it, and what replaced it: [data] or widgets."""
    shown = []

    def display(thing, display_id=None):
        entry = SimpleNamespace(thing=thing, updates=[])
        shown.append(entry)
        return SimpleNamespace(update=entry.updates.append) if display_id else None

    for module in (drawing, play):
        monkeypatch.setattr(module, "display", display)
    monkeypatch.setattr(drawing, "in_notebook", lambda: True)
    return shown


@pytest.fixture
def figures(monkeypatch):
    """The matplotlib figures that are shown."""
    shown = []
    monkeypatch.setattr(drawing, "_display", shown.append)
    return shown


def drawn(entry) -> np.ndarray:
    return cells.pixels(entry.thing.data)


def share(pixels: np.ndarray, colour) -> float:
    """The share of the pixels that have exactly this colour."""
    return (pixels == np.asarray(colour)).all(axis=-1).mean()


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in [axes.title, *axes.texts] if text.get_text()]


# Fixed ranges


@pytest.mark.parametrize(
    ("call", "value", "channels"),
    [
        (lambda x: show.images(x), 0.0, 3),
        (lambda x: show.images(x), 0.5, 1),
        (lambda x: show.images(x), 1.0, 3),
        (lambda x: show.images(x, ["caption"]), 0.5, 3),
        (lambda x: show.compare({"picture": x}), 0.5, 3),
        (lambda x: show.compare(picture=x[0]), 0.9, 1),
        (lambda x: show.image(x), 0.5, 1),
        (lambda x: show.image(x[0]), 0.1, 3),
        (lambda x: show.image(x[0, 0]), 0.5, 1),
        (lambda x: show.slider(lambda: x), 0.5, 3),
    ],
)
def test_a_constant_picture_is_drawn_as_it_is(call, value, channels, page):
    call(torch.full((1, channels, 20, 24), value))
    grey = images.to_uint8(torch.full((1, 1, 1, 1), value)).item()
    pixels = drawn(page[-1])
    assert share(pixels, (grey, grey, grey)) > 0.6
    if value == 0.5:  # stretched, it would be black or white
        assert share(pixels, (0, 0, 0)) < 0.05


def test_large_pictures_are_not_stretched_either(page):
    show.images(torch.full((1, 3, 400, 500), 0.5))
    assert share(drawn(page[-1]), (128, 128, 128)) > 0.9


BAD = {
    "above": torch.full((2, 3, 8, 8), 1.2),
    "below": torch.full((2, 3, 8, 8), -0.2),
    "nan": torch.full((2, 3, 8, 8), float("nan")),
    "bytes": torch.zeros(2, 3, 8, 8, dtype=torch.uint8),
}


@pytest.mark.parametrize(
    ("call", "bad"),
    [
        *((lambda x: show.images(x), bad) for bad in BAD),
        (lambda x: show.images(x, ["a", "b"]), "above"),
        (lambda x: show.compare(a=torch.zeros(1, 3, 8, 8), b=x), "below"),
        (lambda x: show.image(x[:1]), "above"),
        (lambda x: show.animation([torch.zeros(1, 3, 8, 8), x[:1]]), "bytes"),
        (lambda x: show.slider(lambda a: x, a=(0, 3)), "nan"),
    ],
)
def test_values_outside_the_range_raise(call, bad, page):
    with pytest.raises(ImageError, match="expected"):
        call(BAD[bad])
    assert not page


# Grids, captions, comparisons


RED, LIME, BLUE = (torch.tensor(c).reshape(1, 3, 1, 1).expand(1, 3, 30, 30).float() for c in np.eye(3))


def places(pixels: np.ndarray, colour) -> tuple[float, float]:
    """The mean (row, column) of the pixels of a colour."""
    found = np.argwhere((pixels == np.asarray(colour)).all(axis=-1))
    assert len(found) > 100, f"{colour} is not in the picture"
    return tuple(found.mean(axis=0))


@pytest.mark.parametrize(
    "call",
    [
        lambda **k: show.images(torch.cat([RED, LIME, BLUE]), **k),
        lambda **k: show.images(torch.cat([RED, LIME, BLUE]), ["r", "g", "b"], **k),
        lambda **k: show.compare({"r": RED, "g": LIME}, b=BLUE, **k),
    ],
    ids=["images", "captions", "compare"],
)
def test_pictures_keep_their_order(call, page):
    call(columns=2)
    r, g, b = (places(drawn(page[0]), colour) for colour in np.eye(3) * 255)
    assert r[0] == pytest.approx(g[0], abs=2) and r[1] < g[1]
    assert b[0] > r[0] + 10 and b[1] == pytest.approx(r[1], abs=2)
    call(columns=3)
    r, g, b = (places(drawn(page[1]), colour) for colour in np.eye(3) * 255)
    assert r[1] < g[1] < b[1] and r[0] == pytest.approx(b[0], abs=2)


def test_captions_and_titles(figures):
    show.images(torch.rand(3, 1, 8, 8), ["one", "two", "three"], title="above all")
    show.compare({"content": RED}, of_style=torch.rand(3, 10, 50), title="side by side")
    show.compare(grid=torch.rand(9, 1, 4, 4))
    show.images(torch.rand(2, 1, 8, 8), title="plain")
    assert texts(figures[0]) == ["one", "two", "three"] and figures[0].get_suptitle() == "above all"
    assert texts(figures[1]) == ["content", "of style"] and figures[1].get_suptitle() == "side by side"
    assert figures[2].axes[0].images[0].get_array().shape == (3 * 4 + 2 * 2, 3 * 4 + 2 * 2)
    assert texts(figures[3]) == ["plain"]


def test_no_caption_runs_into_the_next(figures):
    """Nor into the picture below it."""
    long = {f"{way}: draws, standard deviation x 5": torch.rand(1, 3, 16, 16) for way in ("L1 + cGAN", "a noise map")}
    show.compare(long | {"in two\nlines": RED, "fourth": RED, "$x^2 + y^2 = z^2$": RED}, columns=2, height=2)
    FigureCanvasAgg(figures[0]).draw()
    boxes = [axes.title.get_window_extent() for axes in figures[0].axes if axes.get_title()]
    assert len(boxes) == 5 and not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    pictures = [axes.get_window_extent() for axes in figures[0].axes]
    assert not any(caption.overlaps(x) for caption in boxes for x in pictures)
    assert texts(figures[0])[2] == "in two\nlines"


def test_pictures_side_by_side_are_as_high_as_each_other(figures):
    show.compare({"wide": torch.rand(1, 3, 170, 256), "less wide": torch.rand(1, 3, 200, 256)}, height=2.4)
    FigureCanvasAgg(figures[0]).draw()
    boxes = [axes.get_window_extent() for axes in figures[0].axes]
    assert boxes[0].height == pytest.approx(boxes[1].height, rel=0.02)
    assert boxes[0].width / boxes[0].height == pytest.approx(256 / 170, rel=0.02)


@pytest.mark.parametrize("strip", [(1, 300), (300, 1)])
def test_a_strip_does_not_push_a_square_off_the_page(strip, figures):
    show.compare(square=torch.rand(1, 3, 8, 8), strip=torch.rand(1, 3, *strip))
    FigureCanvasAgg(figures[0]).draw()
    assert figures[0].axes[0].get_window_extent().width > figures[0].dpi


def test_rows_with_names(figures):
    """Each name stands left of its row, at half its height, and on the page."""
    show.images(torch.rand(9, 1, 8, 8), columns=4, rows=["known", "drawn by the network", "truth"], title="three rows")
    canvas = FigureCanvasAgg(figures[0])
    canvas.draw()
    (axes,) = figures[0].axes
    assert texts(figures[0]) == ["three rows", "known", "drawn by the network", "truth"]
    grid, names = axes.get_window_extent(), [text.get_window_extent() for text in axes.texts]
    assert all(name.x0 >= 0 and name.x1 <= grid.x0 for name in names)
    middles = [(grid.y1 - (name.y0 + name.y1) / 2) / grid.height for name in names]
    assert middles == pytest.approx([4 / 28, 14 / 28, 24 / 28], abs=0.03)  # rows of 8 pixels, 2 between them


@pytest.mark.parametrize("rows", [[], ["one"], ["one", "two", "three"]])
def test_names_of_rows_that_do_not_match(rows):
    with pytest.raises(ImageError, match=f"2 rows of pictures but {len(rows)} names"):
        show.images(torch.rand(5, 1, 8, 8), columns=3, rows=rows)
    with pytest.raises(ImageError, match="either each picture"):
        show.images(torch.rand(1, 1, 8, 8), ["caption"], rows=["row"])


def test_captions_that_do_not_match():
    for captions in ([], ["one"], ["one", "two", "three"]):
        with pytest.raises(ImageError, match=rf"2 pictures but {len(captions)} captions"):
            show.images(torch.rand(2, 1, 8, 8), captions)
    with pytest.raises(ImageError, match="nothing to compare"):
        show.compare()
    with pytest.raises(ImageError):
        show.images(torch.rand(0, 1, 8, 8))


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (500, 700), (4, 4)])
def test_pictures_of_any_shape(shape, page):
    show.images(torch.rand(3, 3, *shape))
    show.images(torch.rand(2, 1, *shape), ["a", "b"], height=2)
    show.compare(a=torch.rand(1, 3, *shape), b=torch.rand(3, 20, 30))
    show.image(torch.rand(*shape))
    for entry in page:
        h, w, _ = drawn(entry).shape
        assert 5 <= w <= 1200 and 5 <= h <= 4800  # 10 inches, 120 dots each


def test_pictures_keep_their_aspect(page):
    show.images(RED.expand(1, 3, 30, 30).repeat(1, 1, 1, 3))
    show.compare(a=RED.repeat(1, 1, 3, 1))
    for entry, ratio in zip(page, (1 / 3, 3), strict=True):
        found = np.argwhere((drawn(entry) == [255, 0, 0]).all(axis=-1))
        h, w = found.max(axis=0) - found.min(axis=0) + 1
        assert h / w == pytest.approx(ratio, rel=0.05)


def test_the_height_of_a_row(page):
    for height in (1.0, 2.0):
        show.images(torch.rand(8, 1, 16, 16), columns=4, height=height)
    first, second = (drawn(entry).shape[0] for entry in page)
    assert second == pytest.approx(2 * first, rel=0.1)


# One picture, with a mark


def test_the_mark_is_where_it_should_be(page):
    show.image(torch.zeros(9, 9, dtype=torch.bool), mark=(2, 6))
    pixels = drawn(page[0])
    marked = (pixels[..., 0] > 180) & (pixels[..., 1] < 80)  # matplotlib's red
    row, column = np.argwhere(marked).mean(axis=0) / np.array(pixels.shape[:2]) * 9
    assert (row, column) == (pytest.approx(2.5, abs=0.4), pytest.approx(6.5, abs=0.4))


def test_a_boolean_picture_is_black_and_white(page):
    show.image(torch.eye(4, dtype=torch.bool))
    pixels = drawn(page[0])
    assert 0.1 < share(pixels, (255, 255, 255)) < 0.5 and share(pixels, (0, 0, 0)) > 0.5


def test_image_takes_one_picture():
    for shape in [(2, 3, 8, 8), (1, 1, 3, 8, 8)]:
        with pytest.raises(ImageError, match="one picture"):
            show.image(torch.rand(*shape))


# Curves and matrices


def test_curves(figures):
    values = [4.0, 2.0, 3.0, 1.0]
    show.curves({"mse": values, "mae": [1.0, 2.0]}, beta=0.5, log=True, title="losses")
    axes = figures[0].axes[0]
    lines = {
        (line.get_label() if not line.get_label().startswith("_") else "raw", len(line.get_xdata())): line
        for line in axes.lines
    }
    assert list(lines["raw", 4].get_ydata()) == values and list(lines["mse", 4].get_xdata()) == [1, 2, 3, 4]
    mean, weight, wanted = 0.0, 0.0, []
    for value in values:
        mean, weight = 0.5 * mean + 0.5 * value, 0.5 * weight + 0.5
        wanted.append(mean / weight)
    assert list(lines["mse", 4].get_ydata()) == pytest.approx(wanted)
    assert lines["raw", 4].get_color() == lines["mse", 4].get_color() != lines["mae", 2].get_color()
    assert axes.get_yscale() == "log" and axes.get_title() == "losses"


def test_curves_without_smoothing(figures):
    show.curves({"mse": [4.0, 2.0, 3.0]}, beta=0)
    (line,) = figures[0].axes[0].lines
    assert list(line.get_ydata()) == [4, 2, 3] and figures[0].axes[0].get_yscale() == "linear"


def test_curves_measured_now_and_then(figures):
    show.curves({"mse": [4.0, 2.0, 3.0], "mae": [1.0, 2.0]}, at=[1, 5, 7], beta=0)
    first, second = figures[0].axes[0].lines
    assert list(first.get_xdata()) == [1, 5, 7] and list(second.get_xdata()) == [1, 5]
    with pytest.raises(ValueError, match="3 values but 2 steps"):
        show.curves({"mse": [4.0, 2.0, 3.0]}, at=[1, 5])


@pytest.mark.parametrize("history", [{}, {"mse": []}])
def test_nothing_to_draw(history):
    with pytest.raises(ValueError, match="history is empty"):
        show.curves(history)


def test_matrices(figures):
    show.matrices(
        A=[[1, 2], [3, 4]], a_mask=torch.tensor([[True, False, True]]), half=torch.full((1, 1), 0.3333).bfloat16()
    )
    axes = {a.get_title(): a for a in figures[0].axes}
    assert list(axes) == ["A", "a mask", "half"]
    assert [t.get_text() for t in axes["A"].texts] == ["1", "2", "3", "4"]
    assert [t.get_position() for t in axes["A"].texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]  # (column, row)
    assert [t.get_text() for t in axes["a mask"].texts] == ["1", "0", "1"]
    assert [t.get_text() for t in axes["half"].texts] == ["0.334"]


MANY = {f"matrix_number_{i}": torch.rand(2, 3) for i in range(14)}
NAMED = {"a_very_long_name_for_such_a_small_matrix": [[1]], "another_of_these_long_ones": [[-1.234e9]], "b": [[1, 2]]}


@pytest.mark.parametrize("named", [{"kernel": torch.eye(3), "C": torch.rand(4, 16)}, NAMED, MANY])
def test_matrices_stand_close_together_and_nothing_is_clipped(named, figures):
    show.matrices(**named)
    figure = figures[0]
    renderer = FigureCanvasAgg(figure).get_renderer()
    page = figure.bbox
    assert page.width <= drawing.WIDTH * figure.dpi + 1
    boxes, sides = [], []
    for axes, matrix in zip(figure.axes, named.values(), strict=True):
        grid, title = axes.get_window_extent(renderer), axes.title.get_window_extent(renderer)
        boxes.append(Bbox.union([grid, title]))
        sides += [grid.height / len(matrix), grid.width / len(matrix[0])]
        assert all(text.get_window_extent(renderer).width <= sides[0] for text in axes.texts)
    assert max(sides) - min(sides) < 0.5 and min(sides) > 0.34 * figure.dpi  # all cells alike, and to be read
    for i, box in enumerate(boxes):
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        assert not any(Bbox.intersection(box, other) for other in boxes[i + 1 :])
    for box, after in pairwise(boxes):
        assert after.y1 < box.y0 or after.x0 - box.x1 < 0.3 * figure.dpi


def test_matrices_that_are_none():
    for bad in ({}, {"A": [1, 2]}, {"A": torch.zeros(0, 2)}, {"A": torch.zeros(1, 2, 2)}):
        with pytest.raises(ImageError, match="expected at least one matrix, of two dimensions"):
            show.matrices(**bad)


def test_matrices_of_any_values(page):
    show.matrices(negative=-torch.rand(3, 3), zero=torch.zeros(2, 2), large=torch.full((2, 9), 1e9), one=[[7]])
    show.matrices(wide=torch.rand(4, 40))
    assert all(drawn(entry).std() > 0 for entry in page)


# Animations


def ramp(i: int, n: int) -> torch.Tensor:
    """A frame that differs from all others: a bright column wanders over it."""
    frame = torch.zeros(1, 3, 12, n)
    frame[..., i] = 1
    return frame


def gif_of(entry) -> Image.Image:
    data = entry.thing.data
    return Image.open(io.BytesIO(data if isinstance(data, bytes) else base64.b64decode(data)))


@pytest.mark.parametrize("n", [1, 2, 9, 40])
def test_an_animation_has_every_frame(n, page, tmp_path):
    path = show.animation((ramp(i, n) for i in range(n)), fps=5, path=tmp_path / "new" / "a.gif")
    assert path == tmp_path / "new" / "a.gif" and path.read_bytes() == page[0].thing.data
    gif = gif_of(page[0])
    assert page[0].thing.format == "gif" and gif.n_frames == n and gif.info.get("loop", 0) == 0
    for i in range(n):
        gif.seek(i)
        shown = np.asarray(gif.convert("RGB"))
        assert np.array_equal(shown, images.to_uint8(ramp(i, n))[0])
        assert gif.info.get("duration", 2000) == (2000 if i == n - 1 else 200)


def test_an_animation_keeps_the_colours_of_every_frame(page):
    show.animation([RED, LIME, BLUE])
    gif = gif_of(page[0])
    for i, colour in enumerate(np.eye(3) * 255):
        gif.seek(i)
        assert np.abs(np.asarray(gif.convert("RGB")) - colour).max() < 12, f"frame {i}"


def test_a_short_colour_in_a_long_animation(page):
    frames = [RED * (1 - i / 60) + BLUE * (i / 60) for i in range(60)]
    show.animation(frames)
    gif = gif_of(page[0])
    for i in range(gif.n_frames):
        gif.seek(i)
        wanted = images.to_uint8(frames[i])[0].astype(int)
        assert np.abs(np.asarray(gif.convert("RGB")) - wanted).max() < 30, f"frame {i}"


def test_an_animation_does_not_flicker(page):
    torch.manual_seed(0)
    still = torch.rand(1, 3, 24, 24)
    show.animation([torch.cat([still, ramp(i, 12).repeat(1, 1, 2, 2)], dim=3) for i in range(12)])
    gif = gif_of(page[0])
    parts = []
    for i in range(12):
        gif.seek(i)
        parts.append(np.asarray(gif.convert("RGB"))[:, :24])
    assert all(np.array_equal(part, parts[0]) for part in parts)


def test_an_animation_of_grids_and_grey(page):
    show.animation([torch.full((4, 1, 8, 8), v) for v in (0.0, 0.5)])
    gif = gif_of(page[0])
    assert gif.size == (18, 18)
    gif.seek(1)
    assert np.asarray(gif.convert("RGB"))[0, 0].tolist() == [128, 128, 128]


def test_animations_that_are_none():
    with pytest.raises(ImageError, match="frames of one size, got none"):
        show.animation([])
    with pytest.raises(ImageError, match=r"frames of one size, got \[\(8, 8\), \(9, 8\)\]"):
        show.animation([torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 9)])


# Sliders


def controls(page) -> list[ipywidgets.Widget]:
    """The widgets above the picture, without the message."""
    return list(page[0].thing.children[:-1])


def message(page) -> str:
    return page[0].thing.children[-1].value


def test_a_slider_redraws_an_image(page):
    show.slider(lambda grey: torch.full((1, 3, 8, 8), grey / 10), grey=(0, 10))
    assert share(drawn(page[1]), (128, 128, 128)) == 1  # the middle, drawn before anybody moves it
    controls(page)[0].value = 10
    assert share(cells.pixels(page[1].updates[-1].data), (255, 255, 255)) == 1
    controls(page)[0].value = 0
    assert share(cells.pixels(page[1].updates[-1].data), (0, 0, 0)) == 1 and len(page[1].updates) == 2


def test_a_slider_redraws_a_figure(page):
    def render(colour):
        figure = Figure(figsize=(1, 1), facecolor=colour)
        return figure

    show.slider(render, colour=["red", "blue"])
    assert share(drawn(page[1]), (255, 0, 0)) == 1
    controls(page)[0].value = "blue"
    assert share(cells.pixels(page[1].updates[-1].data), (0, 0, 255)) == 1


def test_a_slider_redraws_pictures_with_captions(page, monkeypatch):
    drawn_on = []
    monkeypatch.setattr(play, "png", lambda drawn, **_: drawn_on.append(drawn) or png(drawn))
    show.slider(lambda n: {f"{n} of 4": RED, "the other": BLUE[0]}, n=(0, 4))
    controls(page)[0].value = 3
    assert [texts(figure) for figure in drawn_on] == [["2 of 4", "the other"], ["3 of 4", "the other"]]
    assert share(drawn(page[1]), (255, 0, 0)) > 0.3


def test_render_gets_the_values_of_all_controls_by_name(page):
    got = []

    def render(**values):
        got.append(values)
        return torch.zeros(4, 1, 4, 4)

    mine = ipywidgets.FloatLogSlider(value=10, description="mine")
    show.slider(render, count=(1, 9), step_size=(0.0, 1.0, 0.25), name=["x", "y"], own=mine)
    assert got == [{"count": 5, "step_size": 0.5, "name": "x", "own": 10}]
    whole, fraction, menu, own = controls(page)
    assert (whole.min, whole.max, whole.step, whole.description) == (1, 9, 1, "count")
    assert (fraction.step, fraction.description, fraction.continuous_update) == (0.25, "step size", False)
    assert menu.options == ("x", "y") and own is mine
    menu.value = "y"
    own.value = 100
    assert got[1:] == [got[0] | {"name": "y"}, got[0] | {"name": "y", "own": 100}]


@pytest.mark.parametrize(
    ("control", "start"),
    [((0, 10), 5), ((0, 10, 2), 5), ((0, 10, 1, 9), 9), ((0, 10, 1, 0), 0), ((0.0, 10.0, 0.5, 2.5), 2.5), ([3, 7], 3)],
)
def test_the_first_picture_is_that_of_the_start(control, start, page):
    show.slider(lambda grey: torch.full((1, 3, 8, 8), grey / 10), grey=control)
    assert controls(page)[0].value == start
    assert share(drawn(page[1]), (round(start * 25.5),) * 3) == 1


@pytest.mark.parametrize("control", [(0, 10, 1, 11), (0, 10, 1, -1), (10, 0), (0.0, 1.0, 0.0), (0.0, 1.0, 0.1, 1.5)])
def test_starts_outside_the_range(control, page):
    with pytest.raises(ValueError, match="control 'n' must have low <= start <= high and a step above 0"):
        show.slider(lambda n: torch.zeros(1, 1, 4, 4), n=control)


def test_an_error_in_render_is_shown_and_goes_away(page):
    def render(n):
        if n == 3:
            raise RuntimeError("sizes <must> match")
        return torch.full((1, 1, 4, 4), float(n > 9))  # 12 is out of the sliders range, 9 is not

    show.slider(render, n=(0, 4))
    slider = controls(page)[0]
    assert message(page) == ""
    slider.value = 3
    assert message(page) == "<b>RuntimeError</b>: sizes &lt;must&gt; match" and not page[1].updates
    slider.value = 4
    assert message(page) == "" and len(page[1].updates) == 1


def test_a_range_error_in_render_is_shown_too(page):
    show.slider(lambda a: torch.full((1, 1, 4, 4), float(a)), a=ipywidgets.IntSlider(value=0, min=0, max=4))
    controls(page)[0].value = 2
    assert "ImageError" in message(page) and "[2, 2]" in message(page)


def test_an_error_in_the_first_picture_is_raised(page):
    with pytest.raises(ZeroDivisionError):
        show.slider(lambda n: torch.ones(1, 1, 4, 4) * (1 // 0), n=(0, 3))
    assert not page


@pytest.mark.parametrize("control", [5, "text", [], (1,), (1, 2, 1, 1, 1), ("a", "b"), None])
def test_controls_that_are_none(control, page):
    with pytest.raises(ValueError, match=r"control 'n' must be a widget, \(low, high"):
        show.slider(lambda n: torch.zeros(1, 1, 4, 4), n=control)


def test_photographs_under_a_slider_stay_light(page):
    torch.manual_seed(0)
    show.slider(lambda n: torch.rand(1, 3, 256, 256), n=(0, 3))
    assert len(page[1].thing.data) < 196_608 / 1.3  # as PNG, noise keeps its three bytes a pixel
    assert page[1].thing.format == "jpeg"


# Uploads


PHOTO = b"\x89PNG the bytes of a file"
FILE = {"name": "a.png", "type": "image/png", "size": len(PHOTO), "content": memoryview(PHOTO)}


def test_an_upload_in_ipywidgets_8(page):
    got = []
    show.upload(got.append, label="your cat")
    button, _ = page[0].thing.children
    assert button.description == "your cat" and not button.multiple
    if int(ipywidgets.__version__.split(".")[0]) >= 8:
        button.value = ({**FILE, "last_modified": datetime.datetime.now(datetime.timezone.utc)},)
        assert got == [PHOTO] and isinstance(got[0], bytes)
        button.value = ()  # taken back
        assert len(got) == 1


@pytest.mark.parametrize("value", [{"a.png": {"metadata": {"name": "a.png"}, "content": PHOTO}}, (FILE,)])
def test_an_upload_whatever_the_version(value, page, monkeypatch):
    button, watching, got = ipywidgets.Button(), [], []
    button.observe = lambda function, names: watching.append((function, names))
    monkeypatch.setattr(ipywidgets, "FileUpload", lambda **_: button)
    show.upload(got.append)
    ((receive, names),) = watching
    receive({"new": value})
    receive({"new": type(value)()})
    assert got == [PHOTO] and isinstance(got[0], bytes) and names == "value"


# Outside a notebook, and in a real one


CALLS = {
    "images": "show.images(torch.full((4, 3, 32, 32), 0.5))",
    "captions": "show.images(torch.full((2, 3, 32, 32), 0.5), ['a', 'b'], title='t')",
    "compare": "show.compare({'a': torch.full((1, 3, 32, 32), 0.5)}, b=torch.full((1, 32, 48), 0.5))",
    "image": "show.image(torch.full((32, 32), 0.5), mark=(3, 4))",
    "curves": "show.curves({'mse': [3.0, 2.0, 1.0]})",
    "matrices": "show.matrices(A=[[1, 2], [3, 4]])",
    "figure": "show.figure(Figure(figsize=(1, 1)))",
}
REST = {
    "animation": "show.animation([torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)], path='a.gif')",
    "slider": "show.slider(lambda a: torch.full((1, 3, 8, 8), a / 2), a=slider)",
    "upload": "show.upload(lambda data: show.images(images.load(data)))",
}
SETUP = """
import io, ipywidgets, torch
from matplotlib.figure import Figure
from gencourse import images, show
from gencourse.show import play
slider = ipywidgets.IntSlider(value=1, min=0, max=5)
"""


def test_outside_a_notebook(tmp_path):
    program = textwrap.dedent(SETUP) + "\n".join(["print('---')", *CALLS.values(), "print('---')", *REST.values()])
    program += "\nslider.value = 2"
    where = {"cwd": tmp_path, "env": {**__import__("os").environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(HERE)}}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, **where)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("---\n")[1].splitlines()
    assert len(lines) == len(CALLS) and all(line.startswith("picture: ") for line in lines)
    for line, name in zip(lines, CALLS, strict=True):
        pixels = cells.pixels(Path(line.removeprefix("picture: ")).read_bytes())
        if name in ("images", "captions", "compare", "image"):
            assert share(pixels, (128, 128, 128)) > 0.4, name
    assert Image.open(tmp_path / "a.gif").n_frames == 2


HERE = Path(__file__).resolve().parent.parent
UPLOAD = f"""
import datetime
box = []
real, play.display = play.display, lambda thing, **k: (box.append(thing), real(thing, **k))[1]
{REST["upload"]}
button, output = box[0].children
file = io.BytesIO()
images.to_pil(torch.full((3, 32, 32), 0.5)).save(file, "PNG")
data = file.getvalue()
def send(data):
    when = datetime.datetime.now(datetime.timezone.utc)
    file = {{"name": "a", "type": "image/png", "size": len(data), "content": memoryview(data), "last_modified": when}}
    button.value = (file,)
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    sources = [SETUP, *CALLS.values(), REST["animation"], REST["slider"], "slider.value = 2"]
    uploads = ["send(data)", "print([o['output_type'] for o in output.outputs], list(output.outputs[0]['data']))"]
    uploads += ["send(b'no picture')", "print(output.outputs[0]['ename'])"]
    kept = cells.run(folder, *sources, "slider.value = 5", UPLOAD, *uploads)
    return dict(zip(["setup", *CALLS, "animation", "slider", "moved", "wrong", "upload", *"abcd"], kept, strict=True))


@pytest.mark.parametrize("name", CALLS)
def test_in_a_notebook_each_shows_one_picture(name, outputs):
    assert len(outputs[name]) == 1 and len(cells.pictures(outputs[name])) == 1
    if name in ("images", "captions", "compare", "image"):
        assert share(cells.pixels(cells.pictures(outputs[name])[0]), (128, 128, 128)) > 0.4


def test_in_a_notebook_an_animation_plays(outputs):
    (gif,) = cells.pictures(outputs["animation"], "image/gif")
    assert Image.open(io.BytesIO(gif)).n_frames == 2


def test_in_a_notebook_a_slider_redraws_its_picture(outputs):
    (picture,) = cells.pictures(outputs["slider"])
    assert share(cells.pixels(picture), (255, 255, 255)) == 1  # of the value 2; at 5 it leaves the range and stays
    assert not outputs["moved"] and not outputs["wrong"]


@pytest.mark.skipif(int(ipywidgets.__version__.split(".")[0]) < 8, reason="sets an upload as ipywidgets 8 has it")
def test_in_a_notebook_an_upload_shows_under_its_button(outputs):
    assert cells.text(outputs["b"]).startswith("['display_data'] ['image/png'")
    assert cells.text(outputs["d"]) == "ImageError\n"  # shown under the button, not lost


def test_a_figures_png_has_eighty_dots_an_inch_and_the_pages_more():
    """Who puts a figure beside pictures counts on its size; on the page it is sharp and as large as before."""
    drawn = Figure(figsize=(3, 2))
    assert images.load(show.png(drawn)).shape[2:] == (160, 240)
    shown = play.picture(drawn)
    assert images.load(shown.data).shape[2:] == (240, 360) and shown.width == 240
