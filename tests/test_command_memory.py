"""`gencourse stylize` says what size fits, before the work and in the words of its own argument."""

import re

import pytest
import torch

from gencourse import cli
from gencourse.commands import UserError, _memory
from gencourse.networks.features import embedded_extractor
from gencourse.networks.vgg import VGG

WORDS = ["stylize", "chelsea", "auvers", "--encoder", "embedded", "--steps", "1", "-o"]


def test_what_does_not_fit_is_refused_and_what_fits_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_memory, "free_bytes", lambda device: 40_000_000)
    out = tmp_path / "out.png"
    assert cli.main([*WORDS, str(out), "--size", "512"]) == 2
    said = capsys.readouterr().err
    fits = re.search(r"--size 512 takes about .* GB are free: --size (\d+) fits", said)
    assert fits is not None, said
    assert 32 <= int(fits[1]) < 512 and not out.exists()
    assert cli.main([*WORDS, str(out), "--size", fits[1]]) == 0, "what is said to fit is taken"


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 GB")])
def test_memory_that_runs_out_is_told_in_the_words_of_the_argument(error):
    with pytest.raises(UserError, match="--size 8000 .* try --size 4000"), _memory.memory_errors(8000):
        raise error


def test_another_error_stays_what_it_is():
    with pytest.raises(RuntimeError, match="sizes of tensors"), _memory.memory_errors(64):
        raise RuntimeError("sizes of tensors must match")


def test_activations_count_and_weights_do_not():
    """Twice as wide, the activations are twice as large, the weights four times."""
    narrow, wide = (
        _memory.bytes_a_pixel(embedded_extractor(VGG([[width] * 2] * 4 + [[width]])), kept=0) for width in (64, 128)
    )
    assert 1.9 < wide / narrow < 2.1


def test_limits_are_heeded(tmp_path, monkeypatch):
    for name, value in (("most", "3000000\n"), ("used", "1000000\n"), ("endless", "max\n")):
        (tmp_path / name).write_text(value)
    limits = [(str(tmp_path / "most"), str(tmp_path / "used")), (str(tmp_path / "endless"), str(tmp_path / "used"))]
    monkeypatch.setattr(_memory, "LIMITS", limits)
    assert _memory.free_bytes(torch.device("cpu")) == 2_000_000
    assert _memory.free_bytes(torch.device("meta")) is None
