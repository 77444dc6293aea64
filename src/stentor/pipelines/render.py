"""From the chunks of many segments to the bytes of one answer. Runs in the thread pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from stentor.audio.encode import Encoder
from stentor.audio.join import Joiner
from stentor.audio.resample import Resampler
from stentor.audio.stretch import Stretcher
from stentor.pipelines.timeline import Timeline
from stentor.types import AudioChunk, Pcm, Rendered, Word

JOB = 4.0
"""Seconds of audio that one job in the thread pool renders at most."""


class Renderer:
    """Joins, stretches, resamples and encodes; one per answer, used by one thread at a time."""

    def __init__(self, encoder: Encoder, rate: int) -> None:
        self._encoder = encoder
        self._rate = rate
        self._samples = 0
        self._run: _Run | None = None
        self._pushed = 0.0  # seconds of the segment's audio
        self._position = 0.0  # seconds of the answer, also those that a filter still holds
        self._timeline = Timeline()
        self._spoken = False

    @property
    def seconds(self) -> float:
        return self._samples / self._rate

    @property
    def spoken(self) -> bool:
        """There was some sound: not only silence."""
        return self._spoken

    def begin_segment(self, text: str) -> None:
        """`text`: what the chunks that follow say, in which their words have their places."""
        self._timeline.begin_segment(text)

    def push(self, chunks: Sequence[AudioChunk]) -> Rendered:
        audio = b""
        words: tuple[Word, ...] = ()
        for chunk in _merged(chunks):
            if self._run is None or not self._run.takes(chunk):
                words += self._timeline.told()
                audio += self._encode(self._flush())
                self._run = _Run(chunk.rate, chunk.speed, self._rate, since=self._pushed)
                self._timeline.loosen()
            audio += self._encode(self._push(self._run, chunk))
        return Rendered(audio, words + self._timeline.told())

    def _push(self, run: _Run, chunk: AudioChunk) -> Pcm:
        began = run.began
        self._timeline.add(chunk.words)
        pcm, seconds = run.push(chunk.samples)
        if began is None and run.began is not None:
            self._timeline.anchor(run.began, self._position, run.speed)
        self._position += seconds
        self._pushed += len(chunk.samples) / chunk.rate
        self._spoken |= seconds > 0
        return pcm

    def end_segment(self, pause: float) -> Rendered:
        """`pause`: seconds of silence after the segment. An answer does not begin with one."""
        words = self._timeline.end_segment(self._position)
        self._pushed = 0.0
        if self._run is None:
            return Rendered(words=words)
        pcm, seconds = self._run.end(pause if self._spoken else 0.0)
        self._position += seconds
        return Rendered(self._encode(pcm), words)

    def finish(self) -> bytes:
        """The last bytes of the answer."""
        return self._encode(self._flush()) + self._encoder.finish()

    def close(self) -> None:
        """Also for an answer that nobody waits for any more."""
        self._encoder.close()

    def _flush(self) -> Pcm:
        if self._run is None:
            return np.zeros(0, np.int16)
        pcm, seconds = self._run.flush()
        self._position += seconds
        return pcm

    def _encode(self, samples: Pcm) -> bytes:
        self._samples += len(samples)
        return self._encoder.push(samples) if len(samples) else b""


class _Run:
    """Audio of one rate and speed, on its way to the answer's rate. What is returned with the
    samples are the seconds that they take in the answer, also those that a filter still holds.
    """

    def __init__(self, rate: int, speed: float, target: int, *, since: float) -> None:
        """`since`: seconds of the segment that came before this run."""
        self.speed = speed
        self._rate = rate
        self._since = since
        self._joiner = Joiner(rate)
        self._stretcher = Stretcher(rate, speed)
        self._resampler = Resampler(rate, target)

    def takes(self, chunk: AudioChunk) -> bool:
        return (chunk.rate, chunk.speed) == (self._rate, self.speed)

    @property
    def began(self) -> float | None:
        """Seconds into the segment at which what is heard of this run begins; None: not yet."""
        trimmed = self._joiner.trimmed
        return None if trimmed is None else self._since + trimmed / self._rate

    def push(self, samples: Pcm) -> tuple[Pcm, float]:
        joined = self._joiner.push(samples)
        seconds = len(joined) / self._rate / self.speed
        return self._resample(self._stretcher.push(joined)), seconds

    def end(self, pause: float) -> tuple[Pcm, float]:
        silence = self._joiner.end(pause)
        rest = self._stretcher.flush()
        self._stretcher = Stretcher(self._rate, self.speed)
        self._since = 0.0
        return self._resample(np.concatenate((rest, silence))), len(silence) / self._rate

    def flush(self) -> tuple[Pcm, float]:
        pcm, seconds = self.end(0.0)
        return np.concatenate((pcm, self._resampler.flush())), seconds

    def _resample(self, samples: Pcm) -> Pcm:
        return self._resampler.push(samples) if len(samples) else samples


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


def _merged(chunks: Sequence[AudioChunk]) -> Iterator[AudioChunk]:
    """Neighbours of one rate and speed as one: fewer and larger steps for all that follow."""
    alike: list[AudioChunk] = []
    for chunk in chunks:
        if alike and (chunk.rate, chunk.speed) != (alike[0].rate, alike[0].speed):
            yield _joined(alike)
            alike = []
        alike.append(chunk)
    if alike:
        yield _joined(alike)


def _joined(chunks: Sequence[AudioChunk]) -> AudioChunk:
    samples = np.concatenate([chunk.samples for chunk in chunks])
    words = tuple(word for chunk in chunks for word in chunk.words)
    return replace(chunks[0], samples=samples, words=words)
