"""Nobody knows when a server must answer what is asked past our API. It is left alone while it
gives any sign of life; what is frozen is found out, and who hangs up waits for nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import aiohttp
import httpx2
import psutil
import pytest

from tests.audio import streamed_wav
from tests.conftest import StartServer
from tests.scenarios.foreign import SOCKETS, Foreign, code, processes
from tests.servers import Server
from tests.wait import until, until_async

RAW = 'protocol = "none"'
LIMIT = 1.5
"""Seconds, of silence and of a look."""
ECHO = "/upstream/foreign/echo"
COUNT = "/upstream/foreign/count"
SOCKET = "/upstream/foreign/socket"
PATIENCE = httpx2.Timeout(60.0, read=0.4)


def silent(foreign: Foreign, fault: str = "", *, model: str = "") -> str:
    return foreign.config(fault, backend=RAW, model=model, more=f'stall_timeout = "{LIMIT}s"')


def looks(foreign: Foreign) -> int:
    return sum("health" in line for line in foreign.told())


@asynccontextmanager
async def socket(server: Server) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}{SOCKET}") as connected,
    ):
        yield connected


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


@SOCKETS
@pytest.mark.anyio
async def test_one_that_is_frozen_under_a_socket(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(silent(foreign))
    async with socket(server) as connected:
        await connected.send_str("hello")
        assert await connected.receive_str() == ":hello"
        before = looks(foreign)
        await until_async(lambda: looks(foreign) >= before + 2, "it may be idle")
        (process,) = processes(server)
        process.suspend()
        message = await connected.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1011)
    assert process not in processes(server)


@SOCKETS
@pytest.mark.anyio
async def test_a_socket_that_hangs_up_does_not_wait_for_its_start(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(silent(foreign, "never ready"))
    async with aiohttp.ClientSession() as session:
        connecting = asyncio.create_task(session.ws_connect(f"{server.url}{SOCKET}"))
        await until_async(lambda: admitted(server) == 1, "it waits")
        connecting.cancel()
        await asyncio.wait([connecting])
        await until_async(lambda: admitted(server) == 0, "its place is free")


def test_one_that_speaks_lives(start_server: StartServer, foreign: Foreign) -> None:
    """To a call of our own API, though it says nothing to another and nothing of its health."""
    config = foreign.config("slow and healthy once", more=f'stall_timeout = "{LIMIT}s"')
    server = start_server(config)
    text = "x" * int(3 * LIMIT / 0.05)
    with ThreadPoolExecutor(1) as other:
        body = {"model": "foreign", "input": text, "response_format": "wav"}
        with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
            pieces = answer.iter_raw()
            audio = next(pieces)
            hung = other.submit(server.http.get, "/upstream/foreign/never")
            audio += b"".join(pieces)
        assert len(streamed_wav(audio)[0]) > 0.09 * len(text) * 16_000
        assert code(hung.result()) == (503, "worker_stalled")


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
    """What it sends comes while it is looked at, and the look is in vain."""
    server = start_server(silent(foreign, "healthy once"))
    with server.http.stream("GET", f"/upstream/foreign/drip?pause={1.4 * LIMIT}") as answer:
        assert answer.read() == b"..."
    assert code(server.http.get("/upstream/foreign/never")) == (503, "worker_stalled")


def test_a_frozen_server_of_impatient_clients(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(silent(foreign))
    process = frozen(server)

    def served() -> bool:
        try:
            return server.http.get(ECHO, timeout=PATIENCE).status_code == 207
        except httpx2.ReadTimeout:
            return False

    until(served, "somebody is served by the next one")
    assert process not in processes(server)


@pytest.mark.parametrize("body", [b"", b"something", b"x" * 500_000])
def test_who_hangs_up_does_not_wait_for_its_start(
    start_server: StartServer, foreign: Foreign, body: bytes
) -> None:
    server = start_server(silent(foreign, "never ready", model="queue_limit = 0"))
    for _ in range(3):  # one place is all there is
        with pytest.raises(httpx2.ReadTimeout):
            server.http.post(ECHO, content=body, timeout=PATIENCE)
        until(lambda: admitted(server) == 0, "its place is free")
    assert not any("method" in line for line in foreign.told()), json.dumps(foreign.told())
