"""Files as `decode` reads them whole."""

from __future__ import annotations

import io

import numpy as np
import pytest

from stentor.audio.decode import decode
from stentor.types import Pcm, RawAudio

from .sounds import level, pitch


def read(
    file: bytes, *, rate: int = 16_000, max_seconds: float = 100.0, raw: RawAudio | None = None
) -> Pcm:
    blocks = decode(io.BytesIO(file), rate=rate, max_seconds=max_seconds, raw=raw)
    return np.concatenate(list(blocks))


def assert_tone(pcm: Pcm, rate: int, *, seconds: float, peak: float = 8_000) -> None:
    assert len(pcm) / rate == pytest.approx(seconds, abs=0.13)  # codecs pad by a frame or two
    middle = pcm[len(pcm) // 4 : -len(pcm) // 4]
    assert pitch(middle, rate) == pytest.approx(440, abs=2)
    assert level(middle) == pytest.approx(peak, rel=0.1)
