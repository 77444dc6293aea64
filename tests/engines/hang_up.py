"""A client hangs up amid what the engine cannot divide: its worker's CPU time stands still."""

from __future__ import annotations

import json
from collections.abc import Mapping

import psutil

from tests.scenarios.test_hang_up import connect, cpu
from tests.servers import Server
from tests.wait import until


def speech_request(**body: object) -> bytes:
    data = json.dumps(body).encode()
    return _head("/v1/audio/speech", "application/json", len(data)) + data


def transcription_request(audio: bytes, **fields: str) -> bytes:
    edge = "----edge"
    part = f"--{edge}\r\nContent-Disposition: form-data; name="
    parts = "".join(f'{part}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    data = f'{parts}{part}"file"; filename="a"\r\n\r\n'.encode()
    data += audio + f"\r\n--{edge}--\r\n".encode()
    kind = f"multipart/form-data; boundary={edge}"
    return _head("/v1/audio/transcriptions", kind, len(data)) + data


def assert_stops(
    server: Server, engine: str, request: bytes, *, start: float, within: float = 20.0
) -> None:
    """Within so many seconds, of the minutes that the whole would take. `start`: CPU seconds of a
    worker's start, at most.
    """
    known: Mapping[psutil.Process, float] = {each: cpu(each) for each in server.workers(engine)}

    def busy() -> psutil.Process | None:
        now = server.workers(engine)
        return next((each for each in now if cpu(each) > known.get(each, start) + 1.0), None)

    with connect(server) as client:
        client.sendall(request)
        worker = until(busy, "it computes", timeout=90)
    assert worker is not None
    until(lambda: _still(worker), "it stands still", timeout=within)


def _still(worker: psutil.Process) -> bool:
    before = cpu(worker)
    psutil.cpu_percent(interval=0.3)
    return cpu(worker) - before < 0.05


def _head(path: str, kind: str, length: int) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    return f"{head}Content-Length: {length}\r\n\r\n".encode()
