"""The lecturers' table of tasks, points and minutes, one line a task."""

from collections.abc import Iterable

from gencourse.homework.tasks import Chapter


def points_rows(chapters: Iterable[Chapter]) -> list[str]:
    """Return a table in markdown: a line for each task and question, and after those of a chapter their sum."""
    rows = ["| chapter | task | points | minutes |", "|---|---|---|---|"]
    for chapter in chapters:
        asked = [*chapter.tasks, *chapter.questions]
        if not asked:
            continue
        named = [(f"{task.title} ({task.difficulty})", task) for task in chapter.tasks]
        named += [(f"in words: {question.title}", question) for question in chapter.questions]
        rows += [row(chapter.number, name, one.points, one.minutes) for name, one in named]
        counts = [counted(len(chapter.tasks), "task"), counted(len(chapter.questions), "question")]
        points, minutes = sum(one.points for one in asked), sum(one.minutes or 0 for one in asked)
        told = (chapter.number, " and ".join(filter(None, counts)), points, minutes)
        rows.append("| " + " | ".join(f"**{cell}**" for cell in told) + " |")
    return rows


def row(number: str, asked: str, points: int, minutes: int | None) -> str:
    """Return the line of a task or a question."""
    return f"| {number} | {asked} | {points} |" + (f" {minutes} |" if minutes else " |")


def counted(n: int, what: str) -> str:
    """Return "6 tasks", "1 question", or nothing for none."""
    return f"{n} {what}{'s' if n > 1 else ''}" if n else ""
