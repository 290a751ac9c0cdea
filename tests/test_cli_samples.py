"""gencourse sample and gencourse score: what they write and print, and what they say to bad input."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from gencourse import checkpoints, cli, data, images
from gencourse.commands import sample, score
from gencourse.data import archive
from gencourse.methods.sampling import generators, in_batches, normal, picture_seeds
from gencourse.networks.classifier import Classifier

CPU = ["--device", "cpu"]


class Tiny(nn.Module):
    """A generator of 8 x 8 pictures, with classes or without."""

    def __init__(self, classes: int | None = None):
        super().__init__()
        self.classes = classes
        self.layer = nn.Linear(20, 64)

    def forward(self, z: Tensor) -> Tensor:
        return self.layer(z).sigmoid().view(-1, 1, 8, 8)


def draw(network, n, *, labels=None, generator=None, seeds=None, batch_size=256, progress=None):
    """20 numbers a picture: no multiple of the 16 that torch draws at once."""

    def part(seeds, labels):
        x = network(normal((len(seeds), 20), generators(seeds)))
        return x if labels is None else x / 2 + labels.view(-1, 1, 1, 1) / 8  # brighter with the label

    seeds = picture_seeds(n, generator, seeds)
    return in_batches(part, seeds, labels, network.classes, batch_size=batch_size, progress=progress)


def draw_in_steps(network, n, *, labels=None, generator=None, steps=10, guidance=1.0, **batches):
    assert guidance == 1.0
    if steps > 10:
        raise ValueError(f"asked for {steps} sampling steps, but there are 10")
    return draw(network, n, labels=labels, generator=generator, **batches) ** steps


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Three small generators in place of what is shipped, and one whose weights are missing."""
    folder = tmp_path / "weights"
    monkeypatch.setattr(checkpoints, "folder", lambda: folder)
    table = {
        "tiny": checkpoints.Model(Tiny, "03", draw),
        "tiny_classes": checkpoints.Model(Tiny, "03", draw),
        "tiny_steps": checkpoints.Model(Tiny, "06", draw_in_steps),
        "lost": checkpoints.Model(Tiny, "06", draw),
        "reader": checkpoints.Model(Classifier, "03"),
    }
    monkeypatch.setattr(checkpoints, "MODELS", table)
    torch.manual_seed(0)
    record = {"arguments": {}, "data": "ten dots", "steps": 1200, "minutes": 3.26, "device": "a laptop"}
    for name in ("tiny", "tiny_classes", "tiny_steps"):
        arguments = {"classes": 4 if name == "tiny_classes" else None}
        scores = {"FID-digits": 2.71828, "n": 1000, "spread": {"FID-digits": 0.1}}
        checkpoints.save(
            folder / f"{name}.safetensors", Tiny(**arguments), record | {"arguments": arguments, "scores": scores}
        )
    return tmp_path


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """Samples, a reference, and a small classifier that reads them."""
    torch.manual_seed(0)
    for name, count in (("samples", 40), ("reference", 60), ("three", 3)):
        archive.write(tmp_path / f"{name}.npz", torch.rand(count, 1, 8, 8) ** 2)
    archive.write(tmp_path / "colour.npz", torch.rand(20, 3, 8, 8))
    record = {"data": "", "steps": 0, "minutes": 0, "device": "cpu", "scores": {}}
    arguments = {"name": "small", "width": 4, "classes": 3}
    checkpoints.save(tmp_path / "small.safetensors", Classifier(**arguments), record | {"arguments": arguments})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(capsys):
    """Run a command that must be refused, and return the one line it says."""

    def run(*arguments: object) -> str:
        try:
            code = cli.main([str(a) for a in arguments])
        except SystemExit as error:  # argparse's way
            code = error.code
        said = capsys.readouterr()
        assert code == 2 and said.out == ""
        assert said.err.count("\n") == 1 and said.err.startswith("gencourse") and "Traceback" not in said.err
        return said.err

    return run


def sampled(*arguments: object) -> data.ImageSet:
    assert cli.main(["sample", *map(str, arguments), "-o", "out.npz", *CPU]) == 0
    return archive.read("out.npz")


