"""Descent on the pixels of a picture: how they move in style transfer.

A pixel never leaves [0, 1], so the picture that the losses see is the picture that is shown. With free pixels, cut off
at the end, a part of the style is found in values that no screen can show.
"""

from collections.abc import Callable
from itertools import repeat
from typing import NamedTuple

import torch
from torch import Tensor

from gencourse.methods.sampling import normal
from gencourse.training.fit import History, fit

Optimizer = Callable[[list[Tensor]], torch.optim.Optimizer]


class Stylized(NamedTuple):
    """The picture, (1, 3, H, W) in [0, 1], and the losses: total, content, and style by layer."""

    image: Tensor
    history: History


class PixelLBFGS(torch.optim.Optimizer):
    """L-BFGS on a tensor of pixels, each of which stays in [0, 1]; most steps cost one evaluation of the loss.

    A step goes along the L-BFGS direction, cut off at 0 and 1, and is shortened until the loss falls (Armijo's rule).
    What the line search has evaluated is the beginning of the next step, where torch's own asks anew.

    Args:
        parameters: One tensor.
        history_size: How many steps the estimate of the curvature remembers; each takes two pictures of memory.
        first: The farthest that a pixel moves in the first step, when nothing is known of the curvature.
        longest: The same in any step.

    Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithms 3.1 and 7.4.
    """

    def __init__(self, parameters: list[Tensor], *, history_size: int = 20, first: float = 0.1, longest: float = 0.5):
        super().__init__(parameters, {})
        self.history_size, self.first, self.longest = history_size, first, longest
        self.pairs: list[tuple[Tensor, Tensor, float]] = []  # (s, y, 1 / s·y): how x and its gradient changed
        self.known: tuple[float, Tensor] | None = None  # loss and gradient where x is

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Do one step.

        Args:
            closure: Sets the gradient anew and returns the loss, the same function of x at every step.

        Returns:
            The loss after it.
        """
        (x,) = self.param_groups[0]["params"]
        loss, gradient = self.known or self._evaluate(closure)
        held = ((x <= 0) & (gradient > 0)) | ((x >= 1) & (gradient < 0))  # they would leave: they wait
        gradient = gradient.masked_fill(held, 0)
        before, direction, length = x.clone(), self._direction(gradient).masked_fill(held, 0), 1.0
        for _ in range(10):
            x.copy_(before + length * direction).clamp_(0, 1)
            new_loss, new_gradient = self._evaluate(closure)
            enough = loss + 1e-4 * dot(gradient, x - before)
            if new_loss <= enough or new_loss != new_loss:  # NaN is for `fit` to tell
                break
            length /= 2
        else:
            x.copy_(before)
            self.pairs, self.known = [], None  # begin anew, down the gradient
            return loss
        s, y = x - before, (new_gradient - gradient).masked_fill(held, 0)
        if (curvature := dot(s, y)) > 1e-10 * (dot(s, s) * dot(y, y)) ** 0.5:
            self.pairs = [*self.pairs, (s, y, 1 / curvature)][-self.history_size :]
        self.known = new_loss, new_gradient
        return new_loss

    def _evaluate(self, closure: Callable[[], Tensor]) -> tuple[float, Tensor]:
        with torch.enable_grad():
            loss = closure().item()
        return loss, self.param_groups[0]["params"][0].grad.clone()

    def _direction(self, gradient: Tensor) -> Tensor:
        """The two-loop recursion, shortened to the farthest that a pixel may move."""
        q, parts = gradient.clone(), []
        for s, y, rho in reversed(self.pairs):
            parts.append(rho * dot(s, q))
            q -= parts[-1] * y
        if self.pairs:
            _, y, rho = self.pairs[-1]
            q /= rho * dot(y, y)
        for (s, y, rho), part in zip(self.pairs, reversed(parts), strict=True):
            q += (part - rho * dot(y, q)) * s
        farthest, most = q.abs().max().item(), self.longest if self.pairs else self.first
        return -q * (most / farthest if farthest > most or (farthest and not self.pairs) else 1)


def dot(a: Tensor, b: Tensor) -> float:
    return (a * b).sum().item()


def lbfgs(parameters: list[Tensor]) -> torch.optim.Optimizer:
    """The paper's optimiser; a little more than one evaluation of the network a step."""
    return PixelLBFGS(parameters)


def adam(parameters: list[Tensor]) -> torch.optim.Optimizer:
    """Slower to a low loss than L-BFGS, but indifferent to the scale of the loss."""
    return torch.optim.Adam(parameters, lr=0.03)


def noise_like(image: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Normal noise around mid-grey with the shape of `image`: where the paper starts from."""
    return (0.5 + 0.15 * normal(image.shape, generator)).clamp(0, 1).to(image.device)


def optimise(
    objective: Callable[[Tensor], dict[str, Tensor]],
    x: Tensor,
    *,
    steps: int,
    optimizer: Optimizer = lbfgs,
    every: int | None = None,
    show: bool = True,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Stylized:
    """Move the pixels of x downhill on objective(x)["total"], inside [0, 1]; no weight of any network changes.

    Args:
        objective: Image (1, 3, H, W) -> {name: scalar}, one of them "total".
        x: Where to begin.
        steps: How many.
        optimizer: `lbfgs` or `adam`.
        every: Steps between two previews, as in `fit`.
        show: Whether to show any.
        callback: Called after each step with the number of steps done and the picture so far.

    Returns:
        The picture in [0, 1], and the losses as they were evaluated last in every step.
    """
    x = x.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    opt = optimizer([x])
    done, found = 0, {}

    def closure() -> Tensor:
        opt.zero_grad()
        losses = objective(x)
        losses["total"].backward()
        found.update({name: value.detach() for name, value in losses.items()})
        return losses["total"]

    def step(_) -> dict[str, Tensor]:
        nonlocal done
        opt.step(closure)  # pyright: ignore[reportCallIssue, reportArgumentType]: the stub asks for a float
        with torch.no_grad():
            x.clamp_(0, 1)  # Adam knows no bounds
        done += 1
        if callback is not None:
            callback(done, x.detach().clone())
        return dict(found)

    history = fit(step, repeat(None), steps=steps, preview=x.detach, every=every, title="optimise", show=show)
    return Stylized(x.detach(), history)
