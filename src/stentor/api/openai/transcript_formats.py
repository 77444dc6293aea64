"""A transcript in OpenAI's formats, collected piece by piece as text: what is held of hours of
speech is about what is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal, Protocol

from stentor.api.openai.transcript_segments import segment_object, word_objects
from stentor.pipelines.listen import Transcription
from stentor.text.language_tags import language_name
from stentor.text.spacing import space_between
from stentor.text.subtitles import VTT_HEAD, Cue, Cues, srt, vtt
from stentor.types import Segment, TranscriptionRequest

SUBTITLES = {"srt": "application/x-subrip", "vtt": "text/vtt"}


class Format(Protocol):
    media_type: str

    def add(self, segment: Segment) -> None:
        """In order of time."""

    def finish(self, transcription: Transcription) -> str:
        """The whole body; the transcription has ended."""


class Deltas:
    """Pieces that add up to the text."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def add(self, segment: Segment) -> str:
        """What the segment adds; empty when it says nothing."""
        text = segment.text.strip()
        before = self._pieces[-1] if self._pieces else ""
        delta = space_between(before, text) + text
        if delta:
            self._pieces.append(delta)
        return delta

    @property
    def text(self) -> str:
        return "".join(self._pieces)


class PlainText:
    media_type = "text/plain"

    def __init__(self) -> None:
        self._deltas = Deltas()

    def add(self, segment: Segment) -> None:
        self._deltas.add(segment)

    def finish(self, transcription: Transcription) -> str:
        return self._deltas.text + "\n"


class Json:
    media_type = "application/json"

    def __init__(self, task: Literal["transcribe", "translate"]) -> None:
        self._task = task
        self._deltas = Deltas()

    def add(self, segment: Segment) -> None:
        self._deltas.add(segment)

    def finish(self, transcription: Transcription) -> str:
        body: dict[str, Any] = {"text": self._deltas.text}
        if self._task == "transcribe":
            body |= languages(transcription) | {"usage": usage(transcription)}
        return encoded(body)


class VerboseJson:
    media_type = "application/json"

    def __init__(
        self,
        request: TranscriptionRequest,
        *,
        segments: bool = True,
        words: bool = False,
        full: bool = False,
    ) -> None:
        """`full`: with all that is known of segments and words."""
        self._task = request.task
        self._full = full
        self._deltas = Deltas()
        self._segments: list[str] | None = [] if segments else None
        self._words: list[str] | None = [] if words else None
        self._count = 0

    def add(self, segment: Segment) -> None:
        text = self._deltas.add(segment)
        if not text:
            return
        if self._segments is not None:
            told = segment_object(self._count, text, segment, full=self._full)
            self._segments.append(encoded(told))
        if self._words is not None:
            self._words += map(encoded, word_objects(segment, full=self._full))
        self._count += 1

    def finish(self, transcription: Transcription) -> str:
        return self.with_more(transcription, {})

    def with_more(self, transcription: Transcription, more: dict[str, Any]) -> str:
        spoken = "en" if self._task == "translate" else transcription.spoken.language
        head: dict[str, Any] = {
            "task": self._task,
            "language": spoken and language_name(spoken),
            "duration": round(transcription.seconds, 3),
            "text": self._deltas.text,
        }
        lists = {"segments": self._segments, "words": self._words}
        members = [
            *(f'"{name}": {encoded(value)}' for name, value in head.items()),
            *(f'"{k}": [{", ".join(items)}]' for k, items in lists.items() if items is not None),
            *(f'"{name}": {encoded(value)}' for name, value in more.items()),
        ]
        if self._task == "transcribe":
            members.append(f'"usage": {encoded(usage(transcription))}')
        return f"{{{', '.join(members)}}}"


class Subtitles:
    def __init__(self, kind: Literal["srt", "vtt"]) -> None:
        self.media_type = f"{SUBTITLES[kind]}; charset=utf-8"
        self._kind = kind
        self._cues = Cues()
        self._count = 0
        self._pieces = [VTT_HEAD] if kind == "vtt" else []

    def add(self, segment: Segment) -> None:
        self._pieces += self._written(self._cues.push(segment))

    def finish(self, transcription: Transcription) -> str:
        self._pieces += self._written(self._cues.finish(transcription.seconds))
        return "".join(self._pieces)

    def _written(self, cues: list[Cue]) -> Iterator[str]:
        for cue in cues:
            self._count += 1
            yield srt(self._count, cue) if self._kind == "srt" else vtt(cue)


def encoded(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def usage(transcription: Transcription) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(transcription.seconds, 3)}


def languages(transcription: Transcription) -> dict[str, Any]:
    """Nothing where nobody knows."""
    codes = [{"code": language} for language in transcription.spoken.languages]
    return {"languages": codes} if codes else {}
