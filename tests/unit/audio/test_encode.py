from __future__ import annotations

import gc
import io
import wave
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from av.container import OutputContainer

from stentor.audio.decode import decode
from stentor.audio.encode import FORMATS, encode, new_encoder
from stentor.audio.wav import wav_header
from stentor.errors import InvalidRequest, UnsupportedFormat
from stentor.types import Pcm

from .sounds import level, noise, pitch, tone

COMPRESSED = [fmt for fmt in FORMATS if fmt not in {"wav", "pcm"}]


def streamed(fmt: str, rate: int, pcm: Pcm, *, step: float = 0.01) -> Iterator[bytes]:
    """What each push returned, and then `finish`."""
    encoder = new_encoder(fmt, rate)
    for start in range(0, len(pcm), round(step * rate)):
        yield encoder.push(pcm[start : start + round(step * rate)])
    yield encoder.finish()


def decoded(fmt: str, body: bytes, rate: int) -> Pcm:
    if fmt == "pcm":
        return np.frombuffer(body, "<i2")
    return np.concatenate(list(decode(io.BytesIO(body), rate=rate, max_seconds=100)))


RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
LACKING = [("opus", 22_050), ("opus", 44_100)]


@pytest.mark.parametrize(("fmt", "rate"), [*LACKING, ("mp3", 96000), ("aac", 10000)])
def test_a_rate_that_the_format_lacks_is_refused(fmt: str, rate: int) -> None:
    with pytest.raises(InvalidRequest, match="24000") as refusal:
        new_encoder(fmt, rate)
    assert refusal.value.param == "sample_rate"


@pytest.mark.parametrize(
    ("fmt", "rate"), [pair for pair in product(FORMATS, RATES) if pair not in LACKING]
)
def test_every_format_is_the_sound_again(fmt: str, rate: int) -> None:
    pcm = decoded(fmt, b"".join(streamed(fmt, rate, tone(rate, 2.0))), rate)

    # mp3 and aac begin with the encoder's delay, 0.13 s at 8 kHz, and end with a full frame.
    assert 2.0 <= len(pcm) / rate < 2.2
    middle = pcm[len(pcm) // 4 : -len(pcm) // 4]
    assert pitch(middle, rate) == pytest.approx(440, abs=2)
    assert level(middle) == pytest.approx(8_000, rel=0.1)


@pytest.mark.parametrize("fmt", ["wav", "pcm", "flac"])
def test_lossless_formats_lose_nothing(fmt: str) -> None:
    pcm = noise(30_000)

    assert np.array_equal(decoded(fmt, b"".join(streamed(fmt, 24_000, pcm)), 24_000), pcm)
    assert np.array_equal(decoded(fmt, encode(fmt, 24_000, pcm), 24_000), pcm)


@pytest.mark.parametrize(
    ("fmt", "most"),
    [("wav", 0.01), ("pcm", 0.01), ("opus", 0.04), ("mp3", 0.05), ("aac", 0.09), ("flac", 0.1)],
)
def test_audio_comes_soon(fmt: str, most: float) -> None:
    """Seconds of audio at 24 kHz before the first bytes of it."""
    encoder = new_encoder(fmt, 24_000)
    encoder.push(noise(0))  # the header, where there is one
    ready = [bool(encoder.push(chunk)) for chunk in np.split(noise(24_000), 100)]

    assert (ready.index(True) + 1) / 100 <= most


@pytest.mark.parametrize(
    ("fmt", "content_type"),
    [
        ("wav", "audio/wav"),
        ("pcm", "audio/pcm"),
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
    ],
)
def test_content_types(fmt: str, content_type: str) -> None:
    assert new_encoder(fmt, 24_000).content_type == content_type


def test_an_unknown_format_is_told() -> None:
    with pytest.raises(UnsupportedFormat, match="wav, pcm, mp3") as told:
        new_encoder("mp4", 24_000)
    assert told.value.param == "response_format"


@pytest.mark.parametrize("fmt", FORMATS)
def test_an_empty_answer_has_no_sound(fmt: str) -> None:
    body = new_encoder(fmt, 24_000).finish()

    assert len(body) < 200
    assert (fmt in {"pcm", "mp3", "aac"}) == (body == b"")


def test_mp3_begins_with_a_frame_and_has_no_tag() -> None:
    body = encode("mp3", 24_000, tone(24_000))

    assert body[0] == 0xFF
    assert body[1] & 0xE0 == 0xE0
    assert b"Xing" not in body
    assert b"Info" not in body[:400]


def test_a_complete_wav_has_exact_sizes() -> None:
    pcm = noise(12_345)
    with wave.open(io.BytesIO(encode("wav", 22_050, pcm))) as file:
        assert file.getparams()[:4] == (1, 2, 22_050, 12_345)
        assert file.readframes(20_000) == pcm.tobytes()


def test_a_streamed_wav_has_unknown_sizes() -> None:
    header = next(streamed("wav", 24_000, noise(2_400)))[:44]

    assert header == wav_header(24_000, None)
    assert header[4:8] == header[40:44] == b"\xff\xff\xff\xff"
    assert header[:4] + header[8:12] == b"RIFFWAVE"


def test_a_wav_of_more_than_4_gib_has_unknown_sizes() -> None:
    assert wav_header(24_000, 1 << 31) == wav_header(24_000, None)


@pytest.mark.parametrize("samples", [99, 101])
def test_a_complete_answer_must_be_complete(samples: int) -> None:
    encoder = new_encoder("wav", 24_000, 100)
    encoder.push(noise(samples))

    with pytest.raises(ValueError, match="samples against what was announced"):
        encoder.finish()


@pytest.mark.parametrize("fmt", FORMATS)
def test_can_be_closed_at_any_time(fmt: str) -> None:
    fresh, begun, ended = (new_encoder(fmt, 24_000) for _ in range(3))
    begun.push(noise(10_000))
    ended.finish()

    for encoder in (fresh, begun, ended):
        encoder.close()
        encoder.close()


def containers() -> int:
    return sum(type(thing) is OutputContainer for thing in gc.get_objects())


@pytest.mark.parametrize("fmt", COMPRESSED)
def test_a_dropped_encoder_is_freed_without_the_collector(fmt: str) -> None:
    gc.collect()
    gc.disable()
    try:
        encoder = new_encoder(fmt, 24_000)
        encoder.push(noise(10_000))
        assert containers() == 1
        del encoder
        assert containers() == 0
    finally:
        gc.enable()


def test_takes_any_view_of_samples() -> None:
    pcm = noise(20_000)

    assert encode("flac", 24_000, pcm[::-2]) == encode("flac", 24_000, pcm[::-2].copy())
    assert encode("wav", 24_000, pcm[::-2]) == encode("wav", 24_000, pcm[::-2].copy())
