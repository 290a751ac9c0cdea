"""gencourse translate: a picture, turned into another kind by a shipped network."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from gencourse.commands import _pictures, _pix2pix, input_errors, output_file
from gencourse.commands._arguments import file_name, whole
from gencourse.commands._tables import json_option, print_json, table

if TYPE_CHECKING:
    from torch import Tensor, nn

ORDER = 30
SIZE = 128  # pixels of the longer side, unless asked otherwise
ABOUT = "turn a picture into another kind: summer into winter and back, a drawing into a coloured one"
EXAMPLES = """
gencourse translate cyclegan_summer2winter scene:7-summer -o winter.png
gencourse translate cyclegan_summer2winter drawing.png -o winter.png --size 128
gencourse translate cyclegan_winter2summer photo.jpg -o summer.png
gencourse translate pix2pix_emoji drawing.png -o coloured.png
gencourse translate --list

A picture is a file, an embedded picture (see gencourse data list), or a scene that the course draws.
For pix2pix_emoji it is a drawing, dark lines on light paper or on a transparent ground, which becomes white: it is made
grey, fitted whole into a square, its paper made white and its darkest line black.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    side = whole(32, 16_384)
    add("name", nargs="?", metavar="NAME", help="the model: see --list")
    what = "a file, an embedded picture or a scene: scene:7-winter"
    file_name(add("picture", nargs="?", metavar="PICTURE", help=what))
    file_name(add("-o", "--output", metavar="FILE", help="where the result goes; the ending names the format"))
    add("--list", action="store_true", help="show the models and what they were trained on")
    json_option(parser)
    add("--size", type=side, metavar="PIXELS", help="longer side (default: 128, of drawings 64; all trained at 64)")
    own = "weights of one's own for pix2pix_emoji: a file of scripts/train_pix2pix.py"
    file_name(add("--network", metavar="FILE", help=own))
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def main(args: argparse.Namespace) -> int:
    """List the translators, or translate one picture, write the result, say where it is."""
    from gencourse import checkpoints, images
    from gencourse.methods.cyclegan import translate
    from gencourse.runtime import choose_device

    if args.list:
        with input_errors():
            models = [{"model": name, "trained on": checkpoints.record(name)["data"]} for name in translators()]
        print_json(models) if args.json else print(table(("model", "trained on"), [tuple(m.values()) for m in models]))
        return 0
    if args.name in _pix2pix.DRAWINGS:
        return _pix2pix.main(args)
    with input_errors():
        if args.network is not None:
            raise ValueError(f"--network goes with {' or '.join(_pix2pix.DRAWINGS)}")
        if args.name is None or args.picture is None or args.output is None:
            raise ValueError("name a model, a picture and where the result goes, -o FILE; --list shows the models")
        network = load(args.name)
        out = output_file(args.output)
        x = picture(args.picture, args.size or SIZE)
        translated = translate(network.to(choose_device(args.device)), x)
        images.save(translated, out)
    h, w = translated.shape[2:]
    print(f"{w} x {h}, {args.name}", file=sys.stderr)
    print(out)
    return 0


def translators() -> list[str]:
    """Return the names of the shipped networks that turn a picture into a picture."""
    from gencourse import checkpoints
    from gencourse.networks.pix2pix import UNetGenerator
    from gencourse.networks.translation import ResnetGenerator

    return [name for name, model in checkpoints.MODELS.items() if model.network in (ResnetGenerator, UNetGenerator)]


def load(name: str) -> nn.Module:
    """Return a translator.

    Raises:
        ValueError: the name is that of another model; and as `checkpoints.load` raises.
    """
    from gencourse import checkpoints

    if name in checkpoints.MODELS and name not in translators():
        raise ValueError(f"{name} does not translate pictures; these do: {', '.join(translators())}")
    return checkpoints.load(name)


def picture(name: str, size: int) -> Tensor:
    """Return a file, an embedded picture by name, or `scene:7-summer`, which is drawn: (1, 3, H, W) in [0, 1].

    The longer side becomes `size`; then both are cut, around the middle, to what the network takes.

    Raises:
        FileNotFoundError: there is no such file.
        ImageError: the file is no picture.
        ValueError: the name is unknown, or the picture too narrow.
    """
    from gencourse.networks.translation import MULTIPLE, SMALLEST

    if name.startswith("scene:"):
        return drawn(name, size // MULTIPLE * MULTIPLE)
    x = _pictures.read(name, size)
    h, w = (side // MULTIPLE * MULTIPLE for side in x.shape[2:])
    if min(h, w) < SMALLEST:
        raise ValueError(f"{name} is {x.shape[3]} x {x.shape[2]} at --size {size}: too narrow, use a larger --size")
    top, left = (x.shape[2] - h) // 2, (x.shape[3] - w) // 2
    return x[:, :, top : top + h, left : left + w]


def drawn(name: str, size: int) -> Tensor:
    """Return the landscape that `scene:7-winter` names, one that nothing was trained on: test scene 7.

    Raises:
        ValueError: the name is that of no scene.
    """
    from gencourse.data.landscapes import TEST
    from gencourse.seasons import render

    number, _, season = name.removeprefix("scene:").partition("-")
    if not number.isdecimal() or season not in ("summer", "winter"):
        raise ValueError(f"{name!r} names no scene: write scene:7-summer or scene:7-winter")
    return render([TEST + int(number)], season, size)
