"""A real browser for the tests in this folder, where there is one."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

# --no-sandbox: containers have none to give. The others keep a browser that must talk to nobody from trying.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = 'pip install -e ".[test,docs,browser]" and Chromium (apt-get install chromium; or CHROMIUM=its path)'


@pytest.fixture(scope="module")  # while it runs, so does its event loop, which other files' tests could not bear
def chromium() -> Iterator:
    """A running headless Chromium. Skips where Playwright or the browser is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason=f"a real browser needs Playwright: {HOW}")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    with playwright.sync_playwright() as running:
        program = program or running.chromium.executable_path
        if not Path(program).exists():
            pytest.skip(f"there is no Chromium here: {HOW}")
        browser = running.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        yield browser
        browser.close()
