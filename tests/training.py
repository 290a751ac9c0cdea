"""A small training that uses every kind of state, and a program that kills it.

    python training.py FOLDER

trains once without a stop, then again and again with kills at random and at chosen moments, and writes what came of
each to FOLDER; test_resume compares them. Every training is a process of its own, forked: torch is imported once.
"""

import builtins
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from gencourse import Average, descend, fit
from gencourse.data import Batches
from gencourse.training import checkpoint_file
from gencourse.training.resumable import read_state

STEPS = int(os.environ.get("TRAINING_STEPS", "24"))
KILLS = int(os.environ.get("TRAINING_KILLS", "6"))  # at random moments
loop = sys.modules["gencourse.training.loop"]


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Augmented(Dataset):
    """Items that draw from the global numbers."""

    def __init__(self, x: Tensor):
        self.x = x

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> Tensor:
        return self.x[i] * (1 if random.random() < 0.5 else -1) + 0.1 * torch.randn(())


class Shuffled:
    """Passes in an order that `order()` draws anew each time."""

    def __init__(self, x: Tensor, order: Callable[[], Any]):
        self.x, self.order = x, order

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.x[torch.as_tensor(self.order())].split(4))


class Placed:
    """Finite passes that know their own place."""

    def __init__(self, x: Tensor):
        self.x, self.place = x, 0

    def __iter__(self) -> Iterator[Tensor]:
        while self.place < len(self.x):
            self.place += 4
            yield self.x[self.place - 4 : self.place]
        self.place = 0

    def state_dict(self) -> dict[str, int]:
        return {"place": self.place}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.place = state["place"]


def endless(x: Tensor, g: torch.Generator) -> Iterator[Tensor]:
    while True:
        yield x[torch.randint(len(x), (4,), generator=g)]


def shuffled_by_python(n: int) -> list[int]:
    order = list(range(n))
    random.shuffle(order)
    return order


# Sources of batches of 4 from x, (20, 3), that a training with the generator g may have: five batches a pass.
SOURCES: dict[str, Callable[[Tensor, torch.Generator], Iterable]] = {
    "a list": lambda x, g: list(x.split(4)),
    "a shuffling loader": lambda x, g: DataLoader(TensorDataset(x), 4, shuffle=True),
    "a loader with its own generator": lambda x, g: DataLoader(
        TensorDataset(x), 4, shuffle=True, generator=generator(3)
    ),
    "a loader with the training's generator": lambda x, g: DataLoader(TensorDataset(x), 4, shuffle=True, generator=g),
    "a sampler with its own generator": lambda x, g: DataLoader(x, 4, sampler=RandomSampler(x, generator=generator(5))),
    "a batch sampler with its own generator": lambda x, g: DataLoader(
        x, batch_sampler=BatchSampler(RandomSampler(x, generator=generator(5)), 4, drop_last=False)
    ),
    "a loader that augments": lambda x, g: DataLoader(Augmented(x), 4, shuffle=True),
    "passes drawn by the training's generator": lambda x, g: Shuffled(x, lambda: torch.randperm(len(x), generator=g)),
    "passes drawn by python": lambda x, g: Shuffled(x, lambda: shuffled_by_python(len(x))),
    "passes drawn by numpy": lambda x, g: Shuffled(x, lambda: np.random.permutation(len(x))),
    "endless, drawn by the training's generator": endless,
    "two loaders in step": lambda x, g: zip(
        *(DataLoader(x.repeat(6, 1), 4, shuffle=True) for _ in range(2)), strict=True
    ),
    "something that knows its place": lambda x, g: Placed(x),
    "Batches": lambda x, g: Batches(x, 3, seed=1),
    "nothing": lambda x, g: repeat(None),
}


class Training:
    """A network with dropout and batch norm, Adam, a schedule, an average, a counter and a generator."""

    def __init__(self, source: str, seed: int):
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        self.net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
        with torch.no_grad():  # the seed may differ between two starts, the first weights must not matter
            for i, weights in enumerate(self.net.parameters()):
                weights.copy_(torch.linspace(-1, 1, weights.numel()).reshape(weights.shape) * (i + 1) / 4)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=0.01)
        self.state = {
            "net": self.net,
            "optimizer": self.optimizer,
            "schedule": torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, STEPS),
            "average": Average(self.net, decay=0.9),
            "noise": generator(11),
            "count": torch.zeros(()),
        }
        self.x = torch.arange(60.0).reshape(20, 3) / 60
        self.batches = SOURCES[source](self.x, self.state["noise"])
        self.pause = 0.0

    def step(self, batch: Any) -> dict[str, Tensor]:
        time.sleep(self.pause)
        while isinstance(batch, list | tuple):
            batch = batch[0]
        batch = self.x[:4] if batch is None else batch
        self.state["count"] += random.random()
        noisy = batch + 0.1 * torch.randn(batch.shape, generator=self.state["noise"])
        loss = descend(self.optimizer, ((self.net(noisy) - batch) ** 2).mean() + 0.01 * np.random.rand())
        self.state["schedule"].step()
        self.state["average"].update(self.net)
        return {"mse": loss, "batch": (batch * torch.arange(1, 4)).sum(), "count": self.state["count"]}

    def run(self, steps: int, save_to: Path | None = None, save_seconds: float = 0) -> dict[str, Any]:
        """Train, and return everything that must come out the same."""
        saving = {"save_to": save_to, "save_seconds": save_seconds}
        history = fit(self.step, self.batches, steps=steps, state=self.state, show=False, **saving)
        everything = {name: read_state(thing) for name, thing in self.state.items()}
        drawn = torch.rand(3), random.random(), float(np.random.rand()), torch.rand(3, generator=self.state["noise"])
        with torch.no_grad():
            samples = self.state["average"].module.eval()(self.x)
        return everything | {"history": dict(history), "drawn": list(drawn), "samples": samples}


