"""The owner wants a device for something else: what runs on it ends well, and nothing starts there.

The processor stands in for a GPU; the name of a second one is an engine's own business.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.conftest import StartServer
from tests.scenarios.models import ask, echo, error, service, speech, stands, state
from tests.servers import Server
from tests.wait import until

SLOW = "piece_delay = 0.1, piece_seconds = 0.2"
TEXT = "A text that takes a few seconds to say."
TWO = """
[models.two]
[[models.two.backends]]
engine = "echo"
options = { piece_delay = 0.1, piece_seconds = 0.2 }
[[models.two.backends]]
engine = "echo"
device = "cuda:0"
options = { piece_delay = 0.1, piece_seconds = 0.2 }
"""
COMPAT = "/compat/local-ai"


def pause(server: Server, **how: object) -> httpx2.Response:
    return server.http.post("/api/pause", json={"devices": ["cpu"], **how})


def resume(server: Server) -> dict[str, Any]:
    told: dict[str, Any] = server.http.post("/api/resume").json()
    return told


def test_what_runs_ends_and_nothing_starts(start_server: StartServer) -> None:
    server = start_server(echo("m", SLOW) + echo("calm") + echo("cold"))
    expected = ask(server, "calm", TEXT).content
    with ThreadPoolExecutor(1) as clients:
        with server.http.stream("POST", "/v1/audio/speech", json=speech("m", TEXT)) as answer:
            pieces = answer.iter_raw()
            heard = [next(pieces)]
            pausing = clients.submit(pause, server)
            until(lambda: stands(server, "calm") == "stopped", "what is idle is stopped")
            heard += pieces
        assert b"".join(heard) == expected
        told = pausing.result(20).json()
    assert told["paused"] == ["cpu"]
    assert not server.workers()
    for model in ("m", "calm", "cold"):
        refused = ask(server, model)
        assert (refused.status_code, error(refused)["code"]) == (503, "no_room")
        assert "cpu is paused" in error(refused)["message"]
    assert not server.workers()
    assert resume(server)["paused"] == []
    assert ask(server, "m", TEXT).content == expected


def test_running_requests_move_on_to_another_device(start_server: StartServer) -> None:
    server = start_server(TWO + echo("calm"))
    expected = ask(server, "calm", TEXT).content
    with ThreadPoolExecutor(1) as clients:
        with server.http.stream("POST", "/v1/audio/speech", json=speech("two", TEXT)) as answer:
            pieces = answer.iter_raw()
            heard = [next(pieces)]
            pausing: Future[httpx2.Response] = clients.submit(pause, server, timeout=0.5)
            heard += pieces
        assert b"".join(heard) == expected  # sample for sample, though two have spoken it
        assert pausing.result(20).status_code == 200
    assert (stands(server, "two", 0), stands(server, "two", 1)) == ("stopped", "ready")
    answer = ask(server, "two")
    assert answer.headers["X-Stentor-Backend"] == "engine:echo:1"
    resume(server)
    assert ask(server, "two").headers["X-Stentor-Backend"] == "engine:echo"


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "complete"])
def test_what_does_not_end_in_time_is_cut(start_server: StartServer, stream: bool) -> None:
    """Streamed: visibly broken. Not yet begun: an error in its place."""
    server = start_server(echo("m", "piece_delay = 0.1, piece_seconds = 0.05"))
    ask(server, "m")
    body = speech("m", "A sentence of some length. " * 20, stream=stream)
    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(server.http.post, "/v1/audio/speech", json=body)
        until(lambda: state(server, "m")["queue"]["busy"] == 1, "it speaks")
        assert pause(server, timeout=0.3).status_code == 200
        assert not server.workers()
        if stream:
            assert isinstance(asked.exception(20), httpx2.RemoteProtocolError)
        else:
            assert asked.result(20).status_code == 503
            assert error(asked.result())["code"] == "no_room"
    assert not server.workers()


def test_a_start_is_given_up(start_server: StartServer) -> None:
    server = start_server(echo("m", "load_seconds = 30"))
    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(ask, server, "m")
        until(lambda: server.workers(), "it is started")
        assert pause(server).status_code == 200
        assert not server.workers()
        assert error(asked.result(10))["code"] == "no_room"


def test_kept_warm_ones_come_back(start_server: StartServer) -> None:
    server = start_server(echo("m", keys="keep_warm = true") + echo("cold"))
    until(lambda: stands(server, "m") == "ready", "it is started")
    pause(server)
    assert stands(server, "m") == "stopped"
    assert service(server, "m")["reason"] == "paused"
    resume(server)
    until(lambda: stands(server, "m") == "ready", "it is back")
    assert stands(server, "cold") == "stopped"


@pytest.mark.parametrize(
    ("paused", "devices", "left"),
    [
        (["cuda:0", "cuda:1"], ["cuda:0"], ["cuda:1"]),
        (["cuda:0", "cuda:1", "cpu"], ["cuda"], ["cpu"]),
        (["cuda", "cpu"], ["cpu", "mps"], ["cuda"]),
        (["cuda", "cpu"], None, []),
        (["cuda", "cpu"], [], ["cpu", "cuda"]),
    ],
)
def test_those_that_are_named_are_resumed(
    start_server: StartServer, paused: list[str], devices: list[str] | None, left: list[str]
) -> None:
    server = start_server(echo("m"))
    pause(server, devices=paused)
    told = server.http.post("/api/resume", json={"devices": devices}).json()
    assert told["paused"] == left
    assert (ask(server, "m").status_code == 200) == ("cpu" not in left)


def test_one_of_a_kind_that_is_paused_is_not_resumed_alone(start_server: StartServer) -> None:
    server = start_server(echo("m"))
    pause(server, devices=["cuda"])
    refused = server.http.post("/api/resume", json={"devices": ["cuda:0"]})
    assert (refused.status_code, error(refused)["code"]) == (409, "conflict")
    assert "all of cuda is paused" in error(refused)["message"]
    wrong = server.http.post("/api/resume", json={"devices": ["gpu0"]})
    assert (wrong.status_code, error(wrong)["param"]) == (400, "devices")
    assert resume(server)["paused"] == []


def test_pause_and_resume_at_once_and_again(start_server: StartServer) -> None:
    """Whatever overtakes what: afterwards everything is served."""
    server = start_server(echo("m", keys="keep_warm = true"))
    expected = ask(server, "m").content
    with ThreadPoolExecutor(4) as clients:
        work = [clients.submit(pause if i % 2 else resume, server) for i in range(12)]
        asked = [clients.submit(ask, server, "m") for _ in range(4)]
        for each in work:
            each.result(30)
        assert {answer.result(30).status_code for answer in asked} <= {200, 503}
    resume(server)
    assert ask(server, "m").content == expected
    until(lambda: stands(server, "m") == "ready", "it is kept warm again")
    assert len(server.workers()) == 1


def test_gaming_mode_concerns_gpus_only(start_server: StartServer) -> None:
    on_gpu = echo("gpu", backend='device = "cuda:0"')
    server = start_server(on_gpu + echo("plain"))
    assert server.http.get(f"{COMPAT}/healthz").json() == {"ok": True, "running": []}
    for model in ("gpu", "plain"):
        ask(server, model)
    told = server.http.get(f"{COMPAT}/status").json()
    assert set(told) == {
        *("gaming_mode", "safe_to_game", "running_models", "stopped_models", "summary"),
    }
    assert (told["gaming_mode"], told["safe_to_game"]) == (False, False)
    assert set(told["running_models"]) == {"gpu", "plain"}
    assert told["running_models"]["gpu"]["last_used"] > 1.7e9
    answer = server.http.post(f"{COMPAT}/gaming-mode", json={"enable": True})
    assert answer.json() == {"ok": True, "gaming_mode": True, "stopped": ["gpu"]}
    told = server.http.get(f"{COMPAT}/status").json()
    assert (told["gaming_mode"], told["safe_to_game"]) == (True, True)
    assert set(told["running_models"]) == {"plain"}
    assert "gpu" in told["stopped_models"]
    assert error(ask(server, "gpu"))["code"] == "no_room"
    assert ask(server, "plain").status_code == 200
    answer = server.http.post(f"{COMPAT}/gaming-mode", json={"enable": False})
    assert answer.json() == {"ok": True, "gaming_mode": False, "stopped": []}
    assert ask(server, "gpu").status_code == 200


def test_what_was_changed_and_still_speaks_is_on_the_gpu(start_server: StartServer) -> None:
    """Its owner would start a game beside it."""
    server = start_server(echo("gpu", SLOW, backend='device = "cuda:0"'))
    with server.http.stream("POST", "/v1/audio/speech", json=speech("gpu", TEXT)) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        (server.folder / "stentor.toml").write_text(echo("gpu", backend='device = "cuda:0"'))
        server.http.post("/api/reload").raise_for_status()
        told = server.http.get(f"{COMPAT}/status").json()
        assert told["safe_to_game"] is False
        assert set(told["running_models"]) == {"gpu"}
        assert "gpu" not in told["stopped_models"]
        for _ in pieces:
            pass
    until(lambda: server.http.get(f"{COMPAT}/status").json()["safe_to_game"], "it has gone")


def test_stop_all_stops_what_was_removed(start_server: StartServer) -> None:
    """Its request goes on with another worker: what was let in is never refused."""
    server = start_server(echo("m", SLOW) + echo("calm"))
    expected = ask(server, "calm", TEXT).content
    with server.http.stream("POST", "/v1/audio/speech", json=speech("m", TEXT)) as answer:
        pieces = answer.iter_raw()
        heard = [next(pieces)]
        workers = server.workers()
        (server.folder / "stentor.toml").write_text('[lifecycle]\npause_timeout = "100ms"\n')
        server.http.post("/api/reload").raise_for_status()
        assert "m" in server.http.post(f"{COMPAT}/stop-all").json()["stopped"]
        assert not any(worker.is_running() for worker in workers)
        heard += pieces
    assert b"".join(heard) == expected


def test_stop_all(start_server: StartServer) -> None:
    server = start_server(echo("a") + echo("b") + echo("cold"))
    for model in "ab":
        ask(server, model)
    assert server.http.get(f"{COMPAT}/healthz").json()["running"] == ["a", "b"]
    answer = server.http.post(f"{COMPAT}/stop-all")
    assert answer.json() == {"ok": True, "stopped": ["a", "b"]}
    assert not server.workers()
    assert service(server, "a")["reason"] == "unloaded"
    assert ask(server, "a").status_code == 200