def scored(capsys, *arguments: object) -> dict:
    capsys.readouterr()
    assert cli.main(["score", *map(str, arguments), "--classifier", "small.safetensors", "--json", *CPU]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_grid(models, monkeypatch, capsys):
    monkeypatch.chdir(models)
    assert cli.main(["sample", "tiny", "-n", "6", "-o", "new/grid.png", *CPU]) == 0
    said = capsys.readouterr()
    assert said.out == "new/grid.png\n" and "6 pictures of 8 x 8 by tiny in" in said.err
    with Image.open("new/grid.png") as picture:
        assert picture.size == (3 * 8 + 2 * 2, 2 * 8 + 2)
    expected = draw(checkpoints.load("tiny"), 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        images.load("new/grid.png")[:, :1], images.grid(expected)[None].detach(), atol=1 / 255, rtol=0
    )


def test_an_archive(models, monkeypatch):
    monkeypatch.chdir(models)
    found = sampled("tiny", "-n", 7)
    assert found.images.shape == (7, 1, 8, 8) and found.labels is None
    with np.load("out.npz") as inside:
        assert inside["images"].dtype == np.uint8 and inside["images"].shape == (7, 8, 8, 1)
    assert len(sampled("tiny")) == 64


@pytest.mark.parametrize("name", ["tiny", "tiny_classes"])
def test_the_seed_decides_whatever_the_batch_size(models, monkeypatch, name):
    monkeypatch.chdir(models)
    expected = sampled(name, "-n", 75, "--seed", 3)
    for batch in (1, 7, 32, 1024):
        monkeypatch.setattr(sample, "BATCH", batch)
        assert (sampled(name, "-n", 75, "--seed", 3).images - expected.images).abs().max() <= 1
    assert not torch.equal(sampled(name, "-n", 75, "--seed", 4).images, expected.images)
    assert len(expected.images.unique(dim=0)) == 75


def test_labels(models, monkeypatch):
    monkeypatch.chdir(models)
    found = sampled("tiny_classes", "-n", 70)
    assert torch.equal(found.labels, torch.arange(70) % 4)
    assert found.unit()[found.labels == 3].mean() > found.unit()[found.labels == 0].mean() + 0.3
    only = sampled("tiny_classes", "-n", 70, "--label", 2)
    assert (only.labels == 2).all()
    same = found.labels == 2
    assert torch.equal(only.images[same], found.images[same])  # the noise does not depend on the label


def test_options_reach_the_sampler(models, monkeypatch):
    monkeypatch.chdir(models)
    once, twice = sampled("tiny_steps", "--steps", 1), sampled("tiny_steps", "--steps", 2)
    torch.testing.assert_close(once.unit() ** 2, twice.unit(), atol=0.01, rtol=0)


def test_list(models, capsys):
    assert cli.main(["sample", "--list"]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[0].split() == ["model", "chapter", "size", "parameters", "steps", "minutes", "device"]
    rows = [line.split() for line in told.splitlines()]
    assert ["tiny", "03", "0.0", "MB", "1,344", "1,200", "3.26", "a", "laptop"] in rows
    assert ["tiny", "ten", "dots"] in rows and ["tiny", "FID-digits", "2.718"] in rows and ["n", "1,000"] in rows
    assert "missing: lost" in told and "spread" not in told and "reader" not in told
    assert max(map(len, told.splitlines())) < 100


def test_the_list_as_json(models, capsys):
    assert cli.main(["sample", "--list", "--json"]) == 0
    told = {model["model"]: model for model in json.loads(capsys.readouterr().out)}
    assert told["tiny"]["scores"]["FID-digits"] == 2.71828 and told["tiny"]["bytes"] > 0
    assert told["lost"] == {"model": "lost", "chapter": "06", "bytes": None} and "reader" not in told


def test_list_of_what_is_shipped(capsys):
    assert cli.main(["sample", "--list"]) == 0
    lines = capsys.readouterr().out.split("\n\n")[0].splitlines()[1:]
    assert [line.split()[0] for line in lines] == checkpoints.generative()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "-o FILE; --list shows the models"),
        (["tiny"], "-o FILE; --list shows the models"),
        (["tinny", "-o", "x.png"], "unknown model 'tinny'; known: lost, tiny, tiny_classes, tiny_steps; did you mean"),
        (["reader", "-o", "x.png"], "'reader' makes no pictures; known: lost"),
        (["lost", "-o", "x.png"], "no weights at"),
        (["tiny", "-o", "x.txt"], "ends in .png or .npz"),
        (["tiny", "-o", "folder/"], "ends in .png or .npz"),
        (["tiny", "-o", "x.h5"], "ends in .png or .npz"),  # PIL has half a writer for it
        (["tiny", "-o", "x.png", "-n", "0"], "whole number of at least 1"),
        (["tiny", "-o", "x.png", "--seed", "x"], "whole number of at least 0"),
        (["tiny", "-o", "x.png", "--label", "1"], "tiny has no --label: it was trained without classes"),
        (["tiny_classes", "-o", "x.png", "--label", "4"], "tiny_classes has the classes 0 to 3"),
        (["tiny", "-o", "x.png", "--steps", "5"], "tiny has no --steps; it has no such options"),
        (["tiny_steps", "-o", "x.png", "--steps", "11"], "asked for 11 sampling steps, but there are 10"),
        (["tiny_steps", "-o", "x.png", "--temperature", "1"], "no --temperature; it has --steps, --guidance"),
        (["tiny", "-o", "x.png", "--device", "toaster"], "present: cpu"),
    ],
)
def test_bad_input_to_sample(refused, models, monkeypatch, arguments, reason):
    monkeypatch.chdir(models)
    assert reason in refused("sample", *arguments)
    assert [path.name for path in models.iterdir()] == ["weights"]


def test_too_many_steps_are_told_before_the_work(refused, tmp_path):
    out = str(tmp_path / "x.png")
    assert "asked for 1001 sampling steps" in refused("sample", "ddpm_digits", "-o", out, "--steps", "1001")


