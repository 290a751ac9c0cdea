"""gencourse enlarge: a picture four times as wide and as high, of any size, in little memory."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gencourse.commands import UserError, _pictures, input_errors, output_file
from gencourse.commands._arguments import file_name, number, whole
from gencourse.commands.run import duration

if TYPE_CHECKING:
    from torch import Tensor

    from gencourse.networks.srgan import SRGenerator

ORDER = 37
ABOUT = "make a picture four times larger"
EXAMPLES = """
gencourse enlarge photo.jpg -o big.png
gencourse enlarge photo.jpg -o big.png --model adversarial
gencourse enlarge photo.jpg -o big.png --model adversarial --share 0.5 --seed 3
gencourse enlarge jaguar -o big.png --pixel mine.safetensors

A picture is a file, or an embedded one: see gencourse data list. It is enlarged at its own size, tile by tile: where
tiles meet nothing is seen. Greyscale becomes three equal channels, transparency is laid on white.

pixel comes nearest to the truth and is soft. adversarial is sharp, and its details are invented: --seed gives others.
"""
MODELS = ("pixel", "adversarial")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    file_name(add("picture", metavar="PICTURE", help="a file or an embedded picture"))
    where = "where the result goes; the ending names the format, and .png needs the least memory"
    file_name(add("-o", "--output", required=True, metavar="FILE", help=where))
    add("--model", choices=MODELS, default="pixel", help="the network (default: pixel)")
    part = "of the model's weights, from 0 to 1; the rest is the other model's (default: 1)"
    add("--share", type=number(0), default=1.0, help=part)
    same = "make the result's block averages those of the picture: for pictures without noise that were averaged"
    add("--consistent", action="store_true", help=same)
    add("--seed", type=whole(0), default=0, help="of the noise that adversarial draws from (default: 0)")
    add("--tile", type=whole(16, 4096), default=192, metavar="PIXELS", help="side of a tile (default: 192)")
    for model in MODELS:
        own = f"weights of one's own in place of the {model} network that ships"
        file_name(add(f"--{model}", metavar="FILE", help=own))
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def main(args: argparse.Namespace) -> int:
    """Read the picture, enlarge it strip by strip, write it, say where it is."""
    from gencourse.expect import ImageError
    from gencourse.images.strips import save_strips
    from gencourse.runtime import choose_device

    with input_errors():
        device = choose_device(args.device)
        network = load(args).to(device)
        image = _pictures.read(args.picture)
        strips, size = work(image, network, args)
        out = output_file(args.output)  # the last: wrong input leaves no folders
    began = time.perf_counter()
    try:  # the work is done while it is written: an error of its own keeps its traceback
        save_strips(strips, size, out)
    except (OSError, ImageError) as error:
        raise UserError(str(error)) from error
    took = duration(time.perf_counter() - began)
    told = f"{size[1]} x {size[0]} from {image.shape[3]} x {image.shape[2]}, {shares(args)}, {took}, on {device}"
    print(told, file=sys.stderr)
    print(out)
    return 0


def work(image: Tensor, network: SRGenerator, args: argparse.Namespace) -> tuple[Iterator[Tensor], tuple[int, int]]:
    """Return the strips of the result, each made when it is asked for, and the (height, width) of the whole.

    Raises:
        ImageError: the picture is too small.
    """
    import torch
    from tqdm.auto import tqdm

    from gencourse.expect import ImageError
    from gencourse.methods.enlarging import draw_noise, enlarged_strips
    from gencourse.networks.srgan import SMALLEST

    h, w = image.shape[2:]
    if min(h, w) < SMALLEST:
        raise ImageError(f"{args.picture} is {w} x {h}: a picture needs {SMALLEST} pixels a side to be enlarged")
    noise = draw_noise(network, image, torch.Generator().manual_seed(args.seed))
    strips = enlarged_strips(image, network, noise=noise, consistent=args.consistent, tile=args.tile)
    rows = -(-h // args.tile)
    shown = tqdm(strips, desc="enlarge", total=rows, unit="strip", dynamic_ncols=True, delay=0.5, file=sys.stderr)
    return iter(shown), (h * network.scale, w * network.scale)


def load(args: argparse.Namespace) -> SRGenerator:
    """Return the network that was asked for, its weights mixed of both models' where a share is given.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file holds another network or is damaged, or the share is more than 1.
    """
    from gencourse.methods.enlarging import interpolate_weights

    if args.share > 1:
        raise ValueError(f"--share is a part of the weights, from 0 to 1; got {args.share:g}")
    other = MODELS[1 - MODELS.index(args.model)]
    if args.share in (0, 1):
        return read(args.model if args.share else other, args)
    return interpolate_weights(read(other, args), read(args.model, args), args.share)


def read(model: str, args: argparse.Namespace) -> SRGenerator:
    """Return one of the two networks. Raises as `load` does."""
    from gencourse import checkpoints
    from gencourse.networks.srgan import SRGenerator

    own = vars(args)[model]
    file = checkpoints.folder() / f"superres_{model}.safetensors" if own is None else Path(own).expanduser()
    return checkpoints.read(file, SRGenerator)


def shares(args: argparse.Namespace) -> str:
    """Say what the result is made with."""
    other = MODELS[1 - MODELS.index(args.model)]
    return args.model if args.share == 1 else f"{args.share:.0%} {args.model} + {1 - args.share:.0%} {other}"
