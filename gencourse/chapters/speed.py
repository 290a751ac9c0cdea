"""How fast this machine convolves: without it, minutes that were measured elsewhere say nothing."""

import time

import torch
import torch.nn.functional as F


def convolution_rate(seconds: float = 1.0) -> int:
    """Return the float32 rate of a 3 x 3 convolution, 64 channels to 64, on 16 pictures of 56 x 56, on the CPU.

    Args:
        seconds: How long to measure; the median of the single times counts.

    Returns:
        10^9 floating-point operations a second (a multiply-add is two), with all threads that torch uses.
    """
    x = torch.rand(16, 64, 56, 56, device="cpu", dtype=torch.float32).to(memory_format=torch.channels_last)
    weight = torch.rand(64, 64, 3, 3, device="cpu", dtype=torch.float32)
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        F.conv2d(x, weight, padding=1)
        times.append(time.perf_counter() - start)
    operations = 2 * 9 * 64 * 64 * 16 * 56 * 56
    return round(operations / sorted(times)[len(times) // 2] / 1e9)
