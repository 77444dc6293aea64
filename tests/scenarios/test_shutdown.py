"""The end of the server, in good order and not."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.conftest import StartServer
from tests.servers import Server
from tests.wait import until

SLOW = '[models.echo]\nbackends = [{ engine = "echo", options = { piece_delay = 0.05 } }]\n'
BODY = {"model": "echo", "input": "A sentence of some length. " * 5, "response_format": "pcm"}


def test_what_runs_is_finished(start_server: StartServer) -> None:
    server = start_server(SLOW)
    expected = server.http.post("/v1/audio/speech", json=BODY).content
    with server.http.stream("POST", "/v1/audio/speech", json=BODY) as answer:
        pieces = answer.iter_raw()
        first = next(pieces)
        server.process.send_signal(signal.SIGTERM)
        assert first + b"".join(pieces) == expected


def test_what_does_not_end_in_time_is_broken_off(start_server: StartServer) -> None:
    server = start_server(SLOW, STENTOR_SERVER__SHUTDOWN_TIMEOUT="1s")
    body = BODY | {"input": "A sentence of some length. " * 500}
    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(server.http.post, "/v1/audio/speech", json=body)
        until(lambda: server.workers("echo"), "the worker starts")
        server.stop()
        assert isinstance(asked.exception(timeout=20), httpx2.HTTPError)


def test_a_killed_server_leaves_no_worker() -> None:
    with Server(SLOW) as server:
        server.http.post("/v1/audio/speech", json=BODY)
        worker = server.worker("echo")
        server.kill()
        until(lambda: not worker.is_running(), "the worker has ended")
        until(lambda: not any(server.temporary.iterdir()), "its files are gone")
