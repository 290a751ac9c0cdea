"""What lets a killed training go on where it was: saving, reading back, random state and the place in the data.

The half of `fit` that touches the disk. It imports nothing else of this package.
"""

import io
import os
import pickle
import warnings
import zipfile
from argparse import Namespace
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gencourse.training.random_state import random_state, set_random_state

FORMAT = 1


class Feed:
    """Endless batches from an iterable, one a `next`, that knows where it is and can be put back there.

    Three kinds of source. One with `state_dict` and `load_state_dict` is asked for its place. A one-shot iterator is
    read again from its start. Anything else (a list, a DataLoader) is started anew when it ends, and its place is the
    random state at the start of the pass plus the number of batches read since: exact also for a shuffling loader.
    generators: those that the source may draw from, besides the global ones and a DataLoader's own.
    """

    def __init__(self, batches: Iterable, generators: Iterable[torch.Generator] = ()):
        self.source = batches
        of_batches = getattr(batches, "batch_sampler", None)
        parts = (batches, getattr(batches, "sampler", None), of_batches, getattr(of_batches, "sampler", None))
        own = {id(g): g for g in (getattr(part, "generator", None) for part in parts)}.values()
        self.generators = [g for g in (*generators, *own) if isinstance(g, torch.Generator)]
        self.stateful = hasattr(batches, "state_dict") and hasattr(batches, "load_state_dict")
        self.read = 0  # batches since the start of this pass
        self._begin()

    def __next__(self) -> Any:
        try:
            batch = next(self.iterator)
        except StopIteration:
            if self.iterator is self.source:
                raise ValueError(f"the batches ended after {self.read}; give some that can be read again") from None
            if self.read == 0:
                raise ValueError("there are no batches: the data set is empty or smaller than one batch") from None
            self.read = 0
            self._begin()
            return next(self)
        self.read += 1
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the data."""
        if self.stateful:
            return {"read": self.read, "source": self.source.state_dict()}
        return {"read": self.read, "random": self.begun_at, "begun": self.own_begun_at, "now": self._own()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to a place that `state_dict` returned; leaves the global random state of that moment behind."""
        if self.stateful:
            self.source.load_state_dict(state["source"])
            self.iterator, self.read = iter(self.source), state["read"]
            return
        set_random_state(state["random"])
        self._set_own(state["begun"])
        self.read = 0
        self._begin()
        for _ in range(state["read"]):
            next(self)
        if self.read != state["read"]:
            raise ValueError(f"a pass had at least {state['read']} batches, it has fewer now")
        self._set_own(state["now"])

    def _own(self) -> list[Tensor]:
        return [generator.get_state() for generator in self.generators]

    def _set_own(self, states: list[Tensor]) -> None:
        for generator, state in zip(self.generators, states, strict=True):
            generator.set_state(state)

    def _begin(self) -> None:
        self.begun_at = None if self.stateful else random_state()
        self.own_begun_at = self._own()
        self.iterator = iter(self.source)


def read_state(thing: Any) -> Any:
    """Return what must be kept of a module, optimiser, generator, tensor or anything with a `state_dict`."""
    if isinstance(thing, torch.Generator):
        return thing.get_state()
    return thing.detach() if isinstance(thing, Tensor) else thing.state_dict()


def write_state(thing: Any, state: Any) -> None:
    """Put `read_state`'s answer back into the thing, in place."""
    if isinstance(thing, torch.Generator):
        thing.set_state(state)
    elif isinstance(thing, Tensor):
        if thing.shape != state.shape:
            raise ValueError(f"shape {tuple(thing.shape)} here, {tuple(state.shape)} in the file")
        thing.detach().copy_(state)
    else:
        thing.load_state_dict(state)


class Settings:
    """What a training was started with, for the `state` of `fit`: a save that was made with other values is refused.

    values: numbers, texts, truth values or None, by name; anything else is kept as the text that it prints as.
    load_state_dict raises ValueError that names what differs.
    """

    def __init__(self, **values: Any):
        plain = (int, float, str, bool, type(None))
        self.values = {name: value if isinstance(value, plain) else str(value) for name, value in values.items()}

    @classmethod
    def of(cls, arguments: Namespace) -> "Settings":
        """Return the arguments of a script, but for those that say where it runs and what it writes."""
        elsewhere = ("out", "save_to", "device")
        return cls(**{name: value for name, value in vars(arguments).items() if name not in elsewhere})

    def state_dict(self) -> dict[str, Any]:
        return dict(self.values)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        names = sorted(self.values.keys() | state.keys())
        if differing := [name for name in names if self.values.get(name) != state.get(name)]:
            told = ", ".join(f"{name} {state.get(name)}, now {self.values.get(name)}" for name in differing)
            raise ValueError(f"it was saved with {told}")


class Saves:
    """The file of one training: two generations of it, so that one good one is always there."""

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.previous = self.path.with_name(self.path.name + ".previous")
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.checked = False

    def read(self) -> dict[str, Any] | None:
        """Return the newest whole save, or None where there is none. Never executes pickled code.

        Where the file was deleted there is none, whatever its previous generation says.
        """
        if not self.path.exists() and self.partial.exists():
            self._finish()
        for ending in (".damaged", ".previous.damaged"):
            if not self.path.exists():
                return None
            try:
                saved = _load(self.path)
                if saved["format"] == FORMAT:
                    return saved
                problem = f"it has format {saved['format']}, this version reads {FORMAT}"
            except Exception as error:  # a damaged file fails in many ways inside torch's reader
                problem = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            aside = self.path.with_name(self.path.name + ending)
            os.replace(self.path, aside)  # else the next save would push it over the last good one
            self._fall_back()
            message = f"{self.path} cannot be used ({problem[:200]}); kept as {aside.name}, looking for an older save"
            warnings.warn(message, stacklevel=3)
        return None

    def _finish(self) -> None:
        """Make what `write` left half done the current save, if it is whole: only the last rename was missing then.

        If it is not, the file was deleted later, by hand, and what is left is of no use.
        """
        try:
            _load(self.partial)
        except Exception:  # as in `read`
            self.partial.unlink()
        else:
            os.replace(self.partial, self.path)

    def _fall_back(self) -> None:
        """Make the previous generation the current one."""
        if self.previous.exists():
            os.replace(self.previous, self.path)

    def write(self, saved: dict[str, Any]) -> bool:
        """Write a save; a crash at any moment leaves a whole file. Returns False, with a warning, when the disk fails.

        Raises ValueError when `saved` holds what `read` would refuse.
        """
        buffer = io.BytesIO()
        torch.save({**saved, "format": FORMAT}, buffer)
        self._check(buffer)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.partial, "wb") as file:
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            if self.path.exists():
                os.replace(self.path, self.previous)
            os.replace(self.partial, self.path)
        except OSError as error:
            with suppress(OSError):
                if not self.path.exists():
                    self._fall_back()
                self.partial.unlink(missing_ok=True)
            message = f"could not save to {self.path} ({error}); training goes on, an earlier save stays as it is"
            warnings.warn(message, stacklevel=3)
            return False
        return True

    def _check(self, buffer: io.BytesIO) -> None:
        if self.checked:
            return
        buffer.seek(0)
        try:
            torch.load(buffer, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            message = (
                "state holds more than tensors, numbers, strings, lists and dicts, and could not be read back safely"
            )
            raise ValueError(f"{message}: {str(error).splitlines()[-1]}") from error
        self.checked = True


def _load(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as file:
        if broken := file.testzip():  # torch does not look at the checksums it has written
            raise ValueError(f"{broken} is damaged")
    return torch.load(path, map_location="cpu", weights_only=True)
