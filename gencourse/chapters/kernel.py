"""A kernel of this Python for one notebook: its surroundings, Ctrl-C, memory, and the bar that shows how far it is."""

import asyncio
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from tqdm import tqdm


def manager() -> AsyncKernelManager:
    """Return a manager whose kernel is this Python, whatever kernels are installed under the name python3."""
    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))


def environment(profile: str | None) -> dict[str, str]:
    """Return the variables a kernel starts with; a profile becomes GENCOURSE_PROFILE."""
    quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # older ipykernels warn about frozen modules
    return {**os.environ, **quiet, **({"GENCOURSE_PROFILE": profile} if profile else {})}


@contextmanager
def interruptible(client: NotebookClient, pressed: list[bool]) -> Iterator[None]:
    """Hand Ctrl-C to the cell under way, as a notebook's Stop button does; the second one ends the kernel.

    Outside the main thread, where signals cannot be handled, nothing happens.

    Args:
        client: runs the notebook.
        pressed: gets an item for every press.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def press(number, frame) -> None:
        pressed.append(True)
        kernel = cast(Any, client.km)  # an AsyncKernelManager, from `manager`
        if kernel is None or not kernel.has_kernel:
            raise KeyboardInterrupt  # still starting: nothing has run
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # between two cells: the next one does not start
        if len(pressed) == 1:
            tqdm.write("stopping when the cell under way lets go; Ctrl-C again stops at once")
        end = kernel.interrupt_kernel if len(pressed) == 1 else lambda: kernel.shutdown_kernel(now=True)
        loop.call_soon_threadsafe(lambda: loop.create_task(end()))

    before = signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def peak_memory(client: NotebookClient) -> int | None:
    """Return the most bytes that the kernel held at once, or None: only Linux tells it of another process."""
    try:
        status = Path(f"/proc/{cast(Any, client.km).provisioner.pid}/status").read_text(encoding="utf-8")
    except (OSError, AttributeError):
        return None
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


@contextmanager
def progress(cells: int, name: str) -> Iterator[tqdm]:
    """Show a progress bar over code cells whose clock goes on while a cell runs.

    Args:
        cells: how many there are.
        name: what stands before the bar.
    """
    shape = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} cells [{elapsed}]"
    bar = tqdm(total=cells, desc=name, bar_format=shape, dynamic_ncols=True)
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(1):
            bar.refresh()

    clock = threading.Thread(target=tick, daemon=True)
    if bar.fp.isatty():  # in a log file every refresh would be a line
        clock.start()
    try:
        yield bar
    finally:
        ended.set()
        if clock.is_alive():
            clock.join()
        bar.close()
