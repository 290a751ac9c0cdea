"""Profiles, devices and seeds."""

import random

import numpy as np
import pytest
import torch

import gencourse
from gencourse import runtime


@pytest.fixture(autouse=True)
def _no_profile_and_no_accelerator(monkeypatch):
    monkeypatch.delenv("GENCOURSE_PROFILE", raising=False)
    monkeypatch.setattr(runtime, "accelerator", lambda: None)


@pytest.fixture
def accelerated(monkeypatch):
    """A machine whose accelerator is the device `meta`, which torch has everywhere."""
    monkeypatch.setattr(runtime, "accelerator", lambda: torch.device("meta"))


def drawn() -> tuple:
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_start_seeds_python_numpy_and_torch(capsys):
    first = [gencourse.start(seed=7) and drawn() for _ in range(2)]
    other = gencourse.start(seed=8) and drawn()
    assert first[0] == first[1]
    assert all(a != b for a, b in zip(first[0], other, strict=True))


@pytest.mark.parametrize("seed", [0, 2**32 + 5, -1])  # NumPy takes 32 bits, torch 64
def test_seeds_of_any_size(seed, capsys):
    run = gencourse.start(seed=seed)
    assert run.seed == seed and run.generator().initial_seed() == torch.Generator().manual_seed(seed).initial_seed()


def test_start_says_so_in_one_line(capsys):
    gencourse.start(seed=3, profile="smoke")
    assert capsys.readouterr().out == "gencourse: profile smoke, device cpu, seed 3\n"


def test_the_hardware_chooses_the_profile(capsys):
    assert gencourse.start() == gencourse.runtime.Run("cpu", torch.device("cpu"), 0)


def test_an_accelerator_chooses_gpu(accelerated, capsys):
    assert gencourse.start() == gencourse.runtime.Run("gpu", torch.device("meta"), 0)


def test_the_small_profiles_stay_on_the_cpu(accelerated, capsys):
    for profile in ("smoke", "cpu"):
        assert gencourse.start(profile=profile).device == torch.device("cpu")
    assert gencourse.start(profile="cpu", device="meta").device == torch.device("meta")  # unless asked otherwise


def test_gpu_without_an_accelerator_runs_on_the_cpu(capsys):
    run = gencourse.start(profile="gpu")
    assert (run.profile, run.device) == ("gpu", torch.device("cpu"))


def test_the_environment_overrides_the_hardware_and_the_argument_both(monkeypatch, accelerated, capsys):
    monkeypatch.setenv("GENCOURSE_PROFILE", "smoke")
    assert gencourse.start().profile == "smoke"
    assert gencourse.start(profile="cpu").profile == "cpu"
    monkeypatch.setenv("GENCOURSE_PROFILE", "")  # as good as unset
    assert gencourse.start().profile == "gpu"


@pytest.mark.parametrize("where", ["the argument", "GENCOURSE_PROFILE"])
def test_an_unknown_profile_lists_the_known_ones(where, monkeypatch):
    monkeypatch.setenv("GENCOURSE_PROFILE", "tpu" if where == "GENCOURSE_PROFILE" else "smoke")
    with pytest.raises(ValueError, match=f"'tpu' in {where}; known: smoke, cpu, gpu"):
        gencourse.start(profile=None if where == "GENCOURSE_PROFILE" else "tpu")


@pytest.mark.parametrize("device", ["hpu", "xla", "privateuseone", "no such thing", "cuda:99"])
def test_a_device_that_is_not_here(device):
    with pytest.raises(ValueError, match=f"'{device}' cannot be used here; present: cpu"):
        gencourse.start(device=device)


def test_a_bad_argument_leaves_the_seeds_alone():
    torch.manual_seed(5)
    expected = torch.rand(())
    torch.manual_seed(5)
    with pytest.raises(ValueError):
        gencourse.start(profile="tpu")
    assert torch.rand(()) == expected


def test_pick():
    for profile, expected in (("smoke", 1), ("cpu", None), ("gpu", "three")):
        assert runtime.Run(profile, torch.device("cpu"), 0).pick(smoke=1, cpu=None, gpu="three") == expected
    with pytest.raises(TypeError):
        runtime.Run("cpu", torch.device("cpu"), 0).pick(smoke=1, cpu=2)  # every size, or it breaks elsewhere


def test_generators_are_new_and_seeded_and_on_the_cpu():
    run = runtime.Run("gpu", torch.device("meta"), 40)
    first, again, second = run.generator(), run.generator(), run.generator(offset=2)
    values = [torch.rand(4, generator=g) for g in (first, again, second, torch.Generator().manual_seed(42))]
    assert torch.equal(values[0], values[1]) and torch.equal(values[2], values[3])
    assert not torch.equal(values[0], values[2])


def test_a_generator_leaves_the_global_numbers_alone():
    torch.manual_seed(1)
    expected = torch.rand(())
    torch.manual_seed(1)
    torch.rand(3, generator=runtime.Run("cpu", torch.device("cpu"), 9).generator())
    assert torch.rand(()) == expected


def test_a_run_cannot_be_changed():
    with pytest.raises(AttributeError):
        runtime.Run("cpu", torch.device("cpu"), 0).profile = "gpu"


def test_the_accelerator_is_what_torch_says(monkeypatch):
    monkeypatch.undo()
    found = runtime.accelerator()
    assert (found is not None) == torch.accelerator.is_available()
    if found is not None:
        assert torch.zeros(2, device=found).device.type == found.type
