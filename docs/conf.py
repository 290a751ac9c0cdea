"""Settings of the website; docs/build.py puts its pages together and calls Sphinx with them."""

import ast
import re
import sys
from pathlib import Path
from textwrap import dedent, indent

sys.path.insert(0, str(Path(__file__).resolve().parent))

from build import mathjax_folder, plain

from gencourse import __version__, fit  # noqa: F401  fit, check: a face that imports late shows what was imported
from gencourse.chapters.repository import BRANCH, COLAB, repository
from gencourse.homework import check  # noqa: F401

project, author, release = "gencourse", "the gencourse authors", __version__
copyright = f"{author}; code MIT, data as data/README.md says"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["readme/*"]  # parts of README.md, included by other pages

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence"]
nb_execution_mode = "off"  # the outputs are those that are committed
nb_merge_streams = True

napoleon_numpy_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
add_module_names = False
suppress_warnings = ["ref.python"]  # a name has two places, its module and the face it is imported from: either will do

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


def plain_docstrings(app, what, name, thing, options, lines) -> None:
    """Let *, | and _ in a docstring be letters, and `code` be code; an example of a module is shown as it is."""
    text = "\n".join(lines)
    if text.startswith("Alias for field number"):  # a NamedTuple's own words
        text = ""
    paragraphs = re.split(r"\n{2,}", text)
    for i, paragraph in enumerate(paragraphs):
        if what == "module" and i and is_example(paragraph):
            paragraphs[i] = "::\n\n" + indent(dedent(paragraph), "    ")
        else:
            paragraphs[i] = "\n".join(map(plain, paragraph.split("\n")))
    lines[:] = "\n\n".join(paragraphs).split("\n")


def is_example(paragraph: str) -> bool:
    """Whether a paragraph is indented, or Python: where nothing else follows, the formatter takes the indent away."""
    try:
        return paragraph.startswith("    ") or bool(ast.parse(paragraph).body)
    except SyntaxError:
        return False


def static_files(app, config) -> None:
    """They are put together with the pages, not beside this file."""
    config.html_static_path = [str(Path(app.srcdir) / "static")]


def setup(app) -> None:
    app.connect("config-inited", static_files)
    app.connect("autodoc-process-docstring", plain_docstrings, priority=400)  # before napoleon
