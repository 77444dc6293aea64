"""Speech on its way to a real worker that converts it, and back."""

from __future__ import annotations

import numpy as np
import psutil
import pytest
from wyoming.event import Event

from stentor_engine import REFERENCE_RATE, Reference, SpeechCall
from stentor_engine.errors import (
    ConnectionLost,
    EngineError,
    FrameTooLarge,
    InvalidCall,
    MalformedFrame,
)
from stentor_engine.messages import synthesize_event
from stentor_engine.references import reference_id, samples_of
from tests.contract.conftest import StartWorker
from tests.contract.talk import convert, ready, samples, sound, transcribe
from tests.wait import until_async

pytestmark = pytest.mark.anyio

ODD_RATE = 8_000
PCM = np.array([-32_768, -5, 0, 5, 32_767] * 6_000, "<i2")
SAID = PCM.tobytes()


def recording(level: int, seconds: float = 1.0) -> Reference:
    pcm = np.tile(np.array([level, -level], "<i2"), round(seconds * REFERENCE_RATE / 2)).tobytes()
    return Reference(reference_id(pcm), samples_of(pcm))


def pcm_of(reference: Reference) -> bytes:
    return (reference.samples * 32_768).astype("<i2").tobytes()


def loudness(heard: list[int]) -> float:
    return float(np.sqrt(np.mean(np.square(heard, dtype=float))))


async def test_audio_comes_back_in_the_voice_that_was_asked_for(start_worker: StartWorker) -> None:
    """On one connection: after a call it is ready for the next."""
    async with ready(await start_worker("echo-convert")) as talk:
        for voice, sign in ((None, 1), ("same", 1), ("turned", -1)):
            await talk.send(*convert(SAID, voice=voice))
            heard = samples(await talk.chunks())
            assert heard == np.clip(sign * PCM.astype(int), -32_768, 32_767).tolist()


async def test_no_audio_gives_none(start_worker: StartWorker) -> None:
    async with ready(await start_worker("echo-convert")) as talk:
        await talk.send(*convert(b""))
        assert samples(await talk.chunks()) == []


async def test_the_answer_is_at_the_engines_own_rate(start_worker: StartWorker) -> None:
    """And the seed and the options arrive."""
    async with ready(await start_worker("odd-conversion")) as talk:
        await talk.send(*convert(SAID, voice="seed", seed=77))
        assert len(heard := samples(await talk.chunks(), ODD_RATE)) == len(PCM) / 3 + 1
        assert heard[-1] == 77
    async with ready(await start_worker("echo-convert")) as talk:
        await talk.send(*convert(SAID, fail_rate=1.0))
        await talk.receive("audio-start")
        assert (await talk.receive("error")).data["code"] == EngineError.code


async def test_a_recording_travels_once(start_worker: StartWorker) -> None:
    worker = await start_worker("echo-convert")
    quiet, loud = recording(300), recording(3_000)
    said = recording(1_000, 2.0)
    async with ready(worker) as talk:
        for reference, level in ((quiet, 300), (loud, 3_000)):
            await talk.send(*convert(pcm_of(said), reference=reference))
            await talk.receive("reference-wanted")
            await talk.send(*sound(pcm_of(reference)))
            assert loudness(samples(await talk.chunks())) == pytest.approx(level, abs=1)
    async with ready(worker) as talk:  # another connection of the same worker
        for reference, level in ((quiet, 300), (loud, 3_000)):
            await talk.send(*convert(pcm_of(said), voice="same", reference=reference))
            assert loudness(samples(await talk.chunks())) == pytest.approx(level, abs=1)


@pytest.mark.parametrize(
    ("sent", "code"),
    [(recording(500), MalformedFrame.code), (recording(400, 32.0), FrameTooLarge.code)],
    ids=["another", "too long"],
)
async def test_a_recording_that_is_not_what_was_named(
    start_worker: StartWorker, sent: Reference, code: str
) -> None:
    async with ready(await start_worker("echo-convert")) as talk:
        await talk.send(*convert(SAID, reference=recording(400)))
        await talk.receive("reference-wanted")
        await talk.send(*sound(pcm_of(sent)))
        assert (await talk.receive("error")).data["code"] == code


