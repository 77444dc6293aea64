"""A server of somebody else's behind a model, as tests configure it and look at it."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.audio import Samples, streamed_wav
from tests.servers import Server

PROGRAM = Path(__file__).parents[1] / "foreign" / "openai_server.py"
TEXT = "What is said here is long enough."
PIECE = 0.1
"""Seconds for a letter."""


SOCKETS = pytest.mark.skipif(
    not (importlib.util.find_spec("websockets") or importlib.util.find_spec("wsproto")),
    reason="the server of this environment has no WebSockets",
)


class Foreign:
    """What a test says to such a server, and what that tells."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.mark = folder / "mark"

    def config(self, fault: str = "", *, model: str = "", backend: str = "", more: str = "") -> str:
        return f"[lifecycle]\n{more}\n{self.model(fault, keys=model, backend=backend)}"

    def model(
        self, fault: str = "", *, name: str = "foreign", keys: str = "", backend: str = ""
    ) -> str:
        task = "" if "task" in backend or "protocol" in backend else 'task = "speech"'
        return f"""
        [models.{name}]
        {keys}
        [[models.{name}.backends]]
        kind = "process"
        command = [{sys.executable!r}, {str(PROGRAM)!r}, "{{port}}"]
        health = "/health"
        env = {{ FAULT = "{fault}", LOG = {str(self.log)!r}, MARK = {str(self.mark)!r} }}
        {task}
        {backend}
        """

    def told(self) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines]

    def calls(self) -> int:
        """Of speech, so far."""
        return sum("body" in line for line in self.told())

    def says(self, name: str) -> Any:
        return next((line[name] for line in self.told() if name in line), None)


def processes(server: Server) -> list[psutil.Process]:
    """Of the foreign server: its own, without the keeper's."""
    return [
        each
        for each in server.process.children(recursive=True)
        if each.status() != psutil.STATUS_ZOMBIE and each.cmdline()[1:2] == [str(PROGRAM)]
    ]


def speak(server: Server, text: str = TEXT, **fields: Any) -> Any:
    body = {"model": "foreign", "input": text, "response_format": "wav", **fields}
    return server.http.post("/v1/audio/speech", json=body)


def heard(answer: Any) -> tuple[Samples, int]:
    assert answer.status_code == 200, answer.text
    return streamed_wav(answer.content)


def seconds(answer: Any) -> float:
    samples, rate = heard(answer)
    return len(samples) / rate


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def voice(server: Server) -> bytes:
    """Something that is taken for speech: a wav of the engine that every Stentor has."""
    body = {"model": "espeak", "input": "One, two, three.", "response_format": "wav"}
    return bytes(server.http.post("/v1/audio/speech", json=body).content)
