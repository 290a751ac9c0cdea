"""gencourse translate pix2pix_emoji: a drawing of one's own, coloured as emoji are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gencourse.commands import UserError, input_errors, output_file

if TYPE_CHECKING:
    from torch import Tensor

    from gencourse.networks.pix2pix import UNetGenerator

DRAWINGS = ("pix2pix_emoji",)  # models that colour drawings
TRAINED = 64  # pixels a side of what they were trained on
LARGEST = 1024


def main(args: argparse.Namespace) -> int:
    """Read the drawing, colour it, write the result, say where it is.

    Args:
        args: Those of `translate`.
    """
    from gencourse import images
    from gencourse.methods.cyclegan import translate
    from gencourse.runtime import choose_device

    with input_errors():
        if args.picture is None or args.output is None:
            raise ValueError("name a drawing and where the result goes, -o FILE")
        device = choose_device(args.device)
        network = load(args.name, args.network)
        out = output_file(args.output)
        x = drawing(args.picture, args.size or TRAINED, network)
        coloured = translate(network.to(device), x)
        images.save(coloured, out)
    print(f"{x.shape[3]} x {x.shape[2]}, {args.name}", file=sys.stderr)
    print(out)
    return 0


def load(name: str, path: str | None) -> UNetGenerator:
    """Return the network that ships, or that of a file.

    Raises:
        UserError: None ships yet.
        FileNotFoundError: There is no such file.
        ValueError: It holds another network, one that colours no drawings, or is damaged.
    """
    from gencourse import checkpoints
    from gencourse.networks.pix2pix import UNetGenerator

    file = checkpoints.folder() / f"{name}.safetensors" if path is None else Path(path).expanduser()
    if path is None and not file.exists():
        raise UserError(
            f"{name} does not ship with this version: train it with scripts/train_pix2pix.py and name its file with "
            "--network"
        )
    network = checkpoints.read(file, UNetGenerator)
    if network.inputs != 1 or network.noise:
        raise ValueError(f"{file} translates other pictures than drawings, which have one channel")
    return network


def drawing(name: str, size: int, network: UNetGenerator) -> Tensor:
    """Return a file as a drawing on white, whole in a square: (1, 1, S, S) in [0, 1].

    S is `size`, less what the network cannot halve as often as it does.

    Raises:
        FileNotFoundError: there is no such file.
        ImageError: the file is no picture, or nothing is drawn in it.
        ValueError: the size is too small for the network, or too large.
    """
    from gencourse import data, images

    if not network.multiple <= size <= LARGEST:
        raise ValueError(f"drawings are coloured at {network.multiple} to {LARGEST} pixels, got --size {size}")
    return data.drawing(images.load(name), size // network.multiple * network.multiple)
