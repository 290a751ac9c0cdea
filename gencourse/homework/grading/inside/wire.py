"""Plain values as bytes: how inputs go to a submission's process and outputs come back. Nothing in it is ever executed.

A message is a safetensors file: the arrays, and the plain values as JSON in its metadata. How long it and its header
are is checked before anything is read of them, and safetensors takes no array that is larger than its message, so that
no sender can make the reader do more than read.
"""

import json
import os
import select
import struct
import time
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

HEADER_BYTES, MESSAGE_BYTES = 200_000, 40_000_000
TEXT, DIMENSIONS = 4_000, 8
SETUP_FAILED = "the process for it could not be set up"  # how a task ends that never came to the student's code
DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")


class BadMessage(ValueError):
    """Bytes that are no message, or one that is too large."""


def pack(values: dict[str, Any]) -> bytes:
    """Return numbers, texts, truth values and arrays by name as one message."""
    # order="C": safetensors writes the memory as it lies; ascontiguousarray would give a number a dimension
    arrays = {name: np.asarray(v, order="C") for name, v in values.items() if isinstance(v, np.ndarray)}
    plain = {name: v for name, v in values.items() if name not in arrays}
    order = [replace_surrogates(name) for name in values]  # safetensors sorts by type
    named = {replace_surrogates(name): array for name, array in arrays.items()}
    return save(named, {"values": json.dumps({"order": order, "plain": plain})})


def unpack(message: bytes) -> dict[str, Any]:
    """Return what was packed.

    Raises:
        BadMessage: these bytes are anything else.
    """
    try:
        (length,) = struct.unpack_from("<Q", message)
        if length > HEADER_BYTES:
            raise BadMessage(f"a header of {length:,} bytes")
        header = json.loads(json.loads(message[8 : 8 + length])["__metadata__"]["values"])
        values = {replace_surrogates(name): _scalar(value) for name, value in header["plain"].items()}
        values |= {name: _array(array) for name, array in load(message).items()}
        return {name: values[name] for name in map(replace_surrogates, header["order"])}
    except BadMessage:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, struct.error, RecursionError, SafetensorError) as error:
        raise BadMessage(f"not a message: {error}") from error


def _scalar(value: Any) -> Any:
    if isinstance(value, str) and len(value) > TEXT:
        raise BadMessage(f"a text of {len(value):,} characters")
    if value is not None and not isinstance(value, str | bool | int | float):
        raise BadMessage(f"a {type(value).__name__} among plain values")
    return replace_surrogates(value) if isinstance(value, str) else value


def _array(array: np.ndarray) -> np.ndarray:
    if array.dtype.name not in DTYPES or array.ndim > DIMENSIONS:
        raise BadMessage(f"an array of type {array.dtype} with {array.ndim} dimensions")
    return array


def replace_surrogates(text: str) -> str:
    """Return a text that can be written to a file: halves of characters, which JSON lets through, become "?"."""
    return text.encode("utf-8", "replace").decode()


def send(descriptor: int, message: bytes) -> None:
    """Write a message, its length before it."""
    data = memoryview(struct.pack("<Q", len(message)) + message)
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int, deadline: float) -> bytes | None:
    """Read one message.

    Args:
        descriptor: of the file or pipe.
        deadline: in seconds, on the clock of time.monotonic.

    Returns:
        The message, or None where the other side has closed.

    Raises:
        TimeoutError: it has not come by then.
        BadMessage: it is too large, or cut off.
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
