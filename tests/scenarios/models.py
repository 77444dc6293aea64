"""Models of a running server: asked to speak, and looked at from outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import httpx2
import psutil

from tests.servers import Server

MIB = 2**20
TEXT = "Hello there, how are you?"


def echo(name: str, options: str = "", *, keys: str = "", backend: str = "") -> str:
    """Of the configuration: a model with one backend."""
    told = "".join(f", {each}" for each in (backend, f"options = {{ {options} }}") if each)
    return f'[models.{name}]\n{keys}\nbackends = [{{ engine = "echo"{told} }}]\n'


def speech(model: str, text: str = TEXT, **more: object) -> dict[str, object]:
    """The seed is given: derived, it would depend on the model's name."""
    return {"model": model, "input": text, "response_format": "pcm", "seed": 1, **more}


def ask(server: Server, model: str, text: str = TEXT, **more: object) -> httpx2.Response:
    return server.http.post("/v1/audio/speech", json=speech(model, text, **more))


def state(server: Server, model: str) -> dict[str, Any]:
    answer = server.http.get(f"/api/models/{model}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def service(server: Server, model: str, backend: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = state(server, model)["backends"][backend]["service"]
    return told


def stands(server: Server, model: str, backend: int = 0) -> str:
    """`stopped`, `starting`, …"""
    told: str = service(server, model, backend)["state"]
    return told


def taken(server: Server) -> int:
    """Bytes that all workers take, with all that they started."""
    total = 0
    for worker in server.workers():
        try:
            total += worker.memory_info().rss
        except psutil.NoSuchProcess:
            pass  # it ended just now
    return total


def error(answer: httpx2.Response) -> Mapping[str, Any]:
    """In the shape that clients know."""
    told: Mapping[str, Any] = answer.json()["error"]
    assert set(told) == {"message", "type", "param", "code"}
    assert told["message"]
    return told


def right_or_clear(answer: httpx2.Response, expected: bytes, clear: Collection[str]) -> bool:
    """Whether it is right; else it is one of these errors."""
    if answer.status_code == 200:
        assert answer.content == expected
        return True
    assert answer.status_code == 503
    assert error(answer)["code"] in clear
    return False
