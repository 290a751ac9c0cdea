"""What a resumed training is put together from: the place in the data, and the state of each thing that changes."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from gencourse.training.random_state import random_state, set_random_state


class ResumableIterator:
    """Endless batches from an iterable, one a `next`, that knows where it is and can be put back there.

    Three kinds of source. One with `state_dict` and `load_state_dict` is asked for its place. A one-shot iterator is
    read again from its start. Anything else (a list, a DataLoader) is started anew when it ends, and its place is the
    random state at the start of the pass plus the number of batches read since: exact also for a shuffling loader.

    Args:
        batches: The source.
        generators: Those that the source may draw from, besides the global ones and a DataLoader's own.

    Raises:
        ValueError: At `next`, where the source is empty, or a one-shot iterator has ended.
    """

    def __init__(self, batches: Iterable, generators: Iterable[torch.Generator] = ()):
        self.source: Any = batches
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
        """Go to a place that `state_dict` returned; leaves the global random state of that moment behind.

        Raises:
            ValueError: A pass is shorter than it was.
        """
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
    """Put `read_state`'s answer back into the thing, in place.

    Raises:
        ValueError: A tensor has another shape; what else does not fit raises as the thing's own `load_state_dict` does.
    """
    if isinstance(thing, torch.Generator):
        thing.set_state(state)
    elif isinstance(thing, Tensor):
        if thing.shape != state.shape:
            raise ValueError(f"shape {tuple(thing.shape)} here, {tuple(state.shape)} in the file")
        thing.detach().copy_(state)
    else:
        thing.load_state_dict(state)
