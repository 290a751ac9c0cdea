"""gencourse translate: pictures in, pictures out, and what it says to bad input."""

import json

import pytest
import torch

from gencourse import checkpoints, cli, data, images
from gencourse.commands import translate
from gencourse.methods import cyclegan
from gencourse.networks.translation import ResnetGenerator
from gencourse.seasons import render

NAME = "cyclegan_summer2winter"


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """A small network in place of the shipped one: the command is what is tested."""
    torch.manual_seed(0)
    network = ResnetGenerator(width=4, blocks=1)
    record = {"arguments": {"width": 4, "blocks": 1}, "data": "drawn", "steps": 1, "minutes": 1, "device": "cpu"}
    monkeypatch.setattr(checkpoints, "folder", lambda: tmp_path / "weights")
    checkpoints.save(tmp_path / "weights" / f"{NAME}.safetensors", network, record | {"scores": {"PSNR": 1.0}})
    return checkpoints.load(NAME)


def run(*arguments: object) -> int:
    return cli.main(["translate", *map(str, arguments), "--device", "cpu"])


def test_a_file_is_translated_at_its_own_shape(shipped, tmp_path, capsys):
    images.save(torch.rand(1, 3, 50, 90), tmp_path / "photo.png")
    out = tmp_path / "deep" / "winter.png"
    assert run(NAME, tmp_path / "photo.png", "-o", out, "--size", 64) == 0
    assert capsys.readouterr().out.strip() == str(out)
    given, found = translate.picture(str(tmp_path / "photo.png"), 64), images.load(out)
    assert found.shape == given.shape == (1, 3, 36, 64)  # 64 x 35.6, cut to what 4 divides
    expected = cyclegan.translate(shipped, given)
    assert (found - expected).abs().max() < 1 / 255 and (found - given).abs().mean() > 0.01


def test_a_scene_is_one_of_the_test_split():
    assert torch.equal(translate.picture("scene:3-winter", 66), render([(1 << 30) + 3], "winter", 64))
    kept = data.seasons("winter", "test", 4).unit()[3:]
    assert (translate.picture("scene:3-winter", 64) - kept).abs().max() < 1 / 255


def test_the_middle_is_kept(tmp_path):
    x = torch.zeros(1, 3, 64, 34)
    x[:, :, :, 1:33] = 1  # one column too many at either side
    images.save(x, tmp_path / "x.png")
    assert (translate.picture(str(tmp_path / "x.png"), 64) > 0.99).all()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([NAME, "scene:1-summer"], "-o FILE"),
        ([NAME, "-o", "x.png"], "a picture"),
        (["cyclegan_summer2wintr", "scene:1-summer", "-o", "x.png"], NAME),
        (["digits", "scene:1-summer", "-o", "x.png"], "does not translate pictures"),
        ([NAME, "missing.png", "-o", "x.png"], "no file at missing.png"),
        ([NAME, "scene:x-summer", "-o", "x.png"], "names no scene"),
        ([NAME, "scene:1-spring", "-o", "x.png"], "names no scene"),
        ([NAME, "scene:1-summer", "-o", "x.png", "--size", "1000"], "between 32 and 256"),
        ([NAME, "scene:1-summer", "-o", "x"], "ends in .png or .jpg"),
        ([NAME, "scene:99999999999-summer", "-o", "x.png"], "each from 0 to"),
    ],
)
def test_bad_input_is_told_in_one_line(shipped, arguments, expected, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert expected in said and said.count("\n") == 1 and not (tmp_path / "x.png").exists()


def test_a_strip_is_refused(shipped, tmp_path, capsys):
    images.save(torch.rand(1, 3, 10, 400), tmp_path / "strip.png")
    assert run(NAME, tmp_path / "strip.png", "-o", tmp_path / "x.png") == 2
    assert "too narrow" in capsys.readouterr().err


def test_the_list_names_what_translates(shipped, monkeypatch, capsys):
    monkeypatch.setattr(translate, "translators", lambda: [NAME])
    assert run("--list") == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "model" and row.split() == [NAME, "drawn"]
    assert run("--list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [{"model": NAME, "trained on": "drawn"}]
