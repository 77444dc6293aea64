"""Transcripts as texts, written piece by piece while they are heard. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol

from stentor.cli.client import Summary
from stentor.cli.words import times
from stentor.text.spacing import space_between
from stentor.text.subtitles import VTT_HEAD, Cue, Cues, srt, vtt
from stentor.types import Segment


class Writer(Protocol):
    def add(self, segment: Segment) -> str:
        """What can be written by now; segments come in order of time."""

    def finish(self, summary: Summary) -> str: ...


class PlainText:
    """A line for each segment."""

    def add(self, segment: Segment) -> str:
        return f"{' '.join(segment.text.split())}\n"

    def finish(self, summary: Summary) -> str:
        return ""


class Subtitles:
    def __init__(self, kind: Literal["srt", "vtt"]) -> None:
        self._kind = kind
        self._cues = Cues()
        self._count = 0
        self._head = VTT_HEAD if kind == "vtt" else ""
        self._end = 0.0

    def add(self, segment: Segment) -> str:
        self._end = segment.end
        return self._written(self._cues.push(segment))

    def finish(self, summary: Summary) -> str:
        return self._written(self._cues.finish(summary.seconds or self._end))

    def _written(self, cues: list[Cue]) -> str:
        head, self._head = self._head, ""
        return head + "".join(self._numbered(cues))

    def _numbered(self, cues: list[Cue]) -> Iterator[str]:
        for cue in cues:
            self._count += 1
            yield srt(self._count, cue) if self._kind == "srt" else vtt(cue)


class Json:
    """One object: segments, each with its words if they were wanted; then the whole text, the
    duration in seconds, the language and the model, null where they are not known.
    """

    def __init__(self, *, words: bool) -> None:
        self._words = words
        self._before = '{"segments": ['
        self._text = ""
        self._texts: list[str] = []
        self._count = 0

    def add(self, segment: Segment) -> str:
        told: dict[str, Any] = {
            "id": self._count,
            "start": round(segment.start, 3),
            "end": round(segment.end, 3),
            "text": segment.text.strip(),
        }
        if self._words:
            told["words"] = [
                _word(word.text, *times(word), word.confidence) for word in segment.words
            ]
        self._texts += [space_between(self._text, told["text"]), told["text"]]
        self._text = told["text"]
        self._count += 1
        before, self._before = self._before, ","
        return f"{before}\n  {json.dumps(told, ensure_ascii=False)}"

    def finish(self, summary: Summary) -> str:
        rest = {
            "text": "".join(self._texts),
            "duration": None if summary.seconds is None else round(summary.seconds, 3),
            "language": summary.language,
            "model": summary.model,
        }
        members = json.dumps(rest, ensure_ascii=False).removeprefix("{")
        return f"{self._before.removesuffix(',')}\n], {members}\n"


def _word(text: str, start: float, end: float, confidence: float | None) -> dict[str, Any]:
    told = {"word": text.strip(), "start": start, "end": end}
    return told | ({} if confidence is None else {"confidence": round(confidence, 3)})


FORMATS = ("txt", "srt", "vtt", "json")


def new_writer(name: str, *, words: bool) -> Writer:
    """For one of FORMATS; `words`: in json."""
    makers: dict[str, Callable[[], Writer]] = {
        "txt": PlainText,
        "srt": lambda: Subtitles("srt"),
        "vtt": lambda: Subtitles("vtt"),
        "json": lambda: Json(words=words),
    }
    return makers[name]()
