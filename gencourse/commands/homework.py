"""gencourse homework: build the students' copies, grade what comes back."""

import argparse
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from gencourse.chapters.pages import write_text
from gencourse.commands import UserError, input_errors

STALE = 1


def arguments(parser: argparse.ArgumentParser, whole: Callable[[int], Callable[[str], int]]) -> None:
    """Declare the command's arguments; whole: what makes a reader of whole numbers with a lower bound."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = actions.add_parser("build", help="write the students' copies, homework/NN_*.ipynb, from notebooks/")
    build.add_argument("--check", action="store_true", help="write nothing; exit with 1 if they are out of date")
    grade = actions.add_parser("grade", help="run and judge what students handed in")
    add = grade.add_argument
    add("where", metavar="FILE-OR-FOLDER", help="a notebook, or a folder of notebooks, in folders or not")
    add("--out", default="grades.csv", metavar="FILE", help="the table; pages go to a folder of its name")
    add("--chapter", metavar="NN", help="01, 03b, ... (default: the one that most of the files belong to)")
    cores = max(1, (os.cpu_count() or 2) // 2)
    add("--jobs", type=whole(1), default=cores, metavar="N", help=f"so many at a time (default here: {cores})")
    add("--seconds", type=whole(1), default=20, help="of computing, for each function (default: 20)")
    add("--memory", type=whole(100), default=2000, metavar="MB", help="for each function (default: 2000)")
    add("--seed", type=whole(0), help="of the inputs (default: drawn now, and kept beside the pages)")
    add("--no-bubblewrap", action="store_true", help="limits only, even where bubblewrap is installed")


def main(args: argparse.Namespace) -> int:
    """Build or grade; returns 0, or 1 when a check finds copies out of date."""
    return build(args) if args.action == "build" else grade(args)


def build(args: argparse.Namespace) -> int:
    """Write the students' copies, or say which are out of date."""
    from gencourse.homework.handout import build as homework

    with input_errors():
        if args.check:
            stale = homework.out_of_date()
            for name in stale:
                print(f"{name}: not what notebooks/ gives now, run: gencourse homework build")
            return STALE if stale else 0
        for path in homework.write_all():
            print(path)
        for path in homework.surplus():
            print(f"{path}: no chapter has this name any more; delete it", file=sys.stderr)
    return 0


def grade(args: argparse.Namespace) -> int:
    """Grade a file or a folder; writes a table and a page for each student."""
    from tqdm import tqdm

    from gencourse.homework.grading import report, sandbox
    from gencourse.homework.grading.collect import find_files, most_common, without_any
    from gencourse.homework.grading.grade import grade as graded
    from gencourse.homework.grading.grade import in_order
    from gencourse.homework.grading.session import Limits
    from gencourse.homework.tasks import chapter

    out, where = Path(args.out).expanduser(), Path(args.where)
    folder = out.with_suffix("") if out.suffix else out.with_name(f"{out.name}-pages")
    with input_errors():
        if not where.exists():
            raise FileNotFoundError(f"there is no {where}")
        files = find_files(where)
        number = args.chapter or most_common(files)
        asked = chapter(number)
        if out.is_dir():
            raise ValueError(f"--out is the table's file name, {out} is a folder")
        if any(folder.rglob("*.ipynb")):
            raise ValueError(f"pages and grades go to {folder}{os.sep}, which holds notebooks: give --out another name")
        kept = report.by_hand(out, asked)
        seed = choose_seed(args.seed, folder)
    limits = Limits(args.seconds, args.memory * 1_000_000, 3.0 * args.seconds)
    if nothing := without_any(where, files):
        print(f"no notebook in {', '.join(nothing)}", file=sys.stderr)
    results = []
    try:
        with sandbox.place(where, folder, bubble=not args.no_bubblewrap) as place:
            tell(place, asked.name, len(files), seed)
            work = graded(files, asked.number, place, seed=seed, limits=limits, jobs=args.jobs, kept=folder)
            for result in tqdm(work, total=len(files), desc=asked.number, unit="file", file=sys.stderr):
                results.append(result)
    except sandbox.NoSandbox as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        told = f"{len(results)} of {len(files)} are graded and kept; {out} is written when all are: run the same again"
        print(f"stopped: {told}", file=sys.stderr)
        raise
    with input_errors():
        report.write(in_order(results), asked, out, folder, kept)
    failed = sum(bool(result.problem) for result in results)
    print(f"{out}: {len(results)} submissions, {failed} could not be read; pages in {folder}{os.sep}")
    return 0


def choose_seed(asked: int | None, folder: Path) -> int:
    """Return the seed asked for, else that of an earlier run into this folder, else a new one; it is kept there.

    Two runs that start at once get one seed. Raises ValueError where what is kept there is no seed.
    """
    file = folder / "seed.txt"
    if asked is None and file.is_file():
        kept = file.read_text(encoding="utf-8").strip()
        if not (kept.isascii() and kept.isdecimal()):
            raise ValueError(f"{file} holds {kept[:40]!r}, which is no seed: delete it, or give --seed")
        return int(kept)
    seed = secrets.randbelow(2**32) if asked is None else asked
    write_text(f"{seed}\n", mine := folder / f"seed-{secrets.token_hex(4)}.txt")
    if asked is not None:
        os.replace(mine, file)
        return seed
    try:
        os.link(mine, file)  # whole, and only if there is none yet
    except FileExistsError:
        return choose_seed(None, folder)
    finally:
        mine.unlink()
    return seed


def tell(place, name: str, count: int, seed: int) -> None:
    """Say what is being graded, and warn where submissions are not walled in."""
    print(f"{name}: {count} submissions, seed {seed}, {place.kind}", file=sys.stderr)
    if not place.walled:
        print(
            f"WARNING: no bubblewrap: {place.trouble}. Submissions run with limits on time, memory and processes, but "
            "they can read\nwhat this account can read, the solutions and each other included. Install it "
            "(apt install bubblewrap), or grade in a\nvirtual machine, and never as root.",
            file=sys.stderr,
        )
