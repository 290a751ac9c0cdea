"""The training loop: what it counts, what it refuses, what it shows, and how it stops."""

import itertools
import signal
import sys
import threading
import weakref
from collections import namedtuple

import cells
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import gencourse
from gencourse import descend, fit
from gencourse.chapters.outputs import collapse_terminal_output
from gencourse.training import live

loop = sys.modules["gencourse.training.loop"]


class Steps:
    """A step that counts itself: the loss of step n is 1 / n, and `at` names what happens in which step."""

    def __init__(self, **at):
        self.done, self.batches, self.at = 0, [], at

    def __call__(self, batch):
        self.done += 1
        self.batches.append(batch)
        losses = {"a": torch.tensor(1 / self.done), "b": torch.tensor(float(self.done))}
        for name, (when, value) in self.at.items():
            if when == self.done:
                losses[name] = value if isinstance(value, torch.Tensor) else torch.tensor(value)
        return losses


@pytest.fixture
def each_step(monkeypatch):
    """Losses are read after every step."""
    monkeypatch.setattr(loop, "FLUSH_SECONDS", 0)


@pytest.fixture
def rarely(monkeypatch):
    """Losses are read only where they must be."""
    monkeypatch.setattr(loop, "FLUSH_SECONDS", 1e9)


@pytest.fixture
def notebook(monkeypatch):
    """As in a notebook; returns the pictures that are drawn: [step, losses, preview]."""
    drawn = []
    monkeypatch.setattr(live, "in_notebook", lambda: True)
    real = live.curves_and_preview

    def draw(losses, preview, title):
        drawn.append((title, {k: list(v) for k, v in losses.items()}, preview))
        return real(losses, preview, title)

    monkeypatch.setattr(live, "curves_and_preview", draw)
    return drawn


# Counting


@pytest.mark.parametrize("steps", [1, 2, 7, 23])
@pytest.mark.parametrize("often", ["each_step", "rarely"])
def test_it_makes_exactly_the_steps_asked_for(steps, often, request):
    request.getfixturevalue(often)
    step = Steps()
    history = fit(step, ["x", "y", "z"], steps=steps, show=False)
    assert step.done == steps == history.steps
    assert step.batches == list(itertools.islice(itertools.cycle("xyz"), steps))
    assert history["a"] == [torch.tensor(1 / n).item() for n in range(1, steps + 1)]
    assert history["b"] == [float(n) for n in range(1, steps + 1)]
    assert history.seconds > 0 and isinstance(history["a"][0], float)


def test_smoothed_history():
    history = fit(Steps(), [0], steps=3, show=False)
    mean, weight, wanted = 0.0, 0.0, []
    for value in (1.0, 2.0, 3.0):
        mean, weight = 0.9 * mean + 0.1 * value, 0.9 * weight + 0.1
        wanted.append(mean / weight)
    assert history.smooth("b", 0.9) == pytest.approx(wanted)
    assert history.smooth("b", 0) == [1, 2, 3]


@pytest.mark.parametrize(
    ("loss", "read"),
    [
        (torch.tensor(0.5), 0.5),
        (torch.tensor([[0.5]]), 0.5),
        (torch.tensor(0.5, requires_grad=True) * 1, 0.5),
        (torch.tensor(0.5).half(), 0.5),
        (torch.tensor(0.1, dtype=torch.float64), 0.1),
        (torch.tensor(16_777_217), 16_777_217.0),
        (torch.tensor(True), 1.0),
        (0.1, float(torch.tensor(0.1))),
        (3, 3.0),
        (np.float64(0.25), 0.25),
    ],
)
def test_what_a_loss_may_be(loss, read):
    history = fit(lambda _: {"loss": loss, "other": torch.tensor(2.0)}, [0], steps=2, show=False)
    assert history == {"loss": [read, read], "other": [2.0, 2.0]}


def test_a_loss_that_the_step_goes_on_writing_into(rarely):
    total, numbers = torch.zeros(()), np.zeros(())

    def step(_):
        nonlocal numbers
        total.add_(1)
        numbers += 1
        return {"total": total, "numbers": numbers}

    assert fit(step, [0], steps=4, every=4, show=False) == {"total": [1, 2, 3, 4], "numbers": [1, 2, 3, 4]}


def test_it_trains(rarely):
    torch.manual_seed(0)
    net = nn.Linear(2, 1)
    x = torch.randn(64, 2)
    data = DataLoader(TensorDataset(x, x @ torch.tensor([[2.0], [-1.0]]) + 0.5), 16, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), 0.1)

    def step(batch):
        return {"mse": descend(optimizer, ((net(batch[0]) - batch[1]) ** 2).mean())}

    history = fit(step, data, steps=150, show=False)
    assert history["mse"][-1] < 1e-3 < history["mse"][0]


