"""Settings of the website; docs/build.py puts its pages together and calls Sphinx with them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from build import mathjax_folder

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

default_role = "code"  # `code` in a docstring
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


def skip_fields(app, what, name, thing, skip, options) -> bool | None:
    """Leave out what Python itself writes about a NamedTuple's fields: the signature shows them."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def static_files(app, config) -> None:
    """They are put together with the pages, not beside this file."""
    config.html_static_path = [str(Path(app.srcdir) / "static")]


def setup(app) -> None:
    app.connect("config-inited", static_files)
    app.connect("autodoc-skip-member", skip_fields)
