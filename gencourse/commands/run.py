"""gencourse run: chapters executed without a screen."""

import argparse
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gencourse.commands import UserError, input_errors, writable
from gencourse.commands._arguments import file_name, whole

if TYPE_CHECKING:
    from gencourse.chapters.run import Result

FAILED, INTERRUPTED = 1, 130
ORDER = 10
ABOUT = "execute chapters without a screen; writes the notebook and an HTML page to runs/"
EXAMPLES = """
gencourse run 01                    one chapter, in this machine's profile
gencourse run 01 02 --profile smoke
gencourse run style                 by a part of its name
gencourse run                       all chapters
gencourse run 04 --save             and keep the outputs in the notebook itself
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    file_name(add("chapters", nargs="*", metavar="CHAPTER", help="01, 1, 01b, a part of the name, or a path"))
    add("--profile", help="smoke, cpu or gpu: how large everything is (default: by the hardware)")
    add("--save", action="store_true", help="keep the outputs in the notebook when every cell passes")
    file_name(add("--out", default="runs", metavar="FOLDER", help="where the results go (default: runs)"))
    add("--timeout", type=whole(1), metavar="SECONDS", help="for a cell (default: no limit)")


def main(args: argparse.Namespace) -> int:
    """Run the chapters asked for, or all; returns 0, or 1 when a cell failed, or 130 after Ctrl-C."""
    from gencourse.chapters.pages import read
    from gencourse.chapters.run import chapters, find, run
    from gencourse.runtime import choose_profile

    with input_errors():
        profile = choose_profile(args.profile)
        paths = list(dict.fromkeys(find(name) for name in args.chapters)) or chapters()
        if len({path.stem for path in paths}) < len(paths):
            raise ValueError("two of these notebooks have one name: the second's result would overwrite the first's")
        for path in paths:
            read(path)  # what is no notebook is told before the first one runs for minutes
        out = Path(args.out).expanduser()
        writable(out)
    print(f"running {', '.join(path.stem for path in paths)} in the {profile} profile", file=sys.stderr)
    failed = False
    for path in paths:
        try:
            result = run(path, profile=profile, out=out, save=args.save, timeout=args.timeout)
        except (ValueError, OSError) as error:  # edited while it ran, a full disk
            raise UserError(str(error)) from error
        report(result, args.save)
        if result.interrupted:
            return INTERRUPTED
        failed = failed or result.error is not None
    return FAILED if failed else 0


def report(result: "Result", saved: bool) -> None:
    """Say how a notebook went: the traceback of a failing cell, how long it took, where the files are."""
    memory = f", at most {result.memory / 1e9:.1f} GB of memory" if result.memory else ""
    took = f"{duration(result.seconds)}{memory}"
    sys.stdout.flush()
    if result.error is None:
        print(f"{result.path.stem}: {result.cells} cells passed in {took}")
    elif result.interrupted:
        print(f"{result.path.stem}: stopped after {result.done} of {result.cells} cells, {took}")
    else:
        print(result.error if coloured() else re.sub(r"\x1b\[[0-9;]*m", "", result.error), file=sys.stderr)
        where = f", under {result.section!r}" if result.section else ""
        print(f"{result.path.stem}: cell {result.done + 1} of {result.cells} failed{where}, after {took}")
    print(f"  page      {result.page}\n  notebook  {result.notebook}")
    if saved:
        told = f"kept in {result.path}" if result.error is None else "not kept: not every cell passed"
        print(f"  outputs   {told}")


def duration(seconds: float) -> str:
    """Return seconds as people say them: "8 s", "3 min 5 s"."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def coloured() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ
