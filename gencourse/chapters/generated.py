"""Everything outside of the notebooks that repeats what they say: tables, pictures, addresses. None is kept by hand.

This is what `gencourse chapters --check` and `--write` do::

    due = out_of_date(root, {})
    write(due)
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nbformat import NotebookNode

from gencourse.chapters import facts, pages, pictures, tables
from gencourse.chapters.facts import Facts
from gencourse.chapters.find import in_folder
from gencourse.chapters.repository import refresh, refresh_text

Notebooks = dict[Path, NotebookNode]
Parts = Mapping[str, Mapping[str, Sequence[str]]]  # page -> what its markers are called -> the lines between them


def out_of_date(root: Path, parts: Parts) -> dict[Path, bytes]:
    """Return every generated file that is not what the notebooks give now.

    Args:
        root: the checkout, with notebooks/, README.md and docs/.
        parts: of other pages than the README: {"docs/lecturers.md": {"tasks": [...]}}.

    Returns:
        What each of these files should hold.

    Raises:
        ValueError: a chapter does not say enough of itself, or a page has no markers.
        OSError: a page is not there.
    """
    notebooks = {path: pages.read(path) for path in in_folder(root / "notebooks")}
    with_badges = [path for path, notebook in notebooks.items() if refresh(notebook, path.stem)]
    due = {path: pages.text_of(notebooks[path]).encode() for path in with_badges}
    known = [facts.of_notebook(notebook, path) for path, notebook in notebooks.items()]
    of_readme = {"hero": tables.hero_line(known), "chapters": tables.chapter_rows(known)}
    return due | texts(root, {**parts, "README.md": of_readme}) | small_pictures(root, notebooks, known)


def texts(root: Path, parts: Parts) -> dict[Path, bytes]:
    """Return the pages that are out of date: the README, and those of docs/. Raises as `out_of_date` does."""
    due = {}
    for page in (root / "README.md", *sorted((root / "docs").glob("*.md"))):
        name, before = page.relative_to(root).as_posix(), page.read_text(encoding="utf-8")
        text = refresh_text(before)
        for part, lines in parts.get(name, {}).items():
            text = tables.fill(text, part, lines, name)
        if text != before:
            due[page] = text.encode()
    return due


def small_pictures(root: Path, notebooks: Notebooks, known: Sequence[Facts]) -> dict[Path, bytes]:
    """Return the README's pictures that are out of date. Raises as `out_of_date` does."""
    wanted = [(one, one.picture, f"{one.number}.jpg") for one in known if one.picture]
    wanted.append((*tables.hero(known), tables.HERO))
    due = {}
    for one, picture, name in wanted:
        whole = pictures.output_picture(notebooks[one.path], picture.cell, one.path.name)
        if not pictures.is_made_from(root / tables.FOLDER / name, whole):
            due[root / tables.FOLDER / name] = pictures.small_jpeg(whole)
    return due


def write(files: Mapping[Path, bytes]) -> None:
    """Write files, each whole or not at all. Raises OSError."""
    for path, content in files.items():
        pages.write_bytes(content, path)
