"""Notebooks as files, the way they come back from students: kinds that are no change of one cell alone.

Each takes the solved notebook of chapter 01 (as JSON) and gives what lies in the folder: a notebook, a text or bytes.
What is expected: FULL; a sentence, of the file, which is then not graded; or {task: (points, a part of the sentence)}
for the tasks that do not get all of theirs, points None where a person must look.
"""
# ruff: noqa: E501

import copy
import gzip
import json
import re
from collections.abc import Callable
from typing import Any

Notebook = dict[str, Any]
Made = Notebook | str | bytes
FULL: dict[str, tuple[float | None, str]] = {}
GRAM = "def gram_matrix(features):\n    f = features.flatten(2)\n    return f @ f.mT / f.shape[-1]"
STUB = 'def gram_matrix(features):\n    raise NotImplementedError("gram_matrix is not written yet")'


def code(text: str, **more: Any) -> Notebook:
    return {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None} | more


def index(nb: Notebook, cell_id: str) -> int:
    return [cell.get("id") for cell in nb["cells"]].index(cell_id)


def cells(change: Callable[[Notebook, int], Made | None]) -> Callable[[Notebook], Made]:
    """Change the notebook around the cell of gram_matrix, given its place."""

    def make(nb: Notebook) -> Made:
        return change(nb, index(nb, "task-gram")) or nb

    return make


def gram(text: str) -> Callable[[Notebook], Made]:
    """Put a text into the cell of gram_matrix."""
    return cells(lambda nb, i: nb["cells"][i].update(source=text))


def first(*texts: str) -> Callable[[Notebook], Made]:
    """Put cells in front of all others."""
    return lambda nb: nb | {"cells": [*map(code, texts), *nb["cells"]]}


def encoded(encoding: str, mark: bytes = b"", more: str = "# größe — 'ß'") -> Callable[[Notebook], Made]:
    """A file in another encoding, with a comment that shows it."""

    def make(nb: Notebook) -> Made:
        nb["cells"].insert(0, code(more))
        return mark + json.dumps(nb, ensure_ascii=False).encode(encoding, "replace")

    return make


def every(**changes: Any) -> Callable[[Notebook], Made]:
    """Change all cells: name=value, or name=None to take it away."""

    def make(nb: Notebook) -> Made:
        for cell in nb["cells"]:
            cell.update({name: value for name, value in changes.items() if value is not None})
            for name in [name for name, value in changes.items() if value is None]:
                cell.pop(name, None)
        return nb

    return make


def colab(nb: Notebook) -> Made:
    nb["metadata"] = {
        "accelerator": "GPU",
        "colab": {"provenance": [], "gpuType": "T4", "toc_visible": True},
        "kernelspec": {"display_name": "Python 3", "name": "python3"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"a": {"state": {"x": 1}}}},
    }
    for number, cell in enumerate(nb["cells"]):
        kept = {"nbgrader": cell["metadata"]["nbgrader"]} if "nbgrader" in cell["metadata"] else {}
        cell["metadata"] = {
            "id": f"mXq{number}",
            "colab_type": "code",
            "outputId": f"o{number}",
            "cellView": "form",
        } | kept
        cell.pop("id", None)
    return first(
        "!pip install -q gencourse", "from google.colab import drive\ndrive.mount('/content/drive')", "%cd /content"
    )(nb)


def version_3(nb: Notebook) -> Made:
    """As Jupyter wrote them until 2014: worksheets, `input` in place of `source`."""
    old = [
        {"cell_type": "code", "input": c["source"], "language": "python", "outputs": [], "metadata": c["metadata"]}
        if c["cell_type"] == "code"
        else {"cell_type": "markdown", "source": c["source"], "metadata": c["metadata"]}
        for c in nb["cells"]
    ]
    return {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": old, "metadata": {}}],
    }


def outputs(make: Callable[[int], list[Notebook]]) -> Callable[[Notebook], Made]:
    """Outputs for all code cells, by their number."""

    def change(nb: Notebook) -> Made:
        for number, cell in enumerate(c for c in nb["cells"] if c["cell_type"] == "code"):
            cell["outputs"] = make(number)
        return nb

    return change


def picture(size: int) -> Callable[[int], list[Notebook]]:
    return lambda n: (
        [{"output_type": "display_data", "data": {"image/png": "A" * size}, "metadata": {}}] if n < 10 else []
    )


def only_tasks(nb: Notebook) -> Made:
    return nb | {"cells": [cell for cell in nb["cells"] if cell.get("id", "").startswith("task-")]}


def no_ids(nb: Notebook) -> Made:
    return every(id=None, metadata={})(nb)


def answered_in_check_cell(nb: Notebook, i: int) -> None:
    nb["cells"][i]["source"] = STUB
    nb["cells"][i + 1]["source"] = GRAM + "\ncheck('gram_matrix', gram_matrix)"


