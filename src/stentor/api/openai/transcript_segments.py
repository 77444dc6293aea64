"""Segments and words as OpenAI's verbose_json has them.

A figure that the engine does not give is null, and none is made up; `tokens` is then an empty list,
since clients iterate over it. `seek` and `compression_ratio` need no engine.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from stentor.types import Segment

FRAMES = 100
"""A second's: `seek` counts in hundredths, as Whisper's frames."""


def segment_object(number: int, text: str, segment: Segment, *, full: bool) -> dict[str, Any]:
    """`text`: what it adds to the transcript. `full`: with its language and all details."""
    details = segment.details
    told = {
        "id": number,
        "seek": round(segment.window * FRAMES),
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": text,
        "tokens": _tokens(details.get("tokens")),
        "temperature": _figure(details.get("temperature")),
        "avg_logprob": _figure(details.get("avg_logprob")),
        "compression_ratio": _compression_ratio(text),
        "no_speech_prob": _figure(details.get("no_speech_prob")),
    }
    if full:
        told |= {"language": segment.language, "details": dict(details)}
    return told


def word_objects(segment: Segment, *, full: bool) -> Iterator[dict[str, Any]]:
    for word in segment.words:
        end = word.start if word.end is None else word.end
        told = {"word": word.text.strip(), "start": round(word.start, 3), "end": round(end, 3)}
        yield told | ({"confidence": word.confidence} if full else {})


def _compression_ratio(text: str) -> float:
    """As Whisper defines it: zlib on UTF-8. Past 2.4 the text is repeating itself."""
    data = text.encode()
    return round(len(data) / len(zlib.compress(data)), 3)


def _figure(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _tokens(value: object) -> list[int]:
    return value if isinstance(value, list) and all(type(n) is int for n in value) else []
