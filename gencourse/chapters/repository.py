"""Where the repository lives: read from the project's metadata, written into badges and Colab's set-up cells.

pyproject.toml's [project.urls] is the only place where a person writes the address; `gencourse chapters --write`
carries it to the notebooks, the README and the pages of the website.
"""

import importlib.metadata
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gencourse.paths import CHECKOUT

if TYPE_CHECKING:
    from nbformat import NotebookNode

BRANCH = "main"
COLAB = "https://colab.research.google.com"
IN_TEXT = (  # every form in which the address stands in a text, and what to put there
    (re.compile(r"https://colab\.research\.google\.com/github/[^\s)\"]+?/blob/[^/\s]+/"), "{colab}"),
    (re.compile(r"git\+https://[^\s\"'`)]+"), "git+{address}"),
    (re.compile(r"git clone https://[^\s\"'`)]+"), "git clone {address}"),
)


def repository() -> str:
    """Return the repository's address, without a slash at its end.

    It comes from the checkout's pyproject.toml, else from the metadata of the installed package: an address that was
    just changed stands in the file alone.

    Raises:
        LookupError: it stands in neither.
    """
    address = _of_checkout(CHECKOUT / "pyproject.toml") or _of_package()
    if not address:
        raise LookupError("the repository's address is not known: pyproject.toml has no Repository in [project.urls]")
    return address.rstrip("/")


def colab_address(name: str, address: str | None = None, folder: str = "notebooks") -> str:
    """Return the address that opens a notebook, FOLDER/NAME.ipynb, on Colab."""
    return f"{_colab_folder(address or repository())}{folder}/{name}.ipynb"


def badge(name: str, address: str | None = None, folder: str = "notebooks") -> str:
    """Return the markdown of a notebook's badge."""
    return f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({colab_address(name, address, folder)})"


def install_line(address: str | None = None) -> str:
    """Return the magic that installs the package on Colab."""
    return f'%pip install -q "gencourse @ git+{address or repository()}"'


def refresh(notebook: "NotebookNode", name: str, address: str | None = None) -> list[str]:
    """Write the address into the cells `badge` and `setup` of a notebook, in place.

    In the badge cell the badge is all there is; in the set-up cell the line with `%pip install` is replaced.

    Args:
        notebook: changed in place.
        name: of its file, without the ending.
        address: of the repository (default: its own).

    Returns:
        The ids of the cells that changed.
    """
    changed = []
    for cell in notebook.cells:
        source = cell.source
        if cell.get("id") == "badge" and cell.cell_type == "markdown":
            source = badge(name, address)
        elif cell.get("id") == "setup" and cell.cell_type == "code":
            source = re.sub(r"(?m)^([ \t]*)%pip install .*$", rf"\g<1>{install_line(address)}", source)
        if source != cell.source:
            cell.source = source
            changed.append(cell.id)
    return changed


def refresh_text(text: str, address: str | None = None) -> str:
    """Return a text such as the README with the address put into Colab links, `git+` requirements and `git clone`."""
    address = address or repository()
    for form, new in IN_TEXT:
        filled = new.format(colab=_colab_folder(address), address=address)
        text = form.sub(lambda _, filled=filled: filled, text)
    return text


def _colab_folder(address: str) -> str:
    """Colab opens what lies on GitHub, named by owner and repository."""
    return f"{COLAB}/github/{'/'.join(address.split('/')[3:])}/blob/{BRANCH}/"


def _of_checkout(file: Path) -> str | None:
    """Python 3.10 reads no TOML: there the metadata of the installed package must do."""
    if sys.version_info < (3, 11) or not file.is_file():
        return None
    import tomllib

    return tomllib.loads(file.read_text(encoding="utf-8")).get("project", {}).get("urls", {}).get("Repository")


def _of_package() -> str | None:
    try:
        urls = importlib.metadata.metadata("gencourse").get_all("Project-URL") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((url.partition(",")[2].strip() for url in urls if url.partition(",")[0].strip() == "Repository"), None)
