"""A transcription as a server that speaks OpenAI's API answers it: json or verbose_json. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ValidationError

from stentor.errors import EngineFailed
from stentor_engine import Transcript, Word

FIGURES = ("avg_logprob", "compression_ratio", "no_speech_prob", "temperature")


def _finite(value: Any) -> Any:
    return value if isinstance(value, int | float) and math.isfinite(value) else 0.0


Time = Annotated[float, BeforeValidator(_finite)]


class _Word(BaseModel):
    word: str
    start: Time
    end: Time


class _Segment(BaseModel, extra="allow"):
    text: str
    start: Time
    end: Time
    words: list[_Word] | None = None


class _Answer(BaseModel):
    text: str = ""
    language: str | None = None
    segments: list[_Segment] | None = None
    words: list[_Word] | None = None


def transcripts(told: Any, seconds: float) -> list[Transcript]:
    """`seconds`: length of the audio; no time lies outside of it. Raises EngineFailed."""
    try:
        answer = _Answer.model_validate(told)
    except ValidationError as error:
        raise EngineFailed("the server's answer is not a transcription") from error
    segments = [each for each in answer.segments or [] if each.text.strip()]
    if not segments:
        text = answer.text.strip()
        words = tuple(_words(answer.words or [], seconds))
        return [Transcript(text, 0.0, seconds, words, answer.language)] if text else []
    owned = _by_segment(segments, answer.words or [])
    return [
        Transcript(
            each.text.strip(),
            *_within(each.start, each.end, seconds),
            tuple(_words(words, seconds)),
            answer.language,
            _figures(each),
        )
        for each, words in zip(segments, owned, strict=True)
    ]


def _by_segment(segments: Sequence[_Segment], words: Sequence[_Word]) -> list[list[_Word]]:
    """A word belongs to the last segment that begins no later than its middle."""
    owned = [list(each.words or []) for each in segments]
    if any(owned):
        return owned
    for word in words:
        middle = (word.start + word.end) / 2
        at = sum(each.start <= middle for each in segments) - 1
        owned[max(0, at)].append(word)
    return owned


def _words(words: Sequence[_Word], seconds: float) -> Iterator[Word]:
    for each in words:
        yield Word(each.word, *_within(each.start, each.end, seconds))


def _within(start: float, end: float, seconds: float) -> tuple[float, float]:
    start = min(max(0.0, start), seconds)
    return start, min(max(start, end), seconds)


def _figures(segment: _Segment) -> dict[str, float]:
    extra = segment.model_extra or {}
    return {k: extra[k] for k in FIGURES if type(extra.get(k)) in (int, float)}
