"""A real worker that is told nonsense: it answers with a typed error or hangs up, and stays of use
to the next one. The gateway's end is in `test_wire_fuzz_gateway.py`.
"""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wyoming.event import Event

from stentor_engine import REFERENCE_RATE, ConversionCall, SpeechCall, TranscriptionCall
from stentor_engine.messages import (
    audio_chunk_event,
    audio_start_event,
    audio_stop_event,
    convert_event,
    describe_event,
    synthesize_event,
    transcribe_event,
)
from stentor_engine.wire import MAX_DATA, MAX_LINE, MAX_PAYLOAD, encode
from tests.contract.conftest import BareWorker, StartBareWorker

LIMIT = 20.0
ERRORS = {"malformed_frame", "frame_too_large", "version_mismatch", "invalid_call"}
MEMORY = 64 * 2**20

many = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", params=["echo", "echo-transcribe", "echo-convert"])
def worker(
    request: pytest.FixtureRequest, start_bare_worker: StartBareWorker
) -> Iterator[BareWorker]:
    """One for all the tests, and well after all of them."""
    worker = start_bare_worker(request.param)
    with client(worker) as waiting, waiting.makefile("rb") as stream:
        waiting.sendall(encode(describe_event()))
        while reply_on(stream).data["stentor"]["state"] == "loading":
            pass
    with bounded_memory(worker):
        yield worker
    usable(worker)
    assert worker.process.num_threads() < 10


@contextmanager
def bounded_memory(worker: BareWorker) -> Iterator[None]:
    before = worker.process.memory_full_info().uss
    yield
    usable(worker)
    assert worker.process.memory_full_info().uss - before < MEMORY


def client(worker: BareWorker) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(worker.address.removeprefix("unix:"))
    connection.settimeout(LIMIT)  # reading on beyond it is a hang, and raises TimeoutError
    return connection


def replies_of(connection: socket.socket, count: int | None = None) -> list[Event]:
    """So many frames, or all until it hangs up; what is no frame fails."""
    replies: list[Event] = []
    with connection.makefile("rb") as stream:
        while count is None or len(replies) < count:
            try:
                replies.append(reply_on(stream))
            except (EOFError, ConnectionResetError):
                assert count is None, "it hung up"
                break
    return replies


def reply_on(stream: IO[bytes]) -> Event:
    """The next frame; what is none fails. Raises EOFError where nothing follows."""
    line = stream.readline()
    if not line:
        raise EOFError
    header = json.loads(line)
    data = json.loads(stream.read(header.get("data_length", 0)) or b"{}")
    payload = stream.read(header.get("payload_length", 0))
    assert len(payload) == header.get("payload_length", 0)
    return Event(header["type"], data, payload)


def told(worker: BareWorker, raw: bytes, *, end: bool = True) -> list[Event]:
    """What it answers until it hangs up. `end`: hang up first, after all was said."""
    with client(worker) as connection:
        try:
            connection.sendall(raw)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may have had enough
        return replies_of(connection)


def usable(worker: BareWorker) -> None:
    """It still does its work."""
    task = worker.process.cmdline()[worker.process.cmdline().index("--engine") + 1]
    with client(worker) as connection:
        for event in REQUESTS[task]:
            connection.sendall(encode(event))
        replies = [reply.type for reply in replies_of(connection, 3)]
    assert replies[0] in ("audio-start", "transcript-start")
    assert replies[-1] in ("audio-stop", "audio-chunk", "transcript")


