"""Grades as a table for the lecturer (CSV), and as a page for each student (HTML)."""

import csv
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from gencourse.chapters.pages import write_text
from gencourse.homework.grading.results import GradedSubmission
from gencourse.homework.tasks import Chapter

ManualColumns = dict[str, dict[str, str]]  # by student and column
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; color: #222 }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border-bottom: 1px solid #ccc; padding: .4em; text-align: left; vertical-align: top }}
.right {{ color: #17691f }} .wrong {{ color: #a3201a }}
pre {{ background: #f4f4f4; padding: .6em; overflow-x: auto; white-space: pre-wrap }}
</style>
<h1>{title}</h1>
<p>{summary}</p>
<table><tr><th>task<th>points<th>what the check says</tr>
{rows}
</table>
{rest}
</html>
"""


def format_table(results: Sequence[GradedSubmission], asked: Chapter, manual: ManualColumns | None = None) -> str:
    """Return a CSV with a line for each student: points of each task, and columns for what a person grades.

    Args:
        results: in the order of the lines.
        asked: their chapter.
        manual: what a person has written into an earlier table, as `read_manual_columns` finds it.
    """
    manual, text = manual or {}, io.StringIO()
    points, written = column_names(asked)
    more = list(dict.fromkeys(name for cells in manual.values() for name in cells if name not in written))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "chapter", *points, f"sum (of {asked.points})", *written, "note", *more])
    for result in results:
        got, name = {mark.task: mark.points for mark in result.marks}, escape_formula(result.student)
        mine = manual.get(name, {})
        row = [name, result.chapter]
        row += ["" if got[task.id] is None else f"{got[task.id]:g}" for task in asked.tasks]
        row += [f"{result.points:g}", *(mine.get(column, "") for column in written), escape_formula(result.problem)]
        writer.writerow(row + [mine.get(column, "") for column in more])
    for name in sorted(manual.keys() - {escape_formula(result.student) for result in results}):
        if any(manual[name].values()):  # nothing that a person wrote is thrown away
            gone = [manual[name].get(column, "") for column in written]
            rest = [manual[name].get(column, "") for column in more]
            writer.writerow([name, asked.number, *[""] * (len(points) + 1), *gone, "no file any more", *rest])
    return text.getvalue()


def column_names(asked: Chapter) -> tuple[list[str], list[str]]:
    """Return the names of the columns of tasks, and of those that a person fills in."""
    points = [f"{task.id} (of {task.points})" for task in asked.tasks]
    return points, [f"{question.id} (of {question.points}, by hand)" for question in asked.questions]


def read_manual_columns(out: Path, asked: Chapter) -> ManualColumns:
    """Return what a person has written into the table of an earlier run, into columns of the person's own as well.

    Raises:
        ValueError: the file is no table of this chapter, so it is not ours to replace.
    """
    if not out.exists():
        return {}
    points, written = column_names(asked)
    ours = {"student", "chapter", *points, f"sum (of {asked.points})", "note"}
    try:
        rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{out} is there and no table of ours ({error}): give --out another name") from error
    if not rows or not ours | set(written) <= {name for name in rows[0] if name}:
        raise ValueError(f"{out} is there and no table of {asked.name}: give --out another name")
    found = {}
    for row in rows:
        cells = {name: text for name, text in row.items() if name and name not in ours and isinstance(text, str)}
        found[row["student"]] = cells
    return found


def escape_formula(text: str) -> str:
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def format_page(result: GradedSubmission, asked: Chapter) -> str:
    """Return a student's page of feedback. Everything that came from the submission is shown as text."""
    rows = []
    for mark in result.marks:
        got = "" if mark.points is None else f"{mark.points:g} of "
        lines = [format_sentence(*item, named=len(mark.sentences) > 1) for item in mark.sentences.items()]
        rows.append(f"<tr><td>{escape(mark.title)}<td>{got}{mark.of}<td>{'<br>'.join(lines)}</tr>")
    summary = f"{result.points:g} of {asked.points} points for the tasks."
    if asked.questions:
        summary += f" The written answers ({sum(q.points for q in asked.questions)} points) are read by a person."
    if result.problem:
        summary = f'<span class="wrong">{escape(result.problem)}</span> {summary}'
    rest = [format_section(q.title, result.answers.get(q.id, "")) for q in asked.questions]
    rest += [format_section(mark.title, result.code.get(mark.task, "")) for mark in result.marks]
    title = escape(f"{result.student}: {asked.name}")
    return PAGE.format(title=title, summary=summary, rows="\n".join(rows), rest="\n".join(rest))


def format_sentence(name: str, sentence: str, *, named: bool) -> str:
    """Return what the check says of a function as HTML, named where a task has several."""
    before = f"<code>{escape(name)}</code>: " if named else ""
    return f'{before}<span class="{"wrong" if sentence else "right"}">{escape(sentence or "right")}</span>'


def format_section(title: str, text: str) -> str:
    """Return a text under a heading as HTML, or nothing where there is no text."""
    return f"<h2>{escape(title)}</h2>\n<pre>{escape(text)}</pre>" if text.strip() else ""


def write_report(results: Sequence[GradedSubmission], asked: Chapter, out: Path, manual: ManualColumns) -> None:
    """Write the table, and a page for each student into the folder beside it.

    Args:
        results: in the order of the table's lines.
        asked: their chapter.
        out: the table's file; `pages_dir` says where the pages go.
        manual: what a person has written into an earlier table.
    """
    for result in results:
        write_text(format_page(result, asked), pages_dir(out) / f"{result.student}.html")
    write_text(format_table(results, asked, manual), out)


def pages_dir(out: Path) -> Path:
    """Return the folder for the pages and cached results of a table."""
    return out.with_suffix("") if out.suffix else out.with_name(f"{out.name}-pages")
