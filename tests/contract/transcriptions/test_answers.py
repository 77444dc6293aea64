"""What is answered in each format. `echo-transcribe` makes it exact; pocketsphinx makes it real."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import openai
import pytest
import srt
import webvtt

from tests.audio import Samples, decoded, wav
from tests.contract.test_refusals import assert_refused
from tests.contract.transcriptions.requests import RATE, VERBOSE, heard, post
from tests.servers import Server


def test_json_and_text(client: openai.OpenAI, audio: bytes, speech: Samples) -> None:
    told = client.audio.transcriptions.create(model="scripted", file=("a.wav", audio))
    assert told.text == "Hello there, you. And goodbye!"
    assert told.languages is None  # nobody knows
    assert told.usage is not None
    assert told.usage.type == "duration"
    assert told.usage.seconds == pytest.approx(len(speech) / RATE, abs=1e-3)
    text = client.audio.transcriptions.create(
        model="scripted", file=("a.wav", audio), response_format="text"
    )
    assert text == told.text + "\n"


def test_verbose_json(client: openai.OpenAI, audio: bytes, speech: Samples) -> None:
    told = client.audio.transcriptions.create(
        model="scripted", file=("a.wav", audio), response_format="verbose_json"
    )
    assert told.duration == pytest.approx(len(speech) / RATE, abs=1e-3)
    # The engine cannot tell, and no constant stands in for it.
    assert told.model_dump()["language"] is None
    assert told.words is None
    assert told.segments is not None
    assert [segment.id for segment in told.segments] == [0, 1]
    assert "".join(segment.text for segment in told.segments) == told.text
    first, second = told.segments
    assert 0 <= first.start < first.end <= second.start < second.end <= told.duration
    for segment in told.segments:
        # Figures that the engine does not give are none.
        assert segment.tokens == []
        figures = segment.model_dump()
        for name in ("avg_logprob", "no_speech_prob", "temperature"):
            assert figures[name] is None
        assert 0 < segment.compression_ratio < 1  # so short a text only grows
    assert told.model_extra == {"task": "transcribe"}


def test_verbose_json_with_figures_of_the_engine(client: openai.OpenAI, audio: bytes) -> None:
    told = client.audio.transcriptions.create(
        model="polyglot", file=("a.wav", audio), response_format="verbose_json"
    )
    assert told.segments is not None
    (segment,) = told.segments
    assert segment.tokens == [50364, 2425]
    assert segment.avg_logprob == -0.25
    assert segment.no_speech_prob == 0.01
    assert segment.temperature == 0
    assert told.language == "german"


@pytest.mark.parametrize(
    "name",
    ["timestamp_granularities", "timestamp_granularities[]", "timestamp_granularities[0]"],
)
@pytest.mark.parametrize("asked", [["word"], ["segment"], ["word", "segment"]])
def test_granularities(server: Server, audio: bytes, name: str, asked: list[str]) -> None:
    fields: dict[str, Any] = {"model": "scripted", "response_format": "verbose_json", name: asked}
    told = post(server, audio, **fields).json()
    assert ("words" in told) == ("word" in asked)
    assert ("segments" in told) == ("segment" in asked)
    if "word" in asked:
        assert [set(word) for word in told["words"]] == [{"word", "start", "end"}] * 5
        assert [word["word"] for word in told["words"]] == told["text"].split()
        assert all(one["end"] <= two["start"] for one, two in pairwise(told["words"]))


def test_words_of_a_model_that_has_none(server: Server, audio: bytes) -> None:
    fields = {"model": "wordless", "response_format": "verbose_json"}
    asked = {"timestamp_granularities[]": "word"}
    refused = post(server, audio, **fields, **asked)
    assert_refused(refused, 400, "invalid_request", "timestamp_granularities")
    assert heard(server, audio, **fields) == "No times."
    assert "No times." in post(server, audio, **fields | {"response_format": "srt"}).text
    assert_refused(
        post(server, audio, VERBOSE, **fields, **asked),
        400,
        "invalid_request",
        "timestamp_granularities",
    )
    assert post(server, audio, VERBOSE, **fields).json()["words"] == []


@pytest.mark.parametrize(
    ("response_format", "content_type"),
    [("srt", "application/x-subrip; charset=utf-8"), ("vtt", "text/vtt; charset=utf-8")],
)
def test_subtitles(
    client: openai.OpenAI,
    audio: bytes,
    speech: Samples,
    response_format: Literal["srt", "vtt"],
    content_type: str,
) -> None:
    answer = client.audio.transcriptions.with_raw_response.create(
        model="scripted", file=("a.wav", audio), response_format=response_format
    )
    assert answer.headers["content-type"] == content_type
    body = answer.content.decode()
    if response_format == "srt":
        cues = list(srt.parse(body))
        assert cues[-1].end.total_seconds() <= len(speech) / RATE + 0.001
        texts = [cue.content for cue in cues]
    else:
        texts = [cue.text for cue in webvtt.from_buffer(io.StringIO(body)).captions]
    assert texts == ["Hello there, you.", "And goodbye!"]


@pytest.mark.parametrize(
    ("response_format", "body"),
    [("json", '{"text": ""'), ("text", "\n"), ("srt", ""), ("vtt", "WEBVTT\n\n")],
)
def test_nothing_is_said(server: Server, response_format: str, body: str) -> None:
    silence = wav(np.zeros(RATE, np.int16), RATE)
    answer = post(server, silence, response_format=response_format)
    assert answer.status_code == 200
    assert answer.text.startswith(body)
    verbose = post(server, silence, model="polyglot", response_format="verbose_json").json()
    assert verbose["segments"] == []
    assert verbose["language"] is None  # there was nothing to detect it in
    assert verbose["duration"] == 1.0


def test_the_verbose_route(server: Server, audio: bytes, speech: Samples) -> None:
    answer = post(server, audio, VERBOSE, model="polyglot")
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["task"] == "transcribe"
    assert (told["model"], told["backend"]) == ("polyglot", "engine:echo-transcribe")
    assert told["languages"] == ["de"]
    assert told["processing_time"] > 0
    factor = told["processing_time"] / told["duration"]
    assert told["real_time_factor"] == pytest.approx(factor, abs=1e-3)
    assert told["segments"][0]["details"]["avg_logprob"] == -0.25
    assert told["segments"][0]["language"] == "de"
    assert [word["word"] for word in told["words"]] == told["text"].split()
    assert {word["confidence"] for word in told["words"]} == {0.9}
    assert told["usage"]["seconds"] == pytest.approx(len(speech) / RATE, abs=1e-3)
    refused = post(server, audio, VERBOSE, response_format="srt")
    assert_refused(refused, 400, "unsupported_format", "response_format")


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
def test_translations(client: openai.OpenAI, audio: bytes) -> None:
    file = ("a.wav", audio)
    told = client.audio.translations.create(model="polyglot", file=file)
    assert told.text.startswith("task translate language None")
    assert set(told.model_dump()) == {"text"}
    verbose = client.audio.translations.create(
        model="polyglot", file=file, response_format="verbose_json"
    )
    assert verbose.language == "english"  # of what is written
    assert verbose.text == told.text
    assert verbose.segments is not None
    assert [segment.text for segment in verbose.segments] == [told.text]
    assert (verbose.model_extra or {})["task"] == "translate"
    subtitles = client.audio.translations.create(model="polyglot", file=file, response_format="srt")
    assert next(srt.parse(str(subtitles))).content.startswith("task translate")
    vtt = client.audio.translations.create(model="polyglot", file=file, response_format="vtt")
    assert str(vtt).startswith("WEBVTT\n\n00:")
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.translations.create(model="plain", file=file)
    assert refused.value.param == "model"
    assert "translate" in refused.value.message


def test_a_real_recording(client: openai.OpenAI, server: Server, recording: Path) -> None:
    told = client.audio.transcriptions.create(
        model="whisper-1",
        file=recording,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert "country" in told.text.split()
    assert told.language == "english"
    assert told.words is not None
    assert told.segments is not None
    assert [word.word for word in told.words] == told.text.split()
    times = [time for word in told.words for time in (word.start, word.end)]
    assert times == sorted(times)
    samples, rate = decoded(recording.read_bytes())
    assert 0 <= times[0] < times[-1] <= told.duration + 0.01
    assert told.duration == pytest.approx(len(samples) / rate, abs=0.01)
    for segment in told.segments:
        inside = [word for word in told.words if segment.start <= word.start < segment.end]
        assert [word.word for word in inside] == segment.text.split()
    confidences = {
        word["confidence"]
        for word in post(server, recording.read_bytes(), VERBOSE, model="whisper-1").json()["words"]
    }
    assert len(confidences) > 1
    subtitles = client.audio.transcriptions.create(
        model="whisper-1", file=recording, response_format="srt"
    )
    cues = list(srt.parse(str(subtitles)))
    assert " ".join(cue.content.replace("\n", " ") for cue in cues) == told.text
    assert all(one.end <= two.start for one, two in pairwise(cues))
    assert all((cue.end - cue.start).total_seconds() <= 7 for cue in cues)
