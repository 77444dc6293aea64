"""A transcript as server-sent events, in the form that OpenAI's clients read."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from stentor.api.errors import error_body
from stentor.api.events import event
from stentor.api.identity import identity
from stentor.api.openai.transcript_formats import Deltas, languages, usage
from stentor.errors import StentorError
from stentor.pipelines.listen import Transcription
from stentor.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)


class TranscriptionEvents(StreamingResponse):
    """Closes the transcription however the response ends."""

    def __init__(self, transcription: Transcription, metrics: Metrics) -> None:
        super().__init__(
            _events(transcription),
            headers=identity(transcription.model, transcription.backend, transcription.ignored)
            | {"Cache-Control": "no-cache"},
            media_type="text/event-stream",
        )
        self._transcription = transcription
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._transcription.aclose()
            count(self._transcription, self._metrics)


def count(transcription: Transcription, metrics: Metrics) -> None:
    """What came of it, however it ended."""
    metrics.heard(
        model=transcription.model,
        backend=transcription.backend,
        audio=transcription.seconds,
        seconds=time.perf_counter() - transcription.began,
    )


async def _events(transcription: Transcription) -> AsyncGenerator[bytes, None]:
    deltas = Deltas()
    try:
        async for segment in transcription.segments():
            if delta := deltas.add(segment):
                yield event({"type": "transcript.text.delta", "delta": delta})
    except StentorError as error:
        log.warning("stream_broken", error=error.code)
        yield event({"type": "error", **error_body(error)})
        return
    yield event(
        {"type": "transcript.text.done", "text": deltas.text, "usage": usage(transcription)}
        | languages(transcription)
    )
