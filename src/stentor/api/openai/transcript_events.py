"""A transcript as server-sent events, in the form that OpenAI's clients read."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

import structlog
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from stentor.api.errors import error_body
from stentor.api.events import event
from stentor.api.identity import identity
from stentor.api.openai.transcript_formats import Deltas, languages, usage
from stentor.api.openai.transcript_full import details
from stentor.api.openai.transcript_segments import segment_object, word_objects
from stentor.errors import StentorError
from stentor.pipelines.listen import Transcription
from stentor.telemetry.metrics import Metrics
from stentor.types import Segment

log = structlog.get_logger(__name__)


class TranscriptionEvents(StreamingResponse):
    """Closes the transcription however the response ends. `full`: events of whole segments, with
    all that is known of them, instead of their texts.
    """

    def __init__(
        self, transcription: Transcription, metrics: Metrics, *, full: bool = False
    ) -> None:
        super().__init__(
            _events(transcription, full=full),
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


async def _events(transcription: Transcription, *, full: bool) -> AsyncGenerator[bytes, None]:
    deltas = Deltas()
    count = 0
    try:
        async for segment in transcription.segments():
            if not (delta := deltas.add(segment)):
                continue
            if full:
                yield event(_whole(count, delta, segment))
            else:
                yield event({"type": "transcript.text.delta", "delta": delta})
            count += 1
    except StentorError as error:
        log.warning("stream_broken", error=error.code)
        yield event({"type": "error", **error_body(error)})
        return
    done = {"type": "transcript.text.done", "text": deltas.text, "usage": usage(transcription)}
    yield event(done | (details(transcription) if full else languages(transcription)))


def _whole(number: int, text: str, segment: Segment) -> dict[str, Any]:
    """In the shape of OpenAI's event of that name, without a speaker."""
    words = list(word_objects(segment, full=True))
    told = segment_object(number, text, segment, full=True)
    return {"type": "transcript.text.segment"} | told | {"words": words}
