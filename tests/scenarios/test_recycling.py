"""An engine that keeps memory for ever is started anew between two requests: none notices."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.conftest import StartServer
from tests.scenarios.models import MIB, ask, echo, service, speech, stands
from tests.servers import Server
from tests.wait import until

LIMIT = 160
LEAKS = f'memory_limit = "{LIMIT}MiB"'


def starts(server: Server) -> int:
    return server.log.count("service_ready")


def test_between_two_requests(start_server: StartServer) -> None:
    server = start_server(echo("m", "leak_mb = 60", keys=LEAKS) + echo("calm"))
    expected = ask(server, "calm").content
    for _ in range(3):
        assert ask(server, "m").content == expected
    until(lambda: stands(server, "m") == "stopped", "it has grown too large")
    told = service(server, "m")
    assert told["reason"].startswith("it grew to ")
    assert told["need"]["ram"] <= LIMIT * MIB  # a leak is no need
    assert ask(server, "m").content == expected
    assert starts(server) == 3


def test_never_within_one(start_server: StartServer) -> None:
    """Long after it was seen to be too large, the request that runs is spoken to its end."""
    options = "leak_mb = 200, piece_delay = 0.1"
    server = start_server(echo("m", options, keys=LEAKS) + echo("calm"))
    text = "It is too large from the first piece on. " * 2
    expected = ask(server, "calm", text).content
    with server.http.stream("POST", "/v1/audio/speech", json=speech("m", text)) as answer:
        pieces = answer.iter_raw()
        heard = [next(pieces)]
        worker = max(server.workers(), key=lambda each: each.memory_info().rss)
        until(lambda: service(server, "m")["used"].get("ram", 0) > 200 * MIB, "it is measured")
        assert worker.is_running()
        heard += pieces
    assert b"".join(heard) == expected
    until(lambda: not worker.is_running(), "it is stopped afterwards")


def test_kept_warm_it_comes_back_by_itself(start_server: StartServer) -> None:
    server = start_server(echo("m", "leak_mb = 200", keys=f"{LEAKS}\nkeep_warm = true"))
    worker = server.worker("echo")
    assert ask(server, "m").status_code == 200
    until(lambda: not worker.is_running(), "it is stopped")
    until(lambda: stands(server, "m") == "ready", "it is started anew")


def test_under_load(start_server: StartServer) -> None:
    server = start_server(echo("m", "leak_mb = 10, parallel = 2", keys=LEAKS))
    expected = ask(server, "m").content
    end = time.monotonic() + 30

    def client(_: int) -> int:
        served = 0
        with httpx2.Client(base_url=server.url, timeout=60.0) as http:
            while starts(server) < 3 and time.monotonic() < end:
                assert http.post("/v1/audio/speech", json=speech("m")).content == expected
                served += 1
                time.sleep(0.05)  # ten megabytes each: a machine's memory has an end
        return served

    with ThreadPoolExecutor(3) as clients:
        served = list(clients.map(client, range(3)))
    assert starts(server) >= 3
    assert min(served) > 3
