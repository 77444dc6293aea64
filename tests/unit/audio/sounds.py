"""Sounds to test with, the files that hold them, and what can be measured of them."""

from __future__ import annotations

import io
import struct
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from stentor.types import Pcm


def tone(rate: int, seconds: float = 1.0, frequency: float = 440.0, level: float = 8_000) -> Pcm:
    phase = 2 * np.pi * frequency / rate * np.arange(round(rate * seconds))
    pcm: Pcm = np.rint(level * np.sin(phase)).astype(np.int16)
    return pcm


def noise(count: int, level: float = 3_000, seed: int = 0) -> Pcm:
    return (level * np.random.default_rng(seed).standard_normal(count)).astype(np.int16)


def pitch(pcm: Pcm, rate: int) -> float:
    """Hz: the strongest frequency."""
    spectrum = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))
    return float(spectrum.argmax()) * rate / len(pcm)


def level(pcm: Pcm) -> float:
    """The peak of a tone as loud."""
    return float(np.sqrt(2 * np.mean(pcm.astype(np.float64) ** 2)))


def split(pcm: Pcm, cuts: list[int]) -> list[Pcm]:
    """Cut at positions, which may repeat or lie outside."""
    return np.split(pcm, sorted(min(cut, len(pcm)) for cut in cuts))


def media(
    container: str,
    codec: str,
    pcm: Pcm,
    rate: int,
    *,
    layout: str = "mono",
    video: str | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """A file. `pcm` is interleaved. `video`: a codec for one black frame per second."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as out:
        pictures: Any = None
        if video is not None:
            pictures = out.add_stream(video, rate=1)
            pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        sound: Any = out.add_stream(codec, rate=rate, layout=layout)
        channels = av.AudioLayout(layout).nb_channels
        seconds = pcm.reshape(-1, channels)
        for start in range(0, len(seconds), rate):
            if pictures is not None:
                picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
                picture.pts = start // rate
                out.mux(pictures.encode(picture))
            part = np.ascontiguousarray(seconds[start : start + rate]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            out.mux(sound.encode(frame))
        for stream in filter(None, (pictures, sound)):
            out.mux(stream.encode(None))
    return file.getvalue()


def wav(data: bytes, *, channels: int = 1, rate: int = 16_000, size: int | None = None) -> bytes:
    """16-bit, with a header that may lie: `size` is what it says about the data's."""
    size = len(data) if size is None else size
    per_second = min(2 * channels * rate, 0xFFFFFFFF)
    form = struct.pack("<HHIIHH", 1, channels, rate, per_second, 2 * channels & 0xFFFF, 16)
    riff = struct.pack("<4sI4s4sI", b"RIFF", min(36 + size, 0xFFFFFFFF), b"WAVE", b"fmt ", 16)
    return riff + form + struct.pack("<4sI", b"data", size) + data


def interleaved(*channels: Pcm) -> Pcm:
    mixed: NDArray[np.int16] = np.stack(channels, axis=1).ravel()
    return mixed
