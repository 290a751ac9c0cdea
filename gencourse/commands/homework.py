"""gencourse homework: build the students' copies, grade what comes back."""

import argparse
import os
import sys
from pathlib import Path

from gencourse.commands import UserError, input_errors
from gencourse.commands._arguments import file_name, whole

STALE = 1
ORDER = 60
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
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
    add(
        "--separator",
        choices=list(SEPARATORS),
        help="between the table's cells (default: as in the table there is, or comma)",
    )
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

    from gencourse.homework.grading import collect, report, sandbox, table
    from gencourse.homework.grading.grade import GradingRun
    from gencourse.homework.grading.grade import grade as graded
    from gencourse.homework.grading.session import Limits
    from gencourse.homework.tasks import chapter

    out, where = Path(args.out).expanduser(), Path(args.where)
    folder = report.pages_dir(out)
    kept = folder / report.KEPT
    with input_errors():
        if not where.exists():
            raise FileNotFoundError(f"there is no {where}")
        files = collect.find_files(where)
        submissions = collect.read_submissions(files)
        number = args.chapter or collect.most_common_chapter(submissions)
        asked = chapter(number)
        if out.is_dir():
            raise ValueError(f"--out is the table's file name, {out} is a folder")
        if any(folder.rglob("*.ipynb")):
            raise ValueError(f"pages and grades go to {folder}{os.sep}, which holds notebooks: give --out another name")
        earlier = table.read_earlier(out, asked, kept / "graded.json")
        seed = choose_seed(args.seed, folder)
        left = collect.left_out(where, files, (out, folder))
        submissions |= not_graded(collect.rows_for(left, files))
        keep_copy(out, kept)
    for name, told in left.items():
        print(f"not graded: {name}: {told}", file=sys.stderr)
    for name in table.unmatched(earlier, submissions):
        print(f"{out}: the line of {name} belongs to no hand-in; it is kept, at the end", file=sys.stderr)
    limits = Limits(args.seconds, args.memory * 1_000_000, 3.0 * args.seconds)
    students, pages = sorted(submissions), report.page_files(submissions, folder)
    rows = table.Table(out, kept / "graded.json", asked, students, earlier, SEPARATORS.get(args.separator))
    try:
        with sandbox.open_sandbox(where, folder, bubblewrap=not args.no_bubblewrap) as opened:
            print_header(opened, asked.name, len(files), seed)
            work = graded(submissions, GradingRun(asked, opened, seed, limits, kept), jobs=args.jobs)
            for result in tqdm(work, total=len(submissions), desc=asked.number, unit="file", file=sys.stderr):
                result.problem = result.problem or report.write_page(result, asked, pages[result.student])
                with input_errors():
                    rows.add(result)
    except sandbox.NoSandbox as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        told = (
            f"{len(rows.results)} of {len(submissions)} are graded and stand in {out}; for the rest run the same again"
        )
        print(f"stopped: {told}", file=sys.stderr)
        raise
    print_end(rows, folder)
    return 0


def not_graded(left: dict) -> dict:
    """Return files that cannot be graded as submissions whose problem is what to do about them."""
    from gencourse.homework.grading.submission import Submission

    return {name: Submission(problem=told) for name, told in left.items()}


def keep_copy(out: Path, kept: Path) -> None:
    """Keep the table as it is before this run, whatever becomes of it."""
    from gencourse.chapters.pages import write_bytes

    if out.is_file() and (before := out.read_bytes()):
        write_bytes(before, kept / f"before.{out.suffix.lstrip('.') or 'csv'}")


def print_end(rows, folder: Path) -> None:
    """Say what was written, what was not graded, and, once, that a newer Python is needed."""
    from gencourse.homework.grading.grade import OTHER_PYTHON

    results = rows.results.values()
    failed = [result for result in results if result.problem]
    if newer := [result.student for result in failed if OTHER_PYTHON in result.problem]:
        print(f"WARNING: not graded: {', '.join(newer)}: {OTHER_PYTHON}.", file=sys.stderr)
    unread = sum(bool(result.problem) for result in results)
    some = sum(bool(result.open) and not result.problem for result in results)
    more = f", {some} in part" if some else ""
    print(f"{rows.out}: {len(results)} submissions, {unread} could not be read{more}; pages in {folder}{os.sep}")


def choose_seed(asked: int | None, folder: Path) -> int:
    """Return the seed asked for, else that of an earlier run into this folder, else a new one; it is kept there.

    Two runs that start at once get one seed.

    Raises:
        ValueError: what is kept there is no seed.
    """
    import secrets

    from gencourse.chapters.pages import write_text
    from gencourse.homework.grading.report import KEPT

    file, old = folder / KEPT / "seed.txt", folder / "seed.txt"  # where version 0.1 kept it
    for one in (file, old) if asked is None else ():
        if one.is_file():
            kept = one.read_text(encoding="utf-8", errors="replace").strip()
            if not (kept.isascii() and kept.isdecimal()):
                raise ValueError(f"{one} holds {kept[:40]!r}, which is no seed: delete it, or give --seed")
            return int(kept)
    seed = secrets.randbelow(2**32) if asked is None else asked
    write_text(f"{seed}\n", mine := file.with_name(f"seed-{secrets.token_hex(4)}.txt"))
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
