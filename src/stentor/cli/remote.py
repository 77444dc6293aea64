"""Commands that ask a server: any with OpenAI's routes, and more of a Stentor."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from stentor.cli.client import ModelInfo, Summary, VoiceInfo, is_stentor
from stentor.cli.listings import listed_models, listed_voices, running
from stentor.cli.sse import events, is_stream
from stentor.cli.verbose import heard, segment, summary
from stentor.errors import StentorError, Unauthorized
from stentor.types import Rendered, Segment, SpeechRequest, TranscriptionRequest, Word


class Remote:
    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[Rendered, None]:
        body = _speech_body(request)
        async with self._asked("POST", "/v1/audio/speech", json=body) as answer:
            if is_stream(answer):
                async for event in events(answer):
                    with _understood():
                        piece = _piece(event)
                    if piece:
                        yield piece
                return
            async for audio in answer.aiter_bytes():
                yield Rendered(audio)

    async def transcribe(
        self, request: TranscriptionRequest, file: Path, *, times: bool
    ) -> AsyncGenerator[Segment | Summary, None]:
        if request.task == "translate":
            route, fields = "/v1/audio/translations", {"response_format": "verbose_json"}
        elif await is_stentor(self._http):
            route, fields = "/v1/audio/transcriptions/verbose", {"stream": "true"}
        elif times:
            route, fields = "/v1/audio/transcriptions", {"response_format": "verbose_json"}
        else:
            route, fields = "/v1/audio/transcriptions", {"stream": "true"}
        form = _form(request) | fields
        with file.open("rb") as audio:
            async with self._asked("POST", route, data=form, files={"file": audio}) as answer:
                if is_stream(answer):
                    async for event in events(answer):
                        with _understood():
                            piece = _transcript(event)
                        if piece:
                            yield piece
                    return
                await answer.aread()
        with _understood():
            whole = answer.json()
            told: list[Segment | Summary] = [*heard(whole), summary(whole)]
        for each in told:
            yield each

    async def models(self) -> list[ModelInfo]:
        listed = await self._get("/v1/models")
        async with self._asked("GET", "/metrics", checked=False) as answer:
            text = (await answer.aread()).decode("utf-8", "replace")
        with _understood():
            return listed_models(listed, running(text) if answer.is_success else {})

    async def voices(self, model: str | None) -> list[VoiceInfo]:
        query = {"model": model} if model else {}
        listed = await self._get("/v1/audio/voices", params=query)
        with _understood():
            return listed_voices(listed)

    async def admin(self, method: str, route: str, body: dict[str, Any] | None = None) -> Any:
        """The answer of one of Stentor's own routes below `/api`."""
        return await self._ask(method, f"/api/{route}", json=body or {})

    async def _get(self, route: str, **more: Any) -> Any:
        return await self._ask("GET", route, **more)

    async def _ask(self, method: str, route: str, **more: Any) -> Any:
        async with self._asked(method, route, **more) as answer:
            await answer.aread()
            with _understood():
                return answer.json()

    @asynccontextmanager
    async def _asked(
        self, method: str, route: str, *, checked: bool = True, **more: Any
    ) -> AsyncIterator[httpx2.Response]:
        async with self._http.stream(method, route, **more) as answer:
            if checked:
                await _raise_for(answer)
            yield answer


def _speech_body(request: SpeechRequest) -> dict[str, Any]:
    """Only what was asked for: other servers do not know all of it."""
    body = {
        "model": request.model,
        "input": request.text,
        "voice": request.voice,
        "language": request.language,
        "speed": None if request.speed == 1 else request.speed,
        "seed": request.seed,
        "instructions": request.instructions,
        "options": dict(request.options) or None,
        "response_format": request.format,
        "stream_format": "sse" if request.timestamps else None,
        "timestamps": request.timestamps or None,
    }
    return {key: value for key, value in body.items() if value is not None}


def _piece(event: dict[str, Any]) -> Rendered | None:
    if event.get("type") == "speech.audio.words":
        words = [Word(word["word"], word["start"], word["end"]) for word in event["words"]]
        return Rendered(words=tuple(words))
    if event.get("type") == "speech.audio.delta":
        return Rendered(base64.b64decode(event["audio"]))
    return None


def _form(request: TranscriptionRequest) -> dict[str, Any]:
    form: dict[str, Any] = {"model": request.model}
    if request.language:
        form["language"] = request.language
    if request.words == "required" and request.task == "transcribe":
        form["timestamp_granularities[]"] = ["word", "segment"]
    return form


def _transcript(event: dict[str, Any]) -> Segment | Summary | None:
    if event.get("type") == "transcript.text.done":
        seconds = (event.get("usage") or {}).get("seconds")
        languages = event.get("languages") or [None]
        first = languages[0]["code"] if isinstance(languages[0], dict) else languages[0]
        return Summary(seconds, first, event.get("model"))
    if event.get("type") == "transcript.text.segment":
        return segment(event)
    text = str(event.get("delta", "")).strip()
    return Segment(text, 0.0, 0.0) if text else None


async def _raise_for(answer: httpx2.Response) -> None:
    if answer.status_code < 400:
        return
    await answer.aread()
    try:
        message = str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = f"the server answered {answer.status_code} {answer.reason_phrase}".strip()
    if answer.status_code == Unauthorized.status:
        raise Unauthorized("the server wants another API key: give it in STENTOR_API_KEY")
    raise StentorError(message)


@contextmanager
def _understood() -> Iterator[None]:
    """Other servers may answer anything."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StentorError("the server's answer is not what was asked for") from error
