"""The two calls of a worker, each from its request event to the events of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from wyoming.event import Event

from .contract import Samples, SpeechEngine, TranscriptionEngine, Word
from .errors import ConnectionLost, FrameTooLarge, InvalidCall
from .host import Host, Run
from .messages import (
    audio_chunk_event,
    audio_start_event,
    audio_stop_event,
    expect,
    parse_audio_chunk,
    parse_synthesize,
    parse_transcribe,
    pcm_chunks,
    transcript_chunk_event,
)
from .options import complete_options
from .wire import read_event

AUDIO_TIMEOUT = 60.0
"""Seconds between two events of a call's own audio."""
WINDOW_SLACK = 1.0
"""Seconds that a call's audio may be longer than the engine's window."""


async def speak(host: Host, event: Event) -> AsyncGenerator[Event, None]:
    engine = host.engine
    if not isinstance(engine, SpeechEngine):
        raise InvalidCall("this engine does not speak")
    call = parse_synthesize(event)
    call = replace(call, options=complete_options(host.capabilities.options, call.options))
    rate = host.capabilities.sample_rate
    yield audio_start_event(rate)
    run: Run[Samples | Word] = host.run(lambda: engine.synthesize(call))
    try:
        async for pieces in run.pieces():
            for chunk in _audio_events(pieces, rate):
                yield chunk
    finally:
        run.stop()
    yield audio_stop_event()


def _audio_events(pieces: Sequence[Samples | Word], rate: int) -> Iterator[Event]:
    """One event for all the pieces, as far as a payload goes; words travel with the first."""
    words = [piece for piece in pieces if isinstance(piece, Word)]
    pcm = b"".join(s16le(piece) for piece in pieces if not isinstance(piece, Word))
    for payload in pcm_chunks(pcm):
        yield audio_chunk_event(rate, payload, words)
        words = []


def s16le(samples: Samples) -> bytes:
    """Clips what is beyond full scale; raises InvalidCall for anything but mono audio."""
    if samples.ndim != 1 or samples.dtype.kind not in "if":
        raise InvalidCall(f"the engine yielded {samples.dtype} of shape {samples.shape}")
    if samples.dtype != np.int16:
        scaled = np.nan_to_num(samples.astype(np.float32, copy=False)) * 32767.0
        samples = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
    return bytes(samples.astype("<i2", copy=False).tobytes())


async def receive_window(host: Host, reader: asyncio.StreamReader) -> NDArray[np.float32]:
    """The audio that follows a `transcribe` event, bounded by the engine's window."""
    capabilities = host.capabilities
    rate = capabilities.sample_rate
    bound = int((capabilities.window + WINDOW_SLACK) * rate)
    expect(await _next_event(reader), "audio-start")
    blocks: list[NDArray[np.int16]] = []
    length = 0
    while expect(event := await _next_event(reader), "audio-chunk", "audio-stop").type != (
        "audio-stop"
    ):
        samples, _ = parse_audio_chunk(event, rate)
        length += len(samples)
        if length > bound:
            raise FrameTooLarge(f"a call takes at most {capabilities.window:g} s of audio")
        blocks.append(samples)
    audio = np.concatenate(blocks) if blocks else np.zeros(0, np.int16)
    return audio.astype(np.float32) / 32768.0


async def _next_event(reader: asyncio.StreamReader) -> Event:
    try:
        return await asyncio.wait_for(read_event(reader), AUDIO_TIMEOUT)
    except asyncio.TimeoutError as error:
        raise ConnectionLost("the audio of a call stopped coming") from error


async def listen(
    host: Host, event: Event, window: NDArray[np.float32]
) -> AsyncGenerator[Event, None]:
    engine = host.engine
    if not isinstance(engine, TranscriptionEngine):
        raise InvalidCall("this engine does not transcribe")
    call = parse_transcribe(event, window)
    call = replace(call, options=complete_options(host.capabilities.options, call.options))
    yield Event("transcript-start")
    texts: list[str] = []
    run = host.run(lambda: engine.transcribe(call))
    try:
        async for transcripts in run.pieces():
            for transcript in transcripts:
                texts.append(transcript.text)
                yield transcript_chunk_event(transcript)
    finally:
        run.stop()
    yield Event("transcript", {"text": " ".join(texts)})
    yield Event("transcript-stop")