SPEAK = [synthesize_event(SpeechCall("ab", "low", "en", 1.5, 7, options={"delay": 0}))]
LISTEN = [
    transcribe_event(
        TranscriptionCall(np.zeros(0, np.float32), "en", "prompt", 0.5, options={"delay": 0})
    ),
    audio_start_event(16_000),
    audio_chunk_event(16_000, bytes(320)),
    audio_stop_event(),
]
CONVERT = [
    convert_event(ConversionCall(np.zeros(0, np.float32), "turned", seed=7, options={"delay": 0})),
    audio_start_event(REFERENCE_RATE),
    audio_chunk_event(REFERENCE_RATE, bytes(480)),
    audio_stop_event(),
]
REQUESTS = {"echo": SPEAK, "echo-transcribe": LISTEN, "echo-convert": CONVERT}
CONVERSATION = [describe_event(), Event("ping", {"text": "a"}), *SPEAK, *LISTEN, *CONVERT]


def expect_typed(replies: Sequence[Event]) -> None:
    codes = {reply.data["code"] for reply in replies if reply.type == "error"}
    assert codes <= ERRORS


@many
@given(st.binary(max_size=2_000) | st.lists(st.binary(max_size=200)).map(b"\n".join))
def test_garbage_to_a_worker(worker: BareWorker, raw: bytes) -> None:
    replies = told(worker, raw)
    assert [reply.data["code"] for reply in replies] in ([], ["malformed_frame"])
    usable(worker)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
types = st.sampled_from([event.type for event in CONVERSATION] + ["", "info", "error", "pong"])
headers = st.fixed_dictionaries(
    {},
    optional={
        "type": types | json_values,
        "data": json_values,
        "data_length": st.integers(-2, 50) | json_values,
        "payload_length": st.integers(-2, 50) | json_values,
    },
)


@many
@given(st.lists(st.tuples(headers, st.binary(max_size=60)), max_size=4))
def test_frames_of_nonsense_to_a_worker(
    worker: BareWorker, frames: list[tuple[dict[str, Any], bytes]]
) -> None:
    raw = b"".join(json.dumps(header).encode() + b"\n" + tail for header, tail in frames)
    expect_typed(told(worker, raw))
    usable(worker)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [path]
    return [path, *(leaf for name in value for leaf in leaves(value[name], (*path, name)))]


def replaced(value: Any, path: tuple[str, ...], new: Any) -> Any:
    if not path:
        return new
    return {**value, path[0]: replaced(value[path[0]], path[1:], new)}


FIELDS = [
    (index, path)
    for index, event in enumerate(CONVERSATION)
    for path in leaves(event.data)
    if path and "delay" not in path
]
WRONG = ["true", "-7", "1e999", "NaN", "1" * 400, '"' + "x" * 50_000 + '"', "[]", "[[[]]]", "{}"]


@pytest.mark.parametrize(
    ("index", "path"),
    FIELDS,
    ids=[f"{CONVERSATION[index].type}:{'.'.join(path)}" for index, path in FIELDS],
)
def test_every_field_of_a_wrong_type(worker: BareWorker, index: int, path: tuple[str, ...]) -> None:
    """To an engine of this task and to those of the others."""
    event = CONVERSATION[index]
    for wrong in WRONG:
        data = json.dumps(replaced(event.data, path, "@")).replace('"@"', wrong).encode()
        header = {"type": event.type, "data_length": len(data)}
        if event.payload:
            header["payload_length"] = len(event.payload)
        raw = json.dumps(header).encode() + b"\n" + data + (event.payload or b"")
        # An audio event needs its request before it, and all of them an end.
        whole = next((each for each in (LISTEN, CONVERT) if event in each), [event])
        before, after = whole[: whole.index(event)], whole[whole.index(event) + 1 :]
        raw = b"".join(map(encode, before)) + raw + b"".join(map(encode, after))
        expect_typed(told(worker, raw))
    usable(worker)


@pytest.mark.parametrize("version", ["2", "0", '"1"', "1.5", "[]", "99999999999999999999"])
def test_another_version_is_refused(worker: BareWorker, version: str) -> None:
    data = f'{{"type": "describe", "data": {{"stentor": {{"protocol": {version}}}}}}}\n'
    (reply,) = told(worker, data.encode(), end=False)
    right_type = version.isdigit()
    assert reply.data["code"] == ("version_mismatch" if right_type else "malformed_frame")


