"""Models whose server is somebody else's, started by a command: they speak and hear."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.audio import decoded
from tests.conftest import StartServer
from tests.scenarios.foreign import (
    PIECE,
    TEXT,
    Foreign,
    code,
    heard,
    processes,
    seconds,
    speak,
    voice,
)


def test_it_speaks(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config())
    assert processes(server) == []  # it starts when it is first needed
    samples, rate = heard(answer := speak(server, voice="bert"))
    assert answer.headers["X-Stentor-Backend"] == "process"
    assert len(samples) / rate == pytest.approx(len(TEXT) * PIECE, abs=0.3)
    loud = samples[rate // 2 : rate].astype(float)
    spectrum = np.abs(np.fft.rfft(loud * np.hanning(len(loud))))
    assert np.argmax(spectrum) * rate / len(loud) == pytest.approx(440, abs=3)
    body = foreign.says("body")
    assert body == {"model": "foreign", "input": TEXT, "voice": "bert", "response_format": "wav"}
    voices = server.http.get("/v1/audio/voices", params={"model": "foreign"}).json()["voices"]
    assert [each["id"] for each in voices] == ["anna", "bert"]
    assert code(speak(server, voice="carl")) == (400, "voice_not_found")


def test_what_is_configured_is_asked_for(start_server: StartServer, foreign: Foreign) -> None:
    backend = """
        sample_rate = 16000
        model = "other"
        voices = ["dora", "emil"]
        speed = [0.5, 2.0]
        instructions = true
        options = { exaggeration = 0.7 }
    """
    server = start_server(foreign.config(backend=backend))
    heard(speak(server, "Hello.", speed=1.5, instructions="Whisper."))
    assert foreign.says("body") == {
        "model": "other",
        "input": "Hello.",
        "voice": "dora",
        "response_format": "pcm",
        "speed": 1.5,
        "instructions": "Whisper.",
        "exaggeration": 0.7,
    }


def test_a_speed_that_it_is_not_known_to_take_is_ours(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(foreign.config())
    assert seconds(speak(server, speed=2.0)) == pytest.approx(len(TEXT) * PIECE / 2, abs=0.3)
    assert "speed" not in foreign.says("body")


def test_it_hears(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config(backend='task = "transcription"\nword_times = true'))
    fields = {
        "model": "foreign",
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["word", "segment"],
        "prompt": "names",
    }
    answer = server.http.post(
        "/v1/audio/transcriptions", data=fields, files={"file": voice(server)}
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["text"] == "hello from elsewhere"
    assert told["language"] == "english"
    assert [word["word"] for word in told["words"]] == ["hello", "from", "elsewhere"]
    asked = next(line for line in foreign.told() if "size" in line)
    assert (asked["response_format"], asked["prompt"]) == ("verbose_json", "names")


def test_it_hears_without_verbose_json(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("json only", backend='task = "transcription"'))
    for _ in range(2):
        answer = server.http.post(
            "/v1/audio/transcriptions", data={"model": "foreign"}, files={"file": voice(server)}
        )
        assert answer.json()["text"] == "hello from elsewhere"
    formats = [line["response_format"] for line in foreign.told() if "size" in line]
    assert formats == ["verbose_json", "json", "json"]


def test_a_stentor_behind_a_stentor(start_server: StartServer, tmp_path: Path) -> None:
    config = f"""
    [models.far]
    [[models.far.backends]]
    kind = "process"
    command = [{sys.executable!r}, "-m", "stentor.cli.main", "serve", "--port", "{{port}}"]
    env = {{ STENTOR_DATA_DIR = {str(tmp_path)!r} }}
    cwd = {str(tmp_path)!r}
    health = "/readyz"
    task = "speech"
    model = "espeak"
    """
    server = start_server(config)
    body = {"input": "One, two, three.", "response_format": "wav", "voice": "de", "speed": 1.5}
    near = server.http.post("/v1/audio/speech", json={**body, "model": "espeak"})
    far = server.http.post("/v1/audio/speech", json={**body, "model": "far"})
    assert far.status_code == 200, far.text
    assert far.headers["X-Stentor-Backend"] == "process"
    one, two = (decoded(answer.content) for answer in (near, far))
    assert len(one[0]) / one[1] == pytest.approx(len(two[0]) / two[1], rel=0.1)
    voices = server.http.get("/v1/audio/voices", params={"model": "far"}).json()["voices"]
    assert len(voices) > 100
    assert {each["languages"][0] for each in voices if each["id"] == "de"} == {"de"}
