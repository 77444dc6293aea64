"""What clients ask for before they speak, and the development server that lists what changed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import psutil
import pytest

from stentor.voices.resolve import OPENAI_VOICES, openai_voices, resolve_voice
from tests.conftest import StartServer
from tests.contract.engines import speech_engine
from tests.servers import ECHO, Server
from tests.wait import until

SPEECH = {"tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15"}
TRANSCRIPTION = {"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(ECHO) as running:
        yield running


def models(server: Server) -> dict[str, dict[str, Any]]:
    answer = server.http.get("/v1/models").json()
    assert answer["object"] == "list"
    return {model["id"]: model for model in answer["data"]}


def test_models_tell_what_they_do_before_they_start(start_server: StartServer) -> None:
    server = start_server(ECHO)
    listed = models(server)
    assert set(listed) == {
        *("echo", "echo-transcribe", "espeak", "pocketsphinx"), *SPEECH, *TRANSCRIPTION,
    }  # fmt: skip
    for name in SPEECH | TRANSCRIPTION:
        meant = "espeak" if name in SPEECH else "pocketsphinx"
        task = "speech" if name in SPEECH else "transcription"
        assert (listed[name]["alias_of"], listed[name]["task"]) == (meant, task)
    assert listed["echo"]["alias_of"] is None
    assert listed["echo-transcribe"]["task"] == "transcription"
    assert server.workers() == []
    assert server.http.get("/v1/audio/models").status_code == 200
    assert server.workers() == []


def test_languages_are_told_when_they_are_known(start_server: StartServer) -> None:
    server = start_server()
    assert models(server)["tts-1"]["languages"] == []
    server.http.get("/v1/audio/voices", params={"model": "espeak"})
    assert {"en-us", "de"} <= set(models(server)["tts-1"]["languages"])


def test_openais_client_reads_them(server: Server) -> None:
    client = server.client()
    assert {model.id for model in client.models.list()} >= SPEECH | {"echo"}
    assert client.models.retrieve("tts-1").owned_by == "alias of espeak"


def test_diarization_is_not_pretended(server: Server) -> None:
    answer = server.http.get("/v1/models/gpt-4o-transcribe-diarize")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"


def test_open_webui_lists_what_speaks(server: Server) -> None:
    answer = server.http.get("/v1/audio/models").json()
    assert {model["id"] for model in answer["models"]} == {"echo", "espeak"} | SPEECH


def test_open_webui_lists_voices(start_server: StartServer) -> None:
    server = start_server(ECHO)
    asked = server.http.get("/v1/audio/voices", params={"model": "echo"}).json()["voices"]
    assert {"id": "low", "name": "Low", "model": "echo", "languages": [], "gender": None} in asked
    assert len(server.workers()) == 1
    server.http.get("/v1/audio/voices", params={"model": "echo-transcribe"})
    assert server.http.get("/v1/audio/voices").json()["voices"] == asked


def test_on_a_fresh_server_those_of_what_tts_1_means(start_server: StartServer) -> None:
    config = '[models.ears]\nbackends = [{ engine = "echo-transcribe" }]\n' + ECHO
    server = start_server(config)
    voices = server.http.get("/v1/audio/voices").json()["voices"]
    assert {voice["model"] for voice in voices} == {"espeak"}
    genders = {voice["id"]: voice["gender"] for voice in voices}
    assert (genders["en-us"], genders["en-us+f1"], genders["en-us+m8"]) == (
        "male",
        "female",
        "male",
    )


def test_thirteen_names_are_thirteen_voices_of_espeak() -> None:
    capabilities = speech_engine("espeak").capabilities
    meant = {name: resolve_voice(name, capabilities) for name in OPENAI_VOICES}
    assert len(set(meant.values())) == len(OPENAI_VOICES)
    assert all((voice or "").startswith("en-us") for voice in meant.values())
    assert meant["nova"] != meant["onyx"]
    chosen = openai_voices([v for v in capabilities.voices if v.id.startswith("en-us")])
    unlike = [name for name, gender in OPENAI_VOICES.items() if chosen[name].gender != gender]
    assert unlike == ["marin"]  # it has five women's voices, and six names ask for one


@pytest.mark.parametrize(
    ("language", "voice"), [("fr", "fr-fr"), ("pt", "pt"), ("en", "en-us"), ("zh", "cmn")]
)
def test_the_gateway_finds_the_voice_that_espeak_would(language: str, voice: str) -> None:
    capabilities = speech_engine("espeak").capabilities
    assert resolve_voice(None, capabilities, language=language) == voice


def test_names_sound_different(server: Server) -> None:
    def said(voice: str) -> bytes:
        body = {"model": "tts-1", "input": "One.", "voice": voice, "response_format": "pcm"}
        answer = server.http.post("/v1/audio/speech", json=body)
        assert answer.status_code == 200
        return answer.content

    assert len({said(name) for name in ("alloy", "ash", "nova", "en-us")}) == 4


def test_a_language_that_nothing_speaks_is_refused(server: Server) -> None:
    body = {"model": "tts-1", "input": "One.", "voice": "alloy", "language": "tlh-nowhere"}
    answer = server.http.post("/v1/audio/speech", json=body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "language")


ENGINE = """
from stentor_engine import *

