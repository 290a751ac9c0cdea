"""The frame of the scripts that train what ships: the arguments they share, how they begin and how they end."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gencourse import data, paths, weights
from gencourse.runtime import choose_device
from gencourse.training.fit import SAVE_SECONDS, fit
from gencourse.training.loop import History
from gencourse.training.run_arguments import RunArguments

EMBEDDED = 10_000  # so many of MNIST's first training digits are embedded in the project


def digits_to_train_on(count: int | None = None) -> data.ImageSet:
    """Return MNIST's training digits but for the embedded ones, which judge what is trained: 50,000, or `count`."""
    return data.load("mnist", "train").subset(slice(EMBEDDED, None if count is None else EMBEDDED + count))


def training_parser(doc: str | None, name: str, *, steps: int, batch: int) -> argparse.ArgumentParser:
    """Return a parser with what every training takes.

    Args:
        doc: The script's own docstring, shown by --help.
        name: Of the weights: runs/NAME.pt is saved to, data/checkpoints/NAME.safetensors written.
        steps: How many there are by default.
        batch: How large batches are by default.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="cpu, cuda, ... (default: the fastest)")
    parser.add_argument("--save-to", type=Path, default=Path(f"runs/{name}.pt"), help="a killed training goes on there")
    parser.add_argument("--out", type=Path, default=paths.weights() / f"{name}.safetensors", help="where weights go")
    return parser


def start(args: argparse.Namespace) -> tuple[torch.device, torch.Generator]:
    """Choose the device and seed everything; the generator, on the CPU, has the seed of `args` too."""
    device = choose_device(args.device)
    torch.manual_seed(args.seed)
    return device, torch.Generator().manual_seed(args.seed)


def train(
    step: Callable[[Any], dict[str, Tensor]],
    batches: Iterable,
    state: dict[str, Any],
    args: argparse.Namespace,
    *,
    device: torch.device,
    preview: Callable[[], Tensor] | None = None,
    every: int | None = None,
    save_seconds: float = SAVE_SECONDS,
) -> History:
    """Run `fit` with the arguments of a script, which are kept in the save. Stopped early, the script ends here."""
    state = state | {"arguments": RunArguments.of(args)}
    history = fit(
        step,
        batches,
        steps=args.steps,
        preview=preview,
        every=every,
        state=state,
        save_to=args.save_to,
        save_seconds=save_seconds,
        device=device,
    )
    if history.steps < args.steps:  # nothing half-trained is shipped
        sys.exit("stopped: no weights are written; run it again to go on")
    return history


def ship(
    path: str | os.PathLike,
    module: nn.Module,
    *,
    arguments: dict[str, Any],
    data: str,
    history: History,
    device: torch.device | str,
    scores: dict[str, Any],
    earlier: dict[str, Any] | None = None,
    more: dict[str, Any] | None = None,
) -> None:
    """Write weights and the record of how they were made, and print both.

    Args:
        path: Where to.
        module: What is shipped.
        arguments: Those of its class, by which it is built again.
        data: What it was trained on, in words.
        history: Of its training.
        device: Where it was trained.
        scores: By name.
        earlier: The record of the weights that this training began from.
        more: What else the record is to hold.
    """
    before = earlier or {"steps": 0, "minutes": 0}
    record = {
        "arguments": arguments,
        "data": data,
        "steps": history.steps + before["steps"],
        "minutes": round(history.seconds / 60 + before["minutes"], 1),
        "device": str(device),
        "scores": scores,
    }
    record |= more or {}
    print(weights.save(path, module, record), record)
