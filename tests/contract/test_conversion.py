"""Models that convert: as a backend reaches them, and as the doors that have no use for them do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import numpy as np
import pytest

from stentor.backends.engine import EngineBackend
from stentor.errors import EngineFailed, InvalidRequest, StentorError, WorkerLost, WorkerStalled
from stentor.lifecycle.workers.worker import Worker
from stentor.types import AudioChunk
from stentor_engine import REFERENCE_RATE, ConversionCall, Reference
from stentor_engine.references import reference_id, samples_of
from tests.audio import wav
from tests.contract.conftest import worker_command
from tests.servers import ECHO, Server

LIMIT = 20.0
PCM = np.array([-32_768, -5, 0, 5, 32_767] * 6_000, "<i2")
SAID = samples_of(PCM.tobytes())
CONFIG = f"""{ECHO}
[models.turner]
backends = [{{ engine = "echo-convert" }}]
"""


@asynccontextmanager
async def backend(
    engine: str = "echo-convert", *, stall_timeout: float = LIMIT
) -> AsyncIterator[EngineBackend]:
    worker = Worker(worker_command(engine), start_timeout=LIMIT)
    reached = EngineBackend(engine, worker, max_parallel=None, stall_timeout=stall_timeout)
    try:
        yield reached
    finally:
        await worker.close(drain_timeout=0)


async def converted(reached: EngineBackend, call: ConversionCall) -> list[AudioChunk]:
    async with asyncio.timeout(LIMIT), aclosing(reached.convert(call)) as chunks:
        return [chunk async for chunk in chunks]


def joined(chunks: list[AudioChunk]) -> list[int]:
    assert {chunk.rate for chunk in chunks} == {REFERENCE_RATE}
    return [int(sample) for chunk in chunks for sample in chunk.samples]


@pytest.mark.anyio
async def test_a_backend_converts() -> None:
    """Every sample arrives, there and back; a recording is asked for once."""
    pcm = np.tile(np.array([16_384, -16_384], "<i2"), 12_000).tobytes()
    reference = Reference(reference_id(pcm), samples_of(pcm))
    async with backend() as reached:
        assert (await reached.ensure_ready()).task == "conversion"
        assert joined(await converted(reached, ConversionCall(SAID))) == PCM.tolist()
        for _ in range(2):
            call = ConversionCall(samples_of(pcm) / np.float32(2), reference=reference)
            assert joined(await converted(reached, call)) == [16_384, -16_384] * 12_000


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "error"),
    [
        (ConversionCall(SAID, "nobody"), InvalidRequest),
        (ConversionCall(SAID, options={"pitch": 1}), InvalidRequest),
        (ConversionCall(SAID, options={"fail_rate": 1.0}), EngineFailed),
        (ConversionCall(SAID, options={"crash_rate": 1.0}), WorkerLost),
        (ConversionCall(np.zeros(32 * REFERENCE_RATE, np.float32)), EngineFailed),
    ],
    ids=["voice", "option", "failure", "crash", "length"],
)
async def test_what_goes_wrong_is_a_typed_error(
    call: ConversionCall, error: type[StentorError]
) -> None:
    """And the next call goes well, in a new worker if it must be."""
    async with backend() as reached:
        with pytest.raises(error):
            await converted(reached, call)
        assert joined(await converted(reached, ConversionCall(SAID))) == PCM.tolist()


@pytest.mark.anyio
async def test_a_call_that_hangs_is_ended() -> None:
    async with backend("odd-conversion", stall_timeout=0.5) as reached:
        with pytest.raises(WorkerStalled):
            await converted(reached, ConversionCall(SAID, "hang"))
        assert not reached.warm


@pytest.mark.anyio
async def test_closing_it_early_frees_the_engine() -> None:
    async with backend("odd-conversion") as reached:
        async with aclosing(reached.convert(ConversionCall(SAID, "forever"))) as chunks:
            await anext(chunks)
        assert len(await converted(reached, ConversionCall(SAID))) > 0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(CONFIG) as running:
        yield running


def listed(server: Server) -> dict[str, dict[str, Any]]:
    return {model["id"]: model for model in server.http.get("/v1/models").json()["data"]}


def test_it_is_listed_as_what_it_is(server: Server) -> None:
    models = listed(server)
    assert (models["turner"]["task"], models["turner"]["alias_of"]) == ("conversion", None)
    assert "turner" not in {model["alias_of"] for model in models.values()}
    speaking = server.http.get("/v1/audio/models").json()["models"]
    assert "turner" not in {model["id"] for model in speaking}
    assert "echo" in {model["id"] for model in speaking}


def test_its_voices_are_told_when_it_is_asked_for_them(server: Server) -> None:
    asked = server.http.get("/v1/audio/voices", params={"model": "turner"}).json()["voices"]
    assert [voice["id"] for voice in asked] == ["same", "turned"]
    every = server.http.get("/v1/audio/voices").json()["voices"]
    assert every
    assert "turner" not in {voice["model"] for voice in every}


def test_it_neither_speaks_nor_transcribes(server: Server) -> None:
    speech = {"model": "turner", "input": "Hello.", "voice": "same"}
    spoken = server.http.post("/v1/audio/speech", json=speech)
    heard = server.http.post(
        "/v1/audio/transcriptions",
        data={"model": "turner"},
        files={"file": ("a.wav", wav(PCM, REFERENCE_RATE))},
    )
    for answer, does in ((spoken, "speak"), (heard, "transcribe")):
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == ("invalid_request", "model")
        assert error["message"] == f"model 'turner' does not {does}"
