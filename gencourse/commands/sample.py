"""gencourse sample: pictures from the shipped generative models."""

from __future__ import annotations

import argparse
import inspect
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gencourse.commands import input_errors, output_file
from gencourse.commands._arguments import file_name, number, whole
from gencourse.commands.run import duration

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

ORDER = 40
ABOUT = "draw pictures from a trained model of the course"
EXAMPLES = """
gencourse sample --list
gencourse sample dcgan_digits -o grid.png
gencourse sample dcgan_digits -n 10000 --seed 1 -o samples.npz

An .npz file holds images, uint8, N x H x W x C, and labels where the model has classes.
"""
# Pictures at a time. torch draws normal numbers in blocks of 16, so with a multiple of 16 the noise of picture i, and
# with it the picture, is the same whatever the batch size.
BATCH = 64
OPTIONS = ("steps", "guidance", "temperature")  # of some samplers; the function's own arguments say which it has


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="the model: see --list")
    where = "where the pictures go: a grid in .png, or all of them in .npz"
    file_name(add("-o", "--output", metavar="FILE", help=where))
    add("--list", action="store_true", help="show the models: chapter, size, how they were trained, scores")
    add("-n", type=whole(1, 10**7), default=64, metavar="N", help="how many (default: 64)")
    add("--seed", type=whole(0), default=0, help="the same seed gives the same pictures (default: 0)")
    add("--label", type=whole(0), metavar="K", help="pictures of one class (default: all classes in turn)")
    add("--steps", type=whole(1), help="of the sampler, where it has steps (default: the model's)")
    add("--guidance", type=number(0), help="how strictly the label is followed, where the model has guidance")
    add("--temperature", type=number(0), help="below 1 likelier, above 1 more varied, where the model has it")
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def main(args: argparse.Namespace) -> int:
    """List the models, or draw pictures from one, write them, say where they are."""
    import torch

    from gencourse import checkpoints, images
    from gencourse.data import archive
    from gencourse.runtime import choose_device

    if args.list:
        with input_errors():
            print(listing())
        return 0
    with input_errors():
        if args.name is None or args.output is None:
            raise ValueError("name a model and where its pictures go, -o FILE; --list shows the models")
        draw = checkpoints.sampler(args.name)
        device = choose_device(args.device)
        network = checkpoints.load(args.name, device)
        options = chosen_options(args, draw, network)
        if "device" in inspect.signature(draw).parameters:
            options["device"] = device
        labels = chosen_labels(network, args)
        out = output_file(args.output, ".npz")
    began = time.perf_counter()
    generator = torch.Generator().manual_seed(args.seed)
    drawn = draw_in_batches(draw, network, args.n, labels, generator, options)
    took = duration(time.perf_counter() - began)
    with input_errors():
        if out.suffix.lower() == ".npz":
            archive.write(out, drawn, labels)
        else:
            images.save(images.grid(drawn), out)
    h, w = drawn.shape[2:]
    print(f"{args.n:,} pictures of {w} x {h} by {args.name} in {took}, on {device}", file=sys.stderr)
    print(out)
    return 0


def draw_in_batches(
    draw: Callable[..., Tensor],
    network: nn.Module,
    n: int,
    labels: Tensor | None,
    generator: torch.Generator,
    options: dict[str, Any],
) -> Tensor:
    """Return (n, C, H, W) in [0, 1] on the CPU; the generator runs on from batch to batch."""
    import torch
    from tqdm.auto import tqdm

    drawn = []
    with tqdm(total=n, desc="sample", unit="picture", dynamic_ncols=True) as bar:
        for first in range(0, n, BATCH):
            count = min(BATCH, n - first)
            asked = None if labels is None else labels[first : first + count]
            drawn.append(draw(network, count, labels=asked, generator=generator, **options).cpu())
            bar.update(count)
    return torch.cat(drawn)


def chosen_options(args: argparse.Namespace, draw: Callable[..., Tensor], network: nn.Module) -> dict[str, Any]:
    """Return the options that were given.

    Raises:
        ValueError: the model does not have one of them, or not so many steps.
    """
    has = [name for name in OPTIONS if name in inspect.signature(draw).parameters]
    given = {name: getattr(args, name) for name in OPTIONS if getattr(args, name) is not None}
    for name in given:
        if name not in has:
            others = ", ".join(f"--{option}" for option in has) or "no such options"
            raise ValueError(f"{args.name} has no --{name}; it has {others}")
    if "steps" in given and hasattr(network, "schedule"):
        network.schedule.timesteps(given["steps"])  # refuses more than there are
    return given


def chosen_labels(network: nn.Module, args: argparse.Namespace) -> Tensor | None:
    """Return a label for each picture: the one asked for, else the classes in turn; None where there are no classes.

    Raises:
        ValueError: the model does not have the label.
    """
    import torch

    classes = getattr(network, "classes", None)
    if args.label is None:
        return torch.arange(args.n) % classes if classes else None
    if not classes:
        raise ValueError(f"{args.name} has no --label: it was trained without classes")
    if args.label >= classes:
        raise ValueError(f"--label {args.label}: {args.name} has the classes 0 to {classes - 1}")
    return torch.full((args.n,), args.label)


def listing() -> str:
    """Tell of every generative model: its chapter, size and parameters, and from its record how it was trained."""
    from gencourse import checkpoints

    rows = [["model", "chapter", "size", "parameters", "steps", "minutes", "device"]]
    notes = [[""]]
    for name in checkpoints.generative():
        if name not in checkpoints.names():
            rows.append([name, checkpoints.MODELS[name].chapter, "missing", "", "", "", ""])
            notes.append(["its weights are not here: check out, or install, gencourse again"])
            continue
        record = checkpoints.record(name)
        size = (checkpoints.folder() / f"{name}.safetensors").stat().st_size
        count = sum(p.numel() for p in checkpoints.load(name).parameters())
        steps = f"{record['steps']:,}" if isinstance(record["steps"], int) else str(record["steps"])
        trained = [steps, f"{record['minutes']:.3g}", str(record["device"])]
        rows.append([name, checkpoints.MODELS[name].chapter, f"{size / 1e6:.1f} MB", f"{count:,}", *trained])
        notes.append([f"data: {record['data']}", f"scores: {told(record['scores'])}"])
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row, note in zip(rows, notes, strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        lines += [f"    {line}" for line in note if line]
    return "\n".join(lines)


def told(scores: dict[str, Any]) -> str:
    """Write the scores of a record in one line, numbers short; what is nested in it is left out."""
    plain = {name: value for name, value in scores.items() if not isinstance(value, dict)}
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in plain.items()
    )
