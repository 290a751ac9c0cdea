"""The website: built without a warning, whole without a connection, and every page opened in a real browser."""

import functools
import importlib.util
import json
import re
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import pytest
import website

import gencourse
from gencourse import data, homework, metrics
from gencourse.chapters.find import in_folder

pytestmark = pytest.mark.timeout(1800)  # for machines that have other things to do; no test measures time
ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = in_folder(ROOT / "notebooks")
MINUTE = 60_000  # milliseconds; pages are given several, for machines that have other things to do


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The built site. Skips where what builds it is missing."""
    for needed in ("myst_nb", "sphinx_book_theme", "mathjax"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip('building the website needs more packages: pip install -e ".[docs]"')
    out = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, str(ROOT / "docs" / "build.py"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def build():
    """docs/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build_docs", ROOT / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# What goes into the site


def test_every_module_has_a_page_in_the_room_it_lies_in(build, tmp_path):
    build.reference(tmp_path)
    package = ROOT / "gencourse"
    modules = {".".join(path.relative_to(package).with_suffix("").parts) for path in package.rglob("[!_]*.py")}
    for name in modules:
        assert f"automodule:: gencourse.{name}\n" in (tmp_path / f"{name}.rst").read_text(encoding="utf-8")
        room = (tmp_path / f"{name.split('.')[0] if '.' in name else 'gencourse'}.rst").read_text(encoding="utf-8")
        assert room.count(f":doc:`{name}`") == 1 and f"\n   {name} <{name}>\n" in room
    index = (tmp_path / "index.rst").read_text(encoding="utf-8")
    assert sorted(re.findall(":doc:`(.+?)`", index)) == sorted(modules)
    assert "gencourse.methods\n-----------------\n\nOne method a file" in index


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_hides_solutions_and_keeps_outputs(build, path):
    shown, kept = build.chapter(path), json.loads(path.read_text(encoding="utf-8"))
    assert "SOLUTION" not in json.dumps([cell["source"] for cell in shown["cells"]])
    tasks = [cell for cell in shown["cells"] if cell["id"].startswith("task-")]
    assert tasks and all("hide-input" in cell["metadata"]["tags"] for cell in tasks)
    outputs = {cell["id"]: cell.get("outputs") for cell in kept["cells"]}
    assert outputs == {cell["id"]: cell.get("outputs") for cell in shown["cells"]}
    assert "".join(shown["cells"][0]["source"]).startswith("# ")


@pytest.mark.parametrize(
    ("link", "folder", "wanted"),
    [
        ("notebooks/03_gan.ipynb", ".", "/notebooks/03_gan.ipynb"),
        ("docs/pictures/01.jpg", ".", "/pictures/01.jpg"),
        ("02_upsampling.ipynb", "notebooks", "/notebooks/02_upsampling.ipynb"),
        ("../docs/pictures/01.jpg", "notebooks", "/pictures/01.jpg"),
        ("../README.md", "docs", "{repository}/blob/main/README.md"),
        ("data/README.md", ".", "{repository}/blob/main/data/README.md"),
        ("../benchmarks/", "docs", "{repository}/tree/main/benchmarks"),
        ("https://example.org/a", ".", "https://example.org/a"),
        ("#here", "docs", "#here"),
    ],
)
def test_links_lead_where_the_site_has_them(build, link, folder, wanted):
    moved = build.with_links(f"see [this]({link}).", PurePosixPath(folder))
    assert moved == f"see [this]({wanted.format(repository=build.repository())})."


# The pages as files


def test_every_link_and_picture_leads_somewhere(site):
    assert list(website.broken(site)) == []


def test_nothing_is_left_beside_the_site(site):
    assert [path.name for path in site.parent.iterdir()] == ["site"]


def test_the_home_page_shows_the_chapters_as_cards(site):
    home = (site / "index.html").read_text(encoding="utf-8")
    cards = home[re.search(r'<div class="[^"]*\bcards\b', home).start() : home.index("</table>")]
    assert cards.count("<tr") == 1 + len(CHAPTERS) and cards.count("<img") == len(CHAPTERS)
    assert ".cards tr" in (site / "_static" / "course.css").read_text(encoding="utf-8")


def test_a_broken_link_is_noticed(tmp_path):
    (tmp_path / "a.html").write_text('<p id="x"><a href="b.html#y"></a><img src="c.png"><a href="#x"></a></p>')
    (tmp_path / "b.html").write_text('<script src="https://example.org/x.js"></script><a href="a.html#x"></a>')
    assert list(website.broken(tmp_path)) == [
        "a.html: <a> b.html#y leads to no place on that page",
        "a.html: <img> c.png is not there",
    ]
    assert list(website.from_elsewhere(tmp_path)) == ["b.html: <script> https://example.org/x.js"]


