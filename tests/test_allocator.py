"""Freed memory is kept: a step of a training needs hardly any new pages."""

import os
import platform
import subprocess
import sys

import pytest

from gencourse import runtime

MEASURE = """
import os, resource, torch, gencourse
from gencourse.runtime import keep_freed_memory

def training():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 32, 3), torch.nn.ReLU(), torch.nn.Conv2d(32, 32, 1))
    x = torch.rand(80, 1, 66, 66)  # its activations take 42 MB each
    for step in range(6):
        if step == 3:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        net(x).square().mean().backward()
    print("new pages", resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

def very_large():
    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
    before = resident()
    x = torch.ones(2**26)  # 268 MB
    full = resident()
    del x
    print(full - before, resident() - before)

def apart(name, *calls):
    print(f"# {name}", flush=True)
    if not (pid := os.fork()):  # what one asks of the allocator must not reach the next
        for call in calls:
            call()
        os.sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0

def keep():
    print("kept", keep_freed_memory())
"""
EACH = """
apart("nothing", training)
apart("keep_freed_memory", keep, training)
apart("start", lambda: gencourse.start(profile="smoke"), training)
apart("fit", lambda: gencourse.fit(lambda x: {"a": x}, [torch.ones(())], steps=1, show=False), training)
apart("very large", keep, very_large)
"""
glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")


def measured(code: str, **environment: str) -> str:
    """What a new process prints that runs this."""
    command = [sys.executable, "-c", MEASURE + code]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True).stdout


def new_pages(printed: str) -> int:
    """How many new pages three steps of a training needed."""
    return int(printed.split("new pages")[1])


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """What came of each, by name."""
    return dict(part.split("\n", 1) for part in measured(EACH).split("# ")[1:])


@glibc
@pytest.mark.parametrize("call", ["keep_freed_memory", "start", "fit"])
def test_freed_memory_is_used_again(call, printed):
    assert new_pages(printed[call]) < new_pages(printed["nothing"]) / 10


@glibc
def test_what_is_very_large_goes_back_to_the_system(printed):
    _, said, full, left = printed["very large"].split()
    assert said == "True" and int(full) > 200e6 and int(left) < 50e6


@glibc
def test_what_the_environment_has_chosen_stays():
    printed = measured("keep(); training()", MALLOC_MMAP_THRESHOLD_="1000000")
    assert "kept False" in printed and new_pages(printed) > 1000


def test_elsewhere_it_does_nothing(monkeypatch):
    monkeypatch.setattr(runtime.ctypes, "CDLL", lambda name: object())
    assert runtime.keep_freed_memory() is False
    monkeypatch.setattr(runtime.os, "name", "nt")
    assert runtime.keep_freed_memory() is False
