"""What a server of somebody else's does wrong, and what becomes of it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.audio import streamed_wav
from tests.conftest import StartServer
from tests.scenarios.foreign import (
    PIECE,
    TEXT,
    Foreign,
    code,
    heard,
    processes,
    seconds,
    speak,
)
from tests.servers import Server
from tests.wait import until

FAULTS = ("complete", "short", "cut off", "500", "400", "401", "json", "html", "empty")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a model for each fault."""
    foreign = Foreign(tmp_path_factory.mktemp("foreign"))
    models = [foreign.model(fault, name=f'"{fault}"') for fault in FAULTS]
    with Server("".join(models)) as running:
        yield running


def test_a_complete_wav(server: Server) -> None:
    assert 0.08 < seconds(speak(server, model="complete")) < 0.4


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("500", (500, "engine_failed")),
        ("400", (400, "invalid_request")),
        ("401", (503, "model_unavailable")),
        ("json", (500, "engine_failed")),
        ("html", (500, "engine_failed")),
        ("empty", (500, "engine_failed")),
    ],
)
def test_what_it_refuses_or_answers_wrongly(
    server: Server, fault: str, expected: tuple[int, str]
) -> None:
    answer = speak(server, model=fault)
    assert code(answer) == expected
    assert "secret" not in answer.text
    if fault == "400":
        assert answer.json()["error"]["param"] == "voice"
        assert answer.json()["error"]["message"] == "bad voice"


def test_another_backend_takes_what_it_cannot_do(start_server: StartServer, tmp_path: Path) -> None:
    """For the whole of the request, in one voice."""
    faults = {fault: Foreign(tmp_path / fault) for fault in ("401", "500", "html")}
    models = ""
    for fault, foreign in faults.items():
        foreign.log.parent.mkdir()
        models += foreign.model(fault, name=f'"{fault}"')
        models += f'[[models."{fault}".backends]]\nengine = "echo"\n'
    server = start_server(models)
    for fault, foreign in faults.items():
        answer = speak(server, TEXT * 20, model=fault)
        assert (answer.status_code, answer.headers["X-Stentor-Backend"]) == (200, "engine:echo:1")
        assert len(answer.content) > 24_000
        assert foreign.calls() == 1


@pytest.mark.parametrize("fault", ["short", "cut off"])
def test_audio_that_is_cut_off_is_never_taken_for_whole(server: Server, fault: str) -> None:
    """However far it came: the client sees an error, or a stream that breaks."""
    try:
        answer = speak(server, model=fault)
    except httpx2.RemoteProtocolError:
        return
    assert answer.status_code in (500, 503)


def test_one_that_is_busy_is_asked_again(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("busy once"))
    heard(speak(server))


@pytest.mark.parametrize("fault", ["die once", "stall once"])
def test_one_that_dies_or_stalls_while_it_speaks_is_started_anew(
    start_server: StartServer, foreign: Foreign, fault: str
) -> None:
    server = start_server(foreign.config(fault, more='stall_timeout = "1s"'))
    assert seconds(speak(server)) == pytest.approx(len(TEXT) * PIECE, abs=0.6)
    assert foreign.calls() == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_killed_or_stopped_from_outside(
    start_server: StartServer, foreign: Foreign, number: signal.Signals
) -> None:
    """While it speaks the second sentence, and the first is being heard."""
    config = foreign.config("slow", backend="max_chars = 40", more='stall_timeout = "1s"')
    server = start_server(config)
    body = {"model": "foreign", "input": " ".join([TEXT] * 3), "response_format": "wav"}
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        assert answer.status_code == 200, answer.read()
        pieces = answer.iter_raw()
        audio = next(pieces)
        until(lambda: foreign.calls() == 2, "the second sentence is asked for")
        (process,) = processes(server)
        process.send_signal(number)
        audio += b"".join(pieces)
    samples, rate = streamed_wav(audio)
    assert len(samples) / rate == pytest.approx(3 * len(TEXT) * PIECE, abs=2.0)
    (another,) = processes(server)
    assert another.pid != process.pid
    assert foreign.calls() == 4


def test_a_client_that_hangs_up_ends_the_call(start_server: StartServer, foreign: Foreign) -> None:
    """While it speaks the second sentence."""
    server = start_server(foreign.config("slow", backend="max_chars = 40"))
    body = {"model": "foreign", "input": " ".join([TEXT] * 3), "response_format": "wav"}
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        until(lambda: foreign.calls() == 2, "the second sentence is asked for")
    until(lambda: foreign.says("hung_up"), "the server sees that its answer is not wanted")
