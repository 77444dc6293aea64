from __future__ import annotations

import io
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from stentor.audio.decode import _OPTIONS, CONTAINERS, decode
from stentor.errors import AudioTooLong, InvalidAudio
from stentor.types import Pcm, RawAudio

from .sounds import interleaved, level, media, noise, pitch, tone, wav


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


class Named(io.BytesIO):
    name: str


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the server's, beside which it runs."""
    path = tmp_path / "secret.wav"
    path.write_bytes(wav(tone(16_000).tobytes()))
    monkeypatch.chdir(tmp_path)
    return path


def test_plain_ffmpeg_would_read_the_secret(secret: Path) -> None:
    with av.open(io.BytesIO(b"ffconcat version 1.0\nfile secret.wav\n"), "r") as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 16_000


@pytest.mark.parametrize(
    "name", ["upload", "list.m3u8", "list.ffconcat", "s.sdp", "%d.png", "a\0b"]
)
@pytest.mark.parametrize(
    "script",
    [
        "ffconcat version 1.0\nfile secret.wav\n",
        "ffconcat version 1.0\nfile '{path}'\n",
        "ffconcat version 1.0\nfile 'file:{path}'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
)
def test_no_other_file_is_opened(secret: Path, script: str, name: str) -> None:
    upload = Named(script.format(path=secret).encode())
    upload.name = name

    with pytest.raises(InvalidAudio, match="format"):
        decode(upload, max_seconds=10)


def test_no_protocol_is_left_to_a_format_that_slips_through(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_OPTIONS, "format_whitelist", CONTAINERS + ",concat")

    with pytest.raises(InvalidAudio, match="format"):
        decode(io.BytesIO(b"ffconcat version 1.0\nfile secret.wav\n"), max_seconds=10)


@pytest.mark.parametrize("name", ["list.m3u8", "%d.png", "a\0b", "\ud800", "", "http://h/a.wav"])
def test_a_name_means_nothing(name: str) -> None:
    upload = Named(wav(tone(16_000).tobytes()))
    upload.name = name

    assert sum(map(len, decode(upload, max_seconds=10))) == 16_000


def test_no_address_is_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        for script in (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile '{url}'\n",
        ):
            upload = Named(script.encode())
            upload.name = "list.m3u8"
            with pytest.raises(InvalidAudio):
                decode(upload, max_seconds=10)
        with pytest.raises(BlockingIOError):
            server.accept()


class BrokenDisk(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 100_000:
            raise OSError("the disk is gone")
        return super().read(size)


def test_what_the_source_raises_is_not_taken_for_bad_audio() -> None:
    file = wav(noise(200_000).tobytes())

    with pytest.raises(OSError, match="the disk is gone"):
        list(decode(BrokenDisk(file), max_seconds=100))
