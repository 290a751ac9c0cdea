"""Where a training stands: the losses, the steps done, the place in the data, and how it is saved and read back.

The half of `fit` that counts.
"""

import math
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from gencourse.training.checkpoint_file import CheckpointFile
from gencourse.training.live import smooth, smoothed
from gencourse.training.random_state import random_state, set_random_state
from gencourse.training.resumable import ResumableIterator, read_state, write_state
from gencourse.training.transfer import device_of, move, read_scalars

FLUSH_SECONDS = 0.5  # losses stay on the device this long before they are read in one transfer


class History(dict[str, list[float]]):
    """The losses of a training: name -> one value a step.

    Attributes:
        seconds: The time spent.
        steps: How many steps were done.
    """

    seconds: float = 0.0

    @property
    def steps(self) -> int:
        return max((len(values) for values in self.values()), default=0)

    def smooth(self, name: str, beta: float = 0.95) -> list[float]:
        """Return one loss as an exponential moving average, in which `beta` of the old average stays at each step."""
        return smooth(self[name], beta)


class Loop:
    """Where a training stands: steps done, losses read, losses still on the device, the place in the data."""

    def __init__(self, step, batches, state, save_to, save_seconds, device):
        if save_to is not None and not state:
            raise ValueError("save_to needs state={...}: the networks, optimisers and generators to be saved")
        self.step, self.state, self.save_seconds = step, state, save_seconds
        self.device = torch.device(device) if device is not None else device_of(state)
        self.file = CheckpointFile(save_to) if save_to is not None else None
        self.history, self.pending, self.done = History(), [], 0
        generators = [thing for thing in state.values() if isinstance(thing, torch.Generator)]
        self.batches = ResumableIterator(batches, generators)
        self.started = self.flushed = self.saved = time.monotonic()

    def alone(self) -> AbstractContextManager[None]:
        """Keep other trainings from saving to the same file meanwhile; raises as `CheckpointFile.alone` does."""
        return nullcontext() if self.file is None else self.file.alone()

    def advance(self) -> None:
        """Do one step. Nothing is read from the device.

        Raises:
            ValueError: The step returned no losses, others than before, or one that is no single number.
        """
        losses = self.step(move(next(self.batches), self.device))
        if not isinstance(losses, dict) or not losses:
            got = "nothing in it" if isinstance(losses, dict) else type(losses).__name__
            raise ValueError(f"step must return {{name: scalar tensor}}, got {got}")
        known = list(self.history) or list(self.pending[0] if self.pending else losses)
        if set(losses) != set(known):
            raise ValueError(f"step must return the same losses each time: {known}, got {list(losses)}")
        # Copies: the step may go on writing into a tensor it returned, or have returned a corner of a large one.
        row = {name: _as_tensor(losses[name]).detach().clone() for name in known}
        wide = [f"{name} {tuple(value.shape)}" for name, value in row.items() if value.numel() != 1]
        if wide:
            raise ValueError(f"a loss must be one number, got {', '.join(wide)}: take the mean or the sum")
        self.pending.append(row)
        self.done += 1

    def flush_if_due(self) -> bool:
        """Flush where FLUSH_SECONDS have passed since it was done last; says whether they had."""
        now = time.monotonic()
        if now - self.flushed < FLUSH_SECONDS:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Read the pending losses from the device in one transfer.

        Raises:
            FloatingPointError: One of them is not finite; the message names the first and its step.
        """
        self.flushed = now = time.monotonic()
        self.history.seconds, self.started = self.history.seconds + now - self.started, now
        pending, self.pending = self.pending, []
        values = iter(read_scalars([value for row in pending for value in row.values()]))
        for done, row in enumerate(pending, start=self.done - len(pending) + 1):
            read = {name: next(values) for name in row}
            for name, value in read.items():
                if not math.isfinite(value):
                    error = FloatingPointError(f"loss {name!r} became {value} at step {done}")
                    error.history = self.history  # pyright: ignore[reportAttributeAccessIssue]: `fit` documents it
                    raise error
            for name, value in read.items():
                self.history.setdefault(name, []).append(value)

    def save_if_due(self) -> None:
        """Save, after a flush only: it is what has waited for the device already."""
        if not self.pending and time.monotonic() - self.saved > self.save_seconds:
            self.save()

    def latest(self) -> dict[str, float]:
        """Return the newest value of each loss, smoothed."""
        return smoothed(self.history)

    def save(self) -> None:
        """Save, where there is a file to save to."""
        self.saved = time.monotonic()
        if self.file is None:
            return
        self.file.write(
            {
                "done": self.done,
                "state": {name: read_state(thing) for name, thing in self.state.items()},
                "history": dict(self.history),
                "seconds": self.history.seconds,
                "feed": self.batches.state_dict(),  # the key of FORMAT 1
                "random": random_state(),
            }
        )

    def resume(self) -> None:
        """Go on from the file, where there is one.

        Raises:
            ValueError: The save does not fit the state of this training.
        """
        if self.file is None or (saved := self.file.read()) is None:
            return
        path = self.file.path
        if set(saved["state"]) != set(self.state):
            raise ValueError(
                f"{path} holds {sorted(saved['state'])}, this training has {sorted(self.state)}: "
                "delete the file or choose another name"
            )
        try:
            for name, thing in self.state.items():
                write_state(thing, saved["state"][name])
            name = "batches"
            self.batches.load_state_dict(saved["feed"])
        except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
            message = f"{path} does not fit {name!r} ({error}): delete the file or choose another name"
            raise ValueError(message) from error
        set_random_state(saved["random"])  # after the batches: finding the place in the data drew numbers
        self.history.update(saved["history"])
        self.history.seconds, self.done = saved["seconds"], saved["done"]


def _as_tensor(loss: Any) -> Tensor:
    """Return a loss where it lies: `torch.as_tensor` alone would move it to torch's default device."""
    return loss if isinstance(loss, Tensor) else torch.as_tensor(loss, device="cpu")