@pytest.mark.parametrize("face", [gencourse, data, homework, metrics], ids=lambda face: face.__name__)
def test_what_a_face_offers_is_found_there(site, face):
    """Under the name by which notebooks import it; constants have no docstring to show."""
    text = (site / "reference" / f"{face.__name__.split('.')[-1]}.html").read_text(encoding="utf-8")
    offered = [f"{face.__name__}.{name}" for name in face.__all__ if callable(getattr(face, name))]
    assert offered and [name for name in offered if f'id="{name}"' not in text] == []


def test_docstrings_are_shown_as_sections_and_examples(site):
    text = (site / "reference" / "chapters.find.html").read_text(encoding="utf-8")
    assert re.search(r"<dt[^>]*>Parameters<span", text) and re.search(r"<dt[^>]*>Raises<span", text)
    assert re.search(r"<pre>.*03b_conditional_gan", text) and "Args:" not in text


def test_nothing_is_fetched_from_the_web(site):
    assert list(website.from_elsewhere(site)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_its_pictures_and_opens_in_colab(site, path):
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    pictures = [o for c in cells for o in c["outputs"] if any(k.startswith("image/") for k in o.get("data", {}))]
    text = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
    found = re.findall(r'<img [^>]*src="\.\./_images/[0-9a-f]{64}\.\w+"', text)
    assert len(found) == len(pictures) > 3
    assert f"colab.research.google.com/github/gencourse/gencourse/blob/main/notebooks/{path.name}" in text


# The pages in a browser


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(site) -> str:
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def failed(request) -> bool:
    """Return whether a request went wrong: one that the browser drops because it leaves the page did not."""
    return request.failure != "net::ERR_ABORTED"


@pytest.fixture
def tab(chromium):
    """A page in the browser, and in `tab.wrong` what it complained about."""
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(5 * MINUTE)
    page.wrong = []
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("requestfailed", lambda request: page.wrong.append(f"failed: {request.url}") if failed(request) else None)
    page.on("response", lambda got: page.wrong.append(f"{got.status}: {got.url}") if got.status >= 400 else None)
    yield page
    page.close()


BROKEN_PICTURES = "[...document.images].filter(i => !i.complete || i.naturalWidth === 0).map(i => i.src)"
LAZY = "[...document.images].forEach(i => i.loading = 'eager')"


def test_pages_open_with_all_their_pictures(site, address, tab):
    """All but the reference, whose pages are alike: of those one in ten. Their links are followed without a browser."""
    elsewhere = []
    tab.on("request", lambda got: None if got.url.startswith((address, "data:")) else elsewhere.append(got.url))
    alike = sorted((site / "reference").glob("*.html"))
    for path in website.pages(site).keys() - set(alike) | set(alike[::10]):
        tab.goto(f"{address}/{path.relative_to(site).as_posix()}")
        tab.evaluate(LAZY)
        tab.wait_for_load_state("load")
        tab.wait_for_function("[...document.images].every(i => i.complete)")
        assert tab.evaluate(BROKEN_PICTURES) == [], path.name
    assert tab.wrong == [] and elsewhere == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_formulas_are_set_without_a_connection(address, tab, path):
    tab.goto(f"{address}/notebooks/{path.stem}.html")
    wanted = tab.locator(".math").count()
    tab.wait_for_function("window.MathJax?.startup?.promise !== undefined")
    tab.evaluate("MathJax.startup.promise.then(() => null)")
    assert tab.locator(".math mjx-container").count() >= wanted > 0
    assert tab.locator("mjx-merror").count() == 0
    assert tab.wrong == []


def test_search_finds_a_word_of_a_chapter(address, tab):
    tab.goto(f"{address}/search.html?q=checkerboard")
    tab.wait_for_selector("#search-results ul.search li a")
    assert any("02_upsampling" in a.get_attribute("href") for a in tab.locator("#search-results li a").all())
    assert tab.wrong == []


def test_dark_mode(address, tab):
    seen = {}
    for scheme in ("light", "dark"):  # as the reader's system says
        tab.emulate_media(color_scheme=scheme)
        tab.goto(f"{address}/notebooks/{CHAPTERS[0].stem}.html")
        assert tab.evaluate("document.documentElement.dataset.theme") == scheme
        seen[scheme] = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert seen["light"] != seen["dark"]
    assert tab.locator(".theme-switch-button:visible").count() == 1  # and as the reader says
    assert tab.wrong == []
