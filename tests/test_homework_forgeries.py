"""What a function notes about itself is a claim: code that could bend it gets no points from the machine."""

import os
import subprocess
import sys

import pytest
import torch
from forgeries import FORGERIES, PLAIN

from gencourse.chapters import pages
from gencourse.homework.checking import check as checks
from gencourse.homework.grading import session
from gencourse.homework.grading.inside import definitions, guard, relay, wire
from gencourse.homework.handout import build

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="submissions run on Linux and macOS")


def reach(text: str) -> str:
    (cell,) = definitions.parse([{"id": "task", "text": text}])
    assert cell.body, cell.error
    return guard.reach([(cell, node) for node in cell.body])


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_seen_before_it_runs(name):
    assert reach(FORGERIES[name]) != ""


@pytest.mark.parametrize("name", PLAIN)
def test_plain_code_reaches_for_nothing(name):
    assert reach(PLAIN[name]) == ""


@pytest.mark.parametrize("path", build.sources(), ids=lambda path: path.stem)
def test_no_solution_reaches_for_anything(path):
    cells = definitions.parse([{"id": c.id, "text": c.source} for c in pages.code_cells(pages.read(path))])
    for name, check in checks.of_chapter(path.stem.split("_")[0]).items():
        lines = definitions.select(cells, definitions.find_cell(cells, check.cell, name), name)
        assert guard.reach(lines) == "", name


# The channel.


def carried(*messages: bytes, cases: int = 2) -> tuple[relay.Relay, list[bytes]]:
    """What a relay makes of bytes in a pipe."""
    ours, theirs = os.pipe()
    taken: list[bytes] = []
    made = relay.Relay(0, b"t" * relay.TOKEN, taken.append, cases)
    os.write(theirs, b"".join(messages))
    os.close(theirs)
    while made.read(ours, 0.1):
        pass
    os.close(ours)
    return made, taken


def message(kind: bytes, text: bytes = b"", data: bytes = b"", token: bytes = b"t" * relay.TOKEN) -> bytes:
    whole = token + kind + len(text).to_bytes(2, "little") + text + data
    return len(whole).to_bytes(8, "little") + whole


READ, DEFINED, CASE = message(relay.READ), message(relay.DEFINED), message(relay.OUTPUTS, data=b"x")


@pytest.mark.parametrize(
    "messages",
    [
        (READ, DEFINED, message(relay.OUTPUTS, token=b"f" * relay.TOKEN)),  # another token
        (READ, DEFINED, (8).to_bytes(8, "little") + b"12345678" * 3),  # bytes of one's own
        (READ, DEFINED, (2**62).to_bytes(8, "little")),  # that announce too much
        (READ, READ),
        (DEFINED,),
        (READ, DEFINED, DEFINED),
        (READ, DEFINED, CASE, CASE, CASE),  # more than there are cases
        (READ, DEFINED, CASE, CASE, message(b"e", b"end")),
    ],
)
def test_a_forged_message_ends_it(messages):
    assert carried(*messages)[0].problem == relay.FORGED


def test_messages_in_their_turn_are_carried_with_our_own_label():
    made, taken = carried(READ, DEFINED, CASE, message(relay.OUTPUTS, b"lacks", b"y"))
    assert made.problem == "" and made.stage == relay.DEFINED and taken[1::2] == [b"x", b"y"]
    assert [wire.unpack(label) for label in taken[::2]] == [
        {"task": 0, "case": 0, "absent": ""},
        {"task": 0, "case": 1, "absent": "lacks"},
    ]


def test_an_output_called_end_is_an_output():
    job = session.Job("f", checks.find("gram_matrix"), [{}, {}])
    outputs = wire.pack({"end": "", "task": 5, "case": 9, "value": torch.ones(1).numpy()})
    session.store_message([job], {"task": 0, "case": 0, "absent": ""}, outputs)
    assert job.end is None and job.results[0]["end"] == "" and job.results[0]["task"] == 5
    session.store_message([job], {"task": 0, "case": 1, "absent": ""}, b"rubbish")
    assert job.end == session.UNREADABLE


# Memory of a whole family.


FAMILY = """
import mmap, os, signal, time
from gencourse.homework.grading.inside.processes import Family

if {shared}:
    mapping = mmap.mmap(-1, {shared})
    mapping.write(bytes({shared}))
started = []
for _ in range(3):
    if not (pid := os.fork()):
        block = bytearray(60_000_000)
        time.sleep(30 if block else 0)
        os._exit(0)
    started.append(pid)
small, large = Family(120_000_000), Family(1_000_000_000)
until = time.monotonic() + 20
while not (said := small.problem()) and time.monotonic() < until:
    time.sleep(0.05)
print(said, "|", large.problem())
for pid in started:
    os.kill(pid, signal.SIGKILL)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
@pytest.mark.parametrize("shared", [0, 90_000_000])
def test_children_are_counted_together(shared):
    """Three that hold 60 MB each are not within 120 MB, whatever their parent shares; within 1 GB they are."""
    code = FAMILY.format(shared=shared)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "more than 120 MB together |" in told and told.endswith("| \n")


def test_what_is_noted_in_its_own_process_is_said():
    """The page marks these tasks: all whose check has a call of its own."""
    from gencourse.homework.grading.grade import is_noted

    noted = {name for number in checks.CHAPTERS for name, check in checks.of_chapter(number).items() if is_noted(check)}
    assert {"train_and_measure", "five_steps", "make_objective", "ddim"} <= noted
    assert not {"gram_matrix", "slerp", "frechet_distance", "pixel_shuffle"} & noted
