"""Points for submissions: what each of a student's functions did, judged from its outputs alone.

Example::

    with sandbox.open_sandbox() as opened:
        run = GradingRun(chapter("01"), opened, seed=7)
        for result in grade(read_submissions(find_files(Path("submissions"))), run):
            print(result.student, result.points)
"""

import hashlib
import json
import platform
import zlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from gencourse import __version__
from gencourse.homework.checking import calls, engine
from gencourse.homework.checking import check as checks
from gencourse.homework.grading import session
from gencourse.homework.grading.answers import written_answers
from gencourse.homework.grading.collect import chapter_of
from gencourse.homework.grading.inside import relay, wire
from gencourse.homework.grading.results import (
    NOT_GRADED,
    GradedSubmission,
    Mark,
    read_cached,
    ungradable,
    write_cached,
)
from gencourse.homework.grading.sandbox import NoSandbox, Sandbox
from gencourse.homework.grading.session import Job, Limits
from gencourse.homework.grading.submission import NEEDS_PERSON, Submission
from gencourse.homework.tasks import Chapter, Task
from gencourse.paths import PACKAGE

NEWER = "cannot be read by the Python that grades"
OTHER_PYTHON = (
    f"cells of it {NEWER}, {platform.python_version()}: they are broken, or written for a newer one. Grade it again "
    "with the Python that it was written with"
)
BEFORE = "what the function depends on could not be run"
CLAIMED = (
    "right as far as its own process tells (claimed). Its code reaches for `{}`, with which it could bend what is "
    "noted about it: a person must read it"
)
UNJUDGED = "what your function returned cannot be compared with what was asked for"
UNCHECKED = "this task is read by a person"


@dataclass(frozen=True)
class GradingRun:
    """What all submissions of a run have in common.

    Args:
        chapter: whose tasks are graded.
        sandbox: where submissions run.
        seed: of the inputs, the same for everybody.
        limits: for each function.
        cache_dir: a folder that keeps results; what is there already, of the same file, seed, limits and checks, is
            not run again.
    """

    chapter: Chapter
    sandbox: Sandbox
    seed: int
    limits: Limits = Limits()
    cache_dir: Path | None = None


def grade(submissions: dict[str, Submission], run: GradingRun, *, jobs: int = 1) -> Iterator[GradedSubmission]:
    """Grade submissions, several at a time, and give results as they come.

    Args:
        submissions: by student.
        run: what they have in common.
        jobs: so many at a time.

    Raises:
        NoSandbox: nothing can be run on this machine.
    """
    slots: SimpleQueue[int] = SimpleQueue()
    for slot in range(jobs):
        slots.put(slot)

    def one(student: str, submission: Submission) -> GradedSubmission:
        slot = slots.get()
        try:
            return grade_cached(student, submission, run, slot)
        except NoSandbox:
            raise
        except Exception as error:  # a mistake of ours must not stop the others, nor pass for the student's
            said = f"{type(error).__name__}: {error}"[:200]
            return ungradable(student, run.chapter, f"{NEEDS_PERSON} ({said})")
        finally:
            slots.put(slot)

    with ThreadPoolExecutor(jobs) as pool:
        waiting: list[Future[GradedSubmission]] = [pool.submit(one, *item) for item in submissions.items()]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def grade_cached(student: str, submission: Submission, run: GradingRun, slot: int = 0) -> GradedSubmission:
    """Return the result that is kept of a submission, or grade it and keep that."""
    if submission.problem:
        return ungradable(student, run.chapter, submission.problem)
    facts = [submission.digest, fingerprint(), run.chapter.number, run.seed, asdict(run.limits), run.sandbox.kind]
    facts += [platform.python_version(), student]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    name = hashlib.sha256(student.encode()).hexdigest()[:32]
    file = run.cache_dir / f"{name}.json" if run.cache_dir else None
    if file and (cached := read_cached(file, key)):
        return cached
    result = grade_notebook(student, submission, run, slot)
    if file:
        with suppress(OSError, ValueError):  # a full disk: the grade stands, it is only not kept
            write_cached(file, key, result)
    return result


