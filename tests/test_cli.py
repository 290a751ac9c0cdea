"""The command line: every command, and what it says to bad input."""

import json
import os
import subprocess
import sys

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from gencourse import checkpoints, cli, data, images
from gencourse.chapters import find
from gencourse.commands import doctor, stylize
from gencourse.methods.style import Stylized
from gencourse.networks import features
from gencourse.training.loop import History

needs_weights = pytest.mark.skipif(
    "embedded" not in checkpoints.names(), reason="needs data/checkpoints/embedded.safetensors"
)
QUICK = ["--size", "64", "--steps", "2", "--encoder", "embedded", "--device", "cpu"]


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


@pytest.fixture
def pictures(tmp_path):
    generator = torch.Generator().manual_seed(0)
    for name, shape in {
        "photo.jpg": (48, 80),
        "painting.png": (64, 40),
        "dot.png": (1, 1),
        "strip.png": (10, 400),
    }.items():
        images.save(torch.rand(1, 3, *shape, generator=generator), tmp_path / name)
    (tmp_path / "text.jpg").write_text("this is a text")
    return tmp_path


def test_without_a_command_the_help_is_shown(capsys):
    assert cli.main([]) == 2
    assert "commands:" in capsys.readouterr().out


def test_as_a_module():
    command = [sys.executable, "-m", "gencourse.cli", "--version"]
    assert subprocess.run(command, capture_output=True, text=True).stdout.startswith("gencourse ")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["paint"], "unknown command 'paint'. Known: run, stylize, translate"),
        (["stylise", "chelsea"], "unknown command 'stylise', did you mean 'stylize'?"),
        (["homework", "buidl"], "'buidl'"),
        (["run", "--profile", "fast"], "unknown profile 'fast' in the argument; known: smoke, cpu, gpu"),
        (["run", "nope.ipynb"], "no notebook at nope.ipynb"),
        (["run", "--timeout", "soon"], "expected a whole number of at least 1"),
        (["stylize", "chelsea", "auvers"], "-o"),
        (["stylize", "chelsea"], "STYLE"),
        (["stylize", "chelsea", "auvers", "-o", "x.png", "--size", "8"], "whole number of at least 32"),
        (["stylize", "chelsea", "auvers", "-o", "x.png", "--steps", "1.5"], "whole number of at least 1"),
        (["stylize", "chelsea", "auvers", "-o", "x.png", "--alpha", "nan"], "number of at least 0"),
        (["stylize", "chelsea", "auvers", "-o", "x.png", "--encoder", "resnet"], "vgg19"),
        (["stylize", "chelsea", "auvers", "-o", "x.png", "--weights", "1,2"], "one number a style"),
        (["stylize", "chelsea", "auvers", "-o", "x.png", "--weights", "0"], "not all zero"),
        (["stylize", "chelsea", "auvers", "-o", "x.png", "--weights", "a"], "number of at least 0"),
        (["stylize", "chelsea", "auvers", "-o", "x.png", "--device", "toaster"], "present: cpu"),
        (["stylize", "chelsi", "auvers", "-o", "x.png"], "'chelsi' is neither a file nor an embedded picture"),
        (["stylize", "chelsea", "missing.jpg", "-o", "x.png"], "no file at missing.jpg"),
        (["stylize", "chelsea", "auvers", "-o", "x"], "ends in .png or .jpg"),
        (["stylize", "chelsea", "auvers", "-o", "x.xyz"], "ends in .png or .jpg"),
        (["stylize", "chelsea", "auvers", "-o", "x.psd"], "ends in .png or .jpg"),  # PIL reads it, and cannot write it
        (["data"], "ACTION"),
        (["data", "fetch"], "NAME"),
        (["data", "fetch", "cifar"], "Known: digits"),
    ],
)
def test_bad_input_is_refused_in_one_line(refused, arguments, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert reason in refused(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_bad_pictures(refused, pictures):
    out = pictures / "out.png"
    assert "is not a readable picture" in refused("stylize", pictures / "text.jpg", "auvers", "-o", out)
    assert "is not a readable picture" in refused("stylize", "chelsea", pictures / "text.jpg", "-o", out)
    assert "strip.png is 64 x 2 at --size 64" in refused("stylize", pictures / "strip.png", "auvers", "-o", out, *QUICK)
    assert "is not a readable picture" in refused("stylize", "chelsea", pictures, "-o", out)
    (pictures / "file").touch()
    assert "file" in refused("stylize", "chelsea", "auvers", "-o", pictures / "file" / "out.png")
    assert not out.exists()


def test_missing_weights(refused, tmp_path, monkeypatch):
    monkeypatch.setattr("gencourse.paths.weights", lambda: tmp_path)
    assert "no weights at" in refused("stylize", "chelsea", "auvers", "-o", tmp_path / "out.png", *QUICK)


def test_a_download_that_fails(refused, tmp_path, monkeypatch):
    def offline(*arguments, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(features, "extractor", offline)
    said = refused("stylize", "chelsea", "auvers", "-o", tmp_path / "out.png", "--encoder", "vgg19")
    assert "vgg19 could not be downloaded (no route to host): --encoder embedded" in said


def test_unknown_chapter(refused, tmp_path, monkeypatch):
    (tmp_path / "01_style_transfer.ipynb").touch()
    monkeypatch.setattr(find, "folder", lambda: tmp_path)
    assert "unknown chapter '98'. Known: 01_style_transfer" in refused("run", "98", "--out", tmp_path / "out")
    assert "is not a notebook" in refused("run", "01", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for i in (1, 2):
        cell = new_code_cell(f"import os\nprint({i}, os.environ['GENCOURSE_PROFILE'])")
        nbformat.write(new_notebook(cells=[cell]), tmp_path / f"0{i}_tiny.ipynb")
    monkeypatch.setattr(find, "folder", lambda: tmp_path)
    assert cli.main(["run", "--profile", "gpu"]) == 0
    said = capsys.readouterr().out
    for i in (1, 2):
        assert f"0{i}_tiny: 1 cells passed in" in said
        assert f"{i} gpu" in (tmp_path / "runs" / f"0{i}_tiny.html").read_text()


@needs_weights
@pytest.mark.parametrize("extra", [[], ["--no-pyramid"], ["--start", "noise"]])
def test_stylize(pictures, capsys, extra):
    out = pictures / "new folder" / "out.png"
    assert cli.main(["stylize", str(pictures / "photo.jpg"), "auvers", "-o", str(out), *QUICK, *extra]) == 0
    said = capsys.readouterr()
    assert said.out == f"{out}\n" and "64 x 38, embedded network, 2 steps" in said.err
    assert [path.name for path in out.parent.iterdir()] == ["out.png"]
    with Image.open(out) as picture:
        assert picture.size == (64, 38)
    content = images.load(pictures / "photo.jpg", 64)
    assert not torch.allclose(images.load(out), content, atol=1 / 255)


@needs_weights
def test_stylize_mixes_and_repeats(pictures):
    def run(name: str, *extra: str) -> torch.Tensor:
        styles = [str(pictures / "painting.png"), "great_wave"]
        noise = ["--start", "noise", "-o", str(pictures / name)]
        assert cli.main(["stylize", "chelsea", *styles, *noise, *QUICK, *extra]) == 0
        return images.load(pictures / name)

    first = run("a.png", "--seed", "1", "--weights", "3,1")
    assert torch.equal(first, run("b.png", "--seed", "1", "--weights", "3,1"))
    assert not torch.equal(first, run("c.png", "--seed", "2", "--weights", "3,1"))
    assert not torch.equal(first, run("d.png", "--seed", "1", "--weights", "1,3"))


def test_data(capsys, monkeypatch, tmp_path):
    assert cli.main(["data", "list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in [*data.CATALOGUE, "chelsea", "great_wave"])
    assert cli.main(["data", "list", "--json"]) == 0
    sets = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert list(sets) == list(data.CATALOGUE) and "chelsea" in sets["photos"]["pictures"]
    assert sets["digits"]["bytes"] == data.CATALOGUE["digits"].size() and sets["seasons"]["bytes"] is None
    assert cli.main(["data", "fetch", "digits"]) == 0
    assert capsys.readouterr().out.strip() == str(data.root())
    monkeypatch.setenv("GENCOURSE_CACHE", str(tmp_path / "here"))
    assert cli.main(["data", "where"]) == 0
    assert capsys.readouterr().out.split() == ["embedded", str(data.root()), "cache", str(tmp_path / "here")]


def test_doctor(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("GENCOURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("GENCOURSE_PROFILE", "smoke")
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert torch.__version__.split("+")[0] in said and "smoke: GENCOURSE_PROFILE says so" in said
    assert "not downloaded; to have it: gencourse data fetch mnist" in said


def test_doctor_with_everything_missing(capsys, monkeypatch, tmp_path):
    """It must not fall over what it is there to find."""

    def nowhere():
        raise FileNotFoundError("not here: do this")

    monkeypatch.setenv("GENCOURSE_PROFILE", "fast")
    monkeypatch.setattr(checkpoints, "folder", lambda: tmp_path)
    monkeypatch.setattr("gencourse.paths.root", nowhere)
    monkeypatch.setattr("gencourse.chapters.run.chapters", nowhere)
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    todo = said[said.index("to do") :]
    assert "known: smoke, cpu, gpu" in said and "unset GENCOURSE_PROFILE" in todo
    assert "the weights of 'embedded' are missing" in todo and todo.count("not here: do this") == 2
    assert "pip install no-such-package" in said


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in another way there")
def test_who_reads_the_first_lines_alone_sees_no_traceback():
    command = "import sys; from gencourse.cli import main; sys.exit(main(['data', 'list']))"
    with subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait() == 141 and said == ""


def test_ctrl_c_does_not_replace_a_finished_picture(tmp_path, capsys, monkeypatch):
    def stopped(content, styles, network, args):
        return Stylized(content, History({"total": [1.0] * (args.steps - 1)}))

    monkeypatch.setattr(stylize, "optimise", stopped)
    command = ["stylize", "chelsea", "auvers", "--size", "64", "--steps", "9", "--encoder", "embedded", "-o"]
    assert cli.main([*command, str(tmp_path / "new.png")]) == 130 and (tmp_path / "new.png").exists()
    (tmp_path / "old.png").write_bytes(b"a finished picture")
    assert cli.main([*command, str(tmp_path / "old.png")]) == 130
    assert (tmp_path / "old.png").read_bytes() == b"a finished picture"
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in ("new.png", "old-stopped.png")]


def test_wrong_input_leaves_no_folder(tmp_path, capsys):
    assert cli.main(["stylize", "nosuch", "auvers", "-o", str(tmp_path / "a" / "b" / "x.png")]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="a folder where nobody can write: /proc")
def test_a_folder_where_nothing_can_be_written_is_told_before_the_work(capsys):
    assert cli.main(["stylize", "chelsea", "auvers", "-o", "/proc/x.png"]) == 2
    assert "nothing can be written to /proc" in capsys.readouterr().err
    assert cli.main(["run", "01", "--out", "/proc"]) == 2
    assert "nothing can be written to /proc" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["18446744073709551616", "1e3"])
def test_a_seed_out_of_range(number, tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["sample", "dcgan_digits", "-o", str(tmp_path / "x.png"), "--seed", number])
    assert "expected" in capsys.readouterr().err


def test_the_chapters_as_json(capsys):
    assert cli.main(["chapters", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told[0]["number"] == "01" and all(chapter["tasks"] and chapter["points"] for chapter in told)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252:strict"])
def test_a_console_that_cannot_write_a_name_gets_another_spelling(encoding):
    """A command that has done its work and prints where the result is must not end in a traceback."""
    command = r"""if True:
        import argparse, sys, warnings
        from gencourse import cli, commands

        def work(args):
            warnings.warn("\u2603 melts")
            print("\u2603.png", "\udcff")
            print("done \u2603", file=sys.stderr)
            return 0

        parser = argparse.ArgumentParser()
        parser.parse_args = lambda arguments: argparse.Namespace(command="work", main=work)
        cli.build = lambda: parser
        cli.discover = lambda: {"work": None}
        sys.exit(cli.main(["work"]))
    """
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONWARNINGS": "default"}
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [rb"\u2603.png", rb"\udcff"]
    assert done.stderr.splitlines() == [rb"gencourse work: \u2603 melts", rb"done \u2603"]


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you ...")])
def test_too_little_memory_is_told_with_what_makes_it_less(error, tmp_path, capsys, monkeypatch):
    def full(*given, **named):
        raise error

    monkeypatch.setattr(stylize, "main", full)
    arguments = ["stylize", "chelsea", "auvers", "--size", "8000", "-o", str(tmp_path / "x.png")]
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "memory is not enough" in said and "--size" in said
