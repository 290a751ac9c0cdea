"""Which process started which, and what they use together, as far as /proc tells; elsewhere nothing is known."""

import math
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

EVERY = 0.03  # seconds between two looks at the memory of a family
OWN, SHARED = ("RssAnon:", "VmSwap:"), ("RssShmem:",)  # of memory besides files, as /proc calls it


def parent_ids() -> dict[int, int]:
    """Return the id of each process's parent, by its own id."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):  # it may end while we look
            found[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
    return found


def children(pid: int) -> list[int]:
    """Return the ids of the processes that a process started, or that became its own."""
    return [child for child, parent in parent_ids().items() if parent == pid]


def descendants(pid: int) -> list[int]:
    """Return the ids of a process's children, of theirs, and so on."""
    parents, family = parent_ids(), [pid]
    for one in family:
        family += [child for child, parent in parents.items() if parent == one]
    return family[1:]


def held(pid: int, kinds: tuple[str, ...] = OWN + SHARED) -> int:
    """Return the bytes of memory that a process holds besides files: its own and what it shares with others."""
    with suppress(OSError, ValueError, IndexError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(kinds))
    return 0


def handed_down() -> int:
    """Return the bytes that a child of this process has from its start: shared memory counts once the child uses it."""
    return held(os.getpid(), OWN)


def computed(pid: int) -> float:
    """Return the seconds of CPU that a process took, and those of its children that it has waited for."""
    with suppress(OSError, ValueError, IndexError):
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, parts[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def waited_for() -> float:
    """Return the seconds of CPU that ended children of this process took, and theirs."""
    used = os.times()
    return used.children_user + used.children_system


def segments() -> int:
    """Return the bytes in System V's shared memory, which belong to no process and outlive all."""
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
        return sum(int(part) for line in lines for part in line.split()[-2:])
    return 0


@dataclass
class Family:
    """All processes below this one, and what they may use together; of memory beyond what each got from us.

    The limits of the system hold for one process; who starts six has six times as much.

    Args:
        memory: bytes.
        seconds: of CPU.
        alone: whether nobody else shares System V's shared memory with them.
    """

    memory: int
    seconds: float = math.inf
    alone: bool = False
    ours: int = field(default_factory=handed_down)
    before: float = field(default_factory=waited_for)
    looked: float = 0.0

    def problem(self) -> str:
        """Return that they use too much, or nothing. One process alone meets its own limits first."""
        if time.monotonic() < self.looked + EVERY:
            return ""
        family = descendants(os.getpid())
        memory = sum(max(0, held(pid) - self.ours) for pid in family) + (segments() if self.alone else 0)
        seconds = sum(map(computed, family)) + waited_for() - self.before
        self.looked = time.monotonic()
        if memory > self.memory:
            return f"it was stopped: its processes took more than {self.memory / 1e6:.0f} MB together"
        if seconds > self.seconds + 1:
            return f"it was stopped: its processes took more than {self.seconds:g} seconds of computing together"
        return ""
