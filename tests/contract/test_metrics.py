"""What Prometheus and the log are told after real requests: figures, and never content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stentor.app import Stentor
from stentor.config import Config
from stentor.telemetry.metrics import Metrics
from tests.audio import seconds
from tests.conftest import StartServer
from tests.servers import ECHO, Server
from tests.wait import until

SECRET = "xylophone"
CONFIG = f"""
{ECHO}
[models.scribe]
[[models.scribe.backends]]
engine = "echo-transcribe"
options = {{ script = "{SECRET} transcript" }}
[models.faulty]
[[models.faulty.backends]]
engine = "echo"
options = {{ fail_rate = 1.0 }}
[models.broken]
[[models.broken.backends]]
engine = "echo"
options = {{ load_fails = true }}
"""

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(CONFIG, STENTOR_SERVER__LOG_LEVEL="debug") as running:
        yield running


def samples(server: Server) -> Samples:
    answer = server.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return parsed(answer.content)


def parsed(exposition: bytes) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition.decode())
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found.get((f"stentor_{name}", frozenset(labels.items())), 0.0)


def say(server: Server, **fields: Any) -> int:
    body = {"model": "echo", "input": "One two.", "response_format": "pcm", **fields}
    return server.http.post("/v1/audio/speech", json=body).status_code


def transcribe(server: Server, content: bytes, name: str = "a.wav", **fields: str) -> int:
    form = {"model": "echo-transcribe", **fields}
    path = "/v1/audio/transcriptions"
    return server.http.post(path, data=form, files={"file": (name, content)}).status_code


@pytest.fixture(scope="module")
def speech(server: Server) -> bytes:
    """What a listener takes for speech."""
    body = {"model": "espeak", "input": "One two three.", "response_format": "wav", "stream": False}
    return server.http.post("/v1/audio/speech", json=body).content


def test_speech(server: Server) -> None:
    before = samples(server)
    assert say(server, voice="low") == 200

    def grown(name: str, **labels: str) -> float:
        return value(samples(server), name, **labels) - value(before, name, **labels)

    place = {"model": "echo", "backend": "engine:echo"}
    route = "/v1/audio/speech"
    # A request is counted after the last byte of its answer, which the client has by then.
    counted = {"method": "POST", "route": route, "status": "200"}
    until(lambda: grown("requests_total", **counted) == 1, "the request is counted")
    assert grown("request_seconds_count", route=route) == 1
    assert grown("first_audio_seconds_count", **place) == 1
    assert grown("generation_seconds_count", **place) == 1
    assert grown("generation_seconds_sum", **place) >= grown("first_audio_seconds_sum", **place)
    assert grown("input_characters_total", model="echo") == len("One two.")
    audio = grown("audio_seconds_total", task="speech", voice="low", **place)
    assert audio == pytest.approx(0.06 * len("One two."), abs=0.2)


def test_transcription(server: Server, speech: bytes) -> None:
    before = samples(server)
    assert transcribe(server, speech) == 200
    after = samples(server)
    grown = [
        number - before.get((name, labels), 0.0)
        for (name, labels), number in after.items()
        if name == "stentor_audio_seconds_total"
        and {("task", "transcription"), ("model", "echo-transcribe")} <= labels
    ]
    assert sum(grown) == pytest.approx(seconds(speech), abs=0.1)


def test_what_the_doors_tell() -> None:
    """Whatever they call a model, a backend or a voice: only those that exist are labels."""
    stentor = Stentor(Config())
    metrics = Metrics(stentor.models)
    place = {"model": "pocketsphinx", "backend": "engine:pocketsphinx"}
    metrics.heard(**place, audio=2.5, seconds=0.5)
    for at in range(3):
        metrics.heard(model=f"model{at}", backend=f"backend{at}", audio=1, seconds=1)
        metrics.began(model="espeak", backend=f"backend{at}", seconds=0.01)
        metrics.spoken(
            model="espeak", backend="", voice=f"voice{at}", audio=1, seconds=1, characters=5
        )
    found = parsed(metrics.exposition())
    other = {"model": "other", "backend": "other"}
    name = "audio_seconds_total"
    assert value(found, name, task="transcription", voice="", **place) == 2.5
    assert value(found, "generation_seconds_sum", **place) == 0.5
    assert value(found, name, task="transcription", voice="", **other) == 3
    assert value(found, name, task="speech", model="espeak", backend="", voice="other") == 3
    assert value(found, "input_characters_total", model="espeak") == 15
    assert value(found, "first_audio_seconds_count", model="espeak", backend="other") == 3


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"input": ""}, 400, "invalid_request"),
        ({"speed": 9}, 400, "invalid_request"),
        ({"model": "nothing"}, 404, "model_not_found"),
        ({"voice": "nobody"}, 400, "voice_not_found"),
        ({"model": "faulty"}, 500, "engine_failed"),
        ({"model": "broken"}, 503, "model_unavailable"),
    ],
)
def test_errors(server: Server, fields: dict[str, Any], status: int, code: str) -> None:
    before = samples(server)
    assert say(server, **fields) == status
    labels = {"code": code, "route": "/v1/audio/speech"}
    after = value(samples(server), "errors_total", **labels)
    assert after - value(before, "errors_total", **labels) == 1


def test_what_was_refused_before_its_route(start_server: StartServer) -> None:
    server = start_server(ECHO, STENTOR_API_KEY="key")
    server.http.get("/v1/models")
    server.http.headers["Authorization"] = "Bearer key"
    found = samples(server)
    assert value(found, "errors_total", code="invalid_api_key", route="unmatched") == 1


def test_gauges(server: Server) -> None:
    assert say(server) == 200
    assert say(server, model="broken") == 503
    found = samples(server)
    for name, expected in (("slots", 1), ("busy_slots", 0), ("admitted", 0), ("waiting", 0)):
        assert value(found, name, model="echo") == expected
    states = {
        model: [
            dict(labels)["state"]
            for (name, labels), number in found.items()
            if name == "stentor_worker_state" and number and dict(labels)["model"] == model
        ]
        for model in ("echo", "broken", "pocketsphinx")
    }
    assert states == {"echo": ["ready"], "broken": ["failed"], "pocketsphinx": ["stopped"]}


def test_busy_slots(start_server: StartServer) -> None:
    server = start_server(
        '[models.slow]\n[[models.slow.backends]]\nengine = "echo"\noptions = { piece_delay = 60 }\n'
    )
    body = {"model": "slow", "input": "One two three.", "response_format": "pcm"}
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        assert answer.status_code == 200
        assert value(samples(server), "busy_slots", model="slow") == 1
    until(lambda: value(samples(server), "busy_slots", model="slow") == 0, "the slot is free")


def runs(model: dict[str, Any]) -> bool:
    return any(backend["service"]["state"] == "ready" for backend in model["backends"])


def measured(server: Server) -> set[str]:
    """Models of whose memory something is known."""
    found = samples(server)
    return {dict(each)["model"] for name, each in found if name == "stentor_worker_memory_bytes"}


def test_clients_cannot_add_labels(server: Server) -> None:
    def trouble(word: str) -> None:
        server.http.get(f"/{word}")
        server.http.get(f"/v1/models/{word}")
        server.http.request(word.upper(), "/v1/models")
        server.http.get("/v1/audio/voices", params={"model": word})
        say(server, model=word)
        say(server, voice=word)
        say(server, language=word)
        say(server, options={word: word})
        transcribe(server, b"", word, model=word, language=word)

    trouble("first")
    ready = {
        model["name"] for model in server.http.get("/api/models").json()["models"] if runs(model)
    }
    until(lambda: ready <= measured(server), "what runs was measured")
    before = set(samples(server))
    for at in range(20):
        trouble(f"word{at}")
    assert set(samples(server)) == before
    assert not [labels for _, labels in before if "first" in dict(labels).values()]


def lines(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]


def test_one_line_for_each_request(server: Server) -> None:
    answer = server.http.post(
        "/v1/audio/speech", json={"model": "echo", "input": "One two.", "voice": "high"}
    )
    number = answer.headers["X-Request-Id"]

    def told() -> list[dict[str, Any]]:
        return [each for each in lines(server) if each.get("request_id") == number]

    (line,) = until(told, "the request is logged")
    assert line.keys() == {
        *("event", "level", "timestamp", "request_id", "method", "route", "status", "seconds"),
        *("model", "backend", "characters", "audio", "first_audio"),
    }
    assert (line["event"], line["route"], line["status"]) == ("request", "/v1/audio/speech", 200)
    assert (line["model"], line["backend"]) == ("echo", "engine:echo")
    assert line["characters"] == len("One two.")
    assert 0 < line["first_audio"] <= line["seconds"]


def test_errors_are_in_the_line(server: Server) -> None:
    answer = server.http.get("/nothing/here")
    number = answer.headers["X-Request-Id"]
    (line,) = until(
        lambda: [each for each in lines(server) if each.get("request_id") == number], "a line"
    )
    assert (line["route"], line["status"], line["error"]) == ("unmatched", 404, "not_found")


def test_what_openais_names_mean_is_told(server: Server) -> None:
    (line,) = [each for each in lines(server) if each["event"] == "aliases"]
    assert line["models"]["tts-1"] == "espeak"
    assert line["models"]["whisper-1"] == "pocketsphinx"


def test_no_content_is_logged(server: Server, speech: bytes) -> None:
    say(server, input=f"The {SECRET}.")
    say(server, input=f"The {SECRET}.", instructions=SECRET, stream_format="sse")
    say(server, input=f"The {SECRET}.", stream=False)
    say(server, input=f"The {SECRET}.", model="espeak")
    say(server, input=f"The {SECRET}.", model="faulty")
    say(server, input=f"The {SECRET}.", model="broken")
    say(server, input=f"The {SECRET}.", speed=SECRET)
    say(server, input=[SECRET])
    say(server, input=SECRET, voice=SECRET, language=SECRET)
    say(server, input=SECRET, model=SECRET)
    say(server, input=SECRET, options={SECRET: SECRET})
    say(server, input=SECRET * 20_000)
    server.http.post("/v1/audio/speech", content=f'{{"input": "{SECRET}')
    server.http.post("/v1/audio/speech", content=f'{{"input": "{SECRET}'.encode("utf-16"))
    server.http.get(f"/v1/{SECRET}", params={SECRET: SECRET}, headers={SECRET: SECRET})
    for content in (speech, SECRET.encode(), b""):
        for stream in ("false", "true"):
            fields = {"model": "scribe", "prompt": SECRET, "stream": stream}
            transcribe(server, content, f"{SECRET}.wav", **fields)
    transcribe(server, speech, model="scribe", language=SECRET, response_format=SECRET)
    assert SECRET not in server.all_logged().lower()


def test_readable_lines(start_server: StartServer) -> None:
    server = start_server(ECHO, STENTOR_SERVER__LOG_FORMAT="text")
    server.http.get("/v1/models")
    until(lambda: "route=/v1/models" in server.log, "a readable line")
    assert lines(server) == []
    assert "\x1b" not in server.log
