"""verbose_json, and what OpenAI has no field for."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from stentor.api.openai.transcript_formats import VerboseJson
from stentor.pipelines.listen import Transcription
from stentor.types import Segment, TranscriptionRequest


class Full:
    media_type = VerboseJson.media_type

    def __init__(self, asked: TranscriptionRequest) -> None:
        """`asked`: with the words in time where the model tells them, at least."""
        if asked.words == "none":
            asked = replace(asked, words="possible")
        self.asked = asked
        self._verbose = VerboseJson(asked, words=True, full=True)

    def add(self, segment: Segment) -> None:
        self._verbose.add(segment)

    def finish(self, transcription: Transcription) -> str:
        return self._verbose.with_more(transcription, details(transcription))


def details(transcription: Transcription) -> dict[str, Any]:
    """Of a transcription that has ended."""
    spoken = transcription.spoken
    took = time.perf_counter() - transcription.began
    return {
        "language_code": spoken.language,
        "language_source": spoken.source,
        "languages": spoken.languages,
        "model": transcription.model,
        "backend": transcription.backend or None,
        "processing_time": round(took, 3),
        "real_time_factor": round(took / transcription.seconds, 3),
        "ignored": transcription.ignored,
    }
