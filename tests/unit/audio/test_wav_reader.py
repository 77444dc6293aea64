from __future__ import annotations

import io
import struct
import wave
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stentor.audio.wav_reader import NotWav, RawReader, WavReader
from tests.audio import Samples, wav

RATE = 8_000
SAMPLES = np.arange(-300, 300, dtype=np.int16) * 100


def read(data: bytes, cuts: list[int] | None = None) -> tuple[Samples, int]:
    reader = WavReader()
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts or [])})
    pieces = [reader.push(data[a:b]) for a, b in pairwise(places)]
    reader.finish()
    return np.concatenate(pieces), reader.rate


def encoded(kind: int, bits: int, channels: int, data: bytes, *, size: int | None = None) -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, RATE, RATE * frame, frame, bits)
    length = len(data) if size is None else size
    head = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<I", 16) + form
    return head + b"data" + struct.pack("<I", length) + data


@given(st.lists(st.integers(0, 2_000), max_size=8))
def test_how_it_is_cut_changes_nothing(cuts: list[int]) -> None:
    samples, rate = read(wav(SAMPLES, RATE), cuts)
    assert np.array_equal(samples, SAMPLES)
    assert rate == RATE


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0xFFFF_FFDB])
def test_a_stream_of_unknown_length(size: int) -> None:
    data = encoded(1, 16, 1, SAMPLES.tobytes(), size=size)
    samples, _ = read(data, [7, 50, 51, 99])
    assert np.array_equal(samples, SAMPLES)


def floats() -> NDArray[np.float64]:
    return SAMPLES / 32_768


@pytest.mark.parametrize(
    ("kind", "bits", "data"),
    [
        (1, 8, ((SAMPLES.astype(int) >> 8) + 128).astype("u1").tobytes()),
        (
            1,
            24,
            (SAMPLES.astype("<i4") << 8).astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes(),
        ),
        (1, 32, (SAMPLES.astype("<i4") << 16).tobytes()),
        (3, 32, floats().astype("<f4").tobytes()),
        (3, 64, floats().astype("<f8").tobytes()),
    ],
)
def test_other_widths(kind: int, bits: int, data: bytes) -> None:
    samples, _ = read(encoded(kind, bits, 1, data), [45, 46, 50])
    assert np.abs(samples.astype(int) - SAMPLES).max() <= (255 if bits == 8 else 1)


def test_floats_beyond_all_bounds_are_clipped() -> None:
    data = np.array([2.0, -2.0, np.inf, np.nan], "<f4").tobytes()
    assert read(encoded(3, 32, 1, data))[0].tolist() == [32_767, -32_768, 32_767, 0]


def test_channels_are_mixed() -> None:
    both = np.stack([SAMPLES, np.zeros_like(SAMPLES)], axis=1)
    samples, _ = read(encoded(1, 16, 2, both.tobytes()), [47, 49])
    assert np.abs(samples.astype(int) - SAMPLES // 2).max() <= 1


def test_other_chunks_are_passed_over() -> None:
    whole = wav(SAMPLES, RATE)
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    samples, _ = read(whole[:12] + odd + whole[12:] + odd, [14, 20, 25, 60])
    assert np.array_equal(samples, SAMPLES)


def test_the_extensible_format() -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", "none"))
        file.writeframes(SAMPLES.tobytes())
    plain = buffer.getvalue()
    tail = struct.pack("<HHIH", 22, 16, 4, 1) + bytes(14)
    form = struct.pack("<I", 40) + struct.pack("<H", 0xFFFE) + plain[22:36] + tail
    assert np.array_equal(read(plain[:16] + form + plain[36:])[0], SAMPLES)


@pytest.mark.parametrize(
    "data",
    [
        b"ID3\4 this is an mp3, or says so",
        wav(SAMPLES, RATE)[:30],
        wav(SAMPLES, RATE)[:-1],
        wav(SAMPLES, RATE)[:-2],
        encoded(1, 16, 1, SAMPLES.tobytes() + b"\1", size=0),
        wav(SAMPLES, RATE) + wav(SAMPLES, RATE),
        wav(SAMPLES, RATE) + SAMPLES.tobytes(),
        encoded(7, 8, 1, SAMPLES.tobytes()),
        encoded(1, 16, 0, SAMPLES.tobytes()),
        wav(SAMPLES, RATE).replace(b"fmt ", b"frm "),
    ],
)
def test_what_is_no_wav_or_not_all_of_one(data: bytes) -> None:
    with pytest.raises(NotWav):
        read(data, [13, 40])


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=3))
def test_bytes_of_any_kind(data: bytes, cuts: list[int]) -> None:
    """Samples or NotWav, and nothing else; behind the start of a true one too."""
    for given_ in (data, wav(SAMPLES, RATE)[:12] + data, encoded(1, 24, 2, b"", size=0) + data):
        if given_:
            try:
                read(given_, cuts)
            except NotWav:
                pass  # as it should


@given(st.lists(st.integers(0, 1_200), max_size=6))
def test_samples_without_a_header(cuts: list[int]) -> None:
    data = SAMPLES.tobytes()
    reader = RawReader(RATE)
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    pieces = [reader.push(data[a:b]) for a, b in pairwise(places)]
    reader.finish()
    assert np.array_equal(np.concatenate(pieces), SAMPLES)
    reader.push(b"\0")
    with pytest.raises(NotWav):
        reader.finish()
