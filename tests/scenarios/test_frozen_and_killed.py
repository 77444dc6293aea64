"""A worker is killed, frozen or starved at every point of its life. Each request ends in time, in a
right answer or a clear error; then a plain request works, and no process is left over.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx2
import psutil
import pytest

from tests.conftest import StartServer
from tests.scenarios.models import TEXT, ask, echo, right_or_clear, service, speech, stands, state
from tests.servers import Server
from tests.wait import until

DEADLINE = 20.0
"""Seconds for any request: a few starts and stalls of the times below."""
TIMES = """
[lifecycle]
start_timeout = "3s"
stall_timeout = "700ms"
"""
CLEAR = {"model_unavailable", "worker_lost", "worker_stalled"}
Blow = Callable[[psutil.Process], None]
BLOWS = [
    pytest.param(psutil.Process.kill, id="killed"),
    pytest.param(psutil.Process.suspend, id="frozen"),
]


MODELS = {
    "starts-slowly": "load_seconds = 0.5",
    "starts": "load_seconds = 0.1",
    "plain": "",
    "begins-late": "delay = 0.3",
    "streams": "piece_delay = 0.02",
}


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server(TIMES + "".join(echo(name, how) for name, how in MODELS.items())) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    """Without any worker."""
    for name in MODELS:
        running.http.post(f"/api/models/{name}/unload").raise_for_status()
    assert not running.workers()
    return running


@contextmanager
def ends_well(server: Server, model: str) -> Iterator[bytes]:
    """Gives what the model says; checks afterwards that all is as before."""
    expected = ask(server, model).content
    assert expected
    yield expected
    assert ask(server, model).content == expected
    assert len(server.workers()) == 1
    assert state(server, model)["queue"] == {"admitted": 0, "waiting": 0, "slots": 1, "busy": 0}


@pytest.mark.parametrize("blow", BLOWS)
@pytest.mark.parametrize("loading", [False, True], ids=["before-it-listens", "loading"])
def test_while_it_starts(server: Server, blow: Blow, loading: bool) -> None:
    with ends_well(server, "starts-slowly") as expected, ThreadPoolExecutor(1) as clients:
        server.http.post("/api/models/starts-slowly/unload").raise_for_status()
        asked = clients.submit(ask, server, "starts-slowly")
        worker = until(server.workers, "a worker is started")[0]
        if loading:
            until(partial(listens, worker), "it listens")
        blow(worker)
        right_or_clear(asked.result(DEADLINE), expected, CLEAR)
        until(partial(gone, worker), "it is gone")


def gone(worker: psutil.Process) -> bool:
    return not worker.is_running()


def listens(worker: psutil.Process) -> bool:
    return any(each.laddr for each in worker.net_connections("unix"))


@pytest.mark.parametrize("blow", BLOWS)
def test_ready_and_idle(server: Server, blow: Blow) -> None:
    with ends_well(server, "plain") as expected:
        for _ in range(2):
            worker = server.worker("echo")
            blow(worker)
            # There is time for a second try.
            assert right_or_clear(ask(server, "plain"), expected, CLEAR)
            until(partial(gone, worker), "it is gone")


@pytest.mark.parametrize("blow", BLOWS)
def test_in_a_call_before_its_first_audio(server: Server, blow: Blow) -> None:
    with ends_well(server, "begins-late") as expected, ThreadPoolExecutor(1) as clients:
        for _ in range(2):
            asked = clients.submit(ask, server, "begins-late")
            until(lambda: state(server, "begins-late")["queue"]["busy"] == 1, "it is asked")
            blow(server.worker("echo"))
            assert right_or_clear(asked.result(DEADLINE), expected, CLEAR)


@pytest.mark.parametrize("blow", BLOWS)
def test_in_mid_stream(server: Server, blow: Blow) -> None:
    """Its listener hears all of it, once."""
    with ends_well(server, "streams") as expected:
        for _ in range(2):
            with server.http.stream("POST", "/v1/audio/speech", json=speech("streams")) as answer:
                pieces = answer.iter_raw()
                heard = [next(pieces)]
                blow(server.worker("echo"))
                heard += pieces
            assert b"".join(heard) == expected


def test_frozen_while_it_is_stopped(start_server: StartServer) -> None:
    """It is asked to end, does not hear it, and is killed; who comes meanwhile is served."""
    server = start_server(TIMES + echo("m", keys='idle_timeout = "300ms"'))
    expected = ask(server, "m").content
    worker = server.worker("echo")
    worker.suspend()
    until(lambda: stands(server, "m") == "draining", "it is being stopped")
    assert worker.is_running()
    assert ask(server, "m").content == expected
    assert not worker.is_running()


def test_killed_while_it_is_stopped(start_server: StartServer) -> None:
    server = start_server(TIMES + echo("m", keys="idle_timeout = 0"))
    expected = ask(server, "m").content
    for _ in range(4):
        killed_at_random(server, random.uniform(0.0, 0.1))
        assert right_or_clear(ask(server, "m"), expected, CLEAR)


def killed_at_random(server: Server, seconds: float) -> None:
    """In so many seconds, if there is one then."""

    def kill() -> None:
        for worker in server.workers():
            try:
                worker.kill()
            except psutil.NoSuchProcess:
                pass  # it was quicker

    threading.Timer(seconds, kill).start()


def test_starved_while_it_starts(server: Server) -> None:
    """It is too slow once, then it is not."""
    with ends_well(server, "starts") as expected, ThreadPoolExecutor(4) as clients:
        server.http.post("/api/models/starts/unload").raise_for_status()
        asked = [clients.submit(ask, server, "starts") for _ in range(4)]
        worker = until(server.workers, "a worker is started")[0]
        worker.suspend()
        for each in asked:
            right_or_clear(each.result(DEADLINE), expected, CLEAR)
        assert not worker.is_running()


def test_at_any_moment(start_server: StartServer) -> None:
    """Under load, with starts and stops between: nobody waits for ever, nobody hears nonsense."""
    chance = random.Random()
    options = "load_seconds = 0.2, delay = 0.05, piece_delay = 0.01"
    server = start_server(TIMES + echo("m", options, keys='idle_timeout = "200ms"') + echo("calm"))
    expected = ask(server, "calm").content
    pace = max(1.0, 2 * service(server, "calm")["start_seconds"])  # there is time for a start
    server.http.post("/api/models/calm/unload").raise_for_status()
    end = time.monotonic() + 5.0
    served: list[int] = []

    def goes_on() -> bool:
        """On a slow machine until something was served between two blows."""
        now = time.monotonic()
        return now < end or (sum(served) <= 3 and now < end + 40.0)

    def client(number: int) -> None:
        pauses = random.Random(number)
        with httpx2.Client(base_url=server.url, timeout=DEADLINE) as http:
            while goes_on():
                try:
                    answer = http.post("/v1/audio/speech", json=speech("m"))
                except httpx2.RemoteProtocolError:
                    continue  # visibly broken: more tries in a row failed than a segment has
                served.append(right_or_clear(answer, expected, CLEAR))
                time.sleep(pauses.uniform(0.0, 0.4))

    with ThreadPoolExecutor(3) as clients:
        working = [clients.submit(client, number) for number in range(3)]
        while not all(each.done() for each in working):
            time.sleep(pace * chance.uniform(0.4, 1.2))  # unknown to all that runs
            for worker in server.workers():
                blow = chance.choice([signal.SIGKILL, signal.SIGSTOP])
                try:
                    worker.send_signal(blow)
                except psutil.NoSuchProcess:
                    pass  # it has just ended
        for each in working:
            each.result()
    assert sum(served) > 3, served
    # What was frozen last may still be ready to all appearance; one that cannot be started has
    # to be left alone for a while.
    until(lambda: right_or_clear(ask(server, "m"), expected, CLEAR), "it is served", timeout=40)
    until(lambda: not server.workers(), "the idle one is stopped")


def test_frozen_ones_are_killed_when_the_server_stops(start_server: StartServer) -> None:
    server = start_server(TIMES + echo("a") + echo("b", "load_seconds = 30") + echo("c"))
    with ThreadPoolExecutor(1) as clients:
        for model in "ac":
            ask(server, model)
        asked = clients.submit(ask, server, "b", TEXT)
        until(lambda: len(server.workers()) == 3, "all are there")
        for worker in server.workers():
            worker.suspend()
        workers = server.workers()
        assert server.stop() in (0, -signal.SIGTERM)
        assert not any(worker.is_running() for worker in workers)
        assert asked.exception(DEADLINE) or asked.result().status_code == 503
