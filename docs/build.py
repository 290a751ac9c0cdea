"""Build the website of the course: chapters with their committed outputs, the package's reference, the other pages.

    pip install -e ".[docs]"
    python docs/build.py                # writes site/, open site/index.html
    python docs/build.py --out FOLDER

Nothing is executed and nothing is fetched. A warning is an error. The pages are put together in a temporary folder,
so the checkout stays as it is: the notebooks, parts of README.md, the pages beside this file, and one page for each
module of the package.
"""

import argparse
import ast
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))  # the reference shows the checkout that it is built from

from gencourse.chapters.find import in_folder  # noqa: E402
from gencourse.chapters.repository import BRANCH, colab_address, repository  # noqa: E402

PACKAGE = ROOT / "gencourse"
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#|data:|attachment:)([^)\s#]+)")
SOLUTION = re.compile(r"[ \t]*### BEGIN SOLUTION\n(.*?)[ \t]*### END SOLUTION", re.DOTALL)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="where the pages go (default: site)")
    out = parser.parse_args(arguments).out
    from sphinx.cmd.build import main as sphinx

    with tempfile.TemporaryDirectory(prefix="site_") as temporary:
        source = assemble(Path(temporary) / "source")
        built = Path(temporary) / "pages" / "html"  # myst_nb leaves a folder beside its pages: not in the checkout
        options = ["-q", "-W", "--keep-going", "-b", "html", "-c", str(DOCS), "-d", str(Path(temporary) / "trees")]
        status = sphinx([*options, str(source), str(built)])
        if built.exists():
            shutil.copytree(built, out, dirs_exist_ok=True)
    print(f"{out / 'index.html'}" if status == 0 else "the site has mistakes, see above")
    return status


