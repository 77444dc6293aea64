"""A real worker process, driven over its socket: how it starts, loads and ends."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from wyoming.event import Event

from stentor.lifecycle.workers.connection import Connection
from stentor_engine import SpeechCall
from stentor_engine.errors import EngineError
from stentor_engine.messages import Info, describe_event, parse_pong, synthesize_event
from tests.contract.conftest import StartBareWorker, StartWorker, worker_command
from tests.contract.talk import LIMIT, Talk, ready, samples, talking
from tests.wait import until_async

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("listen", [None, "tcp:127.0.0.1"], ids=["unix", "tcp"])
async def test_it_says_where_it_listens(
    start_bare_worker: StartBareWorker, listen: str | None
) -> None:
    worker = start_bare_worker(listen=listen)
    assert worker.address.startswith(listen or "unix:")
    async with await Connection.open(worker.address, timeout=LIMIT) as connection:
        talk = Talk(connection)
        await talk.send(Event("ping", {"text": "é"}))
        pong = await talk.receive("pong")
        assert (pong.data["text"], parse_pong(pong)) == ("é", {})


async def test_it_answers_while_it_loads_and_again_when_it_has(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    worker = await start_worker("odd-speech", weights=weights, load="wait")
    async with talking(worker) as first, talking(worker) as second:
        for talk in (first, second):
            await talk.send(describe_event(), describe_event(), Event("ping"))
            assert (await talk.info()).state == "loading"
            assert (await talk.info()).state == "loading"
            await talk.receive("pong")
        await first.send(synthesize_event(SpeechCall("early")))
        with pytest.raises(EngineError, match="still loading"):
            await first.receive("audio-start")
        weights.touch()
        for talk in (first, second):
            info = await talk.info()
            assert (info.engine, info.state, info.error) == ("odd-speech", "ready", None)
            assert info.capabilities is not None
            await talk.send(Event("ping"), describe_event())
            await talk.receive("pong")  # so it is told once, however often it was asked
            assert await talk.info() == info
        assert await first.speak("late")


@pytest.mark.parametrize(
    ("load", "why"),
    [
        ("raise", "FileNotFoundError: no model"),
        ("exit", "SystemExit: no model"),
        ("exhaust", "StopIteration"),
        ("numpy", "int64"),
        ("negative", "sample_rate"),
        ("no such option", ""),
    ],
)
async def test_a_failed_load_is_told(start_worker: StartWorker, load: str, why: str) -> None:
    options = {"load": load} if why else {load: 1}
    worker = await start_worker("odd-speech", **options)
    info = await asyncio.wait_for(worker.loaded(), LIMIT)
    assert (info.state, info.capabilities) == ("failed", None)
    assert why in (info.error or "")
    assert info.error
    async with talking(worker) as talk:
        await talk.send(synthesize_event(SpeechCall("text")))
        with pytest.raises(EngineError) as error:
            await talk.receive("audio-start")
        assert (error.value.code, str(error.value)) == ("load_failed", info.error)


async def test_an_engine_that_does_not_exist_is_a_failed_load(start_worker: StartWorker) -> None:
    info = await asyncio.wait_for((await start_worker("odd-nothing")).loaded(), LIMIT)
    assert info == Info(
        "odd-nothing", "failed", error="odd_engines.py defines no engine 'odd-nothing'"
    )


async def test_closing_stdin_ends_it_in_good_order(
    start_bare_worker: StartBareWorker, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    worker = start_bare_worker("odd-speech", weights=closed)
    async with await Connection.open(worker.address, timeout=LIMIT) as connection:
        talk = Talk(connection)
        await talk.send(describe_event())
        while (await talk.info()).state == "loading":
            pass
        await talk.send(synthesize_event(SpeechCall("forever")))
        await talk.receive("audio-start")
        assert worker.popen.stdin is not None
        worker.popen.stdin.close()
        assert await asyncio.to_thread(worker.popen.wait, LIMIT) == 0
    assert closed.exists()  # the engine's own `close` was called
    assert not worker.socket.exists()


@pytest.mark.parametrize("moment", ["call", "load"])
async def test_closing_stdin_ends_it_while_the_engine_hangs(
    start_bare_worker: StartBareWorker, moment: str
) -> None:
    worker = start_bare_worker("odd-speech", load="hang" if moment == "load" else "well")
    async with await Connection.open(worker.address, timeout=LIMIT) as connection:
        talk = Talk(connection)
        await talk.send(describe_event())
        while moment == "call" and (await talk.info()).state == "loading":
            pass
        if moment == "call":
            await talk.send(synthesize_event(SpeechCall("hang")))
            await talk.receive("audio-start")
            await talk.receive("audio-chunk")
        assert worker.popen.stdin is not None
        worker.popen.stdin.close()
        assert await asyncio.to_thread(worker.popen.wait, LIMIT) == 0
    assert not worker.socket.exists()


PARENT = """
import json, subprocess, sys
worker = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
print(json.dumps({"pid": worker.pid}), flush=True)
worker.wait()
"""


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("text", ["", "forever", "hang"], ids=["idle", "busy", "hanging"])
async def test_it_does_not_outlive_its_parent(text: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="st-"))
    argv = worker_command("odd-speech").argv(f"unix:{folder / 'w'}")
    command = [sys.executable, "-c", PARENT, *argv]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        said = [json.loads(parent.stdout.readline()) for _ in range(2)]
        told = {name: value for line in said for name, value in line.items()}
        async with await Connection.open(told["listening"], timeout=LIMIT) as connection:
            talk = Talk(connection)
            await talk.send(describe_event())
            while (await talk.info()).state == "loading":
                pass
            if text:
                await talk.send(synthesize_event(SpeechCall(text)))
                await talk.receive("audio-start")
                await talk.receive("audio-chunk")
            parent.kill()
            await until_async(lambda: gone(told["pid"]), "the worker ends", timeout=LIMIT)
    assert not folder.exists()


async def test_what_an_engine_prints_does_not_disturb(start_worker: StartWorker) -> None:
    worker = await start_worker("odd-speech")
    async with ready(worker) as talk:
        assert len(samples(await talk.speak("print"), 8_000)) == 1600
    await until_async(lambda: '{"type": "audio-stop"}' in worker.tail, "it is on stderr")
