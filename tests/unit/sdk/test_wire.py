from __future__ import annotations

import asyncio
import io
import json
import socket
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wyoming.event import Event
from wyoming.event import read_event as foreign_read

from stentor_engine.errors import ConnectionLost, FrameTooLarge, MalformedFrame, WireError
from stentor_engine.wire import (
    MAX_DATA,
    MAX_LINE,
    MAX_PAYLOAD,
    MAX_TYPE,
    encode,
    read_event,
    within,
    write_event,
)

LIMIT = 20.0

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
json_objects = st.dictionaries(st.text(), json_values, max_size=4)
events = st.builds(
    Event,
    type=st.text(max_size=MAX_TYPE),
    data=json_objects,
    payload=st.none() | st.binary(min_size=1, max_size=200),
)


def fed(raw: bytes) -> asyncio.StreamReader:
    """A stream of those bytes, ended; bounded as a worker's is."""
    reader = asyncio.StreamReader(limit=MAX_LINE)
    reader.feed_data(raw)
    reader.feed_eof()
    return reader


def frames(raw: bytes) -> tuple[list[Event], WireError]:
    """All that can be read, and the error at its end: a stream never just ends."""

    async def read() -> tuple[list[Event], WireError]:
        reader, found = fed(raw), list[Event]()
        while True:
            try:
                found.append(await asyncio.wait_for(read_event(reader), LIMIT))
            except WireError as error:
                return found, error

    return asyncio.run(read())


@given(st.lists(events, max_size=3))
def test_what_was_written_is_read(sent: list[Event]) -> None:
    received, end = frames(b"".join(map(encode, sent)))
    assert received == sent
    assert type(end) is ConnectionLost


@given(events)
def test_wyoming_reads_us(sent: Event) -> None:
    assert foreign_read(io.BytesIO(encode(sent))) == sent


def test_we_read_wyoming() -> None:
    inline = b'{"type": "ping", "data": {"a": 1}, "version": "1.8.0", "data_length": null}\n'
    apart = b'{"type": "x", "data": {"a": 1}, "data_length": 8, "payload_length": 2}\n{"b": 2}\0\1'
    assert frames(inline + apart)[0] == [
        Event("ping", {"a": 1}),
        Event("x", {"a": 1, "b": 2}, b"\0\1"),
    ]


@given(events, st.data())
def test_no_part_of_a_frame_passes_for_one(event: Event, data: st.DataObject) -> None:
    raw = encode(event)
    part = raw[: data.draw(st.integers(0, len(raw) - 1))]
    found, end = frames(part)
    assert found == []
    assert type(end) is ConnectionLost


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda line: line + b"\n"))
@example(b"[" * 60_000 + b"\n")
@example(b'{"type": "x", "data": ' + b'{"a":' * 10_000 + b"\n")
@example(b'{"type": "x", "payload_length": ' + b"9" * 5_000 + b"}\n")
@example(b"\xff\xfe{\0}\0\n")
def test_garbage_is_an_error(raw: bytes) -> None:
    frames(raw)  # which raises anything but a WireError


@pytest.mark.parametrize(
    "header",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"type": 5}',
        '{"type": null}',
        f'{{"type": "{"x" * (MAX_TYPE + 1)}"}}',
        '{"type": "x", "data": []}',
        '{"type": "x", "data": 0}',
        '{"type": "x", "data": "a"}',
        '{"type": "x", "data": {"a": NaN}}',
        '{"type": "x", "data": {"a": -Infinity}}',
        '{"type": "x", "data": {"a": 1e999}}',
        '{"type": "x", "data_length": -1}',
        '{"type": "x", "data_length": 1.0}',
        '{"type": "x", "data_length": true}',
        '{"type": "x", "data_length": "3"}',
        '{"type": "x", "payload_length": []}',
        '{"type": "x", "payload_length": {}}',
        '{"type": "x", "data_length": 2}\n[]',
    ],
)
def test_malformed(header: str) -> None:
    found, end = frames(header.encode() + b"\n")
    assert found == []
    assert type(end) is MalformedFrame


@pytest.mark.parametrize(
    ("field", "bound"), [("data_length", MAX_DATA), ("payload_length", MAX_PAYLOAD)]
)
@pytest.mark.parametrize("excess", [1, 10**18])
def test_a_claim_beyond_the_bounds_is_refused_unread(field: str, bound: int, excess: int) -> None:
    async def read() -> None:
        reader = asyncio.StreamReader(limit=MAX_LINE)
        reader.feed_data(json.dumps({"type": "x", field: bound + excess}).encode() + b"\n")
        await asyncio.wait_for(read_event(reader), LIMIT)  # nothing follows, and no end either

    with pytest.raises(FrameTooLarge):
        asyncio.run(read())


def test_a_line_without_end_is_refused() -> None:
    found, end = frames(b"x" * (MAX_LINE + 2))
    assert found == []
    assert type(end) is FrameTooLarge


def test_the_bounds_themselves_pass() -> None:
    data = {"a": "x" * (MAX_DATA - len('{"a":""}'))}
    sent = Event("x" * MAX_TYPE, data, b"\1" * MAX_PAYLOAD)
    assert frames(encode(sent))[0] == [sent]


@pytest.mark.parametrize(
    "event",
    [
        Event("x", {"a": "x" * MAX_DATA}),
        Event("x", {}, b"\0" * (MAX_PAYLOAD + 1)),
        Event("x" * (MAX_TYPE + 1)),
    ],
)
def test_what_would_be_refused_is_not_sent(event: Event) -> None:
    with pytest.raises(FrameTooLarge):
        encode(event)


def nested(depth: int) -> Any:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), object(), b"bytes", {1, 2}, nested(100_000)]
)
def test_what_is_not_json_is_not_sent(value: Any) -> None:
    with pytest.raises(MalformedFrame):
        encode(Event("x", {"a": value}))


@pytest.mark.anyio
async def test_sending_to_nobody() -> None:
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=ours)
    theirs.close()
    with pytest.raises(ConnectionLost):  # not at once: the first bytes may be taken
        for _ in range(1000):
            await write_event(writer, Event("x", {}, b"\0" * 1000), timeout=LIMIT)
    writer.close()


@pytest.mark.anyio
async def test_sending_to_one_that_takes_nothing() -> None:
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=ours)
    with theirs, pytest.raises(asyncio.TimeoutError):
        for _ in range(100):
            await write_event(writer, Event("x", {}, b"\0" * MAX_PAYLOAD), timeout=0.05)
    writer.transport.abort()


@pytest.mark.anyio
async def test_a_deadline_does_not_swallow_a_cancellation() -> None:
    async def work() -> str:
        outcome.cancel()  # in the very moment in which the work comes to its end
        return "done"

    outcome = asyncio.ensure_future(within(LIMIT, work()))
    with pytest.raises(asyncio.CancelledError):
        await outcome
