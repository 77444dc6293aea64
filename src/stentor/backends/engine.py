"""`kind = "engine"`: a model in a local worker."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager

import numpy as np
import structlog
from numpy.typing import NDArray
from wyoming.event import Event

from stentor.backends.local import Local
from stentor.errors import EngineFailed, InvalidRequest, OutOfMemory
from stentor.lifecycle.silence import Silence
from stentor.lifecycle.workers.connection import Connection
from stentor.lifecycle.workers.worker import Loaded, Worker
from stentor.types import AudioChunk
from stentor_engine import (
    REFERENCE_RATE,
    Capabilities,
    ConversionCall,
    Reference,
    SpeechCall,
    Transcript,
    TranscriptionCall,
)
from stentor_engine.errors import EngineError, InvalidCall, MalformedFrame, WireError
from stentor_engine.messages import (
    audio_chunk_event,
    audio_start_event,
    audio_stop_event,
    convert_event,
    expect,
    parse_audio_chunk,
    parse_audio_start,
    parse_transcript_chunk,
    pcm_chunks,
    synthesize_event,
    transcribe_event,
)
from stentor_engine.wire import encode

log = structlog.get_logger(__name__)


class EngineBackend(Local):
    def __init__(
        self, name: str, worker: Worker, *, max_parallel: int | None, stall_timeout: float
    ) -> None:
        """`stall_timeout`: seconds without any event of a running call; then the worker dies."""
        super().__init__(name, worker.service)
        self._worker = worker
        self._max_parallel = max_parallel
        self._stall_timeout = stall_timeout
        self._silence: Silence[Loaded] = Silence(stall_timeout)

    @property
    def slots(self) -> int:
        """Never more than the engine takes: what it would let wait could be taken for stalled."""
        capabilities = self._worker.capabilities
        parallel = capabilities.parallel if capabilities else 1
        return min(self._max_parallel or parallel, parallel)

    async def ensure_ready(self) -> Capabilities:
        return await self._worker.ensure_ready()

    async def close(self) -> None:
        await self._worker.close()

    async def speak(self, call: SpeechCall) -> AsyncGenerator[AudioChunk, None]:
        async with self._call(synthesize_event(call)) as connection:
            rate = await self._begun(connection, call.reference)
            while (chunk := await self._chunk(connection, rate)) is not None:
                yield chunk

    async def listen(self, call: TranscriptionCall) -> AsyncGenerator[Transcript, None]:
        rate = (await self._worker.ensure_ready()).sample_rate
        async with self._call(transcribe_event(call)) as connection:
            await self._send_audio(connection, call.audio, rate)
            expect(await self._receive(connection), "transcript-start")
            stops = ("transcript", "transcript-stop")
            while (
                event := expect(await self._receive(connection), "transcript-chunk", *stops)
            ).type != "transcript-stop":
                self._silence.heard()
                if event.type == "transcript-chunk":
                    yield parse_transcript_chunk(event)

    async def convert(self, call: ConversionCall) -> AsyncGenerator[AudioChunk, None]:
        async with self._call(convert_event(call)) as connection:
            await self._send_audio(connection, call.audio, REFERENCE_RATE)
            rate = await self._begun(connection, call.reference)
            while (chunk := await self._chunk(connection, rate)) is not None:
                yield chunk

    @asynccontextmanager
    async def _call(self, request: Event) -> AsyncIterator[Connection]:
        """A connection on which the request was sent; what goes wrong becomes a StentorError."""
        _check(request)
        await self._worker.ensure_ready()
        try:
            with self._silence.of_call(self._worker.service):
                async with self._worker.call() as connection:
                    await connection.send(request, timeout=self._stall_timeout)
                    yield connection
                    self._worker.succeeded()
        except InvalidCall as error:
            raise InvalidRequest(str(error)) from error
        except EngineError as error:
            if not error.retryable:
                log.error("engine_failed", service=self.service.name, error=_kind(str(error)))
            raise (OutOfMemory if error.retryable else EngineFailed)(str(error)) from error

    async def _begun(self, connection: Connection, reference: Reference | None) -> int:
        """The rate of the answer, which is audio; before it the recording goes if it is wanted."""
        event = expect(await self._receive(connection), "audio-start", "reference-wanted")
        if event.type == "reference-wanted":
            if reference is None:
                raise MalformedFrame("a reference is wanted where none was named")
            await self._send_audio(connection, reference.samples, REFERENCE_RATE)
            event = await self._receive(connection)
        return parse_audio_start(expect(event, "audio-start"))

    async def _chunk(self, connection: Connection, rate: int) -> AudioChunk | None:
        """None: that was all."""
        event = expect(await self._receive(connection), "audio-chunk", "audio-stop")
        self._silence.heard()
        if event.type == "audio-stop":
            return None
        samples, words = parse_audio_chunk(event, rate)
        return AudioChunk(samples, rate, words)

    async def _send_audio(
        self, connection: Connection, samples: NDArray[np.float32], rate: int
    ) -> None:
        for event in _audio_events(samples, rate):
            await connection.send(event, timeout=self._stall_timeout)

    async def _receive(self, connection: Connection) -> Event:
        return await connection.receive(timeout=self._stall_timeout)


def _kind(told: str) -> str:
    """Without an exception's words, which may be the request's."""
    kind = told.partition(":")[0]
    return kind if kind.isidentifier() else EngineError.__name__


def _check(request: Event) -> None:
    """What cannot be sent is the request's fault, and no reason to kill a worker."""
    try:
        encode(request)
    except WireError as error:
        raise InvalidRequest(f"this cannot be asked of an engine: {error}") from error


def _audio_events(samples: NDArray[np.float32], rate: int) -> Iterator[Event]:
    yield audio_start_event(rate)
    scaled = np.clip(np.rint(samples * 32768.0), -32768, 32767)
    for payload in pcm_chunks(scaled.astype("<i2").tobytes()):
        yield audio_chunk_event(rate, payload)
    yield audio_stop_event()
