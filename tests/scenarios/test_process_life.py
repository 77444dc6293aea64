"""How a server of somebody else's starts, and that nothing is left of it."""

from __future__ import annotations

import psutil
import pytest

from tests.conftest import StartServer
from tests.scenarios.foreign import (
    Foreign,
    code,
    heard,
    processes,
    speak,
)
from tests.wait import until


def test_one_that_dies_starting(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("dies starting"))
    answer = speak(server)
    assert code(answer) == (503, "model_unavailable")
    assert "exit code 1" in answer.json()["error"]["message"]
    assert "no such GPU" not in answer.text
    assert "no such GPU" in server.all_logged()


def test_a_program_that_is_not_there(start_server: StartServer) -> None:
    config = """
    [models.foreign]
    backends = [{ kind = "process", command = ["no-such-program"], task = "speech" }]
    """
    server = start_server(config)
    answer = speak(server)
    assert code(answer) == (503, "model_unavailable")
    assert "no such program" in answer.json()["error"]["message"]
    assert "no-such-program" in server.all_logged()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('cwd = "nowhere"', "its cwd is no folder"),
        ('start_timeout = "1s"', "the last look: no connection; {port} is nowhere in its command"),
    ],
)
def test_why_one_is_not_started(start_server: StartServer, more: str, told: str) -> None:
    server = start_server(f"""
    [models.foreign]
    [[models.foreign.backends]]
    kind = "process"
    command = ["sleep", "60"]
    task = "speech"
    {more}
    """)
    answer = speak(server)
    assert code(answer) == (503, "model_unavailable")
    assert told in answer.json()["error"]["message"]


def test_one_that_is_never_ready(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("never ready", backend='start_timeout = "4s"'))
    answer = speak(server)
    assert code(answer) == (503, "model_unavailable")
    assert "GET /health gave 503" in answer.json()["error"]["message"]
    assert processes(server) == []


def test_a_port_that_somebody_has(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config())
    port = server.url.rpartition(":")[2]
    (server.folder / "other").mkdir()
    other = start_server(foreign.config(backend=f"port = {port}"))
    answer = speak(other)
    assert code(answer) == (503, "model_unavailable")
    assert f"port {port}" in answer.json()["error"]["message"]


def test_nothing_is_left_of_one_that_is_idle(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("leaves children", model="idle_timeout = 0"))
    heard(speak(server))
    until(lambda: not server.process.children(recursive=True), "all have ended")
    left = [pid for pid in foreign.says("children") if psutil.pid_exists(pid)]
    assert not left
    heard(speak(server))


def test_nothing_is_left_when_the_server_of_a_command_is_killed(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(foreign.config("leaves children"))
    heard(speak(server))
    (process,) = processes(server)
    process.kill()
    children = foreign.says("children")
    until(lambda: not any(psutil.pid_exists(pid) for pid in children), "they have ended too")


def test_nothing_is_left_of_a_gateway_that_is_killed(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(foreign.config("leaves children"))
    heard(speak(server))
    family = server.process.children(recursive=True)
    assert len(family) == 4  # keeper, server and two children
    server.kill()
    until(lambda: not any(each.is_running() for each in family), "they have ended too")


def test_a_keeper_that_is_killed_takes_the_server_along(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(foreign.config())
    heard(speak(server))
    (process,) = processes(server)
    keeper = process.parent()
    assert keeper is not None
    keeper.kill()
    until(lambda: not process.is_running(), "the server ends")
    heard(speak(server))


def test_memory_is_measured(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config())
    heard(speak(server))

    def measured() -> bool:
        lines = server.http.get("/metrics").text.splitlines()
        name = 'stentor_worker_memory_bytes{backend="process",device="ram",model="foreign"}'
        return any(line.startswith(name) and float(line.split()[-1]) > 10e6 for line in lines)

    until(measured, "its memory is in the metrics")


def test_it_makes_room_for_another(start_server: StartServer, foreign: Foreign) -> None:
    # What the first takes is soon measured, and little: it is in the way of almost everything.
    config = foreign.config(backend='memory = "998MB"', more='memory_budget = { ram = "1GB" }')
    second = config[config.index("[models.foreign]") :].replace("models.foreign", "models.second")
    server = start_server(config + second)
    heard(speak(server))
    (first,) = processes(server)
    heard(speak(server, model="second"))
    (another,) = processes(server)
    assert first.pid != another.pid
