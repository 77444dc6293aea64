"""Speech as clients get it: every format, speed, event and word, judged by numbers."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.audio import Samples, decoded, streamed_wav, wav
from tests.servers import ECHO, Server

TEXT = (
    "The old man walked slowly to the harbour. He looked at the ships, and then went home. "
    "Nobody was there to meet him, and the lamp in the window was out."
)
FORMATS = {
    "wav": ("audio/wav", "wav"),
    "pcm": ("audio/pcm", None),
    "mp3": ("audio/mpeg", "mp3"),
    "opus": ("audio/ogg", "ogg"),
    "aac": ("audio/aac", "aac"),
    "flac": ("audio/flac", "flac"),
}


OWN = f"""
[engines]
paths = ['{Path(__file__).with_name("own")}']
[models.plain]
backends = [{{ engine = "plain" }}]
[models.moody]
backends = [{{ engine = "moody" }}]
[models.parrot]
backends = [{{ engine = "parrot" }}]
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(OWN + ECHO) as running:
        yield running


def speak(server: Server, **fields: Any) -> bytes:
    body = {"model": "espeak", "input": TEXT, "voice": "alloy", "response_format": "wav"} | fields
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200, answer.text
    return answer.content


def samples_of(audio: bytes, audio_format: str, rate: int = 24_000) -> Samples:
    if audio_format == "pcm":
        return np.frombuffer(audio, np.int16)
    if audio_format == "wav":
        samples, told = streamed_wav(audio)
    else:
        samples, told = decoded(audio)
    assert told == (48_000 if audio_format == "opus" else rate)
    return samples


def level(samples: Samples) -> float:
    """Root mean square in dB of full scale."""
    return float(20 * np.log10(np.sqrt(np.mean((samples / 32768.0) ** 2))))


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


def spectrum_peak(samples: Samples, rate: int) -> float:
    """Hz of the strongest tone."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * rate / len(samples)


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


@dataclass
class Events:
    audio: bytes = b""
    words: list[dict[str, Any]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)


def events(server: Server, **fields: Any) -> Events:
    body = {"model": "espeak", "input": TEXT, "voice": "alloy", "stream_format": "sse"} | fields
    heard = Events()
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if not line.startswith("data: "):
                continue
            data = json.loads(line.removeprefix("data: "))
            heard.order.append(data["type"])
            heard.audio += base64.b64decode(data.get("audio", ""))
            heard.words += data.get("words", [])
            heard.usage = data.get("usage", heard.usage)
            heard.error = data.get("error", heard.error)
    return heard


@pytest.mark.parametrize("audio_format", FORMATS)
def test_events_carry_the_same_audio(server: Server, audio_format: str) -> None:
    plain = speak(server, model="echo", response_format=audio_format)
    heard = events(server, model="echo", response_format=audio_format)
    assert heard.order[-1] == "speech.audio.done"
    assert set(heard.order[:-1]) == {"speech.audio.delta"}
    if audio_format == "opus":  # its stream has a serial number drawn by lot
        assert np.array_equal(decoded(heard.audio)[0], decoded(plain)[0])
    else:
        assert heard.audio == plain


def test_usage_is_what_was_used(server: Server) -> None:
    heard = events(server, model="echo", response_format="pcm")
    seconds = len(heard.audio) / 2 / 24_000
    assert heard.usage["seconds"] == pytest.approx(seconds, abs=0.001)
    assert heard.usage["characters"] == heard.usage["input_tokens"] == len(TEXT)
    assert heard.usage["output_tokens"] == pytest.approx(seconds * 20, abs=1)
    total = heard.usage["input_tokens"] + heard.usage["output_tokens"]
    assert heard.usage["total_tokens"] == total


@pytest.mark.parametrize("speed", [1.0, 2.0, 3.5])
def test_words_in_time(server: Server, speed: float) -> None:
    heard = events(server, timestamps=True, response_format="pcm", speed=speed)
    assert " ".join(word["word"] for word in heard.words) == TEXT
    assert len(heard.words) > 0.9 * len(TEXT.split())  # espeak says a few pairs as one word
    pcm = np.frombuffer(heard.audio, np.int16)
    seconds = len(pcm) / 24_000
    for word, after in zip(heard.words, heard.words[1:], strict=False):
        assert 0 <= word["start"] < word["end"] <= after["start"] + 0.001
    assert heard.words[-1]["end"] <= seconds + 0.001
    quiet = 0
    for word in heard.words:  # each of them is heard where it is told to be
        spoken = pcm[round(word["start"] * 24_000) : round(word["end"] * 24_000)]
        quiet += level(spoken) < -45
    assert quiet == 0
    pauses = [
        (word["end"], after["start"])
        for word, after in zip(heard.words, heard.words[1:], strict=False)
        if word["word"].startswith(("harbour", "home"))
    ]
    assert len(pauses) == 2


def test_words_come_with_the_audio_that_they_are_in(server: Server) -> None:
    heard = events(server, timestamps=True, input=TEXT * 20)
    first_words = heard.order.index("speech.audio.words")
    assert first_words <= 2
    assert heard.order.count("speech.audio.words") > 10


def test_without_timestamps_no_words(server: Server) -> None:
    assert events(server).words == []


def test_an_error_in_midstream_is_an_event(server: Server) -> None:
    config = '[models.bad]\nbackends = [{ engine = "echo", options = { fail_rate = 0.6 } }]'
    with Server(config) as failing:
        broken = None
        for seed in range(60):
            body = {"model": "bad", "input": TEXT * 3, "stream_format": "sse", "seed": seed}
            answer = failing.http.post("/v1/audio/speech", json=body)
            if answer.status_code == 200 and "event: error" in answer.text:
                broken = answer.text
                break
        assert broken is not None, "sixty answers, none of which broke in midstream"
    assert "speech.audio.done" not in broken
    error = json.loads(broken.rstrip().rpartition("data: ")[2])
    assert set(error["error"]) == {"message", "type", "param", "code"}


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
