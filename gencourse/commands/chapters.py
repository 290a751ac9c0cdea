"""gencourse chapters: what the chapters say of themselves, listed, and written into README, website and badges."""

import argparse
from typing import Any

from gencourse.commands import UserError
from gencourse.commands._tables import json_option, print_json, table

ABOUT = "list the chapters, and write what README and website say of them"
EXAMPLES = """
gencourse chapters            number, title, minutes, memory, tasks and points of each
gencourse chapters --write    tables, pictures, badges: after a chapter was added, or run with --save
gencourse chapters --check    the same without writing; exits with 1 where something is out of date
"""
ORDER = 65  # of the commands in the help, after homework
STALE = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--write", action="store_true", help="write what is generated from the chapters")
    either.add_argument("--check", action="store_true", help="write nothing; exit with 1 if something is out of date")
    json_option(parser)


def main(args: argparse.Namespace) -> int:
    """List, write or check; returns 0, or 1 when a check finds something out of date."""
    from gencourse.chapters.find import chapters, folder
    from gencourse.chapters.generated import out_of_date, write
    from gencourse.homework.handout.lecturers import points_rows
    from gencourse.homework.tasks import chapter

    try:
        asked = [chapter(str(path)) for path in chapters()]
        if not (args.write or args.check):
            chapters_told = described(asked)
            print_json(chapters_told) if args.json else print(listing(chapters_told))
            return 0
        root = folder().parent
        due = out_of_date(root, {"docs/lecturers.md": {"tasks": points_rows(asked)}})
        if args.write:
            write(due)
    except (ValueError, OSError, LookupError) as error:
        raise UserError(" ".join(str(error).split())) from error
    for path in due:
        name = path.relative_to(root).as_posix()
        print(name if args.write else f"{name}: not what notebooks/ says now, run: gencourse chapters --write")
    return STALE if due and args.check else 0


def described(asked: list) -> list[dict[str, Any]]:
    """Return what each chapter says of itself, given what is asked in it."""
    from gencourse.chapters.facts import read
    from gencourse.chapters.find import chapters
    from gencourse.chapters.tables import time_and_memory

    told = []
    for path, chapter in zip(chapters(), asked, strict=True):
        facts, cells = read(path), [*chapter.tasks, *chapter.questions]
        about = {"number": facts.number, "title": facts.title, "minutes and memory": time_and_memory(facts)}
        told.append(about | {"tasks": len(cells), "points": sum(cell.points for cell in cells)})
    return told


def listing(told: list[dict[str, Any]]) -> str:
    """Return a line for each chapter."""
    heads = ("", "chapter", "minutes (memory)", "tasks", "points")
    return table(heads, [tuple(chapter.values()) for chapter in told])
