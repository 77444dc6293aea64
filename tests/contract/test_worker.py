"""A real worker process, driven over its socket."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from wyoming.event import Event

from stentor.lifecycle.connection import Connection
from stentor.lifecycle.process import WorkerProcess
from stentor_engine import REFERENCE_RATE, Reference, SpeechCall, TranscriptionCall
from stentor_engine.errors import (
    ConnectionLost,
    EngineError,
    FrameTooLarge,
    InvalidCall,
    MalformedFrame,
)
from stentor_engine.messages import (
    Info,
    audio_chunk_event,
    audio_start_event,
    audio_stop_event,
    describe_event,
    expect,
    parse_audio_chunk,
    parse_info,
    parse_transcript_chunk,
    pcm_chunks,
    synthesize_event,
    transcribe_event,
)
from stentor_engine.references import reference_id, samples_of
from tests.contract.conftest import StartBareWorker, StartWorker, worker_command
from tests.wait import until_async

pytestmark = pytest.mark.anyio

LIMIT = 20.0
LONG = "A sentence that takes a while to say. " * 7


class Talk:
    """A connection on which every wait has a deadline."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, *events: Event) -> None:
        for event in events:
            await self._connection.send(event, timeout=LIMIT)

    async def receive(self, *types: str) -> Event:
        return expect(await self._connection.receive(timeout=LIMIT), *types)

    async def speak(self, text: str, **options: object) -> list[Event]:
        """The chunks of a call that went well."""
        await self.send(synthesize_event(SpeechCall(text, options=options)))  # type: ignore[arg-type]
        await self.receive("audio-start")
        chunks = []
        while (event := await self.receive("audio-chunk", "audio-stop")).type == "audio-chunk":
            chunks.append(event)
        return chunks

    async def info(self) -> Info:
        return parse_info(await self.receive("info"))


@asynccontextmanager
async def talking(worker: WorkerProcess) -> AsyncIterator[Talk]:
    async with await worker.connect() as connection:
        yield Talk(connection)


@asynccontextmanager
async def ready(worker: WorkerProcess) -> AsyncIterator[Talk]:
    assert (await asyncio.wait_for(worker.loaded(), LIMIT)).state == "ready"
    async with talking(worker) as talk:
        yield talk


def samples(chunks: list[Event], rate: int = 24_000) -> list[int]:
    return [int(s) for chunk in chunks for s in parse_audio_chunk(chunk, rate)[0]]


def transcribe(pcm: bytes, rate: int, prompt: str = "") -> list[Event]:
    call = TranscriptionCall(np.zeros(0, np.float32), prompt=prompt)
    chunks = [pcm[at : at + 32_000] for at in range(0, len(pcm), 32_000)]
    audio = [audio_chunk_event(rate, chunk) for chunk in chunks]
    return [transcribe_event(call), audio_start_event(rate), *audio, audio_stop_event()]


# Its life


@pytest.mark.parametrize("listen", [None, "tcp:127.0.0.1"], ids=["unix", "tcp"])
async def test_it_says_where_it_listens(
    start_bare_worker: StartBareWorker, listen: str | None
) -> None:
    worker = start_bare_worker(listen=listen)
    assert worker.address.startswith(listen or "unix:")
    async with await Connection.open(worker.address, timeout=LIMIT) as connection:
        talk = Talk(connection)
        await talk.send(Event("ping", {"text": "é"}))
        assert await talk.receive("pong") == Event("pong", {"text": "é"})


