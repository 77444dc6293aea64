"""The start of a process that is no worker, or of one that never becomes ready."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from stentor.errors import ModelUnavailable, NoRoom, StentorError
from stentor.lifecycle.state import State
from stentor.lifecycle.workers.worker import Worker
from stentor_engine import Capabilities
from stentor_engine.messages import Info, info_event
from stentor_engine.wire import encode
from tests.contract.fake_worker import RATE, SPEECH, FakeWorker, fake_worker
from tests.contract.nonsense import LIMIT, huge, json_values, many

pytestmark = pytest.mark.anyio


@pytest.fixture
async def fake() -> AsyncIterator[FakeWorker]:
    async with fake_worker() as fake:
        yield fake


async def start_of(worker: Worker) -> StentorError:
    """How its start fails; whatever it was, the next one can be asked for."""
    for _ in range(2):
        async with asyncio.timeout(LIMIT):
            with pytest.raises(ModelUnavailable) as error:
                await worker.ensure_ready()
        assert worker.state is State.FAILED
    await worker.close()
    assert worker.state is State.STOPPED
    return error.value


def left(fake: FakeWorker) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if any(str(fake.folder) in part for part in child.cmdline())
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"hello\n",
        b"[]\n",
        b"null\n",
        b"{}\n",
        b'{"listening": 5}\n',
        b'{"listening": null}\n',
        b'{"listening": ""}\n',
        b'{"listening": "unix:"}\n',
        b'{"listening": "unix:/nowhere/at/all"}\n',
        b'{"listening": "unix:/\\u0000"}\n',
        b'{"listening": "unix:' + b"x" * 300 + b'"}\n',
        b'{"listening": "tcp:"}\n',
        b'{"listening": "tcp:localhost:port"}\n',
        b'{"listening": "tcp:localhost:99999999"}\n',
        b'{"listening": "tcp:.....:1"}\n',
        b"\xff\xfe\n",
        b"[" * 60_000 + b"\n",
        b"x" * 1_000_000,
        b'{"listening": "unix:',
    ],
    ids=lambda line: line[:40].decode(errors="replace").strip(),
)
async def test_a_process_that_is_no_worker(fake: FakeWorker, line: bytes) -> None:
    await start_of(Worker(fake.command(line), start_timeout=0.5))
    assert not left(fake)


async def test_a_process_that_cannot_be_started(fake: FakeWorker) -> None:
    command = replace(fake.command(), python=str(fake.folder / "python"))
    await start_of(Worker(command, start_timeout=LIMIT))


GOOD = SPEECH.data["stentor"]


@pytest.mark.parametrize(
    "info",
    [
        b"",
        b"\n",
        encode(Event("info")),
        encode(Event("pong")),
        encode(Event("error", {"code": "version_mismatch", "text": "another protocol"})),
        encode(Event("info", {"stentor": {**GOOD, "protocol": 2}})),
        encode(Event("info", {"stentor": {**GOOD, "state": "sleepy"}})),
        encode(Event("info", {"stentor": {**GOOD, "engine": 5}})),
        encode(Event("info", {"stentor": {**GOOD, "capabilities": None}})),
        encode(Event("info", {"stentor": {**GOOD, "capabilities": []}})),
        encode(info_event(Info("fake", "ready", Capabilities("speech", 0)))),
        encode(info_event(Info("fake", "ready", Capabilities("speech", RATE, parallel=-1)))),
        encode(info_event(Info("fake", "failed", error="no model"))),
        encode(Event("info", {"stentor": {**GOOD, "state": "failed", "retryable": "yes"}})),
        encode(info_event(Info("fake", "failed"))),
        encode(info_event(Info("fake", "loading"))),
        encode(SPEECH)[:-1],
        huge("payload_length", "1" + "0" * 20),
    ],
)
async def test_a_worker_that_never_becomes_ready(fake: FakeWorker, info: bytes) -> None:
    fake.info = info
    await start_of(Worker(fake.command(), start_timeout=0.3))
    assert not left(fake)


async def test_a_worker_that_is_out_of_memory_has_not_failed(fake: FakeWorker) -> None:
    fake.info = encode(info_event(Info("fake", "failed", error="no memory", retryable=True)))
    worker = Worker(fake.command(), start_timeout=LIMIT)
    for _ in range(3):
        with pytest.raises(NoRoom, match="no memory") as refused:
            await worker.ensure_ready()
        assert refused.value.retry_after
        assert worker.state is State.STOPPED
    await worker.close()
    assert not left(fake)


@many
@given(info=st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode() + b"\n"))
async def test_garbage_for_an_info(fake: FakeWorker, info: bytes) -> None:
    fake.info = info + b"\n"
    worker = Worker(fake.command(), start_timeout=LIMIT)
    with pytest.raises(ModelUnavailable):
        await worker.ensure_ready()
    await worker.close()
