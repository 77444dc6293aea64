"""No room on the disk: a clear error, and the server goes on."""

from __future__ import annotations

import resource

import psutil

from tests.conftest import StartServer

ROOM = 4 * 2**20


def limit_files(process: psutil.Process, size: int) -> None:
    """Every write past so many bytes of a file fails, as on a full disk."""
    process.rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_a_complete_answer(start_server: StartServer) -> None:
    server = start_server()
    body = {"model": "echo", "input": "A sentence. " * 1000, "stream": False}
    body |= {"response_format": "wav", "options": {"char_seconds": 0.03}}
    limit_files(server.process, ROOM)
    answer = server.http.post("/v1/audio/speech", json=body)
    assert answer.status_code == 507
    assert answer.json()["error"]["code"] == "storage_full"
    assert server.http.post("/v1/audio/speech", json=body | {"stream": True}).status_code == 200


def test_an_upload(start_server: StartServer) -> None:
    server = start_server()
    limit_files(server.process, ROOM)
    answer = server.http.post(
        "/v1/audio/transcriptions",
        data={"model": "echo-transcribe"},
        files={"file": bytes(4 * ROOM)},
    )
    assert answer.status_code == 507
    assert answer.json()["error"]["code"] == "storage_full"
    assert server.http.get("/health").status_code == 200
