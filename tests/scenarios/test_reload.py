"""`stentor serve --reload`: what was changed is served, and nothing is left of what was before."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
import psutil
import pytest

from tests.wait import until

ENGINE = """
from stentor_engine import *

class Mine(SpeechEngine):
    name = "mine"

    def __init__(self, settings):
        self.capabilities = Capabilities("speech", 8_000, voices=(Voice("VOICE", "A voice"),))

    def synthesize(self, call):
        yield None
"""
CONFIG = '[engines]\npaths = ["engines"]\n[models.mine]\nbackends = [{ engine = "mine" }]\n'


class Development:
    """`stentor serve --reload` with an engine folder, in a session of its own as in a terminal."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="st-")
        self.folder = Path(self._temporary.name)
        (self.folder / "engines").mkdir()
        self.say("one")
        self.configure(CONFIG)

    def say(self, voice: str) -> None:
        (self.folder / "engines" / "mine.py").write_text(ENGINE.replace("VOICE", voice))

    def configure(self, text: str) -> None:
        (self.folder / "stentor.toml").write_text(text)

    def __enter__(self) -> Self:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("STENTOR_")}
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "stentor.cli.main", "serve", "--reload", "--port", "0"],
            env={**clean, "TMPDIR": str(self.folder), "STENTOR_CONFIG": "stentor.toml"},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        until(lambda: "listens on" in self.log, "it listens")
        found = re.search(r"listens on (http://\S+)", self.log)
        assert found is not None
        self.url = found[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self.processes():
            process.kill()
        self.popen.kill()
        self.popen.wait()
        self._reader.join(20)
        self._temporary.cleanup()

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def _read(self) -> None:
        assert self.popen.stderr is not None
        with self.popen.stderr as stderr:
            self._lines.extend(stderr)

    def voice(self) -> str:
        """As it is served; "" where a server ended under the request. It never refuses one."""
        try:
            answer = httpx2.get(f"{self.url}/v1/audio/voices?model=mine", timeout=60.0)
        except (httpx2.ReadError, httpx2.RemoteProtocolError):
            return ""
        assert answer.status_code in (200, 503)
        return str(answer.json()["voices"][0]["id"]) if answer.status_code == 200 else ""

    def processes(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.popen.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


@pytest.fixture
def development() -> Iterator[Development]:
    with Development() as running:
        yield running


def test_what_changes_is_served(development: Development) -> None:
    until(lambda: development.voice() == "one", "the engine is served")
    workers = [p for p in development.processes() if "stentor_engine.worker" in p.cmdline()]
    assert len(workers) == 1
    development.say("two")
    until(lambda: development.voice() == "two", "the changed engine is served")
    assert all_gone(workers)
    development.configure("[server]\nprot = 1\n")
    until(lambda: "server.prot" in development.log, "the mistake is told")
    development.say("three")
    development.configure(CONFIG)
    until(lambda: development.voice() == "three", "a mended configuration is served")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_of_it_is_left(development: Development, end: signal.Signals) -> None:
    until(lambda: development.voice() == "one", "the engine is served")
    processes = development.processes()
    assert any("stentor_engine.worker" in process.cmdline() for process in processes)
    if end is signal.SIGINT:  # a terminal tells all that it started
        os.killpg(development.popen.pid, end)
    else:
        development.popen.send_signal(end)
    code = development.popen.wait(30)
    assert code == (-end if end is signal.SIGKILL else 0)
    until(lambda: all_gone(processes), "all its processes ended")
    assert "Traceback" not in development.log
