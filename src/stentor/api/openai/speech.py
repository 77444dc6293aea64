"""`POST /v1/audio/speech`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import IO, Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from stentor.api.disconnect import until_disconnect
from stentor.api.errors import StreamBroken
from stentor.api.identity import identity
from stentor.audio.wav import wav_header
from stentor.errors import StentorError, StorageFull
from stentor.pipelines.speak import Speaker, Speech
from stentor.telemetry.metrics import Metrics
from stentor.threads import Threads
from stentor.types import SpeechRequest

SPOOL_MEMORY = 8 * 2**20
"""Bytes of a complete answer that wait in memory; the rest waits on disk."""
BLOCK = 256 * 1024


class VoiceId(BaseModel):
    id: str


class SpeechBody(BaseModel):
    """Fields of OpenAI's, then our own. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str
    input: str
    voice: str | VoiceId | None = None
    response_format: str = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    stream_format: Literal["audio"] = "audio"

    language: str | None = None
    seed: Annotated[int, Field(ge=-1, lt=2**31)] | None = None
    stream: bool = True
    sample_rate: Annotated[int, Field(ge=8_000, le=48_000)] = 24_000
    options: dict[str, str | int | float | bool] = {}

    def request(self) -> SpeechRequest:
        return SpeechRequest(
            model=self.model,
            text=self.input,
            voice=self.voice.id if isinstance(self.voice, VoiceId) else self.voice,
            format=self.response_format,
            language=self.language,
            speed=self.speed,
            seed=self.seed,
            sample_rate=self.sample_rate,
            options=self.options,
        )


def speech_router(speaker: Speaker, threads: Threads, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["speech"])

    @router.post("/v1/audio/speech", response_class=Response)
    async def create_speech(body: SpeechBody, request: Request) -> Response:
        """Streams audio as it is made; with `stream: false` answers when it is complete."""
        began = time.perf_counter()
        wanted = body.request()
        if not body.stream and wanted.format == "wav":
            wanted = replace(wanted, format="pcm")  # its header wants the length, so it comes last
        speech = await until_disconnect(request, speaker.speak(wanted))
        metrics.first_audio(speech.model, time.perf_counter() - began)
        if body.stream:
            return SpeechResponse(speech, metrics)
        return await until_disconnect(request, _complete(speech, body, threads, metrics, began))

    return router


class SpeechResponse(StreamingResponse):
    """Closes the speech however the response ends."""

    def __init__(self, speech: Speech, metrics: Metrics) -> None:
        super().__init__(speech.audio(), headers=_headers(speech), media_type=speech.content_type)
        self._speech = speech
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except StentorError as error:
            raise StreamBroken(error.code, str(error)) from error
        finally:
            await self._speech.aclose()
            self._metrics.audio("speech", self._speech.model, self._speech.seconds)


async def _complete(
    speech: Speech, body: SpeechBody, threads: Threads, metrics: Metrics, began: float
) -> Response:
    """The whole answer, spooled to disk when it is long, with its length and its figures."""
    spool = tempfile.SpooledTemporaryFile(SPOOL_MEMORY)  # noqa: SIM115 - SpoolResponse closes it
    try:
        async with aclosing(speech):
            async for encoded in speech.audio():
                await threads.run(_write, spool, encoded)
    except BaseException:
        spool.close()
        raise
    metrics.audio("speech", speech.model, speech.seconds)
    samples = round(speech.seconds * body.sample_rate)
    header = wav_header(body.sample_rate, samples) if body.response_format == "wav" else b""
    took = time.perf_counter() - began
    figures = {
        "Content-Length": str(len(header) + spool.tell()),
        "X-Audio-Duration": f"{speech.seconds:.3f}",
        "X-Generation-Time": f"{took:.3f}",
        "X-Real-Time-Factor": f"{took / speech.seconds:.3f}",
    }
    content_type = "audio/wav" if header else speech.content_type
    return SpoolResponse(header, spool, _headers(speech) | figures, content_type, threads)


def _write(spool: IO[bytes], encoded: bytes) -> None:
    try:
        spool.write(encoded)
    except OSError as error:
        raise StorageFull("the server has no room for the complete answer") from error


class SpoolResponse(StreamingResponse):
    """Sends a header and a file's content, and closes the file however it ends."""

    def __init__(
        self,
        header: bytes,
        spool: IO[bytes],
        headers: dict[str, str],
        media_type: str,
        threads: Threads,
    ) -> None:
        super().__init__(_blocks(header, spool, threads), headers=headers, media_type=media_type)
        self._spool = spool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._spool:
            await super().__call__(scope, receive, send)


async def _blocks(header: bytes, spool: IO[bytes], threads: Threads) -> AsyncIterator[bytes]:
    yield header
    spool.seek(0)
    while block := await threads.run(spool.read, BLOCK):
        yield block


def _headers(speech: Speech) -> dict[str, str]:
    return identity(speech.model, speech.backend)
