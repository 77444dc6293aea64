"""`POST /v1/audio/transcriptions`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from stentor.api.disconnect import ClientGone, until_disconnect
from stentor.api.errors import error_body
from stentor.api.identity import identity
from stentor.errors import StentorError, StorageFull, UnsupportedFormat
from stentor.pipelines.listen import Listener, Transcription
from stentor.telemetry.metrics import Metrics
from stentor.types import TranscriptionRequest

log = structlog.get_logger(__name__)

FORMATS = ("json", "text")


def transcriptions_router(listener: Listener, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["transcription"], route_class=BoundedForm)

    @router.post("/v1/audio/transcriptions", response_class=Response)
    async def create_transcription(
        request: Request,
        file: Annotated[UploadFile, File()],
        model: Annotated[str, Form()],
        language: Annotated[str | None, Form()] = None,
        prompt: Annotated[str | None, Form()] = None,
        temperature: Annotated[float, Form(ge=0, le=1)] = 0.0,
        response_format: Annotated[str, Form()] = "json",
        stream: Annotated[bool, Form()] = False,
    ) -> Response:
        """The text of an audio file; with `stream` as events, while it is heard."""
        if response_format not in FORMATS:
            raise UnsupportedFormat(
                f"'{response_format}' is not a format; there are {', '.join(FORMATS)}",
                param="response_format",
            )
        wanted = TranscriptionRequest(
            model=model, language=language, prompt=prompt, temperature=temperature
        )
        transcription = await until_disconnect(request, listener.listen(wanted, file.file))
        if stream:
            return TranscriptionEvents(transcription, metrics)
        text = await until_disconnect(request, _text(transcription))
        metrics.audio("transcription", transcription.model, transcription.seconds)
        headers = _headers(transcription)
        if response_format == "text":
            return PlainTextResponse(text + "\n", headers=headers)
        return JSONResponse({"text": text, "usage": _usage(transcription)}, headers=headers)

    return router


class BoundedForm(APIRoute):
    """Reads the form itself, before FastAPI would with bounds of its own: every file of a form
    takes memory, and one is what is asked for.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def read_form_and_handle(request: Request) -> Response:
            try:
                await request.form(max_files=1, max_fields=64)
            except ClientDisconnect as error:
                raise ClientGone from error
            except OSError as error:
                raise StorageFull("the server has no room for the upload") from error
            return await handle(request)

        return read_form_and_handle


class TranscriptionEvents(StreamingResponse):
    """Closes the transcription however the response ends."""

    def __init__(self, transcription: Transcription, metrics: Metrics) -> None:
        super().__init__(
            _events(transcription),
            headers=_headers(transcription) | {"Cache-Control": "no-cache"},
            media_type="text/event-stream",
        )
        self._transcription = transcription
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._transcription.aclose()
            heard = self._transcription
            self._metrics.audio("transcription", heard.model, heard.seconds)


async def _text(transcription: Transcription) -> str:
    async with aclosing(transcription):
        return "".join([delta async for delta in _deltas(transcription)])


async def _deltas(transcription: Transcription) -> AsyncIterator[str]:
    """Pieces that add up to the text."""
    between = ""
    async for segment in transcription.segments():
        yield between + segment.text.strip()
        between = " "


async def _events(transcription: Transcription) -> AsyncGenerator[str, None]:
    text = ""
    try:
        async for delta in _deltas(transcription):
            text += delta
            yield _event({"type": "transcript.text.delta", "delta": delta})
    except StentorError as error:
        log.warning("stream_broken", error=error.code)
        yield _event({"type": "error", **error_body(error)})
        return
    usage = _usage(transcription)
    yield _event({"type": "transcript.text.done", "text": text, "usage": usage})


def _event(data: dict[str, Any]) -> str:
    """One server-sent event, in the form that OpenAI's clients read."""
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n"


def _usage(transcription: Transcription) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(transcription.seconds, 3)}


def _headers(transcription: Transcription) -> dict[str, str]:
    return identity(transcription.model, transcription.backend)
