"""From a file to the windows of speech in it, a second of audio at a time."""

from __future__ import annotations

from typing import BinaryIO

from stentor.audio.decode import decode
from stentor.audio.vad import Detectors
from stentor.audio.windows import DEFAULT, Window, Windower
from stentor.types import RawAudio, VadSettings

VAD_RATE = 16_000
"""Hz: what the detector of speech takes, and so the windows have."""


class WindowReader:
    """Runs in the thread pool: each `read` is a short job."""

    def __init__(
        self,
        file: BinaryIO,
        *,
        max_seconds: float,
        window_seconds: float,
        detectors: Detectors,
        vad: VadSettings = DEFAULT,
        raw: RawAudio | None = None,
    ) -> None:
        """`max_seconds`: of audio in the file; a longer one raises AudioTooLong in `read`."""
        self._blocks = decode(file, rate=VAD_RATE, max_seconds=max_seconds, raw=raw)
        self._detectors = detectors
        self._detector = detectors.take()
        self._windower = Windower(VAD_RATE, window_seconds, vad)
        self._samples = 0
        self._ended = False

    @property
    def seconds(self) -> float:
        """Of audio read so far."""
        return self._samples / VAD_RATE

    def read(self) -> list[Window] | None:
        """Windows that the next block completed, often none; None at the end of the file.

        Raises InvalidAudio.
        """
        if self._ended:
            return None
        block = next(self._blocks, None)
        if block is None:
            self._ended = True
            return list(self._windower.finish())
        self._samples += len(block)
        return list(self._windower.push(block, self._detector.push(block)))

    def close(self) -> None:
        """Once."""
        self._blocks.close()
        self._detectors.give(self._detector)
        del self._detector