async def test_it_answers_while_it_loads_and_again_when_it_has(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    worker = await start_worker("odd-speech", weights=weights, load="wait")
    async with talking(worker) as first, talking(worker) as second:
        for talk in (first, second):
            await talk.send(describe_event(), describe_event(), Event("ping"))
            assert (await talk.info()).state == "loading"
            assert (await talk.info()).state == "loading"
            await talk.receive("pong")
        await first.send(synthesize_event(SpeechCall("early")))
        with pytest.raises(EngineError, match="still loading"):
            await first.receive("audio-start")
        weights.touch()
        for talk in (first, second):
            info = await talk.info()
            assert (info.engine, info.state, info.error) == ("odd-speech", "ready", None)
            assert info.capabilities is not None
            await talk.send(Event("ping"), describe_event())
            await talk.receive("pong")  # so it is told once, however often it was asked
            assert await talk.info() == info
        assert await first.speak("late")


@pytest.mark.parametrize(
    ("load", "why"),
    [
        ("raise", "FileNotFoundError: no model"),
        ("exit", "SystemExit: no model"),
        ("exhaust", "StopIteration"),
        ("numpy", "int64"),
        ("negative", "sample_rate"),
        ("no such option", ""),
    ],
)
async def test_a_failed_load_is_told(start_worker: StartWorker, load: str, why: str) -> None:
    options = {"load": load} if why else {load: 1}
    worker = await start_worker("odd-speech", **options)
    info = await asyncio.wait_for(worker.loaded(), LIMIT)
    assert (info.state, info.capabilities) == ("failed", None)
    assert why in (info.error or "")
    assert info.error
    async with talking(worker) as talk:
        await talk.send(synthesize_event(SpeechCall("text")))
        with pytest.raises(EngineError) as error:
            await talk.receive("audio-start")
        assert (error.value.code, str(error.value)) == ("load_failed", info.error)


async def test_an_engine_that_does_not_exist_is_a_failed_load(start_worker: StartWorker) -> None:
    info = await asyncio.wait_for((await start_worker("odd-nothing")).loaded(), LIMIT)
    assert info == Info(
        "odd-nothing", "failed", error="odd_engines.py defines no engine 'odd-nothing'"
    )


async def test_closing_stdin_ends_it_in_good_order(
    start_bare_worker: StartBareWorker, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    worker = start_bare_worker("odd-speech", weights=closed)
    async with await Connection.open(worker.address, timeout=LIMIT) as connection:
        talk = Talk(connection)
        await talk.send(describe_event())
        while (await talk.info()).state == "loading":
            pass
        await talk.send(synthesize_event(SpeechCall("forever")))
        await talk.receive("audio-start")
        assert worker.popen.stdin is not None
        worker.popen.stdin.close()
        assert await asyncio.to_thread(worker.popen.wait, LIMIT) == 0
    assert closed.exists()  # the engine's own `close` was called
    assert not worker.socket.exists()


@pytest.mark.parametrize("moment", ["call", "load"])
async def test_closing_stdin_ends_it_while_the_engine_hangs(
    start_bare_worker: StartBareWorker, moment: str
) -> None:
    worker = start_bare_worker("odd-speech", load="hang" if moment == "load" else "well")
    async with await Connection.open(worker.address, timeout=LIMIT) as connection:
        talk = Talk(connection)
        await talk.send(describe_event())
        while moment == "call" and (await talk.info()).state == "loading":
            pass
        if moment == "call":
            await talk.send(synthesize_event(SpeechCall("hang")))
            await talk.receive("audio-start")
            await talk.receive("audio-chunk")
        assert worker.popen.stdin is not None
        worker.popen.stdin.close()
        assert await asyncio.to_thread(worker.popen.wait, LIMIT) == 0
    assert not worker.socket.exists()


PARENT = """
import json, subprocess, sys
worker = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
print(json.dumps({"pid": worker.pid}), flush=True)
worker.wait()
"""


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("text", ["", "forever", "hang"], ids=["idle", "busy", "hanging"])
async def test_it_does_not_outlive_its_parent(text: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="st-"))
    argv = worker_command("odd-speech").argv(f"unix:{folder / 'w'}")
    command = [sys.executable, "-c", PARENT, *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        said = [json.loads(parent.stdout.readline()) for _ in range(2)]
        told = {name: value for line in said for name, value in line.items()}
        async with await Connection.open(told["listening"], timeout=LIMIT) as connection:
            talk = Talk(connection)
            await talk.send(describe_event())
            while (await talk.info()).state == "loading":
                pass
            if text:
                await talk.send(synthesize_event(SpeechCall(text)))
                await talk.receive("audio-start")
                await talk.receive("audio-chunk")
            parent.kill()
            await until_async(lambda: gone(told["pid"]), "the worker ends", timeout=LIMIT)
    assert not folder.exists()


async def test_what_an_engine_prints_does_not_disturb(start_worker: StartWorker) -> None:
    worker = await start_worker("odd-speech")
    async with ready(worker) as talk:
        assert len(samples(await talk.speak("print"), 8_000)) == 1600
    await until_async(lambda: '{"type": "audio-stop"}' in worker.tail, "it is on stderr")


# Its calls


async def test_ping_is_answered_while_the_engine_computes(start_worker: StartWorker) -> None:
    async with ready(await start_worker(cpu=1.0)) as talk:
        await talk.send(synthesize_event(SpeechCall(LONG)))
        await talk.receive("audio-start")
        await talk.receive("audio-chunk")
        for _ in range(3):
            await talk.send(Event("ping"), describe_event())
            awaited = {"pong", "info"}
            while awaited:  # and audio-stop, 16 s of computing later, is none of what may come
                awaited.discard((await talk.receive("audio-chunk", "pong", "info")).type)


ANSWER = (
    *("audio-start", "audio-chunk", "audio-stop"),
    *("transcript-start", "transcript-chunk", "transcript", "transcript-stop"),
)
PIECE = 0.1
"""CPU seconds that the engine burns for a piece."""


@pytest.mark.parametrize("engine", ["echo", "echo-transcribe"])
async def test_a_hang_up_stops_the_engine_at_its_next_piece(
    start_worker: StartWorker, engine: str
) -> None:
    worker = await start_worker(engine, cpu=1.0 if engine == "echo" else PIECE)
    times = psutil.Process(worker.pid).cpu_times

    def cpu() -> float:
        return times().user + times().system

    def call(text: str, seconds: int) -> list[Event]:
        if engine == "echo":
            return [synthesize_event(SpeechCall(text))]
        return transcribe(bytes(2 * 16_000 * seconds), 16_000)

    async def still() -> bool:
        before = cpu()
        await asyncio.sleep(3 * PIECE)  # a working engine would show
        return cpu() - before < 0.3 * PIECE

    async with ready(worker) as talk:
        start = cpu()
        await talk.send(*call(LONG, 30))
        await until_async(lambda: cpu() > start + 3 * PIECE, "the engine works")
    spent = cpu()
    while not await still():
        assert cpu() - spent < 10 * PIECE  # of 160 or 27 that the call would cost
    async with ready(worker) as talk:  # and it is free for the next
        await talk.send(*call("a", 0))
        while not (await talk.receive(*ANSWER)).type.endswith("-stop"):
            pass


ODD_CALLS = [
    ("exit", "engine_error", "SystemExit"),
    ("exhaust", "engine_error", "StopIteration"),
    ("memory", "out_of_memory", "out of memory"),
    ("device", "out_of_memory", "the device is full"),
    ("refuse", "invalid_call", "not this"),
    ("divide", "engine_error", "ZeroDivisionError"),
    ("quote", "engine_error", "ValueError: é"),
    ("stereo", "engine_error", "not mono"),
    ("wide", "engine_error", "int32"),
    ("nan", "engine_error", "not finite"),
    ("bytes", "engine_error", "bytes"),
    ("word", "malformed_frame", "not JSON"),
]


async def test_what_goes_wrong_in_an_engine_is_told_by_type(start_worker: StartWorker) -> None:
    """On one connection: a failed call leaves it usable."""
    async with ready(await start_worker("odd-speech")) as talk:
        for text, code, why in ODD_CALLS:
            await talk.send(synthesize_event(SpeechCall(text)))
            await talk.receive("audio-start")
            while (event := await talk.receive("audio-chunk", "error")).type == "audio-chunk":
                pass
            assert (text, event.data["code"]) == (text, code)
            assert why in event.data["text"]
            assert len(samples(await talk.speak("well"), 8_000)) == 1600


async def test_what_goes_wrong_in_a_transcript_is_told(start_worker: StartWorker) -> None:
    async with ready(await start_worker("odd-transcription")) as talk:
        for prompt, why in [("numpy", "float32"), ("infinite", "not JSON"), ("string", "str")]:
            await talk.send(*transcribe(bytes(10), 8_000, prompt))
            await talk.receive("transcript-start")
            await talk.receive("transcript-chunk")
            event = await talk.receive("error")
            assert why in event.data["text"]
        await talk.send(*transcribe(bytes(10), 8_000, "proxy"))
        await talk.receive("transcript-start")
        await talk.receive("transcript-chunk")
        second = parse_transcript_chunk(await talk.receive("transcript-chunk"))
        assert second.details == {"x": 1}
        assert (await talk.receive("transcript")).data["text"] == "a b"
        await talk.receive("transcript-stop")


async def test_a_crash_is_a_lost_connection_and_no_end(start_worker: StartWorker) -> None:
    async with ready(await start_worker("odd-speech")) as talk:
        await talk.send(synthesize_event(SpeechCall("crash")))
        await talk.receive("audio-start")
        with pytest.raises(ConnectionLost):
            while True:
                await talk.receive("audio-chunk")


async def test_loud_audio_is_clipped(start_worker: StartWorker) -> None:
    async with ready(await start_worker("odd-speech")) as talk:
        heard = samples(await talk.speak("loud"), 8_000)
        assert heard[800:805] == [-32767, -32767, 0, 32767, 32767]


async def test_audio_arrives_as_it_was_sent(start_worker: StartWorker) -> None:
    pcm = np.array([-32768, 0, 16384], "<i2").tobytes()
    async with ready(await start_worker("odd-transcription")) as talk:
        await talk.send(*transcribe(pcm, 8_000, "audio"))
        await talk.receive("transcript-start")
        while (event := await talk.receive("transcript-chunk", "transcript")).type != "transcript":
            last = parse_transcript_chunk(event)
        assert last.text == "3 -1 0.5"


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (SpeechCall("a", options={"pitch": 1}), "unknown option 'pitch'"),
        (SpeechCall("a", options={"delay": "long"}), "'delay' must be a number"),
        (SpeechCall("a", options={"delay": -1}), "'delay' must be between"),
        (SpeechCall("a", options={"delay": [1]}), "'delay' must be a number"),  # type: ignore[dict-item]
        (SpeechCall("a", speed=0.0), "speeds from 0.25 to 4"),
        (SpeechCall("a", speed=1e-9), "speeds from 0.25 to 4"),
        (SpeechCall("a" * 301), "at most 300 characters"),
    ],
)
async def test_a_wrong_call_is_refused(
    start_worker: StartWorker, call: SpeechCall, why: str
) -> None:
    async with ready(await start_worker()) as talk:
        await talk.send(synthesize_event(call))
        event = await talk.receive("error")
        assert event.data["code"] == "invalid_call"
        assert why in event.data["text"]
        assert await talk.speak("well")


