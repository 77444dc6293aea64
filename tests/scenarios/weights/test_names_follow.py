"""OpenAI's names mean the best model that is there, whichever way it came or went."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.conftest import StartServer
from tests.hub import Hub
from tests.scenarios.models import error, state
from tests.scenarios.weights.machine import MIB, Machine
from tests.servers import Server
from tests.wait import until

SERVED = """
[engines]
paths = ['{folder}']
{more}
"""
NAMED = '[models.reading]\nbackends = [{ engine = "reader" }]\n'
SLOWLY = """
    def synthesize(self, call):
        import pathlib, time
        yield np.full(8_000, 9_000, np.int16)
        while not pathlib.Path("{go}").exists():
            time.sleep(0.02)
            yield np.full(80, 9_000, np.int16)
        weights = pathlib.Path(self.capabilities.voices[0].name)
        yield np.full(len((weights / "config.json").read_bytes()), 1, np.int16)
"""
"""It speaks until there is a file, and then needs its weights once more."""


@pytest.fixture
def served(machine: Machine, hub: Hub, start_server: StartServer) -> Callable[[str], Server]:
    """Starts a server with the machine's engine, on whose data folder its commands work."""

    def start(more: str) -> Server:
        config = SERVED.format(folder=machine.engines, more=more)
        home = str(machine.folder / "hf")
        server = start_server(config, HF_ENDPOINT=hub.url, HF_HOME=home)
        (machine.folder / "stentor.toml").write_text(config)
        machine.data = server.folder / "data"
        return server

    return start


def said(server: Server, model: str) -> httpx2.Response:
    return server.http.post("/v1/audio/speech", json={"model": model, "input": "One."})


def meant(server: Server) -> str:
    """Who speaks if OpenAI's model is asked for."""
    answer = said(server, "tts-1")
    assert answer.status_code == 200, answer.text
    return answer.headers["X-Stentor-Model"]


def test_pulled_by_its_name_in_the_file(served: Callable[[str], Server], machine: Machine) -> None:
    server = served(NAMED)
    assert meant(server) == "espeak"
    pulled = machine.run("pull", "reading", STENTOR_URL=server.url)
    assert (pulled.returncode, "new models" in pulled.stderr) == (0, False)
    assert meant(server) == "reading"
    assert '"tts-1": "reading"' in server.all_logged()


def test_what_was_pulled_before_another_failed_is_told(
    served: Callable[[str], Server], machine: Machine, hub: Hub
) -> None:
    server = served(
        NAMED + NAMED.replace("reading", "small").replace("]\n", ']\nweights = "small"\n', 1)
    )
    del hub.repositories["maker/small"]
    assert machine.run("pull", "reading", "small", STENTOR_URL=server.url).returncode == 1
    assert meant(server) == "reading"


def test_fetched_on_request(served: Callable[[str], Server], machine: Machine, hub: Hub) -> None:
    server = served(f"pull_on_request = true\n{NAMED}")
    hub.allow(MIB)
    answers: list[httpx2.Response] = []
    asking = threading.Thread(target=lambda: answers.append(said(server, "reading")))
    asking.start()
    until(hub.held_back, "it is in the middle")
    assert meant(server) == "espeak"
    hub.allow(None)
    asking.join(60)
    assert [answer.status_code for answer in answers] == [200]
    machine.whole()
    assert meant(server) == "reading"


def test_removed_while_it_speaks(served: Callable[[str], Server], machine: Machine) -> None:
    """What was asked for is said to its end; who asks now is answered by another at once."""
    go = machine.folder / "go"
    file = machine.engines / "reader.py"
    head, _ = file.read_text().split("    def synthesize")
    file.write_text(head + SLOWLY.format(go=go))
    server = served(NAMED)
    assert machine.run("pull", "reading", STENTOR_URL=server.url).returncode == 0
    folder = machine.whole()
    body = {"model": "tts-1", "input": "One.", "response_format": "pcm", "stream": True}
    with server.http.stream("POST", "/v1/audio/speech", json=body) as speaking:
        assert speaking.headers["X-Stentor-Model"] == "reading"
        pieces = speaking.iter_bytes()
        heard = len(next(pieces))
        answers: list[httpx2.Response] = []
        waiting = threading.Thread(target=lambda: answers.append(said(server, "tts-1")))
        waiting.start()
        until(lambda: state(server, "reading")["queue"]["admitted"] == 2, "another one waits")
        removing = machine.begin("remove", "reading", "--yes", STENTOR_URL=server.url)
        until(lambda: "tts-1" in state(server, "espeak")["aliases"], "its name means another model")
        assert meant(server) == "espeak"
        assert removing.poll() is None
        assert folder.is_dir()
        go.touch()
        heard += sum(map(len, pieces))
    waiting.join(60)
    assert [answer.headers.get("X-Stentor-Model") for answer in answers] == ["reading"]
    _, told = removing.communicate(timeout=60)
    assert removing.returncode == 0, told
    assert "reading stays a model: stentor.toml has it" in told
    assert not folder.exists()
    assert heard > 2 * 8_000
    assert not server.workers("reader")
    assert meant(server) == "espeak"
    refused = said(server, "reading")
    assert (refused.status_code, error(refused)["code"]) == (503, "model_unavailable")
    assert "stentor models pull reading" in error(refused)["message"]
    assert "stream_broken" not in server.all_logged()


def test_a_model_that_was_pulled_goes_with_its_files(
    served: Callable[[str], Server], machine: Machine
) -> None:
    server = served("")
    pulled = machine.run("pull", "reader", "reader:small", STENTOR_URL=server.url)
    assert "new models: reader, reader-small\n" in pulled.stderr
    assert meant(server) == "reader"
    assert machine.run("remove", "reader", "--yes", STENTOR_URL=server.url).returncode == 0
    assert len(machine.weights) == 1
    assert meant(server) == "reader-small"
    assert said(server, "reader").status_code == 404
    assert machine.run("remove", "reader:small", "--yes", STENTOR_URL=server.url).returncode == 0
    assert machine.weights == []
    assert meant(server) == "espeak"
    assert "[models.reader" not in (machine.data / "models.toml").read_text()


def test_a_model_without_files_goes_too(machine: Machine, tmp_path: Path) -> None:
    """Without a server; and no model that only shares a part of its name."""
    engine = (machine.engines / "reader.py").read_text()
    bare = engine[: engine.index("    weights = {")] + engine[engine.index("    def __init__") :]
    (machine.engines / "bare.py").write_text(bare.replace('"reader"', '"bare"'))
    assert machine.run("pull", "bare", "reader:small").returncode == 0
    gone = machine.run("remove", "bare", "--yes")
    assert (gone.returncode, gone.stderr) == (0, "model bare, which was pulled or created\n")
    assert "nothing to remove" in machine.run("remove", "bare", "--yes").stderr
    assert "stays" not in gone.stderr
