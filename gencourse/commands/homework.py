"""gencourse homework: build the students' copies, grade what comes back."""

import argparse
import os
import sys
from pathlib import Path

from gencourse.commands import UserError, input_errors
from gencourse.commands._arguments import file_name, whole

STALE = 1
ORDER = 60
ABOUT = "make the students' copies of the notebooks, and grade what comes back"
EXAMPLES = """
gencourse homework build
gencourse homework grade submissions --chapter 01 --out grades.csv --jobs 2
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = actions.add_parser("build", help="write the students' copies, homework/NN_*.ipynb, from notebooks/")
    build.add_argument("--check", action="store_true", help="write nothing; exit with 1 if they are out of date")
    grade = actions.add_parser("grade", help="run and judge what students handed in")
    add = grade.add_argument
    file_name(add("where", metavar="FILE-OR-FOLDER", help="a notebook, or a folder of notebooks, in folders or not"))
    file_name(add("--out", default="grades.csv", metavar="FILE", help="the table; pages go to a folder of its name"))
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
    from gencourse.homework.grading.collect import (
        find_files,
        folders_without_notebook,
        most_common_chapter,
        read_submissions,
    )
    from gencourse.homework.grading.grade import GradingRun
    from gencourse.homework.grading.grade import grade as graded
    from gencourse.homework.grading.results import sort_by_student
    from gencourse.homework.grading.session import Limits
    from gencourse.homework.tasks import chapter

    out, where = Path(args.out).expanduser(), Path(args.where)
    folder = report.pages_dir(out)
    with input_errors():
        if not where.exists():
            raise FileNotFoundError(f"there is no {where}")
        files = find_files(where)
        submissions = read_submissions(files)
        number = args.chapter or most_common_chapter(submissions)
        asked = chapter(number)
        if out.is_dir():
            raise ValueError(f"--out is the table's file name, {out} is a folder")
        if any(folder.rglob("*.ipynb")):
            raise ValueError(f"pages and grades go to {folder}{os.sep}, which holds notebooks: give --out another name")
        manual = report.read_manual_columns(out, asked)
        seed = choose_seed(args.seed, folder)
    limits = Limits(args.seconds, args.memory * 1_000_000, 3.0 * args.seconds)
    if empty := folders_without_notebook(where, files):
        print(f"no notebook in {', '.join(empty)}", file=sys.stderr)
    results = []
    try:
        with sandbox.open_sandbox(where, folder, bubblewrap=not args.no_bubblewrap) as opened:
            print_header(opened, asked.name, len(files), seed)
            work = graded(submissions, GradingRun(asked, opened, seed, limits, folder), jobs=args.jobs)
            for result in tqdm(work, total=len(files), desc=asked.number, unit="file", file=sys.stderr):
                results.append(result)
    except sandbox.NoSandbox as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        told = f"{len(results)} of {len(files)} are graded and kept; {out} is written when all are: run the same again"
        print(f"stopped: {told}", file=sys.stderr)
        raise
    with input_errors():
        report.write_report(sort_by_student(results), asked, out, manual)
    failed = sum(bool(result.problem) for result in results)
    print(f"{out}: {len(results)} submissions, {failed} could not be read; pages in {folder}{os.sep}")
    return 0


def choose_seed(asked: int | None, folder: Path) -> int:
    """Return the seed asked for, else that of an earlier run into this folder, else a new one; it is kept there.

    Two runs that start at once get one seed.

    Raises:
        ValueError: what is kept there is no seed.
    """
    import secrets

    from gencourse.chapters.pages import write_text

    file = folder / "seed.txt"
    if asked is None and file.is_file():
        kept = file.read_text(encoding="utf-8", errors="replace").strip()
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


def print_header(sandbox, name: str, count: int, seed: int) -> None:
    """Say what is being graded, and warn where submissions are not isolated."""
    print(f"{name}: {count} submissions, seed {seed}, {sandbox.kind}", file=sys.stderr)
    if not sandbox.isolated:
        print(
            f"WARNING: no bubblewrap: {sandbox.problem}. Submissions run with limits on time, memory and processes, "
            "but they can read\nwhat this account can read, the solutions and each other included. Install it "
            "(apt install bubblewrap), or grade in a\nvirtual machine, and never as root.",
            file=sys.stderr,
        )
