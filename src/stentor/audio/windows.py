"""Speech packed into the windows that a transcriber likes, and the way back to the file's times.

A window costs a transcriber about the same whether it is full or not, so regions of speech are put
side by side and the silence between them is left out. Nothing that is speech is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from stentor.audio.cut import Frame, cut
from stentor.types import Pcm, VadSettings

FRAME_SECONDS = 0.032
"""What one probability stands for."""
DEFAULT = VadSettings()
ON = DEFAULT.threshold
PADDING = 7
"""Frames kept after speech (0.22 s), and before it too unless told otherwise."""


@dataclass(frozen=True)
class Span:
    """A stretch of the file within a window; all in seconds."""

    window_start: float
    source_start: float
    length: float


@dataclass(frozen=True)
class Window:
    """Speech for one call: mono int16, and where in the file its spans are, in order of time."""

    samples: Pcm
    spans: tuple[Span, ...]
    before: float = PADDING * FRAME_SECONDS
    after: float = PADDING * FRAME_SECONDS
    """Seconds of padding on either side of the speech in a span."""

    def source_time(self, t: float) -> float:
        """The file's time of the window's time `t`, clamped to the window. Monotonic."""
        span = self._span(t)
        return span.source_start + min(max(t - span.window_start, 0.0), span.length)

    def source_interval(self, start: float, end: float) -> tuple[float, float]:
        """The same for something that was said: it neither ends in the padding before a span's
        speech nor starts in the padding after it, which would stretch it over left-out silence.
        """
        first, last = self._span(start + self.after), self._span(end - self.before)
        if first.source_start > last.source_start:
            return self.source_time(start), self.source_time(end)
        return (
            max(self.source_time(start), first.source_start),
            min(self.source_time(end), last.source_start + last.length),
        )

    def _span(self, t: float) -> Span:
        after = bisect_right(self.spans, t, key=lambda span: span.window_start)
        return self.spans[max(after - 1, 0)]


class Windower:
    """Packs a file's speech, in order, into windows of at most `max_seconds`.

    A full window is cut at a pause near its end, or where speech is least likely. Holds one
    window's frames at most, and the padding.
    """

    def __init__(self, rate: int, max_seconds: float, vad: VadSettings = DEFAULT) -> None:
        self._rate = rate
        self._size = round(rate * FRAME_SECONDS)
        self._capacity = int(max_seconds / FRAME_SECONDS)
        if self._capacity < 1:
            raise ValueError(f"no frame fits into {max_seconds} seconds")
        self._vad = vad
        self._max_silence = round(vad.silence / FRAME_SECONDS)
        self._before_most = round(vad.padding / FRAME_SECONDS)
        self._after_most = min(PADDING, self._max_silence)
        self._samples = np.empty(0, np.int16)  # not judged yet
        self._number = 0
        self._speech = False
        self._silence = 0  # frames since speech
        self._padding = 0  # frames to be kept after speech
        # Would be padding if speech began now.
        self._before: deque[Frame] = deque(maxlen=self._before_most)
        self._kept: list[Frame] = []

    def push(self, samples: Pcm, probabilities: NDArray[np.float32]) -> list[Window]:
        """Mono int16 samples, and what a SpeechDetector said to them; returns finished windows.

        Probabilities belong to the frames of all samples pushed so far, and may come later.
        """
        self._samples = np.concatenate((self._samples, samples))
        if len(probabilities) * self._size > len(self._samples):
            raise ValueError("more probabilities than frames")
        windows = [w for p in probabilities for w in self._take(float(p))]
        self._samples = self._samples.copy()  # lets the block go
        return windows

    def finish(self) -> list[Window]:
        """The last windows. Samples never judged, less than a frame, count as padding."""
        windows: list[Window] = []
        while len(self._samples):
            windows += self._take(0.0)
        return windows + self._emit(len(self._kept))

    def _take(self, probability: float) -> list[Window]:
        """Judges the next frame."""
        self._speech = probability >= self._vad.threshold / (2 if self._speech else 1)
        samples = self._samples[: self._size].copy()
        self._samples = self._samples[self._size :]
        frame = Frame(self._number, samples, probability, self._speech)
        self._number += 1
        self._silence = 0 if self._speech else self._silence + 1
        if self._speech:
            kept = [*self._before, frame]
            self._before.clear()
            self._padding = self._after_most
            return [window for each in kept for window in self._keep(each)]
        if self._padding:
            self._padding -= 1
            return self._keep(frame)
        self._before.append(frame)
        if self._kept and self._silence > self._max_silence:
            return self._emit(len(self._kept))
        return []

    def _keep(self, frame: Frame) -> list[Window]:
        full = len(self._kept) == self._capacity
        windows = self._emit(cut(self._kept)) if full else []
        self._kept.append(frame)
        return windows

    def _emit(self, count: int) -> list[Window]:
        frames, self._kept = self._kept[:count], self._kept[count:]
        # What a cut left over may be padding alone.
        return [self._window(frames)] if any(frame.speech for frame in frames) else []

    def _window(self, frames: list[Frame]) -> Window:
        spans: list[Span] = []
        start = 0
        for _, run in groupby(enumerate(frames), lambda item: item[1].number - item[0]):
            stretch = [frame for _, frame in run]
            length = sum(len(frame.samples) for frame in stretch)
            source = stretch[0].number * self._size
            spans.append(Span(start / self._rate, source / self._rate, length / self._rate))
            start += length
        samples = np.concatenate([frame.samples for frame in frames])
        before, after = (n * FRAME_SECONDS for n in (self._before_most, self._after_most))
        return Window(samples, tuple(spans), before, after)
