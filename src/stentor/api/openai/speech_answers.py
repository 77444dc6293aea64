"""The three ways to answer a speech request: a stream of audio, of events, or all at once."""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from math import ceil
from typing import IO, Any

import structlog
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from stentor.api.errors import StreamBroken, error_body
from stentor.api.events import event
from stentor.api.identity import identity
from stentor.audio.wav import wav_header
from stentor.errors import StentorError, StorageFull
from stentor.pipelines.speak import Speaker, Speech
from stentor.telemetry.metrics import Metrics
from stentor.threads import Threads
from stentor.types import Rendered, SpeechRequest, Word

log = structlog.get_logger(__name__)

SPOOL_MEMORY = 8 * 2**20
"""Bytes of a complete answer that wait in memory; the rest waits on disk."""
BLOCK = 256 * 1024
AUDIO_TOKEN = 0.05
"""Seconds of audio that OpenAI counts as one token of output."""


class SpeechResponse(StreamingResponse):
    """Closes the speech however the response ends. `began`: when the request came, in seconds of
    `time.perf_counter`.
    """

    def __init__(self, speech: Speech, metrics: Metrics, began: float) -> None:
        self._speech = speech
        self._metrics = metrics
        self._began = began
        _count_first(speech, metrics, began)
        super().__init__(self._content(), headers=_headers(speech), media_type=self._media_type())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except StentorError as error:
            raise StreamBroken(error.code, str(error)) from error
        finally:
            await self._speech.aclose()
            _count(self._speech, self._metrics, self._began)

    def _content(self) -> AsyncIterator[bytes]:
        return self._speech.audio()

    def _media_type(self) -> str:
        return self._speech.content_type


class SpeechEvents(SpeechResponse):
    """`stream_format: sse`. An error after the first byte is an event."""

    def __init__(self, speech: Speech, metrics: Metrics, began: float, *, timestamps: bool) -> None:
        self._timestamps = timestamps
        super().__init__(speech, metrics, began)
        self.headers["Cache-Control"] = "no-cache"

    async def _content(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._speech.pieces():
                for data in self._events(piece):
                    yield event(data)
        except StentorError as error:
            log.warning("stream_broken", error=error.code)
            yield event({"type": "error", **error_body(error)})
            return
        yield event({"type": "speech.audio.done", "usage": usage(self._speech)})

    def _events(self, piece: Rendered) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        if piece.words and self._timestamps:
            words = [_word(word) for word in piece.words]
            events.append({"type": "speech.audio.words", "words": words})
        if piece.audio:
            audio = base64.b64encode(piece.audio).decode()
            events.append({"type": "speech.audio.delta", "audio": audio})
        return events

    def _media_type(self) -> str:
        return "text/event-stream"


def _word(word: Word) -> dict[str, Any]:
    end = word.start if word.end is None else word.end
    return {"word": word.text, "start": round(word.start, 3), "end": round(end, 3)}


def usage(speech: Speech) -> dict[str, Any]:
    """In OpenAI's shape. Our engines have no tokens: a character of input counts as one, and so
    does AUDIO_TOKEN of audio. The exact figures stand beside them.
    """
    spoken = ceil(speech.seconds / AUDIO_TOKEN)
    return {
        "input_tokens": speech.characters,
        "output_tokens": spoken,
        "total_tokens": speech.characters + spoken,
        "characters": speech.characters,
        "seconds": round(speech.seconds, 3),
    }


async def complete(
    speaker: Speaker,
    request: SpeechRequest,
    threads: Threads,
    metrics: Metrics,
    began: float,
) -> Response:
    """The whole answer, spooled to disk when it is long, with its length and its figures."""
    # The header of a complete wav wants its length, so it comes last.
    wav = request.format == "wav"
    speech = await speaker.speak(replace(request, format="pcm") if wav else request)
    _count_first(speech, metrics, began)
    spool = tempfile.SpooledTemporaryFile(SPOOL_MEMORY)  # noqa: SIM115 - SpoolResponse closes it
    try:
        async with aclosing(speech):
            async for encoded in speech.audio():
                await threads.run(_write, spool, encoded)
    except BaseException:
        spool.close()
        raise
    finally:
        _count(speech, metrics, began)
    samples = round(speech.seconds * request.sample_rate)
    header = wav_header(request.sample_rate, samples) if wav else b""
    took = time.perf_counter() - began
    figures = {
        "Content-Length": str(len(header) + spool.tell()),
        "X-Audio-Duration": f"{speech.seconds:.3f}",
        "X-Generation-Time": f"{took:.3f}",
        "X-Real-Time-Factor": f"{took / speech.seconds:.3f}",
    }
    content_type = "audio/wav" if wav else speech.content_type
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


def _count_first(speech: Speech, metrics: Metrics, began: float) -> None:
    seconds = time.perf_counter() - began
    metrics.began(model=speech.model, backend=speech.backend, seconds=seconds)


def _count(speech: Speech, metrics: Metrics, began: float) -> None:
    metrics.spoken(
        model=speech.model,
        backend=speech.backend,
        voice=speech.voice,
        audio=speech.seconds,
        seconds=time.perf_counter() - began,
        characters=speech.characters,
    )


def _headers(speech: Speech) -> dict[str, str]:
    return identity(speech.model, speech.backend, speech.ignored)
