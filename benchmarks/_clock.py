"""The clock of benchmarks that train for equal minutes."""

import time

import torch


def minutes_since(start: float) -> float:
    """Minutes of processor time, on each core in use, since time.process_time() was `start`."""
    return (time.process_time() - start) / torch.get_num_threads() / 60