class Mine(SpeechEngine):
    name = "mine"

    def __init__(self, settings):
        self.capabilities = Capabilities("speech", 8_000, voices=(Voice("VOICE", "A voice"),))

    def synthesize(self, call):
        yield None
"""
CONFIG = '[engines]\npaths = ["engines"]\n[models.mine]\nbackends = [{ engine = "mine" }]\n'


class Development:
    """`stentor serve --reload` with an engine folder, in a session of its own as in a terminal."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="st-")
        self.folder = Path(self._temporary.name)
        (self.folder / "engines").mkdir()
        self.say("one")
        self.configure(CONFIG)

    def say(self, voice: str) -> None:
        (self.folder / "engines" / "mine.py").write_text(ENGINE.replace("VOICE", voice))

    def configure(self, text: str) -> None:
        (self.folder / "stentor.toml").write_text(text)

    def __enter__(self) -> Self:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("STENTOR_")}
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "stentor.cli.main", "serve", "--reload", "--port", "0"],
            env={**clean, "TMPDIR": str(self.folder), "STENTOR_CONFIG": "stentor.toml"},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        until(lambda: "listens on" in self.log, "it listens")
        found = re.search(r"listens on (http://\S+)", self.log)
        assert found is not None
        self.url = found[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self.processes():
            process.kill()
        self.popen.kill()
        self.popen.wait()
        self._reader.join(20)
        self._temporary.cleanup()

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def _read(self) -> None:
        assert self.popen.stderr is not None
        with self.popen.stderr as stderr:
            self._lines.extend(stderr)

    def voice(self) -> str:
        """As it is served; "" where a server ended under the request. It never refuses one."""
        try:
            answer = httpx2.get(f"{self.url}/v1/audio/voices?model=mine", timeout=60.0)
        except (httpx2.ReadError, httpx2.RemoteProtocolError):
            return ""
        assert answer.status_code in (200, 503)
        return str(answer.json()["voices"][0]["id"]) if answer.status_code == 200 else ""

    def processes(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.popen.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


def all_gone(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


@pytest.fixture
def development() -> Iterator[Development]:
    with Development() as running:
        yield running


def test_what_changes_is_served(development: Development) -> None:
    until(lambda: development.voice() == "one", "the engine is served")
    workers = [p for p in development.processes() if "stentor_engine.worker" in p.cmdline()]
    assert len(workers) == 1
    development.say("two")
    until(lambda: development.voice() == "two", "the changed engine is served")
    assert all_gone(workers)
    development.configure("[server]\nprot = 1\n")
    until(lambda: "server.prot" in development.log, "the mistake is told")
    development.say("three")
    development.configure(CONFIG)
    until(lambda: development.voice() == "three", "a mended configuration is served")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_of_it_is_left(development: Development, end: signal.Signals) -> None:
    until(lambda: development.voice() == "one", "the engine is served")
    processes = development.processes()
    assert any("stentor_engine.worker" in process.cmdline() for process in processes)
    if end is signal.SIGINT:  # a terminal tells all that it started
        os.killpg(development.popen.pid, end)
    else:
        development.popen.send_signal(end)
    code = development.popen.wait(30)
    assert code == (-end if end is signal.SIGKILL else 0)
    until(lambda: all_gone(processes), "all its processes ended")
    assert "Traceback" not in development.log
