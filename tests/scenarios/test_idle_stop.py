"""What nobody uses is stopped, and its memory comes back; nobody who comes just then is harmed."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import StartServer
from tests.scenarios.models import MIB, ask, echo, service, speech, stands, state, taken
from tests.wait import until

IDLE = 'idle_timeout = "400ms"'


def test_its_memory_comes_back(start_server: StartServer) -> None:
    server = start_server(echo("m", "held_mb = 200", keys=IDLE))
    before = taken(server)
    first = ask(server, "m").content
    assert taken(server) > before + 200 * MIB
    worker = server.worker("echo")
    until(lambda: not worker.is_running(), "it is stopped")
    assert taken(server) == before == 0
    until(lambda: stands(server, "m") == "stopped", "that is told")
    assert service(server, "m")["reason"] == "idle for 0.4 s"
    assert ask(server, "m").content == first


def test_at_once(start_server: StartServer) -> None:
    server = start_server(echo("m", keys="idle_timeout = 0"))
    for _ in range(3):
        assert ask(server, "m").status_code == 200
        until(lambda: not server.workers(), "it is stopped", timeout=5)
    assert ask(server, "m", "A sentence of some length. " * 60).status_code == 200
    until(lambda: not server.workers(), "it is stopped")
    starts = server.all_logged().count("service_ready")
    assert starts == 4  # a text of many segments is one use


def test_never(start_server: StartServer) -> None:
    """Nothing stops what is pinned; what is not goes beside it."""
    config = echo("pinned", keys='idle_timeout = "never"') + echo("other", keys=IDLE)
    server = start_server(config)
    ask(server, "pinned")
    pinned = server.worker("echo")
    ask(server, "other")
    until(lambda: stands(server, "other") == "stopped", "the other one is stopped")
    assert server.workers() == [pinned]
    assert service(server, "pinned")["pinned"] is True
    assert service(server, "pinned")["idle_timeout"] is None


def test_kept_warm(start_server: StartServer) -> None:
    """It starts with the server, and again when it was killed, without being asked for."""
    server = start_server(echo("m", keys=f"keep_warm = true\n{IDLE}"))
    until(lambda: stands(server, "m") == "ready", "it is started")
    for _ in range(2):
        worker = server.worker("echo")
        worker.kill()
        worker.wait(10)
        until(lambda: server.workers() and stands(server, "m") == "ready", "it is back")
    assert state(server, "m")["queue"]["admitted"] == 0
    assert ask(server, "m").status_code == 200


def test_a_long_request_is_not_cut(start_server: StartServer) -> None:
    """It lasts many times as long as the timeout, and its client is in no hurry."""
    slow = "piece_delay = 0.2, piece_seconds = 0.3"
    server = start_server(echo("m", slow, keys='idle_timeout = "50ms"') + echo("calm"))
    text = "Every word of this is heard to its end."
    expected = ask(server, "calm", text).content
    began = time.monotonic()
    with server.http.stream("POST", "/v1/audio/speech", json=speech("m", text)) as answer:
        heard = b"".join(answer.iter_raw())
    assert heard == expected
    assert time.monotonic() - began > 10 * 0.05


def test_many_first_requests_share_one_start(start_server: StartServer) -> None:
    server = start_server(echo("m", "load_seconds = 0.5"))
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda _: ask(server, "m"), range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert server.all_logged().count("service_ready") == 1
    assert len(server.workers()) == 1


@pytest.mark.parametrize("idle", ["0", '"100ms"'])
def test_who_comes_while_it_is_stopped_is_served(start_server: StartServer, idle: str) -> None:
    server = start_server(echo("m", keys=f"idle_timeout = {idle}"))
    expected = ask(server, "m").content
    for _ in range(5):
        until(lambda: stands(server, "m") != "ready", "it is being stopped")
        assert ask(server, "m").content == expected
    with ThreadPoolExecutor(4) as clients:

        def come(number: int) -> bool:
            chance = random.Random(number)
            for _ in range(3):
                time.sleep(chance.uniform(0.0, 0.2))  # at any moment of its life
                if ask(server, "m").content != expected:
                    return False
            return True

        assert all(clients.map(come, range(4)))
