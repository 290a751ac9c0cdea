"""The embedded photographs and textures."""

import pytest
import torch

from gencourse import data


def test_photographs_are_split_once_and_free():
    train, test = data.photographs("train"), data.photographs("test")
    assert len(train) == 58 and len(test) == 12 and not train.keys() & test.keys()
    everything = data.photographs()
    assert list(everything) == sorted(train.keys() | test.keys())
    for name, picture in everything.items():
        assert picture.shape[:2] == (1, 3) and min(picture.shape[2:]) == 288, name
        assert picture.dtype == torch.float32 and picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.05
    entry = data.CATALOGUE["photographs"]
    assert entry.status() == "embedded" and entry.size() <= 2_000_000
    assert set(entry.licences) == {"public domain", "CC0 1.0"}
    assert all(": " in file.origin.work for file in entry.files), "each has its author"
    with pytest.raises(data.UnknownName, match="split 'val'"):
        data.photographs("val")


def test_a_photograph_by_name():
    assert torch.equal(data.photograph("jaguar"), data.photographs("all")["jaguar"])
    assert max(data.photograph("jaguar", 96).shape) == 96
    with pytest.raises(data.UnknownName, match="photograph 'jagwar', did you mean 'jaguar'"):
        data.photograph("jagwar")


def test_textures():
    assert data.textures() == ["brick", "grass", "gravel"]
    for name in data.textures():
        picture = data.texture(name)
        assert picture.shape == (1, 3, 192, 192) and (picture - picture[:, :1]).abs().max() == 0, "grey"
        assert picture.std() > 0.05 and data.texture(name, 64).shape == (1, 3, 64, 64)
    with pytest.raises(data.UnknownName, match="Known: brick, grass, gravel"):
        data.texture("sand")
