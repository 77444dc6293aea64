"""Segments from an answer in OpenAI's verbose_json, or in as little of it as a server has. Pure.

What is of another shape raises KeyError, TypeError, ValueError or AttributeError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stentor.cli.client import Summary
from stentor.text.language_tags import language_tag
from stentor.types import Segment, Word


def heard(answer: Mapping[str, Any]) -> Iterator[Segment]:
    """Each with its words: a list of its own has those of all segments."""
    listed = answer.get("segments") or []
    words = [_word(word) for word in answer.get("words") or []]
    text = str(answer.get("text") or "").strip()
    if text and not listed:
        yield Segment(text, 0.0, float(answer.get("duration") or 0.0), tuple(words))
    limits = [*(float(segment["start"]) for segment in listed[1:]), float("inf")]
    at = 0
    for segment, until in zip(listed, limits, strict=False):
        first = at
        while at < len(words) and words[at].start < until:
            at += 1
        text = str(segment["text"]).strip()
        times = float(segment["start"]), float(segment["end"])
        yield Segment(text, *times, tuple(words[first:at]), segment.get("language"))


def segment(told: Mapping[str, Any]) -> Segment:
    """One that brings its own words."""
    words = tuple(_word(word) for word in told.get("words") or [])
    text, times = str(told["text"]).strip(), (float(told["start"]), float(told["end"]))
    return Segment(text, *times, words, told.get("language"))


def summary(answer: Mapping[str, Any]) -> Summary:
    language = answer.get("language_code")
    if language is None and answer.get("language"):
        language = language_tag(str(answer["language"]))
    seconds = answer.get("duration")
    return Summary(None if seconds is None else float(seconds), language, answer.get("model"))


def _word(told: Mapping[str, Any]) -> Word:
    return Word(
        str(told["word"]).strip(),
        float(told["start"]),
        float(told["end"]),
        confidence=told.get("confidence"),
    )