async def test_options_of_the_configuration_are_the_defaults(start_worker: StartWorker) -> None:
    async with ready(await start_worker(char_seconds=0.01)) as talk:
        await talk.send(describe_event())
        capabilities = (await talk.info()).capabilities
        assert capabilities is not None
        assert {o.name: o.default for o in capabilities.options}["char_seconds"] == 0.01
        assert len(samples(await talk.speak("ab"))) == 480
        assert len(samples(await talk.speak("ab", char_seconds=0.02))) == 960


@pytest.mark.parametrize("engine", ["echo", "echo-transcribe"])
async def test_the_other_task_is_refused(start_worker: StartWorker, engine: str) -> None:
    async with ready(await start_worker(engine)) as talk:
        if engine == "echo":
            await talk.send(*transcribe(bytes(2), 24_000))
        else:
            await talk.send(synthesize_event(SpeechCall("a")))
        event = await talk.receive("error")
        assert event.data["code"] == "invalid_call"


@pytest.mark.parametrize("seconds", [32, 120])
async def test_too_much_audio_is_refused(start_worker: StartWorker, seconds: int) -> None:
    """The refusal arrives although the sender is still at it."""
    worker = await start_worker("echo-transcribe")
    async with ready(worker) as talk:
        await talk.send(*transcribe(bytes(2 * 16_000 * seconds), 16_000))
        event = await talk.receive("error")
        assert event.data["code"] == "frame_too_large"
        with pytest.raises(ConnectionLost):
            await talk.receive()
    async with ready(worker) as talk:
        await talk.send(*transcribe(bytes(2 * 16_000 * 30), 16_000))
        await talk.receive("transcript-start")
        chunk = parse_transcript_chunk(await talk.receive("transcript-chunk"))
        assert chunk.text == "30.00 seconds at -100.0 dBFS"


