"""Every format, rate and speed, judged by the samples."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from tests.audio import streamed_wav
from tests.contract.speech.requests import FORMATS, TEXT, level, samples_of, speak, spectrum_peak
from tests.servers import Server


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "complete"])
@pytest.mark.parametrize("audio_format", FORMATS)
def test_every_format(server: Server, audio_format: str, stream: bool) -> None:
    reference, _ = streamed_wav(speak(server))
    answer = server.http.post(
        "/v1/audio/speech",
        json={
            "model": "espeak",
            "input": TEXT,
            "voice": "alloy",
            "response_format": audio_format,
            "stream": stream,
        },
    )
    content_type, container = FORMATS[audio_format]
    assert answer.headers["content-type"] == content_type
    if container is not None:
        with av.open(io.BytesIO(answer.content)) as file:
            assert file.format.name == container
            assert file.streams.audio[0].channels == 1
    samples = samples_of(answer.content, audio_format)
    rate = 48_000 if audio_format == "opus" else 24_000
    seconds = len(samples) / rate
    assert seconds == pytest.approx(len(reference) / 24_000, abs=0.1)
    assert level(samples) == pytest.approx(level(reference), abs=0.5)
    if not stream:
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert float(answer.headers["x-audio-duration"]) == pytest.approx(seconds, abs=0.1)
        assert float(answer.headers["x-generation-time"]) > 0


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("audio_format", ["wav", "flac", "mp3", "aac"])
def test_sample_rates(server: Server, audio_format: str, rate: int) -> None:
    audio = speak(server, model="echo", response_format=audio_format, sample_rate=rate)
    seconds = len(samples_of(audio, audio_format, rate)) / rate
    expected = len(streamed_wav(speak(server, model="echo"))[0]) / 24_000
    assert seconds == pytest.approx(
        expected, abs=max(0.1, 2_400 / rate)
    )  # aac ends with a full frame


@pytest.mark.parametrize(
    ("audio_format", "rate"), [("mp3", 10_000), ("mp3", 96_000), ("opus", 44_100), ("aac", 9_000)]
)
def test_a_rate_that_the_format_lacks_is_refused(
    server: Server, audio_format: str, rate: int
) -> None:
    body = {"model": "echo", "input": "Hi.", "response_format": audio_format, "sample_rate": rate}
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "sample_rate"
    assert "24000" in answer.json()["error"]["message"]


@pytest.mark.parametrize("audio_format", FORMATS)
def test_joins_do_not_click(server: Server, audio_format: str) -> None:
    """A text of many segments has no step that the same voice does not make inside a segment."""

    def largest_step(text: str) -> int:
        audio = speak(server, input=text, response_format=audio_format)
        return int(np.abs(np.diff(samples_of(audio, audio_format).astype(int))).max())

    single = max(largest_step(sentence) for sentence in TEXT.replace(". ", ".|").split("|"))
    assert largest_step(TEXT * 4) <= 1.15 * single


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.5, 4.0])
def test_speed_without_a_change_of_pitch_where_the_engine_lacks_it(
    server: Server, speed: float
) -> None:
    text = "a long and even tone that goes on and on"
    normal, _ = streamed_wav(speak(server, model="plain", input=text))
    other, _ = streamed_wav(speak(server, model="plain", input=text, speed=speed))
    assert len(other) == pytest.approx(len(normal) / speed, abs=0.1 * 24_000)
    middle = len(other) // 4
    assert spectrum_peak(other[middle : 3 * middle], 24_000) == pytest.approx(
        spectrum_peak(normal[len(normal) // 4 : 3 * len(normal) // 4], 24_000), rel=0.02
    )


@pytest.mark.parametrize("speed", [0.25, 0.4, 2.0, 4.0])
def test_speed_beyond_the_range_of_the_engine(server: Server, speed: float) -> None:
    """espeak goes from 0.46 to 2.57, and not quite in proportion."""
    normal = len(streamed_wav(speak(server))[0])
    other = len(streamed_wav(speak(server, speed=speed))[0])
    assert normal / speed * 0.75 < other < normal / speed * 1.35
