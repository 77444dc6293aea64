"""Requests for transcriptions, as curl sends them."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.servers import Server

RATE = 16_000

TRANSCRIPTIONS = "/v1/audio/transcriptions"

VERBOSE = "/v1/audio/transcriptions/verbose"

TRANSLATIONS = "/v1/audio/translations"


def post(
    server: Server,
    audio: bytes,
    path: str = TRANSCRIPTIONS,
    *,
    content_type: str = "application/octet-stream",
    **fields: Any,
) -> httpx2.Response:
    """Fields as curl sends them; `model` is plain unless given."""
    data = {"model": "plain"} | fields
    return server.http.post(path, data=data, files={"file": ("a.bin", audio, content_type)})


def heard(server: Server, audio: bytes, path: str = TRANSCRIPTIONS, **more: Any) -> str:
    answer = post(server, audio, path, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["text"])