async def test_audio_at_another_rate_is_refused(start_worker: StartWorker) -> None:
    async with ready(await start_worker("echo-transcribe")) as talk:
        await talk.send(*transcribe(bytes(2), 8_000))
        assert (await talk.receive("error")).data["code"] == "invalid_call"


async def test_two_calls_at_once_on_a_connection_are_refused(start_worker: StartWorker) -> None:
    worker = await start_worker("odd-speech")
    async with ready(worker) as talk:
        await talk.send(synthesize_event(SpeechCall("forever")))
        await talk.receive("audio-start")
        await talk.send(synthesize_event(SpeechCall("second")))
        while (event := await talk.receive("audio-chunk", "error")).type == "audio-chunk":
            pass
        assert event.data["code"] == "malformed_frame"
        with pytest.raises(ConnectionLost):  # which stops the first one, too
            await talk.receive()
    async with ready(worker) as talk:
        assert await talk.speak("well")


async def test_calls_after_one_another_on_a_connection(start_worker: StartWorker) -> None:
    """Each sent in the moment in which the one before has ended."""
    async with ready(await start_worker("odd-speech")) as talk:
        for _ in range(300):
            assert len(samples(await talk.speak("well"), 8_000)) == 1600


async def test_calls_in_parallel(start_worker: StartWorker) -> None:
    """Four that go on only when all of them run."""
    worker = await start_worker("odd-speech", parallel=4)
    assert (await asyncio.wait_for(worker.loaded(), LIMIT)).state == "ready"

    async def speak() -> int:
        async with talking(worker) as talk:
            return len(samples(await talk.speak("meet"), 8_000))

    assert await asyncio.gather(*(speak() for _ in range(4))) == [1600] * 4


