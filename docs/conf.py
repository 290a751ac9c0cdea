"""Settings of the website; docs/build.py puts its pages together and calls Sphinx with them."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from build import mathjax_folder, plain

from gencourse import __version__
from gencourse.chapters.repository import BRANCH, COLAB, repository

project, author, release = "gencourse", "the gencourse authors", __version__
copyright = f"{author}; code MIT, data as data/README.md says"
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["readme/*"]  # parts of README.md, included by other pages

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
nb_execution_mode = "off"  # the outputs are those that are committed
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
add_module_names = False

html_theme = "sphinx_book_theme"
html_title = "gencourse"
html_favicon = "icon.svg"
html_theme_options = {
    "repository_url": repository(),
    "repository_branch": BRANCH,
    "path_to_docs": "",  # the notebooks lie at the top of the repository, as they do here
    "use_repository_button": True,
    "launch_buttons": {"colab_url": COLAB},
    "show_toc_level": 2,
    "navbar_persistent": [],  # its search field is in the side bar already
}
html_context = {"default_mode": "auto"}  # dark where the reader's system is
html_css_files = ["course.css"]
if mathjax_folder():  # formulas without the web
    mathjax_path = "mathjax/tex-mml-chtml.js"


def as_text(app, what, name, thing, options, lines) -> None:
    """Our docstrings are plain text with `code` in it: what reStructuredText would take for markup is none."""
    if lines[:1] and lines[0].startswith("Alias for field number"):  # a NamedTuple's own words
        lines.clear()
    out, before = [], ""
    for line in lines:
        indented = re.match(r" {2,}\S", line)
        if indented and not before.strip():
            out += ["::", ""] if not _in_block(out) else []
        out.append(line if indented and _in_block(out) else plain(line))
        before = line
    lines[:] = out


def _in_block(lines: list[str]) -> bool:
    """Whether the last lines are an indented block that was opened."""
    for line in reversed(lines):
        if line.strip() == "::":
            return True
        if line.strip() and not line.startswith("  "):
            return False
    return False


def static_files(app, config) -> None:
    """They are put together with the pages, not beside this file."""
    config.html_static_path = [str(Path(app.srcdir) / "static")]


def setup(app) -> None:
    app.connect("config-inited", static_files)
    app.connect("autodoc-process-docstring", as_text)
