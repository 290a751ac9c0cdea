"""Plain values as bytes: how inputs go to a submission's process and outputs come back. Nothing in it is ever executed.

A message is a header in JSON and, behind it, the arrays it announces. Sizes and types are checked before an array is
made, so that no sender can make the reader do more than read.
"""

import json
import os
import select
import struct
import time
from typing import Any

import numpy as np

HEADER_BYTES, MESSAGE_BYTES = 200_000, 40_000_000
TEXT, DIMENSIONS = 4_000, 8
OURS = "the process for it could not be set up"  # how a task ends that never came to the student's code
DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")


class BadMessage(ValueError):
    """Bytes that are no message, or one that is too large."""


def pack(values: dict[str, Any]) -> bytes:
    """Return numbers, texts, truth values and arrays by name as one message."""
    arrays = {name: np.ascontiguousarray(v) for name, v in values.items() if isinstance(v, np.ndarray)}
    rest = {name: v for name, v in values.items() if name not in arrays}
    kinds = {name: [a.dtype.name, list(values[name].shape)] for name, a in arrays.items()}
    header = {"order": list(values), "plain": rest, "arrays": kinds}
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text + b"".join(a.tobytes() for a in arrays.values())


def unpack(message: bytes) -> dict[str, Any]:
    """Return what was packed. Raises BadMessage for anything else."""
    try:
        (length,) = struct.unpack_from("<I", message)
        if length > HEADER_BYTES:
            raise BadMessage(f"a header of {length:,} bytes")
        header = json.loads(message[4 : 4 + length])
        values, place = {clean(str(name)): _scalar(value) for name, value in header["plain"].items()}, 4 + length
        for name, (dtype, shape) in header["arrays"].items():
            values[clean(str(name))], place = _array(message, place, dtype, shape)
        values = {clean(name): values[clean(name)] for name in header["order"]}
    except BadMessage:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, struct.error, RecursionError) as error:
        raise BadMessage(f"not a message: {error}") from error
    if place != len(message):
        raise BadMessage("the announced sizes are not those of the message")
    return values


def _scalar(value: Any) -> Any:
    if isinstance(value, str) and len(value) > TEXT:
        raise BadMessage(f"a text of {len(value):,} characters")
    if value is not None and not isinstance(value, str | bool | int | float):
        raise BadMessage(f"a {type(value).__name__} among plain values")
    return clean(value) if isinstance(value, str) else value


def clean(text: str) -> str:
    """Return a text that can be written to a file: halves of characters, which JSON lets through, become "?"."""
    return text.encode("utf-8", "replace").decode()


def _array(message: bytes, place: int, dtype: str, shape: list[int]) -> tuple[np.ndarray, int]:
    if dtype not in DTYPES or len(shape) > DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
        raise BadMessage(f"an array of type {dtype!r} and shape {shape!r}")
    count = 1
    for n in shape:
        count *= n
    end = place + count * np.dtype(dtype).itemsize
    if end > len(message):
        raise BadMessage("an array larger than its message")
    return np.frombuffer(message[place:end], dtype).reshape(shape), end


def send(descriptor: int, message: bytes) -> None:
    """Write a message, its length before it."""
    data = memoryview(struct.pack("<Q", len(message)) + message)
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int, deadline: float) -> bytes | None:
    """Read one message; None where the other side has closed.

    deadline: on the clock of time.monotonic. Raises TimeoutError, or BadMessage for one that is too large or cut off.
    """
    start = _read(descriptor, 8, deadline)
    if not start:
        return None
    if len(start) < 8:
        raise BadMessage("cut off")
    (length,) = struct.unpack("<Q", start)
    if length > MESSAGE_BYTES:
        raise BadMessage(f"a message of {length:,} bytes")
    message = _read(descriptor, length, deadline)
    if len(message) < length:
        raise BadMessage("cut off")
    return message


def _read(descriptor: int, count: int, deadline: float) -> bytes:
    parts, left = [], count
    while left:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        part = os.read(descriptor, min(left, 1 << 20))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
