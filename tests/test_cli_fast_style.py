"""gencourse stylize --fast: one picture, several styles, a folder of frames, and what is refused in one line."""

import pytest
import torch
from torch import nn

from gencourse import checkpoints, cli, images
from gencourse.methods.fast_style import stylize_fast
from gencourse.networks.stylenet import TransformerNet


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    torch.manual_seed(0)
    made = TransformerNet(width=4, blocks=0, styles=["wave", "wheat"])
    for norm in made.norms():
        for row in [*norm.gamma, *norm.beta]:
            nn.init.normal_(row)
    record = dict.fromkeys(checkpoints.NEEDED, 0) | {"arguments": made.arguments}
    return checkpoints.save(tmp_path_factory.mktemp("weights") / "mine.safetensors", made, record)


@pytest.fixture
def photo(tmp_path):
    return images.save(torch.rand(1, 3, 45, 70, generator=torch.Generator().manual_seed(0)), tmp_path / "photo.png")


@pytest.fixture
def fast(capsys, network):
    """Run the command with our network; returns the exit code and what was said."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.main(["stylize", *map(str, arguments), "--fast", "--network", str(network), "--device", "cpu"])
        said = capsys.readouterr()
        return code, said.out.strip(), said.err.strip()

    return run


def close(x: torch.Tensor, y: torch.Tensor) -> bool:
    return x.shape == y.shape and (x - y).abs().max().item() < 0.6 / 255


def test_one_picture(fast, photo, network, tmp_path):
    code, said, _ = fast(photo, "wheat", "-o", tmp_path / "new" / "out.png", "--size", 64)
    assert code == 0 and said == str(tmp_path / "new" / "out.png")
    expected = stylize_fast(images.load(photo, 64), checkpoints.read(network, TransformerNet), "wheat")
    assert close(images.load(said), expected)


@pytest.mark.parametrize(("weights", "wheat"), [((), 0.5), (("--weights", "1,3"), 0.75)])
def test_several_styles_are_morphed(fast, photo, network, tmp_path, weights, wheat):
    code, said, told = fast(photo, "wave", "wheat", "-o", tmp_path / "out.png", "--size", 64, *weights)
    shares = {"wave": 1 - wheat, "wheat": wheat}
    assert code == 0 and f"{1 - wheat:.0%} wave + {wheat:.0%} wheat" in told
    painted = stylize_fast(images.load(photo, 64), checkpoints.read(network, TransformerNet), shares)
    assert close(images.load(said), painted)


def test_a_folder_of_frames(fast, network, tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "notes.txt").write_text("no picture")
    frames = {}
    for i, ending in enumerate(["png", "jpg", "png"]):
        frames[f"{i:03}"] = tmp_path / "frames" / f"{i:03}.{ending}"
        images.save(torch.full((1, 3, 20, 30 + i), i / 4), frames[f"{i:03}"])
    code, said, told = fast(tmp_path / "frames", "wave", "-o", tmp_path / "out", "--size", 48)
    assert code == 0 and said == str(tmp_path / "out") and "3 in one pass each" in told
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["000.png", "001.png", "002.png"]
    net = checkpoints.read(network, TransformerNet)
    for name, path in frames.items():
        assert close(images.load(tmp_path / "out" / f"{name}.png"), stylize_fast(images.load(path, 48), net, "wave"))


def refusal(fast, *arguments: object) -> str:
    code, said, told = fast(*arguments)
    assert code == 2 and said == "" and told.count("\n") == 0 and "Traceback" not in told
    return told


def test_what_is_refused(fast, photo, tmp_path):
    out = tmp_path / "out.png"
    assert "unknown style 'xyz'. Known: wave, wheat" in refusal(fast, photo, "xyz", "-o", out)
    assert "unknown style 'weat', did you mean 'wheat'? Known" in refusal(fast, photo, "weat", "-o", out)
    assert "one number a style" in refusal(fast, photo, "wave", "wheat", "-o", out, "--weights", "1")
    assert "not all zero" in refusal(fast, photo, "wave", "wheat", "-o", out, "--weights", "0,0")
    assert "--steps is for the optimisation" in refusal(fast, photo, "wave", "-o", out, "--steps", "5")
    assert "--no-pyramid is for the optimisation" in refusal(fast, photo, "wave", "-o", out, "--no-pyramid")
    assert "no file at" in refusal(fast, tmp_path / "missing.jpg", "wave", "-o", out)
    assert "ends in .png or .jpg" in refusal(fast, photo, "wave", "-o", tmp_path / "out")
    assert not out.exists()


def test_folders_that_are_refused(fast, photo, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "there is no picture in the folder" in refusal(fast, tmp_path / "empty", "wave", "-o", tmp_path / "out")
    assert "the name of another folder" in refusal(fast, tmp_path, "wave", "-o", tmp_path / "out.png")
    assert "the name of another folder" in refusal(fast, tmp_path, "wave", "-o", tmp_path)
    images.save(torch.zeros(1, 3, 16, 16), tmp_path / "photo.jpg")
    assert "two frames in" in refusal(fast, tmp_path, "wave", "-o", tmp_path / "out")


def test_weights_of_another_network(photo, tmp_path, capsys):
    other = checkpoints.folder() / "digits.safetensors"
    command = ["stylize", str(photo), "wave", "-o", str(tmp_path / "out.png")]
    assert cli.main([*command, "--fast", "--network", str(other)]) == 2
    assert "does not fit TransformerNet" in capsys.readouterr().err
    assert cli.main([*command, "--network", str(other)]) == 2
    assert "add --fast" in capsys.readouterr().err


def test_before_a_network_ships(photo, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(checkpoints, "folder", lambda: tmp_path)
    assert cli.main(["stylize", str(photo), "great_wave", "-o", str(tmp_path / "out.png"), "--fast"]) == 2
    assert "no network for --fast ships with this version" in capsys.readouterr().err
