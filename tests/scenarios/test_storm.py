"""Everything at once and at random: requests of all kinds, clients that hang up, an owner who
cannot make up their mind, and blows at whatever runs. Each request gets what it asked for or a
clear error; afterwards all is as if nothing had been.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.conftest import StartServer
from tests.scenarios.foreign import PROGRAM
from tests.scenarios.models import echo, error, speech, stands
from tests.servers import Server
from tests.wait import until

SECONDS = 10.0
DEADLINE = 60.0
"""Seconds for any request, under load: some starts, stalls and waits for memory."""
CLIENTS = 6
CLEAR = {"model_unavailable", "worker_lost", "worker_stalled", "no_room", "model_not_found"}
LIFECYCLE = """
[lifecycle]
memory_budget = { ram = "400MiB" }
memory_timeout = "10s"
start_timeout = "8s"
stall_timeout = "1500ms"
pause_timeout = "500ms"
"""
FOREIGN = f"""
[models.foreign]
idle_timeout = "500ms"
[[models.foreign.backends]]
kind = "process"
command = [{sys.executable!r}, {str(PROGRAM)!r}, "{{port}}"]
health = "/health"
task = "speech"
memory = "60MiB"
"""
SPEAKING = ("at-once", "large", "parallel", "two", "warm")
TEXTS = ("Hello there, how are you?", "A sentence of some length. " * 6)
KEPT = {"backends": [{"engine": "echo", "memory": "100MiB"}], "idle_timeout": "1s"}


def config(idle: str) -> str:
    slow = "piece_delay = 0.005"
    two = f'{{ engine = "echo", memory = "200MiB", options = {{ {slow} }} }}'
    return "".join(
        [
            LIFECYCLE,
            echo("at-once", slow, keys="idle_timeout = 0", backend='memory = "130MiB"'),
            echo("large", "held_mb = 150", backend='memory = "250MiB"'),
            echo("parallel", "parallel = 3", keys=f"idle_timeout = {idle}"),
            echo("warm", keys="keep_warm = true", backend='memory = "70MiB"'),
            f"[models.two]\nbackends = [{two}, {two}]\n",
            FOREIGN,
        ]
    )


@dataclass(frozen=True)
class Storm:
    server: Server
    spoken: dict[str, bytes]
    end: float

    def client(self) -> int:
        """How many right answers it got."""
        chance, right = random.Random(), 0
        with httpx2.Client(base_url=self.server.url, timeout=DEADLINE) as http:
            while time.monotonic() < self.end:
                act = chance.choice([self.speak, self.speak, self.hang_up, self.upstream])
                right += act(http, chance)
        return right

    def speak(self, http: httpx2.Client, chance: random.Random) -> bool:
        text = chance.choice(TEXTS)
        try:
            answer = http.post("/v1/audio/speech", json=speech(chance.choice(SPEAKING), text))
        except (httpx2.RemoteProtocolError, httpx2.ReadError):
            return False  # visibly broken
        return self.is_right(answer, self.spoken[text])

    def hang_up(self, http: httpx2.Client, chance: random.Random) -> bool:
        body = speech(chance.choice([*SPEAKING, "kept"]), TEXTS[1])
        try:
            http.post("/v1/audio/speech", json=body, timeout=chance.uniform(0.02, 1.0))
        except httpx2.TransportError:
            pass  # that was the aim
        return False

    def upstream(self, http: httpx2.Client, chance: random.Random) -> bool:
        body = chance.randbytes(3_000)
        try:
            answer = http.post("/upstream/foreign/echo", content=body)
        except (httpx2.RemoteProtocolError, httpx2.ReadError):
            return False
        return self.is_right(answer, body)

    def is_right(self, answer: httpx2.Response, expected: bytes) -> bool:
        if answer.is_success:
            assert answer.content == expected
            return True
        assert error(answer)["code"] in CLEAR, answer.text
        return False

    def owner(self) -> None:
        chance = random.Random()
        with httpx2.Client(base_url=self.server.url, timeout=DEADLINE) as http:
            while time.monotonic() < self.end:
                chance.choice([self.strike, self.strike, self.steer, self.change])(http, chance)
                time.sleep(chance.uniform(0.0, 0.6))

    def strike(self, http: httpx2.Client, chance: random.Random) -> None:
        running = self.server.process.children(recursive=True)
        if not running:
            return
        struck = chance.choice(running)
        blows: list[Callable[[], None]] = [struck.kill, struck.suspend, partial(blink, struck)]
        try:
            chance.choice(blows)()
        except psutil.NoSuchProcess:
            pass  # it has just ended

    def steer(self, http: httpx2.Client, chance: random.Random) -> None:
        model = f"/api/models/{chance.choice(SPEAKING)}"
        pause = {"devices": ["cpu"], "timeout": chance.choice([0, 0.3])}
        path, body = chance.choice(
            [
                ("/api/pause", pause),
                (f"{model}/unload", {"timeout": chance.choice([0, 2])}),
                (f"{model}/load", None),
                ("/compat/local-ai/stop-all", None),
            ]
        )
        answer = http.post(path, json=body)
        assert answer.is_success or error(answer)["code"] in CLEAR, answer.text
        http.post("/api/resume").raise_for_status()

    def change(self, http: httpx2.Client, chance: random.Random) -> None:
        idle = chance.choice(["0", '"300ms"', '"5s"'])
        (self.server.folder / "stentor.toml").write_text(config(idle))
        http.post("/api/reload").raise_for_status()
        http.put("/api/models/kept", json=KEPT).raise_for_status()
        if chance.random() < 0.5:
            http.delete("/api/models/kept").raise_for_status()


def blink(process: psutil.Process) -> None:
    process.suspend()
    time.sleep(random.uniform(0.0, 0.5))
    process.resume()


@pytest.fixture
def temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_all_at_once(start_server: StartServer) -> None:
    server = start_server(config('"300ms"'))
    spoken = {text: say(server, "warm", text).content for text in TEXTS}
    storm = Storm(server, spoken, time.monotonic() + SECONDS)
    with ThreadPoolExecutor(CLIENTS + 1) as everybody:
        owner = everybody.submit(storm.owner)
        clients = [everybody.submit(storm.client) for _ in range(CLIENTS)]
        owner.result()
        assert sum(client.result() for client in clients) > 0
    server.http.post("/api/resume").raise_for_status()
    for model in SPEAKING:
        until(partial(serves, storm, model), f"{model} is served", timeout=DEADLINE)
    calm(server)


def say(server: Server, model: str, text: str) -> httpx2.Response:
    return server.http.post("/v1/audio/speech", json=speech(model, text))


def serves(storm: Storm, model: str) -> bool:
    return storm.is_right(say(storm.server, model, TEXTS[0]), storm.spoken[TEXTS[0]])


def calm(server: Server) -> None:
    """Nobody waits, nothing runs but what is kept warm, and nobody is busy doing nothing."""
    server.http.delete("/api/models/kept")
    for model in (*SPEAKING, "foreign"):
        if model != "warm":
            server.http.post(f"/api/models/{model}/unload").raise_for_status()
    until(lambda: len(server.process.children(recursive=True)) == 1, "only what is kept warm runs")
    assert stands(server, "warm") == "ready"
    for model in server.http.get("/api/models").json()["models"]:
        queue = model["queue"]
        assert (queue["admitted"], queue["waiting"], queue["busy"]) == (0, 0, 0), model["name"]
    assert server.process.cpu_percent(1.0) < 50.0
    assert "Traceback" not in server.all_logged()
    assert "internal_error" not in server.all_logged()
