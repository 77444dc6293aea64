"""Bad input is refused before the first byte, in OpenAI's error shape."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest

from tests.servers import ECHO, Server

MAX_AUDIO = 60


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(
        ECHO, STENTOR_SERVER__MAX_AUDIO_DURATION=f"{MAX_AUDIO}s", STENTOR_SERVER__MAX_UPLOAD_MB="8"
    ) as running:
        yield running


def assert_refused(answer: Any, status: int, code: str, param: str | None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["param"]) == (code, param)
    assert error["message"]
    assert error["type"] == "invalid_request_error"


GOOD = {"model": "echo", "input": "Hello there.", "voice": "alloy"}


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"input": ""}, 400, "invalid_request", "input"),
        ({"input": " \n\t "}, 400, "invalid_request", "input"),
        ({"input": "\u0000\u200b\ufeff"}, 400, "invalid_request", "input"),
        ({"input": None}, 400, "invalid_request", "input"),
        ({"input": 5}, 400, "invalid_request", "input"),
        ({"input": ["a"]}, 400, "invalid_request", "input"),
        ({"input": "a" * 100_001}, 400, "text_too_long", "input"),
        ({"model": "nothing"}, 404, "model_not_found", "model"),
        ({"model": "../echo"}, 404, "model_not_found", "model"),
        ({"model": None}, 400, "invalid_request", "model"),
        ({"model": "echo-transcribe"}, 400, "invalid_request", "model"),
        ({"voice": "nobody"}, 400, "voice_not_found", "voice"),
        ({"voice": {"id": "nobody"}}, 400, "voice_not_found", "voice"),
        ({"voice": 7}, 400, "invalid_request", "voice"),
        ({"response_format": "zip"}, 400, "unsupported_format", "response_format"),
        ({"response_format": 1}, 400, "invalid_request", "response_format"),
        ({"speed": 0.1}, 400, "invalid_request", "speed"),
        ({"speed": 5}, 400, "invalid_request", "speed"),
        ({"speed": "fast"}, 400, "invalid_request", "speed"),
        ({"seed": -2}, 400, "invalid_request", "seed"),
        ({"sample_rate": 1}, 400, "invalid_request", "sample_rate"),
        ({"options": {"unknown": 1}}, 400, "invalid_request", "options"),
        ({"options": {"delay": "long"}}, 400, "invalid_request", "options"),
        ({"options": {"delay": -1}}, 400, "invalid_request", "options"),
        ({"options": 3}, 400, "invalid_request", "options"),
    ],
)
def test_speech(
    server: Server, change: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    answer = server.http.post("/v1/audio/speech", json=GOOD | change)
    assert_refused(answer, status, code, param)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000, b'{"input": NaN']
)
def test_bodies_that_are_no_objects(server: Server, body: bytes) -> None:
    json = {"Content-Type": "application/json"}
    answer = server.http.post("/v1/audio/speech", content=body, headers=json)
    assert_refused(answer, 400, "invalid_request", None)


def test_json_that_is_not_said_to_be_json(server: Server) -> None:
    """What `curl -d` sends: newcomers try it first."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = server.http.post("/v1/audio/speech", content=b'{"model": "echo"}', headers=form)
    assert_refused(answer, 400, "invalid_request", None)
    assert "Content-Type: application/json" in answer.json()["error"]["message"]


def test_an_option_without_bounds_is_still_finite(server: Server) -> None:
    body = b'{"model": "echo", "input": "Hi.", "options": {"delay": 1e999}}'
    json = {"Content-Type": "application/json"}
    answer = server.http.post("/v1/audio/speech", content=body, headers=json)
    assert_refused(answer, 400, "invalid_request", "options")


def test_unknown_fields_are_ignored(server: Server) -> None:
    answer = server.http.post("/v1/audio/speech", json=GOOD | {"surprise": [1, {}]})
    assert answer.status_code == 200


def test_a_body_that_is_too_large(server: Server) -> None:
    answer = server.http.post("/v1/audio/speech", json=GOOD | {"input": "a" * 2**23})
    assert_refused(answer, 413, "too_large", None)


HEARING = [
    "/v1/audio/transcriptions",
    "/v1/audio/transcriptions/verbose",
    "/v1/audio/translations",
]


def wav_header(*, rate: int = 16_000, channels: int = 1, claimed: int = 32_000) -> bytes:
    frame = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + claimed, b"WAVE", b"fmt ", 16, 1, channels, rate, rate * frame),
        *(frame, 16, b"data", claimed),
    )


