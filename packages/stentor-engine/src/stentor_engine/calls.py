"""The three calls of a worker, each from its request event to the events of its answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from wyoming.event import Event

from .contract import (
    Capabilities,
    ConversionEngine,
    Reference,
    Samples,
    SpeechCall,
    SpeechEngine,
    TranscriptionEngine,
    Word,
)
from .errors import InvalidCall
from .host import Host
from .messages import (
    audio_chunk_event,
    audio_start_event,
    audio_stop_event,
    parse_convert,
    parse_synthesize,
    parse_transcribe,
    pcm_chunks,
    transcript_chunk_event,
)
from .options import complete_options
from .run import Run
from .yielded import plain_transcript, plain_word, s16le


async def speak(
    host: Host, event: Event, reference: Reference | None
) -> AsyncGenerator[Event, None]:
    engine = host.engine
    if not isinstance(engine, SpeechEngine):
        raise InvalidCall("this engine does not speak")
    call = _checked(replace(parse_synthesize(event), reference=reference), host.capabilities)
    async with aclosing(_sounding(host, lambda: engine.synthesize(call))) as events:
        async for each in events:
            yield each


async def convert(
    host: Host, event: Event, window: NDArray[np.float32], reference: Reference | None
) -> AsyncGenerator[Event, None]:
    engine = host.engine
    if not isinstance(engine, ConversionEngine):
        raise InvalidCall("this engine does not convert")
    call = replace(parse_convert(event, window), reference=reference)
    call = replace(call, options=complete_options(host.capabilities.options, call.options))
    async with aclosing(_sounding(host, lambda: engine.convert(call))) as events:
        async for each in events:
            yield each


async def _sounding(
    host: Host, start: Callable[[], Iterator[Samples | Word | None]]
) -> AsyncGenerator[Event, None]:
    """The answer that is audio; `start` makes the engine's generator."""
    rate = host.capabilities.sample_rate
    yield audio_start_event(rate)
    run: Run[Samples | Word] = host.run(start)
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
    words = [plain_word(piece) for piece in pieces if isinstance(piece, Word)]
    pcm = b"".join(s16le(piece) for piece in pieces if not isinstance(piece, Word))
    for payload in pcm_chunks(pcm):
        yield audio_chunk_event(rate, payload, words)
        words = []


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
            for transcript in map(plain_transcript, transcripts):
                texts.append(transcript.text)
                yield transcript_chunk_event(transcript)
    finally:
        run.stop()
    yield Event("transcript", {"text": " ".join(texts)})
    yield Event("transcript-stop")
