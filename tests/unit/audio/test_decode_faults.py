"""Files that are no audio, are damaged, or claim what is not so."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from stentor.audio.decode import decode
from stentor.errors import AudioTooLong, InvalidAudio

from .decoded import assert_tone, read
from .sounds import interleaved, media, noise, pitch, tone, wav

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63000100"
    "0005000100c8a9f00b0000000049454e44ae426082"
)


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "empty"),
        (b"\0", "format"),
        (b"This is a text, and it was named speech.wav.\n" * 100, "format"),
        (noise(100_000).tobytes(), "format"),
        (PICTURE, "format"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nA subtitle.\n\n", "format"),
        (wav(b""), "no audio"),
        (wav(bytes(1_000), channels=0), "0 channels"),
        (wav(bytes(1_000), channels=65), "65 channels"),
        (wav(bytes(1_000), rate=0), "format"),
        (wav(bytes(1_000), rate=1), "1 Hz"),
        (wav(bytes(1_000), rate=999), "999 Hz"),
        (wav(bytes(1_000), rate=1_000_000), "1000000 Hz"),
        (wav(bytes(1_000), rate=4_000_000_000), "format"),
    ],
)
def test_refuses_at_once(file: bytes, why: str) -> None:
    with pytest.raises(InvalidAudio, match=why):
        decode(io.BytesIO(file), max_seconds=10)


def test_refuses_a_film_without_sound() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        pictures = out.add_stream("mpeg4", rate=1, width=64, height=64, pix_fmt="yuv420p")
        out.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        out.mux(pictures.encode(None))

    with pytest.raises(InvalidAudio, match="no audio stream"):
        read(file.getvalue())


@pytest.mark.parametrize(
    ("container", "codec", "options"),
    [
        ("mp3", "libmp3lame", {}),
        ("flac", "flac", {}),
        ("ogg", "libopus", {}),
        ("wav", "pcm_s16le", {}),
        ("matroska", "flac", {}),
        ("mp4", "aac", {"movflags": "empty_moov+frag_keyframe"}),
    ],
)
def test_a_file_that_was_cut_ends_where_it_was_cut(
    container: str, codec: str, options: dict[str, str]
) -> None:
    file = media(container, codec, tone(48_000, 6), 48_000, options=options)

    pcm = read(file[: len(file) // 2])

    # No sound is of the same size throughout in every codec, so the middle is only near.
    assert 1.5 < len(pcm) / 16_000 < 4.5
    assert pitch(pcm[:16_000], 16_000) == pytest.approx(440, abs=2)


def test_corrupt_parts_are_skipped(capfd: pytest.CaptureFixture[str]) -> None:
    file = bytearray(media("flac", "flac", tone(16_000, 10) + noise(160_000, 300), 16_000))
    hole = len(file) // 2
    file[hole : hole + 2_000] = noise(1_000, seed=1).tobytes()

    pcm = read(bytes(file))

    assert 9.0 < len(pcm) / 16_000 < 10.0
    assert pitch(pcm[-16_000:], 16_000) == pytest.approx(440, abs=2)
    assert capfd.readouterr() == ("", "")


def test_refuses_a_file_that_is_corrupt_throughout() -> None:
    file = bytearray(media("mp4", "aac", tone(16_000, 2), 16_000))
    data, index = file.index(b"mdat") + 4, file.index(b"moov") - 4
    file[data:index] = b"\xff" * (index - data)

    with pytest.raises(InvalidAudio, match="no audio that can be decoded"):
        decode(io.BytesIO(file), max_seconds=10)


def test_a_format_that_changes_midway_is_followed() -> None:
    first = media("adts", "aac", tone(24_000, 2), 24_000)
    stereo = interleaved(tone(44_100, 2), tone(44_100, 2))
    second = media("adts", "aac", stereo, 44_100, layout="stereo")

    assert_tone(read(first + second), 16_000, seconds=4.0)


def test_a_stream_that_appears_midway_does_no_harm() -> None:
    def broadcast(seconds: int, video: str | None) -> bytes:
        return media("mpegts", "mp2", tone(24_000, seconds), 24_000, video=video)

    file = broadcast(20, None) + broadcast(2, "mpeg2video") + broadcast(60, None)

    # In the part with pictures, another stream carries the sound.
    assert_tone(read(file), 16_000, seconds=80.0)


def test_tags_in_any_encoding_do_no_harm() -> None:
    file = wav(tone(16_000).tobytes())
    tags = b"LIST\x10\0\0\0INFOINAM\x04\0\0\0\xff\xfe\xfa\0"
    with pytest.raises(UnicodeDecodeError):
        av.open(io.BytesIO(file + tags), "r")

    assert_tone(read(file + tags), 16_000, seconds=1.0)


def test_stops_at_the_limit() -> None:
    file = media("flac", "flac", np.zeros(16_000 * 1_200, np.int16), 16_000)
    source = io.BytesIO(file)
    blocks = decode(source, max_seconds=60)

    assert sum(len(next(blocks)) for _ in range(119)) == 119 * 8_000
    with pytest.raises(AudioTooLong, match="60 seconds"):
        next(blocks)
    assert source.tell() < len(file) / 2


def test_the_limit_itself_is_allowed() -> None:
    assert len(read(wav(bytes(2 * 16_000)), max_seconds=1.0)) == 16_000
    with pytest.raises(AudioTooLong):
        read(wav(bytes(2 * 16_001)), max_seconds=1.0)


def test_what_a_header_claims_about_length_is_not_believed() -> None:
    pcm = tone(16_000)
    endless = wav(pcm.tobytes(), size=0xFFFFFFFF)
    years = bytearray(media("flac", "flac", pcm, 16_000))
    years[21:26] = bytes([years[21] | 0x0F, 0xFF, 0xFF, 0xFF, 0xFF])  # STREAMINFO, total samples

    assert_tone(read(endless, max_seconds=10), 16_000, seconds=1.0)
    assert_tone(read(bytes(years), max_seconds=10), 16_000, seconds=1.0)


class BrokenDisk(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 100_000:
            raise OSError("the disk is gone")
        return super().read(size)


def test_what_the_source_raises_is_not_taken_for_bad_audio() -> None:
    file = wav(noise(200_000).tobytes())

    with pytest.raises(OSError, match="the disk is gone"):
        list(decode(BrokenDisk(file), max_seconds=100))
