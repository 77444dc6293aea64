"""More requests than a model can queue: a deliberate 429, and everything else is served."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.conftest import StartServer
from tests.scenarios.models import ask, error, speech, stands, state
from tests.wait import until

SLOW_TO_LOAD = """
[lifecycle]
memory_budget = { ram = "300MiB" }

[models.small]
queue_limit = 1
backends = [{ engine = "echo", memory = "200MiB", options = { held_mb = 140, load_seconds = 4 } }]

[models.other]
backends = [{ engine = "echo", memory = "200MiB", options = { held_mb = 140, piece_delay = 0.3 } }]
"""
CONFIG = """
[models.echo]
queue_limit = 3
backends = [{ engine = "echo", options = { delay = 0.3 } }]
"""


def test_a_full_queue(start_server: StartServer) -> None:
    server = start_server(CONFIG)
    body = {"model": "echo", "input": "Hello there.", "response_format": "pcm"}

    def ask(_: int) -> httpx2.Response:
        return server.http.post("/v1/audio/speech", json=body)

    assert ask(0).status_code == 200
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(ask, range(12)))
    served = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(served) + len(refused) == 12
    assert len(served) >= 4  # one slot and three places in the queue
    assert len({answer.content for answer in served}) == 1
    assert refused
    for answer in refused:
        assert answer.json()["error"]["code"] == "queue_full"
        assert answer.json()["error"]["type"] == "rate_limit_error"
        assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_a_long_text_does_not_keep_a_short_one_waiting(start_server: StartServer) -> None:
    """With one slot: the short one gets its turn after the segment that is being spoken."""
    server = start_server(CONFIG.replace("delay = 0.3", "piece_delay = 0.02"))
    long = {"model": "echo", "input": "A sentence of some length. " * 400, "response_format": "pcm"}
    short = {"model": "echo", "input": "Hello there.", "response_format": "pcm"}
    with server.http.stream("POST", "/v1/audio/speech", json=long) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        assert server.http.post("/v1/audio/speech", json=short).status_code == 200
        assert 'stentor_admitted{model="echo"} 1.0' in server.http.get("/metrics").text


def test_who_is_refused_is_told_how_long_the_model_takes_into_memory(
    start_server: StartServer,
) -> None:
    server = start_server(SLOW_TO_LOAD)
    assert ask(server, "small").status_code == 200
    with (
        server.http.stream("POST", "/v1/audio/speech", json=speech("other")) as busy,
        ThreadPoolExecutor(2) as clients,
    ):
        pieces = busy.iter_raw()
        next(pieces)
        until(lambda: stands(server, "small") == "stopped", "it made room")
        waiting = [clients.submit(ask, server, "small") for _ in range(2)]
        until(lambda: state(server, "small")["queue"]["admitted"] == 2, "its queue is full")
        refused = ask(server, "small")
        assert error(refused)["code"] == "queue_full"
        assert 2 <= int(refused.headers["Retry-After"]) <= 60  # for no model at rest that is said
        for _ in pieces:
            pass
        assert [each.result().status_code for each in waiting] == [200, 200]
