"""A server that speaks the Wyoming protocol over TCP: https://github.com/OHF-Voice/wyoming"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from wyoming.event import Event

from stentor.backends.wyoming_info import HEARS, Told, told
from stentor.config import ServedBackendConfig
from stentor.errors import EngineFailed, InvalidRequest, WorkerLost, WorkerStalled
from stentor.lifecycle.servers.served import Address
from stentor.lifecycle.workers.connection import Connection
from stentor.types import AudioChunk, Pcm
from stentor_engine import Capabilities, SpeechCall, Transcript, TranscriptionCall
from stentor_engine.errors import ConnectionLost, EngineError, MalformedFrame, WireError
from stentor_engine.messages import (
    audio_chunk_event,
    audio_start_event,
    audio_stop_event,
    describe_event,
    expect,
    pcm_chunks,
)
from stentor_engine.typed import field
from stentor_engine.wire import encode

CONNECT_TIMEOUT = 5.0


class Wyoming:
    """A `Dialect`. `place` is what a `Connection` opens. A call is a connection; closing it is all
    that the protocol has for an end before the end.
    """

    def __init__(self, config: ServedBackendConfig, model: str, *, stall_timeout: float) -> None:
        """`model`: ours; `stall_timeout`: seconds without any event of a running call."""
        self._config = config
        self._model = model
        self._stall_timeout = stall_timeout
        self._told: Told | None = None

    def at(self, address: Address) -> str:
        return f"tcp:{address.host}:{address.port}"

    async def capabilities(self, place: str) -> Capabilities:
        async with self._call(place, describe_event()) as connection:
            info = expect(await self._receive(connection), "info")
            self._told = told(info, self._config, self._model)
        return self._told.capabilities

    async def speak(self, place: str, call: SpeechCall) -> AsyncGenerator[AudioChunk, None]:
        async with self._call(place, self._synthesize(call)) as connection:
            event = await self._next(connection, "audio-start")
            channels, rate = _format(event)
            while True:
                event = await self._next(connection, "audio-chunk", "audio-stop")
                if event.type == "audio-stop":
                    return
                if event.payload:
                    yield AudioChunk(_mixed(event.payload, channels), rate)

    async def listen(self, place: str, call: TranscriptionCall) -> AsyncGenerator[Transcript, None]:
        async with self._call(place, self._transcribe(call)) as connection:
            for event in _audio(call.audio):
                await connection.send(event, timeout=self._stall_timeout)
            event = await self._next(connection, "transcript")
            text = field(event.data, "text", str).strip()
            language = field(event.data, "language", str | None, None)
        if text:
            yield Transcript(text, 0.0, len(call.audio) / HEARS, language=language)

    async def close(self) -> None:
        """Nothing is open between calls."""

    @asynccontextmanager
    async def _call(self, place: str, request: Event) -> AsyncIterator[Connection]:
        """A connection on which the request was sent; what goes wrong becomes a StentorError."""
        try:
            encode(request)
        except WireError as error:
            raise InvalidRequest(f"this cannot be asked of the server: {error}") from error
        try:
            async with await Connection.open(place, timeout=CONNECT_TIMEOUT) as connection:
                await connection.send(request, timeout=self._stall_timeout)
                yield connection
        except ConnectionLost as error:
            raise WorkerLost("the server went away under a call") from error
        except TimeoutError as error:
            raise WorkerStalled(
                f"the server gave no sign of life within {self._stall_timeout:g} s"
            ) from error
        except WireError as error:
            raise EngineFailed(f"the server broke its protocol: {error}") from error
        except EngineError as error:
            raise EngineFailed(f"the server failed: {error}") from error

    async def _next(self, connection: Connection, *types: str) -> Event:
        """The next event of one of the types. Others are passed over, as the protocol wants it: a
        newer server may say more. Raises what an `error` event says.
        """
        while (event := await self._receive(connection)).type not in types:
            if event.type == "error":
                expect(event, *types)
        return event

    async def _receive(self, connection: Connection) -> Event:
        return await connection.receive(timeout=self._stall_timeout)

    def _synthesize(self, call: SpeechCall) -> Event:
        data: dict[str, Any] = {"text": call.text}
        voices: Mapping[str, Mapping[str, str]] = self._told.voices if self._told else {}
        if call.voice is not None and call.voice in voices:
            data["voice"] = dict(voices[call.voice])
        elif call.language is not None:
            data["voice"] = {"language": call.language}
        return Event("synthesize", data)

    def _transcribe(self, call: TranscriptionCall) -> Event:
        data = {"name": self._config.model, "language": call.language}
        return Event("transcribe", {name: value for name, value in data.items() if value})


def _format(event: Event) -> tuple[int, int]:
    """Channels and rate of the audio that follows."""
    rate: int = field(event.data, "rate", int)
    width: int = field(event.data, "width", int)
    channels: int = field(event.data, "channels", int)
    if width != 2 or not (1 <= channels <= 8 and 1_000 <= rate <= 768_000):
        raise MalformedFrame(f"audio of {channels} channels, {width} bytes wide, at {rate} Hz")
    return channels, rate


def _mixed(payload: bytes, channels: int) -> Pcm:
    if len(payload) % (2 * channels):
        raise MalformedFrame("half a sample")
    values = np.frombuffer(payload, "<i2").reshape(-1, channels)
    if channels == 1:
        return values[:, 0].astype(np.int16)
    mixed: Pcm = np.rint(values.mean(axis=1)).astype(np.int16)
    return mixed


def _audio(samples: NDArray[np.float32]) -> Iterator[Event]:
    yield audio_start_event(HEARS)
    pcm = np.clip(np.rint(samples * 32_768.0), -32_768, 32_767).astype("<i2")
    for payload in pcm_chunks(pcm.tobytes()):
        yield audio_chunk_event(HEARS, payload)
    yield audio_stop_event()
