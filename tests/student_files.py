"""Notebooks as files, the way they come back from students: kinds that are no change of one cell alone.

Each takes the solved notebook of chapter 01 (as JSON) and gives what lies in the folder: a notebook, a text or bytes.
READ is read as the plain file is. REFUSED is not graded, with the sentence that says why. PAGES are graded as Jupyter
would run them: the functions that are asked about, with a part of what is said of each, "" where it is right.
"""
# ruff: noqa: E501

import gzip
import json
from collections.abc import Callable
from typing import Any

Notebook = dict[str, Any]
Made = Notebook | str | bytes
LETTERS = "# größe — 'ß'"  # stands above gram_matrix in every file
GRAM = "def gram_matrix(features):\n    f = features.flatten(2)\n    return f @ f.mT / f.shape[-1]"
STUB = 'def gram_matrix(features):\n    raise NotImplementedError("gram_matrix is not written yet")'


def code(text: str) -> Notebook:
    return {"cell_type": "code", "metadata": {}, "source": text, "outputs": [], "execution_count": None}


def index(nb: Notebook, cell_id: str) -> int:
    return [cell.get("id") for cell in nb["cells"]].index(cell_id)


def cells(change: Callable[[Notebook, int], Any]) -> Callable[[Notebook], Made]:
    """Change the notebook around the cell of gram_matrix, given its place."""

    def make(nb: Notebook) -> Made:
        change(nb, index(nb, "task-gram"))
        return nb

    return make


def gram(text: str) -> Callable[[Notebook], Made]:
    """Put a text into the cell of gram_matrix."""
    return cells(lambda nb, i: nb["cells"][i].update(source=text))


def first(*texts: str) -> Callable[[Notebook], Made]:
    """Put cells in front of all others."""
    return lambda nb: nb | {"cells": [*map(code, texts), *nb["cells"]]}


def encoded(encoding: str, mark: bytes = b"") -> Callable[[Notebook], Made]:
    """The file in another encoding, its letters as they are."""
    return lambda nb: mark + json.dumps(nb, ensure_ascii=False).encode(encoding, "backslashreplace")


def written(change: Callable[[str], Made]) -> Callable[[Notebook], Made]:
    """Change the text of the file."""
    return lambda nb: change(json.dumps(nb, indent=1))


def every(**changes: Any) -> Callable[[Notebook], Made]:
    """Change all cells: name=value, metadata beside nbgrader's own, or name=None to take it away."""

    def make(nb: Notebook) -> Made:
        for cell in nb["cells"]:
            for name, value in changes.items():
                if value is None:
                    cell.pop(name, None)
                else:
                    cell[name] = cell[name] | value if name == "metadata" else value
        return nb

    return make


def colab(nb: Notebook) -> Made:
    """Colab gives cells no ids but in their metadata, and forms of its own; nbgrader's metadata stay."""
    nb["metadata"] = {"accelerator": "GPU", "colab": {"provenance": [], "gpuType": "T4"}, "widgets": {"a": {"b": {}}}}
    every(id=None, metadata={"id": "mXq", "outputId": "o7", "cellView": "form"})(nb)
    return first("!pip install -q gencourse", "#@title Size { run: 'auto' }\nsize = 5 #@param {type:'slider'}")(nb)


def jetbrains(nb: Notebook) -> Made:
    """PyCharm and DataSpell write format 4.0, which has no ids, and what a cell was called in their editor."""
    pycharm = {"pycharm": {"name": "#%%\n", "is_executing": False}, "collapsed": False}
    return every(id=None, metadata=pycharm)(nb | {"nbformat_minor": 0})


def databricks(nb: Notebook) -> Made:
    cell = {"application/vnd.databricks.v1+cell": {"nuid": "6f", "inputWidgets": {}, "showTitle": False}}
    nb["metadata"] = {"application/vnd.databricks.v1+notebook": {"language": "python", "widgets": {}}}
    return every(id=None, metadata=cell)(nb)


