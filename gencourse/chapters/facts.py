"""What a chapter says of itself, in its notebook's metadata under `gencourse`, beside the record of its kept run.

Example::

    "about": "find a picture with ...",                     # goes on from "you will"
    "picture": {"cell": "ratio", "alt": "..."},             # optional: the id of the cell that draws it
    "hero": {"cell": "hero", "alt": "..."}                  # of one chapter alone: the picture at the README's top

`gencourse chapters --write` makes the README's table and pictures of it.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from gencourse.chapters import pages
from gencourse.chapters.find import number


@dataclass(frozen=True)
class Picture:
    """A picture in the README: the id of the cell that draws it, and what it shows, in words."""

    cell: str
    alt: str


@dataclass(frozen=True)
class Facts:
    """What the README says of a chapter; minutes, gigabytes of memory and gflops are None until a full run was kept."""

    path: Path
    number: str
    title: str
    about: str
    minutes: float | None
    gigabytes: float | None
    gflops: float | None  # of the machine that ran it, see `chapters.speed`
    picture: Picture | None
    hero: Picture | None


def read(path: Path) -> Facts:
    """Read a chapter's facts from its notebook. Raises as `of_notebook` and `pages.read` do."""
    return of_notebook(pages.read(path), path)


def of_notebook(notebook: NotebookNode, path: Path) -> Facts:
    """Return a chapter's facts.

    Args:
        notebook: of the chapter.
        path: of its file; the number is read from its name.

    Returns:
        The facts. The title is the first heading of the notebook without its number. Minutes and memory are those of
        a kept run in the `cpu` profile, the one that the README speaks of.

    Raises:
        ValueError: there is no title or no `about`, or a picture is not described by cell and alt.
    """
    known = notebook.metadata.get("gencourse", {})
    about = known.get("about")
    if not isinstance(about, str) or not about.strip():
        raise ValueError(f"{path.name} does not say what one will do in it: about, in its metadata under gencourse")
    timed = known if known.get("profile") == "cpu" else {}
    return Facts(
        path=path,
        number=number(path.name),
        title=title(notebook, path.name),
        about=about,
        minutes=timed.get("minutes"),
        gigabytes=timed.get("gigabytes"),
        gflops=timed.get("gflops"),
        picture=_picture(known.get("picture"), path.name),
        hero=_picture(known.get("hero"), path.name),
    )


def title(notebook: NotebookNode, name: str) -> str:
    """Return the first heading of a notebook, "# 03b Conditional GAN", without its number. Raises ValueError."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = next((found for text in texts if (found := re.search(r"(?m)^# (?:\d\d[a-z]? )?(.+?)\s*$", text))), None)
    if not found:
        raise ValueError(f"{name} has no title: a text cell that begins with '# {number(name)} '")
    return found[1]


def _picture(known: Any, name: str) -> Picture | None:
    if known is None:
        return None
    whole = isinstance(known, dict) and set(known) == {"cell", "alt"}
    if not whole or not all(isinstance(text, str) and text for text in known.values()):
        raise ValueError(f"{name}: a picture is told by its cell and its alt (what it shows, in words), not by {known}")
    return Picture(known["cell"], known["alt"])
