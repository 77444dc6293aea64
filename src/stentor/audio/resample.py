"""A stream of samples at another rate."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import soxr
from numpy.typing import NDArray

from stentor.types import Pcm


class Resampler:
    """Mono int16 at `source_rate` in, at `target_rate` out (Hz). Equal rates pass through uncopied.

    How the input is cut into pushes changes nothing. Altogether n samples become
    round(n * target / source). Output lags 10 to 15 ms behind the input, up to 30 ms where a rate
    is below 16 kHz, until `flush` brings the rest.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._stream = None if source_rate == target_rate else _stream(source_rate, target_rate)
        self._ratio = Fraction(target_rate, source_rate)
        self._in = self._out = 0

    def push(self, pcm: Pcm) -> Pcm:
        if self._stream is None:
            return pcm
        out = _rounded(self._stream.resample_chunk(pcm.astype(np.float32)))
        self._in += len(pcm)
        self._out += len(out)
        return out

    def flush(self) -> Pcm:
        """The end of the output. Nothing may be pushed after it."""
        if self._stream is None:
            return np.empty(0, np.int16)
        # The stream's own end may be a sample or two short.
        silence = np.zeros(2 + ceil(2 / self._ratio), np.float32)
        rest = _rounded(self._stream.resample_chunk(silence, last=True))
        return rest[: round(self._in * self._ratio) - self._out]


def _stream(source_rate: int, target_rate: int) -> soxr.ResampleStream:
    # Float: soxr dithers its int16 output, so equal input would not give equal samples, nor silence
    # stay silent. Its variable-rate engine works in the time domain: the default, which filters
    # blocks by FFT, lags 40 ms (120 ms at 8 kHz) and sounds no better.
    return soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32", vr=True)


def _rounded(samples: NDArray[np.float32]) -> Pcm:
    pcm: Pcm = np.clip(np.rint(samples), -32_768, 32_767).astype(np.int16)
    return pcm
