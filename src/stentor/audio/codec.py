"""Compressed audio, through PyAV to a sink that cannot seek."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av import AudioFrame
from av.audio.stream import AudioStream

from stentor.types import Pcm


@dataclass(frozen=True)
class Codec:
    """A PyAV encoder in its container. `rates`: Hz; none: all. `bit_rate`: per second."""

    content_type: str
    container: str
    name: str
    rates: tuple[int, ...] = ()
    bit_rate: int | None = None
    options: dict[str, str] = field(default_factory=dict)
    muxing: dict[str, str] = field(default_factory=dict)


class _Sink:
    """What a muxer writes to. It has no `seek`, so FFmpeg writes a stream."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def taken(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


class Compressed:
    def __init__(self, codec: Codec, rate: int) -> None:
        self.content_type = codec.content_type
        self._rate = rate
        self._sink = _Sink()
        self._container = av.open(
            self._sink, "w", format=codec.container, container_options=codec.muxing
        )
        # Stream and container refer to each other, and the collector cannot see how much memory
        # FFmpeg holds: an encoder that was merely dropped must not wait for it.
        weakref.finalize(self, self._container.close).atexit = False
        self._stream = cast(
            AudioStream,
            self._container.add_stream(
                codec.name, rate=self._rate, options=codec.options, layout="mono"
            ),
        )
        if codec.bit_rate is not None:
            self._stream.bit_rate = codec.bit_rate
        self._container.start_encoding()
        self._position = 0

    def push(self, pcm: Pcm) -> bytes:
        self._encode(pcm)
        return self._sink.taken()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._sink.taken()

    def close(self) -> None:
        self._container.close()

    def _encode(self, pcm: Pcm) -> None:
        if not len(pcm):
            return
        row = np.ascontiguousarray(pcm)[None, :]
        frame = AudioFrame.from_ndarray(row, format="s16", layout="mono")
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._position
        self._position += len(pcm)
        self._container.mux(self._stream.encode(frame))
