"""Which chapters there are, what they are called, and in which order they come.

A number is two digits and perhaps a letter: what grew from chapter 03 is 03b, and comes after it::

    number("03b_conditional_gan")           # "03b"
    find("03b")                             # notebooks/03b_conditional_gan.ipynb
"""

import os
import re
from pathlib import Path

from gencourse.chapters.repository import repository
from gencourse.paths import CHECKOUT

NUMBER = re.compile(r"(\d\d[a-z]?)_")


def number(name: str) -> str:
    """Return the number that a chapter's name begins with.

    Args:
        name: of a notebook, with or without its ending: "03b_conditional_gan".

    Returns:
        Two digits and perhaps a letter, "03b"; nothing for a name that is no chapter's.
    """
    found = NUMBER.match(name)
    return found[1] if found else ""


def in_folder(folder: Path) -> list[Path]:
    """Return the chapters' notebooks of a folder in the order of the course: 01, 01b, 01c, 02."""
    numbered = [path for path in folder.glob("*.ipynb") if number(path.name)]
    return sorted(numbered, key=lambda path: (number(path.name), path.name))


def folder() -> Path:
    """Return the folder of the notebooks: in the checkout this package belongs to, or in the one we stand in.

    Raises:
        FileNotFoundError: there is neither: an installed package does not carry them.
    """
    for place in (CHECKOUT, Path.cwd()):
        if in_folder(place / "notebooks"):
            return place / "notebooks"
    raise FileNotFoundError(
        "no notebooks here: the installed package does not carry them. Clone the repository (git clone "
        f"{repository()}) and run this inside it, or give the path of a notebook"
    )


def chapters() -> list[Path]:
    """Return the notebooks of the course in order. Raises FileNotFoundError where there are none."""
    return in_folder(folder())


def find(name: str) -> Path:
    """Return a chapter's notebook.

    Args:
        name: a number ("01", "1", "01b"), a name or a part of one ("style"), or the path of a notebook.

    Raises:
        UnknownName: no chapter is called so; it lists the chapters.
        FileNotFoundError: there is no notebook at that path, or no chapter at all.
        ValueError: several chapters fit.
    """
    if name.endswith(".ipynb") or "/" in name or os.sep in name:
        if not Path(name).is_file():
            raise FileNotFoundError(f"no notebook at {name}")
        return Path(name)
    known = chapters()
    if asked := re.fullmatch(r"0*(\d+)([a-z]?)", name.lower()):
        wanted = f"{int(asked[1]):02d}{asked[2]}"
        fits = [path for path in known if number(path.name) == wanted]
    else:
        word = name.lower().replace("-", "_").replace(" ", "_")
        fits = [path for path in known if path.stem == word] or [path for path in known if word and word in path.stem]
    if len(fits) > 1:
        raise ValueError(f"{name!r} fits several chapters: {', '.join(path.stem for path in fits)}")
    if not fits:
        from gencourse.expect import UnknownName  # loads torch, which a list of chapters does not need

        raise UnknownName("chapter", name, [path.stem for path in known])
    return fits[0]
