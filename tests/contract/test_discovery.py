"""What clients ask for before they speak."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from stentor.voices.resolve import OPENAI_VOICES, openai_voices, resolve_voice
from tests.conftest import StartServer
from tests.contract.engines import speech_engine
from tests.servers import ECHO, Server

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


def test_the_page_of_all_routes_needs_no_internet(server: Server) -> None:
    page = server.http.get("/docs").text
    assert "//" not in page  # no address of another host
    used = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert len(used) == 2
    for path in [*used, "/openapi.json"]:
        assert server.http.get(path).status_code == 200
