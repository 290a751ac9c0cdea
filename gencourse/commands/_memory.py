"""How much memory a picture under optimisation takes, and how much there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gencourse.commands import UserError

if TYPE_CHECKING:
    import torch

    from gencourse.networks.features import Extractor

COPIES = 48  # of a picture that L-BFGS keeps: two for each of 20 steps, and what it is working on
SMALL = 64  # pixels a side of the picture that is counted
LIMITS = (  # (limit, in use): of control groups, the second version and the first
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def check_fits(network: Extractor, content: torch.Tensor) -> None:
    """Say what fits before the work rather than after half of it.

    Args:
        network: What looks at the picture.
        content: (1, 3, H, W), the size of the result.

    Raises:
        ValueError: The optimisation takes more memory than is free.
    """
    free, size = free_bytes(content.device), max(content.shape[2:])
    needed = content[0, 0].numel() * bytes_a_pixel(network)
    if free is not None and needed > free:
        fits = int(size * (0.9 * free / needed) ** 0.5) // 32 * 32
        raise ValueError(
            f"--size {size} takes about {needed / 1e9:.1f} GB of memory with the {network.name} network, and "
            f"{free / 1e9:.1f} GB are free: {f'--size {fits} fits' if fits else 'nothing fits'}"
        )


@contextmanager
def memory_errors(size: int) -> Iterator[None]:
    """Turn the ways in which memory runs out into a UserError that says what to do.

    Raises:
        UserError: in place of MemoryError, and of torch's own errors about memory.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        raise UserError(f"--size {size} takes more memory than there is: try --size {size // 2}") from error


def bytes_a_pixel(network: Extractor, kept: int = COPIES) -> float:
    """Count what one step of an optimisation holds for each pixel of the picture.

    Args:
        network: What looks at the picture.
        kept: Copies of the picture that the optimiser keeps.

    Returns:
        Bytes: what is saved for the backward pass, as counted on a small picture; as much again for gradients on their
        way back and what convolutions take beside (measured); and the optimiser's copies.
    """
    import torch

    saved: dict[int, int] = {}
    weights = {parameter.data_ptr() for parameter in network.parameters()}

    def keep(x: torch.Tensor) -> torch.Tensor:
        if x.data_ptr() not in weights:
            saved[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    x = torch.zeros(1, 3, SMALL, SMALL, device=network.mean.device, dtype=network.mean.dtype, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        features = network(x)
    for f in features.values():
        keep(f)
    return 2 * sum(saved.values()) / SMALL**2 + kept * 3 * x.element_size()


def free_bytes(device: torch.device) -> int | None:
    """Return how much memory may still be taken on a device, or None where nobody says."""
    import torch

    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    found = [_available(), _address_space(), *(_group(*names) for names in LIMITS)]
    known = [value for value in found if value is not None]
    return max(0, min(known)) if known and device.type == "cpu" else None


def _available() -> int | None:
    """Linux: what programs can have without swapping."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None


def _address_space() -> int | None:
    """What `ulimit -v` leaves."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError, AttributeError):
        return None
    return None if limit == resource.RLIM_INFINITY else limit - used


def _group(limit: str, used: str) -> int | None:
    """What a control group leaves, as containers have it."""
    try:
        most = Path(limit).read_text().strip()
        return None if most == "max" else int(most) - int(Path(used).read_text())
    except (OSError, ValueError):
        return None
