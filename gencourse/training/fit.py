"""The one training loop. The notebook owns the step, this owns the iteration."""

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from gencourse.runtime import keep_freed_memory
from gencourse.training.live import Live
from gencourse.training.loop import History, Loop
from gencourse.training.random_state import random_state, set_random_state

SAVE_SECONDS = 30.0  # what a killed kernel loses at most


def fit(
    step: Callable[[Any], dict[str, Tensor]],
    batches: Iterable,
    *,
    steps: int,
    preview: Callable[[], Tensor] | None = None,
    every: int | None = None,
    state: dict[str, Any] | None = None,
    save_to: str | os.PathLike | None = None,
    save_seconds: float = SAVE_SECONDS,
    device: torch.device | str | None = None,
    title: str | None = None,
    show: bool = True,
) -> History:
    """Call `step(batch)` until `steps` are done, show how it goes, and return the losses.

    The Stop button (or Ctrl-C) ends after the step under way and returns the history so far; a second one at once.

    Args:
        step: Takes a batch, updates the networks, returns {name: scalar tensor}, the same names every time.
        batches: Any iterable, started anew when it ends; tensors in it are moved to `device`.
        steps: How many are done in all, those before a resume included.
        preview: Returns images (B, C, H, W) in [0, 1]; it runs without gradients and cannot disturb the random numbers
            of the training, the global ones and generators in `state`.
        every: So many steps lie between two previews; by default there are ten.
        state: Everything that changes, by name: modules, optimisers, schedulers, Average, generators, tensors.
        save_to: A file that the training is saved to. Where it exists already, the training goes on from it, bit for
            bit as if it had never stopped. Delete the file to start anew.
        save_seconds: It is saved at least so often.
        device: Where batches go; by default to where `state` is.
        title: What stands beside the bar.
        show: False keeps the screen still: no bar, no picture.

    Returns:
        The losses, one value a step, and the seconds spent.

    Raises:
        FloatingPointError: A loss is NaN or infinite; the message names the first and its step, the attribute `history`
            holds the losses before it.
        ValueError: Bad arguments, a save that does not fit `state`, or another training that saves to the same file.
    """
    every = max(1, steps // 10) if every is None else every
    if steps < 1 or every < 1:
        raise ValueError(f"steps and every must be at least 1, got {steps} and {every}")
    keep_freed_memory()
    loop = Loop(step, batches, state or {}, save_to, save_seconds, device)
    with loop.alone():
        loop.resume()
        if loop.done >= steps:
            print(f"{save_to}: already trained for {loop.done} steps; delete the file to train anew")
            return loop.history
        if loop.done:
            print(f"{save_to}: going on after step {loop.done} (delete the file to start anew)")
        _train(loop, Live(steps, loop.done, title, show), steps, every, preview)
    if loop.done < steps:
        print(f"stopped after step {loop.done} of {steps}; the history so far is returned")
    return loop.history


def _train(loop: Loop, live: Live, steps: int, every: int, preview: Callable[[], Tensor] | None) -> None:
    """Do the steps, with what is shown and saved in between; returns early where the Stop button asks for it."""
    try:
        with _finish_step_on_interrupt() as interrupted:
            while loop.done < steps and not interrupted():
                loop.advance()
                if loop.flush_if_due():
                    live.advance(loop.done, loop.latest())
                if loop.done % every == 0 or loop.done == steps:
                    loop.flush()
                    _draw(live, loop, preview)
                loop.save_if_due()
        loop.flush()
        loop.save()
    except KeyboardInterrupt:  # the second press: the networks may be between two steps, so they are not saved
        loop.flush()
    finally:
        live.close()


def _draw(live: Live, loop: Loop, preview: Callable[[], Tensor] | None) -> None:
    live.advance(loop.done, loop.latest())
    state = random_state()
    generators = {name: thing.get_state() for name, thing in loop.state.items() if isinstance(thing, torch.Generator)}
    try:
        with torch.no_grad():
            live.draw(loop.done, loop.history, preview)
    finally:
        set_random_state(state)
        for name, kept in generators.items():
            loop.state[name].set_state(kept)


@contextmanager
def _finish_step_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C (a notebook's Stop button) into a flag; the second one raises as usual.

    Only the main thread may handle signals; there, and where Ctrl-C is ignored, the flag stays false.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (None, signal.SIG_IGN):
        yield lambda: False
        return
    pressed = []

    def press(number, frame):
        pressed.append(True)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
