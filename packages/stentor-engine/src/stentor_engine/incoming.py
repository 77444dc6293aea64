"""What a call brings along: its audio, and the recording whose voice it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray
from wyoming.event import Event

from .contract import REFERENCE_RATE, Reference
from .errors import ConnectionLost, FrameTooLarge, InvalidCall, MalformedFrame
from .host import Host
from .messages import expect, parse_audio_chunk, parse_audio_start, parse_reference_id
from .references import reference_id, samples_of
from .wire import read_event, within

AUDIO_TIMEOUT = 60.0
"""Seconds between two events of a call's own audio."""
WINDOW_SLACK = 1.0
"""Seconds that a call's audio may be longer than the engine's window."""


async def receive_window(
    host: Host, reader: asyncio.StreamReader, rate: int
) -> NDArray[np.float32]:
    """The audio that follows a `transcribe` or `convert` event, at `rate` Hz and bounded by the
    engine's window.
    """
    return samples_of(await _receive_audio(reader, rate, host.capabilities.window))


async def receive_reference(
    host: Host, event: Event, reader: asyncio.StreamReader, send: Callable[[Event], Awaitable[None]]
) -> Reference | None:
    """The recording that the request names, asked for if it was not sent before."""
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
