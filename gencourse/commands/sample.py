"""gencourse sample: pictures from the shipped generative models."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gencourse.commands import UserError, input_errors, output_file
from gencourse.commands._arguments import file_name, number, whole
from gencourse.commands._tables import json_option, print_json, table
from gencourse.commands.run import duration

if TYPE_CHECKING:
    from torch import Tensor, nn

ORDER = 40
ABOUT = "draw pictures from a trained model of the course"
EXAMPLES = """
gencourse sample --list
gencourse sample --list --json    for programs
gencourse sample dcgan_digits -o grid.png
gencourse sample dcgan_digits -n 10000 --seed 1 -o samples.npz

An .npz file holds images, uint8, N x H x W x C, and labels where the model has classes.
"""
BATCH = 64  # pictures at a time, so that the progress bar moves
OPTIONS = ("steps", "guidance", "temperature")  # of some samplers; the function's own arguments say which it has


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="the model: see --list")
    where = "where the pictures go: a grid in .png, or all of them in .npz"
    file_name(add("-o", "--output", metavar="FILE", help=where))
    add("--list", action="store_true", help="show the models: chapter, size, how they were trained, scores")
    json_option(parser)
    add("-n", type=whole(1, 10**7), default=64, metavar="N", help="how many (default: 64)")
    add("--seed", type=whole(0), default=0, help="the same seed gives the same pictures (default: 0)")
    add("--label", type=whole(0), metavar="K", help="pictures of one class (default: all classes in turn)")
    add("--steps", type=whole(1), help="of the sampler, where it has steps (default: the model's)")
    add("--guidance", type=number(0), help="how strictly the label is followed, where the model has guidance")
    add("--temperature", type=number(0), help="below 1 likelier, above 1 more varied, where the model has it")
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def main(args: argparse.Namespace) -> int:
    """List the models, or draw pictures from one, write them, say where they are."""
    from gencourse import checkpoints, images
    from gencourse.data import archive
    from gencourse.runtime import choose_device

    if args.list:
        with input_errors():
            models = described()
        print_json(models) if args.json else print(listing(models))
        return 0
    with input_errors():
        if args.name is None or args.output is None:
            raise ValueError("name a model and where its pictures go, -o FILE; --list shows the models")
        draw = checkpoints.sampler(args.name)
        options = chosen_options(args, draw)
        device = choose_device(args.device)
        network = checkpoints.load(args.name, device)
        labels = chosen_labels(network, args)
        out = output_file(args.output, ".npz")
    began = time.perf_counter()
    try:
        drawn = drawn_pictures(draw, network, args, labels, options)
    except ValueError as error:  # what the sampler itself refuses, as too many steps
        raise UserError(str(error)) from error
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


def drawn_pictures(
    draw: Callable[..., Tensor],
    network: nn.Module,
    args: argparse.Namespace,
    labels: Tensor | None,
    options: dict[str, Any],
) -> Tensor:
    """Return (n, C, H, W) in [0, 1] on the CPU, and show how far it is."""
    import torch
    from tqdm.auto import tqdm

    generator = torch.Generator().manual_seed(args.seed)
    with tqdm(total=args.n, desc="sample", unit="picture", dynamic_ncols=True, delay=0.5) as bar:
        shown = {"batch_size": BATCH, "progress": bar.update}
        return draw(network, args.n, labels=labels, generator=generator, **shown, **options)


def chosen_options(args: argparse.Namespace, draw: Callable[..., Tensor]) -> dict[str, Any]:
    """Return the options that were given.

    Raises:
        ValueError: the model does not have one of them.
    """
    import inspect

    has = [name for name in OPTIONS if name in inspect.signature(draw).parameters]
    given = {name: getattr(args, name) for name in OPTIONS if getattr(args, name) is not None}
    for name in given:
        if name not in has:
            others = ", ".join(f"--{option}" for option in has) or "no such options"
            raise ValueError(f"{args.name} has no --{name}; it has {others}")
    return given


def chosen_labels(network: nn.Module, args: argparse.Namespace) -> Tensor | None:
    """Return a label for each picture: the one asked for, else the classes in turn; None where there are no classes.

    Raises:
        ValueError: the model does not have the label.
    """
    import torch

    classes = getattr(network, "classes", None)
    if args.label is None:
        return torch.arange(args.n, device="cpu") % classes if classes else None
    if not classes:
        raise ValueError(f"{args.name} has no --label: it was trained without classes")
    if args.label >= classes:
        raise ValueError(f"--label {args.label}: {args.name} has the classes 0 to {classes - 1}")
    return torch.full((args.n,), args.label, device="cpu")


def described() -> list[dict[str, Any]]:
    """Return what is known of every generative model; `bytes` is None where its weights are missing."""
    from gencourse import checkpoints

    present, models = checkpoints.names(), []
    for name in checkpoints.generative():
        model: dict[str, Any] = {"model": name, "chapter": checkpoints.MODELS[name].chapter, "bytes": None}
        if name in present:
            model["bytes"] = (checkpoints.folder() / f"{name}.safetensors").stat().st_size
            model["parameters"] = sum(p.numel() for p in checkpoints.load(name).parameters())
            record = checkpoints.record(name)
            model |= {key: record[key] for key in ("steps", "minutes", "device", "data", "scores")}
        models.append(model)
    return models


def listing(models: list[dict[str, Any]]) -> str:
    """Tell of the models in three tables: what they are, what they learned from, how good they are."""
    heads = ("model", "chapter", "size", "parameters", "steps", "minutes", "device")
    here = [model for model in models if model["bytes"]]
    rows = [(m["model"], m["chapter"], f"{m['bytes'] / 1e6:.1f} MB", *(m[key] for key in heads[3:])) for m in here]
    data = [(m["model"], m["data"]) for m in here]
    scores = [
        (m["model"], name, value) for m in here for name, value in m["scores"].items() if not isinstance(value, dict)
    ]
    parts = [table(heads, rows), table(("model", "trained on"), data), table(("model", "score", "value"), scores)]
    missing = [m["model"] for m in models if not m["bytes"]]
    if missing:
        parts.append(f"missing: {', '.join(missing)}; check out, or install, gencourse again")
    return "\n\n".join(parts)
