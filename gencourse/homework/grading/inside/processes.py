"""Which process started which, as far as /proc tells; where there is no /proc, nothing is known."""

from contextlib import suppress
from pathlib import Path


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
