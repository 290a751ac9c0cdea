"""Points for submissions: what each of a student's functions did, judged from its outputs alone.

with sandbox.place() as place:
    for result in grade(find_files(Path("submissions")), "01", place, seed=7):
        print(result.student, result.points)
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from gencourse import __version__
from gencourse.chapters.pages import write_text
from gencourse.homework.checking import check as checks
from gencourse.homework.checking import engine
from gencourse.homework.grading import session, submission
from gencourse.homework.grading.collect import chapter_of
from gencourse.homework.grading.inside import wire
from gencourse.homework.grading.sandbox import NoSandbox, Place
from gencourse.homework.grading.session import Job, Limits
from gencourse.homework.grading.submission import Submission, Unreadable
from gencourse.homework.tasks import Chapter, Task, chapter
from gencourse.paths import PACKAGE

UNJUDGED = "what your function returned cannot be compared with what was asked for"
UNCHECKED = "this task is read by a person"


@dataclass
class Mark:
    """What a task got. said: a sentence for each of its functions; None points: no machine can tell."""

    task: str
    title: str
    points: float | None
    of: int
    said: dict[str, str] = field(default_factory=dict)


@dataclass
class Result:
    """A graded submission. student: its path in the folder, without the ending; problem: why it got nothing."""

    student: str
    chapter: str
    problem: str = ""
    marks: list[Mark] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> float:
        return sum(mark.points or 0 for mark in self.marks)


def grade(
    files: dict[str, Path],
    number: str,
    place: Place,
    *,
    seed: int,
    limits: Limits | None = None,
    jobs: int = 1,
    kept: Path | None = None,
) -> Iterator[Result]:
    """Grade files of a chapter, several at a time, and give results as they come.

    seed: of the inputs, the same for everybody. kept: a folder that remembers results; what is there already, of the
    same file, seed, limits and checks, is not run again. Raises NoSandbox when nothing can be run on this machine.
    """
    asked, limits = chapter(number), limits or Limits()
    slots: SimpleQueue[int] = SimpleQueue()
    for slot in range(jobs):
        slots.put(slot)

    def one(student: str, path: Path) -> Result:
        slot = slots.get()
        try:
            return remembered(student, path, asked, place, seed, limits, kept, slot)
        except NoSandbox:
            raise
        except Exception as error:  # a mistake of ours must not stop the others, nor pass for the student's
            told = f"{type(error).__name__}: {error}"[:200]
            return nothing(student, asked, f"could not be graded, a person must look at it ({told})")
        finally:
            slots.put(slot)

    with ThreadPoolExecutor(jobs) as pool:
        waiting: list[Future[Result]] = [pool.submit(one, student, path) for student, path in files.items()]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def remembered(
    student: str, path: Path, asked: Chapter, place: Place, seed: int, limits: Limits, kept: Path | None, slot: int
) -> Result:
    """Return what is kept of a submission, or grade it and keep that. Whatever goes wrong with it stays with it."""
    try:
        data = submission.contents(path)
    except Unreadable as error:
        return nothing(student, asked, str(error))
    facts = [hashlib.sha256(data).hexdigest(), fingerprint(), asked.number, seed, asdict(limits), place.kind]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    file = kept / f"{student}.json" if kept else None
    if file and (result := restored(file, key)):
        return result
    result = one_file(student, data, asked, place, seed, limits, slot)
    if file:
        write_text(json.dumps({"key": key, "result": asdict(result)}, indent=1), file)
    return result


def one_file(
    student: str, data: bytes, asked: Chapter, place: Place, seed: int, limits: Limits, slot: int = 0
) -> Result:
    """Grade one notebook, given as bytes."""
    try:
        handed_in = submission.parse(data)
        if (found := chapter_of(handed_in.ids)) not in (asked.number, None):
            raise Unreadable(f"this is a notebook of chapter {found}, not of {asked.number}")
        jobs = to_run(asked, seed)
        session.run(place, handed_in.code, jobs, limits, slot)
        if any(job.end == wire.OURS for job in jobs):
            raise RuntimeError(wire.OURS)
    except Unreadable as error:
        return nothing(student, asked, str(error))
    marks = [mark(task, {job.name: judge(job) for job in jobs if job.name in task.functions}) for task in asked.tasks]
    return Result(student, asked.number, "", marks, answers(asked, handed_in), code(asked, handed_in))


def to_run(asked: Chapter, seed: int) -> list[Job]:
    """Return all functions of a chapter with their inputs."""
    return [Job(name, known.check, known.cases, known) for name, known in drawn(asked.number, seed).items()]


@lru_cache(maxsize=8)
def drawn(number: str, seed: int) -> dict[str, engine.Answers]:
    """Draw the inputs of a chapter's functions; what reference and mistakes answer is kept with them for the class."""
    rngs = {name: np.random.default_rng([seed, zlib.crc32(name.encode())]) for name in checks.of_chapter(number)}
    return {n: engine.Answers(c, list(c.cases(rngs[n]))) for n, c in checks.of_chapter(number).items()}


def judge(job: Job) -> str:
    """Return nothing if all outputs of a function are right, else the sentence that says what is wrong."""
    try:
        engine.verdict(job.check, job.cases, job.results, job.answers)
    except checks.Wrong as error:
        stopped = job.end and "failed" not in (job.results or [{}])[-1] and len(job.results) < len(job.cases)
        return job.end if stopped else str(error)
    except Exception:  # outputs of a shape that a judgement did not expect
        return UNJUDGED
    return ""


def mark(task: Task, wrong: dict[str, str]) -> Mark:
    """Share a task's points among its functions. One that is right counts, whatever the other does."""
    if not wrong:
        return Mark(task.id, task.title, None, task.points, {"": UNCHECKED})
    right = sum(not sentence for sentence in wrong.values())
    return Mark(task.id, task.title, round(task.points * right / len(wrong), 2), task.points, wrong)


def nothing(student: str, asked: Chapter, problem: str) -> Result:
    """Return the result of a submission that cannot be graded: no points, and why."""
    return Result(student, asked.number, problem, [Mark(t.id, t.title, 0, t.points) for t in asked.tasks])


def answers(asked: Chapter, handed_in: Submission) -> dict[str, str]:
    return {question.id: handed_in.texts.get(question.id, "") for question in asked.questions}


def code(asked: Chapter, handed_in: Submission) -> dict[str, str]:
    """Return the text of the task cells, for a person to read."""
    return {task.id: "\n\n".join(c["text"] for c in handed_in.code if c["id"] == task.id) for task in asked.tasks}


def restored(file: Path, key: str) -> Result | None:
    """Read a kept result, if it is that of the same submission and conditions."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept["key"] != key:
            return None
        result = Result(**kept["result"])
        result.marks = [Mark(**one) for one in kept["result"]["marks"]]
        return result
    except (OSError, ValueError, KeyError, TypeError):
        return None


def fingerprint() -> str:
    """Return a hash of all that decides a grade: the homework's own files, and the version."""
    digest = hashlib.sha256(__version__.encode())
    for path in sorted((PACKAGE / "homework").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def in_order(results: Sequence[Result]) -> list[Result]:
    """Return results sorted by student, whoever was ready first."""
    return sorted(results, key=lambda result: result.student)
