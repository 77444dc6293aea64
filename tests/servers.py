"""A real server in a process of its own, as a user would start it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
import openai
import psutil

from tests.wait import until

START_TIMEOUT = 30.0
STOP_TIMEOUT = 20.0

ECHO = """
[models.echo]
backends = [{ engine = "echo" }]
[models.echo-transcribe]
backends = [{ engine = "echo-transcribe" }]
"""
"""Configuration of the two echo models without any fault."""


class Server:
    """Running inside its context. Leaving it stops the server, and checks that nothing is left: no
    process, no temporary file."""

    def __init__(self, config: str = ECHO, **environment: str) -> None:
        # Not pytest's folder: a Unix socket's path may have 107 bytes only.
        self.folder = Path(tempfile.mkdtemp(prefix="st-"))
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        (self.folder / "stentor.toml").write_text(config)
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("STENTOR_")},
            "STENTOR_CONFIG": str(self.folder / "stentor.toml"),
            "STENTOR_DATA_DIR": str(self.folder / "data"),
            "STENTOR_PORT": "0",
            "TMPDIR": str(self.temporary),
            **environment,
        }
        self._lines: list[str] = []
        self._killed = False

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stentor.cli.main", "serve"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            until(lambda: self._address, "the server listens", timeout=START_TIMEOUT)
            self.url = self._address or ""
            # There is no TLS: without certificates it is made in no time.
            self.http = httpx2.Client(base_url=self.url, timeout=60.0, verify=False)
            until(self._ready, "the server is ready", timeout=START_TIMEOUT)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        workers = self.workers()
        self.http.close()
        code = self.stop()
        left = [worker for worker in workers if worker.is_running()]
        files = sorted(str(path) for path in self.temporary.rglob("*"))
        shutil.rmtree(self.folder)
        if error is None:
            assert self._killed or code in (0, -signal.SIGTERM), f"exit code {code}\n{self.log}"
            assert not left, f"workers left: {left}"
            assert not files, f"files left: {files}"

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def all_logged(self) -> str:
        """The log with all in it that was logged before now: another thread reads it."""
        last = self.http.get("/nothing").headers["X-Request-Id"]
        until(lambda: last in self.log, "all of it is logged")
        return self.log

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self._process.pid)

    def workers(self, engine: str = "") -> list[psutil.Process]:
        """The worker processes, or those of one engine."""
        try:
            children = self.process.children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [child for child in children if _hosts(child, engine)]

    def worker(self, engine: str) -> psutil.Process:
        """The engine's worker, as soon as there is one."""
        return until(lambda: self.workers(engine), f"a worker of {engine}")[0]

    def client(self, api_key: str = "none") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=api_key, max_retries=0)

    def stop(self) -> int:
        """Ends it as a service manager would; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop\n{self.log}") from None
        finally:
            self._reader.join(STOP_TIMEOUT)

    def kill(self) -> None:
        self._killed = True
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            for line in stderr:
                self._lines.append(line)

    @property
    def _address(self) -> str | None:
        assert self._process.poll() is None, f"the server ended\n{self.log}"
        found = re.search(r"listens on (http://\S+)", self.log)
        return found[1] if found else None

    def _ready(self) -> bool:
        assert self._process.poll() is None, f"the server ended\n{self.log}"
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx2.ConnectError:
            return False


def _hosts(process: psutil.Process, engine: str) -> bool:
    try:
        command = process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return "stentor_engine.worker" in command and (not engine or engine in command)
