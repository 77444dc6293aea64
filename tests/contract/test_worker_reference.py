"""The voice of a recording, on its way to a real worker."""

from __future__ import annotations

import numpy as np
import pytest
from wyoming.event import Event

from stentor_engine import REFERENCE_RATE, Reference, SpeechCall
from stentor_engine.errors import FrameTooLarge, InvalidCall, MalformedFrame
from stentor_engine.messages import synthesize_event
from stentor_engine.references import reference_id, samples_of
from tests.contract.conftest import StartWorker
from tests.contract.talk import Talk, ready, samples, sound

pytestmark = pytest.mark.anyio

PARROT_RATE = 16_000


def recording(hertz: float, seconds: float = 1.0) -> bytes:
    phase = np.arange(round(seconds * REFERENCE_RATE)) * 2 * np.pi * hertz / REFERENCE_RATE
    return (9_000 * np.sin(phase)).astype("<i2").tobytes()


def named(pcm: bytes) -> Reference:
    return Reference(reference_id(pcm), samples_of(pcm))


def ask(pcm: bytes) -> Event:
    return synthesize_event(SpeechCall("some text", reference=named(pcm)))


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
