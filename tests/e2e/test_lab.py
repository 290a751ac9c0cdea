"""The course as a reader meets it: JupyterLab in a real browser.

One small notebook shows slider, upload and Stop in every run of the tests; all chapters and students' copies are slow.
"""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from lab import Lab, Sheet

from gencourse import data
from gencourse.chapters.repository import COLAB

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
COPIES = sorted((ROOT / "homework").glob("*.ipynb"))
SCREENSHOTS = ROOT / "runs" / "screenshots"  # git ignores it
BADGE = '<svg xmlns="http://www.w3.org/2000/svg" width="117" height="20"/>'  # the one picture that lies in the web
PHOTO = data.root() / "photos" / "coffee.jpg"
spec = importlib.util.spec_from_file_location("colab", ROOT / "scripts" / "colab.py")
colab = importlib.util.module_from_spec(spec)
spec.loader.exec_module(colab)


@pytest.fixture(scope="module")
def lab(tmp_path_factory, chromium) -> Lab:
    """A running JupyterLab. Skips where it, or a browser, is missing."""
    pytest.importorskip("jupyterlab", reason='a real JupyterLab needs more: pip install -e ".[test,docs,browser]"')
    with Lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def tab(chromium):
    """A page in the browser, and in `tab.wrong` what it complained about."""
    page = chromium.new_page(viewport={"width": 1400, "height": 1200})
    page.route(f"{COLAB}/**", lambda route: route.fulfill(content_type="image/svg+xml", body=BADGE))
    page.wrong = []
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    yield page
    page.close()


def errors(notebook: nbformat.NotebookNode) -> list[str]:
    """The cells that end in an error, with what it says."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [(cell.id, output) for cell in cells for output in cell.outputs if output.output_type == "error"]
    return [f"{name}: {output.ename}: {output.evalue}" for name, output in found]


def not_run(notebook: nbformat.NotebookNode) -> list[str]:
    return [c.id for c in notebook.cells if c.cell_type == "code" and c.source.strip() and not c.execution_count]


def with_call(path: Path, call: str) -> list[str]:
    """The cells of a notebook that call a function."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [c["id"] for c in cells if c["cell_type"] == "code" and f"\n{call}(" in "\n" + "".join(c["source"])]


SMALL = {
    "start": "import time\nimport torch\nimport gencourse\nfrom gencourse import images, show\n"
    "run = gencourse.start(seed=0)",
    "train": "def step(_):\n    time.sleep(0.02)\n    return {'mse': torch.tensor(1.0)}\n\n"
    "history = gencourse.fit(step, [None], steps=100_000, every=5, preview=lambda: torch.rand(4, 1, 8, 8))",
    "after": "print('kept', history.steps)",
    "slide": "show.slider(lambda way: torch.full((1, 1, 32, 32), way), way=(0.0, 1.0, 0.1))",
    "own": "show.upload(lambda file: show.image(images.load(file, size=64)))",
}


@pytest.mark.timeout(1800)
def test_slider_upload_and_stop(lab, tab):
    cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in SMALL.items()]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), lab.root / "small.ipynb")
    sheet = Sheet(lab, tab, "small.ipynb")
    sheet.start_all()
    sheet.wait_for_other_pictures("train", [])  # in the middle of the training
    sheet.stop()
    sheet.wait()
    sheet.move_slider("slide")
    sheet.upload("own", PHOTO)
    notebook = sheet.saved()
    sheet.close()
    assert errors(notebook) == [] and not_run(notebook) == []
    told = {cell.id: "".join(o.get("text", "") for o in cell.outputs) for cell in notebook.cells}
    stopped = int(re.search(r"stopped after step (\d+) of 100000; the history so far is returned", told["train"])[1])
    assert told["after"] == f"kept {stopped}\n" and 5 <= stopped < 100_000
    assert tab.wrong == []


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_stop_in_a_chapters_training(lab, tab):
    """Chapter 05, its training made long: the network as it was at Stop is the one that the rest of the page uses."""
    chapter = nbformat.read(next(path for path in CHAPTERS if path.stem.startswith("05")), as_version=4)
    for cell in chapter.cells:
        if cell.id == "train":
            assert "run.pick(smoke=4," in cell.source
            cell.source = cell.source.replace("run.pick(smoke=4,", "run.pick(smoke=20_000,")
        if cell.cell_type == "code":
            cell.outputs = []
    nbformat.write(chapter, lab.root / "stopped.ipynb")
    sheet = Sheet(lab, tab, "stopped.ipynb")
    sheet.start_all()
    sheet.wait_for_other_pictures("train-run", [])  # in the middle of the training
    sheet.stop()
    sheet.wait()
    notebook = sheet.saved()
    sheet.screenshot(SCREENSHOTS / "stopped.png")
    sheet.close()
    assert errors(notebook) == [] and not_run(notebook) == [] and tab.wrong == []
    told = "".join(o.get("text", "") for cell in notebook.cells if cell.id == "train-run" for o in cell.outputs)
    stopped, whole = re.search(r"stopped after step (\d+) of (\d+); the history so far is returned", told).groups()
    assert 0 < int(stopped) < int(whole) and f"\n{stopped} steps in " in told, "the page's own words know of it"


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter(path, lab, tab):
    shutil.copy(path, lab.root)
    sheet = Sheet(lab, tab, path.name)
    sheet.run_all()
    notebook = sheet.saved()
    assert errors(notebook) == [] and not_run(notebook) == []
    sliders = with_call(path, "show.slider")
    assert sliders, "every chapter has something to play with"
    for name in sliders:
        sheet.move_slider(name)
    for name in with_call(path, "show.upload"):
        sheet.upload(name, PHOTO)
    sheet.screenshot(SCREENSHOTS / f"{path.stem}.png")
    assert errors(sheet.saved()) == [] and tab.wrong == []
    sheet.close()


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("path", COPIES, ids=lambda path: path.stem)
def test_a_students_copy(path, lab, tab):
    """Blank, it stops at the first task; with the solutions written in, it runs through."""
    shutil.copy(path, lab.root / f"blank_{path.name}")
    sheet = Sheet(lab, tab, f"blank_{path.name}")
    sheet.run_all()
    code = [cell for cell in sheet.saved().cells if cell.cell_type == "code"]
    sheet.close()
    failing = [i for i, cell in enumerate(code) if any(o.output_type == "error" for o in cell.outputs)]
    assert len(failing) == 1 and failing[0] in colab.first_task(path)
    filled = colab.fill(path, ROOT / "notebooks" / path.name)
    (lab.root / f"filled_{path.name}").write_text(json.dumps(filled), encoding="utf-8")
    sheet = Sheet(lab, tab, f"filled_{path.name}")
    sheet.run_all()
    notebook = sheet.saved()
    sheet.screenshot(SCREENSHOTS / f"{path.stem}_homework.png")
    sheet.close()
    assert errors(notebook) == [] and not_run(notebook) == [] and tab.wrong == []
