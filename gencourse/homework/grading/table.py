"""The lecturer's table, grades.csv: written for spreadsheets, read again after they and people have changed it.

Whoever gives points types them into the table. So nothing in it is thrown away: columns of a person's own, points that
differ from those that were graded, remarks, lines that belong to nobody any more. What was graded is kept beside it, to
tell a person's number from the machine's. `earlier` reads the table that is there, `cells` tells who wrote what.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

from gencourse.chapters.pages import write_bytes, write_text
from gencourse.homework.grading.cells import (
    GONE,
    WAITING,
    Row,
    as_number,
    as_text,
    by_hand,
    escape_formula,
    merged,
    remark,
)
from gencourse.homework.grading.earlier import Columns, Earlier, columns, own_cells, owners, read_earlier, unmatched
from gencourse.homework.grading.results import GradedSubmission
from gencourse.homework.tasks import Chapter

__all__ = ["GONE", "WAITING", "Columns", "Earlier", "Table", "as_number", "columns", "escape_formula", "read_earlier"]
__all__ += ["unmatched"]

NOWHERE = re.compile(r"^\w+ is defined nowhere in the notebook")  # what `finding` says


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


def note_of(result: GradedSubmission, asked: Chapter) -> str:
    """Return what a lecturer must know about a line: what was not graded, and which answers were not found."""
    notes = [result.problem] if result.problem else []
    if result.open and any(mark.points is not None for mark in result.marks):
        notes.append(f"not graded, see the page: {', '.join(result.open)}")
    elif result.open and not result.problem:
        notes.append("not graded, see the page")
    nowhere = [mark.task for mark in result.marks if any(map(NOWHERE.search, mark.sentences.values()))]
    if nowhere:  # deleted, or handed out before the chapter had the task
        notes.append(f"not in the notebook: {', '.join(nowhere)}")
    lost = [question.id for question in asked.questions if not result.answers.get(question.id)]
    if lost and result.code:
        notes.append(f"no answer found: {', '.join(lost)}")
    return "; ".join(notes)
