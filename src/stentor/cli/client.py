"""Where `say` and `transcribe` get their answers: a running server, or a Stentor of their own."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Protocol

import httpx2

from stentor.app import Stentor, build
from stentor.config import Config
from stentor.errors import StentorError
from stentor.types import SpeechRequest, TranscriptionRequest

PROBE_TIMEOUT = 0.3
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 600.0
"""Seconds without a byte of the answer: a long file is heard before its text begins."""


class Client(Protocol):
    def speak(self, request: SpeechRequest) -> AsyncGenerator[bytes, None]: ...

    def transcribe(self, request: TranscriptionRequest, file: Path) -> AsyncGenerator[str, None]:
        """Pieces of text, as they are heard."""


@asynccontextmanager
async def open_client(config: Config, server: str | None) -> AsyncIterator[Client]:
    """The named server; else the one of the configuration if it runs; else none is needed."""
    url = server or os.environ.get("STENTOR_URL") or await _running(config)
    if url is None:
        stentor = build(config)
        try:
            yield Local(stentor)
        finally:
            await stentor.close()
        return
    key = config.server.api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    timeout = httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=timeout) as http:
        yield Remote(http)


def url_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _running(config: Config) -> str | None:
    url = url_of(config.server.host, config.server.port)
    async with httpx2.AsyncClient(timeout=PROBE_TIMEOUT) as http:
        try:
            answer = await http.get(f"{url}/health")
        except httpx2.HTTPError:
            return None
    # Another program on that port must not be sent the key.
    return url if '"stentor"' in answer.text else None


class Local:
    def __init__(self, stentor: Stentor) -> None:
        self._stentor = stentor

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[bytes, None]:
        async with aclosing(await self._stentor.speaker.speak(request)) as speech:
            async for encoded in speech.audio():
                yield encoded

    async def transcribe(
        self, request: TranscriptionRequest, file: Path
    ) -> AsyncGenerator[str, None]:
        with file.open("rb") as audio:
            transcription = await self._stentor.listener.listen(request, audio)
            async with aclosing(transcription):
                async for segment in transcription.segments():
                    yield segment.text


class Remote:
    """Any server with OpenAI's routes."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[bytes, None]:
        body = {
            "model": request.model,
            "input": request.text,
            "voice": request.voice,
            "language": request.language,
            "speed": request.speed,
            "response_format": request.format,
        }
        given = {key: value for key, value in body.items() if value is not None}
        async with self._http.stream("POST", "/v1/audio/speech", json=given) as answer:
            await _raise_for(answer)
            async for piece in answer.aiter_bytes():
                yield piece

    async def transcribe(
        self, request: TranscriptionRequest, file: Path
    ) -> AsyncGenerator[str, None]:
        fields = {"model": request.model, "stream": "true"}
        if request.language:
            fields["language"] = request.language
        with file.open("rb") as audio:
            async with self._http.stream(
                "POST", "/v1/audio/transcriptions", data=fields, files={"file": audio}
            ) as answer:
                await _raise_for(answer)
                if not answer.headers["content-type"].startswith("text/event-stream"):
                    await answer.aread()  # a server that does not stream
                    yield str(answer.json()["text"])
                    return
                async for text in _deltas(answer.aiter_lines()):
                    yield text


async def _deltas(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The texts of the events; raises StentorError for an error, and for a stream cut short."""
    async for line in lines:
        if not line.startswith("data: {"):
            continue
        data = json.loads(line.removeprefix("data: "))
        if "error" in data:
            raise StentorError(data["error"]["message"])
        if data["type"] == "transcript.text.done":
            return
        if data["type"] == "transcript.text.delta":
            yield str(data["delta"]).strip()
    raise StentorError("the transcript broke off")


async def _raise_for(answer: httpx2.Response) -> None:
    if answer.status_code < 400:
        return
    await answer.aread()
    try:
        message = answer.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = f"the server answered {answer.status_code}"
    raise StentorError(message)
