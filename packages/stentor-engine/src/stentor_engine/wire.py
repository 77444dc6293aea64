"""Frames in the Wyoming event format: a JSON line, then its data and its payload.

The format is Wyoming's (https://github.com/OHF-Voice/wyoming); reading is our own, because the
bounds matter: every length is checked before a byte of it is read, and what is not a frame raises.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Coroutine
from typing import Any, TypeVar

from wyoming.event import Event

from .errors import ConnectionLost, FrameTooLarge, MalformedFrame

T = TypeVar("T")

PROTOCOL = 1
"""Counts up when a change of our extra fields would be misread by the other end."""

MAX_TYPE = 64
MAX_LINE = 64 * 1024
MAX_DATA = 1024 * 1024
MAX_PAYLOAD = 1024 * 1024
"""Bytes. Audio longer than a payload travels in several chunks."""


def encode(event: Event) -> bytes:
    """The bytes of one frame.

    Raises FrameTooLarge for what the other end would refuse, MalformedFrame for what is not JSON.
    """
    header: dict[str, Any] = {"type": event.type}
    data = _dump(event) if event.data else b""
    payload = event.payload or b""
    if len(event.type) > MAX_TYPE or len(data) > MAX_DATA or len(payload) > MAX_PAYLOAD:
        raise FrameTooLarge(f"a '{event.type[:MAX_TYPE]}' of {len(data)} + {len(payload)} bytes")
    if data:
        header["data_length"] = len(data)
    if payload:
        header["payload_length"] = len(payload)
    return b"".join((json.dumps(header).encode(), b"\n", data, payload))


def _dump(event: Event) -> bytes:
    try:
        return json.dumps(event.data, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedFrame(f"the data of '{event.type}' is not JSON: {error}") from error


async def within(timeout: float, work: Coroutine[Any, Any, T]) -> T:
    """Raises asyncio.TimeoutError after so many seconds.

    Unlike `asyncio.wait_for` before Python 3.12 it never loses a cancellation.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=timeout)
        if not task.done():
            raise asyncio.TimeoutError
        return task.result()
    finally:
        task.cancel()


async def write_event(writer: asyncio.StreamWriter, event: Event, *, timeout: float) -> None:
    """Send one frame.

    Raises ConnectionLost when the other end is gone, asyncio.TimeoutError when it is there but
    takes nothing in time, and what `encode` raises.
    """
    frame = encode(event)
    try:
        writer.write(frame)
        await within(timeout, writer.drain())
    except asyncio.TimeoutError:
        raise
    except OSError as error:
        raise ConnectionLost(f"'{event.type}' could not be sent: {error!r}") from error


async def read_event(reader: asyncio.StreamReader) -> Event:
    """The next frame. Waits without end: the caller sets the deadline.

    Raises ConnectionLost at any end of the stream (an orderly end is a message, never an EOF),
    FrameTooLarge, or MalformedFrame; after a WireError the connection is of no more use.
    """
    try:
        line = await reader.readuntil(b"\n")
        header = _parse_object(line)
        data = {} if (given := header.get("data")) is None else given
        if not isinstance(data, dict):
            raise MalformedFrame("'data' is not an object")
        if length := _length(header, "data_length", MAX_DATA):
            data = data | _parse_object(await reader.readexactly(length))
        length = _length(header, "payload_length", MAX_PAYLOAD)
        payload = await reader.readexactly(length) if length else None
    except asyncio.LimitOverrunError as error:
        raise FrameTooLarge("a header line beyond the bound") from error
    except (asyncio.IncompleteReadError, OSError) as error:
        raise ConnectionLost("the connection ended") from error
    event_type = header.get("type")
    if not isinstance(event_type, str) or len(event_type) > MAX_TYPE:
        raise MalformedFrame("a frame without a type")
    return Event(type=event_type, data=data, payload=payload)


def _parse_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise MalformedFrame("a frame is not JSON") from error
    if not isinstance(value, dict):
        raise MalformedFrame("a frame is not an object")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):  # NaN, Infinity, and also 1e999
        raise ValueError(f"{text} is no number of JSON")
    return value


def _length(header: dict[str, Any], name: str, bound: int) -> int:
    value = header.get(name, 0)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MalformedFrame(f"'{name}' is not a length")
    if value > bound:
        raise FrameTooLarge(f"'{name}' is {value}, the bound is {bound}")
    return value