async def test_a_call_that_waits_for_its_slot_may_leave(start_worker: StartWorker) -> None:
    worker = await start_worker("odd-speech")
    async with ready(worker) as waiting:
        async with talking(worker) as first:
            await first.send(synthesize_event(SpeechCall("forever")))
            await first.receive("audio-start")
            async with talking(worker) as leaving:
                await leaving.send(synthesize_event(SpeechCall("hang")))
                await leaving.receive("audio-start")
            await waiting.send(synthesize_event(SpeechCall("well")))
            await waiting.receive("audio-start")
            await first.receive("audio-chunk")
        await waiting.receive("audio-chunk")  # the one that left does not hang the engine


# The voice of a recording

PARROT_RATE = 16_000


def recording(hertz: float, seconds: float = 1.0) -> bytes:
    phase = np.arange(round(seconds * REFERENCE_RATE)) * 2 * np.pi * hertz / REFERENCE_RATE
    return (9_000 * np.sin(phase)).astype("<i2").tobytes()


def ask(pcm: bytes) -> Event:
    return synthesize_event(
        SpeechCall("some text", reference=Reference(reference_id(pcm), samples_of(pcm)))
    )


def sound(pcm: bytes) -> list[Event]:
    chunks = [audio_chunk_event(REFERENCE_RATE, chunk) for chunk in pcm_chunks(pcm)]
    return [audio_start_event(REFERENCE_RATE), *chunks, audio_stop_event()]


async def pitch(talk: Talk) -> float:
    await talk.receive("audio-start")
    heard: list[int] = []
    while (event := await talk.receive("audio-chunk", "audio-stop")).type == "audio-chunk":
        heard += samples([event], PARROT_RATE)
    return float(np.argmax(np.abs(np.fft.rfft(heard)))) * PARROT_RATE / len(heard)


async def test_a_recording_travels_once(start_worker: StartWorker) -> None:
    worker = await start_worker("parrot")
    low, high = recording(400), recording(800)
    async with ready(worker) as talk:
        for pcm, hertz in ((low, 400), (high, 800)):
            await talk.send(ask(pcm))
            await talk.receive("reference-wanted")
            await talk.send(*sound(pcm))
            assert await pitch(talk) == pytest.approx(hertz, abs=10)
    async with ready(worker) as talk:  # another connection of the same worker
        for pcm, hertz in ((low, 400), (high, 800)):
            await talk.send(ask(pcm))
            assert await pitch(talk) == pytest.approx(hertz, abs=10)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (recording(500), MalformedFrame.code),
        (recording(400, 7.0), FrameTooLarge.code),
    ],
    ids=["another", "too long"],
)
async def test_a_recording_that_is_not_what_was_named(
    start_worker: StartWorker, sent: bytes, code: str
) -> None:
    async with ready(await start_worker("parrot")) as talk:
        await talk.send(ask(recording(400)))
        await talk.receive("reference-wanted")
        await talk.send(*sound(sent))
        assert (await talk.receive("error")).data["code"] == code


async def test_an_engine_with_voices_of_its_own_only(start_worker: StartWorker) -> None:
    async with ready(await start_worker()) as talk:
        await talk.send(ask(recording(400)))
        assert (await talk.receive("error")).data["code"] == InvalidCall.code
