"""From the chunks of many segments to the bytes of one answer. Runs in the thread pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from stentor.audio.encode import Encoder
from stentor.audio.join import Joiner
from stentor.audio.resample import Resampler
from stentor.types import AudioChunk, Pcm

JOB = 4.0
"""Seconds of audio that one job in the thread pool renders at most."""


class Renderer:
    """Joins, resamples and encodes; one per answer, used by one thread at a time."""

    def __init__(self, encoder: Encoder, rate: int) -> None:
        self._encoder = encoder
        self._rate = rate
        self._source_rate = 0
        self._joiner: Joiner | None = None
        self._resampler: Resampler | None = None
        self._samples = 0
        self._spoken = False

    @property
    def seconds(self) -> float:
        return self._samples / self._rate

    @property
    def spoken(self) -> bool:
        """There was some sound: not only silence."""
        return self._spoken

    def push(self, chunks: Sequence[AudioChunk]) -> bytes:
        encoded = b""
        for rate, samples in _by_rate(chunks):
            if rate != self._source_rate:
                encoded += self._encode(self._flush())
                self._source_rate = rate
                self._joiner, self._resampler = Joiner(rate), Resampler(rate, self._rate)
            assert self._joiner is not None
            joined = self._joiner.push(samples)
            self._spoken |= len(joined) > 0
            encoded += self._encode(self._resample(joined))
        return encoded

    def end_segment(self, pause: float) -> bytes:
        """`pause`: seconds of silence after the segment."""
        if self._joiner is None or not self._spoken:
            return b""  # nothing was spoken yet: an answer does not begin with a pause
        return self._encode(self._resample(self._joiner.end(pause)))

    def finish(self) -> bytes:
        """The last bytes of the answer."""
        return self._encode(self._flush()) + self._encoder.finish()

    def close(self) -> None:
        """Also for an answer that nobody waits for any more."""
        self._encoder.close()

    def _flush(self) -> Pcm:
        """What joiner and resampler still hold of one rate's audio."""
        if self._joiner is None or self._resampler is None:
            return np.zeros(0, np.int16)
        held = self._joiner.end(0.0)
        return np.concatenate((self._resample(held), self._resampler.flush()))

    def _resample(self, samples: Pcm) -> Pcm:
        assert self._resampler is not None
        return self._resampler.push(samples) if len(samples) else samples

    def _encode(self, samples: Pcm) -> bytes:
        self._samples += len(samples)
        return self._encoder.push(samples) if len(samples) else b""


def batches(chunks: Sequence[AudioChunk]) -> Iterator[list[AudioChunk]]:
    """The chunks in jobs of at most JOB seconds, or one chunk each: short jobs take turns in the
    thread pool, and what a job needs besides is bounded.
    """
    batch: list[AudioChunk] = []
    seconds = 0.0
    for chunk in chunks:
        length = len(chunk.samples) / chunk.rate
        if batch and seconds + length > JOB:
            yield batch
            batch, seconds = [], 0.0
        batch.append(chunk)
        seconds += length
    if batch:
        yield batch


def _by_rate(chunks: Sequence[AudioChunk]) -> list[tuple[int, Pcm]]:
    """Neighbours of one rate as one array: fewer and larger steps for all that follow."""
    runs: list[tuple[int, list[Pcm]]] = []
    for chunk in chunks:
        if not runs or runs[-1][0] != chunk.rate:
            runs.append((chunk.rate, []))
        runs[-1][1].append(chunk.samples)
    return [(rate, np.concatenate(run)) for rate, run in runs]