def test_score_prints_a_table(sets, capsys):
    against = ["--against", "reference.npz", "--classifier", "small.safetensors"]
    assert cli.main(["score", "samples.npz", *against, *CPU]) == 0
    said = capsys.readouterr()
    head, _, row = said.out.splitlines()
    assert "FID-small" in head and "| FID |" not in head and "| 40 " in row and "reference.npz (60)" in row
    assert "scored in" in said.err and "neighbours among 40 of each" in said.err


def test_score_as_json(sets, capsys):
    told = scored(capsys, "samples.npz", "--against", "reference.npz")
    assert told["FID-small"] > 0 and told["n"] == 40 and told["reference"] == "reference.npz"
    assert told["samples"] == "samples.npz" and "spread" not in told
    again = scored(capsys, "samples.npz", "--against", "reference.npz", "--bootstrap", 5)
    assert again["FID-small"] == told["FID-small"] and again["spread"]["FID-small"] > 0
    assert again == scored(capsys, "samples.npz", "--against", "reference.npz", "--bootstrap", 5)
    assert again != scored(capsys, "samples.npz", "--against", "reference.npz", "--bootstrap", 5, "--seed", 1)


def test_score_of_some(sets, capsys):
    told = [scored(capsys, "samples.npz", "--against", "reference.npz", "-n", 20, "--seed", seed) for seed in (0, 0, 1)]
    assert told[0] == told[1] != told[2] and told[0]["n"] == told[0]["n of reference"] == 20


def test_score_of_a_folder(sets, capsys):
    for i, picture in enumerate(archive.read("samples.npz").unit()):
        images.save(picture, f"pictures/{i:02}.png")
    told = scored(capsys, "pictures", "--against", "reference.npz")
    same = scored(capsys, "samples.npz", "--against", "reference.npz")
    assert told["FID-small"] == pytest.approx(same["FID-small"], rel=1e-4)
    assert scored(capsys, "pictures", "--against", "pictures")["FID-small"] < 1e-6 * told["FID-small"]


def test_references_by_name():
    for name, count in (("digits", 10_000), ("digits:all", 10_000), ("digits:train", 9_000), ("digits:test", 1_000)):
        found, split = score.find_reference(name)
        assert len(found) == count and split == (name if ":" in name else "digits:all")


@pytest.mark.skipif("digits" not in checkpoints.names(), reason="needs data/checkpoints/digits.safetensors")
def test_score_of_digits(tmp_path, capsys):
    archive.write(tmp_path / "a.npz", data.digits("train").unit()[:100])
    assert cli.main(["score", str(tmp_path / "a.npz"), "--against", "digits:test", "-n", "100", "--json", *CPU]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["classifier"] == "digits" and told["reference"] == "digits:test" and told["confidence"] > 0.97


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["samples.npz"], "--against"),
        (["absent.npz", "--against", "digits"], "no .npz file and no folder of pictures at absent.npz"),
        (["small.safetensors", "--against", "digits"], "not a readable .npz"),
        (["samples.npz", "--against", "absent"], "'absent' is no file, no folder and no data set"),
        (["samples.npz", "--against", "digits:half"], "'half'"),
        (["samples.npz", "--against", "photos"], "differ in size"),
        (["samples.npz", "--against", "mnist:test"], "mnist is not on this machine: gencourse data fetch mnist"),
        (["samples.npz", "--against", "digits:test"], "the samples are (1, 8, 8), digits:test is (1, 28, 28)"),
        (["samples.npz", "--against", "colour.npz"], "the samples are (1, 8, 8), colour.npz is (3, 8, 8)"),
        (["colour.npz", "--against", "colour.npz"], "the classifier 'small' (B, 1, H, W)"),
        (["samples.npz", "--against", "three.npz"], "at least 4 pictures are needed on each side, got 3"),
        (["samples.npz", "--against", "reference.npz", "-n", "50"], "samples.npz has 40 pictures, fewer than -n 50"),
        (["samples.npz", "--against", "reference.npz", "-n", "3"], "at least 4 pictures"),
        (["samples.npz", "--against", "reference.npz", "--bootstrap", "1"], "at least 2 draws"),
        (["samples.npz", "--against", "reference.npz", "--device", "toaster"], "present: cpu"),
        (["samples.npz", "--against", "reference.npz", "--classifier", "mine"], "unknown classifier 'mine'"),
        (["samples.npz", "--against", "reference.npz", "--classifier", "samples.npz"], "not a checkpoint"),
    ],
)
def test_bad_input_to_score(refused, sets, monkeypatch, arguments, reason):
    monkeypatch.setenv("GENCOURSE_CACHE", str(sets / "cache"))
    chosen = [] if "--classifier" in arguments else ["--classifier", "small.safetensors"]
    assert reason in refused("score", *arguments, *chosen)


def test_inception_offline(refused, sets, monkeypatch):
    def offline():
        raise OSError("no route to host")

    monkeypatch.setattr("gencourse.networks.classifier.Inception", offline)
    said = refused("score", "samples.npz", "--against", "reference.npz", "--classifier", "inception")
    assert "inception could not be downloaded (no route to host): --classifier digits needs none" in said
