"""What the lifecycle costs: a warm request through it, and the start of a worker."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextlib import aclosing

from bench.measure import Result, milliseconds
from stentor.app import Stentor
from stentor.config import Config, EngineBackendConfig, ModelConfig
from stentor.lifecycle.catalog import bundled_engines
from stentor.lifecycle.workers.connection import Connection
from stentor.lifecycle.workers.process import WorkerCommand, WorkerProcess
from stentor.routing.models import Model
from stentor_engine import SpeechCall, complete_options
from stentor_engine.messages import synthesize_event

TEXT = "One."
RUNS = 400
STARTS = {"espeak": 0.4, "pocketsphinx": 0.9}
"""Seconds in which a worker of the base install has to be ready."""


def run() -> Iterator[Result]:
    yield asyncio.run(_warm())
    for engine, bound in STARTS.items():
        seconds = [asyncio.run(_start(engine)) for _ in range(6)][1:]
        claim = f"start of a worker with {engine}"
        yield Result(claim, statistics.median(seconds), bound, " s", milliseconds(seconds))


async def _warm() -> Result:
    """Each request in turn over the bare connection of issue 1's path, and through the lifecycle:
    admitted, with a slot of a backend that is entered, ready, and left.
    """
    stentor = Stentor(_config("echo"))
    model = stentor.models.find("bench")
    file = bundled_engines() / "echo.py"
    process = await WorkerProcess.spawn(WorkerCommand("echo", file))
    capabilities = (await process.loaded()).capabilities
    assert capabilities is not None
    call = SpeechCall(TEXT, options=complete_options(capabilities.options, {}))
    await _through(model, call)
    ours, bare = [], []
    for _ in range(RUNS):
        ours.append(await _timed_through(model, call))
        bare.append(await _timed_bare(process, call))
    await process.stop()
    await stentor.close()
    more = statistics.median(ours) - statistics.median(bare)
    detail = f"{milliseconds(ours)}, bare {milliseconds(bare)}"
    return Result("warm call through the lifecycle over a bare one", more * 1e3, 0.5, " ms", detail)


async def _timed_through(model: Model, call: SpeechCall) -> float:
    began = time.perf_counter()
    await _through(model, call)
    return time.perf_counter() - began


async def _through(model: Model, call: SpeechCall) -> None:
    with model.scheduler.admit() as admission:
        await model.able("speech", admission)
        async with admission.lease() as backend:
            await backend.ensure_ready()
            async with aclosing(backend.speak(call)) as chunks:
                async for _ in chunks:
                    pass


async def _timed_bare(process: WorkerProcess, call: SpeechCall) -> float:
    began = time.perf_counter()
    async with await process.connect() as connection:
        await connection.send(synthesize_event(call), timeout=5.0)
        await _to_the_end(connection)
    return time.perf_counter() - began


async def _to_the_end(connection: Connection) -> None:
    while (await connection.receive(timeout=5.0)).type != "audio-stop":
        pass


async def _start(engine: str) -> float:
    """Seconds from nothing to a worker that is ready."""
    stentor = Stentor(_config(engine))
    began = time.perf_counter()
    await stentor.models.find("bench").load()
    seconds = time.perf_counter() - began
    await stentor.close()
    return seconds


def _config(engine: str) -> Config:
    backend = EngineBackendConfig(engine=engine)
    return Config(models={"bench": ModelConfig(backends=[backend])})
