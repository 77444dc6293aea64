"""One segment, spoken whatever happens to the workers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import structlog

from stentor.backends.base import Backend
from stentor.errors import EngineFailed, StentorError
from stentor.pipelines.fit import fit_speech, fitting
from stentor.pipelines.gate import Gate
from stentor.routing.scheduler import Admission
from stentor.types import AudioChunk
from stentor_engine import SpeechCall

log = structlog.get_logger(__name__)

ATTEMPTS = 4
"""In a row without any progress; a segment that kills every worker must not go on forever."""
LONGEST = 600.0
"""Seconds of audio for one segment; an engine that goes on beyond has lost its way."""


async def speak_segment(
    wish: SpeechCall, admission: Admission
) -> AsyncGenerator[tuple[AudioChunk, Backend], None]:
    """The segment's audio, gapless, each piece with the backend that spoke it.

    Raises StentorError when it cannot be had.
    """
    gate = Gate(wish)
    attempts = 0
    while True:
        before = gate.sent
        try:
            async with admission.lease() as backend, aclosing(_attempt(gate, backend)) as chunks:
                async for chunk in chunks:
                    yield chunk, backend
            return
        except StentorError as error:
            attempts = 1 if gate.sent > before else attempts + 1
            if not admission.again(error) or attempts >= ATTEMPTS:
                raise
            log.warning("segment_retried", error=error.code, attempts=attempts)


async def _attempt(gate: Gate, backend: Backend) -> AsyncGenerator[AudioChunk, None]:
    capabilities = await backend.ensure_ready()
    wish = gate.begin(capabilities)
    call = fitting(fit_speech, wish, capabilities, backend)
    speed = wish.speed / call.speed
    rate = capabilities.sample_rate
    seconds = 0.0
    async with aclosing(backend.speak(call)) as chunks:
        async for chunk in chunks:
            rate = chunk.rate
            seconds += len(chunk.samples) / rate
            if seconds > LONGEST:
                raise EngineFailed(f"the engine came to no end within {LONGEST:g} s of audio")
            if len((released := gate.push(chunk)).samples):
                yield replace(released, speed=speed)
    yield replace(gate.finish(rate), speed=speed)
