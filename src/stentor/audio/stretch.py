"""Faster or slower speech, its pitch unchanged."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stentor.types import Pcm

SLOWEST, FASTEST = 0.25, 4.0
HOP = 0.012
"""Seconds of output that each window adds. Windows are two hops long and overlap by one, which
holds a whole period of any voice above 83 Hz."""
REACH = 0.008
"""Seconds by which a window may move to fit the one before it: both ways together a whole period of
any voice above 63 Hz."""
AHEAD = 0.024
"""Seconds: the furthest a window is taken ahead, so that its middle and not its start is at the
right time. At the highest speeds that would take 36 ms, all of it input to wait for."""

# FFmpeg's atempo works the same way, but on longer windows: it holds back up to 175 ms, ends up to
# 155 ms short at speed 0.25, and of a very short input gives nothing, or an error at high speeds.


class Stretcher:
    """Mono int16 at `rate` Hz, `speed` times as fast: SLOWEST to FASTEST, else ValueError.

    Speed 1 passes through uncopied. How the input is cut into pushes changes nothing. Altogether n
    samples become round(n / speed). The first is the input's own, none is beyond the extremes of
    the input, and what sounds at t is heard within 30 ms of t / speed. Input shorter than a window
    counts as if silence followed. What a higher speed leaves out is in pieces of up to 20 ms at
    speed 2, 56 ms at speed 4. At most 57 ms of input are held back until `flush`.

    The method is WSOLA: W. Verhelst and M. Roelands, "An overlap-add technique based on waveform
    similarity (WSOLA) for high quality time-scale modification of speech", ICASSP 1993.
    """

    def __init__(self, rate: int, speed: float) -> None:
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"a speed from {SLOWEST} to {FASTEST}, not {speed}")
        self._speed = speed
        self._hop = max(round(HOP * rate), 1)
        self._reach = round(REACH * rate)
        self._ahead = min(round((speed - 1) * self._hop), round(AHEAD * rate))
        self._rise = (1 - np.cos(np.pi * (np.arange(self._hop) + 0.5) / self._hop)) / 2
        self._input = np.empty(0, np.int16)
        self._dropped = 0  # samples before `_input` that no window needs any more
        self._windows = 0
        self._next = 0  # where the last window's second half starts: what would come next unchanged

    def push(self, pcm: Pcm) -> Pcm:
        if self._speed == 1:
            return pcm
        self._input = np.concatenate((self._input, pcm))
        pieces = []
        while self._ready():
            pieces.append(self._window(self._place()))
        self._drop()
        return _joined(pieces)

    def flush(self) -> Pcm:
        """The end of the output. Nothing may be pushed after it."""
        if self._speed == 1:
            return np.empty(0, np.int16)
        rest = round(self._end() / self._speed) - self._windows * self._hop
        missing = 2 * self._hop - len(self._input)
        self._input = np.pad(self._input, (0, max(missing, 0)))
        pieces = []
        while rest > 2 * self._hop:
            pieces.append(self._window(min(self._place(), self._latest())))
            rest -= self._hop
        # The last one stays whole, so that the end is the input's own.
        last = self._end() - max(rest, self._hop) - self._reach
        pieces += [self._window(last), self._second_half()]
        return _joined(pieces)[: (len(pieces) - 2) * self._hop + rest]

    def _end(self) -> int:
        return self._dropped + len(self._input)

    def _ready(self) -> bool:
        """The next window has its input, and its output fits the length of the input so far."""
        due = (self._windows + 1) * self._hop * self._speed
        return self._place() <= self._latest() and due <= self._end()

    def _place(self) -> int:
        """Where the next window belongs in the input."""
        if not self._windows:
            return 0
        return max(round(self._windows * self._hop * self._speed) + self._ahead, 0)

    def _latest(self) -> int:
        """The last place that leaves a window its reach and its length."""
        return self._end() - self._reach - 2 * self._hop

    def _window(self, place: int) -> Pcm:
        """One more hop of output, from a window near `place`."""
        start = self._fit(place) if self._windows else 0
        mixed = self._samples(start, self._hop)
        if self._windows:
            before = self._samples(self._next, self._hop)
            mixed = before + (mixed - before) * self._rise
        self._windows += 1
        self._next = start + self._hop
        out: Pcm = np.rint(mixed).astype(np.int16)
        return out

    def _fit(self, place: int) -> int:
        """The start within reach of `place` that goes on most like the last window would."""
        first = max(place - self._reach, 0)
        region = self._samples(first, max(place + self._reach, first) - first + self._hop)
        found = likest(region, self._samples(self._next, self._hop))
        return max(place, 0) if found is None else first + found

    def _samples(self, start: int, count: int) -> NDArray[np.float64]:
        at = start - self._dropped
        return self._input[at : at + count].astype(np.float64)

    def _second_half(self) -> Pcm:
        at = self._next - self._dropped
        return self._input[at : at + self._hop]

    def _drop(self) -> None:
        at_flush = self._latest() - self._reach
        needed = max(min(self._place() - self._reach, self._next, at_flush), self._dropped)
        self._input = self._input[needed - self._dropped :]
        self._dropped = needed


def likest(region: NDArray[np.float64], pattern: NDArray[np.float64]) -> int | None:
    """Where in `region` the shape of `pattern` is found best (normalised cross-correlation).

    None: nowhere at all. Samples are whole numbers of 16 bits, so every sum is exact in any order,
    and where the region lies in memory cannot change the answer.
    """
    products = np.correlate(region, pattern, "valid")
    if not products.any():
        return None
    energy = np.cumsum(np.concatenate(((0.0,), region * region)))
    energy = energy[len(pattern) :] - energy[: -len(pattern)]
    return int(np.argmax(products / np.sqrt(energy + 1)))


def _joined(pieces: list[Pcm]) -> Pcm:
    return np.concatenate(pieces) if pieces else np.empty(0, np.int16)
