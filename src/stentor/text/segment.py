"""A text in pieces that are good to speak: short first, then longer, cut where a speaker pauses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .cuts import Boundary
from .next_cut import NextCut
from .sentences import SentenceEnds

__all__ = ["Boundary", "TextSegment", "segment"]


@dataclass(frozen=True)
class TextSegment:
    """`text` is the given text from `start` (in code points), with the white space behind it."""

    text: str
    start: int
    boundary: Boundary


def segment(
    text: str, *, language: str | None = None, max_chars: int = 300, first_chars: int = 80
) -> Iterator[TextSegment]:
    """Cut a text into segments, lazily: the first costs the same however long the text is.

    The segments joined are the text, every character of it. Without the white space around it, a
    segment has at most `max_chars` characters, the first one at most `first_chars`, the second
    twice as many, and so on; a wide (East Asian) character counts as three, by what it takes to
    speak it. Sentences are merged up to that size and not below 20 characters while their
    paragraph lasts; a sentence up to `max_chars` stays whole, unless it is the first. A longer one
    is cut at a clause, a line end, a space or, at last, between two characters.

    Every segment has something to speak, except in a text that has nothing, or where more than
    a third of `first_chars` or `max_chars` is punctuation in one run. `language` is a BCP-47 tag
    for the rules of sentence ends; None guesses it from the script.

    Raises ValueError for sizes below 1.
    """
    if max_chars < 1 or first_chars < 1:
        raise ValueError("max_chars and first_chars must be at least 1")
    return _segments(text, SentenceEnds(text, language), max_chars, first_chars)


def _segments(
    text: str, sentences: SentenceEnds, max_chars: int, first_chars: int
) -> Iterator[TextSegment]:
    start = 0
    target = most = min(first_chars, max_chars)
    while start < len(text):
        choice = NextCut(text, sentences, start, target=target, most=most, silence=max_chars // 3)
        cut = choice.choose()
        yield TextSegment(text[start : cut.end], start, cut.boundary)
        start, target, most = cut.end, min(2 * target, max_chars), max_chars
