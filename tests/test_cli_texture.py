"""gencourse texture: a sample in, a picture out, and what it says to bad input."""

import pytest
import torch

from gencourse import cli, data, images
from gencourse.methods import texture


def run(*arguments: object) -> int:
    return cli.main(["texture", *map(str, arguments), "--device", "cpu"])


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_an_embedded_texture_is_quilted(tmp_path, capsys):
    out = tmp_path / "deep" / "wall.png"
    assert run("brick", "-o", out, "--size", 60, "--block", 16, "--crop", "10,20,48", "--seed", 5) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(out) and "60 x 60 from 48 x 48, quilt" in said.err
    sample = data.texture("brick")[..., 20:68, 10:58]
    expected = texture.quilt(sample, 60, block=16, overlap=4, generator=seeded()).image
    assert (images.load(out) - expected).abs().max() < 1 / 255


def test_a_file_is_grown_and_made_smaller_first(tmp_path):
    images.save(data.texture("gravel")[..., :60, :90], tmp_path / "photo.png")
    where = ["-o", tmp_path / "out.png", "--size", 20, "--window", 5]
    assert run(tmp_path / "photo.png", *where, "--method", "grow", "--sample-size", 30, "--seed", 5) == 0
    sample = images.load(tmp_path / "photo.png", 30)
    assert sample.shape == (1, 3, 20, 30)
    expected = texture.grow(sample, 20, window=5, generator=seeded()).image
    assert (images.load(tmp_path / "out.png") - expected).abs().max() < 1 / 255


def test_gram_matrices(tmp_path):
    assert (
        run("brick", "-o", tmp_path / "a.png", "--method", "gram", "--size", 32, "--steps", 2, "--sample-size", 40) == 0
    )
    assert images.load(tmp_path / "a.png").shape == (1, 3, 32, 32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["brik"], "'brik' is neither a file nor an embedded picture; embedded are"),
        (["missing.png"], "no file at missing.png"),
        (["brick", "--crop", "100,100,100"], "--crop 100,100,100 does not lie inside brick, which is 192 x 192"),
        (["brick", "--sample-size", 20], "the sample is 20 x 20, smaller than a block of 24 pixels (--block)"),
        (["brick", "--method", "grow", "--crop", "0,0,9"], "smaller than the window of 11 pixels (--window)"),
        (["brick", "--method", "gram", "--sample-size", 31], "smaller than what the network needs"),
        (["brick", "--method", "grow", "--window", 4], "--window must be odd"),
        (["brick", "--method", "gram", "--size", 100], "--size must be a multiple of 16, such as 96"),
        (["FLAT"], "all pixels of the sample are equal"),
        (["brick", "-o", "out.xyz"], "cannot write to 'out.xyz'"),
    ],
)
def test_bad_input_is_told_in_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    images.save(torch.full((1, 3, 40, 40), 0.5), tmp_path / "flat.png")
    arguments = ["flat.png" if a == "FLAT" else a for a in arguments]
    assert run(*arguments, *([] if "-o" in arguments else ["-o", "out.png"])) == 2
    said = capsys.readouterr().err
    assert message in said and len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out.png").exists()


def test_a_square_is_three_numbers(capsys):
    with pytest.raises(SystemExit):
        run("brick", "-o", "a.png", "--crop", "1,2")
    assert "expected three whole numbers LEFT,TOP,SIDE, got '1,2'" in capsys.readouterr().err
