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
from gencourse.homework.checking.calls import Case
from gencourse.homework.grading.inside import definitions, limits, wire
from gencourse.homework.grading.inside.processes import children
from gencourse.runtime import Run
from gencourse.training.random_state import random_state

# There even if the cell that imports them was deleted; `run` is what gencourse.start returns in a notebook.
PREDEFINED = {"torch": torch, "F": F, "nn": nn, "np": np, "run": Run("smoke", torch.device("cpu"), 0)}
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
    os.dup2(null, 2)  # from here on, whatever is printed goes nowhere
    wire.send(channel, wire.pack({"ready": True, "offline": offline}))
    for number, (task, cases) in enumerate(tasks):
        end = run_task(channel, task | {"number": number}, cases, request)
        wire.send(channel, wire.pack({"task": number, "end": end}))
    os._exit(0)


def run_task(channel: int, task: dict, cases: list[Case], request: dict) -> str:
    """Run one task in a fork and wait for it.

    Args:
        channel: descriptor that messages go to.
        task: of the request, with its number.
        cases: its inputs.
        request: as `session.write_request` writes it.

    Returns:
        How it ended: "" as it should, else a sentence.
    """
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            limits.shrink(seconds=request["seconds"], memory=request["memory"], user=request["user"])
        except BaseException:
            os._exit(SETUP_FAILED)
        try:
            send_outputs(channel, task, cases, request["cells"])
        finally:
            os._exit(0)  # whatever happened, never back into the loop above
    deadline = time.monotonic() + request["wall"]
    status = None
    while status is None and time.monotonic() < deadline:
        done, code = os.waitpid(child, os.WNOHANG)
        status = code if done else time.sleep(0.01)
    kill_family(child, status is None)
    if status is None:
        return f"it was stopped after {request['wall']:g} seconds"
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == SETUP_FAILED:
        return wire.SETUP_FAILED
    if os.WIFSIGNALED(status):
        killed = os.WTERMSIG(status)
        if killed in (signal.SIGXCPU, signal.SIGKILL):
            return f"it was stopped after {request['seconds']} seconds of computing, or for its memory"
        return f"it crashed ({signal.Signals(killed).name})"
    return ""


def send_outputs(channel: int, task: dict, cases: list[Case], cells: list[dict]) -> None:
    """In the fork: get the function, call it on every case, send what comes back."""
    call = getattr(import_module(task["call"][0]), task["call"][1])
    number, function, problem = task["number"], None, None
    try:
        read = definitions.parse(cells)
        statements = definitions.select(read, definitions.find_cell(read, task["cell"], task["name"]))
        function = definitions.run(statements, task["name"], PREDEFINED)
    except definitions.NotDefined as error:
        problem = {"failed": str(error), "absent": True}
    except SystemExit:
        problem = {"failed": "a definition ended the program (sys.exit or quit)"}
    for index, case in enumerate(cases):
        found = problem or attempt(call, function, case)
        message = wire.pack({**found, "task": number, "case": index})
        if len(message) > wire.MESSAGE_BYTES:
            message = wire.pack({"failed": "it returned far too much", "task": number, "case": index})
        wire.send(channel, message)
        if "failed" in found:
            break


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