def named_below(nb: Notebook, i: int) -> None:
    nb["cells"][i]["source"] = GRAM.replace("gram_matrix", "gram")
    nb["cells"].insert(i + 1, code("gram_matrix = gram"))


def device_above(nb: Notebook, i: int) -> None:
    nb["cells"][i]["source"] = GRAM.replace("features.flatten", "features.to(device).flatten")
    nb["cells"].insert(i, code("import torch\ndevice = 'cuda' if torch.cuda.is_available() else 'cpu'"))


def tagged(nb: Notebook) -> Made:
    for cell in nb["cells"]:
        cell["metadata"] |= {"tags": ["hide-input"], "jupyter": {"source_hidden": True}, "collapsed": True}
    return nb


def merged(nb: Notebook, i: int) -> None:
    """The whole page below the set-up in one cell, text and all pictures aside."""
    rest = [c for c in nb["cells"][i:] if c["cell_type"] == "code"]
    text = "\n\n".join("".join(c["source"]) for c in rest)
    nb["cells"] = [*nb["cells"][:i], code(text)]


def conflict(nb: Notebook) -> Made:
    text = json.dumps(nb, indent=1)
    return text.replace('"cells": [', '<<<<<<< HEAD\n "cells": [\n=======\n "cells": [\n>>>>>>> theirs', 1)


