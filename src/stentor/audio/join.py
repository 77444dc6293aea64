"""Joins between spoken segments: pauses come from the text, not from each engine's habits."""

from __future__ import annotations

import numpy as np

from stentor.types import Pcm

SILENCE = 32
"""The largest silent sample, either sign: -60 dBFS, which drowns in the noise of any room where
speech is played at a normal level. Fixed, not relative to the speech: a whisper is no silence."""
LEAD = 0.010
"""Seconds of an engine's leading silence that stay: the onset of a soft sound."""
FADE = 0.005
"""Seconds from a cut inside sound to silence, or back: a jump would click."""
_STORED = 2.0  # seconds of silence that are held back as they are


class Joiner:
    """Puts the segments of one answer, mono int16 at `rate` Hz, one after the other.

    A segment's content runs from its first to its last sample louder than SILENCE and passes
    unchanged. Silence before it shrinks to LEAD, silence after it is trimmed or padded to the pause
    that `end` gives. A segment that begins or ends in full sound gets a ramp of FADE around its
    content, the latter as the first part of the pause. How it is cut into pushes changes nothing.
    """

    def __init__(self, rate: int) -> None:
        self.trimmed: int | None = None
        """Samples cut from the segment's start, less those put before it; None: no sound yet."""
        self._rate = rate
        self._lead = round(LEAD * rate)
        self._fade = round(FADE * rate)
        self._stored = round(_STORED * rate)
        self._begin()

    def _begin(self) -> None:
        self.trimmed = None
        self._seen = 0  # samples of this segment
        self._held = np.empty(0, np.int16)  # silence since the last sound, or since the beginning
        self._more = 0  # samples of silence after what is held: counted, not stored
        self._last = 0  # the last sound of the content; 0: there was none yet

    def push(self, pcm: Pcm) -> Pcm:
        """What can be said for certain to belong to the answer, perhaps nothing."""
        loud = np.flatnonzero((pcm > SILENCE) | (pcm < -SILENCE))
        if not len(loud):
            self._hold(pcm)
            self._seen += len(pcm)
            return np.empty(0, np.int16)
        first, end = int(loud[0]), int(loud[-1]) + 1
        self._hold(pcm[:first])
        before = self._pending() if self._last else self._onset(int(pcm[first]))
        if self.trimmed is None:
            self.trimmed = self._seen + first - len(before)
        self._seen += len(pcm)
        self._last = int(pcm[end - 1])
        self._held, self._more = np.empty(0, np.int16), 0
        self._hold(pcm[end:])
        return np.concatenate((before, pcm[first:end]))

    def end(self, pause_s: float) -> Pcm:
        """Ends the segment: the pause after it, `pause_s` seconds long but not shorter than FADE.

        A segment without sound leaves exactly `pause_s`.
        """
        count = round(pause_s * self._rate)
        pause = self._pause(max(count, self._fade)) if self._last else np.zeros(count, np.int16)
        self._begin()
        return pause

    def _hold(self, silence: Pcm) -> None:
        if not self._last:
            self._held = np.concatenate((self._held, silence))[-self._lead :]
            return
        room = self._stored - len(self._held)
        self._held = np.concatenate((self._held, silence[:room]))
        self._more += max(len(silence) - room, 0)

    def _pending(self) -> Pcm:
        """The silence inside the content, all of it."""
        return np.concatenate((self._held, np.zeros(self._more, np.int16)))

    def _onset(self, first: int) -> Pcm:
        return self._held if len(self._held) else self._ramp(first)[::-1]

    def _pause(self, count: int) -> Pcm:
        quiet = self._held[:count] if len(self._held) else self._ramp(self._last)
        return np.concatenate((quiet, np.zeros(count - len(quiet), np.int16)))

    def _ramp(self, value: int) -> Pcm:
        """From next to `value` down to next to zero, along half a cosine."""
        phase = np.arange(1, self._fade + 1) / (self._fade + 1)
        ramp: Pcm = np.rint(value * (1 + np.cos(np.pi * phase)) / 2).astype(np.int16)
        return ramp
