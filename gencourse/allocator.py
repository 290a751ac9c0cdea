"""Keep the memory of freed tensors instead of giving it back to the system, on a CPU."""

import ctypes
import os

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # M_... of glibc's malloc.h
# Bytes. No tensor of a training is as large as LARGE; what is, matrices of distances for one, would leave holes in the
# kept memory that the next one does not fit into, and goes back to the system. ALWAYS_ALLOWED: old glibc takes no more.
LARGE, EVERYTHING, ALWAYS_ALLOWED = 2**27, 2**31 - 1, 2**25
CHOSEN_ELSEWHERE = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")


def keep_freed_memory() -> bool:
    """Tell glibc to hold on to what is freed, for the rest of the process; says whether there was a glibc to tell.

    Each step of a training allocates the same large tensors again. By default their memory goes back to the system when
    they are freed, and every page is zeroed anew at the next step. Kept, a step on the CPU takes 4 to 25% less time
    (benchmarks/freed_memory.py); the process stays as large as it has once been. Results do not change. Without effect
    on other systems, on a GPU, and where the environment has chosen already.
    """
    glibc = ctypes.CDLL(None) if os.name == "posix" else None
    if any(name in os.environ for name in CHOSEN_ELSEWHERE) or not hasattr(glibc, "gnu_get_libc_version"):
        return False
    return all(
        glibc.mallopt(option, wanted) or glibc.mallopt(option, ALWAYS_ALLOWED)
        for option, wanted in ((MMAP_THRESHOLD, LARGE), (TRIM_THRESHOLD, EVERYTHING))
    )
