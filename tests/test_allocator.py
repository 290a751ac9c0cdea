"""Freed memory is kept: a step of a training needs hardly any new pages."""

import os
import platform
import subprocess
import sys

import pytest

from gencourse import runtime

COUNT = """
import resource, torch
{call}
net = torch.nn.Sequential(torch.nn.Conv2d(1, 32, 3), torch.nn.ReLU(), torch.nn.Conv2d(32, 32, 1))
x = torch.rand(80, 1, 66, 66)  # its activations take 42 MB each
for step in range(10):
    if step == 5:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    net(x).square().mean().backward()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
KEEP = "from gencourse.runtime import keep_freed_memory; print(keep_freed_memory())"
START = "import gencourse; gencourse.start(profile='smoke')"
FIT = "import gencourse; gencourse.fit(lambda x: {'a': x}, [torch.ones(())], steps=1, show=False)"
glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")


def page_faults(call: str, **environment: str) -> tuple[list[str], int]:
    """What a process printed that called this first, and the new pages that five steps of a training needed."""
    found = subprocess.run(
        [sys.executable, "-c", COUNT.format(call=call)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    *printed, faults = found.stdout.split("\n")[:-1]
    return printed, int(faults)


@pytest.fixture(scope="module")
def given_back() -> int:
    """The new pages where nobody asks for anything."""
    return page_faults("")[1]


@glibc
@pytest.mark.parametrize("call", [KEEP, START, FIT])
def test_freed_memory_is_used_again(call, given_back):
    assert page_faults(call)[1] < given_back / 10


@glibc
def test_what_is_very_large_goes_back_to_the_system():
    code = f"""
import resource, torch
{KEEP}
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
before = resident()
x = torch.ones(2**26)  # 268 MB
full = resident()
del x
print(full - before, resident() - before)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert int(said[1]) > 200e6 and int(said[2]) < 50e6


@glibc
def test_what_the_environment_has_chosen_stays():
    printed, faults = page_faults(KEEP, MALLOC_MMAP_THRESHOLD_="1000000")
    assert printed == ["False"] and faults > 1000


def test_elsewhere_it_does_nothing(monkeypatch):
    monkeypatch.setattr(runtime.ctypes, "CDLL", lambda name: object())
    assert runtime.keep_freed_memory() is False
    monkeypatch.setattr(runtime.os, "name", "nt")
    assert runtime.keep_freed_memory() is False
