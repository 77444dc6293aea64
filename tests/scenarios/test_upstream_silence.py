"""Nobody knows when a server must answer what is asked past our API. It is left alone while it
gives any sign of life; what is frozen is found out, and who hangs up waits for nothing.
"""

from __future__ import annotations

import json
import re

import httpx2
import psutil
import pytest

from tests.conftest import StartServer
from tests.scenarios.foreign import Foreign, code, processes
from tests.servers import Server
from tests.wait import until

RAW = 'protocol = "none"'
STALL = 'stall_timeout = "1s"'
ECHO = "/upstream/foreign/echo"
COUNT = "/upstream/foreign/count"


def silent(foreign: Foreign, fault: str = "", *, model: str = "") -> str:
    return foreign.config(fault, backend=RAW, model=model, more=STALL)


def looks(foreign: Foreign) -> int:
    return sum("health" in line for line in foreign.told())


def frozen(server: Server) -> psutil.Process:
    """It is ready by then."""
    assert server.http.get(ECHO).status_code == 207
    (process,) = processes(server)
    process.suspend()
    return process


def admitted(server: Server) -> int:
    (line,) = re.findall(
        r'stentor_admitted{model="foreign"} (.*)', server.http.get("/metrics").text
    )
    return int(float(line))


def test_a_frozen_server(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(silent(foreign))
    process = frozen(server)
    assert code(server.http.get(ECHO)) == (503, "worker_stalled")
    assert process not in processes(server)
    assert server.http.get(ECHO).status_code == 207


def test_one_that_is_frozen_under_its_answer(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(silent(foreign))
    with (
        pytest.raises(httpx2.RemoteProtocolError),
        server.http.stream("GET", COUNT) as answer,
    ):
        pieces = answer.iter_raw()
        assert next(pieces) == b"one\n"
        processes(server)[0].suspend()
        b"".join(pieces)
    assert server.http.get(ECHO).status_code == 207


def test_one_that_lives_may_think_for_as_long_as_it_likes(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(silent(foreign))
    with server.http.stream("GET", COUNT) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"one\n"
        before = looks(foreign)
        until(lambda: looks(foreign) >= before + 3, "it is looked at again and again")
        server.http.post("/upstream/foreign/step")
        assert b"".join(pieces) == b"two\n"


def test_one_that_sends_lives_whatever_its_health_is(
    start_server: StartServer, foreign: Foreign
) -> None:
    """For longer than silence and a look may take."""
    server = start_server(silent(foreign, "healthy once"))
    with server.http.stream("GET", "/upstream/foreign/drip") as answer:
        assert answer.read() == b"." * 50
    assert code(server.http.get("/upstream/foreign/never")) == (503, "worker_stalled")


def test_a_frozen_server_of_impatient_clients(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(silent(foreign))
    process = frozen(server)

    def served() -> bool:
        try:
            return server.http.get(ECHO, timeout=0.4).status_code == 207
        except httpx2.ReadTimeout:
            return False

    until(served, "somebody is served by the next one")
    assert process not in processes(server)


@pytest.mark.parametrize("body", [b"", b"something"])
def test_who_hangs_up_does_not_wait_for_its_start(
    start_server: StartServer, foreign: Foreign, body: bytes
) -> None:
    server = start_server(silent(foreign, "never ready", model="queue_limit = 0"))
    for _ in range(3):  # one place is all there is
        with pytest.raises(httpx2.ReadTimeout):
            server.http.post(ECHO, content=body, timeout=0.3)
        until(lambda: admitted(server) == 0, "its place is free")
    assert not any("method" in line for line in foreign.told()), json.dumps(foreign.told())
