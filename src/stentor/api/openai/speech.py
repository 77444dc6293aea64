"""`POST /v1/audio/speech`."""

from __future__ import annotations

import base64
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from starlette.responses import Response

from stentor.api.disconnect import until_disconnect
from stentor.api.openai.speech_answers import SpeechEvents, SpeechResponse, complete
from stentor.errors import InvalidRequest
from stentor.pipelines.speak import Speaker
from stentor.telemetry.metrics import Metrics
from stentor.threads import Threads
from stentor.types import SpeechRequest

OPTIONS_MOST = 64
"""More than any engine declares."""


class VoiceId(BaseModel):
    id: str


def _few(options: Any) -> Any:
    """Before each value is judged: of very many wrong ones the list of mistakes takes seconds."""
    if isinstance(options, dict) and len(options) > OPTIONS_MOST:
        raise ValueError(f"more than {OPTIONS_MOST} options")
    return options


class SpeechBody(BaseModel):
    """Fields of OpenAI's, then our own. Unknown fields are ignored, and null is as good as none."""

    model_config = ConfigDict(extra="ignore")

    model: str
    input: str
    voice: str | VoiceId | None = None
    instructions: Annotated[str | None, Field(max_length=4096)] = None
    response_format: str = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    stream_format: Literal["audio", "sse"] = "audio"

    language: Annotated[str | None, Field(max_length=64)] = None
    seed: Annotated[int, Field(ge=-1, lt=2**31)] | None = None
    stream: bool = True
    timestamps: bool = False
    reference_audio: str | None = None
    sample_rate: Annotated[int, Field(ge=8_000, le=96_000)] = 24_000
    options: Annotated[dict[str, str | int | float | bool], BeforeValidator(_few)] = {}

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, fields: Any) -> Any:
        """Typed clients send them for what was not set."""
        if not isinstance(fields, dict):
            return fields
        return {name: value for name, value in fields.items() if value is not None}

    def request(self) -> SpeechRequest:
        """Raises InvalidRequest for fields that contradict each other."""
        if self.stream_format == "sse" and not self.stream:
            raise InvalidRequest("stream_format 'sse' is a stream", param="stream")
        if self.stream_format != "sse" and self.timestamps:
            raise InvalidRequest("timestamps come with stream_format 'sse'", param="timestamps")
        return SpeechRequest(
            model=self.model,
            text=self.input,
            voice=self.voice.id if isinstance(self.voice, VoiceId) else self.voice,
            format=self.response_format,
            language=None if self.language in (None, "", "auto") else self.language,
            speed=self.speed,
            seed=self.seed,
            instructions=self.instructions or None,
            timestamps=self.timestamps,
            reference=recording(self.reference_audio) if self.reference_audio else None,
            sample_rate=self.sample_rate,
            options=self.options,
        )


def recording(encoded: str) -> bytes:
    """From base64, plain or as a data URL; raises InvalidRequest."""
    head, comma, data = encoded.partition(",")
    try:
        if comma and not (head.startswith("data:") and head.endswith(";base64")):
            raise ValueError(head)
        decoded = base64.b64decode(data if comma else encoded, validate=True)
        if not decoded:
            raise ValueError("empty")
        return decoded
    except ValueError as error:
        raise InvalidRequest(
            "reference_audio is a recording in base64, plain or as a data URL",
            param="reference_audio",
        ) from error


def speech_router(speaker: Speaker, threads: Threads, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["speech"])

    @router.post("/v1/audio/speech", response_class=Response)
    async def create_speech(body: SpeechBody, request: Request) -> Response:
        """Streams audio as it is made, plain or as events; with `stream: false` answers when it
        is complete.
        """
        began = time.perf_counter()
        if not body.stream:
            answer = complete(speaker, body.request(), threads, metrics, began)
            return await until_disconnect(request, answer)
        speech = await until_disconnect(request, speaker.speak(body.request()))
        if body.stream_format == "sse":
            return SpeechEvents(speech, metrics, began, timestamps=body.timestamps)
        return SpeechResponse(speech, metrics, began)

    return router
