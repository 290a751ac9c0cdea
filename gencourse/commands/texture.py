"""gencourse texture: a large picture of a texture from a small sample of it."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from gencourse.commands import UserError, _pictures, input_errors, output_file, unfinished
from gencourse.commands._arguments import file_name, number, whole
from gencourse.commands._memory import memory_errors
from gencourse.commands.run import INTERRUPTED, duration

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ORDER = 35
ABOUT = "make a large picture of a texture from a small sample"
EXAMPLES = """
gencourse texture brick -o wall.png
gencourse texture jaguar --crop 95,180,64 -o fur.png --size 512
gencourse texture photo.jpg -o out.png --method grow --window 15
gencourse texture gravel -o tile.png --method gram --size 256 --steps 200

A sample is a file, or an embedded texture, photograph or painting: see gencourse data list. Give what is texture alone:
--crop takes a square out of it, in pixels of its own.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    file_name(add("sample", metavar="SAMPLE", help="a file or an embedded picture"))
    where = "where the result goes; the ending names the format"
    file_name(add("-o", "--output", required=True, metavar="FILE", help=where))
    add("--size", type=whole(16, 4096), default=256, metavar="PIXELS", help="side of the result (default: 256)")
    ways = "blocks, cut and joined; pixel by pixel; or by Gram matrices, which tiles (default: quilt)"
    add("--method", choices=("quilt", "grow", "gram"), default="quilt", help=ways)
    add("--crop", type=square, metavar="LEFT,TOP,SIDE", help="a square of the sample")
    shrunk = "longer side of the sample, which is made smaller if it is larger (default: 128)"
    add("--sample-size", type=whole(16, 512), default=128, metavar="PIXELS", help=shrunk)
    add("--block", type=whole(4), default=24, metavar="PIXELS", help="quilt: side of a block (default: 24)")
    add("--window", type=whole(3), default=11, metavar="PIXELS", help="grow: what is compared, odd (default: 11)")
    add("--tolerance", type=number(0), default=0.1, help="quilt, grow: how far from the best (default: 0.1)")
    add("--steps", type=whole(1), default=100, help="gram: of the optimisation (default: 100)")
    add("--seed", type=whole(0), default=0, help="of all that is drawn by chance (default: 0)")
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def square(text: str) -> tuple[int, int, int]:
    """Read "95,180,64"."""
    parts = text.split(",")
    if len(parts) != 3:
        raise argparse.ArgumentTypeError(f"expected three whole numbers LEFT,TOP,SIDE, got {text!r}")
    return whole(0)(parts[0]), whole(0)(parts[1]), whole(1)(parts[2])


def main(args: argparse.Namespace) -> int:
    """Read the sample, make the texture, write it, say where it is; returns 0, or 130 when Ctrl-C cut it short."""
    import torch

    from gencourse import images
    from gencourse.runtime import choose_device

    with input_errors():
        device = choose_device(args.device)
        sample = read(args.sample, args.crop, args.sample_size).to(device)
        check(sample, args)
        out = output_file(args.output)  # the last: wrong input leaves no folders
    began, generator = time.perf_counter(), torch.Generator().manual_seed(args.seed)
    try:
        with memory_errors(args.size):
            image, steps = make(sample, args, generator)
    except FloatingPointError as error:
        raise UserError(f"the optimisation diverged ({error}): try another --seed") from error
    stopped = args.method == "gram" and steps < args.steps
    out = unfinished(out) if stopped else out
    with input_errors():
        images.save(image, out)
    h, w = sample.shape[2:]
    took = duration(time.perf_counter() - began)
    print(f"{args.size} x {args.size} from {w} x {h}, {args.method}, {took}, on {device}", file=sys.stderr)
    print(out)
    return INTERRUPTED if stopped else 0


def check(sample: Tensor, args: argparse.Namespace) -> None:
    """Look at the sample and the sizes before the work.

    Raises:
        ImageError: the sample is too small for the method, or of one colour.
        ValueError: a size does not suit the method.
    """
    from gencourse.expect import check_sample
    from gencourse.methods.texture import POOLED
    from gencourse.networks.features import SMALLEST

    needs = {
        "quilt": (args.block, f"a block of {args.block} pixels (--block)"),
        "grow": (args.window, f"the window of {args.window} pixels (--window)"),
        "gram": (SMALLEST, "what the network needs"),
    }
    check_sample(sample, *needs[args.method])
    if args.method == "grow" and args.window % 2 == 0:
        raise ValueError(f"--window must be odd, so that it has a middle; got {args.window}")
    if args.method == "gram" and args.size % POOLED:
        fits = args.size // POOLED * POOLED
        raise ValueError(
            f"--method gram makes textures that tile: --size must be a multiple of {POOLED}, such as {fits}"
        )


def make(sample: Tensor, args: argparse.Namespace, generator: torch.Generator) -> tuple[Tensor, int]:
    """Return the texture, and how many steps were done where there are steps."""
    from gencourse.methods import texture
    from gencourse.networks.features import extractor

    if args.method == "quilt":
        block = {"block": args.block, "overlap": max(1, args.block // 4)}
        return texture.quilt(sample, args.size, **block, tolerance=args.tolerance, generator=generator).image, 0
    if args.method == "grow":
        return grow(sample, args, generator), 0
    network = extractor("auto", device=sample.device)
    found = texture.synthesize(sample, network, args.size, steps=args.steps, generator=generator)
    return found.image, found.history.steps


def grow(sample: Tensor, args: argparse.Namespace, generator: torch.Generator) -> Tensor:
    """Grow the texture pixel by pixel, with a bar."""
    from tqdm.auto import tqdm

    from gencourse.methods import texture

    with tqdm(total=args.size**2, desc="grow", unit="pixel", dynamic_ncols=True, delay=0.5) as bar:

        def show(_: Tensor, known: Tensor) -> None:
            bar.update(int(known.sum()) - bar.n)

        options = {"window": args.window, "tolerance": args.tolerance, "generator": generator}
        grown = texture.grow(sample, args.size, **options, callback=show)
    return grown.image


def read(name: str, crop: tuple[int, int, int] | None, longest: int) -> Tensor:
    """Return the sample, (1, 3, H, W), cut out and at most so large.

    Raises:
        FileNotFoundError: there is no such file.
        ImageError: the file is no picture.
        ValueError: the name is unknown, or the square is not inside the picture.
    """
    from gencourse import images

    image = _pictures.read(name)
    h, w = image.shape[2:]
    if crop is not None:
        left, top, side = crop
        if left + side > w or top + side > h:
            raise ValueError(f"--crop {left},{top},{side} does not lie inside {name}, which is {w} x {h}")
        image = image[..., top : top + side, left : left + side]
    return images.resize(image, longest) if max(image.shape[2:]) > longest else image
