"""What a request wishes beyond a voice: instructions, a recording, a language."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from tests.audio import streamed_wav, wav
from tests.contract.speech.requests import TEXT, speak, spectrum_peak
from tests.servers import Server


def test_instructions_reach_an_engine_that_follows_them(server: Server) -> None:
    def pitch(**fields: str) -> float:
        return spectrum_peak(streamed_wav(speak(server, model="moody", **fields))[0], 24_000)

    assert pitch() == pytest.approx(300, rel=0.01)
    assert pitch(instructions="Speak like a pirate.") == pytest.approx(600, rel=0.01)


def tone(hertz: float, seconds: float) -> bytes:
    samples = 9_000 * np.sin(np.arange(round(seconds * 16_000)) * 2 * np.pi * hertz / 16_000)
    return wav(samples.astype(np.int16), 16_000)


@pytest.mark.parametrize("head", ["", "data:audio/wav;base64,"])
def test_the_voice_of_a_recording(server: Server, head: str) -> None:
    for hertz in (440, 700, 440):
        recording = head + base64.b64encode(tone(hertz, 2.0)).decode()
        audio = speak(server, model="parrot", reference_audio=recording)
        assert spectrum_peak(streamed_wav(audio)[0], 24_000) == pytest.approx(hertz, rel=0.01)
    assert speak(server, model="parrot") != audio


@pytest.mark.parametrize(
    ("model", "recording", "told"),
    [
        ("plain", base64.b64encode(tone(440, 2.0)).decode(), "cannot take on"),
        ("parrot", base64.b64encode(tone(440, 0.4)).decode(), "shorter than 0.5 s"),
        ("parrot", base64.b64encode(tone(440, 5.2)).decode(), "longer than 5 s"),
        ("parrot", base64.b64encode(b"no audio at all").decode(), "not audio"),
        ("parrot", "not base64!", "base64"),
        ("parrot", "data:audio/wav,xyz", "base64"),
        ("parrot", "https://example.com/voice.wav", "base64"),
    ],
)
def test_recordings_that_will_not_do(server: Server, model: str, recording: str, told: str) -> None:
    body = {"model": model, "input": TEXT, "reference_audio": recording}
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "reference_audio"
    assert told in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("We ran 5 km.", "We ran five kilometers."),
        ("It cost $20.", "It cost twenty dollars."),
        ("Dr. Brown left.", "Doctor Brown left."),
    ],
)
def test_figures_are_words_for_an_engine_that_cannot_read_them(
    server: Server, written: str, said: str
) -> None:
    assert speak(server, model="plain", input=written) == speak(server, model="plain", input=said)


@pytest.mark.parametrize("language", ["EN", "english", "eng", "EN_us"])
def test_a_language_may_be_written_in_many_ways(server: Server, language: str) -> None:
    text = "5% of 3rd and $5.50, Dr. Smith"
    told = speak(server, model="plain", input=text, language=language)
    assert told == speak(server, model="plain", input=text, language="en")


def test_what_a_model_cannot_follow_is_told(server: Server) -> None:
    body = {"model": "echo", "input": "Hi.", "instructions": "Speak like a pirate."}
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200
    assert answer.headers["x-stentor-ignored"] == "instructions"
    plain = server.http.post("/v1/audio/speech", json={"model": "echo", "input": "Hi."})
    assert "x-stentor-ignored" not in plain.headers


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"stream_format": "sse", "stream": False}, "stream"),
        ({"timestamps": True}, "timestamps"),
        ({"model": "plain", "timestamps": True, "stream_format": "sse"}, "timestamps"),
        ({"stream_format": "xml"}, "stream_format"),
        ({"instructions": "a" * 4097}, "instructions"),
        ({"sample_rate": 7_999}, "sample_rate"),
        ({"sample_rate": 96_001}, "sample_rate"),
        ({"timestamps": "perhaps"}, "timestamps"),
    ],
)
def test_wishes_that_contradict(server: Server, fields: dict[str, Any], param: str) -> None:
    body = {"model": "espeak", "input": TEXT} | fields
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_the_language_of_the_text_is_spoken(server: Server) -> None:
    """OpenAI's voices speak whatever language a text is in; so do ours, if a voice speaks it."""
    german = "Guten Morgen, wie geht es Ihnen heute? Das Wetter ist sehr schön."
    own = speak(server, input=german)
    told = speak(server, input=german, language="de")
    english = speak(server, input=german, voice="en-us")
    assert len(own) == pytest.approx(len(told), rel=0.02)
    assert abs(len(english) - len(told)) > 0.03 * len(told)
