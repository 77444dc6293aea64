"""`stentor models load|unload|pause|resume` and `stentor top`, against a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.command import stentor
from tests.servers import ECHO, Server
from tests.wait import until

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(ECHO) as server:
        yield server


@pytest.fixture
def command(server: Server, tmp_path: Path) -> Command:
    def run(*arguments: str) -> tuple[int, str, str]:
        done = stentor(*arguments, cwd=tmp_path, env={"STENTOR_URL": server.url})
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


def test_load_and_unload(server: Server, command: Command) -> None:
    code, _, told = command("models", "load", "echo")
    assert (code, told.strip()) == (0, "echo: ready")
    assert server.workers("echo")
    code, _, told = command("models", "unload", "echo", "--timeout", "5")
    assert (code, told.strip()) == (0, "echo: stopped")
    assert not server.workers("echo")


def test_a_model_that_does_not_exist(command: Command) -> None:
    code, _, told = command("models", "load", "nobody")
    assert code == 1
    assert told.startswith("stentor models load: no model 'nobody'")


def test_pause_and_resume(server: Server, command: Command) -> None:
    assert command("models", "load", "echo")[0] == 0
    code, _, told = command("models", "pause", "--device", "cpu")
    assert (code, told.strip()) == (0, "paused: cpu")
    assert not server.workers()
    code, _, told = command("models", "load", "echo")
    assert code == 1
    assert "paused" in told
    assert command("models", "resume")[0] == 0
    assert command("models", "load", "echo")[0] == 0


def test_one_look(command: Command) -> None:
    command("models", "load", "echo")
    code, shown, _ = command("top", "--once")
    assert code == 0
    (row,) = [line for line in shown.splitlines() if line.strip().startswith("echo ")]
    assert "ready" in row
    assert "MiB" in shown


@pytest.mark.parametrize("order", [("models", "load", "echo"), ("top",), ("models", "resume")])
def test_without_a_server(order: tuple[str, ...], tmp_path: Path) -> None:
    done = stentor(*order, cwd=tmp_path)
    assert done.returncode == 2
    assert b"no server runs" in done.stderr


ENGINE = """
from stentor_engine import Capabilities, Settings, SpeechEngine
import numpy as np

class Mine(SpeechEngine):
    name = "mine"
    quality = 90

    def __init__(self, settings: Settings) -> None:
        self.capabilities = Capabilities("speech", 8_000)

    def synthesize(self, call):
        yield np.full(800, 1000, np.int16)
"""


def test_what_is_pulled_is_a_model_at_once(tmp_path: Path) -> None:
    """Of an engine in a folder of the owner's own, and for the server that runs."""
    (tmp_path / "mine.py").write_text(ENGINE)
    config = f"[engines]\npaths = ['{tmp_path}']\n"
    with Server(config) as server:
        environment = {
            "STENTOR_URL": server.url,
            "STENTOR_CONFIG": str(server.folder / "stentor.toml"),
            "STENTOR_DATA_DIR": str(server.folder / "data"),
        }
        done = stentor("models", "pull", "mine", cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        said = server.http.post("/v1/audio/speech", json={"model": "tts-1", "input": "Hello."})
        assert (said.status_code, said.headers["X-Stentor-Model"]) == (200, "mine")
        again = stentor("models", "pull", "mine", cwd=tmp_path, env=environment)
        assert again.returncode == 0
        assert b"new models" not in again.stderr
        server.http.post("/api/reload")
        until(lambda: server.workers("mine"), "its worker went on")
