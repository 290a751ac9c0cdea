"""gencourse translate pix2pix_emoji: drawings of all kinds in, coloured squares out, and what is refused."""

import pytest
import torch
from PIL import Image, ImageDraw

from gencourse import checkpoints, cli, data, images
from gencourse.methods.cyclegan import translate
from gencourse.networks.pix2pix import UNetGenerator

NAME = "pix2pix_emoji"


def saved(folder, **arguments):
    """The file of a small network: the command is what is tested."""
    torch.manual_seed(0)
    network = UNetGenerator(width=4, levels=3, max_width=8, **arguments)
    record = dict.fromkeys(checkpoints.NEEDED, 0) | {"arguments": network.arguments}
    return checkpoints.save(folder / "mine.safetensors", network, record)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("weights"), inputs=1)


@pytest.fixture
def colour(capsys, network):
    """Run the command with our network; returns the exit code and what was said."""

    def run(*arguments: object, weights=network) -> tuple[int, str, str]:
        code = cli.main(["translate", *map(str, arguments), "--network", str(weights), "--device", "cpu"])
        said = capsys.readouterr()
        return code, said.out.strip(), said.err.strip()

    return run


def draw(path, mode: str = "RGBA", size: tuple[int, int] = (200, 120)):
    ground, ink = {"RGBA": ((0, 0, 0, 0), (0, 0, 0, 255)), "RGB": ((240,) * 3, (40,) * 3), "L": (240, 40)}[mode]
    drawn = Image.new(mode, size, ground)
    ImageDraw.Draw(drawn).rectangle((30, 30, size[0] - 30, size[1] - 30), outline=ink, width=5)
    drawn.save(path)
    return path


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L"])
def test_a_drawing_becomes_a_coloured_square(colour, network, tmp_path, mode):
    path, out = draw(tmp_path / "drawing.png", mode), tmp_path / "new" / "out.png"
    code, said, told = colour(NAME, path, "-o", out)
    assert code == 0 and said == str(out) and told == f"64 x 64, {NAME}"
    expected = translate(checkpoints.read(network, UNetGenerator), data.drawing(images.load(path), 64))
    assert (images.load(out) - expected).abs().max() < 1 / 255


def test_another_size_is_brought_to_what_the_network_takes(colour, tmp_path):
    path = draw(tmp_path / "drawing.png", size=(101, 77))
    code, _, told = colour(NAME, path, "-o", tmp_path / "out.png", "--size", 101)
    assert code == 0 and told.startswith("96 x 96")


def test_the_drawing_on_its_ground_is_the_same_on_white(colour, tmp_path):
    clear = draw(tmp_path / "clear.png")
    white = Image.new("RGBA", (200, 120), "white")
    white.alpha_composite(Image.open(clear))
    white.convert("RGB").save(tmp_path / "white.png")
    for name in ("clear", "white"):
        assert colour(NAME, tmp_path / f"{name}.png", "-o", tmp_path / f"{name}-out.png")[0] == 0
    assert torch.equal(*(images.load(tmp_path / f"{name}-out.png") for name in ("clear", "white")))


def test_what_is_refused_in_one_line(colour, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = draw(tmp_path / "drawing.png")
    Image.new("RGB", (50, 50), "white").save(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("no picture")
    other = saved(tmp_path, inputs=3)
    cases = [
        ((NAME, path), {}, "where the result goes, -o FILE"),
        ((NAME, "missing.png", "-o", "x.png"), {}, "no file at missing.png"),
        ((NAME, "text.png", "-o", "x.png"), {}, "not a readable picture"),
        ((NAME, "empty.png", "-o", "x.png"), {}, "nothing is drawn there: expected dark lines on a light ground"),
        ((NAME, path, "-o", "x"), {}, "ends in .png or .jpg"),
        ((NAME, path, "-o", "x.png", "--size", 2048), {}, "at 8 to 1024 pixels, got --size 2048"),
        ((NAME, path, "-o", "x.png"), {"weights": "none.safetensors"}, "no weights at none.safetensors"),
        ((NAME, path, "-o", "x.png"), {"weights": other}, "translates other pictures than drawings"),
        ((NAME, path, "-o", "x.png"), {"weights": path}, "not a checkpoint of this course"),
        (("cyclegan_summer2winter", path, "-o", "x.png"), {}, "--network goes with pix2pix_emoji"),
    ]
    for arguments, options, expected in cases:
        code, said, told = colour(*arguments, **options)
        assert code == 2 and said == "" and told.count("\n") == 0 and expected in told, told
    assert not (tmp_path / "x.png").exists()


def test_before_weights_ship_the_command_says_how_to_train_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(checkpoints, "folder", lambda: tmp_path)
    assert cli.main(["translate", NAME, str(draw(tmp_path / "a.png")), "-o", str(tmp_path / "x.png")]) == 2
    assert "train it with scripts/train_pix2pix.py" in capsys.readouterr().err
