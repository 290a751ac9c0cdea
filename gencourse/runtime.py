"""Where am I running, and how big may I go: device, profile and seed."""

import ctypes
import os
import random
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

PROFILES = ("smoke", "cpu", "gpu")
MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # M_... of glibc's malloc.h
# Bytes. No tensor of a training is as large as LARGE; what is, matrices of distances for one, would leave holes in the
# kept memory that the next one does not fit into, and goes back to the system. ALWAYS_ALLOWED: old glibc takes no more.
LARGE, EVERYTHING, ALWAYS_ALLOWED = 2**27, 2**31 - 1, 2**25
CHOSEN_ELSEWHERE = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")

T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """What one notebook or command runs with.

    Attributes:
        profile: A word of PROFILES.
        device: Where networks and batches go.
        seed: What `generator` counts from.
    """

    profile: str
    device: torch.device
    seed: int

    def pick(self, *, smoke: T, cpu: T, gpu: T) -> T:
        """Return the value that belongs to this run's profile."""
        return {"smoke": smoke, "cpu": cpu, "gpu": gpu}[self.profile]

    def generator(self, offset: int = 0) -> torch.Generator:
        """Return a new generator, seeded with `seed + offset`.

        It lives on the CPU so that the same seed draws the same numbers whatever the device is.
        """
        return torch.Generator().manual_seed(self.seed + offset)


def start(seed: int = 0, *, profile: str | None = None, device: str | torch.device | None = None) -> Run:
    """Seed everything, choose device and profile, keep freed memory (`keep_freed_memory`), and say so in one line.

    Args:
        seed: Seeds Python, NumPy and torch.
        profile: "smoke" (tests), "cpu" (a laptop) or "gpu"; without it the variable GENCOURSE_PROFILE decides, and
            without that the hardware.
        device: "cpu", "cuda", "mps", ...; without it the fastest one present, but the CPU in the smoke and cpu
            profiles, so that those give the same pictures everywhere.

    Raises:
        ValueError: The profile is unknown, or this machine lacks the device.
    """
    profile = choose_profile(profile)
    chosen = choose_device(device) if device is not None else _device_of(profile)
    keep_freed_memory()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    print(f"gencourse: profile {profile}, device {chosen}, seed {seed}")
    return Run(profile, chosen, seed)


def choose_profile(profile: str | None = None) -> str:
    """Return `profile`, else $GENCOURSE_PROFILE, else "gpu" with an accelerator and "cpu" without.

    Raises:
        ValueError: It is unknown; the message lists the known profiles.
    """
    asked = profile or os.environ.get("GENCOURSE_PROFILE") or ("gpu" if accelerator() else "cpu")
    if asked not in PROFILES:
        where = "the argument" if profile else "GENCOURSE_PROFILE"
        raise ValueError(f"unknown profile {asked!r} in {where}; known: {', '.join(PROFILES)}")
    return asked


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """Return `device`, without an argument the accelerator, else the CPU.

    Raises:
        ValueError: This machine lacks the device; the message lists those it has.
    """
    if device is None:
        return accelerator() or torch.device("cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)  # a device may be known to torch and still be missing here
    except (RuntimeError, AssertionError, ImportError) as error:
        present = ", ".join(["cpu", *([str(accelerator())] if accelerator() else [])])
        raise ValueError(f"device {str(device)!r} cannot be used here; present: {present}") from error
    return chosen


def accelerator() -> torch.device | None:
    """Return the accelerator that torch sees (CUDA, MPS, ...), or None."""
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return torch.device(found.type) if found is not None else None


def _device_of(profile: str) -> torch.device:
    return choose_device() if profile == "gpu" else torch.device("cpu")


def keep_freed_memory() -> bool:
    """Tell glibc to hold on to what is freed, for the rest of the process.

    Each step of a training allocates the same large tensors again. By default their memory goes back to the system when
    they are freed, and every page is zeroed anew at the next step. Kept, a step on the CPU takes 4 to 25% less time
    (benchmarks/freed_memory.py); the process stays as large as it has once been. Results do not change. Without effect
    on other systems, on a GPU, and where the environment has chosen already.

    Returns:
        Whether there was a glibc to tell.
    """
    glibc = ctypes.CDLL(None) if os.name == "posix" else None
    if any(name in os.environ for name in CHOSEN_ELSEWHERE) or not hasattr(glibc, "gnu_get_libc_version"):
        return False
    return all(
        glibc.mallopt(option, wanted) or glibc.mallopt(option, ALWAYS_ALLOWED)
        for option, wanted in ((MMAP_THRESHOLD, LARGE), (TRIM_THRESHOLD, EVERYTHING))
    )
