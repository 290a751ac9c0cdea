"""Take a definition out of a notebook without running the notebook."""

import ast
from pathlib import Path
from typing import Any

import nbformat
import torch
import torch.nn.functional as F

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def definitions(notebook: str, names: set[str], given: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return functions and classes that a notebook defines, by name, executed together in a namespace of their own.

    given: what the notebook imports and they use, beside torch, F and nn.
    Raises KeyError when the notebook does not define one of them.
    """
    found: dict[str, ast.stmt] = {}
    for cell in nbformat.read(NOTEBOOKS / notebook, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        source = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in cell.source.splitlines())
        try:
            body = ast.parse(source).body
        except SyntaxError:  # a cell that is nothing but a magic inside an if
            continue
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names:
                found[node.name] = node
    if missing := names - set(found):
        raise KeyError(f"{notebook} does not define {', '.join(sorted(missing))}")
    namespace: dict[str, Any] = {"torch": torch, "F": F, "nn": torch.nn, **(given or {})}
    module = ast.Module(body=list(found.values()), type_ignores=[])
    exec(compile(module, notebook, "exec"), namespace)
    return {name: namespace[name] for name in names}
