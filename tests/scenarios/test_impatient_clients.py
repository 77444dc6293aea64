"""Clients that hang up long before a call counts as stalled: what is frozen, or cannot be reached
any more, is found out all the same, and those that come later are served.
"""

from __future__ import annotations

import shutil
import time
from functools import partial

import httpx2
import psutil

from tests.conftest import StartServer
from tests.scenarios.foreign import TEXT, Foreign, processes
from tests.scenarios.models import ask, echo, service, speech
from tests.servers import Server
from tests.wait import until

STALL = 2.0
PATIENCE = 0.5
"""Seconds, of every client."""
DEADLINE = 20.0
TIMES = f'[lifecycle]\nstall_timeout = "{STALL:g}s"\n'


def served(server: Server, model: str, expected: bytes, *, patience: float = PATIENCE) -> bool:
    body = speech(model, TEXT)
    try:
        answer = server.http.post("/v1/audio/speech", json=body, timeout=patience)
    except httpx2.TimeoutException:
        return False
    return answer.status_code == 200 and answer.content == expected


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_frozen_worker(start_server: StartServer) -> None:
    server = start_server(TIMES + echo("m"))
    expected = ask(server, "m", TEXT).content
    worker = server.worker("echo")
    worker.suspend()
    began = time.monotonic()
    until(partial(served, server, "m", expected), "somebody is served", timeout=DEADLINE)
    assert time.monotonic() - began > STALL - 2 * PATIENCE  # one slow call is no reason
    assert gone(worker)
    assert "one call after another" in server.all_logged()


def test_a_frozen_server_of_others(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config(more=f'stall_timeout = "{STALL:g}s"'))
    expected = ask(server, "foreign", TEXT).content
    frozen = processes(server)[0]
    frozen.suspend()
    until(partial(served, server, "foreign", expected), "somebody is served", timeout=DEADLINE)
    assert gone(frozen)


def test_an_engine_that_hangs_in_a_worker_that_lives(start_server: StartServer) -> None:
    """It answers whoever asks how it is, and says nothing more."""
    server = start_server(TIMES + echo("m", "hang_rate = 1.0"))
    assert not served(server, "m", b"")
    worker = server.worker("echo")

    def ended() -> bool:
        return served(server, "m", b"") or gone(worker)

    until(ended, "it is found out", timeout=DEADLINE)


def test_what_works_is_left_alone_whoever_hangs_up(start_server: StartServer) -> None:
    """Much longer, all in all, than a stall: but something is heard between."""
    server = start_server(TIMES + echo("m", "delay = 0.4"))
    expected = ask(server, "m", TEXT).content
    worker = server.worker("echo")
    for _ in range(4):
        for _ in range(2):
            assert not served(server, "m", expected, patience=0.2)
        assert served(server, "m", expected, patience=DEADLINE)
    assert worker.is_running()


def test_a_worker_that_cannot_be_reached(start_server: StartServer) -> None:
    """It lives, and its socket is gone, as a cleaner of temporary folders would have it."""
    server = start_server(echo("m"))
    expected = ask(server, "m", TEXT).content
    worker = server.worker("echo")
    (folder,) = server.temporary.glob("stentor-*")
    shutil.rmtree(folder)
    assert served(server, "m", expected, patience=DEADLINE)
    assert gone(worker)
    assert service(server, "m")["state"] == "ready"
