"""`/upstream/{model}/…` on a machine with too little memory: it takes turns as all others do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.conftest import StartServer
from tests.scenarios.foreign import Foreign
from tests.scenarios.models import MIB, ask, echo, service, stands
from tests.servers import Server
from tests.wait import until

BUDGET = 'memory_budget = { ram = "500MiB" }\nmemory_timeout = "20s"'
ALL = 'memory = "499MiB"'
"""Beside something that needs so much nothing else fits, however little it is measured to take."""
SECONDS = 0.9
"""That a request takes."""
CLIENTS = 3


def body() -> Iterator[bytes]:
    for _ in range(10):
        yield b"x"
        time.sleep(SECONDS / 10)


def test_another_model_gets_its_turn(start_server: StartServer, foreign: Foreign) -> None:
    """However many come before the last one has gone, and none of them is harmed."""
    config = foreign.config(backend='protocol = "none"', more=BUDGET) + echo("m", backend=ALL)
    server = start_server(config)
    server.http.get("/upstream/foreign/echo")
    done = threading.Event()

    served = [0] * CLIENTS

    def client(number: int) -> None:
        done.wait(number * SECONDS / CLIENTS)
        with httpx2.Client(base_url=server.url, timeout=60.0) as http:
            while not done.is_set():
                answer = http.post("/upstream/foreign/echo", content=body())
                assert (answer.status_code, answer.content) == (207, 10 * b"x")
                served[number] += 1

    with ThreadPoolExecutor(CLIENTS) as clients:
        working = [clients.submit(client, number) for number in range(CLIENTS)]
        try:
            until(lambda: users(server) == CLIENTS, "all are at it")
            assert ask(server, "m").status_code == 200
            until(lambda: stands(server, "foreign") == "ready", "the others have their turn again")
            until(lambda: min(served) > 1, "each of them")
        finally:
            done.set()
        for each in working:
            each.result()


def users(server: Server) -> int:
    told = server.http.get("/api/models/foreign").json()["backends"][0]["service"]["users"]
    # A request that has entered is in a call as well.
    return int(told) // 2


def test_another_backend_takes_what_has_no_room(
    start_server: StartServer, foreign: Foreign
) -> None:
    """Without any wait."""
    config = foreign.config(backend=f'protocol = "none"\n{ALL}', more=BUDGET)
    backend = config[config.index("[[models.foreign.backends]]") :].replace(ALL, "")
    server = start_server(config + backend + echo("m", keys='idle_timeout = "never"'))
    assert ask(server, "m").status_code == 200
    # Little, and measured: what is not known yet has room beside anything.
    until(lambda: service(server, "m")["used"].get("ram", 0) > MIB, "it is measured")
    assert server.http.get("/upstream/foreign/echo").status_code == 207
    assert (stands(server, "foreign", 0), stands(server, "foreign", 1)) == ("stopped", "ready")
