"""The gateway's end of the wire, with a worker that answers nonsense: every outcome is a
StentorError in time, and the end of a stream is never the end of a call.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from stentor.errors import (
    EngineFailed,
    InvalidRequest,
    OutOfMemory,
    StentorError,
    WorkerLost,
    WorkerStalled,
)
from stentor.types import AudioChunk
from stentor_engine import (
    REFERENCE_RATE,
    ConversionCall,
    SpeechCall,
    Transcript,
    TranscriptionCall,
    Word,
)
from stentor_engine.messages import (
    audio_chunk_event,
    audio_start_event,
    audio_stop_event,
    transcript_chunk_event,
)
from stentor_engine.wire import MAX_DATA, MAX_LINE, MAX_PAYLOAD, encode
from tests.contract.fake_worker import (
    CONVERSION,
    RATE,
    SPEECH,
    TRANSCRIPTION,
    FakeWorker,
    Then,
    fake_worker,
)
from tests.contract.nonsense import LIMIT, huge, json_values, many

pytestmark = pytest.mark.anyio

T = TypeVar("T")

CALL = SpeechCall("text")

WINDOW = TranscriptionCall(np.zeros(RATE, np.float32))

RECORDED = ConversionCall(np.zeros(REFERENCE_RATE, np.float32))

PCM = np.arange(-20, 20, dtype="<i2").tobytes()

SPOKEN = [
    audio_start_event(RATE),
    audio_chunk_event(RATE, PCM, [Word("text", 0.0, 0.005, 0, 0.5)]),
    audio_chunk_event(RATE, PCM),
    audio_stop_event(),
]

HEARD = [
    Event("transcript-start"),
    transcript_chunk_event(Transcript("text", 0.0, 1.0, (Word("text", 0.0, 1.0),), "en", {"x": 1})),
    Event("transcript", {"text": "text"}),
    Event("transcript-stop"),
]


def raw(events: list[Event]) -> bytes:
    return b"".join(map(encode, events))


@pytest.fixture
async def fake() -> AsyncIterator[FakeWorker]:
    async with fake_worker() as fake:
        yield fake


async def outcome(call: AsyncGenerator[T, None]) -> list[T] | StentorError:
    """Any other exception fails the test, and so does TimeoutError: a hang."""
    try:
        async with asyncio.timeout(LIMIT), aclosing(call):
            return [item async for item in call]
    except StentorError as error:
        return error


async def speaking(fake: FakeWorker, answer: bytes, then: Then) -> list[AudioChunk] | StentorError:
    fake.answer, fake.then = answer, then
    async with fake.backend() as backend:
        return await outcome(backend.speak(CALL))


async def listening(fake: FakeWorker, answer: bytes, then: Then) -> list[Transcript] | StentorError:
    fake.answer, fake.then, fake.info = answer, then, encode(TRANSCRIPTION)
    async with fake.backend() as backend:
        return await outcome(backend.listen(WINDOW))


async def converting(
    fake: FakeWorker, answer: bytes, then: Then
) -> list[AudioChunk] | StentorError:
    fake.answer, fake.then, fake.info = answer, then, encode(CONVERSION)
    async with fake.backend() as backend:
        return await outcome(backend.convert(RECORDED))


async def test_an_answer_in_order(fake: FakeWorker) -> None:
    chunks = await speaking(fake, raw(SPOKEN), "close")
    assert isinstance(chunks, list)
    assert [chunk.samples.tobytes() for chunk in chunks] == [PCM, PCM]
    assert chunks[0].words == (Word("text", 0.0, 0.005, 0, 0.5),)
    converted = await converting(fake, raw(SPOKEN), "close")
    assert isinstance(converted, list)
    assert [chunk.samples.tobytes() for chunk in converted] == [PCM, PCM]
    assert await listening(fake, raw(HEARD), "close") == [
        Transcript("text", 0.0, 1.0, (Word("text", 0.0, 1.0),), "en", {"x": 1})
    ]


async def test_a_worker_that_dies_at_any_byte_of_its_answer() -> None:
    spoken, heard = raw(SPOKEN), raw(HEARD)
    spoken_parts = [spoken[:end] for end in range(len(spoken))]
    converted_parts = [spoken[:end] for end in range(0, len(spoken), 9)]
    heard_parts = [heard[:end] for end in range(0, len(heard), 9)]

    async def die() -> None:
        async with fake_worker() as fake:
            while spoken_parts:
                assert type(await speaking(fake, spoken_parts.pop(), "die")) is WorkerLost
            while converted_parts:
                assert type(await converting(fake, converted_parts.pop(), "die")) is WorkerLost
            while heard_parts:
                assert type(await listening(fake, heard_parts.pop(), "die")) is WorkerLost

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(die())


async def test_a_worker_that_hangs_up_and_lives(fake: FakeWorker) -> None:
    assert type(await speaking(fake, raw(SPOKEN[:-1]), "close")) is WorkerLost


@pytest.mark.parametrize("ask", [speaking, converting])
async def test_a_worker_that_wants_a_recording_where_there_is_none(
    fake: FakeWorker, ask: Callable[..., Awaitable[object]]
) -> None:
    answer = raw([Event("reference-wanted"), *SPOKEN])
    assert type(await ask(fake, answer, "hold")) is WorkerLost


@many
@given(answer=st.binary(max_size=1_000) | st.lists(st.binary(max_size=99)).map(b"\n".join))
async def test_garbage_from_a_worker(fake: FakeWorker, answer: bytes) -> None:
    assert type(await speaking(fake, answer, "die")) is WorkerLost
    assert type(await speaking(fake, raw(SPOKEN[:2]) + answer, "die")) is WorkerLost


@many
@given(at=st.integers(0, len(raw(SPOKEN))), cut=st.integers(0, 40), piece=st.binary(max_size=40))
async def test_an_answer_that_was_changed_on_its_way(
    fake: FakeWorker, at: int, cut: int, piece: bytes
) -> None:
    answer = raw(SPOKEN)
    answer = answer[:at] + piece + answer[at + cut :]
    if isinstance(await speaking(fake, answer, "die"), list):
        assert b'{"type": "audio-stop"}\n' in answer


@many
@given(
    event=st.sampled_from(SPOKEN), name=st.sampled_from(["type", "data", "rate", "stentor"]),
    value=json_values, length=st.integers(-1, 100) | json_values,
)  # fmt: skip
async def test_frames_of_nonsense_from_a_worker(
    fake: FakeWorker, event: Event, name: str, value: Any, length: Any
) -> None:
    header = {"type": event.type, "data": {**event.data, name: value}, "payload_length": length}
    header |= {name: value} if name in ("type", "data") else {}
    answer = raw(SPOKEN[: SPOKEN.index(event)]) + json.dumps(header).encode() + b"\n" + PCM
    result = await speaking(fake, answer, "die")
    assert isinstance(result, StentorError) or header["type"] == "audio-stop"


STEPS = {
    "s": audio_start_event(RATE),
    "c": audio_chunk_event(RATE, PCM),
    "e": audio_stop_event(),
    "r": audio_chunk_event(RATE + 1, PCM),
    "h": audio_chunk_event(RATE, b"\0"),
    "p": Event("pong"),
    "i": SPEECH,
    "t": Event("transcript-stop"),
}


@many
@given(
    st.text(alphabet="".join(STEPS), max_size=5) | st.from_regex("sc{0,2}e[scei]?", fullmatch=True)
)
async def test_events_in_any_order_from_a_worker(fake: FakeWorker, order: str) -> None:
    result = await speaking(fake, raw([STEPS[step] for step in order]), "die")
    assert isinstance(result, list) == bool(re.match("sc*e", order))
    if isinstance(result, list):
        assert len(result) == order.index("e") - 1


@pytest.mark.parametrize(
    "answer",
    [
        huge("data_length", str(MAX_DATA + 1)),
        huge("payload_length", str(MAX_PAYLOAD + 1)),
        huge("payload_length", "1" + "0" * 100),
        huge("payload_length", "9" * 5_000),
        huge("data", "[" * 30_000),
        huge("data", '{"rate": NaN}'),
        huge("data", '{"rate": 1e999}'),
        huge("data", '{"rate": 1' + "0" * 400 + "}"),
        huge("data", '{"stentor": {"protocol": 2}}'),
        huge("data_length", "800000") + b"[" * 800_000,
        b"x" * (MAX_LINE + 2),
        encode(Event("error", {"text": 5})),
        encode(Event("error", {"code": []})),
    ],
    ids=lambda answer: answer[:50].decode(errors="replace").strip(),
)
async def test_what_no_worker_says_is_refused_at_once(fake: FakeWorker, answer: bytes) -> None:
    """Although nothing follows, and nobody hangs up."""
    assert type(await speaking(fake, answer, "hold")) is WorkerLost


@pytest.mark.parametrize("part", [0, 1, len(raw(SPOKEN)) // 2, len(raw(SPOKEN)) - 1])
@pytest.mark.parametrize("then", ["hold", "drip"])
async def test_a_worker_that_falls_silent_is_killed(
    fake: FakeWorker, part: int, then: Then
) -> None:
    fake.answer, fake.then = raw(SPOKEN)[:part], then
    async with fake.backend(stall_timeout=0.2) as backend:
        await backend.ensure_ready()
        assert fake.pid() is not None
        process = psutil.Process(fake.pid())
        assert type(await outcome(backend.speak(CALL))) is WorkerStalled
        assert not process.is_running()
        assert not backend.warm


async def test_a_worker_that_does_not_listen_is_killed(fake: FakeWorker) -> None:
    fake.then, fake.info = "deaf", encode(TRANSCRIPTION)
    async with fake.backend(stall_timeout=0.2) as backend:
        window = TranscriptionCall(np.zeros(300 * RATE, np.float32))
        assert type(await outcome(backend.listen(window))) is WorkerStalled
        assert not backend.warm


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("invalid_call", InvalidRequest),
        ("out_of_memory", OutOfMemory),
        ("engine_error", EngineFailed),
        ("load_failed", EngineFailed),
        ("malformed_frame", EngineFailed),
        ("frame_too_large", EngineFailed),
        ("of the future", EngineFailed),
    ],
)
async def test_errors_that_a_worker_tells(
    fake: FakeWorker, code: str, error: type[StentorError]
) -> None:
    told = encode(Event("error", {"code": code, "text": "x" * 100_000}))
    for answer in (told, raw(SPOKEN[:2]) + told):
        result = await speaking(fake, answer, "hold")
        assert type(result) is error
        assert re.fullmatch("x{10,5000}", str(result))


async def test_what_cannot_be_asked_does_not_cost_the_worker(fake: FakeWorker) -> None:
    fake.answer = raw(SPOKEN)
    async with fake.backend() as backend:
        await backend.ensure_ready()
        assert fake.pid() is not None
        pid = fake.pid()
        for call in (SpeechCall("x" * (MAX_DATA + 1)), SpeechCall("x", speed=float("nan"))):
            assert type(await outcome(backend.speak(call))) is InvalidRequest
        assert isinstance(await outcome(backend.speak(CALL)), list)
        assert fake.pid() == pid
        assert len(fake.requests) == 1
