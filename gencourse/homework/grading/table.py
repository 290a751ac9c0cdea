"""The lecturer's table, grades.csv: written for spreadsheets, read again after they and people have changed it.

Whoever gives points types them into the table. So nothing in it is thrown away: columns of a person's own, points that
differ from those that were graded, remarks, lines that belong to nobody any more. What was graded is kept beside it, to
tell a person's number from the machine's.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gencourse.chapters.pages import write_bytes, write_text
from gencourse.homework.grading.names import match
from gencourse.homework.grading.results import GradedSubmission
from gencourse.homework.grading.submission import decoded
from gencourse.homework.tasks import Chapter

SEPARATORS = (",", ";", "\t")
GONE, WAITING = "no file any more", "not graded yet"
Row = dict[str, str]  # by column


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


def columns(asked: Chapter) -> Columns:
    """Return the columns of a chapter's table."""
    points = {task.id: f"{task.id} (of {task.points})" for task in asked.tasks}
    written = {question.id: f"{question.id} (of {question.points}, by hand)" for question in asked.questions}
    return Columns(points, f"sum (of {asked.points})", written)


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
    wanted = set(columns(asked).all)
    index = max(range(len(found)), key=lambda i: len(wanted & set(found[i][0])) if found[i] else -1)
    lines = found[index]
    if not lines or not wanted <= set(lines[0]):
        raise ValueError(f"{out} is there and no table of {asked.name}: give --out another name")
    names = distinct(lines[0], max(map(len, lines)))
    rows = [dict(zip(names, line, strict=False)) for line in lines[1:] if any(line)]
    return Earlier(rows, names, SEPARATORS[index], read_record(record), columns(asked).ours)


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
    before = earlier.graded.get(row.get("student", "").removeprefix("'"), {})
    changed = {n: row[n] for n in earlier.ours[2:] if n in before and by_hand(row.get(n, ""), before[n], before[n])}
    return written | {name: text for name, text in changed.items() if name != "note"}


