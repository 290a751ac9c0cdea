"""Small helpers for a training step: one step downhill, a moving average of weights, how an iteration ends."""

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler


def descend(optimizer: torch.optim.Optimizer, loss: Tensor, *, clip: float | None = None) -> Tensor:
    """Take one step downhill on a scalar loss.

    Args:
        optimizer: Holds the weights that move.
        loss: One number that depends on weights. Whether it is finite `fit` looks at.
        clip: Largest norm of all gradients together; None leaves them as they are.

    Returns:
        The loss, detached; nothing is read from the device.

    Raises:
        ValueError: The loss is no single number or depends on no weight.

    Source: the clipping is Pascanu et al. 2013.
    """
    if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.requires_grad:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise ValueError(f"a loss must be one number, a tensor that depends on weights; got {got}")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if clip is not None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()
    return loss.detach()


class Average:
    """A moving average of a module's weights (Polyak averaging), in `.module`, ready for evaluation.

    Buffers (batch-norm statistics) are copied.

    Args:
        module: The network; the average starts as a copy of it.
        decay: How much of the old average stays at each update, in [0, 1). It grows from 0.1 so that the first, random
            weights are soon forgotten: min(decay, (1 + n) / (10 + n)) after n updates.

    Raises:
        ValueError: `decay` lies outside [0, 1).
    """

    def __init__(self, module: nn.Module, decay: float = 0.999):
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move the average a little towards the module's weights."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for mean, now in zip(self.module.parameters(), module.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
        for mean, now in zip(self.module.buffers(), module.buffers(), strict=True):
            mean.copy_(now)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        return {"module": self.module.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.module.load_state_dict(state["module"])
        self.updates = state["updates"]


def end_iteration(schedules: Iterable[LRScheduler], *averaged: tuple[Average | None, nn.Module]) -> None:
    """Do what ends an iteration: step the schedules of learning rates, then update averages.

    Args:
        schedules: Of the learning rates.
        averaged: Averages with the networks that they are of; a None is left out.
    """
    for schedule in schedules:
        schedule.step()
    for average, network in averaged:
        if average is not None:
            average.update(network)


def named_state(schedules: Iterable[LRScheduler], **things: Any) -> dict[str, Any]:
    """Return what changes in a training, by name, for `fit(state=...)`: what is not None, and the schedules."""
    there = {name: thing for name, thing in things.items() if thing is not None}
    return there | {f"schedule_{i}": schedule for i, schedule in enumerate(schedules)}
