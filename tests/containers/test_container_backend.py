"""Models whose server runs in a container, of a real engine."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stentor.backends.left_over import remove_left_over_containers
from stentor.config import Config
from stentor.lifecycle.servers.served import free_port
from tests.audio import streamed_wav
from tests.conftest import StartServer
from tests.containers.engine import IMAGE, PORT, Podman, unusable, volumes
from tests.servers import Server
from tests.wait import until

pytestmark = pytest.mark.containers
TEXT = "What is said here is long enough."


@pytest.fixture(scope="module")
def engine() -> Iterator[Podman]:
    if why := unusable():
        pytest.skip(why)
    with Podman() as podman:
        yield podman


@pytest.fixture
def podman(engine: Podman) -> Iterator[Podman]:
    yield engine
    engine.run("rm", "--all", "--force", "--time=0")


def config(
    podman: Podman, fault: str = "", *, backend: str = f'image = "{IMAGE}"', model: str = ""
) -> str:
    return f"""
    [models.foreign]
    {model}
    [[models.foreign.backends]]
    kind = "container"
    host = "{podman.url}"
    port = {PORT}
    health = "/health"
    task = "speech"
    env = {{ FAULT = "{fault}", GREETING = "hello = you" }}
    volumes = {json.dumps(volumes())}
    {backend}
    """


def speak(server: Server) -> Any:
    body = {"model": "foreign", "input": TEXT, "response_format": "wav"}
    return server.http.post("/v1/audio/speech", json=body)


def seconds(answer: Any) -> float:
    assert answer.status_code == 200, answer.text
    samples, rate = streamed_wav(answer.content)
    return len(samples) / rate


def refusal(answer: Any) -> str:
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "model_unavailable")
    return str(answer.json()["error"]["message"])


def test_it_speaks_and_goes(start_server: StartServer, podman: Podman) -> None:
    server = start_server(config(podman, model="idle_timeout = 0"))
    assert podman.containers() == []
    answer = speak(server)
    assert seconds(answer) == pytest.approx(len(TEXT) / 10, abs=0.3)
    assert answer.headers["X-Stentor-Backend"] == f"container:{IMAGE}"
    until(lambda: podman.containers() == [], "it is removed when nobody uses it")
    seconds(speak(server))


def test_what_it_is_given(start_server: StartServer, podman: Podman) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "voice").write_bytes(b"a clip")
        mounted = json.dumps([*volumes(), f"{folder}:/voices:ro"])
        named = config(podman, backend=f'image = "{IMAGE}"\nname = "mine"\nshm_size = "9MB"')
        server = start_server(named.replace(json.dumps(volumes()), mounted))
        told = server.http.get("/upstream/foreign/environment").json()
        assert told == {"FAULT": "", "GREETING": "hello = you"}
        assert server.http.get("/upstream/foreign/file/voices/voice").content == b"a clip"
        (made,) = podman.containers()
        assert made["Names"] == ["mine"]
        shown = json.loads(podman.run("inspect", "mine"))[0]
        assert shown["HostConfig"]["ShmSize"] == 9_000_000
        bound = shown["NetworkSettings"]["Ports"][f"{PORT}/tcp"]
        assert [each["HostIp"] for each in bound] == ["127.0.0.1"]


def test_one_that_was_there_is_stopped_and_stays(start_server: StartServer, podman: Podman) -> None:
    mounts = [f"--volume={volume}" for volume in volumes()]
    podman.run("create", "--name=own", f"--publish=127.0.0.1::{PORT}", *mounts, IMAGE)
    server = start_server(config(podman, backend='name = "own"', model="idle_timeout = 0"))
    for _ in range(2):
        seconds(speak(server))
        until(lambda: not podman.containers(running=True), "it is stopped when nobody uses it")
        assert [each["Names"] for each in podman.containers()] == [["own"]]


def test_one_that_is_reached_inside_its_network(start_server: StartServer, podman: Podman) -> None:
    """Its port is not published, as `docker create --network` leaves it."""
    mounts = [f"--volume={volume}" for volume in volumes()]
    podman.run("create", "--name=own", *mounts, IMAGE)
    seconds(speak(start_server(config(podman, backend='name = "own"'))))


def test_the_network_of_the_machine(start_server: StartServer, podman: Podman) -> None:
    port = free_port()
    backend = f'image = "{IMAGE}"\nnetwork = "host"\ncommand = ["{port}"]'
    text = config(podman, backend=backend).replace(f"port = {PORT}", f"port = {port}")
    seconds(speak(start_server(text)))


def test_one_that_is_killed_is_started_anew(start_server: StartServer, podman: Podman) -> None:
    server = start_server(config(podman))
    seconds(speak(server))
    (first,) = podman.containers()
    podman.run("kill", first["Id"])
    until(lambda: not podman.containers(), "what is left of it is removed")
    seconds(speak(server))


def test_one_that_stalls_is_killed_and_started_anew(
    start_server: StartServer, podman: Podman
) -> None:
    with tempfile.TemporaryDirectory() as marks:
        mounted = json.dumps([*volumes(), f"{marks}:/marks"])
        text = config(podman, "stall once").replace(json.dumps(volumes()), mounted)
        server = start_server('[lifecycle]\nstall_timeout = "1s"\n' + text)
        assert seconds(speak(server)) == pytest.approx(len(TEXT) / 10, abs=0.3)
        assert (Path(marks) / "mark").exists()


def test_one_that_dies_starting(start_server: StartServer, podman: Podman) -> None:
    server = start_server(config(podman, "dies starting"))
    assert "exit code 1" in refusal(speak(server))
    assert "no such GPU" in server.all_logged()
    assert podman.containers() == []


def test_one_that_is_never_ready(start_server: StartServer, podman: Podman) -> None:
    backend = f'image = "{IMAGE}"\nstart_timeout = "2s"'
    server = start_server(config(podman, "never ready", backend=backend))
    assert "GET /health gave 503" in refusal(speak(server))
    assert podman.containers() == []


def test_an_image_that_is_not_there(start_server: StartServer, podman: Podman) -> None:
    server = start_server(config(podman, backend='image = "localhost/nothing"'))
    assert "pull = true" in refusal(speak(server))


def test_an_image_that_cannot_be_got(start_server: StartServer, podman: Podman) -> None:
    backend = 'image = "localhost:1/nothing"\npull = true'
    server = start_server(config(podman, backend=backend))
    assert "Docker refused it" in refusal(speak(server))


def test_names_that_are_wrong(start_server: StartServer, podman: Podman) -> None:
    server = start_server(config(podman, backend='name = "nobody"'))
    assert "no container 'nobody'" in refusal(speak(server))
    podman.run("create", "--name=taken", IMAGE)
    backend = f'image = "{IMAGE}"\nname = "taken"'
    server = start_server(config(podman, backend=backend))
    assert "is there already" in refusal(speak(server))
    assert [each["Names"] for each in podman.containers()] == [["taken"]]


def test_memory_is_measured(start_server: StartServer, podman: Podman) -> None:
    server = start_server(config(podman))
    seconds(speak(server))

    def measured() -> bool:
        lines = server.http.get("/metrics").text.splitlines()
        found = (each for each in lines if each.startswith("stentor_worker_memory_bytes{"))
        return any(float(each.split()[-1]) > 1e6 for each in found)

    if not podman.run("stats", "--no-stream", "--format={{.MemUsage}}", "--all").strip(" -/0B"):
        pytest.skip("this machine's control groups do not count memory")
    until(measured, "its memory is in the metrics")


def test_what_a_killed_gateway_left_is_removed(start_server: StartServer, podman: Podman) -> None:
    """And nothing of one that lives, nor of one with another data folder."""
    with tempfile.TemporaryDirectory() as data:
        killed = start_server(config(podman), STENTOR_DATA_DIR=data)
        seconds(speak(killed))
        (left,) = podman.containers()
        killed.kill()
        other = start_server(config(podman))
        seconds(speak(other))
        assert left["Id"] in {each["Id"] for each in podman.containers()}
        lives = start_server(config(podman), STENTOR_DATA_DIR=data)
        seconds(speak(lives))
        assert left["Id"] not in {each["Id"] for each in podman.containers()}
        assert len(podman.containers()) == 2
        third = start_server(config(podman), STENTOR_DATA_DIR=data)
        seconds(speak(third))
        assert len(podman.containers()) == 3


def test_a_server_that_starts_removes_what_was_left(
    start_server: StartServer, podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as data:
        killed = start_server(config(podman), STENTOR_DATA_DIR=data)
        seconds(speak(killed))
        monkeypatch.setenv("STENTOR_CONFIG", str(killed.folder / "stentor.toml"))
        monkeypatch.setenv("STENTOR_DATA_DIR", data)
        asyncio.run(remove_left_over_containers(Config()))
        assert len(podman.containers()) == 1  # its gateway lives
        killed.kill()
        asyncio.run(remove_left_over_containers(Config()))
        assert podman.containers() == []


def test_an_engine_that_is_not_there(start_server: StartServer, podman: Podman) -> None:
    text = config(podman).replace(podman.url, "unix:///nowhere/docker.sock")
    assert "is it running" in refusal(speak(start_server(text)))


def test_nothing_of_a_running_server_is_left(start_server: StartServer, podman: Podman) -> None:
    server = start_server(config(podman))
    seconds(speak(server))
    server.stop()
    assert podman.containers() == []
