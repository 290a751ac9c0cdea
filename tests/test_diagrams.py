"""The diagrams: every one of every chapter is drawn, and what is in it stays on its card and can be read."""

import importlib
import inspect
import pkgutil

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gencourse.show import diagrams, figures
from gencourse.show.diagrams import tasks
from gencourse.show.diagrams.drawing import Diagram, Node

CHAPTERS = [module.name for module in pkgutil.iter_modules(diagrams.__path__) if module.name != "drawing"]


def drawn_by(module: str) -> list[tuple[str, object]]:
    """Return the public functions of a chapter's file, each of which draws one diagram."""
    found = importlib.import_module(f"gencourse.show.diagrams.{module}")
    return [
        (f"{module}.{name}", f)
        for name, f in inspect.getmembers(found, inspect.isfunction)
        if f.__module__ == found.__name__ and not name.startswith("_")
    ]


EVERY = [pair for module in CHAPTERS for pair in drawn_by(module)]


def shown(monkeypatch, draw) -> Figure:
    kept = []
    monkeypatch.setattr(figures, "figure", kept.append)
    draw()
    assert len(kept) == 1, "one diagram, shown once"
    return kept[0]


@pytest.mark.parametrize(("name", "draw"), EVERY, ids=[name for name, _ in EVERY])
def test_all_of_a_diagram_stays_on_its_card(monkeypatch, name, draw):
    figure = shown(monkeypatch, draw)
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.get_size_inches() * figure.dpi
    assert figure.get_figwidth() <= figures.WIDTH, "wider than a notebook's page"
    for text in figure.findobj(lambda artist: hasattr(artist, "get_fontsize")):
        if text.get_text():
            box = text.get_window_extent(renderer)
            assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text.get_text()
            assert text.get_fontsize() >= 7.5, f"too small to read: {text.get_text()}"


@pytest.mark.parametrize(("name", "draw"), EVERY, ids=[name for name, _ in EVERY])
def test_no_two_texts_of_a_diagram_lie_over_one_another(monkeypatch, name, draw):
    figure = shown(monkeypatch, draw)
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = [t for axes in figure.axes for t in axes.texts if t.get_text().strip()]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    for i, (one, a) in enumerate(boxes):
        for other, b in boxes[i + 1 :]:
            over = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(over) <= 1, f"{one!r} and {other!r}"


def test_an_arrow_begins_and_ends_at_the_borders():
    box = Node(0, 0, 2, 1)
    assert box.edge(10, 0) == (1, 0)
    assert box.edge(0, -10) == (0, -0.5)
    assert box.edge(4, 4) == (0.5, 0.5)


def test_the_map_lights_the_named_tasks_only(monkeypatch):
    figure = shown(monkeypatch, lambda: tasks.task_map("style transfer", "generation from text"))
    faces = [patch.get_facecolor() for patch in figure.axes[0].patches if hasattr(patch, "get_boxstyle")]
    assert len(faces) == len(tasks.TASKS) == 6
    assert [face == faces[0] for face in faces] == [True, False, False, True, False, False]
    with pytest.raises(ValueError, match="no task 'cooking' on the map; there are style transfer"):
        tasks.task_map("cooking")


def test_a_picture_keeps_its_shape_and_the_card_its_limits():
    card = Diagram(4, 2)
    node = card.picture(1, 1, torch.rand(1, 3, 20, 40), size=1.0)
    assert (node.width, node.height) == (1.0, 0.5)
    assert card.axes.get_xlim() == (0, 4) and card.axes.get_ylim() == (0, 2)
