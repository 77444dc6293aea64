"""Frames in the Wyoming event format: a JSON line, then its data and its payload.

The format is Wyoming's (https://github.com/OHF-Voice/wyoming); reading is our own, because the
bounds matter: every length is checked before a byte of it is read, and what is not a frame raises.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wyoming.event import Event

from .errors import ConnectionLost, FrameTooLarge, MalformedFrame

PROTOCOL = 1
"""Counts up when a change of our extra fields would be misread by the other end."""

MAX_LINE = 64 * 1024
MAX_DATA = 4 * 1024 * 1024
MAX_PAYLOAD = 1024 * 1024
"""Bytes. Audio longer than a payload travels in several chunks."""


def encode(event: Event) -> bytes:
    """The bytes of one frame; raises FrameTooLarge for what the other end would refuse."""
    header: dict[str, Any] = {"type": event.type}
    data = json.dumps(event.data, allow_nan=False).encode() if event.data else b""
    payload = event.payload or b""
    if len(data) > MAX_DATA or len(payload) > MAX_PAYLOAD:
        raise FrameTooLarge(f"a '{event.type}' frame of {len(data)} + {len(payload)} bytes")
    if data:
        header["data_length"] = len(data)
    if payload:
        header["payload_length"] = len(payload)
    return b"".join((json.dumps(header).encode(), b"\n", data, payload))


async def write_event(writer: asyncio.StreamWriter, event: Event, *, timeout: float) -> None:
    """Send one frame; raises ConnectionLost when the other end is gone or takes nothing in time."""
    frame = encode(event)
    try:
        writer.write(frame)
        await asyncio.wait_for(writer.drain(), timeout)
    except (OSError, asyncio.TimeoutError) as error:
        raise ConnectionLost(f"'{event.type}' could not be sent: {error!r}") from error


async def read_event(reader: asyncio.StreamReader) -> Event:
    """The next frame. Waits without end: the caller sets the deadline.

    Raises ConnectionLost at any end of the stream (an orderly end is a message, never an EOF),
    FrameTooLarge, or MalformedFrame; after a WireError the connection is of no more use.
    """
    try:
        line = await reader.readuntil(b"\n")
        header = _parse_object(line)
        data = header.get("data") or {}
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
    if not isinstance(event_type, str):
        raise MalformedFrame("a frame without a type")
    return Event(type=event_type, data=data, payload=payload)


def _parse_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedFrame("a frame is not JSON") from error
    if not isinstance(value, dict):
        raise MalformedFrame("a frame is not an object")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _length(header: dict[str, Any], name: str, bound: int) -> int:
    value = header.get(name, 0)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MalformedFrame(f"'{name}' is not a length")
    if value > bound:
        raise FrameTooLarge(f"'{name}' is {value}, the bound is {bound}")
    return value