def listed(nb: Notebook) -> Made:
    for cell in nb["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
    return nb


def magics_left(nb: Notebook) -> Made:
    """What `jupyter nbconvert --to script` makes of magics, pasted back."""
    return first("get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('pip list')")(nb)


LOOK = {"task-gram": (None, "cannot be imported")}
KINDS: dict[str, tuple[Callable[[Notebook], Made], Any]] = {
    # How the file is written.
    "UTF-8 with a mark": (encoded("utf-8", b"\xef\xbb\xbf"), FULL),
    "cp1252": (encoded("cp1252"), FULL),
    "UTF-16": (encoded("utf-16"), FULL),
    "UTF-16, big end first": (encoded("utf-16-be", b"\xfe\xff"), FULL),
    "letters of many scripts": (encoded("utf-8", more="# Δ 日本 🎓 — ﷺ"), FULL),
    "Windows line ends": (lambda nb: json.dumps(nb, indent=1).replace("\n", "\r\n"), FULL),
    "in one line, keys sorted": (lambda nb: json.dumps(nb, sort_keys=True), FULL),
    "empty lines behind it": (lambda nb: json.dumps(nb) + "\n\n \r\n", FULL),
    "zeros behind it": (lambda nb: json.dumps(nb).encode() + b"\0" * 512, "damaged"),
    "cut off": (lambda nb: json.dumps(nb)[:-4000], "damaged"),
    "a merge conflict": (conflict, "damaged"),
    "gzip": (lambda nb: gzip.compress(json.dumps(nb).encode()), "damaged"),
    "a login page": (lambda nb: "<!DOCTYPE html><html><body>Please log in</body></html>", "damaged"),
    "a Python script": (lambda nb: "# %%\nimport torch\n" + GRAM, "damaged"),
    "a shortcut to a drive": (lambda nb: '{"url": "https://drive.example/x", "doc_id": "1"}', "not a notebook"),
    # What the format leaves open.
    "nbformat 3": (version_3, "old format"),
    "nbformat 4.2, no cell ids": (lambda nb: every(id=None)(nb | {"nbformat_minor": 2}), FULL),
    "neither ids nor metadata": (no_ids, FULL),
    "no metadata of its own": (lambda nb: nb | {"metadata": {}}, FULL),
    "no outputs, no counts": (every(outputs=None, execution_count=None), FULL),
    "text as lists of lines": (listed, FULL),
    "another kernel's name": (lambda nb: nb | {"metadata": {"kernelspec": {"name": "conda-env-dl-py"}}}, FULL),
    "Colab": (colab, FULL),
    "Kaggle": (every(metadata={"_uuid": "8f2", "_cell_guid": "b1", "execution": {"iopub.status.busy": "2024"}}), FULL),
    "VS Code": (
        every(metadata={"vscode": {"languageId": "python"}, "dotnet_interactive": {"language": "python"}}),
        FULL,
    ),
    "hidden and tagged": (tagged, FULL),
    # Outputs.
    "outputs of 20 MB": (outputs(picture(2_000_000)), FULL),
    "outputs of 40 MB": (outputs(picture(4_000_000)), "clear its outputs"),
    "errors in all outputs": (
        outputs(lambda n: [{"output_type": "error", "ename": "E", "evalue": "\x1b[31m", "traceback": ["\x1b[0m"] * 9}]),
        FULL,
    ),
    "outputs of no kind": (outputs(lambda n: [{"output_type": "pyout", "text": 3}, "x"]), FULL),
    # Cells gone, moved, of another kind.
    "only the tasks are left": (only_tasks, FULL),
    "all that is no code is gone": (
        lambda nb: nb | {"cells": [c for c in nb["cells"] if c["cell_type"] == "code"]},
        FULL,
    ),
    "the task's cell is gone": (
        cells(lambda nb, i: nb["cells"].__delitem__(i)),
        {"task-gram": (0.0, "defined nowhere")},
    ),
    "one cell for all that follows": (cells(merged), FULL),
    "answered in the cell of the check": (cells(answered_in_check_cell), FULL),
    "raw": (cells(lambda nb, i: nb["cells"][i].update(cell_type="raw")), {"task-gram": (None, "is text now")}),
    "all commented out": (
        gram("\n".join(f"# {line}" for line in GRAM.splitlines())),
        {"task-gram": (0.0, "defined nowhere")},
    ),
    "in quotes": (gram('"""\n' + GRAM + '\n"""'), {"task-gram": (0.0, "defined nowhere")}),
    "renamed": (gram(GRAM.replace("gram_matrix", "gram")), {"task-gram": (0.0, "defined nowhere")}),
    "renamed, and named in a cell below": (cells(named_below), FULL),
    # What else stands on the page.
    "magics of all kinds": (
        first(
            "%load_ext autoreload\n%autoreload 2\n%env A=1\n%matplotlib widget\n%config InlineBackend.figure_format='svg'",
            "%%bash\nls\nfor i in 1 2; do echo $i; done",
            "%%html\n<b>x</b>",
            "%%javascript\nalert(1)",
            "!nvidia-smi\n!wget -q https://example.org/x.zip && unzip x.zip",
            "%who\n%lsmagic\n??\nprint?",
        ),
        FULL,
    ),
    "magics as calls": (magics_left, FULL),
    "a question to the user": (first("name = input('Who are you? ')"), FULL),
    "await at the top": (first("import asyncio\nawait asyncio.sleep(0)"), FULL),
    "await in the task's cell": (gram("import asyncio\nawait asyncio.sleep(0)\n" + GRAM), FULL),
    "another folder": (first("import os, sys\nos.chdir('/content')\nsys.path.append('/content/drive/MyDrive')"), FULL),
    "Colab's own imports": (first("from google.colab import files, userdata\nfiles.upload()"), FULL),
    "from torch import *": (first("from torch import *\nfrom torch.nn.functional import *"), FULL),
    "gradients off for the page": (first("import torch\ntorch.set_grad_enabled(False)"), FULL),
    "warnings are errors": (first("import warnings\nwarnings.filterwarnings('error')"), FULL),
    "a loop of plots": (
        first("import matplotlib.pyplot as plt\nfor i in range(3):\n    plt.figure()\n    plt.plot([i])\nplt.show()"),
        FULL,
    ),
    "a helper in a file of one's own": (
        gram("from helpers import gram\ndef gram_matrix(features):\n    return gram(features)"),
        LOOK,
    ),
    "a package for types": (
        gram(
            "from jaxtyping import Float\nfrom torch import Tensor\n"
            + GRAM.replace("(features)", '(features: Float[Tensor, "b n h w"])')
        ),
        FULL,
    ),
    "a compiled function": (
        gram("import torch\n@torch.jit.script\n" + GRAM.replace("(features)", "(features: torch.Tensor)")),
        FULL,
    ),
    "a bar inside the function": (
        gram(
            "from tqdm.auto import tqdm\ndef gram_matrix(features):\n    return torch.stack([f.flatten(1) @ f.flatten(1).T / f[0].numel() for f in tqdm(features)])"
        ),
        FULL,
    ),
    "a count of calls": (gram("CALLS = 0\n" + GRAM.replace("\n", "\n    global CALLS\n    CALLS += 1\n", 1)), FULL),
    "a device of the page": (cells(device_above), FULL),
    "types are demanded": (gram(GRAM.replace("\n", "\n    assert isinstance(features, torch.FloatTensor)\n", 1)), FULL),
    "a lot is printed": (gram(GRAM.replace("\n", "\n    print('x' * 100_000)\n", 1)), FULL),
    "text made into code": (gram(f"exec({GRAM!r})"), {"task-gram": (None, "out of text")}),
    "%%timeit": (gram("%%timeit\n" + GRAM), {"task-gram": (None, "begins with %%timeit")}),
}


def build(solved: Callable[[], Notebook]) -> dict[str, bytes]:
    """Return the bytes of each kind's file."""
    made = {}
    for kind, (make, _) in KINDS.items():
        what = make(copy.deepcopy(solved()))
        text = json.dumps(what) if isinstance(what, dict) else what
        made[kind] = text if isinstance(text, bytes) else text.encode()
    return made


def file_name(kind: str) -> str:
    return re.sub(r"\W+", "_", kind)
