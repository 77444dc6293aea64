"""Files and bare samples that can be decoded."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stentor.audio.decode import decode
from stentor.errors import AudioTooLong, InvalidAudio
from stentor.types import RawAudio

from .decoded import assert_tone, read
from .sounds import interleaved, media, noise, tone, wav


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("wav", "pcm_u8", 8_000),
        ("wav", "pcm_s16le", 16_000),
        ("wav", "pcm_s24le", 44_100),
        ("wav", "pcm_s32le", 48_000),
        ("wav", "pcm_f32le", 96_000),
        ("wav", "pcm_f64le", 22_050),
        ("wav", "pcm_mulaw", 8_000),
        ("w64", "pcm_s16le", 16_000),
        ("aiff", "pcm_s16be", 11_025),
        ("au", "pcm_s16be", 8_000),
        ("caf", "pcm_s16le", 16_000),
        ("mp3", "libmp3lame", 8_000),
        ("mp3", "libmp3lame", 44_100),
        ("flac", "flac", 192_000),
        ("ogg", "libopus", 48_000),
        ("ogg", "flac", 16_000),
        ("adts", "aac", 22_050),
        ("ipod", "aac", 44_100),
        ("mov", "alac", 44_100),
        ("webm", "libopus", 48_000),
        ("matroska", "flac", 32_000),
        ("mpegts", "mp2", 48_000),
        ("avi", "pcm_s16le", 16_000),
        ("wv", "wavpack", 24_000),
    ],
)
def test_reads_what_people_have(container: str, codec: str, rate: int) -> None:
    file = media(container, codec, tone(rate, 2.0), rate)

    assert_tone(read(file), 16_000, seconds=2.0)


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 48_000])
def test_resamples_to_the_rate_asked_for(rate: int) -> None:
    assert_tone(read(media("flac", "flac", tone(22_050), 22_050), rate=rate), rate, seconds=1.0)


def test_nothing_is_left_in_the_resampler() -> None:
    assert len(read(wav(tone(8_000).tobytes(), rate=8_000))) == pytest.approx(16_000, abs=1)


def test_equal_format_passes_unchanged() -> None:
    pcm = noise(20_000)

    assert np.array_equal(read(wav(pcm.tobytes())), pcm)


def test_channels_are_mixed_down() -> None:
    left = tone(16_000)
    stereo = wav(interleaved(left, left * 0).tobytes(), channels=2)
    surround = media("flac", "flac", interleaved(*[left] * 6), 16_000, layout="5.1")
    microphones = wav(interleaved(*[left] * 31, left * 0).tobytes(), channels=32)

    assert_tone(read(stereo), 16_000, seconds=1.0, peak=4_000)
    assert_tone(read(surround), 16_000, seconds=1.0)
    assert_tone(read(microphones), 16_000, seconds=1.0, peak=8_000 * 31 / 32)


@pytest.mark.parametrize(
    ("container", "codec", "video"),
    [("mp4", "aac", "mpeg4"), ("matroska", "aac", "mpeg4"), ("avi", "libmp3lame", "mpeg4")],
)
def test_takes_the_sound_of_a_video(container: str, codec: str, video: str) -> None:
    stereo = interleaved(tone(44_100, 3), tone(44_100, 3))
    file = media(container, codec, stereo, 44_100, layout="stereo", video=video)

    assert_tone(read(file), 16_000, seconds=3.0)


def test_yields_half_seconds_and_leaves_the_source_open() -> None:
    source = io.BytesIO(media("mp3", "libmp3lame", tone(24_000, 3.3), 24_000))
    source.seek(0, io.SEEK_END)  # as an upload is left by who wrote it

    sizes = [len(block) for block in decode(source, max_seconds=10)]

    assert set(sizes[:-1]) == {8_000}
    assert 0 < sizes[-1] <= 8_000
    assert not source.closed


def test_is_used_from_many_threads() -> None:
    file = media("flac", "flac", noise(48_000), 24_000)
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(read, [file] * 8)

    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize(
    ("raw", "dtype", "scale"),
    [
        (RawAudio(), "<i2", 1),
        (RawAudio("pcm_s16be"), ">i2", 1),
        (RawAudio("pcm_f32le"), "<f4", 32768),
    ],
)
@pytest.mark.parametrize("rest", [b"", b"\x55"])
def test_samples_without_a_header(raw: RawAudio, dtype: str, scale: int, rest: bytes) -> None:
    """Part of a sample at the end is dropped."""
    pcm = tone(16_000)
    data = (pcm / scale if scale > 1 else pcm).astype(dtype).tobytes()

    assert np.array_equal(read(data + rest, raw=raw), pcm)


def test_samples_without_a_header_in_channels_at_a_rate() -> None:
    both = interleaved(tone(8_000), tone(8_000))

    assert_tone(read(both.tobytes(), raw=RawAudio(rate=8_000, channels=2)), 16_000, seconds=1.0)
    assert_tone(
        read(np.repeat(both, 3).tobytes(), raw=RawAudio(rate=8_000, channels=6)),
        16_000,
        seconds=1.0,
        peak=8_000,
    )


def test_samples_are_no_playlist() -> None:
    """Told to be samples, a file is not taken for anything else, nor the other way round."""
    pcm = wav(tone(16_000).tobytes())

    assert len(read(pcm, raw=RawAudio())) == 16_000 + 22  # its header is sound, too
    with pytest.raises(InvalidAudio, match="format"):
        read(tone(16_000).tobytes())


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (RawAudio(rate=999), "999 Hz"),
        (RawAudio(channels=0), "0 channels"),
        (RawAudio(), "no audio"),
    ],
)
def test_samples_that_cannot_be(raw: RawAudio, why: str) -> None:
    with pytest.raises(InvalidAudio, match=why):
        read(b"\1", raw=raw)


def test_samples_stop_at_the_limit() -> None:
    with pytest.raises(AudioTooLong):
        read(bytes(2 * 16_001), max_seconds=1.0, raw=RawAudio())
