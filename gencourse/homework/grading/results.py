"""What a submission got: its marks, and how they are kept between runs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gencourse.chapters.pages import write_text
from gencourse.homework.tasks import Chapter

NOT_GRADED = "not graded"  # how a sentence begins where no machine can tell


@dataclass
class Mark:
    """What a task got.

    Args:
        task: its id.
        title: its title.
        points: what it got; None where no machine can tell.
        of: what it could get.
        sentences: by function of the task, what is wrong with it; empty where nothing is.
        noted: whether how the function did it counts, which is noted in its own process.
    """

    task: str
    title: str
    points: float | None
    of: int
    sentences: dict[str, str] = field(default_factory=dict)
    noted: bool = False


@dataclass
class GradedSubmission:
    """A graded submission.

    Args:
        student: the file's path in the folder, without the ending.
        chapter: its number.
        problem: why it was not graded; empty where it was.
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

    @property
    def open(self) -> list[str]:
        """The tasks whose points a person must give."""
        return [mark.task for mark in self.marks if mark.points is None]


def ungradable(student: str, chapter: Chapter, problem: str) -> GradedSubmission:
    """Return the result of a submission that cannot be graded: points for a person to give, and why."""
    marks = [Mark(task.id, task.title, None, task.points) for task in chapter.tasks]
    return GradedSubmission(student, chapter.number, f"{NOT_GRADED}: {problem}", marks)


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
