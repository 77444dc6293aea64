"""Models whose server is somebody else's, started by a command: real ones, in processes."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import psutil
import pytest

from tests.audio import Samples, decoded, streamed_wav
from tests.conftest import StartServer
from tests.servers import Server
from tests.wait import until

PROGRAM = Path(__file__).parents[1] / "foreign" / "openai_server.py"
TEXT = "What is said here is long enough."
PIECE = 0.1
"""Seconds for a letter."""


class Foreign:
    """What a test says to such a server, and what that tells."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.mark = folder / "mark"

    def config(self, fault: str = "", *, model: str = "", backend: str = "", more: str = "") -> str:
        task = "" if "task" in backend or "protocol" in backend else 'task = "speech"'
        return f"""
        [lifecycle]
        {more}
        [models.foreign]
        {model}
        [[models.foreign.backends]]
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


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    with tempfile.TemporaryDirectory() as folder:
        yield Foreign(Path(folder))


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


def test_a_complete_wav(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("complete"))
    assert 0.08 < seconds(speak(server)) < 0.4


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("500", (500, "engine_failed")),
        ("400", (400, "invalid_request")),
        ("401", (503, "model_unavailable")),
        ("json", (500, "engine_failed")),
        ("html", (500, "engine_failed")),
        ("empty", (500, "engine_failed")),
    ],
)
def test_what_it_refuses_or_answers_wrongly(
    start_server: StartServer, foreign: Foreign, fault: str, expected: tuple[int, str]
) -> None:
    server = start_server(foreign.config(fault))
    answer = speak(server)
    assert code(answer) == expected
    assert "secret" not in answer.text
    if fault == "400":
        assert answer.json()["error"]["param"] == "voice"
        assert answer.json()["error"]["message"] == "bad voice"


@pytest.mark.parametrize("fault", ["401", "500", "html"])
def test_another_backend_takes_what_it_cannot_do(
    start_server: StartServer, foreign: Foreign, fault: str
) -> None:
    """For the whole of the request, in one voice."""
    also = '[[models.foreign.backends]]\nengine = "echo"'
    server = start_server(foreign.config(fault) + also)
    answer = speak(server, TEXT * 20)
    assert (answer.status_code, answer.headers["X-Stentor-Backend"]) == (200, "engine:echo:1")
    assert len(answer.content) > 24_000
    assert foreign.calls() == 1


@pytest.mark.parametrize("fault", ["short", "cut off"])
def test_audio_that_is_cut_off_is_never_taken_for_whole(
    start_server: StartServer, foreign: Foreign, fault: str
) -> None:
    """However far it came: the client sees an error, or a stream that breaks."""
    server = start_server(foreign.config(fault))
    try:
        answer = speak(server)
    except httpx2.RemoteProtocolError:
        return
    assert answer.status_code in (500, 503)


def test_one_that_is_busy_is_asked_again(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("busy once"))
    heard(speak(server))


@pytest.mark.parametrize("fault", ["die once", "stall once"])
def test_one_that_dies_or_stalls_while_it_speaks_is_started_anew(
    start_server: StartServer, foreign: Foreign, fault: str
) -> None:
    server = start_server(foreign.config(fault, more='stall_timeout = "1s"'))
    assert seconds(speak(server)) == pytest.approx(len(TEXT) * PIECE, abs=0.6)
    assert foreign.calls() == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_killed_or_stopped_from_outside(
    start_server: StartServer, foreign: Foreign, number: signal.Signals
) -> None:
    """While it speaks the second sentence, and the first is being heard."""
    config = foreign.config("slow", backend="max_chars = 40", more='stall_timeout = "1s"')
    server = start_server(config)
    body = {"model": "foreign", "input": " ".join([TEXT] * 3), "response_format": "wav"}
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        assert answer.status_code == 200, answer.read()
        pieces = answer.iter_raw()
        audio = next(pieces)
        until(lambda: foreign.calls() == 2, "the second sentence is asked for")
        (process,) = processes(server)
        process.send_signal(number)
        audio += b"".join(pieces)
    samples, rate = streamed_wav(audio)
    assert len(samples) / rate == pytest.approx(3 * len(TEXT) * PIECE, abs=2.0)
    (another,) = processes(server)
    assert another.pid != process.pid
    assert foreign.calls() == 4


def test_a_client_that_hangs_up_ends_the_call(start_server: StartServer, foreign: Foreign) -> None:
    """While it speaks the second sentence."""
    server = start_server(foreign.config("slow", backend="max_chars = 40"))
    body = {"model": "foreign", "input": " ".join([TEXT] * 3), "response_format": "wav"}
    with server.http.stream("POST", "/v1/audio/speech", json=body) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        until(lambda: foreign.calls() == 2, "the second sentence is asked for")
    until(lambda: foreign.says("hung_up"), "the server sees that its answer is not wanted")


def test_one_that_dies_starting(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("dies starting"))
    answer = speak(server)
    assert code(answer) == (503, "model_unavailable")
    assert "exit code 1" in answer.json()["error"]["message"]
    assert "no such GPU" not in answer.text
    assert "no such GPU" in server.all_logged()


def test_a_program_that_is_not_there(start_server: StartServer) -> None:
    config = """
    [models.foreign]
    backends = [{ kind = "process", command = ["no-such-program"], task = "speech" }]
    """
    server = start_server(config)
    answer = speak(server)
    assert code(answer) == (503, "model_unavailable")
    assert "no such program" in answer.json()["error"]["message"]
    assert "no-such-program" in server.all_logged()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('cwd = "nowhere"', "its cwd is no folder"),
        ('start_timeout = "1s"', "the last look: no connection; {port} is nowhere in its command"),
    ],
)
def test_why_one_is_not_started(start_server: StartServer, more: str, told: str) -> None:
    server = start_server(f"""
    [models.foreign]
    [[models.foreign.backends]]
    kind = "process"
    command = ["sleep", "60"]
    task = "speech"
    {more}
    """)
    answer = speak(server)
    assert code(answer) == (503, "model_unavailable")
    assert told in answer.json()["error"]["message"]


def test_one_that_is_never_ready(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("never ready", backend='start_timeout = "4s"'))
    answer = speak(server)
    assert code(answer) == (503, "model_unavailable")
    assert "GET /health gave 503" in answer.json()["error"]["message"]
    assert processes(server) == []


def test_a_port_that_somebody_has(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config())
    port = server.url.rpartition(":")[2]
    (server.folder / "other").mkdir()
    other = start_server(foreign.config(backend=f"port = {port}"))
    answer = speak(other)
    assert code(answer) == (503, "model_unavailable")
    assert f"port {port}" in answer.json()["error"]["message"]


def test_nothing_is_left_of_one_that_is_idle(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config("leaves children", model="idle_timeout = 0"))
    heard(speak(server))
    until(lambda: not server.process.children(recursive=True), "all have ended")
    left = [pid for pid in foreign.says("children") if psutil.pid_exists(pid)]
    assert not left
    heard(speak(server))


def test_nothing_is_left_when_the_server_of_a_command_is_killed(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(foreign.config("leaves children"))
    heard(speak(server))
    (process,) = processes(server)
    process.kill()
    children = foreign.says("children")
    until(lambda: not any(psutil.pid_exists(pid) for pid in children), "they have ended too")


def test_nothing_is_left_of_a_gateway_that_is_killed(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(foreign.config("leaves children"))
    heard(speak(server))
    family = server.process.children(recursive=True)
    assert len(family) == 4  # keeper, server and two children
    server.kill()
    until(lambda: not any(each.is_running() for each in family), "they have ended too")


def test_a_keeper_that_is_killed_takes_the_server_along(
    start_server: StartServer, foreign: Foreign
) -> None:
    server = start_server(foreign.config())
    heard(speak(server))
    (process,) = processes(server)
    keeper = process.parent()
    assert keeper is not None
    keeper.kill()
    until(lambda: not process.is_running(), "the server ends")
    heard(speak(server))


def test_memory_is_measured(start_server: StartServer, foreign: Foreign) -> None:
    server = start_server(foreign.config())
    heard(speak(server))

    def measured() -> bool:
        lines = server.http.get("/metrics").text.splitlines()
        name = 'stentor_worker_memory_bytes{backend="process",device="ram",model="foreign"}'
        return any(line.startswith(name) and float(line.split()[-1]) > 10e6 for line in lines)

    until(measured, "its memory is in the metrics")


def test_it_makes_room_for_another(start_server: StartServer, foreign: Foreign) -> None:
    # What the first takes is soon measured, and little: it is in the way of almost everything.
    config = foreign.config(backend='memory = "998MB"', more='memory_budget = { ram = "1GB" }')
    second = config[config.index("[models.foreign]") :].replace("models.foreign", "models.second")
    server = start_server(config + second)
    heard(speak(server))
    (first,) = processes(server)
    heard(speak(server, model="second"))
    (another,) = processes(server)
    assert first.pid != another.pid


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


def voice(server: Server) -> bytes:
    """Something that is taken for speech: a wav of the engine that every Stentor has."""
    body = {"model": "espeak", "input": "One, two, three.", "response_format": "wav"}
    return bytes(server.http.post("/v1/audio/speech", json=body).content)


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
