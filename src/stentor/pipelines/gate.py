"""How a segment goes on when its worker dies. Pure.

Of what a backend sends, the gate lets through only what can be continued without a gap or an echo:

- a deterministic engine: everything; it speaks the segment again and what was sent is skipped;
- one with word times: up to the start of the last word it told; it goes on from that word;
- any other: nothing before the segment is complete.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stentor.errors import EngineFailed
from stentor.types import AudioChunk, Pcm
from stentor_engine import Capabilities, SpeechCall, Word

NOTHING: Pcm = np.zeros(0, np.int16)


class Gate:
    def __init__(self, call: SpeechCall) -> None:
        self._call = call
        self._capabilities: Capabilities | None = None
        self._sent = 0
        self._resume_at: int | None = None
        self._held = NOTHING
        self._begin_attempt()

    @property
    def sent(self) -> int:
        """Samples let through so far."""
        return self._sent

    def begin(self, capabilities: Capabilities) -> SpeechCall:
        """The call for the next attempt; raises EngineFailed if this engine cannot go on here."""
        before, self._capabilities = self._capabilities, capabilities
        self._begin_attempt()
        if self._sent == 0:
            return self._call
        if before is not None and before.deterministic and before == capabilities:
            self._skip = self._sent
            return self._call
        if self._resume_at is None:
            raise EngineFailed("the worker was lost, and no other can go on where it stopped")
        return replace(self._call, text=self._call.text[self._resume_at :])

    def push(self, chunk: AudioChunk) -> Pcm:
        """What may be sent now."""
        samples = chunk.samples
        if self._skip:
            skipped = min(self._skip, len(samples))
            self._skip -= skipped
            samples = samples[skipped:]
        self._held = np.concatenate((self._held, samples)) if len(self._held) else samples
        assert self._capabilities is not None
        if self._capabilities.deterministic:
            return self._release(len(self._held))
        if self._capabilities.word_times:
            return self._release_to_word(chunk)
        return NOTHING

    def finish(self) -> Pcm:
        """The rest, when the backend has said that the segment is complete."""
        return self._release(len(self._held))

    def _begin_attempt(self) -> None:
        self._base = self._resume_at or 0
        self._held = NOTHING
        self._skip = 0
        self._released = 0
        self._words: list[Word] = []

    def _release_to_word(self, chunk: AudioChunk) -> Pcm:
        received = self._released + len(self._held)
        self._words += [word for word in chunk.words if word.at is not None]
        reached = [w for w in self._words if round(w.start * chunk.rate) <= received]
        if not reached:
            return NOTHING
        last = reached[-1]
        self._words = self._words[len(reached) :]
        assert last.at is not None
        self._resume_at = self._base + last.at
        return self._release(max(0, round(last.start * chunk.rate) - self._released))

    def _release(self, count: int) -> Pcm:
        released, self._held = self._held[:count], self._held[count:]
        self._released += len(released)
        self._sent += len(released)
        return released