def assemble(source: Path) -> Path:
    """Put the sources of all pages into a new folder; returns it."""
    shutil.copytree(DOCS / "pictures", source / "pictures")
    for page in DOCS.glob("*.md"):
        put(source / page.name, with_links(page.read_text(encoding="utf-8"), PurePosixPath("docs")))
    for heading, text in sections(ROOT / "README.md").items():
        put(source / "readme" / f"{slug(heading)}.md", with_links(text, PurePosixPath(".")))
    for path in in_folder(ROOT / "notebooks"):
        put(source / "notebooks" / path.name, json.dumps(chapter(path)))
    reference(source / "reference")
    copy(DOCS / "course.css", source / "static" / "course.css")
    if mathjax := mathjax_folder():
        for part in ("tex-mml-chtml.js", "output/chtml/fonts", "input/tex/extensions"):
            (shutil.copytree if (mathjax / part).is_dir() else copy)(
                mathjax / part, source / "static" / "mathjax" / part
            )
    return source


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def copy(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(old, new)


def sections(readme: Path) -> dict[str, str]:
    """Return the second-level sections of a page: heading -> the text below it."""
    parts = re.split(r"(?m)^## (.+)\n", readme.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def with_links(text: str, folder: PurePosixPath) -> str:
    """Point the relative links of a page that lies in `folder` of the checkout to where the website has their targets.

    Pages of the site and pictures are found by a path from its top; anything else by its address in the repository.
    """

    def moved(found: re.Match) -> str:
        path = PurePosixPath(os.path.normpath(folder / found[1]).replace(os.sep, "/"))
        on_site = path.relative_to("docs") if path.parts[:1] == ("docs",) else path
        page = path.parts[:1] == ("notebooks",) or (path.parts[:1] == ("docs",) and (DOCS / on_site).exists())
        if page and path.suffix:
            return f"/{on_site}"
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"{repository()}/{kind}/{BRANCH}/{path}"

    return LINK.sub(moved, text)


def chapter(path: Path) -> dict:
    """Return a notebook as the website shows it.

    The badge, a picture from the web, becomes a link in words; solutions and answers are folded; links are moved.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    title = next(cell for cell in notebook["cells"] if "".join(cell["source"]).startswith("# "))
    notebook["cells"] = [title, *(cell for cell in notebook["cells"] if cell is not title)]  # a page begins with it
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell.get("id") == "badge":
            text = f"[Open this chapter in Colab]({colab_address(path.stem)})"
        elif cell["cell_type"] == "markdown":
            folded = r"<details><summary>An answer</summary>\n\n\1\n</details>\n"
            text = with_links(SOLUTION.sub(folded, text), PurePosixPath("notebooks"))
        elif "### BEGIN SOLUTION" in text:
            text = re.sub(r"(?m)^\s*### (BEGIN|END) SOLUTION\n?", "", text)
            facts = cell["metadata"].get("gencourse", {})
            named = f"Task: {facts['title']} ({facts['difficulty']}). One way to write it" if facts else "A solution"
            cell["metadata"] |= {"tags": ["hide-input"], "mystnb": {"code_prompt_show": named}}
        cell["source"] = text
    return notebook


def rooms() -> dict[str, dict[str, Path]]:
    """Return the modules of the package by the room they lie in: a folder, and all folders in it, or the top level.

    The names of modules are told without that of the package; a room comes with its `__init__`, under its own name.
    """
    found: dict[str, dict[str, Path]] = {"": {"": PACKAGE / "__init__.py"}}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts)
        if len(parts) == 2 and path.name == "__init__.py":
            name = parts[0]
        elif path.name.startswith("_"):  # the inside of a folder
            continue
        found.setdefault("" if len(parts) == 1 else parts[0], {})[name] = path
    return {room: dict(sorted(inside.items())) for room, inside in sorted(found.items())}


def reference(folder: Path) -> None:
    """Write one page for each module, one for each room with what can be imported from it, and one that lists all."""
    pages, lists = [], []
    for room, inside in rooms().items():
        title, file = dotted(room), room or "gencourse"
        table = [".. list-table::", "   :widths: 30 70", ""]
        names = [name for name in inside if name != room]
        for name in names:
            table += [f"   * - :doc:`{name}`", f"     - {about(inside[name])}"]
            put(folder / f"{name}.rst", page(dotted(name), automatic(name)))
        front = automatic(room) if room in inside else []
        put(folder / f"{file}.rst", page(title, [*front, "", *table, "", *toctree(f"{n} <{n}>" for n in names)]))
        said = about(inside[room]) if room in inside else ""
        lists += [title, "-" * len(title), "", said, "", *table, ""]
        pages.append(f"{file} <{file}>")  # without the package: the side bar is narrow
    put(folder / "index.rst", page("Reference", [*lists, *toctree(pages)]))


def dotted(name: str) -> str:
    """Return the name of a module as it is imported."""
    return f"gencourse.{name}" if name else "gencourse"


def automatic(name: str) -> list[str]:
    """Return what asks Sphinx for a module's docstrings: of what it defines, or lists in `__all__`."""
    return [f".. automodule:: {dotted(name)}", "   :members:"]


def about(path: Path) -> str:
    """Return the first sentence about a module, in reStructuredText as all docstrings are."""
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return doc.split("\n\n")[0].replace("\n", " ")


def slug(words: str) -> str:
    return words.lower().replace(" ", "_")


def page(title: str, lines: list[str]) -> str:
    return "\n".join([title, "=" * len(title), "", *lines, ""])


def toctree(names: Iterable[str]) -> list[str]:
    return [".. toctree::", "   :hidden:", "", *(f"   {name}" for name in names)]


def mathjax_folder() -> Path | None:
    """Return where the package django-static-mathjax keeps MathJax, without importing it; None where it is not here."""
    from importlib.util import find_spec

    found = find_spec("mathjax")
    folder = Path(found.origin).parent / "static" / "mathjax" / "es5" if found and found.origin else None
    return folder if folder and (folder / "tex-mml-chtml.js").is_file() else None


if __name__ == "__main__":
    sys.exit(main())
