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
