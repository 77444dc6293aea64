"""How a segment goes on when its worker dies. Pure.

Of what a backend sends, the gate lets through only what can be continued without a gap or an echo:

- a deterministic engine: everything; it speaks the segment again and what was sent is skipped;
- one with word times: up to the start of the last word it told; it goes on from that word;
- any other: nothing before the segment is complete.

A word is let through with the audio it starts in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stentor.errors import EngineFailed
from stentor.types import AudioChunk, Pcm
from stentor_engine import Capabilities, SpeechCall, Word

NOTHING: Pcm = np.zeros(0, np.int16)


@dataclass(frozen=True)
class _Point:
    """How far a segment has come: characters of its text, samples, seconds and words."""

    at: int = 0
    sent: int = 0
    seconds: float = 0.0
    told: int = 0


class Gate:
    def __init__(self, call: SpeechCall) -> None:
        self._call = call
        self._capabilities: Capabilities | None = None
        self._sent = 0
        self._seconds = 0.0
        self._told = 0
        self._resume_at: int | None = None
        self._held: Pcm = NOTHING
        self._begin_attempt(_Point())

    @property
    def sent(self) -> int:
        """Samples let through so far."""
        return self._sent

    def begin(self, capabilities: Capabilities) -> SpeechCall:
        """The call for the next attempt; raises EngineFailed if this engine cannot go on here."""
        before = self._capabilities
        again = self._sent == self._begun.sent or (
            before is not None and before.deterministic and before == capabilities
        )
        if again:
            self._begin_attempt(self._begun)
        elif self._resume_at is not None:
            here = _Point(self._resume_at, self._sent, self._seconds, self._told)
            self._begin_attempt(here)
        else:
            raise EngineFailed("the worker was lost, and no other can go on where it stopped")
        self._capabilities = capabilities
        return replace(self._call, text=self._call.text[self._begun.at :])

    def push(self, chunk: AudioChunk) -> AudioChunk:
        """What may be sent now; word times and places are those of the segment."""
        samples = chunk.samples
        if self._skip:
            skipped = min(self._skip, len(samples))
            self._skip -= skipped
            self._released += skipped
            samples = samples[skipped:]
        self._held = np.concatenate((self._held, samples)) if len(self._held) else samples
        self._words += chunk.words
        assert self._capabilities is not None
        if self._capabilities.deterministic:
            return self._release(len(self._held), chunk.rate)
        if self._capabilities.word_times:
            return self._release_to_word(chunk)
        return AudioChunk(NOTHING, chunk.rate)

    def finish(self, rate: int) -> AudioChunk:
        """The rest, at `rate` Hz, when the backend has said that the segment is complete."""
        return self._release(len(self._held), rate, last=True)

    def _begin_attempt(self, begun: _Point) -> None:
        self._begun = begun
        self._skip = self._sent - begun.sent
        self._skip_words = self._told - begun.told
        self._held = NOTHING
        self._released: int = 0
        self._words: list[Word] = []

    def _release_to_word(self, chunk: AudioChunk) -> AudioChunk:
        received = self._released + len(self._held)
        reached = [
            word
            for word in self._words
            if word.at is not None and round(word.start * chunk.rate) <= received
        ]
        if not reached:
            return AudioChunk(NOTHING, chunk.rate)
        last = reached[-1]
        assert last.at is not None
        self._resume_at = self._begun.at + last.at
        count = max(0, round(last.start * chunk.rate) - self._released)
        return self._release(count, chunk.rate)

    def _release(self, count: int, rate: int, *, last: bool = False) -> AudioChunk:
        released, self._held = self._held[:count], self._held[count:]
        self._released += count
        self._sent += count
        self._seconds += count / rate
        return AudioChunk(released, rate, tuple(self._tell(rate, last=last)))

    def _tell(self, rate: int, *, last: bool) -> list[Word]:
        due = [w for w in self._words if last or round(w.start * rate) < self._released]
        self._words = [w for w in self._words if w not in due]
        skipped = min(self._skip_words, len(due))
        self._skip_words -= skipped
        told = [self._in_segment(word) for word in due[skipped:]]
        self._told += len(told)
        return told

    def _in_segment(self, word: Word) -> Word:
        return replace(
            word,
            start=self._begun.seconds + word.start,
            end=None if word.end is None else self._begun.seconds + word.end,
            at=None if word.at is None else self._begun.at + word.at,
        )
