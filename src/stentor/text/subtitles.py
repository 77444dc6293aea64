"""Subtitles from a transcript's segments: SubRip (srt) and WebVTT (W3C). Pure.

Cues come in order, never overlap, last at least a millisecond, and hold no more than can be read at
a glance where the words' times tell where to cut; else a cue is a segment.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from stentor.text.cue_cuts import cut_by_words
from stentor.text.lines import balanced
from stentor.types import Segment

LINE = 42
"""Columns: what broadcasters take for a line."""
SHORTEST = 1_000
"""Milliseconds that a cue stays, if the next one lets it."""
VTT_HEAD = "WEBVTT\n\n"


@dataclass(frozen=True)
class Cue:
    """`start` and `end` are milliseconds into the file; the text is one clean line."""

    start: int
    end: int
    text: str


class Cues:
    """Holds one cue: how long it stays depends on the next."""

    def __init__(self) -> None:
        self._held: Cue | None = None

    def push(self, segment: Segment) -> list[Cue]:
        """Cues that are finished, often one less than the segment has."""
        return [done for cue in _cues(segment) for done in self._hold(cue)]

    def finish(self, seconds: float) -> list[Cue]:
        """The last one; `seconds`: the length of the file."""
        return [] if self._held is None else [_until(self._held, _milliseconds(seconds))]

    def _hold(self, cue: Cue) -> list[Cue]:
        before, start = self._held, max(cue.start, self._held.end if self._held else 0)
        self._held = replace(cue, start=start, end=max(cue.end, start + 1))
        return [] if before is None else [_until(before, start)]


def srt(number: int, cue: Cue) -> str:
    """`number` counts from 1. An arrow in the text would look like a cue's times."""
    lines = "\n".join(balanced(cue.text.replace("-->", "→"), LINE))
    return f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{lines}\n\n"


def vtt(cue: Cue) -> str:
    lines = "\n".join(_escaped(line) for line in balanced(cue.text, LINE))
    return f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{lines}\n\n"


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(milliseconds: int, point: str) -> str:
    """Hours have two digits, and more past 99."""
    seconds, milliseconds = divmod(milliseconds, 1_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"


def _cues(segment: Segment) -> Iterator[Cue]:
    text = _clean(segment.text)
    words = [replace(word, text=_clean(word.text)) for word in segment.words]
    whole = [(segment.start, segment.end, text)]
    for start, end, part in cut_by_words(text, words, LINE) or whole:
        if part:
            yield Cue(_milliseconds(start), _milliseconds(end), part)


def _until(cue: Cue, limit: int) -> Cue:
    return replace(cue, end=max(cue.end, min(cue.start + SHORTEST, limit)))


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1_000))


def _clean(text: str) -> str:
    """One line, without control characters and halves of surrogate pairs. What steers the direction
    of writing stays.
    """
    return " ".join("".join(char for char in text if not _hidden(char)).split())


def _hidden(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") and not char.isspace()
