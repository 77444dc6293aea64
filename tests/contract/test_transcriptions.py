"""Transcriptions and translations, field by field: the official SDK, and raw requests for what it
would not send. `echo-transcribe` makes answers exact; pocketsphinx makes them real."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import av
import httpx2
import numpy as np
import openai
import pytest
import srt
import webvtt

from tests.audio import Samples, decoded, wav
from tests.contract.test_refusals import assert_refused
from tests.servers import Server
from tests.unit.audio.sounds import media
from tests.unit.audio.voices import espeak

RATE = 16_000
CONFIG = """
[models.plain]
backends = [{ engine = "echo-transcribe" }]
[models.scripted]
[[models.scripted.backends]]
engine = "echo-transcribe"
options = { script = "Hello there, you.\\nAnd goodbye!" }
[models.polyglot]
[[models.polyglot.backends]]
engine = "echo-transcribe"
[models.polyglot.backends.options]
script = "task {task} language {language} prompt {prompt} words {words}"
language = "de"
translates = true
prompts = true
figures = true
[models.wordless]
backends = [{ engine = "echo-transcribe", options = { script = "No times.", hears_words = false } }]
"""
TRANSCRIPTIONS = "/v1/audio/transcriptions"
VERBOSE = "/v1/audio/transcriptions/verbose"
TRANSLATIONS = "/v1/audio/translations"
Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(CONFIG, STENTOR_SERVER__MAX_AUDIO_DURATION="60s") as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> openai.OpenAI:
    return server.client()


@pytest.fixture(scope="module")
def speech() -> Samples:
    return espeak("The old man walked slowly to the harbour.", RATE)


@pytest.fixture(scope="module")
def audio(speech: Samples) -> bytes:
    return wav(speech, RATE)


@pytest.fixture(scope="module")
def counting() -> Samples:
    """Four sentences, a second and a half of silence between them."""
    silence = np.zeros(RATE * 3 // 2, np.int16)
    texts = ("One red apple.", "Two green pears.", "Three old friends.", "Four long years.")
    return np.concatenate([part for text in texts for part in (espeak(text, RATE), silence)])


def post(
    server: Server,
    audio: bytes,
    path: str = TRANSCRIPTIONS,
    *,
    content_type: str = "application/octet-stream",
    **fields: Any,
) -> httpx2.Response:
    """Fields as curl sends them; `model` is plain unless given."""
    data = {"model": "plain"} | fields
    return server.http.post(path, data=data, files={"file": ("a.bin", audio, content_type)})


def heard(server: Server, audio: bytes, path: str = TRANSCRIPTIONS, **more: Any) -> str:
    answer = post(server, audio, path, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["text"])


VAD = '{"type": "server_vad", '
BOTH = [TRANSCRIPTIONS, TRANSLATIONS]
ALONE = [TRANSCRIPTIONS]


@pytest.mark.parametrize(
    ("paths", "field", "good", "bad"),
    [
        (BOTH, "prompt", ["", "Names: Ruth."], []),
        (BOTH, "temperature", ["0", "1", "0.5"], ["-0.1", "1.01", "warm", "nan", "inf"]),
        (
            BOTH,
            "response_format",
            ["", "json", "text", "srt", "vtt", "verbose_json"],
            ["JSON", "docx", "diarized_json"],
        ),
        (
            BOTH,
            "language",
            ["", "de", "DE", "german", "German", "de-AT", "de_at", "deu", "auto", "yue", "iw"],
            ["xx", "gibberish", "de-", "english!", "und", "d", "e" * 5000, "\0", "日本語"],
        ),
        (
            BOTH,
            "options",
            ['{"delay": 0}', "{}", ""],
            ["[]", "{", "1", "null", '{"delay": []}', '{"delay": -1}', '{"no": 1}', "[" * 99_999],
        ),
        (BOTH, "options[delay]", ["0", "0.01"], []),
        (ALONE, "languages", [["de"], ["de", "en"], ["GERMAN"]], [["xx"], ["de", "?"]]),
        (ALONE, "languages[]", [["de"], ["de", "en"]], []),
        (ALONE, "keywords", [["Ruth"], ["Ruth", "Jörg"]], []),
        (ALONE, "keywords[]", [["Ruth", "Jörg"]], []),
        (ALONE, "timestamp_granularities", [["segment"]], [["word"], ["line"], ["segment", "x"]]),
        (ALONE, "include", [], [["logprobs"], ["all"]]),
        (ALONE, "known_speaker_names", [], [["Ruth"]]),
        (ALONE, "known_speaker_references", [], [["data:audio/wav;base64,AAAA"]]),
        (ALONE, "stream", ["false", "true", "0", "True"], ["perhaps"]),
        (
            ALONE,
            "chunking_strategy",
            ["auto", "", '{"type": "server_vad"}', VAD + '"threshold": 0, "other": 1}'],
            ["manual", "{", "[]", "7", "null", "[" * 99_999],
        ),
        (ALONE, "unknown", ["anything"], []),
        (ALONE, "unknown[a][b]", ["anything"], []),
    ],
)
def test_fields(
    server: Server, audio: bytes, paths: list[str], field: str, good: list[Any], bad: list[Any]
) -> None:
    name = field.partition("[")[0]
    for path in paths:
        for value in good:
            answer = post(server, audio, path, **{"model": "polyglot", field: value})
            assert answer.status_code == 200, (path, value, answer.text)
        for value in bad:
            answer = post(server, audio, path, **{"model": "polyglot", field: value})
            code = "invalid_request"
            if name == "response_format":
                code = "unsupported_format"
            assert_refused(answer, 400, code, name)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("prefix_padding_ms", [0, 300, 10_000, "300"], [-1, 10_001, 0.5, "long", None]),
        ("silence_duration_ms", [0, 60_000], [-1, 60_001, [], "x"]),
        ("threshold", [0, 0.5, 1], [-0.01, 1.01, float("nan"), float("inf"), "loud"]),
        ("type", ["server_vad"], ["semantic_vad", 1, None]),
    ],
)
def test_server_vad(
    server: Server, audio: bytes, field: str, good: list[Any], bad: list[Any]
) -> None:
    for value in (*good, *bad):
        strategy = {"type": "server_vad"} | {field: value}
        answer = post(server, audio, chunking_strategy=json.dumps(strategy))
        if value in good:
            assert answer.status_code == 200, answer.text
        else:
            assert_refused(answer, 400, "invalid_request", f"chunking_strategy.{field}")
    missing = post(server, audio, **{"chunking_strategy[threshold]": "0.5"})
    assert_refused(missing, 400, "invalid_request", "chunking_strategy.type")
    bad_part = post(
        server,
        audio,
        **{"chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "2"},
    )
    assert_refused(bad_part, 400, "invalid_request", "chunking_strategy.threshold")


@pytest.mark.parametrize("response_format", ["verbose_json", "srt", "vtt"])
def test_events_carry_text_alone(server: Server, audio: bytes, response_format: str) -> None:
    answer = post(server, audio, stream="true", response_format=response_format)
    assert_refused(answer, 400, "unsupported_format", "response_format")


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


@pytest.mark.parametrize(
    ("fields", "told", "name", "source"),
    [
        ({"model": "polyglot"}, "None", "german", "detected"),
        ({"model": "polyglot", "language": "FRENCH"}, "fr", "french", "given"),
        ({"model": "polyglot", "language": "pt_br"}, "pt-BR", "portuguese", "given"),
        ({"model": "polyglot", "language": "iw"}, "he", "hebrew", "given"),
        ({"model": "polyglot", "languages[]": ["fr", "de"]}, "None", "german", "detected"),
        ({"model": "polyglot", "languages[]": ["fr", "fr-CA"]}, "fr", "french", "given"),
        (
            {"model": "polyglot", "language": "fr", "languages": ["fr", "de"]},
            "fr",
            "french",
            "given",
        ),
        ({"model": "plain"}, None, None, None),
        ({"model": "plain", "language": "nl"}, None, "dutch", "given"),
        ({"model": "pocketsphinx"}, None, "english", "only"),
        ({"model": "pocketsphinx", "language": "en-US"}, None, "english", "given"),
        ({"model": "pocketsphinx", "languages": ["de", "en"]}, None, "english", "given"),
    ],
)
def test_languages(
    server: Server,
    audio: bytes,
    fields: dict[str, Any],
    told: str | None,
    name: str | None,
    source: str | None,
) -> None:
    """`told`: what the engine is told of it."""
    answer = post(server, audio, VERBOSE, **fields).json()
    assert (answer["language"], answer["language_source"]) == (name, source)
    assert told is None or f"language {told} " in answer["text"]
    plain = post(server, audio, **fields).json()
    code = answer["language_code"]
    assert plain.get("languages") == (None if code is None else [{"code": code}])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "pocketsphinx", "language": "de"}, "language"),
        ({"model": "pocketsphinx", "languages": ["de", "fr"]}, "languages"),
        ({"model": "plain", "languages": ["de", "fr"]}, "languages"),  # it cannot choose
        ({"model": "polyglot", "language": "it", "languages": ["de", "fr"]}, "language"),
    ],
)
def test_languages_that_cannot_be(
    server: Server, audio: bytes, fields: dict[str, Any], param: str
) -> None:
    assert_refused(post(server, audio, **fields), 400, "invalid_request", param)


def test_hints_reach_an_engine_that_takes_them(client: openai.OpenAI, audio: bytes) -> None:
    told = client.audio.transcriptions.create(
        model="polyglot", file=("a.wav", audio), prompt="At sea.", keywords=["Ruth", "Jörg"]
    )
    assert "prompt At sea. Ruth, Jörg " in told.text


def test_options(client: openai.OpenAI, audio: bytes) -> None:
    """As JSON, or as the SDK sends objects: in a field each."""
    options = {"script": "As told.", "delay": 0.01}
    for sent in (options, json.dumps(options)):
        told = client.audio.transcriptions.create(
            model="scripted", file=("a.wav", audio), extra_body={"options": sent}
        )
        assert told.text == "As told."
    with pytest.raises(openai.BadRequestError, match="option 'delay'") as refused:
        client.audio.transcriptions.create(
            model="scripted", file=("a.wav", audio), extra_body={"options": {"delay": "long"}}
        )
    assert refused.value.param == "options"


def test_every_field_is_documented(server: Server) -> None:
    api = server.http.get("/openapi.json").json()
    for path, fields in (
        (TRANSCRIPTIONS, {"timestamp_granularities", "chunking_strategy", "languages", "stream"}),
        (TRANSLATIONS, {"file", "model", "prompt", "response_format", "temperature"}),
    ):
        content = api["paths"][path]["post"]["requestBody"]["content"]
        (schema,) = (content[kind]["schema"] for kind in ["multipart/form-data"])
        name = schema["$ref"].rpartition("/")[2]
        assert fields <= set(api["components"]["schemas"][name]["properties"])
        assert list(content) == ["multipart/form-data"]


def test_hints_that_are_not_heeded_are_told(server: Server, audio: bytes) -> None:
    hints: dict[str, Any] = {"prompt": "At sea.", "keywords[]": ["Ruth"]}
    assert post(server, audio, VERBOSE, **hints).json()["ignored"] == ["prompt", "keywords"]
    heeded = post(server, audio, VERBOSE, model="polyglot", **hints).json()
    assert heeded["ignored"] == []


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


def test_the_verbose_route_as_events(server: Server, audio: bytes) -> None:
    """The same, segment by segment."""
    whole = post(server, audio, VERBOSE, model="polyglot").json()
    streamed = post(server, audio, VERBOSE, model="polyglot", stream="true")
    assert streamed.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in streamed.text.splitlines() if line.startswith("data: ")]
    *segments, done = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert done["type"] == "transcript.text.done"
    assert {segment.pop("type") for segment in segments} == {"transcript.text.segment"}
    assert [word for segment in segments for word in segment.pop("words")] == whole["words"]
    assert segments == whole["segments"]
    for name in ("text", "usage", "model", "backend", "languages", "language_source", "ignored"):
        assert done[name] == whole[name]


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


def test_events(client: openai.OpenAI, audio: bytes) -> None:
    for response_format in ("json", "text"):
        events = list(
            client.audio.transcriptions.create(
                model="scripted",
                file=("a.wav", audio),
                stream=True,
                response_format=response_format,
            )
        )
        deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
        assert deltas == ["Hello there, you.", " And goodbye!"]
        done = events[-1]
        assert done.type == "transcript.text.done"
        assert done.text == "".join(deltas)
        assert done.usage is not None
        assert done.languages is None
        assert len(events) == 3


@pytest.mark.anyio
async def test_events_for_an_async_client(server: Server, audio: bytes) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        stream = await client.audio.transcriptions.create(
            model="polyglot", file=("a.wav", audio), stream=True
        )
        *deltas, done = [event async for event in stream]
        assert done.type == "transcript.text.done"
        assert done.languages is not None
        assert [language.code for language in done.languages] == ["de"]
        assert done.text == "".join(getattr(event, "delta", "") for event in deltas) != ""
        told = await client.audio.transcriptions.create(model="polyglot", file=("a.wav", audio))
        assert told.text == done.text


def events_of(body: str) -> Events:
    """Of a stream, by its bytes: each event has its name and one line of data."""
    events: Events = []
    for block in body.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def test_a_stream_of_silence_has_its_end(server: Server) -> None:
    answer = post(server, wav(np.zeros(RATE, np.int16), RATE), stream="true")
    assert answer.headers["content-type"].startswith("text/event-stream")
    usage = {"type": "duration", "seconds": 1.0}
    (done,) = events_of(answer.text)
    assert done == {"type": "transcript.text.done", "text": "", "usage": usage}


def test_an_error_in_the_middle_of_a_stream(
    server: Server, client: openai.OpenAI, counting: Samples
) -> None:
    """The file proves too long when much of it was heard."""
    long = wav(np.tile(counting, 8), RATE)
    answer = post(server, long, stream="true", chunking_strategy='{"type": "server_vad"}')
    assert answer.status_code == 200
    *before, last = events_of(answer.text)
    assert len(before) > 4
    assert {event["type"] for event in before} == {"transcript.text.delta"}
    assert last["type"] == "error"
    assert last["error"]["code"] == "audio_too_long"
    with pytest.raises(openai.APIError, match="60 seconds"):
        list(
            client.audio.transcriptions.create(
                model="plain",
                file=("a.wav", long),
                stream=True,
                chunking_strategy={"type": "server_vad"},
            )
        )


def windows(server: Server, audio: bytes, **fields: Any) -> list[dict[str, Any]]:
    """The engine says one thing of each window."""
    told = post(server, audio, response_format="verbose_json", **fields)
    assert told.status_code == 200, told.text
    return list(told.json()["segments"])


def test_silence_divides_as_told(server: Server, counting: Samples) -> None:
    audio = wav(counting, RATE)
    assert len(windows(server, audio)) == len(windows(server, audio, chunking_strategy="auto")) == 1

    def count(silence: int) -> int:
        strategy = f'{{"type": "server_vad", "silence_duration_ms": {silence}}}'
        return len(windows(server, audio, chunking_strategy=strategy))

    assert count(500) == 4
    assert count(5_000) == 1


def test_padding_before_speech_is_as_told(server: Server, counting: Samples) -> None:
    audio = wav(counting, RATE)

    def starts(padding: int) -> list[float]:
        strategy = {
            "chunking_strategy[type]": "server_vad",
            "chunking_strategy[silence_duration_ms]": "500",
            "chunking_strategy[prefix_padding_ms]": str(padding),
        }
        found = windows(server, audio, **strategy)
        assert [segment["seek"] / 100 for segment in found] == pytest.approx(
            [segment["start"] for segment in found], abs=0.01
        )
        return [segment["seek"] / 100 for segment in found]

    none, some = starts(0), starts(640)
    differences = [b - a for a, b in zip(some, none, strict=True)]
    assert differences[1:] == pytest.approx([0.64] * 3, abs=0.02)


def test_the_threshold_is_as_told(client: openai.OpenAI, server: Server, audio: bytes) -> None:
    def text(threshold: float) -> str:
        return client.audio.transcriptions.create(
            model="scripted",
            file=("a.wav", audio),
            chunking_strategy={"type": "server_vad", "threshold": threshold},
        ).text

    assert text(0.5).startswith("Hello there, you.")  # for each window, one or two
    assert text(1.0) == ""
    hiss = wav(np.random.default_rng(1).normal(0, 900, RATE).astype(np.int16), RATE)
    strategy = '{"type": "server_vad", "threshold": 0}'
    assert heard(server, hiss) == ""
    assert heard(server, hiss, chunking_strategy=strategy).startswith("1.0")


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
