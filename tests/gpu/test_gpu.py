"""Models on a GPU: what they take of it is measured, shared and given back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conftest import StartServer
from tests.gpu.conftest import Driver
from tests.scenarios.models import MIB, ask, error, service, speech, stands
from tests.servers import Server
from tests.wait import until

HELD = 3000
"""MiB of a model: more than half of BUDGET, and more than a process takes for itself."""
BUDGET = 5000
MUCH = 10**7
"""MiB that no GPU has."""
ENGINES = f"""
[engines]
paths = ['{Path(__file__).parent}']
"""
ON_CPU = '[[models.{name}.backends]]\nengine = "echo"\n'


def budget(mib: int) -> str:
    return f'[lifecycle]\nmemory_budget = {{ "cuda:0" = "{mib}MiB" }}\n'


def model(name: str, options: str = f"held_mb = {HELD}", *, keys: str = "", also: str = "") -> str:
    backend = f'engine = "vram"\ndevice = "cuda:0"\noptions = {{ {options} }}\n'
    return f"[models.{name}]\n{keys}\n[[models.{name}.backends]]\n{backend}{also}"


def measured(server: Server, name: str) -> int:
    used = until(lambda: service(server, name)["used"].get("cuda:0"), "its memory was measured")
    return int(used)


def test_it_is_measured_and_given_back_when_idle(start_server: StartServer, driver: Driver) -> None:
    server = start_server(ENGINES + model("m", keys='idle_timeout = "5s"'), **driver.environment)
    total = driver.gpus()[0]["total"]
    assert isinstance(total, int)
    devices = server.http.get("/api/status").json()["devices"]
    assert devices["cuda:0"]["budget"] == int(total * 0.9)
    assert ask(server, "m").status_code == 200
    taken = measured(server, "m")
    assert HELD * MIB <= taken < (HELD + 1500) * MIB
    pid = server.worker("vram").pid
    assert driver.taken()[str(pid)] == taken
    until(lambda: stands(server, "m") == "stopped", "it was idle for long enough")
    assert str(pid) not in driver.taken()
    assert service(server, "m")["need"]["cuda:0"] == taken


def test_two_that_do_not_fit_take_turns(start_server: StartServer, driver: Driver) -> None:
    config = ENGINES + budget(BUDGET) + model("a") + model("b")
    server = start_server(config, **driver.environment)
    for name in "ab":
        ask(server, name)
        measured(server, name)
    until(lambda: len(server.workers()) == 1, "one of them left")
    end = time.monotonic() + 6.0

    def client(name: str) -> list[int]:
        answers = []
        while time.monotonic() < end:
            answers.append(ask(server, name).status_code)
        return answers

    with ThreadPoolExecutor(2) as clients:
        working = [clients.submit(client, name) for name in "ab"]
        most = 0
        while not all(each.done() for each in working):
            most = max(most, sum(driver.taken().values()))
        assert all(set(each.result()) == {200} for each in working)
    assert HELD * MIB <= most <= BUDGET * MIB


def test_others_have_what_they_have(start_server: StartServer, driver: Driver) -> None:
    """What does not fit beside another program's memory goes to the next backend, or waits and is
    told who has it; when that is gone, all is as before.
    """
    total = driver.gpus()[0]["total"]
    assert isinstance(total, int)
    declared = f'memory = "{HELD + 500}MiB"\n'
    two = model("two", also=declared + ON_CPU.format(name="two"))
    config = ENGINES + model("m", also=declared) + two
    server = start_server(config, **driver.environment)
    with ThreadPoolExecutor(1) as clients, driver.stranger(total // MIB - HELD):
        until(lambda: others(server) > HELD * MIB, "it is seen")
        assert ask(server, "two").headers["X-Stentor-Backend"] == "engine:echo:1"
        refused = ask(server, "m")
        assert (refused.status_code, error(refused)["code"]) == (503, "no_room")
        assert "other programs hold" in error(refused)["message"]
        assert int(refused.headers["Retry-After"]) > 0
        assert not server.workers("vram")
        waiting = clients.submit(ask, server, "m")
        until(lambda: stands(server, "m") == "starting", "it waits")
    assert waiting.result().status_code == 200
    until(lambda: others(server) < HELD * MIB, "it is gone")
    assert ask(server, "two").headers["X-Stentor-Backend"] == "engine:vram"


def others(server: Server) -> int:
    """Bytes of the first GPU."""
    return int(server.http.get("/api/status").json()["devices"]["cuda:0"]["others"])


def test_a_pause_frees_it(start_server: StartServer, driver: Driver) -> None:
    """What runs there is finished, what has another backend goes on there."""
    config = ENGINES + model("m") + model("two", also=ON_CPU.format(name="two"))
    server = start_server(config, **driver.environment)
    assert ask(server, "two").headers["X-Stentor-Backend"] == "engine:vram"
    with server.http.stream("POST", "/v1/audio/speech", json=speech("m")) as answer:
        heard = b"".join(answer.iter_raw())
    assert len(server.workers("vram")) == 2
    pids = {str(each.pid) for each in server.workers("vram")}
    assert server.http.post("/api/pause", json={}).json()["paused"] == ["cuda", "mps"]
    assert not pids & set(driver.taken())
    refused = ask(server, "m")
    assert (refused.status_code, error(refused)["code"]) == (503, "no_room")
    assert ask(server, "two").headers["X-Stentor-Backend"] == "engine:echo:1"
    server.http.post("/api/resume", json={})
    assert ask(server, "m").content == heard
    assert ask(server, "two").headers["X-Stentor-Backend"] == "engine:vram"


def test_a_full_gpu_is_told_and_survived(start_server: StartServer, driver: Driver) -> None:
    full = model("m", f"call_mb = {MUCH}")
    two = model("two", f"call_mb = {MUCH}", also=ON_CPU.format(name="two"))
    large = model("large", f"held_mb = {MUCH}")
    server = start_server(ENGINES + full + two + large, **driver.environment)
    refused = ask(server, "m")
    assert (refused.status_code, error(refused)["code"]) == (503, "out_of_memory")
    worker = server.worker("vram")
    assert ask(server, "m", options={"call_mb": 1}).status_code == 200
    assert worker.is_running()
    refused = ask(server, "large")
    assert (refused.status_code, error(refused)["code"]) == (503, "no_room")
    assert "out of memory" in error(refused)["message"]
    assert int(refused.headers["Retry-After"]) > 0
    assert stands(server, "large") == "stopped"  # and has not failed
    served = ask(server, "two")
    assert (served.status_code, served.headers["X-Stentor-Backend"]) == (200, "engine:echo:1")


def test_what_nobody_declared_is_given_up_for_another(
    start_server: StartServer, driver: Driver
) -> None:
    total = driver.gpus()[0]["total"]
    assert isinstance(total, int)
    most = f"held_mb = {total // MIB - HELD}"
    server = start_server(ENGINES + model("a") + model("b", most), **driver.environment)
    assert ask(server, "a").status_code == 200
    until(lambda: server.http.get("/api/status").json()["devices"]["cuda:0"]["used"], "measured")
    assert ask(server, "b").status_code == 200
    told = service(server, "a")
    assert (told["state"], told["reason"]) == ("stopped", "b/engine:vram found too little memory")


def test_a_killed_one_leaves_nothing_of_itself(start_server: StartServer, driver: Driver) -> None:
    server = start_server(ENGINES + model("m"), **driver.environment)
    ask(server, "m")
    worker = server.worker("vram")
    assert str(worker.pid) in driver.taken()
    worker.kill()
    until(lambda: stands(server, "m") == "failed", "its end is seen")
    until(lambda: str(worker.pid) not in driver.taken(), "its memory is back")
    assert ask(server, "m").status_code == 200
