"""Calls to a real worker process: in order, in parallel, given up."""

from __future__ import annotations

import asyncio

import numpy as np
import psutil
import pytest
from wyoming.event import Event

from stentor_engine import SpeechCall
from stentor_engine.messages import describe_event, parse_transcript_chunk, synthesize_event
from tests.contract.conftest import StartWorker
from tests.contract.talk import LIMIT, LONG, ready, samples, talking, transcribe
from tests.wait import until_async

pytestmark = pytest.mark.anyio


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


async def test_options_of_the_configuration_are_the_defaults(start_worker: StartWorker) -> None:
    async with ready(await start_worker(char_seconds=0.01)) as talk:
        await talk.send(describe_event())
        capabilities = (await talk.info()).capabilities
        assert capabilities is not None
        assert {o.name: o.default for o in capabilities.options}["char_seconds"] == 0.01
        assert len(samples(await talk.speak("ab"))) == 480
        assert len(samples(await talk.speak("ab", char_seconds=0.02))) == 960


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
