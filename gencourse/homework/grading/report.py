"""A page of feedback for each student (HTML), and where it lies.

Names of ours never meet names of theirs: pages lie in folders called as the students', everything else in one folder
that no student's can be called after.
"""

import hashlib
import html
import re
from collections.abc import Iterable
from pathlib import Path

from gencourse.chapters.pages import write_text
from gencourse.homework.grading.results import NOT_GRADED, GradedSubmission
from gencourse.homework.tasks import Chapter

UNSEEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # of terminals; of what turns text round
KEPT = "kept"  # the folder for what is needed to go on: no page lies in it
NOTED = "* how this was done counts too; that was noted in the process of the hand-in itself."
NOTHING = "(no answer was found in the file)"
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; color: #222 }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border-bottom: 1px solid #ccc; padding: .4em; text-align: left; vertical-align: top }}
.right {{ color: #17691f }} .wrong {{ color: #a3201a }} .open {{ color: #7a5200 }}
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


def format_page(result: GradedSubmission, asked: Chapter) -> str:
    """Return a student's page of feedback. Everything that came from the submission is shown as text."""
    rows = []
    for mark in result.marks:
        got = "" if mark.points is None else f"{mark.points:g} of "
        star = "*" if mark.noted else ""
        lines = [format_sentence(*item, named=len(mark.sentences) > 1) for item in mark.sentences.items()]
        rows.append(f"<tr><td>{escape(mark.title)}{star}<td>{got}{mark.of}<td>{'<br>'.join(lines)}</tr>")
    summary = f"{result.points:g} of {asked.points} points for the tasks."
    if result.open:
        summary += " What was not graded is read by a person."
    if asked.questions:
        summary += f" The written answers ({sum(q.points for q in asked.questions)} points) are read by a person."
    if result.problem:
        summary = f'<span class="wrong">{escape(result.problem)}</span> {summary}'
    if any(mark.noted for mark in result.marks):
        summary += f"<br>{NOTED}"
    rest = [format_section(q.title, result.answers.get(q.id, "") or NOTHING) for q in asked.questions]
    rest += [format_section(mark.title, result.code.get(mark.task, "")) for mark in result.marks]
    title = escape(f"{result.student}: {asked.name}")
    return PAGE.format(title=title, summary=summary, rows="\n".join(rows), rest="\n".join(rest))


def format_sentence(name: str, sentence: str, *, named: bool) -> str:
    """Return what the check says of a function as HTML, named where a task has several."""
    before = f"<code>{escape(name)}</code>: " if named else ""
    kind = "open" if sentence.startswith(NOT_GRADED) else "wrong" if sentence else "right"
    return f'{before}<span class="{kind}">{escape(sentence or "right")}</span>'


def escape(text: str) -> str:
    """Return a text as HTML that shows it, each letter where it stands."""
    return html.escape(UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text))


def format_section(title: str, text: str) -> str:
    """Return a text under a heading as HTML, or nothing where there is no text."""
    return f"<h2>{escape(title)}</h2>\n<pre>{escape(text)}</pre>" if text.strip() else ""


def write_page(result: GradedSubmission, asked: Chapter, file: Path) -> str:
    """Write a student's page; returns why that could not be done, or nothing."""
    try:
        write_text(format_page(result, asked), file)
    except (OSError, ValueError) as error:
        return f"its page could not be written ({error})"[:200]
    return ""


def page_files(students: Iterable[str], folder: Path) -> dict[str, Path]:
    """Return the file of each student's page, no two of which are one, on a system that ignores case either."""
    found: dict[str, Path] = {}
    taken: set[str] = set()
    for student in sorted(students):
        parts = student.split("/")
        path = "/".join([*map(folder_name, parts[:-1]), parts[-1]])
        if path.casefold() in taken:
            path += f"-{hashlib.sha256(student.encode()).hexdigest()[:8]}"
        taken.add(path.casefold())
        found[student] = folder / f"{path}.html"
    return found


def folder_name(name: str) -> str:
    """Return what a student's folder is called among the pages: as it is, unless a page or our own folder could be."""
    plain = name.rstrip("_").casefold()
    return f"{name}_" if plain.endswith(".html") or plain == KEPT else name


def pages_dir(out: Path) -> Path:
    """Return the folder for the pages and cached results of a table."""
    return out.with_suffix("") if out.suffix else out.with_name(f"{out.name}-pages")