def escape_formula(text: str) -> str:
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def as_number(text: str) -> float | None:
    """Return the number in a cell, with a point or a comma; None for anything else."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


class Table:
    """A table that is written again and again while grading goes on.

    Args:
        out: its file.
        record: where what was graded is kept.
        asked: the chapter.
        students: all who handed in, in the order of the lines.
        earlier: the table that was there.
        separator: between cells; by default that of the earlier table.
    """

    def __init__(
        self,
        out: Path,
        record: Path,
        asked: Chapter,
        students: Sequence[str],
        earlier: Earlier,
        separator: str | None = None,
    ):
        self.out, self.record, self.asked, self.students = out, record, asked, list(students)
        self.earlier, self.separator = earlier, separator or earlier.separator
        self.columns = columns(asked)
        self.more = [name for name in earlier.names if name not in self.columns.all]
        self.results: dict[str, GradedSubmission] = {}
        self.old: dict[str, list[Row]] = {}
        taken = owners(earlier, self.students)
        for i, row in enumerate(earlier.rows):
            if i in taken:
                self.old.setdefault(taken[i], []).append(row)
        self.gone = [row for i, row in enumerate(earlier.rows) if i not in taken]

    def add(self, result: GradedSubmission) -> None:
        """Put a result into its line, and write the table."""
        self.results[result.student] = result
        self.write()

    def write(self) -> None:
        """Write the table with all results so far, and keep what was graded."""
        names = [*self.columns.all, *self.more]
        text, graded = io.StringIO(), {}
        writer = csv.writer(text, delimiter=self.separator, lineterminator="\n")
        writer.writerow(names)
        for student in self.students:
            row, graded[student] = self.line(student)
            writer.writerow([self.localised(name, row.get(name, "")) for name in names])
        for row in self.gone:
            if own_cells(row, self.earlier):
                note = row.get("note", "")
                kept = row | {"note": note if GONE in note else "; ".join(filter(None, [GONE, note]))}
                writer.writerow([kept.get(name, "") for name in names])
        write_text(json.dumps(graded, indent=1), self.record)
        write_bytes(text.getvalue().encode("utf-8-sig"), self.out)

    def line(self, student: str) -> tuple[Row, Row]:
        """Return a student's line, and what of it was graded."""
        old = self.old.get(student, [])
        graded_before = self.earlier.graded.get(student, {})
        result = self.results.get(student)
        if result is None and old:
            return merged(old), graded_before
        name = {"student": escape_formula(student), "chapter": self.asked.number}
        if result is None:
            return name | {"note": WAITING}, {"note": WAITING}
        graded = self.graded(result)
        row = name | graded
        kept = merged(old)
        row |= {column: kept.get(column, "") for column in [*self.columns.written.values(), *self.more]}
        notes = [graded["note"]]
        for column in self.columns.points.values():
            mine = by_hand(kept.get(column, ""), graded_before.get(column), graded[column])
            if mine and graded_before:
                row[column] = mine
                notes.append(f"{column.split(' (')[0]} by hand, graded {graded[column] or 'by nobody'}")
            elif mine:
                notes.append(f"{column.split(' (')[0]} was {mine} in the earlier table")
        row[self.columns.total] = self.total(row, result)
        mine = by_hand(kept.get(self.columns.total, ""), graded_before.get(self.columns.total), row[self.columns.total])
        if mine and graded_before:
            notes.append(f"the sum was set to {mine} by hand")
        said = escape_formula("; ".join(filter(None, notes)))
        mine = remark(kept.get("note", ""), graded_before.get("note", ""))
        row["note"] = "; ".join(filter(None, [said, mine]))
        return row, graded | {self.columns.total: row[self.columns.total], "note": said}

    def graded(self, result: GradedSubmission) -> Row:
        """Return what grading writes into its columns."""
        got = {mark.task: mark.points for mark in result.marks}
        points = {column: as_text(got.get(task)) for task, column in self.columns.points.items()}
        return points | {self.columns.total: "", "note": note_of(result, self.asked)}

    def total(self, row: Row, result: GradedSubmission) -> str:
        """Return the sum of a line's points, a person's included; nothing where there are none."""
        numbers = [as_number(row[column]) for column in self.columns.points.values()]
        there = [number for number in numbers if number is not None]
        return as_text(sum(there)) if there else ""

    def localised(self, name: str, text: str) -> str:
        """Return points as spreadsheets write them that put semicolons between cells: with a decimal comma."""
        ours = name in self.columns.points.values() or name == self.columns.total
        return text.replace(".", ",") if ours and self.separator == ";" else text


def as_text(points: float | None) -> str:
    """Return points as a cell; nothing where there are none."""
    return "" if points is None else f"{points:g}"


def merged(rows: Sequence[Row]) -> Row:
    """Return several lines of one student as one; where two people wrote, both are kept."""
    found: Row = {}
    for row in rows:
        for name, text in row.items():
            before = found.get(name, "")
            both = f"{before} / {text}" if before and text and text not in before.split(" / ") else before or text
            found[name] = before if name in ("student", "chapter") and before else both
    return found


def by_hand(now: str, graded: str | None, fresh: str) -> str:
    """Return what a person wrote over a cell of grading's, or nothing.

    Args:
        now: the cell as it is.
        graded: what grading had written, None where that is not known.
        fresh: what it would write now.
    """
    before = fresh if graded is None else graded
    if not now or now == before or (as_number(now) is not None and as_number(now) == as_number(before)):
        return ""
    made_a_date = as_number(now) is None and "." in before  # 1.5 is the first of May to a German spreadsheet
    return "" if made_a_date else now.replace(",", ".") if as_number(now) is not None else now


def remark(now: str, said: str) -> str:
    """Return what a person wrote into the note, without what grading had said there."""
    if not now or now in (said, WAITING, GONE):
        return ""
    return now.replace(said, "", 1).strip("; ") if said and said in now else now


def note_of(result: GradedSubmission, asked: Chapter) -> str:
    """Return what a lecturer must know about a line: what was not graded, and which answers were not found."""
    notes = [result.problem] if result.problem else []
    if result.open and any(mark.points is not None for mark in result.marks):
        notes.append(f"not graded, see the page: {', '.join(result.open)}")
    elif result.open and not result.problem:
        notes.append("not graded, see the page")
    lost = [question.id for question in asked.questions if not result.answers.get(question.id)]
    if lost and result.code:
        notes.append(f"no answer found: {', '.join(lost)}")
    return "; ".join(notes)