def grade_notebook(student: str, submission: Submission, run: GradingRun, slot: int = 0) -> GradedSubmission:
    """Run and judge one submission.

    Args:
        student: whose it is.
        submission: its cells.
        run: what it shares with the others.
        slot: a number that no other submission has at the same time.

    Raises:
        RuntimeError: this machine could not run it, which is not the student's fault.
    """
    asked = run.chapter
    if (found := chapter_of(submission.ids)) not in (asked.number, None):
        return ungradable(student, asked, f"this is a notebook of chapter {found}, not of {asked.number}")
    jobs = to_run(asked, run.seed)
    session.run(session.Session(run.sandbox, submission.code, run.limits, submission.others, slot), jobs)
    if any(job.end == wire.SETUP_FAILED for job in jobs):
        raise RuntimeError(wire.SETUP_FAILED)
    wrong = {job.name: judge(job) for job in jobs}
    marks = [mark_task(task, {name: wrong[name] for name in wrong if name in task.functions}) for task in asked.tasks]
    answers = written_answers(submission, asked)
    code = {task.id: submission.text_of(task.id, task.functions) for task in asked.tasks}
    problem = newer_python(marks)
    return GradedSubmission(student, asked.number, problem, marks, answers, code)


def newer_python(marks: list[Mark]) -> str:
    """Return that a newer Python is needed, where that is so for a task, else nothing."""
    told = [sentence for mark in marks for sentence in mark.sentences.values() if NEWER in sentence]
    return f"{NOT_GRADED}: {OTHER_PYTHON}" if told else ""


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
    last = (job.results or [{}])[-1]
    if last.get("unjudged") is True:
        return f"{NOT_GRADED}: {last.get('failed')}"
    try:
        engine.verdict(job.check, job.cases, job.results, job.answers)
    except checks.Wrong as error:
        wrong = str(error)
        if job.end and "failed" not in last and len(job.results) < len(job.cases):
            own = job.defined or job.results or job.end in (*relay.ATTEMPTS, session.ENDED, session.UNREADABLE)
            wrong = job.end if own else f"{NOT_GRADED}: {BEFORE}: {job.end}"
    except Exception:  # outputs of a shape that a judgement did not expect
        wrong = UNJUDGED
    else:
        if job.end in relay.ATTEMPTS:
            return job.end
        return f"{NOT_GRADED}: {CLAIMED.format(job.reach)}" if job.reach and is_noted(job.check) else ""
    return f"{NOT_GRADED}: {job.lacking}" if job.lacking and not wrong.startswith(NOT_GRADED) else wrong


def is_noted(check: checks.Check) -> bool:
    """Whether a check counts what a chapter's own call notes beside the function, not only values and gradients."""
    values = check.call.__module__ == calls.__name__ or check.call.__name__.startswith("call_with_gradient")
    return not values


def mark_task(task: Task, sentences: dict[str, str]) -> Mark:
    """Share a task's points among its functions. One that is right counts, whatever the other does.

    Where no machine can tell of one of them, a person gives the points.
    """
    if not sentences:
        return Mark(task.id, task.title, None, task.points, {"": UNCHECKED})
    noted = any(is_noted(checks.of_chapter(task.chapter)[name]) for name in sentences)
    points = round(task.points * sum(not said for said in sentences.values()) / len(sentences), 2)
    undecided = any(said.startswith(NOT_GRADED) for said in sentences.values())
    return Mark(task.id, task.title, None if undecided else points, task.points, sentences, noted)


def fingerprint() -> str:
    """Return a hash of all that decides a grade: the homework's own files, and the version."""
    digest = hashlib.sha256(__version__.encode())
    for path in sorted((PACKAGE / "homework").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
