"""Loaded and unloaded again and again while clients ask: everything comes back each time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import pytest

from tests.conftest import StartServer
from tests.scenarios.models import MIB, ask, echo, speech, stands, state
from tests.servers import Server
from tests.wait import until

KEPT_MOST = 6 * MIB
"""What an allocator may hold on to, not what a leak of every cycle would be."""
CLIENTS = 2


@dataclass(frozen=True)
class Kept:
    """What a server has while none of its models runs."""

    memory: int
    """Bytes that are its own alone."""
    descriptors: int
    threads: int
    files: frozenset[str]


def kept(server: Server) -> Kept:
    process = server.process
    return Kept(
        process.memory_full_info().uss,
        process.num_fds(),
        process.num_threads(),
        frozenset(str(path) for path in server.temporary.rglob("*")),
    )


@contextmanager
def load(server: Server, expected: bytes) -> Iterator[list[int]]:
    """Clients that ask without a pause; an entry for each answer, of which none may be wrong."""
    done = threading.Event()
    served: list[int] = []

    def client() -> None:
        with httpx2.Client(base_url=server.url, timeout=60.0) as http:
            while not done.is_set():
                answer = http.post("/v1/audio/speech", json=speech("m"))
                assert answer.status_code == 200, answer.text
                assert answer.content == expected
                served.append(1)

    with ThreadPoolExecutor(CLIENTS) as clients:
        working = [clients.submit(client) for _ in range(CLIENTS)]
        try:
            yield served
        finally:
            done.set()
        for each in working:
            each.result()


def cycles(server: Server, expected: bytes, count: int) -> Kept:
    """What is kept after so many."""
    with load(server, expected) as served:
        for _ in range(count):
            served.clear()
            server.http.post("/api/models/m/load").raise_for_status()
            until(lambda: served, "it is used")
            server.http.post("/api/models/m/unload").raise_for_status()
    until(lambda: state(server, "m")["queue"]["admitted"] == 0, "all requests have left")
    server.http.post("/api/models/m/unload").raise_for_status()
    assert stands(server, "m") == "stopped"
    assert not server.process.children(recursive=True)
    return kept(server)


def run(server: Server, first: int, more: int) -> None:
    expected = ask(server, "m").content
    before = cycles(server, expected, first)
    after = cycles(server, expected, more)
    assert after.files == before.files == frozenset()
    # Clients' connections end when they do; the server may hear of it a moment later.
    until(lambda: server.process.num_fds() <= before.descriptors, "descriptors come back")
    assert after.threads <= before.threads + 2  # pools that were not full yet
    assert after.memory - before.memory < KEPT_MOST
    assert server.all_logged().count("service_ready") >= first + more
    assert "Traceback" not in server.all_logged()


def test_a_few(start_server: StartServer) -> None:
    run(start_server(echo("m", "held_mb = 20")), 3, 7)


@pytest.mark.long
def test_two_hundred(start_server: StartServer) -> None:
    run(start_server(echo("m", "held_mb = 20")), 20, 180)
