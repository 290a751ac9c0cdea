"""The lecturer's table of an earlier run, as spreadsheets and people have left it."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gencourse.homework.grading.cells import Row, by_hand, escape_formula
from gencourse.homework.grading.names import match
from gencourse.homework.grading.submission import decoded
from gencourse.homework.tasks import Chapter

SEPARATORS = (",", ";", "\t")
SUM = re.compile(r"sum \(of \d+\)")


@dataclass
class Columns:
    """The names of the columns of a chapter's table."""

    points: dict[str, str]  # by task
    total: str
    written: dict[str, str]  # by question

    @property
    def ours(self) -> list[str]:
        """The columns that grading fills in."""
        return ["student", "chapter", *self.points.values(), self.total, "note"]

    @property
    def all(self) -> list[str]:
        """All columns in order."""
        return ["student", "chapter", *self.points.values(), self.total, *self.written.values(), "note"]


def columns(asked: Chapter) -> Columns:
    """Return the columns of a chapter's table."""
    points = {task.id: f"{task.id} (of {task.points})" for task in asked.tasks}
    written = {question.id: f"{question.id} (of {question.points}, by hand)" for question in asked.questions}
    return Columns(points, f"sum (of {asked.points})", written)


@dataclass
class Earlier:
    """The table of an earlier run, as it is now.

    Args:
        rows: its lines.
        names: all its columns.
        separator: between its cells.
        graded: what the machine had written into its own columns, by student.
        ours: the columns that grading fills in.
    """

    rows: list[Row] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    separator: str = ","
    graded: dict[str, Row] = field(default_factory=dict)
    ours: list[str] = field(default_factory=list)


def read_earlier(out: Path, asked: Chapter, record: Path) -> Earlier:
    """Read the table that is there, whatever a spreadsheet made of it.

    Args:
        out: its file.
        asked: its chapter.
        record: the file that `write` keeps what was graded in.

    Raises:
        ValueError: the file is no table of this chapter, so it is not ours to replace.
    """
    if not out.exists():
        return Earlier()
    try:
        text = decoded(out.read_bytes())
        found = [cells_of(text, separator) for separator in SEPARATORS]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{out} is there and no table of ours ({error}): give --out another name") from error
    now = columns(asked)
    index = max(range(len(found)), key=lambda i: len(set(now.all) & set(found[i][0])) if found[i] else -1)
    lines = found[index]
    names = distinct([called_now(name, now) for name in lines[0]], max(map(len, lines))) if lines else []
    rows = [dict(zip(names, line, strict=False)) for line in lines[1:] if any(line)]
    if not set(now.all) <= set(names) and not is_of_fewer_tasks(names, rows, asked):
        raise ValueError(f"{out} is there and no table of {asked.name}: give --out another name")
    graded = {s: {called_now(k, now): v for k, v in row.items()} for s, row in read_record(record).items()}
    return Earlier(rows, names, SEPARATORS[index], graded, now.ours)


def is_of_fewer_tasks(names: Sequence[str], rows: Sequence[Row], asked: Chapter) -> bool:
    """Whether this is a chapter's table from before it had all of its tasks; a spreadsheet takes 01 for a number."""
    now, chapters = columns(asked), {row.get("chapter", "").lstrip("0") for row in rows}
    here = {"student", "chapter", "note", now.total} <= set(names) and set(names) & set(now.points.values())
    return bool(here) and chapters == {asked.number.lstrip("0")}


def called_now(name: str, now: Columns) -> str:
    """Return a column's name: a chapter may have had fewer tasks once, and then its sum was of fewer points."""
    return now.total if SUM.fullmatch(name) else name


def cells_of(text: str, separator: str) -> list[list[str]]:
    """Return the cells of a table, line by line; an `sep=;` that Excel wants is no line of it."""
    text = re.sub(r"\A\"?sep=.\"?\r?\n", "", text)
    lines = [[cell.strip() for cell in line] for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    while lines and not any(lines[0]):
        lines.pop(0)
    return lines


def distinct(names: Sequence[str], count: int) -> list[str]:
    """Return a name for each of `count` columns, none twice and none empty."""
    found: list[str] = []
    for index in range(count):
        name = names[index] if index < len(names) and names[index] else f"column {index + 1}"
        while name in found:
            name += " (again)"
        found.append(name)
    return found


def read_record(record: Path) -> dict[str, Row]:
    """Return what was graded when the table was written, by student; nothing where that is not known."""
    try:
        return {str(name): dict(row) for name, row in json.loads(record.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def unmatched(earlier: Earlier, students: Iterable[str]) -> list[str]:
    """Return the names of lines that somebody wrote into and that belong to none of these students."""
    taken = owners(earlier, list(students))
    return [row["student"] for i, row in enumerate(earlier.rows) if i not in taken and own_cells(row, earlier)]


def owners(earlier: Earlier, students: Sequence[str]) -> dict[int, str]:
    """Return the student of each line of an earlier table."""
    escaped = {escape_formula(name): name for name in students}
    order = [escape_formula(name) for name in earlier.graded]
    found = match([row.get("student", "") for row in earlier.rows], list(escaped), order)
    again = {i: row.get("student", "") for i, row in enumerate(earlier.rows) if row.get("student", "") in escaped}
    return {i: escaped[name] for i, name in (again | found).items()}


def own_cells(row: Row, earlier: Earlier) -> Row:
    """Return what a person wrote into a line, in columns that are not grading's."""
    written = {name: row[name] for name in earlier.names if name not in earlier.ours and row.get(name)}
    student = escape_formula(row.get("student", ""))
    before = next((was for name, was in earlier.graded.items() if escape_formula(name) == student), {})
    changed = {n: row[n] for n in earlier.ours[2:] if n in before and by_hand(row.get(n, ""), before[n], before[n])}
    return written | {name: text for name, text in changed.items() if name != "note"}
