"""Models that do not fit into memory together: idle ones leave, busy ones take turns, and what can
never fit is told so at once. The memory is really taken.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx2
import pytest

from tests.conftest import StartServer
from tests.scenarios.hang_up import hanging_up
from tests.scenarios.models import MIB, ask, echo, error, service, speech, stands, state, taken
from tests.servers import Server
from tests.wait import until

BUDGET = 300
MEMORY_TIMEOUT = 30.0
BASE = 60
"""MiB that a worker takes for itself, at most."""
HELD = 140
SLOW = "A long text that is spoken slowly."


def budget(*models: str) -> str:
    lifecycle = f'memory_budget = {{ ram = "{BUDGET}MiB" }}\nmemory_timeout = "{MEMORY_TIMEOUT:g}s"'
    return f"[lifecycle]\n{lifecycle}\n" + "".join(models)


def large(name: str, options: str = "", *, keys: str = "") -> str:
    """Two of them do not fit together."""
    options = f"held_mb = {HELD}" + (f", {options}" if options else "")
    return echo(name, options, keys=keys, backend=f'memory = "{HELD + BASE}MiB"')


@contextmanager
def watched(server: Server) -> Iterator[list[int]]:
    """What all workers take, again and again."""
    samples: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            samples.append(taken(server))

    with ThreadPoolExecutor(1) as watcher:
        watching = watcher.submit(watch)
        try:
            yield samples
        finally:
            done.set()
        watching.result()


def all_ask(server: Server, models: str, seconds: float) -> dict[str, int]:
    """Every letter is a client of the model of that name; how many answers each model gave, of
    which none may be wrong.
    """
    expected = len(ask(server, models[0]).content)
    end = time.monotonic() + seconds

    def client(model: str) -> int:
        served = 0
        with httpx2.Client(base_url=server.url, timeout=60.0) as http:
            while time.monotonic() < end:
                answer = http.post("/v1/audio/speech", json=speech(model))
                assert answer.status_code == 200, answer.text
                assert len(answer.content) == expected
                served += 1
        return served

    with ThreadPoolExecutor(len(models)) as clients:
        served = list(clients.map(client, models))
    return {
        name: sum(n for m, n in zip(models, served, strict=True) if m == name) for name in models
    }


def test_an_idle_one_leaves(start_server: StartServer) -> None:
    server = start_server(budget(large("a"), large("b")))
    ask(server, "a")
    first = server.worker("echo")
    assert ask(server, "b").status_code == 200
    assert not first.is_running()
    told = service(server, "a")
    assert (told["state"], told["reason"]) == ("stopped", "it makes room for b/engine:echo")
    assert stands(server, "b") == "ready"


def test_two_take_turns(start_server: StartServer) -> None:
    server = start_server(budget(large("a"), large("b")))
    with watched(server) as samples:
        served = all_ask(server, "aabb", 8.0)
    assert max(samples) < (BUDGET + BASE) * MIB
    assert min(served.values()) > 5, served
    starts = server.all_logged().count("service_ready")
    assert 3 <= starts < sum(served.values()) / 2, served  # turns, of more than one request each


def test_three_on_room_for_two(start_server: StartServer) -> None:
    small = [echo(n, "held_mb = 70", backend='memory = "130MiB"') for n in "abc"]
    server = start_server(budget(*small))
    with watched(server) as samples:
        served = all_ask(server, "aabbcc", 6.0)
    assert max(samples) < (BUDGET + BASE) * MIB
    assert min(served.values()) > 3, served


def test_what_never_fits_is_refused_at_once(start_server: StartServer) -> None:
    config = budget(echo("a", backend=f'memory = "{BUDGET + 1}MiB"'))
    server = start_server(config)
    for _ in range(3):
        began = time.monotonic()
        answer = ask(server, "a")
        assert (answer.status_code, error(answer)["code"]) == (503, "no_room")
        assert "needs 301 MiB of ram: all may take 300 MiB" in error(answer)["message"]
        assert time.monotonic() - began < 5.0
    assert not server.workers()
    assert stands(server, "a") == "stopped"


def test_what_is_pinned_stays(start_server: StartServer) -> None:
    server = start_server(budget(large("a", keys='idle_timeout = "never"'), large("b")))
    ask(server, "a")
    pinned = server.worker("echo")
    answer = ask(server, "b")
    assert (answer.status_code, error(answer)["code"]) == (503, "no_room")
    assert "stays with" in error(answer)["message"]
    assert pinned.is_running()
    assert ask(server, "a").status_code == 200


def test_another_backend_takes_what_cannot_fit(start_server: StartServer) -> None:
    """Without any wait: also the first request of all, and not only for a while."""
    two = f"""
    [models.two]
    [[models.two.backends]]
    engine = "echo"
    memory = "{HELD + BASE}MiB"
    [[models.two.backends]]
    engine = "echo"
    memory = "{BASE + 20}MiB"
    """
    server = start_server(budget(large("a", "piece_delay = 0.3"), two))
    body = speech("a", SLOW)
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        for _ in range(3):
            other = ask(server, "two")
            assert other.status_code == 200
            assert other.headers["X-Stentor-Backend"] == "engine:echo:1"
        assert stands(server, "two", 0) == "stopped"
        assert state(server, "a")["queue"]["admitted"] == 1


def test_two_backends_of_one_model_that_do_not_fit_together(start_server: StartServer) -> None:
    """While another model waits for the memory of the one that a long request is inside of, that
    request never waits for the memory of the other one: neither would ever come.
    """
    options = f"held_mb = {HELD}, piece_delay = 0.02"
    backend = f'{{ engine = "echo", memory = "{HELD + BASE}MiB", options = {{ {options} }} }}'
    two = f"[models.two]\nbackends = [{backend}, {backend}]\n"
    server = start_server(budget(large("a"), two))
    text = "A sentence of some length is this one here. " * 20
    expected = ask(server, "a", text).content
    with ThreadPoolExecutor(2) as clients:
        long = clients.submit(ask, server, "two", text)
        until(lambda: stands(server, "two") == "ready", "it speaks")
        began = time.monotonic()
        other = clients.submit(ask, server, "a")
        until(lambda: not state(server, "two")["backends"][0]["healthy"], "it has to leave")
        assert long.result(60).content == expected
        assert other.result(60).status_code == 200
    assert time.monotonic() - began < MEMORY_TIMEOUT
    assert service(server, "two", 1)["start_seconds"] == 0.0


@pytest.mark.parametrize("known", [True, False], ids=["known", "never-started"])
def test_a_client_that_hangs_up_while_it_waits(start_server: StartServer, known: bool) -> None:
    """What was asked to leave for it stays, and what it had begun is given up."""
    server = start_server(budget(large("a", "piece_delay = 0.3"), large("b")))
    if known:
        ask(server, "b")
    body = speech("a", SLOW)
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        worker = server.worker("echo")
        with hanging_up(server, speech("b")):
            until(lambda: stands(server, "b") == "starting", "b waits for memory")
            until(lambda: not state(server, "a")["backends"][0]["healthy"], "a is to leave")
        until(lambda: state(server, "b")["queue"]["admitted"] == 0, "its request has left")
        until(lambda: stands(server, "b") == "stopped", "its start is given up")
        assert state(server, "a")["backends"][0]["healthy"]
        for _ in pieces:
            pass
    assert worker.is_running()
    assert ask(server, "b").status_code == 200


def test_nobody_said_what_it_takes(start_server: StartServer) -> None:
    """It is measured: what is too much leaves when it is idle, and is known from then on."""
    options = f"held_mb = {HELD}"
    server = start_server(budget(echo("a", options), echo("b", options)))
    ask(server, "a")
    ask(server, "b")  # nobody can know yet
    until(lambda: "stopped" in {stands(server, name) for name in "ab"}, "there is too much")
    gone, left = sorted("ab", key=lambda name: stands(server, name) != "stopped")
    assert service(server, gone)["reason"] == "ram is full"
    assert service(server, gone)["need"]["ram"] > HELD * MIB
    with watched(server) as samples:
        assert ask(server, gone).status_code == 200
        assert ask(server, left).status_code == 200
    assert max(samples) < (BUDGET + BASE) * MIB
