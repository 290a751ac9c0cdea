"""gencourse enlarge: any picture, either network or a mixture, and what is refused in one line."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gencourse import checkpoints, cli, images, paths
from gencourse.methods.enlarging import draw_noise, enlarge, interpolate_weights
from gencourse.methods.upsampling import area_average
from gencourse.networks.srgan import SRGenerator


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Files of two small networks."""
    folder, files = tmp_path_factory.mktemp("weights"), {}
    for seed, name in enumerate(("pixel", "adversarial")):
        torch.manual_seed(seed)
        network = SRGenerator(width=4, blocks=1, late=2)
        nn.init.normal_(network.last.weight, 0, 0.2)
        if seed:
            nn.init.normal_(network.from_noise.weight)
        record = dict.fromkeys(checkpoints.NEEDED, 0) | {"arguments": network.arguments}
        files[name] = checkpoints.save(folder / f"superres_{name}.safetensors", network, record)
    return files


@pytest.fixture
def photo(tmp_path):
    return images.save(torch.rand(1, 3, 21, 35, generator=torch.Generator().manual_seed(0)), tmp_path / "photo.png")


@pytest.fixture
def run(capsys, weights, monkeypatch):
    """Run the command where our networks ship; returns the exit code and what was said."""
    monkeypatch.setattr(checkpoints, "folder", lambda: weights["pixel"].parent)

    def call(*arguments: object) -> tuple[int, str, str]:
        code = cli.main(["enlarge", *map(str, arguments), "--device", "cpu"])
        said = capsys.readouterr()
        return code, said.out.strip(), said.err.strip()

    return call


def expected(x: torch.Tensor, weights, share: float, seed: int = 0) -> torch.Tensor:
    networks = [checkpoints.read(weights[name], SRGenerator) for name in ("pixel", "adversarial")]
    network = interpolate_weights(*networks, share)
    return enlarge(x, network, noise=draw_noise(network, x, torch.Generator().manual_seed(seed)))


def close(x: torch.Tensor, y: torch.Tensor) -> bool:
    return x.shape == y.shape and (x - y).abs().max().item() < 0.6 / 255


@pytest.mark.parametrize(
    ("options", "share", "told"),
    [
        ([], 0.0, "pixel"),
        (["--model", "adversarial"], 1.0, "adversarial"),
        (["--model", "adversarial", "--share", "0.25"], 0.25, "25% adversarial + 75% pixel"),
        (["--model", "pixel", "--share", "0.25"], 0.75, "25% pixel + 75% adversarial"),
        (["--model", "pixel", "--share", "0"], 1.0, "0% pixel + 100% adversarial"),
    ],
)
def test_either_network_or_a_mixture(run, photo, weights, tmp_path, options, share, told):
    code, said, heard = run(photo, "-o", tmp_path / "new" / "big.png", "--tile", 16, *options)
    assert code == 0 and said == str(tmp_path / "new" / "big.png")
    assert f"140 x 84 from 35 x 21, {told}, " in heard
    assert close(images.load(said), expected(images.load(photo), weights, share))


def test_a_seed_gives_other_details_and_the_same_again(run, photo, weights, tmp_path):
    made = {}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(photo, "-o", tmp_path / f"{name}.png", "--model", "adversarial", "--seed", seed)
        made[name] = images.load(tmp_path / f"{name}.png")
    assert torch.equal(made["a"], made["b"]) and not torch.equal(made["a"], made["c"])
    assert close(made["c"], expected(images.load(photo), weights, 1.0, seed=2))


def test_files_of_one_s_own(run, photo, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "folder", lambda: tmp_path)
    code, said, _ = run(photo, "-o", tmp_path / "big.png", "--pixel", weights["adversarial"])
    assert code == 0 and close(images.load(said), expected(images.load(photo), weights, 1.0))


def test_block_averages_of_the_result(run, photo, tmp_path):
    run(photo, "-o", tmp_path / "big.png", "--consistent", "--tile", 16)
    assert (area_average(images.load(tmp_path / "big.png"), 4) - images.load(photo)).abs().max() <= 0.5 / 255 + 1e-6


def test_greyscale_and_transparency(run, weights, tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (9, 13), np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    code, said, _ = run(tmp_path / "grey.png", "-o", tmp_path / "a.png")
    x = torch.from_numpy(grey / 255).float().expand(1, 3, 9, 13)
    assert code == 0 and close(images.load(said), expected(x, weights, 0.0))
    clear = np.dstack([grey, grey, grey, np.where(np.arange(13) < 6, 0, 255) * np.ones((9, 1))]).astype(np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    code, said, _ = run(tmp_path / "clear.png", "-o", tmp_path / "b.png")
    white = x.clone()
    white[..., :6] = 1
    assert code == 0 and close(images.load(said), expected(white, weights, 0.0))


def test_an_embedded_picture_and_another_format(run, tmp_path):
    code, said, heard = run("brick", "-o", tmp_path / "big.jpg")
    assert code == 0 and "768 x 768 from 192 x 192" in heard and images.load(said).shape == (1, 3, 768, 768)


def refusal(run, *arguments: object) -> str:
    code, said, told = run(*arguments)
    assert code == 2 and said == "" and told.count("\n") == 0 and "Traceback" not in told
    return told


def test_what_is_refused(run, photo, tmp_path):
    out = tmp_path / "new" / "out.png"
    images.save(torch.rand(1, 3, 3, 20), tmp_path / "strip.png")
    (tmp_path / "text.jpg").write_text("this is a text")
    assert "strip.png is 20 x 3: a picture needs 4 pixels" in refusal(run, tmp_path / "strip.png", "-o", out)
    assert "is not a readable picture" in refusal(run, tmp_path / "text.jpg", "-o", out)
    assert "no file at" in refusal(run, tmp_path / "missing.jpg", "-o", out)
    assert "neither a file nor an embedded picture" in refusal(run, "nosuch", "-o", out)
    assert "from 0 to 1; got 1.5" in refusal(run, photo, "-o", out, "--share", "1.5")
    assert "ends in .png or .jpg" in refusal(run, photo, "-o", tmp_path / "out")
    assert "no weights at" in refusal(run, photo, "-o", out, "--pixel", tmp_path / "missing.safetensors")
    assert not out.parent.exists()


def test_weights_of_another_network(run, photo, tmp_path):
    other = paths.weights() / "digits.safetensors"
    assert "does not fit SRGenerator" in refusal(run, photo, "-o", tmp_path / "x.png", "--pixel", other)


def test_without_the_weights_that_ship(run, photo, tmp_path, monkeypatch, weights):
    monkeypatch.setattr(checkpoints, "folder", lambda: tmp_path)
    out = tmp_path / "out.png"
    assert "superres_pixel.safetensors" in refusal(run, photo, "-o", out)
    told = refusal(run, photo, "-o", out, "--share", "0.5", "--pixel", weights["pixel"])
    assert "superres_adversarial.safetensors" in told and not out.exists()


def test_where_nothing_can_be_written(run, photo, tmp_path):
    (tmp_path / "file").touch()
    assert "file" in refusal(run, photo, "-o", tmp_path / "file" / "out.png")
