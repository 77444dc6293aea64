"""Worker processes for the tests of the wire and of the contract."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from stentor.lifecycle.workers.process import WorkerCommand, WorkerProcess
from stentor_engine import OptionValue

pytest.register_assert_rewrite("tests.contract.suite")

ECHO = Path(__file__).parents[2] / "engines" / "echo.py"
ODD = Path(__file__).with_name("odd_engines.py")
PLAIN = Path(__file__).parent / "own" / "plain.py"


def worker_command(
    engine: str, *, weights: Path | None = None, **options: OptionValue
) -> WorkerCommand:
    """Of an engine of `odd_engines.py`, of `plain.py`, or of `echo.py`."""
    file = ODD if engine.startswith("odd") else PLAIN if engine == "parrot" else ECHO
    settings = {"options": options, "weights": None if weights is None else str(weights)}
    return WorkerCommand(engine, file, settings)


class StartWorker(Protocol):
    async def __call__(
        self, engine: str = "echo", *, weights: Path | None = None, **options: OptionValue
    ) -> WorkerProcess:
        """Running, as the gateway starts it. Perhaps still loading."""


@pytest.fixture
async def start_worker() -> AsyncIterator[StartWorker]:
    async with AsyncExitStack() as workers:

        async def start(
            engine: str = "echo", *, weights: Path | None = None, **options: OptionValue
        ) -> WorkerProcess:
            command = worker_command(engine, weights=weights, **options)
            worker = await WorkerProcess.spawn(command)
            workers.push_async_callback(worker.stop)
            return worker

        yield start


@dataclass(frozen=True)
class BareWorker:
    """A worker process without any of the gateway's code around it."""

    popen: subprocess.Popen[bytes]
    address: str

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.popen.pid)

    @property
    def socket(self) -> Path:
        return Path(self.address.removeprefix("unix:"))


class StartBareWorker(Protocol):
    def __call__(
        self,
        engine: str = "echo",
        *,
        listen: str | None = None,
        weights: Path | None = None,
        **options: OptionValue,
    ) -> BareWorker: ...


@pytest.fixture(scope="module")
def socket_folder() -> Iterator[Path]:
    """Not pytest's: a Unix socket's path may have 107 bytes only."""
    folder = Path(tempfile.mkdtemp(prefix="st-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def start_bare_worker(socket_folder: Path) -> Iterator[StartBareWorker]:
    with ExitStack() as workers:

        def start(
            engine: str = "echo",
            *,
            listen: str | None = None,
            weights: Path | None = None,
            **options: OptionValue,
        ) -> BareWorker:
            listen = listen or f"unix:{tempfile.mkdtemp(dir=socket_folder)}/w"
            popen = subprocess.Popen(
                worker_command(engine, weights=weights, **options).argv(listen),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            workers.enter_context(popen)  # closes its pipes, and waits
            workers.callback(popen.kill)
            assert popen.stdout is not None
            return BareWorker(popen, json.loads(popen.stdout.readline())["listening"])

        yield start
