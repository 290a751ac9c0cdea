"""Trainings that are killed, file that are damaged, and disks that are full."""

import errno
import io
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
import training
from torch import nn
from training import SOURCES, STEPS, Placed, Training, same

from gencourse import descend, fit
from gencourse.training import checkpoint_file
from gencourse.training.checkpoint_file import CheckpointFile
from gencourse.training.random_state import random_state, set_random_state
from gencourse.training.resumable import ResumableIterator
from gencourse.training.run_arguments import RunArguments

loop = sys.modules["gencourse.training.loop"]
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")


@pytest.fixture(autouse=True)
def _save_after_every_step(monkeypatch):
    monkeypatch.setattr(loop, "FLUSH_SECONDS", 0)


def test_a_save_with_other_arguments_is_refused(tmp_path, capsys):
    def train(**arguments):
        state = {"weight": torch.zeros(1), "arguments": RunArguments(**arguments)}
        return fit(lambda _: {"a": torch.ones(())}, [0], steps=2, state=state, save_to=tmp_path / "a", show=False)

    train(rate=0.1, data=Path("x"), deep=True)
    assert train(rate=0.1, data=Path("x"), deep=True).steps == 2
    with pytest.raises(
        ValueError, match="'arguments' .it was saved with deep True, now None, rate 0.1, now 0.2.: delete"
    ):
        train(rate=0.2, data=Path("x"))


def test_arguments_of_a_script_leave_out_where_it_runs_and_writes():
    arguments = RunArguments.of(Namespace(rate=0.1, start=Path("x"), out=Path("a"), save_to=Path("b"), device="cpu"))
    assert arguments.state_dict() == {"rate": 0.1, "start": "x"}


