"""Where a training stands: the losses, the steps done, the place in the data, and how it is saved and read back.

The half of `fit` that counts. It imports nothing of ours but `resume` and `live`.
"""

import math
import time
from typing import Any

import torch
from torch import Tensor, nn

from gencourse.training.live import smooth, smoothed
from gencourse.training.random_state import random_state, set_random_state
from gencourse.training.saves import Feed, Saves, read_state, write_state

FLUSH_SECONDS = 0.5  # losses stay on the device this long before they are read in one transfer


class History(dict[str, list[float]]):
    """The losses of a training: name -> one value a step. `seconds` is the time spent, `steps` how many were done."""

    seconds: float = 0.0

    @property
    def steps(self) -> int:
        return max((len(values) for values in self.values()), default=0)

    def smooth(self, name: str, beta: float = 0.95) -> list[float]:
        """Return one loss as an exponential moving average."""
        return smooth(self[name], beta)


class Loop:
    """Where a training stands: steps done, losses read, losses still on the device, the place in the data."""

    def __init__(self, step, batches, state, save_to, save_seconds, device):
        if save_to is not None and not state:
            raise ValueError("save_to needs state={...}: the networks, optimisers and generators to be saved")
        self.step, self.state, self.save_seconds = step, state, save_seconds
        self.device = torch.device(device) if device is not None else _device_of(state)
        self.saves = Saves(save_to) if save_to is not None else None
        self.history, self.pending, self.done = History(), [], 0
        self.feed = Feed(batches, [thing for thing in state.values() if isinstance(thing, torch.Generator)])
        self.started = self.flushed = self.saved = time.monotonic()

    def advance(self) -> None:
        losses = self.step(_to(next(self.feed), self.device))
        if not isinstance(losses, dict) or not losses:
            got = "nothing in it" if isinstance(losses, dict) else type(losses).__name__
            raise ValueError(f"step must return {{name: scalar tensor}}, got {got}")
        known = list(self.history) or list(self.pending[0] if self.pending else losses)
        if set(losses) != set(known):
            raise ValueError(f"step must return the same losses each time: {known}, got {list(losses)}")
        # Copies: the step may go on writing into a tensor it returned, or have returned a corner of a large one.
        row = {name: torch.as_tensor(losses[name]).detach().clone() for name in known}
        wide = [f"{name} {tuple(value.shape)}" for name, value in row.items() if value.numel() != 1]
        if wide:
            raise ValueError(f"a loss must be one number, got {', '.join(wide)}: take the mean or the sum")
        self.pending.append(row)
        self.done += 1

    def flush_if_due(self) -> bool:
        now = time.monotonic()
        if now - self.flushed < FLUSH_SECONDS:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Read the pending losses from the device in one transfer, and look for the first that is not finite."""
        self.flushed = now = time.monotonic()
        self.history.seconds, self.started = self.history.seconds + now - self.started, now
        pending, self.pending = self.pending, []
        values = iter(_read([value for row in pending for value in row.values()]))
        for done, row in enumerate(pending, start=self.done - len(pending) + 1):
            read = {name: next(values) for name in row}
            for name, value in read.items():
                if not math.isfinite(value):
                    error = FloatingPointError(f"loss {name!r} became {value} at step {done}")
                    error.history = self.history
                    raise error
            for name, value in read.items():
                self.history.setdefault(name, []).append(value)

    def save_if_due(self) -> None:
        """Save, after a flush only: it is what has waited for the device already."""
        if not self.pending and time.monotonic() - self.saved > self.save_seconds:
            self.save()

    def latest(self) -> dict[str, float]:
        return smoothed(self.history)

    def save(self) -> None:
        self.saved = time.monotonic()
        if self.saves is None:
            return
        self.saves.write(
            {
                "done": self.done,
                "state": {name: read_state(thing) for name, thing in self.state.items()},
                "history": dict(self.history),
                "seconds": self.history.seconds,
                "feed": self.feed.state_dict(),
                "random": random_state(),
            }
        )

    def resume(self) -> None:
        saved = self.saves.read() if self.saves is not None else None
        if saved is None:
            return
        path = self.saves.path
        if set(saved["state"]) != set(self.state):
            raise ValueError(
                f"{path} holds {sorted(saved['state'])}, this training has {sorted(self.state)}: "
                "delete the file or choose another name"
            )
        try:
            for name, thing in self.state.items():
                write_state(thing, saved["state"][name])
            name = "batches"
            self.feed.load_state_dict(saved["feed"])
        except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
            message = f"{path} does not fit {name!r} ({error}): delete the file or choose another name"
            raise ValueError(message) from error
        set_random_state(saved["random"])  # after the feed: finding the place in the data drew numbers
        self.history.update(saved["history"])
        self.history.seconds, self.done = saved["seconds"], saved["done"]


def _device_of(state: dict[str, Any]) -> torch.device | None:
    for thing in state.values():
        if isinstance(thing, Tensor):
            return thing.device
        for weights in thing.parameters() if isinstance(thing, nn.Module) else ():
            return weights.device
    return None


def _read(scalars: list[Tensor]) -> list[float]:
    """Return the values of one-element tensors, in one transfer for each device and dtype."""
    values = [0.0] * len(scalars)
    for kind in {(scalar.device, scalar.dtype) for scalar in scalars}:
        places = [i for i, scalar in enumerate(scalars) if (scalar.device, scalar.dtype) == kind]
        read = torch.stack([scalars[i].reshape(()) for i in places]).tolist()
        for i, value in zip(places, read, strict=True):
            values[i] = float(value)
    return values


def _to(batch: Any, device: torch.device | None) -> Any:
    if device is None:
        return batch
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: _to(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_to(value, device) for value in batch))
    return type(batch)(_to(value, device) for value in batch) if isinstance(batch, list | tuple) else batch
