"""gencourse stylize: a painting's style on a photograph."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from gencourse.commands import UserError, _fast_style, _pictures, input_errors, output_file, unfinished
from gencourse.commands._arguments import file_name, number, weight_each, weights, whole
from gencourse.commands._memory import check_fits, memory_errors
from gencourse.commands.run import INTERRUPTED, duration

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gencourse.methods.style import Stylized
    from gencourse.networks.features import Extractor

ORDER = 20
ABOUT = "put the style of one picture on the content of another"
EXAMPLES = """
gencourse stylize chelsea great_wave -o out.png
gencourse stylize photo.jpg painting.jpg -o out.png --size 512 --steps 200
gencourse stylize photo.jpg auvers great_wave --weights 2,1 -o mix.png
gencourse stylize photo.jpg auvers --start noise --alpha 0.1 --seed 3 -o other.png
gencourse stylize photo.jpg great_wave --fast -o out.png
gencourse stylize frames auvers poppies --weights 1,2 --fast -o painted

A picture is a file or an embedded picture: see gencourse data list. With --fast a network that was trained for some
styles paints in one pass; then CONTENT may be a folder of frames, and -o names another.
"""
ENCODERS = ("auto", "embedded", "squeezenet", "vgg19")
SLOW = ("steps", "encoder", "alpha", "start", "no_pyramid", "seed")  # what means nothing to a network that paints


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    side, which = whole(32, 16_384), "auto: vgg19 on a GPU or if it is here already, else embedded"
    file_name(add("content", metavar="CONTENT", help="what the result depicts: a file or an embedded picture"))
    file_name(add("style", nargs="+", metavar="STYLE", help="how it is painted: one picture, or several to be mixed"))
    where = "where the result goes; the ending names the format"
    file_name(add("-o", "--output", required=True, metavar="FILE", help=where))
    add("--size", type=side, default=512, metavar="PIXELS", help="longer side of the result (default: 512)")
    add("--steps", type=whole(1), default=200, help="optimisation steps over all scales (default: 200)")
    add("--encoder", choices=ENCODERS, default="auto", help=which)
    add("--weights", type=weights, metavar="W1,W2", help="one number a style (default: equal)")
    add("--alpha", type=number(0), default=0.1, help="weight of content against style (default: 0.1)")
    add("--start", choices=("content", "noise"), default="content", help="what it begins with (default: content)")
    add("--no-pyramid", action="store_true", help="all steps at full size: slower, textures stay small")
    add("--seed", type=whole(0), default=0, help="of the noise (default: 0)")
    add("--fast", action="store_true", help="one pass of a trained network; STYLE is a name that it knows")
    file_name(add("--network", metavar="FILE", help="with --fast: weights of one's own (default: those that ship)"))
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def main(args: argparse.Namespace) -> int:
    """Read the pictures, optimise, write the result, say where it is; returns 0, or 130 when Ctrl-C cut it short."""
    import torch

    from gencourse import images
    from gencourse.runtime import choose_device

    check_fast(args)
    if args.fast:
        return _fast_style.main(args, picture)
    with input_errors():
        shares = weight_each(args.weights, args.style)
        device = choose_device(args.device)
        with memory_errors(args.size):
            content = picture(args.content, args.size).to(device)
            pictures = [picture(name, args.size).to(device) for name in args.style]
        styles = list(zip(pictures, shares, strict=True))
        network = load_network(args.encoder, device)
        check_fits(network, content)
        out = output_file(args.output)  # the last: wrong input leaves no folders
    torch.manual_seed(args.seed)
    try:
        with memory_errors(args.size):
            result = optimise(content, styles, network, args)
    except FloatingPointError as error:
        raise UserError(f"the optimisation diverged ({error}): try a smaller --alpha") from error
    stopped = result.history.steps < args.steps
    out = unfinished(out) if stopped else out
    with input_errors():
        images.save(result.image, out)
    h, w = result.image.shape[2:]
    took = f"{result.history.steps} steps in {duration(result.history.seconds)}"
    print(f"{w} x {h}, {network.name} network, {took}, on {device}", file=sys.stderr)
    print(out)
    return INTERRUPTED if stopped else 0


def check_fast(args: argparse.Namespace) -> None:
    """Refuse options that would have no effect.

    Raises:
        UserError: --network without --fast, or an option of the optimisation with it.
    """
    parser = argparse.ArgumentParser()
    arguments(parser)
    changed = [name for name in SLOW if getattr(args, name) != parser.get_default(name)]
    if args.fast and changed:
        raise UserError(f"--{changed[0].replace('_', '-')} is for the optimisation: --fast is one pass of a network")
    if args.network and not args.fast:
        raise UserError("--network names what --fast paints with: add --fast")


def optimise(content: Tensor, styles: list[tuple[Tensor, float]], network: Extractor, args) -> Stylized:
    """Run the method with the arguments of the command line, through a pyramid of sizes unless it is unwanted."""
    import torch

    from gencourse.methods.style import coarse_to_fine, noise_like, pyramid, stylize

    sizes, steps = pyramid([content, *(image for image, _ in styles)], args.size, args.steps)
    if args.no_pyramid:
        sizes, steps = [args.size], [args.steps]
    noise = partial(noise_like, generator=torch.Generator().manual_seed(args.seed))
    start = noise if args.start == "noise" else None
    paint = partial(stylize, network=network, alpha=args.alpha)
    return coarse_to_fine(content, styles, paint, sizes=sizes, steps=steps, start=start)


def picture(name: str, size: int, least: int | None = None) -> Tensor:
    """Return a file, or an embedded picture by name, with its longer side resized: (1, 3, H, W) in [0, 1].

    Args:
        name: as it was typed.
        size: of the longer side, in pixels.
        least: pixels a side that the network needs; without it those of chapter 01's.

    Raises:
        FileNotFoundError: there is no such file.
        ImageError: the file is no picture.
        ValueError: the name is unknown, or the picture too narrow.
    """
    from gencourse.networks.features import SMALLEST

    image = _pictures.read(name, size)
    (h, w), least = image.shape[2:], least or SMALLEST
    if min(h, w) < least:
        raise ValueError(f"{name} is {w} x {h} at --size {size}, the network needs {least} a side: use a larger --size")
    return image


def load_network(name: str, device: torch.device) -> Extractor:
    """Return the network.

    Raises:
        UserError: it could not be downloaded; the message says what to take in its place.
        ValueError: the name is unknown.
    """
    from gencourse.networks.features import extractor

    try:
        return extractor(name, device=device)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UserError(f"{name} could not be downloaded ({error}): --encoder embedded needs no download") from error
