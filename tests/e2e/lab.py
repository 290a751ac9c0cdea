"""JupyterLab on the loopback interface, and what a reader does there: open a notebook, run it, move a slider, stop it.

with Lab(folder) as lab:
    sheet = Sheet(lab, tab, "01_style_transfer.ipynb")
    sheet.run_all()
    sheet.saved()                           # the notebook as its file holds it now
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

MINUTES = 60_000  # milliseconds
PATIENCE = 30 * MINUTES  # for machines that have other things to do; no test measures time
SETTINGS = {  # as a user would set them
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # all cells are drawn, not only those in sight
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
FLAGS = ["--no-browser", "--ip=127.0.0.1", "--allow-root", "--LabApp.expose_app_in_browser=True"]
FLAGS += ["--LabApp.news_url=", "--LabApp.extension_manager=readonly", "--ServerApp.port_retries=0"]
RUNNING = "panel().content.widgets.some(c => c.inputArea?.promptNode.textContent.includes('*'))"
COUNTED = "panel().content.widgets.some(c => c.model.type === 'code' && c.model.executionCount)"
IDLE = "panel().sessionContext.session?.kernel?.status === 'idle'"
PANEL = "() => { window.panel = () => jupyterapp.shell.currentWidget }"

OTHERS = """([name, old]) => {
    const cell = panel().content.widgets.find(c => c.model.id === name).node
    const now = [...cell.querySelectorAll('.jp-OutputArea img')].map(i => i.src)
    return now.length && now.join() !== old.join()
}"""


class Lab:
    """A server of its own: token, port, settings and workspaces in `folder`, notebooks in `root` below it."""

    def __init__(self, folder: Path):
        self.folder, self.root, self.token = folder, folder / "root", secrets.token_hex(16)
        self.root.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Lab":
        places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
        places += ("JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
        environment = {**os.environ, **{name: str(self.folder / name.lower()) for name in places}}
        environment |= {"JUPYTER_PREFER_ENV_PATH": "1", "GENCOURSE_PROFILE": "smoke"}
        for name, values in SETTINGS.items():
            file = self.folder / "jupyterlab_settings_dir" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        command = [sys.executable, "-m", "jupyterlab", *FLAGS, f"--port={self.port}"]
        command += [f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}"]
        with (self.folder / "server.log").open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _wait(self, seconds: float = 300) -> None:
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.address}/api/status?token={self.token}", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        self.process.kill()
        raise RuntimeError(f"JupyterLab did not start: {(self.folder / 'server.log').read_text()[-2000:]}")


class Sheet:
    """A notebook, open in a browser's tab with its kernel running."""

    def __init__(self, lab: Lab, tab: Any, name: str):
        self.tab, self.path = tab, lab.root / name
        tab.set_default_timeout(PATIENCE)
        tab.goto(f"{lab.address}/lab/tree/{name}?token={lab.token}&reset")
        tab.wait_for_selector(".jp-Notebook .jp-CodeCell")
        tab.evaluate(PANEL)
        tab.wait_for_function(IDLE)

    def run_all(self) -> None:
        """Press Run > Run All Cells and wait until the kernel is idle again."""
        self.start_all()
        self.wait()

    def start_all(self) -> None:
        self.tab.get_by_role("menuitem", name="Run", exact=True).first.click()
        self.tab.get_by_text("Run All Cells", exact=True).first.click()
        self.tab.wait_for_function(f"{RUNNING} || {COUNTED}")

    def wait(self) -> None:
        self.tab.wait_for_function(f"!{RUNNING} && {IDLE}")

    def saved(self) -> NotebookNode:
        """Save, as Ctrl-S does, and read the file."""
        self.tab.evaluate("jupyterapp.commands.execute('docmanager:save').then(() => null)")
        return nbformat.read(self.path, as_version=4)

    def cell(self, name: str) -> Any:
        """The element of a cell, by its id."""
        found = self.tab.evaluate_handle("name => panel().content.widgets.find(c => c.model.id === name)?.node", name)
        return found.as_element()

    def pictures(self, name: str) -> list[str]:
        """The pictures that a cell shows."""
        return self.cell(name).eval_on_selector_all(".jp-OutputArea img", "found => found.map(i => i.src)")

    def wait_for_other_pictures(self, name: str, old: list[str]) -> None:
        self.tab.wait_for_function(OTHERS, arg=[name, old])

    def move_slider(self, name: str) -> None:
        """Move the first slider of a cell by one step and wait until another picture is shown."""
        before = self.pictures(name)
        handle = self.cell(name).wait_for_selector(".widget-slider .noUi-handle")
        handle.scroll_into_view_if_needed()
        handle.focus()
        self.tab.keyboard.press("ArrowRight")
        self.wait_for_other_pictures(name, before)

    def upload(self, name: str, file: Path) -> None:
        """Choose a file with a cell's upload button and wait for what comes of it."""
        before = self.pictures(name)
        button = self.cell(name).wait_for_selector("button.widget-upload, .widget-upload button")
        button.scroll_into_view_if_needed()
        with self.tab.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(file)
        self.wait_for_other_pictures(name, before)

    def stop(self) -> None:
        """Press the Stop button in the toolbar."""
        self.tab.locator(".jp-NotebookPanel-toolbar [data-jp-item-name='interrupt']").first.click()

    def screenshot(self, path: Path) -> None:
        """Take a picture of the whole notebook, as far as a browser can draw it at once."""
        path.parent.mkdir(parents=True, exist_ok=True)
        height = self.tab.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollHeight")
        size = self.tab.viewport_size
        self.tab.set_viewport_size({"width": size["width"], "height": min(height + 200, 16_000)})
        self.tab.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
        self.tab.wait_for_function("[...document.images].every(i => i.complete)")
        self.tab.screenshot(path=path)
        self.tab.set_viewport_size(size)

    def close(self) -> None:
        """End the kernel: the memory of one chapter is enough at a time."""
        self.tab.evaluate("panel().sessionContext.shutdown().then(() => null)")
