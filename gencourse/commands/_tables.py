"""Listings: a table for a person, JSON for a program."""

import argparse
from collections.abc import Sequence
from typing import Any


def json_option(parser: argparse.ArgumentParser) -> None:
    """Declare --json, which every listing has."""
    parser.add_argument("--json", action="store_true", help="the same as JSON, for programs")


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows in columns as wide as what they hold, numbers to the right; a name that repeats is told once."""
    cells = [[_told(cell) for cell in row] for row in rows]
    right = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(heads))]
    for i in range(len(cells) - 1, 0, -1):
        if cells[i][0] == cells[i - 1][0]:
            cells[i][0] = ""
    lines = [list(heads), *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def print_json(listed: Any) -> None:
    """Print what JSON can hold."""
    import json

    print(json.dumps(listed, indent=2))


def _told(cell: Any) -> str:
    """Write a number as people read it: 1,200 and 0.3103."""
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
