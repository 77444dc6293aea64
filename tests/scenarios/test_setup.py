"""`stentor setup` pulls what it proposes, and OpenAI's names heed the languages that it was told.

The engines have the true ones' names, and weights from a stand-in for the hub.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.command import stentor
from tests.hub import Hub
from tests.servers import Server

ENGINES = """
import numpy as np

from stentor_engine import Capabilities, SpeechEngine, TranscriptionEngine, Weights

SMALL = (Weights(hub="maker/small"),)


class Kokoro(SpeechEngine):
    name = "kokoro"
    quality = 60
    languages = ("en", "fr")

    def __init__(self, settings):
        self.capabilities = Capabilities("speech", 8_000)

    def synthesize(self, call):
        yield np.zeros(8_000, np.int16)


class Piper(Kokoro):
    name = "piper"
    quality = 40
    weights = {"de_DE-one": SMALL, "many": SMALL}
    languages = {"de_DE-one": ("de",), "many": ("de", "en")}


class Turbo(Kokoro):
    name = "chatterbox-turbo"


class Multilingual(Kokoro):
    name = "chatterbox-multilingual"


class Whisper(TranscriptionEngine):
    name = "faster-whisper"
    quality = 80
    weights = {"large-v3-turbo": SMALL, "small": SMALL, "base": SMALL}

    def __init__(self, settings):
        self.capabilities = Capabilities("transcription", 16_000)

    def transcribe(self, call):
        yield None
"""


def meant(server: Server) -> dict[str, str]:
    models = server.http.get("/v1/models").json()["data"]
    return {model["id"]: model["alias_of"] for model in models if model["alias_of"]}


def test_names_mean_what_speaks_all_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "all.py").write_text(ENGINES)
    config = f"[engines]\npaths = ['{tmp_path}']\n"
    with Hub() as hub, Server(config) as server:
        hub.add("maker/small", {"model.bin": b"small"})
        here: dict[str, Any] = {
            "cwd": tmp_path,
            "env": {
                "STENTOR_CONFIG": str(server.folder / "stentor.toml"),
                "STENTOR_DATA_DIR": str(server.folder / "data"),
                "STENTOR_PORT": server.url.rpartition(":")[2],
                "HF_ENDPOINT": hub.url,
                "HF_HOME": str(tmp_path / "hf"),
            },
        }
        kept = server.folder / "data" / "languages.json"
        tried = stentor("setup", "--language", "de", "--language", "en", "--dry-run", **here)
        assert tried.returncode == 0, tried.stderr
        assert not kept.exists()

        english = stentor("setup", "--yes", **here)
        assert english.returncode == 0, english.stderr
        assert b"tts-1 means kokoro\n" in english.stderr
        assert not kept.exists()
        assert meant(server)["tts-1"] == "kokoro"

        both = stentor("setup", "--language", "German", "--language", "en", "--yes", **here)
        assert both.returncode == 0, both.stderr
        assert b"tts-1 means piper, which speaks de, en\n" in both.stderr
        assert json.loads(kept.read_text()) == ["de", "en"]
        assert meant(server)["tts-1"] == "piper"
        assert meant(server)["whisper-1"] == "faster-whisper"

        # Nothing new is pulled, and the server hears of the languages.
        french = stentor("setup", "--language", "fr", "--yes", **here)
        assert french.returncode == 0, french.stderr
        assert b"tts-1 means kokoro, which speaks fr\n" in french.stderr
        assert meant(server)["tts-1"] == "kokoro"

        told = json.loads(stentor("doctor", "--json", **here).stdout)
        names = {finding["about"]: finding for finding in told}
        assert names["tts-1"]["state"] == "ok"
        assert names["tts-1"]["what"].endswith("; speaks fr")
        assert not [each for each in told if "would be better" in each["what"]]


def test_the_start_tells_which_languages_are_spoken(tmp_path: Path) -> None:
    (tmp_path / "all.py").write_text(ENGINES)
    config = (
        f"[engines]\npaths = ['{tmp_path}']\nlanguages = ['German', 'en-GB', 'ja']\n"
        '[models.k]\nbackends = [{ engine = "kokoro" }]\n'
    )
    with Server(config) as server:
        assert meant(server)["tts-1"] == "espeak"
        assert "speaks de, en, ja" in server.all_logged()
        assert "hears en, not de, ja" in server.log
