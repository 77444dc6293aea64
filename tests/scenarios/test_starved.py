"""A worker gets too little: of the processor, as it is stopped most of the time at random, or has
others beside it that want all of it; or of memory, which it may not take. What is late is right,
what does not come in time is a clear error, and what has enough again is as it was.
"""

from __future__ import annotations

import multiprocessing
import random
import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import httpx2
import psutil
import pytest

from tests.conftest import StartServer
from tests.scenarios.models import (
    MIB,
    TEXT,
    ask,
    echo,
    error,
    right_or_clear,
    speech,
    stands,
    state,
)
from tests.servers import Server
from tests.wait import until

DEADLINE = 60.0
TIMES = '[lifecycle]\nstart_timeout = "20s"\nstall_timeout = "5s"\n'
CLEAR = {"model_unavailable", "worker_lost", "worker_stalled", "out_of_memory"}
BLINK = 0.3
"""Seconds that a worker is stopped at a time, at most."""
SHARE = 0.1
"""Of the time, that it runs."""


@contextmanager
def starved(server: Server) -> Iterator[None]:
    """Whatever worker there is runs for a moment now and then, at random."""
    fed = threading.Event()
    chance = random.Random()

    def starve() -> None:
        while not fed.is_set():
            stopped = [each for each in server.workers() if signalled(each.suspend)]
            fed.wait(chance.uniform(0.0, BLINK))
            for each in stopped:
                signalled(each.resume)
            fed.wait(chance.uniform(0.0, 2 * BLINK * SHARE))

    with ThreadPoolExecutor(1) as starver:
        starving = starver.submit(starve)
        try:
            yield
        finally:
            fed.set()
        starving.result()


def signalled(signal: Callable[[], None]) -> bool:
    try:
        signal()
    except psutil.NoSuchProcess:
        return False  # it ended just now
    return True


def as_before(server: Server, expected: bytes) -> None:
    assert ask(server, "m").content == expected
    assert len(server.workers()) == 1
    assert state(server, "m")["queue"] == {"admitted": 0, "waiting": 0, "slots": 1, "busy": 0}


def test_of_the_processor_while_it_speaks(start_server: StartServer) -> None:
    """It is slow, and no reason to end it: something comes in time, again and again."""
    server = start_server(TIMES + echo("m", "piece_delay = 0.01, cpu = 0.1"))
    expected = ask(server, "m").content
    worker = server.worker("echo")
    with starved(server), httpx2.Client(base_url=server.url, timeout=DEADLINE) as http:
        for _ in range(3):
            assert http.post("/v1/audio/speech", json=speech("m")).content == expected
    assert server.workers() == [worker]
    as_before(server, expected)


def test_of_the_processor_through_all_its_life(start_server: StartServer) -> None:
    """It starts, speaks and is stopped, again and again, and hardly ever runs."""
    server = start_server(TIMES + echo("m", keys="idle_timeout = 0") + echo("calm"))
    expected = ask(server, "calm").content
    server.http.post("/api/models/calm/unload").raise_for_status()
    with starved(server), ThreadPoolExecutor(2) as clients:

        def client(_: int) -> int:
            with httpx2.Client(base_url=server.url, timeout=DEADLINE) as http:
                answers = [http.post("/v1/audio/speech", json=speech("m")) for _ in range(3)]
            return sum(right_or_clear(answer, expected, CLEAR) for answer in answers)

        assert sum(clients.map(client, range(2))) > 0
    until(lambda: not server.workers(), "it is stopped")
    until(lambda: stands(server, "m") == "stopped", "that is told")
    assert ask(server, "m").content == expected


def burn() -> None:
    while True:
        pass


@pytest.fixture
def rivals() -> Iterator[list[BaseProcess]]:
    """They want all of the processor, and are as important as anything else."""
    context = multiprocessing.get_context("spawn")
    rivals = 3 * (psutil.cpu_count() or 1)
    burning: list[BaseProcess] = [context.Process(target=burn, daemon=True) for _ in range(rivals)]
    for each in burning:
        each.start()
    yield burning
    for each in burning:
        each.kill()
        each.join()


def test_of_the_processor_by_others(start_server: StartServer, rivals: list[BaseProcess]) -> None:
    """The worker is the last to get some, from its start on."""
    server = start_server(TIMES + echo("m", "load_seconds = 0.5, cpu = 0.05") + echo("calm"))
    expected = ask(server, "calm").content
    calm = server.workers()
    with ThreadPoolExecutor(1) as clients:
        asked = clients.submit(ask, server, "m")
        (worker,) = until(lambda: [w for w in server.workers() if w not in calm], "it is started")
        signalled(lambda: worker.nice(19))
        right_or_clear(asked.result(DEADLINE), expected, CLEAR)
    assert right_or_clear(ask(server, "m"), expected, CLEAR)
    assert all(each.is_alive() for each in rivals)


@contextmanager
def short_of_memory(worker: psutil.Process, left: int) -> Iterator[None]:
    """It may take so many bytes beyond what it has."""
    free = worker.rlimit(resource.RLIMIT_AS)
    assert free is not None
    worker.rlimit(resource.RLIMIT_AS, (worker.memory_info().vms + left, free[1]))
    yield
    if worker.is_running():
        worker.rlimit(resource.RLIMIT_AS, free)


@pytest.mark.parametrize("left", [0, 4 * MIB])
def test_of_memory_while_it_speaks(start_server: StartServer, left: int) -> None:
    """What it cannot hold is an error, or the next worker's; then it has enough again."""
    server = start_server(TIMES + echo("m", "memory_mb = 200"))
    expected = ask(server, "m").content
    with short_of_memory(server.worker("echo"), left), ThreadPoolExecutor(3) as clients:
        for each in [clients.submit(ask, server, "m") for _ in range(3)]:
            right_or_clear(each.result(DEADLINE), expected, CLEAR)
    as_before(server, expected)


def test_of_memory_while_it_loads(start_server: StartServer) -> None:
    server = start_server(TIMES + echo("m", "load_seconds = 1, held_mb = 500"))
    with ThreadPoolExecutor(3) as clients:
        asked = [clients.submit(ask, server, "m", TEXT) for _ in range(3)]
        worker = until(server.workers, "it is started")[0]
        with short_of_memory(worker, 50 * MIB):
            answers = [each.result(DEADLINE) for each in asked]
    assert not worker.is_running()
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert all(error(a)["code"] in CLEAR for a in answers if a.status_code == 503)
    until(lambda: ask(server, "m").status_code == 200, "it is started", timeout=DEADLINE)
    assert len(server.workers()) == 1
