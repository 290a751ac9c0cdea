"""Weights in and out, with their record."""

import os
import pickle

import pytest
import safetensors.torch
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from gencourse import checkpoints


class Net(nn.Module):
    """A network with a buffer of whole numbers and one that is shared."""

    def __init__(self, width: int, depth: int = 1):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)), nn.BatchNorm1d(width))

    def forward(self, x):
        return self.layers(x)


def draw(network, n, *, labels=None, generator=None):
    return torch.rand(n, 1, 2, 2, generator=generator)


class Tied(nn.Module):
    """One tensor under two names, which safetensors refuses to write."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.rand(3, 3).half())
        self.b = self.a


RECORD = {
    "arguments": {"width": 4, "depth": 2},
    "data": "digits, train",
    "steps": 10,
    "minutes": 0.5,
    "device": "cpu",
    "scores": {"mse": 0.25},
}


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    net = Net(4, depth=2)
    net(torch.randn(8, 4) * 3 + 1)  # statistics to keep
    net.layers[2].num_batches_tracked.fill_(2049)  # the first whole number that half precision lacks
    return net


@pytest.fixture
def shipped(tmp_path, net, monkeypatch):
    """A folder of shipped weights with one model in it, of two that are known."""
    monkeypatch.setattr(checkpoints, "folder", lambda: tmp_path)
    models = {
        "tiny": checkpoints.Model(Net, "00", draw),
        "absent": checkpoints.Model(Net, "00"),
    }
    monkeypatch.setattr(checkpoints, "MODELS", models)
    checkpoints.save(tmp_path / "tiny.safetensors", net, RECORD)
    return tmp_path


def test_round_trip(net, tmp_path):
    path = checkpoints.save(tmp_path / "new" / "folder" / "a.safetensors", net, RECORD)
    again = checkpoints.read(path, Net)
    x = torch.randn(5, 4)
    with torch.no_grad():
        assert torch.allclose(again(x), net.eval()(x), atol=1e-2)
    for name, value in net.state_dict().items():
        kept = again.state_dict()[name]
        expected = value.half().float() if value.is_floating_point() else value
        assert kept.dtype == value.dtype and torch.equal(kept, expected), name
    assert again.layers[2].num_batches_tracked == 2049
    assert checkpoints.read_record(path) == RECORD


def test_it_is_stored_in_half_precision(net, tmp_path):
    big = nn.Linear(200, 200)
    path = checkpoints.save(tmp_path / "a.safetensors", big, RECORD)
    assert 2 * 200 * 201 < path.stat().st_size < 2 * 200 * 201 + 2000


def test_what_is_read_is_frozen_and_evaluates(net, tmp_path):
    again = checkpoints.read(checkpoints.save(tmp_path / "a.safetensors", net.train(), RECORD), Net)
    assert not any(part.training for part in again.modules())
    assert not any(p.requires_grad for p in again.parameters())
    assert all(p.dtype == torch.float32 for p in again.parameters())


def test_saving_leaves_the_network_alone(net, tmp_path):
    before = {name: value.clone() for name, value in net.state_dict().items()}
    checkpoints.save(tmp_path / "a.safetensors", net, RECORD)
    assert net.training and all(p.requires_grad and p.dtype == torch.float32 for p in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_tied_and_transposed_weights(tmp_path):
    module = Tied()
    module.c = nn.Parameter(torch.rand(2, 5).half().T)
    path = checkpoints.save(tmp_path / "a.safetensors", module, RECORD | {"arguments": {}})
    with safe_open(path, framework="pt") as file:
        assert torch.equal(file.get_tensor("a"), module.a) and torch.equal(file.get_tensor("b"), module.a)
        assert torch.equal(file.get_tensor("c"), module.c)


@pytest.mark.parametrize("key", RECORD)
def test_a_record_must_be_whole(key, net, tmp_path):
    with pytest.raises(ValueError, match=f"the record lacks {key}"):
        checkpoints.save(tmp_path / "a.safetensors", net, {k: v for k, v in RECORD.items() if k != key})
    assert not list(tmp_path.iterdir())


def test_further_keys_are_kept(net, tmp_path):
    record = RECORD | {"teacher": "vgg19", "scores": {"näher": [1, 2.5, None]}}
    assert checkpoints.read_record(checkpoints.save(tmp_path / "a.safetensors", net, record)) == record


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])  # the last one is too large for half precision
def test_weights_that_do_not_fit_half_precision(value, net, tmp_path):
    with torch.no_grad():
        net.layers[1].bias[2] = value
    with pytest.raises(ValueError, match=r"layers\.1\.bias hold values that are not finite"):
        checkpoints.save(tmp_path / "a.safetensors", net, RECORD)
    assert not list(tmp_path.iterdir())


def test_saving_is_all_or_nothing(net, tmp_path, monkeypatch):
    path = checkpoints.save(tmp_path / "a.safetensors", net, RECORD)
    before = path.read_bytes()

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    for place, name in ((safetensors.torch, "save"), (os, "replace"), (os, "fdopen")):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
            patch.setattr(place, name, fail)
            checkpoints.save(path, Net(4), RECORD)
        assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_saved_file_can_be_read_by_others(net, tmp_path):
    mask = os.umask(0o022)
    try:
        assert checkpoints.save(tmp_path / "a.safetensors", net, RECORD).stat().st_mode & 0o044 == 0o044
    finally:
        os.umask(mask)


def test_shipped_models_by_name(shipped, net):
    assert checkpoints.names() == ["tiny"]
    assert checkpoints.record("tiny") == RECORD
    again = checkpoints.load("tiny")
    assert isinstance(again, Net) and torch.equal(again.layers[0].weight, net.layers[0].weight.half().float())
    assert checkpoints.load("tiny", device="meta").layers[0].weight.device.type == "meta"


def test_unknown_and_absent_names(shipped):
    with pytest.raises(ValueError, match=r"unknown model 'tinny'; known: absent, tiny; did you mean 'tiny'\?"):
        checkpoints.load("tinny")
    with pytest.raises(FileNotFoundError, match=r"absent\.safetensors; present: tiny"):
        checkpoints.load("absent")
    with pytest.raises(FileNotFoundError, match="present: tiny"):
        checkpoints.record("absent")


def test_samplers_by_name(shipped):
    assert checkpoints.generative() == ["tiny"] and checkpoints.sampler("tiny") is draw
    with pytest.raises(ValueError, match="'absent' makes no pictures; known: tiny$"):
        checkpoints.sampler("absent")
    with pytest.raises(ValueError, match=r"unknown model 'tinny'; known: tiny; did you mean 'tiny'\?"):
        checkpoints.sampler("tinny")


def test_every_shipped_sampler_can_be_called():
    """Two pictures, in [0, 1], the same for the same seed."""
    for name in set(checkpoints.generative()) & set(checkpoints.names()):
        network, draw = checkpoints.load(name), checkpoints.sampler(name)
        labels = torch.zeros(2, dtype=torch.int64) if getattr(network, "classes", None) else None
        a, b = (draw(network, 2, labels=labels, generator=torch.Generator().manual_seed(0)) for _ in range(2))
        assert len(a) == 2 and a.ndim == 4 and a.min() >= 0 and a.max() <= 1 and torch.equal(a, b), name


@pytest.mark.parametrize("damage", ["empty", "half a header", "half the weights", "text", "pickle"])
def test_damaged_files(damage, net, tmp_path):
    path = checkpoints.save(tmp_path / "a.safetensors", net, RECORD)
    data = path.read_bytes()
    contents = {
        "empty": b"",
        "half a header": data[:40],
        "half the weights": data[: len(data) - 60],
        "text": b"<!doctype html><title>404</title>" * 50,
        "pickle": pickle.dumps(RECORD),
    }
    path.write_bytes(contents[damage])
    for use in (checkpoints.read_record, lambda path: checkpoints.read(path, Net)):
        with pytest.raises(ValueError, match=r"a\.safetensors is not a checkpoint of this course, or is damaged"):
            use(path)


@pytest.mark.parametrize(
    "metadata", [None, {}, {"record": "{"}, {"record": "[1]"}, {"record": "null"}, {"record": '{"steps": 3}'}]
)
def test_safetensors_from_elsewhere(metadata, tmp_path):
    save_file({"w": torch.zeros(2)}, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(ValueError, match="not a checkpoint of this course"):
        checkpoints.read(tmp_path / "a.safetensors", Net)


@pytest.mark.parametrize("arguments", [{"width": 5}, {"width": 4, "depth": 3}, {"width": 4, "depth": 2, "heads": 2}])
def test_weights_of_another_class(arguments, net, tmp_path):
    path = checkpoints.save(tmp_path / "a.safetensors", net, RECORD | {"arguments": arguments})
    with pytest.raises(ValueError, match=r"a\.safetensors does not fit Net"):
        checkpoints.read(path, Net)


@pytest.mark.parametrize("change", ["one more", "one fewer"])
def test_weights_of_an_edited_class(change, net, tmp_path):
    class Edited(Net):
        def __init__(self, **arguments):
            super().__init__(**arguments)
            if change == "one more":
                self.head = nn.Linear(2, 2)
            else:
                del self.layers[2]

    path = checkpoints.save(tmp_path / "a.safetensors", net, RECORD)
    with pytest.raises(ValueError, match=r"a\.safetensors does not fit Edited"):
        checkpoints.read(path, Edited)


def test_every_shipped_model_can_be_loaded():
    for name in checkpoints.names():
        module = checkpoints.load(name)
        assert all(value.isfinite().all() for value in module.state_dict().values()), name
        assert set(checkpoints.NEEDED) <= set(checkpoints.record(name))
