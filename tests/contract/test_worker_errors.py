"""Calls that a real worker refuses, and those that fail in its engine."""

from __future__ import annotations

import pytest

from stentor_engine import SpeechCall
from stentor_engine.errors import ConnectionLost
from stentor_engine.messages import parse_transcript_chunk, synthesize_event
from tests.contract.conftest import StartWorker
from tests.contract.talk import ready, samples, transcribe

pytestmark = pytest.mark.anyio

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
    ("word", "engine_error", "nan as its start"),
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