@many
@given(st.lists(st.sampled_from(CONVERSATION), max_size=6))
def test_events_in_any_order(worker: BareWorker, events: list[Event]) -> None:
    expect_typed(told(worker, b"".join(map(encode, events))))
    usable(worker)


def test_a_conversation_cut_off_at_every_byte(worker: BareWorker) -> None:
    """By a hang-up in both directions at once, and by an end of what is said."""
    for conversation in ([describe_event(), Event("ping", {"a": "é"}), *SPEAK], LISTEN, CONVERT):
        raw = b"".join(map(encode, conversation))
        for offset in range(len(raw)):
            with client(worker) as connection:
                connection.sendall(raw[:offset])
        for offset in range(0, len(raw), 7):
            expect_typed(told(worker, raw[:offset]))
    usable(worker)


CLAIMS = [MAX_DATA + 1, MAX_PAYLOAD * 4096, 10**18, 10**100]


@pytest.mark.parametrize("name", ["data_length", "payload_length"])
@pytest.mark.parametrize("claim", CLAIMS, ids=["bound", "4 GiB", "1 EB", "beyond"])
def test_a_huge_claim_is_refused_at_once(worker: BareWorker, name: str, claim: int) -> None:
    header = json.dumps({"type": "ping", name: claim}).encode() + b"\n"
    (reply,) = told(worker, header, end=False)
    assert reply.data["code"] == "frame_too_large"


def test_a_line_without_end(worker: BareWorker) -> None:
    (reply,) = told(worker, b"x" * (MAX_LINE + 2), end=False)
    assert reply.data["code"] == "frame_too_large"


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b"[[],"])
@pytest.mark.parametrize("depth", [500, 990, 20_000, 800_000])
def test_deep_nesting(worker: BareWorker, opening: bytes, depth: int) -> None:
    """Balanced as far as it goes, so that some of it is JSON; a pong would have to say it again."""
    closing = b"}" if opening.startswith(b"{") else b"]"
    value = opening * depth + b"[]" + closing * depth
    data = b'{"a": ' + value + b"}"
    header = json.dumps({"type": "ping", "data_length": len(data)}).encode() + b"\n"
    replies = told(worker, header + data)
    assert [reply.type for reply in replies] in (["pong"], ["error"])
    usable(worker)


def test_the_largest_frames_do_not_stay_in_memory(worker: BareWorker) -> None:
    """JSON that takes many times its size when it is read. A pong has to say it again, and more."""
    data = b'{"a":[' + b"[]," * ((MAX_DATA - 1_000) // 3) + b"[]]}"
    header = {"type": "ping", "data_length": len(data), "payload_length": MAX_PAYLOAD}
    raw = json.dumps(header).encode() + b"\n" + data + bytes(MAX_PAYLOAD)
    with bounded_memory(worker):
        for _ in range(5):
            with client(worker) as connection:
                connection.sendall(raw)
                assert replies_of(connection, 1)[0].type == "pong"


def test_many_who_stop_in_the_middle(worker: BareWorker) -> None:
    """What they claim is not set aside for them."""
    half = json.dumps({"type": "ping", "payload_length": MAX_PAYLOAD}).encode() + b"\n" + bytes(999)
    with bounded_memory(worker), ExitStack() as silent:
        for _ in range(200):
            silent.enter_context(client(worker)).sendall(half)
        with bounded_memory(worker):
            pass


def test_one_who_asks_and_never_listens(worker: BareWorker) -> None:
    """Answers that nobody takes do not pile up: the asking is held back instead."""
    question = encode(describe_event()) * 100
    with bounded_memory(worker), client(worker) as connection:
        for _ in range(2_000):
            _, writable, _ = select.select([], [connection], [], 0.5)
            if not writable:
                break
            connection.setblocking(False)
            connection.send(question)
        else:
            raise AssertionError("it goes on listening")
