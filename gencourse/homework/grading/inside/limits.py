"""What a submission's process may use: limits set in the process itself, before any of its code; they only shrink."""

import ctypes
import os
import resource
import sys
from contextlib import suppress

PROCESSES, FILES, FILE_BYTES = 16, 128, 1_000_000
PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, CLONE_NEWUSER, CLONE_NEWNET = 4, 36, 0x10000000, 0x40000000


def shrink(*, seconds: int, memory: int, user: int | None) -> None:
    """Limit this process for good; to be called after the imports, right before a submission's code.

    There are no core files any more, no file above a megabyte, a few processes.

    Args:
        seconds: of CPU.
        memory: bytes of address space beyond what is in use now.
        user: where we are root, the user and group to become.
    """
    lower_limit(resource.RLIMIT_CORE, 0)
    lower_limit(resource.RLIMIT_CPU, seconds)
    lower_limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    lower_limit(resource.RLIMIT_NOFILE, FILES)
    if (in_use := address_space()) is not None:
        lower_limit(resource.RLIMIT_AS, in_use + memory)
    if user is not None and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if hasattr(resource, "RLIMIT_NPROC"):
        lower_limit(resource.RLIMIT_NPROC, count_threads() + PROCESSES)


def lower_limit(kind: int, value: int) -> None:
    """Lower a limit, never raise it."""
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with suppress(ValueError, OSError):  # a system that does not know this limit
        resource.setrlimit(kind, (value, value))


def address_space() -> int | None:
    """Return the bytes of address space in use, or None where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return None


def count_threads() -> int:
    """Return how many processes and threads our user has, as far as we can see: the limit counts them all."""
    count = 0
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        with suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{entry}/task"))
    return count


def guard() -> None:
    """Protect this process from its children: nobody may read or change its memory; orphans become its children."""
    control(PR_SET_DUMPABLE, 0)
    control(PR_SET_CHILD_SUBREAPER, 1)


def leave_network() -> bool:
    """Move to a network of our own that reaches nothing, where the system lets us; says whether it did."""
    if sys.platform != "linux":
        return False
    root = os.getuid() == 0
    return ctypes.CDLL(None).unshare(CLONE_NEWNET if root else CLONE_NEWUSER | CLONE_NEWNET) == 0


def control(option: int, value: int) -> None:
    """Call prctl, where there is one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
