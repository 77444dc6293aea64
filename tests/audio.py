"""Measuring sound in tests, with nothing of Stentor's own."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterable, Sequence

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]


def decoded(data: bytes) -> tuple[Samples, int]:
    """Mono samples and their rate, from any container."""
    pieces = []
    with av.open(io.BytesIO(data), mode="r") as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="s16", layout="mono")
        for frame in container.decode(stream):
            pieces += [out.to_ndarray()[0] for out in resampler.resample(frame)]
        return np.concatenate(pieces), stream.rate


def seconds(data: bytes) -> float:
    samples, rate = decoded(data)
    return len(samples) / rate


def streamed_wav(data: bytes) -> tuple[Samples, int]:
    """A wav of unknown length, by its 44 bytes of header alone."""
    assert data[:4] == b"RIFF"
    assert data[8:16] == b"WAVEfmt "
    (rate,) = struct.unpack("<I", data[24:28])
    return np.frombuffer(data[44:], np.int16), rate


def wav(samples: Samples, rate: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Words to change, add or leave out (Levenshtein) from one to the other."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def words(text: str) -> list[str]:
    kept = (c if c.isalnum() or c in "' " else " " for c in text.lower())
    return "".join(kept).split()


def joined(pieces: Iterable[bytes]) -> bytes:
    return b"".join(pieces)