# Killed from outside


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder in which training.py has killed trainings, and what it printed."""
    folder = tmp_path_factory.mktemp("killed")
    here = Path(__file__).resolve().parent
    surroundings = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(here.parent)}
    command = [sys.executable, str(here / "training.py"), str(folder)]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


@forks
@pytest.mark.parametrize("source", ["a shuffling loader", "Batches"])
def test_killed_at_random_moments(source, killed):
    folder, told = killed
    assert int(re.search(rf"{source}: (\d+) kills", told)[1]) >= 3
    whole, pieces = (torch.load(folder / source / f"{name}.pt", weights_only=True) for name in ("whole", "random"))
    assert len(whole["history"]["mse"]) == STEPS
    assert same(whole, pieces)


@forks
@pytest.mark.slow
def test_killed_twenty_times(tmp_path):
    here = Path(__file__).resolve().parent
    more = {"TRAINING_STEPS": "120", "TRAINING_KILLS": "20", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(here.parent)}
    command = [sys.executable, str(here / "training.py"), str(tmp_path)]
    done = subprocess.run(command, env=os.environ | more, capture_output=True, text=True, timeout=590)
    assert done.returncode == 0, done.stdout + done.stderr
    for source in ("a shuffling loader", "Batches"):
        assert int(re.search(rf"{source}: (\d+) kills", done.stdout)[1]) == 20
        whole, pieces = (torch.load(tmp_path / source / f"{n}.pt", weights_only=True) for n in ("whole", "random"))
        assert len(whole["history"]["mse"]) == 120 and same(whole, pieces)


@forks
@pytest.mark.parametrize("moment", training.MOMENTS)
def test_killed_while_it_saves(moment, killed):
    folder = killed[0] / "a shuffling loader"
    whole, pieces = (torch.load(folder / f"{name}.pt", weights_only=True) for name in ("whole", moment))
    assert same(whole, pieces)
    left = sorted(path.name for path in folder.glob(f"{moment}.*"))
    assert left == [f"{moment}{end}" for end in (".pt", ".save", ".save.previous")]  # what was half written is gone


# Every kind of batches, stopped at every place


@pytest.mark.parametrize("source", SOURCES)
def test_batches_go_on_where_they_were(source, tmp_path, capsys):
    steps = 13
    whole = Training(source, seed=0).run(steps)
    # In the middle of a pass of five (Batches: six), at its last batch, just after it, in a later pass.
    for stop in (4, 5, 6, 7, 11):
        path = tmp_path / f"{stop}"
        Training(source, seed=0).run(stop, path, save_seconds=60)
        assert same(whole, Training(source, seed=stop).run(steps, path, save_seconds=60)), (
            f"differs when stopped after {stop}"
        )


def test_stopping_many_times(tmp_path, capsys):
    for source in ("a loader with the training's generator", "something that knows its place"):
        steps = 13  # two passes and a half
        whole = Training(source, seed=0).run(steps)
        for stop in range(1, steps + 1):
            pieces = Training(source, seed=0 if stop == 1 else 100 + stop).run(stop, tmp_path / source, save_seconds=60)
        assert same(whole, pieces)


def test_a_finished_training_is_not_trained_again(tmp_path, capsys):
    first = Training("a list", 0).run(5, tmp_path / "a")
    capsys.readouterr()
    again = Training("a list", 1).run(5, tmp_path / "a")
    assert same(first, again)
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'a'}: already trained for 5 steps")
    assert len(Training("a list", 1).run(3, tmp_path / "a")["history"]["mse"]) == 5  # nor cut short
    more = Training("a list", 1).run(9, tmp_path / "a")
    assert "going on after step 5" in capsys.readouterr().out
    assert same(Training("a list", 0).run(9), more)


def test_the_time_spent_is_added_up(tmp_path, capsys):
    def one(seconds, steps):
        def step(_):
            clock.now += seconds
            return {"a": torch.ones(())}

        return fit(step, [0], steps=steps, state={"w": torch.ones(1)}, save_to=tmp_path / "a", show=False)

    class clock:
        now = 100.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.time, "monotonic", lambda: clock.now)
        assert one(2.0, 3).seconds == pytest.approx(6)
        clock.now += 1000  # the kernel is away
        assert one(3.0, 5).seconds == pytest.approx(12)


# The place in the data


def test_a_data_set_that_shrank(tmp_path, capsys):
    task = Training("a list", 0)
    task.run(4, tmp_path / "a")
    task = Training("a list", 0)
    task.batches = task.batches[:2]
    with pytest.raises(ValueError, match=r"a does not fit 'batches' \(a pass had at least 4 batches, it has fewer now"):
        task.run(8, tmp_path / "a")


def test_batches_of_another_kind_or_size(tmp_path, capsys):
    for source, other in (("Batches", "a list"), ("a list", "Batches"), ("a list", "a loader with its own generator")):
        path = tmp_path / f"{source} {other}"
        Training(source, 0).run(2, path)
        with pytest.raises(ValueError, match="does not fit 'batches'.*delete the file or choose another name"):
            Training(other, 0).run(4, path)
    task = Training("Batches", 0)
    task.batches = training.Batches(task.x, 5, seed=1)
    with pytest.raises(ValueError, match="does not fit 'batches'.*batch_size 3"):
        task.run(4, tmp_path / "Batches a list")


def test_batches_are_started_anew_after_each_pass():
    batches = ResumableIterator([1, 2, 3])
    assert [next(batches) for _ in range(7)] == [1, 2, 3, 1, 2, 3, 1]
    batches = ResumableIterator(Placed(torch.arange(8.0)))
    assert [next(batches)[0].item() for _ in range(5)] == [0, 4, 0, 4, 0]


def test_batches_that_end_or_are_empty():
    with pytest.raises(ValueError, match="the batches ended after 2"):
        batches = ResumableIterator(iter([1, 2]))
        for _ in range(3):
            next(batches)
    loader = torch.utils.data.DataLoader(torch.zeros(3, 1), batch_size=4, drop_last=True)
    for nothing in ([], loader, Placed(torch.zeros(0))):
        with pytest.raises(ValueError, match="there are no batches"):
            next(ResumableIterator(nothing))


# Random numbers


def test_random_state_covers_every_source():
    def draw():
        return random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), torch.rand(2).tolist()

    draw()  # NumPy and Python keep the second of two normal numbers
    state = random_state()
    first = draw()
    other = draw()
    set_random_state(state)
    assert draw() == first != other


# The file


@pytest.fixture
def file(tmp_path) -> CheckpointFile:
    """Two generations of a save, the newer one after step 2."""
    file = CheckpointFile(tmp_path / "new folder" / "run.pt")
    for done in (1, 2):
        assert file.write({"done": done, "weights": torch.full((50,), float(done))})
    return file


def done_of(file: CheckpointFile) -> int | None:
    saved = CheckpointFile(file.path).read()
    return saved and saved["done"]


def test_saves_keep_two_generations(file):
    assert done_of(file) == 2
    assert sorted(path.name for path in file.path.parent.iterdir()) == ["run.pt", "run.pt.previous"]
    assert torch.load(file.previous, weights_only=True)["done"] == 1


def test_no_save_is_no_error(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert CheckpointFile(tmp_path / "none").read() is None


@pytest.mark.parametrize("cut", [0, 1, 100, 0.5, 0.95, "flipped", "text"])
def test_a_damaged_save_is_put_aside_and_the_previous_one_read(cut, file):
    data = file.path.read_bytes()
    if cut == "flipped":
        middle = data.index(np.full(50, 2, np.float32).tobytes())
        data = data[:middle] + b"\xff\xff" + data[middle + 2 :]
    elif cut == "text":
        data = b"this is no training\n" * 20
    else:
        data = data[: cut if isinstance(cut, int) else int(len(data) * cut)]
    file.path.write_bytes(data)
    with pytest.warns(
        UserWarning, match=r"run\.pt cannot be used.*kept as run\.pt\.damaged, looking for an older save"
    ):
        assert done_of(file) == 1
    assert file.path.with_name("run.pt.damaged").read_bytes() == data
    with warnings.catch_warnings():  # the next save does not push the damaged one over the good one
        warnings.simplefilter("error")
        CheckpointFile(file.path).write({"done": 3})
        assert done_of(file) == 3
        assert torch.load(file.previous, weights_only=True)["done"] == 1


def test_who_deletes_the_file_begins_anew(file):
    file.path.unlink()
    assert done_of(file) is None


@pytest.mark.parametrize("length", [0, 100, -100])
def test_who_deletes_the_file_after_a_write_was_cut_off_begins_anew(length, file):
    file.partial.write_bytes(file.path.read_bytes()[:length])
    assert done_of(file) == 2
    file.path.unlink()
    assert done_of(file) is None and not file.partial.exists()


def test_a_write_cut_off_between_its_renames(file):
    assert file.write({"done": 3})
    os.replace(file.path, file.partial)
    assert done_of(file) == 3 and done_of(file) == 3
    assert torch.load(file.previous, weights_only=True)["done"] == 2


def test_a_second_rename_that_fails(file, monkeypatch):
    """As on Windows, where another program may hold the new file open."""
    real = os.replace

    def held(source, target):
        if source == file.partial:
            raise PermissionError(13, "the file is in use")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", held)
        with pytest.warns(UserWarning, match="in use"):
            assert file.write({"done": 3}) is False
    assert done_of(file) == 2 and not file.partial.exists()


def test_both_saves_damaged(file):
    for path in (file.path, file.previous):
        path.write_bytes(path.read_bytes()[:60])
    with pytest.warns(UserWarning) as told:
        assert done_of(file) is None
    assert len([warning for warning in told if warning.category is UserWarning]) == 2


def test_a_save_of_another_format(file, monkeypatch):
    monkeypatch.setattr(checkpoint_file, "FORMAT", 2)
    with pytest.warns(UserWarning, match="it has format 1, this version reads 2"):
        assert done_of(file) is None


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("kind", ["pickle", "torch", "zip"])
def test_no_pickle_is_executed(kind, tmp_path, file):
    content = {"done": 9, "format": checkpoint_file.FORMAT, "weights": Malicious(tmp_path / "owned")}
    if kind == "torch":
        torch.save(content, file.path)
    elif kind == "pickle":
        file.path.write_bytes(pickle.dumps(content))
    else:  # a whole archive, as torch writes it, with another pickle in it
        data = file.path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file.path, "w") as new:
            for name in old.namelist():
                new.writestr(name, pickle.dumps(content, 2) if name.endswith("data.pkl") else old.read(name))
    with pytest.warns(UserWarning, match="cannot be used"):
        assert done_of(file) == 1
    assert not (tmp_path / "owned").exists()


def test_what_could_not_be_read_back_is_refused_at_the_first_save(tmp_path):
    class Counter:
        def state_dict(self):
            return {"path": Path("somewhere")}

        load_state_dict = None

    with pytest.raises(ValueError, match="more than tensors, numbers, strings, lists and dicts"):
        fit(lambda _: {"a": 1.0}, [0], steps=1, state={"c": Counter()}, save_to=tmp_path / "a", show=False)
    assert not list(tmp_path.iterdir())


def no_space(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["open", "fsync", "replace", "write", "mkdir"])
def test_a_full_disk(call, file, monkeypatch):
    class Full:
        """Where the first bytes still fit."""

        def __init__(self, path, mode):
            self.file = open(path, mode)  # noqa: SIM115

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            self.file.write(bytes(data)[:100])
            no_space()

    with monkeypatch.context() as patch:
        if call in ("open", "write"):
            patch.setattr(checkpoint_file, "open", no_space if call == "open" else Full, raising=False)
        elif call == "mkdir":
            patch.setattr(Path, "mkdir", no_space)
        else:
            patch.setattr(os, call, no_space)
        with pytest.warns(UserWarning, match=r"could not save to .*run\.pt .*No space left.*training goes on"):
            assert file.write({"done": 3}) is False
    assert done_of(file) == 2
    assert not file.partial.exists()  # it would keep the disk full
    assert file.write({"done": 4}) and done_of(file) == 4


def test_training_goes_on_with_a_full_disk(tmp_path, monkeypatch, capsys):
    whole = Training("a list", 0).run(6)
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.warns(UserWarning, match="training goes on"):
        assert same(whole, Training("a list", 0).run(6, tmp_path / "a"))
    assert not list(tmp_path.iterdir())


def test_a_damaged_save_costs_the_steps_since_the_previous_one(tmp_path, capsys):
    whole = Training("a shuffling loader", 0).run(9)
    Training("a shuffling loader", 0).run(6, tmp_path / "a")
    with open(tmp_path / "a", "r+b") as file:
        file.truncate(1000)
    with pytest.warns(UserWarning, match="cannot be used"):
        pieces = Training("a shuffling loader", 3).run(9, tmp_path / "a")
    assert "going on after step 6" in capsys.readouterr().out  # the last two file: after the step, and at the end
    assert same(whole, pieces)


# A save that does not fit


def test_other_names(tmp_path, capsys):
    task = Training("a list", 0)
    task.run(2, tmp_path / "a")
    del task.state["count"]
    with pytest.raises(ValueError, match=r"a holds \['average', 'count', .*this training has \['average', 'net'"):
        task.run(4, tmp_path / "a")
    assert (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("net", nn.Linear(3, 4)),
        ("net", nn.Sequential(nn.Linear(5, 3))),
        ("net", torch.Generator()),
        ("net", torch.zeros(2)),
        ("tensor", torch.zeros(2)),
        ("tensor", nn.Linear(5, 4)),
        ("generator", nn.Linear(5, 4)),
        ("generator", torch.zeros(3)),
        ("optimizer", torch.optim.Adam([{"params": [nn.Parameter(torch.zeros(1))]} for _ in range(2)])),
        ("optimizer", nn.Linear(5, 4)),
    ],
)
def test_other_shapes_and_kinds(name, other, tmp_path, capsys):
    def state():
        net = nn.Linear(5, 4)
        optimizer = torch.optim.Adam(net.parameters())
        return {"net": net, "optimizer": optimizer, "tensor": torch.zeros(3), "generator": torch.Generator()}

    def run(state, steps):
        return fit(lambda _: {"a": 1.0}, [0], steps=steps, state=state, save_to=tmp_path / "a", show=False)

    run(state(), 2)
    with pytest.raises(ValueError, match=f"(?s)a does not fit '{name}' .*delete the file or choose another name"):
        run(state() | {name: other}, 4)
    assert run(state(), 4).steps == 4  # the file is as good as before


def test_state_is_filled_in_place(tmp_path, capsys):
    counter = torch.zeros(2)

    def step(_):
        counter.add_(1)
        return {"a": 1.0}

    fit(step, [0], steps=3, state={"counter": counter}, save_to=tmp_path / "a", show=False)
    counter.zero_()
    fit(step, [0], steps=5, state={"counter": counter}, save_to=tmp_path / "a", show=False)
    assert counter.tolist() == [5, 5]


def test_parameters_as_tensors(tmp_path, capsys):
    def run(steps):
        x = torch.zeros(2, requires_grad=True)
        optimizer = torch.optim.SGD([x], lr=1.0)
        state = {"x": x, "optimizer": optimizer}
        fit(lambda _: {"a": descend(optimizer, x.sum())}, [0], steps=steps, state=state, save_to=path, show=False)
        return x.tolist()

    path = tmp_path / "a"
    assert run(2) == [-2, -2] and run(3) == [-3, -3]


def test_a_save_is_not_written_more_often_than_asked(tmp_path, monkeypatch):
    count = []
    monkeypatch.setattr(CheckpointFile, "write", lambda self, saved: count.append(saved["done"]))
    fit(lambda _: {"a": 1.0}, [0], steps=20, state={"x": torch.zeros(1)}, save_to=tmp_path / "a", show=False)
    assert count == [20]  # the seconds between file have not passed
    count.clear()
    fit(
        lambda _: {"a": 1.0},
        [0],
        steps=4,
        state={"x": torch.zeros(1)},
        save_to=tmp_path / "a",
        save_seconds=0,
        show=False,
    )
    assert set(count) == {1, 2, 3, 4}


def test_a_folder_that_is_copied_goes_on_elsewhere(tmp_path, capsys):
    whole = Training("Batches", 0).run(8)
    Training("Batches", 0).run(5, tmp_path / "here" / "a")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert same(whole, Training("Batches", 1).run(8, str(tmp_path / "there" / "a")))


def test_two_trainings_on_one_save(tmp_path):
    """The second is told at once, by its cause, and the first goes on."""
    path, net = tmp_path / "a.pt", nn.Linear(1, 1)
    state = {"net": net}

    def step(batch):
        with pytest.raises(ValueError, match="another training is saving to .*a.pt"):
            fit(lambda batch: {"loss": net.weight.sum()}, [0], steps=1, state=state, save_to=path, show=False)
        return {"loss": net.weight.sum()}

    assert fit(step, [0], steps=2, state=state, save_to=path, show=False).steps == 2
    assert [file.name for file in tmp_path.iterdir()] == ["a.pt"]  # and nothing of the lock
    fit(lambda batch: {"loss": net.weight.sum()}, [0], steps=3, state=state, save_to=path, show=False)


def test_the_lock_is_given_back_when_a_step_fails(tmp_path):
    def fails(batch):
        raise KeyError("a mistake in the step")

    for _ in range(2):
        with pytest.raises(KeyError):
            fit(fails, [0], steps=1, state={"net": nn.Linear(1, 1)}, save_to=tmp_path / "a.pt", show=False)


def test_a_drive_that_cannot_lock_is_trained_on_all_the_same(tmp_path, monkeypatch):
    def cannot(self, *given, **named):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr("filelock.BaseFileLock.acquire", cannot)
    net = nn.Linear(1, 1)
    fit(lambda b: {"loss": net.weight.sum()}, [0], steps=1, state={"net": net}, save_to=tmp_path / "a.pt", show=False)
    assert (tmp_path / "a.pt").exists()
