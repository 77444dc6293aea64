"""`stentor models load|unload|pause|resume` and `stentor top`, against a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.command import stentor
from tests.e2e.terminal import Terminal
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


def test_one_of_two_is_resumed(command: Command) -> None:
    both = ("--device", "cuda:0", "--device", "cuda:1")
    assert command("models", "pause", *both)[2].strip() == "paused: cuda:0, cuda:1"
    code, _, told = command("models", "resume", "--device", "cuda:0")
    assert (code, told.strip()) == (0, "paused: cuda:1")
    assert command("models", "resume")[2].strip() == "nothing is paused"


def test_a_typing_error_is_no_device(command: Command) -> None:
    code, _, told = command("models", "pause", "--device", "gpu0")
    assert code == 1
    assert told.startswith("stentor models pause: devices: 'gpu0' is no device")
    assert command("models", "resume")[2].strip() == "nothing is paused"


def test_an_engine_that_is_no_model_yet(command: Command) -> None:
    code, _, told = command("models", "load", "kokoro")
    assert code == 1
    assert "no model 'kokoro'; `stentor models pull kokoro` adds it; there are: " in told


def test_all_of_a_model_by_an_alias(command: Command) -> None:
    code, shown, told = command("models", "info", "tts-1")
    assert (code, told) == (0, "")
    assert shown.startswith("name\t")
    assert "tts-1" in next(line for line in shown.splitlines() if line.startswith("aliases"))


def test_all_of_an_engine_that_is_no_model_yet(command: Command, tmp_path: Path) -> None:
    code, shown, told = command("models", "info", "kokoro")
    assert (code, told) == (0, "")
    assert "state\tno model of the server\n" in shown
    alone = stentor("models", "info", "kokoro", cwd=tmp_path)
    assert b"state\tno server runs\n" in alone.stdout


@pytest.mark.parametrize(("key", "status"), [(b"q", 0), (b"\x03", 130)])
def test_the_view_ends_by_a_key(server: Server, tmp_path: Path, key: bytes, status: int) -> None:
    terminal = Terminal("top", cwd=tmp_path, env={"STENTOR_URL": server.url})
    try:
        terminal.shows(b"echo")
        terminal.shows(b"q or Ctrl-C quits")
        terminal.press(key)
    finally:
        ended = terminal.close()
    assert ended == status
    assert b"\x1b[?1049l" in terminal.shown  # what was there before is there again


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
