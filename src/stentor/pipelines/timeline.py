"""When the words of an answer are heard. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stentor.text.words import word_start
from stentor_engine import Word


class Timeline:
    """Maps word times from seconds into a segment's audio to seconds into the answer.

    A word is held until the next one is known, or the end of its segment: that is when it ends, if
    the engine does not tell, and how far it goes in the text, if the engine tells places in it. So
    words have their signs, and two that an engine speaks as one stay together. A segment's audio
    may come in several runs of one speed each; `anchor` ties each run to the answer, and words of a
    run wait for that.
    """

    def __init__(self) -> None:
        self._waiting: list[Word] = []
        self._anchor: tuple[float, float, float] | None = None
        self._last: Word | None = None
        self._text = ""
        self._from = 0  # where the last word begins in the text

    def begin_segment(self, text: str) -> None:
        self._text, self._from = text, 0

    def add(self, words: Iterable[Word]) -> None:
        self._waiting += words

    def anchor(self, source: float, answer: float, speed: float) -> None:
        """What sounds `source` seconds into the segment is heard `answer` seconds into the answer,
        and from there on the audio plays at `speed`.
        """
        self._anchor = source, answer, speed

    def loosen(self) -> None:
        """A new run begins; where its words are heard is not known yet."""
        self._anchor = None

    def told(self) -> tuple[Word, ...]:
        """The words that are complete by now."""
        if self._anchor is None:
            return ()
        told = []
        for word in self._waiting:
            placed = self._placed(word, self._anchor)
            told += self._closed(placed.start, placed.at)
            self._last = placed
        self._waiting = []
        return tuple(told)

    def end_segment(self, answer: float) -> tuple[Word, ...]:
        """The rest; the segment's sound ends `answer` seconds into the answer."""
        told = (*self.told(), *self._closed(answer, len(self._text)))
        self._waiting, self._anchor = [], None
        return told

    def _placed(self, word: Word, anchor: tuple[float, float, float]) -> Word:
        source, answer, speed = anchor

        def place(seconds: float) -> float:
            return answer + max(seconds - source, 0.0) / speed

        return replace(
            word, start=place(word.start), end=None if word.end is None else place(word.end)
        )

    def _closed(self, end: float, at: int | None) -> list[Word]:
        """The last word, now that another one begins at `end` seconds, `at` in the text."""
        word, self._last = self._last, None
        if word is None:
            return []
        text = word.text
        if word.at is not None and at is not None and self._text:
            start, self._from = self._from, word_start(self._text, at)
            text = self._text[start : self._from].strip() or text
        return [
            replace(word, text=text, end=max(word.start, end) if word.end is None else word.end)
        ]
