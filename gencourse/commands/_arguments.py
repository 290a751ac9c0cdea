"""Readers of numbers that the commands' arguments share, for argparse's `type=`."""

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
