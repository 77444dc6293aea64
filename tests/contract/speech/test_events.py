"""Speech as events: the same audio, words in time, usage, errors."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.audio import decoded
from tests.contract.speech.requests import FORMATS, TEXT, level, speak
from tests.servers import Server


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
