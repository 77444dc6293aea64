"""Every field of a request, its good values and its bad ones."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.contract.test_refusals import assert_refused
from tests.contract.transcriptions.requests import TRANSCRIPTIONS, TRANSLATIONS, VERBOSE, post
from tests.servers import Server

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
