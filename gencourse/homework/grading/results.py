"""What a submission got: its marks, and how they are kept between runs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gencourse.chapters.pages import write_text
from gencourse.homework.tasks import Chapter


@dataclass
class Mark:
    """What a task got.

    Args:
        task: its id.
        title: its title.
        points: what it got; None where no machine can tell.
        of: what it could get.
        sentences: by function of the task, what is wrong with it; empty where nothing is.
    """

    task: str
    title: str
    points: float | None
    of: int
    sentences: dict[str, str] = field(default_factory=dict)


@dataclass
class GradedSubmission:
    """A graded submission.

    Args:
        student: the file's path in the folder, without the ending.
        chapter: its number.
        problem: why it got nothing; empty where it was graded.
        marks: one a task.
        answers: the written answers, by question.
        code: the text of the task cells, by task.
    """

    student: str
    chapter: str
    problem: str = ""
    marks: list[Mark] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> float:
        """The sum of all marks."""
        return sum(mark.points or 0 for mark in self.marks)


def ungradable(student: str, chapter: Chapter, problem: str) -> GradedSubmission:
    """Return the result of a submission that cannot be graded: no points, and why."""
    return GradedSubmission(student, chapter.number, problem, [Mark(t.id, t.title, 0, t.points) for t in chapter.tasks])


def read_cached(file: Path, key: str) -> GradedSubmission | None:
    """Return the result in a file, or None unless it is that of the same submission and conditions."""
    try:
        cached = json.loads(file.read_text(encoding="utf-8"))
        if cached["key"] != key:
            return None
        result = GradedSubmission(**cached["result"])
        result.marks = [Mark(**mark) for mark in cached["result"]["marks"]]
        return result
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_cached(file: Path, key: str, result: GradedSubmission) -> None:
    """Keep a result for `read_cached`."""
    write_text(json.dumps({"key": key, "result": asdict(result)}, indent=1), file)


def sort_by_student(results: Sequence[GradedSubmission]) -> list[GradedSubmission]:
    """Return results sorted by student, whoever was ready first."""
    return sorted(results, key=lambda result: result.student)