# What is refused


@pytest.mark.parametrize(
    "arguments", [{"steps": 0}, {"steps": -1}, {"steps": 5, "every": 0}, {"steps": 5, "every": -2}]
)
def test_bad_numbers(arguments):
    step = Steps()
    with pytest.raises(ValueError, match="must be at least 1"):
        fit(step, [0], show=False, **arguments)
    assert step.done == 0


def test_saving_needs_a_state(tmp_path):
    with pytest.raises(ValueError, match="save_to needs state"):
        fit(Steps(), [0], steps=2, save_to=tmp_path / "a", show=False)


@pytest.mark.parametrize("result", [None, torch.tensor(1.0), torch.ones(3), 0.5, {}, [], (torch.tensor(1.0),), "loss"])
def test_a_step_that_returns_no_losses(result):
    with pytest.raises(ValueError, match=r"step must return \{name: scalar tensor\}, got"):
        fit(lambda _: result, [0], steps=2, show=False)


@pytest.mark.parametrize("often", ["each_step", "rarely"])
@pytest.mark.parametrize("second", [{"a": 1.0}, {"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 1.0, "B": 2.0}])
def test_losses_that_change_their_names(second, often, request):
    request.getfixturevalue(often)
    results = iter([{"a": 1.0, "b": 2.0}, second])
    with pytest.raises(ValueError, match=r"the same losses each time: \['a', 'b'\], got"):
        fit(lambda _: next(results), [0], steps=2, show=False)


def test_the_order_of_the_losses_may_change():
    results = iter([{"a": 1.0, "b": 2.0}, {"b": 4.0, "a": 3.0}])
    history = fit(lambda _: next(results), [0], steps=2, show=False)
    assert history == {"a": [1, 3], "b": [2, 4]}


def test_a_loss_that_is_no_number():
    with pytest.raises(ValueError, match=r"one number, got b \(8, 1\): take the mean"):
        fit(lambda _: {"a": torch.tensor(1.0), "b": torch.ones(8, 1)}, [0], steps=2, show=False)


@pytest.mark.parametrize("often", ["each_step", "rarely"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("when", [1, 4, 9])
def test_a_loss_that_is_not_finite(value, when, often, request):
    request.getfixturevalue(often)
    step = Steps(b=(when, value))
    with pytest.raises(FloatingPointError, match=rf"^loss 'b' became {value} at step {when}$") as caught:
        fit(step, [0], steps=9, every=9, show=False)
    history = caught.value.history
    assert history.steps == when - 1
    if when > 1:  # the losses before it, of all names, and none of the step itself
        assert history["b"] == [float(n) for n in range(1, when)] and len(history["a"]) == when - 1
    if often == "each_step":
        assert step.done == when  # it stops at once


def test_the_first_of_several_is_named(rarely):
    step = Steps(a=(5, float("nan")), b=(3, float("inf")))
    with pytest.raises(FloatingPointError, match="loss 'b' became inf at step 3"):
        fit(step, [0], steps=8, every=8, show=False)


def test_what_is_not_finite_is_never_saved(tmp_path, each_step):
    weights = torch.zeros(1)
    step = Steps(a=(4, float("nan")))

    def spoil(batch):
        weights.fill_(step.done + 1)
        return step(batch)

    options = {"state": {"weights": weights}, "save_to": tmp_path / "a", "save_seconds": 0, "show": False}
    with pytest.raises(FloatingPointError):
        fit(spoil, [0], steps=9, **options)
    saved = torch.load(tmp_path / "a", weights_only=True)
    assert saved["done"] == 3 and saved["state"]["weights"] == 3


def test_small_previews_do_not_keep_it_from_saving(tmp_path):
    seen = []

    def step(_):
        seen.append((tmp_path / "a").exists())
        return {"a": 1.0}

    options = {"state": {"weights": torch.zeros(1)}, "save_to": tmp_path / "a", "save_seconds": 0, "show": False}
    fit(step, [0], steps=6, every=2, **options)
    assert seen == [False, False, True, True, True, True]


def test_an_error_in_a_step_comes_through():
    def step(_):
        raise KeyError("mine")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyError, match="mine"):
        fit(step, [0], steps=2, show=False)
    assert signal.getsignal(signal.SIGINT) is before


# Batches and devices


def test_batches_that_end_or_are_none():
    with pytest.raises(ValueError, match="ended after 3"):
        fit(Steps(), iter(range(3)), steps=5, show=False)
    with pytest.raises(ValueError, match="there are no batches: the data set is empty or smaller than one batch"):
        fit(Steps(), DataLoader(torch.zeros(3, 1), batch_size=4, drop_last=True), steps=5, show=False)
    assert fit(Steps(), itertools.repeat(None), steps=5, show=False).steps == 5
    assert fit(Steps(), iter(range(5)), steps=5, show=False).steps == 5  # just enough


Pair = namedtuple("Pair", "image label")


def test_nested_batches_are_moved():
    x = torch.ones(2)
    batch = {"pair": Pair(x, "cat"), "more": [x, (x, 3)], "nothing": None, "kept": {"here": "text"}}
    step = Steps()
    fit(step, [batch], steps=1, device="meta", show=False)
    moved = step.batches[0]
    assert isinstance(moved["pair"], Pair) and isinstance(moved["more"], list) and isinstance(moved["more"][1], tuple)
    tensors = [moved["pair"].image, moved["more"][0], moved["more"][1][0]]
    assert all(t.device.type == "meta" for t in tensors) and x.device.type == "cpu"
    assert (moved["pair"].label, moved["more"][1][1], moved["nothing"]) == ("cat", 3, None)
    assert moved["kept"] == {"here": "text"}


@pytest.mark.parametrize(
    ("state", "device"),
    [
        ({}, "cpu"),
        ({"net": nn.Linear(1, 1, device="meta")}, "meta"),
        ({"loss": nn.MSELoss(), "generator": torch.Generator(), "net": nn.Linear(1, 1, device="meta")}, "meta"),
        ({"image": torch.zeros(2, device="meta")}, "meta"),
        ({"loss": nn.MSELoss()}, "cpu"),
    ],
)
def test_batches_go_where_the_state_is(state, device):
    step = Steps()
    fit(step, [torch.ones(2)], steps=1, state=state, show=False)
    assert step.batches[0].device.type == device
    fit(step, [torch.ones(2)], steps=1, state=state, device="cpu", show=False)
    assert step.batches[1].device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_losses_of_several_devices():
    def step(batch):
        return {"here": 0.5, "there": batch.mean(), "double": batch.mean().double(), "cpu": torch.tensor(2.0)}

    history = fit(step, [torch.full((4,), 0.25)], steps=3, device="cuda", show=False)
    assert history == {"here": [0.5] * 3, "there": [0.25] * 3, "double": [0.25] * 3, "cpu": [2.0] * 3}


# Stopping


@pytest.fixture
def ctrl_c():
    """Ctrl-C as Python starts with it, also where the tests themselves run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_after_the_step_under_way(ctrl_c, capsys, tmp_path):
    ended = []

    def step(_):
        if len(ended) == 4:
            signal.raise_signal(signal.SIGINT)
        ended.append(True)
        return {"a": float(len(ended))}

    state = {"x": torch.zeros(1)}
    history = fit(step, [0], steps=9, state=state, save_to=tmp_path / "a", show=False)
    assert len(ended) == 5 and history["a"] == [1, 2, 3, 4, 5]
    assert capsys.readouterr().out == "stopped after step 5 of 9; the history so far is returned\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert torch.load(tmp_path / "a", weights_only=True)["done"] == 5
    again = fit(step, [0], steps=9, state=state, save_to=tmp_path / "a", show=False)
    assert again["a"] == [float(n) for n in range(1, 10)]


def test_ctrl_c_twice_ends_at_once(ctrl_c, capsys, tmp_path, each_step):
    weights, ended = torch.zeros(1), []

    def step(_):
        weights.add_(0.5)
        if len(ended) == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        weights.add_(0.5)
        ended.append(True)
        return {"a": 1.0}

    options = {"state": {"weights": weights}, "save_to": tmp_path / "a", "save_seconds": 0, "show": False}
    history = fit(step, [0], steps=9, **options)
    assert len(ended) == history.steps == 3 and weights == 3.5
    assert "stopped after step 3 of 9" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    saved = torch.load(tmp_path / "a", weights_only=True)
    assert saved["done"] == saved["state"]["weights"] == 3  # never a network between two steps


def test_losses_not_yet_read_survive_a_second_ctrl_c(ctrl_c, rarely, capsys):
    def step(_):
        step.done += 1
        if step.done == 6:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        return {"a": float(step.done)}

    step.done = 0
    assert fit(step, [0], steps=9, every=9, show=False)["a"] == [1, 2, 3, 4, 5]


def test_ctrl_c_at_the_last_step_is_no_stop(ctrl_c, capsys):
    def step(_):
        signal.raise_signal(signal.SIGINT)
        return {"a": 1.0}

    assert fit(step, [0], steps=1, show=False).steps == 1
    assert capsys.readouterr().out == ""


def test_where_ctrl_c_is_ignored_it_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        step = Steps()
        fit(lambda b: (signal.raise_signal(signal.SIGINT), step(b))[1], [0], steps=3, show=False)
        assert step.done == 3 and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_it_runs_in_a_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(fit(Steps(), [0], steps=5, show=False)))
    thread.start()
    thread.join()
    assert results[0].steps == 5


# What it costs


def test_no_loss_is_read_on_every_step(rarely, monkeypatch):
    calls = []
    for name in ("item", "tolist", "cpu", "numpy", "__float__", "__bool__"):
        real = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda *a, real=real, name=name: (calls.append(name), real(*a))[1])
    step = Steps()
    history = fit(step, [torch.zeros(1)], steps=200, every=100, device="cpu", show=False)
    assert history.steps == 200
    assert calls.count("tolist") == 2 and len(calls) < 10  # once where it draws, once at the end


def test_losses_keep_neither_graphs_nor_large_tensors_alive(rarely):
    kept = []

    class Graph(torch.autograd.Function):
        """A piece of a graph that is seen to go."""

        @staticmethod
        def forward(ctx, x):
            ctx.token = nn.Module()
            kept.append(weakref.ref(ctx.token))
            return x.clone()

    def step(_):
        large = np.zeros(1000, np.float32)
        kept.append(weakref.ref(large))
        assert sum(thing() is not None for thing in kept) <= 4, "those of steps before are still there"
        return {"corner": torch.from_numpy(large)[3], "graph": Graph.apply(torch.zeros((), requires_grad=True))}

    fit(step, [0], steps=10, every=10, show=False)


# What it shows


def test_a_terminal_gets_a_bar_and_lines(capsys, monkeypatch):
    previews = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    fit(Steps(), [0], steps=10, every=5, title="my net", preview=lambda: previews.append(1))
    told = capsys.readouterr()
    assert told.out == ""  # that is for results
    assert "my net: step 5/10  a " in told.err and "my net: step 10/10  a " in told.err
    assert "%|" in told.err and "10/10" in told.err and "b=" in told.err
    assert not previews  # there is nowhere to show them


def test_a_pipe_gets_a_line_now_and_then(capsys, each_step):
    fit(Steps(), [0], steps=10, every=5, title="my net")
    told = capsys.readouterr()
    assert [line.split("  ")[0] for line in told.err.split("\n")] == ["my net: step 5/10", "my net: step 10/10", ""]
    assert told.out == "" and "\r" not in told.err


def test_a_kept_notebook_keeps_the_last_line(capsys):
    """That of a training in a process which a cell has started."""
    fit(Steps(), [0], steps=4, every=1, title="first")
    fit(Steps(), [0], steps=4, every=1, title="second")
    kept = collapse_terminal_output(capsys.readouterr().err)
    assert [line.split("  ")[0] for line in kept.split("\n")] == ["first: step 4/4", "second: step 4/4", ""]


def test_a_still_screen(capsys, notebook):
    fit(Steps(), [0], steps=10, every=5, show=False, preview=lambda: 1 / 0)
    assert capsys.readouterr() == ("", "") and not notebook


def test_the_picture_is_redrawn_when_asked(notebook, each_step, capsys):
    fit(Steps(), [0], steps=10, every=4, preview=lambda: torch.zeros(2, 1, 4, 4), title="gan")
    assert [title for title, _, _ in notebook] == [f"gan, step {n} of 10" for n in (4, 8, 10)]
    assert [len(losses["a"]) for _, losses, _ in notebook] == [4, 8, 10]  # all losses up to here, none pending


@pytest.mark.parametrize(("steps", "times"), [(3, 3), (10, 10), (100, 10), (1000, 10)])
def test_by_default_it_is_redrawn_about_ten_times(steps, times, notebook, capsys, monkeypatch):
    monkeypatch.setattr(live.Live, "draw", lambda self, done, *_: notebook.append(done))
    fit(Steps(), [0], steps=steps)
    assert len(notebook) == times and notebook[-1] == steps


def test_a_preview_runs_without_gradients(notebook, capsys):
    seen = []
    net = nn.Linear(1, 1)

    def preview():
        seen.append(net(torch.ones(1)).requires_grad or torch.is_grad_enabled())
        return torch.zeros(1, 3, 4, 4)

    fit(Steps(), [0], steps=2, every=1, preview=preview)
    assert seen == [False, False] and torch.is_grad_enabled()


def trained(preview: bool, **options) -> list:
    """What a training with dropout and a generator comes to."""
    gencourse.runtime.start(seed=3, profile="smoke")
    net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.Linear(8, 4))
    optimizer = torch.optim.Adam(net.parameters())
    g = torch.Generator().manual_seed(1)
    data = DataLoader(TensorDataset(torch.arange(32.0).reshape(8, 4) / 32), 2, shuffle=True)

    def step(batch):
        noise = torch.randn(2, 4, generator=g) * np.random.rand()
        return {"mse": descend(optimizer, (net(batch[0] + noise) - batch[0]).square().mean())}

    def draw():
        net(torch.rand(4))
        np.random.rand(7)
        return torch.rand(1, 1, 4, 4, generator=g).requires_grad_()

    history = fit(step, data, steps=6, preview=draw if preview else None, state={"net": net, "g": g}, **options)
    return [*(p.tolist() for p in net.parameters()), history, torch.rand(2, generator=g).tolist()]


def test_a_preview_cannot_disturb_the_training(notebook, capsys):
    still = trained(preview=False, show=False)
    assert trained(preview=True, every=1) == still and len(notebook) == 6
    assert trained(preview=True, every=4) == still
    assert trained(preview=False, every=1) == still


@pytest.mark.parametrize("channels", [1, 3])
def test_a_preview_is_one_sheet_whatever_its_values(channels):
    values = torch.tensor([-1.0, 0.5, float("nan"), 7.0]).reshape(4, 1, 1, 1).expand(4, channels, 2, 2)
    sheet = live.curves_and_preview({"a": [1.0]}, values, "title").axes[1].images[0].get_array()
    assert sheet.shape == (5, 5, 3)  # two rows of two, a white line between them
    assert [sheet[r, c].tolist() for r in (0, 4) for c in (0, 4)] == [[v] * 3 for v in (0, 0.5, 0, 1)]
    assert (sheet[2] == 1).all() and (sheet[:, 2] == 1).all()


def test_a_preview_that_fails_leaves_random_numbers_alone(notebook, capsys):
    def preview():
        torch.rand(7)
        raise RuntimeError("no picture")

    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="no picture"):
        fit(Steps(), [0], steps=2, preview=preview)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("bad", [torch.zeros(3, 4, 4), torch.zeros(1, 3, 4, 4, dtype=torch.uint8)])
def test_a_preview_of_the_wrong_kind(bad, notebook, capsys):
    with pytest.raises(ValueError, match=r"preview must return \(B, C, H, W\) in \[0, 1\], got"):
        fit(Steps(), [0], steps=2, preview=lambda: bad)


def test_importing_the_package_is_light():
    import subprocess

    code = "import sys, gencourse; print([m for m in ('matplotlib', 'torchvision', 'IPython') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert told.stdout.strip() == "[]", told.stderr


# In a real notebook


SETUP = """
import os, signal, time, torch, gencourse
done = 0
def step(batch):
    global done
    done += 1
    if done == 45:
        os.kill(os.getpid(), signal.SIGINT)
    return {"mse": torch.tensor(1.0 / done), "mae": torch.tensor(2.0 / done)}
def preview():
    return torch.tensor([done / 30, 0, 0]).reshape(1, 3, 1, 1).expand(4, 3, 8, 8)
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    sources = [
        SETUP,
        "history = gencourse.fit(step, [None], steps=30, preview=preview, every=3)",
        "history = gencourse.fit(step, [None], steps=30, every=10)\nprint(history.steps, done)",
        "history = gencourse.fit(step, [None], steps=30, show=False)\nprint(history.steps, done)",
    ]
    return [*cells.run(folder, *sources), (folder / "run.ipynb").stat().st_size]


def test_a_notebook_keeps_one_picture_the_last(outputs):
    pictures = cells.pictures(outputs[1])
    assert len(pictures) == 1
    pixels = cells.pixels(pictures[0]).reshape(-1, 3)
    assert (pixels == [255, 0, 0]).all(axis=1).sum() > 1000  # the preview of step 30, not of an earlier one
    others = (pixels[:, 0] < 250) & (pixels[:, 0] > 50) & (pixels[:, 1:] == 0).all(axis=1)
    assert others.sum() < 50
    assert not cells.text(outputs[1])


def test_a_notebook_stays_small(outputs):
    assert outputs[-1] < 200_000


def test_the_stop_button_keeps_the_history(outputs):
    assert cells.text(outputs[2]) == "stopped after step 15 of 30; the history so far is returned\n15 45\n"
    assert len(cells.pictures(outputs[2])) == 1
    assert cells.text(outputs[3]) == "30 75\n" and len(outputs[3]) == 1
