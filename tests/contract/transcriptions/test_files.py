"""What is uploaded: files of every kind, and samples without a header."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from tests.audio import Samples, wav
from tests.contract.test_refusals import assert_refused
from tests.contract.transcriptions.requests import RATE, heard, post
from tests.servers import Server
from tests.unit.audio.sounds import media
from tests.unit.audio.voices import espeak


def stereo(samples: Samples) -> bytes:
    return np.repeat(samples, 2).astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("content_type", "fields"),
    [
        ("audio/pcm", {}),
        ("audio/pcm;rate=16000", {}),
        ("AUDIO/PCM; RATE=16000; channels=1", {}),
        ("application/octet-stream", {"input_format": "pcm_s16le"}),
        ("audio/wav", {"input_format": "pcm_s16le", "sample_rate": "16000", "channels": "1"}),
        ("audio/pcm; rate=8000", {"sample_rate": "16000"}),
        ("audio/l16; rate=16000; endianness=little-endian", {}),
    ],
)
def test_samples_without_a_header(
    server: Server, audio: bytes, speech: Samples, content_type: str, fields: dict[str, str]
) -> None:
    raw = speech.astype("<i2").tobytes()
    expected = heard(server, audio)
    assert "seconds at" in expected
    assert heard(server, raw, content_type=content_type, **fields) == expected
    assert heard(server, raw + b"\x7f", content_type=content_type, **fields) == expected


def test_samples_of_other_kinds(server: Server, audio: bytes, speech: Samples) -> None:
    expected = heard(server, audio)
    big = speech.astype(">i2").tobytes()
    assert heard(server, big, content_type="audio/L16;rate=16000") == expected
    assert heard(server, stereo(speech), content_type="audio/pcm", channels="2") == expected
    floats = (speech / 32768).astype("<f4").tobytes()
    assert heard(server, floats, input_format="pcm_f32le") == expected
    fast = heard(server, speech.tobytes(), content_type="audio/pcm", sample_rate="32000")
    assert fast != expected
    law = media("wav", "pcm_mulaw", speech, 8_000)[-len(speech) :]
    slow = heard(server, law, content_type="audio/pcmu")
    assert float(slow.split()[0]) == pytest.approx(2 * float(expected.split()[0]), rel=0.2)
    assert heard(server, law, input_format="pcm_mulaw") == slow


@pytest.mark.parametrize(
    ("content_type", "fields", "param"),
    [
        ("audio/wav", {"sample_rate": "16000"}, "sample_rate"),
        ("audio/wav", {"channels": "1"}, "channels"),
        ("audio/wav", {"input_format": "mp3"}, "input_format"),
        ("audio/pcm", {"sample_rate": "999"}, "sample_rate"),
        ("audio/pcm", {"sample_rate": "768001"}, "sample_rate"),
        ("audio/pcm", {"sample_rate": "x"}, "sample_rate"),
        ("audio/pcm", {"channels": "0"}, "channels"),
        ("audio/pcm", {"channels": "9"}, "channels"),
        ("audio/pcm; rate=99999999999", {}, "file"),
        ("audio/pcm; rate=fast", {}, "file"),
        ("audio/pcm; channels=0", {}, "file"),
    ],
)
def test_samples_that_cannot_be(
    server: Server, audio: bytes, content_type: str, fields: dict[str, str], param: str
) -> None:
    answer = post(server, audio, content_type=content_type, **fields)
    assert_refused(answer, 400, "invalid_request", param)


@pytest.mark.parametrize("content", [b"", b"\1"])
def test_less_than_a_sample(server: Server, content: bytes) -> None:
    assert_refused(post(server, content, content_type="audio/pcm"), 400, "invalid_audio", "file")


def film(sound: bool) -> bytes:
    """A black picture a second; its sound is a tone."""
    if sound:
        tone = espeak("A film with sound.", 44_100)
        return media("mp4", "aac", tone, 44_100, video="mpeg4")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        pictures = out.add_stream("mpeg4", rate=1, width=64, height=64, pix_fmt="yuv420p")
        out.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        out.mux(pictures.encode(None))
    return file.getvalue()


def test_files_of_every_kind(server: Server, speech: Samples) -> None:
    def seconds(file: bytes) -> float:
        return float(heard(server, file).split()[0])

    whole = seconds(wav(speech, RATE))
    cut = media("mp3", "libmp3lame", speech, RATE)
    assert 0.3 * whole < seconds(cut[: len(cut) // 2]) < 0.7 * whole
    assert seconds(film(sound=True)) > 0.5
    telephone = media("wav", "pcm_mulaw", speech[::2].copy(), 8_000)
    assert seconds(telephone) == pytest.approx(whole, rel=0.2)
    surround = media("flac", "flac", np.repeat(speech, 6), RATE, layout="5.1")
    assert seconds(surround) == pytest.approx(whole, rel=0.1)


def test_a_film_without_sound(server: Server) -> None:
    answer = post(server, film(sound=False))
    assert_refused(answer, 400, "invalid_audio", "file")
    assert "no audio" in answer.json()["error"]["message"]
