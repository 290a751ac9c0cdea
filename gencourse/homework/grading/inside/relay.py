"""Messages from a function's process, carried outwards by the one that never runs any of a student's code.

Each function's process has a pipe of its own and a token that each of its messages begins with. The way outwards is
closed there, and which task and which case a message belongs to is said on this side. So a process can lie about its
own outputs alone, and bytes that it writes to every descriptor end it.
"""

import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gencourse.homework.grading.inside import wire
from gencourse.homework.grading.inside.processes import Family

TOKEN = 16
READ, DEFINED, OUTPUTS = b"r", b"d", b"o"  # kinds of messages: what the code reaches for; the function is there; a case
FORGED = "it sent messages of its own, as if they were results"
TOO_MUCH = "it returned far too much"
ATTEMPTS = (FORGED, TOO_MUCH)  # ends that are nobody's bad luck
Carry = Callable[[bytes], None]


def sender(descriptor: int, token: bytes) -> Callable[[bytes, str, bytes], None]:
    """Return the function that sends: a kind, a short text, and bytes."""

    def send(kind: bytes, text: str = "", data: bytes = b"") -> None:
        said = text.encode("utf-8", "replace")[: wire.TEXT]
        wire.send(descriptor, token + kind + len(said).to_bytes(2, "little") + said + data)

    return send


@dataclass
class Relay:
    """What came from a function's process so far.

    Args:
        task: its number.
        token: that its messages begin with.
        carry: sends a message outwards.
        cases: how many there are.
        reach: what its code reaches for besides torch, as it was read before any of it ran.
        stage: how far it came: "", READ, DEFINED.
        seen: cases that arrived.
        problem: why nothing more is taken; empty while all is well.
    """

    task: int
    token: bytes
    carry: Carry
    cases: int
    reach: str = ""
    stage: bytes = b""
    seen: int = 0
    problem: str = ""
    buffer: bytearray = field(default_factory=bytearray)
    total: int = 0

    def read(self, descriptor: int, seconds: float) -> bool:
        """Take what is there, or comes within some seconds; returns whether there may be more."""
        ready, _, _ = select.select([descriptor], [], [], seconds)
        data = os.read(descriptor, 1 << 20) if ready else None
        if data:
            self.total += len(data)
            self.buffer += data
            if self.total > wire.MESSAGE_BYTES:
                self.problem = TOO_MUCH
            while not self.problem and self.one():
                pass
        return data is None or (bool(data) and not self.problem)

    def one(self) -> bool:
        """Take one message from the buffer; returns whether there was a whole one."""
        if len(self.buffer) < 8:
            return False
        length = int.from_bytes(self.buffer[:8], "little")
        if len(self.buffer) >= 8 + TOKEN and self.buffer[8 : 8 + TOKEN] != self.token or length > wire.MESSAGE_BYTES:
            self.problem = FORGED
        elif len(self.buffer) >= 8 + length:
            message = bytes(self.buffer[8 + TOKEN : 8 + length])
            del self.buffer[: 8 + length]
            self.take(message[:1], message[1:])
            return True
        return False

    def take(self, kind: bytes, rest: bytes) -> None:
        """Take a message whose token is right; one out of turn is forged."""
        count = int.from_bytes(rest[:2], "little")
        text, data = rest[2 : 2 + count].decode("utf-8", "replace"), rest[2 + count :]
        turn = {READ: self.stage == b"", DEFINED: self.stage == READ}.get(kind, self.seen < self.cases)
        if kind == READ and turn:
            self.stage, self.reach = READ, text
        elif kind == DEFINED and turn:
            self.stage = DEFINED
        elif kind == OUTPUTS and turn:
            self.carry(wire.pack({"task": self.task, "case": self.seen, "absent": text}))
            self.carry(data)
            self.seen += 1
        else:
            self.problem = FORGED


def follow(relay: Relay, descriptor: int, child: int, family: Family, wall: float) -> int | None:
    """Carry what a process sends until it has ended; returns its status, or None where it has to be ended.

    Args:
        relay: of the process.
        descriptor: of its pipe.
        child: its id.
        family: whose memory is watched.
        wall: seconds that it has.
    """
    deadline, more, status = time.monotonic() + wall, True, None
    while status is None:
        if more:
            more = relay.read(descriptor, 0.02)
        else:
            time.sleep(0.01)
        done, code = os.waitpid(child, os.WNOHANG)
        status = code if done else None
        if status is None and time.monotonic() > deadline:
            relay.problem = f"it was stopped after {wall:g} seconds"
        if status is None and not relay.problem:
            relay.problem = family.problem()
        if relay.problem:
            return status
    while more and not relay.problem and select.select([descriptor], [], [], 0)[0]:
        more = relay.read(descriptor, 0)
    return status
