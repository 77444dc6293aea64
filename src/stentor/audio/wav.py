"""Samples as they are: wav and pcm."""

from __future__ import annotations

import struct

from stentor.types import Pcm

_UNKNOWN = 0xFFFF_FFFF


def wav_header(rate: int, samples: int | None) -> bytes:
    """44 bytes: RIFF/WAVE, PCM, mono, 16 bits. None, or more than fits: sizes of 0xFFFFFFFF, which
    readers take for "until the end of the stream"."""
    size = _UNKNOWN if samples is None else 2 * samples
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", min(36 + size, _UNKNOWN), b"WAVE"),
        *(b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16),
        *(b"data", min(size, _UNKNOWN)),
    )


class Plain:
    """Samples as they are, little-endian, after a header."""

    def __init__(self, content_type: str, header: bytes, samples: int | None) -> None:
        self.content_type = content_type
        self._header = header
        self._missing = samples

    def push(self, pcm: Pcm) -> bytes:
        if self._missing is not None:
            self._missing -= len(pcm)
        header, self._header = self._header, b""
        return header + pcm.astype("<i2", copy=False).tobytes()

    def finish(self) -> bytes:
        """Raises ValueError where the samples are not as many as were announced."""
        if self._missing:
            raise ValueError(f"{-self._missing:+} samples against what was announced")
        header, self._header = self._header, b""
        return header

    def close(self) -> None:
        pass
