"""For engines whose model tells when it says its phonemes: from those to the words of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .contract import Word


class Group(NamedTuple):
    """A run of phonemes between two spaces: about a word. `first` up to `end` of a sentence's."""

    first: int
    end: int


def groups(phonemes: Sequence[str]) -> list[Group]:
    """Those that hold a letter; marks at their ends are no part of them."""
    found: list[Group] = []
    joined = False
    for at, phoneme in enumerate(phonemes):
        if phoneme.isspace():
            joined = False
        elif any(map(str.isalpha, phoneme)):
            found.append(Group(found.pop().first if joined else at, at + 1))
            joined = True
    return found


class Placed(NamedTuple):
    """A word of the text, `at` its place there in characters; from `start` to `end` in the groups
    of all sentences: 1.5 is half of the second one.
    """

    text: str
    at: int
    start: float
    end: float


def place(text: str, sizes: Sequence[int]) -> list[Placed]:
    """The text's words among groups of so many phonemes. Where the two differ in number, as for "of
    the", which is one group, and "1999", which is many, each word has its share of the letters.
    """
    written = list(re.finditer(r"\S*\w\S*", text))
    if not written or not sizes:
        return []
    edges = np.arange(len(written) + 1, dtype=float)
    if len(written) != len(sizes):
        letters = np.cumsum([0, *(len(word[0]) for word in written)], dtype=float)
        phonemes = np.cumsum([0, *sizes], dtype=float)
        shares = letters / letters[-1], phonemes / phonemes[-1]
        edges = np.interp(*shares, np.arange(len(sizes) + 1, dtype=float))
    return [
        Placed(word[0], word.start(), float(start), float(end))
        for word, start, end in zip(written, edges[:-1], edges[1:], strict=True)
    ]


def timed(
    placed: Sequence[Placed], before: int, spans: Sequence[tuple[float, float]]
) -> Iterator[Word]:
    """The words that start in one sentence's groups, of which there were `before` in those before
    it. `spans`: start and end of its groups in seconds into the call's audio.
    """
    if not spans:
        return
    for word in placed:
        start, end = word.start - before, min(word.end - before, len(spans))
        if 0 <= start < len(spans):
            last = spans[int(end) - 1][1] if end == int(end) else _inside(spans, end)
            yield Word(word.text, _inside(spans, start), last, at=word.at)


def _inside(spans: Sequence[tuple[float, float]], place: float) -> float:
    """Seconds: a part of a group lies in that group, and not in the pause after it."""
    start, end = spans[int(place)]
    return start + (place - int(place)) * (end - start)
