"""What a server does about weights that are not here."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.conftest import StartServer
from tests.hub import Hub
from tests.scenarios.weights.machine import LICENCE, Machine
from tests.servers import Server

SERVED = """
[engines]
paths = ['{folder}']
{more}
[models.reading]
backends = [{{ engine = "reader" }}]
"""


@pytest.fixture
def served(machine: Machine, hub: Hub, start_server: StartServer) -> Callable[[str], Server]:
    """Starts a server with the machine's engine, whose hub is the stand-in."""

    def start(more: str) -> Server:
        return start_server(
            SERVED.format(folder=machine.engines, more=more),
            HF_ENDPOINT=hub.url,
            HF_HOME=str(machine.folder / "hf"),
        )

    return start


def test_a_server_says_what_to_pull(served: Callable[[str], Server], machine: Machine) -> None:
    server = served("")
    body = {"model": "reading", "input": "One."}
    refused = server.http.post("/v1/audio/speech", json=body)
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "model_unavailable"
    assert "stentor models pull reading" in refused.json()["error"]["message"]
    machine.data = server.folder / "data"
    assert machine.run("pull", "reading").returncode == 0
    assert server.http.post("/v1/audio/speech", json=body).status_code == 200
    voices = server.http.get("/v1/audio/voices", params={"model": "reading"}).json()["voices"]
    assert [voice["name"] for voice in voices] == [str(machine.whole())]
    told = machine.run("info", "reading", "--json", STENTOR_URL=server.url)
    assert json.loads(told.stdout)["state"] == "ready"


def test_a_first_request_fetches_them(served: Callable[[str], Server], machine: Machine) -> None:
    machine.declare(more=f', licence="{LICENCE}"')
    accepted = f"accepted_licences = ['{LICENCE}']"
    server = served(f"pull_on_request = true\n{accepted}")
    body = {"model": "reading", "input": "One."}
    assert server.http.post("/v1/audio/speech", json=body).status_code == 200
    machine.data = server.folder / "data"
    machine.whole()
    unaccepted = served("pull_on_request = true")
    refused = unaccepted.http.post("/v1/audio/speech", json=body)
    assert refused.status_code == 503
    assert LICENCE in refused.json()["error"]["message"]
