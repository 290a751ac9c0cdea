"""What the commands' arguments share: readers of numbers, for argparse's `type=`, and a mark for names of files."""

import argparse
import math
from collections.abc import Callable


def whole(least: int, most: int = 2**63 - 1) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least` to `most`."""

    def read(text: str) -> int:
        if not text.lstrip("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {text!r}")
        if int(text) > most:
            raise argparse.ArgumentTypeError(f"expected at most {most:,}, got {text!r}")
        return int(text)

    return read


def number(least: float) -> Callable[[str], float]:
    """Return a reader of finite numbers that are at least `least`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < least:
            raise argparse.ArgumentTypeError(f"expected a number of at least {least:g}, got {text!r}")
        return value

    return read


def weights(text: str) -> list[float]:
    """Read numbers of at least 0 with commas between them: "2,1"."""
    return [number(0)(part) for part in text.split(",")]


def weight_each(given: list[float] | None, styles: list[str]) -> list[float]:
    """Return a weight for each style: those given, else all the same.

    Raises:
        ValueError: there are not as many weights as styles, or they are all zero.
    """
    found = given or [1.0] * len(styles)
    if len(found) != len(styles) or sum(found) <= 0:
        raise ValueError(f"--weights: give one number a style, not all zero; got {len(found)} for {len(styles)}")
    return found


def file_name(argument: argparse.Action) -> None:
    """Mark an argument as the name of a file or folder.

    A script that shtab makes completes it then. The names are shtab's own, so that nobody needs it to run a command.
    """
    vars(argument)["complete"] = {"bash": "_shtab_compgen_files", "zsh": "_files", "tcsh": "f"}
