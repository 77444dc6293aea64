"""The two calls of a worker, each from its request event to the events of its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from wyoming.event import Event

from .contract import (
    REFERENCE_RATE,
    Capabilities,
    Reference,
    Samples,
    SpeechCall,
    SpeechEngine,
    TranscriptionEngine,
    Word,
)
from .errors import ConnectionLost, EngineError, FrameTooLarge, InvalidCall, MalformedFrame
from .host import Host
from .messages import (
    audio_chunk_event,
    audio_start_event,
    audio_stop_event,
    expect,
    parse_audio_chunk,
    parse_audio_start,
    parse_reference_id,
    parse_synthesize,
    parse_transcribe,
    pcm_chunks,
    transcript_chunk_event,
)
from .options import complete_options
from .references import reference_id, samples_of
from .run import Run
from .wire import read_event, within

AUDIO_TIMEOUT = 60.0
"""Seconds between two events of a call's own audio."""
WINDOW_SLACK = 1.0
"""Seconds that a call's audio may be longer than the engine's window."""


async def speak(
    host: Host, event: Event, reference: Reference | None
) -> AsyncGenerator[Event, None]:
    engine = host.engine
    if not isinstance(engine, SpeechEngine):
        raise InvalidCall("this engine does not speak")
    call = _checked(replace(parse_synthesize(event), reference=reference), host.capabilities)
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


def _checked(call: SpeechCall, capabilities: Capabilities) -> SpeechCall:
    slowest, fastest = capabilities.speed or (1.0, 1.0)
    if not slowest <= call.speed <= fastest:
        raise InvalidCall(f"this engine speaks at speeds from {slowest:g} to {fastest:g}")
    if len(call.text) > capabilities.max_chars:
        raise InvalidCall(f"a call takes at most {capabilities.max_chars} characters")
    return replace(call, options=complete_options(capabilities.options, call.options))


def _audio_events(pieces: Sequence[Samples | Word], rate: int) -> Iterator[Event]:
    """One event for all the pieces, as far as a payload goes; words travel with the first."""
    words = [piece for piece in pieces if isinstance(piece, Word)]
    pcm = b"".join(s16le(piece) for piece in pieces if not isinstance(piece, Word))
    for payload in pcm_chunks(pcm):
        yield audio_chunk_event(rate, payload, words)
        words = []


def s16le(samples: object) -> bytes:
    """Clips what is beyond full scale; raises EngineError for what is not finite `Samples`."""
    if not isinstance(samples, np.ndarray) or samples.ndim != 1:
        raise EngineError(f"the engine yielded a {type(samples).__name__} that is not mono audio")
    if samples.dtype.kind == "f":
        if not np.isfinite(samples).all():
            raise EngineError("the engine yielded audio that is not finite")
        samples = np.rint(np.clip(samples, -1.0, 1.0) * np.float32(32767.0))
    elif samples.dtype != np.int16:
        raise EngineError(f"the engine yielded audio of type {samples.dtype}")
    return samples.astype("<i2").tobytes()


async def receive_window(host: Host, reader: asyncio.StreamReader) -> NDArray[np.float32]:
    """The audio that follows a `transcribe` event, bounded by the engine's window."""
    capabilities = host.capabilities
    pcm = await _receive_audio(reader, capabilities.sample_rate, capabilities.window)
    return samples_of(pcm)


async def receive_reference(
    host: Host, event: Event, reader: asyncio.StreamReader, send: Callable[[Event], Awaitable[None]]
) -> Reference | None:
    """The recording that a `synthesize` event names, asked for if it was not sent before."""
    named = parse_reference_id(event)
    if named is None:
        return None
    if host.capabilities.reference is None:
        raise InvalidCall("this engine takes on no other voice")
    if (known := host.references.get(named)) is not None:
        return known
    await send(Event("reference-wanted"))
    pcm = await _receive_audio(reader, REFERENCE_RATE, host.capabilities.reference[1])
    reference = Reference(reference_id(pcm), samples_of(pcm))
    if reference.id != named:
        raise MalformedFrame("another reference came than was named")
    host.references.put(reference)
    return reference


async def _receive_audio(reader: asyncio.StreamReader, rate: int, most: float) -> bytes:
    """s16le mono at `rate` Hz, `most` seconds and a little."""
    bound = 2 * int((most + WINDOW_SLACK) * rate)
    if parse_audio_start(expect(await _next_event(reader), "audio-start")) != rate:
        raise InvalidCall(f"this engine takes audio at {rate} Hz")
    pcm = bytearray()
    while expect(event := await _next_event(reader), "audio-chunk", "audio-stop").type != (
        "audio-stop"
    ):
        samples, _ = parse_audio_chunk(event, rate)
        pcm += samples.tobytes()
        if len(pcm) > bound:
            raise FrameTooLarge(f"a call takes at most {most:g} s of audio")
    return bytes(pcm)


async def _next_event(reader: asyncio.StreamReader) -> Event:
    try:
        return await within(AUDIO_TIMEOUT, read_event(reader))
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