def same(a: Any, b: Any) -> bool:
    """Whether two results are equal to the last bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return torch.equal(a, b) if isinstance(a, Tensor) else a == b


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(calls: int, function: Callable, before: bool) -> Callable:
    """`function`, but the process dies before or after its n-th call."""
    count = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if before and count == calls:
            die()
        result = function(*args, **kwargs)
        if count == calls:
            die()
        return result

    return call


class HalfWritten:
    """A file of which only half of what is written arrives before the process dies."""

    def __init__(self, file: Any):
        self.file = file

    def __enter__(self) -> "HalfWritten":
        return self

    def __exit__(self, *_: Any) -> None:
        self.file.close()

    def write(self, data: Any) -> None:
        self.file.write(bytes(data)[: len(data) // 2])
        self.file.flush()
        die()


def half_written(path: Path, mode: str) -> Any:
    """`open`, for which the fourth file is one of those."""
    half_written.count = getattr(half_written, "count", 0) + 1
    file = builtins.open(path, mode)  # noqa: SIM115 (closed by whom it is for)
    return HalfWritten(file) if half_written.count == 4 else file


# The chosen moments: each patches the child so that it dies there. A save calls os.replace twice, the first one once.
MOMENTS: dict[str, Callable[[], None]] = {
    "half a file": lambda: setattr(checkpoint_file, "open", half_written),
    "before fsync": lambda: setattr(os, "fsync", dying(4, os.fsync, before=True)),
    "before the first rename": lambda: setattr(os, "replace", dying(6, os.replace, before=True)),
    "between the renames": lambda: setattr(os, "replace", dying(6, os.replace, before=False)),
    "after both renames": lambda: setattr(os, "replace", dying(7, os.replace, before=False)),
}


def child(
    source: str, folder: Path, name: str, *, save: bool = True, moment: str | None = None, pause: float = 0
) -> int:
    """Fork a training that writes its result to FOLDER/NAME.pt when it gets that far; return the child's id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        loop.FLUSH_SECONDS = 0  # a save after every step
        if moment:
            MOMENTS[moment]()
        training = Training(source, seed=os.getpid() % 1000 if (folder / f"{name}.save").exists() else 0)
        training.pause = pause
        result = training.run(STEPS, folder / f"{name}.save" if save else None)
        torch.save(result, folder / f"{name}.pt")
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)


def finish(pid: int) -> int:
    """Wait for a child; return its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def written(path: Path) -> int:
    """When a file was written last, 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def killed_at_random(source: str, folder: Path, rng: random.Random) -> None:
    """Run until done, killing it often; print how often it was killed after it had saved and before it was done."""
    save, kills = folder / "random.save", 0
    for attempt in range(2 * KILLS + 28):
        pid = child(source, folder, "random", pause=0.01 if kills < KILLS else 0)
        if kills < KILLS and attempt < 2 * KILLS + 27:
            begun, ended, limit = written(save), (0, 0), time.monotonic() + 60
            while written(save) == begun and not ended[0] and time.monotonic() < limit:  # every try gets further
                time.sleep(0.001)
                ended = os.waitpid(pid, os.WNOHANG)
            time.sleep(rng.uniform(0, 0.03))
            if not ended[0]:
                os.kill(pid, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(ended[1]) if ended[0] else finish(pid)
        else:
            code = finish(pid)
        assert code in (0, -signal.SIGKILL), f"{source}: the training failed"
        kills += code == -signal.SIGKILL
        if code == 0:
            break
    print(f"{source}: {kills} kills")


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    weights = nn.Parameter(torch.zeros(1))
    weights.grad = torch.zeros(1)
    torch.optim.Adam([weights]).step()  # what torch imports at the first step is imported once, here
    for i, source in enumerate(("a shuffling loader", "Batches")):
        place = folder / source
        place.mkdir()
        assert finish(child(source, place, "whole", save=False)) == 0
        killed_at_random(source, place, random.Random(i))
        for moment in MOMENTS if i == 0 else ():
            code = finish(child(source, place, moment, moment=moment))
            assert code == -signal.SIGKILL, f"{moment}: not killed, {code}"
            assert finish(child(source, place, moment)) == 0, moment


if __name__ == "__main__":
    main(Path(sys.argv[1]))
