"""gencourse translate: a picture, turned into another kind by a shipped network."""

import argparse
import sys

from torch import Tensor, nn

from gencourse import checkpoints, data, images
from gencourse.commands import input_errors, output_file
from gencourse.data.landscapes import TEST
from gencourse.methods.cyclegan import translate
from gencourse.networks.translation import MULTIPLE, SMALLEST, ResnetGenerator
from gencourse.runtime import choose_device
from gencourse.seasons import render


def main(args: argparse.Namespace) -> int:
    """List the translators, or translate one picture, write the result, say where it is."""
    if args.list:
        with input_errors():
            print("\n".join(f"{name}  data: {checkpoints.record(name)['data']}" for name in translators()))
        return 0
    with input_errors():
        if args.name is None or args.picture is None or args.output is None:
            raise ValueError("name a model, a picture and where the result goes, -o FILE; --list shows the models")
        network = load(args.name)
        out = output_file(args.output)
        x = picture(args.picture, args.size)
        translated = translate(network.to(choose_device(args.device)), x)
        images.save(translated, out)
    h, w = translated.shape[2:]
    print(f"{w} x {h}, {args.name}", file=sys.stderr)
    print(out)
    return 0


def translators() -> list[str]:
    """Return the names of the shipped networks that turn a picture into a picture."""
    return [name for name, model in checkpoints.MODELS.items() if model.network is ResnetGenerator]


def load(name: str) -> nn.Module:
    """Return a translator. Raises ValueError for the name of a model that is none, and as `checkpoints.load` does."""
    if name in checkpoints.MODELS and name not in translators():
        raise ValueError(f"{name} does not translate pictures; these do: {', '.join(translators())}")
    return checkpoints.load(name)


def picture(name: str, size: int) -> Tensor:
    """Return a file, an embedded photograph by name, or `scene:7-summer`, which is drawn: (1, 3, H, W) in [0, 1].

    The longer side becomes `size`; then both are cut, around the middle, to what the network takes.
    Raises FileNotFoundError, ImageError, or ValueError for a scene that is none and a picture that is too narrow.
    """
    if name.startswith("scene:"):
        return drawn(name, size // MULTIPLE * MULTIPLE)
    x = data.photo(name, size) if name in data.photos() else images.load(name, size)
    h, w = (side // MULTIPLE * MULTIPLE for side in x.shape[2:])
    if min(h, w) < SMALLEST:
        raise ValueError(f"{name} is {x.shape[3]} x {x.shape[2]} at --size {size}: too narrow, use a larger --size")
    top, left = (x.shape[2] - h) // 2, (x.shape[3] - w) // 2
    return x[:, :, top : top + h, left : left + w]


def drawn(name: str, size: int) -> Tensor:
    """Return the landscape that `scene:7-winter` names, one that nothing was trained on: test scene 7.

    Raises ValueError for a name that is none.
    """
    number, _, season = name.removeprefix("scene:").partition("-")
    if not number.isdecimal() or season not in ("summer", "winter"):
        raise ValueError(f"{name!r} names no scene: write scene:7-summer or scene:7-winter")
    return render([TEST + int(number)], season, size)
