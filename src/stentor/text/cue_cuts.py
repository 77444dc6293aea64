"""Where a segment is cut into subtitles that can be read. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from stentor.text.lines import line_count
from stentor.text.spacing import columns
from stentor.types import Word

MOST_SECONDS = 7.0
GAP = 1.5
"""Seconds of silence that no cue lasts over."""
PAUSE = 0.3
"""Seconds between words that make a good place for a cut."""


class _Piece(NamedTuple):
    """A word, with the punctuation and the space that follow it in the text."""

    text: str
    start: float
    end: float


def cut_by_words(
    text: str, words: Sequence[Word], line: int
) -> list[tuple[float, float, str]] | None:
    """Start, end and text of parts that fit into two lines of `line` columns, and MOST_SECONDS.

    All of the text is in them. None where the words are not those of the text.
    """
    pieces = _pieces(text, words)
    if not pieces:
        return None
    parts = []
    at = 0
    while at < len(pieces):
        end = at + _count(pieces[at:], line)
        part = pieces[at:end]
        said = "".join(piece.text for piece in part).strip()
        parts.append((part[0].start, part[-1].end, said))
        at = end
    return parts


def _pieces(text: str, words: Sequence[Word]) -> list[_Piece]:
    """Nothing if a word is not found in the text after the one before."""
    places: list[int] = []
    at = 0
    for word in words:
        found = text.find(word.text, at)
        if found < 0 or not word.text:
            return []
        places.append(found)
        at = found + len(word.text)
    if not places:
        return []
    starts, ends = [0, *places[1:]], [*places[1:], len(text)]
    return [
        _Piece(text[first:last], word.start, word.start if word.end is None else word.end)
        for first, last, word in zip(starts, ends, words, strict=True)
    ]


def _count(pieces: Sequence[_Piece], line: int) -> int:
    """How many pieces make the next cue: all that fit, or up to the best place before that."""
    most = 2 * line
    fit = _fitting(pieces, line)
    if fit == len(pieces) or pieces[fit].start - pieces[fit - 1].end >= GAP:
        return fit
    widths = [columns(piece.text) for piece in pieces[: fit + most]]
    total = sum(widths)
    # What is left for two cues is shared between them: no word is left alone.
    ideal = total / 2 if total <= 2 * most else float(most)
    reached = 0
    best, best_rank = fit, (-1, 0.0)
    for count in range(1, fit + 1):
        reached += widths[count - 1]
        rank = (_strength(pieces[count - 1], pieces[count]), -abs(reached - ideal))
        if reached >= 0.4 * min(ideal, most) and rank > best_rank:
            best, best_rank = count, rank
    return best


def _fitting(pieces: Sequence[_Piece], line: int) -> int:
    """How many, at least one, fit into a cue."""
    text = pieces[0].text
    for count, piece in enumerate(pieces[1:], 1):
        text += piece.text
        if (
            piece.end - pieces[0].start > MOST_SECONDS
            or piece.start - pieces[count - 1].end >= GAP
            or line_count(text.strip(), line) > 2
        ):
            return count
    return len(pieces)


def _strength(before: _Piece, after: _Piece) -> int:
    """Of a cut between them: after a sentence, after a part of one, at a pause, anywhere."""
    last = before.text.rstrip().rstrip("\"'”’»)]」』")[-1:]
    if last and last in ".!?…。！？؟।":
        return 3
    if last and unicodedata.category(last) in ("Po", "Pd") and last not in "'&%@#*/":
        return 2
    return 1 if after.start - before.end >= PAUSE else 0
