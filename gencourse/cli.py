"""The command line: `gencourse run | stylize | sample | score | ...`. What the commands do is in gencourse.commands."""

import argparse
import importlib
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from gencourse import __version__
from gencourse.commands import UserError, homework

BAD_INPUT = 2


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 when a notebook's cell failed, 2 for bad input, 130 for Ctrl-C.

    141, as in a shell, when nobody reads the output any more.
    """
    parser = build()
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.print_help()
        return BAD_INPUT
    try:
        command = importlib.import_module(f"gencourse.commands.{args.command}")  # torch and the rest load only now
        code = command.main(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read our output has enough of it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still written at the end
        return 141
    except UserError as error:
        print(f"gencourse {args.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"gencourse {args.command}: interrupted", file=sys.stderr)
        return 130


def build() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="gencourse", description="A course on image generation that runs, from the command line.")
    parser.add_argument("--version", action="version", version=f"gencourse {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _run(commands)
    _stylize(commands)
    _translate(commands)
    _sample(commands)
    _score(commands)
    _homework(commands)
    _data(commands)
    _command(commands, "doctor", "versions, device, profile, and which data and weights are here", "gencourse doctor")
    return parser


def _run(commands) -> None:
    examples = """
      gencourse run 01                    one chapter, in this machine's profile
      gencourse run 01 02 --profile smoke
      gencourse run style                 by a part of its name
      gencourse run                       all chapters
      gencourse run 04 --save             and keep the outputs in the notebook itself
    """
    about = "execute chapters without a screen; writes the notebook and an HTML page to runs/"
    parser = _command(commands, "run", about, examples)
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="01, 1, 01b, a part of the name, or a path")
    parser.add_argument("--profile", help="smoke, cpu or gpu: how large everything is (default: by the hardware)")
    parser.add_argument("--save", action="store_true", help="keep the outputs in the notebook when every cell passes")
    parser.add_argument("--out", default="runs", metavar="FOLDER", help="where the results go (default: runs)")
    parser.add_argument("--timeout", type=_whole(1), metavar="SECONDS", help="for a cell (default: no limit)")


def _stylize(commands) -> None:
    examples = """
      gencourse stylize chelsea great_wave -o out.png
      gencourse stylize photo.jpg painting.jpg -o out.png --size 512 --steps 200
      gencourse stylize photo.jpg auvers great_wave --weights 2,1 -o mix.png
      gencourse stylize photo.jpg auvers --start noise --alpha 1e-2 --seed 3 -o other.png

      A picture is a file, or one of the embedded photographs and paintings: see gencourse data list.
    """
    parser = _command(commands, "stylize", "put the style of one picture on the content of another", examples)
    add = parser.add_argument
    add("content", metavar="CONTENT", help="what the result depicts: a file or an embedded picture")
    add("style", nargs="+", metavar="STYLE", help="how it is painted: one picture, or several to be mixed")
    add("-o", "--output", required=True, metavar="FILE", help="where the result goes; the ending names the format")
    add(
        "--size",
        type=_whole(32, 16_384),
        default=512,
        metavar="PIXELS",
        help="longer side of the result (default: 512)",
    )
    add("--steps", type=_whole(1), default=200, help="optimisation steps over all scales (default: 200)")
    encoders = ("auto", "embedded", "squeezenet", "vgg19")
    add(
        "--encoder",
        choices=encoders,
        default="auto",
        help="auto: vgg19 on a GPU or if it is here already, else embedded",
    )
    add("--weights", type=_weights, metavar="W1,W2", help="one number a style (default: equal)")
    add("--alpha", type=_number(0), default=1e-4, help="weight of content against style (default: 1e-4)")
    add("--start", choices=("content", "noise"), default="content", help="what it begins with (default: content)")
    add("--no-pyramid", action="store_true", help="all steps at full size: slower, textures stay small")
    add("--seed", type=_whole(0), default=0, help="of the noise (default: 0)")
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def _translate(commands) -> None:
    examples = """
      gencourse translate cyclegan_summer2winter scene:7-summer -o winter.png
      gencourse translate cyclegan_summer2winter drawing.png -o winter.png --size 128
      gencourse translate cyclegan_winter2summer photo.jpg -o summer.png
      gencourse translate --list

      A picture is a file, an embedded photograph (see gencourse data list), or a scene that the course draws.
    """
    parser = _command(commands, "translate", "turn a picture into another kind: summer into winter and back", examples)
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="the model: see --list")
    add("picture", nargs="?", metavar="PICTURE", help="a file, an embedded photograph or a scene: scene:7-winter")
    add("-o", "--output", metavar="FILE", help="where the result goes; the ending names the format")
    add("--list", action="store_true", help="show the models and what they were trained on")
    add(
        "--size",
        type=_whole(32, 16_384),
        default=128,
        metavar="PIXELS",
        help="longer side (default: 128; trained at 64)",
    )
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def _sample(commands) -> None:
    examples = """
      gencourse sample --list
      gencourse sample dcgan_digits -o grid.png
      gencourse sample dcgan_digits -n 10000 --seed 1 -o samples.npz

      An .npz file holds images, uint8, N x H x W x C, and labels where the model has classes.
    """
    parser = _command(commands, "sample", "draw pictures from a trained model of the course", examples)
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="the model: see --list")
    add("-o", "--output", metavar="FILE", help="where the pictures go: a grid in .png, or all of them in .npz")
    add("--list", action="store_true", help="show the models: chapter, size, how they were trained, scores")
    add("-n", type=_whole(1, 10**7), default=64, metavar="N", help="how many (default: 64)")
    add("--seed", type=_whole(0), default=0, help="the same seed gives the same pictures (default: 0)")
    add("--label", type=_whole(0), metavar="K", help="pictures of one class (default: all classes in turn)")
    add("--steps", type=_whole(1), help="of the sampler, where it has steps (default: the model's)")
    add("--guidance", type=_number(0), help="how strictly the label is followed, where the model has guidance")
    add("--temperature", type=_number(0), help="below 1 likelier, above 1 more varied, where the model has it")
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def _score(commands) -> None:
    examples = """
      gencourse score samples.npz --against digits
      gencourse score samples.npz --against digits:test -n 1000 --bootstrap 50
      gencourse score folder_of_pictures --against mnist:test --json
      gencourse score a.npz --against b.npz --classifier inception

      An .npz file holds images, uint8, N x H x W x C. Fewer pictures give a larger Frechet distance: compare equal N.
    """
    parser = _command(commands, "score", "measure samples, ours or not, against a data set", examples)
    add = parser.add_argument
    add("samples", metavar="SAMPLES", help="an .npz file, or a folder of pictures of one size")
    reference = "a data set (digits, digits:train, digits:test, mnist:test, ...), an .npz file or a folder"
    add("--against", required=True, metavar="REFERENCE", help=reference)
    classifier = "whose features are compared: digits, inception or a .safetensors file (default: digits)"
    add("--classifier", default="digits", metavar="NAME", help=classifier)
    add("-n", "--n", type=_whole(1), metavar="N", help="use so many of each, drawn by the seed (default: all)")
    add("--bootstrap", type=_whole(0), default=0, metavar="TIMES", help="resample so often for a spread (default: 0)")
    add("--seed", type=_whole(0), default=0, help="of -n and of the bootstrap (default: 0)")
    add("--json", action="store_true", help="print JSON in place of a table")
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def _homework(commands) -> None:
    examples = """
      gencourse homework build
      gencourse homework grade submissions --chapter 01 --out grades.csv --jobs 2
    """
    about = "make the students' copies of the notebooks, and grade what comes back"
    homework.arguments(_command(commands, "homework", about, examples), _whole)


def _data(commands) -> None:
    examples = """
      gencourse data list
      gencourse data fetch mnist
      gencourse data where
    """
    parser = _command(commands, "data", "list the data sets, download one, say where they lie", examples)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="every data set: embedded, cached or not downloaded, its size and licence")
    fetch = actions.add_parser("fetch", help="make sure that a data set is on this machine, verified")
    fetch.add_argument("name", metavar="NAME", help="as data list names it")
    actions.add_parser("where", help="the folder of the embedded data and that of the downloads")


def _command(commands, name: str, about: str, examples: str) -> argparse.ArgumentParser:
    lines = "\n".join(f"  {line.strip()}".rstrip() for line in examples.strip().splitlines())
    shape = argparse.RawDescriptionHelpFormatter
    about_long = about[0].upper() + about[1:] + "."
    epilog = f"examples:\n{lines}"
    return commands.add_parser(name, help=about, description=about_long, epilog=epilog, formatter_class=shape)


def _whole(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.lstrip("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {text!r}")
        if int(text) > most:
            raise argparse.ArgumentTypeError(f"expected at most {most:,}, got {text!r}")
        return int(text)

    return read


def _number(least: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < least:
            raise argparse.ArgumentTypeError(f"expected a number of at least {least:g}, got {text!r}")
        return value

    return read


def _weights(text: str) -> list[float]:
    return [_number(0)(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
