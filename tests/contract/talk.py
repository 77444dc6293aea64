"""A conversation with a worker process over its socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from wyoming.event import Event

from stentor.lifecycle.workers.connection import Connection
from stentor.lifecycle.workers.process import WorkerProcess
from stentor_engine import (
    REFERENCE_RATE,
    ConversionCall,
    OptionValue,
    Reference,
    SpeechCall,
    TranscriptionCall,
)
from stentor_engine.messages import (
    Info,
    audio_chunk_event,
    audio_start_event,
    audio_stop_event,
    convert_event,
    expect,
    parse_audio_chunk,
    parse_info,
    pcm_chunks,
    synthesize_event,
    transcribe_event,
)

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

    async def speak(self, text: str, **options: OptionValue) -> list[Event]:
        """The chunks of a call that went well."""
        await self.send(synthesize_event(SpeechCall(text, options=options)))
        return await self.chunks()

    async def chunks(self) -> list[Event]:
        """Of an answer that is audio, and whole."""
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


def sound(pcm: bytes, rate: int = REFERENCE_RATE) -> list[Event]:
    chunks = [audio_chunk_event(rate, chunk) for chunk in pcm_chunks(pcm)]
    return [audio_start_event(rate), *chunks, audio_stop_event()]


def convert(
    pcm: bytes,
    *,
    rate: int = REFERENCE_RATE,
    voice: str | None = None,
    reference: Reference | None = None,
    seed: int = 0,
    **options: OptionValue,
) -> list[Event]:
    call = ConversionCall(np.zeros(0, np.float32), voice, reference, seed, options)
    return [convert_event(call), *sound(pcm, rate)]