def flac_of_silence(seconds: int) -> bytes:
    """A minute of it is a few kilobytes: a decompression bomb."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), "s16", "mono")
        frame.sample_rate = 16_000
        for _ in range(seconds):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.wav", b""),
        ("text.wav", b"This is a text, not a sound. " * 100),
        ("page.mp3", b"<html><body>not found</body></html>"),
        ("header.wav", wav_header()),
        ("no-channels.wav", wav_header(channels=0) + bytes(32_000)),
        ("one-hertz.wav", wav_header(rate=1) + bytes(32_000)),
        ("noise.ogg", bytes(np.random.default_rng(1).integers(0, 256, 50_000, np.uint8))),
    ],
)
def test_files_that_are_no_audio(server: Server, name: str, content: bytes) -> None:
    answer = server.http.post(
        "/v1/audio/transcriptions",
        data={"model": "echo-transcribe"},
        files={"file": (name, content)},
    )
    assert_refused(answer, 400, "invalid_audio", "file")


def test_a_decompression_bomb(server: Server) -> None:
    bomb = flac_of_silence(10 * MAX_AUDIO)
    assert len(bomb) < 20_000_000 // 100
    answer = server.http.post(
        "/v1/audio/transcriptions",
        data={"model": "echo-transcribe"},
        files={"file": ("bomb.flac", bomb)},
    )
    assert_refused(answer, 400, "audio_too_long", "file")


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"model": "nothing"}, 404, "model_not_found", "model"),
        ({"model": "echo"}, 400, "invalid_request", "model"),
        ({"response_format": "docx"}, 400, "unsupported_format", "response_format"),
        ({"temperature": "2"}, 400, "invalid_request", "temperature"),
        ({"temperature": "warm"}, 400, "invalid_request", "temperature"),
        ({"stream": "perhaps"}, 400, "invalid_request", "stream"),
    ],
)
def test_transcription(
    server: Server, change: dict[str, str], status: int, code: str, param: str | None
) -> None:
    fields = {"model": "echo-transcribe"} | change
    files = {"file": ("a.wav", wav_header() + bytes(32_000))}
    answer = server.http.post("/v1/audio/transcriptions", data=fields, files=files)
    assert_refused(answer, status, code, param)


@pytest.mark.parametrize("path", HEARING)
def test_missing_fields(server: Server, path: str) -> None:
    audio = wav_header() + bytes(32_000)
    no_file = server.http.post(path, data={"model": "echo-transcribe"})
    assert_refused(no_file, 400, "invalid_request", "file")
    text_as_file = {"model": "echo-transcribe", "file": "a.wav"}
    no_upload = server.http.post(path, data=text_as_file)
    assert_refused(no_upload, 400, "invalid_request", "file")
    no_model = server.http.post(path, files={"file": audio})
    assert_refused(no_model, 400, "invalid_request", "model")
    empty = server.http.post(path, data={"model": ""}, files={"file": audio})
    assert_refused(empty, 400, "invalid_request", "model")
    no_form = server.http.post(path, json={"model": "echo-transcribe", "file": "a.wav"})
    assert_refused(no_form, 400, "invalid_request", "file")
    assert_refused(server.http.post(path), 400, "invalid_request", "file")


@pytest.mark.parametrize("path", HEARING)
def test_forms_without_measure(server: Server, path: str) -> None:
    files = {"file": wav_header() + bytes(32_000)}
    many = {"model": "echo-transcribe", "keywords[]": ["a"] * 1000}
    assert_refused(server.http.post(path, data=many, files=files), 400, "invalid_request", None)
    long = {"model": "echo-transcribe", "prompt": "a" * 2**21}
    assert_refused(server.http.post(path, data=long, files=files), 400, "invalid_request", None)


@pytest.mark.parametrize("field", ["prompt", "language", "model", "keywords[]", "options[a]"])
def test_a_file_where_a_text_is_due(server: Server, field: str) -> None:
    files = {field: wav_header() + bytes(32_000)}
    answer = server.http.post(
        "/v1/audio/transcriptions", data={"model": "echo-transcribe"}, files=files
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in ("file", "model")


def test_silence_is_no_error(server: Server) -> None:
    answer = server.http.post(
        "/v1/audio/transcriptions",
        data={"model": "echo-transcribe"},
        files={"file": wav_header() + bytes(32_000)},
    )
    assert answer.status_code == 200
    assert answer.json() == {"text": "", "usage": {"type": "duration", "seconds": 1.0}}


@pytest.mark.parametrize("path", HEARING)
@pytest.mark.parametrize("announced", [True, False], ids=["content-length", "chunked"])
def test_an_upload_past_the_limit(server: Server, announced: bool, path: str) -> None:
    """Refused while it comes in; what was spooled of it is gone."""
    edge = b"edge"
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    body = head + bytes(16 * 2**20) + b"\r\n--" + edge + b"--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), 65_536):
            yield body[at : at + 65_536]

    open_before = server.process.num_fds()
    content = body if announced else pieces()
    answer = server.http.post(path, content=content, headers=headers)
    assert_refused(answer, 413, "too_large", None)
    assert not list(server.temporary.glob("tmp*"))
    assert server.process.num_fds() <= open_before + 1  # the connection's own


def test_nothing_there(server: Server) -> None:
    assert_refused(server.http.get("/v1/nothing"), 404, "not_found", None)
    assert_refused(server.http.get("/v1/models/nothing"), 404, "model_not_found", "model")
    answer = server.http.get("/v1/audio/speech")
    assert answer.status_code == 405
    assert answer.json()["error"]["message"] == "GET is not for /v1/audio/speech: it takes POST"
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_many_files_in_one_form(server: Server) -> None:
    files = [("file", (f"{number}.wav", bytes(1000))) for number in range(50)]
    answer = server.http.post(
        "/v1/audio/transcriptions", data={"model": "echo-transcribe"}, files=files
    )
    assert_refused(answer, 400, "invalid_request", None)


def test_a_large_form_where_no_file_is_asked_for(server: Server) -> None:
    answer = server.http.post("/v1/audio/speech", files={"file": bytes(6 * 2**20)})
    assert_refused(answer, 413, "too_large", None)


def test_names_that_are_not_unicode(server: Server) -> None:
    for field in ("model", "voice"):
        body = f'{{"model": "echo", "input": "a", "{field}": "\\ud800"}}'
        json = {"Content-Type": "application/json"}
        answer = server.http.post("/v1/audio/speech", content=body, headers=json)
        assert answer.status_code in (400, 404)
        assert answer.json()["error"]["param"] == field
