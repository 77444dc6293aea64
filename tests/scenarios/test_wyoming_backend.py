"""Models behind a Wyoming server of somebody else's, started by a command."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.audio import streamed_wav
from tests.conftest import StartServer
from tests.scenarios.foreign import voice
from tests.servers import Server

PROGRAM = Path(__file__).parents[1] / "foreign" / "wyoming_server.py"
TEXT = "What is said here is long enough."


@pytest.fixture
def mark() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "mark"


def config(fault: str = "", more: str = "", mark: Path = Path("/dev/null")) -> str:
    return f"""
    [models.foreign]
    [[models.foreign.backends]]
    kind = "process"
    protocol = "wyoming"
    command = [{sys.executable!r}, {str(PROGRAM)!r}, "{{port}}"]
    env = {{ FAULT = "{fault}", MARK = {str(mark)!r} }}
    {more}
    """


def speak(server: Server, **fields: Any) -> Any:
    body = {"model": "foreign", "input": TEXT, "response_format": "wav", **fields}
    return server.http.post("/v1/audio/speech", json=body)


def voices(server: Server) -> dict[str, list[str]]:
    told = server.http.get("/v1/audio/voices", params={"model": "foreign"}).json()["voices"]
    return {each["id"]: each["languages"] for each in told}


def seconds(answer: Any) -> float:
    assert answer.status_code == 200, answer.text
    samples, rate = streamed_wav(answer.content)
    return len(samples) / rate


@pytest.mark.parametrize("fault", ["", "stereo"])
def test_it_speaks(start_server: StartServer, fault: str) -> None:
    server = start_server(config(fault))
    assert voices(server) == {"amy": ["en_GB"], "many:one": ["de_DE"], "many:two": ["de_DE"]}
    quiet, loud = speak(server, voice="many:one"), speak(server, voice="many:two")
    assert seconds(quiet) == pytest.approx(len(TEXT) / 10, abs=0.3)
    levels = [np.abs(streamed_wav(each.content)[0].astype(int)).mean() for each in (quiet, loud)]
    assert levels[1] / levels[0] == pytest.approx(4, rel=0.1)


def test_only_the_voices_that_are_configured(start_server: StartServer) -> None:
    server = start_server(config(more='voices = ["many:two", "amy", "nobody"]'))
    assert list(voices(server)) == ["many:two", "amy"]


def test_it_hears(start_server: StartServer) -> None:
    server = start_server(config("hears"))
    answer = server.http.post(
        "/v1/audio/transcriptions",
        data={"model": "foreign", "language": "de"},
        files={"file": voice(server)},
    )
    assert answer.status_code == 200, answer.text
    heard = answer.json()["text"]
    assert heard.endswith("seconds in de")
    assert 1.0 < float(heard.split()[0]) < 3.0


def test_one_that_does_both_is_told_which(start_server: StartServer) -> None:
    server = start_server(config("both"))
    answer = speak(server)
    assert answer.status_code == 503
    assert "configure its task" in answer.json()["error"]["message"]
    seconds(speak(start_server(config("both", more='task = "speech"'))))


def test_one_that_dies_is_started_anew(start_server: StartServer, mark: Path) -> None:
    server = start_server(config("die once", mark=mark))
    assert seconds(speak(server)) == pytest.approx(len(TEXT) / 10, abs=0.6)
    assert mark.exists()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("fails", (500, "engine_failed")),
        ("garbage", (500, "engine_failed")),
        ("hangs up", (503, "worker_lost")),
    ],
)
def test_what_goes_wrong(start_server: StartServer, fault: str, expected: tuple[int, str]) -> None:
    answer = speak(start_server(config(fault)))
    assert (answer.status_code, answer.json()["error"]["code"]) == expected
