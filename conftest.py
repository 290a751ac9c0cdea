"""The surroundings of every test and of every notebook's kernel, set before anything imports torch."""

import os
import sys

# Kernels and subprocesses inherit the environment; one set from outside wins.
os.environ.setdefault("GENCOURSE_PROFILE", "smoke")

# Several workers must share the cores: with torch's default each would take all of them. Only a worker sets this, since
# it would inherit the controller's number.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

# A test session leaves the checkout as it was.
sys.dont_write_bytecode = True
os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")

# Files whose tests take longest, notebooks aside. They start processes and kernels, or train.
LONG = (
    "test_run_twice",
    "test_lab",
    "test_website",
    "test_homework_checks",
    "test_homework_grade",
    "test_hard_life",
    "test_malformed",
    "test_execute",
    "test_resume",
    "test_pixelcnn",
    "test_notebooks",
    "test_homework_nbgrader",
    "test_download",
    "test_gan",
    "test_translation_data",
    "test_cli_samples",
    "test_fit",
    "test_samplers",
    "test_show",
    "test_homework_build",
    "test_wheel",
    "test_allocator",
)


def pytest_collection_modifyitems(items):
    """Let the workers begin with what takes longest: begun last, it would leave one of them idle at the end.

    xdist hands out whole files in this order (--no-loadscope-reorder: its own is by the number of tests in a file).
    """
    if workers:
        items.sort(key=lambda item: _place(item.path))  # stable: what a file holds stays together and in its order


def _place(path):
    if path.suffix == ".ipynb":
        return -1
    return LONG.index(path.stem) if path.stem in LONG else len(LONG)
