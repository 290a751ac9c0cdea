"""Grades as a table for the lecturer (CSV), and as a page for each student (HTML)."""

import csv
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from gencourse.homework.grade import Result
from gencourse.homework.tasks import Chapter
from gencourse.pages import write_text

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


def table(results: Sequence[Result], asked: Chapter) -> str:
    """Return a CSV with a line for each student: points of each task, empty columns for what a person grades."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    points = [f"{task.id} (of {task.points})" for task in asked.tasks]
    by_hand = [f"{question.id} (of {question.points}, by hand)" for question in asked.questions]
    writer.writerow(["student", "chapter", *points, f"sum (of {asked.points})", *by_hand, "note"])
    for result in results:
        got = {mark.task: mark.points for mark in result.marks}
        row = [harmless(result.student), result.chapter]
        row += ["" if got[task.id] is None else f"{got[task.id]:g}" for task in asked.tasks]
        row += [f"{result.points:g}", *[""] * len(by_hand), harmless(result.problem)]
        writer.writerow(row)
    return text.getvalue()


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


def write(results: Sequence[Result], asked: Chapter, out: Path, folder: Path) -> None:
    """Write the table, and the pages into the folder, under the students' names."""
    for result in results:
        write_text(page(result, asked), folder / f"{result.student}.html")
    write_text(table(results, asked), out)