async def test_an_engine_with_voices_of_its_own_only(start_worker: StartWorker) -> None:
    async with ready(await start_worker("odd-conversion")) as talk:
        await talk.send(*convert(SAID[:600], reference=recording(400)))
        assert (await talk.receive("error")).data["code"] == InvalidCall.code


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (convert(SAID, voice="nobody"), "no voice 'nobody'"),
        (convert(SAID, pitch=1), "unknown option 'pitch'"),
        (convert(SAID, delay=-1), "'delay' must be between"),
        ([synthesize_event(SpeechCall("a"))], "does not speak"),
        (transcribe(SAID, REFERENCE_RATE), "does not transcribe"),
    ],
    ids=["voice", "option", "value", "speech", "transcription"],
)
async def test_a_wrong_call_is_refused(
    start_worker: StartWorker, call: list[Event], why: str
) -> None:
    """And the connection is of use to the next one."""
    async with ready(await start_worker("echo-convert")) as talk:
        await talk.send(*call)
        if (event := await talk.receive("audio-start", "error")).type == "audio-start":
            event = await talk.receive("error")
        assert event.data["code"] == InvalidCall.code
        assert why in event.data["text"]
        await talk.send(*convert(SAID))
        assert len(samples(await talk.chunks())) == len(PCM)


@pytest.mark.parametrize("engine", ["echo", "echo-transcribe"])
async def test_engines_of_other_tasks_refuse_it(start_worker: StartWorker, engine: str) -> None:
    async with ready(await start_worker(engine)) as talk:
        await talk.send(*convert(SAID))
        error = await talk.receive("error")
        assert error.data["code"] == InvalidCall.code
        assert "does not convert" in error.data["text"]


async def test_a_model_without_a_voice_needs_a_recording(start_worker: StartWorker) -> None:
    async with ready(await start_worker("echo-convert", speaks=False)) as talk:
        await talk.send(*convert(SAID))
        await talk.receive("audio-start")
        assert "needs a recording" in (await talk.receive("error")).data["text"]


@pytest.mark.parametrize("seconds", [32, 120])
async def test_too_much_audio_is_refused(start_worker: StartWorker, seconds: int) -> None:
    """The refusal arrives although the sender is still at it."""
    worker = await start_worker("echo-convert")
    async with ready(worker) as talk:
        await talk.send(*convert(bytes(2 * REFERENCE_RATE * seconds)))
        assert (await talk.receive("error")).data["code"] == FrameTooLarge.code
        with pytest.raises(ConnectionLost):
            await talk.receive()
    async with ready(worker) as talk:
        await talk.send(*convert(bytes(2 * REFERENCE_RATE * 30)))
        assert len(samples(await talk.chunks())) == 30 * REFERENCE_RATE


async def test_audio_at_another_rate_is_refused(start_worker: StartWorker) -> None:
    """Also at that of the engine's answer."""
    async with ready(await start_worker("odd-conversion")) as talk:
        await talk.send(*convert(bytes(600), rate=ODD_RATE))
        error = await talk.receive("error")
        assert error.data["code"] == InvalidCall.code
        assert "24000 Hz" in error.data["text"]


@pytest.mark.parametrize("voice", ["divide", "crash"])
async def test_what_goes_wrong_is_told_and_a_crash_is_no_end(
    start_worker: StartWorker, voice: str
) -> None:
    async with ready(await start_worker("odd-conversion")) as talk:
        await talk.send(*convert(SAID, voice=voice))
        await talk.receive("audio-start")
        if voice == "crash":
            with pytest.raises(ConnectionLost):
                while True:
                    await talk.receive("audio-chunk")
            return
        while (event := await talk.receive("audio-chunk", "error")).type == "audio-chunk":
            pass
        assert "ZeroDivisionError" in event.data["text"]
        await talk.send(*convert(SAID))
        assert len(samples(await talk.chunks(), ODD_RATE)) == len(PCM) / 3


async def test_a_hang_up_stops_it_at_its_next_piece(start_worker: StartWorker) -> None:
    """The call would take 30 s of computing; the next one waits for the only thread."""
    worker = await start_worker("echo-convert", cpu=1.0)
    times = psutil.Process(worker.pid).cpu_times
    async with ready(worker) as talk:
        start = times().user
        await talk.send(*convert(bytes(2 * REFERENCE_RATE * 30)))
        await until_async(lambda: times().user > start + 0.3, "the engine works")
    spent = times().user
    async with ready(worker) as talk:
        await talk.send(*convert(SAID, cpu=0))
        assert len(samples(await talk.chunks())) == len(PCM)
    assert times().user < spent + 5.0
