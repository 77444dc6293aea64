"""`POST /v1/audio/transcriptions`, its verbose sister, and `POST /v1/audio/translations`."""

from __future__ import annotations

from contextlib import aclosing
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from stentor.api.disconnect import until_disconnect
from stentor.api.identity import identity
from stentor.api.openai.transcript_events import TranscriptionEvents, count
from stentor.api.openai.transcript_formats import Format, Json, PlainText, Subtitles, VerboseJson
from stentor.api.openai.transcript_full import Full
from stentor.api.openai.transcription_form import AudioForm, TranscriptionForm
from stentor.api.openai.upload import BoundedForm
from stentor.errors import UnsupportedFormat
from stentor.pipelines.listen import Listener, Transcription
from stentor.telemetry.metrics import Metrics
from stentor.types import TranscriptionRequest

MULTIPART = "multipart/form-data"


def transcriptions_router(listener: Listener, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["transcription"], route_class=BoundedForm)

    @router.post("/v1/audio/transcriptions", response_class=Response)
    async def create_transcription(
        request: Request, form: Annotated[TranscriptionForm, Form(media_type=MULTIPART)]
    ) -> Response:
        """The text of an audio file; with `stream` as events, while it is heard."""
        asked = form.transcription()
        listening = listener.listen(asked, form.file.file)
        transcription = await until_disconnect(request, listening)
        if form.stream:
            return TranscriptionEvents(transcription, metrics)
        granularities = form.timestamp_granularities or ["segment"]
        body = _format(
            form.response_format,
            asked,
            segments="segment" in granularities,
            words="word" in granularities,
        )
        return await until_disconnect(request, _complete(transcription, body, metrics))

    @router.post("/v1/audio/transcriptions/verbose", response_class=Response)
    async def create_verbose_transcription(
        request: Request, form: Annotated[TranscriptionForm, Form(media_type=MULTIPART)]
    ) -> Response:
        """All that is known of a transcript: verbose_json with words where the model tells their
        times, who heard it, and how long that took; with `stream` as an event for each segment.
        """
        if form.response_format not in ("json", "verbose_json"):
            raise UnsupportedFormat("this route answers verbose_json", param="response_format")
        verbose = form.model_copy(update={"response_format": "verbose_json", "stream": False})
        body = Full(verbose.transcription())
        transcription = await until_disconnect(request, listener.listen(body.asked, form.file.file))
        if form.stream:
            return TranscriptionEvents(transcription, metrics, full=True)
        return await until_disconnect(request, _complete(transcription, body, metrics))

    @router.post("/v1/audio/translations", response_class=Response)
    async def create_translation(
        request: Request, form: Annotated[AudioForm, Form(media_type=MULTIPART)]
    ) -> Response:
        """What is said in an audio file, in English."""
        asked = form.request("translate")
        transcription = await until_disconnect(request, listener.listen(asked, form.file.file))
        body = _format(form.response_format, asked)
        return await until_disconnect(request, _complete(transcription, body, metrics))

    return router


def _format(
    name: str, asked: TranscriptionRequest, *, segments: bool = True, words: bool = False
) -> Format:
    """Of one of FORMATS."""
    if name == "json":
        return Json(asked.task)
    if name == "text":
        return PlainText()
    if name == "verbose_json":
        return VerboseJson(asked, segments=segments, words=words)
    return Subtitles(cast(Literal["srt", "vtt"], name))


async def _complete(transcription: Transcription, body: Format, metrics: Metrics) -> Response:
    try:
        async with aclosing(transcription):
            async for segment in transcription.segments():
                body.add(segment)
    finally:
        count(transcription, metrics)
    return Response(
        body.finish(transcription).encode("utf-8", "replace"),
        headers=identity(transcription.model, transcription.backend, transcription.ignored),
        media_type=body.media_type,
    )