def listed(nb: Notebook) -> Made:
    """Texts as lists of lines, as Jupyter writes them."""
    for cell in nb["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
    return nb


def only_code(nb: Notebook) -> Notebook:
    return nb | {"cells": [cell for cell in nb["cells"] if cell["cell_type"] == "code"]}


def outputs(*made: Any) -> Callable[[Notebook], Made]:
    """Outputs for the first ten code cells."""

    def change(nb: Notebook) -> Made:
        for cell in only_code(nb)["cells"][:10]:
            cell["outputs"] = list(made)
        return nb

    return change


def picture(size: int) -> Notebook:
    return {"output_type": "display_data", "data": {"image/png": "A" * size}, "metadata": {}}


def one_id(nb: Notebook) -> Made:
    for cell in nb["cells"]:
        cell.update(id="task-gram", metadata={})
    return nb


def paths(nb: Notebook) -> Made:
    for number, cell in enumerate(nb["cells"]):
        cell.update(id=f"../../{number}", metadata={"nbgrader": {"grade_id": [["../.."]]}, "id": 7})
    return nb


def version_3(nb: Notebook) -> Made:
    """As Jupyter wrote them until 2014: worksheets, `input` in place of `source`."""
    old = [{"cell_type": c["cell_type"], "input": c["source"], "metadata": c["metadata"]} for c in nb["cells"]]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": old}]}


def conflict(text: str) -> Made:
    return text.replace('"cells": [', '<<<<<<< HEAD\n "cells": [\n=======\n "cells": [\n>>>>>>> theirs', 1)


READ: dict[str, Callable[[Notebook], Made]] = {
    # How the file is written.
    "UTF-8 with a mark": encoded("utf-8", b"\xef\xbb\xbf"),
    "cp1252": encoded("cp1252"),
    "UTF-16": encoded("utf-16"),
    "UTF-16, big end first": encoded("utf-16-be", b"\xfe\xff"),
    "UTF-16 without a mark": encoded("utf-16-le"),
    "UTF-32": encoded("utf-32"),
    "Windows line ends": written(lambda text: text.replace("\n", "\r\n")),
    "empty lines behind it": written(lambda text: text + "\n\n \r\n"),
    "no numbers": written(lambda text: text[:-1] + ', "a": NaN, "b": -Infinity}'),
    # What the format leaves open.
    "nbformat 4.2, no cell ids": lambda nb: every(id=None)(nb | {"nbformat_minor": 2}),
    "a format to come": lambda nb: nb | {"nbformat": 5, "nbformat_minor": 0, "new": {}},
    "neither ids nor metadata": lambda nb: nb | {"cells": [code(c["source"]) for c in only_code(nb)["cells"]]},
    "one id for all cells": one_id,
    "ids that are paths": paths,
    "no metadata of its own": lambda nb: nb | {"metadata": {}},
    "no outputs, no counts": every(outputs=None, execution_count=None),
    "text as lists of lines": listed,
    "all that is no code is gone": only_code,
    # Who saved it.
    "Colab": colab,
    "JetBrains": jetbrains,
    "Databricks": databricks,
    "Kaggle": every(metadata={"_uuid": "8f2", "_cell_guid": "b1", "_kg_hide-input": True, "trusted": True}),
    "VS Code": every(metadata={"vscode": {"languageId": "python"}, "dotnet_interactive": {"language": "python"}}),
    "Deepnote": every(metadata={"cell_id": "00001", "deepnote_cell_type": "code", "source_hash": "b623e53d"}),
    "hidden and tagged": every(metadata={"tags": ["hide-input", "parameters"], "jupyter": {"source_hidden": True}}),
    # Outputs.
    "outputs of 20 MB": outputs(picture(2_000_000)),
    "outputs of no kind": outputs({"output_type": "pyout", "text": 3}, "x", None),
}
NO_IDS = {"neither ids nor metadata", "ids that are paths"}
REFUSED: dict[str, tuple[Callable[[Notebook], Made], str]] = {
    "nbformat 3": (version_3, "one of an old format: open and save it in Jupyter or Colab"),
    "a shortcut to a drive": (lambda nb: '{"url": "https://drive.example/x", "doc_id": "1"}', "not a notebook"),
    "a server's answer around it": (lambda nb: {"type": "notebook", "format": "json", "content": nb}, "not a notebook"),
    "a list": (lambda nb: json.dumps(nb["cells"]), "not a notebook"),
    "zeros behind it": (written(lambda text: text.encode() + b"\0" * 512), "damaged"),
    "a merge conflict": (written(conflict), "damaged"),
    "a comma too many": (written(lambda text: text.replace("\n ],", ",\n ],", 1)), "damaged"),
    "a login page": (lambda nb: "<!DOCTYPE html><html><body>Please log in</body></html>", "damaged"),
    "a Python script": (lambda nb: "# %%\nimport torch\n" + GRAM, "damaged"),
    "compressed": (written(lambda text: gzip.compress(text.encode())), "damaged"),
    "white space alone": (lambda nb: " \r\n", "the file is empty"),
}


def answered_in_check_cell(nb: Notebook, i: int) -> None:
    nb["cells"][i]["source"] = STUB
    nb["cells"][i + 1]["source"] = GRAM + "\ncheck('gram_matrix', gram_matrix)"


def named_below(nb: Notebook, i: int) -> None:
    nb["cells"][i]["source"] = GRAM.replace("gram_matrix", "gram")
    nb["cells"].insert(i + 1, code("gram_matrix = gram"))


def device_above(nb: Notebook, i: int) -> None:
    nb["cells"][i]["source"] = GRAM.replace("features.flatten", "features.to(device).flatten")
    nb["cells"].insert(i, code("import torch\ndevice = 'cuda' if torch.cuda.is_available() else 'cpu'"))


def merged(nb: Notebook, i: int) -> None:
    """All code from here on in one cell."""
    rest = [cell["source"] for cell in nb["cells"][i:] if cell["cell_type"] == "code"]
    nb["cells"] = [*nb["cells"][:i], code("\n\n".join(map("".join, rest)))]


def only_tasks(nb: Notebook) -> Made:
    return nb | {"cells": [cell for cell in nb["cells"] if cell["id"].startswith("task-")]}


RIGHT = {"gram_matrix": ""}
SEVERAL = RIGHT | {"style_loss": "", "keep_colours": ""}
NOWHERE = {"gram_matrix": "gram_matrix is defined nowhere in the notebook"}
PAGES: dict[str, tuple[Callable[[Notebook], Made], dict[str, str]]] = {
    # Cells gone, moved, of another kind.
    "only the tasks are left": (only_tasks, SEVERAL),
    "one cell for all that follows": (cells(merged), SEVERAL),
    "the task's cell is gone": (cells(lambda nb, i: nb["cells"].pop(i)), NOWHERE | {"style_loss": ""}),
    "answered in the cell of the check": (cells(answered_in_check_cell), RIGHT),
    "raw": (cells(lambda nb, i: nb["cells"][i].update(cell_type="raw")), {"gram_matrix": "is text now"}),
    "all commented out": (gram("# " + GRAM.replace("\n", "\n# ")), NOWHERE),
    "in quotes": (gram(f'"""\n{GRAM}\n"""'), NOWHERE),
    "renamed": (gram(GRAM.replace("gram_matrix", "gram")), NOWHERE),
    "renamed, and named in a cell below": (cells(named_below), RIGHT),
    # What else stands on the page. `from torch import *` hides Python's own sum, in Jupyter too.
    "from torch import *": (first("from torch import *"), RIGHT | {"make_objective": "sum(): argument"}),
    "magics of all kinds": (
        first(
            "%load_ext autoreload\n%autoreload 2\n%env A=1\n%config InlineBackend.figure_format='svg'",
            "%%bash\nls\nfor i in 1 2; do echo $i; done",
            "%%html\n<b>x</b>",
            "!nvidia-smi\n!wget -q https://example.org/x.zip && unzip x.zip",
            "%who\n%lsmagic\n??\nprint?",
            "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('pip list')",
        ),
        RIGHT,
    ),
    "what Kaggle writes above": (
        first("import os\nfor folder, _, files in os.walk('/kaggle/input'):\n    for f in files:\n        print(f)"),
        RIGHT,
    ),
    "a question to the user": (first("name = input('Who are you? ')\nprint(name)"), RIGHT),
    "await in the task's cell": (gram("import asyncio\nawait asyncio.sleep(0)\n" + GRAM), RIGHT),
    # What stands in the function.
    "a helper in a file of one's own": (
        gram("from helpers import gram\ndef gram_matrix(features):\n    return gram(features)"),
        {"gram_matrix": "gram (helpers.gram), which cannot be imported while grading"},
    ),
    "a package for types": (
        gram(
            "from jaxtyping import Float\nfrom torch import Tensor\n"
            + GRAM.replace("(features)", '(features: Float[Tensor, "b n h w"])')
        ),
        RIGHT,
    ),
    "a compiled function": (
        gram("import torch\n@torch.jit.script\n" + GRAM.replace("(features)", "(features: torch.Tensor)")),
        RIGHT,
    ),
    "a bar inside the function": (
        gram(
            "from tqdm.auto import tqdm\ndef gram_matrix(features):\n    return torch.stack([f.flatten(1) @ f.flatten(1).T / f[0].numel() for f in tqdm(features)])"
        ),
        RIGHT,
    ),
    "a count of calls": (
        gram("CALLS = 0\n" + GRAM.replace("\n", "\n    global CALLS\n    CALLS += 1\n", 1)),
        RIGHT,
    ),
    "a device of the page": (cells(device_above), RIGHT),
    "types are demanded": (
        gram(GRAM.replace("\n", "\n    assert isinstance(features, torch.FloatTensor)\n", 1)),
        RIGHT,
    ),
    "%%timeit": (gram("%%timeit\n" + GRAM), {"gram_matrix": "begins with %%timeit, so Jupyter does not run it"}),
}
# What changes a process for good, and prints: graded in one of its own.
SETTINGS = first(
    "import torch\ntorch.set_grad_enabled(False)",
    "import warnings\nwarnings.filterwarnings('error')",
    "import os, sys\nos.chdir('/content')\nsys.path.append('/content/drive/MyDrive')",
    "from google.colab import drive, files\ndrive.mount('/content/drive')\nfiles.upload()",
    "import asyncio\nawait asyncio.sleep(0)",
)
PRINTS = gram(LETTERS + "\n" + GRAM.replace("\n", "\n    print('x' * 100_000)\n", 1))


def as_bytes(made: Made) -> bytes:
    """Return what stands in the file."""
    text = json.dumps(made) if isinstance(made, dict) else made
    return text if isinstance(text, bytes) else text.encode()
