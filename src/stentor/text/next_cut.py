"""Choosing the end of one segment."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .clusters import cluster_ends
from .cuts import Boundary, Cut, cut_at, cuts_inside, past_space
from .sentences import SentenceEnds

_LEAST = 20
"""Characters. Neural engines babble on shorter texts."""

_WIDE = 3
"""An East Asian character takes as long to speak as about three Latin ones."""


class NextCut:
    """Where the segment that begins at `start` should end.

    It has at least 20 characters if its paragraph has, up to `target` if its sentences allow, and
    at most `most`; it does not leave the text an end of up to `silence` characters that has
    nothing to speak.
    """

    def __init__(
        self,
        text: str,
        sentences: SentenceEnds,
        start: int,
        *,
        target: int,
        most: int,
        silence: int,
    ) -> None:
        self._text = text
        self._sentences = sentences
        self._start = past_space(text, start)
        self._least = _reach(text, self._start, min(_LEAST, target // 4))
        self._soft = _reach(text, self._start, target)
        self._hard = _reach(text, self._start, most)
        self._silence = silence
        self._speech = _speech(text, self._start, self._hard)

    def choose(self) -> Cut:
        if self._speech is None:
            return self._anywhere()
        ends = self._sentence_ends(self._speech)
        paragraph = ends[-1] if ends and _closes_paragraph(ends[-1]) else None
        for least in (self._least, self._start + 1):
            for cuts in self._kinds(ends):
                usable = [
                    cut
                    for cut in cuts
                    if cut.stop > self._speech
                    and (cut.stop >= least or cut == paragraph)
                    and self._leaves_speech(cut)
                ]
                if usable:
                    return self._best(usable, paragraph)
        return self._anywhere()

    def _sentence_ends(self, speech: int) -> list[Cut]:
        """The ends of the sentences with something to speak, up to the end of the paragraph."""
        ends: list[Cut] = []
        for cut in self._sentences.between(self._start, self._hard + _LEAST):
            if cut.stop <= speech:
                continue
            if ends and cut.stop <= self._hard and self._silent(ends[-1].end, cut.stop):
                cut = replace(cut, boundary=max(ends.pop().boundary, cut.boundary))
            elif ends and _closes_paragraph(ends[-1]):
                break
            ends.append(cut)
        return ends

    def _kinds(self, ends: Sequence[Cut]) -> Iterator[Sequence[Cut]]:
        yield [cut for cut in ends if cut.stop <= self._hard]
        yield self._sentences.inside(self._start, self._hard)
        yield from cuts_inside(self._text, self._start, self._hard)

    def _best(self, cuts: Sequence[Cut], paragraph: Cut | None) -> Cut:
        """The last cut up to the target, or the first behind it, that leaves no scrap behind."""
        near = [cut for cut in cuts if cut.stop <= self._soft] or cuts[:1]
        for cut in reversed(near):
            if paragraph is None or cut == paragraph or self._is_enough(cut.end, paragraph.stop):
                return cut
        return paragraph if paragraph is not None and paragraph in cuts else near[-1]

    def _is_enough(self, start: int, stop: int) -> bool:
        return _reach(self._text, start, _LEAST - 1) < stop

    def _leaves_speech(self, cut: Cut) -> bool:
        rest = len(self._text) - cut.end
        return not 0 < rest <= self._silence or not self._silent(cut.end, len(self._text))

    def _silent(self, start: int, stop: int) -> bool:
        return _speech(self._text, start, stop) is None

    def _anywhere(self) -> Cut:
        at = max(cluster_ends(self._text, self._start, self._hard), default=self._hard)
        return cut_at(self._text, at, Boundary.FORCED)


def _closes_paragraph(cut: Cut) -> bool:
    return cut.boundary >= Boundary.PARAGRAPH


def _reach(text: str, start: int, size: int) -> int:
    """The offset up to which a text has that size; at least one character if there is one."""
    stop = min(start + size, len(text))
    if text[start:stop].isascii():
        return stop
    for at in range(start, stop):
        size -= _WIDE if unicodedata.east_asian_width(text[at]) in "WF" else 1
        if size < 0:
            return max(at, start + 1)
    return stop


def _speech(text: str, start: int, stop: int) -> int | None:
    """The first offset within [start, stop) of something to speak."""
    return next((at for at in range(start, min(stop, len(text))) if _is_spoken(text[at])), None)


def _is_spoken(char: str) -> bool:
    """Letters, numbers, currencies and pictures; neither the lines of a box nor operators."""
    category = unicodedata.category(char)
    if category == "So":
        return not "\u2500" <= char <= "\u259f" and char != "\ufffd"
    return category[0] in "LN" or category == "Sc"
