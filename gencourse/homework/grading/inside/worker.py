"""The process that runs submissions' functions: reads a request, runs each task in a fork of its own, sends outputs.

It has imported torch before any of a submission's code, so a fork costs nothing. What the forks send are claims: this
side only carries them. Started with the request on standard input.
"""

import json
import os
import signal
import tempfile
import time
from contextlib import suppress
from importlib import import_module

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gencourse.homework.checking.attempt import attempt
from gencourse.homework.checking.calls import Case, NotRun
from gencourse.homework.grading.inside import absent, definitions, guard, limits, reading, wire
from gencourse.homework.grading.inside.processes import Family, children
from gencourse.homework.grading.inside.relay import DEFINED, OUTPUTS, READ, TOKEN, TOO_MUCH, Relay, follow, sender
from gencourse.runtime import Run
from gencourse.training.random_state import random_state

# There even if the cell that imports them was deleted; `run` is what gencourse.start returns in a notebook.
PREDEFINED = {"torch": torch, "F": F, "nn": nn, "np": np, "run": Run("smoke", torch.device("cpu"), 0)}
PREDEFINED |= {"get_ipython": definitions.Shell, "display": absent.Quiet()}
SETUP_FAILED = 97  # exit status of a fork that did not come to the student's code


def main() -> None:
    """Serve the request on standard input and write messages to what was standard output."""
    limits.guard()
    no_deadline = time.monotonic() + 1e6
    request = json.loads(wire.receive(0, no_deadline) or b"")
    tasks = [
        (task, [wire.unpack(wire.receive(0, no_deadline) or b"") for _ in range(task["cases"])])
        for task in request["tasks"]
    ]
    channel = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    offline = request["network"] == "none" or limits.leave_network()
    tempfile.tempdir = os.environ["TORCHINDUCTOR_CACHE_DIR"]  # nothing can be written there, but torch wants to know it
    for name in dict.fromkeys(task["call"][0] for task, _ in tasks):
        getattr(import_module(name), "warm_up", lambda: None)()
    random_state()  # with all it imports late: a fork, as another user, might not be allowed to read Python's files
    with suppress(ImportError):  # so does the first gradient, in some versions of torch
        import_module("torch.nested._internal.nested_tensor")
    reading.transformer()
    os.dup2(null, 2)  # from here on, whatever is printed goes nowhere
    wire.send(channel, wire.pack({"ready": True, "offline": offline}))
    for number, (task, cases) in enumerate(tasks):
        end = run_task(channel, task | {"number": number}, cases, request)
        wire.send(channel, wire.pack({"task": number, **end}))
    os._exit(0)


def run_task(channel: int, task: dict, cases: list[Case], request: dict) -> dict[str, str]:
    """Run one task in a fork, carry what it sends, and wait for it.

    Args:
        channel: descriptor that messages go to.
        task: of the request, with its number.
        cases: its inputs.
        request: as `session.write_request` writes it.

    Returns:
        `end`, how it ended: "" as it should, else a sentence; `reach`, what its code reaches for; `stage`, "defined"
        where the function itself was run.
    """
    ours, theirs = os.pipe()
    token = os.urandom(TOKEN)
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            os.close(channel)
            os.close(ours)
            limits.shrink(seconds=request["seconds"], memory=request["memory"], user=request["user"])
        except BaseException:
            os._exit(SETUP_FAILED)
        try:
            send_outputs(sender(theirs, token), task, cases, request)
        finally:
            os._exit(0)  # whatever happened, never back into the loop above
    os.close(theirs)
    relay = Relay(task["number"], token, lambda message: wire.send(channel, message), len(cases))
    family = Family(request["memory"], request["seconds"], alone=request["network"] == "none")
    status = follow(relay, ours, child, family, request["wall"])
    os.close(ours)
    kill_family(child, status is None)
    end = relay.problem or said_of(status, request, started=bool(relay.stage))
    return {"end": end, "reach": relay.reach, "stage": "defined" if relay.stage == DEFINED else ""}


def said_of(status: int | None, request: dict, *, started: bool) -> str:
    """Return what there is to say of how a process ended; started: whether it came to the student's code."""
    if status is None or os.WIFEXITED(status):
        return wire.SETUP_FAILED if status and not started and os.WEXITSTATUS(status) == SETUP_FAILED else ""
    killed = os.WTERMSIG(status)
    if killed in (signal.SIGXCPU, signal.SIGKILL):
        return f"it was stopped after {request['seconds']} seconds of computing, or for its memory"
    return f"it crashed ({signal.Signals(killed).name})"


def send_outputs(send, task: dict, cases: list[Case], request: dict) -> None:
    """In the fork: get the function, call it on every case, send what comes back."""
    call = getattr(import_module(task["call"][0]), task["call"][1])
    function, problem = None, None
    try:
        cells = definitions.parse(request["cells"])
        cell = definitions.find_cell(cells, task["cell"], task["name"], request["texts"])
        statements = definitions.select(cells, cell, task["name"])
        definitions.demand_readable(cells, statements, task["name"])
        trained = definitions.trainings(cells, cell)
    except definitions.NotDefined as error:
        problem, statements, trained = said(error), [], (set(), set())
    send(READ, guard.reach(statements))
    guard.watch()
    try:
        seconds = min(definitions.SECONDS, request["seconds"] / 2)
        if not problem:
            function = definitions.run(statements, task["name"], PREDEFINED, seconds=seconds, trained=trained)
    except definitions.NotDefined as error:
        problem = said(error)
    except SystemExit:
        problem = {"failed": "a definition ended the program (sys.exit or quit)"}
    send(DEFINED)
    for case in cases:
        absent.used.clear()
        with torch.enable_grad():
            found = problem or attempt(call, function, case, excused=excused)
        message = wire.pack(found)
        if len(message) > wire.MESSAGE_BYTES // 2:
            message = wire.pack({"failed": TOO_MUCH})
        send(OUTPUTS, absent.used[0] if absent.used else "", message)
        if "failed" in found:
            break


def said(error: definitions.NotDefined) -> dict:
    """Return as an output why there is no function."""
    return {"failed": str(error), "unjudged" if isinstance(error, definitions.NotGraded) else "absent": True}


def excused(error: Exception) -> bool:
    """Whether a function failed for what this machine lacks: a file, a package, a GPU."""
    if isinstance(error, ImportError):
        return not (error.name or str(error)).startswith(absent.ANSWERS)
    return isinstance(error, OSError | NotRun) or "CUDA" in str(error) or "cuda" in str(error)


def kill_family(child: int, alive: bool) -> None:
    """End a fork and what it started: its process group, and what left the group and so became ours."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    if alive:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    for _ in range(100):
        orphans = children(os.getpid())
        for pid in orphans:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        if not orphans:
            return


if __name__ == "__main__":
    main()
