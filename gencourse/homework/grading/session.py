"""One submission run in a worker: inputs go out, outputs come back, and whatever happens there stays there."""

import json
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from subprocess import Popen

from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.engine import Answers
from gencourse.homework.grading.inside import wire
from gencourse.homework.grading.inside.processes import descendants
from gencourse.homework.grading.sandbox import NoSandbox, Sandbox, user_id

ENDED = "it ended, or stopped, the process that ran it"
UNREADABLE = "what it returned is nothing that could be read"
START_SECONDS = 300  # importing torch, on a slow disk


@dataclass(frozen=True)
class Limits:
    """What a submission may use for one function.

    Args:
        seconds: of CPU.
        memory: bytes.
        wall: seconds on the clock.
    """

    seconds: int = 20
    memory: int = 2_000_000_000
    wall: float = 60.0


@dataclass(frozen=True)
class Session:
    """A submission that is run.

    Args:
        sandbox: where.
        code: its code cells, as `Submission` has them.
        limits: for each function.
        texts: its other cells.
        slot: a number that no other submission has at the same time.
    """

    sandbox: Sandbox
    code: list[dict[str, str]]
    limits: Limits
    texts: list[dict[str, str]] = field(default_factory=list)
    slot: int = 0


@dataclass
class Job:
    """A function to be run: its name, its check, the inputs, and then what came of it.

    Args:
        answers: of reference and mistakes, shared by a class.
        results: outputs, case by case, as far as they came.
        end: why there are no more, in a sentence; empty where there should be no more.
        lacking: what it used that grading does not have, in a sentence.
        reach: what its code reaches for that might bend what is noted about it.
        defined: whether it came to the function itself.
    """

    name: str
    check: Check
    cases: list[Case]
    answers: Answers | None = None
    results: list[Outputs] = field(default_factory=list)
    end: str | None = None
    lacking: str = ""
    reach: str = ""
    defined: bool = False


def run(session: Session, jobs: Sequence[Job]) -> None:
    """Run a submission's functions and fill in the jobs' results.

    A function that takes the whole worker down with it costs only itself: the others get a new one.

    Raises:
        NoSandbox: a worker cannot even be started.
    """
    waiting = list(jobs)
    while waiting:
        run_worker(session, waiting)
        unfinished = [job for job in waiting if job.end is None]
        if unfinished:
            unfinished[0].end = ENDED
        for job in unfinished[1:]:
            job.results, job.lacking = [], ""
        waiting = unfinished[1:]


def run_worker(session: Session, jobs: list[Job]) -> None:
    """Start one worker for the jobs and read what it sends until it is done or gone."""
    with tempfile.TemporaryFile() as request, tempfile.TemporaryFile() as errors:
        write_request(request.fileno(), session, jobs)
        request.seek(0)
        process = session.sandbox.start(request.fileno(), errors.fileno())
        try:
            started = read_results(process, jobs, session.limits)
        finally:
            stop_worker(process, session.sandbox)
        if not started:
            errors.seek(0)
            said = errors.read(2000).decode(errors="replace").strip().split("\n")[-1]
            raise NoSandbox(f"the process that runs submissions does not start: {said}")


def write_request(file: int, session: Session, jobs: list[Job]) -> None:
    """Write what a worker reads: the submission's code, its tasks, the limits, then the inputs."""
    tasks = [
        {
            "name": job.name,
            "cell": job.check.cell,
            "call": [job.check.call.__module__, job.check.call.__name__],
            "cases": len(job.cases),
        }
        for job in jobs
    ]
    network = "none" if session.sandbox.isolated else "there"
    facts = {"cells": session.code, "texts": session.texts, "tasks": tasks, "user": user_id(session.slot)}
    facts["network"] = network
    wire.send(file, json.dumps(facts | asdict(session.limits)).encode())
    for job in jobs:
        for case in job.cases:
            wire.send(file, wire.pack(case))


def read_results(process: Popen, jobs: list[Job], limits: Limits) -> bool:
    """Read messages until all jobs have ended, the worker is gone, or its time is over; returns whether it started.

    What arrives was sent by the worker's own process, which runs nothing of a submission: first what a message is
    about, then, for a case, the outputs as a function's process claims them. Outputs that cannot be read end their job
    alone.
    """
    assert process.stdout  # a pipe
    channel = process.stdout.fileno()
    deadline = time.monotonic() + START_SECONDS
    started = False
    with suppress(TimeoutError, wire.BadMessage, LookupError, TypeError, ValueError):
        while any(job.end is None for job in jobs):
            data = wire.receive(channel, deadline)
            if data is None:
                break
            message = wire.unpack(data)
            if message.pop("ready", False):
                started, deadline = True, time.monotonic() + (limits.wall + 5) * len(jobs)
                continue
            outputs = wire.receive(channel, deadline) if "case" in message else None
            store_message(jobs, message, outputs)
    return started


def store_message(jobs: list[Job], about: Outputs, outputs: bytes | None) -> None:
    """Put a message where it belongs.

    Args:
        jobs: of the worker.
        about: which task and case it is of, or how a task ended.
        outputs: of the case.

    Raises:
        LookupError: it belongs nowhere; TypeError as well.
    """
    job = jobs[about["task"]]
    if outputs is None:
        job.end = job.end or str(about["end"])
        job.reach, job.defined = str(about["reach"]), about["stage"] == "defined"
    elif job.end is None:
        job.lacking = job.lacking or str(about["absent"])
        try:
            job.results.append(wire.unpack(outputs))
        except wire.BadMessage:
            job.end = UNREADABLE


def stop_worker(process: Popen, sandbox: Sandbox) -> None:
    """End a worker and all it started. In bubblewrap they live in a process namespace that ends with it."""
    if not sandbox.isolated:
        for pid in descendants(process.pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    assert process.stdout  # a pipe
    process.stdout.close()
    process.wait()
