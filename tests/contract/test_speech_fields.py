"""The published surface of speech: each field with valid, boundary and invalid values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.servers import ECHO, Server

MOST_CHARS = 500
GOOD = {"model": "echo", "input": "Hello there.", "voice": "low", "response_format": "pcm"}


@dataclass(frozen=True)
class Field:
    """`invalid`: values and the code of the error; `beside`: what the field wants to make sense."""

    valid: list[Any]
    boundary: list[Any] = field(default_factory=list)
    invalid: list[Any] = field(default_factory=list)
    code: str = "invalid_request"
    status: int = 400
    beside: dict[str, Any] = field(default_factory=dict)


WRONG_TYPES: list[Any] = [7, True, [], {}, ["a"]]
SURFACE = {
    "model": Field(
        ["echo"], [], ["", "nothing", "Echo", "echo ", "x" * 5_000], "model_not_found", 404
    ),
    "input": Field(
        ["Hello.", "Grüß Gott", "你好", "مرحبا", "😀 hi", "a\u0000b"],
        ["a", "a" * MOST_CHARS],
        ["", " \n", "\u200b\u0000", None, *WRONG_TYPES],
    ),
    "voice": Field(
        ["low", "middle", "high", "default", "", None, {"id": "low"}, "alloy", "cedar"],
        [],
        ["nobody", "LOW", {"id": "nobody"}],
        "voice_not_found",
    ),
    "instructions": Field(["Calmly.", "", None], ["a" * 4096], ["a" * 4097, *WRONG_TYPES]),
    "response_format": Field(
        ["mp3", "opus", "aac", "flac", "wav", "pcm", None],
        [],
        ["", "MP3", "ogg", "zip"],
        "unsupported_format",
    ),
    "speed": Field(
        [1, 1.5, "1.5", None], [0.25, 4, 4.0], [0.249, 4.001, 0, -1, "fast", [], {}, 1e309]
    ),
    "stream_format": Field(["audio", "sse", None], [], ["", "SSE", "json", *WRONG_TYPES]),
    "language": Field(
        ["en", "pt-br", "EN_us", "English", "eng", "auto", "", None],
        [],
        ["x" * 64, "x" * 65, "x-" * 2_000_000, "nowhere", *WRONG_TYPES],
    ),
    "seed": Field([None, 7], [-1, 0, 2**31 - 1], [-2, 2**31, 1.5, "x", [], {}]),
    "stream": Field([True, False, None], [], ["perhaps", 2, [], {}]),
    "timestamps": Field(
        [True, False, None], [], ["perhaps", 2, [], {}], beside={"stream_format": "sse"}
    ),
    "reference_audio": Field(
        [None, ""], [], ["not base64!", "data:audio/wav;base64,", "====", *WRONG_TYPES]
    ),
    "sample_rate": Field(
        [16_000, 24_000, 44_100, 48_000, None],
        [8_000, 96_000],
        [7_999, 96_001, 0, -1, 1.5, "x", [], {}],
    ),
    "options": Field(
        [{}, {"char_seconds": 0.02}, {"delay": 0}, None],
        [{"char_seconds": 0.001}],
        [
            {"unknown": 1},
            {"delay": -1},
            {"delay": "x"},
            {"delay": None},
            {f"k{number}": None for number in range(100_000)},
            *(7, "x", [], [1]),
        ],
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(ECHO, STENTOR_SERVER__MAX_INPUT_CHARS=str(MOST_CHARS)) as running:
        yield running


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(name, value, id=f"{name}={str(value)[:20]!r}")
        for name, described in SURFACE.items()
        for value in getattr(described, kind)
    ]


@pytest.mark.parametrize(("name", "value"), cases("valid") + cases("boundary"))
def test_taken(server: Server, name: str, value: Any) -> None:
    body = GOOD | SURFACE[name].beside | {name: value}
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) > 100


@pytest.mark.parametrize(("name", "value"), cases("invalid"))
def test_refused(server: Server, name: str, value: Any) -> None:
    described = SURFACE[name]
    body = GOOD | described.beside | {name: value}
    if value == 1e309:
        answer = server.http.post(
            "/v1/audio/speech",
            content=b'{"model": "echo", "input": "Hi.", "speed": 1e309}',
            headers={"Content-Type": "application/json"},
        )
    else:
        answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == described.status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["param"], error["code"]) == (name, described.code)


def test_too_long(server: Server) -> None:
    body = GOOD | {"input": "a" * (MOST_CHARS + 1)}
    error = server.http.post("/v1/audio/speech", json=body).json()["error"]
    assert (error["param"], error["code"]) == ("input", "text_too_long")


def test_the_table_has_every_field(server: Server) -> None:
    schemas = server.http.get("/openapi.json").json()["components"]["schemas"]
    assert set(schemas["SpeechBody"]["properties"]) == set(SURFACE)
