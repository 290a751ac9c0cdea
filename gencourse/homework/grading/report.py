"""Grades as a table for the lecturer (CSV), and as a page for each student (HTML)."""

import csv
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from gencourse.chapters.pages import write_text
from gencourse.homework.grading.grade import Result
from gencourse.homework.tasks import Chapter

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


def table(results: Sequence[Result], asked: Chapter, kept: dict[str, dict[str, str]] | None = None) -> str:
    """Return a CSV with a line for each student: points of each task, and columns for what a person grades.

    kept: what a person has written into an earlier table, by student and column (`by_hand`).
    """
    kept, text = kept or {}, io.StringIO()
    points, written = columns(asked)
    more = list(dict.fromkeys(name for cells in kept.values() for name in cells if name not in written))
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "chapter", *points, f"sum (of {asked.points})", *written, "note", *more])
    for result in results:
        got, name = {mark.task: mark.points for mark in result.marks}, harmless(result.student)
        mine = kept.get(name, {})
        row = [name, result.chapter]
        row += ["" if got[task.id] is None else f"{got[task.id]:g}" for task in asked.tasks]
        row += [f"{result.points:g}", *(mine.get(column, "") for column in written), harmless(result.problem)]
        writer.writerow(row + [mine.get(column, "") for column in more])
    for name in sorted(kept.keys() - {harmless(result.student) for result in results}):
        if any(kept[name].values()):  # nothing that a person wrote is thrown away
            gone = [kept[name].get(column, "") for column in written]
            rest = [kept[name].get(column, "") for column in more]
            writer.writerow([name, asked.number, *[""] * (len(points) + 1), *gone, "no file any more", *rest])
    return text.getvalue()


def columns(asked: Chapter) -> tuple[list[str], list[str]]:
    """Return the names of the columns of tasks, and of those that a person fills in."""
    points = [f"{task.id} (of {task.points})" for task in asked.tasks]
    return points, [f"{question.id} (of {question.points}, by hand)" for question in asked.questions]


def by_hand(out: Path, asked: Chapter) -> dict[str, dict[str, str]]:
    """Return what a person has written into the table of an earlier run: {student: {column: text}}.

    Columns of the person's own count. Raises ValueError for a file that is no table of this chapter: it is not ours to
    replace.
    """
    if not out.exists():
        return {}
    points, written = columns(asked)
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


def harmless(text: str) -> str:
    """Return a text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def page(result: Result, asked: Chapter) -> str:
    """Return a student's page of feedback. Everything that came from the submission is shown as text."""
    rows = []
    for mark in result.marks:
        got = "" if mark.points is None else f"{mark.points:g} of "
        said = [line(name, sentence, len(mark.said) > 1) for name, sentence in mark.said.items()]
        rows.append(f"<tr><td>{escape(mark.title)}<td>{got}{mark.of}<td>{'<br>'.join(said)}</tr>")
    summary = f"{result.points:g} of {asked.points} points for the tasks."
    if asked.questions:
        summary += f" The written answers ({sum(q.points for q in asked.questions)} points) are read by a person."
    if result.problem:
        summary = f'<span class="wrong">{escape(result.problem)}</span> {summary}'
    rest = [section(q.title, result.answers.get(q.id, "")) for q in asked.questions]
    rest += [section(mark.title, result.code.get(mark.task, "")) for mark in result.marks]
    title = escape(f"{result.student}: {asked.name}")
    return PAGE.format(title=title, summary=summary, rows="\n".join(rows), rest="\n".join(rest))


def line(name: str, sentence: str, several: bool) -> str:
    before = f"<code>{escape(name)}</code>: " if several else ""
    return f'{before}<span class="{"wrong" if sentence else "right"}">{escape(sentence or "right")}</span>'


def section(title: str, text: str) -> str:
    return f"<h2>{escape(title)}</h2>\n<pre>{escape(text)}</pre>" if text.strip() else ""


def write(
    results: Sequence[Result], asked: Chapter, out: Path, folder: Path, kept: dict[str, dict[str, str]] | None = None
) -> None:
    """Write the table, and the pages into the folder, under the students' names; kept: as in `table`."""
    for result in results:
        write_text(page(result, asked), folder / f"{result.student}.html")
    write_text(table(results, asked, kept), out)
