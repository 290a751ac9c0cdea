"""Notebooks run without a screen: what is written, kept, told, and when."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from gencourse import cli
from gencourse.chapters import find, outputs, pages
from gencourse.chapters import run as execute
from gencourse.expect import UnknownName

PICTURE = """
from matplotlib.figure import Figure
figure = Figure(figsize=(1, 1))
figure.subplots().plot([1, 2])
figure
"""
WIDGETS = """
import sys
import ipywidgets
from tqdm import tqdm
from tqdm.auto import tqdm as automatic
from IPython.display import display
for _ in automatic(range(3), desc="widget"):
    pass
for _ in tqdm(range(3), desc="text"):
    pass
display(ipywidgets.IntSlider())
print("10%\\r50%\\rdone", file=sys.stderr)
print("kept")
"""


def write(path: Path, *sources: str) -> Path:
    """Write a notebook; a source that starts with "# " or "**" is prose."""
    cells = [new_markdown_cell(s) if s.startswith(("# ", "**")) else new_code_cell(s) for s in sources]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


def texts(path: Path) -> list[str]:
    """What each code cell printed."""
    cells = pages.code_cells(pages.read(path))
    return ["".join(o.get("text", "") for o in cell.outputs) for cell in cells]


@pytest.fixture
def chapters(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "notebooks"
    for name in (
        "01_style_transfer",
        "01b_texture_synthesis",
        "02_upsampling",
        "10_later",
        "03b_conditional_gan",
        "03_gan",
    ):
        write(folder / f"{name}.ipynb", "1")
    monkeypatch.setattr(find, "folder", lambda: folder)
    return folder


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("01", "01_style_transfer"),
        ("1", "01_style_transfer"),
        ("1b", "01b_texture_synthesis"),
        ("01B", "01b_texture_synthesis"),
        ("10", "10_later"),
        ("3", "03_gan"),
        ("03", "03_gan"),
        ("03b", "03b_conditional_gan"),
        ("style", "01_style_transfer"),
        ("Texture-Synthesis", "01b_texture_synthesis"),
        ("02_upsampling", "02_upsampling"),
    ],
)
def test_chapters_are_found(chapters, name, stem):
    assert find.find(name) == chapters / f"{stem}.ipynb"


def test_a_chapter_that_grew_from_another_comes_after_it(chapters):
    write(chapters / "notes.ipynb", "1")  # no chapter
    write(chapters / "01c_fast_style.ipynb", "1")
    numbers = [find.number(path.name) for path in find.chapters()]
    assert numbers == ["01", "01b", "01c", "02", "03", "03b", "10"]


def test_a_path_is_taken_as_it_is(chapters, tmp_path):
    path = write(tmp_path / "elsewhere" / "mine.ipynb", "1")
    assert find.find(str(path)) == path
    with pytest.raises(FileNotFoundError, match="no notebook at"):
        find.find(str(tmp_path / "missing.ipynb"))


@pytest.mark.parametrize("name", ["04", "0", "01c", "cyclegan", ""])
def test_an_unknown_chapter_names_the_known(chapters, name):
    with pytest.raises(UnknownName, match="01_style_transfer, 01b_texture_synthesis, 02_upsampling"):
        find.find(name)


def test_a_name_that_fits_several_is_refused(chapters):
    with pytest.raises(ValueError, match="fits several chapters: 01_style_transfer, 01b_texture_synthesis"):
        find.find("t")


def test_without_a_checkout_it_says_to_clone(tmp_path, monkeypatch):
    monkeypatch.setattr(find, "CHECKOUT", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"git clone https://\S+"):
        find.chapters()
    path = write(tmp_path / "notebooks" / "01_here.ipynb", "1")
    assert find.chapters() == [path]


def test_a_run(tmp_path, monkeypatch):
    elsewhere = tmp_path / "jupyter" / "kernels" / "python3"  # a kernel of that name that is not this Python
    elsewhere.mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "broken", "language": "python"}
    (elsewhere / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("GENCOURSE_PROFILE", "cpu")
    path = write(
        tmp_path / "sub folder" / "01_tiny.ipynb",
        "# A title",
        "import os, sys\nprint(os.environ['GENCOURSE_PROFILE'])\nprint(os.getcwd())\nprint(sys.executable)",
        PICTURE,
        "# The end",
        "**Why?**\n\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION",
        WIDGETS,
    )
    before = path.read_bytes()
    result = execute.run(path, profile="smoke", out=tmp_path / "out")
    assert result.error is None and result.done == result.cells == 3 and result.section == "The end"
    assert result.seconds > 0 and (result.memory is None or result.memory > 10e6)
    assert path.read_bytes() == before
    assert result.notebook == tmp_path / "out" / "01_tiny.ipynb"
    printed = texts(result.notebook)
    assert printed[0].split("\n")[:3] == ["smoke", str(path.parent.resolve()), sys.executable]
    assert sorted(printed[2].split()) == ["done", "kept"]
    written = result.notebook.read_text()
    assert "widget" not in json.dumps([c.outputs for c in pages.read(result.notebook).cells if "outputs" in c])
    assert '"widgets"' not in written and "execution_count" in written and "iopub" not in written
    html = result.page.read_text()
    assert "data:image/png;base64," in html and "A title" in html and "<title>01_tiny</title>" in html


def test_a_result_never_lies_on_its_source(tmp_path, monkeypatch, capsys):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        nbformat.write(nbformat.v4.new_notebook(cells=[]), tmp_path / place / "mine.ipynb")
    monkeypatch.chdir(tmp_path / "a")
    before = (tmp_path / "a" / "mine.ipynb").read_bytes()
    assert cli.main(["run", "mine.ipynb", "--out", "."]) == 2
    assert "its result would overwrite it" in capsys.readouterr().err
    assert cli.main(["run", "mine.ipynb", "../b/mine.ipynb"]) == 2
    assert "have one name" in capsys.readouterr().err
    assert before == (tmp_path / "a" / "mine.ipynb").read_bytes()


def test_a_failing_cell(tmp_path, capsys):
    first = write(tmp_path / "01_fails.ipynb", "# Start", "print('ran')", "# Middle", "1 / 0", "print('never')")
    second = write(tmp_path / "02_passes.ipynb", "print('also ran')")
    before = first.read_bytes()
    code = cli.main(["run", str(first), str(second), "--out", str(tmp_path / "out"), "--save"])
    said = capsys.readouterr()
    assert code == 1
    assert "ZeroDivisionError: division by zero" in said.err and "1 / 0" in said.err and "\x1b" not in said.err
    assert "01_fails: cell 2 of 3 failed, under 'Middle'" in said.out and "not kept" in said.out
    assert "02_passes: 1 cells passed" in said.out and str(tmp_path / "out" / "02_passes.html") in said.out
    assert texts(tmp_path / "out" / "01_fails.ipynb") == ["ran\n", "", ""]
    assert "ZeroDivisionError" in (tmp_path / "out" / "01_fails.html").read_text()
    assert first.read_bytes() == before
    assert texts(second) == ["also ran\n"]


def test_a_kernel_that_dies(tmp_path):
    path = write(tmp_path / "01_dies.ipynb", "print('ran')", "import os\nos._exit(1)", "print('never')")
    result = execute.run(path, out=tmp_path / "out")
    assert "the kernel died" in result.error and result.done == 1
    assert texts(result.notebook) == ["ran\n", "", ""]


def test_a_kernel_that_does_not_start_in_time(tmp_path, monkeypatch):
    async def silent(client, timeout=None):
        raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    monkeypatch.setattr("jupyter_client.asynchronous.client.AsyncKernelClient.wait_for_ready", silent)
    result = execute.run(write(tmp_path / "01_waits.ipynb", "print('never')"), out=tmp_path / "out")
    assert "the kernel did not start" in result.error and "300 seconds" in result.error and result.done == 0
    assert "memory" not in result.error


def test_a_cell_that_takes_too_long(tmp_path):
    path = write(tmp_path / "01_slow.ipynb", "print('ran')", "import time\ntime.sleep(300)")
    result = execute.run(path, out=tmp_path / "out", timeout=5)
    assert "longer than the 5 seconds" in result.error
    assert texts(result.notebook)[0] == "ran\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal to one process")
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_writes_what_had_run(tmp_path, presses):
    """The first press reaches the cell as a Stop button does; a cell that takes no notice is ended by the second."""
    deaf = "while True:\n    try:\n        time.sleep(1)\n    except KeyboardInterrupt:\n        open('heard', 'w')"
    waits = "import time\nopen('waiting', 'w')\n" + ("time.sleep(300)" if presses == 1 else deaf)
    path = write(tmp_path / "01_waits.ipynb", "print('ran')", waits, "print('never')")
    command = [sys.executable, "-m", "gencourse.cli", "run", str(path), "--out", str(tmp_path / "out"), "--save"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for mark in ["waiting", "heard"][:presses]:
        wait_for(tmp_path / mark, process)
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "stopped after 1 of 3 cells" in out and "Traceback" not in err
    assert texts(tmp_path / "out" / "01_waits.ipynb")[0] == "ran\n"
    assert texts(tmp_path / "out" / "01_waits.ipynb")[2] == ""
    assert texts(path) == ["", "", ""]


def wait_for(path: Path, process: subprocess.Popen) -> None:
    until = time.monotonic() + 240
    while not path.exists():
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.1)


def test_saved_outputs_go_stale_with_the_code(tmp_path):
    told = "print('gencourse: profile smoke, device cpu, seed 0')"
    path = write(tmp_path / "01_kept.ipynb", "# Prose", told, "1 + 1")
    before = pages.read(path)
    before.metadata["gencourse"] = {"about": "add", "picture": {"cell": "a", "alt": "b"}, "device": "cuda", "code": "x"}
    pages.write(before, path)
    assert pages.stale(pages.read(path))
    execute.run(path, out=tmp_path / "out", save=True)
    kept = pages.read(path)
    assert not pages.stale(kept)
    assert kept.cells[2].outputs[0].data["text/plain"] == "2" and kept.cells[2].execution_count == 2
    record = kept.metadata.gencourse
    assert record.code == pages.code_hash(kept)
    assert (record.profile, record.device) == ("smoke", "cpu") and 0 <= record.minutes < 5
    assert sys.platform != "linux" or 0 < record.gigabytes < 2
    assert (record.about, record.picture) == ("add", {"cell": "a", "alt": "b"})  # the chapter's own words stay
    record.about = "add up"
    assert not pages.stale(kept)
    assert set(record.versions) == {"python", "torch", "torchvision", "gencourse"}
    assert "language_info" not in kept.metadata  # nothing else in the file changes
    kept.cells[0].source = "# Other prose"
    kept.cells[1].outputs = []
    assert not pages.stale(kept)
    kept.cells[2].source = "1 + 2"
    assert pages.stale(kept)


def test_an_edit_while_it_runs(tmp_path):
    """Prose that was edited stays; code that was edited makes the outputs wrong, so they are not kept."""
    edit = "text = open('{0}').read()\nopen('{0}', 'w').write(text.replace('OLD ' + '{1}', 'NEW ' + '{1}'))"
    path = write(tmp_path / "01_prose.ipynb", "# OLD prose", edit.format("01_prose.ipynb", "prose"))
    execute.run(path, out=tmp_path / "out", save=True)
    kept = pages.read(path)
    assert kept.cells[0].source == "# NEW prose" and not pages.stale(kept)
    path = write(tmp_path / "02_code.ipynb", edit.format("02_code.ipynb", "code"), "'OLD code'")
    with pytest.raises(ValueError, match="edited while it ran"):
        execute.run(path, out=tmp_path / "out", save=True)
    assert pages.read(path).cells[1].source == "'NEW code'" and pages.stale(pages.read(path))


def test_the_hash_is_of_code_alone():
    code = new_code_cell("x = 1\n%pip install -q a\ny = 2  ")
    plain = new_notebook(cells=[code])
    same = new_notebook(cells=[new_markdown_cell("text"), new_code_cell("x = 1\n%pip install -q b\ny = 2")])
    same.cells[1].outputs = [new_output("stream", text="a")]
    assert pages.code_hash(plain) == pages.code_hash(same)
    split = new_notebook(cells=[new_code_cell("x = 1"), new_code_cell("y = 2")])
    assert len({pages.code_hash(n) for n in (plain, split, new_notebook(cells=split.cells[::-1]))}) == 3


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("one\ntwo\n", "one\ntwo\n"),
        ("a\n\nb", "a\n\nb"),
        ("loss 3\rloss 2\rloss 1\n", "loss 1\n"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("\r  0%|          | 0/3 [00:00<?, ?it/s]\r100%|##########| 3/3 [00:00<00:00, 99it/s]\nafter\n", "after\n"),
        ("\rdownloading: 45.0kB [00:01, 30kB/s]", ""),
        ("a: 50%|#5   | 5.2M/10.4M [00:01<00:01, 5MB/s]\x1b[A\n\nbelow", "\nbelow"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("accuracy 97% | 3/4 of them", "accuracy 97% | 3/4 of them"),
        (
            "net: step 1/9  a 2\r\n\r 11%|#  | 1/9 [00:00<00:01]\r   \rnet: step 2/9  a 1\r\nend\n",
            "net: step 2/9  a 1\nend\n",
        ),
        ("net: step 9/9  a 1\nnet: step 1/9  a 2\n", "net: step 9/9  a 1\nnet: step 1/9  a 2\n"),
        ("net: step 1/9  a 2\nother: step 2/9  a 1\n", "net: step 1/9  a 2\nother: step 2/9  a 1\n"),
        ("net: step 1/9\nnet: step 2/9\n", "net: step 1/9\nnet: step 2/9\n"),  # not those of `fit`
    ],
)
def test_progress_settles(raw, shown):
    assert outputs.collapse_terminal_output(raw) == shown


def test_tidy_joins_pieces_and_drops_widgets():
    """A bar comes in pieces, and each piece alone would look like text."""
    view = {outputs.WIDGET: {"model_id": "1"}, "text/plain": "IntSlider(value=0)"}
    cell = new_code_cell("x", metadata={"execution": {"iopub.status.busy": "now"}, "tags": ["kept"]})
    cell.outputs = [
        new_output("stream", name="stderr", text="\r 50%|##   "),
        new_output("stream", name="stderr", text="| 1/2 [00:00<00:00, 9it/s]"),
        new_output("display_data", data=view),
        new_output("display_data", data={**view, "image/png": "AAAA"}),
        new_output("stream", name="stderr", text="a warning\n"),
    ]
    notebook = new_notebook(cells=[cell], metadata={"widgets": {"state": {}}})
    outputs.tidy(notebook)
    assert [o.output_type for o in cell.outputs] == ["display_data", "stream"]
    assert set(cell.outputs[0].data) == {"image/png", "text/plain"} and cell.outputs[1].text == "a warning\n"
    assert cell.metadata == {"tags": ["kept"]} and "widgets" not in notebook.metadata


def test_tidy_joins_what_a_bar_kept_apart():
    """A training in another process: lines on one stream, a bar on the other."""
    cell = new_code_cell("!train")
    for i in range(1, 4):
        cell.outputs += [
            new_output("stream", name="stdout", text=f"net: step {i}/3  a 1\n"),
            new_output("stream", name="stderr", text=f"\r 50%|##   | {i}/3 [00:00<00:00, 9it/s]"),
        ]
    outputs.tidy(new_notebook(cells=[cell]))
    assert [(o.name, o.text) for o in cell.outputs] == [("stdout", "net: step 3/3  a 1\n")]


def test_a_notebook_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "01_mine.ipynb"
    text = nbformat.writes(new_notebook(cells=[new_code_cell("x = 'ü'")]))
    path.write_text(text, encoding="utf-8-sig")
    assert pages.read(path).cells[0].source == "x = 'ü'"


@pytest.mark.parametrize("content", ["", "no json", "{}", "[]", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5}'])
def test_what_is_no_notebook(tmp_path, content):
    path = tmp_path / "01_bad.ipynb"
    path.write_text(content)
    with pytest.raises(ValueError, match="01_bad.ipynb is not a notebook"):
        pages.read(path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = pages.write_text("before", tmp_path / "new" / "file.txt")
    with pytest.raises(UnicodeEncodeError):
        pages.write_text("after \ud800", path)
    assert path.read_text() == "before" and os.listdir(path.parent) == ["file.txt"]


def test_a_result_takes_the_place_of_results_alone(tmp_path):
    source = tmp_path / "a" / "x.ipynb"
    pages.write(new_notebook(cells=[new_code_cell("1 + 1")]), source)
    out = tmp_path / "b"
    execute.run(source, profile="smoke", out=out)
    assert execute.run(source, profile="smoke", out=out).error is None
    pages.write(new_notebook(cells=[new_code_cell("my = 'work'")]), out / "x.ipynb")
    before = (out / "x.ipynb").read_bytes()
    with pytest.raises(ValueError, match="a notebook of its own"):
        execute.run(source, profile="smoke", out=out)
    assert (out / "x.ipynb").read_bytes() == before
