"""The rate beside the minutes: of the right order, and taken whatever torch's defaults are."""

import torch

from gencourse.chapters.facts import Facts
from gencourse.chapters.speed import convolution_rate
from gencourse.chapters.tables import time_and_memory


def test_the_rate_counts_a_multiply_add_as_two(monkeypatch):
    """With a convolution that takes a known time, the rate is 2 * 9 * 64 * 64 * 16 * 56 * 56 operations over it."""
    clock = iter(range(1000))
    monkeypatch.setattr("gencourse.chapters.speed.time.perf_counter", lambda: next(clock) / 100)
    assert convolution_rate(0.0) == round(2 * 9 * 64 * 64 * 16 * 56 * 56 / 0.01 / 1e9) == 370


def test_the_rate_is_that_of_the_processor_in_float32():
    kind = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert convolution_rate(0.0) > 0
    finally:
        torch.set_default_dtype(kind)


def test_minutes_stand_beside_the_machines_speed(tmp_path):
    known = {"path": tmp_path, "number": "01", "title": "T", "about": "a", "picture": None, "hero": None}
    assert time_and_memory(Facts(**known, minutes=1.5, gigabytes=1.3, gflops=150)) == "1.5 at 150 GFLOP/s (1.3 GB)"
    assert time_and_memory(Facts(**known, minutes=1.5, gigabytes=1.3, gflops=None)) == "1.5 (1.3 GB)"
    assert time_and_memory(Facts(**known, minutes=None, gigabytes=None, gflops=None)) == "not timed"
